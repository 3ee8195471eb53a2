// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
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

/* Text as a string of JSON. */
static void put_quoted(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20) {
			fprintf(to, "\\u%04x", c);
		} else {
			fprintf(to, c == '"' || c == '\\' ? "\\%c" : "%c", c);
		}
	}
	fputc('"', to);
}

void out_text(struct io *io, const char *key, const char *value)
{
	lead(io, key);
	if (io->json) {
		put_quoted(io->out, value);
	} else {
		fputs(value, io->out);
		trail(io);
	}
}

void out_words_begin(struct io *io, const char *key)
{
	lead(io, key);
	if (io->json) {
		fputc('[', io->out);
	}
	io->comma = false;
}

void out_word(struct io *io, const char *word)
{
	if (io->json) {
		lead(io, NULL);
		put_quoted(io->out, word);
	} else {
		fprintf(io->out, "%s%s", io->comma ? " " : "", word);
		io->comma = true;
	}
}

void out_words_end(struct io *io)
{
	if (io->json) {
		fputc(']', io->out);
	} else {
		trail(io);
	}
	io->comma = true;
}

void out_permissions(struct io *io, unsigned int permissions)
{
	static const char *const texts[] = {"-", "r", "-w", "rw", "--x", "r-x", "-wx", "rwx"};

	out_text(io, "permissions", texts[permissions & 7]);
}

void out_number(struct io *io, const char *key, uint64_t value)
{
	lead(io, key);
	fprintf(io->out, "%" PRIu64, value);
	trail(io);
}

void out_decimal(struct io *io, const char *key, double value)
{
	lead(io, key);
	fprintf(io->out, "%.3f", value);
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

/* Errors and notices; status 0: a notice. */
static void put_message(struct io *io, int status, const char *format, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, args);
	if (!io->json) {
		fprintf(io->err, "csmctl: %s\n", text);
	} else {
		fprintf(io->err, "{\"%s\": ", status ? "error" : "notice");
		put_quoted(io->err, text);
		if (status) {
			fprintf(io->err, ", \"status\": %d", status);
		}
		fputs("}\n", io->err);
	}
	fflush(io->err);
}

int out_error(struct io *io, int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_message(io, status, format, args);
	va_end(args);
	return status;
}

void out_notice(struct io *io, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_message(io, 0, format, args);
	va_end(args);
}

int complain(struct io *io, const char *what, int result)
{
	return out_error(io, CSMCTL_FAILED, "%s: %s", what, csm_strerror(result));
}

int complain_file(struct io *io, const char *name, int error)
{
	return out_error(io, CSMCTL_FAILED, "%s: %s", name, strerror(error));
}

int out_check(struct io *io)
{
	flush(io);
	return io->error ? complain_file(io, "standard output", io->error) : CSMCTL_OK;
}
