// SPDX-License-Identifier: BSD-3-Clause
/*
 * csmctl evidence: a token of this realm and the records that its sharings claim has the hash of,
 * in one file for cca-verify --pair (docs/attestation.md). The records are listed before and after
 * the token: where they are the same, they are those of the token.
 */
#include <errno.h>
#include <string.h>

#include "abi/csm.h"
#include "attest.h"

#define TRIES 3
#define NAME  "caec-evidence-1"

struct list {
	struct rsi_csm_record records[CSM_RECORDS_MAX];
	size_t count;
};

static uint64_t pack(const struct csm_record *record)
{
	return rsi_csm_record_pack(record->kind, record->permissions, record->state,
				   (record->sealed ? CSM_FLAG_SEALED : 0) |
					   (record->any ? CSM_FLAG_ANY : 0) |
					   (record->ending ? CSM_FLAG_ENDING : 0) |
					   (record->has_digest ? CSM_FLAG_DIGEST : 0));
}

/* The digest of an own region; it is computed if it was not. 0 or a negative errno. */
static int digest_of(struct csm *csm, uint64_t region_id, uint8_t out[CSM_DIGEST_SIZE])
{
	struct csm_region *region;
	int ret = csm_find(csm, 0, region_id, &region);

	if (ret < 0) {
		return ret;
	}
	do {
		ret = csm_digest(region, out);
	} while (ret == -EINTR);
	csm_release(region);
	return ret;
}

/* One more record. 0 or a negative errno; -E2BIG: there are more than a token vouches for. */
static int add(struct csm *csm, struct list *list, const struct csm_record *record)
{
	struct rsi_csm_record *out = &list->records[list->count];

	if (list->count == CSM_RECORDS_MAX) {
		return -E2BIG;
	}
	list->count++;
	out->packed = pack(record);
	out->peer = record->peer_id;
	out->region = record->region_id;
	out->size = record->size;
	return record->has_digest ? digest_of(csm, record->region_id, out->digest) : 0;
}

/* All records with their digests. 0 or a negative errno, as add() and csm_next_record() say. */
static int take_list(struct csm *csm, struct list *list)
{
	struct csm_record record = {0};
	int ret;

	memset(list, 0, sizeof(*list));
	do {
		ret = csm_next_record(csm, &record);
		if (ret == 1) {
			int added = add(csm, list, &record);

			ret = added < 0 ? added : ret;
		}
	} while (ret == 1);
	return ret;
}

/* Has the RMM compute the digests of sealed regions, so that the records have them. */
static int compute_digests(struct csm *csm)
{
	uint8_t digest[CSM_DIGEST_SIZE];
	struct csm_record record = {0};
	int ret;

	do {
		ret = csm_next_record(csm, &record);
		if (ret == 1 && record.kind == CSM_RECORD_REGION && record.sealed &&
		    !record.has_digest && !record.ending) {
			digest_of(csm, record.region_id, digest); /* it may be absent then */
		}
	} while (ret == 1);
	return ret;
}

/* A byte string of CBOR: head with a length of two bytes, then the data. */
static void put_bytes(FILE *file, const void *data, size_t size)
{
	fputc(0x59, file);
	fputc((int)(size >> 8), file);
	fputc((int)(size & 0xff), file);
	fwrite(data, 1, size, file);
}

/* Writes the evidence to the file of the argument. CSMCTL_FAILED after a message. */
static int put_file(struct tool *tool, const uint8_t *token, size_t size, const struct list *list)
{
	const char *name = tool->options->args[0];
	bool output = strcmp(name, "-") == 0;
	FILE *file = output ? tool->io->out : fopen(name, "wb");
	bool good;

	if (file == NULL) {
		return complain_file(tool->io, name, errno);
	}
	fputc(0x83, file);
	fputc(0x60 + (int)strlen(NAME), file);
	fputs(NAME, file);
	put_bytes(file, token, size);
	put_bytes(file, list->records, list->count * sizeof(list->records[0]));
	good = !ferror(file);
	if (!output) {
		good = fclose(file) == 0 && good;
	}
	return good ? CSMCTL_OK : complain_file(tool->io, name, errno);
}

static int complain_records(struct tool *tool, int error)
{
	if (error == -E2BIG) {
		fprintf(tool->io->err,
			"csmctl: this realm has more than %d regions, grants and attachments: its "
			"token says nothing about them\n",
			CSM_RECORDS_MAX);
		return CSMCTL_FAILED;
	}
	return complain(tool->io, "evidence", error);
}

int cmd_evidence(struct tool *tool)
{
	uint8_t challenge[CSM_CHALLENGE_SIZE];
	uint8_t token[CSM_TOKEN_MAX];
	static struct list before, after;
	int ret = take_challenge(tool, challenge);

	if (ret != 0) {
		return ret;
	}
	for (int i = 0; i < TRIES; i++) {
		long size;

		ret = compute_digests(tool->csm);
		ret = ret < 0 ? ret : take_list(tool->csm, &before);
		if (ret < 0) {
			return complain_records(tool, ret);
		}
		size = take_token(tool, challenge, token);
		if (size < 0) {
			return (int)-size;
		}
		ret = take_list(tool->csm, &after);
		if (ret < 0) {
			return complain_records(tool, ret);
		}
		if (memcmp(&before, &after, sizeof(before)) == 0) {
			return put_file(tool, token, (size_t)size, &before);
		}
	}
	fprintf(tool->io->err, "csmctl: evidence: sharings of this realm change; try again\n");
	return CSMCTL_FAILED;
}
