// SPDX-License-Identifier: BSD-3-Clause
/* The boot manifest: what is accepted, and the error for every way it can be wrong. */
#include "core/manifest.h"

#include "abi/el3.h"
#include "unit.h"

#define PAGE_PA   UINT64_C(0x418FF000)
#define PA_BITS   40U
#define LIMIT     (UINT64_C(1) << PA_BITS)
#define MIB       UINT64_C(0x100000)
#define BANKS     sizeof(struct el3_boot_manifest) /* offset of the bank array */
#define MAX_BANKS 252U

_Static_assert(MAX_BANKS == MANIFEST_MAX_BANKS, "as many as fit behind the header");

static union {
	struct el3_boot_manifest head;
	uint64_t words[GRANULE_SIZE / sizeof(uint64_t)];
	uint8_t bytes[GRANULE_SIZE];
} page;

static struct manifest parsed;

/* --- a manifest with `count` banks of 1 MiB, 2 MiB apart, and `consoles` consoles behind them */

static struct el3_dram_bank *bank(size_t i)
{
	return (struct el3_dram_bank *)(void *)(page.bytes + BANKS) + i;
}

static struct el3_console *console(size_t i)
{
	return (struct el3_console *)(void *)(page.bytes + page.head.plat_console.consoles -
					      PAGE_PA) +
	       i;
}

static uint64_t sum(const void *from, size_t words)
{
	const uint64_t *word = from;
	uint64_t total = 0;

	for (size_t i = 0; i < words; i++) {
		total += word[i];
	}
	return total;
}

static void seal_banks(void)
{
	struct el3_dram_info *info = &page.head.plat_dram;

	info->checksum = 0 - (info->num_banks + info->banks + sum(bank(0), info->num_banks * 2));
}

static void seal_consoles(bool with_names)
{
	struct el3_console_info *info = &page.head.plat_console;

	info->checksum = 0 - (info->num_consoles + info->consoles);
	for (size_t i = 0; i < info->num_consoles; i++) {
		const struct el3_console *it = console(i);

		info->checksum -=
			with_names ? sum(it, sizeof(*it) / 8)
				   : it->base + it->map_pages + it->clk_in_hz + it->baud_rate;
	}
}

static void make(size_t count, size_t consoles)
{
	memset(&page, 0, sizeof(page));
	page.head.version = 3;
	page.head.plat_dram.num_banks = count;
	page.head.plat_dram.banks = PAGE_PA + BANKS;
	for (size_t i = 0; i < count; i++) {
		*bank(i) = (struct el3_dram_bank){(2 * i + 1) * MIB, MIB};
	}
	seal_banks();
	page.head.plat_console.num_consoles = consoles;
	page.head.plat_console.consoles =
		consoles == 0 ? 0 : PAGE_PA + BANKS + count * sizeof(struct el3_dram_bank);
	for (size_t i = 0; i < consoles; i++) {
		*console(i) =
			(struct el3_console){0x9000000 + i * MIB, 1 + i, "pl011", 1, 115200, 0};
	}
	seal_consoles(false);
}

static int64_t parse(void)
{
	return manifest_parse(&page, pa_of(PAGE_PA), PA_BITS, &parsed);
}

#define ASSERT_ACCEPTED()   assert_int_equal(parse(), EL3_BOOT_SUCCESS)
#define ASSERT_BAD_DATA()   assert_int_equal(parse(), EL3_BOOT_MANIFEST_DATA)
#define ASSERT_BAD_BANKS()  (seal_banks(), assert_int_equal(parse(), EL3_BOOT_MANIFEST_DATA))
#define ASSERT_GOOD_BANKS() (seal_banks(), assert_int_equal(parse(), EL3_BOOT_SUCCESS))
#define ASSERT_BAD_CONSOLES() \
	(seal_consoles(true), assert_int_equal(parse(), EL3_BOOT_MANIFEST_DATA))

/* --- versions */

