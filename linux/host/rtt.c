// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translation tables of levels 2 and 3 below the single start table of level 1. The records here
 * say what exists; an RMM that disagrees makes the operation fail, never the host. All functions:
 * caller holds realm.mem_lock, or is the only one left (teardown).
 */
#include <linux/sched.h>

#include "caec.h"

/* For 2 MiB blocks a spare granule must be at hand: without it a block could not be taken apart. */
static int keep_spare(struct caec_realm *realm)
{
	struct page *page = realm->spare ? realm->spare : caec_granule_alloc(realm);

	if (IS_ERR(page)) {
		return PTR_ERR(page);
	}
	realm->spare = page;
	return 0;
}

static struct page *take_granule(struct caec_realm *realm)
{
	struct page *page = caec_granule_alloc(realm);

	if (IS_ERR(page) && realm->spare) {
		page = realm->spare;
		realm->spare = NULL;
	}
	return page;
}

/*
 * One table of level 2 or 3 at base. ENOMEM, after the spare granule is used up; EIO: the RMM
 * refuses it (RMI_RTT_CREATE). Nothing is left then. Caller holds mem_lock.
 */
static int create_table(struct caec_realm *realm, u64 base, int level)
{
	struct page *page = take_granule(realm);
	u64 status;
	int ret;

	if (IS_ERR(page)) {
		return PTR_ERR(page);
	}
	ret = xa_err(
		xa_store(&realm->tables, caec_table_key(base, level), page, GFP_KERNEL_ACCOUNT));
	if (ret) {
		caec_granule_free(realm, page);
		return ret;
	}
	status =
		caec_rmi(RMI_RTT_CREATE_FID, caec_rd(realm), page_to_phys(page), base, level, NULL);
	if (status != RMI_SUCCESS) {
		pr_warn_ratelimited("caec: RTT_CREATE %#llx level %d: %#llx\n", base, level,
				    status);
		xa_erase(&realm->tables, caec_table_key(base, level));
		caec_granule_free(realm, page);
		return caec_rmi_refused(realm, RMI_RTT_CREATE_FID, status);
	}
	realm->stats.tables++;
	if (level == RMI_LEVEL_PAGE) {
		xa_erase(&realm->blocks, base / CAEC_BLOCK_SIZE);
	}
	return 0;
}

/*
 * Makes the tables down to level (2 or 3) that an IPA of either half needs. 0, or the errors of
 * caec_granule_alloc(), or EPROTO the RMM refuses the table.
 */
int caec_rtt_ensure(struct caec_realm *realm, u64 ipa, int level)
{
	int l, ret;

	for (l = 2; l <= level; l++) {
		u64 base = ipa & ~(caec_level_size(l - 1) - 1);

		if (xa_load(&realm->tables, caec_table_key(base, l))) {
			continue;
		}
		ret = create_table(realm, base, l);
		if (ret) {
			return ret;
		}
	}
	return 0;
}

/* Forgets a table whose granule the RMM has just given back as pa. */
static void drop_table(struct caec_realm *realm, u64 base, int level, u64 pa)
{
	struct page *page = xa_erase(&realm->tables, caec_table_key(base, level));

	if (WARN_ON_ONCE(!page || page_to_phys(page) != pa)) {
		return;
	}
	realm->stats.tables--;
	if (level == RMI_LEVEL_PAGE && !realm->spare) {
		realm->spare = page;
		return;
	}
	caec_granule_free(realm, page);
}

/*
 * Turns the 2 MiB around ipa into one block and gives back the table, where the RMM finds it
 * uniform and no edge of a region of CSM in it. Where not, the table stays, which is no error.
 */
void caec_rtt_try_fold(struct caec_realm *realm, u64 ipa)
{
	u64 base = ipa & ~(u64)(CAEC_BLOCK_SIZE - 1);
	struct caec_rmi_out out;
	int ret;

	if (keep_spare(realm)) {
		return;
	}
	/* The note of the block comes first: it must not fail once the table is gone. */
	ret = xa_err(xa_store(&realm->blocks, base / CAEC_BLOCK_SIZE, xa_mk_value(1),
			      GFP_KERNEL_ACCOUNT));
	if (ret) {
		return;
	}
	if (caec_rmi(RMI_RTT_FOLD_FID, caec_rd(realm), base, RMI_LEVEL_PAGE, 0, &out) !=
	    RMI_SUCCESS) {
		xa_erase(&realm->blocks, base / CAEC_BLOCK_SIZE);
		return;
	}
	drop_table(realm, base, RMI_LEVEL_PAGE, out.x1);
	realm->stats.blocks++;
}

/* Gives back the level-3 table of 2 MiB in which nothing is assigned, if the RMM finds it uniform.
 */
void caec_rtt_fold_empty(struct caec_realm *realm, u64 ipa)
{
	struct caec_rmi_out out;

	if (xa_load(&realm->tables, caec_table_key(ipa, RMI_LEVEL_PAGE)) &&
	    caec_rmi(RMI_RTT_FOLD_FID, caec_rd(realm), ipa, RMI_LEVEL_PAGE, 0, &out) ==
		    RMI_SUCCESS) {
		drop_table(realm, ipa, RMI_LEVEL_PAGE, out.x1);
	}
}

/* Teardown: one table that holds nothing live any more. */
void caec_rtt_destroy_one(struct caec_realm *realm, u64 base, int level)
{
	struct caec_rmi_out out;
	u64 status;

	status = caec_rmi(RMI_RTT_DESTROY_FID, caec_rd(realm), base, level, 0, &out);
	if (status == RMI_SUCCESS) {
		drop_table(realm, base, level, out.x1);
	} else {
		pr_err("caec: RTT_DESTROY %#llx level %d: %#llx\n", base, level, status);
	}
}

static void destroy_level(struct caec_realm *realm, int level)
{
	struct page *page;
	unsigned long key;

	xa_for_each (&realm->tables, key, page) {
		if ((int)(key & 3) == level) {
			caec_rtt_destroy_one(realm, (u64)(key >> 2) << PAGE_SHIFT, level);
			cond_resched();
		}
	}
}

/* Teardown: every table of both halves, after the data is gone. */
void caec_rtt_destroy_all(struct caec_realm *realm)
{
	destroy_level(realm, 3);
	destroy_level(realm, 2);
	if (realm->spare) {
		caec_granule_free(realm, realm->spare);
		realm->spare = NULL;
	}
}
