// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory of a realm, as its own commands name it: by protected IPA. The page is mapped for the time
 * of the copy and cannot be taken away meanwhile (RMM specification A4.3.5, B5).
 */
#ifndef RMM_REC_MEMORY_H
#define RMM_REC_MEMORY_H

#include "rec/rec.h"

enum rec_memory {
	REC_MEMORY_DONE,
	REC_MEMORY_REFUSED, /* not the realm's to use so: RIPAS EMPTY, shared by another realm, or
			       sealed. The command answers with an error */
	REC_MEMORY_MISSING, /* the host has to provide the page first: *exit tells it so */
};

/*
 * Maps the granule of the protected half that ipa lies in, with its leaf table locked, until
 * rec_memory_close(). *at: where ipa is then, to be read or, with `write`, also written; valid only
 * for REC_MEMORY_DONE. The others, and *exit, as below.
 */
struct rec_memory_page {
	struct s2_walk walk;
	void *at;
};
enum rec_memory rec_memory_open(struct rec *rec, ipa_t ipa, bool write,
				struct rec_memory_page *page, struct rmi_rec_exit *exit);
void rec_memory_close(struct rec_memory_page *page);

/*
 * Copy `size` bytes at ipa, which lie in one granule of the protected half. *exit, zero before, is
 * filled only for REC_MEMORY_MISSING: a stage-2 data abort at that page.
 */
enum rec_memory rec_memory_read(struct rec *rec, ipa_t ipa, void *dst, size_t size,
				struct rmi_rec_exit *exit);
enum rec_memory rec_memory_write(struct rec *rec, ipa_t ipa, const void *src, size_t size,
				 struct rmi_rec_exit *exit);

/* The same for a whole page, ipa aligned: zeros, and over them what `fill` writes to the page. */
typedef void rec_page_fill(const struct rec *rec, void *page);
enum rec_memory rec_memory_write_page(struct rec *rec, ipa_t ipa, rec_page_fill *fill,
				      struct rmi_rec_exit *exit);

#endif
