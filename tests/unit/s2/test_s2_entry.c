// SPDX-License-Identifier: BSD-3-Clause
/*
 * Table entries: what hardware sees for each, and that nothing is lost on the way there and back.
 */
#include "s2/s2_internal.h"
#include "unit.h"

/* Of a page or block that a realm may use, but for the type: MemAttr 0110, S2AP 11, AF. */
#define RAM_LPA2  UINT64_C(0x4D8)
#define RAM_LPA1  (RAM_LPA2 | UINT64_C(0x300))         /* inner shareable */
#define NS_FIXED  (UINT64_C(0xC0000000000000) | 0x400) /* XN 10, NS, AF */
#define LIVE      BIT(56)
#define PAGE_TYPE 3U
#define BLOCK     1U

#define PA_LOW UINT64_C(0x0000812340000000) /* 1 GiB aligned */
#define PA_TOP UINT64_C(0x000D123440000000) /* needs all of LPA2's bits */
#define TOP_AT UINT64_C(0x300)              /* where OA[51:50] of PA_TOP lands */

static const enum s2_ripas all_ripas[] = {S2_EMPTY, S2_RAM, S2_DESTROYED};

static void assert_entry(struct s2_entry left, struct s2_entry right)
{
	assert_int_equal(left.kind, right.kind);
	assert_int_equal(left.ripas, right.ripas);
	assert_int_equal(left.pa.v, right.pa.v);
	assert_int_equal(left.attr, right.attr);
}

/* Encodes, checks that decoding gives it back, and returns the bits. */
static uint64_t through(struct s2_entry entry, int level, bool lpa2)
{
	bool protected_half = entry.kind == S2_UNASSIGNED || entry.kind == S2_ASSIGNED;
	uint64_t raw = s2_encode(&entry, level, lpa2);

	assert_entry(s2_decode(raw, level, lpa2, protected_half), entry);
	if (entry.kind == S2_TABLE) {
		assert_entry(s2_decode(raw, level, lpa2, true), entry);
	}
	assert_int_equal(s2_raw_valid(raw), s2_entry_maps(&entry));
	assert_int_equal(s2_raw_live(raw),
			 entry.kind != S2_UNASSIGNED && entry.kind != S2_UNASSIGNED_NS);
	assert_int_equal(s2_raw_table(raw, level), entry.kind == S2_TABLE);
	return raw;
}

static void zero(void **state)
{
	(void)state;
	for (int level = S2_LEVEL_MIN; level <= S2_LEVEL_PAGE; level++) {
		assert_entry(s2_decode(0, level, false, true),
			     (struct s2_entry){.kind = S2_UNASSIGNED, .ripas = S2_EMPTY});
		assert_entry(s2_decode(0, level, true, false),
			     (struct s2_entry){.kind = S2_UNASSIGNED_NS});
		assert_int_equal(through((struct s2_entry){.kind = S2_UNASSIGNED}, level, false),
				 0);
		assert_int_equal(through((struct s2_entry){.kind = S2_UNASSIGNED_NS}, level, true),
				 0);
	}
}

static void unassigned(void **state)
{
	(void)state;
	for (int level = S2_LEVEL_MIN; level <= S2_LEVEL_PAGE; level++) {
		for (size_t i = 0; i < ARRAY_LENGTH(all_ripas); i++) {
			struct s2_entry entry = {.kind = S2_UNASSIGNED, .ripas = all_ripas[i]};

			assert_false(s2_raw_valid(through(entry, level, false)));
			assert_false(s2_raw_valid(through(entry, level, true)));
		}
	}
}

