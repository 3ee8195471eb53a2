#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: a 9p mount with msize=512000 moves up to that much per request, if the program reads in big pieces;
# at least with O_DIRECT.
#
# What happens: Linux 7.3 with cache=none (the default) asks QEMU for one page of 4,096 bytes at a time,
# whatever msize and the size of read() are; O_DIRECT does not change it, with no cache mode. A file of 4
# MiB takes 1,025 requests. With cache=readahead the same read() makes requests of 507,904 bytes: 9 for the
# file.
#
# Why it matters: a shared folder is the usual way into a confidential VM. There each request is an exit and
# goes through bounce buffers, so the page-wise default is some hundred times slower, and raising msize, the
# advice found everywhere, does nothing. cache=readahead (or loose) does.
#
# Versions: Linux 7.3.4+deb13-arm64 (trixie-backports), QEMU 10.0.13, on amd64 with TCG. Takes a minute.
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

echo 'version:   Linux 7.3.4+deb13-arm64, QEMU 10.0.13'
echo 'guess:     requests are as large as read() and msize=512000 allow'
echo 'behaviour: 4,096 bytes each with cache=none and with O_DIRECT; only cache=readahead makes them large'

cat >readfile.c <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int file = open(argv[1], O_RDONLY | (argc > 2 ? O_DIRECT : 0));
	char *buffer = aligned_alloc(4096, 1 << 20);
	ssize_t got;

	while ((got = read(file, buffer, 1 << 20)) > 0)
		;
	return got != 0;
}
END
aarch64-linux-gnu-gcc -O2 -static -o bin/readfile readfile.c
mkdir share
head -c 4M /dev/zero >share/file
options='trans=virtio,version=9p2000.L,msize=512000'
cat >work <<END
mkdir /none /readahead
mount -t 9p -o $options,cache=none none /none
mount -t 9p -o $options,cache=readahead readahead /readahead
for mode in '' direct; do
	readfile /none/file \$mode
	readfile /readahead/file \$mode
done
END
for tag in none readahead; do
	devices+=(-virtfs "local,path=share,mount_tag=$tag,security_model=none,multidevs=remap")
done
boot 'virtio_pci 9p 9pnet_virtio' work "${devices[@]}" -trace v9fs_open -trace v9fs_read -D trace
# Requests of reader N, whose first trace line is its open.
requests() {
	mawk -v n="$1" '/^v9fs_open / { file++ } /^v9fs_read / && file == n { count++; if ($NF > size) size = $NF }
		END { print count " of up to " size }' trace
}
expect 'cache=none' '1025 of up to 4096' "$(requests 1)"
expect 'cache=readahead' '9 of up to 507904' "$(requests 2)"
expect 'cache=none, O_DIRECT' '1025 of up to 4096' "$(requests 3)"
expect 'cache=readahead, O_DIRECT' '1025 of up to 4096' "$(requests 4)"
exit "$failed"
