// SPDX-License-Identifier: BSD-3-Clause
#include "realm/id.h"

#include <string.h>

#include "arch/random.h"
#include "base/assert.h"

#define BUCKETS 8192U

/* How often the entropy source is asked for one number before it counts as dead. */
#define ENTROPY_TRIES 1000U

#define INSTANCE_RANDOM 0x01

static struct spinlock index_lock;
static struct rd *buckets[BUCKETS];

void realm_id_boot(void)
{
	memset(buckets, 0, sizeof(buckets));
}

static struct rd **bucket_of(uint64_t id)
{
	return &buckets[id % BUCKETS];
}

static struct rd *find_locked(uint64_t id)
{
	struct rd *rd = *bucket_of(id);

	while (rd != NULL && rd->id != id) {
		rd = rd->next_by_id;
	}
	return rd;
}

/* False if the id is 0 or taken. */
static bool enter(struct rd *rd, uint64_t id)
{
	bool fresh;

	spinlock_take(&index_lock);
	fresh = id != 0 && find_locked(id) == NULL;
	if (fresh) {
		rd->id = id;
		rd->next_by_id = *bucket_of(id);
		*bucket_of(id) = rd;
	}
	spinlock_release(&index_lock);
	return fresh;
}

static bool draw(uint64_t *number)
{
	for (unsigned int tries = 0; tries < ENTROPY_TRIES; tries++) {
		if (arch_random(number)) {
			return true;
		}
		arch_cpu_relax();
	}
	return false;
}

/*
 * The id comes last, because it is in the index from then on. An id that is taken is drawn anew;
 * from a source that works this happens once at most.
 */
bool realm_id_assign(struct rd *rd)
{
	uint64_t rest[REALM_INSTANCE_REST];
	uint64_t id;

	ASSERT(rd->id == 0);
	for (unsigned int i = 0; i < REALM_INSTANCE_REST; i++) {
		if (!draw(&rest[i])) {
			return false;
		}
	}
	for (unsigned int tries = 0; tries < ENTROPY_TRIES && draw(&id); tries++) {
		if (enter(rd, id)) {
			memcpy(rd->instance_rest, rest, sizeof(rest));
			return true;
		}
	}
	return false;
}

/* Constant from realm_id_assign() on; no lock is needed. Cannot fail. */
void realm_instance_id(const struct rd *rd, uint8_t out[REALM_INSTANCE_ID_SIZE])
{
	uint64_t id = __builtin_bswap64(rd->id);

	_Static_assert(1 + sizeof(rd->id) + sizeof(rd->instance_rest) == REALM_INSTANCE_ID_SIZE,
		       "type, id, rest");
	out[0] = INSTANCE_RANDOM;
	memcpy(out + 1, &id, sizeof(id));
	memcpy(out + 1 + sizeof(id), rd->instance_rest, sizeof(rd->instance_rest));
}

void realm_id_retire(struct rd *rd)
{
	struct rd **link;

	spinlock_take(&index_lock);
	link = bucket_of(rd->id);
	while (*link != rd) {
		ASSERT(*link != NULL);
		link = &(*link)->next_by_id;
	}
	*link = rd->next_by_id;
	rd->next_by_id = NULL;
	spinlock_release(&index_lock);
	while (atomic_load_explicit(&rd->pins, memory_order_acquire) != 0) {
		arch_cpu_relax();
	}
}

struct rd *realm_pin(uint64_t id)
{
	struct rd *rd;

	spinlock_take(&index_lock);
	rd = id == 0 ? NULL : find_locked(id);
	if (rd != NULL) {
		atomic_fetch_add_explicit(&rd->pins, 1, memory_order_relaxed);
	}
	spinlock_release(&index_lock);
	return rd;
}

void realm_unpin(struct rd *rd)
{
	uint32_t before = atomic_fetch_sub_explicit(&rd->pins, 1, memory_order_release);

	ASSERT(before != 0);
}

struct granule *realm_find(uint64_t id)
{
	struct granule *found = NULL;
	struct rd *rd;

	spinlock_take(&index_lock);
	rd = id == 0 ? NULL : find_locked(id);
	if (rd != NULL) {
		found = rd->granule;
	}
	spinlock_release(&index_lock);
	return found;
}