static void assigned_ram(void **state)
{
	struct s2_entry low = {.kind = S2_ASSIGNED, .ripas = S2_RAM, .pa = {PA_LOW}};
	struct s2_entry top = {.kind = S2_ASSIGNED, .ripas = S2_RAM, .pa = {PA_TOP}};
	uint64_t top_low = PA_TOP & MASK(49, 12);

	(void)state;
	for (int level = 1; level <= 2; level++) {
		assert_int_equal(through(low, level, false), LIVE | PA_LOW | RAM_LPA1 | BLOCK);
		assert_int_equal(through(low, level, true), LIVE | PA_LOW | RAM_LPA2 | BLOCK);
		assert_int_equal(through(top, level, true),
				 LIVE | top_low | TOP_AT | RAM_LPA2 | BLOCK);
	}
	low.pa.v += GRANULE_SIZE;
	top.pa.v += GRANULE_SIZE;
	assert_int_equal(through(low, 3, false),
			 LIVE | (PA_LOW + GRANULE_SIZE) | RAM_LPA1 | PAGE_TYPE);
	assert_int_equal(through(top, 3, true),
			 LIVE | (top_low + GRANULE_SIZE) | TOP_AT | RAM_LPA2 | PAGE_TYPE);
}

/* The address is remembered, and hardware sees nothing. */
static void assigned_without_ram(void **state)
{
	(void)state;
	for (int level = 1; level <= S2_LEVEL_PAGE; level++) {
		for (size_t i = 0; i < ARRAY_LENGTH(all_ripas); i++) {
			struct s2_entry entry = {S2_ASSIGNED, all_ripas[i], {PA_LOW}, 0};

			assert_int_equal(through(entry, level, false) & 1, i == S2_RAM);
			entry.pa.v = PA_TOP;
			assert_int_equal(through(entry, level, true) & 1, i == S2_RAM);
		}
	}
}

static void table(void **state)
{
	struct s2_entry low = {.kind = S2_TABLE, .pa = {PA_LOW + GRANULE_SIZE}};
	struct s2_entry top = {.kind = S2_TABLE, .pa = {PA_TOP + GRANULE_SIZE}};

	(void)state;
	for (int level = S2_LEVEL_MIN; level < S2_LEVEL_PAGE; level++) {
		assert_int_equal(through(low, level, false), LIVE | low.pa.v | 3);
		assert_int_equal(through(top, level, true),
				 LIVE | (top.pa.v & MASK(49, 12)) | TOP_AT | 3);
	}
}

/* Every MemAttr and S2AP of the host's; shareability follows cacheability (A5.5.11). */
static void assigned_ns(void **state)
{
	(void)state;
	for (uint64_t memattr = 0; memattr < 8; memattr++) {
		for (uint64_t s2ap = 0; s2ap < 4; s2ap++) {
			uint64_t attr = memattr << 2 | s2ap << 6;
			uint64_t sh = memattr >= 6 ? 3 : 2;
			struct s2_entry entry = {S2_ASSIGNED_NS, S2_EMPTY, {PA_LOW}, attr};

			assert_int_equal(through(entry, 2, false),
					 LIVE | PA_LOW | NS_FIXED | attr | sh << 8 | BLOCK);
			assert_int_equal(through(entry, 3, false),
					 LIVE | PA_LOW | NS_FIXED | attr | sh << 8 | PAGE_TYPE);
			entry.pa.v = PA_TOP;
			assert_int_equal(through(entry, 1, true), LIVE | (PA_TOP & MASK(49, 12)) |
									  TOP_AT | NS_FIXED | attr |
									  BLOCK);
		}
	}
}

static void no_block_above_level_1(void **state)
{
	struct s2_entry entry = {.kind = S2_ASSIGNED, .ripas = S2_RAM};
	struct s2_entry odd = {.kind = S2_ASSIGNED, .ripas = S2_RAM, .pa = {GRANULE_SIZE}};
	struct s2_entry below = {.kind = S2_TABLE};

	(void)state;
	ASSERT_STOPS("panic s2_entry.c", s2_encode(&entry, 0, true));
	ASSERT_STOPS("panic s2_entry.c", s2_encode(&odd, 2, true));
	ASSERT_STOPS("panic s2_entry.c", s2_encode(&below, 3, true));
}

