// SPDX-License-Identifier: BSD-3-Clause
/*
 * Random acts of realms and of the host, beside a small model that says what each must answer;
 * after every act all tables of all realms are walked, and what each realm can reach is what the
 * model says. CSM_MODEL_STEPS and CSM_MODEL_SEED in the environment ask for another run.
 */
#include <stdlib.h>

#include "csm/csm_unit.h"

#define TREALMS  4U
#define REGIONS  5U  /* of one test realm at a time */
#define OWN      12U /* pages of a test realm that regions are made of */
#define OTHER    16U /* pages of a test realm where it attaches */
#define STEPS    4000U
#define MAX_SIZE 4U
#define BLOCKED  512U /* pages at TREALM_WIDE */
#define PARTS    3U   /* regions of them, each a multiple of STRIDE pages */
#define STRIDE   64U

enum sharing { NOTHING, GRANTED, RESERVED, ATTACHED };

/* One consumer of one region. reserved: what the consumer holds, whatever became of the grant. */
struct model_consumer {
	uint64_t id; /* of the realm that the grant names, 0: no grant */
	uint64_t perm;
	enum sharing state; /* of the two sides together; NOTHING: no grant */
};

struct model_region {
	uint64_t id; /* 0: none */
	unsigned int first, pages;
	bool sealed;
	struct model_consumer consumers[TREALMS];
};

/* A region in the 2 MiB at TREALM_WIDE, which are one block or pages; nobody else gets it. */
struct model_part {
	uint64_t id; /* 0: none */
	unsigned int first, pages;
	bool sealed;
};

struct model_attachment {
	bool used, dead;
	uint64_t provider, region;
	unsigned int from, base, pages; /* index of the provider's test realm, pages in OTHER */
};

struct model_party {
	uint64_t id;
	bool apt;
	bool table; /* for TREALM_OTHER */
	uint64_t spare_table;
	uint64_t next_region;
	uint64_t page[OWN]; /* 0: none */
	bool lost[OWN];
	uint64_t spare[OWN];
	unsigned int spares;
	struct model_region regions[REGIONS];
	struct model_attachment attachments[TREALMS * REGIONS];
	bool block;
	uint64_t block_table;
	struct model_part parts[PARTS];
};

static struct model_party model[TREALMS];
static uint64_t seed;
static bool interrupts;
static uint64_t attached; /* how often */
static uint64_t cut;      /* how often CREATE asked the host to split */

static uint64_t random_below(uint64_t bound)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % bound;
}

static bool maybe_interrupted(void)
{
	return interrupts && random_below(2) == 0;
}

/* --- looking things up in the model */

static struct model_region *region_at(unsigned int p, unsigned int page)
{
	for (unsigned int r = 0; r < REGIONS; r++) {
		struct model_region *region = &model[p].regions[r];

		if (region->id != 0 && page >= region->first &&
		    page < region->first + region->pages) {
			return region;
		}
	}
	return NULL;
}

static struct model_region *region_of(unsigned int p, uint64_t id)
{
	for (unsigned int r = 0; id != 0 && r < REGIONS; r++) {
		if (model[p].regions[r].id == id) {
			return &model[p].regions[r];
		}
	}
	return NULL;
}

static struct model_attachment *attachment_at(unsigned int c, unsigned int page)
{
	for (size_t i = 0; i < ARRAY_LENGTH(model[c].attachments); i++) {
		struct model_attachment *one = &model[c].attachments[i];

		if (one->used && page >= one->base && page < one->base + one->pages) {
			return one;
		}
	}
	return NULL;
}

static struct model_attachment *attachment_of(unsigned int c, uint64_t provider, uint64_t region)
{
	for (size_t i = 0; i < ARRAY_LENGTH(model[c].attachments); i++) {
		struct model_attachment *one = &model[c].attachments[i];

		if (one->used && one->provider == provider && one->region == region) {
			return one;
		}
	}
	return NULL;
}

static struct model_attachment *free_attachment(unsigned int c)
{
	for (size_t i = 0; i < ARRAY_LENGTH(model[c].attachments); i++) {
		if (!model[c].attachments[i].used) {
			return &model[c].attachments[i];
		}
	}
	fail_msg("the model is too small");
	return NULL;
}

