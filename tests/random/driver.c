// SPDX-License-Identifier: BSD-3-Clause
#include "driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "coverage.h"
#include "cpus.h"
#include "model_internal.h"
#include "sim/sim.h"

#define MMFR0_WITHOUT_LPA2 (UINT64_C(2) << 40 | 5) /* granules of 4 KiB, addresses of 48 bits */
#define SAMPLES            3U
#define ALL_GRANULES       64U /* steps between comparisons of all granules */

static uint64_t steps_made;
static uint64_t sampling;
static uint64_t looked_at; /* an address of the last step, for the sample */

/* splitmix64 */
uint64_t driver_random(uint64_t *seed, uint64_t below)
{
	uint64_t z = *seed += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return (z ^ z >> 31) % below;
}

/* --- start --- */

static const void *realm_memory(uint64_t pa)
{
	return machine_raw(pa_of(pa));
}

static void add_granules(bool far)
{
	static const struct m_region regions[] = {
		{SIM_MAIN, SIM_OWN - SIM_MAIN, M_NORMAL},
		{SIM_OWN + SIM_OWN_SIZE, SIM_PAGES * GRANULE_SIZE, M_NORMAL},
		{SIM_SECURE, 2 * SIM_GUARD_SIZE, M_OTHER},
		{SIM_HOLE, SIM_HOLE_SIZE, M_OTHER},
		{SIM_HIGH, SIM_HIGH_SIZE, M_NORMAL},
		{SIM_FAR, SIM_FAR_SIZE, M_NORMAL},
	};
	size_t count = ARRAY_LENGTH(regions) - (far ? 0 : 1);

	for (size_t i = 0; i < count; i++) {
		model_add(&regions[i]);
	}
}

static void boot(uint64_t options)
{
	if ((options & SIM_FAR_RAM) != 0) {
		sim_reset_far();
		return;
	}
	sim_power_on();
	if ((options & SIM_NO_LPA2) != 0) {
		machine_set_id(ARCH_ID_AA64MMFR0, MMFR0_WITHOUT_LPA2);
	}
	if ((options & SIM_VMID8) != 0) {
		machine_set_id(ARCH_ID_AA64MMFR1, 0);
	}
	SIM_CHECK(sim_boot() == EL3_BOOT_SUCCESS);
}

void driver_start(uint64_t options)
{
	bool far = (options & SIM_FAR_RAM) != 0;
	struct m_config config = {
		.vmid16 = far || (options & SIM_VMID8) == 0,
		.memory = realm_memory,
	};

	boot(options);
	cpus_start();
	config.features = RMI(RMI_FEATURES, 0).x[1];
	model_reset(&config);
	add_granules(far);
	steps_made = 0;
	sampling = 1;
}

/* --- what the host's memory holds --- */

static void make_realm_params(const uint64_t *w, struct rmi_realm_params *params)
{
	params->flags = w[SR_FLAGS];
	params->s2sz = (uint8_t)w[SR_S2SZ];
	params->sve_vl = (uint8_t)w[SR_SVE];
	params->num_bps = (uint8_t)w[SR_BPS];
	params->num_wps = (uint8_t)w[SR_WPS];
	params->pmu_num_ctrs = (uint8_t)w[SR_CTRS];
	params->hash_algo = (uint8_t)w[SR_HASH];
	params->vmid = (uint16_t)w[SR_VMID];
	params->rtt_base = w[SR_BASE];
	params->rtt_level_start = (int64_t)w[SR_LEVEL];
	params->rtt_num_start = (uint32_t)w[SR_NUM];
	memset(params->rpv, (int)w[SR_VMID], sizeof(params->rpv));
}

static void make_rec_params(const uint64_t *w, struct rmi_rec_params *params)
{
	params->flags = w[SC_FLAGS];
	params->mpidr = w[SC_MPIDR];
	params->pc = w[SC_PC];
	params->num_aux = w[SC_NUM_AUX];
	for (unsigned int i = 0; i < RMI_REC_CREATE_GPRS; i++) {
		params->gprs[i] = w[SC_PC] + i;
	}
	memcpy(params->aux, &w[SC_AUX], sizeof(params->aux));
}

