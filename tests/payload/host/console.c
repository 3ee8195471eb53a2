// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"
#include "payload/common/arch.h"
#include "payload/common/format.h"
#include "payload/common/spinlock.h"

#define UART_BASE 0x09000000UL
#define UART_DR   (UART_BASE + 0x00)
#define UART_FR   (UART_BASE + 0x18)
#define FR_BUSY   (1u << 3)
#define FR_TXFF   (1u << 5)
#define LINE_SIZE 400

static struct spinlock console_lock;
static bool seized;

static void send(char c)
{
	while (mmio_read32(UART_FR) & FR_TXFF) {
		cpu_relax();
	}
	mmio_write32(UART_DR, (uint8_t)c);
}

void vprint(const char *format, va_list args)
{
	char line[LINE_SIZE];
	size_t size = format_text(line, sizeof(line), format, args);

	if (!seized) {
		spin_lock(&console_lock);
	}
	for (size_t i = 0; i < size; i++) {
		if (line[i] == '\n') {
			send('\r');
		}
		send(line[i]);
	}
	if (!seized) {
		spin_unlock(&console_lock);
	}
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprint(format, args);
	va_end(args);
}

void console_seize(void)
{
	seized = true;
}
