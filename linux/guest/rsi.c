// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls to the RMM: the only file that leaves the realm.
 */
#include <linux/arm-smccc.h>

#include <asm/rsi.h>

#include "guest.h"

/*
 * One call to the RMM. In: x[0] to x[5]; out: x[0], the status, to x[9]. The RMM may ask to be
 * called again: see csmdev_rsi_finish(). Any context that may be interrupted.
 */
void csmdev_rsi(struct csmdev_regs *regs)
{
	struct arm_smccc_1_2_regs smc = {
		.a0 = regs->x[0],
		.a1 = regs->x[1],
		.a2 = regs->x[2],
		.a3 = regs->x[3],
		.a4 = regs->x[4],
		.a5 = regs->x[5],
	};

	arm_smccc_1_2_smc(&smc, &smc);
	*regs = (struct csmdev_regs){
		.x = {smc.a0, smc.a1, smc.a2, smc.a3, smc.a4, smc.a5, smc.a6, smc.a7, smc.a8,
		      smc.a9},
	};
}

/* 0 with the revision; ENODEV and a message that says what is missing. */
int csmdev_rsi_detect(u64 *revision)
{
	struct csmdev_regs regs = {.x = {RSI_FEATURES_FID, CSM_FEATURE_INDEX}};

	if (!is_realm_world()) {
		pr_err("caec_guest: this kernel does not run in a realm\n");
		return -ENODEV;
	}
	csmdev_rsi(&regs);
	if (regs.x[0] != RSI_SUCCESS || regs.x[1] == 0) {
		pr_err("caec_guest: this RMM has no confidential shared memory\n");
		return -ENODEV;
	}
	*revision = regs.x[1];
	if (ABI_REVISION_MAJOR(*revision) != ABI_REVISION_MAJOR(CSM_REVISION)) {
		pr_err("caec_guest: the RMM offers CSM %llu.%llu, this module needs %d.x\n",
		       ABI_REVISION_MAJOR(*revision), ABI_REVISION_MINOR(*revision),
		       ABI_REVISION_MAJOR(CSM_REVISION));
		return -ENODEV;
	}
	return 0;
}
