// SPDX-License-Identifier: BSD-3-Clause
#include "realm/measure.h"

#include <string.h>

#include "base/assert.h"
#include "base/hash.h"

_Static_assert(HASH_SHA_256 == RMI_HASH_SHA_256 && HASH_SHA_512 == RMI_HASH_SHA_512,
	       "an RmiHashAlgorithm names the hash");
_Static_assert(REALM_MEASUREMENT_SIZE == HASH_SIZE_MAX, "a slot holds the longest hash");

#define RIM 0U

void realm_measure_init(struct rd *rd, const struct rmi_realm_params *params)
{
	struct rmi_realm_params measured;

	memset(&measured, 0, sizeof(measured));
	measured.flags = params->flags;
	measured.s2sz = params->s2sz;
	measured.sve_vl = params->sve_vl;
	measured.num_bps = params->num_bps;
	measured.num_wps = params->num_wps;
	measured.pmu_num_ctrs = params->pmu_num_ctrs;
	measured.hash_algo = params->hash_algo;

	rd->hash_algo = params->hash_algo;
	memset(rd->measurement, 0, sizeof(rd->measurement));
	hash_of(rd->hash_algo, &measured, sizeof(measured), rd->measurement[RIM]);
}

/* descriptor: MEASUREMENT_DESC_SIZE bytes with everything but the RIM filled in. */
static void extend_rim(struct rd *rd, const void *descriptor)
{
	hash_of(rd->hash_algo, descriptor, MEASUREMENT_DESC_SIZE, rd->measurement[RIM]);
}

void realm_measure_data(struct rd *rd, ipa_t ipa, uint64_t flags, const void *content)
{
	struct measurement_desc_data desc = {
		.desc_type = MEASUREMENT_DESC_DATA,
		.len = MEASUREMENT_DESC_SIZE,
		.ipa = ipa.v,
		.flags = flags,
	};

	ASSERT((content != NULL) == ((flags & RMI_DATA_FLAG_MEASURE) != 0));
	if (content != NULL) {
		hash_of(rd->hash_algo, content, GRANULE_SIZE, desc.content);
	}
	memcpy(desc.rim, rd->measurement[RIM], sizeof(desc.rim));
	extend_rim(rd, &desc);
}

/* A page of a realm's memory is one step, and there are many: the RIM stays in the descriptor. */
void realm_measure_ripas(struct rd *rd, ipa_t base, ipa_t top, uint64_t size)
{
	struct hash_series series;
	struct measurement_desc_ripas desc = {
		.desc_type = MEASUREMENT_DESC_RIPAS,
		.len = MEASUREMENT_DESC_SIZE,
		.top = base.v,
	};

	memcpy(desc.rim, rd->measurement[RIM], sizeof(desc.rim));
	hash_series_begin(&series, rd->hash_algo, sizeof(desc));
	while (desc.top < top.v) {
		desc.base = desc.top;
		desc.top += size;
		hash_series_next(&series, &desc, desc.rim);
	}
	hash_series_end(&series);
	memcpy(rd->measurement[RIM], desc.rim, sizeof(desc.rim));
}

void realm_measure_rec(struct rd *rd, const struct rmi_rec_params *params)
{
	struct measurement_desc_rec desc = {
		.desc_type = MEASUREMENT_DESC_REC,
		.len = MEASUREMENT_DESC_SIZE,
	};
	struct rmi_rec_params measured;

	memset(&measured, 0, sizeof(measured));
	measured.flags = params->flags;
	measured.pc = params->pc;
	memcpy(measured.gprs, params->gprs, sizeof(measured.gprs));

	hash_of(rd->hash_algo, &measured, sizeof(measured), desc.content);
	memcpy(desc.rim, rd->measurement[RIM], sizeof(desc.rim));
	extend_rim(rd, &desc);
}

void realm_extend_rem(struct rd *rd, unsigned int index, const void *value, size_t size)
{
	uint8_t input[2 * REALM_MEASUREMENT_SIZE];
	size_t old_size = hash_size(rd->hash_algo);

	ASSERT(index != RIM && index < REALM_MEASUREMENTS && size <= REALM_MEASUREMENT_SIZE);
	memcpy(input + old_size, value, size);
	spinlock_take(&rd->measurement_lock);
	memcpy(input, rd->measurement[index], old_size);
	hash_of(rd->hash_algo, input, old_size + size, rd->measurement[index]);
	spinlock_release(&rd->measurement_lock);
}

void realm_measurement_read(struct rd *rd, unsigned int index, uint8_t out[REALM_MEASUREMENT_SIZE])
{
	ASSERT(index < REALM_MEASUREMENTS);
	spinlock_take(&rd->measurement_lock);
	memcpy(out, rd->measurement[index], REALM_MEASUREMENT_SIZE);
	spinlock_release(&rd->measurement_lock);
}
