// SPDX-License-Identifier: BSD-3-Clause
/* Reaching granules: metadata through the window, the host's and realms' pages through slots. */
#include "map/map.h"

#include "unit.h"

static const uint64_t page = SIM_MAIN + 8 * GRANULE_SIZE;

static struct granule *granule(void)
{
	return granule_find(pa_of(page));
}

static struct granule_held lock_in(enum granule_state state)
{
	struct granule_held held;

	assert_true(granule_lock(granule(), state, &held));
	return held;
}

/* --- the host's pages */

static void host_copies(void **state)
{
	static const struct {
		size_t offset, size;
	} cases[] = {{0, GRANULE_SIZE}, {0, 8},    {GRANULE_SIZE - 8, 8},
		     {8, 2048},         {4096, 0}, {0, 0}};
	uint64_t buffer[GRANULE_SIZE / 8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		size_t first = cases[i].offset / 8;
		size_t words = cases[i].size / 8;
		const uint64_t *memory = machine_raw(pa_of(page));

		sim_fill(page, i);
		memset(buffer, 0xEE, sizeof(buffer));
		assert_true(map_host_read(pa_of(page), cases[i].offset, buffer, cases[i].size));
		assert_memory_equal(buffer, memory + first, cases[i].size);
		assert_true(words == ARRAY_LENGTH(buffer) ||
			    buffer[words] == UINT64_C(0xEEEEEEEEEEEEEEEE));

		sim_fill(page, i + 100);
		memset(buffer, (int)i, sizeof(buffer));
		assert_true(map_host_write(pa_of(page), cases[i].offset, buffer, cases[i].size));
		assert_memory_equal(buffer, memory + first, cases[i].size);
		machine_command_end();
	}
}

static void host_writes_nothing_else(void **state)
{
	uint64_t expected[GRANULE_SIZE / 8];
	const uint64_t words[2] = {1, 2};

	(void)state;
	sim_fill(page, 1);
	memcpy(expected, machine_raw(pa_of(page)), sizeof(expected));
	assert_true(map_host_write(pa_of(page), 0x7F8, words, sizeof(words)));
	expected[0x7F8 / 8] = 1;
	expected[0x7F8 / 8 + 1] = 2;
	assert_memory_equal(machine_raw(pa_of(page)), expected, sizeof(expected));
}

static void expect_no_host_page(uint64_t at)
{
	uint64_t word = 7;

	assert_false(map_host_read(pa_of(at), 0, &word, sizeof(word)));
	assert_false(map_host_write(pa_of(at), 0, &word, sizeof(word)));
	machine_command_end();
}

static void host_page_not_tracked(void **state)
{
	(void)state;
	expect_no_host_page(SIM_UNLISTED);
	expect_no_host_page(SIM_DEVICE);
	expect_no_host_page(SIM_OWN);
	expect_no_host_page(SIM_SHARED_PAGE);
	expect_no_host_page(page + 8);
	expect_no_host_page(~GRANULE_MASK);
	assert_true(sim_is_zero(SIM_UNLISTED));
}

static void host_page_in_another_state(void **state)
{
	(void)state;
	for (unsigned int is = GRANULE_DELEGATED; is < GRANULE_STATE_COUNT; is++) {
		sim_make(sim_page(is), is);
		expect_no_host_page(sim_page(is));
	}
}

static void host_page_in_another_world(void **state)
{
	(void)state;
	expect_no_host_page(SIM_SECURE);
	expect_no_host_page(SIM_ROOT);
	expect_no_host_page(SIM_HOLE);
	machine_set_pas(pa_of(page), MACHINE_REALM);
	expect_no_host_page(page);
	machine_set_pas(pa_of(page), MACHINE_NS);
	assert_true(sim_is_zero(page));
}

static uint64_t leaves_at;

static void leave(pa_t pa)
{
	if (pa.v == leaves_at) {
		machine_set_pas(pa, MACHINE_SECURE);
	}
}

