// SPDX-License-Identifier: BSD-3-Clause
/*
 * Between the files of the simulated machine. All of them but copy.c are built without the thread
 * sanitizer: its checkers must not order what the RMM itself leaves unordered.
 */
#ifndef ARCH_HOST_MACHINE_INTERNAL_H
#define ARCH_HOST_MACHINE_INTERNAL_H

#include "arch/host/machine.h"

struct page {
	uint64_t pa;
	uint64_t window_index;
	uint8_t pas;
	bool window;
	bool touched;
	bool code;         /* instruction caches may hold what a realm executed from it */
	unsigned int maps; /* slots and window pages on it */
};

/* Guards pages and the state of all global checkers. */
void machine_checkers_lock(void);
void machine_checkers_unlock(void);

/* The page at pa (aligned down), NULL if there is no memory. */
struct page *machine_page(pa_t pa);

/* Where the RMM sees the page / where the machine itself does. */
uint8_t *machine_page_va(const struct page *page);
uint8_t *machine_page_raw(const struct page *page);

/* The page that the RMM sees at va, NULL if that is no simulated memory. */
struct page *machine_page_at(const void *va);

/* With the checkers locked: one more or one less mapping; the first makes the page accessible. */
void machine_page_map(struct page *page);
void machine_page_unmap(struct page *page);
void machine_page_touch(struct page *page);

/*
 * One access of 8 bytes through the given world: false, and nothing done, if the granule is in
 * another. No granule changes worlds between the check and the access.
 */
bool machine_word_load(pa_t pa, enum machine_pas pas, uint64_t *value);
bool machine_word_store(pa_t pa, enum machine_pas pas, uint64_t value);

/* What this CPU maps at va in one of its slots, and as what. Stops if no slot maps va. */
pa_t machine_slot_target(const void *va, enum machine_pas *pas);

/*
 * Whether this CPU maps a page of realm data. Some lock that it holds keeps the page where it is;
 * which one depends on the command, so it may release none meanwhile, but leaves.
 */
bool machine_data_is_mapped(void);

/* The page open at this index of the window, NULL if it is closed. */
struct page *machine_window_page(uint64_t index);

/* arch_sync_code() for the page. */
void machine_code_synced(pa_t pa);

/*
 * Puts a text for an access at va, where nothing is accessible; false if that is not the machine's.
 * Set by the reset of the slots and the window; called in a signal handler.
 */
extern bool (*machine_describe)(const void *va, char *text, size_t size);

/* What the parts do at a reset, on the thread that becomes CPU 0. */
void machine_memory_reset(const struct machine_region *regions, size_t count);
void machine_space_reset(void);
void machine_tlb_reset(void);
void machine_cpu_reset(void);
void machine_console_reset(void);
void machine_el3_reset(void);
void machine_vcpu_reset(void);
void machine_locks_reset(void);
void machine_units_reset(void);

/* This CPU's part of the checkers: resets it / stops unless it is empty. */
void machine_slots_forget(void);
void machine_slots_check(void);
void machine_locks_forget(void);
void machine_locks_check(void);
void machine_vcpu_forget(void);
void machine_vcpu_check(void);
void machine_hash_forget(void);
void machine_hash_check(void);

/* Whether this CPU holds a lock of a granule, and none of another rank. */
bool machine_locks_held(void);

/* A lock with this key (a granule's index) is about to be released. */
void machine_tlb_check(uint64_t key);

#endif
