// SPDX-License-Identifier: BSD-3-Clause
/*
 * Realm measurements computed offline: RIM and REMs as an RMM of specification 1.0 has them
 * (A7.1, B4.3.1.4, B4.3.9.4, B4.3.12.4, B4.3.18.4, B5.3.7). One call per RMI or RSI command that
 * contributes, in the order in which the host issues them: the order is part of the measurement.
 *
 * Functions return false only if the crypto library fails, or as said; the value is then unchanged.
 */
#ifndef CCA_RIM_H
#define CCA_RIM_H

#include "abi/rmi.h"
#include "ccatoken.h"

struct cca_measurement {
	enum cca_hash hash;          /* CCA_HASH_SHA256 or CCA_HASH_SHA512 */
	uint8_t value[CCA_HASH_MAX]; /* the first cca_hash_size(hash) bytes count, the rest is zero
				      */
};

/*
 * RMI_REALM_CREATE. Only flags, s2sz, sve_vl, num_bps, num_wps, pmu_num_ctrs and hash_algo of the
 * parameters are measured. False also if hash_algo is neither RMI_HASH_SHA_256 nor _512.
 */
bool cca_rim_realm_create(struct cca_measurement *rim, const struct rmi_realm_params *params);

/*
 * RMI_DATA_CREATE of the page at `ipa`. `page` is ABI_GRANULE_SIZE bytes; it is measured if flags
 * has RMI_DATA_FLAG_MEASURE and may be NULL otherwise.
 */
bool cca_rim_data_create(struct cca_measurement *rim, uint64_t ipa, uint64_t flags,
			 const void *page);

/*
 * The same, of a page that the caller knows the hash of: by the realm's algorithm, the rest zero.
 * Not used if the content is not measured.
 */
bool cca_rim_data_digest(struct cca_measurement *rim, uint64_t ipa, uint64_t flags,
			 const uint8_t content[CCA_HASH_MAX]);

/*
 * RMI_RTT_INIT_RIPAS of [base, top) where the walk ends at `level` (0 to 3): one step for each
 * entry. False also if base or top is not aligned to an entry, the range is empty, or level is none
 * of these.
 */
bool cca_rim_init_ripas(struct cca_measurement *rim, uint64_t base, uint64_t top, int level);

/*
 * The level at which the tables of a realm with IPAs of s2sz bits start if its host makes as few
 * levels as possible, with up to 16 tables side by side at the start, as Linux's KVM does: 2 for up
 * to 34 bits, 1 for up to 43, else 0. A host may choose otherwise: that of CAEC starts at level 1.
 */
int cca_rim_start_level(unsigned int s2sz);

/*
 * RMI_RTT_INIT_RIPAS of [base, top) by a host that asks for the whole range and makes a table only
 * where the RMM asks for one, in a realm whose tables start at level `start` (0 to 3) and have no
 * others below yet: every entry is as large as level and alignment allow. False also if base or top
 * is not page-aligned, the range is empty, or start is no level.
 */
bool cca_rim_init_ripas_range(struct cca_measurement *rim, uint64_t base, uint64_t top, int start);

/*
 * RMI_REC_CREATE. Without RMI_REC_FLAG_RUNNABLE nothing is measured; otherwise flags, pc and gprs.
 */
bool cca_rim_rec_create(struct cca_measurement *rim, const struct rmi_rec_params *params);

/* RSI_MEASUREMENT_EXTEND of a REM with `size` bytes, 0 to 64. False also if size is larger. */
bool cca_rem_extend(struct cca_measurement *rem, const void *value, size_t size);

/* A REM as it is when the realm is created: zero. */
struct cca_measurement cca_rem_initial(enum cca_hash hash);

#endif
