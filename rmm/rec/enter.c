// SPDX-License-Identifier: BSD-3-Clause
#include "rec/enter.h"

#include "abi/rsi.h"
#include "abi/status.h"
#include "base/assert.h"
#include "feat/feat.h"
#include "rec/esr.h"
#include "rec/exit.h"
#include "rec/inject.h"
#include "rec/memory.h"

/* Fields of a list register (GIC specification 12.4.10). */
#define LR_STATE      MASK(63, 62)
#define LR_HW         BIT(61)
#define LR_PRIORITY   55U
#define LR_PINTID     MASK(44, 32)
#define LR_EOI        BIT(41)
#define LR_RES0       (MASK(59, 56) | MASK(47, 45))
#define LR_INTID(lr)  ((uint32_t)(lr))
#define INTID_SPECIAL 1020U
#define INTID_LPI     8192U

_Static_assert(RMI_MAX_LRS == ARCH_MAX_LIST_REGISTERS, "each list register has its place");

bool rec_wants_gprs(const struct rec *rec)
{
	return rec->completion == REC_COMPLETE_MMIO || rec->completion == REC_COMPLETE_HOST_CALL;
}

/* Ordinary interrupts, and LPIs as far as the CPU interface has identifier bits. */
static bool intid_valid(uint32_t intid)
{
	uint64_t end = BIT(feat()->gic_id_bits);

	return intid < INTID_SPECIAL || (intid >= INTID_LPI && intid < end);
}

static bool lr_valid(uint64_t lr)
{
	unsigned int unused = 8U - feat()->gic_priority_bits;
	uint64_t priority = bits_get(lr, LR_PRIORITY, 48);

	return (lr & LR_HW) == 0 && (priority & (BIT(unused) - 1)) == 0 &&
	       (lr & LR_PINTID & ~LR_EOI) == 0 && (lr & LR_RES0) == 0 && intid_valid(LR_INTID(lr));
}

static bool lr_repeats(const uint64_t *lrs, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if ((lrs[i] & LR_STATE) != 0 && LR_INTID(lrs[i]) == LR_INTID(lrs[n])) {
			return true;
		}
	}
	return false;
}

bool rec_gic_valid(const struct rec_entry *entry)
{
	const uint64_t *lrs = entry->gicv3_lrs;

	if ((entry->gicv3_hcr & ~RMI_GICV3_HCR_HOST_MASK) != 0) {
		return false;
	}
	for (unsigned int i = 0; i <= feat()->list_registers; i++) {
		if ((lrs[i] & LR_STATE) != 0 && (!lr_valid(lrs[i]) || lr_repeats(lrs, i))) {
			return false;
		}
	}
	return true;
}

/* Registers without a valid interrupt are not checked, so nothing of them is used either. */
void rec_prepare(struct rec *rec, const struct rec_entry *entry)
{
	struct arch_vcpu *vcpu = &rec->vcpu;

	vcpu->gic.hcr = entry->gicv3_hcr;
	for (unsigned int i = 0; i <= feat()->list_registers; i++) {
		uint64_t lr = entry->gicv3_lrs[i];

		vcpu->gic.lr[i] = (lr & LR_STATE) != 0 ? lr : 0;
	}
	vcpu->trap_wfi = (entry->flags & RMI_ENTER_FLAG_TRAP_WFI) != 0;
	vcpu->trap_wfe = (entry->flags & RMI_ENTER_FLAG_TRAP_WFE) != 0;
	if (rec->completion == REC_COMPLETE_RIPAS) {
		rec->ripas_rejected = (entry->flags & RMI_ENTER_FLAG_RIPAS_REJECT) != 0;
	}
}

/* The value that a load of the syndrome's size puts into its register. */
static uint64_t loaded_value(uint64_t esr, uint64_t from_host)
{
	unsigned int bits = 8U << bits_get(esr, 23, 22);
	uint64_t value = from_host & MASK(bits - 1, 0);

	if ((esr & ESR_SSE) != 0 && bits < 64 && (value & BIT(bits - 1)) != 0) {
		value |= ~MASK(bits - 1, 0);
	}
	return (esr & ESR_SF) != 0 ? value : value & MASK(31, 0);
}

static void complete_mmio(struct rec *rec, const struct rec_entry *entry)
{
	uint64_t esr = rec->exit_esr;

	if ((esr & ESR_WNR) == 0) {
		rec_set_register(rec, bits_get(esr, 20, 16), loaded_value(esr, entry->gprs[0]));
	}
	rec_step(rec);
}

static void complete_ripas(struct rec *rec)
{
	bool partial = rec->ripas_base.v != rec->ripas_top.v;
	bool rejected = rec->ripas_value == S2_RAM && partial && rec->ripas_rejected;

	rec->vcpu.gprs[0] = RSI_SUCCESS;
	rec->vcpu.gprs[1] = rec->ripas_base.v;
	rec->vcpu.gprs[2] = rejected ? 1 : 0;
	rec->ripas_base = ipa_of(0);
	rec->ripas_top = ipa_of(0);
}

/*
 * Writes the host's registers to the realm's structure. False if its page is missing: *exit asks
 * the host for it.
 */
static bool complete_host_call(struct rec *rec, const struct rec_entry *entry,
			       struct rmi_rec_exit *exit)
{
	struct rec_memory_page page;
	struct rsi_host_call *call;

	switch (rec_memory_open(rec, rec->host_call, true, &page, exit)) {
	case REC_MEMORY_DONE:
		call = page.at;
		rec_copy_gprs(call->gprs, entry->gprs);
		rec_memory_close(&page);
		rec->vcpu.gprs[0] = RSI_SUCCESS;
		return true;
	case REC_MEMORY_REFUSED:
		rec->vcpu.gprs[0] = RSI_ERROR_INPUT;
		return true;
	case REC_MEMORY_MISSING:
		break;
	}
	return false;
}

void rec_refuse_host_call(struct rec *rec)
{
	ASSERT(rec->completion == REC_COMPLETE_HOST_CALL);
	rec->completion = REC_COMPLETE_NOTHING;
	rec->vcpu.gprs[0] = RSI_ERROR_INPUT;
}

bool rec_complete(struct rec *rec, const struct rec_entry *entry, struct rmi_rec_exit *exit)
{
	enum rec_completion completion = rec->completion;
	bool abort = completion == REC_COMPLETE_MMIO || completion == REC_COMPLETE_UNPROTECTED;

	rec->completion = REC_COMPLETE_NOTHING;
	if (abort && (entry->flags & RMI_ENTER_FLAG_INJECT_SEA) != 0) {
		inject_sea(rec, rec->exit_esr, rec->exit_far);
	} else if (completion == REC_COMPLETE_MMIO &&
		   (entry->flags & RMI_ENTER_FLAG_EMUL_MMIO) != 0) {
		complete_mmio(rec, entry);
	} else if (completion == REC_COMPLETE_RIPAS) {
		complete_ripas(rec);
	} else if (completion == REC_COMPLETE_HOST_CALL && !complete_host_call(rec, entry, exit)) {
		rec->completion = REC_COMPLETE_HOST_CALL;
		return false;
	}
	return true;
}
