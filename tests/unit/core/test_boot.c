// SPDX-License-Identifier: BSD-3-Clause
/* Cold and warm boot: every argument that can be wrong, in the order of the specification. */
#include "core/boot.h"

#include "arch/entry.h"
#include "core/version.h"
#include "granule/geometry.h"
#include "unit.h"

static const struct boot_args good = {0, 4, SIM_CPUS, SIM_SHARED_PAGE};
static const struct granule_bank own = {{SIM_OWN}, SIM_OWN_SIZE};

static int64_t boot(struct boot_args args)
{
	int64_t result = boot_cold(&args, own);

	machine_command_end();
	return result;
}

static struct el3_boot_manifest *manifest(void)
{
	return machine_raw(pa_of(SIM_SHARED_PAGE));
}

static int power_on(void **state)
{
	(void)state;
	sim_power_on();
	return 0;
}

static void interface_versions(void **state)
{
	static const uint64_t versions[] = {3, 4, 5, 0xFFFF};
	static const uint64_t others[] = {0,          1,           2,           0x10000,    0x10004,
					  0x7FFF0004, BIT(31) | 4, BIT(32) | 4, BIT(63) | 4};
	struct boot_args args = good;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		args.interface_version = others[i];
		assert_int_equal(boot(args), EL3_BOOT_VERSION);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(versions); i++) {
		args.interface_version = versions[i];
		sim_power_on();
		assert_int_equal(boot(args), EL3_BOOT_SUCCESS);
	}
}

static void cpu_counts(void **state)
{
	static const uint64_t others[] = {ARCH_MAX_CPUS + 1, BIT(32), BIT(32) + 1, ~UINT64_C(0)};
	struct boot_args args = good;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		args.cpu_count = others[i];
		assert_int_equal(boot(args), EL3_BOOT_CPUS);
	}
	args.cpu_count = 1;
	assert_int_equal(boot(args), EL3_BOOT_SUCCESS);
	/* A boot leaves nothing in the shared page, the manifest neither. */
	sim_power_on();
	args.cpu_count = ARCH_MAX_CPUS;
	assert_int_equal(boot(args), EL3_BOOT_SUCCESS);
}

static void cpu_index(void **state)
{
	static const uint64_t others[] = {SIM_CPUS, ARCH_MAX_CPUS, BIT(32), ~UINT64_C(0)};
	struct boot_args args = good;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		args.cpu_index = others[i];
		assert_int_equal(boot(args), EL3_BOOT_CPU_ID);
	}
	/* Of no CPU at all none has a good index. */
	args = (struct boot_args){0, 4, 0, SIM_SHARED_PAGE};
	assert_int_equal(boot(args), EL3_BOOT_CPU_ID);
	args = good;
	args.cpu_index = SIM_CPUS - 1;
	assert_int_equal(boot(args), EL3_BOOT_SUCCESS);
}

static void shared_page(void **state)
{
	static const uint64_t others[] = {
		0,
		SIM_SHARED_PAGE + 8,
		SIM_SHARED_PAGE + 2048,
		SIM_MAIN,   /* of the normal world */
		SIM_SECURE, /* and of the secure one */
		SIM_ROOT,
		SIM_HOLE, /* no memory */
		SIM_SHARED_PAGE | BIT(52),
		~GRANULE_MASK,
	};
	struct boot_args args = good;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		args.shared_page = others[i];
		assert_int_equal(boot(args), EL3_BOOT_SHARED_BUFFER);
	}
	assert_int_equal(boot(good), EL3_BOOT_SUCCESS);
	assert_int_equal(boot_shared_page().v, SIM_SHARED_PAGE);
}