static struct model_part *part_at(unsigned int p, unsigned int page)
{
	for (unsigned int i = 0; i < PARTS; i++) {
		struct model_part *part = &model[p].parts[i];

		if (part->id != 0 && page >= part->first && page < part->first + part->pages) {
			return part;
		}
	}
	return NULL;
}

/* The provider's page behind a consumer's, if the consumer is entitled to it; 0 otherwise. */
static uint64_t entitled(unsigned int c, unsigned int page, uint64_t *perm)
{
	const struct model_attachment *one = attachment_at(c, page);
	const struct model_region *region;
	unsigned int own;

	if (one == NULL || one->dead) {
		return 0;
	}
	region = region_of(one->from, one->region);
	if (region == NULL || region->consumers[c].id != model[c].id ||
	    region->consumers[c].state != ATTACHED) {
		return 0;
	}
	own = region->first + page - one->base;
	*perm = region->consumers[c].perm & ~(region->sealed ? CSM_PERM_WRITE : 0);
	return model[one->from].lost[own] ? 0 : model[one->from].page[own];
}

/* --- invariants, by walking everything */

/* invariant 02, 04, 05: what is reached is what the model entitles to, or nothing. */
static void walk_other(unsigned int c, unsigned int page, unsigned int references[])
{
	struct mapping mapping = trealm_map(&trealms[c], TREALM_OTHER + PAGE(page));
	uint64_t perm = 0;

	if (mapping.pa == 0) {
		return;
	}
	assert_int_equal(mapping.pa, entitled(c, page, &perm));
	assert_int_equal(mapping.write, (perm & CSM_PERM_WRITE) != 0);
	assert_int_equal(mapping.exec, (perm & CSM_PERM_EXEC) != 0);
	references[(mapping.pa - SIM_MAIN) / GRANULE_SIZE]++;
}

/* invariant 01: an owner reaches its own pages, as far as they are there and it may write. */
static void walk_own(unsigned int p, unsigned int page)
{
	struct mapping mapping = trealm_map(&trealms[p], TREALM_OWN + PAGE(page));
	const struct model_region *region = region_at(p, page);
	uint64_t expected = model[p].lost[page] ? 0 : model[p].page[page];

	assert_int_equal(mapping.pa, expected);
	if (expected != 0) {
		assert_int_equal(mapping.write, region == NULL || !region->sealed);
	}
}

/* Sealed is what is in a sealed region, and not a page beside it; an edge is in no block. */
static void walk_parts(unsigned int p)
{
	bool edge = false;

	for (unsigned int page = 0; page < BLOCKED; page += page % STRIDE == 0 ? STRIDE - 1 : 1) {
		struct mapping mapping = trealm_map(&trealms[p], TREALM_WIDE + PAGE(page));
		const struct model_part *part = part_at(p, page);

		assert_int_equal(mapping.pa, SIM_HIGH + p * BLOCK + PAGE(page));
		assert_int_equal(mapping.block, model[p].block);
		assert_int_equal(mapping.write, part == NULL || !part->sealed);
		edge = edge || (part != NULL && part->pages != BLOCKED);
	}
	assert_false(edge && model[p].block);
}

static void walk_everything(void)
{
	static unsigned int references[SIM_MAIN_SIZE / GRANULE_SIZE];

	memset(references, 0, sizeof(references));
	for (unsigned int p = 0; p < TREALMS; p++) {
		for (unsigned int page = 0; page < OWN; page++) {
			walk_own(p, page);
		}
		walk_parts(p);
		for (unsigned int page = 0; page < 512; page++) {
			if (page < OTHER) {
				walk_other(p, page, references);
			} else if (page < 32) {
				assert_int_equal(
					trealm_map(&trealms[p], TREALM_OTHER + PAGE(page)).pa, 0);
			}
		}
	}
	for (unsigned int p = 0; p < TREALMS; p++) {
		for (unsigned int page = 0; page < OWN; page++) {
			uint64_t pa = model[p].page[page];

			if (pa != 0) {
				assert_int_equal(sim_refs(pa),
						 references[(pa - SIM_MAIN) / GRANULE_SIZE]);
			}
		}
	}
}

/* --- acts. Each does it, compares the answer, and changes the model. */

