// SPDX-License-Identifier: BSD-3-Clause
/* The crypto library's memory: it never overlaps, it comes back whole and zero. */
#include "attest/heap.h"
#include "unit.h"

#define PAGES  3U
#define BLOCKS 200U

static uint8_t pages[PAGES][GRANULE_SIZE] __attribute__((aligned(16)));
static const struct heap heap = {{pages[0], pages[1], pages[2]}, PAGES};

static int open_zeroed(void **state)
{
	(void)state;
	memset(pages, 0, sizeof(pages));
	heap_open(&heap);
	return 0;
}

static int close_zeroed(void **state)
{
	(void)state;
	heap_close();
	for (size_t i = 0; i < sizeof(pages); i++) {
		assert_int_equal(((const uint8_t *)pages)[i], 0);
	}
	return 0;
}

#define HEAP_TEST(name, function) {name, function, open_zeroed, close_zeroed, NULL}

static void sizes(void **state)
{
	static const size_t asked[] = {1, 15, 16, 17, 48, 100, 1000, GRANULE_SIZE - 16};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(asked); i++) {
		uint8_t *block = heap_calloc(1, asked[i]);

		assert_non_null(block);
		assert_true(is_aligned((uintptr_t)block, 16));
		memset(block, 0xFF, asked[i]);
		heap_free(block);
	}
}

static void refused(void **state)
{
	(void)state;
	assert_null(heap_calloc(1, 0));
	assert_null(heap_calloc(0, 1));
	assert_null(heap_calloc(1, GRANULE_SIZE - 15));
	assert_null(heap_calloc(SIZE_MAX, 1));
	assert_null(heap_calloc(1, SIZE_MAX));
	assert_null(heap_calloc((size_t)1 << 33, (size_t)1 << 33));
	heap_free(NULL);
}

static void until_full(void **state)
{
	void *block[PAGES + 1];

	(void)state;
	for (unsigned int i = 0; i < PAGES; i++) {
		block[i] = heap_calloc(1, GRANULE_SIZE - 16);
		assert_non_null(block[i]);
	}
	assert_null(heap_calloc(1, 1));
	heap_free(block[1]);
	block[1] = heap_calloc(1, GRANULE_SIZE - 16);
	assert_non_null(block[1]);
	for (unsigned int i = 0; i < PAGES; i++) {
		heap_free(block[i]);
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

static bool holds(const uint8_t *block, size_t size, uint8_t value)
{
	for (size_t i = 0; i < size; i++) {
		if (block[i] != value) {
			return false;
		}
	}
	return true;
}

/* Blocks of all sizes come and go; each keeps its contents, and a new one is zero. */
static void many_blocks(void **state)
{
	static uint8_t *block[BLOCKS];
	static size_t size[BLOCKS];
	uint32_t seed = 1;

	(void)state;
	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int i = next_random(&seed) % BLOCKS;

		if (block[i] != NULL) {
			assert_true(holds(block[i], size[i], (uint8_t)(i + 1)));
			heap_free(block[i]);
			block[i] = NULL;
			continue;
		}
		size[i] = 1 + next_random(&seed) % (step % 7 == 0 ? 1500 : 100);
		block[i] = heap_calloc(1, size[i]);
		if (block[i] != NULL) {
			assert_true(holds(block[i], size[i], 0));
			memset(block[i], (int)(i + 1), size[i]);
		}
	}
	for (unsigned int i = 0; i < BLOCKS; i++) {
		heap_free(block[i]);
		block[i] = NULL;
	}
}

static void wrong_uses(void **state)
{
	static uint8_t foreign[64] __attribute__((aligned(16)));
	void *block;

	(void)state;
	/* A stop resets the world, and with it which heap is open. */
	memset(pages, 0, sizeof(pages));
	ASSERT_STOPS("panic heap.c", heap_calloc(1, 1));
	ASSERT_STOPS("panic heap.c", heap_close());
	heap_open(&heap);
	ASSERT_STOPS("panic heap.c", heap_open(&heap));
	heap_open(&heap);
	ASSERT_STOPS("panic heap.c", heap_free(foreign + 16));
	heap_open(&heap);
	block = heap_calloc(1, 32);
	heap_free(block);
	ASSERT_STOPS("panic heap.c", heap_free(block));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HEAP_TEST("heap: blocks of every size", sizes),
		HEAP_TEST("heap: what is no size", refused),
		HEAP_TEST("heap: full, and free again", until_full),
		HEAP_TEST("heap: many blocks", many_blocks),
		SIM_TEST("heap: wrong uses stop", wrong_uses),
	};

	return unit_run(tests);
}