/* With everything wrong, each repair uncovers the next error. */
static void order_of_errors(void **state)
{
	struct boot_args args = {ARCH_MAX_CPUS + 1, 0x10004, ARCH_MAX_CPUS + 1, 8};

	(void)state;
	manifest()->version = 2;
	manifest()->plat_dram.checksum++;
	assert_int_equal(boot(args), EL3_BOOT_VERSION);
	args.interface_version = 4;
	assert_int_equal(boot(args), EL3_BOOT_CPUS);
	args.cpu_count = SIM_CPUS;
	assert_int_equal(boot(args), EL3_BOOT_CPU_ID);
	args.cpu_index = 0;
	assert_int_equal(boot(args), EL3_BOOT_SHARED_BUFFER);
	args.shared_page = SIM_SHARED_PAGE;
	assert_int_equal(boot(args), EL3_BOOT_MANIFEST_VERSION);
	manifest()->version = 3;
	assert_int_equal(boot(args), EL3_BOOT_MANIFEST_DATA);
	manifest()->plat_dram.checksum--;
	assert_int_equal(boot(args), EL3_BOOT_SUCCESS);
}

static void too_much_memory(void **state)
{
	struct el3_dram_bank *banks = (void *)(manifest() + 1);

	(void)state;
	banks[3].size += GRANULE_CAPACITY * GRANULE_SIZE;
	manifest()->plat_dram.checksum -= GRANULE_CAPACITY * GRANULE_SIZE;
	assert_int_equal(boot(good), EL3_BOOT_MANIFEST_DATA);
	assert_null(granule_find(pa_of(SIM_MAIN)));
}

static void cpu_without_4k(void **state)
{
	(void)state;
	machine_set_id(ARCH_ID_AA64MMFR0, (uint64_t)0xF << 28 | 6);
	assert_int_equal(boot(good), EL3_BOOT_UNKNOWN);
}

static void banner_once(void **state)
{
	(void)state;
	assert_int_equal(boot(good), EL3_BOOT_SUCCESS);
	assert_string_equal(machine_console(), VERSION_BANNER "\n");
	assert_int_equal(boot_warm(1), EL3_BOOT_SUCCESS);
	assert_string_equal(machine_console(), VERSION_BANNER "\n");
}

static void silent_without_console(void **state)
{
	(void)state;
	manifest()->plat_console.num_consoles = 0;
	assert_int_equal(boot(good), EL3_BOOT_SUCCESS);
	assert_string_equal(machine_console(), "");
}

static void own_memory_is_not_delegable(void **state)
{
	(void)state;
	assert_int_equal(boot(good), EL3_BOOT_SUCCESS);
	for (uint64_t at = 0; at < SIM_OWN_SIZE; at += GRANULE_SIZE) {
		assert_null(granule_find(pa_of(SIM_OWN + at)));
	}
	assert_non_null(granule_find(pa_of(SIM_OWN - GRANULE_SIZE)));
	assert_non_null(granule_find(pa_of(SIM_OWN + SIM_OWN_SIZE)));
}

/* EL3 may use its page again: nothing is read from it after the boot. */
static void manifest_is_copied(void **state)
{
	(void)state;
	assert_int_equal(boot(good), EL3_BOOT_SUCCESS);
	memset(manifest(), 0xFF, GRANULE_SIZE);
	ASSERT_RMI_OK(RMI(RMI_GRANULE_DELEGATE, SIM_HIGH));
	assert_int_equal(boot_warm(2), EL3_BOOT_SUCCESS);
}

static void warm(void **state)
{
	static const uint64_t others[] = {SIM_CPUS, ARCH_MAX_CPUS, BIT(32), ~UINT64_C(0)};

	(void)state;
	assert_int_equal(boot(good), EL3_BOOT_SUCCESS);
	for (uint64_t cpu = 0; cpu < SIM_CPUS; cpu++) {
		assert_int_equal(boot_warm(cpu), EL3_BOOT_SUCCESS);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		assert_int_equal(boot_warm(others[i]), EL3_BOOT_CPU_ID);
	}
	sim_delegate(SIM_MAIN);
	assert_int_equal(boot_warm(3), EL3_BOOT_SUCCESS);
	assert_int_equal(sim_state(SIM_MAIN), GRANULE_DELEGATED);
}

