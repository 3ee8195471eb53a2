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

#include "virtio.h"

#define P9_MSIZE 131072u /* largest message, request or answer */
#define P9_FIDS  256u

struct p9_fid {
	bool used;
	uint32_t number;
	int path; /* O_PATH: what the fid names */
	int file; /* opened for reading or writing, -1 otherwise */
	DIR *dir; /* opened directory, NULL otherwise; owns a descriptor of its own */
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
	struct p9_fid fids[P9_FIDS];
	uint8_t request[P9_MSIZE];
	uint8_t reply[P9_MSIZE];
};

/* Sets up p9->virtio's ops, device and config. False with errno if dir is no directory. */
bool p9_init(struct p9 *p9, const char *dir);
void p9_close(struct p9 *p9);

/* Answers the message of size bytes in p9->request; the answer is in p9->reply, its size returned.
 */
size_t p9_answer(struct p9 *p9, size_t size);

#endif
