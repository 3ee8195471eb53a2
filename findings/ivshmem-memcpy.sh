#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: resource2 and resource2_wc of an ivshmem device differ in speed only; a program copies into both
# with memcpy() or strcpy(), as it does on x86.
#
# What happens: on arm64 mmap() of resource2 makes Device memory (nGnRE), where each unaligned access is an
# alignment fault. glibc's string functions rely on unaligned accesses: a 21-byte memcpy() to an aligned
# address dies of SIGBUS. resource2_wc is Normal Non-cacheable memory, where all of them work.
#
# Why it matters: ivshmem is what shared memory between VMs is prototyped with. Programs from x86 die on
# arm64 at the first length that is not a multiple of 16 or so; short fixed sizes hide it.
#
# Versions: Linux 7.3.4+deb13-arm64 (trixie-backports), glibc 2.41, QEMU 10.0.13, on amd64 with TCG. Takes a
# minute.
set -euo pipefail
architectures=amd64,arm64
packages='gcc-aarch64-linux-gnu=4:14.2.0-1 libc6-dev-arm64-cross qemu-system-arm=1:10.0.13+ds-0+deb13u1
	linux-binary-7.3.4+deb13-arm64:arm64=7.3.4-1~bpo13+1
	linux-modules-7.3.4+deb13-arm64:arm64=7.3.4-1~bpo13+1
	busybox-static:arm64=1:1.37.0-6+b9 kmod cpio xz-utils findutils'

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

echo 'version:   Linux 7.3.4+deb13-arm64, glibc 2.41, QEMU 10.0.13'
echo 'guess:     memcpy() works in mappings of resource2 and of resource2_wc'
echo 'behaviour: in resource2 it dies of SIGBUS as soon as it makes an unaligned access'

cat >copy.c <<'END'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const char text[64] = "some text to copy";

int main(int argc, char **argv)
{
	int file = open(argv[1], O_RDWR), i, status;
	char *to = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	for (i = 3; i < argc; i++) {
		if (fork() == 0) {
			memcpy(to, text, strtoul(argv[i], NULL, 0));
			_exit(0);
		}
		wait(&status);
		printf("%s %s: signal %d\n", argv[2], argv[i], WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	}
	return 0;
}
END
aarch64-linux-gnu-gcc -O2 -static -o bin/copy copy.c
cat >work <<'END'
device=$(grep -l 0x1110 /sys/bus/pci/devices/*/device)
echo 1 >"${device%/device}/enable"
for file in resource2 resource2_wc; do
	copy "${device%/device}/$file" $file 16 64 21 33
done
END
boot virtio_pci work -object memory-backend-ram,id=shared,size=1M,share=on -device ivshmem-plain,memdev=shared
for size in 16 64; do
	expect "memcpy of $size bytes, resource2" 'signal 0' "$(said "resource2 $size")"
	expect "memcpy of $size bytes, resource2_wc" 'signal 0' "$(said "resource2_wc $size")"
done
for size in 21 33; do
	expect "memcpy of $size bytes, resource2 (7 is SIGBUS)" 'signal 7' "$(said "resource2 $size")"
	expect "memcpy of $size bytes, resource2_wc" 'signal 0' "$(said "resource2_wc $size")"
done
exit "$failed"
