// SPDX-License-Identifier: BSD-3-Clause
/* RMI_REC_ENTER, exits, aborts, RMI_PSCI_COMPLETE (RMM specification A4, B4.3). */
#include "model_run.h"

#include <string.h>

#define EC_SHIFT 26
#define EC(esr)  ((esr) >> EC_SHIFT & 0x3F)

#define EC_INSTRUCTION_ABORT 0x20U
#define EC_DATA_ABORT        0x24U

#define ESR_IL        (UINT64_C(1) << 25)
#define ESR_ISV       (UINT64_C(1) << 24)
#define ESR_SSE       (UINT64_C(1) << 21)
#define ESR_SF        (UINT64_C(1) << 15)
#define ESR_EA        (UINT64_C(1) << 9)
#define ESR_CM        (UINT64_C(1) << 8)
#define ESR_WNR       (UINT64_C(1) << 6)
#define ESR_SAS(esr)  ((unsigned int)((esr) >> 22) & 3)
#define ESR_SRT(esr)  ((unsigned int)((esr) >> 16) & 31)
#define ABORT_MASK    UINT64_C(0xFC001E3F)
#define FETCH_MASK    UINT64_C(0xFC001A3F)
#define EMULATED_MASK UINT64_C(0xFDC09E7F)
#define WFX_MASK      UINT64_C(0xFC000003)

#define PSTATE_EL1H_MASKED 0x3C5U
#define FAULT_SEA          0x10U
#define FAULT_TRANSLATION  4
#define FAULT_LEVEL_M1     0x2BU
#define VECTOR_EL1H        0x200U

#define LR_PER_MACHINE 4U

/* --- what is seen --- */

const char *m_expect_runs(struct m_rec *rec, const struct m_seen *seen)
{
	if (!seen->running) {
		return m_wrong("exits, where the realm should go on");
	}
	for (unsigned int i = 0; i < RMI_EXIT_GPRS; i++) {
		if (seen->gprs[i] != rec->gprs[i]) {
			return m_wrong("the realm sees x%u %#lx, expected %#lx", i, seen->gprs[i],
				       rec->gprs[i]);
		}
	}
	if (seen->pc != rec->pc || seen->pstate != PSTATE_EL1H_MASKED) {
		return m_wrong("the realm is at %#lx, pstate %#lx, expected %#lx", seen->pc,
			       seen->pstate, rec->pc);
	}
	return NULL;
}

/* What only the GIC's part of the machine knows is not compared: misr. */
static void fill_common(const struct m_rec *rec, const struct rmi_rec_exit *seen,
			struct rmi_rec_exit *record)
{
	record->gicv3_hcr = rec->enter.gicv3_hcr;
	for (unsigned int i = 0; i < LR_PER_MACHINE; i++) {
		uint64_t lr = rec->enter.gicv3_lrs[i];

		record->gicv3_lrs[i] = lr >> 62 != 0 ? lr : 0;
	}
	record->gicv3_misr = seen->gicv3_misr;
}

const char *m_expect_exit(struct m_rec *rec, const struct m_seen *seen, struct rmi_rec_exit *record)
{
	const uint8_t *got = (const uint8_t *)seen->exit;
	const uint8_t *expected = (const uint8_t *)record;

	if (seen->running) {
		return m_wrong("the realm goes on, expected exit %u", record->exit_reason);
	}
	if (record->exit_reason != RMI_EXIT_RIPAS_CHANGE) {
		rec->ripas_base = 0;
		rec->ripas_top = 0;
	}
	model.running[rec->cpu] = NULL;
	rec->cpu = -1;
	if (!m_host_page(rec->run)) {
		return seen->answer.x[0] == RMI_ERROR_INPUT &&
				       strcmp(seen->answer.condition, "run_pas") == 0
			       ? NULL
			       : m_wrong("%#lx without a page for the record", seen->answer.x[0]);
	}
	if (seen->answer.x[0] != RMI_SUCCESS) {
		return m_wrong("the exit answers %#lx", seen->answer.x[0]);
	}
	fill_common(rec, seen->exit, record);
	for (size_t i = 0; i < sizeof(*record); i++) {
		if (got[i] != expected[i]) {
			return m_wrong("exit %u: byte %#zx is %#x, expected %#x",
				       record->exit_reason, i, got[i], expected[i]);
		}
	}
	return NULL;
}