static void expect(struct trealm_call call, uint64_t status)
{
	if (call.x[0] != status) {
		fail_msg("answered %#lx and not %#lx (%s)", (unsigned long)call.x[0],
			 (unsigned long)status, call.condition == NULL ? "-" : call.condition);
	}
}

/* The host gives the test realm its pages for the block, and leaves them as pages. */
static void give_block(unsigned int p)
{
	struct trealm *trealm = &trealms[p];

	sim_realm_tables(&trealm->realm, TREALM_WIDE, 3);
	for (unsigned int page = 0; page < BLOCKED; page++) {
		uint64_t pa = SIM_HIGH + p * BLOCK + PAGE(page);

		if (sim_state(pa) == GRANULE_UNDELEGATED) {
			sim_delegate(pa);
		}
		ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, trealm->realm.rd, pa,
				  TREALM_WIDE + PAGE(page)));
	}
}

static void birth(unsigned int p)
{
	struct trealm *trealm = trealm_make_at(p, 3);

	memset(&model[p], 0, sizeof(model[p]));
	model[p].id = trealm_id(trealm);
	model[p].apt = true;
	model[p].table = true;
	model[p].next_region = 1;
	for (unsigned int page = 0; page < TREALM_PAGES; page++) {
		model[p].page[page] = trealm_map(trealm, TREALM_OWN + PAGE(page)).pa;
	}
	while (model[p].spares < OWN - TREALM_PAGES) {
		model[p].spare[model[p].spares++] = sim_realm_delegated(&trealm->realm);
	}
	give_block(p);
}

static void act_create(unsigned int p)
{
	unsigned int first = (unsigned int)random_below(OWN);
	unsigned int pages = 1 + (unsigned int)random_below(MAX_SIZE);
	struct model_region *slot = NULL;
	uint64_t status = RSI_SUCCESS;
	struct trealm_call call;

	for (unsigned int r = 0; r < REGIONS && slot == NULL; r++) {
		slot = model[p].regions[r].id == 0 ? &model[p].regions[r] : NULL;
	}
	if (slot == NULL || first + pages > OWN) {
		return;
	}
	for (unsigned int page = first; page < first + pages; page++) {
		if (model[p].lost[page] || region_at(p, page) != NULL) {
			status = RSI_ERROR_INPUT;
		}
	}
	status = model[p].apt ? status : CSM_ERROR_NO_APT;
	call = CSM_FINISH(&trealms[p], CREATE, TREALM_OWN + PAGE(first), PAGE(pages), 1);
	expect(call, status);
	if (status == RSI_SUCCESS) {
		assert_int_equal(call.x[1], model[p].next_region);
		*slot = (struct model_region){
			.id = model[p].next_region++,
			.first = first,
			.pages = pages,
		};
	}
}

/* A region id of the test realm, if it has one; now and then one that is none. */
static uint64_t some_region(unsigned int p)
{
	uint64_t first = random_below(REGIONS);
	uint64_t id = 0;

	for (uint64_t r = 0; r < REGIONS && id == 0; r++) {
		id = model[p].regions[(first + r) % REGIONS].id;
	}
	return random_below(16) == 0 ? model[p].next_region + random_below(3) : id;
}

/* Mostly a realm that the region is not granted to yet. */
static unsigned int some_consumer(unsigned int p, const struct model_region *region)
{
	unsigned int c = (unsigned int)random_below(TREALMS);

	for (unsigned int tries = 0; tries < 4 && region != NULL; tries++) {
		if (c != p && region->consumers[c].id != model[c].id) {
			break;
		}
		c = (unsigned int)random_below(TREALMS);
	}
	return c;
}

static void act_share(unsigned int p)
{
	uint64_t id = some_region(p);
	uint64_t perm = CSM_PERM_READ | (random_below(4) << 1);
	struct model_region *region = region_of(p, id);
	unsigned int c = some_consumer(p, region);
	uint64_t status = RSI_SUCCESS;

	if (!model[p].apt) {
		status = CSM_ERROR_NO_APT;
	} else if (region == NULL || (region->sealed && (perm & CSM_PERM_WRITE) != 0) || c == p) {
		status = RSI_ERROR_INPUT;
	} else if (region->consumers[c].id == model[c].id) {
		status = RSI_ERROR_STATE;
	}
	/* A grant for a realm that is gone stays in the way of nobody. */
	expect(CSM(&trealms[p], SHARE, id, model[c].id, perm, 0), status);
	if (status == RSI_SUCCESS) {
		region->consumers[c] = (struct model_consumer){model[c].id, perm, GRANTED};
	}
}

