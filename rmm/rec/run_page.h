// SPDX-License-Identifier: BSD-3-Clause
/*
 * The run page of RMI_REC_ENTER (struct rmi_rec_run): what the host hands in, and what it gets back
 * (RMM specification B4.5). Only what a command uses is copied.
 */
#ifndef RMM_REC_RUN_PAGE_H
#define RMM_REC_RUN_PAGE_H

#include "map/map.h"
#include "rec/enter.h"

/*
 * Copies each field of the entry once; of list registers those that the CPU has, of general
 * registers none unless `gprs`. The others are unspecified. False if the page cannot be read.
 */
bool run_page_read(const struct map_host *page, bool gprs, struct rec_entry *entry);

/*
 * General registers of an exit that is not RMI_EXIT_HOST_CALL: no more than these are the host's.
 */
#define RUN_PAGE_GPRS 4U

/*
 * An exit of which nothing is said yet: zero in each field that run_page_write() copies, except in
 * those that rec_report_common() writes, and in general registers from RUN_PAGE_GPRS on, which
 * RSI_HOST_CALL writes all.
 */
void run_page_clear(struct rmi_rec_exit *exit);

/*
 * Writes the exit: its fields as said, and zero in everything else of the second half of the page.
 * False if the page cannot be written: part of it may have been.
 */
bool run_page_write(const struct map_host *page, const struct rmi_rec_exit *exit);

#endif
