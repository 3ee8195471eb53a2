// SPDX-License-Identifier: BSD-3-Clause
#include "granule/granule.h"

#include <stdatomic.h>

#include "arch/lock.h"
#include "base/assert.h"
#include "base/bits.h"
#include "granule/geometry.h"

#define WORD_LOCK         ((uint32_t)1)
#define WORD_STATE_LOW    1U
#define WORD_STATE_MASK   ((uint32_t)0xF << WORD_STATE_LOW)
#define WORD_REFS_LOW     5U
#define WORD_REF          ((uint32_t)1 << WORD_REFS_LOW)
#define WORD_REFS_MAX     0x7FFU
#define WORD_LIVE_MAP_LOW 16U

_Static_assert(GRANULE_STATE_COUNT <= 16, "the state has four bits");
_Static_assert(GRANULE_UNDELEGATED == 0, "a zeroed table is all UNDELEGATED");

struct granule {
	_Atomic uint32_t word;
};

struct bank {
	uint64_t base;
	uint64_t count;
	struct granule *granules; /* of the table: that at base, and those after it */
};

/* Written once by granule_table_init(), then only the words change. */
static struct granule table[GRANULE_CAPACITY];
static struct bank table_banks[GRANULE_MAX_BANKS];
static struct bank table_largest; /* copy of the one that most addresses are in: looked at first */
static size_t table_bank_count;
static uint64_t table_used;

/*
 * Adds [base, end) to the table. False if banks or descriptors are used up; an empty range is fine.
 */
static bool add_bank(uint64_t base, uint64_t end)
{
	uint64_t count = (end - base) >> GRANULE_SHIFT;

	if (base >= end) {
		return true;
	}
	if (table_bank_count == GRANULE_MAX_BANKS || count > GRANULE_CAPACITY - table_used) {
		return false;
	}
	table_banks[table_bank_count] = (struct bank){base, count, &table[table_used]};
	if (count > table_largest.count) {
		table_largest = table_banks[table_bank_count];
	}
	table_bank_count++;
	table_used += count;
	return true;
}

/* Adds all banks, without the RMM's own memory. False if the capacity does not suffice. */
static bool add_banks(const struct granule_bank *banks, size_t count, struct granule_bank own)
{
	uint64_t own_end = own.base.v + own.size;

	for (size_t i = 0; i < count; i++) {
		uint64_t base = banks[i].base.v;
		uint64_t end = base + banks[i].size;
		uint64_t own_start = own.base.v;

		if (own_start >= end || own_end <= base) {
			if (!add_bank(base, end)) {
				return false;
			}
		} else if (!add_bank(base, own_start) || !add_bank(own_end, end)) {
			return false;
		}
	}
	return true;
}

static void forget_banks(void)
{
	table_bank_count = 0;
	table_used = 0;
	table_largest = (struct bank){0};
	table_banks[0] = (struct bank){0};
}

bool granule_table_init(const struct granule_bank *banks, size_t count, struct granule_bank own)
{
	forget_banks();
	if (!add_banks(banks, count, own)) {
		forget_banks();
		return false;
	}
	for (uint64_t i = 0; i < table_used; i++) {
		atomic_store_explicit(&table[i].word, 0, memory_order_relaxed);
	}
	return true;
}

/*
 * Number of the granule at pa in a bank. A single comparison with the bank's count then also
 * rejects unaligned addresses, whose low bits are rotated to the top, and lower addresses, which
 * wrap around.
 */
static uint64_t number_in(const struct bank *bank, uint64_t pa)
{
	uint64_t offset = pa - bank->base;

	return offset >> GRANULE_SHIFT | offset << (64U - GRANULE_SHIFT);
}

/*
 * The last bank that begins at or below pa, or the first bank if none does. The table is not empty.
 */
static const struct bank *bank_below(uint64_t pa)
{
	size_t low = 0;
	size_t high = table_bank_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (pa < table_banks[middle].base) {
			high = middle;
		} else {
			low = middle;
		}
	}
	return &table_banks[low];
}

static inline struct granule *granule_at(const struct bank *bank, uint64_t number)
{
	return &bank->granules[index_clamp(number, bank->count)];
}

struct granule *granule_find(pa_t pa)
{
	const struct bank *bank = &table_largest;
	uint64_t number = number_in(bank, pa.v);

	if (number >= bank->count) {
		bank = bank_below(pa.v);
		number = number_in(bank, pa.v);
		if (number >= bank->count) {
			return NULL;
		}
	}
	return granule_at(bank, number);
}

