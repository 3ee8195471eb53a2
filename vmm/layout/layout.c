// SPDX-License-Identifier: BSD-3-Clause
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "abi/rmi.h"
#include "layout.h"

/*
 * Breakpoints and watchpoints, minus one: the fewest that the architecture allows, so that the RIM
 * is the same on every machine.
 */
#define NUM_BPS 1
#define NUM_WPS 1

/* Header of an arm64 Image (Linux, Documentation/arch/arm64/booting.rst). Little endian. */
#define IMAGE_HEADER_SIZE     64
#define IMAGE_TEXT_OFFSET     8
#define IMAGE_SIZE            16
#define IMAGE_FLAGS           24
#define IMAGE_MAGIC           56
#define IMAGE_MAGIC_VALUE     0x644d5241u /* "ARM\x64" */
#define IMAGE_FLAG_BIG_ENDIAN 1u

struct image {
	uint64_t text_offset;
	uint64_t size; /* in memory, with what follows the file */
};

static bool __attribute__((format(printf, 2, 3))) fail(struct layout_error *err, const char *format,
						       ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	return false;
}

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) / align * align;
}

static uint64_t get_le(const uint8_t *bytes, size_t count)
{
	uint64_t value = 0;

	while (count-- > 0) {
		value = value << 8 | bytes[count];
	}
	return value;
}

/* Checks the header of an arm64 Image and takes its sizes. False, with the reason in err. */
static bool read_image(struct layout_file file, struct image *image, struct layout_error *err)
{
	const uint8_t *header = file.data;

	if (file.size < IMAGE_HEADER_SIZE || get_le(header + IMAGE_MAGIC, 4) != IMAGE_MAGIC_VALUE) {
		if (file.size > 2 && header[0] == 0x1f && header[1] == 0x8b) {
			return fail(err, "kernel: compressed with gzip; unpack it first");
		}
		return fail(err, "kernel: not an uncompressed arm64 Image");
	}
	if (get_le(header + IMAGE_FLAGS, 8) & IMAGE_FLAG_BIG_ENDIAN) {
		return fail(err, "kernel: big endian; realms here are little endian");
	}
	image->text_offset = get_le(header + IMAGE_TEXT_OFFSET, 8);
	image->size = get_le(header + IMAGE_SIZE, 8);
	if (image->size == 0 || image->text_offset >= LAYOUT_BLOCK ||
	    image->text_offset % ABI_GRANULE_SIZE != 0 || image->size > UINT64_C(1) << 32) {
		return fail(err, "kernel: header has no usable image size or text offset");
	}
	if (image->size < file.size) {
		image->size = file.size;
	}
	return true;
}

/* False, with the reason in err, for what no realm can have. */
static bool check_config(const struct layout_config *c, struct layout_error *err)
{
	const uint64_t limit = UINT64_C(1) << (LAYOUT_MAX_IPA_WIDTH - 1);
	const uint64_t known = RMI_REALM_FLAG_SVE | RMI_REALM_FLAG_PMU;

	if (c->cpus < 1 || c->cpus > LAYOUT_MAX_CPUS) {
		return fail(err, "cpus: %u, must be 1 to %u", c->cpus, LAYOUT_MAX_CPUS);
	}
	if (c->ram_size == 0 || c->ram_size % LAYOUT_BLOCK != 0 || c->ram_size > limit) {
		return fail(err, "memory: must be a multiple of 2 MiB, at most 256 GiB");
	}
	if (c->csm_size % LAYOUT_BLOCK != 0 || c->csm_size > limit) {
		return fail(err, "CSM window: must be a multiple of 2 MiB, at most 256 GiB");
	}
	if (c->cmdline != NULL && strlen(c->cmdline) > LAYOUT_MAX_CMDLINE) {
		return fail(err, "command line: longer than %u characters", LAYOUT_MAX_CMDLINE);
	}
	if (c->hash_algo != RMI_HASH_SHA_256 && c->hash_algo != RMI_HASH_SHA_512) {
		return fail(err, "hash: must be SHA-256 or SHA-512");
	}
	if (c->realm_flags & ~known) {
		return fail(err, "realm flags: only SVE and PMU are possible");
	}
	return true;
}

/*
 * Gives kernel, device tree and initrd their addresses. False, with the reason in err, when RAM is
 * short.
 */
