#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Guess: an initramfs that does not fit into memory stops the boot, or leaves a system that visibly misses
# files: the first thing to look for is a missing file.
#
# What happens: the root file system may use half of the RAM. When it is full, the kernel logs "Initramfs
# unpacking failed: write error", which a quiet boot does not show, and starts /init all the same. The file
# that was being written has its full size, and zeros where its end should be. It also stays open for
# writing, so a program there cannot be executed: ETXTBSY, "Text file busy". No process has it open: nothing
# shows why.
# initramfs_options=size=90% (Linux 7.3 has it) gives the root file system more room.
#
# Why it matters: a realm's whole system is often one initramfs, because the measurement covers it. A few more
# packages, or less memory for the VM, and a service says "Text file busy" while the measurement is right.
#
# Versions: Linux 7.3.4+deb13-arm64 (trixie-backports), QEMU 10.0.13, on amd64 with TCG. Takes a minute.
set -euo pipefail
architectures=amd64,arm64
packages='qemu-system-arm=1:10.0.13+ds-0+deb13u1
	linux-binary-7.3.4+deb13-arm64:arm64=7.3.4-1~bpo13+1
	linux-modules-7.3.4+deb13-arm64:arm64=7.3.4-1~bpo13+1
	busybox-static:arm64=1:1.37.0-6+b9 cpio gzip=1.13-1+deb13u1'

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
mkdir -p initramfs/{bin,proc,dev}
cp "$(command -v busybox)" initramfs/bin/busybox
# A program that runs, with 300 MB of zeros and a word behind it, as the last file of the initramfs.
cp initramfs/bin/busybox initramfs/true
truncate -s $((300 << 20)) initramfs/true
echo WHOLE >>initramfs/true
cat >initramfs/init <<'END'
#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
echo "unpacked: $(dmesg | sed -n 's/.*\(Initramfs unpacking failed.*\)/\1/p')"
[ "$(stat -c %s /true)" -eq $(((300 << 20) + 6)) ] && echo "size: whole" || echo "size: less"
[ "$(tail -c 6 /true)" = WHOLE ] && echo "contents: whole" || echo "contents: less"
why=$(/true 2>&1)
echo "program: status $? ${why##*: }"
echo "open: $(ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c '/true$')"
echo THE END
poweroff -f
END
chmod +x initramfs/init
(cd initramfs && printf '%s\n' . bin bin/busybox proc dev init true |
	cpio --quiet -o -H newc) | gzip -1 >initramfs.cpio.gz

# boot MEMORY OPTION...: starts the stock kernel with that initramfs. The console goes to ./console.
boot() {
	local memory=$1
	shift
	timeout 900 qemu-system-aarch64 -M virt -cpu cortex-a72 -m "$memory" -nographic -nic none -no-reboot \
		-kernel /usr/lib/modules/7.3.4+deb13-arm64/vmlinuz -initrd initramfs.cpio.gz \
		-append "console=ttyAMA0 loglevel=1 $*" </dev/null | tr -d '\r' >console || :
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
echo 'guess:     a boot whose initramfs does not fit fails, or files are missing'
echo 'behaviour: it goes on; the file that did not fit has its size, not its contents, and is "busy"'

boot 1G
expect 'with 1 GiB, unpacking' '' "$(said unpacked)"
expect 'with 1 GiB, contents of the program' whole "$(said contents)"
expect 'with 1 GiB, the program' 'status 0 ' "$(said program)"
boot 512M
expect 'with 512 MiB, unpacking' 'Initramfs unpacking failed: write error' "$(said unpacked)"
expect 'with 512 MiB, size of the program' whole "$(said size)"
expect 'with 512 MiB, contents of the program' less "$(said contents)"
expect 'with 512 MiB, the program' 'status 126 Text file busy' "$(said program)"
expect 'with 512 MiB, processes that have it open' 0 "$(said open)"
boot 512M initramfs_options=size=90%
expect 'with 512 MiB and size=90%, unpacking' '' "$(said unpacked)"
expect 'with 512 MiB and size=90%, contents of the program' whole "$(said contents)"
exit "$failed"
