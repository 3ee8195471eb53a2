// SPDX-License-Identifier: BSD-3-Clause
#include "attest/heap.h"

#include <string.h>

#include "arch/cpu.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/wipe.h"

/*
 * A page is a chain of blocks from its first byte to its last. A page of zeros is one free block:
 * `size` 0 means "the rest of the page".
 */
struct block {
	uint32_t size; /* with this header, a multiple of UNIT */
	uint32_t used;
	uint8_t padding[8];
};

#define UNIT 16U

_Static_assert(sizeof(struct block) == UNIT, "blocks keep what follows them aligned");

/* One for each CPU: written and read by that CPU alone. */
static struct heap open_heap[ARCH_MAX_CPUS];

static struct heap *mine(void)
{
	return &open_heap[arch_cpu_index()];
}

void heap_boot(void)
{
	memset(open_heap, 0, sizeof(open_heap));
}

void heap_open(const struct heap *heap)
{
	ASSERT(mine()->count == 0 && heap->count != 0 && heap->count <= HEAP_MAX_PAGES);
	*mine() = *heap;
}

void heap_close(void)
{
	ASSERT(mine()->count != 0);
	*mine() = (struct heap){{NULL}, 0};
}

static struct block *block_at(void *page, size_t offset)
{
	return (struct block *)(void *)((uint8_t *)page + offset);
}

static size_t block_size(const struct block *block, size_t offset)
{
	size_t size = block->size == 0 ? GRANULE_SIZE - offset : block->size;

	ASSERT(is_aligned(size, UNIT) && size <= GRANULE_SIZE - offset);
	return size;
}

/* Makes one block of this free one and the free ones after it; returns its size. */
static size_t join(void *page, size_t offset)
{
	struct block *block = block_at(page, offset);
	size_t size = block_size(block, offset);

	while (offset + size < GRANULE_SIZE) {
		struct block *next = block_at(page, offset + size);

		if (next->used) {
			break;
		}
		size += block_size(next, offset + size);
		next->size = 0;
	}
	/* The last free block says 0, so that a page without blocks is all zero again. */
	block->size = offset + size == GRANULE_SIZE ? 0 : (uint32_t)size;
	return size;
}

static void take(struct block *block, size_t have, size_t want, bool at_end)
{
	if (have - want >= 2 * UNIT) {
		struct block *rest = block_at(block, want);

		rest->size = at_end ? 0 : (uint32_t)(have - want);
		have = want;
	}
	block->size = (uint32_t)have;
	block->used = 1;
}

/* Takes the first free block that is large enough, and splits it. NULL if there is none. */
static void *allocate_in(void *page, size_t want)
{
	size_t offset = 0;

	while (offset < GRANULE_SIZE) {
		struct block *block = block_at(page, offset);
		size_t have = block->used ? block_size(block, offset) : join(page, offset);

		if (!block->used && have >= want) {
			take(block, have, want, offset + have == GRANULE_SIZE);
			return block + 1;
		}
		offset += have;
	}
	return NULL;
}

void *heap_calloc(size_t count, size_t size)
{
	const struct heap *heap = mine();
	void *found = NULL;

	ASSERT(heap->count != 0);
	if (count == 0 || size == 0 || count > (GRANULE_SIZE - UNIT) / size) {
		return NULL;
	}

	size_t want = align_up(count * size, UNIT) + UNIT;

	for (unsigned int i = 0; i < heap->count && found == NULL; i++) {
		found = allocate_in(heap->pages[i], want);
	}
	return found;
}

/* The open heap's page that the block is in. */
static void *page_of(const void *block)
{
	const struct heap *heap = mine();

	for (unsigned int i = 0; i < heap->count; i++) {
		if ((uintptr_t)block - (uintptr_t)heap->pages[i] < GRANULE_SIZE) {
			return heap->pages[i];
		}
	}
	return NULL;
}

void heap_free(void *memory)
{
	if (memory == NULL) {
		return;
	}

	void *page = page_of(memory);
	struct block *block = (struct block *)memory - 1;

	ASSERT(page != NULL && block->used == 1);
	wipe(memory, block->size - UNIT);
	block->used = 0;
	(void)join(page, (size_t)((uint8_t *)block - (uint8_t *)page));
	/* What is free at the start of the page may reach this block now. */
	if (!block_at(page, 0)->used) {
		(void)join(page, 0);
	}
}
