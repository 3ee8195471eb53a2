// SPDX-License-Identifier: BSD-3-Clause
/*
 * Realms for tests: every granule is delegated, used, taken back and checked to be wiped here. What
 * does not succeed fails the test. A realm is torn down when its test ends, however it ends.
 */
#ifndef HOST_REALM_H
#define HOST_REALM_H

#include "abi/csm.h"
#include "abi/rmi.h"
#include "payload/common/protocol.h"
#include "payload/common/spinlock.h"
#include "rmi.h"

/* Two more pages of RAM that realm_boot() creates: src at both, in this order. src 0: none. */
struct realm_pages {
	uint64_t ipa[2], src, flags;
};

struct realm_config {
	uint8_t ipa_width;
	int64_t start_level;
	uint32_t start_tables;
	uint64_t flags; /* RMI_REALM_FLAG_* */
	uint8_t hash;
	uint8_t sve_vl, num_bps, num_wps, pmu_counters; /* as in struct rmi_realm_params */
	uint8_t rpv[RMI_RPV_SIZE];
	struct realm_pages created;
	unsigned recs;
	enum realm_program program;
	uint64_t args[7]; /* of the program */
};

enum rec_stop {
	REC_DONE,       /* the program is over; its value is exit.gprs[0] */
	REC_CALL,       /* host call REALM_CALL_TEST or above; answer in enter.gprs */
	REC_OFF,        /* PSCI CPU_OFF */
	REC_SYSTEM_OFF, /* PSCI SYSTEM_OFF or SYSTEM_RESET */
	REC_IRQ,        /* only with stop_on_irq; the interrupt was not taken yet */
	REC_EXIT,       /* another exit: see run->exit */
	REC_ERROR       /* RMI_REC_ENTER failed: see status */
};

struct rec {
	struct realm *realm;
	unsigned index;
	uint64_t granule;
	uint64_t aux[RMI_MAX_AUX];
	uint64_t aux_count;
	struct rmi_rec_run *run; /* normal-world page */
	bool stop_on_irq;
	uint32_t cpu;       /* atomic: of a realm with APT, where it runs now, plus 1 */
	uint32_t let_go;    /* atomic: rec_run_on() ends with the next interrupt */
	uint64_t status;    /* x0 of the last RMI_REC_ENTER */
	enum rec_stop stop; /* what the last rec_run() returned */
};

#define REALM_RANGES 64

/* What the host knows of the realm's use of CSM: csm.h. */
struct realm_csm {
	uint64_t apt[CSM_MAX_APT_GRANULES];
	unsigned apts;
	bool lazy;       /* a region's pages come when its provider touches them */
	unsigned target; /* the REC that takes the interrupt */
	uint32_t wake;   /* atomic: the interrupt waits */
	struct spinlock lock;
	struct {
		uint64_t base, top;
	} ranges[REALM_RANGES]; /* reserved ones, under lock; top 0: free */
};

struct realm {
	struct realm_config config;
	uint64_t rd;
	uint64_t tables; /* first start table */
	bool created;
	struct realm_csm csm;
	unsigned rec_count;
	struct rec recs[REALM_MAX_RECS];
};

/* 32-bit addresses, one start table at level 1, SHA-256, one REC. */
struct realm_config realm_default(enum realm_program program);

/* A new realm in state NEW, without content. At most 8 per test. */
struct realm *realm_create(const struct realm_config *config);
/* Everything: create, RIPAS, image, RECs (the first runnable, at _start), activate. */
struct realm *realm_boot(const struct realm_config *config);
void realm_activate(struct realm *realm);
/* The next REC. args: x0 to x7. */
struct rec *realm_add_rec(struct realm *realm, uint64_t pc, const uint64_t args[8], bool runnable);
/* Destroys all that is in it and the realm. Called at the end of the test if the test does not. */
void realm_destroy(struct realm *realm);
/*
 * Parts of it, in an order of the test's own: the REC that was added last; all RECs; all tables
 * below the start tables, which are empty.
 */
void realm_take_rec(struct realm *realm);
void realm_take_recs(struct realm *realm);
void realm_take_tables(struct realm *realm);
/* fn(realm, arg) for all realms of the test, the unused places too. */
void realm_each(void (*fn)(struct realm *realm, uint64_t arg), uint64_t arg);

/* RIPAS RAM for [base, top), tables as needed. State NEW. */
void realm_init_ripas(struct realm *realm, uint64_t base, uint64_t top);
/* RMI_DATA_CREATE with the page at src; RMI_DATA_CREATE_UNKNOWN. */
void realm_data_create(struct realm *realm, uint64_t ipa, uint64_t src, uint64_t flags);
/* False: something is mapped there already. */
bool realm_data_unknown(struct realm *realm, uint64_t ipa);
/* RMI_DATA_DESTROY of all pages in the range; a block that reaches beyond it is unfolded. */
void realm_take_data(struct realm *realm, uint64_t base, uint64_t top);
/* Map the normal-world page at an unprotected ipa, write-back, read and write. */
void realm_map_page(struct realm *realm, uint64_t ipa, uint64_t page);
/* Create the tables below `from` down to level `to` that translate ipa. Racing CPUs are fine. */
void realm_make_tables(struct realm *realm, uint64_t ipa, int from, int to);

uint64_t realm_unprotected(const struct realm *realm);
/* Bytes that an entry of this level covers. */
uint64_t level_size(int level);

/* A delegated page; and back, checking that it is wiped. */
uint64_t granule_take(void);
void granule_give(uint64_t granule);

/* One RMI_REC_ENTER; x0. The exit record is full of nonsense before it. */
uint64_t rec_enter(struct rec *rec);
/*
 * Enter until something is for the test. Interrupts are taken, tables and pages made, RIPAS changes
 * applied, exits of CSM answered (csm.h), PSCI requests completed, text of the realm printed.
 * enter.flags count for one entry. Runs on the calling CPU. cpu_start(n, rec_run_here, rec) runs it
 * elsewhere.
 */
enum rec_stop rec_run(struct rec *rec);
void rec_run_here(void *rec);
/* The same for a REC that is to stay in the realm: an interrupt ends it only when let_go is set. */
void rec_run_on(void *rec);
/* Wait until another CPU runs the REC, and has done so for a moment. */
void rec_wait_running(const struct rec *rec);
/* End rec_run_on() on that CPU, and wait for it. */
void rec_let_go(struct rec *rec, unsigned cpu);

#endif
