// SPDX-License-Identifier: BSD-3-Clause
/* Where a realm's parts go, what its device tree says, and the order in which it is built. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include "abi/rmi.h"
#include "vmm/layout/layout.h"

#define MIB UINT64_C(0x100000)
#define GIB UINT64_C(0x40000000)

static uint8_t image[0x3000];
static uint8_t dtb[LAYOUT_DTB_MAX];
static struct layout_config config;
static struct layout layout;
static struct layout_error err;

static void put_le(size_t at, uint64_t value, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		image[at + i] = (uint8_t)(value >> (8 * i));
	}
}

static void fresh(void)
{
	memset(image, 0, sizeof(image));
	put_le(8, 0, 8);
	put_le(16, 5 * MIB, 8);
	put_le(24, 0xa, 8);
	put_le(56, 0x644d5241, 4);
	config = (struct layout_config){
		.kernel = {image, sizeof(image)},
		.initrd = {"initramfs", 9},
		.cmdline = "console=ttyAMA0",
		.ram_size = 256 * MIB,
		.csm_size = 64 * MIB,
		.cpus = 2,
	};
}

static void plan(void)
{
	if (!layout_plan(&config, &layout, &err)) {
		print_message("%s\n", err.text);
		fail();
	}
}

static void expect_refused(const char *text)
{
	assert_false(layout_plan(&config, &layout, &err));
	if (strstr(err.text, text) == NULL) {
		print_message("expected \"%s\" in \"%s\"\n", text, err.text);
		fail();
	}
}

static void places_everything_apart_and_aligned(void **state)
{
	(void)state;
	fresh();
	plan();
	assert_true(layout.kernel_ipa == LAYOUT_RAM_BASE);
	assert_true(layout.dtb_ipa == LAYOUT_RAM_BASE + 6 * MIB);
	assert_true(layout.initrd_ipa == LAYOUT_RAM_BASE + 8 * MIB);
	assert_true(layout.csm_base == 3 * GIB);
	assert_int_equal(layout.s2sz, 33);
}

static void honours_the_text_offset(void **state)
{
	(void)state;
	fresh();
	put_le(8, 0x80000, 8);
	plan();
	assert_true(layout.kernel_ipa == LAYOUT_RAM_BASE + 0x80000);
	assert_true(layout.dtb_ipa == LAYOUT_RAM_BASE + 6 * MIB);
}

/* The smallest RAM that holds everything is enough, and 2 MiB less is not. */
static void needs_exactly_what_it_says(void **state)
{
	(void)state;
	fresh();
	config.ram_size = 10 * MIB;
	plan();
	config.ram_size = 8 * MIB;
	expect_refused("8 MiB is too little for kernel and initramfs, which need 10");
	config.initrd.size = 0;
	plan();
	assert_true(layout.initrd_ipa == 0);
}

static void width_grows_with_memory(void **state)
{
	static const struct {
		uint64_t ram;
		uint64_t csm;
		uint8_t width;
		uint64_t csm_base;
	} cases[] = {
		{2 * GIB, 0, 33, 0},     {2 * GIB + 2 * MIB, 0, 34, 0},
		{GIB, GIB, 33, 3 * GIB}, {2 * GIB, 2 * MIB, 34, 4 * GIB},
		{64 * GIB, 0, 38, 0},    {200 * GIB, 50 * GIB, 39, 202 * GIB},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fresh();
		config.ram_size = cases[i].ram;
		config.csm_size = cases[i].csm;
		plan();
		assert_int_equal(layout.s2sz, cases[i].width);
		assert_true(layout.csm_base == cases[i].csm_base);
		assert_true(layout.ram_base + layout.ram_size <= UINT64_C(1) << (layout.s2sz - 1));
	}
}

