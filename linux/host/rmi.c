// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls to the RMM: the only file that leaves the host. The form with all registers is used
 * throughout: RTT_READ_ENTRY answers in x4, and nothing then depends on what an RMM leaves in the
 * registers it does not use.
 */
#include <linux/arm-smccc.h>

#include "caec.h"
#include "compat.h"

static u64 call(struct arm_smccc_1_2_regs *regs, struct caec_rmi_out *out)
{
	arm_smccc_1_2_smc(regs, regs);
	if (out) {
		out->x1 = regs->a1;
		out->x2 = regs->a2;
		out->x3 = regs->a3;
		out->x4 = regs->a4;
	}
	return regs->a0;
}

/*
 * One RMI command with up to four arguments: its status (x0). out, where not NULL, gets x1 to x4.
 * Any context; long commands stop for interrupts by themselves and are called again by the caller.
 */
u64 caec_rmi(u32 fid, u64 x1, u64 x2, u64 x3, u64 x4, struct caec_rmi_out *out)
{
	struct arm_smccc_1_2_regs regs = {.a0 = fid, .a1 = x1, .a2 = x2, .a3 = x3, .a4 = x4};

	return call(&regs, out);
}

/* RMI_DATA_CREATE, the only command with five arguments: its status. */
u64 caec_rmi_data_create(u64 rd, u64 data, u64 ipa, u64 src, u64 flags)
{
	struct arm_smccc_1_2_regs regs = {
		.a0 = RMI_DATA_CREATE_FID,
		.a1 = rd,
		.a2 = data,
		.a3 = ipa,
		.a4 = src,
		.a5 = flags,
	};

	return call(&regs, NULL);
}

/* Between the two state changes the kernel does not watch this CPU: nothing traceable in there. */
static noinstr void enter_irqoff(struct arm_smccc_1_2_regs *regs)
{
	guest_state_enter_irqoff();
	arm_smccc_1_2_smc(regs, regs);
	guest_state_exit_irqoff();
}

/*
 * RMI_REC_ENTER of the REC at physical address rec, with the run page at run. Caller has interrupts
 * masked and the guest's time started. The RMM's status.
 */
u64 caec_rmi_enter(u64 rec, u64 run)
{
	struct arm_smccc_1_2_regs regs = {.a0 = RMI_REC_ENTER_FID, .a1 = rec, .a2 = run};

	enter_irqoff(&regs);
	return regs.a0;
}

/*
 * Notes for CAEC_GET_STATS that the RMM has refused a command about this realm. The three values
 * belong together only when no other command is refused meanwhile. Always EPROTO, for callers that
 * had made sure of everything that the RMM checks.
 */
int caec_rmi_refused(struct caec_realm *realm, u32 fid, u64 status)
{
	atomic64_inc(&realm->refused);
	WRITE_ONCE(realm->refused_command, fid);
	WRITE_ONCE(realm->refused_status, status);
	return -EPROTO;
}
