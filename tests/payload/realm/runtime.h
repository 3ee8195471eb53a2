// SPDX-License-Identifier: BSD-3-Clause
/*
 * The realm payload's runtime: a program is a function on the first REC. It talks to the host with
 * host calls; checks that fail reach the test there.
 */
#ifndef REALM_RUNTIME_H
#define REALM_RUNTIME_H

#include "abi/psci.h"
#include "abi/rsi.h"
#include "abi/smccc.h"
#include "abi/status.h"
#include "payload/common/check.h"
#include "payload/common/probe.h"
#include "payload/common/protocol.h"
#include "payload/common/smc_regs.h"

#define MAX_INTID 1020

/* args: x1 to x7 of the first REC's parameters. Returning ends the program. */
#define PROGRAM(name)                              \
	void program_##name(const uint64_t *args); \
	void program_##name(const uint64_t *args)

struct vcpu {
	struct rsi_host_call call __attribute__((aligned(RSI_HOST_CALL_ALIGN)));
	unsigned index;
	struct fault fault;   /* the last one that a probe caught */
	uint64_t faults;      /* how many */
	uint64_t irqs;        /* interrupts taken */
	unsigned last_intid;  /* the last of them */
	void (*fn)(uint64_t); /* what secondary_main() runs */
};

extern struct vcpu vcpus[REALM_MAX_RECS];
struct vcpu *this_vcpu(void);

/* An SMC to the RMM; arguments not given are zero. */
struct smc_regs rsi_args(uint64_t fid, const uint64_t *args, unsigned count);
#define rsi_call(fid, ...)                                        \
	rsi_args((fid), (const uint64_t[]){0, ##__VA_ARGS__} + 1, \
		 sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t) - 1)

/* RSI_HOST_CALL with this vCPU's structure: gprs go out and come back in vcpu->call. */
void host_call(unsigned imm);
/* The common case: two values out, gprs[0] back. */
uint64_t host_call_values(unsigned imm, uint64_t a, uint64_t b);
/* Tell the host that the program is over; gprs[0] carries a value. */
void done(uint64_t value) __attribute__((noreturn));

/* Address bits of the realm, and the lowest unprotected IPA, from RSI_REALM_CONFIG. */
unsigned ipa_width(void);
uint64_t unprotected_base(void);
/* RSI_IPA_STATE_SET until the whole range has changed. False: refused or no progress. */
bool set_ripas(uint64_t base, uint64_t top, uint64_t ripas, uint64_t flags);

/* Stage 1: identity map of both halves in 1 GiB blocks, caches on. Per vCPU. */
void mmu_on(void);
/* The block of the low 512 GiB that address is in gets these descriptor bits. Its descriptor. */
uint64_t *map_block(uint64_t address, uint64_t bits);

/* PSCI CPU_ON of REC `index`, which runs fn(arg) and then CPU_OFF. Returns the PSCI status. */
int64_t vcpu_start(unsigned index, void (*fn)(uint64_t), uint64_t arg);

/* Goes to the address at EL0, where it must fault at once: fault_last(). */
void fetch_el0(uint64_t address);

/* GICv3 CPU interface: priorities open, group 1 on; interrupts stay masked until irq_open(). */
void gic_on(void);

#endif
