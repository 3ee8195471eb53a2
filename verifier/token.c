// SPDX-License-Identifier: BSD-3-Clause
/* The CCA token and its two COSE_Sign1 objects: parsing, signatures, binding. */
#include <stdio.h>
#include <string.h>

#include "ccatoken.h"
#include "claims.h"
#include "crypto.h"
#include "sign1.h"

#define TAG_CCA_TOKEN   399
#define TAG_CMW         907
#define CONTENT_EAT_CWT 263 /* CoAP content format of "application/eat+cwt" */
#define KEY_PLATFORM    44234
#define KEY_REALM       44241

static enum cca_status fail(struct cca_error *err, enum cca_status status, const char *text)
{
	*err = (struct cca_error){.status = status};
	snprintf(err->text, sizeof(err->text), "%s", text);
	return status;
}

static bool read_header_alg(struct reader *r, const char *name, void *out)
{
	int64_t alg;

	if (!read_int(r, name, &alg)) {
		return false;
	}
	if (alg != CCA_SIGN_ES256 && alg != CCA_SIGN_ES384 && alg != CCA_SIGN_ES512) {
		return reader_fail(r, "%s: must be ES256, ES384 or ES512", name);
	}
	*(enum cca_sign_alg *)out = (enum cca_sign_alg)alg;
	return true;
}

static const struct claim protected_table[] = {
	{1, "signature algorithm", ALWAYS, read_header_alg, false},
	{2, "critical parameters", OPTIONAL, read_crit, false},
};

static bool read_token_header(struct reader *r, struct cca_sign1 *out, void *ctx)
{
	(void)ctx;
	return read_claims(r, "protected header", protected_table, 2, &out->alg);
}

/* A record of a collection: content format, content, and perhaps what kind of message it is. */
static bool read_record(struct reader *r, const char *what, struct cca_bytes *part)
{
	uint64_t indicator;
	uint64_t format;
	size_t entries;

	if (!read_array(r, what, &entries)) {
		return false;
	}
	if ((entries != 2 && entries != 3) || !at_uint(r)) {
		return reader_fail(r, "%s: must be a content format and a byte string", what);
	}
	if (!read_uint(r, what, &format)) {
		return false;
	}
	if (format != CONTENT_EAT_CWT) {
		return reader_unsupported(r, "%s: content format %llu is not supported", what,
					  (unsigned long long)format);
	}
	return read_bytes(r, what, part) && (entries == 2 || read_uint(r, what, &indicator));
}

/* The two halves of a token, each a COSE_Sign1. */
struct halves {
	bool collected; /* as records of a CMW collection */
	struct cca_bytes platform;
	struct cca_bytes realm;
};

static bool read_platform_half(struct reader *r, const char *what, void *out)
{
	struct halves *h = out;

	return h->collected ? read_record(r, what, &h->platform)
			    : read_bytes(r, what, &h->platform);
}

static bool read_realm_half(struct reader *r, const char *what, void *out)
{
	struct halves *h = out;

	return h->collected ? read_record(r, what, &h->realm) : read_bytes(r, what, &h->realm);
}

/* Which halves must be there is for the caller to say, so the table demands none. */
static const struct claim halves_table[] = {
	{KEY_PLATFORM, "platform token", OPTIONAL, read_platform_half, false},
	{KEY_REALM, "realm token", OPTIONAL, read_realm_half, false},
};

static bool read_collection(struct reader *r, struct halves *h, uint64_t tag)
{
	if (tag != TAG_CCA_TOKEN && (tag != TAG_CMW || r->parse->strict)) {
		return reader_fail(r, "CCA token: tag %llu, must be %d%s", (unsigned long long)tag,
				   TAG_CCA_TOKEN, r->parse->strict ? "" : " or 907");
	}
	h->collected = tag == TAG_CMW;
	if (!read_closed_claims(r, "CCA token", halves_table, 2, h)) {
		return false;
	}
	if (r->parse->strict && h->realm.data != NULL && h->realm.data < h->platform.data) {
		return reader_fail(r, "CCA token: the platform token must come first");
	}
	return read_end(r, "CCA token");
}

/* A half without a wrapping is a COSE_Sign1; *r does not move. */
static bool read_halves(struct reader *r, struct halves *h, struct cca_token *t, unsigned int flags)
{
	struct reader inside = *r;
	uint64_t tag;

	if (!read_tag(&inside, "CCA token", &tag)) {
		return false;
	}
	t->tag = (unsigned int)(tag <= TAG_CMW ? tag : 0);
	if (tag == TAG_COSE_SIGN1 && (flags & (CCA_PLATFORM_ONLY | CCA_REALM_ONLY)) != 0) {
		*(flags & CCA_PLATFORM_ONLY ? &h->platform : &h->realm) =
			(struct cca_bytes){r->data, r->size};
		return true;
	}
	return read_collection(&inside, h, tag);
}

static bool read_platform_part(struct cca_bytes half, struct parse *p, struct cca_token *t)
{
	t->has_platform = true;
	return read_sign1(half, p, "platform token", read_token_header, NULL, &t->platform_sign1) &&
	       read_platform_claims(t->platform_sign1.payload, p, &t->platform);
}

static bool read_realm_part(struct cca_bytes half, struct parse *p, struct cca_token *t)
{
	t->has_realm = true;
	return read_sign1(half, p, "realm token", read_token_header, NULL, &t->realm_sign1) &&
	       read_realm_claims(t->realm_sign1.payload, p, &t->realm);
}

