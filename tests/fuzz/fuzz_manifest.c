// SPDX-License-Identifier: BSD-3-Clause
/*
 * Any page as a boot manifest: what is accepted makes a granule table, and the table makes sense.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "core/manifest.h"
#include "input.h"
#include "sim/sim.h"

#define PAGE_PA UINT64_C(0x418FF000)
#define PA_BITS 40U

static union {
	struct el3_boot_manifest head;
	uint64_t words[GRANULE_SIZE / sizeof(uint64_t)];
	uint8_t bytes[GRANULE_SIZE];
} page;

/* Without right sums little would be looked at: most inputs get them. */
static void seal(void)
{
	struct el3_dram_info *dram = &page.head.plat_dram;
	struct el3_console_info *consoles = &page.head.plat_console;
	uint64_t at = (dram->banks - PAGE_PA) / 8;
	uint64_t sum = dram->num_banks + dram->banks;

	for (uint64_t i = 0; i < dram->num_banks * 2 && at < 512 && i < 512 - at; i++) {
		sum += at + i == 4 ? 0 : page.words[at + i];
	}
	dram->checksum = 0 - sum;
	at = (consoles->consoles - PAGE_PA) / 8;
	sum = consoles->num_consoles + consoles->consoles;
	for (uint64_t i = 0; i < consoles->num_consoles * 6 && at < 512 && i < 512 - at; i++) {
		sum += at + i == 7 ? 0 : page.words[at + i];
	}
	consoles->checksum = 0 - sum;
}

static void make_page(struct input *input)
{
	uint8_t shape = input_byte(input);
	uint64_t base = 0;

	memset(&page, 0, sizeof(page));
	page.head.version = 3;
	page.head.plat_dram.num_banks = 1 + shape % 16;
	page.head.plat_dram.banks = PAGE_PA + sizeof(page.head);
	for (uint64_t i = 0; i < page.head.plat_dram.num_banks; i++) {
		base += (uint64_t)input_byte(input) << 20;
		page.words[8 + 2 * i] = base;
		page.words[9 + 2 * i] = (uint64_t)input_byte(input) << 18;
		base += page.words[9 + 2 * i];
	}
	page.head.plat_console.num_consoles = shape / 64;
	page.head.plat_console.consoles =
		page.head.plat_dram.banks + page.head.plat_dram.num_banks * 16;
	for (uint64_t i = 0; i < 6 * (shape / 64); i++) {
		page.words[8 + 2 * page.head.plat_dram.num_banks + i] = (uint64_t)input_byte(input)
									<< 12;
	}
	for (unsigned int i = shape % 5; i != 0; i--) {
		page.words[input_byte(input)] = input_word(input);
	}
	if (shape % 8 != 0) {
		seal();
	}
}

static void require(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_table(const struct manifest *manifest)
{
	uint64_t end = 0;

	for (size_t i = 0; i < manifest->bank_count; i++) {
		const struct granule_bank *bank = &manifest->banks[i];
		pa_t last = pa_of(bank->base.v + bank->size - GRANULE_SIZE);

		require(bank->base.v >= end && bank->size != 0);
		end = bank->base.v + bank->size;
		require(end <= BIT(PA_BITS));
		require(granule_pa(granule_find(bank->base)).v == bank->base.v);
		require(granule_pa(granule_find(last)).v == last.v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct manifest manifest;
	const struct granule_bank none = {{BIT(50)}, GRANULE_SIZE};
	struct input input = {bytes, size};

	make_page(&input);
	if (manifest_parse(&page, pa_of(PAGE_PA), PA_BITS, &manifest) == EL3_BOOT_SUCCESS &&
	    granule_table_init(manifest.banks, manifest.bank_count, none)) {
		check_table(&manifest);
	}
	return 0;
}