/* What the consumer has of the grant, if anything, is dead from now on. */
static void end_consumer(struct model_region *region, unsigned int p, unsigned int c)
{
	struct model_consumer *consumer = &region->consumers[c];

	if (consumer->id == model[c].id && consumer->state >= RESERVED) {
		attachment_of(c, model[p].id, region->id)->dead = true;
	}
	*consumer = (struct model_consumer){0};
}

static void end_region(struct model_region *region, unsigned int p)
{
	for (unsigned int c = 0; c < TREALMS; c++) {
		end_consumer(region, p, c);
	}
	region->id = 0;
}

static void act_revoke(unsigned int p)
{
	unsigned int c = (unsigned int)random_below(TREALMS);
	uint64_t id = some_region(p);
	struct model_region *region = region_of(p, id);
	uint64_t status = RSI_SUCCESS;

	if (!model[p].apt) {
		status = CSM_ERROR_NO_APT;
	} else if (region == NULL || region->consumers[c].id != model[c].id) {
		status = RSI_ERROR_INPUT;
	}
	expect(CSM_FINISH(&trealms[p], REVOKE, id, model[c].id), status);
	if (status == RSI_SUCCESS) {
		end_consumer(region, p, c);
	}
}

static void act_destroy(unsigned int p)
{
	uint64_t id = some_region(p);
	struct model_region *region = region_of(p, id);
	uint64_t status = region == NULL ? RSI_ERROR_INPUT : RSI_SUCCESS;

	status = model[p].apt ? status : CSM_ERROR_NO_APT;
	expect(CSM_FINISH(&trealms[p], DESTROY, id), status);
	if (status == RSI_SUCCESS) {
		end_region(region, p);
	}
}

static void act_seal(unsigned int p)
{
	uint64_t id = some_region(p);
	struct model_region *region = region_of(p, id);
	uint64_t status = region == NULL ? RSI_ERROR_INPUT : RSI_SUCCESS;

	for (unsigned int i = 0; region != NULL && i < region->pages; i++) {
		unsigned int page = region->first + i;

		if (model[p].page[page] == 0 || model[p].lost[page]) {
			status = CSM_ERROR_PAGES;
		}
	}
	if (region != NULL && region->sealed) {
		status = RSI_ERROR_STATE;
	}
	status = model[p].apt ? status : CSM_ERROR_NO_APT;
	expect(CSM_FINISH(&trealms[p], SEAL, id), status);
	if (status == RSI_SUCCESS) {
		region->sealed = true;
	}
}

static bool other_is_free(unsigned int c, unsigned int base, unsigned int pages)
{
	for (unsigned int page = base; page < base + pages; page++) {
		if (attachment_at(c, page) != NULL) {
			return false;
		}
	}
	return true;
}

/* Mostly a region that is granted to the consumer, which has not reserved it. */
static struct model_region *some_grant(unsigned int c, unsigned int *p, uint64_t *id)
{
	struct model_region *region = NULL;

	for (unsigned int tries = 0; tries < 12; tries++) {
		*p = (unsigned int)random_below(TREALMS);
		*id = some_region(*p);
		region = region_of(*p, *id);
		if (region != NULL && region->consumers[c].id == model[c].id &&
		    region->consumers[c].state == GRANTED) {
			break;
		}
	}
	return region;
}

