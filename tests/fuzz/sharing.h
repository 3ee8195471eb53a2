// SPDX-License-Identifier: BSD-3-Clause
/*
 * Realms that share memory, for the fuzzer: far states of CSM take many calls with arguments that
 * belong together, so some acts are whole steps towards them, made of few bytes. What they ask for
 * may be refused, and what they expect may have been taken away by acts before them.
 */
#ifndef TESTS_FUZZ_SHARING_H
#define TESTS_FUZZ_SHARING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/csm.h"
#include "input.h"
#include "sim/realm.h"

/* Each realm: RAM with pages from 0 on, a table there, where it also attaches, from OTHER on. */
#define SHARING_REALMS 2U
#define SHARING_PAGES  6U /* of RAM, with memory behind all but the last two */
#define SHARING_APTS   2U
#define SHARING_SPARES 4U
#define SHARING_OTHER  UINT64_C(0x10000)
#define SHARING_BARE   BIT(30) /* tables down to level 2 only */
#define SHARING_TRIES  6U      /* calls of a command that is not complete */

struct sharing_realm {
	struct sim_realm host;
	uint64_t id;
	uint64_t regions; /* that it has made: their ids are 1, 2, 3... */
	uint64_t apt[SHARING_APTS];
	uint64_t spare[SHARING_SPARES]; /* DELEGATED */
};

static struct sharing_realm sharing[SHARING_REALMS];
static bool sharing_on;
static bool sharing_entered;            /* for one call or access: the realm does nothing else */
static unsigned int sharing_interrupts; /* one in so many questions is answered by yes; 0: never */

/* The call of a realm that has been asked for, and its answer. */
static struct {
	bool wanted, done;
	uint64_t x[7];
	uint64_t status, result;
} sharing_call;

#define SHARING_COMMANDS (RSI_CSM_FID_LAST - RSI_CSM_FID_FIRST + 1U)
static unsigned long sharing_succeeded[SHARING_COMMANDS];
static unsigned long sharing_mapped; /* accesses that were answered with a page */

/* --- at the end of the program: what was reached; lines of their own, for tests/fuzz/Makefile */

static inline void sharing_report(void)
{
	static const struct {
		uint32_t fid;
		const char *name;
	} commands[] = {
#define RSI_COMMAND(fid, name, ...) {fid, #name},
#define ABI_COMMANDS_ALL
#include "abi/commands-csm.def"
#undef ABI_COMMANDS_ALL
#undef RSI_COMMAND
	};

	for (unsigned int i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		fprintf(stderr, "reached %s: %lu\n", commands[i].name,
			sharing_succeeded[commands[i].fid - RSI_CSM_FID_FIRST]);
	}
	fprintf(stderr, "reached access: %lu\n", sharing_mapped);
}

/* --- what calls are made of */

static inline uint64_t sharing_id(struct input *input, unsigned int who)
{
	unsigned int which = input_below(input, 8);

	return which == 7 ? 0 : sharing[which < 5 ? who : SHARING_REALMS - 1 - who].id;
}

/* A region that there was, or one that is none. */
static inline uint64_t sharing_region(struct input *input, unsigned int who)
{
	uint64_t regions = sharing[who].regions;
	unsigned int back = input_below(input, 4);

	return regions > back ? regions - back : regions + back;
}

static inline uint64_t sharing_own(struct input *input)
{
	return (uint64_t)input_below(input, SHARING_PAGES) * GRANULE_SIZE;
}

static inline uint64_t sharing_other(struct input *input)
{
	unsigned int which = input_below(input, 8);

	return which == 7 ? SHARING_BARE : SHARING_OTHER + (uint64_t)which * GRANULE_SIZE;
}

static inline uint64_t sharing_size(struct input *input)
{
	return (1 + (uint64_t)input_below(input, SHARING_PAGES)) * GRANULE_SIZE;
}

/* Arguments that go far, for a command of CSM by realm `who`. */
static inline void sharing_args(struct input *input, unsigned int who, uint64_t x[7])
{
	unsigned int other = SHARING_REALMS - 1 - who;
	uint64_t region = sharing_region(input, who);
	uint64_t peer = sharing_id(input, other);

	switch (x[0]) {
	case RSI_CSM_CREATE_FID:
		x[1] = sharing_own(input);
		x[2] = sharing_size(input);
		break;
	case RSI_CSM_SHARE_FID:
		x[1] = region;
		x[2] = peer;
		x[3] = CSM_PERM_READ | input_below(input, 8);
		x[4] = input_below(input, 8) == 0 ? sharing_own(input) : 0;
		break;
	case RSI_CSM_REVOKE_FID:
	case RSI_CSM_DESTROY_FID:
	case RSI_CSM_SEAL_FID:
		x[1] = region;
		x[2] = peer;
		break;
	case RSI_CSM_DIGEST_FID:
		x[1] = sharing_id(input, who);
		x[2] = sharing_region(input, x[1] == sharing[who].id ? who : other);
		break;
	case RSI_CSM_SIGNAL_FID:
		x[1] = peer;
		x[2] = sharing_id(input, input_below(input, 2));
		x[3] = sharing_region(input, x[2] == sharing[who].id ? who : other);
		x[4] = 1 + input_byte(input);
		break;
	case RSI_CSM_QUERY_FID:
	case RSI_CSM_PEER_FID:
		x[1] = sharing_id(input, input_below(input, 2));
		x[2] = input_below(input, 7);
		break;
	default:
		x[1] = peer;
		x[2] = sharing_region(input, other);
		x[3] = sharing_other(input);
		x[4] = sharing_size(input);
		x[5] = input_below(input, 8) == 0 ? sharing_own(input) : 0;
		break;
	}
}

