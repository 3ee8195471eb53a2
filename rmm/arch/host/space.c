// SPDX-License-Identifier: BSD-3-Clause
/*
 * Slots and window. A translation ends with its mapping: what closing must invalidate is the page's
 * protection, so an access through a stale pointer stops.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "arch/host/machine_internal.h"
#include "base/bits.h"

struct slot {
	bool used;
	bool accessible;
	enum arch_pas pas;
	pa_t pa;
	uint8_t *va;
};

static __thread struct slot slots[ARCH_SLOT_COUNT];

/* Number of the page open at an index, plus one; 0 is closed. */
static uint64_t window[ARCH_WINDOW_PAGES];
static uint64_t window_used; /* indices below this have been open since the reset */

/*
 * Nothing is ever accessible here: closed pages of the window, slots on addresses without memory.
 */
static uint8_t *nowhere;

static uint8_t *nowhere_page(uint64_t index)
{
	return nowhere + (index << GRANULE_SHIFT);
}

static bool describe(const void *va, char *text, size_t size)
{
	const struct page *page = machine_page_at(va);
	size_t offset = (size_t)((const uint8_t *)va - nowhere);

	if (page != NULL) {
		snprintf(text, size, "ACCESS: %#lx is not mapped", (unsigned long)page->pa);
	} else if ((const uint8_t *)va >= nowhere && offset < ARCH_WINDOW_PAGES << GRANULE_SHIFT) {
		snprintf(text, size, "ACCESS: page %zu of the window is closed",
			 offset >> GRANULE_SHIFT);
	} else {
		return false;
	}
	return true;
}

void machine_space_reset(void)
{
	if (nowhere == NULL) {
		nowhere = mmap(NULL, (ARCH_WINDOW_PAGES + ARCH_SLOT_COUNT) << GRANULE_SHIFT,
			       PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (nowhere == MAP_FAILED) {
			machine_stop("no addresses for the machine");
		}
	}
	for (uint64_t i = 0; i < window_used; i++) {
		window[i] = 0;
	}
	window_used = 0;
	machine_describe = describe;
}

static enum machine_pas world_of(enum arch_pas pas)
{
	return pas == ARCH_PAS_NS ? MACHINE_NS : MACHINE_REALM;
}

void *arch_slot_map(enum arch_slot which, pa_t pa, enum arch_pas pas)
{
	struct slot *slot = &slots[which];
	struct page *page = machine_page(pa);

	if (slot->used) {
		machine_stop("SLOTS: slot %d is mapped twice", (int)which);
	}
	if (!is_aligned(pa.v, GRANULE_SIZE)) {
		machine_stop("SLOTS: %#lx is no granule", (unsigned long)pa.v);
	}
	*slot = (struct slot){.used = true, .pas = pas, .pa = pa};
	if (page == NULL) {
		slot->va = nowhere_page(ARCH_WINDOW_PAGES + which);
		return slot->va;
	}
	slot->va = machine_page_va(page);
	machine_checkers_lock();
	slot->accessible = pas == ARCH_PAS_REALM && machine_pas(pa) == MACHINE_REALM;
	if (slot->accessible) {
		machine_page_map(page);
	}
	machine_checkers_unlock();
	return slot->va;
}

void arch_slot_unmap(enum arch_slot which)
{
	struct slot *slot = &slots[which];

	if (!slot->used) {
		machine_stop("SLOTS: slot %d is not mapped", (int)which);
	}
	if (slot->accessible) {
		machine_checkers_lock();
		machine_page_unmap(machine_page(slot->pa));
		machine_checkers_unlock();
	}
	*slot = (struct slot){0};
}

bool machine_data_is_mapped(void)
{
	return slots[ARCH_SLOT_DATA].used;
}

void *arch_host_map(pa_t pa)
{
	const struct slot *slot = &slots[ARCH_SLOT_NS];

	if (slot->used && slot->pa.v == pa.v && slot->pas == ARCH_PAS_NS) {
		return slot->va;
	}
	if (slot->used) {
		arch_slot_unmap(ARCH_SLOT_NS);
	}
	return arch_slot_map(ARCH_SLOT_NS, pa, ARCH_PAS_NS);
}

pa_t machine_slot_target(const void *va, enum machine_pas *pas)
{
	for (unsigned int i = 0; i < ARCH_SLOT_COUNT; i++) {
		uint64_t offset = (uint64_t)((const uint8_t *)va - slots[i].va);
		pa_t pa = pa_add(slots[i].pa, offset);

		if (!slots[i].used || (const uint8_t *)va < slots[i].va || offset >= GRANULE_SIZE) {
			continue;
		}
		if (machine_on_copy != NULL) {
			machine_on_copy(pa);
		}
		*pas = world_of(slots[i].pas);
		return pa;
	}
	machine_stop("ACCESS: a copy of what no slot of this CPU maps");
}

void machine_slots_forget(void)
{
	for (unsigned int i = 0; i < ARCH_SLOT_COUNT; i++) {
		slots[i] = (struct slot){0};
	}
}

void machine_slots_check(void)
{
	for (unsigned int i = 0; i < ARCH_SLOT_COUNT; i++) {
		if (slots[i].used && i != ARCH_SLOT_NS) {
			machine_stop("SLOTS: slot %u is mapped at the end of a command", i);
		}
	}
}

static void check_window_index(uint64_t index)
{
	if (index >= ARCH_WINDOW_PAGES) {
		machine_stop("WINDOW: there is no page %lu", (unsigned long)index);
	}
}

struct page *machine_window_page(uint64_t index)
{
	check_window_index(index);
	return window[index] == 0 ? NULL : machine_page(pa_of(window[index] - 1));
}

/*
 * arch_window_at(): the page open at this index, an inaccessible one if it is closed. Stops if
 * there is no such index.
 */
void *machine_window_at(uint64_t index)
{
	const struct page *page = machine_window_page(index);

	return page == NULL ? nowhere_page(index) : machine_page_va(page);
}

void *arch_window_open(uint64_t index, pa_t pa)
{
	struct page *page = machine_page(pa);

	if (machine_window_page(index) != NULL || (page != NULL && page->window)) {
		machine_stop("WINDOW: page %lu is opened twice", (unsigned long)index);
	}
	if (page == NULL || !is_aligned(pa.v, GRANULE_SIZE) || machine_pas(pa) != MACHINE_REALM) {
		machine_stop("WINDOW: %#lx is no Realm granule", (unsigned long)pa.v);
	}
	machine_checkers_lock();
	page->window = true;
	page->window_index = index;
	window[index] = pa.v + 1;
	if (index >= window_used) {
		window_used = index + 1;
	}
	machine_page_map(page);
	machine_checkers_unlock();
	return machine_page_va(page);
}

void arch_window_close(uint64_t index)
{
	struct page *page = machine_window_page(index);

	if (page == NULL) {
		machine_stop("WINDOW: page %lu is not open", (unsigned long)index);
	}
	machine_checkers_lock();
	page->window = false;
	window[index] = 0;
	machine_page_unmap(page);
	machine_checkers_unlock();
}
