#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: cbor2.dumps(canonical=True) gives the deterministic encoding of RFC 8949, section 4.2.1, where map
# keys are sorted by the bytes of their encoding, as EAT, CoRIM and COSE profiles ask for it.
#
# What happens: cbor2 5.6 sorts by length first and then by bytes: the order of RFC 7049, section 3.9, which
# RFC 8949 keeps in section 4.2.3 as an alternative. Both orders agree for small maps with one kind of key,
# so it is seen late: -1 (20) is put before 100 (18 64), and "a" (61 61) before 265 (19 01 09).
#
# Why it matters: attestation claims have keys of mixed length and sign (10, 265, -75000, texts). Test
# tokens and reference values made with canonical=True do not compare equal, byte for byte, to what an
# encoder with RFC 8949's order makes, and a digest or signature over one does not fit the other.
#
# Versions: python3-cbor2 5.6.5 of Debian 13, amd64.
set -euo pipefail
architectures=amd64
packages='python3=3.13.5-1 python3-cbor2=5.6.5-1'

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

echo 'version:   cbor2 5.6.5-1'
echo 'guess:     keys 10, 265, -1, "a" are sorted as 0a 190109 20 6161 (RFC 8949, bytes of the encoding)'
echo 'behaviour: they are sorted as 0a 20 6161 190109 (RFC 7049, length first)'

encode() {
	python3 -c "import cbor2; print(cbor2.dumps($1, canonical=True).hex(' '))"
}
expect 'keys 10, 100, -1' 'a3 0a 00 20 00 18 64 00' "$(encode '{10: 0, 100: 0, -1: 0}')"
expect 'keys 10, 265, -1, "a"' 'a4 0a 00 20 00 61 61 00 19 01 09 00' "$(encode '{10: 0, 265: 0, -1: 0, "a": 0}')"
expect 'keys that both orders sort alike' 'a3 0a 00 18 64 00 19 01 09 00' "$(encode '{265: 0, 100: 0, 10: 0}')"
exit "$failed"
