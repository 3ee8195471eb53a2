// SPDX-License-Identifier: BSD-3-Clause
/* Several CPUs at once: realms that run, and hosts that race on the same granules. */
#include "payload/common/spinlock.h"
#include "payload/host/agent.h"
#include "payload/host/bad_addresses.h"
#include "payload/host/cpu.h"
#include "payload/host/cpu_pool.h"
#include "payload/host/gic.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define MIB(n)      ((uint64_t)(n) << 20)
#define UNPROTECTED 0x80000000UL

/* ---- realms that work ---- */

#define WORK_REALMS 3
#define WORK_RECS   3
#define WORK_ROUNDS 8
#define SLICE_US    3000

static void one_more(struct rec *rec)
{
	rec->run->enter.gprs[0] = rec->run->exit.gprs[0] + 1;
}

TEST_CPUS(realms_work, CPU_POOL,
	  "concurrency: realms with several RECs each on four CPUs, moved at random: memory that "
	  "comes "
	  "and goes is theirs alone")
{
	cpu_pool_begin();
	for (unsigned i = 0; i < WORK_REALMS; i++) {
		struct realm_config config = realm_default(PROGRAM_worker);
		struct realm *realm;

		config.recs = WORK_RECS;
		config.args[0] = random64();
		config.args[1] = WORK_ROUNDS;
		config.args[2] = WORK_RECS;
		realm = realm_boot(&config);
		for (unsigned n = 0; n < WORK_RECS; n++) {
			cpu_pool_add(&realm->recs[n]);
		}
	}
	cpu_pool_run(one_more, SLICE_US, LONG_MS);
}

static void timer_fired(unsigned intid)
{
	(void)intid;
	el2_timer_stop();
}

/* ---- hosts that race ---- */

#define POOL       48
#define STEPS      1800
#define RACE_VMIDS 3
#define RACE_US    300 /* a REC may run so long */

static const uint64_t ipas[] = {0, PAGE_SIZE, MIB(2), UNPROTECTED, UNPROTECTED + MIB(2)};
#define IPAS (sizeof(ipas) / sizeof(ipas[0]))

/* What a page of the pool was last seen to be. Others change it all the time: only a hint. */
enum role { ROLE_OURS, ROLE_DELEGATED, ROLE_RD, ROLE_REC, ROLE_OTHER, ROLES };

static struct {
	uint64_t pages; /* POOL of them; any CPU does anything with them */
	uint64_t aux;
	uint8_t roles[POOL]; /* atomic enum role */
	uint64_t counts[16]; /* atomic: successes, by command */
} race;

struct racer {
	uint64_t params, run, code; /* pages of this CPU's own */
};
static struct racer racers[MAX_CPUS];

static uint64_t any_page(void)
{
	return race.pages + random_below(POOL) * PAGE_SIZE;
}

/* Mostly a page that looks right. */
static uint64_t page_as(enum role role)
{
	unsigned start = (unsigned)random_below(POOL);

	for (unsigned i = 0; i < POOL && random_below(64); i++) {
		unsigned n = (start + i) % POOL;

		if (__atomic_load_n(&race.roles[n], __ATOMIC_RELAXED) == role) {
			return race.pages + n * PAGE_SIZE;
		}
	}
	return any_page();
}

static void now_is(uint64_t page, enum role role)
{
	uint64_t n = (page - race.pages) / PAGE_SIZE;

	if (n < POOL) {
		__atomic_store_n(&race.roles[n], (uint8_t)role, __ATOMIC_RELAXED);
	}
}

/* A command on one page that changes what it is. */
static uint64_t turn(uint64_t fid, uint64_t page, enum role role)
{
	uint64_t status = smc_call(fid, page).x[0];

	if (status == RMI_SUCCESS) {
		now_is(page, role);
	}
	return status;
}

/* A command that hands a page back in x1. */
static uint64_t back(uint64_t fid, uint64_t rd, uint64_t ipa, uint64_t level)
{
	struct smc_regs r = smc_call(fid, rd, ipa, level);

	if (r.x[0] == RMI_SUCCESS) {
		now_is(r.x[1], ROLE_DELEGATED);
	}
	return r.x[0];
}

/* A command that uses up the delegated page it gets as x2. */
static uint64_t used(uint64_t fid, uint64_t rd, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t page = page_as(ROLE_DELEGATED);
	uint64_t status = smc_call(fid, rd, page, a, b, c).x[0];

	if (status == RMI_SUCCESS) {
		now_is(page, ROLE_OTHER);
	}
	return status;
}

