// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupts of the EL1 virtual timer and of GIC maintenance end a realm's turn only while they
 * are enabled in the host's interrupt controller. KVM, where it runs, owns and enables both.
 * Without KVM the module does: the handlers have nothing to do, since the RMM has dropped the line
 * before the host can acknowledge it.
 */
#include <linux/cpuhotplug.h>
#include <linux/interrupt.h>
#include <linux/namei.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/percpu.h>

#include "caec.h"

#define TIMER_VIRTUAL_INDEX 2 /* of the timer node's interrupts */

static struct {
	unsigned int irq;
	const char *name;
} lines[] = {{.name = "caec-timer"}, {.name = "caec-gic"}};

static int __percpu *cookie;
static enum cpuhp_state hotplug;
static bool owned;

static irqreturn_t nothing_to_do(int irq, void *data)
{
	return IRQ_HANDLED;
}

static int lines_on(unsigned int cpu)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		enable_percpu_irq(lines[i].irq, IRQ_TYPE_NONE);
	}
	return 0;
}

static int lines_off(unsigned int cpu)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		disable_percpu_irq(lines[i].irq);
	}
	return 0;
}

static bool kvm_runs(void)
{
	struct path path;

	if (kern_path("/dev/kvm", 0, &path)) {
		return false;
	}
	path_put(&path);
	return true;
}

static unsigned int find_line(const char *compatible, int index)
{
	struct device_node *node = of_find_compatible_node(NULL, NULL, compatible);
	unsigned int irq = node ? irq_of_parse_and_map(node, index) : 0;

	of_node_put(node);
	return irq;
}

/*
 * Takes both interrupts. ENOENT: the device tree does not name one. On failure neither is taken.
 */
static int request_lines(void)
{
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		ret = lines[i].irq ? request_percpu_irq(lines[i].irq, nothing_to_do, lines[i].name,
							cookie)
				   : -ENOENT;
		if (ret) {
			while (i-- > 0) {
				free_percpu_irq(lines[i].irq, cookie);
			}
			return ret;
		}
	}
	return 0;
}

static void release_lines(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		free_percpu_irq(lines[i].irq, cookie);
	}
}

/* Without the lines realms still run, with timers as coarse as the host's tick: never an error. */
int caec_ppi_init(void)
{
	int ret;

	if (kvm_runs()) {
		return 0;
	}
	lines[0].irq = find_line("arm,armv8-timer", TIMER_VIRTUAL_INDEX);
	lines[1].irq = find_line("arm,gic-v3", 0);
	cookie = alloc_percpu(int);
	if (!cookie) {
		return -ENOMEM;
	}
	ret = request_lines();
	if (!ret) {
		ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "caec:online", lines_on, lines_off);
		if (ret < 0) {
			release_lines();
		}
	}
	if (ret < 0) {
		pr_notice("caec: timer interrupts are not available (%d): timers of realms are "
			  "coarse\n",
			  ret);
		free_percpu(cookie);
		return 0;
	}
	hotplug = ret;
	owned = true;
	return 0;
}

/* Undoes caec_ppi_init(). No vCPU runs any more. */
void caec_ppi_exit(void)
{
	if (owned) {
		cpuhp_remove_state(hotplug);
		release_lines();
		free_percpu(cookie);
	}
}
