// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reference values and keys as CoRIM (draft-ietf-rats-corim-11) by the profiles for CCA
 * (draft-ydb-rats-cca-endorsements-04).
 */
#ifndef CCA_CORIM_H
#define CCA_CORIM_H

#include "policy.h"

struct cca_measurement; /* rim.h, which programs of CAEC alone have */

/* The largest CoRIM that is read, and room for one that is written, in bytes. */
#define CCA_CORIM_MAX     (64u * 1024u)
#define CCA_CORIM_WRITTEN 640u
/* The same for a CoRIM of keys, for the name of a signer, and for what a signature adds. */
#define CCA_CORIM_KEYS_WRITTEN 12288u
#define CCA_SIGNER_NAME_MAX    128u
#define CCA_CORIM_SIGNED_MORE  512u

/*
 * Adds what the CoRIM in data[0 .. size-1] expects to a policy. It must be an unsigned CoRIM (tag
 * 501) of the platform or the realm profile. Of a platform: implementation and instance id,
 * software components, configuration, and keys, each of which is good for its instance alone. Of a
 * realm: RIM, REMs, RPV. RIMs of several realms are alternatives; REMs or RPV of one among several
 * are refused, because a policy cannot tie them to their RIM.
 *
 * `now` is in seconds since 1970; a CoRIM outside of its validity is refused.
 *
 * CCA_MALFORMED for what the drafts do not allow, CCA_UNSUPPORTED for what they allow and a policy
 * cannot express (other triples, other measurements) and for signed CoRIMs, CCA_FAILED without
 * memory. The policy is then not to be used: a part may have been added.
 */
enum cca_status cca_corim_read(const void *data, size_t size, int64_t now,
			       struct cca_policy *policy, struct cca_error *err);

/* Public keys, of which one must have signed. */
struct cca_corim_keys {
	const struct cca_key *key;
	size_t count;
};

/*
 * Checks a signed CoRIM (tag 18: a COSE_Sign1 by draft-ietf-rats-corim-11, 4.2). On success *corim
 * is the CoRIM in it, a view into the data, for cca_corim_read(), and *which is the index of the
 * key. The signer's name in it is not compared with anything: the key says who has signed. `now` is
 * in seconds since 1970.
 *
 * CCA_SIGNATURE for an unsigned CoRIM, and if none of the keys has made the signature;
 * CCA_MALFORMED for what the draft does not allow, and for a signature that is not valid now;
 * CCA_UNSUPPORTED for other algorithms than ECDSA with P-256, P-384 or P-521, and for a payload
 * that is not a CoRIM (hash envelopes); CCA_FAILED if the crypto library fails.
 */
enum cca_status cca_corim_verify(struct cca_bytes data, int64_t now, struct cca_corim_keys keys,
				 struct cca_bytes *corim, size_t *which, struct cca_error *err);

/*
 * Signs a CoRIM with the private key in PEM form, which has no passphrase and is for P-256, P-384
 * or P-521. `signer` is the name of the signer, 1 to CCA_SIGNER_NAME_MAX bytes. `max` is the size
 * of out[]: that of the CoRIM and CCA_CORIM_SIGNED_MORE are enough. Returns the size; 0, with the
 * reason in *err: CCA_MALFORMED for the key, the name or a CoRIM that is too long, CCA_FAILED if
 * the crypto library fails.
 */
size_t cca_corim_sign(struct cca_bytes pem, const char *signer, struct cca_bytes corim,
		      uint8_t *out, size_t max, struct cca_error *err);

/*
 * Writes a CoRIM of the platform profile that endorses the keys for one platform instance
 * (owner->bound is not used). Returns its size, 0 for no key, for more than CCA_POLICY_ANCHORS, for
 * one that is no point of its curve, and without memory.
 */
size_t cca_corim_write_keys(const struct cca_policy_owner *owner, const struct cca_key *keys,
			    size_t count, uint8_t out[CCA_CORIM_KEYS_WRITTEN]);

/*
 * Writes a CoRIM of the realm profile with the RIM, and the RPV of CCA_RPV_SIZE bytes unless that
 * is NULL. Returns its size, 0 if the measurement is none.
 */
size_t cca_corim_write(const struct cca_measurement *rim, const uint8_t *rpv,
		       uint8_t out[CCA_CORIM_WRITTEN]);

#endif
