// SPDX-License-Identifier: BSD-3-Clause
#include "pair.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* -------------------------------------------------------------------- realm */

static void test_open_fails(void **state)
{
	struct pair *p = *state;
	struct csm *csm;

	fake_fail(p->world, ENOENT);
	assert_int_equal(csm_open_backend(&fake_backend, fake_realm(p->world, 0), &csm), -ENOENT);
	fake_fail(p->world, 0);
}

static void test_info(void **state)
{
	struct pair *p = *state;
	struct csm_region *region = pair_create(p, 5000);
	struct csm_info info;

	assert_int_equal(csm_id(p->csm[P]), fake_id(P));
	assert_int_equal(csm_get_info(p->csm[P], &info), 0);
	assert_int_equal(info.realm_id, fake_id(P));
	assert_int_equal(info.csm_major, 1);
	assert_int_equal(info.regions, 1);
	assert_int_equal(info.memory_used, 8192);
	csm_release(region);
	assert_int_equal(csm_get_info(p->csm[P], &info), 0);
	assert_int_equal(info.regions, 0);
}

static void test_list(void **state)
{
	struct pair *p = *state;
	struct csm_region *regions[3];
	struct csm_entry entry;
	uint64_t cursor = 0;

	for (unsigned int i = 0; i < 3; i++) {
		regions[i] = pair_create(p, 4096);
	}
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(csm_list(p->csm[P], 0, &cursor, &entry), 1);
		assert_int_equal(entry.region_id, i + 1);
		assert_int_equal(entry.label, csm_label("test"));
		assert_int_equal(entry.state, CSM_OWNED);
	}
	assert_int_equal(csm_list(p->csm[P], 0, &cursor, &entry), 0);
	assert_int_equal(csm_list(p->csm[P], 0, &cursor, &entry), 0);
	for (unsigned int i = 0; i < 3; i++) {
		csm_release(regions[i]);
	}
}

static void test_list_offers(void **state)
{
	struct pair *p = *state;
	struct csm_region *first = pair_create(p, 4096), *second = pair_create(p, 8192);
	struct csm_entry entry;
	uint64_t cursor = 0;

	assert_int_equal(csm_list(p->csm[C], fake_id(P), &cursor, &entry), -EACCES);
	assert_int_equal(csm_share(second, fake_id(C), CSM_READ, NULL), 0);
	cursor = 0;
	assert_int_equal(csm_list(p->csm[C], fake_id(P), &cursor, &entry), 1);
	assert_int_equal(entry.region_id, 2);
	assert_int_equal(entry.size, 8192);
	assert_int_equal(entry.permissions, CSM_READ);
	assert_int_equal(entry.state, CSM_GRANTED);
	assert_int_equal(csm_list(p->csm[C], fake_id(P), &cursor, &entry), 0);
	csm_release(first);
	csm_release(second);
}

static void test_peer(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2];
	struct csm_measurement m;

	assert_int_equal(csm_peer(p->csm[C], fake_id(P), 0, &m), -EACCES);
	pair_share(p, CSM_READ, r);
	assert_int_equal(csm_peer(p->csm[C], fake_id(P), 0, &m), 0);
	assert_int_equal(m.hash_bits, 256);
	assert_int_equal(m.value[0], 0x10);
	assert_int_equal(csm_peer(p->csm[P], fake_id(C), 0, &m), 0);
	assert_int_equal(m.value[31], 0x11);
	assert_int_equal(m.value[32], 0);
	assert_int_equal(csm_peer(p->csm[P], fake_id(C), 6, &m), -EINVAL);
	csm_release(r[1]);
	csm_release(r[0]);
}

/* ------------------------------------------------------------------ sharing */