static const char *exits(struct m_rec *rec, const struct m_seen *seen, uint8_t reason)
{
	struct rmi_rec_exit record = {.exit_reason = reason};

	return m_expect_exit(rec, seen, &record);
}

/* --- faults that the realm takes --- */

static const char *takes(struct m_rec *rec, const struct m_seen *seen, uint64_t esr)
{
	const char *wrong;
	uint64_t at = rec->pc;

	rec->pc = VECTOR_EL1H;
	wrong = m_expect_runs(rec, seen);
	if (wrong == NULL && (seen->elr_el1 != at || seen->esr_el1 != esr)) {
		wrong = m_wrong("ELR_EL1 %#lx, ESR_EL1 %#lx, expected %#lx, %#lx", seen->elr_el1,
				seen->esr_el1, at, esr);
	}
	return wrong;
}

/*
 * The syndrome of an abort as EL1 sees one of its own, with another status: ISV and what goes with
 * it are reported by stage 2 alone (Arm ARM, ESR_EL1).
 */
static uint64_t injected(uint64_t esr, uint64_t status)
{
	uint64_t kept = esr & (EC(esr) == EC_DATA_ABORT ? ESR_IL | ESR_CM | ESR_WNR : ESR_IL);

	return kept | (EC(esr) + 1) << EC_SHIFT | status;
}

static const char *takes_sea(struct m_rec *rec, const struct m_seen *seen, uint64_t esr,
			     uint64_t far)
{
	const char *wrong = takes(rec, seen, injected(esr, FAULT_SEA) | ESR_EA);

	return wrong == NULL && seen->far_el1 != far
		       ? m_wrong("FAR_EL1 %#lx, expected %#lx", seen->far_el1, far)
		       : wrong;
}

/* --- memory of the realm --- */

enum m_access m_access(const struct m_rec *rec, uint64_t ipa, const void **page)
{
	struct m_place place = m_walk(rec->realm, ipa, RMI_LEVEL_PAGE);

	if (place.entry->ripas == RMI_RIPAS_EMPTY) {
		return M_ACCESS_EMPTY;
	}
	if (place.entry->ripas != RMI_RIPAS_RAM || place.entry->kind != M_ASSIGNED) {
		return M_ACCESS_MISSING;
	}
	*page = model.config.memory(place.entry->pa + (ipa / M_PAGE * M_PAGE - place.ipa));
	return M_ACCESS_DONE;
}

const char *m_expect_missing(struct m_rec *rec, const struct m_seen *seen, uint64_t ipa)
{
	int level = m_walk(rec->realm, ipa, RMI_LEVEL_PAGE).level;
	struct rmi_rec_exit record = {
		.exit_reason = RMI_EXIT_SYNC,
		.esr = (uint64_t)EC_DATA_ABORT << EC_SHIFT |
		       (level < 0 ? FAULT_LEVEL_M1 : (uint64_t)(FAULT_TRANSLATION + level)),
		.hpfar = ipa / M_PAGE << 4,
	};

	return m_expect_exit(rec, seen, &record);
}

/* --- aborts --- */

static const char *exits_abort(struct m_rec *rec, const struct m_action *a,
			       const struct m_seen *seen)
{
	bool emulated = a->ipa >= m_protected_end(rec->realm) && (a->esr & ESR_ISV) != 0;
	bool fetch = EC(a->esr) == EC_INSTRUCTION_ABORT;
	struct rmi_rec_exit record = {
		.exit_reason = RMI_EXIT_SYNC,
		.esr = a->esr & (emulated ? EMULATED_MASK
				 : fetch  ? FETCH_MASK
					  : ABORT_MASK),
		.hpfar = a->ipa / M_PAGE << 4,
	};

	if (emulated) {
		unsigned int bits = 8U << ESR_SAS(a->esr);
		uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

		record.far = a->far & 0xFFF;
		if ((a->esr & ESR_WNR) != 0 && ESR_SRT(a->esr) != 31) {
			record.gprs[0] = rec->gprs[ESR_SRT(a->esr)] & mask;
		}
	}
	if (a->ipa >= m_protected_end(rec->realm)) {
		rec->last = emulated ? M_LAST_MMIO : M_LAST_UNPROTECTED;
		rec->exit_esr = a->esr;
		rec->exit_far = a->far;
	}
	return m_expect_exit(rec, seen, &record);
}

