// SPDX-License-Identifier: BSD-3-Clause
/* PL011 (Arm DDI 0183), shared with the host, which may do anything to it. */
#include <string.h>

#include "arch/entry.h"
#include "arch/trace.h"
#include "base/bits.h"
#include "plat/plat.h"

#define UART_DR      0x00U
#define UART_FR      0x18U
#define UART_FR_TXFF BIT(5)

/*
 * Polls of a full FIFO before a character is dropped: the host must not be able to stall the RMM.
 */
#define UART_PATIENCE 100000U

static volatile uint8_t *uart;

static volatile uint32_t *uart_register(unsigned int offset)
{
	return (volatile uint32_t *)(volatile void *)(uart + offset);
}

static void put(char character)
{
	unsigned int polls = 0;

	while ((*uart_register(UART_FR) & UART_FR_TXFF) != 0) {
		if (++polls == UART_PATIENCE) {
			return;
		}
	}
	*uart_register(UART_DR) = (uint8_t)character;
}

void plat_console_init(const struct manifest_console *consoles, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (memcmp(consoles[i].name, "pl011\0\0", sizeof(consoles[i].name)) == 0) {
			uart = arch_map_console(consoles[i].base);
			return;
		}
	}
}

void arch_trace_print(const char *text)
{
	if (uart == NULL) {
		return;
	}
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			put('\r');
		}
		put(*text);
	}
}
