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

enum rec_memory rec_memory_open(struct rec *rec, ipa_t ipa, bool write,
				struct rec_memory_page *page, struct rmi_rec_exit *exit)
{
	struct s2_walk *walk = &page->walk;
	pa_t pa;

	switch (s2_access_begin(&rec->s2, ipa, &rec->memory, walk, &pa)) {
	case S2_ACCESS_RAM:
		if (write && (walk->entry.attr & S2_READ_ONLY) != 0) {
			s2_access_end(walk);
			return REC_MEMORY_REFUSED;
		}
		page->at = (uint8_t *)map_data_open(pa_of(align_down(pa.v, GRANULE_SIZE))) +
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

void rec_memory_close(struct rec_memory_page *page)
{
	map_data_close();
	s2_access_end(&page->walk);
}

enum rec_memory rec_memory_read(struct rec *rec, ipa_t ipa, void *dst, size_t size,
				struct rmi_rec_exit *exit)
{
	struct rec_memory_page page;
	enum rec_memory result = rec_memory_open(rec, ipa, false, &page, exit);

	ASSERT((ipa.v & GRANULE_MASK) + size <= GRANULE_SIZE);
	if (result == REC_MEMORY_DONE) {
		memcpy(dst, page.at, size);
		rec_memory_close(&page);
	}
	return result;
}

enum rec_memory rec_memory_write(struct rec *rec, ipa_t ipa, const void *src, size_t size,
				 struct rmi_rec_exit *exit)
{
	struct rec_memory_page page;
	enum rec_memory result = rec_memory_open(rec, ipa, true, &page, exit);

	ASSERT((ipa.v & GRANULE_MASK) + size <= GRANULE_SIZE);
	if (result == REC_MEMORY_DONE) {
		memcpy(page.at, src, size);
		rec_memory_close(&page);
	}
	return result;
}

enum rec_memory rec_memory_write_page(struct rec *rec, ipa_t ipa, rec_page_fill *fill,
				      struct rmi_rec_exit *exit)
{
	struct rec_memory_page page;
	enum rec_memory result = rec_memory_open(rec, ipa, true, &page, exit);

	ASSERT(is_aligned(ipa.v, GRANULE_SIZE));
	if (result == REC_MEMORY_DONE) {
		arch_zero_granule(page.at);
		fill(rec, page.at);
		rec_memory_close(&page);
	}
	return result;
}
