// SPDX-License-Identifier: BSD-3-Clause
/*
 * Serial port of the SBSA kind (the PL011 subset that needs no clocks): data, flags, interrupt
 * mask, status and clear. The caller serializes.
 */
#ifndef VMM_UART_H
#define VMM_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_FIFO 64u

struct uart {
	uint8_t fifo[UART_FIFO]; /* received, not yet read by the realm */
	unsigned int head;
	unsigned int count;
	uint32_t imsc;
	bool tx_ris;
	void (*put)(void *ctx, uint8_t byte); /* the realm has sent a byte */
	bool (*ready)(void *ctx);             /* put can take one: shown to the realm as a flag */
	void (*irq)(void *ctx, bool level);   /* the interrupt line is now */
	void *ctx;
};

/* Register accesses at offset; all registers are 32 bits wide. */
uint32_t uart_read(struct uart *uart, uint64_t offset);
void uart_write(struct uart *uart, uint64_t offset, uint32_t value);

/* Hands over up to size bytes for the realm; returns how many there was room for. */
size_t uart_receive(struct uart *uart, const uint8_t *data, size_t size);

/* How many bytes uart_receive would take now. */
size_t uart_room(const struct uart *uart);

#endif
