// SPDX-License-Identifier: BSD-3-Clause
#include "arch/cpu.h"

#include "arch/aarch64/stage2.h"
#include "arch/aarch64/sysreg.h"
#include "arch/entry.h"
#include "arch/trace.h"
#include "base/bits.h"
#include "plat_memory.h"

_Noreturn void entry_cold(uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3);
_Noreturn void entry_warm(uint64_t x0);
_Noreturn void arch_unexpected_exception(uint64_t esr, uint64_t elr, uint64_t far);

/*
 * Called by entry.S on the boot CPU with the registers of EL3's first entry (RMM-EL3 boot
 * interface).
 */
void entry_cold(uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
	const struct boot_args args = {x0, x1, x2, x3};
	const struct granule_bank own = {pa_of(PLAT_RMM_BASE), PLAT_RMM_SIZE};

	stage2_boot();
	boot_serve(boot_cold(&args, own));
}

/* Called by entry.S on every other CPU, with the number that EL3 gives it. */
void entry_warm(uint64_t x0)
{
	stage2_boot();
	boot_serve(boot_warm(x0));
}

/* ZCR_EL2 limits the length; ask for the longest and see what the CPU grants. */
static uint64_t sve_max_length(void)
{
	uint64_t cptr = read_sysreg(cptr_el2);
	uint64_t zcr;
	uint64_t granted;

	if (bits_get(read_sysreg(id_aa64pfr0_el1), 35, 32) == 0) {
		return 0;
	}
	write_sysreg(cptr_el2, cptr | ((uint64_t)3 << 20) | ((uint64_t)3 << 16));
	isb();
	zcr = read_sysreg(s3_4_c1_c2_0); /* ZCR_EL2 */
	write_sysreg(s3_4_c1_c2_0, 0xF);
	isb();
	__asm__ volatile(".arch_extension sve\n\trdvl %0, #1" : "=r"(granted));
	write_sysreg(s3_4_c1_c2_0, zcr);
	write_sysreg(cptr_el2, cptr);
	isb();
	return granted / 16 - 1;
}

uint64_t arch_id_register(enum arch_id_register which)
{
	switch (which) {
	case ARCH_ID_AA64PFR0:
		return read_sysreg(id_aa64pfr0_el1);
	case ARCH_ID_AA64PFR1:
		return read_sysreg(id_aa64pfr1_el1);
	case ARCH_ID_AA64DFR0:
		return read_sysreg(id_aa64dfr0_el1);
	case ARCH_ID_AA64DFR1:
		return read_sysreg(id_aa64dfr1_el1);
	case ARCH_ID_AA64ISAR0:
		return read_sysreg(id_aa64isar0_el1);
	case ARCH_ID_AA64ISAR1:
		return read_sysreg(id_aa64isar1_el1);
	case ARCH_ID_AA64MMFR0:
		return read_sysreg(id_aa64mmfr0_el1);
	case ARCH_ID_AA64MMFR1:
		return read_sysreg(id_aa64mmfr1_el1);
	case ARCH_ID_AA64MMFR2:
		return read_sysreg(id_aa64mmfr2_el1);
	case ARCH_ID_AA64ZFR0:
		return read_sysreg(s3_0_c0_c4_4);
	case ARCH_ID_ICH_VTR:
		return read_sysreg(s3_4_c12_c11_1);
	case ARCH_ID_PMCR:
		return read_sysreg(pmcr_el0);
	case ARCH_ID_SVE_MAX_LENGTH:
		return sve_max_length();
	case ARCH_ID_COUNT:
		break;
	}
	return 0;
}

/* vectors.S */
bool write_mpam2(uint64_t value);
bool write_mpamhcr(uint64_t value);
bool write_hdfgrtr(uint64_t value);
bool write_hdfgwtr(uint64_t value);

bool arch_trap_write(enum arch_trap_register which, uint64_t value)
{
	switch (which) {
	case ARCH_MPAM2_EL2:
		return write_mpam2(value);
	case ARCH_MPAMHCR_EL2:
		return write_mpamhcr(value);
	case ARCH_HDFGRTR_EL2:
		return write_hdfgrtr(value);
	case ARCH_HDFGWTR_EL2:
		return write_hdfgwtr(value);
	case ARCH_TRAP_COUNT:
		break;
	}
	return false;
}

uint64_t arch_mpamidr(void)
{
	return read_sysreg(s3_0_c10_c4_4);
}

static void print_number(uint64_t value, unsigned int base)
{
	static const char digits[] = "0123456789abcdef";
	char text[21];
	unsigned int at = sizeof(text) - 1;

	text[at] = '\0';
	do {
		text[--at] = digits[value % base];
		value /= base;
	} while (value != 0);
	arch_trace_print(&text[at]);
}

static _Noreturn void stop(void)
{
	for (;;) {
		__asm__ volatile("wfi");
	}
}

/*
 * An assertion (arch_panic()), or an exception that is a defect. The syndrome is about the RMM
 * itself. Addresses stay off the console: they could be a realm's.
 */
void arch_unexpected_exception(uint64_t esr, uint64_t elr, uint64_t far)
{
	(void)far;
	if (bits_get(esr, 31, ESR_EC_SHIFT) == ESR_EC_BRK) {
		arch_trace_print("CAEC RMM panic: assertion in line ");
		print_number(bits_get(esr, 15, 0), 10);
	} else {
		arch_trace_print("CAEC RMM panic: exception, ESR_EL2 0x");
		print_number(esr, 16);
	}
	arch_trace_print(" at image offset 0x");
	print_number(elr - PLAT_RMM_BASE, 16);
	arch_trace_print("\n");
	stop();
}
