// SPDX-License-Identifier: BSD-3-Clause
/* Not under the thread sanitizer, which does not let a thread leave an access that faults. */
#include "line.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

/* What takes the sharing away while the other side waits without limit. */
struct end {
	struct pair *pair;
	struct line *line;
	void (*how)(struct end *end);
};

static void by_revoke(struct end *end)
{
	csm_revoke(end->line->r[0], fake_id(C));
}

static void by_death(struct end *end)
{
	fake_kill(fake_realm(end->pair->world, P));
}

static void by_close(struct end *end)
{
	csm_channel_close(end->line->p);
	end->line->p = NULL;
}

static void *end_it(void *arg)
{
	struct end *end = arg;

	nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
	end->how(end);
	return NULL;
}

static void waiting_ends(struct pair *p, void (*how)(struct end *end), long expected)
{
	struct line l;
	struct end end = {.pair = p, .line = &l, .how = how};
	pthread_t thread;
	char message[16];

	line_connect(p, &l);
	pthread_create(&thread, NULL, end_it, &end);
	assert_int_equal(csm_channel_recv(l.c, message, sizeof(message), -1), expected);
	pthread_join(thread, NULL);
	assert_int_equal(csm_channel_recv(l.c, message, sizeof(message), -1), expected);
	assert_int_equal(csm_channel_send(l.c, "x", 1, -1), expected);
	line_disconnect(&l);
}

static void test_revoked_while_waiting(void **state)
{
	waiting_ends(*state, by_revoke, -ENOTCONN);
}

static void test_died_while_waiting(void **state)
{
	waiting_ends(*state, by_death, -ENOTCONN);
}

static void test_closed_while_waiting(void **state)
{
	waiting_ends(*state, by_close, -EPIPE);
}

/* The consumer goes while the provider, with a full ring, waits for room. */
static void *consumer_goes(void *arg)
{
	struct line *l = arg;

	nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
	csm_end(l->r[1]);
	return NULL;
}

static void test_full_and_alone(void **state)
{
	struct pair *p = *state;
	struct line l;
	pthread_t thread;
	char message[1000] = "";
	int ret = 0;

	line_connect(p, &l);
	pthread_create(&thread, NULL, consumer_goes, &l);
	while (ret == 0) {
		ret = csm_channel_send(l.p, message, sizeof(message), -1);
	}
	assert_int_equal(ret, -ENOTCONN);
	pthread_join(thread, NULL);
	line_disconnect(&l);
}

/* In place: a reservation that loses its memory is an error at the commit, not a crash. */
static void test_revoked_in_place(void **state)
{
	struct pair *p = *state;
	struct line l;
	void *to;

	line_connect(p, &l);
	assert_int_equal(csm_channel_reserve(l.c, 100, 0, &to), 0);
	memset(to, 1, 100);
	assert_int_equal(csm_revoke(l.r[0], fake_id(C)), 0);
	assert_int_equal(csm_channel_commit(l.c, 100, false), -ENOTCONN);
	assert_int_equal(csm_channel_reserve(l.c, 100, -1, &to), -ENOTCONN);
	line_disconnect(&l);
}

/* ------------------------------------------------------------ a peer that comes back */

/* The consumer detaches and attaches again; then both open a channel. */
static void come_back(struct pair *p, struct line *l)
{
	csm_release(l->r[1]);
	assert_int_equal(
		csm_attach(p->csm[C], fake_id(P), csm_region_id(l->r[0]), NULL, 0, &l->r[1]), 0);
}

static void open_both(struct line *l)
{
	assert_int_equal(csm_channel_open(l->r[0], fake_id(C), 0, &l->p), 0);
	assert_int_equal(csm_channel_open(l->r[1], 0, 0, &l->c), 0);
}

static void works(struct line *l)
{
	char message[16];

	assert_int_equal(csm_channel_recv(l->p, message, sizeof(message), 20), -EAGAIN);
	assert_int_equal(csm_channel_send(l->c, "x", 1, 0), 0);
	assert_int_equal(csm_channel_recv(l->p, message, sizeof(message), 20), 1);
	assert_int_equal(csm_channel_send(l->p, "y", 1, 0), 0);
	assert_int_equal(csm_channel_recv(l->c, message, sizeof(message), 20), 1);
}

static void is_over(struct line *l)
{
	char message[16];

	assert_int_equal(csm_channel_recv(l->p, message, sizeof(message), 1000), -ENOTCONN);
}

/* The notice of the earlier attachment's end is there before the channel. */
static void test_old_notice(void **state)
{
	struct pair *p = *state;
	struct line l;

	pair_share(p, CSM_READ | CSM_WRITE, l.r);
	come_back(p, &l);
	open_both(&l);
	works(&l);
	line_disconnect(&l);
}

/* It arrives later than the channel, added up with whatever has come since. */
static void test_late_notice(void **state)
{
	struct pair *p = *state;
	struct line l;

	pair_share(p, CSM_READ | CSM_WRITE, l.r);
	fake_deliver_late(p->world, true);
	come_back(p, &l);
	open_both(&l);
	fake_deliver_late(p->world, false);
	works(&l);
	csm_end(l.r[1]);
	is_over(&l);
	line_disconnect(&l);
}

/* Late or not: a peer that is gone is gone, also where nothing else was heard of it. */
static void test_gone_at_once(void **state)
{
	struct pair *p = *state;
	struct line l;

	pair_share(p, CSM_READ | CSM_WRITE, l.r);
	fake_deliver_late(p->world, true);
	come_back(p, &l);
	assert_int_equal(csm_channel_open(l.r[0], fake_id(C), 0, &l.p), 0);
	csm_release(l.r[1]);
	fake_deliver_late(p->world, false);
	is_over(&l);
	l.c = NULL;
	l.r[1] = NULL;
	line_disconnect(&l);
}

/* One that leaves an open channel does not go on with it when it comes back. */
static void test_back_on_an_open_channel(void **state)
{
	struct pair *p = *state;
	struct line l;

	pair_share(p, CSM_READ | CSM_WRITE, l.r);
	open_both(&l);
	works(&l);
	assert_int_equal(csm_signal(l.r[1], fake_id(P), 4), 0);
	assert_int_equal(csm_channel_recv(l.p, &(char){0}, 1, 20), -EAGAIN);
	csm_channel_close(l.c);
	fake_deliver_late(p->world, true);
	come_back(p, &l);
	assert_int_equal(csm_channel_open(l.r[1], 0, 0, &l.c), 0);
	fake_deliver_late(p->world, false);
	is_over(&l);
	line_disconnect(&l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PAIR("channel: revoked while waiting", test_revoked_while_waiting),
		PAIR("channel: provider dies while waiting", test_died_while_waiting),
		PAIR("channel: closed while waiting", test_closed_while_waiting),
		PAIR("channel: consumer goes while the ring is full", test_full_and_alone),
		PAIR("channel: revoked between reserve and commit", test_revoked_in_place),
		PAIR("channel: the end of an earlier attachment, told before", test_old_notice),
		PAIR("channel: the end of an earlier attachment, told late", test_late_notice),
		PAIR("channel: a peer that is gone at once", test_gone_at_once),
		PAIR("channel: a peer that comes back to an open channel",
		     test_back_on_an_open_channel),
	};

	return cmocka_run_group_tests_name("channel ends", tests, NULL, NULL);
}
