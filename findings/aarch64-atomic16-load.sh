#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: an atomic load reads. __atomic_load_n of a 16-byte value works on memory that is mapped read-only.
#
# What happens: AArch64 before FEAT_LSE2 has no plain 16-byte atomic load, so compilers make it from a pair
# that also writes: LDXP/STXP, or CASP with LSE. clang 19 inlines the first for the default -march, the
# second for armv8.1-a; both die of SIGSEGV on a read-only page, on the newest CPU too. With
# -march=armv8.4-a it uses LDP. gcc 14 always calls libatomic, which chooses by the CPU at run time: it dies
# on Cortex-A72 and works on a CPU with LSE2.
#
# Why it matters: a consumer maps shared memory read-only and reads a pair (sequence and pointer, or head
# and tail) in one piece. The program works where it was tested and dies on a CPU with other features; on
# memory that is mapped writable nobody notices that each read takes the cache line for itself.
#
# Versions: gcc 14.2, libatomic 14.2, clang 19.1.7, qemu-user 10.0.13 of Debian 13, amd64.
set -euo pipefail
architectures=amd64
packages='gcc-aarch64-linux-gnu=4:14.2.0-1 libc6-dev-arm64-cross clang-19=1:19.1.7-3+b1
	qemu-user=1:10.0.13+ds-0+deb13u1'

# Outside: make a temporary Debian 13 root with these packages, run this script in it, remove it.
# CACHE=DIR keeps the downloaded packages there; UNPINNED=1 takes the newest versions; MIRROR=URI names
# a Debian mirror instead of the one in the apt sources of this machine.
if [ "${1:-}" != inside ]; then
	# shellcheck disable=SC2016 # apt expands it
	read -r _ uri < <(apt-get indextargets --no-release-info --format '$(RELEASE) $(REPO_URI)' \
		'Identifier: Packages' 'Component: main' |
		grep -E '^(bookworm|trixie|forky|sid|stable|testing|unstable) ') || :
	case ${uri:=} in mirror+file:*) uri=$(grep -m1 -oE '^[a-z]+:[^[:space:]]+' "${uri#mirror+file:}") ;; esac
	uri=${MIRROR:-$uri}
	self=$(realpath "$0") sources=() hooks=()
	for suite in trixie trixie-updates trixie-backports; do sources+=("deb $uri $suite main"); done
	[ -z "${UNPINNED:-}" ] || packages=$(sed -E 's/=[^ ]+//g' <<<"$packages")
	if [ -n "${CACHE:-}" ]; then
		mkdir -p "$CACHE"
		debs=\"\$1\"/var/cache/apt/archives
		copy() { echo "cp -lu $1 $2 2>/dev/null || cp -u $1 $2 2>/dev/null || :"; }
		hooks+=(--skip=download/empty "--setup-hook=mkdir -p $debs/partial; $(copy "'$CACHE'/*.deb" "$debs")"
			"--extract-hook=$(copy "$debs/*.deb" "'$CACHE'")")
	fi
	# shellcheck disable=SC2016 # mmdebstrap's shell expands the hook
	exec mmdebstrap --quiet --variant=extract --format=null "--architectures=$architectures" \
		"--include=base-files bash coreutils dash grep sed mawk $packages" "${hooks[@]}" \
		--extract-hook="upload '$self' /finding" \
		--extract-hook='exec chroot "$1" env LC_ALL=C PATH=/usr/sbin:/usr/bin bash /finding inside' \
		trixie /dev/null "${sources[@]}"
fi

failed=0
# expect WHAT WANTED SEEN: prints what was seen; notes a difference.
expect() {
	printf 'seen:      %s: %s\n' "$1" "$3"
	[ "$2" = "$3" ] || { printf 'FAIL       %s: wanted %s\n' "$1" "$2"; failed=1; }
}

echo 'version:   gcc 14.2.0, clang 19.1.7, qemu-user 10.0.13'
echo 'guess:     a 16-byte atomic load works on a read-only mapping'
echo 'behaviour: it dies of SIGSEGV: clang below -march=armv8.4-a always, gcc by the CPU that it runs on'

cd /tmp
cat >load.c <<'END'
#include <stdio.h>
#include <sys/mman.h>

int main(void)
{
	__int128 *pair = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*pair = 42;
	mprotect(pair, 4096, PROT_READ);
	printf("%d", (int)__atomic_load_n(pair, __ATOMIC_ACQUIRE));
	return 0;
}
END
build() {
	case $1 in
	gcc) aarch64-linux-gnu-gcc -O2 "-march=$2" -c -o load.o load.c ;;
	clang) clang-19 --target=aarch64-linux-gnu -O2 "-march=$2" -c -o load.o load.c ;;
	esac
	aarch64-linux-gnu-gcc -static -o load load.o -latomic
}
run() {
	local status=0
	{ qemu-aarch64 -cpu "$1" ./load >log; } 2>/dev/null || status=$?
	case $status in 0) cat log ;; 139) echo SIGSEGV ;; *) echo "status $status" ;; esac
}
ulimit -c 0
for machine in armv8-a armv8.1-a armv8.4-a; do
	build clang "$machine"
	case $machine in armv8.4-a) wanted=42 ;; *) wanted=SIGSEGV ;; esac
	expect "clang -march=$machine on the newest CPU" "$wanted" "$(run max)"
	build gcc "$machine"
	expect "gcc -march=$machine on Cortex-A72" SIGSEGV "$(run cortex-a72)"
	expect "gcc -march=$machine on the newest CPU" 42 "$(run max)"
done
exit "$failed"
