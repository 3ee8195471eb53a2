// SPDX-License-Identifier: BSD-3-Clause
/* Every checker of the simulated machine stops what its description says. */
#include "arch/copy.h"
#include "arch/el3.h"
#include "arch/hash.h"
#include "arch/lock.h"
#include "arch/tlb.h"
#include "base/spinlock.h"
#include "core/dispatch.h"
#include "map/map.h"
#include "unit.h"

static int locks[5];

static void take(int i, enum arch_lock_rank rank, uint64_t key)
{
	arch_lock_note_take(&locks[i], rank, key);
}

static void lock_order(void **state)
{
	(void)state;
	take(0, ARCH_RANK_EXTERNAL, 5);
	take(1, ARCH_RANK_EXTERNAL, 6);
	take(2, ARCH_RANK_INTERNAL, 1);
	take(3, ARCH_RANK_INTERNAL, 0);
	ASSERT_STOPS("LOCKS: rank", take(4, ARCH_RANK_EXTERNAL, 7));
	take(0, ARCH_RANK_EXTERNAL, 5);
	ASSERT_STOPS("LOCKS: external", take(1, ARCH_RANK_EXTERNAL, 4));
	take(0, ARCH_RANK_EXTERNAL, 5);
	ASSERT_STOPS("LOCKS: external", take(1, ARCH_RANK_EXTERNAL, 5));
	take(0, ARCH_RANK_LEAF, 0);
	ASSERT_STOPS("LOCKS: a lock is taken", take(1, ARCH_RANK_LEAF, 0));
	take(0, ARCH_RANK_LEAF, 0);
	ASSERT_STOPS("LOCKS: a lock is taken", take(1, ARCH_RANK_INTERNAL, 9));
}

static void lock_twice(void **state)
{
	struct spinlock lock = {0};

	(void)state;
	take(0, ARCH_RANK_INTERNAL, 5);
	ASSERT_STOPS("LOCKS: one lock", take(0, ARCH_RANK_INTERNAL, 5));
	ASSERT_STOPS("LOCKS: a lock is released", arch_lock_note_release(&locks[0]));
	spinlock_take(&lock);
	ASSERT_STOPS("LOCKS: one lock", spinlock_take(&lock));
}

static void lock_keeps_data(void **state)
{
	(void)state;
	take(0, ARCH_RANK_INTERNAL, 5);
	take(1, ARCH_RANK_LEAF, 0);
	arch_slot_map(ARCH_SLOT_DATA, pa_of(sim_page(0)), ARCH_PAS_REALM);
	arch_lock_note_release(&locks[1]);
	ASSERT_STOPS("LOCKS: one is released", arch_lock_note_release(&locks[0]));
}

static void lock_held_at_the_end(void **state)
{
	(void)state;
	take(0, ARCH_RANK_INTERNAL, 5);
	ASSERT_STOPS("LOCKS: 1 held", machine_command_end());
}

static void slots(void **state)
{
	pa_t pa = pa_of(sim_page(0));

	(void)state;
	arch_slot_map(ARCH_SLOT_SHARED, pa, ARCH_PAS_NS);
	ASSERT_STOPS("SLOTS: slot 3 is mapped twice",
		     arch_slot_map(ARCH_SLOT_SHARED, pa, ARCH_PAS_NS));
	ASSERT_STOPS("SLOTS: slot 3 is not", arch_slot_unmap(ARCH_SLOT_SHARED));
	ASSERT_STOPS("SLOTS:", arch_slot_map(ARCH_SLOT_SHARED, pa_of(pa.v + 8), ARCH_PAS_NS));
	arch_slot_map(ARCH_SLOT_SHARED, pa, ARCH_PAS_NS);
	ASSERT_STOPS("SLOTS: slot 3 is mapped at the end", machine_command_end());
}

