// SPDX-License-Identifier: BSD-3-Clause
/* What a realm asks for: RSI and PSCI (RMM specification B5, B6). */
#include <string.h>

#include "abi/smccc.h"
#include "model_run.h"

#define SVE_HINT     (UINT64_C(1) << 16)
#define TOKEN_PAGE   M_PAGE
#define AFFINITY     UINT64_C(0xFF00FFFF0F)
#define RESULT(code) ((uint64_t)(int64_t)(code))

/* --- results --- */

/* The call returns: the realm goes on behind it with these. */
static const char *returns(struct m_rec *rec, const struct m_seen *seen, uint64_t x0, uint64_t x1,
			   uint64_t x2)
{
	rec->gprs[0] = x0;
	rec->gprs[1] = x1;
	rec->gprs[2] = x2;
	rec->gprs[3] = 0;
	rec->pc += 4;
	return m_expect_runs(rec, seen);
}

/* The call is refused, for one of the conditions that hold; x1... are `zeros` zeros. */
static const char *refuses(struct m_rec *rec, const struct m_seen *seen,
			   const struct m_refusals *refusals, unsigned int zeros)
{
	struct m_answer answer = {.condition = seen->condition};
	const char *wrong;

	if (!seen->running) {
		return m_wrong("exits, where the call must be refused");
	}
	answer.x[0] = seen->gprs[0];
	wrong = m_check_refused(refusals, &answer);
	if (wrong != NULL) {
		return wrong;
	}
	memset(&rec->gprs[1], 0, zeros * sizeof(rec->gprs[0]));
	rec->gprs[0] = answer.x[0];
	rec->pc += 4;
	return m_expect_runs(rec, seen);
}

static void refuse(struct m_refusals *refusals, bool holds, const char *condition, uint64_t x0)
{
	if (holds) {
		m_refuse(refusals, condition, x0, 0);
	}
}

/* A page of the realm is refused where its RIPAS is EMPTY; the specification has no name for it. */
static const char *refuses_empty(struct m_rec *rec, const struct m_seen *seen)
{
	return returns(rec, seen, RSI_ERROR_INPUT, 0, 0);
}

static bool is_protected(const struct m_rec *rec, uint64_t ipa)
{
	return ipa < m_protected_end(rec->realm);
}

static const char *version(struct m_rec *rec, const struct m_seen *seen)
{
	uint64_t x0 = rec->gprs[1] == RSI_REVISION ? RSI_SUCCESS : RSI_ERROR_INPUT;

	return returns(rec, seen, x0, RSI_REVISION, RSI_REVISION);
}

/* --- measurements --- */

static const char *check_measurement(struct m_measurement *known, const uint64_t *value)
{
	bool same = memcmp(known->value, value, sizeof(known->value)) == 0;

	if (known->known && !same) {
		return m_wrong("a measurement has changed by itself");
	}
	if (known->was && same) {
		return m_wrong("a measurement has not changed");
	}
	memcpy(known->value, value, sizeof(known->value));
	known->known = true;
	known->was = false;
	return NULL;
}

static const char *measurement_read(struct m_rec *rec, const struct m_seen *seen)
{
	uint64_t index = rec->gprs[1];
	struct m_refusals refusals = {0};
	const char *wrong;

	refuse(&refusals, index >= RSI_MEASUREMENT_SLOTS, "index_bound", RSI_ERROR_INPUT);
	if (refusals.count != 0 || !seen->running) {
		return refuses(rec, seen, &refusals, 8);
	}
	wrong = check_measurement(&rec->realm->measured[index], &seen->gprs[1]);
	memcpy(&rec->gprs[1], &seen->gprs[1], 8 * sizeof(rec->gprs[0]));
	rec->gprs[0] = RSI_SUCCESS;
	rec->pc += 4;
	return wrong != NULL ? wrong : m_expect_runs(rec, seen);
}