static void test_same_memory(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2];
	char text[6] = "";
	void *addr;

	pair_share(p, CSM_READ | CSM_WRITE, r);
	assert_int_equal(csm_size(r[1]), 65536);
	assert_false(csm_is_own(r[1]));
	assert_true(csm_is_own(r[0]));
	assert_int_equal(csm_write(r[0], 65530, "hello", 6), 0);
	assert_int_equal(csm_read(r[1], 65530, text, 6), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(csm_write(r[1], 0, "back", 5), 0);
	assert_int_equal(csm_map(r[0], CSM_READ, &addr), 0);
	assert_string_equal(addr, "back");
	csm_release(r[1]);
	csm_release(r[0]);
}

static void test_bounds(void **state)
{
	struct pair *p = *state;
	struct csm_region *region = pair_create(p, 4096);
	char byte = 0;

	assert_int_equal(csm_read(region, 4096, &byte, 1), -EINVAL);
	assert_int_equal(csm_read(region, SIZE_MAX, &byte, 1), -EINVAL);
	assert_int_equal(csm_write(region, 1, &byte, SIZE_MAX), -EINVAL);
	assert_int_equal(csm_write(region, 4095, &byte, 1), 0);
	assert_int_equal(csm_read(region, 4096, &byte, 0), 0);
	csm_release(region);
}

static void test_read_only(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2];
	void *addr;

	pair_share(p, CSM_READ, r);
	assert_int_equal(csm_permissions(r[1]), CSM_READ);
	assert_int_equal(csm_map(r[1], CSM_READ | CSM_WRITE, &addr), -EACCES);
	assert_int_equal(csm_write(r[1], 0, "x", 1), -EACCES);
	assert_int_equal(csm_map(r[1], CSM_READ, &addr), 0);
	assert_int_equal(csm_map(r[1], CSM_WRITE, &addr), -EACCES);
	csm_release(r[1]);
	csm_release(r[0]);
}

static void test_no_grant(void **state)
{
	struct pair *p = *state;
	struct csm_region *region = pair_create(p, 4096), *other;

	assert_int_equal(csm_attach(p->csm[C], fake_id(P), 1, NULL, 0, &other), -EACCES);
	assert_int_equal(csm_share(region, fake_id(C), CSM_READ, NULL), 0);
	assert_int_equal(csm_attach(p->csm[X], fake_id(P), 1, NULL, 0, &other), -EACCES);
	assert_int_equal(csm_attach(p->csm[C], fake_id(P), 2, NULL, 0, &other), -EACCES);
	assert_int_equal(csm_share(region, fake_id(C), CSM_READ, NULL), -EEXIST);
	csm_release(region);
}

/* A consumer is no owner: it cannot pass anything on. */
static void test_not_owner(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2];

	pair_share(p, CSM_READ | CSM_WRITE, r);
	assert_int_equal(csm_share(r[1], fake_id(X), CSM_READ, NULL), -ENOTTY);
	assert_int_equal(csm_revoke(r[1], fake_id(C)), -ENOTTY);
	assert_int_equal(csm_seal(r[1]), -ENOTTY);
	csm_release(r[1]);
	csm_release(r[0]);
}

static void test_policy(void **state)
{
	struct pair *p = *state;
	struct csm_policy policy = {.check_rim = true, .hash_bits = 256};
	struct csm_region *region = pair_create(p, 4096), *other;

	assert_int_equal(csm_share(region, CSM_ANY, CSM_READ, NULL), -EDESTADDRREQ);
	policy.rim[0] = 0x10 + X;
	assert_int_equal(csm_share(region, CSM_ANY, CSM_READ, &policy), 0);
	assert_int_equal(csm_attach(p->csm[C], fake_id(P), 1, NULL, 0, &other), -EACCES);
	assert_int_equal(csm_attach(p->csm[X], fake_id(P), 1, &policy, 0, &other), -EACCES);
	policy.rim[0] = 0x10 + P;
	assert_int_equal(csm_attach(p->csm[X], fake_id(P), 1, &policy, 0, &other), 0);
	csm_release(other);
	policy.hash_bits = 100;
	assert_int_equal(csm_share(region, fake_id(C), CSM_READ, &policy), -EINVAL);
	policy = (struct csm_policy){.check_rem = 5, .hash_bits = 256};
	assert_int_equal(csm_share(region, fake_id(C), CSM_READ, &policy), -EINVAL);
	csm_release(region);
}