/* --- calls of a realm */

/* The realm that was entered makes the call; true if there was one to make. */
static inline bool sharing_answer(struct arch_vcpu *vcpu, struct arch_exit_info *info)
{
	if (!sharing_call.wanted) {
		return false;
	}
	if (sharing_call.done) {
		uint64_t fid = sharing_call.x[0] - RSI_CSM_FID_FIRST;

		sharing_call.status = vcpu->gprs[0];
		sharing_call.result = vcpu->gprs[1];
		if (fid < SHARING_COMMANDS && vcpu->gprs[0] == RSI_SUCCESS) {
			sharing_succeeded[fid]++;
		}
		sharing_call.wanted = false;
		return false;
	}
	memcpy(vcpu->gprs, sharing_call.x, sizeof(sharing_call.x));
	sharing_call.done = true;
	*info = (struct arch_exit_info){.esr = SIM_ESR(0x17)};
	return true;
}

static inline void sharing_enter(unsigned int who)
{
	sharing_entered = true;
	(void)RMI(RMI_REC_ENTER, sharing[who].host.recs[0], sharing[who].host.run);
	sharing_entered = false;
}

/* Calls until the command is complete; its status, or what the last call left undone. */
static inline uint64_t sharing_ask(unsigned int who, const uint64_t x[7])
{
	unsigned int tries = 0;

	do {
		memcpy(sharing_call.x, x, sizeof(sharing_call.x));
		sharing_call.wanted = true;
		sharing_call.done = false;
		sharing_call.status = RSI_ERROR_STATE;
		sharing_enter(who);
		/* An exit with the answer: the realm sees it on its next entry. */
		if (sharing_call.wanted) {
			sharing_enter(who);
		}
		sharing_call.wanted = false;
	} while (sharing_call.status == RSI_INCOMPLETE && ++tries < SHARING_TRIES);
	if (x[0] == RSI_CSM_CREATE_FID && sharing_call.status == RSI_SUCCESS) {
		sharing[who].regions = sharing_call.result;
	}
	return sharing_call.status;
}

static inline void sharing_act(struct input *input)
{
	unsigned int who = input_below(input, SHARING_REALMS);
	uint64_t x[7] = {RSI_CSM_FID_FIRST + input_below(input, SHARING_COMMANDS)};

	sharing_args(input, who, x);
	(void)sharing_ask(who, x);
}

/* What may be done with an attachment, by both sides. */
static inline void sharing_go_on(struct input *input, unsigned int who, uint64_t region)
{
	unsigned int other = SHARING_REALMS - 1 - who;
	uint64_t id = sharing[who].id;
	uint64_t ends[][7] = {
		{RSI_CSM_REVOKE_FID, region, sharing[other].id},
		{RSI_CSM_DESTROY_FID, region},
		{RSI_CSM_SEAL_FID, region},
		{RSI_CSM_SIGNAL_FID, sharing[other].id, id, region, 1 + input_byte(input)},
	};
	uint64_t digest[7] = {RSI_CSM_DIGEST_FID, id, region};
	uint64_t detach[7] = {RSI_CSM_DETACH_AND_FREE_FID, id, region};
	unsigned int what = input_below(input, 8);

	if (what < sizeof(ends) / sizeof(ends[0])) {
		(void)sharing_ask(who, ends[what]);
	}
	if (what == 2) {
		(void)sharing_ask(other, digest);
	} else if (what == 4) {
		(void)sharing_ask(other, detach);
	}
}

/* All the way to an attachment, and perhaps a step further. */
static inline void sharing_lend(struct input *input)
{
	unsigned int who = input_below(input, SHARING_REALMS);
	unsigned int other = SHARING_REALMS - 1 - who;
	uint64_t size = sharing_size(input);
	uint64_t perm = CSM_PERM_READ | input_below(input, 8);
	uint64_t create[7] = {RSI_CSM_CREATE_FID, sharing_own(input), size};
	bool made = sharing_ask(who, create) == RSI_SUCCESS;
	uint64_t region = made ? sharing[who].regions : sharing_region(input, who);
	uint64_t share[7] = {RSI_CSM_SHARE_FID, region, sharing[other].id, perm};
	uint64_t reserve[7] = {RSI_CSM_RESERVE_FID, sharing[who].id, region, sharing_other(input),
			       size};
	uint64_t attach[7] = {RSI_CSM_ATTACH_FID, sharing[who].id, region};

	(void)sharing_ask(who, share);
	(void)sharing_ask(other, reserve);
	(void)sharing_ask(other, attach);
	sharing_go_on(input, who, region);
}

