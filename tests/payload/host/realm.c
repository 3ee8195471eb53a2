// SPDX-License-Identifier: BSD-3-Clause
/* Building and taking down realms. Running them is rec.c. */
#include "realm.h"
#include "csm.h"
#include "mem.h"
#include "test.h"

#define MAX_REALMS 8

extern const uint8_t realm_image[], realm_image_end[];

static struct realm realms[MAX_REALMS];

uint64_t level_size(int level)
{
	return 1UL << (ABI_GRANULE_SHIFT + 9 * (RMI_LEVEL_PAGE - level));
}

static uint64_t align_down(uint64_t address, uint64_t size)
{
	return address & ~(size - 1);
}

uint64_t realm_unprotected(const struct realm *realm)
{
	return 1UL << (realm->config.ipa_width - 1);
}

uint64_t granule_take(void)
{
	uint64_t granule = page_alloc();

	REQUIRE_EQ(rmi_granule_delegate(granule), RMI_SUCCESS);
	return granule;
}

void granule_give(uint64_t granule)
{
	if (CHECK_EQ(rmi_granule_undelegate(granule), RMI_SUCCESS)) {
		CHECK(page_is(granule, 0));
		page_free(granule, 1);
	}
}

struct realm_config realm_default(enum realm_program program)
{
	return (struct realm_config){
		.ipa_width = 32,
		.start_level = 1,
		.start_tables = 1,
		.hash = RMI_HASH_SHA_256,
		.num_bps = 1,
		.num_wps = 1,
		.recs = 1,
		.program = program,
	};
}

static struct realm *free_slot(void)
{
	for (unsigned i = 0; i < MAX_REALMS; i++) {
		if (!realms[i].created) {
			return &realms[i];
		}
	}
	REQUIRE(!"too many realms");
	return NULL;
}

void realm_each(void (*fn)(struct realm *realm, uint64_t arg), uint64_t arg)
{
	for (unsigned i = 0; i < MAX_REALMS; i++) {
		fn(&realms[i], arg);
	}
}

static void fill_params(const struct realm *realm, struct rmi_realm_params *params)
{
	const struct realm_config *c = &realm->config;

	params->flags = c->flags;
	params->s2sz = c->ipa_width;
	params->sve_vl = c->sve_vl;
	params->num_bps = c->num_bps;
	params->num_wps = c->num_wps;
	params->pmu_num_ctrs = c->pmu_counters;
	params->hash_algo = c->hash;
	memcpy(params->rpv, c->rpv, sizeof(params->rpv));
	params->vmid = (uint16_t)(realm - realms + 1);
	params->rtt_base = realm->tables;
	params->rtt_level_start = c->start_level;
	params->rtt_num_start = c->start_tables;
}

static void destroy_at_end(void *arg)
{
	struct realm *realm = arg;

	if (realm->created) {
		realm_destroy(realm);
	}
}

struct realm *realm_create(const struct realm_config *config)
{
	struct realm *realm = free_slot();
	uint64_t params = page_alloc();

	*realm = (struct realm){.config = *config};
	realm->rd = granule_take();
	realm->tables = page_alloc_run(config->start_tables, config->start_tables);
	for (unsigned i = 0; i < config->start_tables; i++) {
		REQUIRE_EQ(rmi_granule_delegate(realm->tables + i * PAGE_SIZE), RMI_SUCCESS);
	}
	fill_params(realm, (struct rmi_realm_params *)params);
	REQUIRE_EQ(smc_call(RMI_REALM_CREATE_FID, realm->rd, params).x[0], RMI_SUCCESS);
	realm->created = true;
	test_cleanup(destroy_at_end, realm);
	page_free(params, 1);
	return realm;
}

void realm_activate(struct realm *realm)
{
	REQUIRE_EQ(smc_call(RMI_REALM_ACTIVATE_FID, realm->rd).x[0], RMI_SUCCESS);
}

void realm_make_tables(struct realm *realm, uint64_t ipa, int from, int to)
{
	for (int level = from + 1; level <= to; level++) {
		uint64_t table = granule_take();
		uint64_t base = align_down(ipa, level_size(level - 1));
		uint64_t status =
			smc_call(RMI_RTT_CREATE_FID, realm->rd, table, base, (uint64_t)level).x[0];

		if (status == RMI_SUCCESS) {
			continue;
		}
		/* Another CPU was faster: its table is there, this one goes back. */
		granule_give(table);
		REQUIRE_EQ(status, rmi_status_rtt(level - 1));
	}
}