static void test_seal(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2];
	uint8_t first[64], second[64];

	pair_share(p, CSM_READ, r);
	assert_int_equal(csm_write(r[0], 0, "data", 4), 0);
	assert_int_equal(csm_digest(r[0], first), -ENODATA);
	assert_int_equal(csm_seal(r[0]), 0);
	assert_int_equal(csm_seal(r[0]), -EALREADY);
	assert_int_equal(csm_permissions(r[0]), CSM_READ);
	assert_int_equal(csm_share(r[0], fake_id(X), CSM_READ | CSM_WRITE, NULL), -EPERM);
	assert_int_equal(csm_digest(r[0], first), 0);
	assert_int_equal(csm_digest(r[1], second), 0);
	assert_memory_equal(first, second, 64);
	csm_release(r[1]);
	csm_release(r[0]);
}

/* --------------------------------------------------------------------- ends */

static void test_revoke(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2], *again;
	char byte = 1;

	pair_share(p, CSM_READ, r);
	assert_int_equal(csm_read(r[1], 100, &byte, 1), 0);
	assert_int_equal(csm_revoke(r[0], fake_id(X)), -ENOENT);
	assert_int_equal(csm_revoke(r[0], fake_id(C)), 0);
	assert_int_equal(csm_read(r[1], 100, &byte, 1), -ENOTCONN);
	assert_int_equal(csm_read(r[0], 100, &byte, 1), 0);
	csm_release(r[1]);
	assert_int_equal(csm_attach(p->csm[C], fake_id(P), 1, NULL, 0, &again), -EACCES);
	csm_release(r[0]);
}

static int touch(void *addr)
{
	return *(volatile char *)addr;
}

static void test_protect(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2];
	void *addr;

	pair_share(p, CSM_READ, r);
	assert_int_equal(csm_map(r[1], CSM_READ, &addr), 0);
	assert_int_equal(csm_write(r[0], 0, "A", 1), 0);
	assert_int_equal(csm_protect(touch, addr), 'A');
	assert_int_equal(csm_revoke(r[0], fake_id(C)), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(csm_protect(touch, addr), -ENOTCONN);
	}
	csm_release(r[1]);
	csm_release(r[0]);
}

/* Outside csm_protect() the signal does what it always does, also with the library's handler. */
static void test_unprotected(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2];
	void *addr, *own;
	int status;
	pid_t child;

	pair_share(p, CSM_READ, r);
	assert_int_equal(csm_map(r[1], CSM_READ, &addr), 0);
	assert_int_equal(csm_protect(touch, addr), 0);
	assert_int_equal(csm_revoke(r[0], fake_id(C)), 0);
	child = fork();
	if (child == 0) {
		signal(SIGBUS, SIG_DFL); /* instead of the test library's */
		csm_map(r[0], CSM_READ, &own);
		if (csm_protect(touch, addr) == -ENOTCONN) {
			touch(addr);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	csm_release(r[1]);
	csm_release(r[0]);
}

static void test_end_is_final(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2];
	void *addr;

	pair_share(p, CSM_READ, r);
	assert_int_equal(csm_end(r[0]), 0);
	assert_int_equal(csm_end(r[0]), 0);
	assert_int_equal(csm_share(r[0], fake_id(X), CSM_READ, NULL), -ENOTCONN);
	assert_int_equal(csm_map(r[1], CSM_READ, &addr), -ENOTCONN);
	assert_int_equal(csm_signal(r[1], 0, 1), -ENOTCONN);
	csm_release(r[1]);
	csm_release(r[0]);
}

