// SPDX-License-Identifier: BSD-3-Clause
/*
 * The device tree of a realm. It is measured, so it holds nothing that differs between two runs
 * with the same configuration: no random seed (the realm's CPU has its own generator).
 * MMIO nodes carry addresses of the protected half; a realm's kernel adds the alias bit.
 */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "layout.h"

#define GIC_PHANDLE 1u

/* Interrupt specifiers (arm,gic-v3 binding). */
#define GIC_SPI     0u
#define GIC_PPI     1u
#define EDGE_RISING 1u
#define LEVEL_HIGH  4u
#define SPI_FIRST   32u

#define MAX_CELLS 16u /* of one property */

/* A tree under construction. The first error sticks. */
struct tree {
	void *buf;
	int err;
};

static void note(struct tree *t, int err)
{
	if (t->err == 0) {
		t->err = err;
	}
}

static void begin(struct tree *t, const char *name)
{
	note(t, fdt_begin_node(t->buf, name));
}

/* A node named after its address. */
static void begin_at(struct tree *t, const char *name, uint64_t address)
{
	char full[64];

	snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)address);
	begin(t, full);
}

static void end(struct tree *t)
{
	note(t, fdt_end_node(t->buf));
}

static void empty(struct tree *t, const char *name)
{
	note(t, fdt_property(t->buf, name, NULL, 0));
}

static void string(struct tree *t, const char *name, const char *value)
{
	note(t, fdt_property(t->buf, name, value, (int)strlen(value) + 1));
}

/* A list of strings, each ended by a zero; `size` counts them all, as sizeof a literal does. */
static void strings(struct tree *t, const char *name, const char *list, size_t size)
{
	note(t, fdt_property(t->buf, name, list, (int)size));
}

static void cell(struct tree *t, const char *name, uint32_t value)
{
	note(t, fdt_property_u32(t->buf, name, value));
}

static void cells(struct tree *t, const char *name, const uint32_t *values, size_t count)
{
	fdt32_t be[MAX_CELLS];

	if (count > MAX_CELLS) {
		note(t, -FDT_ERR_BADVALUE);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		be[i] = cpu_to_fdt32(values[i]);
	}
	note(t, fdt_property(t->buf, name, be, (int)(count * sizeof(be[0]))));
}

static void wide(struct tree *t, const char *name, const uint64_t *values, size_t count)
{
	uint32_t halves[MAX_CELLS];

	if (count > MAX_CELLS / 2) {
		note(t, -FDT_ERR_BADVALUE);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		halves[2 * i] = (uint32_t)(values[i] >> 32);
		halves[2 * i + 1] = (uint32_t)values[i];
	}
	cells(t, name, halves, 2 * count);
}

static void reg(struct tree *t, uint64_t base, uint64_t size)
{
	wide(t, "reg", (uint64_t[]){base, size}, 2);
}

static void interrupt(struct tree *t, uint32_t intid, uint32_t trigger)
{
	cells(t, "interrupts", (uint32_t[]){GIC_SPI, intid - SPI_FIRST, trigger}, 3);
}

static void make_chosen(struct tree *t, const struct layout_config *c, const struct layout *l)
{
	uint64_t initrd_end = l->initrd_ipa + c->initrd.size;

	begin(t, "chosen");
	string(t, "bootargs", c->cmdline != NULL ? c->cmdline : "");
	string(t, "stdout-path", "/serial@9000000");
	if (l->initrd_ipa != 0) {
		wide(t, "linux,initrd-start", &l->initrd_ipa, 1);
		wide(t, "linux,initrd-end", &initrd_end, 1);
	}
	end(t);
}

static void make_memory(struct tree *t, const struct layout *l)
{
	begin_at(t, "memory", l->ram_base);
	string(t, "device_type", "memory");
	reg(t, l->ram_base, l->ram_size);
	end(t);
}

static void make_cpus(struct tree *t, const struct layout *l)
{
	begin(t, "cpus");
	cell(t, "#address-cells", 1);
	cell(t, "#size-cells", 0);
	for (unsigned int i = 0; i < l->cpus; i++) {
		begin_at(t, "cpu", layout_mpidr(i));
		string(t, "device_type", "cpu");
		string(t, "compatible", "arm,armv8");
		string(t, "enable-method", "psci");
		cell(t, "reg", (uint32_t)layout_mpidr(i));
		end(t);
	}
	end(t);
}

