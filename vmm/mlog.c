// SPDX-License-Identifier: BSD-3-Clause
/*
 * The functions for one algorithm add some kilobytes to a static program; those that look
 * algorithms up by name add megabytes.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "abi/rmi.h"
#include "layout/values.h"
#include "mlog.h"

static bool complain(const struct mlog *log)
{
	fprintf(stderr, "rvm: --measurement-log %s: %s\n", log->path, strerror(errno));
	return false;
}

bool mlog_open(struct mlog *log, const char *path)
{
	int fd;

	*log = (struct mlog){.path = path};
	if (!path) {
		return true;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
	if (fd < 0) {
		return complain(log);
	}
	log->file = fdopen(fd, "w");
	if (!log->file) {
		close(fd);
		return complain(log);
	}
	return true;
}

static const char *hash_name(uint8_t hash)
{
	return hash == RMI_HASH_SHA_512 ? "sha-512" : "sha-256";
}

static void print_hex(struct mlog *log, const char *name, const uint8_t *data, size_t size)
{
	fprintf(log->file, ", \"%s\": \"", name);
	for (size_t i = 0; i < size; i++) {
		fprintf(log->file, "%02x", data[i]);
	}
	fputc('"', log->file);
}

void mlog_realm(struct mlog *log, const struct layout *l, const uint8_t *rpv)
{
	if (!log->file) {
		return;
	}
	log->hash = l->hash_algo;
	fprintf(log->file,
		"{\"caec-measurement-log\": 1, \"op\": \"realm\", \"hash\": \"%s\", \"s2sz\": %u, "
		"\"flags\": %" PRIu64 ", \"sve_vl\": %u, \"num_bps\": %u, \"num_wps\": %u, "
		"\"pmu_num_ctrs\": %u, \"rtt_level_start\": %u",
		hash_name(l->hash_algo), l->s2sz, l->realm_flags, l->sve_vl, l->num_bps, l->num_wps,
		l->pmu_num_ctrs, LAYOUT_START_LEVEL);
	print_hex(log, "rpv", rpv, LAYOUT_RPV_SIZE);
	fputs("}\n", log->file);
}

void mlog_ripas(struct mlog *log, uint64_t base, uint64_t size)
{
	if (log->file) {
		fprintf(log->file,
			"{\"op\": \"ripas\", \"base\": \"%#" PRIx64 "\", \"size\": \"%#" PRIx64
			"\"}\n",
			base, size);
	}
}

/* The hash of a page: size bytes of a file, the rest zero. */
static void print_content(struct mlog *log, const uint8_t *data, size_t size)
{
	uint8_t page[ABI_GRANULE_SIZE] = {0};
	uint8_t digest[SHA512_DIGEST_LENGTH];
	SHA512_CTX c512;
	SHA256_CTX c256;

	memcpy(page, data, size);
	if (log->hash == RMI_HASH_SHA_512) {
		SHA512_Init(&c512);
		SHA512_Update(&c512, page, sizeof(page));
		SHA512_Final(digest, &c512);
		print_hex(log, "content", digest, SHA512_DIGEST_LENGTH);
	} else {
		SHA256_Init(&c256);
		SHA256_Update(&c256, page, sizeof(page));
		SHA256_Final(digest, &c256);
		print_hex(log, "content", digest, SHA256_DIGEST_LENGTH);
	}
}

void mlog_data(struct mlog *log, uint64_t ipa, struct layout_file file, uint64_t flags)
{
	for (size_t at = 0; log->file && at < file.size; at += ABI_GRANULE_SIZE) {
		size_t left = file.size - at;

		fprintf(log->file,
			"{\"op\": \"data\", \"ipa\": \"%#" PRIx64 "\", \"flags\": %" PRIu64,
			ipa + at, flags);
		if (flags & RMI_DATA_FLAG_MEASURE) {
			print_content(log, (const uint8_t *)file.data + at,
				      left < ABI_GRANULE_SIZE ? left : ABI_GRANULE_SIZE);
		}
		fputs("}\n", log->file);
	}
}

void mlog_rec(struct mlog *log, uint64_t mpidr, uint64_t flags, uint64_t pc, const uint64_t gprs[8])
{
	if (!log->file) {
		return;
	}
	fprintf(log->file,
		"{\"op\": \"rec\", \"mpidr\": \"%#" PRIx64 "\", \"flags\": %" PRIu64
		", \"pc\": \"%#" PRIx64 "\", \"gprs\": [",
		mpidr, flags, pc);
	for (unsigned int i = 0; i < 8; i++) {
		fprintf(log->file, "%s\"%#" PRIx64 "\"", i > 0 ? ", " : "", gprs[i]);
	}
	fputs("]}\n", log->file);
}

bool mlog_close(struct mlog *log)
{
	FILE *file = log->file;
	bool good;

	log->file = NULL;
	if (!file) {
		return true;
	}
	good = !ferror(file);
	good = fclose(file) == 0 && good;
	return good || complain(log);
}
