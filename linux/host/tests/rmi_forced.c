// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linked instead of rmi.c, which it includes: the same calls to the same RMM, but for those that
 * the parameter forced_answer names, "COMMAND STATUS TIMES". The next so many calls of that command
 * do not reach the RMM and answer that status, with zero in all other registers. One user at a
 * time.
 */
#include <linux/arm-smccc.h>
#include <linux/compiler.h>
#include <linux/moduleparam.h>

static u32 forced_command;
static u64 forced_status;
static unsigned int forced_times;

static int set_forced(const char *text, const struct kernel_param *param)
{
	u32 command;
	u64 status;
	unsigned int times;

	if (sscanf(text, "%i %lli %u", &command, &status, &times) != 3) {
		return -EINVAL;
	}
	WRITE_ONCE(forced_times, 0);
	WRITE_ONCE(forced_command, command);
	WRITE_ONCE(forced_status, status);
	smp_store_release(&forced_times, times);
	return 0;
}

static const struct kernel_param_ops forced_ops = {.set = set_forced};
module_param_cb(forced_answer, &forced_ops, NULL, 0200);

/* Inlined everywhere, since REC_ENTER comes from where nothing may be traced. */
static __always_inline void forced_smc(struct arm_smccc_1_2_regs *regs)
{
	unsigned int times = smp_load_acquire(&forced_times);

	if (times > 0 && (u32)regs->a0 == READ_ONCE(forced_command)) {
		WRITE_ONCE(forced_times, times - 1);
		*regs = (struct arm_smccc_1_2_regs){.a0 = READ_ONCE(forced_status)};
		return;
	}
	arm_smccc_1_2_smc(regs, regs);
}

#define arm_smccc_1_2_smc(in, out) forced_smc(in)
#include "rmi.c"
