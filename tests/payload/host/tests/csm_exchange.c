// SPDX-License-Identifier: BSD-3-Clause
/* Two realms exchange data through a region. */
#include "payload/host/csm.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define OWN   (REALM_RAM_TOP - 16 * PAGE_SIZE) /* RAM of every realm, without pages at first */
#define THERE 0x10000000UL                     /* nothing is there */

TEST(csm_exchange,
     "RSI_CSM_ATTACH: the provider shares one page, the consumer reads what was written before "
     "and behind it, writes, and the provider reads that")
{
	struct rec *provider = &csm_puppet(1)->recs[0];
	struct rec *consumer = &csm_puppet(1)->recs[0];
	uint64_t region;

	csm_write(provider, OWN, 0x1111);
	region = csm_region(provider, OWN, PAGE_SIZE);
	csm_share(provider, region, consumer, CSM_PERM_READ | CSM_PERM_WRITE);
	CHECK_EQ(csm_attach(consumer, provider, region, THERE, PAGE_SIZE),
		 CSM_PERM_READ | CSM_PERM_WRITE);
	CHECK_EQ(csm_read(consumer, THERE), 0x1111);
	csm_write(provider, OWN + 8, 0x2222);
	CHECK_EQ(csm_read(consumer, THERE + 8), 0x2222);
	csm_write(consumer, THERE + PAGE_SIZE - 8, 0x3333);
	CHECK_EQ(csm_read(provider, OWN + PAGE_SIZE - 8), 0x3333);
	CHECK_EQ(CSM(consumer, DETACH_AND_FREE, csm_self(provider), region).x[0], RSI_SUCCESS);
	csm_aborts(consumer, INSN_LDR_X, THERE);
	CHECK_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);
	CHECK_EQ(csm_read(provider, OWN + PAGE_SIZE - 8), 0x3333);
}