/* The page goes to another world at every word of the copy. */
static void host_page_leaves_meanwhile(void **state)
{
	uint64_t buffer[64];

	(void)state;
	for (size_t word = 0; word < ARRAY_LENGTH(buffer); word++) {
		for (unsigned int writes = 0; writes < 2; writes++) {
			sim_fill(page, 1);
			memset(buffer, 0, sizeof(buffer));
			leaves_at = page + 512 + word * 8;
			machine_on_copy = leave;
			assert_false(
				writes ? map_host_write(pa_of(page), 512, buffer, sizeof(buffer))
				       : map_host_read(pa_of(page), 512, buffer, sizeof(buffer)));
			machine_on_copy = NULL;
			machine_command_end();
			machine_set_pas(pa_of(page), MACHINE_NS);
			assert_int_equal(sim_is_filled(page, 1), !writes || word == 0);
		}
	}
	/* A page that leaves behind the copy does not matter. */
	leaves_at = page + 512 + sizeof(buffer);
	machine_on_copy = leave;
	assert_true(map_host_read(pa_of(page), 512, buffer, sizeof(buffer)));
}

/* --- host memory in parts */

static struct map_host host_page(void)
{
	struct map_host host;

	assert_true(map_host_find(pa_of(page), &host));
	return host;
}

static void host_parts_read(void **state)
{
	uint64_t first[2] = {0}, second[3] = {0};
	const struct map_part parts[] = {
		{first, 0x300, sizeof(first)},
		{second, 8, sizeof(second)},
	};
	const struct map_host host = host_page();
	const uint64_t *memory = machine_raw(pa_of(page));

	(void)state;
	sim_fill(page, 1);
	assert_true(map_host_read_parts(&host, parts, 1));
	assert_memory_equal(first, &memory[0x300 / 8], sizeof(first));
	assert_int_equal(second[0] | second[1] | second[2], 0);
	assert_true(map_host_read_parts(&host, parts, 2));
	assert_memory_equal(second, &memory[1], sizeof(second));
}

/* Zeros from where it is asked for to the end of the page, and over them the parts. */
static void host_parts_written(void **state)
{
	uint64_t expected[GRANULE_SIZE / 8];
	uint64_t words[2] = {1, 2};
	uint64_t last = 3;
	const struct map_part parts[] = {
		{words, 0x840, sizeof(words)},
		{&last, GRANULE_SIZE - 8, sizeof(last)},
	};
	const struct map_host host = host_page();

	(void)state;
	sim_fill(page, 1);
	memcpy(expected, machine_raw(pa_of(page)), sizeof(expected));
	assert_true(map_host_write_parts(&host, 0x800, parts, ARRAY_LENGTH(parts)));
	memset(&expected[0x800 / 8], 0, 0x800);
	expected[0x840 / 8] = 1;
	expected[0x848 / 8] = 2;
	expected[0xFF8 / 8] = 3;
	assert_memory_equal(machine_raw(pa_of(page)), expected, sizeof(expected));
}

/* Not tracked, not the host's by its state, or gone at any word of the zeros or the parts. */
static void host_parts_without_page(void **state)
{
	uint64_t words[2] = {0};
	const struct map_part parts[] = {{words, 0x840, sizeof(words)}};
	const struct map_host host = host_page();
	struct map_host none;

	(void)state;
	assert_false(map_host_find(pa_of(page + 8), &none));
	assert_false(map_host_find(pa_of(0x1000), &none));
	leaves_at = page + 0x848;
	machine_on_copy = leave;
	assert_false(map_host_read_parts(&host, parts, 1));
	machine_on_copy = NULL;
	machine_command_end();
	machine_set_pas(pa_of(page), MACHINE_NS);
	for (uint64_t at = 0x800; at < GRANULE_SIZE; at += 8) {
		leaves_at = page + at;
		machine_on_copy = leave;
		assert_false(map_host_write_parts(&host, 0x800, parts, 1));
		machine_on_copy = NULL;
		machine_command_end();
		machine_set_pas(pa_of(page), MACHINE_NS);
	}
	sim_delegate(page);
	assert_false(map_host_read_parts(&host, parts, 1));
	assert_false(map_host_write_parts(&host, 0x800, parts, 1));
}

