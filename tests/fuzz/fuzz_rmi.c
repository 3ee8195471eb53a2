// SPDX-License-Identifier: BSD-3-Clause
/*
 * Calls of the host in any order with any arguments, and realms that do anything when they run.
 * The commands and their numbers of arguments are the ABI's: one that becomes live is called.
 *
 * Arguments are drawn from what makes a command go far (a few pages, levels, aligned addresses,
 * earlier results) and from what nobody should pass. World and machine judge: every rule of theirs
 * (sim/sim.h, arch/host/machine.h), every assertion of the RMM and the sanitizers.
 */
#include <string.h>

#include "abi/psci.h"
#include "abi/rsi.h"
#include "abi/smccc.h"
#include "base/bits.h"
#include "input.h"
#include "sharing.h"
#include "sim/realm.h"
#include "sim/sim.h"

#define MAX_STEPS   96U
#define POOL        80U /* pages that most addresses name */
#define MAX_COMMAND 64U

#define EC_WFX        UINT64_C(0x01)
#define EC_HVC        UINT64_C(0x16)
#define EC_SMC        UINT64_C(0x17)
#define EC_SYSREG     UINT64_C(0x18)
#define EC_INST_ABORT UINT64_C(0x20)
#define EC_DATA_ABORT UINT64_C(0x24)
#define ESR(ec, iss)  ((ec) << 26 | BIT(25) | (iss))

static struct input *input;
static const struct sim_command *live[MAX_COMMAND];
static unsigned int live_count;
static struct sim_answer last;

static const uint32_t realm_functions[] = {
#define RMI_COMMAND(fid, ...)
#define RSI_COMMAND(fid, ...)  fid,
#define PSCI_COMMAND(fid, ...) fid,
#define ABI_COMMANDS_ALL
#include "abi/commands-csm.def"
#include "abi/commands.def"
#undef ABI_COMMANDS_ALL
#undef RMI_COMMAND
#undef RSI_COMMAND
#undef PSCI_COMMAND
};

static uint64_t pool_page(void)
{
	return sim_page(input_below(input, POOL));
}

static uint64_t odd_place(void)
{
	static const uint64_t places[] = {
		SIM_SECURE,   SIM_ROOT,        SIM_HOLE,      SIM_OWN,
		SIM_UNLISTED, SIM_SHARED_PAGE, SIM_HIGH,      SIM_HIGH + 0x200000,
		SIM_DEVICE,   SIM_MAIN - 4096, ~GRANULE_MASK, 0,
	};

	return places[input_below(input, ARRAY_LENGTH(places))] +
	       input_below(input, 4) * GRANULE_SIZE;
}

/* Aligned for some level, in either half of an address space of 40 or 48 bits. */
static uint64_t realm_address(void)
{
	static const unsigned int shifts[] = {12, 12, 21, 30, 39};
	static const uint64_t halves[] = {0, 0, 0, BIT(39), BIT(47), BIT(40)};
	uint64_t base = (uint64_t)input_below(input, 8)
			<< shifts[input_below(input, ARRAY_LENGTH(shifts))];

	return base + halves[input_below(input, ARRAY_LENGTH(halves))];
}

static uint64_t value(void)
{
	switch (input_below(input, 20)) {
	case 0 ... 6:
		return pool_page();
	case 7 ... 9:
		return realm_address();
	case 10 ... 12:
		return input_below(input, 8) - (uint64_t)1;
	case 13:
		return last.x[1 + input_below(input, 4)];
	case 14:
		return pool_page() | (uint64_t)input_below(input, 8) << 2 |
		       (uint64_t)input_below(input, 4) << 6;
	case 15:
		return odd_place();
	case 16:
		return pool_page() + input_byte(input) * 8;
	case 17:
		return BIT(input_below(input, 64));
	case 18:
		return ~(uint64_t)input_byte(input);
	default:
		return input_word(input);
	}
}

static void call(void)
{
	const struct sim_command *command = live[input_below(input, live_count)];
	uint64_t args[7] = {0};
	uint8_t where = input_byte(input);

	machine_cpu = where % SIM_CPUS;
	for (unsigned int i = 0; i < command->inputs && i < ARRAY_LENGTH(args); i++) {
		args[i] = value();
	}
	last = sim_call(command->fid | ((where & 0x80) != 0 ? 0x10000 : 0), args, command->inputs);
}

/* The host writes what it likes; it may not be its page any more. */
static void host_word(void)
{
	uint64_t offset = (uint64_t)input_byte(input) * 16 % GRANULE_SIZE;
	uint64_t word = value();

	machine_host_write(pa_of(pool_page() + offset), &word, sizeof(word));
}

static void host_realm_params(void)
{
	static const uint8_t widths[] = {40, 48, 33, 52, 36};
	static struct rmi_realm_params params;

	memset(&params, 0, sizeof(params));
	params.flags = input_below(input, 8) == 0 ? input_byte(input) : 0;
	params.s2sz = widths[input_below(input, ARRAY_LENGTH(widths))];
	params.sve_vl = input_below(input, 4);
	params.num_bps = input_below(input, 7);
	params.num_wps = input_below(input, 5);
	params.pmu_num_ctrs = input_below(input, 8);
	params.hash_algo = input_below(input, 3);
	params.vmid = input_below(input, 4);
	params.rtt_base = pool_page();
	params.rtt_level_start = input_below(input, 4) - 1;
	params.rtt_num_start = BIT(input_below(input, 5));
	machine_host_write(pa_of(pool_page()), &params, sizeof(params));
}

