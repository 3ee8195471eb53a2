// SPDX-License-Identifier: GPL-2.0-only
/* What the tests share: failures, regions, faults, memory. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "guesttest.h"

int dev;
char why[200];

void complain(int line, const char *what, int error)
{
	printf("# line %d: %s (errno %d)\n", line, what, error);
	if (!why[0]) {
		snprintf(why, sizeof(why), ": line %d: %s (errno %d)", line, what, error);
	}
}

int create(size_t size, unsigned int flags, abi_u64 *id)
{
	struct csm_ioc_create req = {.size = size, .label = 42, .flags = flags};
	int fd = ioctl(dev, CSM_IOC_CREATE, &req);

	if (id) {
		*id = req.region_id;
	}
	return fd;
}

int attach(abi_u64 region)
{
	struct csm_ioc_attach req = {.provider_id = PEER, .region_id = region};

	return ioctl(dev, CSM_IOC_ATTACH, &req);
}

void *map(int fd, size_t size, int prot)
{
	return mmap(NULL, size, prot, MAP_SHARED, fd, 0);
}

struct csm_ioc_info info(void)
{
	struct csm_ioc_info info = {0};

	CHECK(ioctl(dev, CSM_IOC_GET_INFO, &info) == 0);
	return info;
}

sigjmp_buf back;
static volatile int got;

void on_fault(int number)
{
	got = number;
	siglongjmp(back, 1);
}

int touch(volatile char *at, bool write)
{
	got = 0;
	signal(SIGSEGV, on_fault);
	if (sigsetjmp(back, 1) == 0) {
		if (write) {
			*at = 1;
		} else {
			(void)*at;
		}
	}
	signal(SIGSEGV, SIG_DFL);
	return got;
}

long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

unsigned long free_kib(void)
{
	unsigned long kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];

	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "MemFree: %lu", &kib);
	}
	fclose(f);
	return kib;
}
