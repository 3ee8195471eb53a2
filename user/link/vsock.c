// SPDX-License-Identifier: BSD-3-Clause
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "abi/uapi/csm_vsock.h"
#include "vsock.h"

#define LENGTH_AT 24 /* of struct virtio_vsock_hdr, four bytes */

/* CIDs up to 2 have a meaning of their own, and so has the highest. */
uint32_t vsock_cid(uint64_t realm_id)
{
	return UINT32_C(1) << 30 | (((uint32_t)(realm_id >> 32) ^ (uint32_t)realm_id) & 0x3fffffff);
}

int vsock_open(uint32_t cid, int *out)
{
	struct csm_ioc_vsock_bind req = {.cid = cid};
	int fd = open("/dev/csm-vsock", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int ret = 0;

	if (fd < 0) {
		return -errno;
	}
	if (ioctl(fd, CSM_VSOCK_IOC_BIND, &req) != 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	*out = fd;
	return 0;
}

int vsock_packet_check(const void *packet, size_t size)
{
	uint32_t length;

	if (size < CSM_VSOCK_HEADER || size > CSM_VSOCK_PACKET) {
		return -EPROTO;
	}
	memcpy(&length, (const char *)packet + LENGTH_AT, sizeof(length));
	return le32toh(length) == size - CSM_VSOCK_HEADER ? 0 : -EPROTO;
}
