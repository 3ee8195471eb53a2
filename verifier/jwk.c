// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include <jansson.h>

#include "crypto.h"
#include "jwk.h"

/* Text of a member, "" if it is absent or no text. */
static const char *text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value) ? json_string_value(value) : "";
}

/* "d" is the private part of every asymmetric type; a key of type oct is nothing but secret. */
static bool is_private(const json_t *jwk)
{
	return json_object_get(jwk, "d") != NULL || strcmp(text_of(jwk, "kty"), "oct") == 0;
}

/* Whether the owner lets the key verify signatures; each member may be absent (RFC 7517, 4). */
static bool may_verify(const json_t *jwk)
{
	const json_t *operations = json_object_get(jwk, "key_ops");
	size_t i;
	json_t *each;

	if (json_object_get(jwk, "use") != NULL && strcmp(text_of(jwk, "use"), "sig") != 0) {
		return false;
	}
	if (operations == NULL) {
		return true;
	}
	json_array_foreach ((json_t *)operations, i, each) {
		if (json_is_string(each) && strcmp(json_string_value(each), "verify") == 0) {
			return true;
		}
	}
	return false;
}

/* The key's algorithm from "crv"; "alg" may be absent, and must otherwise agree (RFC 7517, 4.4). */
static enum cca_status read_curve(const json_t *jwk, struct cca_key *key, struct cca_error *err)
{
	static const char *const names[] = {"P-256", "P-384", "P-521"};
	const json_t *alg = json_object_get(jwk, "alg");
	const char *curve = text_of(jwk, "crv");

	key->alg = CCA_SIGN_NONE;
	for (int i = 0; i < 3; i++) {
		if (strcmp(curve, names[i]) == 0) {
			key->alg = sign_alg_of_curve(i + 1);
		}
	}
	if (key->alg == CCA_SIGN_NONE) {
		return key_fail(err, CCA_MALFORMED,
				"JWK: \"crv\" must be \"P-256\", \"P-384\" or \"P-521\"");
	}
	if (alg != NULL && strcmp(text_of(jwk, "alg"), cca_sign_alg_name(key->alg)) != 0) {
		return key_fail(err, CCA_MALFORMED, "JWK: \"alg\" must be \"%s\" with curve %s",
				cca_sign_alg_name(key->alg), curve);
	}
	return CCA_OK;
}

static enum cca_status read_coordinate(const json_t *jwk, const char *name, size_t size,
				       uint8_t out[66], struct cca_error *err)
{
	const char *text = text_of(jwk, name);

	if (base64url_decode(text, out, 66) != size) {
		return key_fail(err, CCA_MALFORMED,
				"JWK: \"%s\" must be base64url, without \"=\", of %zu bytes", name,
				size);
	}
	return CCA_OK;
}

/*
 * One public key of type "EC" that may verify signatures, on its curve. Private keys are refused:
 * nobody should hand them to a verifier.
 */
static enum cca_status read_key(const json_t *jwk, struct cca_key *key, struct cca_error *err)
{
	size_t size;

	memset(key, 0, sizeof(*key));
	if (is_private(jwk)) {
		return key_fail(err, CCA_MALFORMED,
				"JWK: this is a private key: give a copy without \"d\"");
	}
	if (strcmp(text_of(jwk, "kty"), "EC") != 0) {
		return key_fail(err, CCA_MALFORMED,
				"JWK: not an elliptic-curve public key: \"kty\" must be \"EC\"");
	}
	if (!may_verify(jwk)) {
		return key_fail(err, CCA_MALFORMED,
				"JWK: \"use\" or \"key_ops\" does not let it verify signatures");
	}
	if (read_curve(jwk, key, err) != CCA_OK) {
		return err->status;
	}
	size = coordinate_size(key->alg);
	if (read_coordinate(jwk, "x", size, key->x, err) != CCA_OK ||
	    read_coordinate(jwk, "y", size, key->y, err) != CCA_OK) {
		return err->status;
	}
	return check_point(key, err);
}

/* Whether a key of a set is of a type that has no use here: RFC 7517, 5 lets these be ignored. */
static bool is_of_other_type(const json_t *jwk)
{
	const char *type = text_of(jwk, "kty");

	return type[0] != '\0' && strcmp(type, "EC") != 0 && !is_private(jwk);
}

/* The keys of a set, at most `max`; those of other types are ignored. Fails if none is left. */
static enum cca_status read_set(const json_t *list, struct cca_key *keys, size_t max, size_t *count,
				struct cca_error *err)
{
	size_t i;
	json_t *each;

	json_array_foreach ((json_t *)list, i, each) {
		if (is_of_other_type(each)) {
			continue;
		}
		if (*count == max) {
			return key_fail(err, CCA_MALFORMED, "JWK set: more than %zu keys", max);
		}
		if (read_key(each, &keys[*count], err) != CCA_OK) {
			return err->status;
		}
		(*count)++;
	}
	return *count != 0 ? CCA_OK
			   : key_fail(err, CCA_MALFORMED,
				      "JWK set: no public key of type \"EC\" in \"keys\"");
}

enum cca_status jwk_read(struct cca_bytes text, struct cca_key *keys, size_t max, size_t *count,
			 struct cca_error *err)
{
	json_error_t bad;
	json_t *root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &bad);
	const json_t *list = json_object_get(root, "keys");

	*count = 0;
	if (root == NULL) {
		key_fail(err,
			 json_error_code(&bad) == json_error_out_of_memory ? CCA_FAILED
									   : CCA_MALFORMED,
			 "JWK: line %d: %s", bad.line, bad.text);
	} else if (list != NULL) {
		read_set(list, keys, max, count, err);
	} else if (max == 0) {
		key_fail(err, CCA_MALFORMED, "JWK: no room for another key");
	} else if (read_key(root, &keys[0], err) == CCA_OK) {
		*count = 1;
	}
	json_decref(root);
	return err->status;
}
