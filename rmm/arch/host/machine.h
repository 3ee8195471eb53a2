// SPDX-License-Identifier: BSD-3-Clause
/*
 * The machine that the unit tests run on: physical memory with a granule protection table, an EL3,
 * CPUs that are threads, and checkers that follow what the RMM does to all of it.
 *
 * A broken rule ends in machine_stop(), like an assertion of the RMM: the program aborts with the
 * reason, or a test that expects it catches it (MACHINE_STOP_OF). The checkers:
 *
 *   LOCKS   arch/lock.h: order, taken twice, released twice, held at the end of a command, released
 *           (but for leaves) while a page of realm data is mapped
 *   SLOTS   arch/space.h: mapped twice, unmapped twice, mapped at the end of a command
 *   WINDOW  opened twice, opened on a granule that is not Realm, closed twice
 *   GPT     a granule that goes to another world while the RMM maps it, not wiped,
 *           or without a lock, so that another CPU could meet it half way
 *   TLB     arch/tlb.h: a stage-2 translation that is stale when its table's lock is released
 *   VCPU    arch/vcpu.h: run or saved without being loaded, loaded at the end of a command
 *   ACCESS  memory touched that is not mapped, or mapped in the wrong world
 *
 * Memory of the RMM (slots on Realm granules, open pages of the window) is at one address per
 * granule, whoever maps it, so that the thread sanitizer sees two CPUs meet there; it is
 * inaccessible while nobody maps it. Host memory is never accessible but through the copies.
 */
#ifndef ARCH_HOST_MACHINE_H
#define ARCH_HOST_MACHINE_H

#include <setjmp.h>

#include "arch/cpu.h"
#include "arch/space.h"
#include "arch/vcpu.h"
#include "base/smc.h"
#include "base/types.h"

/* World of a granule. No memory is behind MACHINE_ABSENT, and EL3 knows nothing of it. */
enum machine_pas {
	MACHINE_ABSENT,
	MACHINE_NS,
	MACHINE_REALM,
	MACHINE_SECURE,
	MACHINE_ROOT,
};

/* base and size are multiples of GRANULE_SIZE. */
struct machine_region {
	uint64_t base;
	uint64_t size;
	enum machine_pas pas;
};

#define MACHINE_MAX_REGIONS 16U
#define MACHINE_MAX_PAGES   278528U /* of all regions together; those not touched cost little */

/*
 * A machine after power-on, with this memory, all of it zero: nothing mapped, checkers reset,
 * default identification registers, no hook, the calling thread is CPU 0. No other thread may run.
 */
void machine_reset(const struct machine_region *regions, size_t count);

/* Makes the calling thread CPU `index`, with checkers reset. */
void machine_cpu_enter(unsigned int index);

/* Around one command of the host on this CPU; the end runs this CPU's checkers. */
void machine_command_begin(void);
void machine_command_end(void);

/* Condition that ended the command since machine_command_begin() on this CPU; NULL: none did. */
const char *machine_last_failure(void);

/* Everything printed since the reset, or its first few KiB. */
const char *machine_console(void);

/* --- memory --- */

/* World that pa is in. machine_set_pas(): EL3 or the secure world acts, without the RMM. */
enum machine_pas machine_pas(pa_t pa);
void machine_set_pas(pa_t pa, enum machine_pas pas);

/*
 * The host's own accesses, within one granule, pa and size multiples of 8: false if it is not in
 * the normal world. May run while the RMM copies.
 */
bool machine_host_read(pa_t pa, void *dst, size_t size);
bool machine_host_write(pa_t pa, const void *src, size_t size);

/* What is in memory, past every check; NULL if there is none. */
void *machine_raw(pa_t pa);

/*
 * What a CPU fetches from the granule that the RMM last made ready for execution on this CPU: its
 * contents at that time. NULL for every other granule.
 */
const void *machine_code(pa_t pa);

/*
 * Whether instruction caches may hold what a realm executed from the granule: a table led to it
 * since it was made ready for execution.
 */
bool machine_code_left(pa_t pa);

/* How often all instruction caches were emptied since the reset. */
unsigned int machine_code_forgotten(void);

/* Whether the window has a page open on the granule at pa. */
bool machine_window_is_open(pa_t pa);

