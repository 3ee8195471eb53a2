// SPDX-License-Identifier: BSD-3-Clause
/* The few library functions that the compiler calls and the framework needs. */
#include "arch.h"

void *memset(void *to, int value, size_t size)
{
	unsigned char *p = to;

	for (size_t i = 0; i < size; i++) {
		p[i] = (unsigned char)value;
	}
	return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
	unsigned char *p = to;
	const unsigned char *q = from;

	for (size_t i = 0; i < size; i++) {
		p[i] = q[i];
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *p = a;
	const unsigned char *q = b;

	for (size_t i = 0; i < size; i++) {
		if (p[i] != q[i]) {
			return p[i] - q[i];
		}
	}
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n]) {
		n++;
	}
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

const char *find_word(const char *s, const char *word, size_t size)
{
	for (size_t length = strlen(s); length >= size; length--, s++) {
		if (!memcmp(s, word, size)) {
			return s;
		}
	}
	return NULL;
}