static const char *aborts(struct m_rec *rec, const struct m_action *a, const struct m_seen *seen)
{
	bool fetch = EC(a->esr) == EC_INSTRUCTION_ABORT;
	struct m_place place;

	if (a->ipa >= m_space_end(rec->realm)) {
		return takes(rec, seen, injected(a->esr, 0));
	}
	if (a->ipa >= m_protected_end(rec->realm)) {
		return fetch ? takes_sea(rec, seen, a->esr, a->far) : exits_abort(rec, a, seen);
	}
	place = m_walk(rec->realm, a->ipa, RMI_LEVEL_PAGE);
	if (place.entry->ripas == RMI_RIPAS_EMPTY) {
		return takes_sea(rec, seen, a->esr, a->far);
	}
	if (place.entry->ripas == RMI_RIPAS_RAM && place.entry->kind == M_ASSIGNED &&
	    seen->running) {
		return m_expect_runs(rec, seen); /* nothing is wrong any more: it may try again */
	}
	return exits_abort(rec, a, seen);
}

static const char *waits(struct m_rec *rec, const struct m_action *a, const struct m_seen *seen)
{
	struct rmi_rec_exit record = {.exit_reason = RMI_EXIT_SYNC, .esr = a->esr & WFX_MASK};

	rec->pc += 4;
	return m_expect_exit(rec, seen, &record);
}

/* A write to ICC_SGI1R_EL1: the host gets the value, and the syndrome without Rt. */
static const char *sends(struct m_rec *rec, const struct m_action *a, const struct m_seen *seen)
{
	unsigned int rt = (unsigned int)(a->esr >> 5) & 31;
	struct rmi_rec_exit record = {.exit_reason = RMI_EXIT_SYNC,
				      .esr = a->esr & ~(UINT64_C(31) << 5)};

	record.gprs[0] = rt == 31 ? 0 : rec->gprs[rt];
	rec->pc += 4;
	return m_expect_exit(rec, seen, &record);
}

const char *model_act(unsigned int cpu, const struct m_action *action, const struct m_seen *seen)
{
	struct m_rec *rec = model.running[cpu];

	for (unsigned int i = 0; i < action->count; i++) {
		rec->gprs[i] = action->x[i];
	}
	switch (action->act) {
	case M_ACT_SMC:
		return m_call(rec, seen);
	case M_ACT_ABORT:
		return aborts(rec, action, seen);
	case M_ACT_IRQ:
		return exits(rec, seen, RMI_EXIT_IRQ);
	case M_ACT_FIQ:
		return exits(rec, seen, RMI_EXIT_FIQ);
	case M_ACT_WFX:
		return waits(rec, action, seen);
	case M_ACT_HVC:
		return takes(rec, seen, ESR_IL);
	case M_ACT_SGI:
		return sends(rec, action, seen);
	}
	return m_wrong("no such action");
}

/* --- entry --- */

#define HCR_ALLOWED    UINT64_C(0x40FE)
#define LR_HW          (UINT64_C(1) << 61)
#define LR_RES0        UINT64_C(0x0F00E00000000000) /* [59:56], [47:45] */
#define LR_PINTID      UINT64_C(0x1DFF00000000)     /* [44:32] without EOI, bit 41 */
#define LR_LOW_BITS    UINT64_C(0x0007000000000000) /* priority bits that are not there */
#define FIRST_LPI      8192U
#define FIRST_RESERVED 1020U
#define INTID_END      65536U

static bool lr_right(uint64_t lr)
{
	uint32_t intid = (uint32_t)lr;

	return (lr & (LR_HW | LR_RES0 | LR_PINTID | LR_LOW_BITS)) == 0 &&
	       (intid < FIRST_RESERVED || (intid >= FIRST_LPI && intid < INTID_END));
}

static bool gic_right(const struct rmi_rec_enter *enter)
{
	for (unsigned int i = 0; i < LR_PER_MACHINE; i++) {
		uint64_t lr = enter->gicv3_lrs[i];

		if (lr >> 62 != 0 && !lr_right(lr)) {
			return false;
		}
		for (unsigned int k = 0; k < i; k++) {
			uint64_t other = enter->gicv3_lrs[k];

			if (lr >> 62 != 0 && other >> 62 != 0 && (uint32_t)lr == (uint32_t)other) {
				return false;
			}
		}
	}
	return (enter->gicv3_hcr & ~HCR_ALLOWED) == 0;
}