static void make_enter(const uint64_t *w, struct rmi_rec_enter *enter)
{
	enter->flags = w[SE_FLAGS];
	enter->gicv3_hcr = w[SE_HCR];
	memcpy(enter->gicv3_lrs, &w[SE_LRS], 4 * sizeof(w[0]));
	for (unsigned int i = 0; i < RMI_EXIT_GPRS; i++) {
		enter->gprs[i] = w[SE_SEED] * (i + 1);
	}
}

/* The structure of a command. */
static void make_input(const struct step *step, union m_input *input)
{
	const uint64_t *w = &step->w[STEP_EXTRA];

	memset(input, 0, sizeof(*input));
	switch (step->w[0]) {
	case RMI_REALM_CREATE_FID:
		make_realm_params(w, &input->realm);
		break;
	case RMI_REC_CREATE_FID:
		make_rec_params(w, &input->rec);
		break;
	case RMI_REC_ENTER_FID:
		make_enter(w, &input->enter);
		break;
	case RMI_DATA_CREATE_FID:
		for (unsigned int i = 0; i < ARRAY_LENGTH(input->content); i += 8) {
			input->content[i] = w[0] + i;
		}
		break;
	default:
		break;
	}
}

/* The host's page that the command reads, 0 for none. */
static uint64_t input_page(const struct step *step)
{
	switch (step->w[0]) {
	case RMI_REALM_CREATE_FID:
	case RMI_REC_ENTER_FID:
		return step->w[2];
	case RMI_REC_CREATE_FID:
		return step->w[3];
	case RMI_DATA_CREATE_FID:
		return step->w[4];
	default:
		return 0;
	}
}

/* --- steps --- */

/* The model has room for so many only, and no more are asked for. */
static bool beyond_model(const struct step *step)
{
	const struct m_realm *realm = model_realm(step->w[1]);
	unsigned int realms = 0;

	for (unsigned int i = 0; i < M_REALMS; i++) {
		realms += model.realms[i].alive;
	}
	return (step->w[0] == RMI_REALM_CREATE_FID && realms == M_REALMS) ||
	       (step->w[0] == RMI_REC_CREATE_FID && realm != NULL && realm->rec_index == M_RECS);
}

/* How many auxiliary granules a REC has is for the RMM to say. */
static void ask_aux_count(uint64_t rd)
{
	const struct m_realm *realm = model_realm(rd);
	const uint64_t args[5] = {rd};
	struct m_seen seen;

	if (realm != NULL && realm->aux_count == 0) {
		cpus_call(0, RMI_REC_AUX_COUNT_FID, args, &seen);
		model_judge(RMI_REC_AUX_COUNT_FID, args, NULL, &seen.answer);
	}
}

/* The entry that a fold has made, or the first that an unfold has. */
static void note_table(const struct step *step, const struct m_realm *realm)
{
	bool fold = step->w[0] == RMI_RTT_FOLD_FID;
	uint64_t ipa = step->w[fold ? 2 : 3];
	int level = (int)step->w[fold ? 3 : 4] - (fold ? 1 : 0);
	struct m_place place = m_walk(realm, ipa, level);

	if (place.entry->kind == M_ASSIGNED) {
		coverage_reach(fold ? REACHED_DATA_BLOCK : REACHED_DATA_UNFOLDED);
	} else if (place.entry->kind == M_ASSIGNED_NS && !fold) {
		coverage_reach(REACHED_NS_UNFOLDED);
	} else if (place.entry->kind == M_ASSIGNED_NS) {
		coverage_reach(place.level == 1 ? REACHED_NS_LARGE_BLOCK : REACHED_NS_BLOCK);
	}
	if (!fold && ipa >= realm->start[0]->length * m_entry_size(realm->start_level)) {
		coverage_reach(REACHED_SECOND_START);
	}
}

