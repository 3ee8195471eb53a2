#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: CBMC lets an object stand at any address that its type allows. A char array may be at an odd
# address, so a proof that a page-aligned pointer comes out of it fails, and a missing
# __attribute__((aligned)) is found.
#
# What happens: in CBMC 6 the address of an object is its number in the upper bits and zero below, so every
# object, even one char, seems to be aligned to any power of two that a program asks for, a megabyte for
# instance. The assertion that a char array on the stack starts on a 1 MiB boundary is proved; so is an
# unaligned 8-byte access through a pointer into a char array, without a complaint.
#
# Why it matters: tables and granules of a realm manager must be aligned. Code that checks or relies on it
# is proved for arrays that the linker puts anywhere; alignment needs another check (static_assert, nm).
#
# Versions: CBMC 6.6.0 of Debian 13, amd64, with --arch arm64.
set -euo pipefail
architectures=amd64
packages='cbmc=6.6.0-4 gcc=4:14.2.0-1 libc6-dev'

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

echo 'version:   CBMC 6.6.0-4'
echo 'guess:     the start of a char array may be unaligned, so each assertion fails'
echo 'behaviour: each object is aligned to everything; the assertions are proved'

cd /tmp
cat >align.c <<'END'
#include <assert.h>
#include <stdint.h>

static char table[3];

void static_array(void)
{
	assert((uintptr_t)table % 4096 == 0);
}

void local_array(void)
{
	char one, three[3];

	assert((uintptr_t)three % (1 << 20) == 0);
	assert((uintptr_t)&one % (1 << 20) == 0);
}

void unaligned_access(void)
{
	static char buffer[64];

	*(uint64_t *)(buffer + 1) = 5;
	assert(*(uint64_t *)(buffer + 1) == 5);
}
END
for function in static_array local_array unaligned_access; do
	expect "$function" 'VERIFICATION SUCCESSFUL' \
		"$(cbmc --arch arm64 --function "$function" align.c 2>&1 | grep -E '^VERIFICATION' || :)"
done
cat >where.c <<'END'
#include <stdint.h>
#include <stdio.h>

static char before, table[3];

int main(void)
{
	printf("%s\n", (uintptr_t)table % 4096 || (uintptr_t)&before % 4096 ? "unaligned" : "aligned");
	return 0;
}
END
gcc -o where where.c
expect 'the same array, compiled and run' 'unaligned' "$(./where)"
exit "$failed"
