/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fake's world. fake_world.c keeps it, fake_calls.c answers calls on it, and fake.c, on top, is
 * the backend. Under world->lock.
 */
#ifndef TESTS_FAKE_INTERNAL_H
#define TESTS_FAKE_INTERNAL_H

#include <pthread.h>
#include <sys/ioctl.h>

#include "abi/csm.h"
#include "abi/uapi/csm_guest.h"
#include "fake.h"

#define PAGE     4096u
#define REGIONS  16
#define GRANTS   8
#define SHARINGS 32
#define HANDLES  64
#define PENDING  8
#define MAPS     64
#define LIMIT    (UINT64_C(64) << 20)

struct grant {
	bool live;
	uint64_t consumer;
	uint32_t permissions;
	int rim; /* first byte that the consumer's must have; -1: any */
};

struct region {
	bool live;
	struct fake_realm *owner;
	uint64_t id, label, size;
	int memory;
	bool sealed;
	struct grant grants[GRANTS];
};

/* What one realm has of a region, its own or another's. */
struct sharing {
	bool live, ended, persistent;
	struct region *region;
	uint64_t provider, id, size, label;
	uint32_t permissions;
	unsigned int handles;
	struct csm_event pending[PENDING];
	unsigned int num_pending;
	struct csm_event late[PENDING]; /* while the world delivers late */
	unsigned int num_late;
};

struct map {
	void *addr;
	size_t size;
	struct sharing *sharing;
};

/*
 * What libcsm has is one end of a pair of sockets, to poll as a file of the module: a byte is in it
 * while an event is pending, and the other end is closed when the sharing has ended.
 */
struct handle {
	bool open;
	int near;                /* the number of the handle */
	int far;                 /* -1: closed */
	bool full;               /* the byte is there */
	struct sharing *sharing; /* NULL: the device */
};

struct fake_realm {
	struct fake_world *world;
	uint64_t id;
	bool dead;
	uint64_t next_region;
	struct sharing sharings[SHARINGS];
	struct handle handles[HANDLES];
	struct map maps[MAPS];
};

struct fake_world {
	pthread_mutex_t lock;
	pthread_cond_t change;
	int empty; /* a file of size zero: what is mapped of it gives SIGBUS */
	int error;
	unsigned long request; /* the only call that fails with it; 0: every call */
	pid_t process;
	uint64_t policy_flags; /* of the last grant */
	bool lose_page;
	bool late;
	struct region regions[REGIONS];
	struct fake_realm realms[FAKE_REALMS];
};

/* fake_world.c */
struct fake_realm *fake_realm_of(struct fake_world *world, uint64_t id);
struct region *fake_region_of(struct fake_world *world, uint64_t provider, uint64_t id);
struct grant *fake_grant_of(struct region *region, uint64_t consumer);
struct grant *fake_usable_grant(struct region *region, const struct fake_realm *realm);
unsigned int fake_rim_of(const struct fake_realm *realm);
struct sharing *fake_sharing_of(struct fake_realm *realm, uint64_t provider, uint64_t id);
int fake_new_handle(struct fake_realm *realm, struct sharing *sharing);
struct sharing *fake_new_sharing(struct fake_realm *realm, struct region *region,
				 uint32_t permissions, uint32_t flags);
void fake_signal_to(struct fake_realm *to, const struct region *region, uint64_t from,
		    uint64_t bits);
void fake_cut_off(struct region *region, struct fake_realm *consumer, uint64_t bits);
void fake_end_here(struct fake_realm *realm, struct sharing *sharing, uint64_t how);
/* After each change: what poll(2) says of the handles. */
void fake_show_all(struct fake_world *world);

/* fake_calls.c */
int fake_device_call(struct fake_realm *realm, unsigned long request, void *arg);
int fake_sharing_call(struct fake_realm *realm, struct sharing *s, unsigned long request,
		      void *arg);

#endif
