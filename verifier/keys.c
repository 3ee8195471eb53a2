// SPDX-License-Identifier: BSD-3-Clause
/* Public keys in the forms in which people keep them. */
#include <string.h>

#include "claims.h"
#include "crypto.h"
#include "jwk.h"

#define DER_SEQUENCE 0x30
#define COSE_KEY_D   (-4) /* the private part (RFC 9053, 7.1.1) */
#define LABEL_MAX    40

#define GIVE_PUBLIC "give the public key alone: openssl pkey -in KEY -pubout"

/* The text between "-----BEGIN " and "-----" at the next such line, "" if there is none. */
static struct cca_bytes next_label(const char *pem, size_t size, char label[LABEL_MAX])
{
	static const char begin[] = "-----BEGIN ";
	const char *at = size != 0 ? memmem(pem, size, begin, sizeof(begin) - 1) : NULL;
	size_t length = 0;

	if (at != NULL) {
		at += sizeof(begin) - 1;
		size -= (size_t)(at - pem);
		while (length < size && length < LABEL_MAX - 1 && at[length] != '-') {
			label[length] = at[length];
			length++;
		}
	}
	label[length] = '\0';
	return (struct cca_bytes){(const uint8_t *)at, at != NULL ? size : 0};
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text);

	return size >= strlen(end) && strcmp(text + size - strlen(end), end) == 0;
}

/* What no PEM text of an anchor may hold: private keys, and keys that would be passed over. */
static enum cca_status check_labels(const void *pem, size_t size, struct cca_error *err)
{
	struct cca_bytes rest = {pem, size};
	char label[LABEL_MAX];
	unsigned int keys = 0;

	for (;;) {
		rest = next_label((const char *)rest.data, rest.size, label);
		if (rest.size == 0) {
			return CCA_OK;
		}
		if (ends_with(label, "PRIVATE KEY")) {
			return key_fail(err, CCA_MALFORMED, "private key (\"%s\"): " GIVE_PUBLIC,
					label);
		}
		keys += strcmp(label, "PUBLIC KEY") == 0;
		if (keys > 1) {
			return key_fail(
				err, CCA_MALFORMED,
				"more than one \"PUBLIC KEY\": give each in a file of its own");
		}
	}
}

enum cca_status cca_key_from_pem(const void *pem, size_t size, struct cca_key *key,
				 struct cca_error *err)
{
	memset(key, 0, sizeof(*key));
	memset(err, 0, sizeof(*err));
	if (size > CCA_KEY_FILE_MAX) {
		return key_fail(err, CCA_MALFORMED, "longer than %u bytes", CCA_KEY_FILE_MAX);
	}
	if (check_labels(pem, size, err) != CCA_OK) {
		return err->status;
	}
	return key_from_pem((struct cca_bytes){pem, size}, key, err);
}

static enum cca_status from_der(struct cca_bytes der, struct cca_key *key, struct cca_error *err)
{
	if (key_from_der(der, key, err) == CCA_MALFORMED && is_private_der(der)) {
		return key_fail(err, CCA_MALFORMED, "private key: " GIVE_PUBLIC);
	}
	return err->status;
}

enum cca_status cca_key_from_cose(const void *cose, size_t size, struct cca_key *key,
				  struct cca_error *err)
{
	struct cca_unknown unknown[CCA_UNKNOWN_MAX];
	size_t unknown_count = 0;
	struct parse parse = {
		.whole = cose,
		.err = err,
		.unknown = unknown,
		.unknown_count = &unknown_count,
	};

	memset(key, 0, sizeof(*key));
	memset(err, 0, sizeof(*err));
	read_cose_key((struct cca_bytes){cose, size}, &parse, key);
	for (size_t i = 0; i < unknown_count; i++) {
		if (!unknown[i].is_text && unknown[i].number == COSE_KEY_D) {
			key_fail(err, CCA_MALFORMED,
				 "COSE key: private key: give a copy without parameter -4");
		}
	}
	if (err->status != CCA_OK) {
		memset(key, 0, sizeof(*key));
	}
	return err->status;
}

static enum cca_status from_cose(struct cca_bytes cose, struct cca_key *key, struct cca_error *err)
{
	return cca_key_from_cose(cose.data, cose.size, key, err) == CCA_OK ? check_point(key, err)
									   : err->status;
}

static enum cca_status read_one(struct cca_bytes data, struct cca_key *key, struct cca_error *err)
{
	if (memmem(data.data, data.size, "-----BEGIN ", 11) != NULL) {
		return cca_key_from_pem(data.data, data.size, key, err);
	}
	if (data.data[0] == DER_SEQUENCE) {
		return from_der(data, key, err);
	}
	if (data.data[0] >> 5 == 5) { /* a CBOR map (RFC 8949, 3.1) */
		return from_cose(data, key, err);
	}
	return key_fail(err, CCA_MALFORMED, "no public key in PEM, DER, JWK or COSE_Key form");
}

enum cca_status cca_keys_read(const void *data, size_t size, struct cca_key *keys, size_t max,
			      size_t *count, struct cca_error *err)
{
	const struct cca_bytes bytes = {data, size};
	size_t blank = 0;

	*count = 0;
	memset(err, 0, sizeof(*err));
	while (blank < size && strchr(" \t\r\n", bytes.data[blank]) != NULL &&
	       bytes.data[blank] != '\0') {
		blank++;
	}
	if (size > CCA_KEY_FILE_MAX) {
		return key_fail(err, CCA_MALFORMED, "longer than %u bytes, which no key is",
				CCA_KEY_FILE_MAX);
	}
	if (blank == size) {
		return key_fail(err, CCA_MALFORMED, "empty: no public key");
	}
	if (bytes.data[blank] == '{') {
		return jwk_read(bytes, keys, max, count, err);
	}
	if (max == 0) {
		return key_fail(err, CCA_MALFORMED, "no room for another key");
	}
	if (read_one(bytes, &keys[0], err) == CCA_OK) {
		*count = 1;
	}
	return err->status;
}