static const char *measurement_extend(struct m_rec *rec, const struct m_seen *seen)
{
	struct m_measurement *measured;
	struct m_refusals refusals = {0};

	refuse(&refusals,
	       rec->gprs[1] < RSI_MEASUREMENT_REM_FIRST || rec->gprs[1] > RSI_MEASUREMENT_REM_LAST,
	       "index_bound", RSI_ERROR_INPUT);
	refuse(&refusals, rec->gprs[2] > RSI_MEASUREMENT_SIZE, "size_bound", RSI_ERROR_INPUT);
	if (refusals.count != 0) {
		return refuses(rec, seen, &refusals, 3);
	}
	measured = &rec->realm->measured[rec->gprs[1]];
	measured->was = measured->known;
	measured->known = false;
	return returns(rec, seen, RSI_SUCCESS, 0, 0);
}

/* --- tokens --- */

/* The bound is the RMM's to say; what CONTINUE yields in all has to stay within it. */
static const char *token_init(struct m_rec *rec, const struct m_seen *seen)
{
	rec->attesting = true;
	rec->token_left = seen->running ? seen->gprs[1] : 0;
	return rec->token_left == 0 ? m_wrong("no token is promised")
				    : returns(rec, seen, RSI_SUCCESS, rec->token_left, 0);
}

/* How much of the token a call yields is the RMM's affair, up to what was asked for. */
static const char *token_goes_on(struct m_rec *rec, const struct m_seen *seen)
{
	uint64_t x0, x1;

	if (!seen->running) {
		return m_wrong("exits, where a token is made");
	}
	x0 = seen->gprs[0];
	x1 = seen->gprs[1];
	if ((x0 != RSI_SUCCESS && x0 != RSI_INCOMPLETE) || x1 > rec->gprs[3] ||
	    x1 > rec->token_left) {
		return m_wrong("token: %#lx, %lu bytes, %lu asked for, %lu left", x0, x1,
			       rec->gprs[3], rec->token_left);
	}
	rec->token_left -= x1;
	rec->attesting = x0 == RSI_INCOMPLETE;
	return returns(rec, seen, x0, x1, 0);
}

static const char *token_continue(struct m_rec *rec, const struct m_seen *seen)
{
	uint64_t addr = rec->gprs[1];
	uint64_t offset = rec->gprs[2];
	uint64_t size = rec->gprs[3];
	struct m_refusals refusals = {0};
	const void *page;

	refuse(&refusals, !m_aligned(addr, M_PAGE), "addr_align", RSI_ERROR_INPUT);
	refuse(&refusals, !is_protected(rec, addr), "addr_bound", RSI_ERROR_INPUT);
	refuse(&refusals, offset >= TOKEN_PAGE, "offset_bound", RSI_ERROR_INPUT);
	refuse(&refusals, offset + size < offset, "size_overflow", RSI_ERROR_INPUT);
	refuse(&refusals, offset + size > TOKEN_PAGE, "size_bound", RSI_ERROR_INPUT);
	refuse(&refusals, !rec->attesting, "state", RSI_ERROR_STATE);
	if (refusals.count != 0) {
		return refuses(rec, seen, &refusals, 3);
	}
	switch (m_access(rec, addr, &page)) {
	case M_ACCESS_EMPTY:
		return refuses_empty(rec, seen);
	case M_ACCESS_MISSING:
		return m_expect_missing(rec, seen, addr);
	default:
		return token_goes_on(rec, seen);
	}
}

/* --- memory --- */

static bool check_config(const struct m_realm *realm, const struct rsi_realm_config *seen)
{
	struct rsi_realm_config config = {
		.ipa_width = realm->width,
		.hash_algo = realm->params.hash_algo,
	};

	memcpy(config.rpv, realm->params.rpv, sizeof(config.rpv));
	return memcmp(&config, seen, sizeof(config)) == 0;
}

/*
 * A call with a buffer in x1. True: the buffer is there, its page in *page. False: what the call
 * must do instead has been compared, *answer is the result.
 */
static bool buffer(struct m_rec *rec, const struct m_seen *seen, uint64_t align, const void **page,
		   const char **answer)
{
	uint64_t addr = rec->gprs[1];
	struct m_refusals refusals = {0};

	refuse(&refusals, !m_aligned(addr, align), "addr_align", RSI_ERROR_INPUT);
	refuse(&refusals, !is_protected(rec, addr), "addr_bound", RSI_ERROR_INPUT);
	if (refusals.count != 0) {
		*answer = refuses(rec, seen, &refusals, 3);
		return false;
	}
	switch (m_access(rec, addr, page)) {
	case M_ACCESS_EMPTY:
		*answer = refuses_empty(rec, seen);
		return false;
	case M_ACCESS_MISSING:
		*answer = m_expect_missing(rec, seen, addr);
		return false;
	default:
		return true;
	}
}

