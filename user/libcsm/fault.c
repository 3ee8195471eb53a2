// SPDX-License-Identifier: BSD-3-Clause
/*
 * Accesses to shared memory that may be gone. A thread inside csm_protect() that takes SIGBUS at an
 * address of a mapped region leaves it by a jump; every other SIGBUS is handled as without the
 * library.
 *
 * The handler runs at any moment and takes no lock: it reads what is below with atomic loads.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "libcsm_internal.h"

struct frame {
	sigjmp_buf back;
	sigset_t mask; /* before the signal */
	struct frame *outer;
};

/* A mapping of a region. An entry is never freed, only used again: the handler may look at it. */
struct range {
	uintptr_t start;
	size_t size; /* 0: unused. Zero while start changes. */
	unsigned long forks;
	struct range *next;
};

static _Thread_local struct frame *volatile innermost;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct range *ranges;

/* What was there before this library's handler: one entry for each action that ever was. */
struct action {
	struct sigaction old;
	struct action *next;
};

static const struct sigaction by_default = {.sa_handler = SIG_DFL};
static struct action *actions;         /* under lock */
static const struct sigaction *first;  /* when the library put in its handler for the first time */
static const struct sigaction *before; /* when it did so last */

/* --------------------------------------------------------------------- fork */

static unsigned long forks;
static pthread_once_t watching = PTHREAD_ONCE_INIT;

unsigned long csm_forks(void)
{
	return __atomic_load_n(&forks, __ATOMIC_RELAXED);
}

static void fork_begins(void)
{
	pthread_mutex_lock(&lock);
}

static void fork_is_over(void)
{
	pthread_mutex_unlock(&lock);
}

