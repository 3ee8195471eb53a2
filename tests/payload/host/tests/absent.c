// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory that TF-A's manifest lists and EL3 knows, on a machine that does not have it. Accesses end
 * in external aborts: of the RMM, which must survive them, and of realms.
 */
#include "payload/common/probe.h"
#include "payload/host/agent.h"
#include "payload/host/bad_addresses.h"
#include "payload/host/mem.h"
#include "payload/host/memmap.h"
#include "payload/host/test.h"

#define UNPROTECTED 0x80000000UL

/* A page that is not there, in the middle of a bank. */
static uint64_t absent_page(void)
{
	if (mem_end() >= MAP_BANK_END) {
		SKIP("this machine has all of its memory");
	}
	CHECK(!probe_load(mem_end(), &(uint64_t){0}));
	CHECK_EQ(ESR_FSC(fault_last().esr), FSC_EXTERNAL_ABORT);
	return mem_end() + 16 * PAGE_SIZE;
}

TEST(absent_delegate,
     "RMI_GRANULE_DELEGATE gran_gpt: memory that is not there is refused, as often as it is "
     "tried; the RMM goes on")
{
	uint64_t page = absent_page();

	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(rmi_granule_delegate(page + i % 2 * PAGE_SIZE), RMI_ERROR_INPUT);
		CHECK_EQ(rmi_granule_undelegate(page + i % 2 * PAGE_SIZE), RMI_ERROR_INPUT);
	}
	granule_give(granule_take());
	CHECK(!probe_load(page, &(uint64_t){0}));
	CHECK_EQ(ESR_FSC(fault_last().esr), FSC_EXTERNAL_ABORT);
}

TEST(absent_buffers,
     "RMI_REALM_CREATE and REC_CREATE params_pas, RMI_DATA_CREATE src_pas, RMI_REC_ENTER "
     "run_pas: memory that is not there")
{
	uint64_t page = absent_page();
	struct bad_addresses places = bad_addresses_make();
	uint64_t rd = places.realm->rd;
	uint64_t granule = places.at[BAD_DELEGATED];

	expect_refused(RMI_REALM_CREATE_FID, RMI_ERROR_INPUT, granule, page);
	expect_refused(RMI_REC_CREATE_FID, RMI_ERROR_INPUT, rd, granule, page);
	expect_refused(RMI_DATA_CREATE_FID, RMI_ERROR_INPUT, rd, granule, PAGE_SIZE, page, 1);
	expect_refused(RMI_REC_ENTER_FID, RMI_ERROR_INPUT, places.at[BAD_REC], page);
	expect_entry(places.realm, PAGE_SIZE, 3, (struct entry){3, RMI_UNASSIGNED, 0, 0});
	granule_give(granule);
}

/* QEMU takes the abort to the realm itself, not to R-EL2 as HCR_EL2.TEA asks for: no exit. */
TEST(absent_mapped,
     "a realm's access to memory that is not there, mapped by the host, is an external abort in "
     "the realm; the RMM goes on")
{
	uint64_t page = absent_page();
	struct rec *rec = &agent_realm(1)->recs[0];

	realm_map_page(rec->realm, UNPROTECTED, page);
	for (unsigned i = 0; i < 2; i++) {
		CHECK(!agent_do(rec, INSN_LDR_X, UNPROTECTED + 8, 0));
		REQUIRE_EQ(rec->stop, REC_CALL);
		CHECK_EQ(ESR_EC(agent_esr(rec)), EC_DATA_ABORT_SAME);
		CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_EXTERNAL_ABORT);
		CHECK_EQ(agent_far(rec), UNPROTECTED + 8);
	}
}
