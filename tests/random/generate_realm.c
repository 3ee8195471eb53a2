// SPDX-License-Identifier: BSD-3-Clause
/* What realms do, and wild words. */
#include "base/bits.h"
#include "generate_internal.h"
#include "model_run.h"
#include "sim/sim.h"

#define ESR(ec)     ((uint64_t)(ec) << 26 | UINT64_C(1) << 25)
#define ISV         (UINT64_C(1) << 24)
#define TRANSLATION 7U
#define SVE_HINT    (UINT64_C(1) << 16)

/* MSR ICC_SGI1R_EL1, Xt: op0 3, op1 0, CRn 12, CRm 11, op2 5. */
#define SGI1R UINT64_C(0x3A3016)

bool m_usable(uint64_t pa)
{
	const struct m_granule *granule = model_granule(pa);

	return granule != NULL && (granule->state == M_DELEGATED ||
				   (granule->state == M_UNDELEGATED && granule->world == M_NORMAL));
}

int m_psci_target(const struct m_rec *rec)
{
	int64_t index = rec->psci_pending ? m_affinity_index(rec->psci[1]) : -1;

	return index >= 0 && index < (int64_t)rec->realm->rec_index && rec->realm->recs[index].alive
		       ? (int)index
		       : -1;
}

/* --- calls --- */

#define CALL(...) call((const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / 8)

static struct m_action call(const uint64_t *words, unsigned int count)
{
	struct m_action action = {.act = M_ACT_SMC, .esr = ESR(0x17), .count = M_ACT_X};

	for (unsigned int i = 0; i < M_ACT_X; i++) {
		action.x[i] = i < count ? words[i] : 0xFEED0000 + i;
	}
	return action;
}

/* A page of the realm, one with data if there is one. */
static uint64_t realm_page(const struct m_rec *rec)
{
	struct m_place place;

	if (!gen_place_of(rec->realm, M_ASSIGNED, &place) ||
	    (place.entry->ripas != RMI_RIPAS_RAM && gen_below(2) == 0)) {
		gen_place_of(rec->realm, gen_below(2) == 0 ? M_ASSIGNED : M_UNASSIGNED, &place);
	}
	return place.ipa;
}

static struct m_action ripas_call(const struct m_rec *rec, uint64_t fid)
{
	uint64_t base = realm_page(rec);
	struct m_place place;
	uint64_t size;

	if (gen_below(3) == 0) {
		gen_place_of(rec->realm, M_UNASSIGNED, &place);
		base = place.ipa;
	}
	if (gen_below(3) != 0) {
		gen_block_of(rec->realm, &base);
	}
	if (base >= m_protected_end(rec->realm)) {
		base = 0;
	}
	place = m_walk(rec->realm, base, RMI_LEVEL_PAGE);
	size = gen_below(4) == 0 ? M_PAGE : m_entry_size(place.level);
	return CALL(fid, base, base + size * (1 + gen_below(5)), gen_below(2), gen_below(2));
}

void gen_request_ripas(unsigned int cpu, uint64_t base, uint64_t top)
{
	const struct m_place place = m_walk(model.running[cpu]->realm, base, RMI_LEVEL_PAGE);
	const struct m_action action =
		CALL(RSI_IPA_STATE_SET_FID, base, top, place.entry->ripas != RMI_RIPAS_RAM, 1);
	const struct step step = step_of_action(cpu, &action);

	gen_push(&step);
}

static struct m_action measurement_call(const struct m_rec *rec)
{
	(void)rec;
	if (gen_below(3) == 0) {
		return CALL(RSI_MEASUREMENT_EXTEND_FID, 1 + gen_below(4), gen_below(65),
			    gen_below(UINT64_MAX));
	}
	return CALL(RSI_MEASUREMENT_READ_FID, gen_below(5));
}

static struct m_action token_call(const struct m_rec *rec)
{
	if (!rec->attesting && gen_below(4) != 0) {
		return CALL(RSI_ATTESTATION_TOKEN_INIT_FID, 1, 2, 3, 4, 5, 6, 7, 8);
	}
	return CALL(RSI_ATTESTATION_TOKEN_CONTINUE_FID, realm_page(rec), 0,
		    gen_below(4) == 0 ? gen_below(600) : M_PAGE);
}

