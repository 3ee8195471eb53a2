// SPDX-License-Identifier: BSD-3-Clause
#include "csm.h"
#include "gic.h"
#include "mem.h"
#include "test.h"

#define LR_STATE (3UL << 62)
#define LR_ASK   (1UL << 62 | 1UL << 60 | 0x80UL << 48 | REALM_CSM_INTID) /* pending, group 1 */
#define BLOCK    (2UL << 20)
#define NO_CPU   0

void csm_apt_add(struct realm *realm)
{
	uint64_t apt = granule_take();

	REQUIRE(realm->csm.apts < CSM_MAX_APT_GRANULES);
	REQUIRE_EQ(smc_call(RMI_APT_CREATE_FID, realm->rd, apt).x[0], RMI_SUCCESS);
	realm->csm.apt[realm->csm.apts++] = apt;
}

bool csm_apt_take(struct realm *realm, uint64_t apt)
{
	uint64_t status;

	do {
		status = smc_call(RMI_APT_DESTROY_FID, realm->rd, apt).x[0];
	} while (status == CSM_INCOMPLETE);
	if (!CHECK_EQ(status, RMI_SUCCESS)) {
		return false;
	}
	granule_give(apt);
	return true;
}

void csm_apt_drop(struct realm *realm)
{
	while (realm->csm.apts) {
		csm_apt_take(realm, realm->csm.apt[--realm->csm.apts]);
	}
}

/* ---- reserved ranges */

static void range_note(struct realm *realm, uint64_t base, uint64_t top)
{
	struct realm_csm *csm = &realm->csm;
	unsigned i = 0;

	spin_lock(&csm->lock);
	while (i < REALM_RANGES && csm->ranges[i].top != 0) {
		i++;
	}
	if (i < REALM_RANGES) {
		csm->ranges[i].base = base;
		csm->ranges[i].top = top;
	}
	spin_unlock(&csm->lock);
	REQUIRE(i < REALM_RANGES);
}

static void range_forget(struct realm *realm, uint64_t base, uint64_t top)
{
	struct realm_csm *csm = &realm->csm;

	spin_lock(&csm->lock);
	for (unsigned i = 0; i < REALM_RANGES; i++) {
		if (csm->ranges[i].base == base && csm->ranges[i].top == top) {
			csm->ranges[i].top = 0;
			break;
		}
	}
	spin_unlock(&csm->lock);
}

static bool range_has(struct realm *realm, uint64_t ipa)
{
	struct realm_csm *csm = &realm->csm;
	bool found = false;

	spin_lock(&csm->lock);
	for (unsigned i = 0; i < REALM_RANGES; i++) {
		found |= csm->ranges[i].base <= ipa && ipa < csm->ranges[i].top;
	}
	spin_unlock(&csm->lock);
	return found;
}

bool csm_table(struct rec *rec, uint64_t ipa)
{
	int level = (int)(rec->run->exit.esr & 3); /* where the walk ended */

	if (level >= RMI_LEVEL_PAGE || !range_has(rec->realm, ipa)) {
		return false;
	}
	realm_make_tables(rec->realm, ipa, level, RMI_LEVEL_PAGE);
	return true;
}

/* ---- exits */

static void populate(struct realm *realm, uint64_t base, uint64_t top)
{
	while (base < top) {
		struct smc_regs entry =
			smc_call(RMI_RTT_READ_ENTRY_FID, realm->rd, base, RMI_LEVEL_PAGE);

		REQUIRE_EQ(entry.x[0], RMI_SUCCESS);
		if (entry.x[2] == RMI_UNASSIGNED) {
			realm_data_unknown(realm, base);
			base += PAGE_SIZE;
		} else {
			base = (base | (level_size((int)entry.x[1]) - 1)) + 1;
		}
	}
}

static void make_room(struct realm *realm, uint64_t base, uint64_t top)
{
	realm_take_data(realm, base, top);
	while (base < top) {
		bool whole = base % BLOCK == 0 && base + BLOCK <= top;
		struct smc_regs entry =
			smc_call(RMI_RTT_READ_ENTRY_FID, realm->rd, base, RMI_LEVEL_PAGE);

		REQUIRE_EQ(entry.x[0], RMI_SUCCESS);
		realm_make_tables(realm, base, (int)entry.x[1],
				  whole ? RMI_LEVEL_PAGE - 1 : RMI_LEVEL_PAGE);
		base = (base | (BLOCK - 1)) + 1;
	}
}

void csm_wake(struct realm *realm)
{
	uint32_t cpu;

	if (!realm->created || realm->csm.target >= realm->rec_count) {
		return;
	}
	__atomic_store_n(&realm->csm.wake, 1, __ATOMIC_SEQ_CST);
	cpu = __atomic_load_n(&realm->recs[realm->csm.target].cpu, __ATOMIC_SEQ_CST);
	if (cpu != NO_CPU) {
		gic_send_sgi(cpu - 1, SGI_WAKE);
	}
}

static void wake_any(struct realm *realm, uint64_t rd)
{
	if (rd == 0 || realm->rd == rd) {
		csm_wake(realm);
	}
}

