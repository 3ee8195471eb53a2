// SPDX-License-Identifier: BSD-3-Clause
/*
 * Exception level and world of the CPU that translates a block. QEMU keys blocks by exception level
 * and physical page, so what is translated there is executed there.
 */
#ifndef BENCH_PLUGIN_LEVEL_H
#define BENCH_PLUGIN_LEVEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu.h"

enum level {
	EL3,
	R_EL2,
	R_EL1,
	R_EL0,
	NS_EL2,
	NS_EL1,
	NS_EL0,
	OTHER,
	LEVELS,
};

static struct qemu_plugin_register *pstate, *scr_el3;

static inline uint64_t read_register(struct qemu_plugin_register *handle)
{
	static __thread GByteArray *buffer; /* CPUs translate side by side */
	uint64_t value = 0;

	if (buffer == NULL) {
		buffer = g_byte_array_new();
	}
	g_byte_array_set_size(buffer, 0);
	qemu_plugin_read_register(handle, buffer);
	memcpy(&value, buffer->data, buffer->len < sizeof(value) ? buffer->len : sizeof(value));
	return value;
}

static inline struct qemu_plugin_register *find_register(const char *name)
{
	GArray *all = qemu_plugin_get_registers();
	const qemu_plugin_reg_descriptor *list = (const void *)all->data;

	for (unsigned int i = 0; i < all->len; i++) {
		if (strcmp(list[i].name, name) == 0) {
			return list[i].handle;
		}
	}
	fprintf(stderr, "plugin: this QEMU does not show the register %s\n", name);
	exit(1);
}

/* To be called when a virtual CPU is made; the handles are the same for all. */
static inline void find_level_registers(void)
{
	pstate = find_register("cpsr");
	scr_el3 = find_register("SCR_EL3");
}

/* SCR_EL3.NS is bit 0 and NSE bit 62: 01 is the normal world, 11 the Realm world. */
static inline enum level current_level(void)
{
	static const enum level realm[] = {R_EL0, R_EL1, R_EL2, EL3};
	static const enum level normal[] = {NS_EL0, NS_EL1, NS_EL2, EL3};
	uint64_t el = read_register(pstate) >> 2 & 3;
	uint64_t scr = read_register(scr_el3);

	if (el == 3) {
		return EL3;
	}
	if ((scr & 1) == 0) {
		return OTHER;
	}
	return (scr >> 62 & 1) != 0 ? realm[el] : normal[el];
}

#endif
