// SPDX-License-Identifier: BSD-3-Clause
/*
 * Evidence of what a realm shares (CAEC: docs/csm-spec.md section 11): a token, and the records of
 * regions, grants and attachments that its sharings claim has the hash of. `csmctl evidence` writes
 * it: CBOR, an array of the text "caec-evidence-1", the token and the records as byte strings.
 */
#ifndef CCA_EVIDENCE_H
#define CCA_EVIDENCE_H

#include "ccatoken.h"

#define CCA_RECORD_SIZE  128u
#define CCA_RECORDS_MAX  64u
#define CCA_DIGEST_SIZE  64u
#define CCA_EVIDENCE_MAX (CCA_TOKEN_MAX_SIZE + CCA_RECORDS_MAX * CCA_RECORD_SIZE + 64u)

/* Views into the caller's buffer. */
struct cca_evidence {
	struct cca_bytes token;
	struct cca_bytes list;
	size_t count; /* of records */
};

enum cca_record_kind {
	CCA_RECORD_NONE, /* of no record that was checked */
	CCA_RECORD_REGION,
	CCA_RECORD_GRANT,
	CCA_RECORD_ATTACHMENT,
};

/* States of grants and attachments. */
enum cca_record_state {
	CCA_RECORD_OWN,
	CCA_RECORD_GRANTED,
	CCA_RECORD_RESERVED,
	CCA_RECORD_ATTACHED,
	CCA_RECORD_ENDED,
};

struct cca_record {
	enum cca_record_kind kind;
	unsigned int permissions; /* bit 0 read, 1 write, 2 execute; zero of an attachment */
	enum cca_record_state state;
	bool sealed;
	bool any;
	bool ending;
	bool has_digest;
	uint64_t peer; /* consumer of a grant, zero for any; provider of an attachment */
	uint64_t region;
	uint64_t size;                   /* bytes */
	uint8_t digest[CCA_DIGEST_SIZE]; /* SHA-512 of a region with has_digest */
};

/*
 * Takes evidence apart. It must fill buf[0 .. size-1]; the token is any bytes. CCA_MALFORMED, with
 * *evidence all zero, if it is not of this form, or has more than CCA_RECORDS_MAX records.
 */
enum cca_status cca_evidence_read(const void *buf, size_t size, struct cca_evidence *evidence,
				  struct cca_error *err);

/*
 * Compares the records with the sharings claim of the token, which is evidence->token, parsed and
 * verified by the caller. CCA_MISMATCH if the token has no such claim, says that there are too many
 * records, or has another hash; CCA_MALFORMED if records that have the hash are not what a firmware
 * of CSM 1.2 writes; CCA_FAILED if the crypto library fails. After CCA_OK the records are those of
 * the realm at the moment of its token: all of them, and in order.
 */
enum cca_status cca_evidence_check(const struct cca_evidence *evidence,
				   const struct cca_token *token, struct cca_error *err);

/* Record number `index`, below evidence->count, of evidence that was checked. */
struct cca_record cca_evidence_record(const struct cca_evidence *evidence, size_t index);

#endif