/* A table that would fold if it were not for its level. */
static void note_not_folded(const struct step *step)
{
	const struct m_realm *realm = model_realm(step->w[1]);
	const struct m_table *table = m_walk(realm, step->w[2], 1).table;
	bool full = table->level == 1 && m_aligned(table->entries[0].pa, m_entry_size(0));

	for (unsigned int i = 0; i < table->length; i++) {
		full = full && table->entries[i].kind == M_ASSIGNED_NS &&
		       table->entries[i].pa == table->entries[0].pa + i * m_entry_size(1);
	}
	if (full) {
		coverage_reach(REACHED_NS_TOO_LARGE);
	}
}

static void note_ripas(const struct step *step, const struct m_realm *realm)
{
	const struct m_rec *rec = model_rec(step->w[2]);
	struct m_place place = m_walk(realm, step->w[3], RMI_LEVEL_PAGE);

	if (place.entry->kind == M_ASSIGNED && place.level < RMI_LEVEL_PAGE) {
		coverage_reach(REACHED_BLOCK_RIPAS);
	}
	if (rec->ripas_base != rec->ripas_top) {
		coverage_reach(REACHED_RIPAS_PARTLY);
	}
}

/* States that only a sequence reaches, after a command that has succeeded. */
static void note_state(const struct step *step)
{
	const struct m_realm *realm = model_realm(step->w[1]);

	switch (step->w[0]) {
	case RMI_RTT_FOLD_FID:
	case RMI_RTT_CREATE_FID:
		note_table(step, realm);
		break;
	case RMI_RTT_SET_RIPAS_FID:
		note_ripas(step, realm);
		break;
	case RMI_DATA_CREATE_FID:
	case RMI_DATA_CREATE_UNKNOWN_FID:
		if (realm->start_level < 0) {
			coverage_reach(REACHED_LEVEL_MINUS_1);
		}
		if (step->w[2] >= SIM_FAR) {
			coverage_reach(REACHED_FAR_DATA);
		}
		break;
	default:
		break;
	}
}

static void note_running(void)
{
	unsigned int running = 0;

	for (unsigned int i = 0; i < M_CPUS; i++) {
		running += model.running[i] != NULL;
	}
	if (running >= 3) {
		coverage_reach(REACHED_RUNNING_3);
	}
}

static const struct rmi_rec_exit *exit_record(uint64_t run)
{
	const struct rmi_rec_run *page = machine_raw(pa_of(align_down(run, GRANULE_SIZE)));

	return page == NULL ? NULL : &page->exit;
}

/* The command on the firmware, unless it cannot be given now. */
static bool call_firmware(const struct step *step, unsigned int cpu, const union m_input *input,
			  struct m_seen *seen)
{
	uint64_t page = input_page(step);

	if (cpus_in_realm(cpu) || beyond_model(step)) {
		return false;
	}
	if (page != 0 && m_aligned(page, M_PAGE)) {
		machine_host_write(pa_of(page), input, sizeof(*input));
	}
	if (step->w[0] == RMI_REC_CREATE_FID) {
		ask_aux_count(step->w[1]);
	}
	cpus_call(cpu, step->w[0], &step->w[1], seen);
	coverage_note(step->w[0], seen->running ? NULL : seen->answer.condition);
	looked_at = step->w[3];
	return true;
}

/* CPU 0 is the driver's own: it runs no realm. */
static const char *step_enter(const struct step *step)
{
	unsigned int cpu = step->cpu == 0 ? 1 : step->cpu;
	static union m_input input;
	struct m_seen seen;
	const char *wrong;

	make_input(step, &input);
	if (!call_firmware(step, cpu, &input, &seen)) {
		return NULL;
	}
	seen.exit = exit_record(step->w[2]);
	wrong = model_enter(cpu, &step->w[1], &input.enter, &seen);
	note_running();
	return wrong;
}

