// SPDX-License-Identifier: BSD-3-Clause
/*
 * Attestation tokens by the kernel's report interface (Documentation/ABI/testing/
 * configfs-tsm-report): a folder for one report, a challenge written to it, the token read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/include/csm_attest.h"

#define PROVIDER   "arm_cca_guest"
#define NAME_TRIES 100

#define PATH_SIZE 300

struct report {
	char folder[256];
};

static void path_of(const struct report *r, const char *file, char out[PATH_SIZE])
{
	snprintf(out, PATH_SIZE, "%s/%s", r->folder, file);
}

/* The bytes of a file, at most `max`: its size, -EFBIG if there are more, or a negative errno. */
static ssize_t read_whole(const struct report *r, const char *file, void *data, size_t max)
{
	char path[PATH_SIZE];
	uint8_t extra;
	size_t done = 0;
	ssize_t got = 1;
	int fd;

	path_of(r, file, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	while (got > 0 && done < max) {
		got = read(fd, (uint8_t *)data + done, max - done);
		done += got > 0 ? (size_t)got : 0;
	}
	if (got > 0) {
		got = read(fd, &extra, 1) > 0 ? -EFBIG : 0;
	} else if (got < 0) {
		got = -errno;
	}
	close(fd);
	return got < 0 ? got : (ssize_t)done;
}

/* The kernel takes the challenge when the file is closed. */
static int write_whole(const struct report *r, const char *file, const void *data, size_t size)
{
	char path[PATH_SIZE];
	ssize_t put;
	int ret = 0;
	int fd;

	path_of(r, file, path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	put = write(fd, data, size);
	if (put != (ssize_t)size) {
		ret = put < 0 ? -errno : -EIO;
	}
	if (close(fd) != 0 && ret == 0) {
		ret = -errno;
	}
	return ret;
}

/* Counts what is written to the report, so that a change by others shows. Negative errno. */
static long generation(const struct report *r)
{
	char text[24] = "";
	ssize_t size = read_whole(r, "generation", text, sizeof(text) - 1);

	return size < 0 ? size : strtol(text, NULL, 10);
}

static int check_provider(const struct report *r)
{
	char text[64] = "";
	ssize_t size = read_whole(r, "provider", text, sizeof(text) - 1);

	if (size < 0) {
		return (int)size;
	}
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, PROVIDER) == 0 ? 0 : -ENODEV;
}

/* One report from challenge to token: its size or a negative errno. -EBUSY: others wrote to it. */
static ssize_t fetch(const struct report *r, const uint8_t challenge[CSM_CHALLENGE_SIZE],
		     uint8_t *token, size_t max)
{
	int ret = check_provider(r);
	ssize_t size;
	long before;

	if (ret < 0) {
		return ret;
	}
	before = generation(r);
	if (before < 0) {
		return before;
	}
	ret = write_whole(r, "inblob", challenge, CSM_CHALLENGE_SIZE);
	if (ret < 0) {
		return ret;
	}
	size = read_whole(r, "outblob", token, max);
	return size >= 0 && generation(r) != before + 1 ? -EBUSY : size;
}

/* A name that no other program has taken. */
static int make_folder(const char *reports, struct report *r)
{
	for (int i = 0; i < NAME_TRIES; i++) {
		int length = snprintf(r->folder, sizeof(r->folder), "%s/csm.%d.%d",
				      reports != NULL ? reports : CSM_REPORTS, (int)getpid(), i);

		if (length < 0 || (size_t)length >= sizeof(r->folder)) {
			return -ENAMETOOLONG;
		}
		if (mkdir(r->folder, 0700) == 0) {
			return 0;
		}
		if (errno != EEXIST) {
			return -errno;
		}
	}
	return -EEXIST;
}

long csm_token(const char *reports, const uint8_t challenge[CSM_CHALLENGE_SIZE], void *token,
	       size_t max)
{
	struct report r;
	ssize_t size;
	int ret = make_folder(reports, &r);

	if (ret < 0) {
		return ret;
	}
	size = fetch(&r, challenge, token, max);
	rmdir(r.folder);
	return size;
}

const char *csm_token_strerror(int error)
{
	switch (error) {
	case -ENOENT:
		return "no reports: mount configfs at /sys/kernel/config and load arm-cca-guest";
	case -ENODEV:
		return "the reports are not those of a realm (provider is not " PROVIDER ")";
	case -EBUSY:
		return "another program used the report; try again";
	case -EFBIG:
		return "the token is longer than tokens are";
	default:
		return strerrordesc_np(-error) != NULL ? strerrordesc_np(-error) : "unknown error";
	}
}
