#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: with SOURCE_DATE_EPOCH set, or with -T0 for all timestamps, mkfs.erofs makes the same image from
# the same tree each time, as mksquashfs and the other image tools of a reproducible build do.
#
# What happens: mkfs.erofs 1.8 writes a random UUID into the superblock each time, with either of them. The
# images differ in a few bytes; -U with a fixed UUID, together with -T, makes them equal.
#
# Why it matters: the root file system of a confidential VM is measured, by its digest or its dm-verity root
# hash. With a random UUID each build of the same tree has another measurement, and a verifier's reference
# value never fits a rebuilt image.
#
# Versions: erofs-utils 1.8.6 of Debian 13, amd64.
set -euo pipefail
architectures=amd64
packages='erofs-utils=1.8.6-1'

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

echo 'version:   erofs-utils 1.8.6-1'
echo 'guess:     SOURCE_DATE_EPOCH or -T0 makes equal images'
echo 'behaviour: they differ by a random UUID; equal only with -T0 and a fixed -U'

cd /tmp
mkdir tree
echo 'the same content' >tree/file
touch -d '2024-01-02 03:04:05 UTC' tree/file tree
# Makes the image twice with these options.
twice() {
	local digests
	mkfs.erofs --quiet "$@" one.img tree
	mkfs.erofs --quiet "$@" two.img tree
	digests=$(sha256sum <one.img; sha256sum <two.img)
	case $(sort -u <<<"$digests" | wc -l) in 1) echo equal ;; *) echo different ;; esac
}
expect 'no option' different "$(twice)"
expect '-T0' different "$(twice -T0)"
expect 'SOURCE_DATE_EPOCH' different "$(SOURCE_DATE_EPOCH=1 twice)"
expect 'SOURCE_DATE_EPOCH and -T0' different "$(SOURCE_DATE_EPOCH=1 twice -T0)"
expect '-T0 and a fixed -U' equal "$(twice -T0 -U 6d9bd0e4-5d42-4d0c-8b5b-0d1c5f3c7a10)"
exit "$failed"
