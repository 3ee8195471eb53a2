// SPDX-License-Identifier: BSD-3-Clause
/* The realm that `rvm run` makes, measured; and what both modes of cca-measure share. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "tools/measure.h"

#define CAEC_START_LEVEL 1 /* of every realm that the host module makes, for any IPA width */

bool measure_fail(struct measuring *m, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(m->error, sizeof(m->error), format, ap);
	va_end(ap);
	return false;
}

void measure_step(struct measuring *m, const char *format, ...)
{
	char hex[2 * CCA_HASH_MAX + 1];
	va_list ap;

	if (m->steps == NULL) {
		return;
	}
	cca_to_hex((struct cca_bytes){m->rim.value, cca_hash_size(m->rim.hash)}, hex, sizeof(hex));
	fprintf(m->steps, "%s ", hex);
	va_start(ap, format);
	vfprintf(m->steps, format, ap);
	va_end(ap);
	fputc('\n', m->steps);
}

bool measure_data(struct measuring *m, uint64_t ipa, struct layout_file data, uint64_t flags)
{
	uint8_t page[ABI_GRANULE_SIZE];
	const uint8_t *bytes = data.data;

	for (size_t at = 0; at < data.size; at += sizeof(page)) {
		size_t size = data.size - at < sizeof(page) ? data.size - at : sizeof(page);

		memcpy(page, bytes + at, size);
		memset(page + size, 0, sizeof(page) - size);
		if (!cca_rim_data_create(&m->rim, ipa + at, flags, page)) {
			return measure_fail(m, "crypto library: cannot hash");
		}
	}
	measure_step(m, "data %#" PRIx64 " %zu flags=%#" PRIx64, ipa, data.size, flags);
	return true;
}

static bool read_all(struct measuring *m, const char *path, FILE *in, struct layout_file *file)
{
	size_t room = 0;
	uint8_t *data = NULL;

	*file = (struct layout_file){0};
	do {
		if (file->size == room) {
			uint8_t *more = realloc(data, room == 0 ? 1 << 20 : 2 * room);

			if (more == NULL) {
				free(data);
				return measure_fail(m, "%s: out of memory", path);
			}
			data = more;
			room = room == 0 ? 1 << 20 : 2 * room;
		}
		file->size += fread(data + file->size, 1, room - file->size, in);
	} while (!feof(in) && !ferror(in));
	file->data = data;
	return true;
}

bool load_file(struct measuring *m, const char *path, struct layout_file *file)
{
	FILE *in = fopen(path, "rb");
	bool ok;

	if (in == NULL) {
		return measure_fail(m, "%s: %s", path, strerror(errno));
	}
	ok = read_all(m, path, in, file);
	if (ok && ferror(in)) {
		free((void *)file->data);
		ok = measure_fail(m, "%s: cannot be read", path);
	}
	fclose(in);
	return ok;
}

bool parse_number(const char *text, bool suffix, uint64_t *value)
{
	static const char units[] = "KMG";
	const char *unit;
	unsigned int shift = 0;
	char *end;

	if (text[0] < '0' || text[0] > '9') {
		return false;
	}
	errno = 0;
	*value = strtoull(text, &end, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
	if (suffix && *end != '\0') {
		unit = strchr(units, *end);
		if (unit == NULL) {
			return false;
		}
		shift = 10 * ((unsigned int)(unit - units) + 1);
		end++;
	}
	if (errno != 0 || *end != '\0' || *value > UINT64_MAX >> shift) {
		return false;
	}
	*value <<= shift;
	return true;
}

bool parse_hash(const char *text, uint8_t *hash)
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

static bool on_ripas(void *ctx, uint64_t base, uint64_t size)
{
	struct measuring *m = ctx;

	if (!cca_rim_init_ripas_range(&m->rim, base, base + size, m->start_level)) {
		return measure_fail(m, "memory: cannot be measured");
	}
	measure_step(m, "ripas %#" PRIx64 " %#" PRIx64, base, size);
	return true;
}

static bool on_data(void *ctx, uint64_t ipa, struct layout_file data, uint64_t flags)
{
	return measure_data(ctx, ipa, data, flags);
}

static bool on_rec(void *ctx, uint64_t mpidr, uint64_t flags, uint64_t pc, const uint64_t gprs[8])
{
	struct measuring *m = ctx;
	struct rmi_rec_params p;

	memset(&p, 0, sizeof(p));
	p.flags = flags;
	p.mpidr = mpidr;
	p.pc = pc;
	memcpy(p.gprs, gprs, sizeof(p.gprs));
	if (!cca_rim_rec_create(&m->rim, &p)) {
		return measure_fail(m, "vCPU: cannot be measured");
	}
	measure_step(m, "rec %#" PRIx64 " flags=%#" PRIx64, mpidr, flags);
	return true;
}

static bool create_realm(struct measuring *m, const struct layout *l)
{
	struct rmi_realm_params p;

	memset(&p, 0, sizeof(p));
	p.flags = l->realm_flags;
	p.s2sz = l->s2sz;
	p.sve_vl = l->sve_vl;
	p.num_bps = l->num_bps;
	p.num_wps = l->num_wps;
	p.pmu_num_ctrs = l->pmu_num_ctrs;
	p.hash_algo = l->hash_algo;
	if (!cca_rim_realm_create(&m->rim, &p)) {
		return measure_fail(m, "realm: cannot be measured");
	}
	m->created = true;
	m->start_level = CAEC_START_LEVEL;
	measure_step(m, "realm s2sz=%u", l->s2sz);
	return true;
}

static bool write_dtb(struct measuring *m, const char *path, struct layout_file dtb)
{
	FILE *out = fopen(path, "wb");
	bool ok;

	if (out == NULL) {
		return measure_fail(m, "%s: %s", path, strerror(errno));
	}
	ok = fwrite(dtb.data, 1, dtb.size, out) == dtb.size && fflush(out) == 0;
	if (!ok) {
		measure_fail(m, "%s: %s", path, strerror(errno));
	}
	if (fclose(out) != 0 && ok) {
		ok = measure_fail(m, "%s: %s", path, strerror(errno));
	}
	return ok;
}

bool measure_image(struct measuring *m, const struct layout_config *config, const char *dtb_path)
{
	static const struct layout_ops ops = {on_ripas, on_data, on_rec};
	static uint8_t dtb[LAYOUT_DTB_MAX];
	struct layout_file tree = {.data = dtb};
	struct layout_error err;
	struct layout layout;

	if (!layout_plan(config, &layout, &err)) {
		return measure_fail(m, "%s", err.text);
	}
	tree.size = layout_make_dtb(config, &layout, dtb, sizeof(dtb));
	if (tree.size == 0) {
		return measure_fail(m, "device tree: cannot be made");
	}
	if (dtb_path != NULL && !write_dtb(m, dtb_path, tree)) {
		return false;
	}
	return create_realm(m, &layout) && layout_build(config, &layout, tree, &ops, m);
}
