// SPDX-License-Identifier: BSD-3-Clause
/* Hexadecimal text of bytes. */
#include <stdio.h>
#include <string.h>

#include "ccatoken.h"

size_t cca_from_hex(const char *text, uint8_t *out, size_t max)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	size_t size = strlen(text);

	if (size == 0 || size % 2 != 0 || size / 2 > max) {
		return 0;
	}
	for (size_t i = 0; i < size; i++) {
		const char *d = strchr(digits, text[i]);
		uint8_t half;

		if (d == NULL) {
			return 0;
		}
		half = (uint8_t)(d - digits) & 0xf;
		out[i / 2] = (uint8_t)(i % 2 == 0 ? half << 4 : out[i / 2] | half);
	}
	return size / 2;
}

void cca_to_hex(struct cca_bytes bytes, char *out, size_t size)
{
	size_t i;

	for (i = 0; i < bytes.size && 2 * i + 2 < size; i++) {
		snprintf(out + 2 * i, 3, "%02x", bytes.data[i]);
	}
	out[2 * i] = '\0';
}
