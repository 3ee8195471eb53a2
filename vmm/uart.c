// SPDX-License-Identifier: BSD-3-Clause
#include "uart.h"

#define DR   0x00u
#define FR   0x18u
#define IMSC 0x38u
#define RIS  0x3cu
#define MIS  0x40u
#define ICR  0x44u

#define FR_RXFE (1u << 4)
#define FR_TXFF (1u << 5)
#define FR_RXFF (1u << 6)
#define FR_TXFE (1u << 7)

#define INT_RX (1u << 4)
#define INT_TX (1u << 5)
#define INT_RT (1u << 6)

static uint32_t raw_status(const struct uart *uart)
{
	uint32_t ris = uart->tx_ris ? INT_TX : 0;

	/* Whatever is there is worth an interrupt: no waiting for a trigger level. */
	return uart->count > 0 ? ris | INT_RX | INT_RT : ris;
}

static void update(struct uart *uart)
{
	uart->irq(uart->ctx, (raw_status(uart) & uart->imsc) != 0);
}

static uint32_t read_data(struct uart *uart)
{
	uint32_t value = 0;

	if (uart->count > 0) {
		value = uart->fifo[uart->head];
		uart->head = (uart->head + 1) % UART_FIFO;
		uart->count--;
		update(uart);
	}
	return value;
}

uint32_t uart_read(struct uart *uart, uint64_t offset)
{
	switch (offset) {
	case DR:
		return read_data(uart);
	case FR:
		return (uart->ready(uart->ctx) ? FR_TXFE : FR_TXFF) |
		       (uart->count == 0 ? FR_RXFE : 0) | (uart->count == UART_FIFO ? FR_RXFF : 0);
	case IMSC:
		return uart->imsc;
	case RIS:
		return raw_status(uart);
	case MIS:
		return raw_status(uart) & uart->imsc;
	default:
		return 0;
	}
}

void uart_write(struct uart *uart, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case DR:
		uart->put(uart->ctx, (uint8_t)value);
		uart->tx_ris = true;
		break;
	case IMSC:
		uart->imsc = value & 0x7ff;
		break;
	case ICR:
		if (value & INT_TX) {
			uart->tx_ris = false;
		}
		break;
	default:
		return;
	}
	update(uart);
}

size_t uart_room(const struct uart *uart)
{
	return UART_FIFO - uart->count;
}

size_t uart_receive(struct uart *uart, const uint8_t *data, size_t size)
{
	size_t taken = 0;

	while (taken < size && uart->count < UART_FIFO) {
		uart->fifo[(uart->head + uart->count) % UART_FIFO] = data[taken++];
		uart->count++;
	}
	if (taken > 0) {
		update(uart);
	}
	return taken;
}
