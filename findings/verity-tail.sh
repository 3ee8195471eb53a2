#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: veritysetup format covers the whole image, or refuses one whose size is no multiple of the block
# size.
#
# What happens: it takes the whole blocks of 4,096 bytes and leaves the rest out, without a message: the
# root hash of an image with 100 bytes more is the root hash of the image cut to whole blocks. The mapped
# device ends there, so what stood in the last, partial block cannot be read through it.
#
# Why it matters: root images of confidential VMs are often squashfs with -nopad, cpio or tar, with sizes
# that are no multiple of 4,096. The image opens, and its last files, or the table at its end, are missing;
# two images that differ in their tail have one root hash. Pad the image before formatting.
#
# Versions: cryptsetup-bin 2.7.5 of Debian 13, amd64.
set -euo pipefail
architectures=amd64
packages='cryptsetup-bin=2:2.7.5-2'

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

echo 'version:   veritysetup 2:2.7.5-2'
echo 'guess:     the last, partial block is hashed, or veritysetup refuses or warns'
echo 'behaviour: it is left out silently; the root hash is that of the whole blocks'

cd /tmp
for number in {1..2000}; do echo "line $number of the image"; done >whole.img
truncate -s 40960 whole.img
{ cat whole.img; for number in {1..4}; do echo 'part of a last block....'; done; } >odd.img
# Root hash, number of blocks and messages.
format() {
	veritysetup format "--salt=$(printf '%064d' 0)" "$1" "$1.hash" >log 2>messages
	printf '%s %s' "$(sed -nE 's/^Root hash:[[:space:]]*//p' log)" \
		"$(sed -nE 's/^Data blocks:[[:space:]]*//p' log) blocks, $(wc -l <messages) messages"
}
whole=$(format whole.img)
expect 'image of 40,960 bytes' '10 blocks, 0 messages' "${whole#* }"
expect 'image of 41,060 bytes has the same root hash' "$whole" "$(format odd.img)"
exit "$failed"
