// SPDX-License-Identifier: BSD-3-Clause
/* One step of a sequence, with every number it needs, so that a sequence can be played again. */
#ifndef TESTS_RANDOM_STEPS_H
#define TESTS_RANDOM_STEPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model.h"

enum step_kind {
	STEP_WORLD,   /* the first: which machine, WORLD_* */
	STEP_RMI,     /* w[0] FID, w[1..5] x1..x5, then what the structure in host memory holds */
	STEP_ACT,     /* of the realm on a CPU: struct m_action */
	STEP_PAS,     /* the secure world takes the host's page w[0], or gives it back */
	STEP_ENTROPY, /* w[0] 0: the CPU has none from now on; 1: it has */
	STEP_KINDS,
};

#define STEP_WORDS 28U
#define STEP_EXTRA 6U /* index of the structure's first word */

/* Words of the structures. */
enum step_realm {
	SR_FLAGS,
	SR_S2SZ,
	SR_SVE,
	SR_BPS,
	SR_WPS,
	SR_CTRS,
	SR_HASH,
	SR_VMID,
	SR_BASE,
	SR_LEVEL,
	SR_NUM,
	SR_COUNT
};
enum step_rec { SC_FLAGS, SC_MPIDR, SC_PC, SC_NUM_AUX, SC_AUX, SC_COUNT = SC_AUX + RMI_MAX_AUX };
enum step_enter { SE_FLAGS, SE_HCR, SE_LRS, SE_SEED = SE_LRS + 4, SE_COUNT };

#define SIM_NO_LPA2 1U
#define SIM_VMID8   2U
#define SIM_FAR_RAM 4U /* memory that takes 52 bits; then not the others */
#define SIM_OPTIONS 8U

struct step {
	uint8_t kind;
	uint8_t cpu;
	uint8_t count; /* words in use */
	uint64_t w[STEP_WORDS];
};

/* The action of a STEP_ACT / the other direction, for a CPU. */
struct m_action step_action(const struct step *step);
struct step step_of_action(unsigned int cpu, const struct m_action *action);

/* One line each; false: the line is none, or the file has ended. */
void step_print(FILE *file, const struct step *step);
bool step_read(FILE *file, struct step *step);

/* The name of a command, "?" for none. */
const char *step_name(uint64_t fid);

#endif
