// SPDX-License-Identifier: BSD-3-Clause
#include "realm/realm.h"

#include <string.h>

#include "abi/rmi.h"
#include "arch/trace.h"
#include "base/assert.h"
#include "base/bits.h"
#include "feat/feat.h"
#include "map/map.h"
#include "realm/id.h"
#include "realm/vmid.h"

void realm_boot(void)
{
	vmid_boot();
	realm_id_boot();
}

/* What holds for every realm from RMI_REALM_CREATE on, whoever looks at it. */
static void check_constant(const struct rd *rd)
{
	const struct s2 *s2 = &rd->s2;

	ASSERT(rd->id != 0);
	ASSERT(rd->granule != NULL);
	ASSERT(rd->hash_algo <= RMI_HASH_SHA_512);
	ASSERT(s2_geometry_valid(s2->ipa_bits, s2->start_level, s2->start_tables, s2->lpa2));
	ASSERT(is_aligned(s2->root.v, s2->start_tables * GRANULE_SIZE));
	ASSERT(s2->ipa_bits <= feat()->ipa_bits);
	ASSERT(bits_get(s2->context.vttbr, 63, 48) == rd->vmid);
	ASSERT(!s2->lpa2 || feat()->lpa2);
	ASSERT(!rd->features.sve || rd->features.sve_vl <= feat()->sve_vl);
	ASSERT(!rd->features.pmu || rd->features.pmu_counters <= feat()->pmu_counters);
	ASSERT(rd->features.breakpoints <= feat()->breakpoints);
	ASSERT(rd->features.watchpoints <= feat()->watchpoints);
}

struct rd *realm_of(const struct granule *rd)
{
	struct rd *realm = map_meta(rd, GRANULE_RD);

	if (ARCH_CHECKS) {
		ASSERT(realm->granule == rd);
		ASSERT(atomic_load_explicit(&realm->state, memory_order_relaxed) <=
		       REALM_SYSTEM_OFF);
		check_constant(realm);
	}
	return realm;
}

void realm_init(struct rd *rd, struct granule *granule, const struct realm_config *config)
{
	ASSERT(config->start_tables != 0 && config->start_tables <= S2_MAX_START);
	rd->granule = granule;
	rd->s2.root = config->root;
	rd->s2.ipa_bits = config->ipa_bits;
	rd->s2.start_level = config->start_level;
	rd->s2.start_tables = config->start_tables;
	rd->s2.lpa2 = config->lpa2;
	rd->s2.context = s2_context(&rd->s2, config->vmid);
	rd->features = config->features;
	rd->vmid = config->vmid;
	memcpy(rd->rpv, config->rpv, sizeof(rd->rpv));
	atomic_store_explicit(&rd->state, REALM_NEW, memory_order_relaxed);
}

struct granule *realm_start_table(const struct rd *rd, unsigned int i)
{
	ASSERT(i < rd->s2.start_tables);
	return granule_find(pa_add(rd->s2.root, i * GRANULE_SIZE));
}