static const char *realm_config(struct m_rec *rec, const struct m_seen *seen)
{
	const char *answer;
	const void *page;

	if (!buffer(rec, seen, M_PAGE, &page, &answer)) {
		return answer;
	}
	return check_config(rec->realm, page) ? returns(rec, seen, RSI_SUCCESS, 0, 0)
					      : m_wrong("not the realm's configuration");
}

static bool region_protected(const struct m_rec *rec, uint64_t base, uint64_t top)
{
	return is_protected(rec, base) && top > base && is_protected(rec, top - 1);
}

static const char *ipa_state_set(struct m_rec *rec, const struct m_seen *seen)
{
	uint64_t base = rec->gprs[1];
	uint64_t top = rec->gprs[2];
	uint8_t ripas = (uint8_t)rec->gprs[3];
	struct m_refusals refusals = {0};
	struct rmi_rec_exit record = {.exit_reason = RMI_EXIT_RIPAS_CHANGE};

	refuse(&refusals, !m_aligned(base, M_PAGE), "base_align", RSI_ERROR_INPUT);
	refuse(&refusals, !m_aligned(top, M_PAGE), "top_align", RSI_ERROR_INPUT);
	refuse(&refusals, top <= base, "size_valid", RSI_ERROR_INPUT);
	refuse(&refusals, !region_protected(rec, base, top), "rgn_bound", RSI_ERROR_INPUT);
	refuse(&refusals, ripas > RSI_RIPAS_RAM, "ripas_valid", RSI_ERROR_INPUT);
	if (refusals.count != 0) {
		return refuses(rec, seen, &refusals, 3);
	}
	rec->ripas_base = record.ripas_base = base;
	rec->ripas_top = record.ripas_top = top;
	rec->ripas_value = record.ripas_value = ripas;
	rec->change_destroyed = (rec->gprs[4] & RSI_RIPAS_FLAG_CHANGE_DESTROYED) != 0;
	rec->last = M_LAST_RIPAS;
	memset(&rec->gprs[0], 0, 4 * sizeof(rec->gprs[0]));
	rec->pc += 4;
	return m_expect_exit(rec, seen, &record);
}

/* All of [base, out_top) has the same RIPAS; how far it looks is the RMM's affair. */
static const char *check_state(const struct m_rec *rec, uint64_t base, uint64_t top,
			       const struct m_seen *seen)
{
	uint64_t out_top = seen->gprs[1];

	if (out_top <= base || out_top > top) {
		return m_wrong("out_top %#lx for [%#lx, %#lx)", out_top, base, top);
	}
	while (base < out_top) {
		struct m_place place = m_walk(rec->realm, base, RMI_LEVEL_PAGE);

		if (place.entry->ripas != seen->gprs[2]) {
			return m_wrong("RIPAS at %#lx is %u and not %lu", base, place.entry->ripas,
				       seen->gprs[2]);
		}
		base = place.ipa + m_entry_size(place.level);
	}
	return NULL;
}

static const char *ipa_state_get(struct m_rec *rec, const struct m_seen *seen)
{
	uint64_t base = rec->gprs[1];
	uint64_t top = rec->gprs[2];
	struct m_refusals refusals = {0};
	const char *wrong;

	refuse(&refusals, !m_aligned(base, M_PAGE), "base_align", RSI_ERROR_INPUT);
	refuse(&refusals, !m_aligned(top, M_PAGE), "end_align", RSI_ERROR_INPUT);
	refuse(&refusals, top <= base, "size_valid", RSI_ERROR_INPUT);
	refuse(&refusals, !region_protected(rec, base, top), "rgn_bound", RSI_ERROR_INPUT);
	if (refusals.count != 0 || !seen->running) {
		return refuses(rec, seen, &refusals, 3);
	}
	wrong = check_state(rec, base, top, seen);
	return wrong != NULL ? wrong
			     : returns(rec, seen, RSI_SUCCESS, seen->gprs[1], seen->gprs[2]);
}

