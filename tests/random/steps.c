// SPDX-License-Identifier: BSD-3-Clause
#include "steps.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"world", "rmi", "act", "pas", "entropy"};
static const char *const acts[] = {"SMC", "abort", "IRQ", "FIQ", "WFx", "HVC", "SGI"};

struct name {
	uint64_t fid;
	const char *name;
};

static const struct name names[] = {
#define RMI_COMMAND(fid, name, ...)  {fid, #name},
#define RSI_COMMAND(fid, name, ...)  {fid, #name},
#define PSCI_COMMAND(fid, name, ...) {fid, #name},
#include "abi/commands.def"
#undef RMI_COMMAND
#undef RSI_COMMAND
#undef PSCI_COMMAND
};

const char *step_name(uint64_t fid)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].fid == fid) {
			return names[i].name;
		}
	}
	return "?";
}

struct m_action step_action(const struct step *step)
{
	struct m_action action = {
		.act = (enum m_act)step->w[0],
		.esr = step->w[1],
		.far = step->w[2],
		.ipa = step->w[3],
		.count = step->count - 4U,
	};

	memcpy(action.x, &step->w[4], action.count * sizeof(action.x[0]));
	return action;
}

struct step step_of_action(unsigned int cpu, const struct m_action *action)
{
	struct step step = {
		.kind = STEP_ACT,
		.cpu = (uint8_t)cpu,
		.count = (uint8_t)(4 + action->count),
		.w = {action->act, action->esr, action->far, action->ipa},
	};

	memcpy(&step.w[4], action->x, action->count * sizeof(action->x[0]));
	return step;
}

void step_print(FILE *file, const struct step *step)
{
	fprintf(file, "%s %u", kinds[step->kind], step->cpu);
	for (unsigned int i = 0; i < step->count; i++) {
		fprintf(file, " %" PRIx64, step->w[i]);
	}
	if (step->kind == STEP_RMI) {
		fprintf(file, " # %s", step_name(step->w[0]));
	} else if (step->kind == STEP_ACT) {
		fprintf(file, " # %s", acts[step->w[0]]);
		if (step->w[0] == M_ACT_SMC) {
			fprintf(file, " %s", step_name(step->w[4] & 0xFFFEFFFF));
		}
	}
	fputc('\n', file);
}

static bool parse(char *line, struct step *step)
{
	char *end = strchr(line, '#');
	char *save = NULL;
	char *word;

	if (end != NULL) {
		*end = '\0';
	}
	memset(step, 0, sizeof(*step));
	word = strtok_r(line, " \n", &save);
	while (word != NULL && step->kind < STEP_KINDS && strcmp(word, kinds[step->kind]) != 0) {
		step->kind++;
	}
	if (word == NULL || step->kind == STEP_KINDS) {
		return false;
	}
	word = strtok_r(NULL, " \n", &save);
	step->cpu = word == NULL ? 0 : (uint8_t)(strtoul(word, NULL, 10) % M_CPUS);
	while (step->count < STEP_WORDS && (word = strtok_r(NULL, " \n", &save)) != NULL) {
		step->w[step->count++] = strtoull(word, NULL, 16);
	}
	return step->kind != STEP_ACT ||
	       (step->count >= 4 && step->w[0] <= M_ACT_SGI && step->count <= 4 + M_ACT_X);
}

bool step_read(FILE *file, struct step *step)
{
	char line[1024];

	while (fgets(line, sizeof(line), file) != NULL) {
		if (line[0] != '#' && line[0] != '\n') {
			return parse(line, step);
		}
	}
	return false;
}
