#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: libcbor reads every well-formed CBOR item; at the least it reads what it wrote itself.
#
# What happens: the decoder of libcbor 0.10 takes the tags 6 to 20 in their one-byte form for malformed
# input (CBOR_ERR_MALFORMATED). Tags 0 to 5 and 21 to 23 are read, and so is each tag in the longer form d8
# NN, which RFC 8949 calls not preferred. The library's own encoder writes the short form, so an item with
# tag 18 that it built cannot be loaded again.
#
# Why it matters: tags 16 to 18 are COSE_Encrypt0, COSE_Mac0 and COSE_Sign1. Both parts of a CCA attestation
# token are COSE_Sign1 with the byte d2, so a verifier on this library cannot even parse one.
#
# Versions: libcbor 0.10.2 of Debian 13, amd64.
set -euo pipefail
architectures=amd64
packages='gcc=4:14.2.0-1 libc6-dev libcbor-dev=0.10.2-2'

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

echo 'version:   libcbor 0.10.2-2'
echo 'guess:     all one-byte tags 0 to 23 can be read'
echo 'behaviour: tags 6 to 20 are malformed in the short form alone, even what the encoder wrote'

cd /tmp
cat >tags.c <<'END'
#include <cbor.h>
#include <stdio.h>

static int reads(const unsigned char *bytes, size_t size)
{
	struct cbor_load_result result;
	cbor_item_t *item = cbor_load(bytes, size, &result);

	if (item)
		cbor_decref(&item);
	return result.error.code == CBOR_ERR_NONE;
}

int main(int argc, char **argv)
{
	unsigned char bytes[16];
	int tag, form = argc > 1 ? argv[1][0] : 0;

	for (tag = 0; tag < 24 && form == 's'; tag++)
		if (!reads((unsigned char []){ 0xc0 | tag, 0x00 }, 2))
			printf("%d ", tag);
	for (tag = 0; tag < 24 && form == 'l'; tag++)
		if (!reads((unsigned char []){ 0xd8, tag, 0x00 }, 3))
			printf("%d ", tag);
	if (form == 'o') {
		cbor_item_t *item = cbor_build_tag(18, cbor_move(cbor_build_uint8(0)));
		size_t size = cbor_serialize(item, bytes, sizeof(bytes));

		printf("first byte %02x, %s", bytes[0], reads(bytes, size) ? "read" : "malformed");
		cbor_decref(&item);
	}
	return 0;
}
END
gcc -o tags tags.c -lcbor
expect 'short form refused' '6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 ' "$(./tags short)"
expect 'long form refused' '' "$(./tags long)"
expect 'own tag 18 read back' 'first byte d2, malformed' "$(./tags own)"
exit "$failed"
