// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reading and verifying Arm CCA attestation tokens (RMM specification 1.0, A7; CDDL in A7.2), and
 * those of the profiles before and after it.
 *
 * A CCA token is a map of two COSE_Sign1 objects behind CBOR tag 399 or 907: the platform token,
 * signed with a key that the verifier must already trust, and the realm token, signed with a key
 * that travels in the realm token itself. The platform token has a hash of that key: this binds the
 * two. Either half may be looked at alone if the caller asks for that.
 *
 * Nothing here allocates in proportion to its input, and no function recurses. A parsed token is a
 * set of views into the caller's buffer, which must outlive it. Parsing says only that a token is
 * well formed; nothing in it may be believed before cca_token_verify() has returned CCA_OK.
 */
#ifndef CCATOKEN_H
#define CCATOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest token that is looked at. A realm can get no more than 4 KiB from an RMM. */
#define CCA_TOKEN_MAX_SIZE 16384u

/* The largest file of keys that is looked at, and room for one key in PEM form, in bytes. */
#define CCA_KEY_FILE_MAX 16384u
#define CCA_PEM_SIZE     512u

#define CCA_CHALLENGE_SIZE 64u
#define CCA_RPV_SIZE       64u
#define CCA_REM_COUNT      4u
#define CCA_HASH_MAX       64u
#define CCA_IMPL_ID_SIZE   32u
#define CCA_INSTANCE_SIZE  33u
/* Claims and parameters that the library does not know: more of them make a token malformed. */
#define CCA_UNKNOWN_MAX 32u
/* Software components of a platform token beyond this number make it malformed to this library. */
#define CCA_COMPONENTS_MAX 32u

enum cca_status {
	CCA_OK = 0,
	CCA_MALFORMED, /* not a token as the specification has it, or out of this library's bounds
			*/
	CCA_SIGNATURE, /* a signature or the binding between the two tokens does not hold */
	CCA_MISMATCH,  /* a genuine token, but not what the caller asked for */
	CCA_FAILED,    /* the crypto library could not do its work: says nothing about the token */
	CCA_UNSUPPORTED, /* a token of a form that this library knows by name, but cannot judge */
};

/*
 * The rules that a token follows. The profile claim of the platform token names them; the realm
 * token may name those that belong to it (docs/attestation.md).
 */
enum cca_profile {
	CCA_PROFILE_NONE = 0,
	CCA_PROFILE_PRE_1_0, /* "http://arm.com/CCA-SSD/1.0.0": the realm key is a raw point */
	CCA_PROFILE_1_0,     /* of 2023: RMM specification 1.0 */
	CCA_PROFILE_2024,    /* of the betas of specification 2.0 */
	CCA_PROFILE_2026,    /* the same with a claim of its own for the binding */
};

/* Why a call failed. `offset` is the place in the token, meaningful for CCA_MALFORMED. */
struct cca_error {
	enum cca_status status;
	size_t offset;
	char text[256];
};

struct cca_bytes {
	const uint8_t *data;
	size_t size;
};

enum cca_hash {
	CCA_HASH_NONE = 0,
	CCA_HASH_SHA256,
	CCA_HASH_SHA384,
	CCA_HASH_SHA512,
};

enum cca_sign_alg {
	CCA_SIGN_NONE = 0,
	CCA_SIGN_ES256 = -7,  /* P-256 with SHA-256 */
	CCA_SIGN_ES384 = -35, /* P-384 with SHA-384 */
	CCA_SIGN_ES512 = -36, /* P-521 with SHA-512 */
};

/* One COSE_Sign1 object (RFC 9052, 4.2). */
struct cca_sign1 {
	enum cca_sign_alg alg;
	struct cca_bytes protected_header;
	struct cca_bytes key_id; /* from the unprotected header: not signed, empty if absent */
	struct cca_bytes payload;
	struct cca_bytes signature;
};

/* An elliptic-curve public key; `alg` tells the curve. Coordinates are big endian. */
struct cca_key {
	enum cca_sign_alg alg;
	uint8_t x[66];
	uint8_t y[66];
};

struct cca_realm_claims {
	struct cca_bytes challenge;    /* 64 bytes */
	struct cca_bytes rpv;          /* 64 bytes */
	struct cca_bytes public_key;   /* COSE_Key or raw point, exactly as signed */
	enum cca_hash hash;            /* of the RIM and the REMs; SHA-384 not in profile 1.0 */
	enum cca_hash public_key_hash; /* H_pk of the binding */
	struct cca_bytes profile;      /* empty if the claim is absent */
	struct cca_bytes rim;          /* size of `hash` */
	struct cca_bytes rem[CCA_REM_COUNT];
	bool has_realm_id; /* private claim -70001 of CAEC's RMM; absent from others */
	uint64_t realm_id;
	/* Private claim -70002 of CAEC's RMM, see evidence.h: 64 bytes, or 0 for too many */
	bool has_sharings;
	struct cca_bytes sharings;
	/* Claims of specification 2.0. An instance id is 33 bytes, of which the first is 1. */
	struct cca_bytes instance_id; /* 256; empty if absent. CAEC's RMM has it as well */
	bool has_mec_policy;          /* 44243: memory encryption contexts */
	uint64_t mec_policy;
	bool has_lfa_policy; /* 44244: live firmware activation */
	uint64_t lfa_policy;
	struct cca_bytes devices_hash; /* 44257: of the assigned devices' token; empty if absent */
	struct cca_key key;            /* public_key, decoded */
};

