// SPDX-License-Identifier: BSD-3-Clause
/* Units of the CPU that only compute: hashes, random numbers. */
#include "arch/hash.h"
#include "arch/host/machine_internal.h"
#include "arch/random.h"
#include "base/sha2.h"

bool machine_random_empty;
bool machine_deaf;
bool (*machine_on_random)(uint64_t *value);

static _Atomic uint64_t random_state;

void machine_units_reset(void)
{
	machine_random_empty = false;
	machine_deaf = false;
	machine_on_random = NULL;
	random_state = 0;
}

/* The same numbers in every run, no two alike: a Weyl sequence through a mixer. */
bool arch_random(uint64_t *value)
{
	if (machine_on_random != NULL) {
		return machine_on_random(value);
	}

	uint64_t number = (random_state += UINT64_C(0x9E3779B97F4A7C15));

	number = (number ^ number >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	number = (number ^ number >> 27) * UINT64_C(0x94D049BB133111EB);
	*value = number ^ number >> 31;
	return !machine_random_empty;
}

/* The context of this CPU between begin and end; NULL otherwise. */
static __thread const struct arch_hash_ctx *lent;

void arch_hash_begin(struct arch_hash_ctx *ctx)
{
	if (lent != NULL) {
		machine_stop("HASH: arch_hash_begin() inside another one");
	}
	lent = ctx;
}

void arch_hash_end(const struct arch_hash_ctx *ctx)
{
	if (lent != ctx) {
		machine_stop("HASH: ended with a context that was not begun");
	}
	lent = NULL;
}

void machine_hash_forget(void)
{
	lent = NULL;
}

void machine_hash_check(void)
{
	if (lent != NULL) {
		machine_stop("HASH: arch_hash_end() is missing");
	}
}

static void expect_lent(const struct arch_hash_ctx *ctx)
{
	if (lent != ctx) {
		machine_stop("HASH: without the vectors");
	}
}

void arch_sha256(const struct arch_hash_ctx *ctx, uint32_t state[8], const void *blocks,
		 size_t count)
{
	expect_lent(ctx);
	sha256_fold(state, blocks, count);
}

void arch_sha512(const struct arch_hash_ctx *ctx, uint64_t state[8], const void *blocks,
		 size_t count)
{
	expect_lent(ctx);
	sha512_fold(state, blocks, count);
}
