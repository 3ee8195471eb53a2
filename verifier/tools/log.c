// SPDX-License-Identifier: BSD-3-Clause
/*
 * Measurement logs: one JSON object to a line; the format is in cca-measure(1), LOG. A log comes
 * from a host that nobody trusts: memory and time are bounded by the length of a line.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "policy.h"
#include "tools/log.h"

#define LINE_MAX_SIZE 4096
#define TOLD          10 /* departures that are told one by one */

enum kind { KIND_REALM, KIND_RIPAS, KIND_DATA, KIND_REC };

static const char *const kind_names[] = {"realm", "ripas", "data", "rec"};

/* One line of a log. */
struct entry {
	enum kind kind;
	union {
		struct {
			struct rmi_realm_params params;
			int start_level;
		} realm;
		struct {
			uint64_t base, size;
		} ripas;
		struct {
			uint64_t ipa, flags;
			uint8_t content[CCA_HASH_MAX]; /* zero where it is not measured */
		} data;
		struct rmi_rec_params rec;
	};
};

struct log {
	struct measuring *m;
	FILE *file;
	unsigned int line;
	bool ended;
	uint64_t ripas_pages; /* in all lines together */
	uint64_t departures;
	bool astray; /* the order of the operations has departed: the rest is not compared */
	struct layout layout;
};

/* One line, read as JSON. Members are fetched by name and counted. */
struct members {
	struct log *log;
	json_t *root;
	size_t used;
};