static void host_parts_of_a_bad_shape(void **state)
{
	static uint64_t buffer[2 * GRANULE_SIZE / 8];
	const struct map_part bad[] = {{buffer, 4, 8}, {buffer, 0, 4}, {buffer, 8, GRANULE_SIZE}};
	const struct map_host host = host_page();

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		ASSERT_STOPS("panic map.c", map_host_read_parts(&host, &bad[i], 1));
		ASSERT_STOPS("panic map.c", map_host_write_parts(&host, 0x800, &bad[i], 1));
	}
	ASSERT_STOPS("panic map.c", map_host_write_parts(&host, 0x808, bad, 0));
	ASSERT_STOPS("panic map.c", map_host_write_parts(&host, GRANULE_SIZE, bad, 0));
}

static void host_copy_of_a_bad_shape(void **state)
{
	static const struct {
		size_t offset, size;
	} cases[] = {{4, 8}, {0, 4}, {8, GRANULE_SIZE}, {GRANULE_SIZE, 8}, {GRANULE_SIZE + 8, 0}};
	static uint64_t buffer[2 * GRANULE_SIZE / 8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		ASSERT_STOPS("panic map.c",
			     map_host_read(pa_of(page), cases[i].offset, buffer, cases[i].size));
		ASSERT_STOPS("panic map.c",
			     map_host_write(pa_of(page), cases[i].offset, buffer, cases[i].size));
	}
}

/* --- metadata */

static void meta_open_and_close(void **state)
{
	struct granule_held held;
	uint64_t *words;

	(void)state;
	sim_fill(page, 3);
	sim_delegate(page);
	held = lock_in(GRANULE_DELEGATED);
	words = map_meta_open(held);
	assert_true(sim_is_zero(page));
	words[511] = 5;
	granule_unlock_to(held, GRANULE_RD);
	machine_command_end();
	assert_ptr_equal(map_meta(granule(), GRANULE_RD), words);
	assert_int_equal(words[511], 5);

	held = lock_in(GRANULE_RD);
	map_meta_close(held);
	assert_true(sim_is_zero(page));
	granule_unlock_to(held, GRANULE_DELEGATED);
	ASSERT_RMI_OK(RMI(RMI_GRANULE_UNDELEGATE, page));
}

/* A command that fails after it opened the page takes everything back. */
static void meta_open_undone(void **state)
{
	struct granule_held held;

	(void)state;
	sim_delegate(page);
	for (unsigned int i = 0; i < 3; i++) {
		held = lock_in(GRANULE_DELEGATED);
		*(uint64_t *)map_meta_open(held) = i + 1;
		map_meta_close(held);
		granule_unlock(held);
		sim_check();
	}
}

static void meta_after_close(void **state)
{
	volatile uint64_t *words;

	(void)state;
	sim_make(page, GRANULE_REC);
	words = map_meta(granule(), GRANULE_REC);
	words[0] = 1;
	sim_unmake(page);
	ASSERT_STOPS("ACCESS:", words[0] = 2);
	sim_make(page, GRANULE_REC);
	words = map_meta(granule(), GRANULE_REC);
	sim_unmake(page);
	ASSERT_STOPS("ACCESS:", (void)words[511]);
	sim_make(page, GRANULE_REC);
	ASSERT_STOPS("ACCESS:",
		     *(volatile uint64_t *)arch_window_at(granule_index(granule()) + 1) = 1);
}

/* Only for what the granule is, and only what is metadata. */
static void meta_of_another_state(void **state)
{
	(void)state;
	for (unsigned int is = GRANULE_UNDELEGATED; is < GRANULE_STATE_COUNT; is++) {
		bool meta = is > GRANULE_DELEGATED && is != GRANULE_DATA;

		for (unsigned int as = GRANULE_UNDELEGATED; as < GRANULE_STATE_COUNT; as++) {
			sim_reset();
			sim_make(page, is);
			if (as == is && meta) {
				assert_non_null(map_meta(granule(), as));
			} else {
				ASSERT_STOPS("panic map.c", map_meta(granule(), as));
			}
		}
	}
}

