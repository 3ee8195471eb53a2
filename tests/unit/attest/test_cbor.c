// SPDX-License-Identifier: BSD-3-Clause
/* CBOR as RFC 8949 has it in its examples, and a writer that never leaves its buffer. */
#include "attest/cbor.h"
#include "unit.h"

static uint8_t buffer[64];

static void assert_written(const struct cbor *cbor, const char *bytes, size_t size)
{
	assert_true(cbor_fits(cbor));
	assert_int_equal(cbor->used, size);
	assert_memory_equal(buffer, bytes, size);
}

#define WRITES(bytes, call)                                           \
	do {                                                          \
		struct cbor cbor = cbor_into(buffer, sizeof(buffer)); \
		call;                                                 \
		assert_written(&cbor, bytes, sizeof(bytes) - 1);      \
	} while (0)

static void integers(void **state)
{
	(void)state;
	WRITES("\x00", cbor_int(&cbor, 0));
	WRITES("\x17", cbor_int(&cbor, 23));
	WRITES("\x18\x18", cbor_int(&cbor, 24));
	WRITES("\x18\xff", cbor_int(&cbor, 255));
	WRITES("\x19\x01\x00", cbor_int(&cbor, 256));
	WRITES("\x19\x03\xe8", cbor_int(&cbor, 1000));
	WRITES("\x19\xff\xff", cbor_int(&cbor, 65535));
	WRITES("\x1a\x00\x01\x00\x00", cbor_int(&cbor, 65536));
	WRITES("\x1a\x00\x0f\x42\x40", cbor_int(&cbor, 1000000));
	WRITES("\x20", cbor_int(&cbor, -1));
	WRITES("\x29", cbor_int(&cbor, -10));
	WRITES("\x38\x22", cbor_int(&cbor, -35));
	WRITES("\x38\x63", cbor_int(&cbor, -100));
	WRITES("\x39\x03\xe7", cbor_int(&cbor, -1000));
	WRITES("\x3a\x00\x01\x11\x70", cbor_int(&cbor, -70001));
}

static void strings(void **state)
{
	(void)state;
	WRITES("\x40", cbor_bytes(&cbor, NULL, 0));
	WRITES("\x44\x01\x02\x03\x04", cbor_bytes(&cbor, "\x01\x02\x03\x04", 4));
	WRITES("\x60", cbor_text(&cbor, ""));
	WRITES("\x64IETF", cbor_text(&cbor, "IETF"));
	WRITES("\x59\x01\x00", cbor_bytes_head(&cbor, 256));
	WRITES("\x58\x60", cbor_bytes_head(&cbor, 96));
}

static void containers(void **state)
{
	(void)state;
	WRITES("\x80", cbor_array(&cbor, 0));
	WRITES("\x83\x01\x02\x03", cbor_array(&cbor, 3); cbor_int(&cbor, 1); cbor_int(&cbor, 2);
	       cbor_int(&cbor, 3));
	WRITES("\xa2\x01\x02\x03\x04", cbor_map(&cbor, 2); cbor_int(&cbor, 1); cbor_int(&cbor, 2);
	       cbor_int(&cbor, 3); cbor_int(&cbor, 4));
	WRITES("\xd2\x84", cbor_tag(&cbor, 18); cbor_array(&cbor, 4));
	WRITES("\xd9\x01\x8f\xa2", cbor_tag(&cbor, 399); cbor_map(&cbor, 2));
}

static void never_beyond(void **state)
{
	(void)state;
	for (size_t size = 0; size < 20; size++) {
		struct cbor cbor = cbor_into(buffer, size);

		memset(buffer, 0xEE, sizeof(buffer));
		cbor_array(&cbor, 2);
		cbor_text(&cbor, "0123456789");
		cbor_int(&cbor, 65536);
		assert_int_equal(cbor.used, 17);
		assert_int_equal(cbor_fits(&cbor), size >= 17);
		for (size_t i = size; i < sizeof(buffer); i++) {
			assert_int_equal(buffer[i], 0xEE);
		}
	}
}

static void counts_without_buffer(void **state)
{
	struct cbor cbor = cbor_into(NULL, 0);

	(void)state;
	cbor_text(&cbor, "0123456789");
	assert_int_equal(cbor.used, 11);
	assert_false(cbor_fits(&cbor));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN_TEST("CBOR: integers", integers),
		PLAIN_TEST("CBOR: strings", strings),
		PLAIN_TEST("CBOR: arrays, maps, tags", containers),
		PLAIN_TEST("CBOR: nothing behind the buffer", never_beyond),
		PLAIN_TEST("CBOR: sizes without a buffer", counts_without_buffer),
	};

	return unit_run(tests);
}
