#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: memory that two VMs share through an ivshmem device is mapped by mmap() of the PCI resource, and a
# pthread mutex or condition variable with PTHREAD_PROCESS_SHARED, or a semaphore, works between processes
# there.
#
# What happens: the mapping has no struct page (VM_PFNMAP). A shared futex needs the page to make its key,
# so FUTEX_WAIT and FUTEX_WAKE fail with EFAULT. The lock works as long as nobody waits, since it makes no
# system call then; on the first contention glibc kills the process ("The futex facility returned an
# unexpected error code"). Private futexes (threads of one process) work. vmsplice and process_vm_readv fail
# with EFAULT too; write() works.
#
# Why it matters: locks in shared memory are tried with one process, work, and abort under load. The same
# holds for every driver that maps shared memory of a confidential VM by remap_pfn_range or vmf_insert_pfn.
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
echo 'guess:     process-shared futexes and mutexes work in a mapped ivshmem BAR'
echo 'behaviour: EFAULT; a contended process-shared mutex aborts the process; private futexes work'

cat >futex.c <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "works");
}

static void contend(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t shared;
	int status;
	pid_t child;

	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(mutex, &shared);
	pthread_mutex_lock(mutex);
	child = fork();
	if (child == 0) {
		alarm(30);
		_exit(pthread_mutex_lock(mutex));
	}
	waitpid(child, &status, 0);
	printf("contended mutex: signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

int main(int argc, char **argv)
{
	struct timespec soon = { .tv_nsec = 1000000 };
	int file = open(argv[1], O_RDWR), pipes[2];
	volatile uint32_t *word = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	static uint32_t copy;
	struct iovec here = { &copy, 4 }, there = { (void *)word, 4 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	*word = 1;
	say("shared wake", syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0));
	say("shared wait", syscall(SYS_futex, word, FUTEX_WAIT, 1, &soon, NULL, 0));
	say("private wait", syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 1, &soon, NULL, 0));
	say("process_vm_readv", process_vm_readv(getpid(), &here, 1, &there, 1, 0));
	say("vmsplice", pipe(pipes) ? -1 : vmsplice(pipes[1], &there, 1, 0));
	say("write", write(open("/tmp/file", O_RDWR | O_CREAT, 0600), (void *)word, 4));
	contend((void *)(word + 16));
	return 0;
}
END
aarch64-linux-gnu-gcc -O2 -static -pthread -o bin/futex futex.c
cat >work <<'END'
device=$(grep -l 0x1110 /sys/bus/pci/devices/*/device)
echo 1 >"${device%/device}/enable"
futex "${device%/device}/resource2_wc"
END
boot virtio_pci work -object memory-backend-ram,id=shared,size=1M,share=on -device ivshmem-plain,memdev=shared
expect 'shared FUTEX_WAKE' EFAULT "$(said 'shared wake')"
expect 'shared FUTEX_WAIT' EFAULT "$(said 'shared wait')"
expect 'private FUTEX_WAIT' ETIMEDOUT "$(said 'private wait')"
expect 'contended process-shared mutex (6 is SIGABRT)' 'signal 6' "$(said 'contended mutex')"
expect 'process_vm_readv' EFAULT "$(said process_vm_readv)"
expect 'vmsplice' EFAULT "$(said vmsplice)"
expect 'write' works "$(said write)"
exit "$failed"
