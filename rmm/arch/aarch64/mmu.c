// SPDX-License-Identifier: BSD-3-Clause
#include "arch/aarch64/mmu.h"

#include "arch/aarch64/layout.h"
#include "arch/aarch64/sysreg.h"
#include "arch/cpu.h"
#include "arch/entry.h"
#include "arch/space.h"
#include "base/assert.h"
#include "base/bits.h"
#include "plat_memory.h"

#define ENTRIES      512U
#define L2_SHIFT     21U
#define L1_SHIFT     30U
#define L2_SIZE      BIT(L2_SHIFT)
#define IMAGE_TABLES ((PLAT_RMM_SIZE >> L2_SHIFT) + 2)
#define WINDOW_L3S   (ARCH_WINDOW_PAGES / ENTRIES)
#define WINDOW_L2S   (WINDOW_L3S / ENTRIES)

/* VMSAv8-64 stage 1, EL2&0, 4 KiB granule. */
#define PTE_TABLE      ((uint64_t)3)
#define PTE_PAGE       ((uint64_t)3)
#define PTE_ATTR(i)    ((uint64_t)(i) << 2)
#define PTE_NS         BIT(5)
#define PTE_READ_ONLY  BIT(7)
#define PTE_INNER      ((uint64_t)3 << 8)
#define PTE_AF         BIT(10)
#define PTE_NOT_GLOBAL BIT(11)
#define PTE_GP         BIT(50)
#define PTE_PXN        BIT(53)
#define PTE_UXN        BIT(54)

#define PAGE_NORMAL (PTE_PAGE | PTE_ATTR(ATTR_NORMAL) | PTE_INNER | PTE_AF | PTE_UXN)
#define PAGE_CODE   (PAGE_NORMAL | PTE_READ_ONLY)
#define PAGE_CONST  (PAGE_NORMAL | PTE_READ_ONLY | PTE_PXN)
#define PAGE_DATA   (PAGE_NORMAL | PTE_PXN)
#define PAGE_SLOT   (PAGE_DATA | PTE_NOT_GLOBAL)
#define PAGE_DEVICE (PTE_PAGE | PTE_ATTR(ATTR_DEVICE) | PTE_AF | PTE_UXN | PTE_PXN)

/* TTBR1_EL2 has the ASID (TCR_EL2.A1); without TCR_EL2.AS it is 8 bits. */
#define ASID_LOW 48U
#define ASIDS    256U

_Static_assert(MAX_CPUS == ARCH_MAX_CPUS, "two names for one number");
_Static_assert(SLOT_FIRST_PAGE + ARCH_SLOT_COUNT <= CONSOLE_PAGE, "slots and console apart");

#define TABLE __attribute__((aligned(4096)))

uint64_t low_l1[ENTRIES] TABLE;
uint64_t cpu_l2[MAX_CPUS][16] TABLE;
uint8_t cpu_memory[MAX_CPUS][CPU_MEM_SIZE] TABLE __attribute__((section(".bss.cpu_memory")));

static uint64_t image_l2[ENTRIES] TABLE;
static uint64_t image_l3[IMAGE_TABLES][ENTRIES] TABLE;
static uint64_t window_l2[WINDOW_L2S][ENTRIES] TABLE;
static uint64_t window_l3[WINDOW_L3S][ENTRIES] TABLE;
static uint64_t cpu_l3[MAX_CPUS][ENTRIES] TABLE;

extern uint8_t __text_start[], __text_end[], __const_start[], __const_end[];
extern uint8_t __data_start[], __image_end[];

static uint64_t table_entry(const uint64_t *table)
{
	return (uint64_t)table | PTE_TABLE;
}

static void map_image(const uint8_t *start, const uint8_t *end, uint64_t attributes)
{
	const uint64_t first = align_down(PLAT_RMM_BASE, L2_SIZE);

	for (uint64_t at = (uint64_t)start; at < (uint64_t)end; at += GRANULE_SIZE) {
		uint64_t page = (at - first) >> GRANULE_SHIFT;

		image_l3[page / ENTRIES][page % ENTRIES] = at | attributes;
	}
}

/* The CPUs' stacks are left out: each is seen only through its own CPU's space. */
static void build_image(void)
{
	const uint64_t first = align_down(PLAT_RMM_BASE, L2_SIZE);
	bool bti = bits_get(read_sysreg(id_aa64pfr1_el1), 3, 0) != 0;

	low_l1[first >> L1_SHIFT] = table_entry(image_l2);
	for (uint64_t i = 0; i < IMAGE_TABLES; i++) {
		image_l2[((first >> L2_SHIFT) + i) % ENTRIES] = table_entry(image_l3[i]);
	}
	map_image(__text_start, __text_end, PAGE_CODE | (bti ? PTE_GP : 0));
	map_image(__const_start, __const_end, PAGE_CONST);
	map_image(__data_start, (const uint8_t *)cpu_memory, PAGE_DATA);
	map_image((const uint8_t *)cpu_memory + sizeof(cpu_memory), __image_end, PAGE_DATA);
}

