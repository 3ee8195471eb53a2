#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: options of spin may stand before or after -run, and a verification that found an error, or that did
# not take place, ends with a status other than 0.
#
# What happens: what follows -run is handed to the compiler or to the verifier pan. "spin -run -o3 model"
# gives pan an option that it does not know; pan prints its usage and verifies nothing, while "spin -o3 -run
# model" finds the error. The status is 0 in both cases: a found error, a usage page and a clean run look
# alike to make.
#
# Why it matters: models of lock and lifetime protocols run in CI. A misplaced option makes the check pass
# for good; a script must look for the line "errors: 0" and for the depth message, never at the status.
#
# Versions: spin 6.5.2 of Debian 13, gcc 14.2, amd64.
set -euo pipefail
architectures=amd64
packages='spin=6.5.2+dfsg-2 gcc=4:14.2.0-1 libc6-dev'

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

echo 'version:   spin 6.5.2+dfsg-2'
echo 'guess:     -run -o3 verifies like -o3 -run; a violated assertion gives a status other than 0'
echo 'behaviour: -run -o3 verifies nothing; the status is 0 with an error, without one, and without a search'

cd /tmp
printf 'byte x;\nactive proctype P() { x = 1; assert(x == 2) }\n' >bad.pml
run() {
	local status=0
	spin "$@" bad.pml >log 2>&1 || status=$?
	printf '%s, status %d' "$(grep -oE 'errors: [0-9]+' log || echo 'no search')" "$status"
}
expect 'spin -run' 'errors: 1, status 0' "$(run -run)"
expect 'spin -o3 -run' 'errors: 1, status 0' "$(run -o3 -run)"
expect 'spin -run -o3' 'no search, status 0' "$(run -run -o3)"
exit "$failed"