static uint64_t some_ipa(void)
{
	return ipas[random_below(IPAS)];
}

/* Mostly the CPU's own page; sometimes one that others delegate meanwhile. */
static uint64_t own_page(uint64_t page)
{
	return random_below(8) ? page : any_page();
}

static uint64_t race_realm_create(struct racer *racer)
{
	struct rmi_realm_params *params = (struct rmi_realm_params *)racer->params;
	uint64_t rd = page_as(ROLE_DELEGATED);
	uint64_t status;

	memset(params, 0, offsetof(struct rmi_realm_params, rpv));
	params->s2sz = 32;
	params->num_bps = 1;
	params->num_wps = 1;
	params->vmid = (uint16_t)(100 + random_below(RACE_VMIDS));
	params->rtt_base = page_as(ROLE_DELEGATED);
	params->rtt_level_start = 1;
	params->rtt_num_start = 1;
	status = smc_call(RMI_REALM_CREATE_FID, rd, own_page(racer->params)).x[0];
	if (status == RMI_SUCCESS) {
		now_is(rd, ROLE_RD);
	}
	return status;
}

static uint64_t race_rec_create(struct racer *racer)
{
	struct rmi_rec_params *params = (struct rmi_rec_params *)racer->params;
	uint64_t rec = page_as(ROLE_DELEGATED);
	uint64_t status;

	params->flags = RMI_REC_FLAG_RUNNABLE;
	params->mpidr = random_below(2);
	params->pc = 0;
	params->gprs[0] = PSCI_CPU_SUSPEND_FID;
	params->num_aux = race.aux;
	for (uint64_t i = 0; i < race.aux; i++) {
		params->aux[i] = page_as(ROLE_DELEGATED);
	}
	status = smc_call(RMI_REC_CREATE_FID, page_as(ROLE_RD), rec, own_page(racer->params)).x[0];
	if (status == RMI_SUCCESS) {
		now_is(rec, ROLE_REC);
	}
	return status;
}

static uint64_t race_enter(struct racer *racer)
{
	uint64_t rec = page_as(ROLE_REC);
	uint64_t status;

	el2_timer_arm(random_below(RACE_US));
	status = smc_call(RMI_REC_ENTER_FID, rec, own_page(racer->run)).x[0];
	for (unsigned i = 0; i < RACE_VMIDS && status == RMI_ERROR_REALM; i++) {
		turn(RMI_REALM_ACTIVATE_FID, page_as(ROLE_RD), ROLE_RD);
		status = smc_call(RMI_REC_ENTER_FID, rec, own_page(racer->run)).x[0];
	}
	irq_window();
	el2_timer_stop();
	return status;
}

static uint64_t race_tables(uint64_t choice)
{
	uint64_t rd = page_as(ROLE_RD);
	uint64_t level = 2 + random_below(2);
	uint64_t ipa = some_ipa() & ~(level_size((int)level - 1) - 1);

	if (choice < 5) {
		return used(RMI_RTT_CREATE_FID, rd, ipa, level, 0);
	}
	return back(choice == 5 ? RMI_RTT_DESTROY_FID : RMI_RTT_FOLD_FID, rd, ipa, level);
}

static uint64_t race_pages(struct racer *racer, uint64_t choice)
{
	uint64_t rd = page_as(ROLE_RD);
	uint64_t ipa = some_ipa();
	uint64_t desc = ns_desc(any_page(), RMI_MEMATTR_NORMAL_WB, 3);

	switch (choice) {
	case 0:
		return used(RMI_DATA_CREATE_FID, rd, ipa,
			    random_below(4) ? racer->code : any_page(), random_below(2));
	case 1:
		return used(RMI_DATA_CREATE_UNKNOWN_FID, rd, ipa, 0, 0);
	case 2:
		return back(RMI_DATA_DESTROY_FID, rd, ipa, 0);
	case 3:
		return smc_call(RMI_RTT_MAP_UNPROTECTED_FID, rd, ipa, 3, desc).x[0];
	case 4:
		return smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, rd, ipa, 3).x[0];
	case 5:
		return smc_call(RMI_RTT_READ_ENTRY_FID, rd, ipa, 3).x[0];
	case 6:
		return smc_call(RMI_RTT_INIT_RIPAS_FID, rd, ipa, ipa + MIB(2)).x[0];
	default:
		return smc_call(RMI_RTT_SET_RIPAS_FID, rd, page_as(ROLE_REC), ipa, ipa + MIB(2))
			.x[0];
	}
}

