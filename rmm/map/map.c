// SPDX-License-Identifier: BSD-3-Clause
#include "map/map.h"

#include "arch/copy.h"
#include "arch/space.h"
#include "base/assert.h"
#include "base/bits.h"
#include "granule/geometry.h"

/* Equal today: NOLINTNEXTLINE(misc-redundant-expression) */
_Static_assert(GRANULE_CAPACITY <= ARCH_WINDOW_PAGES, "every granule has a page in the window");

#define METADATA_STATES                                                                 \
	(BIT(GRANULE_RD) | BIT(GRANULE_REC) | BIT(GRANULE_REC_AUX) | BIT(GRANULE_RTT) | \
	 BIT(GRANULE_APT))

static bool is_metadata(enum granule_state state)
{
	return (METADATA_STATES >> state & 1) != 0;
}

void *map_meta_open(struct granule_held held)
{
	ASSERT(granule_peek(held.granule) == GRANULE_DELEGATED);
	return arch_window_open(granule_index(held.granule), granule_pa(held.granule));
}

void map_meta_close(struct granule_held held)
{
	uint64_t index = granule_index(held.granule);
	bool wiped = arch_zero_granule(arch_window_at(index));

	ASSERT(wiped);
	arch_window_close(index);
}

void *map_meta(const struct granule *granule, enum granule_state state)
{
	ASSERT(is_metadata(state) && granule_peek(granule) == state);
	return arch_window_at(granule_index(granule));
}

bool map_wipe(struct granule_held held)
{
	void *va = arch_slot_map(ARCH_SLOT_WIPE, granule_pa(held.granule), ARCH_PAS_REALM);
	bool wiped = arch_zero_granule(va);

	ASSERT(!is_metadata(granule_peek(held.granule)));
	if (granule_peek(held.granule) == GRANULE_DATA) {
		arch_sync_code(va);
	}
	arch_slot_unmap(ARCH_SLOT_WIPE);
	return wiped;
}

/*
 * Where the page is mapped, or NULL. No lock: the host may delegate its page at any moment anyway.
 * The state is looked at only so that Realm memory is not even tried; the mapping as non-secure and
 * the fault recovery protect it.
 */
static uint8_t *host_open(pa_t page, const struct granule *granule)
{
	if (granule == NULL || granule_peek(granule) != GRANULE_UNDELEGATED) {
		return NULL;
	}
	return arch_host_map(page);
}

static bool is_part(size_t offset, size_t size)
{
	return is_aligned(offset | size, 8) && offset + size <= GRANULE_SIZE;
}

bool map_host_read(pa_t page, size_t offset, void *dst, size_t size)
{
	const uint8_t *src = host_open(page, granule_find(page));

	ASSERT(is_part(offset, size));
	return src != NULL && arch_copy_from_host(dst, src + offset, size);
}

bool map_host_write(pa_t page, size_t offset, const void *src, size_t size)
{
	uint8_t *dst = host_open(page, granule_find(page));

	ASSERT(is_part(offset, size));
	return dst != NULL && arch_copy_to_host(dst + offset, src, size);
}

bool map_host_find(pa_t page, struct map_host *host)
{
	*host = (struct map_host){page, granule_find(page)};
	return host->granule != NULL;
}

bool map_host_read_parts(const struct map_host *host, const struct map_part *parts, size_t count)
{
	const uint8_t *src = host_open(host->page, host->granule);
	bool done = src != NULL;

	for (const struct map_part *part = parts; part < parts + count && done; part++) {
		ASSERT(is_part(part->offset, part->size));
		done = arch_copy_from_host(part->at, src + part->offset, part->size);
	}
	return done;
}

bool map_host_write_parts(const struct map_host *host, size_t zeros, const struct map_part *parts,
			  size_t count)
{
	uint8_t *dst = host_open(host->page, host->granule);
	bool done;

	ASSERT(is_aligned(zeros, 64) && zeros < GRANULE_SIZE);
	done = dst != NULL && arch_zero_to_host(dst + zeros, GRANULE_SIZE - zeros);
	for (const struct map_part *part = parts; part < parts + count && done; part++) {
		ASSERT(is_part(part->offset, part->size));
		done = arch_copy_to_host(dst + part->offset, part->at, part->size);
	}
	return done;
}

void *map_data_fill(struct granule_held data, pa_t src)
{
	void *dst = map_data_open(granule_pa(data.granule));
	bool wiped;

	ASSERT(granule_peek(data.granule) == GRANULE_DELEGATED);
	if (map_host_read(src, 0, dst, GRANULE_SIZE)) {
		arch_sync_code(dst);
		return dst;
	}
	wiped = arch_zero_granule(dst);
	ASSERT(wiped);
	map_data_close();
	return NULL;
}

void *map_data_open(pa_t page)
{
	ASSERT(is_aligned(page.v, GRANULE_SIZE));
	ASSERT(granule_find(page) != NULL);
	return arch_slot_map(ARCH_SLOT_DATA, page, ARCH_PAS_REALM);
}

void map_data_close(void)
{
	arch_slot_unmap(ARCH_SLOT_DATA);
}
