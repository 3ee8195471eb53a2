// SPDX-License-Identifier: BSD-3-Clause
/*
 * demo-watch PROVIDER_ID REGION   attaches a region and reads it over and over, until an access
 * ends in SIGBUS because the provider has taken it back; then says so and ends with status 0.
 */
#include <inttypes.h>
#include <libcsm.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static sigjmp_buf gone;

static void on_bus_error(int number)
{
	(void)number;
	siglongjmp(gone, 1);
}

static uint64_t read_all(const volatile uint64_t *words, size_t size)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < size / sizeof(*words); i++) {
		sum += words[i];
	}
	return sum;
}

int main(int argc, char **argv)
{
	struct timespec pause = {0, 100000000};
	struct csm_region *region;
	struct csm *csm;
	void *memory;
	int ret = argc == 3 ? csm_open(&csm) : -22;

	if (ret == 0) {
		ret = csm_attach(csm, strtoull(argv[1], NULL, 16), strtoull(argv[2], NULL, 16),
				 NULL, 0, &region);
	}
	if (ret == 0) {
		ret = csm_map(region, CSM_READ, &memory);
	}
	if (ret < 0) {
		fprintf(stderr, "demo-watch: %s\n", csm_strerror(ret));
		return 1;
	}
	if (sigsetjmp(gone, 1) != 0) {
		printf("SIGBUS: the region is gone\n");
		return 0;
	}
	/* The library's handler stands back for an access that is not its own. */
	signal(SIGBUS, on_bus_error);
	printf("reading, sum %" PRIx64 "\n", read_all(memory, csm_size(region)));
	fflush(stdout);
	for (;;) {
		(void)read_all(memory, csm_size(region));
		nanosleep(&pause, NULL);
	}
}
