// SPDX-License-Identifier: BSD-3-Clause
/* What a relying party expects of a token, and the comparison. The file format: cca-verify(1). */
#ifndef CCA_POLICY_H
#define CCA_POLICY_H

#include "ccatoken.h"

#define CCA_POLICY_ANCHORS    16u
#define CCA_POLICY_VALUES     16u
#define CCA_POLICY_COMPONENTS 32u
#define CCA_POLICY_TYPE_SIZE  64u
#define CCA_POLICY_NAME_SIZE  128u
#define CCA_POLICY_VALUE_SIZE 64u

/* The longest policy file that is read, in bytes. */
#define CCA_POLICY_FILE_MAX (256u * 1024u)

struct cca_policy_value {
	size_t size;
	uint8_t data[CCA_POLICY_VALUE_SIZE];
};

/* Any of these will do; with count 0 there is no expectation. */
struct cca_policy_set {
	size_t count;
	struct cca_policy_value value[CCA_POLICY_VALUES];
};

/*
 * A software component of this type must exist, and every one of the type must have one of these
 * measurements, signers and versions. An empty set expects nothing. Versions are the bytes of text,
 * without a zero at the end.
 */
struct cca_policy_component {
	char type[CCA_POLICY_TYPE_SIZE];
	struct cca_policy_set measurement;
	struct cca_policy_set signer_id;
	struct cca_policy_set version;
};

/* The instance that a key of a CoRIM is endorsed for; keys from elsewhere are bound to none. */
struct cca_policy_owner {
	bool bound;
	uint8_t implementation_id[CCA_IMPL_ID_SIZE];
	uint8_t instance_id[CCA_INSTANCE_SIZE];
};

struct cca_policy {
	size_t anchor_count;
	struct cca_key anchor[CCA_POLICY_ANCHORS];
	char anchor_name[CCA_POLICY_ANCHORS][CCA_POLICY_NAME_SIZE]; /* file, for messages */
	struct cca_policy_owner anchor_owner[CCA_POLICY_ANCHORS];

	uint32_t profiles; /* bit n: enum cca_profile n is accepted */

	size_t challenge_size; /* 0: not in the policy */
	uint8_t challenge[CCA_CHALLENGE_SIZE];

	struct cca_policy_set rim;
	struct cca_policy_set rem[CCA_REM_COUNT];
	struct cca_policy_set rpv;
	struct cca_policy_set realm_id;       /* 8 bytes, big endian */
	struct cca_policy_set realm_instance; /* 33 bytes */
	enum cca_hash realm_hash;             /* CCA_HASH_NONE: any */

	struct cca_policy_set implementation_id;
	struct cca_policy_set instance_id;
	struct cca_policy_set config;
	struct cca_policy_value config_mask; /* bits that are compared; size 0: all */
	enum cca_hash platform_hash;
	uint32_t lifecycles; /* bit n: state 0xn000 to 0xn0ff is accepted */
	size_t component_count;
	struct cca_policy_component component[CCA_POLICY_COMPONENTS];
};

/*
 * The policy of those who state none: no expectation but that the platform is "secured". All
 * profiles are accepted.
 */
void cca_policy_init(struct cca_policy *policy);

/*
 * Reads a policy file into *policy, in place of what it held. Unknown members, repeated members and
 * values of a wrong size are refused: a misspelt expectation must not pass as none. Names of anchor
 * files are relative to the policy's folder. False, with the reason in err->text, if the file or
 * an anchor cannot be read or is not as it should be. The file is the owner's own: it is trusted as
 * far as memory goes.
 */
bool cca_policy_load(const char *path, struct cca_policy *policy, struct cca_error *err);

/*
 * Adds the trust anchors in a file, in any form that cca_keys_read() knows. False, with the reason
 * in err->text, if the file cannot be read, is not as that function wants it (a private key is
 * refused by name), or the anchors become more than CCA_POLICY_ANCHORS; some may have been added.
 */
bool cca_policy_add_anchor_file(struct cca_policy *policy, const char *path, struct cca_error *err);

/* Told of each expectation that the token does not meet. `what` is the member's name. */
typedef void cca_mismatch_fn(void *ctx, const char *what, const char *detail);

/*
 * Compares the claims of a verified token with the policy (not its anchors and challenge, which are
 * inputs of cca_token_verify() and cca_token_check_challenge()). Returns the number of expectations
 * that are not met.
 */
size_t cca_policy_check(const struct cca_policy *policy, const struct cca_token *token,
			cca_mismatch_fn *mismatch, void *ctx);

/*
 * Compares the platform with the one that the anchor of this index is endorsed for. `which` is what
 * cca_token_verify() said. Returns 0 or 1, the number of mismatches.
 */
size_t cca_policy_check_anchor(const struct cca_policy *policy, size_t which,
			       const struct cca_token *token, cca_mismatch_fn *mismatch, void *ctx);

/* Told of each part of a token that the policy has no expectation of, and what that leaves open. */
typedef void cca_unchecked_fn(void *ctx, const char *what, const char *open);

/*
 * The parts of this token that cca_policy_check() and the challenge leave out under this policy; a
 * half that the token lacks is one part. Returns how many.
 */
size_t cca_policy_unchecked(const struct cca_policy *policy, const struct cca_token *token,
			    cca_unchecked_fn *unchecked, void *ctx);

/* Whether the policy says which realm is meant: by its RIM, or by an id of a realm known already.
 */
bool cca_policy_names_realm(const struct cca_policy *policy);

/* Whether the policy expects something of this half of a token. A lifecycle alone does not count.
 */
bool cca_policy_expects_realm(const struct cca_policy *policy);
bool cca_policy_expects_platform(const struct cca_policy *policy);

#endif
