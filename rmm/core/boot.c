// SPDX-License-Identifier: BSD-3-Clause
#include "core/boot.h"

#include "abi/el3.h"
#include "arch/copy.h"
#include "arch/cpu.h"
#include "arch/el3.h"
#include "arch/space.h"
#include "arch/trace.h"
#include "attest/attest.h"
#include "base/bits.h"
#include "core/dispatch.h"
#include "core/manifest.h"
#include "core/traps.h"
#include "core/version.h"
#include "feat/feat.h"
#include "granule/granule.h"
#include "plat/plat.h"
#include "realm/realm.h"

#define VERSION_MAJOR(version) (((version) >> 16) & 0x7FFFU)
#define VERSION_MINOR(version) ((version) & 0xFFFFU)

/* 0.3 is the first interface whose manifest and services are those of RMM 1.0. */
#define INTERFACE_MINOR_MIN 3U

static uint64_t cpus_announced;
static pa_t shared_page;

/* Checks what EL3 passes in registers. Returns 0, or the error of the boot interface. */
static int64_t check_args(const struct boot_args *args)
{
	if (VERSION_MAJOR(args->interface_version) != 0 ||
	    VERSION_MINOR(args->interface_version) < INTERFACE_MINOR_MIN ||
	    args->interface_version >> 31 != 0) {
		return EL3_BOOT_VERSION;
	}
	if (args->cpu_count > ARCH_MAX_CPUS) {
		return EL3_BOOT_CPUS;
	}
	if (args->cpu_index >= args->cpu_count) {
		return EL3_BOOT_CPU_ID;
	}
	if (args->shared_page == 0 || !is_aligned(args->shared_page, GRANULE_SIZE)) {
		return EL3_BOOT_SHARED_BUFFER;
	}
	return EL3_BOOT_SUCCESS;
}

/* A page that EL3 names but the RMM cannot read faults like a host's page would, and is refused. */
static bool copy_shared_page(pa_t page, unsigned int pa_bits, void *copy)
{
	if (page.v >= BIT(pa_bits)) {
		return false;
	}

	const void *src = arch_slot_map(ARCH_SLOT_SHARED, page, ARCH_PAS_REALM);
	bool done = arch_copy_from_host(copy, src, GRANULE_SIZE);

	arch_slot_unmap(ARCH_SLOT_SHARED);
	return done;
}

/*
 * Copies the boot manifest out of the shared page and reads it. Returns 0, or the error of the boot
 * interface.
 */
static int64_t read_manifest(pa_t page, const struct feat *has, struct granule_bank own)
{
	static uint64_t copy[GRANULE_SIZE / sizeof(uint64_t)];
	static struct manifest manifest;
	unsigned int pa_bits = (unsigned int)min_u64(has->pa_bits, ARCH_SPACE_PA_BITS);
	int64_t result;

	if (!copy_shared_page(page, pa_bits, copy)) {
		return EL3_BOOT_SHARED_BUFFER;
	}
	result = manifest_parse(copy, page, pa_bits, &manifest);
	if (result != EL3_BOOT_SUCCESS) {
		return result;
	}
	if (!granule_table_init(manifest.banks, manifest.bank_count, own)) {
		return EL3_BOOT_MANIFEST_DATA;
	}
	plat_console_init(manifest.consoles, manifest.console_count);
	return EL3_BOOT_SUCCESS;
}

int64_t boot_cold(const struct boot_args *args, struct granule_bank own)
{
	struct feat has;
	int64_t result = check_args(args);

	if (result != EL3_BOOT_SUCCESS) {
		return result;
	}
	if (!feat_probe(&has)) {
		return EL3_BOOT_UNKNOWN;
	}
	result = read_manifest(pa_of(args->shared_page), &has, own);
	if (result != EL3_BOOT_SUCCESS) {
		return result;
	}
	feat_set(&has);
	traps_boot();
	realm_boot();
	shared_page = pa_of(args->shared_page);
	cpus_announced = args->cpu_count;
	/* Realms can live without tokens; what asks for one is told that there is none. */
	(void)attest_boot(shared_page);
	arch_trace_print(VERSION_BANNER "\n");
	return EL3_BOOT_SUCCESS;
}

int64_t boot_warm(uint64_t cpu_index)
{
	struct feat has;

	if (cpu_index >= cpus_announced) {
		return EL3_BOOT_CPU_ID;
	}
	if (!feat_probe(&has) || !feat_matches(&has)) {
		return EL3_BOOT_UNKNOWN;
	}
	traps_boot();
	return EL3_BOOT_SUCCESS;
}

void boot_serve(int64_t result)
{
	struct smc_regs regs = {.x = {EL3_BOOT_COMPLETE_FID, (uint64_t)result}};

	for (;;) {
		arch_el3_yield(&regs);
		dispatch(&regs);
	}
}

pa_t boot_shared_page(void)
{
	return shared_page;
}