/*
 * If status says that tables are missing above `level`, makes them: then the call may be repeated.
 */
static bool tables_were_missing(struct realm *realm, uint64_t ipa, uint64_t status, int level)
{
	if (rmi_status_code(status) != RMI_ERROR_RTT || rmi_status_level(status) >= level) {
		return false;
	}
	realm_make_tables(realm, ipa, rmi_status_level(status), level);
	return true;
}

void realm_init_ripas(struct realm *realm, uint64_t base, uint64_t top)
{
	while (base < top) {
		struct smc_regs r = smc_call(RMI_RTT_INIT_RIPAS_FID, realm->rd, base, top);
		int level = rmi_status_level(r.x[0]);

		if (r.x[0] == RMI_SUCCESS) {
			REQUIRE(r.x[1] > base && r.x[1] <= top);
			base = r.x[1];
		} else {
			REQUIRE(level < RMI_LEVEL_PAGE &&
				tables_were_missing(realm, base, r.x[0], level + 1));
		}
	}
}

void realm_data_create(struct realm *realm, uint64_t ipa, uint64_t src, uint64_t flags)
{
	uint64_t data = granule_take();
	uint64_t status;

	do {
		status = smc_call(RMI_DATA_CREATE_FID, realm->rd, data, ipa, src, flags).x[0];
	} while (tables_were_missing(realm, ipa, status, RMI_LEVEL_PAGE));
	REQUIRE_EQ(status, RMI_SUCCESS);
}

bool realm_data_unknown(struct realm *realm, uint64_t ipa)
{
	uint64_t data = granule_take();
	uint64_t status;

	do {
		status = smc_call(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd, data, ipa).x[0];
	} while (tables_were_missing(realm, ipa, status, RMI_LEVEL_PAGE));
	if (status == rmi_status_rtt(RMI_LEVEL_PAGE)) {
		granule_give(data);
		return false;
	}
	REQUIRE_EQ(status, RMI_SUCCESS);
	return true;
}

void realm_map_page(struct realm *realm, uint64_t ipa, uint64_t page)
{
	uint64_t desc = page | ABI_FIELD_PREP(RMI_DESC_MEMATTR, RMI_MEMATTR_NORMAL_WB) |
			ABI_FIELD_PREP(RMI_DESC_S2AP, RMI_S2AP_READ | RMI_S2AP_WRITE);
	uint64_t status;

	do {
		status = smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, ipa, RMI_LEVEL_PAGE, desc)
				 .x[0];
	} while (tables_were_missing(realm, ipa, status, RMI_LEVEL_PAGE));
	REQUIRE_EQ(status, RMI_SUCCESS);
}

static void fill_rec_params(struct rec *rec, struct rmi_rec_params *params, uint64_t pc,
			    const uint64_t args[8], bool runnable)
{
	params->flags = runnable ? RMI_REC_FLAG_RUNNABLE : 0;
	params->mpidr = rmi_mpidr_from_index(rec->index);
	params->pc = pc;
	memcpy(params->gprs, args, sizeof(params->gprs));
	params->num_aux = rec->aux_count;
	for (unsigned i = 0; i < rec->aux_count; i++) {
		rec->aux[i] = granule_take();
		params->aux[i] = rec->aux[i];
	}
}

struct rec *realm_add_rec(struct realm *realm, uint64_t pc, const uint64_t args[8], bool runnable)
{
	struct rec *rec = &realm->recs[realm->rec_count];
	struct smc_regs aux = smc_call(RMI_REC_AUX_COUNT_FID, realm->rd);
	uint64_t params = page_alloc();

	REQUIRE(realm->rec_count < REALM_MAX_RECS);
	REQUIRE_EQ(aux.x[0], RMI_SUCCESS);
	REQUIRE(aux.x[1] <= RMI_MAX_AUX);
	*rec = (struct rec){.realm = realm, .index = realm->rec_count, .aux_count = aux.x[1]};
	rec->run = (struct rmi_rec_run *)page_alloc();
	fill_rec_params(rec, (struct rmi_rec_params *)params, pc, args, runnable);
	rec->granule = granule_take();
	REQUIRE_EQ(smc_call(RMI_REC_CREATE_FID, realm->rd, rec->granule, params).x[0], RMI_SUCCESS);
	realm->rec_count++;
	page_free(params, 1);
	return rec;
}

