// SPDX-License-Identifier: BSD-3-Clause
#include "world/realm.h"

#include <string.h>

#include "base/bits.h"
#include "map/map.h"

#define DATA_LEVEL 4
#define MAX_STEPS  64U
#define RUBBISH    0x5AU

uint64_t world_realm_page(struct world_realm *realm)
{
	WORLD_CHECK(realm->next_page < WORLD_PAGES);
	return world_page(realm->next_page++);
}

uint64_t world_realm_delegated(struct world_realm *realm)
{
	uint64_t page = world_realm_page(realm);

	WORLD_CHECK(realm->delegated_count < ARRAY_LENGTH(realm->delegated));
	world_delegate(page);
	realm->delegated[realm->delegated_count++] = page;
	return page;
}

void world_realm_prepare(struct world_realm *realm, uint64_t first_page, uint16_t vmid)
{
	memset(realm, 0, sizeof(*realm));
	realm->next_page = first_page;
	realm->scratch = world_realm_page(realm);
	realm->run = world_realm_page(realm);
	realm->params.s2sz = 40;
	realm->params.num_bps = 1;
	realm->params.num_wps = 1;
	realm->params.hash_algo = RMI_HASH_SHA_256;
	realm->params.vmid = vmid;
	realm->params.rtt_level_start = 0;
	realm->params.rtt_num_start = 1;
}

void world_realm_create(struct world_realm *realm)
{
	uint64_t align = realm->params.rtt_num_start * GRANULE_SIZE;

	while (!is_aligned(world_page(realm->next_page), align)) {
		realm->next_page++;
	}
	realm->params.rtt_base = world_realm_delegated(realm);
	for (unsigned int i = 1; i < realm->params.rtt_num_start; i++) {
		world_realm_delegated(realm);
	}
	realm->rd = world_realm_delegated(realm);
	world_put(realm->scratch, &realm->params, sizeof(realm->params));
	WORLD_CHECK(RMI(RMI_REALM_CREATE, realm->rd, realm->scratch).x[0] == RMI_SUCCESS);
}

void world_realm_new(struct world_realm *realm, uint64_t first_page, uint16_t vmid)
{
	world_realm_prepare(realm, first_page, vmid);
	world_realm_create(realm);
}

void world_realm_activate(struct world_realm *realm)
{
	WORLD_CHECK(RMI(RMI_REALM_ACTIVATE, realm->rd).x[0] == RMI_SUCCESS);
}

static void add_part(struct world_realm *realm, uint64_t ipa, int level)
{
	WORLD_CHECK(realm->part_count < WORLD_PARTS);
	realm->parts[realm->part_count].ipa = ipa;
	realm->parts[realm->part_count++].level = level;
}

static int walk_level(const struct world_realm *realm, uint64_t ipa)
{
	struct world_answer answer =
		RMI(RMI_RTT_READ_ENTRY, realm->rd, align_down(ipa, GRANULE_SIZE), 3);

	WORLD_CHECK(answer.x[0] == RMI_SUCCESS);
	return (int)answer.x[1];
}

void world_realm_tables(struct world_realm *realm, uint64_t ipa, int level)
{
	for (int at = walk_level(realm, ipa) + 1; at <= level; at++) {
		uint64_t base = align_down(ipa, s2_entry_size(at - 1));
		uint64_t rtt = world_realm_delegated(realm);

		WORLD_CHECK(RMI(RMI_RTT_CREATE, realm->rd, rtt, base, (uint64_t)at).x[0] ==
			    RMI_SUCCESS);
		add_part(realm, base, at);
	}
}

void world_realm_ram(struct world_realm *realm, uint64_t base, uint64_t top)
{
	while (base < top) {
		struct world_answer answer;

		world_realm_tables(realm, base, 3);
		answer = RMI(RMI_RTT_INIT_RIPAS, realm->rd, base, top);
		WORLD_CHECK(answer.x[0] == RMI_SUCCESS && answer.x[1] > base);
		base = answer.x[1];
	}
}

uint64_t world_realm_data(struct world_realm *realm, uint64_t ipa)
{
	uint64_t page;

	world_realm_tables(realm, ipa, 3);
	page = world_realm_delegated(realm);
	WORLD_CHECK(RMI(RMI_DATA_CREATE_UNKNOWN, realm->rd, page, ipa).x[0] == RMI_SUCCESS);
	add_part(realm, ipa, DATA_LEVEL);
	return page;
}

uint64_t world_realm_ram_page(struct world_realm *realm, uint64_t ipa)
{
	world_realm_ram(realm, ipa, ipa + GRANULE_SIZE);
	return world_realm_data(realm, ipa);
}