static void meta_open_in_another_state(void **state)
{
	(void)state;
	for (unsigned int is = 0; is < GRANULE_STATE_COUNT; is++) {
		if (is != GRANULE_DELEGATED) {
			sim_make(page, is);
			ASSERT_STOPS("panic map.c", map_meta_open(lock_in(is)));
		}
	}
}

/* --- wiping, and realm data */

static void wipe_of_metadata(void **state)
{
	(void)state;
	for (unsigned int is = GRANULE_RD; is < GRANULE_STATE_COUNT; is++) {
		if (is != GRANULE_DATA) {
			sim_make(page, is);
			ASSERT_STOPS("panic map.c", map_wipe(lock_in(is)));
		}
	}
}

static void wipes_realm_memory_only(void **state)
{
	(void)state;
	sim_make(page, GRANULE_DATA);
	memset(machine_raw(pa_of(page)), 0x11, GRANULE_SIZE);
	memset(machine_raw(pa_of(page + GRANULE_SIZE)), 0x22, GRANULE_SIZE);
	assert_true(map_wipe(lock_in(GRANULE_DATA)));
	assert_true(sim_is_zero(page));
	assert_int_equal(*(uint8_t *)machine_raw(pa_of(page + GRANULE_SIZE)), 0x22);
	granule_unlock((struct granule_held){granule()});
	/* A host's page is not wiped through the Realm address space: that would fault. */
	sim_reset();
	ASSERT_STOPS("ACCESS:", map_wipe(lock_in(GRANULE_UNDELEGATED)));
}

static void data_open_and_close(void **state)
{
	volatile uint64_t *words;

	(void)state;
	sim_make(page, GRANULE_DATA);
	words = map_data_open(pa_of(page));
	words[7] = 9;
	map_data_close();
	machine_command_end();
	assert_int_equal(((uint64_t *)machine_raw(pa_of(page)))[7], 9);
	ASSERT_STOPS("ACCESS:", words[7] = 8);
	sim_make(page, GRANULE_DATA);
	map_data_open(pa_of(page));
	ASSERT_STOPS("SLOTS:", map_data_open(pa_of(page)));
	ASSERT_STOPS("SLOTS:", map_data_close());
	sim_make(page, GRANULE_DATA);
	map_data_open(pa_of(page));
	ASSERT_STOPS("SLOTS:", machine_command_end());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("map_host_read, map_host_write: any part of a page", host_copies),
		SIM_TEST("map_host_write: nothing else changes", host_writes_nothing_else),
		SIM_TEST("map_host_read, map_host_write: not tracked", host_page_not_tracked),
		SIM_TEST("map_host_read, map_host_write: every other state",
			 host_page_in_another_state),
		SIM_TEST("map_host_read, map_host_write: another world, no memory",
			 host_page_in_another_world),
		SIM_TEST("map_host_read, map_host_write: fault at every word",
			 host_page_leaves_meanwhile),
		SIM_TEST("map_host_read_parts: in their order", host_parts_read),
		SIM_TEST("map_host_write_parts: zeros and parts", host_parts_written),
		SIM_TEST("map_host_..._parts: no page", host_parts_without_page),
		SIM_TEST("map_host_..._parts: a bad shape stops", host_parts_of_a_bad_shape),
		SIM_TEST("map_host_read, map_host_write: a bad shape stops",
			 host_copy_of_a_bad_shape),
		SIM_TEST("map_meta_open, map_meta_close: zeros in and out", meta_open_and_close),
		SIM_TEST("map_meta_open: undone", meta_open_undone),
		SIM_TEST("map_meta: not reachable once closed", meta_after_close),
		SIM_TEST("map_meta: only metadata", meta_of_another_state),
		SIM_TEST("map_meta_open: only DELEGATED", meta_open_in_another_state),
		SIM_TEST("map_wipe: no metadata", wipe_of_metadata),
		SIM_TEST("map_wipe: that granule, in the Realm world", wipes_realm_memory_only),
		SIM_TEST("map_data_open: one page, until closed", data_open_and_close),
	};

	return unit_run(tests);
}
