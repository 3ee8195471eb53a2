#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: a lock (flock, or fcntl on a whole file) on a file in a 9p share excludes the other mounts of the
# share, in this guest or in another: the Linux client sends each lock to the server (Tlock), and there is
# no warning.
#
# What happens: QEMU's 9p server answers every Tlock with success and keeps no lock, so the kernel's own
# locks are all there is, and they know one mount only. Two mounts of one folder both get the exclusive lock
# of the same file. Inside one mount the second is refused as it should be, which is where it is usually
# tried.
#
# Why it matters: a share that the host gives to two confidential VMs looks like the place for a lock file
# or for a database with its own locking. Both get the lock and both write.
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
# said WHAT: what the machine printed after "WHAT: ".
said() {
	sed -n "s/^$1: //p" console
}

echo 'version:   Linux 7.3.4+deb13-arm64, QEMU 10.0.13'
echo 'guess:     the second exclusive lock on a file is refused, on another mount of the share too'
echo 'behaviour: the server grants both; only locks of one mount exclude each other'

cat >locks.c <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int lock(int file, int whole)
{
	struct flock range = { .l_type = F_WRLCK };

	return whole ? flock(file, LOCK_EX | LOCK_NB) : fcntl(file, F_OFD_SETLK, &range);
}

int main(int argc, char **argv)
{
	int one, two, first, second, whole;

	for (whole = 0; whole < 2; whole++) {
		one = open(argv[1], O_RDWR);
		two = open(argv[2], O_RDWR);
		first = lock(one, whole);
		second = lock(two, whole);
		printf("%s: %s, %s\n", whole ? argv[4] : argv[3], first ? "refused" : "locked",
		       second ? "refused" : "locked");
		close(one);
		close(two);
	}
	return 0;
}
END
aarch64-linux-gnu-gcc -O2 -static -o bin/locks locks.c
mkdir share
echo >share/file
cat >work <<'END'
mkdir /one /two
mount -t 9p -o trans=virtio,version=9p2000.L one /one
mount -t 9p -o trans=virtio,version=9p2000.L two /two
locks /one/file /one/file 'fcntl, one mount' 'flock, one mount'
locks /one/file /two/file 'fcntl, two mounts' 'flock, two mounts'
END
for tag in one two; do
	devices+=(-virtfs "local,path=share,mount_tag=$tag,security_model=none,multidevs=remap")
done
boot 'virtio_pci 9p 9pnet_virtio' work "${devices[@]}" -trace v9fs_lock -D trace
for kind in fcntl flock; do
	expect "$kind, one mount" 'locked, refused' "$(said "$kind, one mount")"
	expect "$kind, two mounts" 'locked, locked' "$(said "$kind, two mounts")"
done
expect 'lock requests that reached the server' yes "$(grep -q '^v9fs_lock .*type 1' trace && echo yes)"
exit "$failed"
