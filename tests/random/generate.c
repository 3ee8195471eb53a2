// SPDX-License-Identifier: BSD-3-Clause
/* What the host does. What realms do is in generate_realm.c. */
#include <string.h>

#include "base/bits.h"
#include "generate_internal.h"
#include "sim/sim.h"

#define BLOCK_SIZE    (M_ENTRIES * M_PAGE)
#define MAX_PLAN      2048U
#define MAX_TAKEN     64U
#define WANTED_RECS   4U
#define WANTED_REALMS 4U

static uint64_t seed;
static struct m_realm *dying;

/* Steps that belong together, in order. */
static struct step plan[MAX_PLAN];
static unsigned int plan_at;
static unsigned int plan_end;
static uint64_t taken[MAX_TAKEN];
static unsigned int taken_count;

/* What an episode is to reach besides what comes by chance. */
static enum theme { THEME_NONE, THEME_BLOCK, THEME_LARGE, THEMES, THEME_BLOCK_RIPAS } theme;

static uint64_t block_realm; /* where the last block of data was made */
static uint64_t block_ipa;
static unsigned int tame; /* steps from here on that are made as they are */

uint64_t gen_below(uint64_t n)
{
	return driver_random(&seed, n);
}

void gen_push(const struct step *step)
{
	if (plan_end < MAX_PLAN) {
		plan[plan_end++] = *step;
	}
}

void gen_rmi(const uint64_t *words, unsigned int count)
{
	struct step step = {.kind = STEP_RMI, .count = STEP_EXTRA};
	unsigned int cpu = (unsigned int)gen_below(M_CPUS);

	step.cpu = (uint8_t)(model.running[cpu] == NULL ? cpu : 0);
	memcpy(step.w, words, count * sizeof(words[0]));
	gen_push(&step);
}

/* --- choosing --- */

struct m_realm *gen_realm(enum m_realm_state state)
{
	unsigned int first = (unsigned int)gen_below(M_REALMS);

	for (unsigned int i = 0; i < M_REALMS; i++) {
		struct m_realm *realm = &model.realms[(first + i) % M_REALMS];

		if (realm->alive && (state == ANY_STATE || realm->state == state)) {
			return realm;
		}
	}
	return NULL;
}

/* Pages that steps of the plan use are not chosen again for it. */
static bool is_taken(uint64_t page)
{
	for (unsigned int i = 0; i < taken_count; i++) {
		if (taken[i] == page) {
			return true;
		}
	}
	return false;
}

static void take(uint64_t page)
{
	if (taken_count < MAX_TAKEN) {
		taken[taken_count++] = page;
	}
}

/* Adds granules below HIGH, from a random one on, that are DELEGATED or may be. */
static unsigned int add_pages(unsigned int count, uint64_t *pages, unsigned int found,
			      bool delegated)
{
	unsigned int small = (SIM_MAIN_SIZE - SIM_OWN_SIZE) / GRANULE_SIZE;
	unsigned int first = (unsigned int)gen_below(small);

	for (unsigned int i = 0; i < small && found < count; i++) {
		const struct m_granule *granule = &model.granules[(first + i) % small];

		if ((delegated ? granule->state == M_DELEGATED
			       : granule->state == M_UNDELEGATED && granule->world == M_NORMAL) &&
		    !is_taken(granule->pa)) {
			pages[found++] = granule->pa;
			take(granule->pa);
		}
	}
	return found;
}

/* `count` granules that are DELEGATED or the host's, most often the former. */
static bool pick_pages(unsigned int count, uint64_t *pages)
{
	unsigned int found = gen_below(8) == 0 ? 0 : add_pages(count, pages, 0, true);

	return add_pages(count, pages, found, false) == count;
}

static void delegate(uint64_t page)
{
	if (model_granule(page)->state == M_UNDELEGATED) {
		RMI_STEP(RMI_GRANULE_DELEGATE_FID, page);
	}
}

/* A page that will be DELEGATED when the steps asked for so far are done. */
static uint64_t delegated_page(void)
{
	uint64_t page = SIM_FAR + gen_below(SIM_FAR_SIZE / M_PAGE) * M_PAGE;

	if ((gen_below(8) == 0 && m_usable(page) && !is_taken(page)) || pick_pages(1, &page)) {
		take(page);
		delegate(page);
	}
	return page;
}