static void versions(void **state)
{
	(void)state;
	for (uint32_t minor = 0; minor < 3; minor++) {
		make(1, 1);
		page.head.version = minor;
		assert_int_equal(parse(), EL3_BOOT_MANIFEST_VERSION);
	}
	static const uint32_t later[] = {3, 4, 0xFFFF};

	for (size_t i = 0; i < ARRAY_LENGTH(later); i++) {
		page.head.version = later[i];
		ASSERT_ACCEPTED();
	}
	static const uint32_t other[] = {0x10003, 0x10000, 0x20004, 0x80000003, 0xFFFFFFFF};

	for (size_t i = 0; i < ARRAY_LENGTH(other); i++) {
		page.head.version = other[i];
		assert_int_equal(parse(), EL3_BOOT_MANIFEST_VERSION);
	}
	/* The version decides before anything else is looked at. */
	page.head.version = 2;
	page.head.plat_dram.checksum++;
	assert_int_equal(parse(), EL3_BOOT_MANIFEST_VERSION);
}

/* --- banks */

static void bank_counts(void **state)
{
	(void)state;
	for (size_t count = 1; count <= MAX_BANKS; count++) {
		make(count, 0);
		ASSERT_ACCEPTED();
		assert_int_equal(parsed.bank_count, count);
		assert_int_equal(parsed.console_count, 0);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(parsed.banks[i].base.v, (2 * i + 1) * MIB);
			assert_int_equal(parsed.banks[i].size, MIB);
		}
	}
}

static void bank_counts_refused(void **state)
{
	static const uint64_t counts[] = {0,       MAX_BANKS + 1, 256,         BIT(32),
					  BIT(60), BIT(63) + 1,   ~UINT64_C(0)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
		make(1, 0);
		page.head.plat_dram.num_banks = counts[i];
		page.head.plat_dram.checksum =
			0 - (counts[i] + page.head.plat_dram.banks +
			     (counts[i] <= MAX_BANKS ? sum(bank(0), counts[i] * 2) : 0));
		ASSERT_BAD_DATA();
	}
}

/* The array may be anywhere in the page, but nowhere else. */
static void bank_array_places(void **state)
{
	static const struct {
		uint64_t offset, count;
		bool fits;
	} cases[] = {
		{BANKS, MAX_BANKS, true},
		{GRANULE_SIZE - 16, 1, true},
		{GRANULE_SIZE - 32, 2, true},
		{BANKS + 8, 1, true},
		{GRANULE_SIZE - 8, 1, false},
		{GRANULE_SIZE - 16, 2, false},
		{BANKS + 16, MAX_BANKS, false},
		{GRANULE_SIZE, 1, false},
		{GRANULE_SIZE + 16, 1, false},
		{BANKS + 4, 1, false},
		{BANKS + 1, 1, false},
		{0 - (uint64_t)16, 1, false},
		{0 - PAGE_PA, 1, false},
		{BIT(40), 1, false},
		{BIT(63), 1, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		uint64_t offset = cases[i].offset;
		uint64_t total = 0;

		make(1, 0);
		page.head.plat_dram.num_banks = cases[i].count;
		page.head.plat_dram.banks = PAGE_PA + offset;
		for (size_t j = 0; offset < GRANULE_SIZE && j < cases[i].count; j++) {
			const struct el3_dram_bank it = {(2 * j + 1) * MIB, MIB};

			if (offset + j * sizeof(it) + sizeof(it) <= GRANULE_SIZE) {
				memcpy(page.bytes + offset + j * sizeof(it), &it, sizeof(it));
				total += it.base + it.size;
			}
		}
		page.head.plat_dram.checksum = 0 - (cases[i].count + PAGE_PA + offset + total);
		assert_int_equal(parse(),
				 cases[i].fits ? EL3_BOOT_SUCCESS : EL3_BOOT_MANIFEST_DATA);
	}
}

static void bank_checksum(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < 64; bit++) {
		make(3, 1);
		page.head.plat_dram.checksum ^= BIT(bit);
		ASSERT_BAD_DATA();
		make(3, 1);
		bank(2)->base ^= BIT(bit);
		ASSERT_BAD_DATA();
	}
}

