// SPDX-License-Identifier: BSD-3-Clause
/* The realm that `rvm run` makes, measured; and what both modes of cca-measure share. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy.h"
#include "tools/measure.h"

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

/* What is wrong with a file as part of an image, NULL if nothing is: as rvm has it. */
static const char *unfit(int fd, struct stat *st)
{
	if (fstat(fd, st) != 0) {
		return strerror(errno);
	}
	if (!S_ISREG(st->st_mode)) {
		return S_ISDIR(st->st_mode) ? "is a directory" : "is not a regular file";
	}
	return st->st_size > 0 ? NULL : "is empty";
}

bool load_file(struct measuring *m, const char *path, struct layout_file *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	void *data = MAP_FAILED;
	const char *why;
	struct stat st;

	*file = (struct layout_file){0};
	why = fd < 0 ? strerror(errno) : unfit(fd, &st);
	if (why == NULL) {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		why = data == MAP_FAILED ? strerror(errno) : NULL;
	}
	if (fd >= 0) {
		close(fd);
	}
	if (why != NULL) {
		return measure_fail(m, "%s: %s", path, why);
	}
	*file = (struct layout_file){.data = data, .size = (size_t)st.st_size};
	return true;
}

void unload_file(struct layout_file *file)
{
	if (file->data != NULL) {
		munmap((void *)file->data, file->size);
	}
	*file = (struct layout_file){0};
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

/* layout_ops: a vCPU is created (RMI_REC_CREATE). False, with a message. */
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

/* RMI_REALM_CREATE with the parameters that rvm gives. False, with a message. */
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
	m->start_level = LAYOUT_START_LEVEL;
	measure_step(m, "realm s2sz=%u", l->s2sz);
	return true;
}

/* Writes the device tree to a file, for a look at it. False, with a message. */
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