uint64_t gen_host_page(void)
{
	uint64_t page = SIM_MAIN;

	for (unsigned int i = 0; i < 100 && !(m_usable(page) && i > 0); i++) {
		page = sim_page(gen_below(SIM_PAGES));
	}
	return page;
}

static unsigned int hot_index(unsigned int length)
{
	switch (gen_below(8)) {
	case 0:
		return (unsigned int)gen_below(length);
	case 1:
		return length - 1 - (unsigned int)gen_below(4);
	default:
		return (unsigned int)gen_below(6);
	}
}

struct m_place gen_place(const struct m_realm *realm)
{
	struct m_table *table = driver_pick_table(realm, &seed);
	unsigned int index = hot_index(table->length);
	uint64_t half = m_protected_end(realm) / m_entry_size(table->level);

	/* In a table with both halves, the beginning of either. */
	if (table->base == 0 && half < table->length && gen_below(2) == 0) {
		index = (unsigned int)half + (unsigned int)gen_below(table->length - half) % 3;
	}
	return (struct m_place){table, &table->entries[index], table->level,
				table->base + index * m_entry_size(table->level)};
}

/* Some place whose entry is of this kind, of a few tried. */
bool gen_place_of(const struct m_realm *realm, enum m_kind kind, struct m_place *place)
{
	for (unsigned int i = 0; i < 12; i++) {
		*place = gen_place(realm);
		if (place->entry->kind == kind) {
			return true;
		}
	}
	return false;
}

static struct m_rec *pick_rec(const struct m_realm *realm)
{
	unsigned int first;

	if (realm == NULL || realm->rec_index == 0) {
		return NULL;
	}
	first = (unsigned int)gen_below(realm->rec_index);
	for (unsigned int i = 0; i < realm->rec_index; i++) {
		const struct m_rec *rec = &realm->recs[(first + i) % realm->rec_index];

		if (rec->alive) {
			return (struct m_rec *)rec;
		}
	}
	return NULL;
}

/* --- granules and realms --- */

/* Also the page that waits for the record of a REC that runs. */
static void gen_granule(void)
{
	const struct m_rec *running = model.running[gen_below(M_CPUS)];
	uint64_t page = 0;

	if (running != NULL && gen_below(6) == 0) {
		RMI_STEP(RMI_GRANULE_DELEGATE_FID, running->run);
	} else if (pick_pages(1, &page)) {
		RMI_STEP(model_granule(page)->state == M_UNDELEGATED ? RMI_GRANULE_DELEGATE_FID
								     : RMI_GRANULE_UNDELEGATE_FID,
			 page);
	}
}

static bool start_fits(uint64_t base, unsigned int count, bool delegated)
{
	for (unsigned int i = 0; i < count; i++) {
		uint64_t pa = base + i * GRANULE_SIZE;

		if (!m_usable(pa) || is_taken(pa) ||
		    (delegated && model_granule(pa)->state != M_DELEGATED)) {
			return false;
		}
	}
	return true;
}

/* Tables that start a realm, at an address that suits. */
static bool pick_start(unsigned int count, uint64_t *base)
{
	unsigned int slots = (unsigned int)(SIM_PAGES / count) - 1;
	uint64_t at = align_up(sim_page(0), count * GRANULE_SIZE);
	uint64_t first = gen_below(slots);

	for (unsigned int i = 0; i < 2 * slots; i++) {
		*base = at + (first + i) % slots * count * GRANULE_SIZE;
		if (start_fits(*base, count, i < slots)) {
			return true;
		}
	}
	return false;
}

static const struct shape {
	uint8_t width;
	int8_t level;
	uint8_t tables;
	bool lpa2;
} shapes[] = {
	{32, 2, 4, false}, {33, 2, 8, false}, {34, 2, 16, false}, {32, 1, 1, false},
	{39, 1, 1, false}, {40, 1, 2, false}, {42, 1, 8, false},  {43, 1, 16, false},
	{40, 0, 1, false}, {44, 0, 1, false}, {48, 0, 1, false},  {41, 0, 1, true},
	{49, 0, 2, true},  {52, 0, 16, true}, {50, -1, 1, true},  {52, -1, 1, true},
};

static unsigned int realm_count(void)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < M_REALMS; i++) {
		count += model.realms[i].alive;
	}
	return count;
}

