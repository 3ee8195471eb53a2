// SPDX-License-Identifier: BSD-3-Clause
/* Running RECs: enter, and answer the exits that every realm needs answered. */
#include "csm.h"
#include "gic.h"
#include "mem.h"
#include "realm.h"
#include "test.h"

#define EC_INSTRUCTION_ABORT_LOWER 0x20
#define EC_DATA_ABORT_LOWER        0x24
#define HPFAR_TO_IPA_SHIFT         8

#define EXIT_POISON 0xdead5eed0badc0deUL

enum verdict { GO_ON, STOP };

static struct rmi_rec_exit *exit_of(struct rec *rec)
{
	return &rec->run->exit;
}

/* What the RMM does not write would show. */
static void poison_exit(struct rec *rec)
{
	volatile uint64_t *word = (volatile uint64_t *)exit_of(rec);

	for (size_t i = 0; i < sizeof(*exit_of(rec)) / sizeof(*word); i++) {
		word[i] = EXIT_POISON;
	}
}

uint64_t rec_enter(struct rec *rec)
{
	bool csm = rec->realm->csm.apts != 0;

	poison_exit(rec);
	if (csm) {
		csm_before_enter(rec);
	}
	rec->status = smc_call(RMI_REC_ENTER_FID, rec->granule, (uint64_t)rec->run).x[0];
	if (csm) {
		csm_after_exit(rec);
	}
	return rec->status;
}

static enum verdict stop_with(struct rec *rec, enum rec_stop why)
{
	rec->stop = why;
	return STOP;
}

/* The realm's text, from the registers of a host call. */
static void show_text(struct rec *rec)
{
	char text[REALM_TEXT_SIZE + 1];
	uint64_t size = exit_of(rec)->gprs[0];

	size = size < REALM_TEXT_SIZE ? size : REALM_TEXT_SIZE;
	memcpy(text, &exit_of(rec)->gprs[1], size);
	text[size] = 0;
	note("realm %lx rec %u: %s", rec->realm->rd, rec->index, text);
}

static enum verdict on_host_call(struct rec *rec)
{
	switch (exit_of(rec)->imm) {
	case REALM_CALL_DONE:
		return stop_with(rec, REC_DONE);
	case REALM_CALL_PRINT:
		show_text(rec);
		return GO_ON;
	case REALM_CALL_FAIL:
	case REALM_CALL_CRASH:
		show_text(rec);
		CHECK(!"a check in the realm");
		return GO_ON;
	default:
		return stop_with(rec, REC_CALL);
	}
}

/* Does what the realm asked for, all of it. */
static enum verdict on_ripas_change(struct rec *rec)
{
	struct realm *realm = rec->realm;
	uint64_t base = exit_of(rec)->ripas_base;
	uint64_t top = exit_of(rec)->ripas_top;

	while (base < top) {
		struct smc_regs r =
			smc_call(RMI_RTT_SET_RIPAS_FID, realm->rd, rec->granule, base, top);
		int level = rmi_status_level(r.x[0]);

		if (r.x[0] == RMI_SUCCESS) {
			REQUIRE(r.x[1] > base && r.x[1] <= top);
			base = r.x[1];
		} else {
			REQUIRE_EQ(rmi_status_code(r.x[0]), RMI_ERROR_RTT);
			REQUIRE(level < RMI_LEVEL_PAGE);
			realm_make_tables(realm, base, level, level + 1);
		}
	}
	return GO_ON;
}

static void complete_psci(struct rec *rec, uint64_t target)
{
	REQUIRE(target < rec->realm->rec_count);
	CHECK_EQ(smc_call(RMI_PSCI_COMPLETE_FID, rec->granule, rec->realm->recs[target].granule,
			  PSCI_SUCCESS)
			 .x[0],
		 RMI_SUCCESS);
}

static enum verdict on_psci(struct rec *rec)
{
	switch (exit_of(rec)->gprs[0]) {
	case PSCI_CPU_ON_FID:
	case PSCI_CPU_ON_32_FID:
	case PSCI_AFFINITY_INFO_FID:
	case PSCI_AFFINITY_INFO_32_FID:
		/* Up to 16 RECs, so the affinity is the index. */
		complete_psci(rec, exit_of(rec)->gprs[1]);
		return GO_ON;
	case PSCI_CPU_SUSPEND_FID:
	case PSCI_CPU_SUSPEND_32_FID:
		return GO_ON;
	case PSCI_CPU_OFF_FID:
		return stop_with(rec, REC_OFF);
	default:
		return stop_with(rec, REC_SYSTEM_OFF);
	}
}