/* The smc conduit is also how a kernel knows that it may look for RSI. */
static void make_psci(struct tree *t)
{
	static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

	begin(t, "psci");
	strings(t, "compatible", compatible, sizeof(compatible));
	string(t, "method", "smc");
	end(t);
}

/* Secure, non-secure, virtual and hypervisor timer, in the order of the binding. */
static void make_timer(struct tree *t)
{
	static const uint32_t lines[] = {
		GIC_PPI, 13, LEVEL_HIGH, GIC_PPI, 14, LEVEL_HIGH,
		GIC_PPI, 11, LEVEL_HIGH, GIC_PPI, 10, LEVEL_HIGH,
	};

	begin(t, "timer");
	string(t, "compatible", "arm,armv8-timer");
	cells(t, "interrupts", lines, sizeof(lines) / sizeof(lines[0]));
	empty(t, "always-on");
	end(t);
}

static void make_gic(struct tree *t, const struct layout *l)
{
	const uint64_t frames[] = {LAYOUT_GICD_BASE, LAYOUT_GICD_SIZE, LAYOUT_GICR_BASE,
				   LAYOUT_GICR_SIZE * l->cpus};

	begin_at(t, "interrupt-controller", LAYOUT_GICD_BASE);
	string(t, "compatible", "arm,gic-v3");
	empty(t, "interrupt-controller");
	cell(t, "#interrupt-cells", 3);
	cell(t, "#address-cells", 2);
	cell(t, "#size-cells", 2);
	wide(t, "reg", frames, 4);
	cell(t, "phandle", GIC_PHANDLE);
	end(t);
}

static void make_uart(struct tree *t)
{
	begin_at(t, "serial", LAYOUT_UART_BASE);
	string(t, "compatible", "arm,sbsa-uart");
	reg(t, LAYOUT_UART_BASE, LAYOUT_UART_SIZE);
	interrupt(t, LAYOUT_UART_INTID, LEVEL_HIGH);
	cell(t, "current-speed", 115200);
	end(t);
}

static void make_virtio(struct tree *t, unsigned int slot)
{
	uint64_t base = LAYOUT_VIRTIO_BASE + slot * LAYOUT_VIRTIO_SIZE;

	begin_at(t, "virtio", base);
	string(t, "compatible", "virtio,mmio");
	reg(t, base, LAYOUT_VIRTIO_SIZE);
	interrupt(t, LAYOUT_VIRTIO_INTID + slot, EDGE_RISING);
	empty(t, "dma-coherent");
	end(t);
}

static void make_csm(struct tree *t, const struct layout *l)
{
	begin_at(t, "csm", l->csm_base);
	string(t, "compatible", "caec,csm");
	reg(t, l->csm_base, l->csm_size);
	interrupt(t, LAYOUT_CSM_INTID, EDGE_RISING);
	end(t);
}

/* The whole tree; the order of its nodes is measured. */
static void make_root(struct tree *t, const struct layout_config *c, const struct layout *l)
{
	static const char compatible[] = "caec,realm\0linux,dummy-virt";

	begin(t, "");
	cell(t, "#address-cells", 2);
	cell(t, "#size-cells", 2);
	cell(t, "interrupt-parent", GIC_PHANDLE);
	strings(t, "compatible", compatible, sizeof(compatible));
	string(t, "model", "CAEC realm");
	make_chosen(t, c, l);
	make_memory(t, l);
	make_cpus(t, l);
	make_psci(t);
	make_timer(t);
	make_gic(t, l);
	make_uart(t);
	for (unsigned int slot = 0; slot < LAYOUT_VIRTIO_SLOTS; slot++) {
		make_virtio(t, slot);
	}
	if (l->csm_base != 0) {
		make_csm(t, l);
	}
	end(t);
}

size_t layout_make_dtb(const struct layout_config *config, const struct layout *layout, void *buf,
		       size_t size)
{
	struct tree t = {.buf = buf};

	if (size > LAYOUT_DTB_MAX) {
		size = LAYOUT_DTB_MAX;
	}
	memset(buf, 0, size);
	note(&t, fdt_create(buf, (int)size));
	note(&t, fdt_finish_reservemap(buf));
	make_root(&t, config, layout);
	note(&t, fdt_finish(buf));
	return t.err == 0 ? fdt_totalsize(buf) : 0;
}