static void refuses_what_cannot_be(void **state)
{
	(void)state;
	fresh();
	config.cpus = 0;
	expect_refused("cpus");
	fresh();
	config.cpus = LAYOUT_MAX_CPUS + 1;
	expect_refused("cpus");
	fresh();
	config.ram_size = 0;
	expect_refused("memory");
	fresh();
	config.ram_size = 257 * MIB;
	expect_refused("memory");
	fresh();
	config.ram_size = UINT64_MAX / LAYOUT_BLOCK * LAYOUT_BLOCK;
	expect_refused("memory");
	fresh();
	config.csm_size = MIB;
	expect_refused("CSM window");
	fresh();
	config.ram_size = 255 * GIB;
	expect_refused("do not fit");
	fresh();
	config.hash_algo = 2;
	expect_refused("hash");
	fresh();
	config.realm_flags = RMI_REALM_FLAG_LPA2;
	expect_refused("realm flags");
}

static void refuses_what_is_no_kernel(void **state)
{
	(void)state;
	fresh();
	config.kernel.size = 63;
	expect_refused("not an uncompressed arm64 Image");
	fresh();
	put_le(56, 0, 4);
	expect_refused("not an uncompressed arm64 Image");
	fresh();
	put_le(24, 0xb, 8);
	expect_refused("big endian");
	fresh();
	put_le(16, 0, 8);
	expect_refused("image size");
	fresh();
	put_le(16, UINT64_MAX, 8);
	expect_refused("image size");
	fresh();
	put_le(8, LAYOUT_BLOCK, 8);
	expect_refused("text offset");
	fresh();
	put_le(8, 8, 8);
	expect_refused("text offset");
}

static void a_file_longer_than_its_image_size_counts(void **state)
{
	(void)state;
	fresh();
	put_le(16, 0x1000, 8);
	plan();
	assert_true(layout.dtb_ipa == LAYOUT_RAM_BASE + 2 * MIB);
	config.kernel.size = 3 * MIB;
	config.kernel.data = calloc(1, config.kernel.size);
	assert_non_null(config.kernel.data);
	memcpy((void *)config.kernel.data, image, sizeof(image));
	plan();
	assert_true(layout.dtb_ipa == LAYOUT_RAM_BASE + 4 * MIB);
	free((void *)config.kernel.data);
}

static void mpidr_has_sixteen_cpus_to_a_cluster(void **state)
{
	(void)state;
	assert_int_equal(layout_mpidr(0), 0);
	assert_int_equal(layout_mpidr(15), 15);
	assert_int_equal(layout_mpidr(16), 0x100);
	assert_int_equal(layout_mpidr(63), 0x30f);
}

/* --- device tree --- */

static size_t make(void)
{
	size_t size;

	plan();
	memset(dtb, 0xff, sizeof(dtb));
	size = layout_make_dtb(&config, &layout, dtb, sizeof(dtb));
	assert_true(size > 0);
	assert_int_equal(fdt_check_full(dtb, size), 0);
	return size;
}

static int node(const char *path)
{
	int offset = fdt_path_offset(dtb, path);

	if (offset < 0) {
		print_message("no node %s\n", path);
		fail();
	}
	return offset;
}

static void expect_wide(const char *path, const char *name, const uint64_t *values, size_t count)
{
	int size;
	const fdt64_t *got = fdt_getprop(dtb, node(path), name, &size);

	assert_non_null(got);
	assert_int_equal(size, 8 * count);
	for (size_t i = 0; i < count; i++) {
		fdt64_t be;

		memcpy(&be, got + i, sizeof(be));
		assert_true(fdt64_to_cpu(be) == values[i]);
	}
}

static void expect_text(const char *path, const char *name, const char *text)
{
	int size;
	const char *got = fdt_getprop(dtb, node(path), name, &size);

	assert_non_null(got);
	assert_string_equal(got, text);
}

