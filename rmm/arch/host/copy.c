// SPDX-License-Identifier: BSD-3-Clause
/* The only file of the machine that the thread sanitizer sees: the RMM's side of a copy counts. */
#include "arch/copy.h"

#include <string.h>

#include "arch/host/machine_internal.h"
#include "base/bits.h"

static void check_shape(const void *dst, const void *src, size_t size)
{
	if (!is_aligned((uintptr_t)dst | (uintptr_t)src | size, 8)) {
		machine_stop("ACCESS: a copy that is not of whole words");
	}
}

bool arch_copy_from_host(void *dst, const void *src, size_t size)
{
	uint64_t *to = dst;
	const uint64_t *from = src;

	check_shape(dst, src, size);
	for (size_t i = 0; i < size / 8; i++) {
		enum machine_pas pas;
		pa_t pa = machine_slot_target(&from[i], &pas);
		uint64_t value;

		if (!machine_word_load(pa, pas, &value)) {
			return false;
		}
		to[i] = value;
	}
	return true;
}

bool arch_copy_to_host(void *dst, const void *src, size_t size)
{
	uint64_t *to = dst;
	const uint64_t *from = src;

	check_shape(dst, src, size);
	for (size_t i = 0; i < size / 8; i++) {
		enum machine_pas pas;
		pa_t pa = machine_slot_target(&to[i], &pas);

		if (!machine_word_store(pa, pas, from[i])) {
			return false;
		}
	}
	return true;
}

bool arch_zero_to_host(void *dst, size_t size)
{
	uint64_t *to = dst;

	if (!is_aligned((uintptr_t)dst | size, 64)) {
		machine_stop("ACCESS: zeros that are not whole cache lines");
	}
	for (size_t i = 0; i < size / 8; i++) {
		enum machine_pas pas;
		pa_t pa = machine_slot_target(&to[i], &pas);

		if (!machine_word_store(pa, pas, 0)) {
			return false;
		}
	}
	return true;
}

/* The granule that was last made ready for execution, as fetches see it. */
static __thread pa_t code_at;
static __thread uint8_t code[GRANULE_SIZE];

void arch_sync_code(const void *va)
{
	enum machine_pas pas;

	if (!is_aligned((uintptr_t)va, GRANULE_SIZE)) {
		machine_stop("ACCESS: code in what is no granule");
	}
	code_at = machine_slot_target(va, &pas);
	memcpy(code, va, sizeof(code));
	machine_code_synced(code_at);
}

const void *machine_code(pa_t pa)
{
	return code_at.v == pa.v ? code : NULL;
}

bool arch_zero_granule(void *va)
{
	if (!is_aligned((uintptr_t)va, GRANULE_SIZE)) {
		machine_stop("ACCESS: wiping what is no granule");
	}
	if (machine_deaf) {
		return false;
	}
	memset(va, 0, GRANULE_SIZE);
	return true;
}