static void test_keep(void **state)
{
	struct pair *p = *state;
	struct csm_region *region;

	assert_int_equal(csm_create(p->csm[P], 4096, 0, CSM_PERSISTENT, &region), 0);
	assert_int_equal(csm_write(region, 0, "kept", 4), 0);
	csm_release(region);
	assert_int_equal(csm_find(p->csm[P], 0, 1, &region), 0);
	char text[5] = "";

	assert_int_equal(csm_read(region, 0, text, 4), 0);
	assert_string_equal(text, "kept");
	assert_int_equal(csm_set_persistent(region, false), 0);
	csm_release(region);
	assert_int_equal(csm_find(p->csm[P], 0, 1, &region), -ENOENT);
	assert_int_equal(csm_create(p->csm[P], 4096, 0, 8, &region), -EINVAL);
}

static void test_attach_twice(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2], *second;
	char byte;

	pair_share(p, CSM_READ, r);
	assert_int_equal(csm_attach(p->csm[C], fake_id(P), 1, NULL, 0, &second), 0);
	csm_release(r[1]);
	assert_int_equal(csm_read(second, 0, &byte, 1), 0);
	csm_release(second);
	csm_release(r[0]);
}

static void test_realm_dies(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2];
	struct csm_event event;
	char byte;

	pair_share(p, CSM_READ, r);
	fake_kill(fake_realm(p->world, P));
	assert_int_equal(csm_read(r[1], 0, &byte, 1), -ENOTCONN);
	assert_int_equal(csm_wait(r[1], 0, &event), 1);
	assert_int_equal(event.peer_id, fake_id(P));
	assert_int_equal(event.bits, CSM_EVENT_PEER_GONE);
	assert_int_equal(csm_wait(r[1], -1, &event), -ENOTCONN);
	csm_release(r[1]);
	csm_release(r[0]);
}

/* ------------------------------------------------------------------- events */

static void test_events(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2];
	struct csm_event event;

	pair_share(p, CSM_READ, r);
	assert_int_equal(csm_wait(r[0], 0, &event), 1);
	assert_int_equal(event.bits, CSM_EVENT_ATTACHED);
	assert_int_equal(csm_signal(r[1], 0, 5), 0);
	assert_int_equal(csm_signal(r[1], fake_id(P), 8), 0);
	assert_int_equal(csm_wait(r[0], 1000, &event), 1);
	assert_int_equal(event.peer_id, fake_id(C));
	assert_int_equal(event.bits, 13);
	assert_int_equal(csm_wait(r[0], 10, &event), 0);
	assert_int_equal(csm_signal(r[0], fake_id(C), CSM_EVENT_ENDED), -EINVAL);
	assert_int_equal(csm_signal(r[0], fake_id(C), 0), -EINVAL);
	assert_int_equal(csm_signal(r[0], fake_id(X), 1), -EACCES);
	csm_release(r[1]);
	assert_int_equal(csm_wait(r[0], 0, &event), 1);
	assert_int_equal(event.bits, CSM_EVENT_DETACHED);
	csm_release(r[0]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PAIR("realm: opening reports what is wrong", test_open_fails),
		PAIR("realm: id and facts", test_info),
		PAIR("realm: own regions are listed", test_list),
		PAIR("realm: only what is offered is listed", test_list_offers),
		PAIR("realm: measurements of a peer", test_peer),
		PAIR("region: both sides see the same memory", test_same_memory),
		PAIR("region: copies stay inside", test_bounds),
		PAIR("region: read-only is read-only", test_read_only),
		PAIR("region: no grant, no attachment", test_no_grant),
		PAIR("region: a consumer cannot share on", test_not_owner),
		PAIR("region: policy for the peer", test_policy),
		PAIR("region: sealed for ever", test_seal),
		PAIR("region: after revocation nothing is read", test_revoke),
		PAIR("protect: an access that fails comes back", test_protect),
		PAIR("protect: other accesses get their signal", test_unprotected),
		PAIR("region: the end is final", test_end_is_final),
		PAIR("region: kept until no longer kept", test_keep),
		PAIR("region: attached once, opened twice", test_attach_twice),
		PAIR("region: the provider's death is seen", test_realm_dies),
		PAIR("events: sent, gathered, taken", test_events),
	};

	return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