static void act_reserve(unsigned int c)
{
	unsigned int p;
	uint64_t id;
	struct model_region *region = some_grant(c, &p, &id);
	unsigned int pages = region == NULL ? 1 : region->pages;
	unsigned int base = (unsigned int)random_below(OTHER - MAX_SIZE);
	uint64_t status = RSI_SUCCESS;

	if (!model[c].apt) {
		status = CSM_ERROR_NO_APT;
	} else if (!other_is_free(c, base, pages)) {
		status = RSI_ERROR_INPUT;
	} else if (region == NULL || c == p || region->consumers[c].id != model[c].id) {
		status = CSM_ERROR_ACCESS;
	} else if (attachment_of(c, model[p].id, id) != NULL) {
		status = RSI_ERROR_STATE;
	}
	expect(CSM(&trealms[c], RESERVE, model[p].id, id, TREALM_OTHER + PAGE(base), PAGE(pages),
		   0),
	       status);
	if (status == RSI_SUCCESS) {
		*free_attachment(c) = (struct model_attachment){
			.used = true,
			.provider = model[p].id,
			.region = id,
			.from = p,
			.base = base,
			.pages = pages,
		};
		region->consumers[c].state = RESERVED;
	}
}

/* An attachment of the test realm, if it has one. */
static struct model_attachment *some_attachment(unsigned int c)
{
	size_t count = ARRAY_LENGTH(model[c].attachments);
	uint64_t first = random_below(count);

	for (size_t i = 0; i < count; i++) {
		struct model_attachment *one = &model[c].attachments[(first + i) % count];

		if (one->used) {
			return one;
		}
	}
	return NULL;
}

/* Mostly one that can be attached. */
static struct model_attachment *some_reservation(unsigned int c)
{
	struct model_attachment *one = some_attachment(c);

	for (unsigned int tries = 0; tries < 6 && one != NULL; tries++) {
		if (!one->dead &&
		    region_of(one->from, one->region)->consumers[c].state == RESERVED) {
			break;
		}
		one = some_attachment(c);
	}
	return one;
}

static void act_attach(unsigned int c)
{
	struct model_attachment *one = some_reservation(c);
	struct model_region *region =
		one == NULL || one->dead ? NULL : region_of(one->from, one->region);
	uint64_t status = RSI_SUCCESS;

	if (!model[c].apt) {
		status = CSM_ERROR_NO_APT;
	} else if (one == NULL) {
		status = RSI_ERROR_INPUT;
	} else if (one->dead) {
		status = CSM_ERROR_ACCESS;
	} else if (region->consumers[c].state == ATTACHED) {
		status = RSI_ERROR_STATE;
	}
	expect(CSM_FINISH(&trealms[c], ATTACH, one == NULL ? 1 : one->provider,
			  one == NULL ? 1 : one->region),
	       status);
	if (status == RSI_SUCCESS) {
		region->consumers[c].state = ATTACHED;
		attached++;
	}
}

static void end_attachment(struct model_attachment *one, unsigned int c)
{
	if (!one->dead) {
		region_of(one->from, one->region)->consumers[c].state = GRANTED;
	}
	one->used = false;
}

static void act_detach(unsigned int c)
{
	struct model_attachment *one = some_attachment(c);
	uint64_t status = one == NULL ? RSI_ERROR_INPUT : RSI_SUCCESS;

	status = model[c].apt ? status : CSM_ERROR_NO_APT;
	expect(CSM_FINISH(&trealms[c], DETACH_AND_FREE, one == NULL ? 1 : one->provider,
			  one == NULL ? 1 : one->region),
	       status);
	if (status == RSI_SUCCESS) {
		end_attachment(one, c);
	}
}

/* Nothing of anybody else is, or was, at that page of the consumer. */
static bool is_plain(unsigned int c, unsigned int page)
{
	const struct model_attachment *one = attachment_at(c, page);

	return one == NULL ||
	       (!one->dead && region_of(one->from, one->region)->consumers[c].state != ATTACHED);
}

static void act_access(unsigned int c)
{
	unsigned int page = (unsigned int)random_below(OTHER);
	bool write = random_below(2) == 0;
	uint64_t perm = 0;
	uint64_t pa = entitled(c, page, &perm);
	struct rmi_rec_exit exit;
	enum touch touch = trealm_touch(&trealms[c], TREALM_OTHER + PAGE(page), write, &exit);

	if (is_plain(c, page)) {
		/* RIPAS EMPTY, or DESTROYED where the host has destroyed the table. */
		assert_int_not_equal(touch, TOUCH_DONE);
	} else if (pa == 0) {
		assert_int_equal(touch, TOUCH_ABORT);
	} else if (!model[c].table) {
		assert_int_equal(touch, TOUCH_EXIT);
	} else {
		bool may = !write || (perm & CSM_PERM_WRITE) != 0;

		assert_int_equal(touch, may ? TOUCH_DONE : TOUCH_ABORT);
	}
}