/* The same for loops, with a copy of the bank that most addresses are in. */
static inline struct granule *find_near(struct bank largest, pa_t pa)
{
	uint64_t number = number_in(&largest, pa.v);

	return number < largest.count ? granule_at(&largest, number) : granule_find(pa);
}

uint64_t granule_index(const struct granule *granule)
{
	return (uint64_t)(granule - table);
}

/* Position within the bank; not below the bank's count for a granule of any other bank. */
static uint64_t place_in(const struct bank *bank, const struct granule *granule)
{
	return granule_index(granule) - granule_index(bank->granules);
}

pa_t granule_pa(const struct granule *granule)
{
	const struct bank *bank = &table_largest;

	ASSERT(granule_index(granule) < table_used);
	if (place_in(bank, granule) >= bank->count) {
		for (bank = table_banks; place_in(bank, granule) >= bank->count; bank++) {
		}
	}
	return pa_of(bank->base + (place_in(bank, granule) << GRANULE_SHIFT));
}

static enum granule_state state_of(uint32_t word)
{
	return (enum granule_state)((word & WORD_STATE_MASK) >> WORD_STATE_LOW);
}

static unsigned int refs_of(uint32_t word)
{
	return (word >> WORD_REFS_LOW) & WORD_REFS_MAX;
}

enum granule_state granule_peek(const struct granule *granule)
{
	return state_of(atomic_load_explicit(&granule->word, memory_order_relaxed));
}

unsigned int granule_refs(const struct granule *granule)
{
	return refs_of(atomic_load_explicit(&granule->word, memory_order_acquire));
}

uint16_t granule_live_map(struct granule_held held)
{
	uint32_t word = atomic_load_explicit(&held.granule->word, memory_order_relaxed);

	return (uint16_t)(word >> WORD_LIVE_MAP_LOW);
}

void granule_set_live_map(struct granule_held held, uint16_t live_map)
{
	uint32_t flip = (uint32_t)(granule_live_map(held) ^ live_map) << WORD_LIVE_MAP_LOW;
	uint32_t before =
		atomic_fetch_xor_explicit(&held.granule->word, flip, memory_order_relaxed);

	ASSERT((before & WORD_LOCK) != 0);
}

/* Somebody else has the lock: waits until it is free, and takes it. */
static __attribute__((noinline, cold)) uint32_t take_later(struct granule *granule)
{
	uint32_t before;

	do {
		while ((atomic_load_explicit(&granule->word, memory_order_relaxed) & WORD_LOCK) !=
		       0) {
			arch_cpu_relax();
		}
		before = atomic_fetch_or_explicit(&granule->word, WORD_LOCK, memory_order_acquire);
	} while ((before & WORD_LOCK) != 0);
	return before;
}

/* The word as it was before, but for the lock. Free is the ordinary case. */
static inline __attribute__((always_inline)) uint32_t take(struct granule *granule,
							   enum arch_lock_rank rank)
{
	uint32_t before;

	arch_lock_note_take(granule, rank, granule_index(granule));
	before = atomic_fetch_or_explicit(&granule->word, WORD_LOCK, memory_order_acquire);
	return (before & WORD_LOCK) == 0 ? before : take_later(granule);
}

bool granule_lock(struct granule *granule, enum granule_state want, struct granule_held *held)
{
	uint32_t word = take(granule, ARCH_RANK_EXTERNAL);

	*held = (struct granule_held){granule};
	if (state_of(word) != want) {
		granule_unlock(*held);
		return false;
	}
	return true;
}

struct granule_held granule_lock_inner(struct granule *granule, enum granule_state state)
{
	uint32_t word = take(granule, ARCH_RANK_INTERNAL);

	ASSERT(state_of(word) == state);
	return (struct granule_held){granule};
}

bool granule_try_lock_inner(struct granule *granule, enum granule_state want,
			    struct granule_held *held)
{
	uint32_t word = atomic_load_explicit(&granule->word, memory_order_relaxed);

	if ((word & WORD_LOCK) != 0 || state_of(word) != want ||
	    !atomic_compare_exchange_strong_explicit(&granule->word, &word, word | WORD_LOCK,
						     memory_order_acquire, memory_order_relaxed)) {
		return false;
	}
	arch_lock_note_take(granule, ARCH_RANK_INTERNAL, granule_index(granule));
	*held = (struct granule_held){granule};
	return true;
}

void granule_unlock(struct granule_held held)
{
	arch_lock_note_release(held.granule);
	uint32_t before =
		atomic_fetch_and_explicit(&held.granule->word, ~WORD_LOCK, memory_order_release);
	ASSERT((before & WORD_LOCK) != 0);
}