static void destroy_contents(uint64_t rd)
{
	for (unsigned i = 0; i < IPAS; i++) {
		uint64_t gib = ipas[i] & ~(level_size(1) - 1);

		back(RMI_RTT_FOLD_FID, rd, ipas[i], 3);
		back(RMI_DATA_DESTROY_FID, rd, ipas[i], 0);
		back(RMI_RTT_DESTROY_FID, rd, ipas[i] & ~(MIB(2) - 1), 3);
		back(RMI_RTT_DESTROY_FID, rd, gib, 2);
	}
}

/* A whole realm, while others build it. */
static uint64_t race_demolish(void)
{
	uint64_t rd = page_as(ROLE_RD);

	for (unsigned i = 0; i < 3; i++) {
		turn(RMI_REC_DESTROY_FID, page_as(ROLE_REC), ROLE_DELEGATED);
	}
	destroy_contents(rd);
	return turn(RMI_REALM_DESTROY_FID, rd, ROLE_DELEGATED);
}

enum {
	RACE_CREATE,
	RACE_ACTIVATE,
	RACE_DESTROY,
	RACE_REC,
	RACE_REC_GONE,
	RACE_ENTER,
	RACE_TABLES,
	RACE_PAGES,
	RACE_DELEGATE,
	RACE_UNDELEGATE,
	RACE_PSCI,
	RACE_KINDS
};

static unsigned pick_kind(void)
{
	/* What builds is tried more often than what tears down, or nothing would ever stand. */
	static const uint8_t kinds[] = {
		RACE_CREATE, RACE_CREATE,   RACE_ACTIVATE, RACE_DESTROY,  RACE_REC,
		RACE_REC,    RACE_REC,      RACE_REC_GONE, RACE_ENTER,    RACE_ENTER,
		RACE_TABLES, RACE_TABLES,   RACE_TABLES,   RACE_PAGES,    RACE_PAGES,
		RACE_PAGES,  RACE_DELEGATE, RACE_DELEGATE, RACE_DELEGATE, RACE_UNDELEGATE,
		RACE_PSCI,
	};

	return kinds[random_below(sizeof(kinds))];
}

static uint64_t race_step(struct racer *racer, unsigned kind)
{
	switch (kind) {
	case RACE_CREATE:
		return race_realm_create(racer);
	case RACE_ACTIVATE:
		return turn(RMI_REALM_ACTIVATE_FID, random_below(3) ? any_page() : page_as(ROLE_RD),
			    ROLE_RD);
	case RACE_DESTROY:
		return race_demolish();
	case RACE_REC:
		return race_rec_create(racer);
	case RACE_REC_GONE:
		return turn(RMI_REC_DESTROY_FID, page_as(ROLE_REC), ROLE_DELEGATED);
	case RACE_ENTER:
		return race_enter(racer);
	case RACE_TABLES:
		return race_tables(random_below(7));
	case RACE_PAGES:
		return race_pages(racer, random_below(8));
	case RACE_DELEGATE:
		return turn(RMI_GRANULE_DELEGATE_FID, page_as(ROLE_OURS), ROLE_DELEGATED);
	case RACE_UNDELEGATE:
		return turn(RMI_GRANULE_UNDELEGATE_FID, page_as(ROLE_DELEGATED), ROLE_OURS);
	default:
		return smc_call(RMI_PSCI_COMPLETE_FID, page_as(ROLE_REC), page_as(ROLE_REC),
				PSCI_SUCCESS)
			.x[0];
	}
}

/* Any result, but only one that the command has. */
static bool possible(unsigned kind, uint64_t status)
{
	uint64_t code = rmi_status_code(status);

	if (status >> 16 || code > RMI_ERROR_RTT) {
		return false;
	}
	if (code != RMI_ERROR_RTT && rmi_status_index(status)) {
		return kind == RACE_ENTER && code == RMI_ERROR_REALM;
	}
	return code != RMI_ERROR_RTT || kind == RACE_TABLES || kind == RACE_PAGES;
}

static void racer_main(void *unused)
{
	struct racer *racer = &racers[this_cpu()->index];

	(void)unused;
	gic_enable(PPI_EL2_TIMER, timer_fired);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned kind = pick_kind();
		uint64_t status = race_step(racer, kind);

		if (!CHECK(possible(kind, status))) {
			note("command %u: status %lx", kind, status);
		}
		if (status == RMI_SUCCESS) {
			__atomic_add_fetch(&race.counts[kind], 1, __ATOMIC_RELAXED);
		}
	}
	gic_disable(PPI_EL2_TIMER);
}

