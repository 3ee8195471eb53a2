// SPDX-License-Identifier: BSD-3-Clause
/* Between the two files of the model that know what a REC does. */
#ifndef TESTS_RANDOM_MODEL_RUN_H
#define TESTS_RANDOM_MODEL_RUN_H

#include "model_internal.h"

/*
 * What was seen has to be this: the realm going on with the registers that the REC has in the
 * model, or its exit with this record. NULL if it is. After an exit the REC runs no more.
 */
const char *m_expect_runs(struct m_rec *rec, const struct m_seen *seen);
const char *m_expect_exit(struct m_rec *rec, const struct m_seen *seen,
			  struct rmi_rec_exit *record);

/* A page that a call of the realm names, and what comes of it if it is missing. */
enum m_access { M_ACCESS_DONE, M_ACCESS_EMPTY, M_ACCESS_MISSING };
enum m_access m_access(const struct m_rec *rec, uint64_t ipa, const void **page);
const char *m_expect_missing(struct m_rec *rec, const struct m_seen *seen, uint64_t ipa);

/* The realm's SMC, with its registers in rec->gprs. */
const char *m_call(struct m_rec *rec, const struct m_seen *seen);

/* The index of the REC that an affinity in MPIDR_EL1's layout names, -1: none has it. */
int64_t m_affinity_index(uint64_t affinity);
bool m_is_cpu_on(uint64_t fid);

#endif
