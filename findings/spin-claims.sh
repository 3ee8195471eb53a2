#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: spin -run checks everything that a model states: its assertions, that no process is stuck for ever,
# and each of its ltl formulas.
#
# What happens: with one ltl formula in the file, the search for stuck processes (invalid end states) is
# off; with two, only the first is checked. The verifier says so in notes among its statistics ("disabled by
# never claim", "only one claim is used"), counts "errors: 0" and the status is 0. So adding a true formula
# to a model makes a deadlock that was found before disappear. Each formula needs a run of its own (-ltl
# NAME), and the deadlocks one without claims (-noclaim).
#
# Why it matters: a protocol model grows by formulas; the first one silently ends the deadlock check.
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
echo 'guess:     each ltl formula is checked, and deadlocks besides'
echo 'behaviour: only the first formula is; a formula of any kind turns the deadlock check off'

cd /tmp
errors() {
	spin "$@" 2>&1 | grep -oE 'errors: [0-9]+' || echo 'no search'
}
cat >stuck.pml <<'END'
byte x;
active proctype P() { x = 1; x == 2 }
END
{ cat stuck.pml; echo 'ltl bounded { [] (x < 5) }'; } >claim.pml
expect 'deadlock, no formula' 'errors: 1' "$(errors -run stuck.pml)"
expect 'deadlock, a true formula added' 'errors: 0' "$(errors -run claim.pml)"
expect 'the same with -noclaim' 'errors: 1' "$(errors -run -noclaim claim.pml)"
cat >two.pml <<'END'
byte x;
active proctype P() { x = 1; x = 2 }
ltl good { [] (x < 5) }
ltl wrong { [] (x < 2) }
END
expect 'a true and a false formula' 'errors: 0' "$(errors -run two.pml)"
expect 'the same with -ltl wrong' 'errors: 1' "$(errors -run -ltl wrong two.pml)"
exit "$failed"
