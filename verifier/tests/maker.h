// SPDX-License-Identifier: BSD-3-Clause
/*
 * Makes CCA tokens for tests, good ones and ones with chosen faults, signed with Mbed TLS through
 * PSA as the firmware does it (the verifier itself uses another library).
 */
#ifndef MAKER_H
#define MAKER_H

#include "ccatoken.h"

#define MAKER_ENTRY_SIZE  1024u
#define MAKER_ENTRIES     16u
#define MAKER_TOKEN_SIZE  4096u
#define MAKER_HEADER_SIZE 64u

/* Encoded CBOR. */
struct blob {
	size_t size;
	uint8_t data[MAKER_ENTRY_SIZE];
};

/* A map, entry by entry, so that tests can leave out, repeat and replace. */
struct entries {
	size_t count;
	struct blob entry[MAKER_ENTRIES]; /* key and value */
};

struct maker {
	enum cca_sign_alg platform_alg;
	enum cca_sign_alg realm_alg;
	uint8_t realm_secret[66];
	uint8_t platform_secret[66];
	struct entries realm;
	struct entries platform;
	struct blob realm_protected;
	struct blob realm_unprotected; /* a whole map */
	struct blob platform_protected;
	struct blob platform_unprotected;
	const uint8_t *platform_token; /* given: used as it is */
	size_t platform_token_size;
	enum cca_profile profile; /* set by maker_profile() */
	enum maker_half { MAKER_WHOLE, MAKER_PLATFORM, MAKER_REALM } half;
	bool bare;    /* one half, without a wrapping */
	bool cmw;     /* as a CMW collection, tag 907 */
	bool key_ops; /* a realm key with key operations; maker_bind() puts it in */
	bool wrong_realm_signature;
	bool wrong_platform_signature;
};

struct maker_token {
	size_t size;
	uint8_t data[MAKER_TOKEN_SIZE];
};

/* Positions in the claim lists of a fresh maker. */
enum {
	REALM_CHALLENGE,
	REALM_RPV,
	REALM_KEY,
	REALM_HASH,
	REALM_KEY_HASH,
	REALM_PROFILE,
	REALM_RIM,
	REALM_REM,
	REALM_ID
};
enum {
	PLAT_PROFILE,
	PLAT_CHALLENGE,
	PLAT_IMPL,
	PLAT_INSTANCE,
	PLAT_CONFIG,
	PLAT_LIFECYCLE,
	PLAT_HASH,
	PLAT_SERVICE,
	PLAT_COMPONENTS
};

#define MAKER_REALM_ID UINT64_C(0x1122334455667788)

/* Values that a fresh maker uses, for comparison: byte `start` counting up. */
void maker_fill(uint8_t *out, size_t size, uint8_t start);

/* A maker of good tokens with these parameters; fixed keys. False if the crypto library fails. */
bool maker_init(struct maker *m, enum cca_hash realm_hash, enum cca_sign_alg platform_alg);

/*
 * Makes the claims those of another profile: names, claims that it demands, form of the key, claim
 * of the binding. For a fresh maker, once. Realm claims are appended: MEC policy, instance id.
 */
bool maker_profile(struct maker *m, enum cca_profile profile);

/*
 * Builds the token from the entries. maker_init() has put in the right binding; a test that changes
 * the key entry afterwards breaks it.
 */
bool maker_build(const struct maker *m, struct maker_token *token);

/* Public keys: as the library takes them, and as PEM. */
bool maker_key(enum cca_sign_alg alg, const uint8_t *secret, struct cca_key *key);
bool maker_pem(const struct cca_key *key, char *pem, size_t size);

/* Puts a new key entry and the matching platform challenge in place, after realm_secret changed. */
bool maker_bind(struct maker *m, enum cca_hash key_hash);

/* Appends encoded items to a blob. */
void put_uint(struct blob *b, uint64_t value);
void put_int(struct blob *b, int64_t value);
void put_bytes(struct blob *b, const void *data, size_t size);
void put_text(struct blob *b, const char *text);
void put_array(struct blob *b, size_t entries);
void put_map(struct blob *b, size_t entries);
void put_raw(struct blob *b, const void *data, size_t size);

/* Changes of a claim list. */
void entry_drop(struct entries *e, size_t index);
void entry_set(struct entries *e, size_t index, const struct blob *entry);
void entry_add(struct entries *e, const struct blob *entry);

#endif
