// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#include "plain.h"

#define PAGE 4096u

void *plain_memory(size_t size)
{
	size_t whole = (size + PAGE - 1) / PAGE * PAGE;
	char *all = mmap(NULL, whole + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(all + PAGE, whole, PROT_READ | PROT_WRITE);
	return all + PAGE;
}

void plain_memory_free(void *memory, size_t size)
{
	size_t whole = (size + PAGE - 1) / PAGE * PAGE;

	munmap((char *)memory - PAGE, whole + 2 * PAGE);
}

void plain_connect(struct plain_end ends[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		pthread_condattr_t attr;

		pthread_condattr_init(&attr);
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		pthread_mutex_init(&ends[i].lock, NULL);
		pthread_cond_init(&ends[i].change, &attr);
		ends[i].woken = false;
		ends[i].error = 0;
		ends[i].wakes = 0;
		ends[i].other = &ends[1 - i];
	}
}

void plain_disconnect(struct plain_end ends[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		pthread_mutex_destroy(&ends[i].lock);
		pthread_cond_destroy(&ends[i].change);
	}
}

void plain_break(struct plain_end *end, int error)
{
	pthread_mutex_lock(&end->lock);
	end->error = error;
	pthread_cond_broadcast(&end->change);
	pthread_mutex_unlock(&end->lock);
}

static int wait_end(void *ctx, int timeout)
{
	struct plain_end *end = ctx;
	struct timespec until;
	int ret, late = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += timeout % 1000 * 1000000L;
	until.tv_sec += timeout / 1000 + until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&end->lock);
	while (!end->woken && !end->error && !late) {
		late = pthread_cond_timedwait(&end->change, &end->lock, &until);
	}
	ret = end->error ? end->error : end->woken;
	end->woken = false;
	pthread_mutex_unlock(&end->lock);
	return ret;
}

static int wake_other(void *ctx)
{
	struct plain_end *other = ((struct plain_end *)ctx)->other;

	pthread_mutex_lock(&other->lock);
	other->woken = true;
	other->wakes++;
	pthread_cond_broadcast(&other->change);
	pthread_mutex_unlock(&other->lock);
	return 0;
}

struct csm_wire plain_wire(struct plain_end *end)
{
	return (struct csm_wire){.wait = wait_end, .wake = wake_other, .ctx = end};
}

static int no_wait(void *ctx, int timeout)
{
	(void)ctx;
	(void)timeout;
	return 0;
}

static int no_wake(void *ctx)
{
	(void)ctx;
	return 0;
}

struct csm_wire plain_no_wire(void)
{
	return (struct csm_wire){.wait = no_wait, .wake = no_wake};
}

uint32_t plain_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}
