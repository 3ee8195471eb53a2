// SPDX-License-Identifier: BSD-3-Clause
/* The CCA token and its two COSE_Sign1 objects: parsing, signatures, binding. */
#include <stdio.h>
#include <string.h>

#include <cbor.h>

#include "ccatoken.h"
#include "claims.h"
#include "crypto.h"

#define TAG_CCA_TOKEN  399
#define TAG_COSE_SIGN1 18
#define KEY_PLATFORM   44234
#define KEY_REALM      44241

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
	{1, "signature algorithm", true, read_header_alg},
};

static bool read_header_key_id(struct reader *r, const char *name, void *out)
{
	return read_bytes(r, name, out);
}

/* Not signed, so only what cannot matter is let through: a key id, which nothing here uses. */
static const struct claim unprotected_table[] = {
	{4, "key id", false, read_header_key_id},
};

static bool read_sign1(struct cca_bytes view, const uint8_t *whole, const char *what,
		       struct cca_sign1 *out, struct cca_error *err)
{
	struct reader r = reader_of(view, whole, err);
	struct reader header;
	size_t entries;

	if (!read_tag(&r, what, TAG_COSE_SIGN1) || !read_array(&r, what, &entries)) {
		return false;
	}
	if (entries != 4) {
		return reader_fail(&r, "%s: %zu elements, must be 4", what, entries);
	}
	if (!read_bytes(&r, what, &out->protected_header)) {
		return false;
	}
	header = reader_of(out->protected_header, whole, err);
	if (!read_claims(&header, "protected header", protected_table, 1, &out->alg) ||
	    !read_end(&header, "protected header") ||
	    !read_claims(&r, "unprotected header", unprotected_table, 1, &out->key_id) ||
	    !read_bytes(&r, what, &out->payload) ||
	    !read_bytes_sized(&r, "signature", 2 * coordinate_size(out->alg), &out->signature)) {
		return false;
	}
	return read_end(&r, what);
}

static bool read_part(struct reader *r, const char *what, int64_t key, struct cca_bytes *part)
{
	int64_t got;

	if (!read_int(r, what, &got)) {
		return false;
	}
	if (got != key) {
		return reader_fail(r, "%s: key %lld, must be %lld", what, (long long)got,
				   (long long)key);
	}
	return read_bytes(r, what, part);
}

static bool read_token(struct reader *r, struct cca_token *t)
{
	struct cca_bytes platform;
	struct cca_bytes realm;
	size_t entries;

	if (!read_tag(r, "CCA token", TAG_CCA_TOKEN) || !read_map(r, "CCA token", &entries)) {
		return false;
	}
	if (entries != 2) {
		return reader_fail(r, "CCA token: %zu entries, must be 2", entries);
	}
	return read_part(r, "platform token", KEY_PLATFORM, &platform) &&
	       read_part(r, "realm token", KEY_REALM, &realm) && read_end(r, "CCA token") &&
	       read_sign1(platform, r->data, "platform token", &t->platform_sign1, r->err) &&
	       read_sign1(realm, r->data, "realm token", &t->realm_sign1, r->err) &&
	       read_platform_claims(t->platform_sign1.payload, r->data, &t->platform, r->err) &&
	       read_realm_claims(t->realm_sign1.payload, r->data, &t->realm, r->err);
}

enum cca_status cca_token_parse(const void *buf, size_t size, struct cca_token *token,
				struct cca_error *err)
{
	struct reader r = {.data = buf, .size = size, .err = err};

	memset(token, 0, sizeof(*token));
	memset(err, 0, sizeof(*err));
	if (size > CCA_TOKEN_MAX_SIZE) {
		return fail(err, CCA_MALFORMED, "CCA token: longer than 16384 bytes");
	}
	if (!read_token(&r, token)) {
		memset(token, 0, sizeof(*token));
	}
	return err->status;
}

/*
 * Sig_structure of RFC 9052, 4.4: [ "Signature1", protected, external_aad (empty), payload ],
 * as pieces, so that the payload is not copied. The pieces are views into `heads`.
 */
struct sig_heads {
	uint8_t intro[12]; /* array(4), text(10) and the ten letters */
	uint8_t protected_head[9];
	uint8_t payload_head[10]; /* empty byte string, then the head of the payload */
};