unsigned int world_rec_new(struct world_realm *realm, uint64_t flags, uint64_t pc)
{
	struct rmi_rec_params params = {
		.flags = flags,
		.mpidr = rmi_mpidr_from_index(realm->rec_count),
		.pc = pc,
		.num_aux = RMI(RMI_REC_AUX_COUNT, realm->rd).x[1],
	};
	uint64_t rec = world_realm_delegated(realm);

	WORLD_CHECK(realm->rec_count < WORLD_RECS && params.num_aux <= RMI_MAX_AUX);
	for (unsigned int i = 0; i < RMI_REC_CREATE_GPRS; i++) {
		params.gprs[i] = 0x100 + i;
	}
	for (unsigned int i = 0; i < params.num_aux; i++) {
		params.aux[i] = world_realm_delegated(realm);
	}
	world_put(realm->scratch, &params, sizeof(params));
	WORLD_CHECK(RMI(RMI_REC_CREATE, realm->rd, rec, realm->scratch).x[0] == RMI_SUCCESS);
	realm->recs[realm->rec_count] = rec;
	return realm->rec_count++;
}

void world_realm_ready(struct world_realm *realm, unsigned int recs)
{
	world_realm_new(realm, WORLD_PAGES / 2, 1);
	for (unsigned int i = 0; i < recs; i++) {
		world_rec_new(realm, RMI_REC_FLAG_RUNNABLE, WORLD_PC);
	}
	world_realm_activate(realm);
}

struct rec *world_rec(const struct world_realm *realm, unsigned int rec)
{
	return rec_of(granule_find(pa_of(realm->recs[rec])));
}

struct rd *world_rd(const struct world_realm *realm)
{
	return realm_of(granule_find(pa_of(realm->rd)));
}

struct world_answer world_enter(struct world_realm *realm, unsigned int rec,
				const struct rmi_rec_enter *enter, struct rmi_rec_exit *exit)
{
	static __thread struct rmi_rec_run before;
	static __thread struct rmi_rec_run after;
	struct world_answer answer;

	memset(&before, 0, sizeof(before));
	memset(&before.exit, RUBBISH, sizeof(before.exit));
	if (enter != NULL) {
		before.enter = *enter;
	}
	world_put(realm->run, &before, sizeof(before));
	answer = RMI(RMI_REC_ENTER, realm->recs[rec], realm->run);
	world_get(realm->run, &after, sizeof(after));
	WORLD_CHECK(memcmp(&before.enter, &after.enter, sizeof(after.enter)) == 0);
	if (exit != NULL) {
		*exit = after.exit;
	}
	return answer;
}

static void destroy_part(const struct world_realm *realm, uint64_t ipa, int level)
{
	uint64_t status;

	if (level == DATA_LEVEL) {
		status = RMI(RMI_DATA_DESTROY, realm->rd, ipa).x[0];
	} else {
		status = RMI(RMI_RTT_DESTROY, realm->rd, ipa, (uint64_t)level).x[0];
	}
	WORLD_CHECK(status == RMI_SUCCESS);
}

void world_realm_destroy(struct world_realm *realm)
{
	for (unsigned int i = realm->part_count; i > 0; i--) {
		destroy_part(realm, realm->parts[i - 1].ipa, realm->parts[i - 1].level);
	}
	for (unsigned int i = 0; i < realm->rec_count; i++) {
		WORLD_CHECK(RMI(RMI_REC_DESTROY, realm->recs[i]).x[0] == RMI_SUCCESS);
	}
	WORLD_CHECK(RMI(RMI_REALM_DESTROY, realm->rd).x[0] == RMI_SUCCESS);
	for (unsigned int i = 0; i < realm->delegated_count; i++) {
		WORLD_CHECK(RMI(RMI_GRANULE_UNDELEGATE, realm->delegated[i]).x[0] == RMI_SUCCESS);
	}
}

/* --- the play --- */

static struct world_step play[MAX_STEPS];
static struct world_view views[MAX_STEPS + 1];
static size_t play_length;
static unsigned int runs;

static enum arch_exit take_step(struct arch_vcpu *vcpu, struct arch_exit_info *info)
{
	const struct world_step *step;

	if (runs <= MAX_STEPS) {
		views[runs].vcpu = *vcpu;
		views[runs].el1 = *machine_el1();
	}
	if (runs >= play_length) {
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

void world_play(const struct world_step *steps, size_t count)
{
	WORLD_CHECK(count <= MAX_STEPS);
	memcpy(play, steps, count * sizeof(*steps));
	play_length = count;
	runs = 0;
	machine_on_run = take_step;
}

unsigned int world_runs(void)
{
	return runs;
}

const struct world_view *world_saw(unsigned int n)
{
	WORLD_CHECK(n < runs && n <= MAX_STEPS);
	return &views[n];
}
