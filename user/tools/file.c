// SPDX-License-Identifier: BSD-3-Clause
/*
 * Files in regions. A region is whole pages, so its last 64 bytes tell how long the file is; the
 * file begins at the region's start, where a program can use it in place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "csmctl.h"

#define TAIL_SIZE  64u
#define TAIL_MAGIC UINT64_C(0x454c49464d5343) /* CSMFILE */
#define CHUNK      65536u

struct tail {
	uint64_t magic;
	uint64_t length;
	uint8_t reserved[48];
};

static int copy_in(FILE *file, struct csm_region *region, uint64_t length)
{
	char *chunk = malloc(CHUNK);
	uint64_t done = 0;
	int ret = chunk ? 0 : -ENOMEM;

	while (ret == 0 && done < length) {
		size_t most = length - done < CHUNK ? (size_t)(length - done) : CHUNK;
		size_t got = fread(chunk, 1, most, file);

		ret = got ? csm_write(region, done, chunk, got) : -EIO;
		done += got;
	}
	free(chunk);
	return ret;
}

static int fill(FILE *file, struct csm_region *region, uint64_t length)
{
	const struct tail tail = {.magic = TAIL_MAGIC, .length = length};
	int ret = copy_in(file, region, length);

	return ret ? ret : csm_write(region, csm_size(region) - TAIL_SIZE, &tail, sizeof(tail));
}

/* Sealed before anybody sees it, if it is to be sealed. */
static int publish(struct tool *tool, struct csm_region *region)
{
	const struct options *o = tool->options;
	int ret = o->seal ? csm_seal(region) : 0;

	for (int i = 0; i < o->num_peers && ret == 0; i++) {
		ret = csm_share(region, o->peers[i], o->access, o->has_demand ? &o->demand : NULL);
	}
	return ret ? ret : csm_keep(region, true);
}

static int put(struct tool *tool, FILE *file, uint64_t length)
{
	const char *label = tool->options->label;
	struct csm_region *region;
	int ret =
		csm_create(tool->csm, length + TAIL_SIZE, label ? csm_label(label) : 0, 0, &region);

	if (ret < 0) {
		return ret;
	}
	ret = fill(file, region, length);
	if (ret == 0) {
		ret = publish(tool, region);
	}
	if (ret == 0) {
		out_begin(tool->io);
		out_region(tool->io, region);
		out_number(tool->io, "length", length);
		out_end(tool->io);
	}
	csm_release(region);
	return ret;
}

int cmd_put(struct tool *tool)
{
	const char *name = tool->options->args[0];
	FILE *file = fopen(name, "rb");
	struct stat info;
	int ret = -errno;

	if (!file) {
		return complain(tool->io, name, ret);
	}
	if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
		fprintf(tool->io->err, "csmctl: %s: not a regular file\n", name);
		ret = CSMCTL_FAILED;
	} else {
		ret = put(tool, file, (uint64_t)info.st_size);
	}
	fclose(file);
	return ret < 0 ? complain(tool->io, name, ret) : ret;
}

static int copy_out(struct csm_region *region, uint64_t length, FILE *file)
{
	char *chunk = malloc(CHUNK);
	uint64_t done = 0;
	int ret = chunk ? 0 : -ENOMEM;

	while (ret == 0 && done < length) {
		size_t size = length - done < CHUNK ? (size_t)(length - done) : CHUNK;

		ret = csm_read(region, done, chunk, size);
		if (ret == 0 && fwrite(chunk, 1, size, file) != size) {
			ret = -EIO;
		}
		done += size;
	}
	free(chunk);
	return ret;
}

/* The length is the provider's word: it is read once, and must fit. */
static int get_length(struct csm_region *region, uint64_t *length)
{
	struct tail tail;
	int ret = csm_read(region, csm_size(region) - TAIL_SIZE, &tail, sizeof(tail));

	if (ret == 0 && (tail.magic != TAIL_MAGIC || tail.length > csm_size(region) - TAIL_SIZE)) {
		ret = -EPROTO;
	}
	*length = tail.length;
	return ret;
}

static int get(struct tool *tool, struct csm_region *region, FILE *file)
{
	uint64_t length = 0;
	int ret = get_length(region, &length);

	if (ret == 0) {
		ret = copy_out(region, length, file);
	}
	if (ret == 0 && fflush(file) != 0) {
		ret = -errno;
	}
	if (ret == 0 && file != tool->io->out) {
		out_begin(tool->io);
		out_region(tool->io, region);
		out_number(tool->io, "length", length);
		out_end(tool->io);
	}
	return ret;
}

static int get_to(struct tool *tool, struct csm_region *region, const char *name)
{
	FILE *file = strcmp(name, "-") == 0 ? tool->io->out : fopen(name, "wb");
	int ret;

	if (!file) {
		return complain(tool->io, name, -errno);
	}
	ret = get(tool, region, file);
	if (file != tool->io->out && fclose(file) != 0 && ret == 0) {
		ret = -errno;
	}
	if (ret == -EPROTO) {
		fprintf(tool->io->err, "csmctl: %s: there is no file in this region\n",
			tool->options->args[0]);
		return CSMCTL_FAILED;
	}
	return ret < 0 ? complain(tool->io, tool->options->args[0], ret) : CSMCTL_OK;
}

int cmd_get(struct tool *tool)
{
	struct csm_region *region;
	int ret = open_region(tool, 0, &region);

	if (ret != 0) {
		return ret;
	}
	ret = get_to(tool, region, tool->options->args[1]);
	csm_release(region);
	return ret;
}