static const char *host_call_exit(struct m_rec *rec, const struct m_seen *seen,
				  const struct rsi_host_call *call)
{
	struct rmi_rec_exit record = {.exit_reason = RMI_EXIT_HOST_CALL, .imm = call->imm};

	memcpy(record.gprs, call->gprs, sizeof(record.gprs));
	rec->host_call = rec->gprs[1];
	rec->last = M_LAST_HOST_CALL;
	memset(&rec->gprs[0], 0, 4 * sizeof(rec->gprs[0]));
	rec->pc += 4;
	return m_expect_exit(rec, seen, &record);
}

static const char *host_call(struct m_rec *rec, const struct m_seen *seen)
{
	uint64_t within = rec->gprs[1] % M_PAGE;
	const char *answer;
	const void *page;

	if (!buffer(rec, seen, RSI_HOST_CALL_ALIGN, &page, &answer)) {
		return answer;
	}
	return host_call_exit(rec, seen, (const void *)((const uint8_t *)page + within));
}

/* --- PSCI --- */

int64_t m_affinity_index(uint64_t affinity)
{
	if ((affinity & ~AFFINITY) != 0) {
		return -1;
	}
	return (int64_t)((affinity & 0xF) | (affinity >> 8 & 0xFF) << 4 |
			 (affinity >> 16 & 0xFF) << 12 | (affinity >> 32 & 0xFF) << 20);
}

bool m_is_cpu_on(uint64_t fid)
{
	return fid == PSCI_CPU_ON_FID || fid == PSCI_CPU_ON_32_FID;
}

static bool is_64_bit(uint64_t fid)
{
	return (fid >> 30 & 1) != 0;
}

/* The host has to do something, with the arguments that it may see. */
static const char *psci_exit(struct m_rec *rec, const struct m_seen *seen, uint64_t fid,
			     uint64_t mpidr)
{
	struct rmi_rec_exit record = {.exit_reason = RMI_EXIT_PSCI};

	record.gprs[0] = fid;
	record.gprs[1] = mpidr;
	return m_expect_exit(rec, seen, &record);
}

static const char *cpu_suspend(struct m_rec *rec, const struct m_seen *seen, uint64_t fid)
{
	memset(&rec->gprs[0], 0, 4 * sizeof(rec->gprs[0]));
	rec->pc += 4;
	return psci_exit(rec, seen, fid, 0);
}

static void note_request(struct m_rec *rec, uint64_t fid)
{
	rec->psci_pending = true;
	rec->psci[0] = fid;
	for (unsigned int i = 1; i < 4; i++) {
		rec->psci[i] = is_64_bit(fid) ? rec->gprs[i] : (uint32_t)rec->gprs[i];
	}
	rec->pc += 4;
}

static const char *cpu_on(struct m_rec *rec, const struct m_seen *seen, uint64_t fid)
{
	uint64_t mpidr = is_64_bit(fid) ? rec->gprs[1] : (uint32_t)rec->gprs[1];
	uint64_t entry = is_64_bit(fid) ? rec->gprs[2] : (uint32_t)rec->gprs[2];
	int64_t index = m_affinity_index(mpidr);
	struct m_refusals refusals = {0};

	refuse(&refusals, !is_protected(rec, entry), "entry", RESULT(PSCI_INVALID_ADDRESS));
	refuse(&refusals, index < 0 || index >= (int64_t)rec->realm->rec_index, "mpidr",
	       RESULT(PSCI_INVALID_PARAMETERS));
	refuse(&refusals, index == (int64_t)rec->index, "runnable", RESULT(PSCI_ALREADY_ON));
	if (refusals.count != 0) {
		return refuses(rec, seen, &refusals, 3);
	}
	note_request(rec, fid);
	return psci_exit(rec, seen, fid, mpidr);
}

