// SPDX-License-Identifier: BSD-3-Clause
/* The realm's side of one virtio device in a test: memory, registers, rings. */
#ifndef VMM_TEST_RING_H
#define VMM_TEST_RING_H

#include "test.h"

#include "virtio.h"

#define RAM_BASE UINT64_C(0x80000000)
#define RAM_SIZE UINT64_C(0x100000)
#define ALIAS    (UINT64_C(1) << 32)
#define QNUM     8u

/* Queue q has its rings at RING(q), buffers follow from BUFFERS on. */
#define RING(q)  (RAM_BASE + 0x1000 * (uint64_t)(q))
#define BUFFERS  (RAM_BASE + 0x20000)
#define DESC(q)  RING(q)
#define AVAIL(q) (RING(q) + 0x400)
#define USED(q)  (RING(q) + 0x800)

#define F_NEXT  1u
#define F_WRITE 2u

struct wire_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

static uint8_t ram[RAM_SIZE] __attribute__((aligned(4096), unused));
static struct guest_mem mem = {.host = ram, .base = RAM_BASE, .size = RAM_SIZE, .alias = ALIAS};
static unsigned int interrupts;

static void on_irq(void *ctx)
{
	(void)ctx;
	interrupts++;
}

static inline uint8_t *at(uint64_t addr)
{
	return ram + (addr - RAM_BASE);
}

static inline void reg(struct virtio *v, uint64_t offset, uint32_t value)
{
	virtio_write(v, offset, 4, value);
}

static inline void put16(uint64_t addr, uint16_t value)
{
	memcpy(at(addr), &value, 2);
}

static inline uint16_t get16(uint64_t addr)
{
	uint16_t value;

	memcpy(&value, at(addr), 2);
	return value;
}

static inline void set_desc(unsigned int q, unsigned int i, uint64_t addr, uint32_t len,
			    uint16_t flags, uint16_t next)
{
	struct wire_desc d = {addr, len, flags, next};

	memcpy(at(DESC(q) + 16 * i), &d, sizeof(d));
}

/* Makes descriptor head available and rings the bell. */
static inline void offer(struct virtio *v, unsigned int q, uint16_t head)
{
	uint16_t idx = get16(AVAIL(q) + 2);

	put16(AVAIL(q) + 4 + 2 * (idx % QNUM), head);
	put16(AVAIL(q) + 2, (uint16_t)(idx + 1));
	reg(v, 0x50, q);
}

static inline uint16_t used_count(unsigned int q)
{
	return get16(USED(q) + 2);
}

static inline uint32_t used_len(unsigned int q, unsigned int i)
{
	uint32_t len;

	memcpy(&len, at(USED(q) + 4 + 8 * (i % QNUM) + 4), 4);
	return len;
}

static inline void set_queue(struct virtio *v, unsigned int q, uint64_t desc, uint64_t avail,
			     uint64_t used)
{
	reg(v, 0x30, q);
	reg(v, 0x38, QNUM);
	reg(v, 0x80, (uint32_t)desc);
	reg(v, 0x84, (uint32_t)(desc >> 32));
	reg(v, 0x90, (uint32_t)avail);
	reg(v, 0x94, (uint32_t)(avail >> 32));
	reg(v, 0xa0, (uint32_t)used);
	reg(v, 0xa4, (uint32_t)(used >> 32));
	reg(v, 0x44, 1);
}

/* What a driver does at probe: reset, features, queues (addresses carry the alias bit), go. */
static inline void start(struct virtio *v)
{
	memset(ram, 0, sizeof(ram));
	interrupts = 0;
	v->mem = &mem;
	v->irq = on_irq;
	reg(v, 0x70, 0);
	reg(v, 0x70, 3);
	for (uint32_t half = 0; half < 2; half++) {
		reg(v, 0x14, half);
		reg(v, 0x24, half);
		reg(v, 0x20, (uint32_t)virtio_read(v, 0x10, 4));
	}
	reg(v, 0x70, 11);
	assert_int_equal(virtio_read(v, 0x70, 4), 11);
	for (unsigned int q = 0; q < v->ops->num_queues; q++) {
		set_queue(v, q, DESC(q) | ALIAS, AVAIL(q) | ALIAS, USED(q) | ALIAS);
	}
	reg(v, 0x70, 15);
	assert_true(virtio_live(v));
}

#endif
