#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: CBMC takes each read of a volatile object for a new, unknown value, since volatile says that
# something outside the program may change it. So a proof over memory that a host or a peer can write finds
# a value that is checked with one read and used with another.
#
# What happens: CBMC 6 reads volatile objects like plain ones. Two reads give the same value, and the proof
# that they do succeeds. Only goto-instrument --nondet-volatile, a tool of its own between goto-cc and cbmc,
# makes reads unknown; cbmc itself has no such option.
#
# Why it matters: "the firmware reads a descriptor in shared memory once" is a usual goal of proofs about
# hypervisors and realm managers. The plain proof holds for code that reads twice, so it says nothing.
#
# Versions: CBMC 6.6.0 of Debian 13, amd64.
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
echo 'guess:     two reads of a volatile object may differ, so the assertion fails'
echo 'behaviour: it is proved; it fails only after goto-instrument --nondet-volatile'

cd /tmp
cat >twice.c <<'END'
#include <assert.h>

struct descriptor { unsigned size; };
extern volatile struct descriptor shared;

void harness(void)
{
	unsigned checked = shared.size;
	unsigned used = shared.size;

	assert(checked == used);
}
END
verdict() {
	"$@" 2>&1 | grep -E '^VERIFICATION'
}
expect 'cbmc' 'VERIFICATION SUCCESSFUL' "$(verdict cbmc --function harness twice.c || :)"
goto-cc --function harness -o twice.goto twice.c
goto-instrument --nondet-volatile twice.goto nondet.goto >/dev/null 2>&1
expect 'goto-cc, then cbmc' 'VERIFICATION SUCCESSFUL' "$(verdict cbmc twice.goto || :)"
expect 'goto-cc, goto-instrument --nondet-volatile, then cbmc' 'VERIFICATION FAILED' "$(verdict cbmc nondet.goto || :)"
exit "$failed"
