// SPDX-License-Identifier: BSD-3-Clause
/* Scripts of measured operations, one to a line; the format is in cca-measure(1). */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "tools/measure.h"

#define LINE_MAX_SIZE 4096
#define MAX_WORDS     24

#define NO_LEVEL UINT64_MAX

/* One line, cut into words. Words of the form key=value are fetched by key and counted. */
struct words {
	struct measuring *m;
	unsigned int line;
	size_t count;
	size_t used;
	char *word[MAX_WORDS];
};

/* Decimal digits, or hexadecimal ones after 0x. */
static bool parse_number(const char *text, uint64_t *value)
{
	char *end;

	if (text[0] < '0' || text[0] > '9') {
		return false;
	}
	errno = 0;
	*value = strtoull(text, &end, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
	return errno == 0 && *end == '\0';
}

static bool parse_hash(const char *text, uint8_t *hash)
{
	if (strcmp(text, "sha-256") == 0 || strcmp(text, "sha256") == 0) {
		*hash = RMI_HASH_SHA_256;
		return true;
	}
	if (strcmp(text, "sha-512") == 0 || strcmp(text, "sha512") == 0) {
		*hash = RMI_HASH_SHA_512;
		return true;
	}
	return false;
}

static bool bad(struct words *w, const char *what)
{
	return measure_fail(w->m, "line %u: %s", w->line, what);
}

static bool split(struct words *w, char *line)
{
	char *save;

	line[strcspn(line, "#")] = '\0';
	for (char *word = strtok_r(line, " \t\r\n", &save); word != NULL;
	     word = strtok_r(NULL, " \t\r\n", &save)) {
		if (w->count == MAX_WORDS) {
			return bad(w, "too many words");
		}
		w->word[w->count++] = word;
	}
	return true;
}

static const char *value_of(struct words *w, const char *key)
{
	size_t size = strlen(key);

	for (size_t i = 1; i < w->count; i++) {
		if (strncmp(w->word[i], key, size) == 0 && w->word[i][size] == '=') {
			w->used++;
			return w->word[i] + size + 1;
		}
	}
	return NULL;
}

/* The number under a key, or `otherwise` if there is none. */
static bool number_of(struct words *w, const char *key, uint64_t max, uint64_t otherwise,
		      uint64_t *value)
{
	const char *text = value_of(w, key);

	*value = otherwise;
	if (text != NULL && (!parse_number(text, value) || *value > max)) {
		return measure_fail(w->m, "line %u: %s: not a number in range", w->line, key);
	}
	return true;
}

static bool byte_of(struct words *w, const char *key, uint8_t *value)
{
	uint64_t number;

	if (!number_of(w, key, UINT8_MAX, 0, &number)) {
		return false;
	}
	*value = (uint8_t)number;
	return true;
}

/* A positional argument, which is a number. */
static bool argument(struct words *w, size_t index, uint64_t *value)
{
	if (index >= w->count || !parse_number(w->word[index], value)) {
		return measure_fail(w->m, "line %u: argument %zu must be a number", w->line, index);
	}
	w->used++;
	return true;
}

static bool all_used(struct words *w)
{
	return w->used + 1 == w->count || bad(w, "a word that means nothing here");
}

/* A name, or the number that the parameters have for it. */
static bool hash_of(struct words *w, uint8_t *hash)
{
	const char *text = value_of(w, "hash");
	uint64_t number;

	if (text == NULL) {
		return bad(w, "realm needs hash=sha-256 or hash=sha-512");
	}
	if (parse_number(text, &number)) {
		*hash = (uint8_t)number;
		return number == RMI_HASH_SHA_256 || number == RMI_HASH_SHA_512 ||
		       bad(w, "hash: the number is neither 0 (SHA-256) nor 1 (SHA-512)");
	}
	return parse_hash(text, hash) || bad(w, "hash: must be sha-256, sha-512, 0 or 1");
}

static bool realm_params(struct words *w, struct rmi_realm_params *p)
{
	memset(p, 0, sizeof(*p));
	return hash_of(w, &p->hash_algo) && number_of(w, "flags", UINT64_MAX, 0, &p->flags) &&
	       byte_of(w, "s2sz", &p->s2sz) && byte_of(w, "sve_vl", &p->sve_vl) &&
	       byte_of(w, "num_bps", &p->num_bps) && byte_of(w, "num_wps", &p->num_wps) &&
	       byte_of(w, "pmu_num_ctrs", &p->pmu_num_ctrs);
}

/* realm [hash=] [flags=] ...: creates the realm, once (RMI_REALM_CREATE). False, with a message. */
static bool do_realm(struct words *w)
{
	struct rmi_realm_params p;
	uint64_t start;

	if (!realm_params(w, &p) ||
	    !number_of(w, "rtt_level_start", RMI_LEVEL_PAGE, (uint64_t)cca_rim_start_level(p.s2sz),
		       &start) ||
	    !all_used(w)) {
		return false;
	}
	if (w->m->created) {
		return bad(w, "a realm is created once");
	}
	if (!cca_rim_realm_create(&w->m->rim, &p)) {
		return bad(w, "cannot be measured");
	}
	for (size_t i = 0; i < CCA_REM_COUNT; i++) {
		w->m->rem[i] = cca_rem_initial(w->m->rim.hash);
	}
	w->m->created = true;
	w->m->start_level = (int)start;
	measure_step(w->m, "realm");
	return true;
}

static bool data_from_file(struct words *w, uint64_t ipa, const char *name, uint64_t flags)
{
	struct layout_file file;
	char path[LINE_MAX_SIZE * 2];
	bool ok;

	snprintf(path, sizeof(path), "%s%s", name[0] == '/' ? "" : w->m->folder, name);
	if (!load_file(w->m, path, &file)) {
		return false;
	}
	ok = measure_data(w->m, ipa, file, flags);
	unload_file(&file);
	return ok;
}

/* data IPA FILE|fill:BYTE [flags=]: pages of data (RMI_DATA_CREATE). False, with a message. */
static bool do_data(struct words *w)
{
	uint8_t page[ABI_GRANULE_SIZE] = {0};
	const char *source;
	uint64_t fill = 0;
	uint64_t flags;
	uint64_t ipa;

	if (!argument(w, 1, &ipa) || w->count < 3) {
		return bad(w, "data needs an IPA and a source");
	}
	source = w->word[2];
	w->used++;
	if (!number_of(w, "flags", UINT64_MAX, RMI_DATA_FLAG_MEASURE, &flags) || !all_used(w)) {
		return false;
	}
	if (ipa % ABI_GRANULE_SIZE != 0) {
		return bad(w, "IPA is not page-aligned");
	}
	if (strncmp(source, "fill:", 5) != 0) {
		return data_from_file(w, ipa, source, flags);
	}
	if (!parse_number(source + 5, &fill) || fill > UINT8_MAX) {
		return bad(w, "fill: needs a byte");
	}
	memset(page, (int)fill, sizeof(page));
	return measure_data(w->m, ipa, (struct layout_file){page, sizeof(page)}, flags);
}

/*
 * ripas BASE SIZE [level=]: one call at this level, or those that cover the range. False, with a
 * message.
 */
static bool do_ripas(struct words *w)
{
	uint64_t level;
	uint64_t base;
	uint64_t size;
	bool ok;

	if (!number_of(w, "level", RMI_LEVEL_PAGE, NO_LEVEL, &level) || !argument(w, 1, &base) ||
	    !argument(w, 2, &size) || !all_used(w)) {
		return false;
	}
	if (size > UINT64_MAX - base) {
		return bad(w, "range wraps");
	}
	if (level == NO_LEVEL) {
		ok = cca_rim_init_ripas_range(&w->m->rim, base, base + size, w->m->start_level);
	} else {
		ok = cca_rim_init_ripas(&w->m->rim, base, base + size, (int)level);
	}
	if (!ok) {
		return bad(w, "range is empty or not aligned to its entries");
	}
	measure_step(w->m, "ripas %#" PRIx64 " %#" PRIx64, base, size);
	return true;
}

/* rec [flags=] [pc=] [x0=] ...: a vCPU (RMI_REC_CREATE). False, with a message. */
static bool do_rec(struct words *w)
{
	struct rmi_rec_params p;
	char name[3] = "x0";

	memset(&p, 0, sizeof(p));
	if (!number_of(w, "flags", UINT64_MAX, RMI_REC_FLAG_RUNNABLE, &p.flags) ||
	    !number_of(w, "pc", UINT64_MAX, 0, &p.pc)) {
		return false;
	}
	for (size_t i = 0; i < RMI_REC_CREATE_GPRS; i++) {
		name[1] = (char)('0' + i);
		if (!number_of(w, name, UINT64_MAX, 0, &p.gprs[i])) {
			return false;
		}
	}
	if (!all_used(w)) {
		return false;
	}
	if (!cca_rim_rec_create(&w->m->rim, &p)) {
		return bad(w, "cannot be measured");
	}
	measure_step(w->m, "rec");
	return true;
}

/* rem INDEX HEX|-: the realm extends a REM (RSI_MEASUREMENT_EXTEND). False, with a message. */
static bool do_rem(struct words *w)
{
	uint8_t value[CCA_HASH_MAX];
	size_t size = 0;
	uint64_t index;

	if (!argument(w, 1, &index) || index >= CCA_REM_COUNT || w->count != 3) {
		return bad(w, "rem needs an index (0 to 3) and a value");
	}
	if (strcmp(w->word[2], "-") != 0) {
		size = cca_from_hex(w->word[2], value, sizeof(value));
		if (size == 0) {
			return bad(w, "value is not hexadecimal digits for 1 to 64 bytes, or -");
		}
	}
	if (!cca_rem_extend(&w->m->rem[index], value, size)) {
		return bad(w, "cannot be measured");
	}
	return true;
}

/* One operation; an empty line is none. False, with a message. */
static bool do_line(struct words *w)
{
	static const struct {
		const char *name;
		bool (*run)(struct words *w);
	} commands[] = {
		{"realm", do_realm}, {"data", do_data}, {"ripas", do_ripas},
		{"rec", do_rec},     {"rem", do_rem},
	};

	if (w->count == 0) {
		return true;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(w->word[0], commands[i].name) == 0) {
			return i == 0 || w->m->created ? commands[i].run(w)
						       : bad(w, "the realm must come first");
		}
	}
	return bad(w, "unknown operation");
}

bool measure_script(struct measuring *m, FILE *script)
{
	char line[LINE_MAX_SIZE];
	unsigned int number = 0;

	while (fgets(line, sizeof(line), script) != NULL) {
		struct words w = {.m = m, .line = ++number};

		if (strchr(line, '\n') == NULL && !feof(script)) {
			return bad(&w, "line too long");
		}
		if (!split(&w, line) || !do_line(&w)) {
			return false;
		}
	}
	if (ferror(script)) {
		return measure_fail(m, "script: cannot be read");
	}
	return m->created || measure_fail(m, "script: no realm in it");
}