bool csm_answer(struct rec *rec)
{
	const struct rmi_rec_exit *exit = &rec->run->exit;
	uint64_t base = exit->ripas_base;
	uint64_t top = exit->ripas_top;
	int level;

	switch (exit->exit_reason) {
	case RMI_EXIT_CSM_PROVIDER:
		if (!rec->realm->csm.lazy) {
			populate(rec->realm, base, top);
		}
		return true;
	case RMI_EXIT_CSM_CONSUMER:
		range_note(rec->realm, base, top);
		make_room(rec->realm, base, top);
		return true;
	case RMI_EXIT_CSM_REMOVED:
		range_forget(rec->realm, base, top);
		return true;
	case RMI_EXIT_CSM_SIGNAL:
		realm_each(wake_any, base);
		return true;
	case RMI_EXIT_CSM_SPLIT:
		level = top - base > BLOCK ? 1 : 2;
		realm_make_tables(rec->realm, base, level, level + 1);
		return true;
	default:
		return false;
	}
}

/*
 * The place of the REC is told first: who asks after that sends an interrupt, which ends the run.
 */
void csm_before_enter(struct rec *rec)
{
	struct realm_csm *csm = &rec->realm->csm;

	__atomic_store_n(&rec->cpu, this_cpu()->index + 1, __ATOMIC_SEQ_CST);
	if (rec->index == csm->target && __atomic_exchange_n(&csm->wake, 0, __ATOMIC_SEQ_CST)) {
		rec->run->enter.gicv3_lrs[0] |= LR_ASK;
	}
}

void csm_after_exit(struct rec *rec)
{
	uint64_t left = rec->run->exit.gicv3_lrs[0];

	__atomic_store_n(&rec->cpu, NO_CPU, __ATOMIC_SEQ_CST);
	if (rec->status == RMI_SUCCESS) {
		rec->run->enter.gicv3_lrs[0] = left & LR_STATE ? left : 0;
	}
}

/* ---- agents */

struct realm *csm_agent(unsigned recs)
{
	struct realm *realm = agent_realm(recs);

	csm_apt_add(realm);
	return realm;
}

struct realm *csm_agent_of(const struct realm_config *config)
{
	struct realm *realm = agent_realm_of(config);

	csm_apt_add(realm);
	return realm;
}

struct smc_regs csm_call_args(struct rec *rec, uint64_t fid, const uint64_t *args, unsigned count)
{
	struct smc_regs r;

	do {
		r = agent_smc_args(rec, fid, args, count);
	} while (r.x[0] == RSI_INCOMPLETE);
	return r;
}

uint64_t csm_self(struct rec *rec)
{
	struct smc_regs r = CSM(rec, SELF);

	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	REQUIRE(r.x[1] != 0);
	return r.x[1];
}

void csm_ram(struct rec *rec, uint64_t base, uint64_t top)
{
	while (base < top) {
		struct smc_regs r =
			agent_smc(rec, RSI_IPA_STATE_SET_FID, base, top, RSI_RIPAS_RAM, 0);

		REQUIRE_EQ(r.x[0], RSI_SUCCESS);
		REQUIRE(r.x[1] > base);
		base = r.x[1];
	}
}

uint64_t csm_region(struct rec *rec, uint64_t base, uint64_t size)
{
	struct smc_regs r = CSM(rec, CREATE, base, size, base);

	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	REQUIRE(r.x[1] != 0);
	return r.x[1];
}

void csm_share(struct rec *provider, uint64_t region, struct rec *consumer, uint64_t perm)
{
	REQUIRE_EQ(CSM(provider, SHARE, region, csm_self(consumer), perm).x[0], RSI_SUCCESS);
}

uint64_t csm_attach(struct rec *consumer, struct rec *provider, uint64_t region, uint64_t base,
		    uint64_t size)
{
	uint64_t id = csm_self(provider);
	struct smc_regs r;

	REQUIRE_EQ(CSM(consumer, RESERVE, id, region, base, size).x[0], RSI_SUCCESS);
	r = CSM(consumer, ATTACH, id, region);
	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	return r.x[1];
}

uint64_t csm_read(struct rec *rec, uint64_t ipa)
{
	return agent_get(rec, INSN_LDR_X, ipa);
}

void csm_write(struct rec *rec, uint64_t ipa, uint64_t value)
{
	if (!CHECK(agent_do(rec, INSN_STR_X, ipa, value))) {
		note("store to %lx: stop %u, esr %lx", ipa, rec->stop, agent_esr(rec));
	}
}

void csm_aborts(struct rec *rec, enum agent_insn insn, uint64_t ipa)
{
	CHECK(!agent_do(rec, insn, ipa, 0xbad));
	if (CHECK_EQ(rec->stop, REC_CALL)) {
		CHECK_EQ(ESR_EC(agent_esr(rec)), EC_DATA_ABORT_SAME);
		CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_EXTERNAL_ABORT);
		CHECK_EQ(agent_far(rec), ipa);
	}
}

uint64_t csm_page(const struct realm *realm, uint64_t ipa)
{
	struct smc_regs entry = smc_call(RMI_RTT_READ_ENTRY_FID, realm->rd, ipa, RMI_LEVEL_PAGE);

	REQUIRE_EQ(entry.x[0], RMI_SUCCESS);
	if (entry.x[2] != RMI_ASSIGNED) {
		return 0;
	}
	return entry.x[3] + (ipa & (level_size((int)entry.x[1]) - 1));
}
