// SPDX-License-Identifier: BSD-3-Clause
/* Files in regions: abi/uapi/csmfs.h describes how a region holds one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/uapi/csmfs.h"

#include "csmctl.h"

#define CHUNK 65536u

/*
 * Copies a file into a region. A negative errno about the region, or CSMCTL_FAILED after a message
 * about the file.
 */
static int copy_in(struct tool *tool, FILE *file, struct csm_region *region, uint64_t length)
{
	char *chunk = malloc(CHUNK);
	uint64_t done = 0;
	int ret = chunk ? 0 : -ENOMEM;

	while (ret == 0 && done < length) {
		size_t most = length - done < CHUNK ? (size_t)(length - done) : CHUNK;
		size_t got = fread(chunk, 1, most, file);

		if (got < most) {
			ret = complain_file(tool->io, tool->options->args[0],
					    ferror(file) ? errno : ENODATA);
			break;
		}
		ret = csm_write(region, done, chunk, got);
		done += got;
	}
	free(chunk);
	return ret;
}

/* A negative errno about the region, or CSMCTL_FAILED after a message about the file. */
static int fill(struct tool *tool, FILE *file, struct csm_region *region, uint64_t length)
{
	const struct csmfs_tail tail = {.magic = CSMFS_TAIL_MAGIC, .length = length};
	int ret = copy_in(tool, file, region, length);

	return ret ? ret
		   : csm_write(region, csm_size(region) - CSMFS_TAIL_SIZE, &tail, sizeof(tail));
}

/* Sealed before anybody sees it, if it is to be sealed. */
static int publish(struct tool *tool, struct csm_region *region)
{
	const struct options *o = tool->options;
	int ret = o->seal ? csm_seal(region) : 0;

	for (int i = 0; i < o->num_peers && ret == 0; i++) {
		ret = csm_share(region, o->peers[i], o->access, o->has_policy ? &o->policy : NULL);
	}
	return ret;
}

/*
 * Creates a region with the content of a file and publishes it. The region persists only after its
 * number has been printed.
 */
static int put(struct tool *tool, FILE *file, uint64_t length)
{
	const char *label = tool->options->label;
	struct csm_region *region;
	int ret = csm_create(tool->csm, length + CSMFS_TAIL_SIZE, label ? csm_label(label) : 0, 0,
			     &region);

	if (ret < 0) {
		return ret;
	}
	ret = fill(tool, file, region, length);
	if (ret == 0) {
		ret = publish(tool, region);
	}
	if (ret == 0) {
		out_begin(tool->io);
		out_region(tool->io, region);
		out_number(tool->io, "length", length);
		out_end(tool->io);
		ret = keep_known(tool, region);
	}
	csm_release(region);
	return ret;
}

int cmd_put(struct tool *tool)
{
	const char *name = tool->options->args[0];
	FILE *file = fopen(name, "rb");
	struct stat info;
	int ret;

	if (!file) {
		return complain_file(tool->io, name, errno);
	}
	if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
		ret = out_error(tool->io, CSMCTL_FAILED, "%s: not a regular file", name);
	} else {
		ret = put(tool, file, (uint64_t)info.st_size);
	}
	fclose(file);
	return ret < 0 ? complain(tool->io, name, ret) : ret;
}

/* Where the file goes: beside its final place, and there only when it is complete. */
struct target {
	FILE *file;
	char *final; /* what `name` leads to; NULL: written in place */
	char *beside;
};

static void drop(struct target *target)
{
	if (target->beside && target->beside[0]) {
		unlink(target->beside);
	}
	free(target->beside);
	free(target->final);
}

/* As fopen() would make it, or as it is already. */
static mode_t mode_of(const char *name)
{
	struct stat info;
	mode_t mask = umask(0);

	umask(mask);
	return stat(name, &info) == 0 ? info.st_mode & 07777 : 0666 & ~mask;
}

