// SPDX-License-Identifier: BSD-3-Clause
/*
 * demo-peek ADDRESS   on the host: maps the physical page at ADDRESS and reads it. A page that
 * belongs to a realm cannot be read: the granule protection table faults and the kernel kills this
 * process.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	uint64_t address = argc == 2 ? strtoull(argv[1], NULL, 16) : 0;
	int fd = open("/dev/caec-probe", O_RDONLY);
	volatile uint64_t *page;

	if (fd < 0 || address == 0) {
		perror("demo-peek: /dev/caec-probe");
		return 1;
	}
	page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, (off_t)address);
	if (page == MAP_FAILED) {
		perror("demo-peek: mmap");
		return 1;
	}
	printf("mapped %" PRIx64 "\n", address);
	fflush(stdout);
	printf("read %" PRIx64 "\n", *page);
	return 0;
}