/*
 * Granules that were mapped, or went to another world, since they were last asked for. Returns
 * false when there is no further one. For one thread.
 */
bool machine_next_touched(pa_t *pa);

/* --- hooks, NULL after a reset --- */

/* Before each 8 bytes that the RMM copies from or to a host's page: what other CPUs do meanwhile.
 */
extern void (*machine_on_copy)(pa_t pa);

/*
 * What EL3 hands out for attestation. The platform token starts with the challenge and goes on with
 * the low bytes of 0, 1, 2... After a reset: a key of P-384, 1518 bytes of token in one hunk.
 */
struct machine_el3 {
	uint8_t key[48];
	size_t key_size;         /* that it claims to have written */
	size_t token_size;       /* in all, 0: it has none */
	size_t hunk_size;        /* of token that it gives at once */
	unsigned int busy_calls; /* times it answers that it is busy, first */
};
extern struct machine_el3 machine_el3;

/* Instead of EL3, for services it returns true for. */
struct arch_el3_result;
extern bool (*machine_on_el3)(uint64_t fid, uint64_t x1, struct arch_el3_result *result);

/* Instead of the entropy source. Without it, numbers that are the same in every run. */
extern bool (*machine_on_random)(uint64_t *value);

/* In place of the normal world: gets the answer, puts the next call. May not return at all. */
extern void (*machine_on_yield)(struct smc_regs *regs);

/*
 * Plays a realm from arch_vcpu_run() to its exit: gprs, pc and pstate are in *vcpu, its EL1 state
 * and timers are in the CPU (below). No lock may be held and no slot mapped when it is called.
 */
extern enum arch_exit (*machine_on_run)(struct arch_vcpu *vcpu, struct arch_exit_info *info);

/* Whether a physical interrupt is pending; none is without the hook. */
extern bool (*machine_on_interrupt_pending)(void);

/*
 * Before a CPU takes a lock while it holds none but external ones: what other CPUs do meanwhile,
 * who find all realms as they are between two steps. Not called for what it does itself, if it is
 * NULL until it is done.
 */
extern void (*machine_on_unlocked)(void);

/* When a stop ends the program: may report it and longjmp() away instead. Survives a reset. */
extern void (*machine_on_stop)(const char *text);

/* Invalidations of stage-2 translations on all CPUs since the reset, by kind. */
struct machine_tlb_count {
	unsigned int entries, ranges, alls;
};
struct machine_tlb_count machine_tlb_count(void);

/* Value that the identification register has from now on. */
void machine_set_id(enum arch_id_register which, uint64_t value);

/* Value that a trap register of this CPU was given since the reset; false: none was. */
bool machine_trap(enum arch_trap_register which, uint64_t *value);

/* Set: EL3 lets the RMM have none of the trap registers. */
extern bool machine_traps_refused;

/* What MPAMIDR_EL1 says, on a machine with MPAM. */
extern uint64_t machine_mpamidr;

/* EL1 registers and timers of the realm that is loaded on this CPU; NULL if none is. */
struct arch_el1 *machine_el1(void);
struct arch_timers *machine_timers(void);

/* What timers are compared with, 0 after a reset. */
extern uint64_t machine_counter;

/* Set: no memory answers when a granule is wiped, though EL3 and the manifest know of it. */
extern bool machine_deaf;

/* Set: the random number generator has nothing to give. */
extern bool machine_random_empty;

/* --- the end of everything --- */

/* Ends the current command for good. The text names the checker, or is "panic FILE:LINE". */
_Noreturn void machine_stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Runs `statement` on this thread and yields the text of the stop that ended it, NULL if it ran to
 * its end. After a stop the RMM's state is that of the middle of a command: reset the machine.
 */
#define MACHINE_STOP_OF(statement)                     \
	({                                             \
		const char *stop_;                     \
		machine_arm();                         \
		if (sigsetjmp(machine_jump, 1) == 0) { \
			statement;                     \
			stop_ = machine_disarm();      \
		} else {                               \
			stop_ = machine_stopped();     \
		}                                      \
		stop_;                                 \
	})

extern __thread sigjmp_buf machine_jump;
void machine_arm(void);
const char *machine_disarm(void);
const char *machine_stopped(void);

#endif
