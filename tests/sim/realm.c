// SPDX-License-Identifier: BSD-3-Clause
#include "sim/realm.h"

#include <string.h>

#include "base/bits.h"
#include "map/map.h"

#define DATA_LEVEL 4
#define MAX_STEPS  64U
#define RUBBISH    0x5AU

uint64_t sim_realm_page(struct sim_realm *realm)
{
	SIM_CHECK(realm->next_page < SIM_PAGES);
	return sim_page(realm->next_page++);
}

uint64_t sim_realm_delegated(struct sim_realm *realm)
{
	uint64_t page = sim_realm_page(realm);

	SIM_CHECK(realm->delegated_count < ARRAY_LENGTH(realm->delegated));
	sim_delegate(page);
	realm->delegated[realm->delegated_count++] = page;
	return page;
}

void sim_realm_prepare(struct sim_realm *realm, uint64_t first_page, uint16_t vmid)
{
	memset(realm, 0, sizeof(*realm));
	realm->next_page = first_page;
	realm->scratch = sim_realm_page(realm);
	realm->run = sim_realm_page(realm);
	realm->params.s2sz = 40;
	realm->params.num_bps = 1;
	realm->params.num_wps = 1;
	realm->params.hash_algo = RMI_HASH_SHA_256;
	realm->params.vmid = vmid;
	realm->params.rtt_level_start = 0;
	realm->params.rtt_num_start = 1;
}

void sim_realm_create(struct sim_realm *realm)
{
	uint64_t align = realm->params.rtt_num_start * GRANULE_SIZE;

	while (!is_aligned(sim_page(realm->next_page), align)) {
		realm->next_page++;
	}
	realm->params.rtt_base = sim_realm_delegated(realm);
	for (unsigned int i = 1; i < realm->params.rtt_num_start; i++) {
		sim_realm_delegated(realm);
	}
	realm->rd = sim_realm_delegated(realm);
	sim_put(realm->scratch, &realm->params, sizeof(realm->params));
	SIM_CHECK(RMI(RMI_REALM_CREATE, realm->rd, realm->scratch).x[0] == RMI_SUCCESS);
}

void sim_realm_new(struct sim_realm *realm, uint64_t first_page, uint16_t vmid)
{
	sim_realm_prepare(realm, first_page, vmid);
	sim_realm_create(realm);
}

void sim_realm_activate(struct sim_realm *realm)
{
	SIM_CHECK(RMI(RMI_REALM_ACTIVATE, realm->rd).x[0] == RMI_SUCCESS);
}

static void add_part(struct sim_realm *realm, uint64_t ipa, int level)
{
	SIM_CHECK(realm->part_count < SIM_PARTS);
	realm->parts[realm->part_count].ipa = ipa;
	realm->parts[realm->part_count++].level = level;
}

static int walk_level(const struct sim_realm *realm, uint64_t ipa)
{
	struct sim_answer answer =
		RMI(RMI_RTT_READ_ENTRY, realm->rd, align_down(ipa, GRANULE_SIZE), 3);

	SIM_CHECK(answer.x[0] == RMI_SUCCESS);
	return (int)answer.x[1];
}

void sim_realm_tables(struct sim_realm *realm, uint64_t ipa, int level)
{
	for (int at = walk_level(realm, ipa) + 1; at <= level; at++) {
		uint64_t base = align_down(ipa, s2_entry_size(at - 1));
		uint64_t rtt = sim_realm_delegated(realm);

		SIM_CHECK(RMI(RMI_RTT_CREATE, realm->rd, rtt, base, (uint64_t)at).x[0] ==
			  RMI_SUCCESS);
		add_part(realm, base, at);
	}
}

void sim_realm_ram(struct sim_realm *realm, uint64_t base, uint64_t top)
{
	while (base < top) {
		struct sim_answer answer;

		sim_realm_tables(realm, base, 3);
		answer = RMI(RMI_RTT_INIT_RIPAS, realm->rd, base, top);
		SIM_CHECK(answer.x[0] == RMI_SUCCESS && answer.x[1] > base);
		base = answer.x[1];
	}
}

uint64_t sim_realm_data(struct sim_realm *realm, uint64_t ipa)
{
	uint64_t page;

	sim_realm_tables(realm, ipa, 3);
	page = sim_realm_delegated(realm);
	SIM_CHECK(RMI(RMI_DATA_CREATE_UNKNOWN, realm->rd, page, ipa).x[0] == RMI_SUCCESS);
	add_part(realm, ipa, DATA_LEVEL);
	return page;
}

uint64_t sim_realm_ram_page(struct sim_realm *realm, uint64_t ipa)
{
	sim_realm_ram(realm, ipa, ipa + GRANULE_SIZE);
	return sim_realm_data(realm, ipa);
}

