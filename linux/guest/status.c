// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands from start to end, and their statuses as errno. Where a command's status says more than
 * csmdev_errno() knows, its caller looks at the status itself.
 */
#include <linux/sched/signal.h>

#include "guest.h"

/*
 * Repeats a command until it is done. regs then hold its results. EINTR: a fatal signal came while
 * work was left; the RMM remembers how far it got.
 */
int csmdev_rsi_finish(struct csmdev_regs *regs, bool killable)
{
	const struct csmdev_regs start = *regs;

	for (;;) {
		csmdev_rsi(regs);
		if (regs->x[0] != RSI_INCOMPLETE) {
			return 0;
		}
		if (killable && fatal_signal_pending(current)) {
			return -EINTR;
		}
		cond_resched();
		*regs = start;
	}
}

/*
 * What a status means by itself. RSI_ERROR_INPUT is EIO: the arguments that a program chooses are
 * checked before the call, so a command that lets the RMM check one maps this status itself.
 * RSI_ERROR_STATE has several causes in most commands: EBUSY says only that; the caller asks
 * RSI_CSM_QUERY which of them it is.
 */
int csmdev_errno(u64 status)
{
	switch (status) {
	case RSI_SUCCESS:
		return 0;
	case RSI_ERROR_STATE:
		return -EBUSY;
	case CSM_ERROR_ACCESS:
		return -EACCES;
	case CSM_ERROR_NO_SPACE:
		return -ENOSPC;
	case CSM_ERROR_NO_APT:
		return -ENXIO;
	case CSM_ERROR_PAGES:
		return -EHWPOISON;
	default:
		return -EIO;
	}
}

/* A command from start to end, killable; its status as an errno. */
int csmdev_rsi_call(struct csmdev_regs *regs)
{
	int ret = csmdev_rsi_finish(regs, true);

	return ret ? ret : csmdev_errno(regs->x[0]);
}
