#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: DC ZVA zeroes 64 bytes, one cache line, on every AArch64 CPU that QEMU offers; and qemu-aarch64
# -cpu max has the same sizes as qemu-system-aarch64 -cpu max.
#
# What happens: in user emulation -cpu max, which is also the default CPU, DC ZVA zeroes 512 bytes while
# CTR_EL0 claims cache lines of 32 bytes. The other models have 64 and 64. A routine that clears one granule
# of a line's size with one DC ZVA clears 512 bytes.
#
# Why it matters: firmware and libraries for confidential VMs zero memory before it changes hands, by DC
# ZVA. Unit tests under qemu-user catch a wrong constant there only with -cpu max, and see "corrupted"
# neighbours if the size is taken from CTR_EL0 instead of DCZID_EL0; instruction counts of memset differ
# from the system too.
#
# Versions: qemu-user and qemu-system-arm 10.0.13, gcc 14.2 of Debian 13, amd64.
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
echo 'guess:     line 64, DC ZVA 64 for each CPU'
echo 'behaviour: -cpu max (the default) says line 32 and zeroes 512 bytes'

cd /tmp
cat >zva.c <<'END'
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static unsigned char page[4096] __attribute__((aligned(4096)));

int main(void)
{
	uint64_t ctr, dczid;
	unsigned zeroed = 0;

	__asm__("mrs %0, ctr_el0" : "=r" (ctr));
	__asm__("mrs %0, dczid_el0" : "=r" (dczid));
	memset(page, 1, sizeof(page));
	__asm__ volatile("dc zva, %0" : : "r" (page) : "memory");
	while (!page[zeroed])
		zeroed++;
	printf("line %u, announced %u, zeroed %u", 4u << (ctr >> 16 & 15), 4u << (dczid & 15), zeroed);
	return 0;
}
END
aarch64-linux-gnu-gcc -O2 -static -o zva zva.c
expect 'default CPU' 'line 32, announced 512, zeroed 512' "$(qemu-aarch64 ./zva)"
expect 'max' 'line 32, announced 512, zeroed 512' "$(qemu-aarch64 -cpu max ./zva)"
expect 'cortex-a72' 'line 64, announced 64, zeroed 64' "$(qemu-aarch64 -cpu cortex-a72 ./zva)"
expect 'neoverse-n1' 'line 64, announced 64, zeroed 64' "$(qemu-aarch64 -cpu neoverse-n1 ./zva)"
exit "$failed"