static const char *step_rmi(const struct step *step)
{
	static union m_input input;
	struct m_seen seen;
	const char *wrong;

	if (step->w[0] == RMI_REC_ENTER_FID) {
		return step_enter(step);
	}
	make_input(step, &input);
	if (!call_firmware(step, step->cpu, &input, &seen)) {
		return NULL;
	}
	wrong = model_judge(step->w[0], &step->w[1], &input, &seen.answer);
	if (wrong == NULL && seen.answer.x[0] == RMI_SUCCESS) {
		note_state(step);
	} else if (wrong == NULL && step->w[0] == RMI_RTT_FOLD_FID && step->w[3] == 1 &&
		   strcmp(seen.answer.condition, "rtt_homo") == 0) {
		note_not_folded(step);
	}
	return wrong;
}

static void note_call(uint64_t fid, const struct m_seen *seen)
{
	if (seen->running && seen->condition != NULL) {
		coverage_note(fid, seen->condition);
	} else if (seen->running ? seen->gprs[0] != RSI_ERROR_INPUT
				 : seen->exit == NULL || seen->exit->exit_reason != RMI_EXIT_SYNC) {
		coverage_note(fid, NULL);
	}
}

static const char *step_act(const struct step *step)
{
	struct m_action action = step_action(step);
	struct m_seen seen;

	if (!cpus_in_realm(step->cpu)) {
		return NULL;
	}
	cpus_act(step->cpu, &action, &seen);
	seen.exit = exit_record(model.running[step->cpu]->run);
	if (action.act == M_ACT_SMC) {
		note_call(action.x[0] & 0xFFFEFFFF, &seen);
	}
	if (!seen.running && seen.answer.condition != NULL && seen.answer.x[0] != RMI_SUCCESS) {
		coverage_reach(REACHED_RECORD_LOST);
	}
	looked_at = action.act == M_ACT_SMC ? action.x[1] : action.ipa;
	return model_act(step->cpu, &action, &seen);
}

static const char *step_pas(const struct step *step)
{
	struct m_granule *granule = model_granule(step->w[0]);
	bool taken;

	if (granule == NULL || granule->state != M_UNDELEGATED) {
		return NULL;
	}
	taken = machine_pas(pa_of(granule->pa)) == MACHINE_NS;
	if (!taken && machine_pas(pa_of(granule->pa)) != MACHINE_SECURE) {
		return NULL;
	}
	machine_set_pas(pa_of(granule->pa), taken ? MACHINE_SECURE : MACHINE_NS);
	granule->world = taken ? M_OTHER : M_NORMAL;
	return NULL;
}

/* --- comparison --- */

static const char *check_granule(const struct m_granule *granule)
{
	static const enum granule_state states[] = {
		[M_UNDELEGATED] = GRANULE_UNDELEGATED,
		[M_DELEGATED] = GRANULE_DELEGATED,
		[M_RD] = GRANULE_RD,
		[M_REC] = GRANULE_REC,
		[M_REC_AUX] = GRANULE_REC_AUX,
		[M_DATA] = GRANULE_DATA,
		[M_RTT] = GRANULE_RTT,
	};
	enum granule_state state = sim_state(granule->pa);

	return state == states[granule->state]
		       ? NULL
		       : m_wrong("granule %#lx is in state %d, expected %d", granule->pa,
				 (int)state, (int)states[granule->state]);
}

static const char *check_granules(void)
{
	const char *wrong = NULL;

	for (unsigned int i = 0; i < model.granule_count && wrong == NULL; i++) {
		wrong = check_granule(&model.granules[i]);
	}
	return wrong;
}

static const char *check_entry(const struct m_realm *realm, uint64_t ipa, int level)
{
	const uint64_t args[5] = {realm->rd, align_down(ipa, m_entry_size(level)),
				  (uint64_t)(int64_t)level};
	struct m_answer answer;
	struct m_seen seen;
	const char *wrong;

	cpus_call(0, RMI_RTT_READ_ENTRY_FID, args, &seen);
	answer = seen.answer;
	wrong = model_judge(RMI_RTT_READ_ENTRY_FID, args, NULL, &answer);
	if (wrong != NULL) {
		fprintf(stderr,
			"# reading [%#lx] level %d of %#lx: walk level %ld, state %lu, "
			"desc %#lx, RIPAS %lu\n",
			args[1], level, realm->rd, (int64_t)answer.x[1], answer.x[2], answer.x[3],
			answer.x[4]);
	}
	return wrong;
}

