// SPDX-License-Identifier: BSD-3-Clause
/* Commands on granules, realms and RECs (RMM specification B4.3, A2.1 to A2.3). */
#include <string.h>

#include "model_internal.h"

#define MIN_WIDTH      32
#define LPA1_MAX_WIDTH 48
#define RESERVED_MPIDR UINT64_C(0xFFFFFFFF000000F0)

static uint64_t feature(unsigned int high, unsigned int low)
{
	return model.config.features >> low & ((UINT64_C(1) << (high - low + 1)) - 1);
}

static void features_conditions(struct m_case *c)
{
	(void)c;
}

static const char *features(struct m_case *c, uint64_t x[5])
{
	x[1] = c->args[0] == 0 ? model.config.features : 0;
	return x[1] >> 42 == 0 ? NULL : m_wrong("reserved features");
}

/* --- granules --- */

static const struct m_names gran_names = {"gran_align", "gran_bound", "gran_state"};

static void delegate_conditions(struct m_case *c)
{
	const struct m_granule *granule =
		m_check_granule(c, c->args[0], M_UNDELEGATED, &gran_names);

	if (granule != NULL && granule->world != M_NORMAL) {
		m_refuse(&c->refusals, "gran_gpt", RMI_ERROR_INPUT, 0);
	}
}

static const char *delegate(struct m_case *c, uint64_t x[5])
{
	(void)x;
	m_set_state(c->args[0], M_DELEGATED, NULL);
	return NULL;
}

static void undelegate_conditions(struct m_case *c)
{
	m_check_granule(c, c->args[0], M_DELEGATED, &gran_names);
}

static const char *undelegate(struct m_case *c, uint64_t x[5])
{
	(void)x;
	m_set_state(c->args[0], M_UNDELEGATED, NULL);
	return NULL;
}

/* --- realms --- */

static bool width_supported(const struct rmi_realm_params *params)
{
	bool lpa2 = (params->flags & RMI_REALM_FLAG_LPA2) != 0;

	return params->s2sz >= MIN_WIDTH && params->s2sz <= feature(7, 0) &&
	       (lpa2 || params->s2sz <= LPA1_MAX_WIDTH);
}

static bool counters_supported(const struct rmi_realm_params *params)
{
	return (params->flags & RMI_REALM_FLAG_PMU) == 0 ||
	       (feature(26, 26) != 0 && params->pmu_num_ctrs <= feature(31, 27) &&
		params->pmu_num_ctrs != 0);
}

static bool params_supported(const struct rmi_realm_params *params)
{
	bool sve = (params->flags & RMI_REALM_FLAG_SVE) != 0;

	return width_supported(params) && counters_supported(params) &&
	       ((params->flags & RMI_REALM_FLAG_LPA2) == 0 || feature(8, 8) != 0) &&
	       (!sve || (feature(9, 9) != 0 && params->sve_vl <= feature(13, 10))) &&
	       params->num_bps <= feature(19, 14) && params->num_wps <= feature(25, 20);
}

/* How many tables a realm of this width starts with at this level, 0: it cannot. */
static unsigned int start_tables(const struct rmi_realm_params *params)
{
	bool lpa2 = (params->flags & RMI_REALM_FLAG_LPA2) != 0;
	int64_t level = params->rtt_level_start;
	int width = params->s2sz;
	int one;
	bool several;

	if (level < (lpa2 ? -1 : 0) || level > 2) {
		return 0;
	}
	one = 9 * (3 - (int)level) + (level == -1 ? 16 : 21);
	several = level > 0 || (level == 0 && lpa2);
	if (width < 9 * (3 - (int)level) + 13 || width > one + (several ? 4 : 0)) {
		return 0;
	}
	return width <= one ? 1 : 1U << (width - one);
}

