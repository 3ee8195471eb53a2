// SPDX-License-Identifier: BSD-3-Clause
/* realm.c with a host module of the test's own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

#include "realm.h"

int __wrap_ioctl(int fd, unsigned long request, void *argument);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);

static unsigned int calls;

/* The module: every third time a signal comes when half is done. */
int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	if (request == CAEC_POPULATE) {
		struct caec_populate *p = argument;

		p->done = p->size;
		if (++calls % 3 == 0) {
			p->done = p->size / 2 & ~UINT64_C(4095);
			errno = EINTR;
			return -1;
		}
		return 0;
	}
	return request == CAEC_CREATE_REALM || request == CAEC_CREATE_VCPU ? dup(STDIN_FILENO) : 0;
}

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	(void)flags;
	(void)fd;
	(void)offset;
	return __real_mmap(at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Builds a realm of files of these sizes; what it says is in text. */
static void build(size_t kernel, size_t initrd, char *text, size_t size)
{
	struct options o = {.name = "r", .cpus = 1};
	struct layout_config c = {.ram_size = UINT64_C(64) << 20, .cpus = 1};
	uint8_t *image = calloc(1, kernel), *extra = calloc(1, initrd + 1);
	static uint8_t tree[LAYOUT_DTB_MAX];
	struct layout_file dtb = {.data = tree};
	struct layout_error err;
	struct layout layout;
	struct realm r;
	atomic_int end = 0;
	int saved = dup(STDERR_FILENO);
	FILE *said = tmpfile();

	image[17] = 0x40; /* its size in memory: 16 KiB */
	image[24] = 0xa;
	memcpy(image + 56, "ARM\x64", 4);
	c.kernel = (struct layout_file){.data = image, .size = kernel};
	c.initrd = (struct layout_file){.data = extra, .size = initrd};
	assert_true(layout_plan(&c, &layout, &err));
	dtb.size = layout_make_dtb(&c, &layout, tree, sizeof(tree));
	realm_init(&r);
	r.end = &end;
	dup2(fileno(said), STDERR_FILENO);
	bool good = realm_build(&r, &o, &c, &layout, dtb);

	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_true(good);
	rewind(said);
	text[fread(text, 1, size - 1, said)] = '\0';
	fclose(said);
	realm_close(&r);
	free(image);
	free(extra);
}

static void rises_to_100(const char *text)
{
	unsigned int last = 0, percent = 0;

	for (const char *at = text; (at = strstr(at, "filled: ")); at++) {
		assert_int_equal(sscanf(at, "filled: %u %%", &percent), 1);
		assert_true(percent > last && percent <= 100);
		last = percent;
	}
	assert_int_equal(last, 100);
}

static void progress(void **state)
{
	static const size_t sizes[][2] = {{64, 0},
					  {5000, 0},
					  {12288, 100},
					  {4096, 4096},
					  {4097, 4097},
					  {3 << 20, 1},
					  {(6 << 20) + 7, 5 << 20}};
	char text[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		build(sizes[i][0], sizes[i][1], text, sizeof(text));
		rises_to_100(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"progress rises to 100 % and no further", progress, NULL, NULL, NULL},
	};

	return cmocka_run_group_tests_name("realm", tests, NULL, NULL);
}
