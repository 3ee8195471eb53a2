// SPDX-License-Identifier: BSD-3-Clause
#include "test.h"

#include "uart.h"

#define DR   0x00
#define FR   0x18
#define IMSC 0x38
#define RIS  0x3c
#define MIS  0x40
#define ICR  0x44

#define RX 0x10u
#define TX 0x20u
#define RT 0x40u

static struct {
	uint8_t out[16];
	unsigned int count;
	bool line;
	bool ready;
} host;

static struct uart uart;

static void put(void *ctx, uint8_t byte)
{
	assert_ptr_equal(ctx, &host);
	host.out[host.count++ % sizeof(host.out)] = byte;
}

static bool ready(void *ctx)
{
	(void)ctx;
	return host.ready;
}

static void irq(void *ctx, bool level)
{
	(void)ctx;
	host.line = level;
}

static int setup(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	host.ready = true;
	uart = (struct uart){.put = put, .ready = ready, .irq = irq, .ctx = &host};
	return 0;
}

static void output(void **state)
{
	(void)state;
	uart_write(&uart, DR, 'h');
	uart_write(&uart, DR, 0x1169);
	assert_int_equal(host.count, 2);
	assert_memory_equal(host.out, "hi", 2);
}

static void full_flag(void **state)
{
	(void)state;
	assert_int_equal(uart_read(&uart, FR) & 0xb0, 0x90);
	host.ready = false;
	assert_int_equal(uart_read(&uart, FR) & 0xb0, 0x30);
}

static void transmit_interrupt(void **state)
{
	(void)state;
	uart_write(&uart, IMSC, TX);
	assert_false(host.line);
	uart_write(&uart, DR, 'x');
	assert_true(host.line);
	assert_int_equal(uart_read(&uart, MIS), TX);
	uart_write(&uart, ICR, TX);
	assert_false(host.line);
}

static void input(void **state)
{
	(void)state;
	uart_write(&uart, IMSC, RX | RT);
	assert_int_equal(uart_receive(&uart, (const uint8_t *)"ab", 2), 2);
	assert_true(host.line);
	assert_int_equal(uart_read(&uart, RIS), RX | RT);
	assert_int_equal(uart_read(&uart, DR), 'a');
	assert_true(host.line);
	assert_int_equal(uart_read(&uart, DR), 'b');
	assert_false(host.line);
	assert_int_equal(uart_read(&uart, FR) & 0x10, 0x10);
	assert_int_equal(uart_read(&uart, DR), 0);
}

static void overflow(void **state)
{
	uint8_t data[UART_FIFO + 10];

	(void)state;
	for (unsigned int i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)i;
	}
	assert_int_equal(uart_receive(&uart, data, sizeof(data)), UART_FIFO);
	assert_int_equal(uart_room(&uart), 0);
	assert_int_equal(uart_read(&uart, FR) & 0x40, 0x40);
	for (unsigned int i = 0; i < UART_FIFO; i++) {
		assert_int_equal(uart_read(&uart, DR), i);
	}
	assert_int_equal(uart_room(&uart), UART_FIFO);
}

static void masked(void **state)
{
	(void)state;
	uart_receive(&uart, (const uint8_t *)"z", 1);
	uart_write(&uart, DR, 'x');
	assert_false(host.line);
	assert_int_equal(uart_read(&uart, MIS), 0);
	uart_write(&uart, IMSC, RX);
	assert_true(host.line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"uart: output reaches the host byte by byte", output, setup, NULL, NULL},
		{"uart: a host that cannot take more shows as a full queue", full_flag, setup, NULL,
		 NULL},
		{"uart: transmit interrupt until cleared", transmit_interrupt, setup, NULL, NULL},
		{"uart: input raises the line until it is read", input, setup, NULL, NULL},
		{"uart: a full queue takes no more and loses nothing", overflow, setup, NULL, NULL},
		{"uart: masked causes keep the line low", masked, setup, NULL, NULL},
	};

	return cmocka_run_group_tests_name("uart", tests, NULL, NULL);
}
