// SPDX-License-Identifier: BSD-3-Clause
/*
 * CPUs of the host. All are powered up at start; secondaries wait in WFI for work. Tests run on
 * CPU 0 and send functions to the others. Interrupts are masked except inside cpu_wait().
 */
#ifndef HOST_CPU_H
#define HOST_CPU_H

#include "payload/common/arch.h"

#define MAX_CPUS  16
#define MAX_INTID 32 /* interrupts with handlers: SGIs and PPIs */

/*
 * Limits are for what hangs: the clock goes on while a busy machine has no time for the emulator.
 */
#define PATIENCE_MS 60000  /* for what takes milliseconds */
#define LONG_MS     240000 /* for what takes seconds */

typedef void (*cpu_fn)(void *arg);
typedef void (*irq_fn)(unsigned intid);

enum job_state { JOB_NONE, JOB_QUEUED, JOB_RUNNING, JOB_DONE };

struct resume {
	uint64_t registers[13];
};

struct cpu {
	uint64_t stack_top; /* first: start.S */
	unsigned index;
	uint64_t mpidr;
	uint32_t online;  /* atomic: set by the CPU itself, cleared by whoever powers it off */
	uint32_t job;     /* atomic enum job_state */
	unsigned starter; /* the CPU to wake when the job is done */
	uint32_t called;  /* atomic: the interrupt that announces the job has been sent */
	uint32_t waked;   /* atomic: so has that which announces its end */
	cpu_fn fn;
	void *arg;
	struct resume resume; /* where test_abandon() goes */
	bool resume_valid;
	uint64_t fault_esr, fault_far;
	irq_fn irq_handlers[MAX_INTID];
};

extern struct cpu cpus[MAX_CPUS];

static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	__asm__ volatile("mrs %0, tpidr_el2" : "=r"(cpu));
	return cpu;
}

/* CPUs of the machine, as the emulator says; at most MAX_CPUS. */
unsigned cpu_count(void);

/* Power CPU n up through PSCI CPU_ON and wait for it. Returns the PSCI status; 0 is success. */
int64_t cpu_up(unsigned n);
/* Power CPU n down: it calls CPU_OFF itself. False if it is not off within the time limit. */
bool cpu_down(unsigned n);

/* Run fn(arg) on CPU n, another than this one: at once, or start it and join later. A second start
 * on a busy CPU is a mistake in the test and ends the run. cpu_join: false after timeout_ms.
 * The interrupts that CPUs wake each other with are taken by then, and end no realm's run later. */
void cpu_start(unsigned n, cpu_fn fn, void *arg);
bool cpu_join(unsigned n, unsigned timeout_ms);
void on_cpu(unsigned n, cpu_fn fn, void *arg);

/* Wait until *word is `value` (an atomic), sleeping in between; false after timeout_ms. */
bool cpu_wait(const uint32_t *word, uint32_t value, unsigned timeout_ms);

/*
 * A meeting point of `count` CPUs, reusable. All leave within microseconds of each other. Abandons
 * the test if the others do not come.
 */
struct barrier {
	uint32_t count;
	uint32_t arrived;
	uint32_t round;
};
void barrier_wait(struct barrier *barrier);

/* resume_set() returns 0, and 1 when resume_jump() comes back to it. */
uint64_t resume_set(struct resume *resume) __attribute__((returns_twice));
void resume_jump(struct resume *resume) __attribute__((noreturn));

#endif
