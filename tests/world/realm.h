// SPDX-License-Identifier: BSD-3-Clause
/*
 * Realms in the world: a host that builds and runs one by commands alone, and a realm whose
 * behaviour a test writes down step by step.
 */
#ifndef TESTS_WORLD_REALM_H
#define TESTS_WORLD_REALM_H

#include "abi/psci.h"
#include "abi/rsi.h"
#include "arch/vcpu.h"
#include "rec/rec.h"
#include "world/world.h"

#define WORLD_RECS  8U
#define WORLD_PARTS 64U

/* A realm, and where the host has put its parts. */
struct world_realm {
	struct rmi_realm_params params; /* may be changed before world_realm_create() */
	uint64_t next_page;             /* index of the host's next unused page, see world_page() */
	uint64_t rd;
	uint64_t scratch; /* a page for parameters and contents */
	uint64_t run;     /* RmiRecRun of all RECs */
	uint64_t recs[WORLD_RECS];
	unsigned int rec_count;
	struct {
		uint64_t ipa;
		int level;    /* of a table; 4 for a page of data */
	} parts[WORLD_PARTS]; /* in the order of their making */
	unsigned int part_count;
	uint64_t delegated[WORLD_PARTS * 4]; /* every granule the host gave away */
	unsigned int delegated_count;
};

/* An unused page of the host; with world_realm_delegated() it is DELEGATED. */
uint64_t world_realm_page(struct world_realm *realm);
uint64_t world_realm_delegated(struct world_realm *realm);

/*
 * Common parameters: 40 bits of IPA, one start table at level 0, SHA-256, neither SVE nor PMU.
 * Pages are taken from number first_page on.
 */
void world_realm_prepare(struct world_realm *realm, uint64_t first_page, uint16_t vmid);

/* RMI_REALM_CREATE as prepared / both, NEW / RMI_REALM_ACTIVATE. */
void world_realm_create(struct world_realm *realm);
void world_realm_new(struct world_realm *realm, uint64_t first_page, uint16_t vmid);
void world_realm_activate(struct world_realm *realm);

/* Adds the tables that lead to the entry of ipa at `level`. */
void world_realm_tables(struct world_realm *realm, uint64_t ipa, int level);

/* Gives [base, top), pages, the RIPAS RAM while the realm is NEW. */
void world_realm_ram(struct world_realm *realm, uint64_t base, uint64_t top);

/* Puts a page of zeros at ipa, RIPAS as it is; NEW: and RAM. Returns its PA. */
uint64_t world_realm_data(struct world_realm *realm, uint64_t ipa);
uint64_t world_realm_ram_page(struct world_realm *realm, uint64_t ipa);

/* RMI_REC_CREATE of the next REC: its number. Registers x0..x7 are 0x100..0x107. */
unsigned int world_rec_new(struct world_realm *realm, uint64_t flags, uint64_t pc);

/* A realm with `recs` runnable RECs at WORLD_PC, active. */
#define WORLD_PC UINT64_C(0x10000)
void world_realm_ready(struct world_realm *realm, unsigned int recs);

/* The object of a REC, of the realm. */
struct rec *world_rec(const struct world_realm *realm, unsigned int rec);
struct rd *world_rd(const struct world_realm *realm);

/*
 * RMI_REC_ENTER with *enter, or with zeros for NULL. *exit, unless NULL, gets the host's view of
 * the exit record, which held rubbish before; nothing but the record was written.
 */
struct world_answer world_enter(struct world_realm *realm, unsigned int rec,
				const struct rmi_rec_enter *enter, struct rmi_rec_exit *exit);

/* Destroys it all, one command each, which must succeed, and takes back every granule. */
void world_realm_destroy(struct world_realm *realm);

/* --- a realm that a test plays --- */

#define WORLD_EXIT_MAX_X 12U

/*
 * What a realm does between an entry and an exit: x0..x[count-1] = x, then act(), then the exit.
 */
struct world_step {
	enum arch_exit kind;
	struct arch_exit_info info;
	unsigned int count;
	uint64_t x[WORLD_EXIT_MAX_X];
	void (*act)(struct arch_vcpu *vcpu);
};

#define WORLD_ESR(ec) ((uint64_t)(ec) << 26 | (uint64_t)1 << 25)

/* An SMC with x0.. as given; a synchronous exception; an interrupt. */
#define WORLD_SMC(...)                                          \
	{                                                       \
		.kind = ARCH_EXIT_SYNC,                         \
		.info = {.esr = WORLD_ESR(0x17)},               \
		.count = sizeof((uint64_t[]){__VA_ARGS__}) / 8, \
		.x = {__VA_ARGS__},                             \
	}
#define WORLD_SYNC(esr_, far_, ipa_)                                                           \
	{                                                                                      \
		.kind = ARCH_EXIT_SYNC,                                                        \
		.info = {.esr = (esr_), .far = (far_), .hpfar = (ipa_) >> 8 & ~UINT64_C(0xF)}, \
	}
#define WORLD_IRQ                      \
	{                              \
		.kind = ARCH_EXIT_IRQ, \
	}

/*
 * The steps that the realm takes on its next entries, one for each time it runs; an IRQ ends
 * every run after the last. For one CPU.
 */
void world_play(const struct world_step *steps, size_t count);
#define WORLD_PLAY(...)                                      \
	world_play((const struct world_step[]){__VA_ARGS__}, \
		   sizeof((const struct world_step[]){__VA_ARGS__}) / sizeof(struct world_step))

/* Since world_play(): how often the realm ran, and what it saw when its n-th run began. */
struct world_view {
	struct arch_vcpu vcpu; /* general registers, PC, PSTATE, GIC */
	struct arch_el1 el1;
};
unsigned int world_runs(void);
const struct world_view *world_saw(unsigned int n);

#endif
