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
 * cannot express (signed CoRIMs, other triples, other measurements), CCA_FAILED without memory. The
 * policy is then not to be used: a part may have been added.
 */
enum cca_status cca_corim_read(const void *data, size_t size, int64_t now,
			       struct cca_policy *policy, struct cca_error *err);

/*
 * Writes a CoRIM of the realm profile with the RIM, and the RPV of CCA_RPV_SIZE bytes unless that
 * is NULL. Returns its size, 0 if the measurement is none.
 */
size_t cca_corim_write(const struct cca_measurement *rim, const uint8_t *rpv,
		       uint8_t out[CCA_CORIM_WRITTEN]);

#endif