static const char *affinity_info(struct m_rec *rec, const struct m_seen *seen, uint64_t fid)
{
	uint64_t mpidr = is_64_bit(fid) ? rec->gprs[1] : (uint32_t)rec->gprs[1];
	uint64_t level = is_64_bit(fid) ? rec->gprs[2] : (uint32_t)rec->gprs[2];
	int64_t index = m_affinity_index(mpidr);
	struct m_refusals refusals = {0};

	refuse(&refusals, level != 0, "target_bound", RESULT(PSCI_INVALID_PARAMETERS));
	refuse(&refusals, index < 0 || index >= (int64_t)rec->realm->rec_index, "target_match",
	       RESULT(PSCI_INVALID_PARAMETERS));
	if (refusals.count != 0) {
		return refuses(rec, seen, &refusals, 3);
	}
	if (index == (int64_t)rec->index) {
		return returns(rec, seen, PSCI_AFFINITY_ON, 0, 0);
	}
	note_request(rec, fid);
	return psci_exit(rec, seen, fid, mpidr);
}

static bool psci_known(uint32_t fid)
{
	switch (fid) {
	case PSCI_VERSION_FID:
	case PSCI_CPU_SUSPEND_FID:
	case PSCI_CPU_SUSPEND_32_FID:
	case PSCI_CPU_OFF_FID:
	case PSCI_CPU_ON_FID:
	case PSCI_CPU_ON_32_FID:
	case PSCI_AFFINITY_INFO_FID:
	case PSCI_AFFINITY_INFO_32_FID:
	case PSCI_SYSTEM_OFF_FID:
	case PSCI_SYSTEM_RESET_FID:
	case PSCI_FEATURES_FID:
	case SMCCC_VERSION_FID:
		return true;
	default:
		return false;
	}
}

static const char *psci_call(struct m_rec *rec, const struct m_seen *seen, uint32_t fid)
{
	switch (fid) {
	case PSCI_VERSION_FID:
		return returns(rec, seen, PSCI_REVISION, 0, 0);
	case PSCI_FEATURES_FID:
		return returns(rec, seen,
			       psci_known((uint32_t)rec->gprs[1]) ? 0 : RESULT(PSCI_NOT_SUPPORTED),
			       0, 0);
	case PSCI_CPU_SUSPEND_FID:
	case PSCI_CPU_SUSPEND_32_FID:
		return cpu_suspend(rec, seen, fid);
	case PSCI_CPU_OFF_FID:
		rec->runnable = false;
		return psci_exit(rec, seen, fid, 0);
	case PSCI_CPU_ON_FID:
	case PSCI_CPU_ON_32_FID:
		return cpu_on(rec, seen, fid);
	case PSCI_AFFINITY_INFO_FID:
	case PSCI_AFFINITY_INFO_32_FID:
		return affinity_info(rec, seen, fid);
	case PSCI_SYSTEM_OFF_FID:
	case PSCI_SYSTEM_RESET_FID:
		rec->realm->state = M_OFF;
		return psci_exit(rec, seen, fid, 0);
	case SMCCC_VERSION_FID:
		return returns(rec, seen, 0x10002, 0, 0);
	default:
		return returns(rec, seen, UINT64_MAX, 0, 0);
	}
}

const char *m_call(struct m_rec *rec, const struct m_seen *seen)
{
	uint32_t fid = (uint32_t)(rec->gprs[0] & ~SVE_HINT);

	switch (fid) {
	case RSI_VERSION_FID:
		return version(rec, seen);
	case RSI_FEATURES_FID:
		return returns(rec, seen, RSI_SUCCESS, 0, 0);
	case RSI_MEASUREMENT_READ_FID:
		return measurement_read(rec, seen);
	case RSI_MEASUREMENT_EXTEND_FID:
		return measurement_extend(rec, seen);
	case RSI_ATTESTATION_TOKEN_INIT_FID:
		return token_init(rec, seen);
	case RSI_ATTESTATION_TOKEN_CONTINUE_FID:
		return token_continue(rec, seen);
	case RSI_REALM_CONFIG_FID:
		return realm_config(rec, seen);
	case RSI_IPA_STATE_SET_FID:
		return ipa_state_set(rec, seen);
	case RSI_IPA_STATE_GET_FID:
		return ipa_state_get(rec, seen);
	case RSI_HOST_CALL_FID:
		return host_call(rec, seen);
	default:
		return psci_call(rec, seen, fid);
	}
}
