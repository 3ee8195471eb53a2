// SPDX-License-Identifier: BSD-3-Clause
/*
 * Trapped system registers: identification is answered here, interrupts that only the host can send
 * go to the host, registers that do nothing in a realm read as zero, the rest do not exist.
 */
#include "rec/sysreg.h"

#include "rec/esr.h"
#include "rec/exit.h"
#include "rec/inject.h"

#define ICC_DIR_EL1    SYSREG(3, 0, 12, 11, 1)
#define ICC_SGI1R_EL1  SYSREG(3, 0, 12, 11, 5)
#define ICC_ASGI1R_EL1 SYSREG(3, 0, 12, 11, 6)
#define ICC_SGI0R_EL1  SYSREG(3, 0, 12, 11, 7)
#define ACTLR_EL1      SYSREG(3, 0, 1, 0, 1)

#define ISS_READ BIT(0)
#define ISS_RT   MASK(9, 5)

static bool is_identification(uint64_t name)
{
	uint64_t crm = bits_get(name, 4, 1);

	return (name & ~SYSREG(0, 0, 0, 15, 7)) == SYSREG(3, 0, 0, 0, 0) && crm >= 1 && crm <= 7;
}

static bool is_for_host(uint64_t name)
{
	return name == ICC_SGI1R_EL1 || name == ICC_ASGI1R_EL1 || name == ICC_SGI0R_EL1 ||
	       name == ICC_DIR_EL1;
}

/*
 * Error records (ERRIDR_EL1, ERRSELR_EL1, ERX..._EL1) are the machine's. A realm finds that there
 * are none, which FEAT_RAS allows.
 */
static bool is_error_record(uint64_t name)
{
	uint64_t crm = bits_get(name, 4, 1);

	return (name & ~SYSREG(0, 0, 0, 15, 7)) == SYSREG(3, 0, 5, 0, 0) && crm >= 3 && crm <= 5;
}

/*
 * Debug registers that stay trapped: OS lock, ROM, the channel to an external debugger. What shares
 * op0 2 with them, with op1 1, is trace and branch records, which do not exist. ACTLR is
 * implementation defined and empty.
 */
static bool is_inert(uint64_t name)
{
	bool debug = bits_get(name, 21, 20) == 2 && bits_get(name, 16, 14) != 1;

	return debug || is_error_record(name) || name == ACTLR_EL1;
}

bool rec_handle_sysreg(struct rec *rec, uint64_t esr, struct rmi_rec_exit *exit)
{
	uint64_t name = esr & SYSREG_NAME_MASK;
	uint64_t rt = bits_get(esr, 9, 5);
	bool read = (esr & ISS_READ) != 0;

	if (is_for_host(name) && !read) {
		exit->exit_reason = RMI_EXIT_SYNC;
		/* Rt is the realm's choice; the host reads gprs[0], whichever register it was. */
		exit->esr = esr & ~ISS_RT;
		exit->gprs[0] = rec_register(rec, rt);
		rec_step(rec);
		return false;
	}
	if (read && is_identification(name)) {
		rec_set_register(rec, rt, sysreg_identification(rec, name));
	} else if (!is_inert(name)) {
		inject_undefined(rec);
		return true;
	} else if (read) {
		rec_set_register(rec, rt, 0);
	}
	rec_step(rec);
	return true;
}
