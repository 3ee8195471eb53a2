// SPDX-License-Identifier: BSD-3-Clause
/* The fake's world: realms, regions, grants and sharings, the signals between them, their ends. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_internal.h"

/* -------------------------------------------------------------------- world */

uint64_t fake_id(unsigned int n)
{
	return UINT64_C(0xa1b2c3d4e5f60000) + n;
}

struct fake_world *fake_new(void)
{
	struct fake_world *world = calloc(1, sizeof(*world));
	pthread_condattr_t attr;

	pthread_mutex_init(&world->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&world->change, &attr);
	world->process = getpid();
	world->empty = memfd_create("empty", MFD_CLOEXEC);
	for (unsigned int i = 0; i < FAKE_REALMS; i++) {
		world->realms[i].world = world;
		world->realms[i].id = fake_id(i);
		world->realms[i].next_region = 1;
	}
	return world;
}

void fake_free(struct fake_world *world)
{
	for (unsigned int i = 0; i < REGIONS; i++) {
		if (world->regions[i].live) {
			close(world->regions[i].memory);
		}
	}
	close(world->empty);
	pthread_mutex_destroy(&world->lock);
	pthread_cond_destroy(&world->change);
	free(world);
}

struct fake_realm *fake_realm(struct fake_world *world, unsigned int n)
{
	return &world->realms[n];
}

void fake_fail(struct fake_world *world, int error)
{
	pthread_mutex_lock(&world->lock);
	world->error = error;
	world->request = 0;
	pthread_mutex_unlock(&world->lock);
}

void fake_lose_page(struct fake_world *world, bool lose)
{
	pthread_mutex_lock(&world->lock);
	world->lose_page = lose;
	pthread_mutex_unlock(&world->lock);
}

void fake_fail_call(struct fake_world *world, unsigned long request, int error)
{
	pthread_mutex_lock(&world->lock);
	world->error = error;
	world->request = request;
	pthread_mutex_unlock(&world->lock);
}

uint64_t fake_policy_flags(struct fake_world *world)
{
	uint64_t flags;

	pthread_mutex_lock(&world->lock);
	flags = world->policy_flags;
	pthread_mutex_unlock(&world->lock);
	return flags;
}

unsigned int fake_handles(struct fake_world *world)
{
	unsigned int count = 0;

	pthread_mutex_lock(&world->lock);
	for (unsigned int i = 0; i < FAKE_REALMS; i++) {
		for (unsigned int j = 0; j < HANDLES; j++) {
			count += world->realms[i].handles[j].open;
		}
	}
	pthread_mutex_unlock(&world->lock);
	return count;
}

struct fake_realm *fake_realm_of(struct fake_world *world, uint64_t id)
{
	for (unsigned int i = 0; i < FAKE_REALMS; i++) {
		if (world->realms[i].id == id && !world->realms[i].dead) {
			return &world->realms[i];
		}
	}
	return NULL;
}

struct region *fake_region_of(struct fake_world *world, uint64_t provider, uint64_t id)
{
	for (unsigned int i = 0; i < REGIONS; i++) {
		struct region *region = &world->regions[i];

		if (region->live && region->owner->id == provider && region->id == id) {
			return region;
		}
	}
	return NULL;
}

struct grant *fake_grant_of(struct region *region, uint64_t consumer)
{
	for (unsigned int i = 0; i < GRANTS; i++) {
		if (region->grants[i].live && region->grants[i].consumer == consumer) {
			return &region->grants[i];
		}
	}
	return NULL;
}

unsigned int fake_rim_of(const struct fake_realm *realm)
{
	return 0x10 + (unsigned int)(realm->id & 0xff);
}

/* The grant by which a realm may attach: its own, or the one to whoever meets the policy. */
struct grant *fake_usable_grant(struct region *region, const struct fake_realm *realm)
{
	struct grant *grant = fake_grant_of(region, realm->id);

	if (!grant) {
		grant = fake_grant_of(region, CSM_REALM_ANY);
	}
	return grant && (grant->rim < 0 || grant->rim == (int)fake_rim_of(realm)) ? grant : NULL;
}

struct sharing *fake_sharing_of(struct fake_realm *realm, uint64_t provider, uint64_t id)
{
	for (unsigned int i = 0; i < SHARINGS; i++) {
		struct sharing *s = &realm->sharings[i];

		if (s->live && s->provider == provider && s->id == id) {
			return s;
		}
	}
	return NULL;
}

int fake_new_handle(struct fake_realm *realm, struct sharing *sharing)
{
	int ends[2];

	for (int i = 0; i < HANDLES; i++) {
		if (realm->handles[i].open) {
			continue;
		}
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
			return -errno;
		}
		realm->handles[i] = (struct handle){
			.open = true, .near = ends[0], .far = ends[1], .sharing = sharing};
		if (sharing) {
			sharing->handles++;
		}
		return ends[0];
	}
	return -EMFILE;
}

static void show(struct handle *handle)
{
	bool pending = handle->sharing->num_pending > 0;
	char byte = 0;

	if (handle->far >= 0 && pending && !handle->full) {
		handle->full = write(handle->far, &byte, 1) == 1;
	} else if (!pending && handle->full) {
		handle->full = read(handle->near, &byte, 1) != 1;
	}
	if (handle->far >= 0 && handle->sharing->ended) {
		close(handle->far);
		handle->far = -1;
	}
}

