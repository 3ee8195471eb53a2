// SPDX-License-Identifier: BSD-3-Clause
#include "evidence.h"

#include <stdio.h>
#include <string.h>

#include "reader.h"

#define NAME "caec-evidence-1"

/* Offsets in a record; numbers are little endian. */
#define AT_PEER   8u
#define AT_REGION 16u
#define AT_SIZE   24u
#define AT_ZERO   32u
#define AT_DIGEST 64u

#define FLAG_SEALED 1u
#define FLAG_ANY    2u
#define FLAG_ENDING 4u
#define FLAG_DIGEST 8u
#define FLAGS_KNOWN 0xfu

static enum cca_status fail(struct cca_error *err, enum cca_status status, const char *text)
{
	*err = (struct cca_error){.status = status};
	snprintf(err->text, sizeof(err->text), "%s", text);
	return status;
}

/* Name, token and list, and nothing behind them. False, with the reason in the reader's error. */
static bool read_parts(struct reader *r, struct cca_evidence *out)
{
	struct cca_bytes name;
	size_t entries;

	if (!read_array(r, "evidence", &entries)) {
		return false;
	}
	if (entries != 3) {
		return reader_fail(r, "evidence: must be an array of 3");
	}
	if (!read_text(r, "evidence", &name)) {
		return false;
	}
	if (name.size != sizeof(NAME) - 1 || memcmp(name.data, NAME, name.size) != 0) {
		return reader_fail(r, "evidence: is not called \"" NAME "\"");
	}
	if (!read_bytes(r, "evidence token", &out->token) ||
	    !read_bytes(r, "evidence records", &out->list)) {
		return false;
	}
	if (out->list.size % CCA_RECORD_SIZE != 0 ||
	    out->list.size > CCA_RECORDS_MAX * CCA_RECORD_SIZE) {
		return reader_fail(r, "evidence records: must be at most %u of %u bytes",
				   CCA_RECORDS_MAX, CCA_RECORD_SIZE);
	}
	out->count = out->list.size / CCA_RECORD_SIZE;
	return read_end(r, "evidence");
}

enum cca_status cca_evidence_read(const void *buf, size_t size, struct cca_evidence *evidence,
				  struct cca_error *err)
{
	struct parse parse = {.whole = buf, .err = err};
	struct reader r = reader_of((struct cca_bytes){buf, size}, &parse);

	*err = (struct cca_error){0};
	*evidence = (struct cca_evidence){0};
	if (!read_parts(&r, evidence)) {
		*evidence = (struct cca_evidence){0};
	}
	return err->status;
}

static uint64_t number(const uint8_t *at)
{
	uint64_t value = 0;

	for (size_t i = 8; i-- > 0;) {
		value = value << 8 | at[i];
	}
	return value;
}

static bool is_zero(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] != 0) {
			return false;
		}
	}
	return true;
}

static const uint8_t *record_at(const struct cca_evidence *evidence, size_t index)
{
	return evidence->list.data + index * CCA_RECORD_SIZE;
}

/* The order of records: by kind, then peer, then region. */
static bool is_before(const uint8_t *a, const uint8_t *b)
{
	if (a[0] != b[0]) {
		return a[0] < b[0];
	}
	if (number(a + AT_PEER) != number(b + AT_PEER)) {
		return number(a + AT_PEER) < number(b + AT_PEER);
	}
	return number(a + AT_REGION) < number(b + AT_REGION);
}

static bool is_record(const uint8_t *at)
{
	static const uint8_t states[][2] = {
		[CCA_RECORD_REGION] = {CCA_RECORD_OWN, CCA_RECORD_OWN},
		[CCA_RECORD_GRANT] = {CCA_RECORD_GRANTED, CCA_RECORD_ATTACHED},
		[CCA_RECORD_ATTACHMENT] = {CCA_RECORD_RESERVED, CCA_RECORD_ENDED},
	};

	return at[0] >= CCA_RECORD_REGION && at[0] <= CCA_RECORD_ATTACHMENT && at[1] <= 7 &&
	       at[2] >= states[at[0]][0] && at[2] <= states[at[0]][1] &&
	       (at[3] & ~FLAGS_KNOWN) == 0 && is_zero(at + 4, 4) &&
	       is_zero(at + AT_ZERO, AT_DIGEST - AT_ZERO) &&
	       ((at[3] & FLAG_DIGEST) != 0 || is_zero(at + AT_DIGEST, CCA_DIGEST_SIZE));
}

enum cca_status cca_evidence_check(const struct cca_evidence *evidence,
				   const struct cca_token *token, struct cca_error *err)
{
	uint8_t hash[CCA_HASH_MAX];

	if (!token->has_realm || !token->realm.has_sharings) {
		return fail(err, CCA_MISMATCH, "the token says nothing about sharings");
	}
	if (token->realm.sharings.size == 0) {
		return fail(err, CCA_MISMATCH,
			    "the realm has too many regions, grants and attachments for its token");
	}
	if (!cca_hash(CCA_HASH_SHA512, evidence->list.data, evidence->list.size, hash)) {
		return fail(err, CCA_FAILED, "crypto library: cannot hash");
	}
	if (memcmp(hash, token->realm.sharings.data, CCA_DIGEST_SIZE) != 0) {
		return fail(err, CCA_MISMATCH, "the records are not those of the token");
	}
	for (size_t i = 0; i < evidence->count; i++) {
		if (!is_record(record_at(evidence, i)) ||
		    (i > 0 && !is_before(record_at(evidence, i - 1), record_at(evidence, i)))) {
			return fail(err, CCA_MALFORMED, "a record is not as CSM 1.2 has it");
		}
	}
	*err = (struct cca_error){0};
	return CCA_OK;
}

struct cca_record cca_evidence_record(const struct cca_evidence *evidence, size_t index)
{
	const uint8_t *at = record_at(evidence, index);
	struct cca_record record = {
		.kind = (enum cca_record_kind)at[0],
		.permissions = at[1],
		.state = (enum cca_record_state)at[2],
		.sealed = (at[3] & FLAG_SEALED) != 0,
		.any = (at[3] & FLAG_ANY) != 0,
		.ending = (at[3] & FLAG_ENDING) != 0,
		.has_digest = (at[3] & FLAG_DIGEST) != 0,
		.peer = number(at + AT_PEER),
		.region = number(at + AT_REGION),
		.size = number(at + AT_SIZE),
	};

	memcpy(record.digest, at + AT_DIGEST, sizeof(record.digest));
	return record;
}
