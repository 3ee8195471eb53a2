#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: with the mount option dax=always every file of an erofs image on persistent memory is mapped
# directly, without a copy in the page cache; what cannot be mapped so is refused.
#
# What happens: mkfs.erofs puts the last part of a file beside its inode if it fits there ("inline tail"),
# by default. Such a file goes through the page cache as a whole, silently: mounting succeeds, /proc/mounts
# says dax=always, but statx() does not give STATX_ATTR_DAX for it, and reading 8 MiB + 100 bytes fills 8
# MiB of page cache. The same file made with -Enoinline_data is mapped directly.
#
# Why it matters: DAX is used to share one read-only image among VMs without copies in private memory.
# Nearly every file has a tail, so with the defaults of mkfs.erofs nearly nothing is shared, and nothing
# says so.
#
# Versions: Linux 7.3.4+deb13-arm64 (trixie-backports), erofs-utils 1.8.6, QEMU 10.0.13, on amd64 with TCG.
# Takes a minute.
set -euo pipefail
architectures=amd64,arm64
packages='gcc-aarch64-linux-gnu=4:14.2.0-1 libc6-dev-arm64-cross qemu-system-arm=1:10.0.13+ds-0+deb13u1
	linux-binary-7.3.4+deb13-arm64:arm64=7.3.4-1~bpo13+1
	linux-modules-7.3.4+deb13-arm64:arm64=7.3.4-1~bpo13+1
	busybox-static:arm64=1:1.37.0-6+b9 kmod cpio xz-utils findutils
	erofs-utils=1.8.6-1 device-tree-compiler=1.7.2-2+b1'

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

cd /tmp
mkdir bin
# boot MODULES SCRIPT OPTION...: runs SCRIPT on the stock kernel with an initramfs of busybox, ./bin
# and MODULES, and QEMU with these options. The console goes to ./console.
boot() {
	local modules=$1 script=$2 kernel=7.3.4+deb13-arm64 module file
	shift 2
	mkdir -p initramfs/{proc,sys,dev,lib,tmp}
	cp -r bin initramfs
	cp "$(command -v busybox)" initramfs/bin/busybox
	depmod "$kernel"
	{
		printf '#!/bin/busybox sh\nexport PATH=/bin\n/bin/busybox --install -s /bin\n'
		printf 'mount -t %s none /%s\n' proc proc sysfs sys devtmpfs dev tmpfs tmp
		for module in $modules; do modprobe -S "$kernel" --show-depends "$module"; done |
			mawk '$1 == "insmod" && !had[$2]++ { print $2 }' | while read -r file; do
			xz -dc "$file" >"initramfs/lib/$(basename "$file" .xz)"
			echo "insmod /lib/$(basename "$file" .xz)"
		done
		cat "$script"
		printf 'echo THE END\npoweroff -f\n'
	} >initramfs/init
	chmod +x initramfs/init
	(cd initramfs && find . | cpio --quiet -o -H newc) >initramfs.cpio
	timeout 900 qemu-system-aarch64 -M virt -cpu cortex-a72 -smp 2 -m 1G -nographic -nic none -no-reboot \
		-kernel "/usr/lib/modules/$kernel/vmlinuz" -initrd initramfs.cpio \
		-append "console=ttyAMA0 loglevel=1 ${append:-}" "$@" </dev/null | tr -d '\r' >console || :
	grep -q '^THE END' console && return
	echo 'FAIL       the machine did not get to the end:'
	tail -n 20 console
	exit 1
}
# said WHAT: what the machine printed after "WHAT: ".
said() {
	sed -n "s/^$1: //p" console
}

echo 'version:   Linux 7.3.4+deb13-arm64, erofs-utils 1.8.6'
echo 'guess:     dax=always is for all files'
echo 'behaviour: files with an inline tail, the default of mkfs.erofs, use the page cache'

cat >isdax.c <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static long cached(void)
{
	FILE *info = fopen("/proc/meminfo", "r");
	char line[256];
	long kib = -1;

	while (fgets(line, sizeof(line), info))
		sscanf(line, "Cached: %ld", &kib);
	fclose(info);
	return kib;
}

int main(int argc, char **argv)
{
	struct statx status;
	long before = cached(), at, size = 8 << 20;
	volatile char *file = mmap(NULL, size, PROT_READ, MAP_SHARED, open(argv[1], O_RDONLY), 0);

	statx(AT_FDCWD, argv[1], 0, STATX_BASIC_STATS, &status);
	printf("%s attribute: %s\n", argv[2], status.stx_attributes & STATX_ATTR_DAX ? "dax" : "no dax");
	for (at = 0; at < size; at += 4096)
		(void)file[at];
	printf("%s cache: %s\n", argv[2], cached() - before > 7 * 1024 ? "filled" : "not filled");
	return 0;
}
END
aarch64-linux-gnu-gcc -O2 -static -o bin/isdax isdax.c
mkdir files
head -c $(((8 << 20) + 100)) /dev/urandom >files/file
mkfs.erofs --quiet default.img files
mkfs.erofs --quiet -Enoinline_data noinline.img files

# Two persistent memories of 64 MiB above the RAM that the kernel gets. fdtput puts a new node first.
qemu-system-aarch64 -M virt,dumpdtb=tree.dtb -cpu cortex-a72 -smp 2 -m 1G -nic none >/dev/null 2>&1
for at in 64000000 60000000; do
	fdtput -c tree.dtb "/pmem@$at"
	fdtput -t s tree.dtb "/pmem@$at" compatible pmem-region
	fdtput -t x tree.dtb "/pmem@$at" reg 0 "$at" 0 4000000
done
append=mem=512M

cat >work <<'END'
mkdir /default /noinline
mount -t erofs -o dax=always /dev/pmem0 /default
mount -t erofs -o dax=always /dev/pmem1 /noinline
echo "mounts: $(grep -c dax=always /proc/mounts)"
isdax /default/file default
isdax /noinline/file noinline
END
boot 'of_pmem nd_pmem erofs' work -dtb tree.dtb -device loader,file=default.img,addr=0x60000000,force-raw=on \
	-device loader,file=noinline.img,addr=0x64000000,force-raw=on
expect 'mounts with dax=always' 2 "$(said mounts)"
expect 'default image, statx' 'no dax' "$(said 'default attribute')"
expect 'default image, page cache' filled "$(said 'default cache')"
expect '-Enoinline_data, statx' dax "$(said 'noinline attribute')"
expect '-Enoinline_data, page cache' 'not filled' "$(said 'noinline cache')"
exit "$failed"