static void warm_on_another_cpu(void **state)
{
	(void)state;
	assert_int_equal(boot(good), EL3_BOOT_SUCCESS);
	machine_set_id(ARCH_ID_SVE_MAX_LENGTH, 3);
	assert_int_equal(boot_warm(1), EL3_BOOT_UNKNOWN);
	machine_set_id(ARCH_ID_AA64MMFR0, (uint64_t)0xF << 28);
	assert_int_equal(boot_warm(1), EL3_BOOT_UNKNOWN);
}

/* --- serving: the host makes two calls and the machine is switched off */

static unsigned int yields;
static struct smc_regs seen[3];

static void host(struct smc_regs *regs)
{
	seen[yields] = *regs;
	if (yields++ == 2) {
		machine_stop("switched off");
	}
	*regs = (struct smc_regs){.x = {yields == 1 ? RMI_VERSION_FID : RMI_GRANULE_DELEGATE_FID,
					yields == 1 ? RMI_REVISION : SIM_MAIN, 2, 3, 4}};
}

static void serves(void **state)
{
	(void)state;
	yields = 0;
	assert_int_equal(boot(good), EL3_BOOT_SUCCESS);
	machine_on_yield = host;
	ASSERT_STOPS("switched off", boot_serve(EL3_BOOT_SUCCESS));
	assert_int_equal(seen[0].x[0], EL3_BOOT_COMPLETE_FID);
	assert_int_equal(seen[0].x[1], EL3_BOOT_SUCCESS);
	assert_int_equal(seen[1].x[0], EL3_RMI_REQ_COMPLETE_FID);
	assert_int_equal(seen[1].x[1], RMI_SUCCESS);
	assert_int_equal(seen[1].x[2], RMI_REVISION);
	assert_int_equal(seen[1].x[5], 4);
	assert_int_equal(seen[2].x[0], EL3_RMI_REQ_COMPLETE_FID);
	assert_int_equal(seen[2].x[1], RMI_SUCCESS);
}

static void failure_stops_here(struct smc_regs *regs)
{
	seen[0] = *regs;
	machine_stop("switched off");
}

static void reports_failures(void **state)
{
	(void)state;
	machine_on_yield = failure_stops_here;
	ASSERT_STOPS("switched off", boot_serve(EL3_BOOT_MANIFEST_DATA));
	assert_int_equal(seen[0].x[0], EL3_BOOT_COMPLETE_FID);
	assert_int_equal((int64_t)seen[0].x[1], EL3_BOOT_MANIFEST_DATA);
}

#define BOOT_TEST(name, function) {name, function, power_on, NULL, NULL}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOOT_TEST("boot: interface versions", interface_versions),
		BOOT_TEST("boot: numbers of CPUs", cpu_counts),
		BOOT_TEST("boot: CPU index", cpu_index),
		BOOT_TEST("boot: shared page", shared_page),
		BOOT_TEST("boot: order of errors", order_of_errors),
		BOOT_TEST("boot: more memory than can be tracked", too_much_memory),
		BOOT_TEST("boot: a CPU without 4 KiB granules", cpu_without_4k),
		BOOT_TEST("boot: one line on the console", banner_once),
		BOOT_TEST("boot: silent without a console", silent_without_console),
		BOOT_TEST("boot: the RMM's own memory", own_memory_is_not_delegable),
		BOOT_TEST("boot: the manifest is copied", manifest_is_copied),
		BOOT_TEST("warm boot: CPU index", warm),
		BOOT_TEST("warm boot: a CPU that differs", warm_on_another_cpu),
		BOOT_TEST("serve: boot result, then one answer for each call", serves),
		BOOT_TEST("serve: a failure is reported", reports_failures),
	};

	return unit_run(tests);
}