static void rec_conditions(struct m_case *c, const struct m_rec *rec,
			   const struct rmi_rec_enter *enter)
{
	if (rec->realm->state == M_NEW) {
		m_refuse(&c->refusals, "realm_new", RMI_ERROR_REALM, 0);
	}
	if (rec->realm->state == M_OFF) {
		m_refuse(&c->refusals, "system_off", RMI_ERROR_REALM | 1 << 8, 0);
	}
	if (rec->cpu >= 0) {
		m_refuse(&c->refusals, "rec_state", RMI_ERROR_REC, 0);
	}
	if (!rec->runnable) {
		m_refuse(&c->refusals, "rec_runnable", RMI_ERROR_REC, 0);
	}
	if (rec->psci_pending) {
		m_refuse(&c->refusals, "rec_psci", RMI_ERROR_REC, 0);
	}
	if ((enter->flags & RMI_ENTER_FLAG_EMUL_MMIO) != 0 && rec->last != M_LAST_MMIO) {
		m_refuse(&c->refusals, "rec_mmio", RMI_ERROR_REC, 0);
	}
	if (!gic_right(enter)) {
		m_refuse(&c->refusals, "rec_gicv3", RMI_ERROR_REC, 0);
	}
}

static struct m_rec *enter_conditions(struct m_case *c, const struct rmi_rec_enter *enter)
{
	static const struct m_names run = {"run_align", "run_bound", "run_pas"};
	static const struct m_names names = {"rec_align", "rec_bound", "rec_gran_state"};
	bool page = m_check_host_page(c, c->args[1], &run);
	const struct m_granule *granule = m_check_granule(c, c->args[0], M_REC, &names);

	c->refusals.outputs = 3;
	if (!page || granule == NULL) {
		return NULL;
	}
	rec_conditions(c, granule->object, enter);
	return granule->object;
}

static void emulate(struct m_rec *rec)
{
	uint64_t esr = rec->exit_esr;
	unsigned int bits = 8U << ESR_SAS(esr);
	uint64_t value = rec->enter.gprs[0];

	if (bits < 64) {
		value &= (UINT64_C(1) << bits) - 1;
		if ((esr & ESR_SSE) != 0 && (value >> (bits - 1) & 1) != 0) {
			value |= ~((UINT64_C(1) << bits) - 1);
		}
	}
	if ((esr & ESR_WNR) == 0 && ESR_SRT(esr) != 31) {
		rec->gprs[ESR_SRT(esr)] = (esr & ESR_SF) != 0 ? value : (uint32_t)value;
	}
	rec->pc += 4;
}

static void answer_ripas(struct m_rec *rec)
{
	bool reject = rec->ripas_value == RMI_RIPAS_RAM && rec->ripas_base != rec->ripas_top &&
		      (rec->enter.flags & RMI_ENTER_FLAG_RIPAS_REJECT) != 0;

	rec->gprs[0] = RSI_SUCCESS;
	rec->gprs[1] = rec->ripas_base;
	rec->gprs[2] = reject ? RSI_RESPONSE_REJECT : RSI_RESPONSE_ACCEPT;
	rec->ripas_base = 0;
	rec->ripas_top = 0;
}

/* The host's answer is in the structure of the realm, or the page is gone. */
static const char *answer_host_call(struct m_rec *rec, const struct m_seen *seen)
{
	const void *page = NULL;
	enum m_access access = m_access(rec, rec->host_call, &page);
	const struct rsi_host_call *call;

	if (access == M_ACCESS_MISSING) {
		return m_expect_missing(rec, seen, rec->host_call);
	}
	rec->last = M_LAST_NOTHING;
	rec->gprs[0] = access == M_ACCESS_EMPTY ? RSI_ERROR_INPUT : RSI_SUCCESS;
	if (access == M_ACCESS_DONE) {
		call = (const void *)((const uint8_t *)page + rec->host_call % M_PAGE);
		if (memcmp(call->gprs, rec->enter.gprs, sizeof(call->gprs)) != 0) {
			return m_wrong("the host call's answer is not in the realm's memory");
		}
	}
	return m_expect_runs(rec, seen);
}

