// SPDX-License-Identifier: BSD-3-Clause
/* Physical memory: one file, seen twice. The RMM's view opens and closes page by page. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/host/machine_internal.h"
#include "base/bits.h"

#define ARENA_SIZE (MACHINE_MAX_PAGES * GRANULE_SIZE)

static struct page pages[MACHINE_MAX_PAGES];
static size_t page_count;
static struct machine_region regions[MACHINE_MAX_REGIONS];
static size_t region_count;

static struct page *touched[MACHINE_MAX_PAGES];
static size_t touched_count;

static int arena_file = -1;
static uint8_t *view; /* of the RMM */
static uint8_t *raw;  /* of the machine */

static atomic_flag checkers_lock = ATOMIC_FLAG_INIT;

void machine_checkers_lock(void)
{
	while (atomic_flag_test_and_set_explicit(&checkers_lock, memory_order_acquire)) {
		sched_yield();
	}
}

void machine_checkers_unlock(void)
{
	atomic_flag_clear_explicit(&checkers_lock, memory_order_release);
}

static void make_arena(void)
{
	arena_file = memfd_create("machine", MFD_CLOEXEC);
	if (arena_file < 0 || ftruncate(arena_file, (off_t)ARENA_SIZE) != 0) {
		machine_stop("no memory for the machine");
	}
	view = mmap(NULL, ARENA_SIZE, PROT_NONE, MAP_SHARED, arena_file, 0);
	raw = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, arena_file, 0);
	if (view == MAP_FAILED || raw == MAP_FAILED) {
		machine_stop("no memory for the machine");
	}
}

/* The part that was in use. */
static void empty_arena(void)
{
	size_t size = page_count * GRANULE_SIZE;

	if (size == 0) {
		return;
	}
	if (fallocate(arena_file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)size) !=
		    0 ||
	    mprotect(view, size, PROT_NONE) != 0) {
		machine_stop("cannot empty the memory of the machine");
	}
}

static void add_region(const struct machine_region *region)
{
	if (region_count == MACHINE_MAX_REGIONS ||
	    region->size / GRANULE_SIZE > MACHINE_MAX_PAGES - page_count) {
		machine_stop("too much memory for the machine");
	}
	regions[region_count++] = *region;
	for (uint64_t at = 0; at < region->size; at += GRANULE_SIZE) {
		pages[page_count++] =
			(struct page){.pa = region->base + at, .pas = (uint8_t)region->pas};
	}
}

void machine_memory_reset(const struct machine_region *list, size_t count)
{
	if (view == NULL) {
		make_arena();
	}
	empty_arena();
	page_count = 0;
	region_count = 0;
	touched_count = 0;
	for (size_t i = 0; i < count; i++) {
		add_region(&list[i]);
	}
}

struct page *machine_page(pa_t pa)
{
	size_t first = 0;

	for (size_t i = 0; i < region_count; i++) {
		uint64_t offset = pa.v - regions[i].base;

		if (pa.v >= regions[i].base && offset < regions[i].size) {
			return &pages[first + offset / GRANULE_SIZE];
		}
		first += regions[i].size / GRANULE_SIZE;
	}
	return NULL;
}

uint8_t *machine_page_va(const struct page *page)
{
	return view + (size_t)(page - pages) * GRANULE_SIZE;
}

uint8_t *machine_page_raw(const struct page *page)
{
	return raw + (size_t)(page - pages) * GRANULE_SIZE;
}

struct page *machine_page_at(const void *va)
{
	size_t offset = (size_t)((const uint8_t *)va - view);

	if ((const uint8_t *)va < view || offset >= page_count * GRANULE_SIZE) {
		return NULL;
	}
	return &pages[offset / GRANULE_SIZE];
}

static void protect(const struct page *page, int protection)
{
	if (mprotect(machine_page_va(page), GRANULE_SIZE, protection) != 0) {
		machine_stop("cannot map a page of the machine");
	}
}

void machine_page_map(struct page *page)
{
	machine_page_touch(page);
	if (page->maps++ == 0) {
		protect(page, PROT_READ | PROT_WRITE);
	}
}

void machine_page_unmap(struct page *page)
{
	if (--page->maps == 0) {
		protect(page, PROT_NONE);
	}
}

void machine_page_touch(struct page *page)
{
	if (!page->touched) {
		page->touched = true;
		touched[touched_count++] = page;
	}
}

bool machine_next_touched(pa_t *pa)
{
	if (touched_count == 0) {
		return false;
	}
	touched[--touched_count]->touched = false;
	*pa = pa_of(touched[touched_count]->pa);
	return true;
}

enum machine_pas machine_pas(pa_t pa)
{
	const struct page *page = machine_page(pa);

	return page == NULL ? MACHINE_ABSENT
			    : (enum machine_pas)__atomic_load_n(&page->pas, __ATOMIC_ACQUIRE);
}

void machine_set_pas(pa_t pa, enum machine_pas pas)
{
	struct page *page = machine_page(pa);

	if (page == NULL) {
		machine_stop("there is no memory at %#lx", (unsigned long)pa.v);
	}
	__atomic_store_n(&page->pas, (uint8_t)pas, __ATOMIC_RELEASE);
}

void *machine_raw(pa_t pa)
{
	const struct page *page = machine_page(pa);

	return page == NULL ? NULL : machine_page_raw(page) + (pa.v & GRANULE_MASK);
}

bool machine_window_is_open(pa_t pa)
{
	const struct page *page = machine_page(pa);

	return page != NULL && page->window;
}

bool machine_word_load(pa_t pa, enum machine_pas pas, uint64_t *value)
{
	bool there;

	machine_checkers_lock();
	there = machine_pas(pa) == pas;
	if (there) {
		*value = *(const uint64_t *)machine_raw(pa);
	}
	machine_checkers_unlock();
	return there;
}

bool machine_word_store(pa_t pa, enum machine_pas pas, uint64_t value)
{
	bool there;

	machine_checkers_lock();
	there = machine_pas(pa) == pas;
	if (there) {
		*(uint64_t *)machine_raw(pa) = value;
	}
	machine_checkers_unlock();
	return there;
}

bool machine_host_read(pa_t pa, void *dst, size_t size)
{
	uint64_t *to = dst;

	for (size_t i = 0; i < size / 8; i++) {
		if (!machine_word_load(pa_add(pa, i * 8), MACHINE_NS, &to[i])) {
			return false;
		}
	}
	return true;
}

bool machine_host_write(pa_t pa, const void *src, size_t size)
{
	const uint64_t *from = src;

	for (size_t i = 0; i < size / 8; i++) {
		if (!machine_word_store(pa_add(pa, i * 8), MACHINE_NS, from[i])) {
			return false;
		}
	}
	return true;
}
