// SPDX-License-Identifier: BSD-3-Clause
/*
 * The TLB checker for stage-2 translations. CPUs are taken to hold everything that a table ever
 * said, from the moment it said so: a valid entry that changes is stale until an invalidation
 * covers it.
 */
#include "arch/tlb.h"

#include "arch/copy.h"
#include "arch/host/machine_internal.h"
#include "base/bits.h"

#define MAX_STALE    4096U
#define VMID(vttbr)  ((vttbr) >> 48)
#define ENTRY_VALID  BIT(0)
#define ENTRY_TABLE  BIT(1)
#define LEVEL_PAGE   3
#define XN_MASK      MASK(54, 53)
#define XN_NEVER     BIT(54)
#define VTCR_DS      BIT(32)
#define TABLE_LENGTH 512U

struct stale {
	const struct page *table; /* that the entry is in */
	uint64_t vmid;
	uint64_t ipa;
	int level;     /* of the entry */
	bool leads_on; /* the entry was a table: every walk below it is stale too */
};

static struct stale stale[MAX_STALE];
static unsigned int stale_count;
static struct machine_tlb_count tlb_count;
static unsigned int code_forgotten;

/* The table that this CPU wrote to since the walkers last saw everything. */
static __thread const struct page *unseen;

static uint64_t size_at(int level)
{
	return (uint64_t)1 << (GRANULE_SHIFT + 9U * (unsigned int)(LEVEL_PAGE - level));
}

void machine_tlb_reset(void)
{
	stale_count = 0;
	tlb_count = (struct machine_tlb_count){0};
	code_forgotten = 0;
	unseen = NULL;
}

struct machine_tlb_count machine_tlb_count(void)
{
	struct machine_tlb_count count;

	machine_checkers_lock();
	count = tlb_count;
	machine_checkers_unlock();
	return count;
}

/* --- instruction caches: a realm is taken to execute every page that a table leads to */

static pa_t page_of(uint64_t entry, const struct arch_s2_loc *loc)
{
	if ((loc->context.vtcr & VTCR_DS) == 0) {
		return pa_of(entry & MASK(47, 12));
	}
	return pa_of((entry & MASK(49, 12)) | bits_get(entry, 9, 8) << 50);
}

/*
 * The page of an entry that allows execution becomes suspect. An entry that forbids it for EL1 and
 * EL0 (XN, Arm ARM D8.4.3: all of the host's memory) does not. Blocks are not examined: their pages
 * were mapped one by one before.
 */
static void note_code(uint64_t entry, const struct arch_s2_loc *loc)
{
	struct page *page = loc->level == LEVEL_PAGE ? machine_page(page_of(entry, loc)) : NULL;

	if (page != NULL && (entry & XN_MASK) != XN_NEVER) {
		machine_checkers_lock();
		page->code = true;
		machine_checkers_unlock();
	}
}

void machine_code_synced(pa_t pa)
{
	machine_checkers_lock();
	machine_page(pa)->code = false;
	machine_checkers_unlock();
}

bool machine_code_left(pa_t pa)
{
	const struct page *page = machine_page(pa);
	bool left;

	machine_checkers_lock();
	left = page != NULL && page->code;
	machine_checkers_unlock();
	return left;
}

void arch_forget_code(void)
{
	machine_checkers_lock();
	code_forgotten++;
	machine_checkers_unlock();
}

unsigned int machine_code_forgotten(void)
{
	unsigned int count;

	machine_checkers_lock();
	count = code_forgotten;
	machine_checkers_unlock();
	return count;
}

/* --- translations */

/* The entry is valid again while CPUs may still use what it said before. */
static void check_broken(const struct page *table, const struct arch_s2_loc *loc)
{
	bool found = false;

	machine_checkers_lock();
	for (unsigned int i = 0; i < stale_count; i++) {
		found = found || (stale[i].table == table && stale[i].ipa == loc->ipa.v);
	}
	machine_checkers_unlock();
	if (found) {
		machine_stop("TLB: an entry is made before the old one is invalidated");
	}
}

