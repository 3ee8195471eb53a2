// SPDX-License-Identifier: BSD-3-Clause
/*
 * A library to be preloaded: lets one allocation of a program fail, or it and all later ones.
 *	FAILALLOC_AT=N      the N-th allocation fails (from 1); without it none does
 *	FAILALLOC_ALL=1     so do all that follow
 *	FAILALLOC_COUNT=F   the number of allocations is written to F when the program ends
 * tests/alloc/sweep.py drives it. Programs that are linked statically, or with a sanitizer, have an
 * allocator of their own and are not reached.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* glibc's own allocator, by the names that stay when the usual ones are replaced. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);

static atomic_ulong allocations;
static unsigned long fail_at;
static int fail_all;

static int fails(void)
{
	unsigned long n = atomic_fetch_add(&allocations, 1) + 1;

	if (fail_at == 0 || n < fail_at || (n > fail_at && !fail_all)) {
		return 0;
	}
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	return fails() ? NULL : __libc_memalign(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
	void *block = fails() ? NULL : __libc_memalign(align, size);

	if (block == NULL) {
		return ENOMEM;
	}
	*out = block;
	return 0;
}

static unsigned long number(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
	fail_at = number("FAILALLOC_AT");
	fail_all = number("FAILALLOC_ALL") != 0;
	atomic_store(&allocations, 0);
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("FAILALLOC_COUNT");
	unsigned long count = atomic_load(&allocations);
	FILE *out;

	fail_at = 0;
	out = path != NULL ? fopen(path, "w") : NULL;
	if (out != NULL) {
		fprintf(out, "%lu\n", count);
		fclose(out);
	}
}
