// SPDX-License-Identifier: BSD-3-Clause
/*
 * Accesses to shared memory that may be gone. A thread that is inside csm_protect() leaves it by a
 * jump when it takes SIGBUS; everybody else's SIGBUS goes where it went before.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

#include "libcsm_internal.h"

struct frame {
	sigjmp_buf back;
	sigset_t mask; /* before the signal */
	struct frame *outer;
};

static _Thread_local struct frame *volatile innermost;
static struct sigaction before;
static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER;

static void pass_on(int number, siginfo_t *info, void *context)
{
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(number, info, context);
	} else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(number);
	} else {
		/* The access is tried again, and then ends the process as it would have. */
		sigaction(SIGBUS, &before, NULL);
	}
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	struct frame *frame = innermost;

	if (frame && info->si_code > 0) {
		frame->mask = ((const ucontext_t *)context)->uc_sigmask;
		siglongjmp(frame->back, 1);
	}
	pass_on(number, info, context);
}

/* Whoever put in another handler since then gets what is not ours. */
void csm_fault_prepare(void)
{
	struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction now;

	pthread_mutex_lock(&installing);
	if (sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction != on_sigbus) {
		before = now;
		sigemptyset(&action.sa_mask);
		sigaction(SIGBUS, &action, NULL);
	}
	pthread_mutex_unlock(&installing);
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
