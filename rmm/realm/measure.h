// SPDX-License-Identifier: BSD-3-Clause
/*
 * Measurements of a realm: the RIM, extended by the host's commands while the realm is NEW, and
 * four REMs, extended by the realm (RMM specification A7.1, B4.3.1.4, B4.3.9.4, B4.3.12.4,
 * B4.3.18.4; C1.11-C1.13 for what is hashed; abi/measurement.h).
 *
 * The order of steps is part of the result, and a command that fails must not take one: call these
 * in the commit of a command, with the RD's lock held. None can fail.
 */
#ifndef RMM_REALM_MEASURE_H
#define RMM_REALM_MEASURE_H

#include "abi/rmi.h"
#include "realm/realm.h"

/* RMI_REALM_CREATE: the first RIM, from the measured fields of params. Sets hash_algo of *rd. */
void realm_measure_init(struct rd *rd, const struct rmi_realm_params *params);

/*
 * RMI_DATA_CREATE of the page at ipa with the host's `flags` word as given. content: the 4 KiB that
 * the realm got (the private copy, never the host's page); NULL if flags do not ask to measure
 * them.
 */
void realm_measure_data(struct rd *rd, ipa_t ipa, uint64_t flags, const void *content);

/* RMI_RTT_INIT_RIPAS: a step for each of the entries, `size` bytes each, that are [base, top). */
void realm_measure_ripas(struct rd *rd, ipa_t base, ipa_t top, uint64_t size);

/* RMI_REC_CREATE of a runnable REC; one that is not runnable is not measured. */
void realm_measure_rec(struct rd *rd, const struct rmi_rec_params *params);

/*
 * RSI_MEASUREMENT_EXTEND of slot `index` (1..4) with `size` bytes (0..64) at value. Needs no lock
 * of the caller, only that a REC keeps the realm alive.
 */
void realm_extend_rem(struct rd *rd, unsigned int index, const void *value, size_t size);

/*
 * Copies slot `index` (0..4), zero padded. A REM is that of one moment. Needs no lock of the
 * caller; slot 0 is constant once the realm is not NEW.
 */
void realm_measurement_read(struct rd *rd, unsigned int index, uint8_t out[REALM_MEASUREMENT_SIZE]);

#endif