/* Takes everything apart without knowing what is what. */
static void tear_down(void)
{
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < POOL; i++) {
			uint64_t page = race.pages + i * PAGE_SIZE;

			smc_call(RMI_REC_DESTROY_FID, page);
			destroy_contents(page);
			smc_call(RMI_REALM_DESTROY_FID, page);
		}
	}
}

static uint64_t pool_mark(unsigned i)
{
	return 0x1357000000000000 | i;
}

TEST_CPUS(hosts_race, CPU_POOL,
	  "concurrency: four CPUs create, enter, fold, destroy and delegate at random on the same "
	  "few "
	  "granules: every result is one the command has, and at the end all granules come back "
	  "wiped")
{
	struct realm_config config = realm_default(PROGRAM_hello);
	struct realm *realm = realm_create(&config);
	unsigned gone = 0;

	race.aux = smc_call(RMI_REC_AUX_COUNT_FID, realm->rd).x[1];
	realm_destroy(realm);
	memset(&race.counts, 0, sizeof(race.counts));
	memset(race.roles, ROLE_OURS, sizeof(race.roles));
	race.pages = page_alloc_run(POOL, 1);
	for (unsigned n = 0; n < CPU_POOL; n++) {
		racers[n].params = page_alloc();
		racers[n].run = page_alloc();
		racers[n].code = page_alloc();
		page_fill(racers[n].code, 0xd4000003d4000003); /* smc #0 */
	}
	for (unsigned i = 0; i < POOL; i++) {
		page_fill(race.pages + i * PAGE_SIZE, pool_mark(i));
	}
	on_crew(racer_main, NULL, 100000);
	tear_down();
	for (unsigned i = 0; i < POOL; i++) {
		uint64_t page = race.pages + i * PAGE_SIZE;

		if (rmi_granule_undelegate(page) == RMI_SUCCESS) {
			CHECK(page_is(page, 0));
			gone++;
		}
	}
	CHECK_EQ(ledger_count(), 0);
	for (unsigned kind = 0; kind < RACE_KINDS - 1; kind++) {
		CHECK(race.counts[kind] > 0);
		note("command %u succeeded %lu times", kind, race.counts[kind]);
	}
	CHECK(gone > 0);
}

/* ---- a realm that runs while its tables change ---- */

static uint32_t stop_reading; /* atomic */

struct reader {
	struct rec *rec;
	uint64_t base, top;
	uint32_t passes; /* atomic */
};

static void read_on(void *arg)
{
	struct reader *reader = arg;
	struct rec *rec = reader->rec;

	while (!__atomic_load_n(&stop_reading, __ATOMIC_ACQUIRE) && !test_failing()) {
		agent_order(rec, AGENT_CHECK, reader->base, reader->top, 0x4711);
		CHECK(agent_done(rec));
		CHECK_EQ(agent_value(rec), 0);
		__atomic_add_fetch(&reader->passes, 1, __ATOMIC_RELEASE);
	}
}

static void fold_and_unfold(struct realm *realm, uint64_t ipa)
{
	struct smc_regs r;

	realm_make_tables(realm, ipa, 2, 3);
	r = smc_call(RMI_RTT_FOLD_FID, realm->rd, ipa, 3);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
}

TEST_CPUS(fold_running, 2,
	  "concurrency: a block is unfolded and folded again and again while the realm reads all "
	  "of it: it "
	  "reads its values and never exits")
{
	struct realm *realm = agent_realm(1);
	struct reader reader = {.rec = &realm->recs[0], .base = REALM_RAM_TOP};
	uint64_t end = time_now() + us_to_ticks(PATIENCE_MS * 1000UL);
	uint32_t passes = 0;

	reader.top = reader.base + MIB(2);
	realm_make_block(realm, reader.base);
	REQUIRE_EQ(agent_smc(reader.rec, RSI_IPA_STATE_SET_FID, reader.base, reader.top, 1).x[1],
		   reader.top);
	agent_order(reader.rec, AGENT_FILL, reader.base, reader.top, 0x4711);
	stop_reading = 0;
	cpu_start(1, read_on, &reader);
	for (unsigned i = 0; (i < 40 || passes < 2) && time_now() < end && !test_failing(); i++) {
		fold_and_unfold(realm, reader.base);
		passes = __atomic_load_n(&reader.passes, __ATOMIC_ACQUIRE);
	}
	CHECK(passes >= 2);
	__atomic_store_n(&stop_reading, 1, __ATOMIC_RELEASE);
	REQUIRE(cpu_join(1, PATIENCE_MS));
}