struct cca_component {
	struct cca_bytes type;        /* text, empty if absent */
	struct cca_bytes measurement; /* 32, 48 or 64 bytes */
	struct cca_bytes version;     /* text, empty if absent */
	struct cca_bytes signer_id;   /* 32, 48 or 64 bytes */
	struct cca_bytes hash;        /* text, empty if absent: the platform's algorithm */
	bool has_live_activation;     /* key 7 of specification 2.0 */
	bool live_activation;         /* the component can be replaced while the platform runs */
};

struct cca_platform_claims {
	struct cca_bytes profile;
	struct cca_bytes challenge;         /* 32, 48 or 64 bytes */
	struct cca_bytes binding;           /* claim 2408; empty but in profile 2026 */
	struct cca_bytes implementation_id; /* 32 bytes */
	struct cca_bytes instance_id;       /* 33 bytes, the first is 1 */
	struct cca_bytes config;
	uint16_t lifecycle; /* name: cca_lifecycle_name() */
	enum cca_hash hash;
	struct cca_bytes service; /* text, empty if absent */
	bool has_client_id;       /* 2394 of specification 2.0 */
	int64_t client_id;
	struct cca_bytes manufacturing; /* 2403 of specification 2.0: config; empty if absent */
	size_t component_count;
	struct cca_component component[CCA_COMPONENTS_MAX];
};

/* A claim or parameter that this library does not know: its key is a number or text. */
struct cca_unknown {
	const char *where; /* the map it is in, for people */
	bool is_text;
	int64_t number;
	struct cca_bytes text; /* any bytes: look at them before they go to a terminal */
	struct cca_bytes map;  /* from where the map's entries begin, for comparison */
};

struct cca_token {
	enum cca_profile profile;
	unsigned int tag;  /* 399; 907: a CMW collection; 18: one half without a wrapping */
	bool has_platform; /* which halves have been read: both, unless the caller asked for one */
	bool has_realm;
	size_t unknown_count;
	struct cca_unknown unknown[CCA_UNKNOWN_MAX];
	struct cca_sign1 platform_sign1;
	struct cca_sign1 realm_sign1;
	struct cca_platform_claims platform;
	struct cca_realm_claims realm;
};

/* Flags of cca_token_parse(); at most one of the last two. */
#define CCA_STRICT        1u
#define CCA_PLATFORM_ONLY 2u
#define CCA_REALM_ONLY    4u

/*
 * Reads the token in buf[0 .. size-1] into *token. It must fill the buffer; lengths must be
 * definite, every known claim of the right type and size, no claim present twice in one map,
 * those that the profile demands present, hash algorithm and measurement sizes in agreement, the
 * realm key a point with coordinates of the right size. The wrapping may be tag 399 (RMM
 * specification 1.0) or a CMW collection (tag 907). Claims and key parameters that are not known
 * are passed over and listed in token->unknown, as the token's definition asks of a receiver;
 * lengths and numbers need not be in shortest form.
 *
 * With CCA_STRICT, only what RMM specification 1.0 has is accepted: its profile, tag 399, its
 * claims and no others, shortest form.
 *
 * With CCA_PLATFORM_ONLY or CCA_REALM_ONLY, one half is read. It may be in a collection, alone or
 * beside the other, which is then not looked at, or be a COSE_Sign1 without a wrapping (tag 18).
 * Without a profile claim a realm half alone is taken to be of profile 1.0, or of the one before it
 * if its key is a raw point.
 *
 * Fails with CCA_UNSUPPORTED for a profile that is not in enum cca_profile, for a realm profile
 * that does not belong to the platform's, and for a raw point in a profile that has COSE_Keys; with
 * CCA_MALFORMED for everything else. After a failure *token is all zero. `err` may not be NULL.
 */
enum cca_status cca_token_parse(const void *buf, size_t size, unsigned int flags,
				struct cca_token *token, struct cca_error *err);

/*
 * Verifies, in this order: the realm token's signature with its own key (CCA_SIGNATURE), that the
 * platform token has the hash of that key (CCA_SIGNATURE), and the platform token's signature with
 * one of the trust anchors (CCA_SIGNATURE if none fits). With anchor_count 0 the last step fails as
 * well: a token without an anchor proves nothing. *which gets the index of the anchor that fitted;
 * it may be NULL.
 *
 * A platform token alone is verified by the last step. Of a realm token alone, the key must be one
 * of the anchors (CCA_SIGNATURE): the caller has it from a whole token that was verified before.
 */
