// SPDX-License-Identifier: BSD-3-Clause
/* EL3 as TF-A behaves: owner of the granule protection table, and of key and platform token. */
#include "arch/el3.h"

#include <string.h>

#include "abi/el3.h"
#include "arch/host/machine_internal.h"
#include "base/bits.h"

bool (*machine_on_el3)(uint64_t fid, uint64_t x1, struct arch_el3_result *result);
void (*machine_on_yield)(struct smc_regs *regs);

static bool is_zero(const struct page *page)
{
	const uint8_t *bytes = machine_page_raw(page);

	return bytes[0] == 0 && memcmp(bytes, bytes + 1, GRANULE_SIZE - 1) == 0;
}

/* What the host left in the granule stays there, and EL3's cache maintenance makes it no better. */
static void soil(const struct page *page)
{
	uint64_t *words = (uint64_t *)(void *)machine_page_raw(page);

	for (size_t i = 0; i < GRANULE_SIZE / sizeof(*words); i += 16) {
		words[i] |= UINT64_C(0xDEADBEEF00000001);
	}
}

static int64_t change_world(pa_t pa, enum machine_pas from, enum machine_pas to)
{
	struct page *page = machine_page(pa);
	const char *mistake = NULL;
	int64_t status = EL3_BAD_PAS;

	if (page == NULL || !is_aligned(pa.v, GRANULE_SIZE)) {
		return EL3_BAD_ADDRESS;
	}
	machine_books_lock();
	if (machine_pas(pa) == from) {
		status = EL3_OK;
		if (page->maps != 0) {
			mistake = "still mapped";
		} else if (from == MACHINE_REALM && !is_zero(page)) {
			mistake = "not wiped";
		}
		if (to == MACHINE_REALM) {
			soil(page);
		}
		machine_page_touch(page);
		machine_set_pas(pa, to);
	}
	machine_books_unlock();
	if (mistake != NULL) {
		machine_stop("GPT: %#lx changes worlds and is %s", (unsigned long)pa.v, mistake);
	}
	return status;
}

struct arch_el3_result arch_el3_call(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3,
				     uint64_t x4)
{
	struct arch_el3_result result = {.status = EL3_UNKNOWN};

	(void)x2;
	(void)x3;
	(void)x4;
	if (machine_on_el3 != NULL && machine_on_el3(fid, x1, &result)) {
		return result;
	}
	switch (fid) {
	case EL3_GTSI_DELEGATE_FID:
		result.status = change_world(pa_of(x1), MACHINE_NS, MACHINE_REALM);
		break;
	case EL3_GTSI_UNDELEGATE_FID:
		result.status = change_world(pa_of(x1), MACHINE_REALM, MACHINE_NS);
		break;
	default:
		break;
	}
	return result;
}

void arch_el3_yield(struct smc_regs *regs)
{
	if (machine_on_yield == NULL) {
		machine_stop("the RMM left for a normal world that is not there");
	}
	machine_on_yield(regs);
}
