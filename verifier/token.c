// SPDX-License-Identifier: BSD-3-Clause
/* The CCA token and its two COSE_Sign1 objects: parsing, signatures, binding. */
#include <stdio.h>
#include <string.h>

#include "ccatoken.h"
#include "claims.h"
#include "crypto.h"

#define TAG_CCA_TOKEN   399
#define TAG_CMW         907
#define TAG_COSE_SIGN1  18
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

static bool read_crit(struct reader *r, const char *name, void *out)
{
	(void)out;
	return reader_fail(r, "%s: asks for the understanding of more than is known here", name);
}

static const struct claim protected_table[] = {
	{1, "signature algorithm", ALWAYS, read_header_alg, false},
	{2, "critical parameters", OPTIONAL, read_crit, false},
};

static bool read_header_key_id(struct reader *r, const char *name, void *out)
{
	return read_bytes(r, name, out);
}

/* Not signed, so only what cannot matter is let through: a key id, which nothing here uses. */
static const struct claim unprotected_table[] = {
	{4, "key id", OPTIONAL, read_header_key_id, false},
};

static bool expect_tag(struct reader *r, const char *what, uint64_t want)
{
	uint64_t tag;

	if (!read_tag(r, what, &tag)) {
		return false;
	}
	return tag == want || reader_fail(r, "%s: tag %llu, must be %llu", what,
					  (unsigned long long)tag, (unsigned long long)want);
}

/*
 * A tagged COSE_Sign1 (RFC 9052, 4.2) as views into the token. The signature has the size of its
 * algorithm; nothing is verified.
 */
static bool read_sign1(struct cca_bytes view, struct parse *parse, const char *what,
		       struct cca_sign1 *out)
{
	struct reader r = reader_of(view, parse);
	struct reader header;
	size_t entries;

	if (!expect_tag(&r, what, TAG_COSE_SIGN1) || !read_array(&r, what, &entries)) {
		return false;
	}
	if (entries != 4) {
		return reader_fail(&r, "%s: %zu elements, must be 4", what, entries);
	}
	if (!read_bytes(&r, what, &out->protected_header)) {
		return false;
	}
	header = reader_of(out->protected_header, parse);
	if (!read_claims(&header, "protected header", protected_table, 2, &out->alg) ||
	    !read_end(&header, "protected header") ||
	    !read_closed_claims(&r, "unprotected header", unprotected_table, 1, &out->key_id) ||
	    !read_bytes(&r, what, &out->payload) ||
	    !read_bytes_sized(&r, "signature", 2 * coordinate_size(out->alg), &out->signature)) {
		return false;
	}
	return read_end(&r, what);
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
	return read_sign1(half, p, "platform token", &t->platform_sign1) &&
	       read_platform_claims(t->platform_sign1.payload, p, &t->platform);
}

static bool read_realm_part(struct cca_bytes half, struct parse *p, struct cca_token *t)
{
	t->has_realm = true;
	return read_sign1(half, p, "realm token", &t->realm_sign1) &&
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
 * Sig_structure of RFC 9052, 4.4: [ "Signature1", protected, external_aad (empty), payload ], in
 * deterministic encoding, as pieces, so that the payload is not copied.
 */
#define BYTES_HEAD_MAX 3

/* The head of a byte string that is no longer than a token. Returns its size. */
static size_t bytes_head(size_t size, uint8_t out[BYTES_HEAD_MAX])
{
	_Static_assert(CCA_TOKEN_MAX_SIZE <= UINT16_MAX, "sizes have two bytes");
	if (size < 24) {
		out[0] = (uint8_t)(0x40 | size);
		return 1;
	}
	if (size <= UINT8_MAX) {
		out[0] = 0x58;
		out[1] = (uint8_t)size;
		return 2;
	}
	out[0] = 0x59;
	out[1] = (uint8_t)(size >> 8);
	out[2] = (uint8_t)size;
	return 3;
}

/* Verifies with this key; one for another algorithm does not fit (VERDICT_BAD). */
static enum verdict verify_sign1(const struct cca_sign1 *s, const struct cca_key *key)
{
	static const uint8_t intro[] = "\x84\x6aSignature1"; /* array(4), text(10) */
	static const uint8_t no_external[] = {0x40};
	uint8_t protected_head[BYTES_HEAD_MAX];
	uint8_t payload_head[BYTES_HEAD_MAX];
	const struct cca_bytes piece[] = {
		{intro, sizeof(intro) - 1},
		{protected_head, bytes_head(s->protected_header.size, protected_head)},
		s->protected_header,
		{no_external, sizeof(no_external)},
		{payload_head, bytes_head(s->payload.size, payload_head)},
		s->payload,
	};

	if (s->alg != key->alg) {
		return VERDICT_BAD;
	}
	return verify_ecdsa(key, (struct pieces){piece, sizeof(piece) / sizeof(piece[0])},
			    s->signature);
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