/* errno, or 0 with target->file. */
static int open_beside(struct target *target, const char *name)
{
	int fd, error;

	target->final = realpath(name, NULL);
	if (!target->final) {
		target->final = strdup(name);
	}
	if (!target->final || asprintf(&target->beside, "%s.XXXXXX", target->final) < 0) {
		target->beside = NULL;
		return ENOMEM;
	}
	/* The caller frees: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	fd = mkstemp(target->beside);
	if (fd < 0) {
		error = errno;
		target->beside[0] = 0;
		return error;
	}
	fchmod(fd, mode_of(target->final));
	target->file = fdopen(fd, "wb");
	if (!target->file) {
		error = errno;
		close(fd);
		return error;
	}
	return 0;
}

/* What is there and is no regular file (a device, a FIFO) is written in place. */
static int open_target(struct target *target, const char *name)
{
	struct stat info;

	if (stat(name, &info) != 0 || S_ISREG(info.st_mode)) {
		return open_beside(target, name);
	}
	target->file = fopen(name, "wb");
	return target->file ? 0 : errno;
}

/* errno. The data is safe when this says 0. */
static int close_target(struct target *target)
{
	int error = fflush(target->file) != 0 ? errno : 0;

	if (error == 0 && target->final && fsync(fileno(target->file)) != 0) {
		error = errno;
	}
	if (fclose(target->file) != 0 && error == 0) {
		error = errno;
	}
	if (error == 0 && target->final) {
		error = rename(target->beside, target->final) != 0 ? errno : 0;
		if (error == 0) {
			target->beside[0] = 0;
		}
	}
	return error;
}

/* A negative errno about the region, a positive one about the file. */
static int copy_out(struct csm_region *region, uint64_t length, FILE *file)
{
	char *chunk = malloc(CHUNK);
	uint64_t done = 0;
	int ret = chunk ? 0 : -ENOMEM;

	while (ret == 0 && done < length) {
		size_t size = length - done < CHUNK ? (size_t)(length - done) : CHUNK;

		ret = csm_read(region, done, chunk, size);
		if (ret == 0 && fwrite(chunk, 1, size, file) != size) {
			ret = errno;
		}
		done += size;
	}
	free(chunk);
	return ret;
}

/* The length is the provider's word: it is read once, and must fit. */
static int get_length(struct csm_region *region, uint64_t *length)
{
	struct csmfs_tail tail;
	int ret = csm_read(region, csm_size(region) - CSMFS_TAIL_SIZE, &tail, sizeof(tail));

	if (ret == 0 &&
	    (tail.magic != CSMFS_TAIL_MAGIC || tail.length > csm_size(region) - CSMFS_TAIL_SIZE)) {
		ret = -EPROTO;
	}
	*length = tail.length;
	return ret;
}

/* CSMCTL_OK, or CSMCTL_FAILED after a message. */
static int explain(struct tool *tool, int ret)
{
	const char *const *args = tool->options->args;

	if (ret == -EPROTO) {
		return out_error(tool->io, CSMCTL_FAILED, "%s: there is no file in this region",
				 args[0]);
	}
	if (ret > 0) {
		return complain_file(tool->io,
				     strcmp(args[1], "-") == 0 ? "standard output" : args[1], ret);
	}
	return ret < 0 ? complain(tool->io, args[0], ret) : CSMCTL_OK;
}

/*
 * Writes the content to a file that appears complete or not at all. A negative errno about the
 * region, a positive one about the file.
 */
static int get_to(struct csm_region *region, uint64_t length, const char *name)
{
	struct target target = {0};
	int ret = open_target(&target, name);

	if (ret == 0) {
		ret = copy_out(region, length, target.file);
		if (ret == 0) {
			ret = close_target(&target);
		} else {
			fclose(target.file); /* what came first is said */
		}
	}
	drop(&target);
	return ret;
}

/* Writes the content of a region to the output or to a file, and prints what was written. */
static int get(struct tool *tool, struct csm_region *region)
{
	const char *name = tool->options->args[1];
	uint64_t length;
	int ret = get_length(region, &length);

	if (ret == 0 && strcmp(name, "-") == 0) {
		return explain(tool, copy_out(region, length, tool->io->out));
	}
	if (ret == 0) {
		ret = get_to(region, length, name);
	}
	if (ret == 0) {
		out_begin(tool->io);
		out_region(tool->io, region);
		out_number(tool->io, "length", length);
		out_end(tool->io);
	}
	return explain(tool, ret);
}

int cmd_get(struct tool *tool)
{
	struct csm_region *region;
	int ret = open_region(tool, 0, &region);

	if (ret != 0) {
		return ret;
	}
	ret = get(tool, region);
	csm_release(region);
	return ret;
}
