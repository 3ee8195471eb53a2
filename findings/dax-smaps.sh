#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: /proc/PID/smaps tells whether a DAX mapping uses 2 MiB pages: FilePmdMapped, KernelPageSize or
# MMUPageSize.
#
# What happens: a file on erofs over persistent memory, aligned to 2 MiB and mapped with dax=always, is
# mapped by 2 MiB entries: touching 8 MiB takes 4 page faults. smaps says FilePmdMapped 0, KernelPageSize 4
# kB and MMUPageSize 4 kB, the same as for a file that is not aligned and takes 2,048 faults. mkfs.erofs
# aligns files only with --dsunit=512. The fault counter is the only plain sign of the difference.
#
# Why it matters: shared memory of confidential VMs is given to file systems as DAX to get large mappings.
# Who looks into smaps believes that it does not work, or that it works as well without --dsunit.
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
echo 'guess:     smaps shows FilePmdMapped 8192 kB where 2 MiB mappings are in use'
echo 'behaviour: it shows 0 and 4 kB pages in both cases; page faults tell: 4 with 2 MiB mappings, 2048 without'

cat >touch.c <<'END'
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define SIZE (8 << 20)

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

int main(int argc, char **argv)
{
	char line[256], *hint = (char *)(1ul << 44), start[32];
	volatile char *file = mmap(hint, SIZE, PROT_READ, MAP_SHARED, open(argv[1], O_RDONLY), 0);
	FILE *smaps = fopen("/proc/self/smaps", "r");
	long before = faults(), at, inside = 0;

	for (at = 0; at < SIZE; at += 4096)
		(void)file[at];
	printf("%s faults: %ld\n", argv[2], faults() - before);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)file);
	printf("%s smaps: ", argv[2]);
	while (fgets(line, sizeof(line), smaps)) {
		if (strchr(line, '-') && strchr(line, '-') < strchr(line, ' '))
			inside = !strncmp(line, start, strlen(start));
		line[strcspn(line, "\n")] = ' ';
		if (inside && (!strncmp(line, "FilePmd", 7) || strstr(line, "PageSize")))
			printf("%s", line);
	}
	printf("\n");
	return 0;
}
END
aarch64-linux-gnu-gcc -O2 -static -o bin/touch-file touch.c
mkdir files
head -c 8M /dev/urandom >files/file
mkfs.erofs --quiet --dsunit=512 -Enoinline_data large.img files
mkfs.erofs --quiet -Enoinline_data small.img files

# Two persistent memories of 64 MiB above the RAM that the kernel gets. fdtput puts a new node first.
qemu-system-aarch64 -M virt,dumpdtb=tree.dtb -cpu cortex-a72 -smp 2 -m 1G -nic none >/dev/null 2>&1
for at in 64000000 60000000; do
	fdtput -c tree.dtb "/pmem@$at"
	fdtput -t s tree.dtb "/pmem@$at" compatible pmem-region
	fdtput -t x tree.dtb "/pmem@$at" reg 0 "$at" 0 4000000
done
append=mem=512M

cat >work <<'END'
mkdir /large /small
mount -t erofs -o dax=always /dev/pmem0 /large
mount -t erofs -o dax=always /dev/pmem1 /small
touch-file /large/file aligned
touch-file /small/file plain
END
boot 'of_pmem nd_pmem erofs' work -dtb tree.dtb -device loader,file=large.img,addr=0x60000000,force-raw=on \
	-device loader,file=small.img,addr=0x64000000,force-raw=on
expect 'page faults, --dsunit=512' 4 "$(said 'aligned faults')"
expect 'page faults, without' 2048 "$(said 'plain faults')"
pages='KernelPageSize: 4 kB MMUPageSize: 4 kB FilePmdMapped: 0 kB '
expect 'smaps, --dsunit=512' "$pages" "$(said 'aligned smaps' | tr -s ' ')"
expect 'smaps, without' "$pages" "$(said 'plain smaps' | tr -s ' ')"
exit "$failed"
