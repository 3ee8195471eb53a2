// SPDX-License-Identifier: BSD-3-Clause
#include "fwcfg.h"

#define FWCFG_DATA     0x09020000UL
#define FWCFG_SELECTOR 0x09020008UL
#define KEY_SIGNATURE  0x0000
#define KEY_CPUS       0x0005
#define KEY_FILES      0x0019
#define FILE_NAME_SIZE 56

static void select(uint16_t key)
{
	*(volatile uint16_t *)FWCFG_SELECTOR = __builtin_bswap16(key);
}

static void read(void *to, size_t size)
{
	uint8_t *p = to;

	for (size_t i = 0; i < size; i++) {
		p[i] = *(volatile uint8_t *)FWCFG_DATA;
	}
}

static bool present(void)
{
	char signature[4];

	select(KEY_SIGNATURE);
	read(signature, sizeof(signature));
	return !memcmp(signature, "QEMU", sizeof(signature));
}

/* Selects the file; returns its size, 0 if there is none. */
static uint32_t open(const char *name)
{
	uint32_t count;

	if (!present()) {
		return 0;
	}
	select(KEY_FILES);
	read(&count, sizeof(count));
	count = __builtin_bswap32(count);
	for (uint32_t i = 0; i < count; i++) {
		struct {
			uint32_t size;
			uint16_t key;
			uint16_t reserved;
			char name[FILE_NAME_SIZE];
		} file;

		read(&file, sizeof(file));
		if (!strcmp(file.name, name)) {
			select(__builtin_bswap16(file.key));
			return __builtin_bswap32(file.size);
		}
	}
	return 0;
}

void fwcfg_string(const char *name, char *to, size_t size)
{
	uint32_t length = open(name);

	length = length < size - 1 ? length : (uint32_t)(size - 1);
	read(to, length);
	to[length] = 0;
}

uint64_t fwcfg_number(const char *name, uint64_t otherwise)
{
	char text[24];
	uint64_t value = 0;

	fwcfg_string(name, text, sizeof(text));
	if (!text[0]) {
		return otherwise;
	}
	for (const char *p = text; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (uint64_t)(*p - '0');
	}
	return value;
}

unsigned fwcfg_cpus(void)
{
	uint16_t cpus = 1;

	if (present()) {
		select(KEY_CPUS);
		read(&cpus, sizeof(cpus));
	}
	return cpus;
}