static bool read_token(struct reader *r, struct cca_token *t, unsigned int flags)
{
	struct parse *p = r->parse;
	struct halves h = {0};

	if (!read_halves(r, &h, t, flags)) {
		return false;
	}
	if (h.platform.data == NULL && !(flags & CCA_REALM_ONLY)) {
		return reader_fail(r, "CCA token: no platform token");
	}
	if (h.realm.data == NULL && !(flags & CCA_PLATFORM_ONLY)) {
		return reader_fail(r, "CCA token: no realm token");
	}
	if ((!(flags & CCA_REALM_ONLY) && !read_platform_part(h.platform, p, t)) ||
	    (!(flags & CCA_PLATFORM_ONLY) && !read_realm_part(h.realm, p, t))) {
		return false;
	}
	t->profile = p->profile;
	return true;
}

enum cca_status cca_token_parse(const void *buf, size_t size, unsigned int flags,
				struct cca_token *token, struct cca_error *err)
{
	struct parse parse = {
		.whole = buf,
		.strict = (flags & CCA_STRICT) != 0,
		.err = err,
		.unknown = token->unknown,
		.unknown_count = &token->unknown_count,
	};
	struct reader r = reader_of((struct cca_bytes){buf, size}, &parse);

	memset(token, 0, sizeof(*token));
	memset(err, 0, sizeof(*err));
	if (size > CCA_TOKEN_MAX_SIZE) {
		return fail(err, CCA_MALFORMED, "CCA token: longer than 16384 bytes");
	}
	if (!read_token(&r, token, flags)) {
		memset(token, 0, sizeof(*token));
	}
	return err->status;
}

/*
 * The platform token must name the hash of the realm's key (RMM specification 1.0, A7.2), else a
 * realm's half could be put beside another platform's. CCA_SIGNATURE if it does not.
 */
static enum cca_status check_binding(const struct cca_token *t, struct cca_error *err)
{
	uint8_t digest[CCA_HASH_MAX];
	size_t size = cca_hash_size(t->realm.public_key_hash);
	struct cca_bytes claim =
		t->profile == CCA_PROFILE_2026 ? t->platform.binding : t->platform.challenge;

	if (!cca_hash(t->realm.public_key_hash, t->realm.public_key.data, t->realm.public_key.size,
		      digest)) {
		return fail(err, CCA_FAILED, "crypto library: no hash");
	}
	if (claim.size != size || memcmp(claim.data, digest, size) != 0) {
		return fail(err, CCA_SIGNATURE,
			    t->profile == CCA_PROFILE_2026
				    ? "binding: the platform's workload binding is not the hash of "
				      "the realm's key"
				    : "binding: the platform challenge is not the hash of the "
				      "realm's key");
	}
	return CCA_OK;
}

enum cca_status cca_token_verify_realm(const struct cca_token *token, struct cca_error *err)
{
	memset(err, 0, sizeof(*err));
	if (!token->has_realm) {
		return CCA_OK;
	}
	switch (verify_sign1(&token->realm_sign1, &token->realm.key)) {
	case VERDICT_GOOD:
		return token->has_platform ? check_binding(token, err) : CCA_OK;
	case VERDICT_BAD:
		return fail(err, CCA_SIGNATURE,
			    "realm token: not signed with the key in its public key claim");
	default:
		return fail(err, CCA_FAILED, "crypto library: cannot check the realm signature");
	}
}

static enum verdict check_anchor(const struct cca_token *t, const struct cca_key *anchor)
{
	const struct cca_key *key = &t->realm.key;
	size_t size = coordinate_size(anchor->alg);

	if (t->has_platform) {
		return verify_sign1(&t->platform_sign1, anchor);
	}
	return key->alg == anchor->alg && memcmp(key->x, anchor->x, size) == 0 &&
			       memcmp(key->y, anchor->y, size) == 0
		       ? VERDICT_GOOD
		       : VERDICT_BAD;
}

enum cca_status cca_token_verify(const struct cca_token *token, const struct cca_key *anchors,
				 size_t anchor_count, size_t *which, struct cca_error *err)
{
	if (cca_token_verify_realm(token, err) != CCA_OK) {
		return err->status;
	}
	for (size_t i = 0; i < anchor_count; i++) {
		enum verdict v = check_anchor(token, &anchors[i]);

		if (v == VERDICT_FAILED) {
			return fail(err, CCA_FAILED,
				    "crypto library: cannot check the platform signature");
		}
		if (v == VERDICT_GOOD) {
			if (which != NULL) {
				*which = i;
			}
			return CCA_OK;
		}
	}
	if (anchor_count == 0) {
		return fail(err, CCA_SIGNATURE, "platform token: no trust anchor to check it with");
	}
	return fail(err, CCA_SIGNATURE,
		    token->has_platform ? "platform token: not signed by any of the trust anchors"
					: "realm token: its key is none of the trust anchors");
}

enum cca_status cca_token_check_challenge(const struct cca_token *token, const void *challenge,
					  size_t size, struct cca_error *err)
{
	struct cca_bytes has =
		token->has_realm ? token->realm.challenge : token->platform.challenge;
	uint8_t want[CCA_CHALLENGE_SIZE] = {0};

	memset(err, 0, sizeof(*err));
	if (size == 0 || size > sizeof(want)) {
		return fail(err, CCA_MISMATCH, "challenge: must have 1 to 64 bytes");
	}
	memcpy(want, challenge, size);
	if (has.size != (token->has_realm ? sizeof(want) : size) ||
	    memcmp(has.data, want, has.size) != 0) {
		return fail(err, CCA_MISMATCH,
			    "challenge: the token was made for another one (replayed?)");
	}
	return CCA_OK;
}
