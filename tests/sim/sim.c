// SPDX-License-Identifier: BSD-3-Clause
#include "sim/sim_internal.h"

#include <string.h>

#include "abi/smccc.h"
#include "base/bits.h"
#include "cmd/cmd.h"
#include "core/boot.h"
#include "core/dispatch.h"
#include "map/map.h"

#define UNEXPECTED 0x5EED0000DEAD0000U
#define BANK_COUNT 5U /* the last one only after some resets */

static const struct machine_region memory[] = {
	{SIM_MAIN, SIM_OWN - SIM_MAIN, MACHINE_NS},
	{SIM_OWN, SIM_OWN_SIZE, MACHINE_REALM},
	{SIM_OWN + SIM_OWN_SIZE, SIM_PAGES *GRANULE_SIZE, MACHINE_NS},
	{SIM_SECURE, SIM_GUARD_SIZE, MACHINE_SECURE},
	{SIM_ROOT, SIM_GUARD_SIZE, MACHINE_ROOT},
	{SIM_UNLISTED, SIM_GUARD_SIZE, MACHINE_NS},
	{SIM_HIGH, SIM_HIGH_SIZE, MACHINE_NS},
	{SIM_FAR, SIM_FAR_SIZE, MACHINE_NS},
	{SIM_GIANT, SIM_GIANT_SIZE, MACHINE_NS}, /* after sim_reset_giant() */
};

static const struct granule_bank bank_far = {{SIM_FAR}, SIM_FAR_SIZE};
static const struct granule_bank bank_giant = {{SIM_GIANT}, SIM_GIANT_SIZE};
static struct granule_bank banks[BANK_COUNT] = {
	{{SIM_MAIN}, SIM_MAIN_SIZE},
	{{SIM_SECURE}, 2 * SIM_GUARD_SIZE},
	{{SIM_HOLE}, SIM_HOLE_SIZE},
	{{SIM_HIGH}, SIM_HIGH_SIZE},
};

/* All that the ABI has; a number whose handler is not there yet answers as an unknown one. */
static const struct sim_command commands[] = {
#define RMI_COMMAND(fid, name, handler, n_inputs, n_outputs, ...) \
	{fid, #name, n_inputs, n_outputs, #__VA_ARGS__},
#define RSI_COMMAND(fid, name, handler, ...)
#define PSCI_COMMAND(fid, name, handler, ...)
#define ABI_COMMANDS_ALL
#include "abi/commands-csm.def"
#include "abi/commands.def"
#undef ABI_COMMANDS_ALL
#undef RMI_COMMAND
#undef RSI_COMMAND
#undef PSCI_COMMAND
};

static bool parallel;

const struct sim_command *sim_command_at(size_t index)
{
	return index < ARRAY_LENGTH(commands) ? &commands[index] : NULL;
}

const struct sim_command *sim_command(uint64_t fid)
{
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
		if (commands[i].fid == fid) {
			return &commands[i];
		}
	}
	return NULL;
}

static void write_manifest(size_t count)
{
	struct el3_boot_manifest *manifest = machine_raw(pa_of(SIM_SHARED_PAGE));
	struct el3_dram_bank *bank = (void *)(manifest + 1);
	struct el3_console *console = (void *)(bank + count);
	uint64_t sum = count;

	manifest->version = 3;
	manifest->plat_dram.num_banks = count;
	manifest->plat_dram.banks = SIM_SHARED_PAGE + sizeof(*manifest);
	sum += manifest->plat_dram.banks;
	for (size_t i = 0; i < count; i++) {
		bank[i] = (struct el3_dram_bank){banks[i].base.v, banks[i].size};
		sum += bank[i].base + bank[i].size;
	}
	manifest->plat_dram.checksum = 0 - sum;

	*console = (struct el3_console){SIM_DEVICE, 1, "machine", 1, 115200, 0};
	manifest->plat_console.num_consoles = 1;
	manifest->plat_console.consoles =
		manifest->plat_dram.banks + count * sizeof(struct el3_dram_bank);
	sum = 1 + manifest->plat_console.consoles + console->base + console->map_pages +
	      console->clk_in_hz + console->baud_rate;
	manifest->plat_console.checksum = 0 - sum;
}

void sim_power_on(void)
{
	parallel = false;
	machine_reset(memory, ARRAY_LENGTH(memory) - 1);
	banks[BANK_COUNT - 1] = bank_far;
	write_manifest(BANK_COUNT - 1);
}

