// SPDX-License-Identifier: BSD-3-Clause
/* A host that makes realms, for the tests of commands that need one. */
#ifndef TESTS_UNIT_CMD_REALM_HOST_H
#define TESTS_UNIT_CMD_REALM_HOST_H

#include "realm/realm.h"
#include "unit.h"

/* Granules of the realm under test; the start tables are aligned for sixteen. */
#define HOST_RD     (SIM_HIGH + UINT64_C(0x100000))
#define HOST_RTT    (SIM_HIGH + UINT64_C(0x200000))
#define HOST_PARAMS sim_page(0)

/* 32 bits wide, four tables at level 2: valid on every CPU. Not yet at HOST_PARAMS. */
static inline struct rmi_realm_params host_params(void)
{
	return (struct rmi_realm_params){
		.s2sz = 32,
		.num_bps = 1,
		.num_wps = 1,
		.hash_algo = RMI_HASH_SHA_256,
		.vmid = 7,
		.rtt_base = HOST_RTT,
		.rtt_level_start = 2,
		.rtt_num_start = 4,
	};
}

static inline void host_delegate(uint64_t base, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		sim_delegate(base + i * GRANULE_SIZE);
	}
}

static inline struct sim_answer host_realm_create(uint64_t rd,
						  const struct rmi_realm_params *params)
{
	sim_put(HOST_PARAMS, params, sizeof(*params));
	return RMI(RMI_REALM_CREATE, rd, HOST_PARAMS);
}

/* Delegates what the realm needs and makes it: number n has memory and VMID of its own, n < 16. */
static inline uint64_t host_make_realm(unsigned int n, struct rmi_realm_params params)
{
	uint64_t rd = HOST_RD + n * GRANULE_SIZE;

	params.rtt_base = HOST_RTT + n * 16 * GRANULE_SIZE;
	params.vmid = (uint16_t)(7 + n);
	sim_delegate(rd);
	host_delegate(params.rtt_base, params.rtt_num_start);
	ASSERT_RMI_OK(host_realm_create(rd, &params));
	return rd;
}

static inline struct rd *host_rd(uint64_t rd)
{
	return realm_of(granule_find(pa_of(rd)));
}

#endif
