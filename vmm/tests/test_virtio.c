// SPDX-License-Identifier: BSD-3-Clause
#include "ring.h"

static struct virtio v;
static struct virtio_request req;
static unsigned int notified;

static void notify(void *device, unsigned int queue)
{
	(void)device;
	assert_true(queue < 2);
	notified++;
}

static const struct virtio_ops ops = {
	.id = 42, .num_queues = 2, .features = UINT64_C(1) << 5, .notify = notify};

static const uint8_t config[6] = {1, 2, 3, 4, 5, 6};

static int setup(void **state)
{
	(void)state;
	memset(&v, 0, sizeof(v));
	v.ops = &ops;
	v.config = config;
	v.config_size = sizeof(config);
	notified = 0;
	start(&v);
	return 0;
}

static bool stopped(void)
{
	return virtio_read(&v, 0x70, 4) & 0x40;
}

static void registers(void **state)
{
	static struct virtio empty;

	(void)state;
	assert_int_equal(virtio_read(&v, 0x0, 4), 0x74726976);
	assert_int_equal(virtio_read(&v, 0x4, 4), 2);
	assert_int_equal(virtio_read(&v, 0x8, 4), 42);
	assert_int_equal(virtio_read(&v, 0x100, 4), 0x04030201);
	assert_int_equal(virtio_read(&v, 0x104, 2), 0x0605);
	assert_int_equal(virtio_read(&v, 0x104, 4), 0);
	assert_int_equal(virtio_read(&v, 0xfff, 8), 0);
	assert_int_equal(virtio_read(&empty, 0x0, 4), 0x74726976);
	assert_int_equal(virtio_read(&empty, 0x8, 4), 0);
	virtio_write(&empty, 0x50, 4, 0);
}

static void features(void **state)
{
	(void)state;
	/* Without VERSION_1, or with one that is not there: refused. */
	reg(&v, 0x70, 0);
	reg(&v, 0x70, 11);
	assert_int_equal(virtio_read(&v, 0x70, 4), 3);
	reg(&v, 0x24, 1);
	reg(&v, 0x20, 3);
	reg(&v, 0x24, 0);
	reg(&v, 0x20, 1);
	reg(&v, 0x70, 11);
	assert_int_equal(virtio_read(&v, 0x70, 4), 3);
	reg(&v, 0x20, 1u << 5);
	reg(&v, 0x70, 11);
	assert_int_equal(virtio_read(&v, 0x70, 4), 11);
}

static void request_round_trip(void **state)
{
	char text[8] = "";

	(void)state;
	memcpy(at(BUFFERS), "request", 7);
	set_desc(0, 3, (BUFFERS) | ALIAS, 4, F_NEXT, 5);
	set_desc(0, 5, BUFFERS + 4, 3, F_NEXT, 1);
	set_desc(0, 1, BUFFERS + 0x100, 6, F_WRITE, 0);
	offer(&v, 0, 3);
	assert_int_equal(notified, 1);
	assert_true(virtio_pop(&v, 0, &req));
	assert_int_equal(req.out_bytes, 7);
	assert_int_equal(req.in_bytes, 6);
	assert_int_equal(virtio_copy_from(&req, 0, text, sizeof(text)), 7);
	assert_string_equal(text, "request");
	assert_int_equal(virtio_copy_from(&req, 5, text, 1), 1);
	assert_int_equal(text[0], 's');
	assert_int_equal(virtio_copy_to(&req, 1, "answer", 6), 5);
	virtio_push(&v, 0, &req, 6);
	virtio_signal(&v);
	assert_int_equal(used_count(0), 1);
	assert_int_equal(used_len(0, 0), 6);
	assert_memory_equal(at(BUFFERS + 0x101), "answe", 5);
	assert_int_equal(interrupts, 1);
	assert_int_equal(virtio_read(&v, 0x60, 4), 1);
	reg(&v, 0x64, 1);
	assert_int_equal(virtio_read(&v, 0x60, 4), 0);
	assert_false(virtio_pop(&v, 0, &req));
	assert_false(stopped());
}

/* Many more requests than the ring has entries, so that every index wraps. */
static void indices_wrap(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 70000; i++) {
		set_desc(1, i % QNUM, BUFFERS, 1, F_WRITE, 0);
		offer(&v, 1, (uint16_t)(i % QNUM));
		assert_true(virtio_pop(&v, 1, &req));
		assert_int_equal(req.head, i % QNUM);
		virtio_push(&v, 1, &req, 1);
	}
	assert_int_equal(used_count(1), (uint16_t)70000);
}

