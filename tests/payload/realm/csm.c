// SPDX-License-Identifier: BSD-3-Clause
#include "csm.h"

struct smc_regs csm_call_args(uint64_t fid, const uint64_t *args, unsigned count)
{
	struct smc_regs r;

	do {
		r = rsi_args(fid, args, count);
	} while (r.x[0] == RSI_INCOMPLETE);
	return r;
}

uint64_t csm_self(void)
{
	struct smc_regs r = CSM(SELF);

	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	return r.x[1];
}

uint64_t csm_create(uint64_t base, uint64_t size, uint64_t label, uint64_t *region)
{
	struct smc_regs r = CSM(CREATE, base, size, label);

	*region = r.x[1];
	return r.x[0];
}

uint64_t csm_share(uint64_t region, uint64_t consumer, uint64_t perm,
		   const struct rsi_csm_policy *p)
{
	return CSM(SHARE, region, consumer, perm, (uint64_t)p).x[0];
}

uint64_t csm_revoke(uint64_t region, uint64_t consumer)
{
	return CSM(REVOKE, region, consumer).x[0];
}

uint64_t csm_destroy(uint64_t region)
{
	return CSM(DESTROY, region).x[0];
}

uint64_t csm_seal(uint64_t region)
{
	return CSM(SEAL, region).x[0];
}

uint64_t csm_reserve(uint64_t provider, uint64_t region, uint64_t base, uint64_t size,
		     const struct rsi_csm_policy *p)
{
	return CSM(RESERVE, provider, region, base, size, (uint64_t)p).x[0];
}

uint64_t csm_attach(uint64_t provider, uint64_t region, uint64_t *perm)
{
	struct smc_regs r = CSM(ATTACH, provider, region);

	*perm = r.x[1];
	return r.x[0];
}

uint64_t csm_detach(uint64_t provider, uint64_t region)
{
	return CSM(DETACH_AND_FREE, provider, region).x[0];
}

uint64_t csm_signal(const struct csm_signal *s)
{
	return CSM(SIGNAL, s->peer, s->provider, s->region, s->bits).x[0];
}

uint64_t csm_signal_take(struct csm_signal *signal)
{
	struct smc_regs r = CSM(SIGNAL_TAKE);

	*signal = (struct csm_signal){r.x[1], r.x[2], r.x[3], r.x[4]};
	return r.x[0];
}
