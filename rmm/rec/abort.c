// SPDX-License-Identifier: BSD-3-Clause
/* Stage-2 aborts: the realm's own, the host's to mend, or the host's to emulate (A4.3.4, A5.2). */
#include "base/assert.h"
#include "rec/esr.h"
#include "rec/exit.h"
#include "rec/inject.h"

#define SET_UER 0U
#define SET_UC  2U

#define SCTLR_M BIT(0)

/* HPFAR_EL2.FIPA [47:4] is bits [55:12] of the address. */
static ipa_t fault_page(const struct arch_exit_info *info)
{
	return ipa_of(bits_get(info->hpfar, 47, 4) << GRANULE_SHIFT);
}

static bool is_external(uint64_t esr)
{
	unsigned int fsc = esr_fsc(esr);

	return fsc == FSC_SEA || (fsc >= FSC_SEA_WALK_LOW && fsc <= FSC_SEA_WALK_HIGH);
}

static bool is_permission(uint64_t esr)
{
	return (esr_fsc(esr) & ~3U) == FSC_PERMISSION;
}

static bool is_translation(uint64_t esr)
{
	unsigned int fsc = esr_fsc(esr);

	return (fsc & ~3U) == FSC_TRANSLATION || fsc == FSC_TRANSLATION_MINUS_1;
}

/* What the host may see of an abort that it cannot emulate. */
static uint64_t visible_bits(uint64_t esr)
{
	return esr_ec(esr) == EC_DATA_LOWER ? ESR_HOST_DATA : ESR_HOST_INSTR;
}

static bool report(struct rec *rec, const struct arch_exit_info *info, uint64_t visible,
		   struct rmi_rec_exit *exit)
{
	exit->exit_reason = RMI_EXIT_SYNC;
	exit->esr = info->esr & visible;
	exit->hpfar = fault_page(info).v >> 8;
	rec->exit_esr = info->esr;
	rec->exit_far = info->far;
	return false;
}

static bool handle_external(struct rec *rec, const struct arch_exit_info *info,
			    struct rmi_rec_exit *exit)
{
	uint64_t severity = bits_get(info->esr, 12, 11);

	/* Uncontained: the RMM's own state may be hit. */
	ASSERT(severity != SET_UC);
	if (severity == SET_UER) {
		inject_sea(rec, info->esr, info->far);
	}
	exit->exit_reason = RMI_EXIT_SYNC;
	exit->esr = info->esr & visible_bits(info->esr);
	return false;
}

/* Stage 1 off: level 0. On: the page level, where almost every output address comes from. */
static bool handle_outside(struct rec *rec, const struct arch_exit_info *info)
{
	uint64_t sctlr = arch_vcpu_el1_read(&rec->vcpu, ARCH_SCTLR_EL1);

	inject_address_size(rec, info->esr, info->far, (sctlr & SCTLR_M) != 0 ? 3 : 0);
	return true;
}

/*
 * A stage-2 fault at a protected address: the realm takes an abort, or the host gets an exit. True
 * if the realm continues.
 */
static bool handle_protected(struct rec *rec, const struct arch_exit_info *info,
			     struct rmi_rec_exit *exit)
{
	struct s2_walk walk;
	pa_t page;

	if (is_permission(info->esr)) {
		/* Memory that is shared: nobody but the realms that share it has a say. */
		inject_sea(rec, info->esr, info->far);
		return true;
	}
	switch (s2_access_begin(&rec->s2, fault_page(info), NULL, &walk, &page)) {
	case S2_ACCESS_RAM:
		/* The host has mended it meanwhile: try again. */
		s2_access_end(&walk);
		return true;
	case S2_ACCESS_EMPTY:
		inject_sea(rec, info->esr, info->far);
		return true;
	case S2_ACCESS_MISSING:
		break;
	}
	return report(rec, info, visible_bits(info->esr), exit);
}

/* Bits of a register that an access of this size moves. */
static uint64_t access_mask(uint64_t esr)
{
	unsigned int bits = 8U << bits_get(esr, 23, 22);

	return MASK(bits - 1, 0);
}

/*
 * A stage-2 fault at an unprotected address. An instruction fetch aborts in the realm (true: the
 * realm continues); a data access is an exit, with the syndrome if the host can emulate it.
 */
static bool handle_unprotected(struct rec *rec, const struct arch_exit_info *info,
			       struct rmi_rec_exit *exit)
{
	if (esr_ec(info->esr) == EC_INSTR_LOWER) {
		inject_sea(rec, info->esr, info->far);
		return true;
	}
	if ((info->esr & ESR_ISV) == 0) {
		rec->completion = REC_COMPLETE_UNPROTECTED;
		return report(rec, info, ESR_HOST_DATA, exit);
	}
	rec->completion = REC_COMPLETE_MMIO;
	exit->far = info->far & GRANULE_MASK;
	if ((info->esr & ESR_WNR) != 0) {
		exit->gprs[0] =
			rec_register(rec, bits_get(info->esr, 20, 16)) & access_mask(info->esr);
	}
	return report(rec, info, ESR_HOST_EMULATED, exit);
}

bool rec_is_missing_page(const struct rec *rec, enum arch_exit kind,
			 const struct arch_exit_info *info, ipa_t *page)
{
	unsigned int ec = esr_ec(info->esr);

	*page = fault_page(info);
	return kind == ARCH_EXIT_SYNC && (ec == EC_DATA_LOWER || ec == EC_INSTR_LOWER) &&
	       is_translation(info->esr) && s2_ipa_protected(&rec->s2, *page);
}

void rec_report_missing(struct rec *rec, const struct arch_exit_info *info, int level,
			struct rmi_rec_exit *exit)
{
	struct arch_exit_info at = *info;
	uint64_t status =
		level < 0 ? FSC_TRANSLATION_MINUS_1 : FSC_TRANSLATION + (unsigned int)level;

	at.esr = (at.esr & ~ESR_FSC) | status;
	(void)report(rec, &at, visible_bits(at.esr), exit);
}

bool rec_handle_abort(struct rec *rec, const struct arch_exit_info *info, struct rmi_rec_exit *exit)
{
	ipa_t page = fault_page(info);

	if (is_external(info->esr)) {
		return handle_external(rec, info, exit);
	}
	if (!s2_ipa_valid(&rec->s2, page)) {
		return handle_outside(rec, info);
	}
	if (s2_ipa_protected(&rec->s2, page)) {
		return handle_protected(rec, info, exit);
	}
	return handle_unprotected(rec, info, exit);
}
