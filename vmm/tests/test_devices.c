// SPDX-License-Identifier: BSD-3-Clause
/* Console, block and entropy device, each spoken to as a driver does. */
#include <stdio.h>
#include <unistd.h>

#include "ring.h"

#include "block.h"
#include "console.h"
#include "entropy.h"

/* -------------------------------------------------------------------- block */

static struct block block;
static FILE *file;

static int block_setup(void **state)
{
	static uint8_t sector[512];

	(void)state;
	file = tmpfile();
	assert_non_null(file);
	for (unsigned int i = 0; i < 16; i++) {
		memset(sector, (int)i, sizeof(sector));
		assert_int_equal(fwrite(sector, sizeof(sector), 1, file), 1);
	}
	fflush(file);
	memset(&block, 0, sizeof(block));
	assert_true(block_init(&block, fileno(file), false));
	start(&block.virtio);
	return 0;
}

static int block_teardown(void **state)
{
	(void)state;
	fclose(file);
	return 0;
}

/* One request; returns the status byte. */
static uint8_t block_call(uint32_t type, uint64_t sector, uint32_t size)
{
	bool write = type == 1;
	uint16_t before = used_count(0);

	memset(at(BUFFERS), 0, 16);
	memcpy(at(BUFFERS), &type, 4);
	memcpy(at(BUFFERS + 8), &sector, 8);
	*at(BUFFERS + 0x10) = 0xee;
	set_desc(0, 0, BUFFERS, 16, F_NEXT, 1);
	set_desc(0, 1, BUFFERS + 0x1000, size, F_NEXT | (write ? 0 : F_WRITE), 2);
	set_desc(0, 2, BUFFERS + 0x10, 1, F_WRITE, 0);
	offer(&block.virtio, 0, 0);
	assert_int_equal(used_count(0), before + 1);
	return *at(BUFFERS + 0x10);
}

static void block_reads_writes(void **state)
{
	(void)state;
	assert_int_equal(virtio_read(&block.virtio, 0x100, 8), 16);
	assert_int_equal(block_call(0, 3, 1024), 0);
	assert_int_equal(*at(BUFFERS + 0x1000), 3);
	assert_int_equal(*at(BUFFERS + 0x1000 + 1023), 4);
	assert_int_equal(used_len(0, 0), 1025);
	memset(at(BUFFERS + 0x1000), 0xab, 512);
	assert_int_equal(block_call(1, 15, 512), 0);
	assert_int_equal(block_call(4, 0, 0), 0);
	memset(at(BUFFERS + 0x1000), 0, 512);
	assert_int_equal(block_call(0, 15, 512), 0);
	assert_int_equal(*at(BUFFERS + 0x1000 + 511), 0xab);
}

static void block_limits(void **state)
{
	(void)state;
	assert_int_equal(block_call(0, 16, 512), 1);
	assert_int_equal(block_call(0, 15, 1024), 1);
	assert_int_equal(block_call(0, UINT64_MAX, 512), 1);
	assert_int_equal(block_call(0, UINT64_MAX / 512 + 1, 512), 1);
	assert_int_equal(block_call(0, 0, 511), 1);
	assert_int_equal(block_call(1, 16, 512), 1);
	assert_int_equal(block_call(77, 0, 512), 2);
	assert_int_equal(lseek(fileno(file), 0, SEEK_END), 16 * 512);
}

static void block_short_requests(void **state)
{
	(void)state;
	/* No room for a status, and a header that is cut off: given back, nothing done. */
	set_desc(0, 0, BUFFERS, 16, 0, 0);
	offer(&block.virtio, 0, 0);
	assert_int_equal(used_count(0), 1);
	set_desc(0, 0, BUFFERS, 15, F_NEXT, 1);
	set_desc(0, 1, BUFFERS + 0x10, 1, F_WRITE, 0);
	offer(&block.virtio, 0, 0);
	assert_int_equal(used_count(0), 2);
	assert_int_equal(*at(BUFFERS + 0x10), 1);
}

