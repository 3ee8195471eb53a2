/* SPDX-License-Identifier: BSD-3-Clause */
/* A channel over a region of P, between P and C. */
#ifndef TESTS_LINE_H
#define TESTS_LINE_H

#include "pair.h"

struct line {
	struct csm_region *r[2];
	struct csm_channel *p, *c;
};

static inline void line_connect(struct pair *p, struct line *l)
{
	pair_share(p, CSM_READ | CSM_WRITE, l->r);
	assert_int_equal(csm_channel_open(l->r[0], fake_id(C), 0, &l->p), 0);
	assert_int_equal(csm_channel_open(l->r[1], 0, 0, &l->c), 0);
}

static inline void line_disconnect(struct line *l)
{
	csm_channel_close(l->p);
	csm_channel_close(l->c);
	csm_release(l->r[1]);
	csm_release(l->r[0]);
}

#endif