static void params_conditions(struct m_case *c, const struct rmi_realm_params *params)
{
	if (params->hash_algo > RMI_HASH_SHA_512 || params->num_bps == 0 || params->num_wps == 0) {
		m_refuse(&c->refusals, "params_valid", RMI_ERROR_INPUT, 0);
	}
	if (!params_supported(params) || ((params->flags & RMI_REALM_FLAG_LPA2) == 0 &&
					  params->rtt_base >> LPA1_MAX_WIDTH != 0)) {
		m_refuse(&c->refusals, "params_supp", RMI_ERROR_INPUT, 0);
	}
	if (!width_supported(params) || start_tables(params) == 0 ||
	    start_tables(params) != params->rtt_num_start) {
		m_refuse(&c->refusals, "rtt_num_level", RMI_ERROR_INPUT, 0);
	}
}

static bool vmid_taken(uint16_t vmid)
{
	for (unsigned int i = 0; i < M_REALMS; i++) {
		if (model.realms[i].alive && model.realms[i].params.vmid == vmid) {
			return true;
		}
	}
	return false;
}

static void start_conditions(struct m_case *c, const struct rmi_realm_params *params)
{
	uint64_t size = params->rtt_num_start * M_PAGE;

	if (c->args[0] >= params->rtt_base && c->args[0] - params->rtt_base < size) {
		m_refuse(&c->refusals, "alias", RMI_ERROR_INPUT, 0);
	}
	if (!m_aligned(params->rtt_base, size)) {
		m_refuse(&c->refusals, "rtt_align", RMI_ERROR_INPUT, 0);
	}
	for (uint64_t at = 0; at < size; at += M_PAGE) {
		const struct m_granule *granule = model_granule(params->rtt_base + at);

		if (granule == NULL || granule->state != M_DELEGATED) {
			m_refuse(&c->refusals, "rtt_state", RMI_ERROR_INPUT, 0);
			break;
		}
	}
}

static const struct m_names params_names = {"params_align", "params_bound", "params_pas"};

static void create_conditions(struct m_case *c)
{
	static const struct m_names names = {"rd_align", "rd_bound", "rd_state"};
	const struct rmi_realm_params *params = &c->input->realm;

	m_check_granule(c, c->args[0], M_DELEGATED, &names);
	if (!m_check_host_page(c, c->args[1], &params_names)) {
		return;
	}
	params_conditions(c, params);
	if ((!model.config.vmid16 && params->vmid > 0xFF) || vmid_taken(params->vmid)) {
		m_refuse(&c->refusals, "vmid_valid", RMI_ERROR_INPUT, 0);
	}
	if (params->rtt_num_start != 0 && params->rtt_num_start <= RMI_MAX_START_RTTS) {
		start_conditions(c, params);
	}
	/* No condition of the specification; asked for after all of them (docs/decisions). */
	if (c->refusals.count == 0 && model.no_entropy) {
		m_refuse(&c->refusals, "entropy", RMI_ERROR_REALM, 0);
	}
}

static const char *create(struct m_case *c, uint64_t x[5])
{
	const struct rmi_realm_params *params = &c->input->realm;
	struct m_realm *realm = model.realms;
	unsigned int length = params->rtt_level_start == -1 ? 16 : M_ENTRIES;
	uint64_t size = length * m_entry_size((int)params->rtt_level_start);

	(void)x;
	while (realm->alive) {
		realm++;
	}
	*realm = (struct m_realm){
		.alive = true,
		.rd = c->args[0],
		.params = *params,
		.width = params->s2sz,
		.lpa2 = (params->flags & RMI_REALM_FLAG_LPA2) != 0,
		.start_level = (int)params->rtt_level_start,
	};
	m_set_state(realm->rd, M_RD, realm);
	for (unsigned int i = 0; i < params->rtt_num_start; i++) {
		struct m_table *table = m_new_table(params->rtt_base + i * M_PAGE, i * size,
						    realm->start_level, length);

		for (unsigned int k = 0; k < length; k++) {
			uint64_t ipa = table->base + k * m_entry_size(table->level);

			table->entries[k].kind =
				ipa < m_protected_end(realm) ? M_UNASSIGNED : M_UNASSIGNED_NS;
		}
		realm->start[i] = table;
		m_set_state(table->pa, M_RTT, NULL);
	}
	for (unsigned int i = RSI_MEASUREMENT_REM_FIRST; i < RSI_MEASUREMENT_SLOTS; i++) {
		realm->measured[i].known = true;
	}
	return NULL;
}

