// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "csmctl.h"

/* The stream forgets what it could not write, and why: the reason is kept here. */
static void flush(struct io *io)
{
	errno = EIO;
	if ((fflush(io->out) != 0 || ferror(io->out)) && io->error == 0) {
		io->error = errno;
	}
}

/* What goes before an item: a comma and a key in JSON, the key or a gap otherwise. */
static void lead(struct io *io, const char *key)
{
	if (io->json) {
		fprintf(io->out, "%s", io->comma ? ", " : "");
		if (key) {
			fprintf(io->out, "\"%s\": ", key);
		}
	} else if (io->depth > 1) {
		fprintf(io->out, "%s%s ", io->comma ? "  " : "", key);
	} else {
		fprintf(io->out, "%s: ", key);
	}
	io->comma = true;
}

static void trail(struct io *io)
{
	if (!io->json && io->depth <= 1) {
		fputc('\n', io->out);
	}
}

void out_begin(struct io *io)
{
	if (io->json) {
		lead(io, NULL);
		fputc('{', io->out);
	}
	io->comma = false;
	io->depth++;
}

void out_end(struct io *io)
{
	io->depth--;
	if (io->json) {
		fputc('}', io->out);
	}
	if (io->depth == 0 ? io->json : !io->json) {
		fputc('\n', io->out);
	}
	io->comma = true;
	flush(io);
}

/* Inside of an object. Its items are objects, one a row. */
void out_list_begin(struct io *io, const char *key)
{
	if (io->json) {
		lead(io, key);
		fputc('[', io->out);
	}
	io->comma = false;
}

void out_list_end(struct io *io)
{
	if (io->json) {
		fputc(']', io->out);
	}
	io->comma = true;
}

void out_text(struct io *io, const char *key, const char *value)
{
	lead(io, key);
	if (!io->json) {
		fputs(value, io->out);
		trail(io);
		return;
	}
	fputc('"', io->out);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c < 0x20) {
			fprintf(io->out, "\\u%04x", c);
		} else {
			fprintf(io->out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
		}
	}
	fputc('"', io->out);
}

void out_number(struct io *io, const char *key, uint64_t value)
{
	lead(io, key);
	fprintf(io->out, "%" PRIu64, value);
	trail(io);
}

/* As text in JSON too: many readers have no 64-bit numbers. */
void out_id(struct io *io, const char *key, uint64_t value)
{
	char text[20];

	snprintf(text, sizeof(text), "%016" PRIx64, value);
	out_text(io, key, text);
}

void out_flag(struct io *io, const char *key, bool value)
{
	lead(io, key);
	fputs(io->json ? value ? "true" : "false" : value ? "yes" : "no", io->out);
	trail(io);
}

void out_bytes(struct io *io, const char *key, const uint8_t *value, size_t size)
{
	char text[129];

	for (size_t i = 0; i < size && i < 64; i++) {
		snprintf(text + 2 * i, 3, "%02x", value[i]);
	}
	out_text(io, key, text);
}

void out_region(struct io *io, struct csm_region *region)
{
	out_id(io, "provider", csm_provider_id(region));
	out_number(io, "region", csm_region_id(region));
	out_number(io, "size", csm_size(region));
}

int complain(struct io *io, const char *what, int result)
{
	fprintf(io->err, "csmctl: %s: %s\n", what, csm_strerror(result));
	return CSMCTL_FAILED;
}

int complain_file(struct io *io, const char *name, int error)
{
	fprintf(io->err, "csmctl: %s: %s\n", name, strerror(error));
	return CSMCTL_FAILED;
}

int out_check(struct io *io)
{
	flush(io);
	return io->error ? complain_file(io, "standard output", io->error) : CSMCTL_OK;
}
