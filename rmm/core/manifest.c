// SPDX-License-Identifier: BSD-3-Clause
#include "core/manifest.h"

#include <string.h>

#include "abi/el3.h"
#include "base/bits.h"

#define VERSION_MAJOR(version) ((version) >> 16)
#define VERSION_MINOR(version) ((version) & 0xFFFFU)
#define MINOR_WITH_CONSOLES    3U

_Static_assert(sizeof(struct el3_dram_bank) == 2 * sizeof(uint64_t), "an array of pairs");
_Static_assert(sizeof(struct el3_console) % sizeof(uint64_t) == 0, "summed in words");

/* A page under examination, and where its owner says it is. */
struct view {
	const uint8_t *bytes;
	uint64_t base;
};

/*
 * Array of `count` entries of `size` bytes at physical address pa, if it lies wholly inside the
 * page and is aligned for 64-bit reads; NULL otherwise.
 */
static const uint64_t *array_at(struct view view, uint64_t pa, uint64_t count, uint64_t size)
{
	uint64_t offset = pa - view.base;

	if (pa < view.base || offset >= GRANULE_SIZE || !is_aligned(pa, 8)) {
		return NULL;
	}
	if (count > (GRANULE_SIZE - offset) / size) {
		return NULL;
	}
	return (const uint64_t *)(const void *)(view.bytes + offset);
}

static uint64_t sum_words(const uint64_t *words, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		sum += words[i];
	}
	return sum;
}

static bool bank_is_sane(struct granule_bank bank, uint64_t after, uint64_t limit)
{
	return bank.base.v != 0 && bank.size != 0 &&
	       is_aligned(bank.base.v | bank.size, GRANULE_SIZE) && bank.base.v >= after &&
	       bank.base.v < limit && bank.size <= limit - bank.base.v;
}

/* Reads the list of DRAM banks. False unless it is well-formed, ascending and without overlap. */
static bool parse_banks(struct view view, const struct el3_dram_info *info, uint64_t limit,
			struct manifest *out)
{
	const uint64_t *words =
		array_at(view, info->banks, info->num_banks, sizeof(struct el3_dram_bank));
	uint64_t after = 0;

	if (words == NULL || info->num_banks == 0 || info->num_banks > MANIFEST_MAX_BANKS) {
		return false;
	}
	if (info->num_banks + info->banks + info->checksum +
		    sum_words(words, info->num_banks * 2) !=
	    0) {
		return false;
	}
	for (size_t i = 0; i < info->num_banks; i++) {
		struct granule_bank bank = {pa_of(words[2 * i]), words[2 * i + 1]};

		if (!bank_is_sane(bank, after, limit)) {
			return false;
		}
		after = bank.base.v + bank.size;
		out->banks[i] = bank;
	}
	out->bank_count = info->num_banks;
	return true;
}

/*
 * Both sums are in the field: over all words of each console, and without its name and flags.
 */
static bool console_checksum_holds(const struct el3_console_info *list, const uint64_t *words)
{
	const size_t stride = sizeof(struct el3_console) / sizeof(uint64_t);
	uint64_t head = list->num_consoles + list->consoles + list->checksum;
	uint64_t without_name = head;

	for (size_t i = 0; i < list->num_consoles; i++) {
		const struct el3_console *console = (const void *)(words + i * stride);

		without_name += console->base + console->map_pages + console->clk_in_hz +
				console->baud_rate;
	}
	return without_name == 0 || head + sum_words(words, list->num_consoles * stride) == 0;
}

/* Reads the list of consoles. False unless it is well-formed. */
static bool parse_consoles(struct view view, const struct el3_console_info *list, uint64_t limit,
			   struct manifest *out)
{
	const size_t stride = sizeof(struct el3_console) / sizeof(uint64_t);

	out->console_count = 0;
	if (list->num_consoles == 0) {
		return true;
	}

	const uint64_t *words =
		array_at(view, list->consoles, list->num_consoles, sizeof(struct el3_console));

	if (words == NULL || list->num_consoles > MANIFEST_MAX_CONSOLES ||
	    !console_checksum_holds(list, words)) {
		return false;
	}
	for (size_t i = 0; i < list->num_consoles; i++) {
		const struct el3_console *console = (const void *)(words + i * stride);
		struct manifest_console *to = &out->consoles[i];

		if (console->map_pages == 0 || !is_aligned(console->base, GRANULE_SIZE) ||
		    console->base >= limit ||
		    console->map_pages > (limit - console->base) >> GRANULE_SHIFT) {
			return false;
		}
		to->base = pa_of(console->base);
		to->pages = console->map_pages;
		memcpy(to->name, console->name, sizeof(to->name));
	}
	out->console_count = list->num_consoles;
	return true;
}

int64_t manifest_parse(const void *page, pa_t page_pa, unsigned int pa_bits, struct manifest *out)
{
	const struct el3_boot_manifest *manifest = page;
	struct view view = {page, page_pa.v};
	uint64_t limit = BIT(pa_bits);

	if (VERSION_MAJOR(manifest->version) != 0 ||
	    VERSION_MINOR(manifest->version) < MINOR_WITH_CONSOLES) {
		return EL3_BOOT_MANIFEST_VERSION;
	}
	if (!parse_banks(view, &manifest->plat_dram, limit, out) ||
	    !parse_consoles(view, &manifest->plat_console, limit, out)) {
		return EL3_BOOT_MANIFEST_DATA;
	}
	return EL3_BOOT_SUCCESS;
}
