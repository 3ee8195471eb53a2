// SPDX-License-Identifier: BSD-3-Clause
/* Frames of rvm exec on a stream that is cut anywhere. */
#include <stdlib.h>

#include "test.h"

#include "exec/frame.h"

static struct frame sent, got;
static struct frame_reader reader;
static uint8_t wire[FRAME_WIRE];

static int setup(void **state)
{
	(void)state;
	memset(&reader, 0, sizeof(reader));
	memset(&got, 0, sizeof(got));
	return 0;
}

/* How many frames come out; the last is in got. */
static unsigned int feed(const uint8_t *bytes, size_t size)
{
	unsigned int count = 0;

	for (size_t i = 0; i < size; i++) {
		count += frame_take(&reader, bytes[i], &got);
	}
	return count;
}

static size_t make(uint64_t id, size_t size, uint8_t first, uint8_t step)
{
	sent.type = FRAME_OUT;
	sent.id = id;
	sent.size = size;
	for (size_t i = 0; i < size; i++) {
		sent.data[i] = (uint8_t)(first + step * i);
	}
	return frame_encode(&sent, wire);
}

static void assert_same(void)
{
	assert_int_equal(got.type, sent.type);
	assert_true(got.id == sent.id);
	assert_int_equal(got.size, sent.size);
	assert_memory_equal(got.data, sent.data, sent.size);
}

static void there_and_back(void **state)
{
	static const size_t sizes[] = {0, 1, 255, 256, 4096, FRAME_DATA};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (unsigned int step = 0; step < 2; step++) {
			/* The worst case, bytes that must be marked, and all bytes. */
			size_t size = make(0xdbc0c0dbc0db00ff, sizes[i], 0xc0, (uint8_t)step);

			assert_true(size <= FRAME_WIRE);
			assert_int_equal(feed(wire, size), 1);
			assert_same();
		}
	}
}

/* As a frame without data, in the room that the header states. */
static void bare(void **state)
{
	size_t size = make(0xdbc0dbc0dbc0dbc0, 0, 0, 0);
	uint8_t other[FRAME_BARE];

	(void)state;
	assert_int_equal(frame_encode_bare(FRAME_OUT, sent.id, other), size);
	assert_memory_equal(other, wire, size);
}

/* Cut at any place, and another behind it: the other comes, and nothing else. */
static void cut(void **state)
{
	size_t size = make(1, 40, 0xbe, 1);

	(void)state;
	for (size_t end = 0; end + 1 < size; end++) {
		make(1, 40, 0xbe, 1);
		assert_int_equal(feed(wire, end), 0);
		size_t other = make(2, 30, 0x10, 3);

		assert_int_equal(feed(wire, other), 1);
		assert_same();
	}
	/* And entered in the middle. */
	for (size_t begin = 2; begin < size; begin++) {
		make(1, 40, 0xbe, 1);
		assert_int_equal(feed(wire + begin, size - begin), 0);
	}
}

static void changed(void **state)
{
	size_t size = make(7, 20, 1, 1);

	(void)state;
	for (size_t i = 1; i + 1 < size; i++) {
		wire[i] ^= 0x10;
		assert_int_equal(feed(wire, size), 0);
		wire[i] ^= 0x10;
	}
	assert_int_equal(feed(wire, size), 1);
}

static void too_long(void **state)
{
	size_t size = make(3, 10, 0, 1);

	(void)state;
	for (size_t i = 0; i < 3 * (size_t)FRAME_RAW; i++) {
		assert_false(frame_take(&reader, 0x55, &got));
	}
	assert_int_equal(feed(wire, size), 1);
	assert_same();
}

static void noise(void **state)
{
	(void)state;
	srand(1);
	for (unsigned int i = 0; i < 2000000; i++) {
		frame_take(&reader, (uint8_t)(rand() % 16 ? rand() : 0xc0 + 27 * (rand() & 1)),
			   &got);
		assert_true(got.size <= FRAME_DATA);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"frame: there and back, every byte and size", there_and_back, setup, NULL, NULL},
		{"frame: without data", bare, setup, NULL, NULL},
		{"frame: cut anywhere, the next one comes", cut, setup, NULL, NULL},
		{"frame: one that was changed is dropped", changed, setup, NULL, NULL},
		{"frame: one that is too long is dropped", too_long, setup, NULL, NULL},
		{"frame: noise stays inside", noise, setup, NULL, NULL},
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
