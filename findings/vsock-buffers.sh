#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: SO_RCVBUF and SO_SNDBUF size the buffers of a vsock stream as they do for TCP, or fail; and
# SO_VM_SOCKETS_BUFFER_SIZE gives what was asked for, or fails.
#
# What happens: SO_RCVBUF and SO_SNDBUF are accepted, read back doubled as usual, and change nothing:
# 262,144 bytes fit in flight. SO_VM_SOCKETS_BUFFER_SIZE of 4 MiB returns 0 and is cut to
# SO_VM_SOCKETS_BUFFER_MAX_SIZE, 262,144 by default, so the maximum must be raised first. Even then the
# receiver's buffer alone changes nothing in Linux 7.3: the sender's own setting bounds what it sends, so
# both sides need both options.
#
# Why it matters: vsock carries the control and data channels of confidential VMs. Over bounce buffers the
# window decides the speed; tuning by the usual options looks as if it worked.
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

echo 'version:   Linux 7.3.4+deb13-arm64'
echo 'guess:     SO_RCVBUF, or the vsock option at the receiver, lets more than 262144 bytes wait'
echo 'behaviour: neither does, without an error; only maximum and size of the vsock option at both ends'

cat >window.c <<'END'
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>
#include <unistd.h>

enum { PLAIN = 1, SIZE = 2, MAXIMUM = 4 };

static int prepare(int options)
{
	int sock = socket(AF_VSOCK, SOCK_STREAM, 0), plain = 4 << 20, bad = 0;
	unsigned long long size = 4 << 20;

	if (options & PLAIN) {
		bad |= setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &plain, sizeof(plain));
		bad |= setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &plain, sizeof(plain));
	}
	if (options & MAXIMUM)
		bad |= setsockopt(sock, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &size, sizeof(size));
	if (options & SIZE)
		bad |= setsockopt(sock, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof(size));
	if (bad)
		printf("an option was refused: %s\n", strerror(errno));
	return sock;
}

static void run(const char *name, unsigned port, int receiver, int sender)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK, .svm_port = port, .svm_cid = VMADDR_CID_ANY };
	int listener = prepare(receiver), client = prepare(sender);
	static char data[65536];
	struct pollfd room = { .fd = client, .events = POLLOUT };
	long sent = 0, now;

	bind(listener, (struct sockaddr *)&address, sizeof(address));
	listen(listener, 1);
	address.svm_cid = VMADDR_CID_LOCAL;
	if (connect(client, (struct sockaddr *)&address, sizeof(address)))
		printf("connect: %s\n", strerror(errno));
	accept(listener, NULL, NULL);
	while (poll(&room, 1, 3000) > 0 && (now = send(client, data, sizeof(data), MSG_DONTWAIT)) > 0)
		sent += now;
	printf("%s: %ld\n", name, sent);
}

int main(void)
{
	unsigned long long size = 0;
	socklen_t length = sizeof(size);
	int plain = 0, sock;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sock = prepare(SIZE);
	getsockopt(sock, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, &length);
	printf("vsock option read back: %llu\n", size);
	sock = prepare(PLAIN);
	length = sizeof(plain);
	getsockopt(sock, SOL_SOCKET, SO_RCVBUF, &plain, &length);
	printf("SO_RCVBUF read back: %d\n", plain);
	run("defaults", 1000, 0, 0);
	run("plain at both ends", 1001, PLAIN, PLAIN);
	run("size at both ends", 1002, SIZE, SIZE);
	run("maximum and size at the receiver", 1003, MAXIMUM | SIZE, 0);
	run("maximum and size at both ends", 1004, MAXIMUM | SIZE, MAXIMUM | SIZE);
	return 0;
}
END
aarch64-linux-gnu-gcc -O2 -static -o bin/window window.c
echo 'echo 9000000 >/proc/sys/net/core/rmem_max; echo 9000000 >/proc/sys/net/core/wmem_max; window' >work
boot vsock_loopback work
expect 'options refused' 0 "$(grep -c 'was refused' console || :)"
expect 'SO_RCVBUF of 4 MiB read back' 8388608 "$(said 'SO_RCVBUF read back')"
expect 'SO_VM_SOCKETS_BUFFER_SIZE of 4 MiB read back' 262144 "$(said 'vsock option read back')"
for case in defaults 'plain at both ends' 'size at both ends' 'maximum and size at the receiver'; do
	expect "bytes that wait, $case" 262144 "$(said "$case")"
done
expect 'bytes that wait, maximum and size at both ends' 4194304 "$(said 'maximum and size at both ends')"
exit "$failed"
