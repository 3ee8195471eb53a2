// SPDX-License-Identifier: BSD-3-Clause
/*
 * Confidential Shared Memory, the host's side: APTs, and what a good host does when a realm leaves
 * with an exit of CSM; rec_run() does it. Then agents that use it. realm_destroy() takes back the
 * APT behind the RECs and before the memory, and checks that its granules are wiped. Tests are
 * named csm_*: a firmware without CSM is booted without them.
 *
 * A test that wants to see an exit enters the REC itself (expect_exit() in agent.h), and then
 * calls csm_answer() or does something worse.
 */
#ifndef HOST_CSM_H
#define HOST_CSM_H

#include "abi/csm.h"
#include "agent.h"
#include "payload/common/probe.h"

/* ---- APT */

/* One more granule for the realm's APT, which must be accepted. */
void csm_apt_add(struct realm *realm);
/* RMI_APT_DESTROY until it is done, checked to be wiped; false: refused. */
bool csm_apt_take(struct realm *realm, uint64_t apt);
/* All of it, newest first. */
void csm_apt_drop(struct realm *realm);

/* ---- exits */

/*
 * Answers the CSM exit that is in the record of the REC: a region gets its pages (not if
 * realm->csm.lazy), a reserved range loses the realm's own and gets tables (down to level 2 where
 * it covers a whole entry there, so that blocks can be lent; the rest comes on access), the end of
 * a range is noted, a signal becomes an interrupt REALM_CSM_INTID of REC realm->csm.target, a block
 * is split. False: it is no exit of CSM.
 */
bool csm_answer(struct rec *rec);

/* An access in a reserved range left for want of a table: makes it. False: that is not so. */
bool csm_table(struct rec *rec, uint64_t ipa);

/* The interrupt of CSM for a realm: when its REC is entered next, or at once if it runs. */
void csm_wake(struct realm *realm);
/* Around RMI_REC_ENTER: hands interrupts to the REC. */
void csm_before_enter(struct rec *rec);
void csm_after_exit(struct rec *rec);

/* ---- agents */

/* agent_realm() with one granule of APT. */
struct realm *csm_agent(unsigned recs);
struct realm *csm_agent_of(const struct realm_config *config);

/* A command, called again while it says RSI_INCOMPLETE: CSM(rec, SHARE, region, consumer, perm). */
struct smc_regs csm_call_args(struct rec *rec, uint64_t fid, const uint64_t *args, unsigned count);
#define CSM(rec, command, ...)                                                                  \
	csm_call_args((rec), RSI_CSM_##command##_FID, (const uint64_t[]){0, ##__VA_ARGS__} + 1, \
		      sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t) - 1)

/* These must succeed. */
uint64_t csm_self(struct rec *rec);
/* [base, top) becomes RAM. */
void csm_ram(struct rec *rec, uint64_t base, uint64_t top);
/* A region at base; its id. */
uint64_t csm_region(struct rec *rec, uint64_t base, uint64_t size);
void csm_share(struct rec *provider, uint64_t region, struct rec *consumer, uint64_t perm);
/* RESERVE and ATTACH; the permissions in force. */
uint64_t csm_attach(struct rec *consumer, struct rec *provider, uint64_t region, uint64_t base,
		    uint64_t size);

/* Accesses of one word. csm_aborts: it must end in an external abort in the realm. */
uint64_t csm_read(struct rec *rec, uint64_t ipa);
void csm_write(struct rec *rec, uint64_t ipa, uint64_t value);
void csm_aborts(struct rec *rec, enum agent_insn insn, uint64_t ipa);

/* The page behind a protected address of the realm; 0: none of its own. */
uint64_t csm_page(const struct realm *realm, uint64_t ipa);

#endif