void fake_show_all(struct fake_world *world)
{
	for (unsigned int i = 0; i < FAKE_REALMS; i++) {
		for (unsigned int j = 0; j < HANDLES; j++) {
			struct handle *handle = &world->realms[i].handles[j];

			if (handle->open && handle->sharing) {
				show(handle);
			}
		}
	}
}

struct sharing *fake_new_sharing(struct fake_realm *realm, struct region *region,
				 uint32_t permissions, uint32_t flags)
{
	for (unsigned int i = 0; i < SHARINGS; i++) {
		struct sharing *s = &realm->sharings[i];

		if (!s->live) {
			*s = (struct sharing){
				.live = true,
				.persistent = flags & CSM_IOC_PERSISTENT,
				.region = region,
				.provider = region->owner->id,
				.id = region->id,
				.size = region->size,
				.label = region->label,
				.permissions = permissions,
			};
			return s;
		}
	}
	return NULL;
}

/* ------------------------------------------------------------------- signals */

static void add_bits(struct csm_event *events, unsigned int *count, uint64_t from, uint64_t bits)
{
	unsigned int i = 0;

	while (i < *count && events[i].peer_id != from) {
		i++;
	}
	if (i == PENDING) {
		return;
	}
	if (i == *count) {
		events[i] = (struct csm_event){.peer_id = from};
		++*count;
	}
	events[i].bits |= bits;
}

void fake_signal_to(struct fake_realm *to, const struct region *region, uint64_t from,
		    uint64_t bits)
{
	struct sharing *s = fake_sharing_of(to, region->owner->id, region->id);

	if (!s) {
		return;
	}
	if (to->world->late) {
		add_bits(s->late, &s->num_late, from, bits);
	} else {
		add_bits(s->pending, &s->num_pending, from, bits);
	}
	pthread_cond_broadcast(&to->world->change);
}

static void arrive(struct sharing *s)
{
	for (unsigned int i = 0; i < s->num_late; i++) {
		add_bits(s->pending, &s->num_pending, s->late[i].peer_id, s->late[i].bits);
	}
	s->num_late = 0;
}

void fake_deliver_late(struct fake_world *world, bool late)
{
	pthread_mutex_lock(&world->lock);
	world->late = late;
	for (unsigned int i = 0; i < FAKE_REALMS; i++) {
		for (unsigned int j = 0; j < SHARINGS; j++) {
			arrive(&world->realms[i].sharings[j]);
		}
	}
	fake_show_all(world);
	pthread_cond_broadcast(&world->change);
	pthread_mutex_unlock(&world->lock);
}

/* Every mapping of the sharing becomes one that gives SIGBUS. */
static void withdraw(struct fake_realm *realm, const struct sharing *sharing)
{
	for (unsigned int i = 0; i < MAPS; i++) {
		struct map *map = &realm->maps[i];

		if (map->addr && map->sharing == sharing) {
			mmap(map->addr, map->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			     realm->world->empty, 0);
		}
	}
}

static void end_sharing(struct fake_realm *realm, struct sharing *sharing)
{
	sharing->ended = true;
	withdraw(realm, sharing);
	pthread_cond_broadcast(&realm->world->change);
}

/* A consumer loses the region: by revocation, its end, or the end of the provider. */
void fake_cut_off(struct region *region, struct fake_realm *consumer, uint64_t bits)
{
	struct sharing *s = fake_sharing_of(consumer, region->owner->id, region->id);

	if (s && !s->ended) {
		fake_signal_to(consumer, region, region->owner->id, bits);
		end_sharing(consumer, s);
	}
}

static void destroy_region(struct region *region, uint64_t bits)
{
	struct fake_world *world = region->owner->world;
	struct sharing *own = fake_sharing_of(region->owner, region->owner->id, region->id);

	for (unsigned int i = 0; i < FAKE_REALMS; i++) {
		if (&world->realms[i] != region->owner) {
			fake_cut_off(region, &world->realms[i], bits);
		}
	}
	if (own) {
		end_sharing(region->owner, own);
	}
	close(region->memory);
	region->live = false;
}

static void detach(struct fake_realm *realm, struct sharing *sharing, uint64_t bits)
{
	struct region *region = sharing->region;

	if (!sharing->ended && region->live) {
		fake_signal_to(region->owner, region, realm->id, bits);
	}
	end_sharing(realm, sharing);
}

void fake_end_here(struct fake_realm *realm, struct sharing *sharing, uint64_t how)
{
	if (sharing->provider != realm->id) {
		detach(realm, sharing, how ? how : CSM_SIGNAL_DETACHED);
	} else if (!sharing->ended) {
		destroy_region(sharing->region, how ? how : CSM_SIGNAL_REGION_ENDED);
	}
}

void fake_kill(struct fake_realm *realm)
{
	pthread_mutex_lock(&realm->world->lock);
	for (unsigned int i = 0; i < SHARINGS; i++) {
		if (realm->sharings[i].live) {
			fake_end_here(realm, &realm->sharings[i], CSM_SIGNAL_PEER_ENDED);
		}
	}
	realm->dead = true;
	fake_show_all(realm->world);
	pthread_cond_broadcast(&realm->world->change);
	pthread_mutex_unlock(&realm->world->lock);
}