/* Protected RAM without a page gets one; what this cannot mend is for the test. */
static enum verdict on_sync(struct rec *rec)
{
	struct rmi_rec_exit *exit = exit_of(rec);
	uint64_t ec = exit->esr >> 26;
	uint64_t ipa = exit->hpfar << HPFAR_TO_IPA_SHIFT;
	struct smc_regs entry;

	if ((ec != EC_DATA_ABORT_LOWER && ec != EC_INSTRUCTION_ABORT_LOWER) ||
	    ipa >= realm_unprotected(rec->realm)) {
		return stop_with(rec, REC_EXIT);
	}
	if (csm_table(rec, ipa)) {
		return GO_ON;
	}
	entry = smc_call(RMI_RTT_READ_ENTRY_FID, rec->realm->rd, ipa, RMI_LEVEL_PAGE);
	if (entry.x[0] != RMI_SUCCESS || entry.x[4] != RMI_RIPAS_RAM) {
		return stop_with(rec, REC_EXIT);
	}
	if (entry.x[2] == RMI_UNASSIGNED) {
		realm_data_unknown(rec->realm, ipa);
	}
	return GO_ON;
}

static enum verdict on_interrupt(struct rec *rec)
{
	if (rec->stop_on_irq) {
		return stop_with(rec, REC_IRQ);
	}
	irq_window();
	return GO_ON;
}

static enum verdict on_exit(struct rec *rec)
{
	switch (exit_of(rec)->exit_reason) {
	case RMI_EXIT_SYNC:
		return on_sync(rec);
	case RMI_EXIT_IRQ:
	case RMI_EXIT_FIQ:
		return on_interrupt(rec);
	case RMI_EXIT_PSCI:
		return on_psci(rec);
	case RMI_EXIT_RIPAS_CHANGE:
		return on_ripas_change(rec);
	case RMI_EXIT_HOST_CALL:
		return on_host_call(rec);
	default:
		return csm_answer(rec) ? GO_ON : stop_with(rec, REC_EXIT);
	}
}

enum rec_stop rec_run(struct rec *rec)
{
	enum verdict verdict = GO_ON;

	while (verdict == GO_ON) {
		if (rec_enter(rec) != RMI_SUCCESS) {
			rec->stop = REC_ERROR;
			break;
		}
		rec->run->enter.flags = 0;
		verdict = on_exit(rec);
	}
	return rec->stop;
}

void rec_run_here(void *rec)
{
	rec_run(rec);
}

void rec_run_on(void *arg)
{
	struct rec *rec = arg;

	rec->stop_on_irq = true;
	while (rec_run(rec) == REC_IRQ && !__atomic_load_n(&rec->let_go, __ATOMIC_ACQUIRE)) {
		irq_window();
	}
	irq_window();
	rec->stop_on_irq = false;
}

void rec_let_go(struct rec *rec, unsigned cpu)
{
	__atomic_store_n(&rec->let_go, 1, __ATOMIC_RELEASE);
	gic_send_sgi(cpu, SGI_WAKE);
	REQUIRE(cpu_join(cpu, PATIENCE_MS));
	__atomic_store_n(&rec->let_go, 0, __ATOMIC_RELEASE);
}

/* Without a request RMI_RTT_SET_RIPAS is refused, and says whether the REC runs. */
static void wait_once(const struct rec *rec)
{
	uint64_t end = time_now() + us_to_ticks(PATIENCE_MS * 1000UL);

	while (smc_call(RMI_RTT_SET_RIPAS_FID, rec->realm->rd, rec->granule, 0, PAGE_SIZE).x[0] !=
	       RMI_ERROR_REC) {
		REQUIRE(time_now() < end);
	}
}

void rec_wait_running(const struct rec *rec)
{
	wait_once(rec);
	delay_us(20000);
	wait_once(rec);
}