static void gen_realm_create(void)
{
	const struct shape *shape = &shapes[gen_below(ARRAY_LENGTH(shapes))];
	struct step step = {.kind = STEP_RMI, .count = STEP_EXTRA + SR_COUNT};
	uint64_t *w = &step.w[STEP_EXTRA];
	uint64_t rd, base;

	if (realm_count() >= WANTED_REALMS || !pick_start(shape->tables, &base)) {
		return;
	}
	for (unsigned int i = 0; i < shape->tables; i++) {
		take(base + i * GRANULE_SIZE);
		delegate(base + i * GRANULE_SIZE);
	}
	rd = delegated_page();
	step.w[0] = RMI_REALM_CREATE_FID;
	step.w[1] = gen_below(16) == 0 ? base : rd;
	step.w[2] = gen_host_page();
	w[SR_FLAGS] = (shape->lpa2 ? RMI_REALM_FLAG_LPA2 : 0) | gen_below(4) << 1;
	w[SR_S2SZ] = shape->width;
	w[SR_SVE] = gen_below(16);
	w[SR_BPS] = 1 + gen_below(5);
	w[SR_WPS] = 1 + gen_below(3);
	w[SR_CTRS] = 1 + gen_below(6);
	w[SR_HASH] = gen_below(2);
	w[SR_VMID] = gen_below(4) == 0 ? gen_below(0x10000) : gen_below(12);
	w[SR_BASE] = base;
	w[SR_LEVEL] = (uint64_t)(int64_t)shape->level;
	w[SR_NUM] = shape->tables;
	gen_push(&step);
	RMI_STEP(RMI_REC_AUX_COUNT_FID, rd);
}

/* While the CPU has no entropy, a realm that could be created otherwise. */
static void gen_realm_without_entropy(void)
{
	struct step step = {.kind = STEP_ENTROPY, .count = 1};

	gen_push(&step);
	gen_realm_create();
	step.w[0] = 1;
	gen_push(&step);
}

static void gen_rec_create(void)
{
	const struct m_realm *realm = gen_realm(gen_below(8) == 0 ? ANY_STATE : M_NEW);
	struct step step = {.kind = STEP_RMI, .count = STEP_EXTRA + SC_COUNT};
	uint64_t *w = &step.w[STEP_EXTRA];
	uint64_t pages[RMI_MAX_AUX + 1];
	unsigned int count;

	if (realm == NULL) {
		gen_realm_create();
		return;
	}
	if (realm->rec_index >= WANTED_RECS) {
		return;
	}
	count = realm->aux_count;
	if (!pick_pages(count + 1, pages)) {
		return;
	}
	for (unsigned int i = 0; i <= count; i++) {
		delegate(pages[i]);
	}
	step.w[0] = RMI_REC_CREATE_FID;
	step.w[1] = realm->rd;
	step.w[2] = pages[count];
	step.w[3] = gen_host_page();
	w[SC_FLAGS] = gen_below(4) != 0;
	w[SC_MPIDR] = rmi_mpidr_from_index(realm->rec_index);
	w[SC_PC] = gen_below(1 << 20) << 2;
	w[SC_NUM_AUX] = count;
	memcpy(&w[SC_AUX], pages, count * sizeof(pages[0]));
	gen_push(&step);
}

static void gen_activate(void)
{
	const struct m_realm *realm = gen_realm(gen_below(8) == 0 ? ANY_STATE : M_NEW);

	if (realm == NULL || (realm->rec_index < 2 && gen_below(8) != 0)) {
		gen_rec_create();
	} else {
		RMI_STEP(RMI_REALM_ACTIVATE_FID, realm->rd);
	}
}

static void gen_realm_destroy(void)
{
	const struct m_realm *realm = gen_realm(ANY_STATE);

	if (realm != NULL) {
		RMI_STEP(RMI_REALM_DESTROY_FID, realm->rd);
	}
}

static void gen_rec_destroy(void)
{
	const struct m_rec *rec = pick_rec(gen_realm(ANY_STATE));

	if (rec != NULL && (rec->realm->state != M_ACTIVE || gen_below(8) == 0)) {
		RMI_STEP(RMI_REC_DESTROY_FID, rec->pa);
	}
}

/* --- tables --- */

