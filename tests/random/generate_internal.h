// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_RANDOM_GENERATE_INTERNAL_H
#define TESTS_RANDOM_GENERATE_INTERNAL_H

#include "driver.h"
#include "generate.h"

#define ANY_STATE ((enum m_realm_state)(-1))

uint64_t gen_below(uint64_t n);

/* Puts a step at the end of what is to be done. */
void gen_push(const struct step *step);
void gen_rmi(const uint64_t *words, unsigned int count);
#define RMI_STEP(...)                            \
	gen_rmi((const uint64_t[]){__VA_ARGS__}, \
		sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
#define LEVEL(level) ((uint64_t)(int64_t)(level))

/* A realm in a state / a place in one of its tables, most often at the beginning of a table. */
struct m_realm *gen_realm(enum m_realm_state state);
struct m_place gen_place(const struct m_realm *realm);
bool gen_place_of(const struct m_realm *realm, enum m_kind kind, struct m_place *place);
uint64_t gen_host_page(void);

/* The block of data of the realm that was made last, if it still is one. */
bool gen_block_of(const struct m_realm *realm, uint64_t *ipa);

/* Whether the host could give the page to the RMM, or has. */
bool m_usable(uint64_t pa);

/* Index of the REC that a pending request of PSCI is about, if it is alive; else -1. */
int m_psci_target(const struct m_rec *rec);

/* What a realm that runs does next; nothing if none runs. */
void gen_act(void);

/* The realm on the CPU asks for the other RIPAS of [base, top). */
void gen_request_ripas(unsigned int cpu, uint64_t base, uint64_t top);

/* Replaces words of a step by others. */
void gen_make_wild(struct step *step);

#endif
