// SPDX-License-Identifier: BSD-3-Clause
/* The bus of a realm: the device behind each address, and queues that have more than a burst. */
#include "machine.h"

static uint64_t uart_access(struct machine *m, uint64_t offset, bool write, uint64_t value)
{
	if (write) {
		uart_write(&m->uart, offset, (uint32_t)value);
		return 0;
	}
	return uart_read(&m->uart, offset);
}

static uint64_t gicd_access(struct machine *m, unsigned int cpu, uint64_t offset, unsigned int size,
			    const uint64_t *write)
{
	if (write) {
		gic_dist_write(&m->gic, cpu, offset, size, *write);
		return 0;
	}
	return gic_dist_read(&m->gic, offset, size);
}

static uint64_t gicr_access(struct machine *m, unsigned int cpu, uint64_t offset, unsigned int size,
			    const uint64_t *write)
{
	if (write) {
		gic_redist_write(&m->gic, cpu, offset, size, *write);
		return 0;
	}
	return gic_redist_read(&m->gic, offset, size);
}

static uint64_t slot_access(struct machine *m, uint64_t offset, unsigned int size,
			    const uint64_t *write)
{
	static struct virtio empty;
	struct machine_slot *slot = &m->slots[offset / LAYOUT_VIRTIO_SIZE];
	struct virtio *v = slot->virtio ? slot->virtio : &empty;

	offset %= LAYOUT_VIRTIO_SIZE;
	if (write) {
		virtio_write(v, offset, size, *write);
		return 0;
	}
	return virtio_read(v, offset, size);
}

static bool within(uint64_t addr, uint64_t base, uint64_t size)
{
	return addr >= base && addr - base < size;
}

bool machine_mmio(struct machine *m, unsigned int cpu, uint64_t addr, unsigned int size, bool write,
		  uint64_t *value)
{
	const uint64_t *data = write ? value : NULL;
	uint64_t result;

	if (addr % size != 0) {
		return false;
	}
	if (within(addr, LAYOUT_VIRTIO_BASE, LAYOUT_VIRTIO_SIZE * LAYOUT_VIRTIO_SLOTS)) {
		result = slot_access(m, addr - LAYOUT_VIRTIO_BASE, size, data);
	} else if (within(addr, LAYOUT_UART_BASE, LAYOUT_UART_SIZE)) {
		result = uart_access(m, addr - LAYOUT_UART_BASE, write, *value);
	} else if (within(addr, LAYOUT_GICR_BASE, LAYOUT_GICR_SIZE * m->layout.cpus)) {
		result = gicr_access(m, cpu, addr - LAYOUT_GICR_BASE, size, data);
	} else if (within(addr, LAYOUT_GICD_BASE, LAYOUT_GICD_SIZE)) {
		result = gicd_access(m, cpu, addr - LAYOUT_GICD_BASE, size, data);
	} else {
		return false;
	}
	if (!write) {
		*value = result;
	}
	return true;
}

bool machine_go_on(struct machine *m)
{
	bool more = false;

	for (unsigned int i = 0; i < m->num_slots; i++) {
		more |= virtio_go_on(m->slots[i].virtio);
	}
	return more;
}
