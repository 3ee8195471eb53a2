// SPDX-License-Identifier: BSD-3-Clause
/* Arch interface: the CPU this code runs on. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include "base/types.h"

/* Largest number of CPUs the RMM can serve; the linear index of every CPU is below it. */
#define ARCH_MAX_CPUS 32U

/* Identification registers that decide what the RMM offers (Arm ARM, D24.2). */
enum arch_id_register {
	ARCH_ID_AA64PFR0,
	ARCH_ID_AA64PFR1,
	ARCH_ID_AA64DFR0,
	ARCH_ID_AA64DFR1,
	ARCH_ID_AA64ISAR0,
	ARCH_ID_AA64ISAR1,
	ARCH_ID_AA64MMFR0,
	ARCH_ID_AA64MMFR1,
	ARCH_ID_AA64MMFR2,
	ARCH_ID_AA64ZFR0,
	ARCH_ID_ICH_VTR,
	ARCH_ID_PMCR,
	ARCH_ID_SVE_MAX_LENGTH, /* not a register: longest vector in units of 128 bits, less one */
	ARCH_ID_COUNT,
};

/* Value of an identification register on this CPU. Never fails. */
uint64_t arch_id_register(enum arch_id_register which);

/* Registers of EL2 that trap what a realm does not have; EL3 may keep them from the RMM. */
enum arch_trap_register {
	ARCH_MPAM2_EL2,
	ARCH_MPAMHCR_EL2,
	ARCH_HDFGRTR_EL2,
	ARCH_HDFGWTR_EL2,
	ARCH_TRAP_COUNT,
};

/*
 * Writes a register that the CPU has, for this CPU, until it is powered down. False: EL3 traps the
 * access, and nothing is written.
 */
bool arch_trap_write(enum arch_trap_register which, uint64_t value);

/* MPAMIDR_EL1. Only once ARCH_MPAM2_EL2 could be written: EL3 has one switch for both. */
uint64_t arch_mpamidr(void);

/*
 * arch_panic(file, line) does not return: it stops this CPU for good, because an invariant of the
 * RMM does not hold, so nothing it would do next can be trusted. file is a name without folders.
 * The message has the line, and the file or the place in the image.
 */

/* Linear index of this CPU, below ARCH_MAX_CPUS. */
static inline unsigned int arch_cpu_index(void);

/* Hint to the CPU that it spins on memory that another one will write. */
static inline void arch_cpu_relax(void);

#include "arch_inline/cpu.h"

#endif
