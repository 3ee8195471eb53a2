// SPDX-License-Identifier: BSD-3-Clause
/*
 * A booted RMM on the simulated machine, and the host that calls it. For unit tests and the fuzzer;
 * what a machine offers beyond (worlds of granules, hooks, stops) is in arch/host/machine.h.
 *
 * After every command the checkers run; and it is checked that the answer keeps the calling
 * convention, that a refusal names one of the command's conditions, and that every granule touched
 * is in order. A broken rule stops the program with its reason.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include "abi/el3.h"
#include "abi/rmi.h"
#include "abi/status.h"
#include "arch/host/machine.h"
#include "granule/granule.h"

/* Memory of the world. Banks of the manifest, so delegable: MAIN, GUARDED, HOLE, HIGH. */
#define SIM_DEVICE      UINT64_C(0x09000000) /* not memory, not in a bank */
#define SIM_MAIN        UINT64_C(0x40000000)
#define SIM_MAIN_SIZE   UINT64_C(0x00800000)
#define SIM_OWN         UINT64_C(0x40100000) /* the RMM's memory, inside MAIN: not delegable */
#define SIM_OWN_SIZE    UINT64_C(0x00080000)
#define SIM_SHARED_PAGE (SIM_OWN + SIM_OWN_SIZE - GRANULE_SIZE)
#define SIM_SECURE      UINT64_C(0x44000000) /* first half of GUARDED */
#define SIM_ROOT        UINT64_C(0x44010000) /* second half */
#define SIM_GUARD_SIZE  UINT64_C(0x00010000) /* of each half */
#define SIM_HOLE        UINT64_C(0x45000000) /* in a bank, but no memory is there */
#define SIM_HOLE_SIZE   UINT64_C(0x00010000)
#define SIM_UNLISTED    UINT64_C(0x80000000)  /* memory of the host that is in no bank */
#define SIM_HIGH        UINT64_C(0x880000000) /* aligned to 1 GiB, for blocks of 2 MiB */
#define SIM_HIGH_SIZE   UINT64_C(0x01000000)
#define SIM_FAR         UINT64_C(0x0008880000000000) /* in a bank after sim_reset_far() only */
#define SIM_FAR_SIZE    UINT64_C(0x00040000)
#define SIM_GIANT       UINT64_C(0x900000000) /* 1 GiB, there after sim_reset_giant() only */
#define SIM_GIANT_SIZE  UINT64_C(0x40000000)
#define SIM_CPUS        8U

/* Number `index` of the ordinary pages of the host above the RMM's memory, below SIM_PAGES. */
#define SIM_PAGES ((SIM_MAIN + SIM_MAIN_SIZE - SIM_OWN - SIM_OWN_SIZE) / GRANULE_SIZE)
static inline uint64_t sim_page(uint64_t index)
{
	return SIM_OWN + SIM_OWN_SIZE + index * GRANULE_SIZE;
}

/* Power-on and cold boot, on CPU 0. Every granule is UNDELEGATED and zero. */
void sim_reset(void);

/* The same, and the manifest lists FAR, which only 52-bit addresses reach. */
void sim_reset_far(void);

/* The same with GIANT instead, for blocks of 1 GiB. */
void sim_reset_giant(void);

/* The machine alone, with the manifest in the shared page and nothing booted; and the boot. */
void sim_power_on(void);
int64_t sim_boot(void);

struct sim_answer {
	uint64_t x[5];         /* of the host */
	const char *condition; /* that ended the command, NULL if none did */
};

/* A call of the host on this CPU. Arguments beyond `count` are values that no command expects. */
struct sim_answer sim_call(uint64_t fid, const uint64_t *args, size_t count);

/* RMI(RMI_GRANULE_DELEGATE, addr): the answer. */
#define RMI(command, ...)                                                 \
	sim_call(command##_FID, (const uint64_t[]){0, ##__VA_ARGS__} + 1, \
		 sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t) - 1)

/* Delegates a page, which must succeed / the state of the granule at pa, which must be tracked. */
void sim_delegate(uint64_t pa);
enum granule_state sim_state(uint64_t pa);
unsigned int sim_refs(uint64_t pa);

/*
 * Brings the granule of an UNDELEGATED page into `state` the way a command would, without an object
 * in it / brings it back to DELEGATED.
 */
void sim_make(uint64_t pa, enum granule_state state);
void sim_unmake(uint64_t pa);

/* Fills the host's page at pa with a pattern made from seed / whether it holds the pattern. */
void sim_fill(uint64_t pa, uint64_t seed);
bool sim_is_filled(uint64_t pa, uint64_t seed);
/* Whether the memory at pa, whoever owns it, is all zero. */
bool sim_is_zero(uint64_t pa);

/* Copies a structure of one granule or less to the host's page at pa. */
void sim_put(uint64_t pa, const void *src, size_t size);
void sim_get(uint64_t pa, void *dst, size_t size);

/*
 * Stops unless every tracked granule is in order: its state and its world agree, DELEGATED is all
 * zero and without references, its page of the window is open if and only if it is metadata. No
 * command may run.
 */
void sim_check(void);

/*
 * Runs body(cpu, context) on `count` CPUs at once, and then sim_check(). Commands check
 * this CPU's checkers only while others run.
 */
void sim_run_cpus(unsigned int count, void (*body)(unsigned int cpu, void *context), void *context);

/* For bodies of sim_run_cpus(), where a test's assertions do not reach: stops unless it holds. */
#define SIM_CHECK(condition)                                                             \
	do {                                                                             \
		if (!(condition)) {                                                      \
			machine_stop("%s:%d: %s does not hold", __FILE_NAME__, __LINE__, \
				     #condition);                                        \
		}                                                                        \
	} while (0)

/* What an X_COMMAND line of the ABI says. NULL for a number without a command. */
struct sim_command {
	uint64_t fid;
	const char *name;
	unsigned int inputs;
	unsigned int outputs;
	const char *conditions; /* separated by ", " */
};
const struct sim_command *sim_command(uint64_t fid);
const struct sim_command *sim_command_at(size_t index); /* in the ABI's order, NULL at the end */

#endif