/* An access to a page of an attachment; sharing_mapped counts the accesses that got a page. */
static struct {
	bool wanted, done;
	uint64_t ipa, pc;
} sharing_access;

static inline bool sharing_fault(struct arch_vcpu *vcpu, struct arch_exit_info *info)
{
	if (!sharing_access.wanted) {
		return false;
	}
	if (sharing_access.done) {
		sharing_mapped += vcpu->pc == sharing_access.pc;
		sharing_access.wanted = false;
		return false;
	}
	sharing_access.done = true;
	sharing_access.pc = vcpu->pc;
	info->esr = SIM_ESR(0x24) | 7U;
	info->far = sharing_access.ipa;
	info->hpfar = sharing_access.ipa >> 8 & ~UINT64_C(0xF);
	return true;
}

static inline void sharing_touch(struct input *input)
{
	unsigned int who = input_below(input, SHARING_REALMS);

	sharing_access.ipa = sharing_other(input);
	sharing_access.wanted = true;
	sharing_access.done = false;
	sharing_enter(who);
	sharing_access.wanted = false;
}

/* --- the host */

/* What the host has a reason to do to realms that share; results go where they may be used. */
static inline void sharing_host(struct input *input)
{
	struct sharing_realm *realm = &sharing[input_below(input, SHARING_REALMS)];
	uint64_t *spare = &realm->spare[input_below(input, SHARING_SPARES)];
	uint64_t *apt = &realm->apt[input_below(input, SHARING_APTS)];
	uint64_t rd = realm->host.rd;
	struct sim_answer answer;

	switch (input_below(input, 8)) {
	case 0:
	case 1:
		answer = RMI(RMI_DATA_DESTROY, rd, sharing_own(input));
		*spare = answer.x[0] == RMI_SUCCESS ? answer.x[1] : *spare;
		break;
	case 2:
	case 3:
		(void)RMI(RMI_DATA_CREATE_UNKNOWN, rd, *spare, sharing_own(input));
		break;
	case 4:
		answer = RMI(RMI_RTT_DESTROY, rd, (uint64_t)0, 3);
		*spare = answer.x[0] == RMI_SUCCESS ? answer.x[1] : *spare;
		break;
	case 5:
		(void)RMI(RMI_RTT_CREATE, rd, *spare, input_below(input, 2) == 0 ? 0 : SHARING_BARE,
			  3);
		break;
	case 6:
		(void)RMI(RMI_APT_DESTROY, rd, *apt);
		break;
	default:
		(void)RMI(RMI_APT_CREATE, rd, *apt);
		break;
	}
}

/* --- the beginning */

static struct input *sharing_input;

static inline bool sharing_interrupted(void)
{
	return sharing_interrupts != 0 && input_below(sharing_input, sharing_interrupts) == 0;
}

static inline void sharing_build(unsigned int who, uint64_t first)
{
	struct sharing_realm *realm = &sharing[who];
	struct sim_realm *host = &realm->host;

	sim_realm_new(host, first, (uint16_t)(who + 1));
	sim_realm_ram(host, 0, SHARING_PAGES * GRANULE_SIZE);
	for (uint64_t page = 0; page < SHARING_PAGES - 2; page++) {
		sim_realm_data(host, page * GRANULE_SIZE);
	}
	sim_realm_tables(host, SHARING_BARE, 2);
	sim_rec_new(host, RMI_REC_FLAG_RUNNABLE, 0);
	sim_realm_activate(host);
	realm->id = sim_rd(host)->id;
	for (unsigned int i = 0; i < SHARING_APTS; i++) {
		realm->apt[i] = sim_realm_delegated(host);
	}
	SIM_CHECK(RMI(RMI_APT_CREATE, host->rd, realm->apt[0]).x[0] == RMI_SUCCESS);
	for (unsigned int i = 0; i < SHARING_SPARES; i++) {
		realm->spare[i] = sim_realm_delegated(host);
	}
}

static inline void sharing_begin(struct input *input, uint64_t pages)
{
	static bool reports;

	if (!reports) {
		reports = true;
		atexit(sharing_report);
	}
	memset(sharing, 0, sizeof(sharing));
	for (unsigned int i = 0; i < SHARING_REALMS; i++) {
		sharing_build(i, i * pages);
	}
	sharing_on = true;
	sharing_input = input;
	sharing_interrupts = input_below(input, 4);
	machine_on_interrupt_pending = sharing_interrupted;
}

static inline void sharing_step(struct input *input)
{
	switch (input_below(input, 8)) {
	case 0:
	case 1:
		sharing_lend(input);
		break;
	case 2:
		sharing_touch(input);
		break;
	case 3:
	case 4:
		sharing_host(input);
		break;
	default:
		sharing_act(input);
		break;
	}
}

#endif