static void tree_tells_memory_and_chosen(void **state)
{
	uint64_t start = LAYOUT_RAM_BASE + 8 * MIB;
	uint64_t end = start + 9;

	(void)state;
	fresh();
	make();
	expect_wide("/memory@80000000", "reg", (uint64_t[]){LAYOUT_RAM_BASE, 256 * MIB}, 2);
	expect_text("/chosen", "bootargs", "console=ttyAMA0");
	expect_wide("/chosen", "linux,initrd-start", &start, 1);
	expect_wide("/chosen", "linux,initrd-end", &end, 1);
	assert_null(fdt_getprop(dtb, node("/chosen"), "rng-seed", NULL));
	assert_null(fdt_getprop(dtb, node("/chosen"), "kaslr-seed", NULL));
	assert_true(fdt_path_offset(dtb, fdt_getprop(dtb, node("/chosen"), "stdout-path", NULL)) >
		    0);
	config.initrd.size = 0;
	config.cmdline = NULL;
	make();
	expect_text("/chosen", "bootargs", "");
	assert_null(fdt_getprop(dtb, node("/chosen"), "linux,initrd-start", NULL));
}

static void tree_tells_devices(void **state)
{
	(void)state;
	fresh();
	make();
	expect_wide("/interrupt-controller@8000000", "reg",
		    (uint64_t[]){LAYOUT_GICD_BASE, LAYOUT_GICD_SIZE, LAYOUT_GICR_BASE,
				 2 * LAYOUT_GICR_SIZE},
		    4);
	expect_wide("/serial@9000000", "reg", (uint64_t[]){LAYOUT_UART_BASE, LAYOUT_UART_SIZE}, 2);
	expect_text("/serial@9000000", "compatible", "arm,sbsa-uart");
	expect_text("/psci", "method", "smc");
	expect_wide("/virtio@a007000", "reg", (uint64_t[]){0xa007000, LAYOUT_VIRTIO_SIZE}, 2);
	assert_non_null(fdt_getprop(dtb, node("/virtio@a007000"), "dma-coherent", NULL));
	assert_true(fdt_path_offset(dtb, "/virtio@a008000") < 0);
	expect_wide("/csm@c0000000", "reg", (uint64_t[]){3 * GIB, 64 * MIB}, 2);
	config.csm_size = 0;
	make();
	assert_true(fdt_path_offset(dtb, "/csm@c0000000") < 0);
}

static void tree_has_a_node_for_each_cpu(void **state)
{
	char path[32];

	(void)state;
	fresh();
	config.cpus = LAYOUT_MAX_CPUS;
	make();
	for (unsigned int i = 0; i < LAYOUT_MAX_CPUS; i++) {
		snprintf(path, sizeof(path), "/cpus/cpu@%llx", (unsigned long long)layout_mpidr(i));
		expect_text(path, "enable-method", "psci");
	}
}

/*
 * Nothing in it but what the configuration says: same bytes each time, whatever was in the buffer.
 */
static void tree_is_the_same_each_time(void **state)
{
	static uint8_t first[LAYOUT_DTB_MAX];
	size_t size;

	(void)state;
	fresh();
	size = make();
	memcpy(first, dtb, size);
	assert_int_equal(make(), size);
	assert_memory_equal(first, dtb, size);
	config.cmdline = "console=ttyAMA1";
	make();
	assert_memory_not_equal(first, dtb, size);
}

static void longest_tree_fits_and_small_buffers_are_refused(void **state)
{
	static char cmdline[LAYOUT_MAX_CMDLINE + 2];
	size_t size;

	(void)state;
	fresh();
	memset(cmdline, 'x', LAYOUT_MAX_CMDLINE);
	config.cmdline = cmdline;
	config.cpus = LAYOUT_MAX_CPUS;
	size = make();
	for (size_t small = 0; small < size; small += 97) {
		uint8_t *buf = malloc(small != 0 ? small : 1);

		assert_non_null(buf);
		assert_int_equal(layout_make_dtb(&config, &layout, buf, small), 0);
		free(buf);
	}
	cmdline[LAYOUT_MAX_CMDLINE] = 'x';
	expect_refused("command line");
}

