#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: on AArch64, a store-exclusive fails if another CPU has written the location since the
# load-exclusive, whatever value it wrote. This is why LDXR/STXR code needs no counter against the ABA
# problem.
#
# What happens: QEMU's TCG carries out STXR as compare-and-swap with the value that LDXR has read. If
# another thread stores 2 and then 1 again, STXR succeeds and the two stores have gone unnoticed. The
# architecture does not allow it: the other CPU's store clears the global monitor. Here the thread with the
# open exclusive access waits until the other one has made both stores, so the result does not depend on
# timing.
#
# Why it matters: lock-free rings and free lists in memory that realms or VMs share are tested in QEMU. It
# accepts an interleaving that hardware refuses, so a test that counts failed STXR, or a list that relies on
# them, behaves otherwise than on the machine; and LDXR alone proves nothing about stores.
#
# Versions: qemu-user 10.0.13, gcc 14.2 of Debian 13, amd64.
set -euo pipefail
architectures=amd64
packages='gcc-aarch64-linux-gnu=4:14.2.0-1 libc6-dev-arm64-cross qemu-user=1:10.0.13+ds-0+deb13u1'

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

echo 'version:   qemu-user 10.0.13'
echo 'guess:     STXR fails (status 1) after stores of another thread, even if the old value is back'
echo 'behaviour: it succeeds (status 0); it fails only if the value differs'

cd /tmp
cat >aba.c <<'END'
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t cell = 1, last;
static uint32_t step;

static void *other(void *unused)
{
	while (__atomic_load_n(&step, __ATOMIC_ACQUIRE) != 1)
		;
	__atomic_store_n(&cell, 2, __ATOMIC_SEQ_CST);
	__atomic_store_n(&cell, last, __ATOMIC_SEQ_CST);
	__atomic_store_n(&step, 2, __ATOMIC_RELEASE);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	uint64_t seen;
	uint32_t status, now;

	last = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
	pthread_create(&thread, NULL, other, NULL);
	__asm__ volatile("ldxr	%0, [%3]\n"
			 "	mov	%w2, #1\n"
			 "	stlr	%w2, [%4]\n"
			 "1:	ldar	%w2, [%4]\n"
			 "	cmp	%w2, #2\n"
			 "	b.ne	1b\n"
			 "	stxr	%w1, %5, [%3]\n"
			 : "=&r" (seen), "=&r" (status), "=&r" (now)
			 : "r" (&cell), "r" (&step), "r" (7UL) : "cc", "memory");
	pthread_join(thread, NULL);
	printf("status %u, cell %u", status, (unsigned)cell);
	return 0;
}
END
aarch64-linux-gnu-gcc -O2 -static -o aba aba.c
for cpu in cortex-a72 max; do
	expect "$cpu, the other stores 2 and 1" 'status 0, cell 7' "$(qemu-aarch64 -cpu "$cpu" ./aba 1)"
	expect "$cpu, the other stores 2 and 3" 'status 1, cell 3' "$(qemu-aarch64 -cpu "$cpu" ./aba 3)"
done
exit "$failed"