/*
 * Enters again and again until the RMM refuses. Does not touch the page, which is lost meanwhile.
 */
static void enter_until_refused(void *arg)
{
	struct rec *rec = arg;

	do {
		irq_window();
		rec->status = smc_call(RMI_REC_ENTER_FID, rec->granule, (uint64_t)rec->run).x[0];
	} while (rec->status == RMI_SUCCESS);
}

TEST_CPUS(run_page_lost, 2,
	  "RMI_REC_ENTER run_pas: the run page is delegated while the REC runs: INPUT, and the REC "
	  "can be "
	  "entered again")
{
	struct realm_config config = realm_default(PROGRAM_spin);
	struct realm *realm = realm_boot(&config);
	struct rec *rec = &realm->recs[0];
	uint64_t page = (uint64_t)rec->run;

	REQUIRE_EQ(rec_run(rec), REC_CALL);
	cpu_start(1, enter_until_refused, rec);
	rec_wait_running(rec);
	REQUIRE_EQ(rmi_granule_delegate(page), RMI_SUCCESS);
	gic_send_sgi(1, SGI_WAKE);
	REQUIRE(cpu_join(1, PATIENCE_MS));
	CHECK_EQ(rec->status, RMI_ERROR_INPUT);
	granule_give(page);
	rec->run = (struct rmi_rec_run *)page_alloc();
	rec->stop_on_irq = true;
	gic_enable(PPI_EL2_TIMER, timer_fired);
	el2_timer_arm(1000);
	CHECK_EQ(rec_run(rec), REC_IRQ);
	irq_window();
	el2_timer_stop();
	gic_disable(PPI_EL2_TIMER);
}

/* The REC reads one word again and again on CPU 1, until what it reads from is taken away. */
static void reading(struct rec *rec, uint64_t ipa)
{
	agent_prepare(rec, AGENT_WAIT, ipa, 0, 0);
	cpu_start(1, rec_run_on, rec);
	rec_wait_running(rec);
}

/* It must have left with a data abort at ipa. With a stale translation it would read on. */
static void left(struct rec *rec, uint64_t ipa)
{
	if (!CHECK(cpu_join(1, PATIENCE_MS))) {
		rec_let_go(rec, 1);
	}
	CHECK_EQ(rec->stop, REC_EXIT);
	CHECK_EQ(rec->run->exit.exit_reason, RMI_EXIT_SYNC);
	CHECK_EQ(rec->run->exit.hpfar, ipa >> 8);
}

TEST_CPUS(unmap_running, 2,
	  "concurrency: RMI_RTT_UNMAP_UNPROTECTED and RTT_DESTROY of what a realm reads on another "
	  "CPU: it "
	  "reads no more")
{
	struct realm *realm = agent_realm(1);
	struct rec *rec = &realm->recs[0];
	uint64_t page = page_alloc();
	struct smc_regs r;

	realm_map_page(realm, UNPROTECTED, page);
	reading(rec, UNPROTECTED);
	CHECK_EQ(smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, realm->rd, UNPROTECTED, 3).x[0],
		 RMI_SUCCESS);
	left(rec, UNPROTECTED);
	realm_map_page(realm, UNPROTECTED, page);
	write64(page, 1);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	write64(page, 0);
	reading(rec, UNPROTECTED);
	r = smc_call(RMI_RTT_DESTROY_FID, realm->rd, UNPROTECTED, 3);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	left(rec, UNPROTECTED);
}

TEST_CPUS(destroy_running, 2,
	  "concurrency: RMI_DATA_DESTROY of a page that a realm reads on another CPU: it reads no "
	  "more")
{
	struct realm *realm = agent_realm(1);
	uint64_t ipa = REALM_RAM_TOP - PAGE_SIZE;
	struct rec *rec = &realm->recs[0];
	struct smc_regs r;

	REQUIRE(realm_data_unknown(realm, ipa));
	reading(rec, ipa);
	r = smc_call(RMI_DATA_DESTROY_FID, realm->rd, ipa);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	left(rec, ipa);
	granule_give(r.x[1]);
}
