// SPDX-License-Identifier: BSD-3-Clause
/* Between the files of the model. */
#ifndef TESTS_RANDOM_MODEL_INTERNAL_H
#define TESTS_RANDOM_MODEL_INTERNAL_H

#include "model.h"

#define M_MAX_REFUSALS 40U

/* The failure conditions that hold, with what each makes the command answer. */
struct m_refusals {
	unsigned int outputs; /* x1.. that must be zero, */
	unsigned int top;     /* but for this one; 0: none */
	unsigned int count;
	struct m_refusal {
		const char *condition;
		uint64_t x0;
		uint64_t top;
	} list[M_MAX_REFUSALS];
};

/* What a handler works on. */
struct m_case {
	const uint64_t *args; /* x1... */
	const union m_input *input;
	const struct m_answer *answer;
	struct m_refusals refusals;
};

/* A command: conditions first, changing nothing; then, if it succeeded, what it does. */
struct m_command {
	uint64_t fid;
	void (*conditions)(struct m_case *c);
	/* Fills x1..x4 as they must be; NULL: no outputs and no effect. */
	const char *(*effect)(struct m_case *c, uint64_t x[5]);
};

/* Tables of commands, each ended by an entry of zeros. */
extern const struct m_command model_object_commands[];
extern const struct m_command model_rtt_commands[];
extern const struct m_command model_psci_command[];

/* Text of what is wrong, valid until the next. */
const char *m_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

void m_refuse(struct m_refusals *refusals, const char *condition, uint64_t x0, uint64_t top);
bool m_refused(const struct m_refusals *refusals, const char *condition);

/* Removes `condition`, which another one that holds goes before. */
void m_yield(struct m_refusals *refusals, const char *condition);

/* NULL if the answer is one of the refusals; else what is wrong. */
const char *m_check_refused(const struct m_refusals *refusals, const struct m_answer *answer);

static inline bool m_aligned(uint64_t value, uint64_t size)
{
	return value % size == 0;
}

/* Conditions of an address: NAME_align, NAME_bound and state, unless the granule is in `state`. */
struct m_names {
	const char *align, *bound, *state;
};
struct m_granule *m_check_granule(struct m_case *c, uint64_t pa, enum m_state state,
				  const struct m_names *names);
struct m_realm *m_check_rd(struct m_case *c, uint64_t pa);

/* A page of the host that the RMM is to copy. */
bool m_check_host_page(struct m_case *c, uint64_t pa, const struct m_names *names);
bool m_host_page(uint64_t pa);

struct m_table *m_new_table(uint64_t pa, uint64_t base, int level, unsigned int length);
void m_drop_table(struct m_table *table);
bool m_is_live(const struct m_table *table);

void m_set_state(uint64_t pa, enum m_state state, void *object);

#endif
