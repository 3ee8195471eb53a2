// SPDX-License-Identifier: BSD-3-Clause
#include "agent.h"
#include "test.h"

#define SMC_ARGS 11

void agent_wait(struct rec *rec)
{
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	REQUIRE_EQ(rec->run->exit.imm, REALM_CALL_TEST);
}

struct realm *agent_realm_of(const struct realm_config *config)
{
	struct realm *realm = realm_boot(config);

	agent_wait(&realm->recs[0]);
	return realm;
}

struct realm *agent_realm(unsigned recs)
{
	struct realm_config config = realm_default(PROGRAM_agent);

	config.recs = recs;
	return agent_realm_of(&config);
}

void agent_prepare(struct rec *rec, enum agent_op op, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t *gprs = rec->run->enter.gprs;

	memset(gprs, 0, sizeof(rec->run->enter.gprs));
	gprs[0] = op;
	gprs[1] = a;
	gprs[2] = b;
	gprs[3] = c;
	for (unsigned i = SMC_ARGS; op == AGENT_SMC && i < AGENT_CALL_REGS; i++) {
		gprs[i + 1] = 0x9000 + i;
	}
}

enum rec_stop agent_order(struct rec *rec, enum agent_op op, uint64_t a, uint64_t b, uint64_t c)
{
	agent_prepare(rec, op, a, b, c);
	return rec_run(rec);
}

void agent_prepare_args(struct rec *rec, enum agent_op op, const uint64_t *args, unsigned count)
{
	agent_prepare(rec, op, 0, 0, 0);
	for (unsigned i = 0; i < count; i++) {
		rec->run->enter.gprs[i + 1] = args[i];
	}
}

bool agent_done(const struct rec *rec)
{
	return rec->stop == REC_CALL && rec->run->exit.gprs[0] == 1;
}

uint64_t agent_value(const struct rec *rec)
{
	return rec->run->exit.gprs[1];
}

uint64_t agent_esr(const struct rec *rec)
{
	return rec->run->exit.gprs[2];
}

uint64_t agent_far(const struct rec *rec)
{
	return rec->run->exit.gprs[3];
}

bool agent_do(struct rec *rec, enum agent_insn insn, uint64_t address, uint64_t value)
{
	agent_order(rec, AGENT_DO, insn, address, value);
	return agent_done(rec);
}

uint64_t agent_get(struct rec *rec, enum agent_insn insn, uint64_t address)
{
	if (!CHECK(agent_do(rec, insn, address, 0))) {
		note("instruction %u at %lx: stop %u, esr %lx", insn, address, rec->stop,
		     agent_esr(rec));
	}
	return agent_value(rec);
}

void agent_set(struct rec *rec, enum agent_insn insn, uint64_t value)
{
	if (!CHECK(agent_do(rec, insn, 0, value))) {
		note("instruction %u: stop %u, esr %lx", insn, rec->stop, agent_esr(rec));
	}
}

enum rec_stop agent_smc_begin(struct rec *rec, uint64_t fid, const uint64_t *args, unsigned count)
{
	uint64_t *gprs = rec->run->enter.gprs;

	REQUIRE(count < SMC_ARGS);
	agent_prepare(rec, AGENT_SMC, fid, 0, 0);
	for (unsigned i = 0; i < count; i++) {
		gprs[i + 2] = args[i];
	}
	return rec_run(rec);
}

struct smc_regs agent_smc_end(const struct rec *rec)
{
	struct smc_regs r = {{0}};

	REQUIRE_EQ(rec->stop, REC_CALL);
	memcpy(r.x, &rec->run->exit.gprs[1], AGENT_CALL_REGS * sizeof(r.x[0]));
	for (unsigned i = SMC_ARGS; i < AGENT_CALL_REGS; i++) {
		CHECK_EQ(r.x[i], 0x9000 + i);
	}
	return r;
}

struct smc_regs agent_smc_args(struct rec *rec, uint64_t fid, const uint64_t *args, unsigned count)
{
	agent_smc_begin(rec, fid, args, count);
	return agent_smc_end(rec);
}

void agent_start_rec(struct realm *realm, unsigned n)
{
	agent_order(&realm->recs[0], AGENT_START, n, 0, 0);
	REQUIRE(agent_done(&realm->recs[0]));
	REQUIRE_EQ(agent_value(&realm->recs[0]), PSCI_SUCCESS);
	agent_wait(&realm->recs[n]);
}

struct realm *agent_realm_off(void)
{
	struct realm *realm = agent_realm(1);

	REQUIRE_EQ(agent_smc_begin(&realm->recs[0], PSCI_SYSTEM_OFF_FID, NULL, 0), REC_SYSTEM_OFF);
	return realm;
}

/* Leaves of a copy of the exit record only what has to be zero. */
static void forget_fields(struct rmi_rec_exit *exit, unsigned fields)
{
	exit->exit_reason = 0;
	memset(&exit->gicv3_hcr, 0,
	       offsetof(struct rmi_rec_exit, reserved_398) -
		       offsetof(struct rmi_rec_exit, gicv3_hcr));
	memset(&exit->cntp_ctl, 0, 4 * sizeof(uint64_t));
	exit->pmu_ovf_status = 0;
	exit->esr = fields & EXIT_ESR ? 0 : exit->esr;
	exit->far = fields & EXIT_FAR ? 0 : exit->far;
	exit->hpfar = fields & EXIT_HPFAR ? 0 : exit->hpfar;
	exit->gprs[0] = fields & EXIT_GPR0 ? 0 : exit->gprs[0];
	exit->gprs[1] = fields & EXIT_GPR1 ? 0 : exit->gprs[1];
	exit->imm = fields & EXIT_IMM ? 0 : exit->imm;
	if (fields & EXIT_GPRS) {
		memset(exit->gprs, 0, sizeof(exit->gprs));
	}
	if (fields & EXIT_RIPAS) {
		exit->ripas_base = 0;
		exit->ripas_top = 0;
		exit->ripas_value = 0;
	}
}

void check_exit(const struct rec *rec, unsigned reason, unsigned fields)
{
	struct rmi_rec_exit rest = rec->run->exit;
	const uint64_t *word = (const uint64_t *)&rest;

	REQUIRE_EQ(rec->status, RMI_SUCCESS);
	CHECK_EQ(rest.exit_reason, reason);
	CHECK(rest.pmu_ovf_status <= RMI_PMU_OVERFLOW_ACTIVE);
	forget_fields(&rest, fields);
	for (size_t i = 0; i < sizeof(rest) / sizeof(*word); i++) {
		if (!CHECK_EQ(word[i], 0)) {
			note("exit reason %u, offset %lx", reason, i * 8);
		}
	}
}

void expect_exit(struct rec *rec, unsigned reason, unsigned fields)
{
	rec_enter(rec);
	rec->run->enter.flags = 0;
	check_exit(rec, reason, fields);
}
