// SPDX-License-Identifier: BSD-3-Clause
/* Granules, the judgement of a command, and the small commands. */
#include "model_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model model;

const char *m_wrong(const char *format, ...)
{
	static char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return text;
}

/* --- granules --- */

static void drop_realm(struct m_realm *realm)
{
	for (unsigned int i = 0; i < RMI_MAX_START_RTTS; i++) {
		m_drop_table(realm->start[i]);
	}
	memset(realm, 0, sizeof(*realm));
}

void model_reset(const struct m_config *config)
{
	for (unsigned int i = 0; i < M_REALMS; i++) {
		drop_realm(&model.realms[i]);
	}
	memset(&model, 0, sizeof(model));
	model.config = *config;
}

void model_add(const struct m_region *region)
{
	for (uint64_t at = 0; at < region->size; at += M_PAGE) {
		if (model.granule_count == M_MAX_GRANULES) {
			abort();
		}
		model.granules[model.granule_count++] =
			(struct m_granule){.pa = region->base + at, .world = region->world};
	}
}

/* Regions are added in the order of their addresses. */
struct m_granule *model_granule(uint64_t pa)
{
	unsigned int low = 0;
	unsigned int high = model.granule_count;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (model.granules[middle].pa + M_PAGE <= pa) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < model.granule_count && model.granules[low].pa <= pa ? &model.granules[low]
									 : NULL;
}

void m_set_state(uint64_t pa, enum m_state state, void *object)
{
	struct m_granule *granule = model_granule(pa);

	granule->state = state;
	granule->object = object;
}

static void *object_at(uint64_t pa, enum m_state state)
{
	struct m_granule *granule = m_aligned(pa, M_PAGE) ? model_granule(pa) : NULL;

	return granule != NULL && granule->state == state ? granule->object : NULL;
}

struct m_realm *model_realm(uint64_t pa)
{
	return object_at(pa, M_RD);
}

struct m_rec *model_rec(uint64_t pa)
{
	return object_at(pa, M_REC);
}

/* --- refusals --- */

void m_refuse(struct m_refusals *refusals, const char *condition, uint64_t x0, uint64_t top)
{
	for (unsigned int i = 0; i < refusals->count; i++) {
		const struct m_refusal *one = &refusals->list[i];

		if (one->x0 == x0 && one->top == top && strcmp(one->condition, condition) == 0) {
			return;
		}
	}
	if (refusals->count == M_MAX_REFUSALS) {
		abort();
	}
	refusals->list[refusals->count++] = (struct m_refusal){condition, x0, top};
}

bool m_refused(const struct m_refusals *refusals, const char *condition)
{
	for (unsigned int i = 0; i < refusals->count; i++) {
		if (strcmp(refusals->list[i].condition, condition) == 0) {
			return true;
		}
	}
	return false;
}

void m_yield(struct m_refusals *refusals, const char *condition)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < refusals->count; i++) {
		if (strcmp(refusals->list[i].condition, condition) != 0) {
			refusals->list[kept++] = refusals->list[i];
		}
	}
	refusals->count = kept;
}

static const char *expected_text(const struct m_refusals *refusals)
{
	static char text[160];
	size_t used = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < refusals->count && used < sizeof(text) - 40; i++) {
		const struct m_refusal *one = &refusals->list[i];

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.24s %#lx",
					 i == 0 ? "" : " or ", one->condition, one->x0);
	}
	return text;
}

/* All zero but `top`, where the command has one. */
static const char *check_outputs(const struct m_refusals *refusals, const struct m_refusal *one,
				 const struct m_answer *answer)
{
	for (unsigned int i = 1; i <= refusals->outputs; i++) {
		uint64_t expected = i == refusals->top ? one->top : 0;

		if (answer->x[i] != expected) {
			return m_wrong("refused for %s with x%u %#lx, expected %#lx",
				       one->condition, i, answer->x[i], expected);
		}
	}
	return NULL;
}

const char *m_check_refused(const struct m_refusals *refusals, const struct m_answer *answer)
{
	const char *name = answer->condition == NULL ? "no condition" : answer->condition;

	for (unsigned int i = 0; i < refusals->count; i++) {
		const struct m_refusal *one = &refusals->list[i];

		if (one->x0 == answer->x[0] && strcmp(one->condition, name) == 0) {
			return check_outputs(refusals, one, answer);
		}
	}
	if (answer->x[0] == RMI_SUCCESS) {
		return m_wrong("succeeds, where it must be refused: %s", expected_text(refusals));
	}
	return m_wrong("refused with %#lx for %s, expected: %s", answer->x[0], name,
		       refusals->count == 0 ? "success" : expected_text(refusals));
}