static void activate_conditions(struct m_case *c)
{
	const struct m_realm *realm = m_check_rd(c, c->args[0]);

	if (realm != NULL && realm->state != M_NEW) {
		m_refuse(&c->refusals, "realm_state", RMI_ERROR_REALM, 0);
	}
}

static const char *activate(struct m_case *c, uint64_t x[5])
{
	(void)x;
	model_realm(c->args[0])->state = M_ACTIVE;
	return NULL;
}

static bool realm_is_live(const struct m_realm *realm)
{
	for (unsigned int i = 0; i < realm->rec_index; i++) {
		if (realm->recs[i].alive) {
			return true;
		}
	}
	for (unsigned int i = 0; i < realm->params.rtt_num_start; i++) {
		if (m_is_live(realm->start[i])) {
			return true;
		}
	}
	return false;
}

static void destroy_conditions(struct m_case *c)
{
	const struct m_realm *realm = m_check_rd(c, c->args[0]);

	if (realm != NULL && realm_is_live(realm)) {
		m_refuse(&c->refusals, "realm_live", RMI_ERROR_REALM, 0);
	}
}

static const char *destroy(struct m_case *c, uint64_t x[5])
{
	struct m_realm *realm = model_realm(c->args[0]);

	(void)x;
	m_set_state(realm->rd, M_DELEGATED, NULL);
	for (unsigned int i = 0; i < realm->params.rtt_num_start; i++) {
		m_set_state(realm->start[i]->pa, M_DELEGATED, NULL);
		m_drop_table(realm->start[i]);
	}
	memset(realm, 0, sizeof(*realm));
	return NULL;
}

static void aux_count_conditions(struct m_case *c)
{
	m_check_rd(c, c->args[0]);
}

/* The specification leaves the number to the RMM; it is the same for all of the realm's RECs. */
static const char *aux_count(struct m_case *c, uint64_t x[5])
{
	struct m_realm *realm = model_realm(c->args[0]);

	if (c->answer->x[1] > RMI_MAX_AUX) {
		return m_wrong("%lu auxiliary granules", c->answer->x[1]);
	}
	if (realm->aux_count == 0) {
		realm->aux_count = (unsigned int)c->answer->x[1];
	}
	x[1] = realm->aux_count;
	return NULL;
}

/* --- RECs --- */

static bool aux_repeats(const struct rmi_rec_params *params, uint64_t rec, unsigned int n)
{
	bool repeats = params->aux[n] == rec;

	for (unsigned int i = 0; i < n; i++) {
		repeats = repeats || params->aux[i] == params->aux[n];
	}
	return repeats;
}

static void aux_conditions(struct m_case *c, const struct rmi_rec_params *params)
{
	for (unsigned int i = 0; i < params->num_aux; i++) {
		const struct m_granule *granule = model_granule(params->aux[i]);

		if (!m_aligned(params->aux[i], M_PAGE)) {
			m_refuse(&c->refusals, "aux_align", RMI_ERROR_INPUT, 0);
		}
		if (aux_repeats(params, c->args[1], i)) {
			m_refuse(&c->refusals, "aux_alias", RMI_ERROR_INPUT, 0);
		}
		if (granule == NULL || granule->state != M_DELEGATED) {
			m_refuse(&c->refusals, "aux_state", RMI_ERROR_INPUT, 0);
		}
	}
}

