#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: a search that spin's verifier cannot finish is an error, or at least not "errors: 0".
#
# What happens: the depth of the search is limited to 10,000 steps by default. Longer runs are cut there;
# the verifier prints "error: max search depth too small" once, above the statistics, then counts "errors:
# 0", and the status is 0. An assertion that fails behind the limit is not found; -m1000000 finds it.
#
# Why it matters: a model with a ring or a counter of a real size passes the limit easily. What looks like a
# complete proof of the protocol covers its beginning.
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
echo 'guess:     a search that was cut is counted as an error or has another status'
echo 'behaviour: "errors: 0" and status 0; one line above the statistics says that it was cut'

cd /tmp
cat >deep.pml <<'END'
int n;
active proctype P()
{
	do
	:: n < 20000 -> n++
	:: n == 20000 -> break
	od;
	assert(false)
}
END
run() {
	local status=0
	spin -run "$@" deep.pml >log 2>&1 || status=$?
	printf '%s, status %d' "$(grep -oE 'errors: [0-9]+' log || echo 'no search')" "$status"
}
expect 'default depth' 'errors: 0, status 0' "$(run)"
expect 'what it says about it' 'error: max search depth too small' "$(grep depth log | head -n 1)"
expect '-m1000000' 'errors: 1, status 0' "$(run -m1000000)"
exit "$failed"
