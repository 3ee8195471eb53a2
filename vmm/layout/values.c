// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "abi/rmi.h"
#include "values.h"

/* The digits at *text; *text is then behind them. */
static bool digits(const char **text, uint64_t *value)
{
	const char *at = *text;

	*value = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*at - '0'), value)) {
			return false;
		}
	}
	if (at == *text) {
		return false;
	}
	*text = at;
	return true;
}

bool layout_parse_size(const char *text, uint64_t *size)
{
	static const char suffixes[] = "KkMmGg";
	unsigned int shift = 0;
	uint64_t value;

	if (!digits(&text, &value)) {
		return false;
	}
	if (*text != '\0') {
		const char *suffix = strchr(suffixes, *text);

		if (!suffix || text[1] != '\0') {
			return false;
		}
		shift = 10 * (unsigned int)((suffix - suffixes) / 2 + 1);
	}
	if (value > UINT64_MAX >> shift) {
		return false;
	}
	*size = value << shift;
	return true;
}

bool layout_parse_number(const char *text, unsigned int max, unsigned int *value)
{
	uint64_t number;

	if (!digits(&text, &number) || *text != '\0' || number == 0 || number > max) {
		return false;
	}
	*value = (unsigned int)number;
	return true;
}

bool layout_parse_hash(const char *text, uint8_t *hash)
{
	if (strcmp(text, "sha256") == 0) {
		*hash = RMI_HASH_SHA_256;
		return true;
	}
	if (strcmp(text, "sha512") == 0) {
		*hash = RMI_HASH_SHA_512;
		return true;
	}
	return false;
}

static int hex_digit(char c)
{
	static const char all[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(all, c) : NULL;

	return at ? (int)((at - all) % 16) : -1;
}

bool layout_parse_rpv(const char *text, uint8_t rpv[LAYOUT_RPV_SIZE])
{
	size_t len = strlen(text);
	uint8_t bytes[LAYOUT_RPV_SIZE] = {0};

	if (strncmp(text, "0x", 2) != 0) {
		if (len > LAYOUT_RPV_SIZE) {
			return false;
		}
		memcpy(bytes, text, len);
	} else {
		text += 2;
		len -= 2;
		if (len % 2 != 0 || len > 2 * LAYOUT_RPV_SIZE) {
			return false;
		}
		for (size_t i = 0; i < len / 2; i++) {
			int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

			if (high < 0 || low < 0) {
				return false;
			}
			bytes[i] = (uint8_t)(high << 4 | low);
		}
	}
	memcpy(rpv, bytes, sizeof(bytes));
	return true;
}