static bool bad(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool bad(struct log *log, const char *format, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return measure_fail(log->m, "log: line %u: %s", log->line, text);
}

/* ------------------------------------------------------------------- values */

static json_t *member(struct members *w, const char *name)
{
	json_t *value = json_object_get(w->root, name);

	w->used += value != NULL;
	return value;
}

/* An unsigned number of 64 bits: a number of JSON, or a string of digits, or of 0x and digits. */
static bool to_number(const json_t *value, uint64_t *number)
{
	const char *text = json_string_value(value);
	char *end;

	if (json_is_integer(value)) {
		*number = (uint64_t)json_integer_value(value);
		return json_integer_value(value) >= 0;
	}
	if (text == NULL || text[0] < '0' || text[0] > '9') {
		return false;
	}
	errno = 0;
	*number = strtoull(text, &end, text[0] == '0' && text[1] == 'x' ? 16 : 10);
	return errno == 0 && *end == '\0' && end == text + json_string_length(value);
}

static bool number(struct members *w, const char *name, uint64_t max, uint64_t *value)
{
	return (to_number(member(w, name), value) && *value <= max) ||
	       bad(w->log, "\"%s\" is missing, or no number in range", name);
}

static bool byte(struct members *w, const char *name, uint8_t *value)
{
	uint64_t wide;

	if (!number(w, name, UINT8_MAX, &wide)) {
		return false;
	}
	*value = (uint8_t)wide;
	return true;
}

static bool hex(struct members *w, const char *name, size_t size, uint8_t *out)
{
	const char *text = json_string_value(member(w, name));

	return (text != NULL && strlen(text) == 2 * size &&
		cca_from_hex(text, out, size) == size) ||
	       bad(w->log, "\"%s\" is missing, or not %zu bytes in hexadecimal digits", name, size);
}

/* ---------------------------------------------------------------- operations */

/*
 * The line "realm": parameters of RMI_REALM_CREATE, and the RPV, which is not measured. False,
 * with a message.
 */
static bool read_realm(struct members *w, struct entry *e)
{
	struct rmi_realm_params *p = &e->realm.params;
	const char *hash = json_string_value(member(w, "hash"));
	uint8_t rpv[CCA_RPV_SIZE];
	uint64_t version;
	uint64_t start;

	if (!number(w, "caec-measurement-log", 1, &version) || version != 1) {
		return bad(w->log, "not a measurement log of version 1");
	}
	if (hash == NULL || (strcmp(hash, "sha-256") != 0 && strcmp(hash, "sha-512") != 0)) {
		return bad(w->log, "\"hash\" is neither \"sha-256\" nor \"sha-512\"");
	}
	p->hash_algo = strcmp(hash, "sha-256") == 0 ? (uint8_t)RMI_HASH_SHA_256
						    : (uint8_t)RMI_HASH_SHA_512;
	if (!byte(w, "s2sz", &p->s2sz) || !number(w, "flags", UINT64_MAX, &p->flags) ||
	    !byte(w, "sve_vl", &p->sve_vl) || !byte(w, "num_bps", &p->num_bps) ||
	    !byte(w, "num_wps", &p->num_wps) || !byte(w, "pmu_num_ctrs", &p->pmu_num_ctrs) ||
	    !number(w, "rtt_level_start", RMI_LEVEL_PAGE - 1, &start) ||
	    !hex(w, "rpv", sizeof(rpv), rpv)) {
		return false;
	}
	e->realm.start_level = (int)start;
	return true;
}

static bool read_ripas(struct members *w, struct entry *e)
{
	return number(w, "base", UINT64_MAX, &e->ripas.base) &&
	       number(w, "size", UINT64_MAX - e->ripas.base, &e->ripas.size);
}

static bool read_data(struct members *w, struct entry *e)
{
	if (!number(w, "ipa", UINT64_MAX, &e->data.ipa) ||
	    !number(w, "flags", UINT64_MAX, &e->data.flags)) {
		return false;
	}
	if (e->data.ipa % ABI_GRANULE_SIZE != 0) {
		return bad(w->log, "\"ipa\" is not page-aligned");
	}
	return !(e->data.flags & RMI_DATA_FLAG_MEASURE) ||
	       hex(w, "content", cca_hash_size(w->log->m->rim.hash), e->data.content);
}

/* The line "rec": a vCPU (RMI_REC_CREATE). False, with a message. */
static bool read_rec(struct members *w, struct entry *e)
{
	const json_t *gprs = member(w, "gprs");

	if (!number(w, "mpidr", UINT64_MAX, &e->rec.mpidr) ||
	    !number(w, "flags", UINT64_MAX, &e->rec.flags) ||
	    !number(w, "pc", UINT64_MAX, &e->rec.pc)) {
		return false;
	}
	for (size_t i = 0; i < RMI_REC_CREATE_GPRS; i++) {
		if (!to_number(json_array_get(gprs, i), &e->rec.gprs[i])) {
			return bad(w->log, "\"gprs\" is not a list of %d numbers",
				   RMI_REC_CREATE_GPRS);
		}
	}
	return json_array_size(gprs) == RMI_REC_CREATE_GPRS ||
	       bad(w->log, "\"gprs\" is not a list of %d numbers", RMI_REC_CREATE_GPRS);
}

/* The members of a line, all of which must be known. */
static bool read_members(struct members *w, struct entry *e)
{
	static bool (*const readers[])(struct members *w, struct entry *e) = {
		[KIND_REALM] = read_realm,
		[KIND_RIPAS] = read_ripas,
		[KIND_DATA] = read_data,
		[KIND_REC] = read_rec,
	};
	const char *op = json_string_value(member(w, "op"));
	size_t kind = 0;

	memset(e, 0, sizeof(*e));
	while (kind < sizeof(readers) / sizeof(readers[0]) &&
	       (op == NULL || strcmp(op, kind_names[kind]) != 0)) {
		kind++;
	}
	if (kind == sizeof(readers) / sizeof(readers[0])) {
		return bad(w->log, "no object with a known \"op\"");
	}
	if ((kind == KIND_REALM) == w->log->m->created) {
		return bad(w->log, "\"realm\" must come first, and once");
	}
	e->kind = (enum kind)kind;
	return readers[kind](w, e) && (w->used == json_object_size(w->root) ||
				       bad(w->log, "a member that means nothing here"));
}

/* The next line. False with an error in m, or without one at the end of the log. */
static bool next(struct log *log, struct entry *e)
{
	struct members w = {.log = log};
	char line[LINE_MAX_SIZE];
	json_error_t err;
	bool ok;

	if (fgets(line, sizeof(line), log->file) == NULL) {
		log->ended = !ferror(log->file);
		return log->ended ? false : measure_fail(log->m, "log: cannot be read");
	}
	log->line++;
	if (strchr(line, '\n') == NULL) {
		return bad(log, feof(log->file) ? "cut off" : "too long, or a zero byte in it");
	}
	w.root = json_loads(line, JSON_REJECT_DUPLICATES, &err);
	if (w.root == NULL) {
		return bad(log, "no JSON: %s", err.text);
	}
	ok = read_members(&w, e);
	json_decref(w.root);
	return ok;
}

/* ------------------------------------------------------------------ measuring */

static bool apply_realm(struct measuring *m, const struct entry *e)
{
	if (!cca_rim_realm_create(&m->rim, &e->realm.params)) {
		return false;
	}
	for (size_t i = 0; i < CCA_REM_COUNT; i++) {
		m->rem[i] = cca_rem_initial(m->rim.hash);
	}
	m->created = true;
	m->start_level = e->realm.start_level;
	return true;
}

/* Extends the RIM as the RMM did. */
static bool apply(struct log *log, const struct entry *e)
{
	struct measuring *m = log->m;
	bool ok = false;

	switch (e->kind) {
	case KIND_REALM:
		ok = apply_realm(m, e);
		break;
	case KIND_RIPAS:
		log->ripas_pages += e->ripas.size / ABI_GRANULE_SIZE;
		if (log->ripas_pages > LOG_RIPAS_PAGES ||
		    !cca_rim_init_ripas_range(&m->rim, e->ripas.base, e->ripas.base + e->ripas.size,
					      m->start_level)) {
			return bad(log, "range is empty, not page-aligned or too long");
		}
		ok = true;
		break;
	case KIND_DATA:
		ok = cca_rim_data_digest(&m->rim, e->data.ipa, e->data.flags, e->data.content);
		break;
	case KIND_REC:
		ok = cca_rim_rec_create(&m->rim, &e->rec);
		break;
	}
	measure_step(m, "line %u: %s", log->line, kind_names[e->kind]);
	return ok || bad(log, "cannot be measured");
}

/* ------------------------------------------------------------------ comparing */

static void depart(struct log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void depart(struct log *log, const char *format, ...)
{
	va_list ap;

	if (++log->departures > TOLD) {
		return;
	}
	fprintf(stderr, "cca-measure: log: line %u: ", log->line);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/*
 * Takes the next operation, which should be of this kind. False with an error in m; where the order
 * departs, true with log->astray.
 */
static bool take(struct log *log, enum kind kind, struct entry *e)
{
	if (!next(log, e)) {
		if (log->ended) {
			depart(log, "the log ends here; the reference has a further \"%s\"",
			       kind_names[kind]);
			log->astray = true;
		}
		return log->ended;
	}
	if (!apply(log, e)) {
		return false;
	}
	if (e->kind != kind) {
		depart(log, "\"%s\"; the reference has \"%s\" here", kind_names[e->kind],
		       kind_names[kind]);
		log->astray = true;
	}
	return true;
}

static void differ(struct log *log, const char *what, uint64_t is, uint64_t wanted)
{
	if (is != wanted) {
		depart(log, "%s is %#" PRIx64 "; the reference has %#" PRIx64, what, is, wanted);
	}
}

/*
 * Compares the first line with the parameters that rvm gives. Departures are printed; false only
 * if the log cannot be read.
 */
static bool match_realm(struct log *log)
{
	const struct layout *l = &log->layout;
	const struct rmi_realm_params *p;
	struct entry e;

	if (!take(log, KIND_REALM, &e) || log->astray) {
		return log->astray;
	}
	p = &e.realm.params;
	differ(log, "hash", p->hash_algo, l->hash_algo);
	differ(log, "s2sz", p->s2sz, l->s2sz);
	differ(log, "flags", p->flags, l->realm_flags);
	differ(log, "sve_vl", p->sve_vl, l->sve_vl);
	differ(log, "num_bps", p->num_bps, l->num_bps);
	differ(log, "num_wps", p->num_wps, l->num_wps);
	differ(log, "pmu_num_ctrs", p->pmu_num_ctrs, l->pmu_num_ctrs);
	return true;
}

static bool match_ripas(void *ctx, uint64_t base, uint64_t size)
{
	struct log *log = ctx;
	struct entry e;

	if (log->astray || !take(log, KIND_RIPAS, &e) || log->astray) {
		return log->astray;
	}
	differ(log, "base of the RAM", e.ripas.base, base);
	differ(log, "size of the RAM", e.ripas.size, size);
	return true;
}

/* Which file of the image begins at ipa. */
static const char *file_at(const struct layout *l, uint64_t ipa)
{
	return ipa == l->kernel_ipa ? "kernel" : ipa == l->dtb_ipa ? "device tree" : "initramfs";
}

/* One page of a file of the image; size bytes of it, the rest is zero. */
static bool match_page(struct log *log, uint64_t ipa, uint64_t at, const uint8_t *data, size_t size,
		       uint64_t flags)
{
	uint8_t page[ABI_GRANULE_SIZE] = {0};
	uint8_t digest[CCA_HASH_MAX] = {0};
	const char *file = file_at(&log->layout, ipa);
	struct entry e;

	memcpy(page, data + at, size);
	if (!take(log, KIND_DATA, &e) || log->astray) {
		return log->astray;
	}
	if (e.data.ipa != ipa + at) {
		depart(log,
		       "a page at %#" PRIx64 "; the reference has byte %" PRIu64
		       " of the %s here, at %#" PRIx64,
		       e.data.ipa, at, file, ipa + at);
		log->astray = true;
		return true;
	}
	differ(log, "flags", e.data.flags, flags);
	if (!(flags & e.data.flags & RMI_DATA_FLAG_MEASURE)) {
		return true;
	}
	if (!cca_hash(log->m->rim.hash, page, sizeof(page), digest)) {
		return measure_fail(log->m, "crypto library: cannot hash");
	}
	if (memcmp(digest, e.data.content, sizeof(digest)) != 0) {
		depart(log, "the page at %#" PRIx64 " is not the %s's from byte %" PRIu64 " on",
		       e.data.ipa, file, at);
	}
	return true;
}

static bool match_data(void *ctx, uint64_t ipa, struct layout_file file, uint64_t flags)
{
	struct log *log = ctx;

	for (size_t at = 0; at < file.size && !log->astray; at += ABI_GRANULE_SIZE) {
		size_t left = file.size - at;

		if (!match_page(log, ipa, at, file.data,
				left < ABI_GRANULE_SIZE ? left : ABI_GRANULE_SIZE, flags)) {
			return false;
		}
	}
	return true;
}

/* layout_ops: compares the next line with a vCPU of the image. Results as for match_realm(). */
static bool match_rec(void *ctx, uint64_t mpidr, uint64_t flags, uint64_t pc,
		      const uint64_t gprs[8])
{
	struct log *log = ctx;
	struct entry e;

	if (log->astray || !take(log, KIND_REC, &e) || log->astray) {
		return log->astray;
	}
	differ(log, "mpidr", e.rec.mpidr, mpidr);
	differ(log, "flags", e.rec.flags, flags);
	differ(log, "pc", e.rec.pc, pc);
	for (size_t i = 0; i < RMI_REC_CREATE_GPRS; i++) {
		differ(log, "a register", e.rec.gprs[i], gprs[i]);
	}
	return true;
}

/*
 * Compares the log with what the image must lead to, line by line. False, with a message, if the
 * image or the log cannot be read; departures do not end it.
 */
static bool match_image(struct log *log, const struct layout_config *config)
{
	static const struct layout_ops ops = {match_ripas, match_data, match_rec};
	static uint8_t dtb[LAYOUT_DTB_MAX];
	struct layout_file tree = {.data = dtb};
	struct layout_error err;

	if (!layout_plan(config, &log->layout, &err)) {
		return measure_fail(log->m, "%s", err.text);
	}
	tree.size = layout_make_dtb(config, &log->layout, dtb, sizeof(dtb));
	if (tree.size == 0) {
		return measure_fail(log->m, "device tree: cannot be made");
	}
	return match_realm(log) && layout_build(config, &log->layout, tree, &ops, log);
}

bool measure_log(struct measuring *m, FILE *file, const struct layout_config *image,
		 uint64_t *departures)
{
	struct log log = {.m = m, .file = file};
	bool compare = image != NULL;
	struct entry e;

	*departures = 0;
	if (compare && !match_image(&log, image)) {
		return false;
	}
	while (!log.ended && next(&log, &e)) {
		if (!apply(&log, &e)) {
			return false;
		}
		if (compare && !log.astray) {
			depart(&log, "\"%s\" beyond the end of the reference", kind_names[e.kind]);
		}
	}
	if (log.departures > TOLD) {
		fprintf(stderr, "cca-measure: log: %" PRIu64 " departures more\n",
			log.departures - TOLD);
	}
	*departures = log.departures;
	return log.ended && (m->created || measure_fail(m, "log: no realm in it"));
}