static void gen_table_create(void)
{
	const struct m_realm *realm = gen_realm(ANY_STATE);
	struct m_place place;

	if (realm == NULL) {
		return;
	}
	place = gen_place(realm);
	if (place.level < RMI_LEVEL_PAGE) {
		RMI_STEP(RMI_RTT_CREATE_FID, realm->rd, delegated_page(), place.ipa,
			 LEVEL(place.level + 1));
	}
}

static void gen_table_end(uint64_t fid)
{
	const struct m_realm *realm = gen_realm(ANY_STATE);
	const struct m_table *table = realm == NULL ? NULL : driver_pick_table(realm, &seed);

	if (table != NULL) {
		RMI_STEP(fid, realm->rd, table->base, LEVEL(table->level));
	}
}

static void gen_init_ripas(void)
{
	const struct m_realm *realm = gen_realm(gen_below(12) == 0 ? ANY_STATE : M_NEW);
	enum m_kind kind = gen_below(8) == 0 ? M_ASSIGNED : M_UNASSIGNED;
	struct m_place place;
	uint64_t odd = gen_below(24);

	if (realm != NULL && (gen_place_of(realm, kind, &place) || gen_below(2) == 0)) {
		RMI_STEP(RMI_RTT_INIT_RIPAS_FID, realm->rd, place.ipa,
			 place.ipa + m_entry_size(place.level) * (1 + gen_below(4)) -
				 (odd < 3    ? M_PAGE
				  : odd == 3 ? 8
					     : 0));
	}
}

static void gen_set_ripas(void)
{
	const struct m_realm *realm = gen_realm(gen_below(8) == 0 ? ANY_STATE : M_ACTIVE);
	const struct m_rec *rec = pick_rec(realm);
	uint64_t top;

	for (unsigned int i = 0; realm != NULL && i < realm->rec_index; i++) {
		if (realm->recs[i].alive && realm->recs[i].ripas_base != realm->recs[i].ripas_top) {
			rec = &realm->recs[i];
		}
	}
	if (rec == NULL || (rec->ripas_base == rec->ripas_top && gen_below(4) != 0)) {
		return;
	}
	top = gen_below(4) == 0 ? rec->ripas_base + M_PAGE * gen_below(600) : rec->ripas_top;
	RMI_STEP(RMI_RTT_SET_RIPAS_FID, rec->realm->rd, rec->pa, rec->ripas_base,
		 top - gen_below(24) / 23 * 8);
}

/* The tables between an entry and `level` that are not there yet. */
static void gen_tables_to(const struct m_realm *realm, const struct m_place *place, int level)
{
	for (int at = place->level + 1; at <= level; at++) {
		RMI_STEP(RMI_RTT_CREATE_FID, realm->rd, delegated_page(), place->ipa, LEVEL(at));
	}
}

static void gen_data_create(void)
{
	const struct m_realm *realm = gen_realm(gen_below(3) == 0 ? ANY_STATE : M_NEW);
	struct step step = {.kind = STEP_RMI, .count = STEP_EXTRA + 1};
	struct m_place place;

	if (realm == NULL || (!gen_place_of(realm, M_UNASSIGNED, &place) && gen_below(4) != 0)) {
		return;
	}
	gen_tables_to(realm, &place, RMI_LEVEL_PAGE);
	if (realm->state == M_NEW && gen_below(2) == 0) {
		RMI_STEP(RMI_RTT_INIT_RIPAS_FID, realm->rd, place.ipa,
			 place.ipa + M_PAGE * (1 + gen_below(4)));
	}
	step.w[2] = delegated_page();
	step.w[0] = gen_below(realm->state == M_NEW ? 2 : 16) == 0 ? RMI_DATA_CREATE_FID
								   : RMI_DATA_CREATE_UNKNOWN_FID;
	step.w[1] = realm->rd;
	step.w[3] = place.ipa;
	step.w[4] = gen_host_page();
	step.w[5] = gen_below(2);
	step.w[STEP_EXTRA] = gen_below(UINT64_MAX);
	gen_push(&step);
}

static void gen_data_destroy(void)
{
	const struct m_realm *realm = gen_realm(ANY_STATE);
	struct m_place place;

	if (realm != NULL && (gen_place_of(realm, M_ASSIGNED, &place) || gen_below(4) == 0)) {
		RMI_STEP(RMI_DATA_DESTROY_FID, realm->rd, place.ipa);
	}
}

