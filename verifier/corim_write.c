// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <string.h>

#include "corim.h"
#include "corim_keys.h"
#include "emit.h"
#include "rim.h"
#include "sign1.h"
#include "signer.h"

/* A measurement-map with one value, whose key is written; the value comes next. */
static void put_measurement(struct emitter *w, const char *mkey, size_t value_key)
{
	emit_head(w, EMIT_MAP, 2);
	emit_uint(w, MEASUREMENT_KEY);
	emit_text(w, mkey);
	emit_key(w, MEASUREMENT_VALUE, EMIT_MAP, 1);
	emit_uint(w, value_key);
}

static void put_values(struct emitter *w, const struct cca_measurement *rim, const uint8_t *rpv)
{
	emit_head(w, EMIT_ARRAY, rpv != NULL ? 2 : 1);
	put_measurement(w, "cca.rim", VALUE_DIGESTS);
	emit_head(w, EMIT_ARRAY, 1);
	emit_head(w, EMIT_ARRAY, 2);
	emit_text(w, cca_hash_name(rim->hash));
	emit_bytes(w, rim->value, cca_hash_size(rim->hash));
	if (rpv != NULL) {
		put_measurement(w, "cca.rpv", VALUE_RAW);
		emit_head(w, EMIT_TAG, TAG_BYTES);
		emit_bytes(w, rpv, CCA_RPV_SIZE);
	}
}

/* The RIM names the realm as the class of its environment. */
static void put_comid(struct emitter *w, const struct cca_measurement *rim, const uint8_t *rpv,
		      const char *name)
{
	emit_head(w, EMIT_MAP, 2);
	emit_key(w, COMID_IDENTITY, EMIT_MAP, 1);
	emit_uint(w, 0);
	emit_text(w, name);
	emit_key(w, COMID_TRIPLES, EMIT_MAP, 1);
	emit_key(w, TRIPLES_REFERENCE, EMIT_ARRAY, 1);
	emit_head(w, EMIT_ARRAY, 2);
	emit_head(w, EMIT_MAP, 1);
	emit_key(w, ENVIRONMENT_CLASS, EMIT_MAP, 1);
	emit_uint(w, CLASS_ID);
	emit_head(w, EMIT_TAG, TAG_BYTES);
	emit_bytes(w, rim->value, cca_hash_size(rim->hash));
	put_values(w, rim, rpv);
}

/* The CoRIM around a CoMID. Returns its size, 0 if it does not fit. */
static size_t put_corim(const char *name, const struct emitter *comid, const char *profile,
			uint8_t *out, size_t max)
{
	struct emitter w = {.data = out, .max = max};

	if (comid->size > comid->max) {
		return 0;
	}
	emit_head(&w, EMIT_TAG, TAG_CORIM);
	emit_head(&w, EMIT_MAP, 3);
	emit_uint(&w, CORIM_ID);
	emit_text(&w, name);
	emit_key(&w, CORIM_TAGS, EMIT_ARRAY, 1);
	emit_head(&w, EMIT_TAG, TAG_COMID);
	emit_bytes(&w, comid->data, comid->size);
	emit_uint(&w, CORIM_PROFILE);
	emit_head(&w, EMIT_TAG, TAG_URI);
	emit_text(&w, profile);
	return w.size <= w.max ? w.size : 0;
}

size_t cca_corim_write(const struct cca_measurement *rim, const uint8_t *rpv,
		       uint8_t out[CCA_CORIM_WRITTEN])
{
	uint8_t data[CCA_CORIM_WRITTEN];
	struct emitter comid = {.data = data, .max = sizeof(data)};
	char name[32] = "realm ";

	if (rim->hash == CCA_HASH_NONE) {
		return 0;
	}
	cca_to_hex((struct cca_bytes){rim->value, 8}, name + 6, sizeof(name) - 6);
	put_comid(&comid, rim, rpv, name);
	return put_corim(name, &comid, PROFILE_REALM, out, CCA_CORIM_WRITTEN);
}

/* A key triple: the platform's environment and one key. False if the key is none. */
static bool put_attest_key(struct emitter *w, const struct cca_policy_owner *owner,
			   const struct cca_key *key)
{
	char pem[CCA_PEM_SIZE];

	if (!cca_key_to_pem(key, pem)) {
		return false;
	}
	emit_head(w, EMIT_ARRAY, 2);
	emit_head(w, EMIT_MAP, 2);
	emit_key(w, ENVIRONMENT_CLASS, EMIT_MAP, 1);
	emit_uint(w, CLASS_ID);
	emit_head(w, EMIT_TAG, TAG_BYTES);
	emit_bytes(w, owner->implementation_id, CCA_IMPL_ID_SIZE);
	emit_uint(w, ENVIRONMENT_INSTANCE);
	emit_head(w, EMIT_TAG, TAG_UEID);
	emit_bytes(w, owner->instance_id, CCA_INSTANCE_SIZE);
	emit_head(w, EMIT_ARRAY, 1);
	emit_head(w, EMIT_TAG, TAG_PKIX_KEY);
	emit_text(w, pem);
	return true;
}