static void host_rec_params(void)
{
	static struct rmi_rec_params params;

	memset(&params, 0, sizeof(params));
	params.flags = input_below(input, 4) != 0;
	params.mpidr = input_below(input, 3);
	params.pc = realm_address();
	params.num_aux = input_below(input, 8) == 0 ? value() : last.x[1];
	for (unsigned int i = 0; i < RMI_MAX_AUX; i++) {
		params.aux[i] = pool_page();
	}
	machine_host_write(pa_of(pool_page()), &params, sizeof(params));
}

static void host_run_page(void)
{
	static struct rmi_rec_run run;

	memset(&run, 0, sizeof(run));
	run.enter.flags = input_below(input, 32);
	run.enter.gicv3_hcr = input_below(input, 4) == 0 ? value() : 0;
	for (unsigned int i = 0; i < 4; i++) {
		run.enter.gicv3_lrs[i] = input_below(input, 4) == 0 ? input_word(input) : 0;
	}
	run.enter.gprs[0] = value();
	machine_host_write(pa_of(pool_page()), &run, sizeof(run));
}

/* EL3 or the secure world takes a page of the host, or gives it back. */
static void secure_world(void)
{
	pa_t pa = pa_of(pool_page());

	if (machine_pas(pa) == MACHINE_NS) {
		machine_set_pas(pa, MACHINE_SECURE);
	} else if (machine_pas(pa) == MACHINE_SECURE) {
		machine_set_pas(pa, MACHINE_NS);
	}
}

/* An error that hardware could not contain is to stop the RMM: not one of these (SET is not 10). */
static uint64_t contained(uint64_t esr)
{
	uint64_t ec = esr >> 26 & 0x3F;

	return ec == EC_DATA_ABORT || ec == EC_INST_ABORT ? esr | (esr & BIT(12)) >> 1 : esr;
}

static uint64_t syndrome(struct arch_vcpu *vcpu)
{
	switch (input_below(input, 10)) {
	case 0 ... 4:
		vcpu->gprs[0] = realm_functions[input_below(input, ARRAY_LENGTH(realm_functions))];
		return ESR(EC_SMC, 0);
	case 5:
		return ESR(EC_DATA_ABORT, BIT(24) | (input_word(input) & MASK(23, 0)));
	case 6:
		return ESR(EC_INST_ABORT, input_word(input) & MASK(23, 0));
	case 7:
		return ESR(EC_SYSREG, input_word(input) & MASK(24, 0));
	case 8:
		return ESR(input_below(input, 2) == 0 ? EC_WFX : EC_HVC, input_byte(input));
	default:
		return input_word(input) & MASK(31, 0);
	}
}

static enum arch_exit realm(struct arch_vcpu *vcpu, struct arch_exit_info *info)
{
	if (sharing_answer(vcpu, info) || sharing_fault(vcpu, info)) {
		return ARCH_EXIT_SYNC;
	}
	if (sharing_entered || input->left == 0 || input_below(input, 8) == 0) {
		return ARCH_EXIT_IRQ;
	}
	for (unsigned int i = 1; i < 5; i++) {
		vcpu->gprs[i] = value();
	}
	vcpu->pc = realm_address();
	info->esr = contained(syndrome(vcpu));
	info->far = input_below(input, 2) == 0 ? input_word(input) : realm_address();
	info->hpfar = realm_address() >> 8;
	return input_below(input, 16) == 0 ? ARCH_EXIT_SERROR : ARCH_EXIT_SYNC;
}

static void step(void)
{
	if (sharing_on && input_below(input, 2) == 0) {
		machine_cpu = input_below(input, SIM_CPUS);
		sharing_step(input);
		return;
	}
	switch (input_below(input, 16)) {
	case 0:
		host_word();
		break;
	case 1:
		host_realm_params();
		break;
	case 2:
		host_rec_params();
		break;
	case 3:
		host_run_page();
		break;
	case 4:
		secure_world();
		break;
	default:
		call();
		break;
	}
}

/*
 * A realm with tables, four pages of RAM and two RECs, its granules at the pages from `first` on.
 */
static void build_realm(uint64_t first, uint16_t vmid, bool active)
{
	static struct sim_realm realm;

	memset(&realm, 0, sizeof(realm));
	sim_realm_new(&realm, first, vmid);
	for (uint64_t page = 0; page < 4; page++) {
		sim_realm_ram_page(&realm, page * GRANULE_SIZE);
	}
	sim_realm_tables(&realm, BIT(39), 3);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, 0);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, 0);
	if (active) {
		sim_realm_activate(&realm);
	}
}

/* What there is when the input begins: far states need more commands than an input has room for. */
static void set_scene(void)
{
	sharing_on = false;
	switch (input_below(input, 8)) {
	case 0:
		break;
	case 1:
		build_realm(0, 1, false);
		break;
	case 2:
	case 3:
		build_realm(0, 1, true);
		break;
	case 4 ... 6:
		sharing_begin(input, POOL / 2);
		break;
	default:
		build_realm(0, 1, true);
		build_realm(POOL / 2, 2, false);
		break;
	}
}

/* Commands whose handler is there. */
static void find_live(void)
{
	static const uint64_t nothing[7];

	for (size_t i = 0; sim_command_at(i) != NULL && live_count < MAX_COMMAND; i++) {
		const struct sim_command *command = sim_command_at(i);

		if (sim_call(command->fid, nothing, 7).x[0] != SMCCC_UNKNOWN) {
			live[live_count++] = command;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input whole = {bytes, size};

	input = &whole;
	memset(&last, 0, sizeof(last));
	sim_reset();
	if (live_count == 0) {
		find_live();
	}
	machine_on_run = realm;
	set_scene();
	for (unsigned int i = 0; i < MAX_STEPS && whole.left != 0; i++) {
		step();
	}
	sim_check();
	return 0;
}
