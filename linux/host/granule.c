// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages on loan to the realm world. Memory is charged to the memory cgroup of whoever causes the
 * allocation, and counted against RLIMIT_MEMLOCK of the realm's process as pinned memory (VmPin).
 */
#include <linux/capability.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "caec.h"

static atomic64_t delegated;
static atomic64_t leaked;

/* Granules delegated now, machine-wide, lost ones included. */
u64 caec_granules_delegated(void)
{
	return atomic64_read(&delegated);
}

/* Granules that the RMM has not given back, which stay allocated for ever. */
u64 caec_granules_leaked(void)
{
	return atomic64_read(&leaked);
}

/* Counts pages against the limit of the realm's process: 0, or EDQUOT and nothing counted. */
int caec_charge(struct caec_realm *realm, long pages)
{
	u64 limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	u64 now = atomic64_add_return(pages, &realm->mm->pinned_vm);

	if (now > limit && !capable(CAP_IPC_LOCK)) {
		atomic64_sub(pages, &realm->mm->pinned_vm);
		return -EDQUOT;
	}
	atomic64_add(pages, &realm->charged);
	return 0;
}

/* Gives back what caec_charge() has counted. */
void caec_uncharge(struct caec_realm *realm, long pages)
{
	atomic64_sub(pages, &realm->charged);
	atomic64_sub(pages, &realm->mm->pinned_vm);
}

/* 0, or EREMOTEIO: the RMM does not take this page, and it stays the kernel's. */
static int delegate(struct caec_realm *realm, struct page *page)
{
	u64 status = caec_rmi(RMI_GRANULE_DELEGATE_FID, page_to_phys(page), 0, 0, 0, NULL);

	if (status != RMI_SUCCESS) {
		pr_warn_ratelimited("caec: DELEGATE %pa refused: %#llx\n",
				    &(phys_addr_t){page_to_phys(page)}, status);
		caec_rmi_refused(realm, RMI_GRANULE_DELEGATE_FID, status);
		return -EREMOTEIO;
	}
	atomic64_inc(&delegated);
	atomic64_inc(&realm->granules);
	return 0;
}

/*
 * Takes the page back and frees it. The caller must know that the RMM holds it as DELEGATED. A page
 * that the RMM does not give back stays allocated: whoever got it next would fault on it.
 */
void caec_granule_free(struct caec_realm *realm, struct page *page)
{
	u64 status = caec_rmi(RMI_GRANULE_UNDELEGATE_FID, page_to_phys(page), 0, 0, 0, NULL);

	if (status != RMI_SUCCESS) {
		atomic64_inc(&leaked);
		pr_err("caec: UNDELEGATE %pa refused: %#llx, page lost\n",
		       &(phys_addr_t){page_to_phys(page)}, status);
		return;
	}
	atomic64_dec(&delegated);
	atomic64_dec(&realm->granules);
	__free_page(page);
	caec_uncharge(realm, 1);
}

/*
 * A page in state DELEGATED, for caec_granule_free() to give back; or an error: ENOMEM memory or
 * memory cgroup exhausted, EDQUOT limit of the realm's process reached, EREMOTEIO the RMM does not
 * take the page. May sleep.
 */
struct page *caec_granule_alloc(struct caec_realm *realm)
{
	struct page *page;
	int ret = caec_charge(realm, 1);

	if (ret) {
		return ERR_PTR(ret);
	}
	page = alloc_page(GFP_KERNEL_ACCOUNT);
	ret = page ? delegate(realm, page) : -ENOMEM;
	if (!ret) {
		return page;
	}
	if (page) {
		__free_page(page);
	}
	caec_uncharge(realm, 1);
	return ERR_PTR(ret);
}

static void free_block(struct caec_realm *realm, struct page *first, unsigned int delegated_pages)
{
	unsigned int i;

	for (i = 0; i < CAEC_BLOCK_PAGES; i++) {
		if (i < delegated_pages) {
			caec_granule_free(realm, first + i);
		} else {
			__free_page(first + i);
			caec_uncharge(realm, 1);
		}
	}
}

/*
 * 512 pages that are contiguous and aligned to 2 MiB, each an ordinary page of its own, all
 * DELEGATED. ENOMEM where memory is too scattered or short for that: single pages may still do.
 * EDQUOT, EREMOTEIO as for a single page.
 */
int caec_granule_alloc_block(struct caec_realm *realm, struct page **first)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN;
	unsigned int i;
	int ret = caec_charge(realm, CAEC_BLOCK_PAGES);

	if (ret) {
		return ret;
	}
	*first = alloc_pages(gfp, CAEC_BLOCK_ORDER);
	if (!*first) {
		caec_uncharge(realm, CAEC_BLOCK_PAGES);
		return -ENOMEM;
	}
	split_page(*first, CAEC_BLOCK_ORDER);
	for (i = 0; i < CAEC_BLOCK_PAGES; i++) {
		ret = delegate(realm, *first + i);
		if (ret) {
			free_block(realm, *first, i);
			return ret;
		}
	}
	return 0;
}
