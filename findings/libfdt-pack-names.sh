#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: fdt_pack() makes a tree as small as it can be: after a property has been added and deleted again
# and the tree packed, it is byte for byte what it was.
#
# What happens: fdt_pack() moves the blocks together and no more. The name of a deleted property stays in
# the strings block and can be read there; nothing in libfdt removes it, only dtc -I dtb -O dtb writes the
# strings anew. A tree from the sequential calls is 8 bytes longer than the one dtc makes until fdt_pack()
# cuts them off.
#
# Why it matters: the device tree of a realm is measured. A boot loader or VMM that sets a property and
# takes it back changes the measurement for good; names of what a host removed go to the guest; reference
# values must be made by the same calls in the same order, not from an equal .dts.
#
# Versions: libfdt and dtc 1.7.2 of Debian 13, amd64.
set -euo pipefail
architectures=amd64
packages='gcc=4:14.2.0-1 libc6-dev libfdt-dev=1.7.2-2+b1 device-tree-compiler=1.7.2-2+b1'

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

echo 'version:   libfdt 1.7.2-2+b1'
echo 'guess:     add, delete, fdt_pack() gives the old bytes; the sequential calls give what dtc gives'
echo 'behaviour: the name of the deleted property stays; without fdt_pack() the sequential calls leave 8 bytes'

cd /tmp
cat >pack.c <<'END'
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

static char tree[4096];

int main(int argc, char **argv)
{
	int bad = fdt_create(tree, sizeof(tree)) | fdt_finish_reservemap(tree) | fdt_begin_node(tree, "") |
		  fdt_property_u32(tree, "a", 1) | fdt_end_node(tree) | fdt_finish(tree);

	if (argc > 1 && strcmp(argv[1], "sequential"))
		bad |= fdt_open_into(tree, tree, sizeof(tree)) | fdt_pack(tree);
	if (argc > 1 && !strcmp(argv[1], "deleted"))
		bad |= fdt_open_into(tree, tree, sizeof(tree)) |
		       fdt_setprop_string(tree, 0, "a-removed-name", "") |
		       fdt_delprop(tree, 0, "a-removed-name") | fdt_pack(tree);
	fwrite(tree, 1, fdt_totalsize(tree), stdout);
	return bad != 0;
}
END
gcc -o pack pack.c -lfdt
for kind in sequential packed deleted; do ./pack "$kind" >"$kind.dtb"; done
printf '/dts-v1/;\n/ { a = <1>; };\n' >tree.dts
dtc -q -O dtb -o dtc.dtb tree.dts
size() { stat -c %s "$1"; }
expect 'sequential calls, bytes more than dtc' 8 $(($(size sequential.dtb) - $(size dtc.dtb)))
expect 'after fdt_pack(), bytes more than dtc' 0 $(($(size packed.dtb) - $(size dtc.dtb)))
expect 'property added and deleted, packed, bytes more' 15 $(($(size deleted.dtb) - $(size packed.dtb)))
expect 'its name in the file' 1 "$(grep -c a-removed-name deleted.dtb)"
dtc -q -I dtb -O dtb -o again.dtb deleted.dtb
expect 'after dtc -I dtb -O dtb' 0 "$(grep -c a-removed-name again.dtb || :)"
exit "$failed"
