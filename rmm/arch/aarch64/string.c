// SPDX-License-Identifier: BSD-3-Clause
/* The functions that a compiler may call on its own, and that the sources use. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies any object, whatever its type. */
typedef uint64_t __attribute__((may_alias)) word;

/* Bytes that a turn of the loops for aligned memory moves: pairs of registers, little to count. */
#define TURN 64U

/* C11 7.24.2.1. Objects aligned to 8 bytes move by pairs of registers, other ones byte by byte. */
void *memcpy(void *restrict dst, const void *restrict src, size_t size)
{
	uint8_t *to = dst;
	const uint8_t *from = src;

	if ((((uintptr_t)to | (uintptr_t)from) & 7) == 0) {
		word *words = (word *)(void *)to;
		const word *source = (const word *)(const void *)from;
		size_t turns = size / TURN;

		for (size_t i = 0; i < turns; i++, words += 8, source += 8) {
			word a = source[0], b = source[1], c = source[2], d = source[3];
			word e = source[4], f = source[5], g = source[6], h = source[7];

			words[0] = a, words[1] = b, words[2] = c, words[3] = d;
			words[4] = e, words[5] = f, words[6] = g, words[7] = h;
		}
		if ((size & 32) != 0) {
			words[0] = source[0], words[1] = source[1];
			words[2] = source[2], words[3] = source[3];
			words += 4, source += 4;
		}
		if ((size & 16) != 0) {
			words[0] = source[0], words[1] = source[1];
			words += 2, source += 2;
		}
		if ((size & 8) != 0) {
			words[0] = source[0];
		}
		to += size & ~(size_t)7;
		from += size & ~(size_t)7;
		size &= 7;
	}
	while (size-- != 0) {
		*to++ = *from++;
	}
	return dst;
}

/* C11 7.24.2.2. Copies from the end, byte by byte, only where the objects overlap so. */
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

/* C11 7.24.6.1. Stores pairs of registers where dst is aligned to 8 bytes. */
void *memset(void *dst, int value, size_t size)
{
	uint8_t *to = dst;
	uint64_t pattern = (uint8_t)value * UINT64_C(0x0101010101010101);

	if (((uintptr_t)to & 7) == 0) {
		word *words = (word *)(void *)to;
		size_t turns = size / TURN;

		for (size_t i = 0; i < turns; i++, words += 8) {
			words[0] = pattern, words[1] = pattern, words[2] = pattern;
			words[3] = pattern, words[4] = pattern, words[5] = pattern;
			words[6] = pattern, words[7] = pattern;
		}
		if ((size & 32) != 0) {
			words[0] = pattern, words[1] = pattern;
			words[2] = pattern, words[3] = pattern;
			words += 4;
		}
		if ((size & 16) != 0) {
			words[0] = pattern, words[1] = pattern;
			words += 2;
		}
		if ((size & 8) != 0) {
			words[0] = pattern;
		}
		to += size & ~(size_t)7;
		size &= 7;
	}
	while (size-- != 0) {
		*to++ = (uint8_t)value;
	}
	return dst;
}

/* C11 7.24.4.1. Its time depends on the contents: not for secrets. */
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

size_t strlen(const char *text)
{
	size_t size = 0;

	while (text[size] != '\0') {
		size++;
	}
	return size;
}