static struct m_action psci_call(const struct m_rec *rec)
{
	uint64_t target = gen_below(rec->realm->rec_index + 1);
	bool narrow = gen_below(4) == 0;

	switch (gen_below(12)) {
	case 0:
		return CALL(PSCI_VERSION_FID);
	case 1:
		return CALL(PSCI_FEATURES_FID, PSCI_VERSION_FID + gen_below(32));
	case 2:
		return CALL(PSCI_CPU_OFF_FID);
	case 3:
		return CALL(narrow ? PSCI_CPU_SUSPEND_32_FID : PSCI_CPU_SUSPEND_FID, 0, 0, 0);
	case 4:
	case 5:
	case 6:
		return CALL(narrow ? PSCI_AFFINITY_INFO_32_FID : PSCI_AFFINITY_INFO_FID, target, 0);
	default:
		return CALL(narrow ? PSCI_CPU_ON_32_FID : PSCI_CPU_ON_FID, target,
			    gen_below(1 << 20) << 2, gen_below(UINT64_MAX));
	}
}

static struct m_action odd_call(const struct m_rec *rec)
{
	(void)rec;
	switch (gen_below(11)) {
	case 0:
	case 10:
		return CALL(PSCI_SYSTEM_OFF_FID + gen_below(2));
	case 1:
	case 2:
		return CALL(RSI_VERSION_FID, RSI_REVISION);
	case 3:
		return CALL(RSI_FEATURES_FID, gen_below(3));
	case 4:
		return CALL(UINT64_C(0x80000000));
	case 5:
		return CALL(0xC4000150 + gen_below(0x60));
	case 6:
		return CALL(0x84000000 + gen_below(0x20));
	default:
		return CALL(RSI_FEATURES_FID | SVE_HINT, 0);
	}
}

static struct m_action memory_call(const struct m_rec *rec)
{
	if (gen_below(2) == 0) {
		return CALL(RSI_HOST_CALL_FID, realm_page(rec) + gen_below(16) * 0x100);
	}
	return CALL(RSI_REALM_CONFIG_FID, realm_page(rec));
}

static struct m_action get_call(const struct m_rec *rec)
{
	return ripas_call(rec, RSI_IPA_STATE_GET_FID);
}

static struct m_action set_call(const struct m_rec *rec)
{
	return ripas_call(rec, RSI_IPA_STATE_SET_FID);
}

static struct m_action some_call(const struct m_rec *rec)
{
	static const struct {
		unsigned int weight;
		struct m_action (*make)(const struct m_rec *rec);
	} calls[] = {
		{11, set_call},  {5, get_call},         {6, memory_call}, {5, psci_call},
		{2, token_call}, {2, measurement_call}, {1, odd_call},
	};
	uint64_t at = gen_below(32);
	size_t i = 0;

	while (at >= calls[i].weight) {
		at -= calls[i++].weight;
	}
	return calls[i].make(rec);
}

/* --- exceptions --- */

static uint64_t some_address(const struct m_rec *rec)
{
	struct m_place place;

	switch (gen_below(8)) {
	case 0:
		return m_space_end(rec->realm) + gen_below(1 << 20);
	case 1:
		return m_protected_end(rec->realm) - 8 + gen_below(16);
	default:
		place = gen_place(rec->realm);
		return place.ipa + gen_below(m_entry_size(place.level) < M_PAGE ? 1 : M_PAGE);
	}
}

/*
 * Status: a translation fault at level 3, or a permission fault, which only unprotected pages have.
 */
static struct m_action some_abort(const struct m_rec *rec)
{
	struct m_action action = {.act = M_ACT_ABORT, .ipa = some_address(rec)};

	action.far = UINT64_C(0xFFFF000000000000) | gen_below(1 << 20) << 12 | action.ipa % M_PAGE;
	action.esr = ESR(0x24) | TRANSLATION | gen_below(2) << 6;
	if (action.ipa >= m_protected_end(rec->realm) && action.ipa < m_space_end(rec->realm)) {
		action.esr |= gen_below(2) << 3;
	}
	if (gen_below(3) == 0) {
		action.esr = ESR(0x20) | TRANSLATION;
	} else if (gen_below(3) != 0) {
		action.esr |= ISV | gen_below(4) << 22 | gen_below(2) << 21 | gen_below(32) << 16 |
			      gen_below(2) << 15;
	}
	return action;
}

