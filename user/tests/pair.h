/* SPDX-License-Identifier: BSD-3-Clause */
/* Realms 0, 1 and 2 with an open libcsm each, for tests. */
#ifndef TESTS_PAIR_H
#define TESTS_PAIR_H

#include "fake.h"
#include "unit.h"

#define P 0 /* the provider, as a rule */
#define C 1 /* the consumer */
#define X 2 /* somebody else */

struct pair {
	struct fake_world *world;
	struct csm *csm[3];
};

static inline int pair_set_up(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->world = fake_new();
	for (unsigned int i = 0; i < COUNT(p->csm); i++) {
		assert_int_equal(
			csm_open_backend(&fake_backend, fake_realm(p->world, i), &p->csm[i]), 0);
	}
	*state = p;
	return 0;
}

/* Whatever a test did, nothing may be left open. */
static inline int pair_tear_down(void **state)
{
	struct pair *p = *state;

	for (unsigned int i = 0; i < COUNT(p->csm); i++) {
		csm_close(p->csm[i]);
	}
	assert_int_equal(fake_handles(p->world), 0);
	fake_free(p->world);
	free(p);
	return 0;
}

static inline struct csm_region *pair_create(struct pair *p, size_t size)
{
	struct csm_region *region = NULL;

	assert_int_equal(csm_create(p->csm[P], size, csm_label("test"), 0, &region), 0);
	return region;
}

/* A region of P, granted to C and attached there. */
static inline void pair_share(struct pair *p, unsigned int access, struct csm_region *out[2])
{
	out[0] = pair_create(p, 65536);
	assert_int_equal(csm_share(out[0], fake_id(C), access, NULL), 0);
	assert_int_equal(csm_attach(p->csm[C], fake_id(P), csm_region_id(out[0]), NULL, 0, &out[1]),
			 0);
}

#define PAIR(what, func)            \
	{.name = (what),            \
	 .test_func = (func),       \
	 .setup_func = pair_set_up, \
	 .teardown_func = pair_tear_down}

#endif