static void block_read_only(void **state)
{
	(void)state;
	assert_true(block_init(&block, fileno(file), true));
	start(&block.virtio);
	assert_int_equal(block_call(1, 0, 512), 1);
	assert_int_equal(block_call(0, 1, 512), 0);
	assert_int_equal(*at(BUFFERS + 0x1000), 1);
}

/*
 * A full queue of requests of half a MiB, and one bell: the device is back after two, and does the
 * rest when it is asked to go on.
 */
static void in_bursts(struct virtio *v, unsigned int q, uint16_t flags)
{
	unsigned int rounds = 0;

	set_desc(q, 0, BUFFERS, RAM_SIZE / 2, flags, 0);
	for (uint16_t i = 0; i < QNUM; i++) {
		put16(AVAIL(q) + 4 + 2 * i, 0);
	}
	put16(AVAIL(q) + 2, QNUM);
	reg(v, 0x50, q);
	assert_int_equal(used_count(q), 2);
	do {
		rounds++;
	} while (virtio_go_on(v) && rounds < 100);
	assert_int_equal(used_count(q), QNUM);
	assert_int_equal(rounds, QNUM / 2 - 1);
}

static void block_bursts(void **state)
{
	(void)state;
	in_bursts(&block.virtio, 0, F_WRITE);
}

/* ------------------------------------------------------------------ console */

static struct console console;
static char said[2][64];
static size_t said_size[2];
static bool output_possible;
static size_t output_room = SIZE_MAX, output_total;
static unsigned int closed_count;

static size_t output(void *ctx, unsigned int port, const void *data, size_t size)
{
	size_t n = sizeof(said[0]) - said_size[port];

	(void)ctx;
	assert_true(port < 2);
	size = size < output_room ? size : output_room;
	output_room -= size;
	output_total += size;
	n = n < size ? n : size;
	memcpy(said[port] + said_size[port], data, n);
	said_size[port] += n;
	return size;
}

static bool ready(void *ctx, unsigned int port)
{
	(void)ctx;
	(void)port;
	return output_possible && output_room > 0;
}

static void closed(void *ctx, unsigned int port)
{
	(void)ctx;
	(void)port;
	closed_count++;
}

static int console_setup(void **state)
{
	(void)state;
	memset(&console, 0, sizeof(console));
	memset(said, 0, sizeof(said));
	memset(said_size, 0, sizeof(said_size));
	closed_count = 0;
	output_possible = true;
	output_room = SIZE_MAX;
	output_total = 0;
	console_init(&console);
	console.output = output;
	console.ready = ready;
	console.closed = closed;
	start(&console.virtio);
	return 0;
}

static void tell(uint32_t id, uint16_t event, uint16_t value)
{
	memcpy(at(BUFFERS), &id, 4);
	put16(BUFFERS + 4, event);
	put16(BUFFERS + 6, value);
	set_desc(3, 0, BUFFERS, 8, 0, 0);
	offer(&console.virtio, 3, 0);
}

/* A buffer for the device's next message; checks what comes. */
static void expect(uint32_t id, uint16_t event, uint16_t value)
{
	uint16_t before = used_count(2);
	uint32_t got;

	set_desc(2, 0, BUFFERS + 0x100, 64, F_WRITE, 0);
	offer(&console.virtio, 2, 0);
	assert_int_equal(used_count(2), before + 1);
	memcpy(&got, at(BUFFERS + 0x100), 4);
	assert_int_equal(got, id);
	assert_int_equal(get16(BUFFERS + 0x104), event);
	assert_int_equal(get16(BUFFERS + 0x106), value);
}