static void host_memory_only_by_copies(void **state)
{
	volatile uint64_t *words = arch_slot_map(ARCH_SLOT_NS, pa_of(sim_page(0)), ARCH_PAS_NS);

	(void)state;
	ASSERT_STOPS("ACCESS: 0x40180000", words[0] = 1);
	words = arch_slot_map(ARCH_SLOT_WIPE, pa_of(sim_page(0)), ARCH_PAS_REALM);
	ASSERT_STOPS("ACCESS: 0x40180000", (void)words[0]);
}

static void copies_of_other_memory(void **state)
{
	uint64_t there[2] = {0};
	uint64_t here[2];

	(void)state;
	ASSERT_STOPS("ACCESS: a copy", arch_copy_from_host(here, there, sizeof(here)));
	uint8_t *odd = arch_slot_map(ARCH_SLOT_NS, pa_of(sim_page(0)), ARCH_PAS_NS);
	ASSERT_STOPS("ACCESS: a copy that", arch_copy_from_host(here, odd + 4, 8));
}

static void window(void **state)
{
	uint64_t page = sim_page(0);
	uint64_t index = granule_index(granule_find(pa_of(page)));

	(void)state;
	ASSERT_STOPS("WINDOW:", arch_window_open(index, pa_of(page)));
	ASSERT_STOPS("WINDOW:", arch_window_close(index));
	ASSERT_STOPS("WINDOW:", arch_window_open(ARCH_WINDOW_PAGES, pa_of(page)));
	sim_make(page, GRANULE_RD);
	ASSERT_STOPS("WINDOW:", arch_window_open(index, pa_of(page)));
	sim_make(page, GRANULE_RD);
	ASSERT_STOPS("WINDOW:", arch_window_open(index + 1, pa_of(page)));
	ASSERT_STOPS("ACCESS: page", *(volatile char *)arch_window_at(index) = 0);
}

static void undelegate(uint64_t pa)
{
	arch_el3_call(EL3_GTSI_UNDELEGATE_FID, pa, 0, 0, 0);
}

static void worlds(void **state)
{
	uint64_t page = sim_page(0);
	struct granule_held lock;

	(void)state;
	sim_make(page, GRANULE_RD);
	ASSERT_STOPS("GPT: 0x40180000 changes worlds and is still mapped", undelegate(page));
	sim_make(page, GRANULE_DATA);
	memset(machine_raw(pa_of(page)), 1, 1);
	ASSERT_STOPS("GPT: 0x40180000 changes worlds and is not wiped", undelegate(page));
	sim_make(page, GRANULE_DATA);
	ASSERT_STOPS("GPT: 0x40180000 changes worlds and is not locked", undelegate(page));
	sim_make(page, GRANULE_DATA);
	assert_true(granule_lock(granule_find(pa_of(page)), GRANULE_DATA, &lock));
	undelegate(page);
	granule_unlock(lock);
	ASSERT_STOPS("GPT:", sim_check());
}

static void granules_out_of_order(void **state)
{
	uint64_t page = sim_page(0);
	struct granule_held held;

	(void)state;
	sim_delegate(page);
	memset(machine_raw(pa_of(page)), 1, 1);
	ASSERT_STOPS("GPT: 0x40180000 is DELEGATED and not wiped", sim_check());
	sim_delegate(page);
	assert_true(granule_lock(granule_find(pa_of(page)), GRANULE_DELEGATED, &held));
	granule_unlock_to(held, GRANULE_RTT);
	ASSERT_STOPS("WINDOW: 0x40180000 in state 6 is closed", sim_check());
}

/* --- translations: a table with one entry written twice */

static struct arch_s2_loc place = {.context = {(uint64_t)7 << 48, 0}, .level = 3};

static uint64_t *table_locked(int level, uint64_t ipa, struct granule_held *held)
{
	sim_make(sim_page(0), GRANULE_RTT);
	assert_true(granule_lock(granule_find(pa_of(sim_page(0))), GRANULE_RTT, held));
	place.level = level;
	place.ipa = ipa_of(ipa);
	return map_meta(held->granule, GRANULE_RTT);
}