unsigned int sim_rec_new(struct sim_realm *realm, uint64_t flags, uint64_t pc)
{
	struct rmi_rec_params params = {
		.flags = flags,
		.mpidr = rmi_mpidr_from_index(realm->rec_count),
		.pc = pc,
		.num_aux = RMI(RMI_REC_AUX_COUNT, realm->rd).x[1],
	};
	uint64_t rec = sim_realm_delegated(realm);

	SIM_CHECK(realm->rec_count < SIM_RECS && params.num_aux <= RMI_MAX_AUX);
	for (unsigned int i = 0; i < RMI_REC_CREATE_GPRS; i++) {
		params.gprs[i] = 0x100 + i;
	}
	for (unsigned int i = 0; i < params.num_aux; i++) {
		params.aux[i] = sim_realm_delegated(realm);
	}
	sim_put(realm->scratch, &params, sizeof(params));
	SIM_CHECK(RMI(RMI_REC_CREATE, realm->rd, rec, realm->scratch).x[0] == RMI_SUCCESS);
	realm->recs[realm->rec_count] = rec;
	return realm->rec_count++;
}

void sim_realm_ready(struct sim_realm *realm, unsigned int recs)
{
	sim_realm_new(realm, SIM_PAGES / 2, 1);
	for (unsigned int i = 0; i < recs; i++) {
		sim_rec_new(realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	}
	sim_realm_activate(realm);
}

struct rec *sim_rec(const struct sim_realm *realm, unsigned int rec)
{
	return rec_of(granule_find(pa_of(realm->recs[rec])));
}

struct rd *sim_rd(const struct sim_realm *realm)
{
	return realm_of(granule_find(pa_of(realm->rd)));
}

struct sim_answer sim_enter(struct sim_realm *realm, unsigned int rec,
			    const struct rmi_rec_enter *enter, struct rmi_rec_exit *exit)
{
	static __thread struct rmi_rec_run before;
	static __thread struct rmi_rec_run after;
	struct sim_answer answer;

	memset(&before, 0, sizeof(before));
	memset(&before.exit, RUBBISH, sizeof(before.exit));
	if (enter != NULL) {
		before.enter = *enter;
	}
	sim_put(realm->run, &before, sizeof(before));
	answer = RMI(RMI_REC_ENTER, realm->recs[rec], realm->run);
	sim_get(realm->run, &after, sizeof(after));
	SIM_CHECK(memcmp(&before.enter, &after.enter, sizeof(after.enter)) == 0);
	if (exit != NULL) {
		*exit = after.exit;
	}
	return answer;
}

static void destroy_part(const struct sim_realm *realm, uint64_t ipa, int level)
{
	uint64_t status;

	if (level == DATA_LEVEL) {
		status = RMI(RMI_DATA_DESTROY, realm->rd, ipa).x[0];
	} else {
		status = RMI(RMI_RTT_DESTROY, realm->rd, ipa, (uint64_t)level).x[0];
	}
	SIM_CHECK(status == RMI_SUCCESS);
}

void sim_realm_destroy(struct sim_realm *realm)
{
	for (unsigned int i = realm->part_count; i > 0; i--) {
		destroy_part(realm, realm->parts[i - 1].ipa, realm->parts[i - 1].level);
	}
	for (unsigned int i = 0; i < realm->rec_count; i++) {
		SIM_CHECK(RMI(RMI_REC_DESTROY, realm->recs[i]).x[0] == RMI_SUCCESS);
	}
	SIM_CHECK(RMI(RMI_REALM_DESTROY, realm->rd).x[0] == RMI_SUCCESS);
	for (unsigned int i = 0; i < realm->delegated_count; i++) {
		SIM_CHECK(RMI(RMI_GRANULE_UNDELEGATE, realm->delegated[i]).x[0] == RMI_SUCCESS);
	}
}

/* --- the play --- */

static struct sim_step play[MAX_STEPS];
static struct sim_view views[MAX_STEPS + 1];
static size_t driver_length;
static unsigned int runs;

static enum arch_exit take_step(struct arch_vcpu *vcpu, struct arch_exit_info *info)
{
	const struct sim_step *step;

	if (runs <= MAX_STEPS) {
		views[runs].vcpu = *vcpu;
		views[runs].el1 = *machine_el1();
	}
	if (runs >= driver_length) {
		runs++;
		return ARCH_EXIT_IRQ;
	}
	step = &play[runs++];
	for (unsigned int i = 0; i < step->count; i++) {
		vcpu->gprs[i] = step->x[i];
	}
	if (step->act != NULL) {
		step->act(vcpu);
	}
	*info = step->info;
	return step->kind;
}

void sim_exits(const struct sim_step *steps, size_t count)
{
	SIM_CHECK(count <= MAX_STEPS);
	memcpy(play, steps, count * sizeof(*steps));
	driver_length = count;
	runs = 0;
	machine_on_run = take_step;
}

unsigned int sim_runs(void)
{
	return runs;
}

const struct sim_view *sim_saw(unsigned int n)
{
	SIM_CHECK(n < runs && n <= MAX_STEPS);
	return &views[n];
}