static bool transition_exists(enum granule_state from, enum granule_state to)
{
	if (from == GRANULE_DELEGATED) {
		return to != GRANULE_DELEGATED && to < GRANULE_STATE_COUNT;
	}
	return to == GRANULE_DELEGATED;
}

void granule_unlock_to(struct granule_held held, enum granule_state state)
{
	uint32_t word = atomic_load_explicit(&held.granule->word, memory_order_relaxed);
	uint32_t flip = (word & WORD_STATE_MASK) ^ ((uint32_t)state << WORD_STATE_LOW);

	ASSERT((word & WORD_LOCK) != 0);
	ASSERT(transition_exists(state_of(word), state));
	if (state == GRANULE_DELEGATED) {
		ASSERT(refs_of(word) == 0);
		flip |= word & ((uint32_t)0xFFFF << WORD_LIVE_MAP_LOW);
	}

	arch_lock_note_release(held.granule);
	atomic_fetch_xor_explicit(&held.granule->word, flip | WORD_LOCK, memory_order_release);
}

void granule_ref(struct granule_held held, unsigned int count)
{
	uint32_t before = atomic_fetch_add_explicit(&held.granule->word, (uint32_t)count * WORD_REF,
						    memory_order_relaxed);

	ASSERT((before & WORD_LOCK) != 0);
	ASSERT(count <= WORD_REFS_MAX && refs_of(before) + count <= WORD_REFS_MAX);
}

void granule_unref(struct granule *granule, unsigned int count)
{
	uint32_t before = atomic_fetch_sub_explicit(&granule->word, (uint32_t)count * WORD_REF,
						    memory_order_release);

	ASSERT(refs_of(before) >= count);
}

/* Adds a reference to a granule that is not locked; waits while another CPU holds the lock. */
static inline void ref_unlocked(struct granule *granule, enum granule_state state)
{
	uint32_t word = atomic_load_explicit(&granule->word, memory_order_relaxed) & ~WORD_LOCK;

	arch_lock_note_take(granule, ARCH_RANK_INTERNAL, granule_index(granule));
	while (!atomic_compare_exchange_weak_explicit(&granule->word, &word, word + WORD_REF,
						      memory_order_acq_rel, memory_order_relaxed)) {
		word &= ~WORD_LOCK;
		arch_cpu_relax();
	}
	arch_lock_note_release(granule);
	ASSERT(state_of(word) == state && refs_of(word + WORD_REF) != 0);
}

void granule_ref_pages(const pa_t *pages, size_t count, enum granule_state state)
{
	const struct bank largest = table_largest;

	for (size_t i = 0; i < count; i++) {
		if (pages[i].v != 0) {
			struct granule *granule = find_near(largest, pages[i]);

			ASSERT(granule != NULL);
			ref_unlocked(granule, state);
		}
	}
}

void granule_unref_pages(const pa_t *pages, size_t count, enum granule_state state)
{
	const struct bank largest = table_largest;

	for (size_t i = 0; i < count; i++) {
		if (pages[i].v != 0) {
			struct granule *granule = find_near(largest, pages[i]);

			ASSERT(granule != NULL && granule_peek(granule) == state);
			granule_unref(granule, 1);
		}
	}
}

/* Sorts the indices of the set by address (insertion sort: sets are small). */
static void order_by_address(const struct granule_wanted *set, uint8_t *order, size_t count)
{
	if (count == 2) {
		order[0] = set[1].pa.v < set[0].pa.v;
		order[1] = order[0] ^ 1;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		size_t j = i;

		while (j > 0 && set[order[j - 1]].pa.v > set[i].pa.v) {
			order[j] = order[j - 1];
			j--;
		}
		order[j] = (uint8_t)i;
	}
}

static bool lock_one_of_set(struct granule_wanted *wanted)
{
	struct granule *granule = granule_find(wanted->pa);

	return granule != NULL && granule_lock(granule, wanted->state, &wanted->held);
}

int granule_lock_set(struct granule_wanted *set, size_t count)
{
	uint8_t order[GRANULE_SET_MAX];

	ASSERT(count <= GRANULE_SET_MAX);
	order_by_address(set, order, count);
	for (size_t i = 0; i < count; i++) {
		bool twice = i > 0 && set[order[i]].pa.v == set[order[i - 1]].pa.v;

		if (!twice && lock_one_of_set(&set[order[i]])) {
			continue;
		}
		for (size_t j = 0; j < i; j++) {
			granule_unlock(set[order[j]].held);
		}
		return order[i];
	}
	return -1;
}