static void act_take_page(unsigned int p)
{
	unsigned int page = (unsigned int)random_below(OWN);
	uint64_t pa = model[p].page[page];
	struct sim_answer answer =
		RMI(RMI_DATA_DESTROY, trealms[p].realm.rd, TREALM_OWN + PAGE(page));

	assert_int_equal(answer.x[0], pa == 0 ? rmi_status_rtt(3) : RMI_SUCCESS);
	if (pa != 0) {
		assert_int_equal(answer.x[1], pa);
		assert_true(sim_is_zero(pa));
		model[p].page[page] = 0;
		model[p].lost[page] = true;
		model[p].spare[model[p].spares++] = pa;
	}
}

static void act_give_page(unsigned int p)
{
	unsigned int page = (unsigned int)random_below(OWN);
	uint64_t spare;

	if (model[p].spares == 0) {
		return;
	}
	spare = model[p].spare[model[p].spares - 1];

	struct sim_answer answer =
		RMI(RMI_DATA_CREATE_UNKNOWN, trealms[p].realm.rd, spare, TREALM_OWN + PAGE(page));

	assert_int_equal(answer.x[0], model[p].page[page] == 0 ? RMI_SUCCESS : rmi_status_rtt(3));
	if (answer.x[0] == RMI_SUCCESS) {
		model[p].page[page] = spare;
		model[p].spares--;
	}
	answer = RMI(RMI_DATA_DESTROY, trealms[p].realm.rd, TREALM_OTHER);
	assert_int_not_equal(answer.x[0], RMI_SUCCESS);
}

/* The realm claims again what was lost, and the host agrees; what is there already is back. */
static void act_claim(unsigned int p)
{
	const struct sim_realm *realm = &trealms[p].realm;
	unsigned int page = (unsigned int)random_below(OWN);
	uint64_t ipa = TREALM_OWN + PAGE(page);
	uint64_t set[] = {RSI_IPA_STATE_SET_FID, ipa, ipa + PAGE(1), RSI_RIPAS_RAM,
			  RSI_RIPAS_FLAG_CHANGE_DESTROYED};
	struct trealm_call call = trealm_call_args(&trealms[p], set, ARRAY_LENGTH(set));

	if (region_at(p, page) != NULL) {
		expect(call, RSI_ERROR_STATE);
		return;
	}
	assert_int_equal(call.exit.exit_reason, RMI_EXIT_RIPAS_CHANGE);
	ASSERT_RMI_OK(RMI(RMI_RTT_SET_RIPAS, realm->rd, realm->recs[0], ipa, ipa + PAGE(1)));
	model[p].lost[page] = false;
}

static void act_table(unsigned int c)
{
	uint64_t rd = trealms[c].realm.rd;

	if (model[c].table) {
		struct sim_answer answer = RMI(RMI_RTT_DESTROY, rd, TREALM_OTHER, 3);

		ASSERT_RMI_OK(answer);
		model[c].spare_table = answer.x[1];
	} else {
		ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, model[c].spare_table, TREALM_OTHER, 3));
	}
	model[c].table = !model[c].table;
}

/* --- regions and blocks */

static void act_split(unsigned int p)
{
	uint64_t rd = trealms[p].realm.rd;

	if (model[p].block) {
		ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, model[p].block_table, TREALM_WIDE, 3));
		model[p].block = false;
	}
}

static void act_fold(unsigned int p)
{
	bool can = !model[p].block;
	struct sim_answer answer;

	for (unsigned int i = 0; i < PARTS; i++) {
		const struct model_part *part = &model[p].parts[i];

		can = can && (part->id == 0 || (part->pages == BLOCKED && !part->sealed));
	}
	answer = RMI(RMI_RTT_FOLD, trealms[p].realm.rd, TREALM_WIDE, 3);
	if (can) {
		ASSERT_RMI_OK(answer);
		model[p].block = true;
		model[p].block_table = answer.x[1];
	} else {
		assert_int_equal(answer.x[0], rmi_status_rtt(model[p].block ? 2 : 3));
	}
}