static void console_handshake(void **state)
{
	(void)state;
	console_connect(&console, 1, true);
	assert_int_equal(console.message_count, 0);
	tell(0, 0, 1);
	expect(0, 1, 1);
	expect(1, 1, 1);
	expect(2, 1, 1);
	tell(0, 3, 1);
	expect(0, 4, 1);
	tell(1, 3, 1);
	expect(1, 7, 1);
	assert_memory_equal(at(BUFFERS + 0x108), CONSOLE_CONTROL_NAME,
			    strlen(CONSOLE_CONTROL_NAME));
	expect(1, 6, 1);
	tell(1, 6, 1);
	assert_true(console.ports[1].open);
	tell(1, 6, 0);
	assert_false(console.ports[1].open);
	assert_int_equal(closed_count, 1);
	/* Ports that do not exist. */
	tell(CONSOLE_PORTS, 3, 1);
	tell(UINT32_MAX, 6, 1);
}

static void console_output_waits(void **state)
{
	(void)state;
	memcpy(at(BUFFERS), "hello", 5);
	set_desc(1, 0, BUFFERS, 5, 0, 0);
	output_possible = false;
	offer(&console.virtio, 1, 0);
	assert_int_equal(said_size[0], 0);
	assert_int_equal(used_count(1), 0);
	output_possible = true;
	console_resume(&console, 0);
	assert_int_equal(said_size[0], 5);
	assert_memory_equal(said[0], "hello", 5);
	set_desc(5, 0, BUFFERS, 5, 0, 0);
	offer(&console.virtio, 5, 0);
	assert_int_equal(said_size[1], 5);
}

/* A request that is longer than the host has room for goes through in parts, none twice. */
static void console_long_request(void **state)
{
	(void)state;
	memset(at(BUFFERS), 'a', 7);
	memcpy(at(BUFFERS + 0x100), "bcdefghij", 9);
	set_desc(5, 0, BUFFERS, 7, F_NEXT, 1);
	set_desc(5, 1, BUFFERS + 0x100, 9, 0, 0);
	output_room = 5;
	offer(&console.virtio, 5, 0);
	assert_int_equal(used_count(5), 0);
	for (unsigned int i = 0; used_count(5) == 0; i++) {
		assert_true(i < 16);
		output_room = 3;
		console_resume(&console, 1);
	}
	assert_memory_equal(said[1], "aaaaaaabcdefghij", 16);
	assert_int_equal(said_size[1], 16);
	/* The next one begins at its beginning. */
	output_room = SIZE_MAX;
	offer(&console.virtio, 5, 1);
	assert_memory_equal(said[1] + 16, "bcdefghij", 9);
}

/* What was through of a request is forgotten with the driver that made it. */
static void console_long_request_reset(void **state)
{
	(void)state;
	memcpy(at(BUFFERS), "old", 3);
	set_desc(5, 0, BUFFERS, 3, 0, 0);
	output_room = 1;
	offer(&console.virtio, 5, 0);
	assert_int_equal(said_size[1], 1);
	start(&console.virtio);
	output_room = SIZE_MAX;
	memcpy(at(BUFFERS), "new", 3);
	set_desc(5, 0, BUFFERS, 3, 0, 0);
	offer(&console.virtio, 5, 0);
	assert_memory_equal(said[1], "onew", 4);
}

static void console_bursts(void **state)
{
	(void)state;
	in_bursts(&console.virtio, 1, 0);
	assert_int_equal(output_total, QNUM * RAM_SIZE / 2);
	in_bursts(&console.virtio, 3, 0);
}

/* Buffers without room for anything do not keep the device for ever. */
static void console_bursts_of_nothing(void **state)
{
	(void)state;
	set_desc(4, 0, BUFFERS, RAM_SIZE / 2, 0, 0);
	for (uint16_t i = 0; i < QNUM; i++) {
		put16(AVAIL(4) + 4 + 2 * i, 0);
	}
	put16(AVAIL(4) + 2, QNUM);
	assert_int_equal(console_input(&console, 1, "x", 1), 1);
	assert_int_equal(used_count(4), 2);
}

