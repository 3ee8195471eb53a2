#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: libfdt keeps the order in which a program adds properties and nodes, and fdt_path_offset("/memory")
# finds the first node memory@....
#
# What happens: the editing calls (fdt_setprop, fdt_add_subnode) put each new entry before those that are
# there, so a tree comes out in reverse order; the sequential calls (fdt_property, fdt_begin_node) keep the
# order. A path without unit address, "/memory", then finds the node that was added last. fdtput of the same
# sources does so too.
#
# Why it matters: a VMM makes the realm's device tree, which is measured. Two ways to make "the same" tree
# give different bytes and another initial measurement; and a guest that takes the first bank, CPU or
# console takes the one that the VMM added last.
#
# Versions: libfdt 1.7.2 of Debian 13, amd64.
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
echo 'guess:     properties a, b and nodes x, y stand in the order in which they were added'
echo 'behaviour: the editing calls and fdtput reverse it; /memory finds the node that was added last'

cd /tmp
cat >order.c <<'END'
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

static char tree[4096];

static void list(void)
{
	const char *name;
	int at;

	fdt_for_each_property_offset(at, tree, 0)
		if (fdt_getprop_by_offset(tree, at, &name, NULL))
			printf("%s ", name);
	fdt_for_each_subnode(at, tree, 0)
		printf("/%s ", fdt_get_name(tree, at, NULL));
}

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc > 1 && !strcmp(argv[1], "sequential")) {
		bad |= fdt_create(tree, sizeof(tree)) | fdt_finish_reservemap(tree);
		bad |= fdt_begin_node(tree, "");
		bad |= fdt_property_u32(tree, "a", 1) | fdt_property_u32(tree, "b", 2);
		bad |= fdt_begin_node(tree, "x") | fdt_end_node(tree);
		bad |= fdt_begin_node(tree, "y") | fdt_end_node(tree);
		bad |= fdt_end_node(tree) | fdt_finish(tree);
		list();
	} else if (argc > 1 && !strcmp(argv[1], "editing")) {
		bad |= fdt_create_empty_tree(tree, sizeof(tree));
		bad |= fdt_setprop_u32(tree, 0, "a", 1) | fdt_setprop_u32(tree, 0, "b", 2);
		bad |= fdt_add_subnode(tree, 0, "x") < 0;
		bad |= fdt_add_subnode(tree, 0, "y") < 0;
		list();
	} else {
		bad |= fdt_create_empty_tree(tree, sizeof(tree));
		bad |= fdt_add_subnode(tree, 0, "memory@40000000") < 0;
		bad |= fdt_add_subnode(tree, 0, "memory@80000000") < 0;
		printf("%s", fdt_get_name(tree, fdt_path_offset(tree, "/memory"), NULL));
	}
	return bad != 0;
}
END
gcc -o order order.c -lfdt
expect 'sequential calls' 'a b /x /y ' "$(./order sequential)"
expect 'editing calls' 'b a /y /x ' "$(./order editing)"
expect '/memory with 40000000 added first' 'memory@80000000' "$(./order memory)"
printf '/dts-v1/;\n/ { };\n' >empty.dts
dtc -q -O dtb -o tree.dtb empty.dts
fdtput tree.dtb / a 1
fdtput tree.dtb / b 2
fdtput -c tree.dtb /x
fdtput -c tree.dtb /y
expect 'fdtput, properties' 'b a ' "$(fdtget -p tree.dtb / | tr '\n' ' ')"
expect 'fdtput, nodes' 'y x ' "$(fdtget -l tree.dtb / | tr '\n' ' ')"
exit "$failed"