size_t cca_corim_write_keys(const struct cca_policy_owner *owner, const struct cca_key *keys,
			    size_t count, uint8_t out[CCA_CORIM_KEYS_WRITTEN])
{
	uint8_t data[CCA_CORIM_KEYS_WRITTEN];
	struct emitter comid = {.data = data, .max = sizeof(data)};
	char name[32] = "platform ";

	if (count == 0 || count > CCA_POLICY_ANCHORS) {
		return 0;
	}
	cca_to_hex((struct cca_bytes){owner->instance_id + 1, 8}, name + 9, sizeof(name) - 9);
	emit_head(&comid, EMIT_MAP, 2);
	emit_key(&comid, COMID_IDENTITY, EMIT_MAP, 1);
	emit_uint(&comid, 0);
	emit_text(&comid, name);
	emit_key(&comid, COMID_TRIPLES, EMIT_MAP, 1);
	emit_key(&comid, TRIPLES_ATTEST_KEY, EMIT_ARRAY, count);
	for (size_t i = 0; i < count; i++) {
		if (!put_attest_key(&comid, owner, &keys[i])) {
			return 0;
		}
	}
	return put_corim(name, &comid, PROFILE_PLATFORM, out, CCA_CORIM_KEYS_WRITTEN);
}

/*
 * The protected header. It names the signer in both ways that revisions of the draft have: readers
 * of the older one look for "corim-meta" only.
 */
static void put_header(struct emitter *w, enum cca_sign_alg alg, const char *signer)
{
	uint8_t data[CCA_SIGNER_NAME_MAX + 16];
	struct emitter meta = {.data = data, .max = sizeof(data)};

	emit_head(&meta, EMIT_MAP, 1);
	emit_key(&meta, META_SIGNER, EMIT_MAP, 1);
	emit_uint(&meta, 0);
	emit_text(&meta, signer);
	emit_head(w, EMIT_MAP, 4);
	emit_uint(w, HEADER_ALG);
	emit_head(w, EMIT_NEGATIVE, (size_t)(-1 - (int)alg));
	emit_uint(w, HEADER_CONTENT);
	emit_text(w, CORIM_CONTENT);
	emit_uint(w, HEADER_META);
	emit_bytes(w, data, meta.size);
	emit_key(w, HEADER_CWT, EMIT_MAP, 1);
	emit_uint(w, CWT_ISSUER);
	emit_text(w, signer);
}

/* The signed CoRIM with this key. Its size, 0 with the reason in *err. */
static size_t put_signed(const struct signer *s, const char *name, struct cca_bytes corim,
			 struct emitter *w, struct cca_error *err)
{
	uint8_t data[2 * CCA_SIGNER_NAME_MAX + 64];
	struct emitter header = {.data = data, .max = sizeof(data)};
	uint8_t signature[SIGNATURE_MAX];
	struct signed_pieces room;
	size_t size;

	put_header(&header, s->key.alg, name);
	size = signer_sign(s, signed_pieces((struct cca_bytes){data, header.size}, corim, &room),
			   signature);
	if (size == 0) {
		key_fail(err, CCA_FAILED, "crypto library: cannot sign");
		return 0;
	}
	emit_head(w, EMIT_TAG, TAG_COSE_SIGN1);
	emit_head(w, EMIT_ARRAY, 4);
	emit_bytes(w, data, header.size);
	emit_head(w, EMIT_MAP, 0);
	emit_bytes(w, corim.data, corim.size);
	emit_bytes(w, signature, size);
	return w->size;
}

size_t cca_corim_sign(struct cca_bytes pem, const char *signer, struct cca_bytes corim,
		      uint8_t *out, size_t max, struct cca_error *err)
{
	struct emitter w = {.data = out, .max = max};
	struct signer s = {0};
	size_t size = 0;

	memset(err, 0, sizeof(*err));
	if (pem.size > CCA_KEY_FILE_MAX || corim.size > UINT16_MAX) {
		key_fail(err, CCA_MALFORMED, "%s: too long",
			 corim.size > UINT16_MAX ? "CoRIM" : "private key");
		return 0;
	}
	if (signer[0] == '\0' || strlen(signer) > CCA_SIGNER_NAME_MAX) {
		key_fail(err, CCA_MALFORMED, "the signer's name: must have 1 to %u bytes",
			 CCA_SIGNER_NAME_MAX);
		return 0;
	}
	if (signer_read(pem, &s, err) == CCA_OK) {
		size = put_signed(&s, signer, corim, &w, err);
	}
	signer_free(&s);
	if (size > max) {
		key_fail(err, CCA_MALFORMED, "CoRIM: too long");
		return 0;
	}
	return size;
}