static uint64_t descriptor(int level)
{
	static const uint8_t types[] = {0, 1, 2, 3, 5, 6, 7};
	uint64_t size = level >= 1 ? m_entry_size(level) : M_PAGE;

	return gen_below(32) / 31 << 48 | gen_below(64) * size |
	       (uint64_t)types[gen_below(ARRAY_LENGTH(types))] << 2 | gen_below(4) << 6;
}

static void gen_map(void)
{
	const struct m_realm *realm = gen_realm(ANY_STATE);
	struct m_place place;

	if (realm == NULL || (!gen_place_of(realm, M_UNASSIGNED_NS, &place) && gen_below(4) != 0)) {
		return;
	}
	if (place.level < 1 || gen_below(4) == 0) {
		gen_tables_to(realm, &place, 1 + (int)gen_below(3));
		return;
	}
	RMI_STEP(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, place.ipa, LEVEL(place.level),
		 descriptor(place.level));
	if (place.level < RMI_LEVEL_PAGE && gen_below(3) == 0) {
		RMI_STEP(RMI_RTT_CREATE_FID, realm->rd, delegated_page(), place.ipa,
			 LEVEL(place.level + 1));
	}
}

static void gen_unmap(void)
{
	const struct m_realm *realm = gen_realm(ANY_STATE);
	struct m_place place;

	if (realm != NULL && (gen_place_of(realm, M_ASSIGNED_NS, &place) || gen_below(4) == 0)) {
		RMI_STEP(RMI_RTT_UNMAP_UNPROTECTED_FID, realm->rd, place.ipa, LEVEL(place.level));
	}
}

/* A whole table of the host's memory, one time in two as a block needs it, and folded. */
static void gen_unprotected_table(void)
{
	const struct m_realm *realm = gen_realm(ANY_STATE);
	int level = theme == THEME_LARGE ? 1 : 1 + (int)gen_below(3);
	struct m_place place;
	uint64_t size, pa;

	if ((theme != THEME_LARGE && gen_below(8) != 0) || realm == NULL ||
	    !gen_place_of(realm, M_UNASSIGNED_NS, &place) || place.level >= level) {
		return;
	}
	gen_tables_to(realm, &place, level);
	size = m_entry_size(level);
	pa = size * M_ENTRIES * gen_below(4) + gen_below(3) / 2 * size;
	for (unsigned int i = 0; i < M_ENTRIES; i++) {
		RMI_STEP(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, place.ipa + i * size, LEVEL(level),
			 pa + i * size);
	}
	RMI_STEP(RMI_RTT_FOLD_FID, realm->rd, place.ipa, LEVEL(level));
	tame = plan_end;
}

/*
 * A whole table of data in one block of memory, and the table folded; one time in four the memory
 * is not aligned to the block.
 */
static void gen_block(void)
{
	const struct m_realm *realm = gen_realm(gen_below(4) != 0 ? M_ACTIVE : ANY_STATE);
	uint64_t block = SIM_HIGH + gen_below(SIM_HIGH_SIZE / BLOCK_SIZE - 1) * BLOCK_SIZE +
			 gen_below(4) / 3 * M_PAGE;
	struct m_place place;

	if ((theme != THEME_BLOCK && gen_below(8) != 0) || realm == NULL ||
	    !gen_place_of(realm, M_UNASSIGNED, &place) || place.level > 2) {
		return;
	}
	gen_tables_to(realm, &place, RMI_LEVEL_PAGE);
	for (uint64_t at = 0; at < BLOCK_SIZE; at += M_PAGE) {
		delegate(block + at);
		RMI_STEP(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd, block + at, place.ipa + at);
	}
	RMI_STEP(RMI_RTT_FOLD_FID, realm->rd, place.ipa, LEVEL(3));
	tame = plan_end;
	block_realm = realm->rd;
	block_ipa = place.ipa;
}

bool gen_block_of(const struct m_realm *realm, uint64_t *ipa)
{
	struct m_place place;

	if (realm->rd != block_realm || block_ipa >= m_protected_end(realm)) {
		return false;
	}
	place = m_walk(realm, block_ipa, RMI_LEVEL_PAGE);
	*ipa = block_ipa;
	return place.entry->kind == M_ASSIGNED && place.level == 2;
}

/* --- RECs --- */

static uint64_t list_register(void)
{
	uint64_t states = gen_below(4) << 62;

	return gen_below(3) != 0 ? 0 : states | gen_below(32) << 51 | (16 + gen_below(200));
}

