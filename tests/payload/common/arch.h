// SPDX-License-Identifier: BSD-3-Clause
#ifndef PAYLOAD_ARCH_H
#define PAYLOAD_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096UL

#define sysreg_read(name)                                                  \
	({                                                                 \
		uint64_t read_;                                            \
		__asm__ volatile("mrs %0, " name : "=r"(read_)::"memory"); \
		read_;                                                     \
	})
#define sysreg_write(name, v)                                                    \
	do {                                                                     \
		uint64_t written_ = (v);                                         \
		__asm__ volatile("msr " name ", %0" ::"r"(written_) : "memory"); \
	} while (0)

#define isb()       __asm__ volatile("isb" ::: "memory")
#define dsb_sy()    __asm__ volatile("dsb sy" ::: "memory")
#define wfi()       __asm__ volatile("wfi" ::: "memory")
#define cpu_relax() __asm__ volatile("yield" ::: "memory")
#define irq_mask()  __asm__ volatile("msr daifset, #2" ::: "memory")
#define irq_open()  __asm__ volatile("msr daifclr, #2\n\tisb" ::: "memory")

static inline uint32_t mmio_read32(uint64_t address)
{
	return *(volatile uint32_t *)address;
}

static inline void mmio_write32(uint64_t address, uint32_t value)
{
	*(volatile uint32_t *)address = value;
}

/* Memory that another world or another CPU changes: each access happens, once, as 64 bits. */
static inline uint64_t read64(uint64_t address)
{
	return *(volatile uint64_t *)address;
}

static inline void write64(uint64_t address, uint64_t value)
{
	*(volatile uint64_t *)address = value;
}

void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
/* Where `word` of length `size` begins in s, or NULL. */
const char *find_word(const char *s, const char *word, size_t size);

#endif