int64_t sim_boot(void)
{
	const struct boot_args args = {0, 4, SIM_CPUS, SIM_SHARED_PAGE};
	const struct granule_bank own = {pa_of(SIM_OWN), SIM_OWN_SIZE};
	pa_t touched;
	int64_t result = boot_cold(&args, own);

	machine_command_end();
	while (machine_next_touched(&touched)) {
	}
	return result;
}

void sim_reset(void)
{
	sim_power_on();
	SIM_CHECK(sim_boot() == EL3_BOOT_SUCCESS);
}

void sim_reset_far(void)
{
	sim_power_on();
	write_manifest(BANK_COUNT);
	SIM_CHECK(sim_boot() == EL3_BOOT_SUCCESS);
}

void sim_reset_giant(void)
{
	sim_power_on();
	machine_reset(memory, ARRAY_LENGTH(memory));
	banks[BANK_COUNT - 1] = bank_giant;
	write_manifest(BANK_COUNT);
	SIM_CHECK(sim_boot() == EL3_BOOT_SUCCESS);
}

static bool is_metadata(enum granule_state state)
{
	return state != GRANULE_UNDELEGATED && state != GRANULE_DELEGATED && state != GRANULE_DATA;
}

static void check_granule(const struct granule *granule, pa_t pa)
{
	enum granule_state state = granule_peek(granule);
	bool realm = machine_pas(pa) == MACHINE_REALM;

	if (realm != (state != GRANULE_UNDELEGATED)) {
		machine_stop("GPT: %#lx has state %d in world %d", (unsigned long)pa.v, (int)state,
			     (int)machine_pas(pa));
	}
	if (machine_window_is_open(pa) != is_metadata(state)) {
		machine_stop("WINDOW: %#lx in state %d is %s", (unsigned long)pa.v, (int)state,
			     is_metadata(state) ? "closed" : "open");
	}
	if (state == GRANULE_DELEGATED && !sim_is_zero(pa.v)) {
		machine_stop("GPT: %#lx is DELEGATED and not wiped", (unsigned long)pa.v);
	}
	if (state <= GRANULE_DELEGATED && machine_code_left(pa)) {
		machine_stop("CODE: %#lx in state %d may be in instruction caches",
			     (unsigned long)pa.v, (int)state);
	}
	/* Read without the lock that the handle stands for: no command runs. */
	if (state <= GRANULE_DELEGATED &&
	    (granule_refs(granule) != 0 ||
	     granule_live_map((struct granule_held){granule_find(pa)}) != 0)) {
		machine_stop("%#lx in state %d has references or marks", (unsigned long)pa.v,
			     (int)state);
	}
}

static void check_touched(void)
{
	pa_t pa;

	while (machine_next_touched(&pa)) {
		const struct granule *granule = granule_find(pa);

		if (granule != NULL) {
			check_granule(granule, pa);
		}
	}
}

void sim_check(void)
{
	check_touched();
	for (size_t i = 0; i < BANK_COUNT; i++) {
		for (uint64_t at = 0; at < banks[i].size; at += GRANULE_SIZE) {
			pa_t pa = pa_add(banks[i].base, at);
			const struct granule *granule = granule_find(pa);

			if (granule != NULL) {
				check_granule(granule, pa);
			}
		}
	}
}

/* Whether one of `names`, separated by ", ", is `name`. */
static bool lists(const char *names, const char *name)
{
	size_t size = strlen(name);

	for (const char *at = names; at != NULL; at = strstr(at, ", ")) {
		at += at == names ? 0 : 2;
		if (strncmp(at, name, size) == 0 && (at[size] == ',' || at[size] == '\0')) {
			return true;
		}
	}
	return false;
}

static void check_answer(const struct sim_command *command, const struct sim_answer *answer,
			 uint64_t x4)
{
	uint8_t code = rmi_status_code(answer->x[0]);
	bool unknown = command == NULL || answer->x[0] == SMCCC_UNKNOWN;
	unsigned int outputs = unknown ? 0 : command->outputs;

	for (unsigned int i = outputs + 1; i < 4; i++) {
		SIM_CHECK(answer->x[i] == 0);
	}
	SIM_CHECK(outputs >= 4 || answer->x[4] == x4);
	if (unknown) {
		SIM_CHECK(answer->x[0] == SMCCC_UNKNOWN);
		return;
	}
	SIM_CHECK(answer->x[0] <= 0xFFFF);
	if (code != RMI_SUCCESS && code != CSM_INCOMPLETE &&
	    strcmp(command->conditions, "none") != 0 &&
	    (answer->condition == NULL || !lists(command->conditions, answer->condition))) {
		machine_stop("%s fails with %#lx and %s, which is no condition of it",
			     command->name, (unsigned long)answer->x[0],
			     answer->condition == NULL ? "nothing" : answer->condition);
	}
}