static void enter_rec(const struct m_rec *rec)
{
	struct step step = {.kind = STEP_RMI, .count = STEP_EXTRA + SE_COUNT};
	uint64_t *w = &step.w[STEP_EXTRA];

	step.cpu = (uint8_t)(1 + gen_below(M_CPUS - 1));
	step.w[0] = RMI_REC_ENTER_FID;
	step.w[1] = rec->pa;
	step.w[2] = gen_host_page();
	w[SE_FLAGS] = gen_below(16) << 1 | gen_below(16) / 15;
	if (rec->last == M_LAST_MMIO && gen_below(2) == 0) {
		w[SE_FLAGS] = RMI_ENTER_FLAG_EMUL_MMIO;
	}
	w[SE_HCR] = gen_below(4) == 0 ? gen_below(1 << 15) & RMI_GICV3_HCR_HOST_MASK : 0;
	for (unsigned int i = 0; i < 4; i++) {
		w[SE_LRS + i] = list_register();
	}
	w[SE_SEED] = gen_below(UINT64_MAX);
	gen_push(&step);
}

static bool is_ready(const struct m_rec *rec)
{
	return rec->alive && rec->cpu < 0 && rec->runnable && !rec->psci_pending;
}

static void gen_enter(void)
{
	const struct m_realm *realm = gen_realm(gen_below(16) == 0 ? ANY_STATE : M_ACTIVE);
	const struct m_rec *rec = pick_rec(realm);

	if (realm == NULL || rec == NULL) {
		gen_activate();
	} else if (is_ready(rec) || gen_below(8) == 0) {
		enter_rec(rec);
	}
}

static void gen_psci_complete(void)
{
	const struct m_realm *realm = gen_realm(M_ACTIVE);
	const struct m_rec *calling = NULL;
	const struct m_rec *other = pick_rec(gen_realm(ANY_STATE));
	int64_t index;

	for (unsigned int i = 0; realm != NULL && i < realm->rec_index; i++) {
		if (realm->recs[i].alive && realm->recs[i].psci_pending) {
			calling = &realm->recs[i];
		}
	}
	calling = calling == NULL && gen_below(8) == 0 ? pick_rec(realm) : calling;
	if (calling == NULL || other == NULL) {
		return;
	}
	index = m_psci_target(calling);
	RMI_STEP(RMI_PSCI_COMPLETE_FID, calling->pa,
		 index >= 0 && gen_below(8) != 0 ? realm->recs[index].pa : other->pa,
		 gen_below(4) == 0 ? (uint64_t)PSCI_DENIED : PSCI_SUCCESS);
}

static void gen_read(void)
{
	const struct m_realm *realm = gen_realm(ANY_STATE);
	struct m_place place;

	if (realm != NULL) {
		place = gen_place(realm);
		RMI_STEP(RMI_RTT_READ_ENTRY_FID, realm->rd, place.ipa, LEVEL(place.level));
	}
}

static void gen_constant(void)
{
	static const uint64_t fids[] = {RMI_VERSION_FID, RMI_FEATURES_FID, 0xC4000156, 0xC400016A};
	uint64_t fid = fids[gen_below(ARRAY_LENGTH(fids))];

	RMI_STEP(fid, fid == RMI_VERSION_FID ? RMI_REVISION : gen_below(2));
}

static void gen_pas(void)
{
	struct step step = {.kind = STEP_PAS, .count = 1};

	step.w[0] = sim_page(gen_below(SIM_PAGES));
	gen_push(&step);
	if (gen_below(2) == 0) {
		RMI_STEP(RMI_GRANULE_DELEGATE_FID, step.w[0]);
	}
	if (gen_below(8) != 0) {
		gen_push(&step);
	}
}

/* --- the end of realms --- */

