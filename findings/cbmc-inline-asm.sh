#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: CBMC either understands an asm statement or takes its outputs for unknown values, so that what it
# proves holds whatever the instructions do.
#
# What happens: CBMC 6 skips AArch64 instructions without a word. An output operand keeps the value that the
# variable had before, so the proof that "mov x, #2" leaves x at 1 succeeds. There is no warning, and the
# status is 0.
#
# Why it matters: system register reads, barriers and exclusive accesses in firmware and drivers are asm. A
# proof over such code must replace every asm statement by a function that returns an unknown value;
# forgetting one gives a false proof and not an error.
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
echo 'guess:     the output of an asm statement is unknown, or the statement is refused'
echo 'behaviour: the statement is skipped and the variable keeps its value; the false assertion is proved'

cd /tmp
cat >asm.c <<'END'
#include <assert.h>
#include <stdint.h>

void move(void)
{
	uint64_t x = 1;

	__asm__ volatile("mov %0, #2" : "=r" (x));
	assert(x == 1);
}

void system_register(void)
{
	uint64_t level = 0;

	__asm__ volatile("mrs %0, CurrentEL" : "=r" (level));
	assert(level == 0);
}

void memory(void)
{
	uint64_t word = 5;

	__asm__ volatile("str xzr, [%0]" : : "r" (&word) : "memory");
	assert(word == 5);
}
END
verdict() {
	local status=0
	cbmc --arch arm64 --function "$1" asm.c >log 2>&1 || status=$?
	printf '%s, status %d, %d warnings' "$(grep -E '^VERIFICATION' log)" "$status" \
		"$(grep -ciE 'warn|ignor|skip' log || :)"
}
for function in move system_register memory; do
	expect "$function" 'VERIFICATION SUCCESSFUL, status 0, 0 warnings' "$(verdict "$function")"
done
exit "$failed"
