// SPDX-License-Identifier: BSD-3-Clause
/* cca-measure: the measurement log of a realm. */
#ifndef CCA_LOG_H
#define CCA_LOG_H

#include "tools/measure.h"

/* The most pages that all "ripas" of a log may have: 256 GiB of RAM, as rvm's realms can have. */
#define LOG_RIPAS_PAGES (UINT64_C(1) << 26)

/*
 * Measures the realm that the log describes: m->rim is then the RIM of the log, whatever it departs
 * from. With an image, the log is compared with what rvm does for it; *departures is their number,
 * and standard error names the first ones by line. After an operation of another kind or place than
 * the reference has, the rest is measured but not compared.
 *
 * False with m->error if the log is none, by the line where it ceases to be one. Memory is bounded,
 * whatever the log says.
 */
bool measure_log(struct measuring *m, FILE *log, const struct layout_config *image,
		 uint64_t *departures);

#endif
