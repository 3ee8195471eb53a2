// SPDX-License-Identifier: BSD-3-Clause
/* The end of a command for good: a broken rule, a panic of the RMM, a forbidden access. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/cpu.h"
#include "arch/host/machine_internal.h"

__thread sigjmp_buf machine_jump;
void (*machine_on_stop)(const char *text);
bool (*machine_describe)(const void *va, char *text, size_t size);

static __thread bool armed;
static __thread char stop_text[160];
static struct sigaction before_arming;

static void on_segv(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (armed && machine_describe != NULL &&
	    machine_describe(info->si_addr, stop_text, sizeof(stop_text))) {
		siglongjmp(machine_jump, 1);
	}
	sigaction(signal, &before_arming, NULL);
}

void machine_arm(void)
{
	struct sigaction action = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &action, &before_arming);
	armed = true;
}

const char *machine_disarm(void)
{
	armed = false;
	sigaction(SIGSEGV, &before_arming, NULL);
	return NULL;
}

const char *machine_stopped(void)
{
	machine_disarm();
	return stop_text;
}

void machine_stop(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(stop_text, sizeof(stop_text), format, arguments);
	va_end(arguments);
	if (armed) {
		siglongjmp(machine_jump, 1);
	}
	if (machine_on_stop != NULL) {
		machine_on_stop(stop_text);
	}
	fprintf(stderr, "# CPU %u stopped: %s\n", machine_cpu, stop_text);
	abort();
}

void arch_panic(const char *file, int line)
{
	machine_stop("panic %s:%d", file, line);
}
