// SPDX-License-Identifier: BSD-3-Clause
/* Signed CoRIMs: a COSE_Sign1 around a CoRIM (draft-ietf-rats-corim-11, 4.2). */
#include <stdio.h>
#include <string.h>

#include "corim.h"
#include "corim_keys.h"
#include "sign1.h"

/* The protected header, but for the algorithm. */
struct header {
	int64_t alg;
	int64_t not_before, not_after;
	bool names_signer; /* by "corim-meta" or by CWT claims: the draft demands one */
};

static bool read_alg(struct reader *r, const char *name, void *out)
{
	return read_int(r, name, &((struct header *)out)->alg);
}

static bool read_content(struct reader *r, const char *name, void *out)
{
	struct cca_bytes text;

	(void)out;
	return read_text(r, name, &text) &&
	       ((text.size == strlen(CORIM_CONTENT) &&
		 memcmp(text.data, CORIM_CONTENT, text.size) == 0) ||
		reader_unsupported(r, "%s: must be " CORIM_CONTENT, name));
}

static bool pass_over(struct reader *r, const char *name, void *out)
{
	(void)out;
	return skip_item(r, name);
}

static bool later(int64_t *limit, int64_t value)
{
	*limit = value > *limit ? value : *limit;
	return true;
}

static bool earlier(int64_t *limit, int64_t value)
{
	*limit = value < *limit ? value : *limit;
	return true;
}

static bool read_meta_not_before(struct reader *r, const char *name, void *out)
{
	int64_t value;

	return expect_tag(r, name, TAG_TIME) && read_int(r, name, &value) &&
	       later(&((struct header *)out)->not_before, value);
}

static bool read_meta_not_after(struct reader *r, const char *name, void *out)
{
	int64_t value;

	return expect_tag(r, name, TAG_TIME) && read_int(r, name, &value) &&
	       earlier(&((struct header *)out)->not_after, value);
}

static const struct claim validity_table[] = {
	{0, "not before", OPTIONAL, read_meta_not_before, false},
	{1, "not after", ALWAYS, read_meta_not_after, false},
};

static bool read_signature_validity(struct reader *r, const char *name, void *out)
{
	return read_closed_claims(r, name, validity_table, 2, out);
}

static const struct claim meta_table[] = {
	{META_SIGNER, "signer", ALWAYS, pass_over, false},
	{META_VALIDITY, "signature validity", OPTIONAL, read_signature_validity, false},
};

/* The map is in a byte string. */
static bool read_meta(struct reader *r, const char *name, void *out)
{
	struct cca_bytes bytes;
	struct reader inner;

	((struct header *)out)->names_signer = true;
	if (!read_bytes(r, name, &bytes)) {
		return false;
	}
	inner = reader_of(bytes, r->parse);
	return read_closed_claims(&inner, name, meta_table, 2, out) && read_end(&inner, name);
}

static bool read_cwt_not_before(struct reader *r, const char *name, void *out)
{
	int64_t value;

	return read_int(r, name, &value) && later(&((struct header *)out)->not_before, value);
}

static bool read_cwt_expires(struct reader *r, const char *name, void *out)
{
	int64_t value;

	return read_int(r, name, &value) && earlier(&((struct header *)out)->not_after, value);
}

static const struct claim cwt_table[] = {
	{CWT_ISSUER, "issuer", ALWAYS, pass_over, false},
	{CWT_EXPIRES, "expiration time", OPTIONAL, read_cwt_expires, false},
	{CWT_NOT_BEFORE, "not before", OPTIONAL, read_cwt_not_before, false},
};

static bool read_cwt(struct reader *r, const char *name, void *out)
{
	((struct header *)out)->names_signer = true;
	return read_claims(r, name, cwt_table, 3, out);
}

static const struct claim header_table[] = {
	{HEADER_ALG, "signature algorithm", ALWAYS, read_alg, false},
	{HEADER_CRIT, "critical parameters", OPTIONAL, read_crit, false},
	{HEADER_CONTENT, "content type", ALWAYS, read_content, false},
	{HEADER_META, "corim-meta", OPTIONAL, read_meta, false},
	{HEADER_CWT, "CWT claims", OPTIONAL, read_cwt, false},
};

/* By its number in COSE (RFC 9053), or by the one that names the curve as well (RFC 9864). */
static enum cca_sign_alg algorithm(int64_t alg)
{
	switch (alg) {
	case CCA_SIGN_ES256:
	case -9:
		return CCA_SIGN_ES256;
	case CCA_SIGN_ES384:
	case -51:
		return CCA_SIGN_ES384;
	case CCA_SIGN_ES512:
	case -52:
		return CCA_SIGN_ES512;
	default:
		return CCA_SIGN_NONE;
	}
}

static bool read_corim_header(struct reader *r, struct cca_sign1 *out, void *ctx)
{
	struct header *h = ctx;

	if (!read_claims(r, "protected header", header_table,
			 sizeof(header_table) / sizeof(header_table[0]), h)) {
		return false;
	}
	out->alg = algorithm(h->alg);
	if (out->alg == CCA_SIGN_NONE) {
		return reader_unsupported(r, "signature algorithm: must be ECDSA with P-256, P-384 "
					     "or P-521");
	}
	return h->names_signer || reader_fail(r, "protected header: names no signer");
}

static enum cca_status fail(struct cca_error *err, enum cca_status status, const char *text)
{
	*err = (struct cca_error){.status = status};
	snprintf(err->text, sizeof(err->text), "CoRIM: %s", text);
	return status;
}

/* Finds the key that has made the signature. */
static enum cca_status check_signature(const struct cca_sign1 *s, struct cca_corim_keys keys,
				       size_t *which, struct cca_error *err)
{
	for (size_t i = 0; i < keys.count; i++) {
		switch (verify_sign1(s, &keys.key[i])) {
		case VERDICT_GOOD:
			*which = i;
			return CCA_OK;
		case VERDICT_BAD:
			break;
		default:
			return fail(err, CCA_FAILED, "crypto library: cannot check the signature");
		}
	}
	return fail(err, CCA_SIGNATURE, "not signed with a key that was given");
}

enum cca_status cca_corim_verify(struct cca_bytes data, int64_t now, struct cca_corim_keys keys,
				 struct cca_bytes *corim, size_t *which, struct cca_error *err)
{
	struct cca_unknown unknown[CCA_UNKNOWN_MAX];
	size_t unknown_count = 0;
	struct parse parse = {
		.whole = data.data,
		.err = err,
		.unknown = unknown,
		.unknown_count = &unknown_count,
	};
	struct header header = {.not_before = INT64_MIN, .not_after = INT64_MAX};
	struct reader r = reader_of(data, &parse);
	struct cca_sign1 sign1 = {0};

	memset(err, 0, sizeof(*err));
	if (data.size > CCA_CORIM_MAX) {
		return fail(err, CCA_MALFORMED, "longer than 65536 bytes");
	}
	if (!at_tag(&r) || data.data[0] != (0xc0 | TAG_COSE_SIGN1)) {
		return fail(err, CCA_SIGNATURE, "not signed");
	}
	if (!read_sign1(data, &parse, "signed CoRIM", read_corim_header, &header, &sign1)) {
		return err->status;
	}
	if (check_signature(&sign1, keys, which, err) != CCA_OK) {
		return err->status;
	}
	if (now < header.not_before || now > header.not_after) {
		return fail(err, CCA_MALFORMED, "the signature is not valid at this time");
	}
	*corim = sign1.payload;
	return CCA_OK;
}
