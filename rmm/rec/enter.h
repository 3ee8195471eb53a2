// SPDX-License-Identifier: BSD-3-Clause
/* What the host hands in with RMI_REC_ENTER: checking it, and completing the last exit with it. */
#ifndef RMM_REC_ENTER_H
#define RMM_REC_ENTER_H

#include "rec/rec.h"

/* The fields of RmiRecEnter, copied once (run_page_read()). gprs only if rec_wants_gprs(). */
struct rec_entry {
	uint64_t flags;
	uint64_t gprs[RMI_EXIT_GPRS];
	uint64_t gicv3_hcr;
	uint64_t gicv3_lrs[RMI_MAX_LRS];
};

/* Whether completing the last exit needs general registers of the host. Owner of the REC only. */
bool rec_wants_gprs(const struct rec *rec);

/* RMM specification A6.1: the interrupts the host asks for are ones it may ask for. */
bool rec_gic_valid(const struct rec_entry *entry);

/*
 * Takes over what applies to the coming run: interrupts and WFx traps. The REC is not loaded yet.
 */
void rec_prepare(struct rec *rec, const struct rec_entry *entry);

/*
 * Completes the last exit (RMM specification A4.3). The REC is loaded. False if the realm cannot go
 * on and *exit is the next exit: the page of a host call's result is not there.
 */
bool rec_complete(struct rec *rec, const struct rec_entry *entry, struct rmi_rec_exit *exit);

/* After a rec_complete() that was false: that page will not come, and the host call has failed. */
void rec_refuse_host_call(struct rec *rec);

#endif