static bool place_files(const struct layout_config *c, struct layout *l, struct layout_error *err)
{
	uint64_t top = l->ram_base + l->ram_size;
	struct image image;
	uint64_t end;

	if (!read_image(c->kernel, &image, err)) {
		return false;
	}
	l->kernel_ipa = l->ram_base + image.text_offset;
	l->dtb_ipa = align_up(l->kernel_ipa + image.size, LAYOUT_BLOCK);
	end = l->dtb_ipa + LAYOUT_DTB_MAX;
	if (c->initrd.size != 0) {
		l->initrd_ipa = align_up(end, LAYOUT_BLOCK);
		end = l->initrd_ipa + c->initrd.size;
	}
	if (end > top) {
		return fail(
			err,
			"memory: %llu MiB is too little for kernel and initramfs, which need %llu",
			(unsigned long long)(l->ram_size >> 20),
			(unsigned long long)((align_up(end, LAYOUT_BLOCK) - l->ram_base) >> 20));
	}
	return true;
}

/* The narrowest address space whose lower half holds everything. */
static bool choose_width(struct layout *l, struct layout_error *err)
{
	uint64_t top = l->ram_base + l->ram_size;
	uint8_t width = LAYOUT_MIN_IPA_WIDTH;

	if (l->csm_size != 0) {
		l->csm_base = align_up(top, LAYOUT_CSM_ALIGN);
		top = l->csm_base + l->csm_size;
	}
	while (width <= LAYOUT_MAX_IPA_WIDTH && top > UINT64_C(1) << (width - 1)) {
		width++;
	}
	if (width > LAYOUT_MAX_IPA_WIDTH) {
		return fail(err, "memory and CSM window: do not fit into %u bits",
			    LAYOUT_MAX_IPA_WIDTH - 1);
	}
	l->s2sz = width;
	return true;
}

bool layout_plan(const struct layout_config *config, struct layout *layout,
		 struct layout_error *err)
{
	bool sve = config->realm_flags & RMI_REALM_FLAG_SVE;
	bool pmu = config->realm_flags & RMI_REALM_FLAG_PMU;

	if (!check_config(config, err)) {
		return false;
	}
	*layout = (struct layout){
		.realm_flags = config->realm_flags,
		.sve_vl = sve ? config->sve_vl : 0,
		.num_bps = NUM_BPS,
		.num_wps = NUM_WPS,
		.pmu_num_ctrs = pmu ? config->pmu_num_ctrs : 0,
		.hash_algo = config->hash_algo,
		.ram_base = LAYOUT_RAM_BASE,
		.ram_size = config->ram_size,
		.csm_size = config->csm_size,
		.cpus = config->cpus,
	};
	return place_files(config, layout, err) && choose_width(layout, err);
}

uint64_t layout_mpidr(unsigned int index)
{
	return ABI_FIELD_PREP(RMI_MPIDR_AFF0, (uint64_t)index & 0xf) |
	       ABI_FIELD_PREP(RMI_MPIDR_AFF1, (uint64_t)index >> 4);
}

bool layout_build(const struct layout_config *config, const struct layout *layout,
		  struct layout_file dtb, const struct layout_ops *ops, void *ctx)
{
	const uint64_t data_flags = config->skip_content ? 0 : RMI_DATA_FLAG_MEASURE;
	const uint64_t boot[8] = {layout->dtb_ipa};
	const uint64_t idle[8] = {0};

	if (!ops->init_ripas(ctx, layout->ram_base, layout->ram_size) ||
	    !ops->data_create(ctx, layout->kernel_ipa, config->kernel, data_flags) ||
	    !ops->data_create(ctx, layout->dtb_ipa, dtb, data_flags)) {
		return false;
	}
	if (layout->initrd_ipa != 0 &&
	    !ops->data_create(ctx, layout->initrd_ipa, config->initrd, data_flags)) {
		return false;
	}
	if (!ops->rec_create(ctx, layout_mpidr(0), RMI_REC_FLAG_RUNNABLE, layout->kernel_ipa,
			     boot)) {
		return false;
	}
	for (unsigned int i = 1; i < layout->cpus; i++) {
		if (!ops->rec_create(ctx, layout_mpidr(i), 0, 0, idle)) {
			return false;
		}
	}
	return true;
}
