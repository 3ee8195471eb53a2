// SPDX-License-Identifier: BSD-3-Clause
/*
 * The REC object: a virtual CPU of a realm (RMM specification A2.3).
 *
 * References of the REC granule: 1 while it runs (RMI_REC_ENTER), else 0. Locks: the running CPU
 * owns everything while there is a reference, the holder of the granule's lock while there is none;
 * what others may read at any time is atomic and says so.
 */
#ifndef RMM_REC_REC_H
#define RMM_REC_REC_H

#include <stdatomic.h>

#include "abi/rmi.h"
#include "arch/vcpu.h"
#include "base/bits.h"
#include "realm/realm.h"

#define REC_MAX_AUX 16U

/*
 * Auxiliary granules of a REC: first the vector state, then what making a token needs
 * (attest/attest.h). Their number is the same for all RECs of a realm.
 */
#define REC_ATTEST_PAGES 2U

static inline unsigned int rec_aux_count(const struct realm_features *features)
{
	return arch_simd_pages(features->sve) + REC_ATTEST_PAGES;
}

/* The last exit, as far as the next entry has to complete it. Zero: nothing to complete. */
enum rec_completion {
	REC_COMPLETE_NOTHING,
	REC_COMPLETE_MMIO,        /* emulatable data abort */
	REC_COMPLETE_UNPROTECTED, /* data abort at an unprotected IPA that cannot be emulated */
	REC_COMPLETE_RIPAS,
	REC_COMPLETE_HOST_CALL,
};

struct rec {
	/* Constant. */
	struct granule *rd; /* the owner; the REC's reference keeps it alive */
	struct s2 s2;       /* copy of the realm's */
	uint64_t index;     /* order of creation */
	uint64_t mpidr;     /* RmiRecMpidr */
	struct granule *aux[REC_MAX_AUX];
	uint8_t aux_count;
	uint8_t hash_algo;

	/* Read by others at any time. */
	_Atomic bool runnable;

	/* Owner as above. */
	bool psci_pending;
	enum rec_completion completion;
	uint64_t exit_esr; /* unfiltered syndrome of the exit that is to be completed */
	uint64_t exit_far;
	ipa_t ripas_base; /* rest of the range asked for by RSI_IPA_STATE_SET */
	ipa_t ripas_top;
	enum s2_ripas ripas_value;
	bool ripas_change_destroyed;
	bool ripas_rejected;
	ipa_t host_call;         /* address of the RsiHostCall structure */
	struct s2_hint memory;   /* where rec/memory.h was last */
	uint8_t timers_reported; /* ARCH_TIMER_...: those the host was last told to be asserted */
	struct arch_vcpu vcpu;
};

_Static_assert(sizeof(struct rec) <= GRANULE_SIZE, "a REC is one granule");

/*
 * The RmiRecMpidr for an affinity as a realm names it, in the layout of MPIDR_EL1. False if no REC
 * can have it: bits set outside of the affinity fields, or Aff0 above 15.
 */
static inline bool rec_mpidr_from_affinity(uint64_t affinity, uint64_t *mpidr)
{
	*mpidr = (affinity & 0xFFFFFF) | ((affinity >> 32 & 0xFF) << RMI_MPIDR_AFF3_SHIFT);
	return (affinity & ~UINT64_C(0xFF00FFFF0F)) == 0;
}

/* The object in a granule that is in state REC. */
struct rec *rec_of(const struct granule *rec);

/*
 * Stops if a REC does not fit its realm, or what its owner may change does not fit together. Called
 * when a REC starts and stops running, where ARCH_CHECKS.
 */
void rec_check(const struct rec *rec);

/* The realm of a REC. Its constant fields and its state may be read while the REC exists. */
struct rd *rec_realm(const struct rec *rec);

/*
 * The instruction at PC counts as executed: PC behind it, PSTATE.SS and BTYPE as execution leaves
 * them, so that a realm that steps itself, or lands where it should not, is not deceived.
 */
static inline void rec_step(struct rec *rec)
{
	uint64_t pc = rec->vcpu.pc, pstate = rec->vcpu.pstate;

	rec->vcpu.pc = pc + 4, rec->vcpu.pstate = pstate & ~(BIT(21) | MASK(11, 10));
}

/*
 * Copies what RmiRecEnter, RmiRecExit and RsiHostCall have of general registers: 31 words, without
 * the call and the tests that a copy of any size takes.
 */
static inline void rec_copy_gprs(uint64_t *dst, const uint64_t *src)
{
	for (unsigned int i = 0; i < RMI_EXIT_GPRS - 7; i += 8) {
		uint64_t a = src[i], b = src[i + 1], c = src[i + 2], d = src[i + 3];
		uint64_t e = src[i + 4], f = src[i + 5], g = src[i + 6], h = src[i + 7];

		dst[i] = a, dst[i + 1] = b, dst[i + 2] = c, dst[i + 3] = d;
		dst[i + 4] = e, dst[i + 5] = f, dst[i + 6] = g, dst[i + 7] = h;
	}
	for (unsigned int i = RMI_EXIT_GPRS & ~7U; i < RMI_EXIT_GPRS; i++) {
		dst[i] = src[i];
	}
}

/* What RMI_REC_CREATE has checked. */
struct rec_init {
	struct granule *rd;
	const struct rmi_rec_params *params;
	struct granule *const *aux; /* rec_aux_count() of them, opened as metadata */
};

/* Fills a wiped granule with a new REC: the PE after reset, registers and PC from params. */
void rec_create(struct rec *rec, const struct rec_init *init);

#endif
