// SPDX-License-Identifier: BSD-3-Clause
/* Console of the simulated machine: a text that tests can read. */
#include <string.h>

#include "arch/host/machine_internal.h"
#include "arch/trace.h"
#include "base/bits.h"
#include "plat/plat.h"

static char text[4096];
static size_t used;
static bool connected;

void machine_console_reset(void)
{
	memset(text, 0, sizeof(text));
	used = 0;
	connected = false;
}

const char *machine_console(void)
{
	return text;
}

void plat_console_init(const struct manifest_console *consoles, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		connected = connected || memcmp(consoles[i].name, "machine", 8) == 0;
	}
}

void arch_trace_print(const char *more)
{
	size_t size = min_u64(strlen(more), sizeof(text) - 1 - used);

	if (connected) {
		memcpy(text + used, more, size);
		used += size;
	}
}