struct m_granule *m_check_granule(struct m_case *c, uint64_t pa, enum m_state state,
				  const struct m_names *names)
{
	struct m_granule *granule = model_granule(pa);
	bool aligned = m_aligned(pa, M_PAGE);

	if (!aligned) {
		m_refuse(&c->refusals, names->align, RMI_ERROR_INPUT, 0);
	}
	if (granule == NULL) {
		m_refuse(&c->refusals, names->bound, RMI_ERROR_INPUT, 0);
	} else if (granule->state != state) {
		m_refuse(&c->refusals, names->state, RMI_ERROR_INPUT, 0);
	} else if (aligned) {
		return granule;
	}
	return NULL;
}

struct m_realm *m_check_rd(struct m_case *c, uint64_t pa)
{
	static const struct m_names names = {"rd_align", "rd_bound", "rd_state"};
	struct m_granule *granule = m_check_granule(c, pa, M_RD, &names);

	return granule == NULL ? NULL : granule->object;
}

bool m_host_page(uint64_t pa)
{
	struct m_granule *granule = model_granule(pa);

	return m_aligned(pa, M_PAGE) && granule != NULL && granule->state == M_UNDELEGATED &&
	       granule->world == M_NORMAL;
}

bool m_check_host_page(struct m_case *c, uint64_t pa, const struct m_names *names)
{
	const struct m_granule *granule = m_check_granule(c, pa, M_UNDELEGATED, names);

	if (granule != NULL && granule->world != M_NORMAL) {
		m_refuse(&c->refusals, names->state, RMI_ERROR_INPUT, 0);
		return false;
	}
	return granule != NULL;
}

/* --- judgement --- */

static const struct m_command *find_in(const struct m_command *commands, uint64_t fid)
{
	for (; commands->conditions != NULL; commands++) {
		if (commands->fid == fid) {
			return commands;
		}
	}
	return NULL;
}

static const struct m_command *find_command(uint64_t fid)
{
	const struct m_command *command = find_in(model_object_commands, fid);

	command = command != NULL ? command : find_in(model_rtt_commands, fid);
	return command != NULL ? command : find_in(model_psci_command, fid);
}

static const char *judge_success(const struct m_command *command, struct m_case *c)
{
	const struct m_answer *answer = c->answer;
	unsigned int outputs = command->fid == RMI_RTT_READ_ENTRY_FID ? 4 : 3;
	uint64_t x[5] = {RMI_SUCCESS, 0, 0, 0, 0};
	const char *wrong;

	if (answer->condition != NULL) {
		return m_wrong("succeeds, though %s", answer->condition);
	}
	wrong = command->effect == NULL ? NULL : command->effect(c, x);
	for (unsigned int i = 1; i <= outputs && wrong == NULL; i++) {
		if (x[i] != answer->x[i]) {
			wrong = m_wrong("x%u is %#lx, expected %#lx", i, answer->x[i], x[i]);
		}
	}
	return wrong;
}

/* RMI_VERSION is an exchange of its own: outputs with a failure, and no condition. */
static const char *judge_version(const uint64_t *args, const struct m_answer *answer)
{
	uint64_t x0 = args[0] == RMI_REVISION ? RMI_SUCCESS : RMI_ERROR_INPUT;

	if (answer->x[0] != x0 || answer->x[1] != RMI_REVISION || answer->x[2] != RMI_REVISION) {
		return m_wrong("%#lx %#lx %#lx for version %#lx", answer->x[0], answer->x[1],
			       answer->x[2], args[0]);
	}
	return NULL;
}

const char *model_judge(uint64_t fid, const uint64_t *args, const union m_input *input,
			const struct m_answer *answer)
{
	const struct m_command *command = find_command(fid);
	struct m_case c = {.args = args, .input = input, .answer = answer};

	if (fid == RMI_VERSION_FID) {
		return judge_version(args, answer);
	}
	if (command == NULL) {
		return answer->x[0] == UINT64_MAX ? NULL : m_wrong("%#lx answers", fid);
	}
	c.refusals.outputs = fid == RMI_RTT_READ_ENTRY_FID ? 4 : 3;
	command->conditions(&c);
	if (c.refusals.count != 0 || answer->x[0] != RMI_SUCCESS) {
		return m_check_refused(&c.refusals, answer);
	}
	return judge_success(command, &c);
}
