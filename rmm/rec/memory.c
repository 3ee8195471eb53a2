// SPDX-License-Identifier: BSD-3-Clause
#include "rec/memory.h"

#include <string.h>

#include "arch/copy.h"
#include "base/assert.h"
#include "base/bits.h"
#include "map/map.h"
#include "rec/esr.h"

/* What the hardware would have reported had the realm touched the page itself. */
static void report_missing(ipa_t ipa, int level, struct rmi_rec_exit *exit)
{
	uint64_t status =
		level < 0 ? FSC_TRANSLATION_MINUS_1 : FSC_TRANSLATION + (unsigned int)level;

	exit->exit_reason = RMI_EXIT_SYNC;
	exit->esr = ESR_EC(EC_DATA_LOWER) | status;
	exit->hpfar = align_down(ipa.v, GRANULE_SIZE) >> 8;
}

/* *at: where the RMM may read, or with `write` also write, until close_page(). */
static enum rec_memory open_page(struct rec *rec, ipa_t ipa, bool write, struct s2_walk *walk,
				 uint8_t **at, struct rmi_rec_exit *exit)
{
	pa_t page;

	ASSERT(s2_ipa_protected(&rec->s2, ipa));
	switch (s2_access_begin(&rec->s2, ipa, walk, &page)) {
	case S2_ACCESS_RAM:
		if (write && (walk->entry.attr & S2_READ_ONLY) != 0) {
			s2_access_end(walk);
			return REC_MEMORY_REFUSED;
		}
		*at = (uint8_t *)map_data_open(pa_of(align_down(page.v, GRANULE_SIZE))) +
		      (ipa.v & GRANULE_MASK);
		return REC_MEMORY_DONE;
	case S2_ACCESS_EMPTY:
		return REC_MEMORY_REFUSED;
	case S2_ACCESS_MISSING:
		break;
	}
	report_missing(ipa, walk->level, exit);
	return REC_MEMORY_MISSING;
}

static void close_page(struct s2_walk *walk)
{
	map_data_close();
	s2_access_end(walk);
}

enum rec_memory rec_memory_read(struct rec *rec, ipa_t ipa, void *dst, size_t size,
				struct rmi_rec_exit *exit)
{
	struct s2_walk walk;
	uint8_t *at;
	enum rec_memory result = open_page(rec, ipa, false, &walk, &at, exit);

	ASSERT((ipa.v & GRANULE_MASK) + size <= GRANULE_SIZE);
	if (result == REC_MEMORY_DONE) {
		memcpy(dst, at, size);
		close_page(&walk);
	}
	return result;
}

enum rec_memory rec_memory_write(struct rec *rec, ipa_t ipa, const void *src, size_t size,
				 struct rmi_rec_exit *exit)
{
	struct s2_walk walk;
	uint8_t *at;
	enum rec_memory result = open_page(rec, ipa, true, &walk, &at, exit);

	ASSERT((ipa.v & GRANULE_MASK) + size <= GRANULE_SIZE);
	if (result == REC_MEMORY_DONE) {
		memcpy(at, src, size);
		close_page(&walk);
	}
	return result;
}

enum rec_memory rec_memory_write_page(struct rec *rec, ipa_t ipa, rec_page_fill *fill,
				      struct rmi_rec_exit *exit)
{
	struct s2_walk walk;
	uint8_t *at;
	enum rec_memory result = open_page(rec, ipa, true, &walk, &at, exit);

	ASSERT(is_aligned(ipa.v, GRANULE_SIZE));
	if (result == REC_MEMORY_DONE) {
		arch_zero_granule(at);
		fill(rec, at);
		close_page(&walk);
	}
	return result;
}