static void stale_page(void **state)
{
	struct arch_s2_loc other = place;
	struct granule_held held;
	uint64_t *entry = table_locked(3, 0x5000, &held);

	(void)state;
	arch_s2_write(entry, 3, &place);
	arch_s2_sync();
	granule_unlock(held);
	held = granule_lock_inner(held.granule, GRANULE_RTT);
	arch_s2_write(entry, 0, &place);
	ASSERT_STOPS("TLB: IPA 0x5000 is stale", granule_unlock(held));

	entry = table_locked(3, 0x5000, &held);
	arch_s2_write(entry, 3, &place);
	ASSERT_STOPS("TLB: a valid entry is replaced", arch_s2_write(entry, 7, &place));

	entry = table_locked(3, 0x5000, &held);
	arch_s2_write(entry, 3, &place);
	arch_s2_write(entry, 0, &place);
	other = place;
	other.context.vttbr = (uint64_t)8 << 48;
	arch_tlb_s2_entry(&other);
	arch_tlb_s2_all(&other.context);
	other = place;
	other.ipa.v += GRANULE_SIZE;
	arch_tlb_s2_range(&other, 4);
	other = place;
	other.ipa.v = 0;
	arch_tlb_s2_range(&other, 5);
	ASSERT_STOPS("TLB: IPA 0x5000 is stale", granule_unlock(held));
}

static void stale_page_invalidated(void **state)
{
	struct granule_held held;
	uint64_t *entry = table_locked(3, 0x5000, &held);
	struct arch_s2_loc start = place;

	(void)state;
	start.ipa.v = 0;
	for (unsigned int how = 0; how < 3; how++) {
		arch_s2_write(entry, 3, &place);
		arch_s2_write(entry, 0, &place);
		if (how == 0) {
			arch_tlb_s2_entry(&place);
		} else if (how == 1) {
			arch_tlb_s2_range(&start, 6);
		} else {
			arch_tlb_s2_all(&place.context);
		}
		granule_unlock(held);
		held = granule_lock_inner(held.granule, GRANULE_RTT);
	}
	granule_unlock(held);
}

/* Where an entry led on to a table, all that the table translated must go. */
static void stale_table(void **state)
{
	struct granule_held held;
	uint64_t *entry = table_locked(2, 0x200000, &held);
	struct arch_s2_loc below;

	(void)state;
	arch_s2_write(entry, 3, &place);
	arch_s2_write(entry, 0, &place);
	arch_tlb_s2_entry(&place);
	ASSERT_STOPS("TLB: IPA 0x200000 is stale", granule_unlock(held));

	entry = table_locked(2, 0x200000, &held);
	arch_s2_write(entry, 3, &place);
	arch_s2_write(entry, 0, &place);
	below = place;
	below.level = 3;
	arch_tlb_s2_range(&below, 511);
	ASSERT_STOPS("TLB: IPA 0x200000 is stale", granule_unlock(held));

	entry = table_locked(2, 0x200000, &held);
	arch_s2_write(entry, 3, &place);
	arch_s2_write(entry, 0, &place);
	arch_tlb_s2_range(&below, 512);
	/* And a block, as one entry. */
	arch_s2_write(entry, 1, &place);
	arch_s2_write(entry, 0, &place);
	arch_tlb_s2_entry(&place);
	granule_unlock(held);
}

static void misplaced_entries(void **state)
{
	struct granule_held held;
	uint64_t *entry = table_locked(2, 0x1000, &held);
	uint64_t elsewhere = 0;

	(void)state;
	ASSERT_STOPS("TLB: 0x1000 is no place", arch_s2_write(entry, 1, &place));
	ASSERT_STOPS("TLB: an entry outside", arch_s2_write(&elsewhere, 1, &place));
}

/* --- what the world checks after each command */

static struct arch_vcpu vcpu;

static void run_nothing(void)
{
	struct arch_exit_info info;

	arch_vcpu_run(&vcpu, &info, NULL);
}