/* Where a block is in the way the host is asked, perhaps several times, before it splits. */
static struct trealm_call create_part(unsigned int p, unsigned int first, unsigned int pages)
{
	uint64_t base = TREALM_WIDE + PAGE(first);
	struct trealm_call call = CSM_FINISH(&trealms[p], CREATE, base, PAGE(pages), 2);

	if (!model[p].apt || !model[p].block || pages == BLOCKED) {
		return call;
	}
	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_EXIT(call.exit, .exit_reason = RMI_EXIT_CSM_SPLIT, .ripas_base = TREALM_WIDE,
			    .ripas_top = TREALM_WIDE + BLOCK);
		walk_everything();
		if (i == 0) {
			call = CSM_FINISH(&trealms[p], CREATE, base, PAGE(pages), 2);
		}
	}
	cut++;
	act_split(p);
	assert_int_equal(RMI(RMI_RTT_FOLD, trealms[p].realm.rd, TREALM_WIDE, 3).x[0],
			 rmi_status_rtt(3));
	return CSM_FINISH(&trealms[p], CREATE, base, PAGE(pages), 2);
}

static void act_part(unsigned int p)
{
	unsigned int first = STRIDE * (unsigned int)random_below(BLOCKED / STRIDE);
	unsigned int pages = STRIDE * (1 + (unsigned int)random_below(BLOCKED / STRIDE));
	struct model_part *slot = NULL;
	uint64_t status = RSI_SUCCESS;
	struct trealm_call call;

	first = random_below(3) == 0 ? 0 : first;
	pages = pages > BLOCKED - first ? BLOCKED - first : pages;
	for (unsigned int i = 0; i < PARTS && slot == NULL; i++) {
		slot = model[p].parts[i].id == 0 ? &model[p].parts[i] : NULL;
	}
	if (slot == NULL) {
		return;
	}
	for (unsigned int page = first; page < first + pages; page++) {
		status = part_at(p, page) == NULL ? status : RSI_ERROR_INPUT;
	}
	status = model[p].apt ? status : CSM_ERROR_NO_APT;
	call = status == RSI_SUCCESS
		       ? create_part(p, first, pages)
		       : CSM_FINISH(&trealms[p], CREATE, TREALM_WIDE + PAGE(first), PAGE(pages), 2);
	expect(call, status);
	if (status == RSI_SUCCESS) {
		*slot = (struct model_part){model[p].next_region++, first, pages, false};
		assert_int_equal(call.x[1], slot->id);
	}
}

/* Sealed, or else ended. */
static void act_part_on(unsigned int p)
{
	struct model_part *part = &model[p].parts[random_below(PARTS)];

	if (part->id == 0) {
		return;
	}
	if (!part->sealed && random_below(2) == 0) {
		expect(CSM_FINISH(&trealms[p], SEAL, part->id), RSI_SUCCESS);
		part->sealed = true;
	} else {
		expect(CSM_FINISH(&trealms[p], DESTROY, part->id), RSI_SUCCESS);
		part->id = 0;
	}
}

static void end_parts(unsigned int p)
{
	for (unsigned int i = 0; i < PARTS; i++) {
		model[p].parts[i].id = 0;
	}
}

static void act_apt(unsigned int p)
{
	struct trealm *trealm = &trealms[p];
	uint64_t apts[3];

	memcpy(apts, trealm->apt, sizeof(apts));
	trealm_drop_apts(trealm);
	for (unsigned int r = 0; r < REGIONS; r++) {
		if (model[p].regions[r].id != 0) {
			end_region(&model[p].regions[r], p);
		}
	}
	for (size_t i = 0; i < ARRAY_LENGTH(model[p].attachments); i++) {
		if (model[p].attachments[i].used) {
			end_attachment(&model[p].attachments[i], p);
		}
	}
	end_parts(p);
	model[p].apt = false;
	walk_everything();
	if (random_below(4) == 0) {
		act_create(p);
		act_reserve(p);
		act_detach(p);
		act_part(p);
		act_fold(p);
	}
	for (unsigned int i = 0; i < 3; i++) {
		ASSERT_RMI_OK(RMI(RMI_APT_CREATE, trealm->realm.rd, apts[i]));
		trealm->apt[trealm->apt_count++] = apts[i];
	}
	model[p].apt = true;
}