static void console_input_waits(void **state)
{
	uint8_t data[CONSOLE_BUFFER + 1] = "ab";

	(void)state;
	assert_int_equal(console_input(&console, 1, data, 2), 2);
	assert_int_equal(used_count(4), 0);
	set_desc(4, 0, BUFFERS, 1, F_WRITE, 0);
	offer(&console.virtio, 4, 0);
	assert_int_equal(used_count(4), 1);
	assert_int_equal(*at(BUFFERS), 'a');
	offer(&console.virtio, 4, 0);
	assert_int_equal(*at(BUFFERS), 'b');
	assert_int_equal(console_room(&console, 1), CONSOLE_BUFFER);
	assert_int_equal(console_input(&console, 1, data, sizeof(data)), CONSOLE_BUFFER);
	assert_int_equal(console_room(&console, 1), 0);
}

/* A host that comes and goes: before the realm knows the port, and when it does not listen. */
static void console_visitors(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		console_connect(&console, 1, i % 2 == 0);
	}
	tell(0, 0, 1);
	expect(0, 1, 1);
	expect(1, 1, 1);
	expect(2, 1, 1);
	tell(1, 3, 1);
	expect(1, 7, 1);
	for (unsigned int i = 0; i < 101; i++) {
		console_connect(&console, 1, i % 2 == 0);
	}
	while (console.message_count > 1) {
		expect(1, 6, console.message_count % 2 == 0);
	}
	expect(1, 6, 1);
}

/* A realm that asks and asks and never takes an answer. */
static void console_flood(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		tell(0, 0, 1);
	}
	assert_int_equal(console.message_count, CONSOLE_MESSAGES);
}

/* ------------------------------------------------------------------ entropy */

static void entropy_fills(void **state)
{
	static struct virtio v;
	uint8_t zero[64] = {0};

	(void)state;
	entropy_init(&v);
	start(&v);
	set_desc(0, 0, BUFFERS, 64, F_WRITE, 0);
	offer(&v, 0, 0);
	assert_int_equal(used_len(0, 0), 64);
	assert_memory_not_equal(at(BUFFERS), zero, 64);
	set_desc(0, 0, BUFFERS, 64, 0, 0);
	offer(&v, 0, 0);
	assert_int_equal(used_len(0, 1), 0);
}

static void entropy_bursts(void **state)
{
	static struct virtio v;

	(void)state;
	entropy_init(&v);
	start(&v);
	in_bursts(&v, 0, F_WRITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"block: reads, writes, flushes", block_reads_writes, block_setup, block_teardown,
		 NULL},
		{"block: nothing beyond the end, no odd sizes", block_limits, block_setup,
		 block_teardown, NULL},
		{"block: requests that are cut short", block_short_requests, block_setup,
		 block_teardown, NULL},
		{"block: a read-only disk", block_read_only, block_setup, block_teardown, NULL},
		{"block: one bell is one burst", block_bursts, block_setup, block_teardown, NULL},
		{"console: ports, names, opening and closing", console_handshake, console_setup,
		 NULL, NULL},
		{"console: output waits until the host can take it", console_output_waits,
		 console_setup, NULL, NULL},
		{"console: a request longer than the host's room comes whole", console_long_request,
		 console_setup, NULL, NULL},
		{"console: a request that is half through goes with its driver",
		 console_long_request_reset, console_setup, NULL, NULL},
		{"console: one bell is one burst", console_bursts, console_setup, NULL, NULL},
		{"console: buffers without room are a burst too", console_bursts_of_nothing,
		 console_setup, NULL, NULL},
		{"console: input waits until the realm has room", console_input_waits,
		 console_setup, NULL, NULL},
		{"console: a host that comes and goes leaves room for the rest, and is known in "
		 "the end",
		 console_visitors, console_setup, NULL, NULL},
		{"console: a realm that floods gets no memory for it", console_flood, console_setup,
		 NULL, NULL},
		{"entropy: fills what it is given", entropy_fills, NULL, NULL, NULL},
		{"entropy: one bell is one burst", entropy_bursts, NULL, NULL, NULL},
	};

	return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
