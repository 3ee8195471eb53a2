// SPDX-License-Identifier: BSD-3-Clause
/*
 * manifest_parse: whatever the page holds, nothing outside of it is read and nothing outside of
 * *out is written, and what is accepted are ascending, separate, aligned banks within the address
 * width. Bounds: any page, with 1 or 2 banks and 0 or 1 console at four choices of places; that no
 * place and no number leads out of the page is proof_manifest_array.
 */
#include "core/manifest.c"
#include "proof.h"

static uint64_t page[GRANULE_SIZE / sizeof(uint64_t)];
static struct manifest out;

#define PAGE_PA UINT64_C(0x418FF000)

void *memcpy(void *dst, const void *src, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		((uint8_t *)dst)[i] = ((const uint8_t *)src)[i];
	}
	return dst;
}

static void check_banks(uint64_t limit)
{
	PROVE(out.bank_count >= 1 && out.bank_count <= 2);
	for (size_t i = 0; i < out.bank_count; i++) {
		struct granule_bank bank = out.banks[i];

		PROVE(bank.base.v != 0 && bank.size != 0);
		PROVE(is_aligned(bank.base.v | bank.size, GRANULE_SIZE));
		PROVE(bank.base.v < limit && bank.size <= limit - bank.base.v);
		PROVE(i == 0 || bank.base.v >= out.banks[i - 1].base.v + out.banks[i - 1].size);
	}
}

/* Constants for the solver: it sees one call per place and number. */
struct lists {
	uint64_t num_banks, banks, num_consoles, consoles;
};

static void parse_with(struct lists lists, unsigned int pa_bits)
{
	struct el3_boot_manifest *head = (void *)page;
	int64_t result;

	head->plat_dram.num_banks = lists.num_banks;
	head->plat_dram.banks = PAGE_PA + lists.banks;
	head->plat_console.num_consoles = lists.num_consoles;
	head->plat_console.consoles = PAGE_PA + lists.consoles;
	result = manifest_parse(page, pa_of(PAGE_PA), pa_bits, &out);
	PROVE(result == EL3_BOOT_SUCCESS || result == EL3_BOOT_MANIFEST_VERSION ||
	      result == EL3_BOOT_MANIFEST_DATA);
	if (result == EL3_BOOT_SUCCESS) {
		REACHED();
		check_banks(BIT(pa_bits));
		PROVE(out.bank_count == lists.num_banks);
		PROVE(out.console_count == lists.num_consoles);
	}
}

int main(void)
{
	unsigned int pa_bits = nondet_unsigned();

	__CPROVER_havoc_object(page);
	ASSUME(pa_bits >= 32 && pa_bits <= 52);
	switch (nondet_unsigned()) {
	case 0:
		parse_with((struct lists){2, 64, 1, 96}, pa_bits);
		break;
	case 1:
		parse_with((struct lists){1, GRANULE_SIZE - 16, 0, 0}, pa_bits);
		break;
	case 2:
		parse_with((struct lists){1, 2048, 1, GRANULE_SIZE - 48}, pa_bits);
		break;
	default:
		parse_with((struct lists){2, 64, 1, 64}, pa_bits);
		break;
	}
}