/* The realm goes, and another one comes to its place; grants for the old one lead nowhere. */
static void act_rebirth(unsigned int p)
{
	if (!model[p].table) {
		act_table(p);
	}
	act_split(p);
	for (unsigned int r = 0; r < REGIONS; r++) {
		if (model[p].regions[r].id != 0) {
			end_region(&model[p].regions[r], p);
		}
	}
	for (size_t i = 0; i < ARRAY_LENGTH(model[p].attachments); i++) {
		if (model[p].attachments[i].used) {
			end_attachment(&model[p].attachments[i], p);
		}
	}
	trealm_destroy(&trealms[p]);
	birth(p);
}

/* What is shared is nobody's to give away, split or claim. */
static void act_forbidden(unsigned int c)
{
	uint64_t rd = trealms[c].realm.rd;
	unsigned int page = (unsigned int)random_below(OTHER);
	uint64_t ipa = TREALM_OTHER + PAGE(page);
	uint64_t set[] = {RSI_IPA_STATE_SET_FID, ipa, ipa + GRANULE_SIZE, RSI_RIPAS_RAM, 0};

	if (attachment_at(c, page) != NULL) {
		expect(trealm_call_args(&trealms[c], set, 5), RSI_ERROR_STATE);
	}
	if (attachment_at(c, page) != NULL && model[c].spares != 0) {
		uint64_t spare = model[c].spare[0];

		assert_int_equal(RMI(RMI_DATA_CREATE_UNKNOWN, rd, spare, ipa).x[0],
				 RMI_ERROR_INPUT);
	}
	assert_int_not_equal(RMI(RMI_DATA_DESTROY, rd, ipa).x[0], RMI_SUCCESS);
	if (model[c].page[0] != 0) {
		assert_int_not_equal(RMI(RMI_GRANULE_UNDELEGATE, model[c].page[0]).x[0],
				     RMI_SUCCESS);
	}
}

/* The more often an act is here, the more often it is done. */
static void (*const acts[])(unsigned int trealm) = {
	act_create,  act_create,    act_share,  act_share,   act_share,     act_share,
	act_revoke,  act_destroy,   act_seal,   act_reserve, act_reserve,   act_reserve,
	act_reserve, act_attach,    act_attach, act_attach,  act_attach,    act_detach,
	act_access,  act_access,    act_access, act_access,  act_take_page, act_give_page,
	act_table,   act_forbidden, act_claim,  act_claim,   act_claim,     act_claim,
	act_fold,    act_fold,      act_split,  act_part,    act_part,      act_part_on,
	act_part_on,
};

static void random_acts(void **state)
{
	const char *steps = getenv("CSM_MODEL_STEPS");
	const char *start = getenv("CSM_MODEL_SEED");
	uint64_t count = steps == NULL ? STEPS : strtoull(steps, NULL, 0);

	(void)state;
	seed = start == NULL ? 0x5EED : strtoull(start, NULL, 0);
	interrupts = true;
	attached = cut = 0;
	machine_on_interrupt_pending = maybe_interrupted;
	for (unsigned int p = 0; p < TREALMS; p++) {
		birth(p);
	}
	for (uint64_t i = 0; i < count; i++) {
		unsigned int p = (unsigned int)random_below(TREALMS);
		uint64_t rare = random_below(500);

		if (rare == 0) {
			act_rebirth(p);
		} else if (rare < 4) {
			act_apt(p);
		} else {
			acts[random_below(ARRAY_LENGTH(acts))](p);
		}
		walk_everything();
	}
	machine_on_interrupt_pending = NULL;
	/* Acts that lead nowhere show nothing. */
	print_message("# of %lu acts, %lu attached something and %lu met a block\n",
		      (unsigned long)count, (unsigned long)attached, (unsigned long)cut);
	assert_true(attached >= count / 100);
	assert_true(cut >= count / 400);
	for (unsigned int p = 0; p < TREALMS; p++) {
		if (!model[p].table) {
			act_table(p);
		}
		act_split(p);
		trealm_destroy(&trealms[p]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("invariant 01, invariant 02, invariant 04, invariant 05: random acts",
			    random_acts),
	};
	return unit_run(tests);
}