/*
 * A stage-2 entry is about to be written. Stops unless it is in an open table and follows break-
 * before-make. A valid entry that goes is stale from here on.
 */
void machine_s2_write(const uint64_t *entry, uint64_t value, const struct arch_s2_loc *loc)
{
	uint64_t old = *entry;
	const struct page *table = machine_page_at(entry);

	if (table == NULL || !table->window) {
		machine_stop("TLB: an entry outside of every table is written");
	}
	if (!is_aligned(loc->ipa.v, size_at(loc->level))) {
		machine_stop("TLB: %#lx is no place at level %d", (unsigned long)loc->ipa.v,
			     loc->level);
	}
	unseen = table;
	if ((value & ENTRY_VALID) != 0) {
		check_broken(table, loc);
		note_code(value, loc);
	}
	if ((old & ENTRY_VALID) == 0 || old == value) {
		return;
	}
	if ((value & ENTRY_VALID) != 0) {
		machine_stop("TLB: a valid entry is replaced without break-before-make");
	}
	machine_checkers_lock();
	if (stale_count == MAX_STALE) {
		machine_checkers_unlock();
		machine_stop("TLB: more than %u stale entries", MAX_STALE);
	}
	stale[stale_count++] = (struct stale){
		.table = table,
		.vmid = VMID(loc->context.vttbr),
		.ipa = loc->ipa.v,
		.level = loc->level,
		.leads_on = loc->level != LEVEL_PAGE && (old & ENTRY_TABLE) != 0,
	};
	machine_checkers_unlock();
}

/* level: of the translations that go. */
static bool covered(const struct stale *one, uint64_t base, uint64_t size, int level)
{
	int leaves = one->leads_on ? one->level + 1 : one->level;

	return leaves == level && one->ipa >= base && size_at(one->level) <= size &&
	       one->ipa - base <= size - size_at(one->level);
}

/* `count` entries from loc on are invalidated at loc's level: those covered are stale no more. */
static void invalidate(const struct arch_s2_loc *loc, uint64_t count, unsigned int *counter)
{
	uint64_t size = count * size_at(loc->level);

	unseen = NULL;
	machine_checkers_lock();
	(*counter)++;
	for (unsigned int i = 0; i < stale_count;) {
		if (stale[i].vmid == VMID(loc->context.vttbr) &&
		    covered(&stale[i], loc->ipa.v, size, loc->level)) {
			stale[i] = stale[--stale_count];
		} else {
			i++;
		}
	}
	machine_checkers_unlock();
}

/* Walkers see all writes of this CPU from here on (DSB). */
void machine_s2_sync(void)
{
	unseen = NULL;
}

void arch_tlb_s2_entry(const struct arch_s2_loc *loc)
{
	invalidate(loc, 1, &tlb_count.entries);
}

void arch_tlb_s2_range(const struct arch_s2_loc *loc, uint64_t count)
{
	invalidate(loc, count, &tlb_count.ranges);
}

void arch_tlb_s2_all(const struct arch_s2_context *context)
{
	unseen = NULL;
	machine_checkers_lock();
	tlb_count.alls++;
	for (unsigned int i = 0; i < stale_count;) {
		if (stale[i].vmid == VMID(context->vttbr)) {
			stale[i] = stale[--stale_count];
		} else {
			i++;
		}
	}
	machine_checkers_unlock();
}

void machine_tlb_check(uint64_t key)
{
	const struct page *table;
	uint64_t ipa = 0;
	bool found = false;

	if ((stale_count == 0 && unseen == NULL) || key >= ARCH_WINDOW_PAGES) {
		return;
	}
	table = machine_window_page(key);
	machine_checkers_lock();
	for (unsigned int i = 0; i < stale_count && !found; i++) {
		found = table != NULL && stale[i].table == table;
		ipa = stale[i].ipa;
	}
	machine_checkers_unlock();
	if (found) {
		machine_stop("TLB: IPA %#lx is stale when its table is unlocked",
			     (unsigned long)ipa);
	}
	if (table != NULL && table == unseen) {
		machine_stop("TLB: walkers may not see the table when it is unlocked");
	}
}
