// SPDX-License-Identifier: BSD-3-Clause
/*
 * A directory of the host for the realm: virtio 9p, protocol 9P2000.L, mount tag "share".
 *
 * Nothing outside the directory can be reached: names are single components, ".." is refused, and
 * symbolic links are never followed here (the realm follows them within its own mount). Files get
 * the owner and permissions that rvm itself has. The caller serializes.
 */
#ifndef VMM_P9_H
#define VMM_P9_H

#include <dirent.h>
#include <sys/types.h>

#include "virtio.h"

/* Largest message, request or answer: Linux asks for 512,000 bytes at most. */
#define P9_MSIZE (512u << 10)

/*
 * Names that the realm may hold at the same time: Linux has two for a file that is open, and with
 * cache=loose one for what it remembers of the directory. One more gets ENFILE. Each takes a
 * descriptor of rvm, and one that is open two: where RLIMIT_NOFILE is reached first, the answer is
 * EMFILE.
 */
#define P9_FIDS 65536u

/* Descriptors that the share leaves to the rest of rvm. */
#define P9_RESERVE 64u

struct p9_fid {
	struct p9_fid *next; /* in the same bucket */
	uint32_t number;
	int path; /* O_PATH: what the fid names */
	int file; /* opened for reading or writing, -1 otherwise */
	DIR *dir; /* opened directory, NULL otherwise; owns a descriptor of its own */
};

/* Fids by number. It grows with what is in it. */
struct p9_fids {
	struct p9_fid **buckets;
	uint32_t size; /* of buckets, a power of two, or 0 */
	uint32_t count;
	uint32_t limit;  /* of count */
	int descriptors; /* those of a fid are below this number */
};

struct p9_config {
	uint16_t tag_len;
	uint8_t tag[5];
};

struct p9 {
	struct virtio virtio;
	struct p9_config config;
	int root; /* O_PATH */
	uint32_t msize;
	dev_t device; /* of root */
	struct p9_fids fids;
	uint8_t request[P9_MSIZE];
	uint8_t reply[P9_MSIZE];
};

/*
 * Sets up p9->virtio's ops, device and config, and raises the soft limit of RLIMIT_NOFILE to the
 * hard one. False with errno if dir is no directory.
 */
bool p9_init(struct p9 *p9, const char *dir);
void p9_close(struct p9 *p9);

/*
 * Answers the message of size bytes in p9->request; the answer is in p9->reply, its size returned.
 */
size_t p9_answer(struct p9 *p9, size_t size);

/* An empty table for up to limit fids, with as many descriptors as RLIMIT_NOFILE has for it now. */
void p9_fids_init(struct p9_fids *fids, uint32_t limit);

/* NULL when there is none of this number. */
struct p9_fid *p9_fid_find(const struct p9_fids *fids, uint32_t number);

/*
 * A new fid that owns path. On failure path is closed, and the result is the error: EBADF when the
 * number is taken, ENFILE when the table is full, ENOMEM.
 */
int p9_fid_new(struct p9_fids *fids, uint32_t number, int path);

/*
 * Passes on a descriptor just opened (or -1 with errno) that a fid is to keep. -1 with EMFILE, and
 * it is closed, when keeping it would take what is left to the rest of rvm.
 */
int p9_fid_descriptor(const struct p9_fids *fids, int fd);

/* Closes what the fid has open for reading and writing. */
void p9_fid_close_io(struct p9_fid *fid);

/* Closes all that the fid has, and frees it. */
void p9_fid_drop(struct p9_fids *fids, struct p9_fid *fid);

/* The same for all, and frees the table, which is then empty. */
void p9_fids_drop_all(struct p9_fids *fids);

#endif
