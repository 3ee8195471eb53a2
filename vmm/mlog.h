// SPDX-License-Identifier: BSD-3-Clause
/*
 * The measurement log of a realm: the operations that the RMM has measured, in order, for those who
 * want to know why a RIM is what it is. JSON objects, one to a line; cca-measure(1), LOG, defines
 * them and checks them.
 *
 * Nobody has to trust a log: the RIM that it leads to is the token's, or the log is of no use.
 */
#ifndef VMM_MLOG_H
#define VMM_MLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "layout/layout.h"

struct mlog {
	FILE *file;       /* NULL: no log is wanted, and nothing below does anything */
	const char *path; /* for messages; the caller's */
	uint8_t hash;     /* RMI_HASH_* of the realm */
};

/*
 * Makes the file at path, or empties it; NULL: no log. False, with a message, if it cannot be
 * written. A FIFO that nobody reads counts as such: nobody is waited for.
 */
bool mlog_open(struct mlog *log, const char *path);

/* RMI_REALM_CREATE with the parameters of the layout; rpv is not measured, and 64 bytes. */
void mlog_realm(struct mlog *log, const struct layout *layout, const uint8_t *rpv);

/* RMI_RTT_INIT_RIPAS of [base, base + size), as layout_ops.init_ripas says. */
void mlog_ripas(struct mlog *log, uint64_t base, uint64_t size);

/* RMI_DATA_CREATE of each page of a file, as layout_ops.data_create says. */
void mlog_data(struct mlog *log, uint64_t ipa, struct layout_file file, uint64_t flags);

/* RMI_REC_CREATE. Only a runnable REC is measured; the log has all of them. */
void mlog_rec(struct mlog *log, uint64_t mpidr, uint64_t flags, uint64_t pc,
	      const uint64_t gprs[8]);

/* Closes the file. False, with a message, if a byte of the log has not been taken. */
bool mlog_close(struct mlog *log);

#endif