/* --- operations --- */

static char trace[2048];
static unsigned int calls_left;

static bool note(const char *text)
{
	if (calls_left == 0) {
		return false;
	}
	calls_left--;
	snprintf(trace + strlen(trace), sizeof(trace) - strlen(trace), "%s\n", text);
	return true;
}

static bool on_ripas(void *ctx, uint64_t base, uint64_t size)
{
	char text[128];

	(void)ctx;
	snprintf(text, sizeof(text), "ripas %#llx %#llx", (unsigned long long)base,
		 (unsigned long long)size);
	return note(text);
}

static bool on_data(void *ctx, uint64_t ipa, struct layout_file data, uint64_t flags)
{
	char text[128];

	(void)ctx;
	snprintf(text, sizeof(text), "data %#llx %zu %llu", (unsigned long long)ipa, data.size,
		 (unsigned long long)flags);
	return note(text);
}

static bool on_rec(void *ctx, uint64_t mpidr, uint64_t flags, uint64_t pc, const uint64_t gprs[8])
{
	char text[128];

	(void)ctx;
	snprintf(text, sizeof(text), "rec %llu %llu %#llx %#llx", (unsigned long long)mpidr,
		 (unsigned long long)flags, (unsigned long long)pc, (unsigned long long)gprs[0]);
	for (size_t i = 1; i < 8; i++) {
		assert_true(gprs[i] == 0);
	}
	return note(text);
}

static const struct layout_ops ops = {on_ripas, on_data, on_rec};

static void operations_come_in_order(void **state)
{
	(void)state;
	fresh();
	plan();
	trace[0] = '\0';
	calls_left = 100;
	assert_true(layout_build(&config, &layout, (struct layout_file){dtb, 1234}, &ops, NULL));
	assert_string_equal(trace, "ripas 0x80000000 0x10000000\n"
				   "data 0x80000000 12288 1\n"
				   "data 0x80600000 1234 1\n"
				   "data 0x80800000 9 1\n"
				   "rec 0 1 0x80000000 0x80600000\n"
				   "rec 1 0 0 0\n");
	config.skip_content = true;
	config.initrd.size = 0;
	config.cpus = 1;
	plan();
	trace[0] = '\0';
	assert_true(layout_build(&config, &layout, (struct layout_file){dtb, 1234}, &ops, NULL));
	assert_string_equal(trace, "ripas 0x80000000 0x10000000\n"
				   "data 0x80000000 12288 0\n"
				   "data 0x80600000 1234 0\n"
				   "rec 0 1 0x80000000 0x80600000\n");
}

static void a_failing_operation_is_the_last(void **state)
{
	(void)state;
	fresh();
	plan();
	for (unsigned int n = 0; n < 6; n++) {
		trace[0] = '\0';
		calls_left = n;
		assert_false(
			layout_build(&config, &layout, (struct layout_file){dtb, 1}, &ops, NULL));
		assert_int_equal(calls_left, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_everything_apart_and_aligned),
		cmocka_unit_test(honours_the_text_offset),
		cmocka_unit_test(needs_exactly_what_it_says),
		cmocka_unit_test(width_grows_with_memory),
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(refuses_what_is_no_kernel),
		cmocka_unit_test(a_file_longer_than_its_image_size_counts),
		cmocka_unit_test(mpidr_has_sixteen_cpus_to_a_cluster),
		cmocka_unit_test(tree_tells_memory_and_chosen),
		cmocka_unit_test(tree_tells_devices),
		cmocka_unit_test(tree_has_a_node_for_each_cpu),
		cmocka_unit_test(tree_is_the_same_each_time),
		cmocka_unit_test(longest_tree_fits_and_small_buffers_are_refused),
		cmocka_unit_test(operations_come_in_order),
		cmocka_unit_test(a_failing_operation_is_the_last),
	};

	return cmocka_run_group_tests_name("realm layout", tests, NULL, NULL);
}
