// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the RMM says about regions, own ones and those that are on offer here.
 */
#include <linux/sched/signal.h>

#include "guest.h"

/* One step; errors are those of RSI_CSM_QUERY. */
int csmdev_query_next(struct csm_ioc_query *query)
{
	u64 realm = query->realm_id ? query->realm_id : csmdev_realm.id;
	struct csmdev_regs regs = {.x = {RSI_CSM_QUERY_FID, realm, query->cursor}};
	int ret = csmdev_rsi_call(&regs);

	if (ret) {
		return ret;
	}
	*query = (struct csm_ioc_query){
		.realm_id = realm,
		.cursor = regs.x[6],
		.region_id = regs.x[1],
	};
	if (query->region_id) {
		query->label = regs.x[2];
		query->size = regs.x[3];
		query->permissions = rsi_csm_query_perm(regs.x[4]);
		query->state = rsi_csm_query_state(regs.x[4]);
		query->query_flags = rsi_csm_query_flags(regs.x[4]);
	}
	return 0;
}

/* What the RMM says about one region, own or not. EACCES: it is not there, or not on offer. */
int csmdev_query_find(u64 provider, u64 region, struct csm_ioc_query *query)
{
	*query = (struct csm_ioc_query){.realm_id = provider};
	do {
		int ret = csmdev_query_next(query);

		if (ret) {
			return ret;
		}
		if (query->region_id == region) {
			return 0;
		}
		if (fatal_signal_pending(current)) {
			return -EINTR;
		}
		cond_resched();
	} while (query->cursor != 0);
	return -EACCES;
}