static void parse_every_bit(void **state)
{
	uint64_t hosts = MASK(49, 12) | MASK(7, 6) | MASK(3, 2); /* MemAttr 100 alone is reserved */
	struct s2_entry entry;

	(void)state;
	for (unsigned int bit = 0; bit < 64; bit++) {
		bool lpa1 = (hosts & BIT(bit)) != 0;
		bool lpa2 = lpa1 || bit == 8 || bit == 9;

		assert_int_equal(s2_host_descriptor_parse(BIT(bit), false, &entry), lpa1);
		assert_int_equal(s2_host_descriptor_parse(BIT(bit), true, &entry), lpa2);
	}
}

static void parse_attributes(void **state)
{
	struct s2_entry entry;

	(void)state;
	for (uint64_t memattr = 0; memattr < 8; memattr++) {
		for (uint64_t s2ap = 0; s2ap < 4; s2ap++) {
			uint64_t desc = PA_LOW | memattr << 2 | s2ap << 6;

			assert_int_equal(s2_host_descriptor_parse(desc, false, &entry),
					 memattr != 4);
			if (memattr == 4) {
				continue;
			}
			assert_entry(entry, (struct s2_entry){S2_ASSIGNED_NS,
							      S2_EMPTY,
							      {PA_LOW},
							      memattr << 2 | s2ap << 6});
			assert_int_equal(s2_host_descriptor(&entry, false), desc);
		}
	}
}

static void parse_address(void **state)
{
	struct s2_entry entry;

	(void)state;
	/* Too wide without LPA2, which the caller finds with s2_pa_fits(). */
	assert_true(s2_host_descriptor_parse(BIT(48) | BIT(49), false, &entry));
	assert_int_equal(entry.pa.v, BIT(48) | BIT(49));
	assert_true(s2_host_descriptor_parse(BIT(48) | BIT(8) | BIT(12), true, &entry));
	assert_int_equal(entry.pa.v, BIT(48) | BIT(50) | BIT(12));
	assert_true(s2_host_descriptor_parse(BIT(9), true, &entry));
	assert_int_equal(entry.pa.v, BIT(51));
	assert_int_equal(s2_host_descriptor(&entry, true), BIT(9));
}

static void host_sees_addresses_only(void **state)
{
	struct s2_entry entry = {S2_ASSIGNED, S2_RAM, {PA_TOP}, 0};

	(void)state;
	assert_int_equal(s2_host_descriptor(&entry, true), (PA_TOP & MASK(49, 12)) | TOP_AT);
	entry = (struct s2_entry){S2_TABLE, S2_EMPTY, {PA_LOW + GRANULE_SIZE}, 0};
	assert_int_equal(s2_host_descriptor(&entry, false), PA_LOW + GRANULE_SIZE);
	entry = (struct s2_entry){.kind = S2_UNASSIGNED, .ripas = S2_DESTROYED};
	assert_int_equal(s2_host_descriptor(&entry, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN_TEST("entry: zero is UNASSIGNED and EMPTY, or UNASSIGNED_NS", zero),
		PLAIN_TEST("entry: UNASSIGNED with each RIPAS at each level", unassigned),
		PLAIN_TEST("entry: ASSIGNED and RAM, bit by bit", assigned_ram),
		PLAIN_TEST("entry: ASSIGNED without RAM keeps its address, invalid",
			   assigned_without_ram),
		PLAIN_TEST("entry: TABLE at each level", table),
		PLAIN_TEST("entry: ASSIGNED_NS with each attribute, bit by bit", assigned_ns),
		PLAIN_TEST("entry: no block above level 1, none misaligned, no table at level 3",
			   no_block_above_level_1),
		PLAIN_TEST("descriptor: which bits are the host's", parse_every_bit),
		PLAIN_TEST("descriptor: every MemAttr and S2AP there and back", parse_attributes),
		PLAIN_TEST("descriptor: addresses with and without LPA2", parse_address),
		PLAIN_TEST("descriptor: the host sees addresses, no attributes of ours",
			   host_sees_addresses_only),
	};

	return unit_run(tests);
}
