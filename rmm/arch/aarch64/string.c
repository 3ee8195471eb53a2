// SPDX-License-Identifier: BSD-3-Clause
/* The four functions that a compiler may call on its own, and that the sources use. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies any object, whatever its type. */
typedef uint64_t __attribute__((may_alias)) word;

void *memcpy(void *restrict dst, const void *restrict src, size_t size)
{
	uint8_t *to = dst;
	const uint8_t *from = src;

	if ((((uintptr_t)to | (uintptr_t)from) & 7) == 0) {
		for (; size >= 8; size -= 8, to += 8, from += 8) {
			*(word *)(void *)to = *(const word *)(const void *)from;
		}
	}
	while (size-- != 0) {
		*to++ = *from++;
	}
	return dst;
}

void *memmove(void *dst, const void *src, size_t size)
{
	uint8_t *to = dst;
	const uint8_t *from = src;

	if (to <= from || to >= from + size) {
		return memcpy(dst, src, size);
	}
	while (size-- != 0) {
		to[size] = from[size];
	}
	return dst;
}

void *memset(void *dst, int value, size_t size)
{
	uint8_t *to = dst;
	uint64_t pattern = (uint8_t)value * UINT64_C(0x0101010101010101);

	if (((uintptr_t)to & 7) == 0) {
		for (; size >= 8; size -= 8, to += 8) {
			*(word *)(void *)to = pattern;
		}
	}
	while (size-- != 0) {
		*to++ = (uint8_t)value;
	}
	return dst;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *left = a;
	const uint8_t *right = b;

	for (; size != 0; size--, left++, right++) {
		if (*left != *right) {
			return *left - *right;
		}
	}
	return 0;
}
