// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "rim.h"

enum desc_type { DESC_DATA = 0, DESC_REC = 1, DESC_RIPAS = 2 };

/* RmmMeasurementDescriptor{Data,Rec,Ripas} (RMM specification, C1.11 to C1.13), 0x100 bytes. */
struct descriptor {
	uint8_t type;
	uint8_t reserved_001[7];
	uint64_t len;
	uint8_t rim[CCA_HASH_MAX];
	union {
		struct {
			uint64_t ipa;
			uint64_t flags;
			uint8_t content[CCA_HASH_MAX];
		} data;
		struct {
			uint8_t content[CCA_HASH_MAX];
		} rec;
		struct {
			uint64_t base;
			uint64_t top;
		} ripas;
		uint8_t fill[0xb0];
	};
};

_Static_assert(sizeof(struct descriptor) == 0x100, "descriptor size");
_Static_assert(offsetof(struct descriptor, rim) == 0x10, "descriptor rim");
_Static_assert(offsetof(struct descriptor, data.content) == 0x60, "descriptor content");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "measured structures are little endian");

static struct descriptor descriptor(const struct cca_measurement *rim, enum desc_type type)
{
	struct descriptor d;

	memset(&d, 0, sizeof(d));
	d.type = (uint8_t)type;
	d.len = sizeof(d);
	memcpy(d.rim, rim->value, sizeof(d.rim));
	return d;
}

/* All-or-nothing: the value changes only when the new one is whole. */
static bool set_to_hash(struct cca_measurement *m, const void *data, size_t size)
{
	uint8_t digest[CCA_HASH_MAX] = {0};

	if (!cca_hash(m->hash, data, size, digest)) {
		return false;
	}
	memcpy(m->value, digest, sizeof(digest));
	return true;
}

bool cca_rim_realm_create(struct cca_measurement *rim, const struct rmi_realm_params *params)
{
	struct rmi_realm_params measured;
	struct cca_measurement m = {0};

	if (params->hash_algo == RMI_HASH_SHA_256) {
		m.hash = CCA_HASH_SHA256;
	} else if (params->hash_algo == RMI_HASH_SHA_512) {
		m.hash = CCA_HASH_SHA512;
	} else {
		return false;
	}
	memset(&measured, 0, sizeof(measured));
	measured.flags = params->flags;
	measured.s2sz = params->s2sz;
	measured.sve_vl = params->sve_vl;
	measured.num_bps = params->num_bps;
	measured.num_wps = params->num_wps;
	measured.pmu_num_ctrs = params->pmu_num_ctrs;
	measured.hash_algo = params->hash_algo;
	if (!set_to_hash(&m, &measured, sizeof(measured))) {
		return false;
	}
	*rim = m;
	return true;
}

bool cca_rim_data_digest(struct cca_measurement *rim, uint64_t ipa, uint64_t flags,
			 const uint8_t content[CCA_HASH_MAX])
{
	struct descriptor d = descriptor(rim, DESC_DATA);

	d.data.ipa = ipa;
	d.data.flags = flags;
	if (flags & RMI_DATA_FLAG_MEASURE) {
		memcpy(d.data.content, content, sizeof(d.data.content));
	}
	return set_to_hash(rim, &d, sizeof(d));
}

bool cca_rim_data_create(struct cca_measurement *rim, uint64_t ipa, uint64_t flags,
			 const void *page)
{
	uint8_t content[CCA_HASH_MAX] = {0};

	return (!(flags & RMI_DATA_FLAG_MEASURE) ||
		cca_hash(rim->hash, page, ABI_GRANULE_SIZE, content)) &&
	       cca_rim_data_digest(rim, ipa, flags, content);
}

static bool measure_entry(struct cca_measurement *rim, uint64_t base, uint64_t top)
{
	struct descriptor d = descriptor(rim, DESC_RIPAS);

	d.ripas.base = base;
	d.ripas.top = top;
	return set_to_hash(rim, &d, sizeof(d));
}

/* Bytes that an entry of this level covers. */
static uint64_t entry_size(int level)
{
	return ABI_GRANULE_SIZE << (9 * (RMI_LEVEL_PAGE - level));
}

int cca_rim_start_level(unsigned int s2sz)
{
	/* 9 bits for each level above the page's 12, 4 bits more for 16 tables side by side. */
	for (int level = 2; level > 0; level--) {
		if (s2sz <= 12u + 4u + 9u * (unsigned int)(RMI_LEVEL_PAGE + 1 - level)) {
			return level;
		}
	}
	return 0;
}

bool cca_rim_init_ripas(struct cca_measurement *rim, uint64_t base, uint64_t top, int level)
{
	struct cca_measurement m = *rim;
	uint64_t size;

	if (level < 0 || level > RMI_LEVEL_PAGE) {
		return false;
	}
	size = entry_size(level);
	if (base % size != 0 || top % size != 0 || base >= top) {
		return false;
	}
	for (uint64_t at = base; at < top; at += size) {
		if (!measure_entry(&m, at, at + size)) {
			return false;
		}
	}
	*rim = m;
	return true;
}

bool cca_rim_init_ripas_range(struct cca_measurement *rim, uint64_t base, uint64_t top, int start)
{
	struct cca_measurement m = *rim;

	if (start < 0 || start > RMI_LEVEL_PAGE) {
		return false;
	}
	if (base % ABI_GRANULE_SIZE != 0 || top % ABI_GRANULE_SIZE != 0 || base >= top) {
		return false;
	}
	while (base < top) {
		int level = start;

		while (base % entry_size(level) != 0 || top - base < entry_size(level)) {
			level++;
		}
		if (!measure_entry(&m, base, base + entry_size(level))) {
			return false;
		}
		base += entry_size(level);
	}
	*rim = m;
	return true;
}

bool cca_rim_rec_create(struct cca_measurement *rim, const struct rmi_rec_params *params)
{
	struct descriptor d = descriptor(rim, DESC_REC);
	struct rmi_rec_params measured;

	if (!(params->flags & RMI_REC_FLAG_RUNNABLE)) {
		return true;
	}
	memset(&measured, 0, sizeof(measured));
	measured.flags = params->flags;
	measured.pc = params->pc;
	memcpy(measured.gprs, params->gprs, sizeof(measured.gprs));
	return cca_hash(rim->hash, &measured, sizeof(measured), d.rec.content) &&
	       set_to_hash(rim, &d, sizeof(d));
}

struct cca_measurement cca_rem_initial(enum cca_hash hash)
{
	return (struct cca_measurement){.hash = hash};
}

bool cca_rem_extend(struct cca_measurement *rem, const void *value, size_t size)
{
	uint8_t input[2 * CCA_HASH_MAX];
	size_t old = cca_hash_size(rem->hash);

	if (size > CCA_HASH_MAX) {
		return false;
	}
	memcpy(input, rem->value, old);
	if (size != 0) {
		memcpy(input + old, value, size);
	}
	return set_to_hash(rem, input, old + size);
}
