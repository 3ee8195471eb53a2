// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes on, for people and for tests: caec/granules and caec/realms in debugfs. The format is
 * no interface: one "name value" a line.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "caec.h"

static const char *const count_names[CAEC_COUNTS] = {
	[CAEC_COUNT_IRQ] = "irq",         [CAEC_COUNT_FIQ] = "fiq",
	[CAEC_COUNT_WFI] = "wfi",         [CAEC_COUNT_FAULT] = "fault",
	[CAEC_COUNT_SHARE] = "share",     [CAEC_COUNT_MMIO] = "mmio",
	[CAEC_COUNT_SYSREG] = "sysreg",   [CAEC_COUNT_PSCI] = "psci",
	[CAEC_COUNT_RIPAS] = "ripas",     [CAEC_COUNT_HOST_CALL] = "host_call",
	[CAEC_COUNT_SERROR] = "serror",   [CAEC_COUNT_CSM] = "csm",
	[CAEC_COUNT_OTHER] = "other",     [CAEC_COUNT_ENTRY] = "entries",
	[CAEC_COUNT_TIMER] = "timer_irq", [CAEC_COUNT_TIMER_FULL] = "timer_full",
};

static const char *const state_names[] = {
	[CAEC_NEW] = "new", [CAEC_ACTIVE] = "active", [CAEC_DEAD] = "ending"};

static struct dentry *root;

static int granules_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "delegated %llu\n", caec_granules_delegated());
	seq_printf(m, "leaked %llu\n", caec_granules_leaked());
	seq_printf(m, "realms %u\n", caec_realm_count());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(granules);

/* The counters are read without their locks: a torn view of a moving target does no harm here. */
static void show_realm(struct seq_file *m, struct caec_realm *realm)
{
	const struct caec_stats *stats = &realm->stats;
	int i;

	seq_printf(m, "realm %u\nname %s\npid %d\nstate %s\nvmid %d\nvcpus %u\n", realm->id,
		   realm->name, realm->pid, state_names[realm->state], realm->vmid,
		   realm->num_vcpus);
	seq_printf(m, "granules %lld\ndata %llu\ntables %llu\nrecs %llu\napt %u\nshared %llu\n",
		   (s64)atomic64_read(&realm->granules), stats->data, stats->tables, stats->recs,
		   realm->num_apt, stats->shared);
	seq_printf(m, "blocks_made %llu\n", stats->blocks);
	seq_printf(m, "refused %lld\nrefused_command %#x\nrefused_status %#llx\n",
		   (s64)atomic64_read(&realm->refused), READ_ONCE(realm->refused_command),
		   READ_ONCE(realm->refused_status));
	for (i = 0; i < CAEC_COUNTS; i++) {
		seq_printf(m, "%s %lld\n", count_names[i], (s64)atomic64_read(&realm->counts[i]));
	}
	seq_putc(m, '\n');
}

static int realms_show(struct seq_file *m, void *unused)
{
	struct caec_realm *realm;

	spin_lock(&caec_realms_lock);
	list_for_each_entry (realm, &caec_realms, list) {
		show_realm(m, realm);
	}
	spin_unlock(&caec_realms_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(realms);

/* Where the range lies that a realm gave to others last: "name ipa physical". */
static int sharing_show(struct seq_file *m, void *unused)
{
	struct caec_realm *realm;

	spin_lock(&caec_realms_lock);
	list_for_each_entry (realm, &caec_realms, list) {
		u64 base = READ_ONCE(realm->provided);
		struct page *page = base ? xa_load(&realm->data, base >> PAGE_SHIFT) : NULL;

		if (page) {
			seq_printf(m, "%s %llx %llx\n", realm->name, base, (u64)page_to_phys(page));
		}
	}
	spin_unlock(&caec_realms_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sharing);

/*
 * The files below /sys/kernel/debug/caec. A kernel without debugfs has none, which is no error.
 */
void caec_debug_init(void)
{
	root = debugfs_create_dir("caec", NULL);
	debugfs_create_file("granules", 0400, root, NULL, &granules_fops);
	debugfs_create_file("realms", 0400, root, NULL, &realms_fops);
	debugfs_create_file("csm", 0400, root, NULL, &sharing_fops);
}

/* Undoes caec_debug_init(). */
void caec_debug_exit(void)
{
	debugfs_remove(root);
}