static void is_child(void)
{
	__atomic_add_fetch(&forks, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
}

static void watch(void)
{
	pthread_atfork(fork_begins, fork_is_over, is_child);
}

void csm_fork_watch(void)
{
	pthread_once(&watching, watch);
}

/* ------------------------------------------------------------------- ranges */

static void fill(struct range *range, void *start, size_t size)
{
	__atomic_store_n(&range->size, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&range->forks, csm_forks(), __ATOMIC_SEQ_CST);
	__atomic_store_n(&range->start, (uintptr_t)start, __ATOMIC_SEQ_CST);
	__atomic_store_n(&range->size, size, __ATOMIC_SEQ_CST);
}

static bool is_used(const struct range *range)
{
	return range->size != 0 && range->forks == csm_forks();
}

/*
 * Adds a mapped range for the SIGBUS handler. The list only grows: a handler may be reading it.
 * -ENOMEM.
 */
static int add_range(void *start, size_t size)
{
	struct range *range = ranges;

	while (range && is_used(range)) {
		range = range->next;
	}
	if (range) {
		fill(range, start, size);
		return 0;
	}
	range = calloc(1, sizeof(*range));
	if (!range) {
		return -ENOMEM;
	}
	fill(range, start, size);
	range->next = ranges;
	__atomic_store_n(&ranges, range, __ATOMIC_SEQ_CST);
	return 0;
}

/* Address 0: the CPU did not say where. Then it is what csm_protect() is there for. */
static bool is_shared(const void *at)
{
	const struct range *range = __atomic_load_n(&ranges, __ATOMIC_SEQ_CST);

	for (; range; range = range->next) {
		size_t size = __atomic_load_n(&range->size, __ATOMIC_SEQ_CST);
		uintptr_t start = __atomic_load_n(&range->start, __ATOMIC_SEQ_CST);

		if (__atomic_load_n(&range->forks, __ATOMIC_SEQ_CST) == csm_forks() &&
		    (uintptr_t)at - start < size) {
			return true;
		}
	}
	return at == NULL;
}

/* ------------------------------------------------------------------ handler */

static bool is_fault(const siginfo_t *info)
{
	return info && info->si_code > 0 && info->si_code != BUS_MCEERR_AO;
}

/*
 * The default action ends the process: an access is tried again and gets it; a signal that was sent
 * (or that no access of this thread caused) is sent once more.
 */
static void end_by_default(const siginfo_t *info)
{
	sigaction(SIGBUS, &by_default, NULL);
	if (!is_fault(info)) {
		raise(SIGBUS);
	}
}

static void pass_on(const struct sigaction *old, siginfo_t *info, void *context)
{
	bool sent = !info || info->si_code <= 0;

	if (old->sa_flags & SA_SIGINFO) {
		old->sa_sigaction(SIGBUS, info, context);
	} else if (old->sa_handler == SIG_IGN && sent) {
		return;
	} else if (old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN) {
		end_by_default(info);
	} else {
		old->sa_handler(SIGBUS);
	}
}

/*
 * How often this signal has been here already. A handler that the program puts in over this one may
 * pass on to it, and be what this one passes on to: then the signal comes round. The mark is in
 * bytes of siginfo_t that no SIGBUS uses; the kernel writes them as zeros for each signal.
 */
static uint64_t count_visit(siginfo_t *info)
{
	unsigned char *mark = (unsigned char *)info + sizeof(*info) - sizeof(uint64_t);
	uint64_t seen, now;

	memcpy(&seen, mark, sizeof(seen));
	now = seen + 1;
	memcpy(mark, &now, sizeof(now));
	return seen;
}

/*
 * Leaves csm_protect() if the fault is in a mapped region; otherwise passes the signal to the
 * handler that was installed before. If that handler calls this one again, the first handler gets
 * it, then the default action ends the process.
 */
static void on_sigbus(int number, siginfo_t *info, void *context)
{
	struct frame *frame = innermost;
	uint64_t visits;

	(void)number;
	if (frame && is_fault(info) && is_shared(info->si_addr)) {
		frame->mask = ((const ucontext_t *)context)->uc_sigmask;
		siglongjmp(frame->back, 1);
	}
	/* A handler without siginfo_t has nothing to pass on: it was called by this one. */
	visits = info ? count_visit(info) : 1;
	if (visits == 0) {
		pass_on(__atomic_load_n(&before, __ATOMIC_SEQ_CST), info, context);
	} else if (visits == 1) {
		pass_on(__atomic_load_n(&first, __ATOMIC_SEQ_CST), info, context);
	} else {
		end_by_default(info);
	}
}

/* An entry that stays: a handler that runs just now may be looking at it. NULL: no memory. */
static const struct sigaction *remember(const struct sigaction *old)
{
	struct action *action = actions;

	while (action && (action->old.sa_handler != old->sa_handler ||
			  action->old.sa_flags != old->sa_flags)) {
		action = action->next;
	}
	if (!action) {
		action = calloc(1, sizeof(*action));
		if (!action) {
			return NULL;
		}
		action->old = *old;
		action->next = actions;
		actions = action;
	}
	return &action->old;
}

/* Whoever put in another handler since then gets what is not this library's. */
static int install(void)
{
	struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction now;
	const struct sigaction *old;

	if (sigaction(SIGBUS, NULL, &now) != 0 || now.sa_sigaction == on_sigbus) {
		return 0;
	}
	old = remember(&now);
	if (!old) {
		return -ENOMEM;
	}
	if (!first) {
		__atomic_store_n(&first, old, __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&before, old, __ATOMIC_SEQ_CST);
	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, NULL);
	return 0;
}

int csm_fault_add(void *start, size_t size)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = install();
	if (ret == 0) {
		ret = add_range(start, size);
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

void csm_fault_remove(void *start)
{
	pthread_mutex_lock(&lock);
	for (struct range *range = ranges; range; range = range->next) {
		if (is_used(range) && range->start == (uintptr_t)start) {
			__atomic_store_n(&range->size, 0, __ATOMIC_SEQ_CST);
		}
	}
	pthread_mutex_unlock(&lock);
}

int csm_protect(int (*fn)(void *arg), void *arg)
{
	struct frame frame;
	int ret = -ENOTCONN;

	frame.outer = innermost;
	/* Saving the mask would cost a system call each time; the handler is told it. */
	if (sigsetjmp(frame.back, 0) == 0) {
		innermost = &frame;
		ret = fn(arg);
	} else {
		pthread_sigmask(SIG_SETMASK, &frame.mask, NULL);
	}
	innermost = frame.outer;
	return ret;
}