static void load_image(struct realm *realm)
{
	uint64_t size = (uint64_t)(realm_image_end - realm_image);

	for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
		realm_data_create(realm, REALM_RAM_BASE + at, (uint64_t)realm_image + at,
				  RMI_DATA_FLAG_MEASURE);
	}
}

struct realm *realm_boot(const struct realm_config *config)
{
	struct realm *realm = realm_create(config);
	uint64_t args[8] = {config->program};

	memcpy(&args[1], config->args, sizeof(config->args));
	realm_init_ripas(realm, REALM_RAM_BASE, REALM_RAM_TOP);
	load_image(realm);
	for (unsigned i = 0; i < 2 && config->created.src; i++) {
		realm_data_create(realm, config->created.ipa[i], config->created.src,
				  config->created.flags);
	}
	for (unsigned i = 0; i < config->recs; i++) {
		realm_add_rec(realm, REALM_RAM_BASE, args, i == 0);
	}
	realm_activate(realm);
	return realm;
}

void realm_take_rec(struct realm *realm)
{
	struct rec *rec = &realm->recs[--realm->rec_count];

	if (!CHECK_EQ(smc_call(RMI_REC_DESTROY_FID, rec->granule).x[0], RMI_SUCCESS)) {
		return;
	}
	granule_give(rec->granule);
	for (unsigned i = 0; i < rec->aux_count; i++) {
		granule_give(rec->aux[i]);
	}
	page_free((uint64_t)rec->run, 1);
}

void realm_take_recs(struct realm *realm)
{
	while (realm->rec_count) {
		realm_take_rec(realm);
	}
}

/*
 * One step of taking data away, in the way Linux does it: follow `top`, unfold a block that is in
 * the way. Returns where to go on; ipa itself if there is no progress.
 */
static uint64_t destroy_data_at(struct realm *realm, uint64_t ipa)
{
	struct smc_regs r = smc_call(RMI_DATA_DESTROY_FID, realm->rd, ipa);
	int level = rmi_status_level(r.x[0]);

	if (r.x[0] == RMI_SUCCESS) {
		granule_give(r.x[1]);
		return r.x[2];
	}
	CHECK_EQ(rmi_status_code(r.x[0]), RMI_ERROR_RTT);
	if (r.x[2] == ipa && level < RMI_LEVEL_PAGE) {
		realm_make_tables(realm, ipa, level, level + 1);
		return destroy_data_at(realm, ipa);
	}
	return r.x[2];
}

void realm_take_data(struct realm *realm, uint64_t base, uint64_t top)
{
	while (base < top) {
		uint64_t next = destroy_data_at(realm, base);

		REQUIRE(next > base);
		base = next;
	}
}

/* The table of this level at ipa, if there is one. Returns where to go on. */
static uint64_t destroy_table_at(struct realm *realm, uint64_t ipa, int level)
{
	struct smc_regs r = smc_call(RMI_RTT_DESTROY_FID, realm->rd, ipa, (uint64_t)level);

	if (r.x[0] == RMI_SUCCESS) {
		granule_give(r.x[1]);
		return r.x[2];
	}
	CHECK_EQ(rmi_status_code(r.x[0]), RMI_ERROR_RTT);
	/* A block of normal memory where the table would hang: nothing to destroy, step over it. */
	if (r.x[2] == ipa && rmi_status_level(r.x[0]) < level) {
		return ipa + level_size(rmi_status_level(r.x[0]));
	}
	return r.x[2];
}

static void take_tables(struct realm *realm, int level)
{
	uint64_t ipa = 0;

	while (ipa < 1UL << realm->config.ipa_width) {
		uint64_t next = destroy_table_at(realm, ipa, level);

		REQUIRE(next > ipa);
		/* `top` of a walk that ended higher up is aligned to more, never to less. */
		ipa = next;
	}
}

void realm_take_tables(struct realm *realm)
{
	for (int level = RMI_LEVEL_PAGE; level > realm->config.start_level; level--) {
		take_tables(realm, level);
	}
}

void realm_destroy(struct realm *realm)
{
	realm_take_recs(realm);
	csm_apt_drop(realm);
	realm_take_data(realm, 0, realm_unprotected(realm));
	realm_take_tables(realm);
	REQUIRE_EQ(smc_call(RMI_REALM_DESTROY_FID, realm->rd).x[0], RMI_SUCCESS);
	realm->created = false;
	granule_give(realm->rd);
	for (unsigned i = 0; i < realm->config.start_tables; i++) {
		granule_give(realm->tables + i * PAGE_SIZE);
	}
}