/*
 * One broken thing in the ring: the device stops, takes nothing more, and a reset brings it back.
 */
static void expect_stop(void)
{
	assert_false(virtio_pop(&v, 0, &req));
	assert_true(stopped());
	assert_true(interrupts > 0);
	assert_false(virtio_pop(&v, 0, &req));
	offer(&v, 0, 0);
	start(&v);
	assert_false(stopped());
}

static void loop_stops(void **state)
{
	(void)state;
	set_desc(0, 0, BUFFERS, 1, F_NEXT, 1);
	set_desc(0, 1, BUFFERS, 1, F_NEXT, 0);
	offer(&v, 0, 0);
	expect_stop();
}

static void next_beyond_ring(void **state)
{
	(void)state;
	set_desc(0, 0, BUFFERS, 1, F_NEXT, QNUM);
	offer(&v, 0, 0);
	expect_stop();
}

static void head_beyond_ring(void **state)
{
	(void)state;
	offer(&v, 0, 0xffff);
	expect_stop();
}

static void too_many_available(void **state)
{
	(void)state;
	put16(AVAIL(0) + 2, QNUM + 1);
	expect_stop();
}

static void buffer_outside(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t len;
	} cases[] = {
		{0, 1},
		{RAM_BASE - 1, 1},
		{RAM_BASE + RAM_SIZE, 1},
		{RAM_BASE + RAM_SIZE - 1, 2},
		{RAM_BASE, (uint32_t)RAM_SIZE + 1},
		{RAM_BASE, UINT32_MAX},
		{UINT64_MAX, 2},
		{UINT64_MAX - 1, UINT32_MAX},
		{RAM_BASE | ALIAS << 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_desc(0, 0, cases[i].addr, cases[i].len, 0, 0);
		offer(&v, 0, 0);
		expect_stop();
	}
}

static void unknown_flags(void **state)
{
	(void)state;
	set_desc(0, 0, BUFFERS, 16, 4, 0); /* indirect, which was not offered */
	offer(&v, 0, 0);
	expect_stop();
}

static void output_after_input(void **state)
{
	(void)state;
	set_desc(0, 0, BUFFERS, 1, F_NEXT | F_WRITE, 1);
	set_desc(0, 1, BUFFERS, 1, 0, 0);
	offer(&v, 0, 0);
	expect_stop();
}

static void ring_outside(void **state)
{
	static const uint64_t bad[][3] = {
		{0, AVAIL(0), USED(0)},
		{DESC(0), RAM_BASE + RAM_SIZE - 4, USED(0)},
		{DESC(0), AVAIL(0), RAM_BASE + RAM_SIZE - 8},
		{DESC(0) + 8, AVAIL(0), USED(0)},
		{DESC(0), AVAIL(0) + 1, USED(0)},
		{DESC(0), AVAIL(0), USED(0) + 2},
		{UINT64_MAX - 15, AVAIL(0), USED(0)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reg(&v, 0x70, 0);
		set_queue(&v, 0, bad[i][0], bad[i][1], bad[i][2]);
		assert_int_equal(virtio_read(&v, 0x44, 4), 0);
		assert_true(stopped());
	}
}

static void sizes_refused(void **state)
{
	static const uint32_t bad[] = {0, 3, 257, 512, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reg(&v, 0x70, 0);
		reg(&v, 0x30, 0);
		reg(&v, 0x80, (uint32_t)DESC(0));
		reg(&v, 0x90, (uint32_t)AVAIL(0));
		reg(&v, 0xa0, (uint32_t)USED(0));
		reg(&v, 0x38, bad[i]);
		reg(&v, 0x44, 1);
		assert_int_equal(virtio_read(&v, 0x44, 4), 0);
	}
}

/* A queue that is ready keeps its addresses, so that what was checked is what is used. */
static void addresses_are_settled(void **state)
{
	(void)state;
	reg(&v, 0x30, 0);
	reg(&v, 0x80, 0xfffffff0);
	reg(&v, 0x84, 0xffffffff);
	reg(&v, 0x38, 256);
	set_desc(0, 0, BUFFERS, 1, F_WRITE, 0);
	offer(&v, 0, 0);
	assert_true(virtio_pop(&v, 0, &req));
	virtio_push(&v, 0, &req, 0);
}

static void no_such_queue(void **state)
{
	(void)state;
	reg(&v, 0x30, 7);
	assert_int_equal(virtio_read(&v, 0x34, 4), 0);
	reg(&v, 0x38, 8);
	reg(&v, 0x44, 1);
	reg(&v, 0x30, UINT32_MAX);
	reg(&v, 0x44, 1);
	reg(&v, 0x50, 2);
	reg(&v, 0x50, UINT32_MAX);
	assert_int_equal(notified, 0);
	assert_false(stopped());
}

/* Registers and rings full of noise: no access outside (the sanitizers watch), no endless loop. */
static void noise(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		for (unsigned int i = 0; i < 12; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			uint64_t offset = seed >> 40 & 0x1ff;

			if (seed >> 60 < 12) {
				memcpy(at(RING(0) + (seed >> 30 & 0xff8)), &seed, 8);
			} else {
				virtio_write(&v, offset, 1u << (seed >> 50 & 3), seed >> 20);
				virtio_read(&v, offset, 1u << (seed >> 52 & 3));
			}
		}
		while (virtio_pop(&v, round & 1, &req)) {
			virtio_push(&v, round & 1, &req, 1);
		}
		if (round % 64 == 0) {
			start(&v);
		}
	}
}