struct m_table *driver_pick_table(const struct m_realm *realm, uint64_t *seed)
{
	struct m_table *table =
		realm->start[driver_random(seed, 4) != 0
				     ? 0
				     : driver_random(seed, realm->params.rtt_num_start)];

	while (driver_random(seed, 8) != 0) {
		struct m_table *children[M_ENTRIES];
		unsigned int count = 0;

		for (unsigned int i = 0; i < table->length; i++) {
			if (table->entries[i].kind == M_TABLE) {
				children[count++] = table->entries[i].child;
			}
		}
		if (count == 0) {
			break;
		}
		table = children[driver_random(seed, count)];
	}
	return table;
}

static const char *check_sample(void)
{
	const struct m_realm *realm = &model.realms[driver_random(&sampling, M_REALMS)];
	const struct m_table *table;
	uint64_t ipa;
	int levels;

	if (!realm->alive) {
		return NULL;
	}
	table = driver_pick_table(realm, &sampling);
	ipa = table->base + driver_random(&sampling, table->length) * m_entry_size(table->level);
	if (looked_at < m_space_end(realm) && driver_random(&sampling, 2) != 0) {
		ipa = looked_at;
	}
	levels = RMI_LEVEL_PAGE - realm->start_level + 1;
	return ipa >= m_space_end(realm)
		       ? NULL
		       : check_entry(realm, ipa,
				     realm->start_level +
					     (int)driver_random(&sampling, (uint64_t)levels));
}

static const char *check_some(const struct step *step)
{
	const char *wrong = NULL;

	for (unsigned int i = 1; i < STEP_EXTRA && wrong == NULL; i++) {
		const struct m_granule *granule = model_granule(step->w[i]);

		wrong = granule == NULL ? NULL : check_granule(granule);
	}
	for (unsigned int i = 0; i < SAMPLES && wrong == NULL; i++) {
		wrong = check_sample();
	}
	if (wrong == NULL && steps_made % ALL_GRANULES == 0) {
		wrong = check_granules();
	}
	return wrong;
}

const char *driver_step(const struct step *step)
{
	const char *wrong = NULL;

	steps_made++;
	looked_at = 0;
	if (step->kind == STEP_RMI) {
		wrong = step_rmi(step);
	} else if (step->kind == STEP_ACT) {
		wrong = step_act(step);
	} else if (step->kind == STEP_PAS) {
		wrong = step_pas(step);
	} else if (step->kind == STEP_ENTROPY) {
		model.no_entropy = step->w[0] == 0;
		machine_random_empty = model.no_entropy;
	}
	return wrong != NULL ? wrong : check_some(step);
}

static const char *check_table(const struct m_realm *realm, const struct m_table *table)
{
	const char *wrong = NULL;

	for (unsigned int i = 0; i < table->length && wrong == NULL; i++) {
		uint64_t ipa = table->base + i * m_entry_size(table->level);

		if (ipa >= m_space_end(realm)) {
			break;
		}
		wrong = check_entry(realm, ipa, table->level);
		if (wrong == NULL && table->entries[i].kind == M_TABLE) {
			wrong = check_table(realm, table->entries[i].child);
		}
	}
	return wrong;
}

const char *driver_check_all(void)
{
	const char *wrong = check_granules();

	for (unsigned int i = 0; i < M_REALMS && wrong == NULL; i++) {
		const struct m_realm *realm = &model.realms[i];

		for (unsigned int k = 0; realm->alive && k < realm->params.rtt_num_start; k++) {
			wrong = wrong == NULL ? check_table(realm, realm->start[k]) : wrong;
		}
	}
	return wrong;
}

const char *driver_check_end(void)
{
	for (unsigned int i = 0; i < model.granule_count; i++) {
		if (model.granules[i].state != M_UNDELEGATED) {
			return m_wrong("granule %#lx is left", model.granules[i].pa);
		}
	}
	sim_check();
	return check_granules();
}
