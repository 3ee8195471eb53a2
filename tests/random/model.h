// SPDX-License-Identifier: BSD-3-Clause
/*
 * A reference of RMM 1.0: which granules, realms, RECs and translation tables there are, and what
 * every command may answer. Written from the specification and from docs/decisions, where the
 * specification leaves a choice; it shares nothing with the firmware but the headers of abi/.
 *
 * One command or one thing that a realm does is judged at a time, after the firmware has answered:
 * the model says whether the answer is right, and follows. Where several failure conditions hold
 * and the specification gives them no order, each of them is right.
 */
#ifndef TESTS_RANDOM_MODEL_H
#define TESTS_RANDOM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/psci.h"
#include "abi/rmi.h"
#include "abi/rsi.h"
#include "abi/status.h"

#define M_PAGE    ABI_GRANULE_SIZE
#define M_ENTRIES 512U
#define M_REALMS  6U
#define M_RECS    12U /* of a realm, alive or gone */
#define M_CPUS    4U

enum m_state { M_UNDELEGATED, M_DELEGATED, M_RD, M_REC, M_REC_AUX, M_DATA, M_RTT };

/* Whose a granule is while the RMM has not got it. */
enum m_world { M_NORMAL, M_OTHER };

struct m_granule {
	uint64_t pa;
	enum m_state state;
	enum m_world world;
	void *object; /* struct m_realm, struct m_rec, by state */
};

enum m_kind { M_UNASSIGNED, M_ASSIGNED, M_TABLE, M_UNASSIGNED_NS, M_ASSIGNED_NS };

struct m_entry {
	enum m_kind kind;
	uint8_t ripas;
	uint8_t attributes;    /* of ASSIGNED_NS: bits [7:2] of the host's descriptor */
	uint64_t pa;           /* of ASSIGNED, ASSIGNED_NS */
	struct m_table *child; /* of TABLE */
};

struct m_table {
	uint64_t pa;
	uint64_t base; /* first IPA */
	int level;
	unsigned int length;
	struct m_entry entries[M_ENTRIES];
};

enum m_realm_state { M_NEW, M_ACTIVE, M_OFF };

/* A measurement that was read, or that is known not to be what it was. */
struct m_measurement {
	bool known;
	bool was; /* value is what it must no longer be */
	uint64_t value[8];
};

/* What the last exit leaves for the next entry. */
enum m_last { M_LAST_NOTHING, M_LAST_MMIO, M_LAST_UNPROTECTED, M_LAST_RIPAS, M_LAST_HOST_CALL };

struct m_realm;

struct m_rec {
	bool alive;
	uint64_t pa;
	struct m_realm *realm;
	uint64_t index;
	unsigned int aux_count;
	uint64_t aux[RMI_MAX_AUX];
	bool runnable;
	int cpu; /* that runs it, -1: none */
	uint64_t run;
	struct rmi_rec_enter enter;
	bool psci_pending;
	uint64_t psci[4]; /* the request */
	enum m_last last;
	uint64_t exit_esr;
	uint64_t exit_far;
	uint64_t ripas_base;
	uint64_t ripas_top;
	uint8_t ripas_value;
	bool change_destroyed;
	uint64_t host_call;
	bool attesting;
	uint64_t token_left; /* bytes at most */
	uint64_t gprs[RMI_EXIT_GPRS];
	uint64_t pc;
};

struct m_realm {
	bool alive;
	uint64_t rd;
	struct rmi_realm_params params;
	enum m_realm_state state;
	unsigned int width; /* of IPAs, bits */
	bool lpa2;
	int start_level;
	unsigned int aux_count; /* as RMI_REC_AUX_COUNT said, 0: never asked */
	struct m_table *start[RMI_MAX_START_RTTS];
	struct m_rec recs[M_RECS];
	unsigned int rec_index;
	struct m_measurement measured[RSI_MEASUREMENT_SLOTS];
};

/* What the machine has. */
struct m_region {
	uint64_t base;
	uint64_t size;
	enum m_world world;
};

#define M_MAX_GRANULES 8192U

struct m_config {
	uint64_t features; /* RmiFeatureRegister0 */
	bool vmid16;
	const void *(*memory)(uint64_t pa); /* what is in a page of a realm */
};

struct model {
	struct m_config config;
	struct m_granule granules[M_MAX_GRANULES];
	unsigned int granule_count;
	struct m_realm realms[M_REALMS];
	struct m_rec *running[M_CPUS];
	bool no_entropy;
};
extern struct model model;

/* A machine of these granules, all UNDELEGATED. */
void model_reset(const struct m_config *config);
void model_add(const struct m_region *region);

/* NULL if the RMM does not track pa. */
struct m_granule *model_granule(uint64_t pa);

/* --- answers of the host's commands --- */

struct m_answer {
	uint64_t x[5];
	const char *condition; /* that the firmware names, NULL if none */
};

/* What the host's memory held for the command. */
union m_input {
	struct rmi_realm_params realm;
	struct rmi_rec_params rec;
	struct rmi_rec_enter enter;
	uint64_t content[M_PAGE / sizeof(uint64_t)];
};

/*
 * NULL if the answer to the command is right, and then the model has followed it; else what is
 * wrong with it. Not for RMI_REC_ENTER. args: x1...x5.
 */
const char *model_judge(uint64_t fid, const uint64_t *args, const union m_input *input,
			const struct m_answer *answer);

/* --- RECs that run --- */

/* What came of letting a realm run: it is about to execute, or its REC exited. */
struct m_seen {
	bool running;
	/* If so: what the realm sees. */
	const uint64_t *gprs;
	uint64_t pc;
	uint64_t pstate;
	uint64_t elr_el1, esr_el1, far_el1;
	const char *condition; /* that refused the realm's call */
	/* If not: the answer of RMI_REC_ENTER, and its record, NULL if the page is lost. */
	struct m_answer answer;
	const struct rmi_rec_exit *exit;
};

/* RMI_REC_ENTER(args) on a CPU. */
const char *model_enter(unsigned int cpu, const uint64_t *args, const struct rmi_rec_enter *enter,
			const struct m_seen *seen);

enum m_act { M_ACT_SMC, M_ACT_ABORT, M_ACT_IRQ, M_ACT_FIQ, M_ACT_WFX, M_ACT_HVC, M_ACT_SGI };

#define M_ACT_X 12U

/* x0..x[count-1] are set, then something happens. */
struct m_action {
	enum m_act act;
	uint64_t esr;
	uint64_t far;
	uint64_t ipa;
	unsigned int count;
	uint64_t x[M_ACT_X];
};

/* What the realm on a CPU has done, and what came of it. */
const char *model_act(unsigned int cpu, const struct m_action *action, const struct m_seen *seen);

/* --- tables, for whoever wants to know what is in them --- */

struct m_place {
	struct m_table *table;
	struct m_entry *entry;
	int level;
	uint64_t ipa; /* of the entry */
};

uint64_t m_entry_size(int level);
uint64_t m_protected_end(const struct m_realm *realm);
uint64_t m_space_end(const struct m_realm *realm);

/* The walk of the specification: ipa is below m_space_end(), start level <= level <= 3. */
struct m_place m_walk(const struct m_realm *realm, uint64_t ipa, int level);

/* The realm whose RD is at pa, NULL if there is none; the REC likewise. */
struct m_realm *model_realm(uint64_t pa);
struct m_rec *model_rec(uint64_t pa);

#endif