static void rec_create_conditions(struct m_case *c)
{
	static const struct m_names names = {"rec_align", "rec_bound", "rec_state"};
	const struct rmi_rec_params *params = &c->input->rec;
	const struct m_realm *realm = m_check_rd(c, c->args[0]);

	m_check_granule(c, c->args[1], M_DELEGATED, &names);
	if (realm != NULL && realm->state != M_NEW) {
		m_refuse(&c->refusals, "realm_state", RMI_ERROR_REALM, 0);
	}
	if (!m_check_host_page(c, c->args[2], &params_names)) {
		return;
	}
	/* These no realm can have, so they are wrong without one too. */
	if ((params->mpidr & RESERVED_MPIDR) != 0 ||
	    (realm != NULL && rmi_mpidr_to_index(params->mpidr) != realm->rec_index)) {
		m_refuse(&c->refusals, "mpidr_index", RMI_ERROR_INPUT, 0);
	}
	if (params->num_aux > RMI_MAX_AUX ||
	    (realm != NULL && params->num_aux != realm->aux_count)) {
		m_refuse(&c->refusals, "num_aux", RMI_ERROR_INPUT, 0);
	}
	if (params->num_aux <= RMI_MAX_AUX) {
		aux_conditions(c, params);
	}
}

static const char *rec_create(struct m_case *c, uint64_t x[5])
{
	const struct rmi_rec_params *params = &c->input->rec;
	struct m_realm *realm = model_realm(c->args[0]);
	struct m_rec *rec = &realm->recs[realm->rec_index];

	(void)x;
	*rec = (struct m_rec){
		.alive = true,
		.pa = c->args[1],
		.realm = realm,
		.index = realm->rec_index++,
		.aux_count = realm->aux_count,
		.runnable = (params->flags & RMI_REC_FLAG_RUNNABLE) != 0,
		.cpu = -1,
		.pc = params->pc,
	};
	memcpy(rec->gprs, params->gprs, sizeof(params->gprs));
	memcpy(rec->aux, params->aux, sizeof(rec->aux));
	m_set_state(rec->pa, M_REC, rec);
	for (unsigned int i = 0; i < rec->aux_count; i++) {
		m_set_state(rec->aux[i], M_REC_AUX, NULL);
	}
	return NULL;
}

static void rec_destroy_conditions(struct m_case *c)
{
	static const struct m_names names = {"rec_align", "rec_bound", "rec_gran_state"};
	const struct m_granule *granule = m_check_granule(c, c->args[0], M_REC, &names);
	const struct m_rec *rec = granule == NULL ? NULL : granule->object;

	if (rec != NULL && rec->cpu >= 0) {
		m_refuse(&c->refusals, "rec_state", RMI_ERROR_REC, 0);
	}
}

static const char *rec_destroy(struct m_case *c, uint64_t x[5])
{
	struct m_rec *rec = model_rec(c->args[0]);

	(void)x;
	rec->alive = false;
	m_set_state(rec->pa, M_DELEGATED, NULL);
	for (unsigned int i = 0; i < rec->aux_count; i++) {
		m_set_state(rec->aux[i], M_DELEGATED, NULL);
	}
	return NULL;
}

const struct m_command model_object_commands[] = {
	{RMI_FEATURES_FID, features_conditions, features},
	{RMI_GRANULE_DELEGATE_FID, delegate_conditions, delegate},
	{RMI_GRANULE_UNDELEGATE_FID, undelegate_conditions, undelegate},
	{RMI_REALM_CREATE_FID, create_conditions, create},
	{RMI_REALM_ACTIVATE_FID, activate_conditions, activate},
	{RMI_REALM_DESTROY_FID, destroy_conditions, destroy},
	{RMI_REC_AUX_COUNT_FID, aux_count_conditions, aux_count},
	{RMI_REC_CREATE_FID, rec_create_conditions, rec_create},
	{RMI_REC_DESTROY_FID, rec_destroy_conditions, rec_destroy},
	{0},
};
