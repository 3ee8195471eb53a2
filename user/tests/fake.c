// SPDX-License-Identifier: BSD-3-Clause
/* The fake as libcsm's backend: handles, calls, mappings and waiting. */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fake_internal.h"

/* A number that libcsm got and has not closed. */
static struct handle *handle_of(struct fake_realm *realm, int number)
{
	struct handle *handle = realm->handles;

	while (!handle->open || handle->near != number) {
		handle++;
	}
	return handle;
}

static int fake_open(void *ctx)
{
	struct fake_realm *realm = ctx;
	int handle;

	pthread_mutex_lock(&realm->world->lock);
	handle = realm->world->error && !realm->world->request ? -realm->world->error
							       : fake_new_handle(realm, NULL);
	pthread_mutex_unlock(&realm->world->lock);
	return handle;
}

static void fake_close(void *ctx, int handle)
{
	struct fake_realm *realm = ctx;
	struct handle *closed;
	struct sharing *s;

	/* A child of fork() has descriptors of its own: the sharing goes on. */
	if (getpid() != realm->world->process) {
		return;
	}
	pthread_mutex_lock(&realm->world->lock);
	closed = handle_of(realm, handle);
	s = closed->sharing;
	closed->open = false;
	close(closed->near);
	if (closed->far >= 0) {
		close(closed->far);
	}
	if (s && --s->handles == 0 && !s->persistent) {
		fake_end_here(realm, s, 0);
		s->live = false;
	}
	fake_show_all(realm->world);
	pthread_mutex_unlock(&realm->world->lock);
}

static int fake_call(void *ctx, int handle, unsigned long request, void *arg)
{
	struct fake_realm *realm = ctx;
	struct sharing *s;
	int ret;

	pthread_mutex_lock(&realm->world->lock);
	s = handle_of(realm, handle)->sharing;
	if (realm->world->error && (!realm->world->request || realm->world->request == request)) {
		ret = -realm->world->error;
	} else if (!s && realm->dead) {
		ret = -ESHUTDOWN;
	} else {
		ret = s ? fake_sharing_call(realm, s, request, arg)
			: fake_device_call(realm, request, arg);
	}
	fake_show_all(realm->world);
	pthread_mutex_unlock(&realm->world->lock);
	return ret;
}

static int add_map(struct fake_realm *realm, struct sharing *s, void *addr, size_t size)
{
	for (unsigned int i = 0; i < MAPS; i++) {
		if (!realm->maps[i].addr) {
			realm->maps[i] = (struct map){.addr = addr, .size = size, .sharing = s};
			return 0;
		}
	}
	munmap(addr, size);
	return -ENOMEM;
}

static void finish_map(const struct fake_world *world, char *addr, size_t size)
{
	if (world->lose_page && size > 2 * PAGE) {
		mmap(addr + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, world->empty, 0);
	}
	/* As the module's: a child has a hole there. */
	madvise(addr, size, MADV_DONTFORK);
}

static int fake_map(void *ctx, int handle, size_t size, unsigned int access, void **out)
{
	struct fake_realm *realm = ctx;
	struct sharing *s;
	int ret = -ENOTCONN;

	pthread_mutex_lock(&realm->world->lock);
	s = handle_of(realm, handle)->sharing;
	if (!s->ended) {
		*out = mmap(NULL, size, PROT_READ | (access & CSM_WRITE ? PROT_WRITE : 0),
			    MAP_SHARED, s->region->memory, 0);
		ret = *out == MAP_FAILED ? -errno : add_map(realm, s, *out, size);
		if (ret == 0) {
			finish_map(realm->world, *out, size);
		}
	}
	pthread_mutex_unlock(&realm->world->lock);
	return ret;
}

static void fake_unmap(void *ctx, void *addr, size_t size)
{
	struct fake_realm *realm = ctx;

	pthread_mutex_lock(&realm->world->lock);
	for (unsigned int i = 0; i < MAPS; i++) {
		if (realm->maps[i].addr == addr) {
			realm->maps[i].addr = NULL;
		}
	}
	munmap(addr, size);
	pthread_mutex_unlock(&realm->world->lock);
}

static int fake_poll(void *ctx, int handle, int timeout)
{
	struct fake_realm *realm = ctx;
	struct fake_world *world = realm->world;
	struct timespec until;
	struct sharing *s;
	int ret = 0, late = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout / 1000;
	until.tv_nsec += timeout % 1000 * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&world->lock);
	s = handle_of(realm, handle)->sharing;
	while (ret == 0 && !late) {
		ret = (s->num_pending ? CSM_POLL_EVENT : 0) | (s->ended ? CSM_POLL_ENDED : 0);
		late = ret || pthread_cond_timedwait(&world->change, &world->lock, &until);
	}
	pthread_mutex_unlock(&world->lock);
	return ret;
}

const struct csm_backend fake_backend = {
	.open = fake_open,
	.close = fake_close,
	.call = fake_call,
	.map = fake_map,
	.unmap = fake_unmap,
	.poll = fake_poll,
};