static enum verdict verify_sign1(const struct cca_sign1 *s, const struct cca_key *key)
{
	struct sig_heads h;
	struct cca_bytes piece[5];
	size_t n;

	if (s->alg != key->alg) {
		return VERDICT_BAD;
	}
	n = cbor_encode_array_start(4, h.intro, sizeof(h.intro));
	n += cbor_encode_string_start(10, h.intro + n, sizeof(h.intro) - n);
	memcpy(h.intro + n, "Signature1", 10);
	piece[0] = (struct cca_bytes){h.intro, n + 10};
	n = cbor_encode_bytestring_start(s->protected_header.size, h.protected_head,
					 sizeof(h.protected_head));
	piece[1] = (struct cca_bytes){h.protected_head, n};
	piece[2] = s->protected_header;
	n = cbor_encode_bytestring_start(0, h.payload_head, sizeof(h.payload_head));
	n += cbor_encode_bytestring_start(s->payload.size, h.payload_head + n,
					  sizeof(h.payload_head) - n);
	piece[3] = (struct cca_bytes){h.payload_head, n};
	piece[4] = s->payload;
	return verify_ecdsa(key, (struct pieces){piece, 5}, s->signature);
}

static enum cca_status check_binding(const struct cca_token *t, struct cca_error *err)
{
	uint8_t digest[CCA_HASH_MAX];
	size_t size = cca_hash_size(t->realm.public_key_hash);

	if (!cca_hash(t->realm.public_key_hash, t->realm.public_key.data, t->realm.public_key.size,
		      digest)) {
		return fail(err, CCA_FAILED, "crypto library: no hash");
	}
	if (t->platform.challenge.size != size ||
	    memcmp(t->platform.challenge.data, digest, size) != 0) {
		return fail(err, CCA_SIGNATURE,
			    "binding: the platform challenge is not the hash of the realm's key");
	}
	return CCA_OK;
}

enum cca_status cca_token_verify_realm(const struct cca_token *token, struct cca_error *err)
{
	memset(err, 0, sizeof(*err));
	switch (verify_sign1(&token->realm_sign1, &token->realm.key)) {
	case VERDICT_GOOD:
		return check_binding(token, err);
	case VERDICT_BAD:
		return fail(err, CCA_SIGNATURE,
			    "realm token: not signed with the key in its public key claim");
	default:
		return fail(err, CCA_FAILED, "crypto library: cannot check the realm signature");
	}
}

enum cca_status cca_token_verify(const struct cca_token *token, const struct cca_key *anchors,
				 size_t anchor_count, size_t *which, struct cca_error *err)
{
	if (cca_token_verify_realm(token, err) != CCA_OK) {
		return err->status;
	}
	for (size_t i = 0; i < anchor_count; i++) {
		enum verdict v = verify_sign1(&token->platform_sign1, &anchors[i]);

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
	return fail(err, CCA_SIGNATURE,
		    anchor_count == 0 ? "platform token: no trust anchor to check it with"
				      : "platform token: not signed by any of the trust anchors");
}

enum cca_status cca_token_check_challenge(const struct cca_token *token, const void *challenge,
					  size_t size, struct cca_error *err)
{
	uint8_t want[CCA_CHALLENGE_SIZE] = {0};

	memset(err, 0, sizeof(*err));
	if (size == 0 || size > sizeof(want)) {
		return fail(err, CCA_MISMATCH, "challenge: must have 1 to 64 bytes");
	}
	memcpy(want, challenge, size);
	if (token->realm.challenge.size != sizeof(want) ||
	    memcmp(token->realm.challenge.data, want, sizeof(want)) != 0) {
		return fail(err, CCA_MISMATCH,
			    "challenge: the token was made for another one (replayed?)");
	}
	return CCA_OK;
}

enum cca_status cca_key_from_cose(const void *cose, size_t size, struct cca_key *key,
				  struct cca_error *err)
{
	memset(key, 0, sizeof(*key));
	memset(err, 0, sizeof(*err));
	if (!read_cose_key((struct cca_bytes){cose, size}, cose, key, err)) {
		memset(key, 0, sizeof(*key));
	}
	return err->status;
}
