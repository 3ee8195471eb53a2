// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_ids.h>

#include "block.h"

#define SECTOR 512u

#define LOCK_TRIES    20
#define LOCK_PAUSE_US 50000u

static bool in_range(const struct block *b, uint64_t sector, size_t size)
{
	return size % SECTOR == 0 && sector <= b->config.capacity &&
	       size / SECTOR <= b->config.capacity - sector;
}

/* Moves size bytes between the file at offset and the pieces; false on an error or a short file. */
static bool transfer(struct block *b, bool write, struct iovec *part, unsigned int n,
		     uint64_t offset, size_t size)
{
	while (size > 0) {
		ssize_t done = write ? pwritev(b->fd, part, (int)n, (off_t)offset)
				     : preadv(b->fd, part, (int)n, (off_t)offset);

		if (done < 0 && errno == EINTR) {
			continue;
		}
		if (done <= 0) {
			return false;
		}
		size -= (size_t)done;
		offset += (uint64_t)done;
		while (n > 0 && (size_t)done >= part->iov_len) {
			done -= (ssize_t)part->iov_len;
			part++;
			n--;
		}
		if (n > 0) {
			part->iov_base = (uint8_t *)part->iov_base + done;
			part->iov_len -= (size_t)done;
		}
	}
	return true;
}

static uint8_t read_sectors(struct block *b, const struct virtio_blk_outhdr *h,
			    const struct virtio_request *req, size_t *written)
{
	struct iovec part[VIRTIO_MAX_IOV];
	size_t size = req->in_bytes - 1;
	unsigned int n = virtio_slice(req->in, req->num_in, 0, size, part);

	if (!in_range(b, h->sector, size) ||
	    !transfer(b, false, part, n, h->sector * SECTOR, size)) {
		return VIRTIO_BLK_S_IOERR;
	}
	*written = size;
	return VIRTIO_BLK_S_OK;
}

static uint8_t write_sectors(struct block *b, const struct virtio_blk_outhdr *h,
			     const struct virtio_request *req)
{
	struct iovec part[VIRTIO_MAX_IOV];
	size_t size = req->out_bytes - sizeof(*h);
	unsigned int n = virtio_slice(req->out, req->num_out, sizeof(*h), size, part);

	if (b->read_only || !in_range(b, h->sector, size)) {
		return VIRTIO_BLK_S_IOERR;
	}
	return transfer(b, true, part, n, h->sector * SECTOR, size) ? VIRTIO_BLK_S_OK
								    : VIRTIO_BLK_S_IOERR;
}

/*
 * Carries out one request and returns its status; *written: bytes that the realm gets before the
 * status.
 */
static uint8_t execute(struct block *b, const struct virtio_request *req, size_t *written)
{
	static const char id[VIRTIO_BLK_ID_BYTES] = "caec-disk";
	struct virtio_blk_outhdr h;

	if (virtio_copy_from(req, 0, &h, sizeof(h)) != sizeof(h)) {
		return VIRTIO_BLK_S_IOERR;
	}
	switch (h.type) {
	case VIRTIO_BLK_T_IN:
		return read_sectors(b, &h, req, written);
	case VIRTIO_BLK_T_OUT:
		return write_sectors(b, &h, req);
	case VIRTIO_BLK_T_FLUSH:
		return fdatasync(b->fd) == 0 ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
	case VIRTIO_BLK_T_GET_ID:
		*written = virtio_copy_to(req, 0, id,
					  req->in_bytes - 1 < VIRTIO_BLK_ID_BYTES
						  ? req->in_bytes - 1
						  : VIRTIO_BLK_ID_BYTES);
		return VIRTIO_BLK_S_OK;
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

/* Serves the queue until it is empty or the burst is over. Needs the machine's lock. */
static void notify(void *device, unsigned int queue)
{
	struct block *b = device;
	struct virtio_request req;
	bool pushed = false;

	while (virtio_pop(&b->virtio, queue, &req)) {
		size_t written = 0;

		/* A request without room for its status cannot be answered. */
		if (req.in_bytes > 0) {
			uint8_t status = execute(b, &req, &written);

			virtio_copy_to(&req, req.in_bytes - 1, &status, 1);
			written++;
		}
		virtio_push(&b->virtio, queue, &req, written);
		pushed = true;
	}
	if (pushed) {
		virtio_signal(&b->virtio);
	}
}

static const struct virtio_ops ops_rw = {
	.id = VIRTIO_ID_BLOCK,
	.num_queues = 1,
	.features = VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) | VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH),
	.notify = notify,
};

static const struct virtio_ops ops_ro = {
	.id = VIRTIO_ID_BLOCK,
	.num_queues = 1,
	.features = VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) | VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH) |
		    VIRTIO_FEATURE(VIRTIO_BLK_F_RO),
	.notify = notify,
};

bool block_init(struct block *b, int fd, bool read_only)
{
	off_t size = lseek(fd, 0, SEEK_END);

	if (size < 0) {
		return false;
	}
	b->fd = fd;
	b->read_only = read_only;
	b->size = (uint64_t)size;
	b->tail = (unsigned int)(b->size % SECTOR);
	b->config = (struct virtio_blk_config){.capacity = (uint64_t)size / SECTOR,
					       .seg_max = VIRTIO_MAX_IOV - 2};
	b->virtio.ops = read_only ? &ops_ro : &ops_rw;
	b->virtio.device = b;
	b->virtio.config = &b->config;
	b->virtio.config_size = sizeof(b->config);
	return true;
}

/* What is wrong with the open file as a disk, NULL if nothing is. */
static const char *unfit(struct block *b, int fd, bool read_only)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return strerror(errno);
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		return S_ISDIR(st.st_mode)
			       ? "is a directory; --share makes one visible to the realm"
			       : "is neither a regular file nor a block device";
	}
	if (!block_init(b, fd, read_only)) {
		return strerror(errno);
	}
	return b->config.capacity > 0
		       ? NULL
		       : "is smaller than a sector of 512 bytes; make it larger, with truncate(1)";
}

/*
 * Others may read a disk that is read only, and nobody may use one that can be written. False when
 * somebody is in the way for longer than the host's own look at a block device takes. On a file
 * system without locks there is nothing to do.
 */
static bool lock(int fd, bool read_only)
{
	for (int tries = 0; flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			break;
		}
		if (tries == LOCK_TRIES) {
			return false;
		}
		usleep(LOCK_PAUSE_US);
	}
	return true;
}

bool block_open(struct block *b, const char *path, bool read_only, struct block_error *err)
{
	int fd = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
	const char *why;

	if (fd < 0) {
		why = errno == EISDIR ? "is a directory; --share makes one visible to the realm"
				      : strerror(errno);
	} else {
		why = unfit(b, fd, read_only);
	}
	if (!why && !lock(fd, read_only)) {
		why = "is in use by another realm or program; only readers (\",ro\") can share a "
		      "disk";
	}
	if (!why) {
		return true;
	}
	snprintf(err->text, sizeof(err->text), "%s", why);
	if (fd >= 0) {
		close(fd);
	}
	b->virtio.ops = NULL;
	return false;
}
