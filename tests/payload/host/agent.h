// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests that steer a realm: it runs the agent program (common/agent.h), and each function here is
 * one step of it. A step that meets an exit that is for the test leaves rec->stop other than
 * REC_CALL: deal with the exit, then rec_run() goes on, and agent_done() looks at the outcome.
 */
#ifndef HOST_AGENT_H
#define HOST_AGENT_H

#include "abi/rsi.h"
#include "payload/common/agent.h"
#include "realm.h"

/* realm_default() with `recs` agents; the first is at its first host call, the others are off. */
struct realm *agent_realm(unsigned recs);
struct realm *agent_realm_of(const struct realm_config *config);
/* The same for a realm that was made otherwise: runs its first REC to its first host call. */
void agent_wait(struct rec *rec);

/* One step with up to four arguments; what rec_run() says. */
enum rec_stop agent_order(struct rec *rec, enum agent_op op, uint64_t a, uint64_t b, uint64_t c);

/* The same with up to 30 arguments; without running, for a REC that runs elsewhere. */
void agent_prepare_args(struct rec *rec, enum agent_op op, const uint64_t *args, unsigned count);

/* True if the step is over and nothing faulted. */
bool agent_done(const struct rec *rec);
/* Of the step that is over. */
uint64_t agent_value(const struct rec *rec);
uint64_t agent_esr(const struct rec *rec);
uint64_t agent_far(const struct rec *rec);

/* One instruction; true if it was executed. */
bool agent_do(struct rec *rec, enum agent_insn insn, uint64_t address, uint64_t value);
/* An instruction that must be executed; its value. */
uint64_t agent_get(struct rec *rec, enum agent_insn insn, uint64_t address);
void agent_set(struct rec *rec, enum agent_insn insn, uint64_t value);

/* SMC in the realm: x0..x10 are set, x11..x17 carry marks that must come back. */
struct smc_regs agent_smc_args(struct rec *rec, uint64_t fid, const uint64_t *args, unsigned count);
#define agent_smc(rec, fid, ...)                                               \
	agent_smc_args((rec), (fid), (const uint64_t[]){0, ##__VA_ARGS__} + 1, \
		       sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t) - 1)
/* Orders an SMC and leaves the realm in it, if it exits. */
enum rec_stop agent_smc_begin(struct rec *rec, uint64_t fid, const uint64_t *args, unsigned count);
/* x0..x17 of the SMC that is over. */
struct smc_regs agent_smc_end(const struct rec *rec);

/* The next order, without running: for tests that enter the REC themselves. */
void agent_prepare(struct rec *rec, enum agent_op op, uint64_t a, uint64_t b, uint64_t c);

/* Fields of an exit that may be other than zero, besides the reason and what is always valid. */
enum exit_field {
	EXIT_ESR = 1 << 0,
	EXIT_FAR = 1 << 1,
	EXIT_HPFAR = 1 << 2,
	EXIT_GPR0 = 1 << 3,
	EXIT_GPR1 = 1 << 4,
	EXIT_GPRS = 1 << 5, /* all of them */
	EXIT_RIPAS = 1 << 6,
	EXIT_IMM = 1 << 7,
};
/* One RMI_REC_ENTER that must end for this reason, with everything but `fields` zero. */
void expect_exit(struct rec *rec, unsigned reason, unsigned fields);
/* The same for an exit that has happened. */
void check_exit(const struct rec *rec, unsigned reason, unsigned fields);

/* An agent realm in state SYSTEM_OFF. */
struct realm *agent_realm_off(void);

/* PSCI CPU_ON of REC n by REC 0, and n's first host call. */
void agent_start_rec(struct realm *realm, unsigned n);

#endif