static const char *complete(struct m_rec *rec, const struct m_seen *seen)
{
	enum m_last last = rec->last;
	bool abort = last == M_LAST_MMIO || last == M_LAST_UNPROTECTED;

	if (last == M_LAST_HOST_CALL) {
		return answer_host_call(rec, seen);
	}
	rec->last = M_LAST_NOTHING;
	if (abort && (rec->enter.flags & RMI_ENTER_FLAG_INJECT_SEA) != 0) {
		return takes_sea(rec, seen, rec->exit_esr, rec->exit_far);
	}
	if (last == M_LAST_MMIO && (rec->enter.flags & RMI_ENTER_FLAG_EMUL_MMIO) != 0) {
		emulate(rec);
	} else if (last == M_LAST_RIPAS) {
		answer_ripas(rec);
	}
	return m_expect_runs(rec, seen);
}

/* Whatever is wrong with the RECs, a condition on the input goes first: then there is no REC. */
const char *model_enter(unsigned int cpu, const uint64_t *args, const struct rmi_rec_enter *enter,
			const struct m_seen *seen)
{
	struct m_case c = {.args = args, .answer = &seen->answer};
	struct m_rec *rec = enter_conditions(&c, enter);

	if (c.refusals.count != 0) {
		return seen->running ? m_wrong("a REC runs that should not: %s",
					       c.refusals.list[0].condition)
				     : m_check_refused(&c.refusals, &seen->answer);
	}
	if (!seen->running && seen->answer.x[0] != RMI_SUCCESS) {
		return m_check_refused(&c.refusals, &seen->answer);
	}
	rec->cpu = (int)cpu;
	rec->run = args[1];
	rec->enter = *enter;
	model.running[cpu] = rec;
	return complete(rec, seen);
}

/* --- RMI_PSCI_COMPLETE --- */

static bool affinity_of(const struct m_rec *rec, uint64_t affinity)
{
	return m_affinity_index(affinity) == (int64_t)rec->index;
}

static void psci_conditions(struct m_case *c)
{
	static const struct m_names first = {"calling_align", "calling_bound", "calling_state"};
	static const struct m_names second = {"target_align", "target_bound", "target_state"};
	const struct m_granule *a = m_check_granule(c, c->args[0], M_REC, &first);
	const struct m_granule *b = m_check_granule(c, c->args[1], M_REC, &second);
	const struct m_rec *calling = a == NULL ? NULL : a->object;
	const struct m_rec *target = b == NULL ? NULL : b->object;
	int64_t status = (int64_t)c->args[2];

	if (c->args[0] == c->args[1]) {
		m_refuse(&c->refusals, "alias", RMI_ERROR_INPUT, 0);
	}
	if (calling == NULL || target == NULL) {
		return;
	}
	if (!calling->psci_pending || calling->cpu >= 0) {
		m_refuse(&c->refusals, "pending", RMI_ERROR_INPUT, 0);
	}
	if (calling->realm != target->realm) {
		m_refuse(&c->refusals, "owner", RMI_ERROR_INPUT, 0);
	}
	if (!affinity_of(target, calling->psci[1])) {
		m_refuse(&c->refusals, "target", RMI_ERROR_INPUT, 0);
	}
	if (status != PSCI_SUCCESS &&
	    !(status == PSCI_DENIED && !target->runnable && m_is_cpu_on(calling->psci[0]))) {
		m_refuse(&c->refusals, "status", RMI_ERROR_INPUT, 0);
	}
}

static uint64_t turn_on(const struct m_rec *calling, struct m_rec *target, int64_t status)
{
	if (target->runnable) {
		return (uint64_t)PSCI_ALREADY_ON;
	}
	if (status == PSCI_SUCCESS) {
		memset(target->gprs, 0, sizeof(target->gprs));
		target->gprs[0] = calling->psci[3];
		target->pc = calling->psci[2];
		target->runnable = true;
	}
	return (uint64_t)status;
}

static const char *psci_complete(struct m_case *c, uint64_t x[5])
{
	struct m_rec *calling = model_rec(c->args[0]);
	struct m_rec *target = model_rec(c->args[1]);
	uint64_t result = target->runnable ? PSCI_AFFINITY_ON : PSCI_AFFINITY_OFF;

	(void)x;
	if (m_is_cpu_on(calling->psci[0])) {
		result = turn_on(calling, target, (int64_t)c->args[2]);
	}
	memset(calling->gprs, 0, 4 * sizeof(calling->gprs[0]));
	calling->gprs[0] = result;
	calling->psci_pending = false;
	return NULL;
}

const struct m_command model_psci_command[] = {
	{RMI_PSCI_COMPLETE_FID, psci_conditions, psci_complete},
	{0},
};