static struct m_action some_exit(const struct m_rec *rec)
{
	switch (gen_below(8)) {
	case 0:
		return (struct m_action){.act = M_ACT_IRQ};
	case 1:
		return (struct m_action){.act = M_ACT_FIQ};
	case 2:
		return (struct m_action){.act = M_ACT_WFX, .esr = ESR(1) | gen_below(2)};
	case 3:
		return (struct m_action){.act = M_ACT_HVC, .esr = ESR(0x16)};
	case 4:
		return (struct m_action){.act = M_ACT_SGI,
					 .esr = ESR(0x18) | SGI1R | gen_below(32) << 5};
	default:
		return some_abort(rec);
	}
}

void gen_act(void)
{
	unsigned int first = (unsigned int)gen_below(M_CPUS);

	for (unsigned int i = 0; i < M_CPUS; i++) {
		unsigned int cpu = (first + i) % M_CPUS;
		const struct m_rec *rec = model.running[cpu];
		struct m_action action;
		struct step step;

		if (rec == NULL) {
			continue;
		}
		action = gen_below(4) == 0 ? some_exit(rec) : some_call(rec);
		step = step_of_action(cpu, &action);
		gen_push(&step);
		return;
	}
}

/* --- wild words --- */

static uint64_t wild_address(void)
{
	static const uint64_t places[] = {
		SIM_DEVICE,   SIM_OWN, SIM_SECURE,        SIM_ROOT,          SIM_HOLE,
		SIM_UNLISTED, SIM_FAR, UINT64_C(1) << 48, UINT64_C(1) << 52,
	};

	if (gen_below(2) == 0) {
		return places[gen_below(ARRAY_LENGTH(places))];
	}
	/* Of any state: those in use are near one another. */
	for (unsigned int i = 0; i < 200; i++) {
		const struct m_granule *granule = &model.granules[gen_below(model.granule_count)];

		if (granule->state > M_DELEGATED) {
			return granule->pa;
		}
	}
	return sim_page(gen_below(SIM_PAGES));
}

static uint64_t wild_object(void)
{
	const struct m_realm *realm = gen_realm(ANY_STATE);

	if (realm == NULL) {
		return 0;
	}
	switch (gen_below(4)) {
	case 0:
		return realm->rd;
	case 1:
		return realm->start[0]->pa;
	case 2:
		return realm->rec_index == 0 ? 0 : realm->recs[0].pa;
	default:
		return m_protected_end(realm) << gen_below(2);
	}
}

static uint64_t wild(uint64_t old)
{
	switch (gen_below(12)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - gen_below(3);
	case 2:
		return gen_below(8);
	case 3:
		return old ^ UINT64_C(1) << gen_below(64);
	case 4:
		return old + 8;
	case 5:
		return old + (gen_below(2) == 0 ? M_PAGE : -M_PAGE);
	case 6:
		return gen_below(UINT64_MAX);
	case 7:
	case 8:
		return wild_object();
	default:
		return wild_address();
	}
}

/* A wild exception would be no realm's: only the registers of calls. */
void gen_make_wild(struct step *step)
{
	unsigned int first = step->kind == STEP_ACT ? 5 : 1;
	unsigned int index;

	if (step->kind >= STEP_PAS || (step->kind == STEP_ACT && step->w[0] != M_ACT_SMC)) {
		return;
	}
	for (unsigned int i = 0; i <= gen_below(8) / 6; i++) {
		index = first + (unsigned int)gen_below(step->count - first);
		if (step->kind == STEP_ACT && gen_below(2) == 0) {
			index = first + (unsigned int)gen_below(3);
		}
		if (gen_below(2) == 0 && step->kind == STEP_RMI) {
			index = 1 + (unsigned int)gen_below(4);
		}
		step->w[index] = wild(step->w[index]);
	}
}
