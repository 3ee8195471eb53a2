// SPDX-License-Identifier: BSD-3-Clause
/* Entries to and from 64 bits. Pure. */
#include "base/assert.h"
#include "s2/s2_internal.h"

#define MEMATTR_MASK       MASK(4, 2)
#define MEMATTR_LOW        2U
#define MEMATTR_NC         5U
#define MEMATTR_RESERVED   4U
#define MEMATTR_FWB_NORMAL ((uint64_t)6 << MEMATTR_LOW)
#define S2AP_MASK          MASK(7, 6)
#define S2AP_READ          BIT(6)
#define SH_LOW             8U
#define SH_OUTER           ((uint64_t)2 << SH_LOW)
#define SH_INNER           ((uint64_t)3 << SH_LOW)
#define ACCESS_FLAG        BIT(10)
#define XN_NEVER           ((uint64_t)2 << 53)
#define NON_SECURE         BIT(55)

static uint64_t leaf_type(int level)
{
	return level == S2_LEVEL_PAGE ? S2_TYPE_LONG : S2_TYPE_BLOCK;
}

/*
 * Shareability of a non-secure mapping: Inner where it may be cached, Outer for device and
 * non-cacheable memory (RMM specification A5.5.11). With LPA2 VTCR_EL2.SH0 decides.
 */
static uint64_t shareability(uint64_t attr, bool lpa2)
{
	if (lpa2) {
		return 0;
	}
	return (attr & MEMATTR_MASK) >> MEMATTR_LOW > MEMATTR_NC ? SH_INNER : SH_OUTER;
}

uint64_t s2_limits(uint64_t limits)
{
	uint64_t access = (limits & S2_READ_ONLY) != 0 ? S2AP_READ : S2AP_MASK;

	return access | ((limits & S2_NO_EXEC) != 0 ? XN_NEVER : 0);
}

/* Realm memory that is valid: the realm's own, or shared with it. */
static uint64_t encode_realm(const struct s2_entry *entry, int level, bool lpa2)
{
	return s2_raw_place(entry->pa, lpa2) | leaf_type(level) | MEMATTR_FWB_NORMAL |
	       s2_limits(entry->attr) | (lpa2 ? 0 : SH_INNER) | ACCESS_FLAG;
}

static uint64_t encode_leaf(const struct s2_entry *entry, int level, bool lpa2)
{
	uint64_t raw = S2_LIVE | s2_raw_place(entry->pa, lpa2);

	if (entry->kind == S2_ASSIGNED_NS) {
		return raw | leaf_type(level) | entry->attr | shareability(entry->attr, lpa2) |
		       ACCESS_FLAG | XN_NEVER | NON_SECURE;
	}
	if (entry->ripas != S2_RAM) {
		return raw | (uint64_t)entry->ripas << S2_RIPAS_LOW;
	}
	return raw | encode_realm(entry, level, lpa2);
}

uint64_t s2_encode(const struct s2_entry *entry, int level, bool lpa2)
{
	switch (entry->kind) {
	case S2_UNASSIGNED:
		return (uint64_t)entry->ripas << S2_RIPAS_LOW;
	case S2_UNASSIGNED_NS:
		break;
	case S2_TABLE:
		ASSERT(level < S2_LEVEL_PAGE);
		return S2_LIVE | S2_TYPE_LONG | s2_raw_place(entry->pa, lpa2);
	case S2_ASSIGNED:
	case S2_ASSIGNED_NS:
		ASSERT(level >= 1 && is_aligned(entry->pa.v, s2_entry_size(level)));
		return encode_leaf(entry, level, lpa2);
	case S2_SHARED:
		ASSERT(level >= 1 && is_aligned(entry->pa.v, s2_entry_size(level)));
		return S2_SHARED_BIT | encode_realm(entry, level, lpa2);
	}
	return 0;
}

static enum s2_ripas ripas_of(uint64_t raw)
{
	return (enum s2_ripas)((raw & S2_RIPAS_MASK) >> S2_RIPAS_LOW);
}

static uint64_t limits_of(uint64_t raw)
{
	return ((raw & S2AP_MASK) == S2AP_READ ? S2_READ_ONLY : 0) |
	       ((raw & XN_NEVER) != 0 ? S2_NO_EXEC : 0);
}

struct s2_entry s2_decode(uint64_t raw, int level, bool lpa2, bool protected_half)
{
	struct s2_entry entry = {.kind = protected_half ? S2_UNASSIGNED : S2_UNASSIGNED_NS};

	if (s2_raw_shared(raw)) {
		entry.kind = S2_SHARED;
		entry.pa = s2_raw_address(raw, lpa2);
		entry.attr = limits_of(raw);
		return entry;
	}
	if (!s2_raw_live(raw)) {
		entry.ripas = ripas_of(raw);
		return entry;
	}
	entry.pa = s2_raw_address(raw, lpa2);
	if (s2_raw_table(raw, level)) {
		entry.kind = S2_TABLE;
	} else if (!protected_half) {
		entry.kind = S2_ASSIGNED_NS;
		entry.attr = raw & (MEMATTR_MASK | S2AP_MASK);
	} else {
		entry.kind = S2_ASSIGNED;
		entry.ripas = s2_raw_valid(raw) ? S2_RAM : ripas_of(raw);
		entry.attr = s2_raw_valid(raw) ? limits_of(raw) : 0;
	}
	return entry;
}

uint64_t s2_host_descriptor(const struct s2_entry *entry, bool lpa2)
{
	return s2_raw_place(entry->pa, lpa2) | (entry->kind == S2_ASSIGNED_NS ? entry->attr : 0);
}

bool s2_host_descriptor_parse(uint64_t desc, bool lpa2, struct s2_entry *entry)
{
	uint64_t hosts =
		S2_ADDRESS_LPA2 | MEMATTR_MASK | S2AP_MASK | (lpa2 ? S2_ADDRESS_TOP_PLACED : 0);

	if ((desc & ~hosts) != 0 || (desc & MEMATTR_MASK) >> MEMATTR_LOW == MEMATTR_RESERVED) {
		return false;
	}
	*entry = (struct s2_entry){
		.kind = S2_ASSIGNED_NS,
		.pa = s2_raw_address(desc, true),
		.attr = desc & (MEMATTR_MASK | S2AP_MASK),
	};
	return true;
}
