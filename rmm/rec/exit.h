// SPDX-License-Identifier: BSD-3-Clause
/*
 * Exits of a realm: what the RMM handles itself, and what the host gets to see of the rest
 * (RMM specification A4.3, A5.2).
 */
#ifndef RMM_REC_EXIT_H
#define RMM_REC_EXIT_H

#include "base/bits.h"
#include "rec/rec.h"

/*
 * Decides an exit that is not an SMC. True: the realm goes on. False: *exit, zero before, holds
 * what depends on the reason, and the REC what the next entry has to complete. The REC is loaded.
 */
bool rec_handle_exit(struct rec *rec, enum arch_exit kind, const struct arch_exit_info *info,
		     struct rmi_rec_exit *exit);

/*
 * Whether the realm may be entered now. False, with *exit an IRQ exit, if a timer's output has
 * changed since the host was last told. To be asked before every run. The REC is loaded.
 */
bool rec_may_run(struct rec *rec, struct rmi_rec_exit *exit);

/* The fields that every exit carries: GIC, timers, PMU. The REC has been saved. */
void rec_report_common(struct rec *rec, struct rmi_rec_exit *exit);

/*
 * Whether the exit is a fault of translation at a protected page, for somebody to decide who knows
 * more of that page / and what the host is told, as of a missing table, if the answer was that it
 * has to provide one for the walk to get beyond `level`.
 */
bool rec_is_missing_page(const struct rec *rec, enum arch_exit kind,
			 const struct arch_exit_info *info, ipa_t *page);
void rec_report_missing(struct rec *rec, const struct arch_exit_info *info, int level,
			struct rmi_rec_exit *exit);

/* Parts of rec_handle_exit(), each as it. */
bool rec_handle_abort(struct rec *rec, const struct arch_exit_info *info,
		      struct rmi_rec_exit *exit);
bool rec_handle_sysreg(struct rec *rec, uint64_t esr, struct rmi_rec_exit *exit);

/* Value of general register n as an instruction reads it; 31 is the zero register. */
static inline uint64_t rec_register(const struct rec *rec, uint64_t n)
{
	return n < 31 ? rec->vcpu.gprs[index_clamp(n, 31)] : 0;
}

static inline void rec_set_register(struct rec *rec, uint64_t n, uint64_t value)
{
	if (n < 31) {
		rec->vcpu.gprs[index_clamp(n, 31)] = value;
	}
}

#endif
