// SPDX-License-Identifier: BSD-3-Clause
#include "realm/realm.h"

#include <string.h>

#include "base/assert.h"
#include "map/map.h"
#include "realm/id.h"
#include "realm/vmid.h"

void realm_boot(void)
{
	vmid_boot();
	realm_id_boot();
}

struct rd *realm_of(const struct granule *rd)
{
	return map_meta(rd);
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
