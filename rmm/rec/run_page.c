// SPDX-License-Identifier: BSD-3-Clause
#include "rec/run_page.h"

#include <string.h>

#include "arch/trace.h"
#include "base/assert.h"
#include "base/bits.h"
#include "feat/feat.h"

_Static_assert(sizeof(struct rmi_rec_run) == GRANULE_SIZE, "the run page is one granule");
_Static_assert(offsetof(struct rmi_rec_run, enter) == 0, "entry first");
_Static_assert(offsetof(struct rmi_rec_run, exit) + sizeof(struct rmi_rec_exit) == GRANULE_SIZE,
	       "the exit is the rest of the page");
_Static_assert(offsetof(struct rec_entry, gicv3_lrs) ==
		       offsetof(struct rec_entry, gicv3_hcr) + sizeof(uint64_t),
	       "copied together");
_Static_assert(offsetof(struct rmi_rec_enter, gicv3_lrs) ==
		       offsetof(struct rmi_rec_enter, gicv3_hcr) + sizeof(uint64_t),
	       "as in the run page");

/* What is copied together, in bytes. A field of less than a word has zeros behind it. */
#define WORD      sizeof(uint64_t)
#define SYNDROME  (3 * WORD) /* ESR, FAR, HPFAR */
#define GIC_STATE (2 * WORD) /* MISR, VMCR */
#define TIMERS    (4 * WORD)
#define RIPAS     (3 * WORD)
#define PARTS     9U

/* ICH_HCR_EL2 and the list registers that the CPU has. */
static uint16_t gic_size(void)
{
	return (uint16_t)((feat()->list_registers + 2U) * sizeof(uint64_t));
}

bool run_page_read(const struct map_host *page, bool gprs, struct rec_entry *entry)
{
	const struct map_part parts[] = {
		{&entry->flags, offsetof(struct rmi_rec_enter, flags), sizeof(entry->flags)},
		{&entry->gicv3_hcr, offsetof(struct rmi_rec_enter, gicv3_hcr), gic_size()},
		{entry->gprs, offsetof(struct rmi_rec_enter, gprs), sizeof(entry->gprs)},
	};

	return map_host_read_parts(page, parts, gprs ? 3 : 2);
}

void run_page_clear(struct rmi_rec_exit *exit)
{
	uint8_t *at = (uint8_t *)exit;

	if (ARCH_CHECKS) {
		memset(exit, 0, sizeof(*exit));
	}
	memset(at + offsetof(struct rmi_rec_exit, exit_reason), 0, WORD);
	memset(at + offsetof(struct rmi_rec_exit, esr), 0, SYNDROME);
	memset(at + offsetof(struct rmi_rec_exit, gprs), 0, RUN_PAGE_GPRS * WORD);
	memset(at + offsetof(struct rmi_rec_exit, ripas_base), 0, RIPAS);
	memset(at + offsetof(struct rmi_rec_exit, imm), 0, WORD);
	memset(at + offsetof(struct rmi_rec_exit, pmu_ovf_status), 0, WORD);
}

/* What is not written is zero. */
static void check_exit(const struct rmi_rec_exit *exit)
{
	for (unsigned int i = RUN_PAGE_GPRS; i < RMI_EXIT_GPRS; i++) {
		ASSERT(exit->gprs[i] == 0 || exit->exit_reason == RMI_EXIT_HOST_CALL);
	}
	ASSERT(exit->imm == 0 || exit->exit_reason == RMI_EXIT_HOST_CALL);
	for (unsigned int i = feat()->list_registers + 1U; i < RMI_MAX_LRS; i++) {
		ASSERT(exit->gicv3_lrs[i] == 0);
	}
}

/* Whole words of an exit, from the one that begins at `offset`. */
static struct map_part part_of(const struct rmi_rec_exit *exit, size_t offset, size_t size)
{
	return (struct map_part){
		.at = (uint8_t *)(uintptr_t)exit + offset,
		.offset = (uint16_t)(offsetof(struct rmi_rec_run, exit) + offset),
		.size = (uint16_t)size,
	};
}

#define PART(field, size) part_of(exit, offsetof(struct rmi_rec_exit, field), size)

bool run_page_write(const struct map_host *page, const struct rmi_rec_exit *exit)
{
	bool host_call = exit->exit_reason == RMI_EXIT_HOST_CALL;
	struct map_part parts[PARTS];
	size_t count = 0;

	if (ARCH_CHECKS) {
		check_exit(exit);
	}
	parts[count++] = PART(exit_reason, WORD);
	parts[count++] = PART(gicv3_hcr, gic_size());
	parts[count++] = PART(gicv3_misr, GIC_STATE);
	parts[count++] = PART(cntp_ctl, TIMERS);
	parts[count++] = PART(gprs, host_call ? sizeof(exit->gprs) : RUN_PAGE_GPRS * WORD);
	if (host_call) {
		parts[count++] = PART(imm, WORD);
	}
	if ((exit->esr | exit->far | exit->hpfar) != 0) {
		parts[count++] = PART(esr, SYNDROME);
	}
	if ((exit->ripas_base | exit->ripas_top | exit->ripas_value) != 0) {
		parts[count++] = PART(ripas_base, RIPAS);
	}
	if (exit->pmu_ovf_status != 0) {
		parts[count++] = PART(pmu_ovf_status, WORD);
	}
	return map_host_write_parts(page, offsetof(struct rmi_rec_run, exit), parts, count);
}