static void bank_values(void **state)
{
	static const struct {
		struct el3_dram_bank bank; /* the second of three at 1, x and 5 MiB */
		bool good;
	} cases[] = {
		{{3 * MIB, MIB}, true},
		{{2 * MIB, MIB}, true},     /* touches the one before */
		{{3 * MIB, 2 * MIB}, true}, /* and the one behind */
		{{2 * MIB, 3 * MIB}, true},
		{{3 * MIB, GRANULE_SIZE}, true},
		{{3 * MIB, 0}, false},
		{{3 * MIB + 8, MIB}, false},
		{{3 * MIB, MIB + 8}, false},
		{{3 * MIB + 2048, 2048}, false},
		{{2 * MIB - GRANULE_SIZE, MIB}, false}, /* overlaps the one before */
		{{4 * MIB, MIB + GRANULE_SIZE}, false}, /* and the one behind */
		{{1 * MIB, MIB}, false},
		{{0, MIB}, false},
		{{5 * MIB, MIB}, false},
		{{7 * MIB, MIB}, false},
		{{3 * MIB, 0 - MIB}, false},
		{{3 * MIB, 0 - 3 * MIB}, false},
		{{3 * MIB, LIMIT}, false},
		{{LIMIT, MIB}, false},
		{{BIT(63), BIT(63)}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		make(3, 0);
		*bank(1) = cases[i].bank;
		seal_banks();
		assert_int_equal(parse(),
				 cases[i].good ? EL3_BOOT_SUCCESS : EL3_BOOT_MANIFEST_DATA);
	}
}

static void bank_limits(void **state)
{
	(void)state;
	make(1, 0);
	*bank(0) = (struct el3_dram_bank){LIMIT - MIB, MIB};
	ASSERT_GOOD_BANKS();
	bank(0)->size += GRANULE_SIZE;
	ASSERT_BAD_BANKS();
	*bank(0) = (struct el3_dram_bank){LIMIT, GRANULE_SIZE};
	ASSERT_BAD_BANKS();
	*bank(0) = (struct el3_dram_bank){~GRANULE_MASK, GRANULE_SIZE};
	ASSERT_BAD_BANKS();
	*bank(0) = (struct el3_dram_bank){GRANULE_SIZE, LIMIT - GRANULE_SIZE};
	ASSERT_GOOD_BANKS();
	*bank(0) = (struct el3_dram_bank){0, MIB};
	ASSERT_BAD_BANKS();
	/* The widest address space there is: nothing wraps. */
	make(1, 0);
	*bank(0) = (struct el3_dram_bank){BIT(51), BIT(51)};
	seal_banks();
	assert_int_equal(manifest_parse(&page, pa_of(PAGE_PA), 52, &parsed), EL3_BOOT_SUCCESS);
}

/* --- consoles */

static void console_counts(void **state)
{
	(void)state;
	for (size_t count = 0; count <= MANIFEST_MAX_CONSOLES; count++) {
		make(2, count);
		ASSERT_ACCEPTED();
		assert_int_equal(parsed.console_count, count);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(parsed.consoles[i].base.v, 0x9000000 + i * MIB);
			assert_int_equal(parsed.consoles[i].pages, 1 + i);
			assert_memory_equal(parsed.consoles[i].name, "pl011\0\0", 8);
		}
	}
	make(2, MANIFEST_MAX_CONSOLES + 1);
	ASSERT_BAD_DATA();
}

static void console_counts_refused(void **state)
{
	static const uint64_t counts[] = {100, BIT(32), BIT(60), ~UINT64_C(0)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
		make(1, 1);
		page.head.plat_console.num_consoles = counts[i];
		page.head.plat_console.checksum = 0 - counts[i] - page.head.plat_console.consoles;
		ASSERT_BAD_DATA();
	}
}

static void console_checksums(void **state)
{
	(void)state;
	make(2, 3);
	seal_consoles(false);
	ASSERT_ACCEPTED();
	seal_consoles(true);
	ASSERT_ACCEPTED();
	/* Names and flags are in one of the two sums only. */
	console(1)->name[0] ^= 1;
	console(2)->flags = 7;
	ASSERT_BAD_DATA();
	seal_consoles(true);
	ASSERT_ACCEPTED();
	seal_consoles(false);
	ASSERT_ACCEPTED();
	console(1)->name[0] ^= 1;
	ASSERT_ACCEPTED();
	for (unsigned int bit = 0; bit < 64; bit++) {
		make(2, 3);
		page.head.plat_console.checksum ^= BIT(bit);
		ASSERT_BAD_DATA();
		make(2, 3);
		console(2)->baud_rate ^= BIT(bit);
		ASSERT_BAD_DATA();
	}
}

