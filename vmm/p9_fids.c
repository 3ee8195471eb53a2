// SPDX-License-Identifier: BSD-3-Clause
/* The fids of a session: what the realm holds, by the numbers that it has chosen. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "p9.h"

#define FIRST_SIZE 64u

/* Kernels take the lowest free number, but a hostile one does not. */
static struct p9_fid **bucket(const struct p9_fids *fids, uint32_t number)
{
	return &fids->buckets[(number * 2654435761u >> 8) & (fids->size - 1)];
}

void p9_fids_init(struct p9_fids *fids, uint32_t limit)
{
	struct rlimit files = {.rlim_cur = P9_RESERVE};

	getrlimit(RLIMIT_NOFILE, &files);
	*fids = (struct p9_fids){.limit = limit};
	if (files.rlim_cur > INT_MAX) {
		fids->descriptors = INT_MAX;
	} else if (files.rlim_cur > P9_RESERVE) {
		fids->descriptors = (int)(files.rlim_cur - P9_RESERVE);
	}
}

struct p9_fid *p9_fid_find(const struct p9_fids *fids, uint32_t number)
{
	struct p9_fid *fid = fids->size ? *bucket(fids, number) : NULL;

	while (fid && fid->number != number) {
		fid = fid->next;
	}
	return fid;
}

/* Without memory for it the table stays as it is; it works, only slower. */
static void grow(struct p9_fids *fids)
{
	struct p9_fids larger = *fids;

	larger.size = fids->size ? 2 * fids->size : FIRST_SIZE;
	larger.buckets = calloc(larger.size, sizeof(*larger.buckets));
	if (!larger.buckets) {
		return;
	}
	for (uint32_t i = 0; i < fids->size; i++) {
		while (fids->buckets[i]) {
			struct p9_fid *fid = fids->buckets[i];
			struct p9_fid **to = bucket(&larger, fid->number);

			fids->buckets[i] = fid->next;
			fid->next = *to;
			*to = fid;
		}
	}
	free(fids->buckets);
	*fids = larger;
}

/*
 * 0; EBADF for a number that is in use, ENFILE at the limit, ENOMEM. path stays the caller's on
 * failure.
 */
static int insert(struct p9_fids *fids, uint32_t number, int path)
{
	struct p9_fid *fid, **at;

	if (p9_fid_find(fids, number)) {
		return EBADF;
	}
	if (fids->count >= fids->limit) {
		return ENFILE;
	}
	if (fids->count >= fids->size) {
		grow(fids);
	}
	fid = fids->size ? malloc(sizeof(*fid)) : NULL;
	if (!fid) {
		return ENOMEM;
	}
	at = bucket(fids, number);
	*fid = (struct p9_fid){.next = *at, .number = number, .path = path, .file = -1};
	*at = fid;
	fids->count++;
	return 0;
}

int p9_fid_new(struct p9_fids *fids, uint32_t number, int path)
{
	int error = insert(fids, number, path);

	if (error) {
		close(path);
	}
	return error;
}

/* The kernel gives the lowest number that is free: as many descriptors as its value are in use. */
int p9_fid_descriptor(const struct p9_fids *fids, int fd)
{
	if (fd < fids->descriptors) {
		return fd;
	}
	close(fd);
	errno = EMFILE;
	return -1;
}

void p9_fid_close_io(struct p9_fid *fid)
{
	if (fid->file >= 0) {
		close(fid->file);
		fid->file = -1;
	}
	if (fid->dir) {
		closedir(fid->dir);
		fid->dir = NULL;
	}
}

static void destroy(struct p9_fid *fid)
{
	p9_fid_close_io(fid);
	close(fid->path);
	free(fid);
}

void p9_fid_drop(struct p9_fids *fids, struct p9_fid *fid)
{
	struct p9_fid **at = bucket(fids, fid->number);

	while (*at != fid) {
		at = &(*at)->next;
	}
	*at = fid->next;
	fids->count--;
	destroy(fid);
}

void p9_fids_drop_all(struct p9_fids *fids)
{
	for (uint32_t i = 0; i < fids->size; i++) {
		while (fids->buckets[i]) {
			struct p9_fid *fid = fids->buckets[i];

			fids->buckets[i] = fid->next;
			destroy(fid);
		}
	}
	free(fids->buckets);
	fids->buckets = NULL;
	fids->size = 0;
	fids->count = 0;
}