static void virtual_cpus(void **state)
{
	(void)state;
	ASSERT_STOPS("VCPU: running", run_nothing());
	ASSERT_STOPS("VCPU: saving", arch_vcpu_save(&vcpu));
	arch_vcpu_load(&vcpu);
	ASSERT_STOPS("VCPU: one is loaded already", arch_vcpu_load(&vcpu));
	arch_vcpu_load(&vcpu);
	ASSERT_STOPS("VCPU: a realm runs", run_nothing());
	arch_vcpu_load(&vcpu);
	ASSERT_STOPS("VCPU: one is loaded at the end", machine_command_end());
}

static void virtual_cpu_state(void **state)
{
	(void)state;
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.el1.vbar_el1 = 0x1000;
	vcpu.timers = (struct arch_timers){.cntv_ctl = 1, .cntv_cval = 50};
	arch_vcpu_load(&vcpu);
	assert_int_not_equal(vcpu.el1.vbar_el1, 0x1000);
	assert_int_equal(arch_vcpu_el1_read(&vcpu, ARCH_VBAR_EL1), 0x1000);
	arch_vcpu_el1_write(&vcpu, ARCH_ESR_EL1, 5);
	assert_int_equal(machine_el1()->esr_el1, 5);
	assert_int_equal(arch_vcpu_timers(&vcpu), 0);
	machine_counter = 50;
	assert_int_equal(arch_vcpu_timers(&vcpu), ARCH_TIMER_VIRTUAL);
	arch_vcpu_save(&vcpu);
	assert_int_equal(vcpu.el1.vbar_el1, 0x1000);
	assert_int_equal(vcpu.el1.esr_el1, 5);
	assert_int_equal(vcpu.timers.cntv_ctl, 5);
	assert_null(machine_el1());
}

static void hash_contexts(void **state)
{
	struct arch_hash_ctx one;
	struct arch_hash_ctx two;
	uint32_t hash[8] = {0};

	(void)state;
	ASSERT_STOPS("HASH: without the vectors", arch_sha256(&one, hash, "", 0));
	ASSERT_STOPS("HASH: ended with a context that was not begun", arch_hash_end(&one));
	arch_hash_begin(&one);
	ASSERT_STOPS("HASH: arch_hash_begin() inside another one", arch_hash_begin(&two));
	arch_hash_begin(&one);
	ASSERT_STOPS("HASH: ended with a context that was not begun", arch_hash_end(&two));
	arch_hash_begin(&one);
	ASSERT_STOPS("HASH: arch_hash_end() is missing", machine_command_end());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("LOCKS: order", lock_order),
		SIM_TEST("LOCKS: twice", lock_twice),
		SIM_TEST("LOCKS: released while a page of realm data is mapped", lock_keeps_data),
		SIM_TEST("LOCKS: held at the end", lock_held_at_the_end),
		SIM_TEST("SLOTS: twice, held at the end", slots),
		SIM_TEST("ACCESS: host memory only by the copies", host_memory_only_by_copies),
		SIM_TEST("ACCESS: copies of other memory", copies_of_other_memory),
		SIM_TEST("WINDOW: not Realm, twice, closed", window),
		SIM_TEST("GPT: mapped, not wiped, not locked, state and world apart", worlds),
		SIM_TEST("GPT, WINDOW: granules out of order", granules_out_of_order),
		SIM_TEST("TLB: a page stays stale", stale_page),
		SIM_TEST("TLB: a page is invalidated", stale_page_invalidated),
		SIM_TEST("TLB: a table and all below it", stale_table),
		SIM_TEST("TLB: misplaced entries", misplaced_entries),
		SIM_TEST("VCPU: loaded, run, saved", virtual_cpus),
		SIM_TEST("VCPU: state is in one place", virtual_cpu_state),
		SIM_TEST("HASH: begin and end make a pair", hash_contexts),
	};

	return unit_run(tests);
}