static void console_array_places(void **state)
{
	static const uint64_t places[] = {0,
					  8,
					  PAGE_PA - 48,
					  PAGE_PA + GRANULE_SIZE - 40,
					  PAGE_PA + GRANULE_SIZE,
					  PAGE_PA + BANKS + 20,
					  BIT(63)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		make(1, 1);
		page.head.plat_console.consoles = places[i];
		page.head.plat_console.checksum = 0 - places[i] - 1;
		ASSERT_BAD_DATA();
	}
	make(1, 0);
	page.head.plat_console.consoles = PAGE_PA + GRANULE_SIZE - sizeof(struct el3_console);
	page.head.plat_console.num_consoles = 1;
	*console(0) = (struct el3_console){LIMIT - GRANULE_SIZE, 1, "pl011", 1, 1, 0};
	seal_consoles(true);
	ASSERT_ACCEPTED();
}

static void console_values(void **state)
{
	(void)state;
	make(1, 2);
	console(1)->map_pages = 0;
	ASSERT_BAD_CONSOLES();
	make(1, 2);
	console(1)->base += 8;
	ASSERT_BAD_CONSOLES();
	make(1, 2);
	console(1)->base = LIMIT;
	ASSERT_BAD_CONSOLES();
	make(1, 2);
	console(1)->map_pages = LIMIT >> GRANULE_SHIFT;
	ASSERT_BAD_CONSOLES();
	make(1, 2);
	console(1)->map_pages = BIT(52);
	ASSERT_BAD_CONSOLES();
	make(1, 2);
	console(1)->map_pages = ~UINT64_C(0);
	ASSERT_BAD_CONSOLES();
}

/* Two arrays on each other, or on the header, are odd and do no harm. */
static void arrays_overlap(void **state)
{
	(void)state;
	make(6, 0);
	page.head.plat_console.num_consoles = 1;
	page.head.plat_console.consoles = page.head.plat_dram.banks;
	seal_consoles(true);
	ASSERT_ACCEPTED();
	assert_int_equal(parsed.console_count, 1);
	make(1, 0);
	page.head.plat_dram.banks = PAGE_PA;
	ASSERT_BAD_DATA();
}

/* Noise is refused, and nothing beyond the page is read: the sanitizer watches. */
static void noise(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		make(1 + round % 20, round % 9);
		for (unsigned int i = 0; i <= round % 3; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			page.words[(seed >> 40) % 64] ^= BIT((seed >> 33) & 63);
		}
		int64_t result = parse();

		assert_true(result == EL3_BOOT_SUCCESS || result == EL3_BOOT_MANIFEST_VERSION ||
			    result == EL3_BOOT_MANIFEST_DATA);
		assert_true(result != EL3_BOOT_SUCCESS || parsed.bank_count == 1 + round % 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN_TEST("manifest: versions", versions),
		PLAIN_TEST("manifest: 1 to 252 banks", bank_counts),
		PLAIN_TEST("manifest: numbers of banks refused", bank_counts_refused),
		PLAIN_TEST("manifest: places of the bank array", bank_array_places),
		PLAIN_TEST("manifest: checksum of the banks", bank_checksum),
		PLAIN_TEST("manifest: empty, misaligned, unsorted, overlapping banks", bank_values),
		PLAIN_TEST("manifest: banks beyond the address width", bank_limits),
		PLAIN_TEST("manifest: 0 to 8 consoles", console_counts),
		PLAIN_TEST("manifest: numbers of consoles refused", console_counts_refused),
		PLAIN_TEST("manifest: both checksums of the consoles", console_checksums),
		PLAIN_TEST("manifest: places of the console array", console_array_places),
		PLAIN_TEST("manifest: console values refused", console_values),
		PLAIN_TEST("manifest: arrays that overlap", arrays_overlap),
		PLAIN_TEST("manifest: noise", noise),
	};

	return unit_run(tests);
}