/* Something of the realm that can go, or could if something else had gone before. */
static void gen_demolish(const struct m_realm *realm)
{
	const struct m_rec *rec = pick_rec(realm);
	struct m_place place;

	switch (gen_below(8)) {
	case 0:
		RMI_STEP(RMI_REALM_DESTROY_FID, realm->rd);
		return;
	case 1:
		if (rec != NULL) {
			RMI_STEP(RMI_REC_DESTROY_FID, rec->pa);
		}
		return;
	case 2:
	case 3:
		place.table = driver_pick_table(realm, &seed);
		RMI_STEP(RMI_RTT_DESTROY_FID, realm->rd, place.table->base,
			 LEVEL(place.table->level));
		return;
	default:
		if (!gen_place_of(realm, M_ASSIGNED, &place)) {
			return;
		}
		if (place.level < RMI_LEVEL_PAGE) {
			RMI_STEP(RMI_RTT_CREATE_FID, realm->rd, delegated_page(), place.ipa,
				 LEVEL(place.level + 1));
		} else {
			RMI_STEP(RMI_DATA_DESTROY_FID, realm->rd, place.ipa);
		}
	}
}

static void gen_table_destroy(void)
{
	gen_table_end(RMI_RTT_DESTROY_FID);
}

static void gen_table_fold(void)
{
	gen_table_end(RMI_RTT_FOLD_FID);
}

/* --- choice of the next --- */

/* Nothing of the realm will ever run again. */
static bool is_stuck(const struct m_realm *realm)
{
	bool stuck = realm->state == M_OFF || realm->state == M_ACTIVE;

	for (unsigned int i = 0; i < realm->rec_index && realm->state == M_ACTIVE; i++) {
		const struct m_rec *rec = &realm->recs[i];

		if (rec->alive && (rec->psci_pending ? m_psci_target(rec) >= 0 : rec->runnable)) {
			stuck = false;
		}
	}
	return stuck;
}

static const struct goal {
	unsigned int weight;
	void (*make)(void);
} goals[] = {
	{700, gen_act},
	{400, gen_enter},
	{200, gen_data_create},
	{60, gen_map},
	{150, gen_set_ripas},
	{60, gen_table_create},
	{100, gen_init_ripas},
	{40, gen_data_destroy},
	{40, gen_granule},
	{150, gen_psci_complete},
	{30, gen_unmap},
	{25, gen_table_fold},
	{20, gen_table_destroy},
	{25, gen_rec_create},
	{20, gen_realm_create},
	{10, gen_activate},
	{20, gen_read},
	{8, gen_rec_destroy},
	{6, gen_realm_destroy},
	{8, gen_constant},
	{8, gen_pas},
	{1, gen_block},
	{1, gen_unprotected_table},
	{2, gen_realm_without_entropy},
};

/* A step towards another RIPAS of the block: enter, ask for it, grant it. */
static void gen_block_ripas(void)
{
	const struct m_realm *realm = model_realm(block_realm);
	const struct m_rec *ready = NULL;
	uint64_t ipa;

	if (realm == NULL || realm->state != M_ACTIVE || !gen_block_of(realm, &ipa)) {
		return;
	}
	for (unsigned int i = 0; i < realm->rec_index; i++) {
		const struct m_rec *rec = &realm->recs[i];

		if (rec->alive && rec->cpu >= 0) {
			gen_request_ripas((unsigned int)rec->cpu, ipa, ipa + BLOCK_SIZE);
			return;
		}
		if (rec->alive && rec->ripas_base == ipa && rec->ripas_top > ipa) {
			RMI_STEP(RMI_RTT_SET_RIPAS_FID, realm->rd, rec->pa, ipa, rec->ripas_top);
			theme = THEME_NONE;
			return;
		}
		ready = is_ready(rec) ? rec : ready;
	}
	if (ready != NULL) {
		enter_rec(ready);
	}
}

/* Until it has led to something. */
static void follow_theme(void)
{
	if (theme == THEME_BLOCK_RIPAS) {
		gen_block_ripas();
		return;
	}
	if (gen_below(50) != 0) {
		return;
	}
	if (theme == THEME_BLOCK) {
		gen_block();
		theme = plan_end != 0 ? THEME_BLOCK_RIPAS : theme;
	} else {
		gen_unprotected_table();
		theme = plan_end != 0 ? THEME_NONE : theme;
	}
}

/* Realms have to end, above all those that only take a place. */
static void choose_dying(void)
{
	struct m_realm *realm = gen_realm(ANY_STATE);
	bool full = realm_count() == WANTED_REALMS && gen_realm(M_ACTIVE) == NULL &&
		    gen_realm(M_NEW) == NULL;

	if (dying != NULL && !dying->alive) {
		dying = NULL;
	}
	if (realm == NULL) {
		return;
	}
	if ((dying == NULL && full) ||
	    (gen_below(400) == 0 && (is_stuck(realm) || gen_below(20) == 0))) {
		dying = realm;
	}
}

