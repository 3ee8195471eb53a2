// SPDX-License-Identifier: BSD-3-Clause
#include "csm_live.h"
#include "gic.h"
#include "test.h"

#define MAX_SIGNALS 16
#define MAX_FAULTS  16
#define TABLE       (2UL << 20)

struct live live_granted(uint64_t perm, unsigned recs)
{
	struct live live = {.p = csm_agent(1)};

	live.c = csm_agent(recs);
	live.provider = &live.p->recs[0];
	live.consumer = &live.c->recs[0];
	live.pid = csm_self(live.provider);
	live.cid = csm_self(live.consumer);
	CHECK_NE(live.pid, live.cid);
	live.region = csm_region(live.provider, LIVE_OWN, LIVE_SIZE);
	csm_share(live.provider, live.region, live.consumer, perm);
	return live;
}

struct live live_make(uint64_t perm, unsigned recs)
{
	struct live live = live_granted(perm, recs);

	REQUIRE_EQ(csm_attach(live.consumer, live.provider, live.region, LIVE_THERE, LIVE_SIZE),
		   perm);
	return live;
}

void host_out_of_reach(uint64_t page)
{
	uint64_t value;

	CHECK(!probe_load(page, &value));
	CHECK_EQ(ESR_FSC(fault_last().esr), FSC_GRANULE_PROTECTION);
	CHECK(!probe_store(page, 0xbad));
	CHECK_EQ(ESR_FSC(fault_last().esr), FSC_GRANULE_PROTECTION);
}

void live_page_works(struct live *live, unsigned page)
{
	uint64_t at = page * PAGE_SIZE;

	csm_write(live->provider, LIVE_OWN + at, ++live->mark);
	CHECK_EQ(csm_read(live->consumer, LIVE_THERE + at), live->mark);
	host_out_of_reach(csm_page(live->p, LIVE_OWN + at));
}

void live_works(struct live *live)
{
	for (unsigned i = 0; i < LIVE_PAGES; i++) {
		live_page_works(live, i);
	}
}

uint64_t live_bits(struct rec *rec, uint64_t peer)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < MAX_SIGNALS; i++) {
		struct smc_regs r = CSM(rec, SIGNAL_TAKE);

		REQUIRE_EQ(r.x[0], RSI_SUCCESS);
		if (r.x[1] == 0) {
			return bits;
		}
		bits |= r.x[1] == peer ? r.x[4] : 0;
	}
	CHECK(!"no end of signals");
	return bits;
}

void live_no_access(struct rec *rec, uint64_t ipa)
{
	CHECK(!agent_do(rec, INSN_LDR_X, ipa, 0));
	if (rec->stop == REC_CALL) {
		CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_EXTERNAL_ABORT);
	} else {
		CHECK_EQ(rec->stop, REC_EXIT);
		CHECK_EQ(rec->run->exit.exit_reason, RMI_EXIT_SYNC);
	}
}

/* ---- realms that the host does not help */

void live_offer_table(struct realm *realm, uint64_t ipa)
{
	uint64_t table = granule_take();

	if (smc_call(RMI_RTT_CREATE_FID, realm->rd, table, ipa & ~(TABLE - 1),
		     (uint64_t)RMI_LEVEL_PAGE)
		    .x[0] != RMI_SUCCESS) {
		granule_give(table);
	}
}

/* Does as much of the change as one command does, if the RMM lets it. */
static void change_ripas(struct rec *rec)
{
	const struct rmi_rec_exit *exit = &rec->run->exit;

	smc_call(RMI_RTT_SET_RIPAS_FID, rec->realm->rd, rec->granule, exit->ripas_base,
		 exit->ripas_top);
}

bool live_alone(struct rec *rec)
{
	for (unsigned faults = 0; faults < MAX_FAULTS;) {
		REQUIRE_EQ(rec_enter(rec), RMI_SUCCESS);
		switch (rec->run->exit.exit_reason) {
		case RMI_EXIT_HOST_CALL:
			rec->stop = REC_CALL;
			return true;
		case RMI_EXIT_IRQ:
		case RMI_EXIT_FIQ:
			irq_window();
			break;
		case RMI_EXIT_RIPAS_CHANGE:
			change_ripas(rec);
			break;
		case RMI_EXIT_SYNC:
			live_offer_table(rec->realm, rec->run->exit.hpfar << 8);
			faults++;
			break;
		default:
			break;
		}
	}
	return false;
}

struct smc_regs live_alone_args(struct rec *rec, uint64_t fid, const uint64_t *args, unsigned count)
{
	struct smc_regs r;

	do {
		agent_prepare(rec, AGENT_SMC, fid, 0, 0);
		memcpy(&rec->run->enter.gprs[2], args, count * sizeof(*args));
		REQUIRE(live_alone(rec));
		r = agent_smc_end(rec);
	} while (r.x[0] == RSI_INCOMPLETE);
	return r;
}