/*
 * A realm that gives every request back at once: the device gets away after a burst all the same.
 */
static void burst_of_requests(void **state)
{
	unsigned int count = 0;

	(void)state;
	set_desc(0, 0, BUFFERS, 1, 0, 0);
	offer(&v, 0, 0);
	while (count < 100000 && virtio_pop(&v, 0, &req)) {
		virtio_push(&v, 0, &req, 0);
		put16(AVAIL(0) + 2, (uint16_t)(get16(AVAIL(0) + 2) + 1));
		count++;
	}
	assert_int_equal(count, VIRTIO_BURST_REQUESTS);
	assert_int_equal(v.unfinished, 1);
	/* Going on rings the bell of that queue; reset forgets it. */
	notified = 0;
	assert_false(virtio_go_on(&v));
	assert_int_equal(notified, 1);
	assert_true(virtio_pop(&v, 0, &req));
	v.unfinished = 1;
	reg(&v, 0x70, 0);
	assert_int_equal(v.unfinished, 0);
}

static void burst_of_bytes(void **state)
{
	uint32_t size = (uint32_t)(RAM_SIZE / 2);
	unsigned int count = 0;

	(void)state;
	set_desc(0, 0, BUFFERS, size, 0, 0);
	for (unsigned int i = 0; i < QNUM; i++) {
		offer(&v, 0, 0);
	}
	while (virtio_pop(&v, 0, &req)) {
		count++;
	}
	assert_int_equal(count, VIRTIO_BURST_BYTES / size);
	assert_int_equal(v.unfinished, 1);
	virtio_begin(&v);
	virtio_unpop(&v, 0);
	while (virtio_pop(&v, 0, &req)) {
		count++;
	}
	assert_int_equal(count, 2 * (VIRTIO_BURST_BYTES / size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"virtio: identification, configuration, an empty slot", registers, setup, NULL,
		 NULL},
		{"virtio: features must be offered and include VERSION_1", features, setup, NULL,
		 NULL},
		{"virtio: a request there and back", request_round_trip, setup, NULL, NULL},
		{"virtio: indices wrap", indices_wrap, setup, NULL, NULL},
		{"virtio: hostile ring, a loop", loop_stops, setup, NULL, NULL},
		{"virtio: hostile ring, next beyond the table", next_beyond_ring, setup, NULL,
		 NULL},
		{"virtio: hostile ring, head beyond the table", head_beyond_ring, setup, NULL,
		 NULL},
		{"virtio: hostile ring, more available than it holds", too_many_available, setup,
		 NULL, NULL},
		{"virtio: hostile ring, buffers outside memory", buffer_outside, setup, NULL, NULL},
		{"virtio: hostile ring, flags that were not offered", unknown_flags, setup, NULL,
		 NULL},
		{"virtio: hostile ring, output after input", output_after_input, setup, NULL, NULL},
		{"virtio: hostile ring, rings outside memory or misaligned", ring_outside, setup,
		 NULL, NULL},
		{"virtio: queue sizes that are refused", sizes_refused, setup, NULL, NULL},
		{"virtio: a ready queue keeps its addresses", addresses_are_settled, setup, NULL,
		 NULL},
		{"virtio: queues that do not exist", no_such_queue, setup, NULL, NULL},
		{"virtio: a burst ends after so many requests, whatever the realm gives back",
		 burst_of_requests, setup, NULL, NULL},
		{"virtio: a burst ends after so many bytes", burst_of_bytes, setup, NULL, NULL},
		{"virtio: noise in registers and rings", noise, setup, NULL, NULL},
	};

	return cmocka_run_group_tests_name("virtio", tests, NULL, NULL);
}