enum cca_status cca_token_verify(const struct cca_token *token, const struct cca_key *anchors,
				 size_t anchor_count, size_t *which, struct cca_error *err);

/* The first two steps of cca_token_verify() alone: says that the token hangs together, not more. */
enum cca_status cca_token_verify_realm(const struct cca_token *token, struct cca_error *err);

/*
 * Compares the realm's challenge with the one given, of 1 to 64 bytes, zero-padded to 64 as Linux's
 * arm-cca-guest does. Without a realm token it is the platform's challenge, which has no padding.
 * CCA_MISMATCH if it differs or if size is out of range.
 */
enum cca_status cca_token_check_challenge(const struct cca_token *token, const void *challenge,
					  size_t size, struct cca_error *err);

/*
 * Reads the public keys in data[0 .. size-1], at most CCA_KEY_FILE_MAX bytes, in the form in which
 * they are found there:
 *
 *   PEM        "PUBLIC KEY" or certificates: the first one's key is used. Of certificates neither
 *              signatures nor dates are looked at
 *   DER        a SubjectPublicKeyInfo (RFC 5480, 2) or a certificate
 *   JWK        of type EC (RFC 7517; RFC 7518, 6.2)
 *   JWK set    all its keys of type EC; those of other types are passed over
 *   COSE_Key   of type EC2 (RFC 9052, 7; RFC 9053, 7.1.1)
 *
 * All are points of P-256, P-384 or P-521. On success *count is the number of keys, 1 to `max`, and
 * keys[0 .. *count-1] are set; keys[] and *count are undefined after a failure. CCA_MALFORMED for a
 * private key, for anything else than the above, and for more keys than `max`. CCA_FAILED if memory
 * runs out. err->text says why.
 */
enum cca_status cca_keys_read(const void *data, size_t size, struct cca_key *keys, size_t max,
			      size_t *count, struct cca_error *err);

/*
 * The same for one key, in PEM form or as a COSE_Key alone. Whether the COSE_Key is a point of its
 * curve is not looked at. *key is all zero after a failure.
 */
enum cca_status cca_key_from_pem(const void *pem, size_t size, struct cca_key *key,
				 struct cca_error *err);
enum cca_status cca_key_from_cose(const void *cose, size_t size, struct cca_key *key,
				  struct cca_error *err);

/*
 * Writes a key as PEM "PUBLIC KEY", ending with a line feed and a zero. False, with an empty text,
 * if it is no point of its curve or memory runs out.
 */
bool cca_key_to_pem(const struct cca_key *key, char pem[CCA_PEM_SIZE]);

/* The largest set of claims that is signed, in bytes. */
#define CCA_JWT_MAX (256u * 1024u)

/*
 * Signs a set of claims, JSON text of `size` bytes, as a JWT in compact form (RFC 7519; RFC 7515,
 * 7.1) with the private key in pem[0 .. pem_size-1], which has no passphrase and is for P-256,
 * P-384 or P-521. The header's "kid" is the key's thumbprint (RFC 7638). The caller frees the text.
 * NULL, with the reason in *err: CCA_MALFORMED for the key, or for more than CCA_JWT_MAX bytes;
 * CCA_FAILED if memory runs out or the crypto library fails.
 */
char *cca_jwt_sign(const void *pem, size_t pem_size, const char *payload, size_t size,
		   struct cca_error *err);

/*
 * The crypto library calls out_of_memory() when one of its allocations fails; that function must
 * not return. For programs, before any other function of this library: otherwise OpenSSL 3.5
 * waits for itself for ever if memory runs out while it initialises itself. False if the crypto
 * library has allocated memory already.
 */
bool cca_exit_without_memory(void (*out_of_memory)(void));

/* Size in bytes of a hash (0 for CCA_HASH_NONE), its name in tokens, and the way back. */
size_t cca_hash_size(enum cca_hash hash);
const char *cca_hash_name(enum cca_hash hash);
enum cca_hash cca_hash_from_name(const char *name, size_t size);

/* Short name of a profile ("1.0"), and the way back, CCA_PROFILE_NONE if there is none. */
const char *cca_profile_name(enum cca_profile profile);
enum cca_profile cca_profile_from_name(const char *name);

/* Name of a signature algorithm, for people. */
const char *cca_sign_alg_name(enum cca_sign_alg alg);

/* out[0 .. cca_hash_size(hash)-1] = hash of data. False if the crypto library fails. */
bool cca_hash(enum cca_hash hash, const void *data, size_t size, uint8_t out[CCA_HASH_MAX]);

/* Hexadecimal digits to bytes: 1 to `max` bytes, two digits each, nothing else. 0 if it is not. */
size_t cca_from_hex(const char *text, uint8_t *out, size_t max);

/* Bytes to hexadecimal, cut to what fits; always ends with a zero. */
void cca_to_hex(struct cca_bytes bytes, char *out, size_t size);

/* The security lifecycle state a lifecycle value belongs to, "reserved" if to none. */
const char *cca_lifecycle_name(uint16_t lifecycle);

#endif
