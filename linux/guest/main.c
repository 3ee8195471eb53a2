// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest module of CAEC: confidential shared memory for programs in a realm with a stock kernel.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/reboot.h>

#include "csmfs.h"
#include "guest.h"

struct csmdev_realm csmdev_realm;

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "csm",
	.fops = &csmdev_device_fops,
	.mode = 0600,
};

/* ------------------------------------------------------------- device tree */

/* What the VMM provides: addresses for attachments, and an interrupt. Either may be missing. */
static int probe(struct platform_device *pdev)
{
	struct resource *where = platform_get_resource(pdev, IORESOURCE_MEM, 0);
	int irq = platform_get_irq_optional(pdev, 0);
	int ret = where ? csmdev_window_set(where) : 0;

	if (ret) {
		dev_err(&pdev->dev, "window %pR: %d\n", where, ret);
		return ret;
	}
	if (irq == -EPROBE_DEFER) {
		csmdev_window_drop();
		return irq;
	}
	if (irq > 0 && !csmdev_signal_has_irq()) {
		ret = csmdev_signal_use_irq(irq);
		if (ret) {
			dev_warn(&pdev->dev, "no interrupt (%d), signals are polled for\n", ret);
		}
	}
	return 0;
}

/* Only when the module goes: there is no unbinding by hand. */
static void unprobe(struct platform_device *pdev)
{
	csmdev_signal_drop_irq();
	csmdev_window_drop();
}

static const struct of_device_id matches[] = {{.compatible = "caec,csm"}, {}};
MODULE_DEVICE_TABLE(of, matches);

static struct platform_driver driver = {
	.probe = probe,
	.remove = unprobe,
	.driver =
		{
			.name = "caec-csm",
			.of_match_table = matches,
			.suppress_bind_attrs = true,
		},
};

/* ------------------------------------------------------------------- module */

static int on_reboot(struct notifier_block *block, unsigned long action, void *data)
{
	csmdev_obj_end_all();
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = {.notifier_call = on_reboot};

static int find_self(void)
{
	struct csmdev_regs regs = {.x = {RSI_CSM_SELF_FID}};

	csmdev_rsi(&regs);
	csmdev_realm.id = regs.x[1];
	return regs.x[0] == RSI_SUCCESS && csmdev_realm.id != 0 ? 0 : -EIO;
}

static int prepare(void)
{
	int ret = csmdev_rsi_detect(&csmdev_realm.revision);

	if (!ret) {
		ret = find_self();
	}
	if (!ret) {
		ret = csmdev_region_init();
	}
	return ret;
}

/*
 * Registers with the kernel: driver first, so that window and interrupt are there before programs.
 * Nothing is left registered after an error.
 */
static int start(void)
{
	int ret = platform_driver_register(&driver);

	if (ret) {
		return ret;
	}
	ret = register_reboot_notifier(&reboot_block);
	if (ret) {
		goto no_reboot;
	}
	ret = csmfs_init();
	if (ret) {
		goto no_fs;
	}
	ret = misc_register(&device);
	if (ret) {
		goto no_device;
	}
	return 0;
no_device:
	csmfs_exit();
no_fs:
	unregister_reboot_notifier(&reboot_block);
no_reboot:
	platform_driver_unregister(&driver);
	return ret;
}

/*
 * ENODEV: no realm, or an RMM without CSM, which the log says; EINVAL: memory_limit is larger than
 * the memory; EIO; or an error of a kernel service. Nothing is left behind then.
 */
static int __init csmdev_init(void)
{
	int ret = prepare();

	if (ret) {
		return ret;
	}
	csmdev_guard_init();
	ret = start();
	if (ret) {
		csmdev_guard_exit();
		return ret;
	}
	pr_info("caec_guest: CSM %llu.%llu, window %llu MiB, signals %s\n",
		ABI_REVISION_MAJOR(csmdev_realm.revision),
		ABI_REVISION_MINOR(csmdev_realm.revision), csmdev_window_size() / SZ_1M,
		csmdev_signal_has_irq() ? "by interrupt" : "polled");
	return 0;
}

/* Files, mounts and persistent sharings hold the module, so there are none. */
static void __exit csmdev_exit(void)
{
	misc_deregister(&device);
	csmfs_exit();
	unregister_reboot_notifier(&reboot_block);
	platform_driver_unregister(&driver);
	csmdev_signal_exit();
	csmdev_guard_exit();
}

module_init(csmdev_init);
module_exit(csmdev_exit);
MODULE_DESCRIPTION("CAEC: confidential shared memory between realms");
MODULE_LICENSE("GPL");
