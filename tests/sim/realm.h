// SPDX-License-Identifier: BSD-3-Clause
/*
 * Realms in the world: a host that builds and runs one by commands alone, and a realm whose
 * behaviour a test writes down step by step.
 */
#ifndef TESTS_SIM_REALM_H
#define TESTS_SIM_REALM_H

#include "abi/psci.h"
#include "abi/rsi.h"
#include "arch/vcpu.h"
#include "rec/rec.h"
#include "sim/sim.h"

#define SIM_RECS  8U
#define SIM_PARTS 64U

/* A realm, and where the host has put its parts. */
struct sim_realm {
	struct rmi_realm_params params; /* may be changed before sim_realm_create() */
	uint64_t next_page;             /* index of the host's next unused page, see sim_page() */
	uint64_t rd;
	uint64_t scratch; /* a page for parameters and contents */
	uint64_t run;     /* RmiRecRun of all RECs */
	uint64_t recs[SIM_RECS];
	unsigned int rec_count;
	struct {
		uint64_t ipa;
		int level;  /* of a table; 4 for a page of data */
	} parts[SIM_PARTS]; /* in the order of their making */
	unsigned int part_count;
	uint64_t delegated[SIM_PARTS * 4]; /* every granule the host gave away */
	unsigned int delegated_count;
};

/* An unused page of the host; with sim_realm_delegated() it is DELEGATED. */
uint64_t sim_realm_page(struct sim_realm *realm);
uint64_t sim_realm_delegated(struct sim_realm *realm);

/*
 * Common parameters: 40 bits of IPA, one start table at level 0, SHA-256, neither SVE nor PMU.
 * Pages are taken from number first_page on.
 */
void sim_realm_prepare(struct sim_realm *realm, uint64_t first_page, uint16_t vmid);

/* RMI_REALM_CREATE as prepared / both, NEW / RMI_REALM_ACTIVATE. */
void sim_realm_create(struct sim_realm *realm);
void sim_realm_new(struct sim_realm *realm, uint64_t first_page, uint16_t vmid);
void sim_realm_activate(struct sim_realm *realm);

/* Adds the tables that lead to the entry of ipa at `level`. */
void sim_realm_tables(struct sim_realm *realm, uint64_t ipa, int level);

/* Gives [base, top), pages, the RIPAS RAM while the realm is NEW. */
void sim_realm_ram(struct sim_realm *realm, uint64_t base, uint64_t top);

/* Puts a page of zeros at ipa, RIPAS as it is; NEW: and RAM. Returns its PA. */
uint64_t sim_realm_data(struct sim_realm *realm, uint64_t ipa);
uint64_t sim_realm_ram_page(struct sim_realm *realm, uint64_t ipa);

/* RMI_REC_CREATE of the next REC: its number. Registers x0..x7 are 0x100..0x107. */
unsigned int sim_rec_new(struct sim_realm *realm, uint64_t flags, uint64_t pc);

/* A realm with `recs` runnable RECs at SIM_PC, active. */
#define SIM_PC UINT64_C(0x10000)
void sim_realm_ready(struct sim_realm *realm, unsigned int recs);

/* The object of a REC, of the realm. */
struct rec *sim_rec(const struct sim_realm *realm, unsigned int rec);
struct rd *sim_rd(const struct sim_realm *realm);

/*
 * RMI_REC_ENTER with *enter, or with zeros for NULL. *exit, unless NULL, gets the host's view of
 * the exit record, which held rubbish before; nothing but the record was written.
 */
struct sim_answer sim_enter(struct sim_realm *realm, unsigned int rec,
			    const struct rmi_rec_enter *enter, struct rmi_rec_exit *exit);

/* Destroys it all, one command each, which must succeed, and takes back every granule. */
void sim_realm_destroy(struct sim_realm *realm);

/* --- a realm that a test plays --- */

#define SIM_EXIT_MAX_X 12U

/*
 * What a realm does between an entry and an exit: x0..x[count-1] = x, then act(), then the exit.
 */
struct sim_step {
	enum arch_exit kind;
	struct arch_exit_info info;
	unsigned int count;
	uint64_t x[SIM_EXIT_MAX_X];
	void (*act)(struct arch_vcpu *vcpu);
};

#define SIM_ESR(ec) ((uint64_t)(ec) << 26 | (uint64_t)1 << 25)

/* An SMC with x0.. as given; a synchronous exception; an interrupt. */
#define SIM_SMC(...)                                            \
	{                                                       \
		.kind = ARCH_EXIT_SYNC,                         \
		.info = {.esr = SIM_ESR(0x17)},                 \
		.count = sizeof((uint64_t[]){__VA_ARGS__}) / 8, \
		.x = {__VA_ARGS__},                             \
	}
#define SIM_SYNC(esr_, far_, ipa_)                                                             \
	{                                                                                      \
		.kind = ARCH_EXIT_SYNC,                                                        \
		.info = {.esr = (esr_), .far = (far_), .hpfar = (ipa_) >> 8 & ~UINT64_C(0xF)}, \
	}
#define SIM_IRQ                        \
	{                              \
		.kind = ARCH_EXIT_IRQ, \
	}

/*
 * The steps that the realm takes on its next entries, one for each time it runs; an IRQ ends
 * every run after the last. For one CPU.
 */
void sim_exits(const struct sim_step *steps, size_t count);
#define SIM_EXITS(...)                                    \
	sim_exits((const struct sim_step[]){__VA_ARGS__}, \
		  sizeof((const struct sim_step[]){__VA_ARGS__}) / sizeof(struct sim_step))

/* Since sim_exits(): how often the realm ran, and what it saw when its n-th run began. */
struct sim_view {
	struct arch_vcpu vcpu; /* general registers, PC, PSTATE, GIC */
	struct arch_el1 el1;
};
unsigned int sim_runs(void);
const struct sim_view *sim_saw(unsigned int n);

#endif
