// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host module of CAEC: lets user space build and run realms on a stock kernel at EL2.
 */
#include <linux/arm-smccc.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

#include <asm/virt.h>

#include "abi/csm.h"
#include "caec.h"

struct caec_rmm caec_rmm;

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "caec",
	.fops = &caec_device_fops,
	.mode = 0600,
};

/* ----------------------------------------------------------------- the RMM */

/* 0 with caec_rmm filled in; ENODEV and a message that says what is missing. */
static int find_rmm(void)
{
	struct caec_rmi_out out;
	u64 status;

	if (!is_kernel_in_hyp_mode()) {
		pr_err("caec: the kernel does not run at EL2 (VHE), realms are out of its reach\n");
		return -ENODEV;
	}
	if (arm_smccc_1_1_get_conduit() != SMCCC_CONDUIT_SMC) {
		pr_err("caec: firmware is not called by SMC, so there is no RMM\n");
		return -ENODEV;
	}
	status = caec_rmi(RMI_VERSION_FID, RMI_REVISION, 0, 0, 0, &out);
	if (status == (u64)SMCCC_RET_NOT_SUPPORTED) {
		pr_err("caec: no RMM answers: the firmware has no realm world\n");
		return -ENODEV;
	}
	caec_rmm.lower = out.x1;
	caec_rmm.higher = out.x2;
	if (status != RMI_SUCCESS) {
		pr_err("caec: the RMM offers RMI %llu.%llu to %llu.%llu, this module needs 1.0\n",
		       ABI_REVISION_MAJOR(out.x1), ABI_REVISION_MINOR(out.x1),
		       ABI_REVISION_MAJOR(out.x2), ABI_REVISION_MINOR(out.x2));
		return -ENODEV;
	}
	return 0;
}

/*
 * Features of the RMM into caec_rmm. An RMM without CSM, or with another major revision of it,
 * counts as one without. ENODEV: it tells nothing.
 */
static int read_features(void)
{
	struct caec_rmi_out out;

	if (caec_rmi(RMI_FEATURES_FID, 0, 0, 0, 0, &out) != RMI_SUCCESS) {
		pr_err("caec: the RMM does not tell its features\n");
		return -ENODEV;
	}
	caec_rmm.features0 = out.x1;
	caec_rmm.num_lrs = ABI_FIELD_GET(RMI_FEATURE0_GICV3_NUM_LRS, out.x1) + 1;
	if (caec_rmi(RMI_FEATURES_FID, CSM_FEATURE_INDEX, 0, 0, 0, &out) == RMI_SUCCESS &&
	    ABI_REVISION_MAJOR(out.x1) == ABI_REVISION_MAJOR(CSM_REVISION)) {
		caec_rmm.csm_revision = out.x1;
	}
	return 0;
}

static void say_hello(void)
{
	u64 f = caec_rmm.features0;

	pr_info("caec: RMM with RMI %llu.%llu, IPA %llu bits, %u list registers, CSM %s\n",
		ABI_REVISION_MAJOR(caec_rmm.lower), ABI_REVISION_MINOR(caec_rmm.lower),
		ABI_FIELD_GET(RMI_FEATURE0_S2SZ, f), caec_rmm.num_lrs,
		caec_rmm.csm_revision ? "available" : "not available");
}

/* --------------------------------------------------------------- going down */

/* The next kernel, or a crash dump, must not meet memory that it cannot touch. */
static int on_reboot(struct notifier_block *block, unsigned long action, void *data)
{
	spin_lock(&caec_realms_lock);
	caec_rmm.stopping = true;
	spin_unlock(&caec_realms_lock);
	caec_realm_end_all();
	pr_info("caec: %llu granules delegated at shutdown\n", caec_granules_delegated());
	return NOTIFY_DONE;
}

/* Hibernation copies all memory, and realm memory cannot be read. */
static int on_suspend(struct notifier_block *block, unsigned long action, void *data)
{
	bool hibernation = action == PM_HIBERNATION_PREPARE || action == PM_RESTORE_PREPARE;

	if (hibernation && caec_granules_delegated()) {
		pr_warn("caec: no hibernation while realms exist\n");
		return NOTIFY_BAD;
	}
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = {.notifier_call = on_reboot};
static struct notifier_block suspend_block = {.notifier_call = on_suspend};

/* ------------------------------------------------------------------- module */

/*
 * Everything that must be there before the first realm. On failure what was started is stopped
 * again.
 */
static int start_services(void)
{
	int ret = caec_realms_init();

	if (ret) {
		return ret;
	}
	ret = caec_ppi_init();
	if (ret) {
		goto no_ppi;
	}
	ret = register_reboot_notifier(&reboot_block);
	if (ret) {
		goto no_reboot;
	}
	ret = register_pm_notifier(&suspend_block);
	if (ret) {
		goto no_suspend;
	}
	return 0;
no_suspend:
	unregister_reboot_notifier(&reboot_block);
no_reboot:
	caec_ppi_exit();
no_ppi:
	caec_realms_exit();
	return ret;
}

static void stop_services(void)
{
	unregister_pm_notifier(&suspend_block);
	unregister_reboot_notifier(&reboot_block);
	caec_realms_exit();
	caec_ppi_exit();
}

/*
 * ENODEV: no usable RMM, which the log explains; or an error of a kernel service. Nothing is left
 * behind then.
 */
static int __init caec_init(void)
{
	int ret = find_rmm();

	if (!ret) {
		ret = read_features();
	}
	if (!ret) {
		ret = start_services();
	}
	if (ret) {
		return ret;
	}
	caec_debug_init();
	ret = misc_register(&device);
	if (ret) {
		caec_debug_exit();
		stop_services();
		return ret;
	}
	say_hello();
	return 0;
}

/* Files hold the module, so no realm is in use; teardowns under way are waited for. */
static void __exit caec_exit(void)
{
	misc_deregister(&device);
	stop_services();
	caec_debug_exit();
}

module_init(caec_init);
module_exit(caec_exit);
MODULE_DESCRIPTION("CAEC: realms for a stock host kernel");
MODULE_LICENSE("GPL");