static void make_goal(void)
{
	unsigned int total = 0;
	uint64_t at;
	size_t i = 0;

	for (size_t k = 0; k < ARRAY_LENGTH(goals); k++) {
		total += goals[k].weight;
	}
	for (at = gen_below(total); at >= goals[i].weight; i++) {
		at -= goals[i].weight;
	}
	goals[i].make();
}

static void choose(void)
{
	choose_dying();
	if (dying != NULL && gen_below(3) == 0) {
		gen_demolish(dying);
	} else if (gen_realm(M_ACTIVE) == NULL && gen_below(8) == 0) {
		gen_activate();
	} else if (theme != THEME_NONE && gen_below(4) == 0) {
		follow_theme();
	} else {
		make_goal();
	}
}

void generate_start(uint64_t number)
{
	seed = number;
	dying = NULL;
	theme = (enum theme)gen_below(THEMES);
	plan_at = 0;
	plan_end = 0;
	taken_count = 0;
	tame = 0;
	block_realm = 0;
}

struct step generate_world(void)
{
	struct step step = {.kind = STEP_WORLD, .count = 1};

	step.w[0] = gen_below(SIM_OPTIONS);
	return step;
}

static bool next_of_plan(struct step *step)
{
	if (plan_at == plan_end) {
		plan_at = 0;
		plan_end = 0;
		tame = 0;
		taken_count = 0;
		return false;
	}
	*step = plan[plan_at++];
	return true;
}

struct step generate_step(void)
{
	struct step step;

	while (!next_of_plan(&step)) {
		choose();
	}
	if (gen_below(plan_at <= tame ? 2000 : 5) == 0) {
		gen_make_wild(&step);
	}
	return step;
}

/* --- the end of everything: in an order that always works --- */

static bool end_entry(const struct m_realm *realm, const struct m_table *table, unsigned int i)
{
	const struct m_entry *entry = &table->entries[i];
	uint64_t ipa = table->base + i * m_entry_size(table->level);
	const struct m_table *child = entry->child;

	if (entry->kind == M_ASSIGNED && table->level < RMI_LEVEL_PAGE) {
		RMI_STEP(RMI_RTT_CREATE_FID, realm->rd, delegated_page(), ipa,
			 LEVEL(table->level + 1));
	} else if (entry->kind == M_ASSIGNED) {
		RMI_STEP(RMI_DATA_DESTROY_FID, realm->rd, ipa);
	} else if (entry->kind == M_TABLE) {
		for (unsigned int k = 0; k < child->length; k++) {
			if (end_entry(realm, child, k)) {
				return true;
			}
		}
		RMI_STEP(RMI_RTT_DESTROY_FID, realm->rd, ipa, LEVEL(child->level));
	} else {
		return false;
	}
	return true;
}

static bool end_realm(const struct m_realm *realm)
{
	for (unsigned int i = 0; i < realm->rec_index; i++) {
		if (realm->recs[i].alive) {
			RMI_STEP(RMI_REC_DESTROY_FID, realm->recs[i].pa);
			return true;
		}
	}
	for (unsigned int i = 0; i < realm->params.rtt_num_start; i++) {
		for (unsigned int k = 0; k < realm->start[i]->length; k++) {
			if (end_entry(realm, realm->start[i], k)) {
				return true;
			}
		}
	}
	RMI_STEP(RMI_REALM_DESTROY_FID, realm->rd);
	return true;
}

static bool end_next(void)
{
	struct m_action leave = {.act = M_ACT_IRQ};

	for (unsigned int i = 0; i < M_CPUS; i++) {
		if (model.running[i] != NULL) {
			struct step step = step_of_action(i, &leave);

			gen_push(&step);
			return true;
		}
	}
	for (unsigned int i = 0; i < M_REALMS; i++) {
		if (model.realms[i].alive) {
			return end_realm(&model.realms[i]);
		}
	}
	for (unsigned int i = 0; i < model.granule_count; i++) {
		if (model.granules[i].state == M_DELEGATED) {
			RMI_STEP(RMI_GRANULE_UNDELEGATE_FID, model.granules[i].pa);
		}
	}
	return plan_at != plan_end;
}

bool generate_end(struct step *step)
{
	return next_of_plan(step) || (end_next() && next_of_plan(step));
}