struct sim_answer sim_call(uint64_t fid, const uint64_t *args, size_t count)
{
	struct sim_answer answer;
	struct smc_regs regs = {.x = {fid}};
	uint64_t x4;

	for (size_t i = 1; i < ARRAY_LENGTH(regs.x); i++) {
		regs.x[i] = i <= count ? args[i - 1] : UNEXPECTED + i;
	}
	x4 = regs.x[4];
	machine_command_begin();
	dispatch(&regs);
	machine_command_end();
	SIM_CHECK(regs.x[0] == EL3_RMI_REQ_COMPLETE_FID);
	memcpy(answer.x, &regs.x[1], sizeof(answer.x));
	answer.condition = machine_last_failure();
	check_answer(sim_command(fid & 0xFFFEFFFF), &answer, x4);
	if (!parallel) {
		check_touched();
	}
	return answer;
}

void sim_delegate(uint64_t pa)
{
	SIM_CHECK(RMI(RMI_GRANULE_DELEGATE, pa).x[0] == RMI_SUCCESS);
}

static const struct granule *tracked(uint64_t pa)
{
	const struct granule *granule = granule_find(pa_of(pa));

	SIM_CHECK(granule != NULL);
	return granule;
}

enum granule_state sim_state(uint64_t pa)
{
	return granule_peek(tracked(pa));
}

unsigned int sim_refs(uint64_t pa)
{
	return granule_refs(tracked(pa));
}

void sim_make(uint64_t pa, enum granule_state state)
{
	struct granule_held held;

	if (state == GRANULE_UNDELEGATED) {
		return;
	}
	sim_delegate(pa);
	if (state == GRANULE_DELEGATED) {
		return;
	}
	SIM_CHECK(granule_lock(granule_find(pa_of(pa)), GRANULE_DELEGATED, &held));
	if (is_metadata(state)) {
		map_meta_open(held);
	}
	granule_unlock_to(held, state);
}

void sim_unmake(uint64_t pa)
{
	struct granule_held held;

	SIM_CHECK(granule_lock(granule_find(pa_of(pa)), sim_state(pa), &held));
	if (is_metadata(sim_state(pa))) {
		map_meta_close(held);
	} else {
		SIM_CHECK(map_wipe(held));
	}
	granule_unlock_to(held, GRANULE_DELEGATED);
}

static void pattern(uint64_t pa, uint64_t seed, uint64_t *words)
{
	for (uint64_t i = 0; i < GRANULE_SIZE / sizeof(*words); i++) {
		words[i] = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15) ^ (pa + i);
	}
}

void sim_fill(uint64_t pa, uint64_t seed)
{
	uint64_t words[GRANULE_SIZE / sizeof(uint64_t)];

	pattern(pa, seed, words);
	SIM_CHECK(machine_host_write(pa_of(pa), words, sizeof(words)));
}

bool sim_is_filled(uint64_t pa, uint64_t seed)
{
	uint64_t words[GRANULE_SIZE / sizeof(uint64_t)];

	pattern(pa, seed, words);
	return memcmp(machine_raw(pa_of(pa)), words, sizeof(words)) == 0;
}

bool sim_is_zero(uint64_t pa)
{
	const uint8_t *bytes = machine_raw(pa_of(align_down(pa, GRANULE_SIZE)));

	return bytes[0] == 0 && memcmp(bytes, bytes + 1, GRANULE_SIZE - 1) == 0;
}

void sim_put(uint64_t pa, const void *src, size_t size)
{
	SIM_CHECK(machine_host_write(pa_of(pa), src, size));
}

void sim_get(uint64_t pa, void *dst, size_t size)
{
	SIM_CHECK(machine_host_read(pa_of(pa), dst, size));
}

void sim_set_parallel(bool on)
{
	parallel = on;
}