static void build_window(void)
{
	for (uint64_t i = 0; i < WINDOW_L2S; i++) {
		low_l1[((uint64_t)WINDOW_BASE >> L1_SHIFT) + i] = table_entry(window_l2[i]);
	}
	for (uint64_t i = 0; i < WINDOW_L3S; i++) {
		window_l2[i / ENTRIES][i % ENTRIES] = table_entry(window_l3[i]);
	}
}

static void build_cpu(unsigned int cpu)
{
	uint64_t memory = (uint64_t)cpu_memory[cpu];

	cpu_l2[cpu][0] = table_entry(cpu_l3[cpu]);
	for (uint64_t i = 0; i < STACK_PAGES; i++) {
		cpu_l3[cpu][STACK_FIRST_PAGE + i] = (memory + i * GRANULE_SIZE) | PAGE_DATA;
	}
	cpu_l3[cpu][EXC_STACK_PAGE] = (memory + STACK_PAGES * GRANULE_SIZE) | PAGE_DATA;
}

void mmu_build(void)
{
	build_image();
	build_window();
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		build_cpu(cpu);
	}
}

static void *cpu_page(uint64_t page)
{
	return (void *)(CPU_SPACE_BASE + (page << GRANULE_SHIFT));
}

volatile void *arch_map_console(pa_t pa)
{
	for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
		cpu_l3[cpu][CONSOLE_PAGE] = pa.v | PAGE_DEVICE;
	}
	dsb(ishst);
	isb();
	return cpu_page(CONSOLE_PAGE);
}

/* Walks never see a half-written entry: one 64-bit store. */
static void write_entry(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELAXED);
}

static uint64_t *slot_entry(enum arch_slot slot)
{
	return &cpu_l3[arch_cpu_index()][SLOT_FIRST_PAGE + (unsigned int)slot];
}

void *arch_slot_map(enum arch_slot slot, pa_t pa, enum arch_pas pas)
{
	uint64_t *entry = slot_entry(slot);

	ASSERT(*entry == 0);
	write_entry(entry, pa.v | PAGE_SLOT | (pas == ARCH_PAS_NS ? PTE_NS : 0));
	dsb(nshst);
	isb();
	return cpu_page(SLOT_FIRST_PAGE + (unsigned int)slot);
}

/*
 * No other CPU walks the tables of slots, and what this one has cached of them counts under the
 * ASID only that it had at the time. So the next ASID leaves it behind, and all are invalidated
 * when the ASIDs begin anew (docs/decisions/metadata-window.md). The caller's change to a table is
 * complete: a walk under the next ASID finds it.
 */
static void leave_asid(void)
{
	uint64_t ttbr = read_sysreg(ttbr1_el2);
	uint64_t next = (bits_get(ttbr, 63, ASID_LOW) + 1) % ASIDS;

	write_sysreg(ttbr1_el2, (ttbr & ~MASK(63, ASID_LOW)) | next << ASID_LOW);
	isb();
	if (next == 0) {
		/*
		 * After the change: what the last ASID still walks for must not survive to its next
		 * turn.
		 */
		__asm__ volatile("tlbi alle2" : : : "memory");
		dsb(nsh);
		isb();
	}
}

void arch_slot_unmap(enum arch_slot slot)
{
	ASSERT(*slot_entry(slot) != 0);
	write_entry(slot_entry(slot), 0);
	dsb(nshst);
	leave_asid();
}

void *arch_host_map(pa_t pa)
{
	uint64_t now = *slot_entry(ARCH_SLOT_NS);

	if (now == (pa.v | PAGE_SLOT | PTE_NS)) {
		return cpu_page(SLOT_FIRST_PAGE + (unsigned int)ARCH_SLOT_NS);
	}
	if (now != 0) {
		arch_slot_unmap(ARCH_SLOT_NS);
	}
	return arch_slot_map(ARCH_SLOT_NS, pa, ARCH_PAS_NS);
}

static uint64_t *window_entry(uint64_t index)
{
	ASSERT(index < ARCH_WINDOW_PAGES);
	return &window_l3[index / ENTRIES][index % ENTRIES];
}

void *arch_window_open(uint64_t index, pa_t pa)
{
	ASSERT(*window_entry(index) == 0);
	write_entry(window_entry(index), pa.v | PAGE_DATA);
	dsb(ishst);
	isb();
	return arch_window_at(index);
}

void arch_window_close(uint64_t index)
{
	uint64_t va = (uint64_t)arch_window_at(index);

	ASSERT(*window_entry(index) != 0);
	write_entry(window_entry(index), 0);
	dsb(ishst);
	__asm__ volatile("tlbi vae2is, %0" : : "r"(bits_get(va, 55, 12)) : "memory");
	dsb(ish);
	isb();
}
