// SPDX-License-Identifier: BSD-3-Clause
/* Links between realms, with sockets that keep packets apart in place of network interfaces. */
#include "pair.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/session.h"
#include "link/vsock.h"
#include "plain.h"

#define PATIENCE 300000 /* ms, for what hangs */
#define PACKETS  3000u

/* One side of a link: what its program sees is `net`. */
struct side {
	struct link link;
	pthread_t thread;
	int net;
	int timeout;
	int joined;
	int result;
	uint64_t revision;
};

static struct side *side_new(struct pair *p, unsigned int me, unsigned int peer)
{
	struct side *s = calloc(1, sizeof(*s));
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	s->net = ends[0];
	s->timeout = PATIENCE;
	s->link.csm = p->csm[me];
	s->link.peer = fake_id(peer);
	s->link.port = ends[1];
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	s->link.stop = eventfd(0, 0);
	return s;
}

static void side_free(struct side *s)
{
	close(s->net);
	close(s->link.port);
	close(s->link.stop);
	free(s);
}

static void *carry_side(void *arg)
{
	struct side *s = arg;

	s->result = link_carry(&s->link);
	link_end(&s->link);
	return NULL;
}

static void *run_side(void *arg)
{
	struct side *s = arg;

	s->joined = link_begin(&s->link);
	if (s->joined == 0) {
		s->joined = link_join(&s->link, s->timeout, &s->revision);
	}
	if (s->joined == 0) {
		return carry_side(s);
	}
	link_end(&s->link);
	return NULL;
}

static void start(struct side *s)
{
	pthread_create(&s->thread, NULL, run_side, s);
}

static void stop(struct side *s)
{
	uint64_t one = 1;

	assert_int_equal(write(s->link.stop, &one, sizeof(one)), sizeof(one));
}

static void finish(struct side *s)
{
	pthread_join(s->thread, NULL);
}

/* A packet that the check accepts: IPv6, with a number and a pattern. */
static size_t make_packet(uint8_t *packet, uint32_t number)
{
	uint64_t seed = number + 1;
	size_t size = number % 100 == 7 ? LINK_PACKET : 60 + plain_random(&seed) % 3000;

	memset(packet, 0, LINK_HEADER);
	memset(packet + LINK_HEADER, (int)(number * 7), size - LINK_HEADER);
	packet[LINK_HEADER] = 0x60;
	memcpy(packet + LINK_HEADER + 4, &number, sizeof(number));
	return size;
}

struct traffic {
	struct side *side;
	uint32_t count;
	const char *error;
	uint8_t packet[LINK_PACKET], expected[LINK_PACKET];
};

static void *send_traffic(void *arg)
{
	struct traffic *t = arg;

	for (uint32_t i = 0; i < t->count; i++) {
		size_t size = make_packet(t->packet, i);

		if (write(t->side->net, t->packet, size) != (ssize_t)size) {
			t->error = "a packet could not be sent";
			return NULL;
		}
	}
	return NULL;
}

static void *receive_traffic(void *arg)
{
	struct traffic *t = arg;

	for (uint32_t i = 0; i < t->count; i++) {
		struct pollfd net = {.fd = t->side->net, .events = POLLIN};
		size_t size = make_packet(t->expected, i);

		if (poll(&net, 1, PATIENCE) != 1 ||
		    read(t->side->net, t->packet, sizeof(t->packet)) != (ssize_t)size ||
		    memcmp(t->packet, t->expected, size) != 0) {
			t->error = "a packet did not arrive as it was sent";
			return NULL;
		}
	}
	return NULL;
}

/* So many packets one way, in order and unaltered. */
static void exchange(struct side *from, struct side *to, uint32_t count)
{
	struct traffic *t = calloc(2, sizeof(*t));
	pthread_t threads[2];

	t[0] = (struct traffic){.side = from, .count = count};
	t[1] = (struct traffic){.side = to, .count = count};
	pthread_create(&threads[0], NULL, send_traffic, &t[0]);
	pthread_create(&threads[1], NULL, receive_traffic, &t[1]);
	pthread_join(threads[1], NULL);
	pthread_join(threads[0], NULL);
	assert_null(t[0].error);
	assert_null(t[1].error);
	free(t);
}

struct duo {
	struct side *a, *b;
};

static struct duo connect_two(struct pair *p, unsigned int a, unsigned int b)
{
	struct duo d = {side_new(p, a, b), side_new(p, b, a)};

	start(d.a);
	start(d.b);
	exchange(d.a, d.b, 1);
	exchange(d.b, d.a, 1);
	return d;
}

/* Side a is stopped: that ends side b too, which must have dropped so many packets. */
static void disconnect_after(struct duo *d, uint64_t dropped)
{
	stop(d->a);
	finish(d->a);
	finish(d->b);
	assert_int_equal(d->a->result, -ECANCELED);
	assert_true(d->b->result == -EPIPE || d->b->result == -ENOTCONN);
	assert_int_equal(d->a->link.dropped, 0);
	assert_int_equal(d->b->link.dropped, dropped);
	side_free(d->a);
	side_free(d->b);
}

static void disconnect_two(struct duo *d)
{
	disconnect_after(d, 0);
}

/* -------------------------------------------------------------------- traffic */

static void test_traffic(void **state)
{
	struct duo d = connect_two(*state, P, C);

	exchange(d.a, d.b, PACKETS);
	exchange(d.b, d.a, PACKETS);
	disconnect_two(&d);
}

static void *exchange_back(void *arg)
{
	struct duo *d = arg;

	exchange(d->b, d->a, PACKETS);
	return NULL;
}

static void test_both_ways(void **state)
{
	struct duo d = connect_two(*state, P, C);
	pthread_t back;

	pthread_create(&back, NULL, exchange_back, &d);
	exchange(d.a, d.b, PACKETS);
	pthread_join(back, NULL);
	disconnect_two(&d);
}

/* Each pair of three realms has a link of its own at the same time. */
static void test_three(void **state)
{
	struct duo pc = connect_two(*state, P, C), px = connect_two(*state, P, X),
		   cx = connect_two(*state, C, X);

	exchange(pc.a, pc.b, 100);
	exchange(px.b, px.a, 100);
	exchange(cx.a, cx.b, 100);
	disconnect_two(&pc);
	exchange(px.a, px.b, 100);
	disconnect_two(&px);
	disconnect_two(&cx);
}

/*
 * Two realms that have joined, and carry nothing yet: this thread alone has them. Side a comes
 * last.
 */
static struct duo join_two(struct pair *p)
{
	struct duo d = {side_new(p, P, C), side_new(p, C, P)};

	assert_int_equal(link_begin(&d.a->link), 0);
	assert_int_equal(link_begin(&d.b->link), 0);
	assert_int_equal(link_join(&d.b->link, 1, &d.b->revision), -EAGAIN);
	assert_int_equal(link_join(&d.a->link, PATIENCE, &d.a->revision), 0);
	assert_int_equal(link_join(&d.b->link, PATIENCE, &d.b->revision), 0);
	return d;
}

static void free_two(struct duo *d)
{
	link_end(&d->a->link);
	side_free(d->a);
	side_free(d->b);
}

/* A grant of one side does not let the other write: each has only its own region for that. */
static void test_one_way(void **state)
{
	struct duo d = join_two(*state);

	assert_int_equal(csm_permissions(d.a->link.theirs), CSM_READ);
	assert_int_equal(csm_permissions(d.b->link.theirs), CSM_READ);
	link_end(&d.b->link);
	free_two(&d);
}

/* ------------------------------------------------------------------- the end */

static void test_late_peer(void **state)
{
	struct side *a = side_new(*state, P, C);

	a->timeout = 300;
	start(a);
	finish(a);
	assert_int_equal(a->joined, -EAGAIN);
	side_free(a);
}

static void test_stop_while_waiting(void **state)
{
	struct side *a = side_new(*state, P, C);

	start(a);
	stop(a);
	finish(a);
	assert_int_equal(a->joined, -ECANCELED);
	side_free(a);
}

static void test_restart(void **state)
{
	struct duo d = connect_two(*state, P, C);
	struct side *again;

	stop(d.b);
	finish(d.b);
	finish(d.a);
	assert_true(d.a->result == -EPIPE || d.a->result == -ENOTCONN);
	again = side_new(*state, C, P);
	start(again);
	start(d.a);
	exchange(d.a, again, 50);
	exchange(again, d.a, 50);
	stop(again);
	finish(again);
	finish(d.a);
	side_free(again);
	side_free(d.b);
	side_free(d.a);
}

/* The peer comes, goes before this side has noticed, and comes again. */
static void test_restart_while_waiting(void **state)
{
	struct side *a = side_new(*state, P, C), *b = side_new(*state, C, P);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(link_begin(&b->link), 0);
		link_join(&b->link, 30, &b->revision);
		link_end(&b->link);
	}
	assert_int_equal(link_begin(&a->link), 0);
	link_join(&a->link, 30, &a->revision);
	assert_int_equal(link_begin(&b->link), 0);
	link_join(&b->link, 30, &b->revision);
	link_end(&b->link);
	link_end(&a->link);
	start(b);
	start(a);
	exchange(a, b, 10);
	stop(a);
	finish(a);
	finish(b);
	side_free(a);
	side_free(b);
}

static void test_killed(void **state)
{
	struct pair *p = *state;
	struct duo d = connect_two(p, P, C);

	fake_kill(fake_realm(p->world, C));
	finish(d.a);
	finish(d.b);
	assert_int_equal(d.a->result, -ENOTCONN);
	side_free(d.a);
	side_free(d.b);
}

static void test_revoked(void **state)
{
	struct pair *p = *state;
	struct duo d = connect_two(p, P, C);
	struct csm_region *region;
	struct csm_entry entry;
	uint64_t cursor = 0;

	/* As csmctl revoke does it: with a handle of its own. */
	assert_int_equal(csm_list(p->csm[P], 0, &cursor, &entry), 1);
	assert_int_equal(csm_find(p->csm[P], 0, entry.region_id, &region), 0);
	assert_int_equal(csm_revoke(region, fake_id(C)), 0);
	csm_release(region);
	finish(d.b);
	finish(d.a);
	assert_int_equal(d.b->result, -ENOTCONN);
	side_free(d.a);
	side_free(d.b);
}

/* -------------------------------------------------------------- hostile peers */

static void test_bad_packet(void **state)
{
	struct duo d = connect_two(*state, P, C);
	uint8_t bad[100] = {0};

	assert_int_equal(write(d.a->net, bad, sizeof(bad)), sizeof(bad));
	exchange(d.a, d.b, 10);
	disconnect_after(&d, 1);
}

/* Side b carries until it finds a breach. */
static void find_breach(struct duo *d)
{
	pthread_create(&d->b->thread, NULL, carry_side, d->b);
	finish(d->b);
	assert_int_equal(d->b->result, -EPROTO);
	free_two(d);
}

static void test_bad_position(void **state)
{
	struct duo d = join_two(*state);

	__atomic_store_n(&d.a->link.mine->producer.position, 12345, __ATOMIC_SEQ_CST);
	find_breach(&d);
}

/* Longer than a packet, although it fits the ring. */
static void test_long_packet(void **state)
{
	struct duo d = join_two(*state);
	void *to;

	assert_int_equal(csm_ring_reserve(&d.a->link.tx, LINK_ROOM + 1, 0, &to), 0);
	assert_int_equal(csm_ring_commit(&d.a->link.tx, LINK_ROOM + 1, false), 0);
	find_breach(&d);
}

/* Begins a link of P whose page says something else, and lets C join it. */
static int join_other(struct pair *p, uint64_t magic, uint64_t revision, uint64_t *seen)
{
	struct side *a = side_new(p, P, C), *b = side_new(p, C, P);
	int ret;

	assert_int_equal(link_begin(&a->link), 0);
	a->link.mine->magic = magic;
	a->link.mine->revision = revision;
	assert_int_equal(link_begin(&b->link), 0);
	ret = link_join(&b->link, PATIENCE, seen);
	link_end(&b->link);
	link_end(&a->link);
	side_free(a);
	side_free(b);
	return ret;
}

static void test_other_revision(void **state)
{
	uint64_t revision = 0;

	assert_int_equal(join_other(*state, LINK_MAGIC, 7, &revision), -EPROTO);
	assert_int_equal(revision, 7);
	assert_int_equal(join_other(*state, 0x1234, LINK_REVISION, &revision), -EPROTO);
	assert_int_equal(revision, 0);
}

/* A region with the label of a link, of another size. */
static void test_other_size(void **state)
{
	struct pair *p = *state;
	struct side *b = side_new(p, C, P);
	struct csm_region *region;

	assert_int_equal(csm_create(p->csm[P], 8192, csm_label(LINK_LABEL), 0, &region), 0);
	assert_int_equal(csm_share(region, fake_id(C), CSM_READ, NULL), 0);
	assert_int_equal(link_begin(&b->link), 0);
	assert_int_equal(link_join(&b->link, PATIENCE, &b->revision), -EPROTO);
	link_end(&b->link);
	side_free(b);
	csm_release(region);
}

/* --------------------------------------------------------------------- vsock */

static const struct link_kind vsock = {
	.label = LINK_VSOCK, .check = vsock_packet_check, .is_lossless = true};

static size_t make_vsock(uint8_t *packet, uint32_t length)
{
	memset(packet, 7, CSM_VSOCK_HEADER + length);
	memcpy(packet + 24, &length, sizeof(length));
	return CSM_VSOCK_HEADER + length;
}

static void test_vsock_check(void **state)
{
	uint8_t *packet = calloc(1, CSM_VSOCK_PACKET + 1);

	(void)state;
	for (uint32_t length = 0; length <= CSM_VSOCK_PAYLOAD; length += 4096) {
		size_t size = make_vsock(packet, length);

		assert_int_equal(vsock_packet_check(packet, size), 0);
		assert_int_equal(vsock_packet_check(packet, size + 1), -EPROTO);
		assert_int_equal(vsock_packet_check(packet, size - 1), -EPROTO);
	}
	for (size_t size = 0; size < CSM_VSOCK_HEADER; size++) {
		assert_int_equal(vsock_packet_check(packet, size), -EPROTO);
	}
	free(packet);
}

static void test_vsock_cid(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 64; i++) {
		uint32_t cid = vsock_cid(~(UINT64_C(1) << i));

		assert_true(cid > 2 && cid < UINT32_MAX);
		assert_int_equal(cid, vsock_cid(~(UINT64_C(1) << i)));
		assert_int_not_equal(vsock_cid(fake_id(0)), vsock_cid(fake_id(i + 1)));
	}
}

/* Packets of sockets, beside a link of IP to the same realm. A bad one ends the session. */
static void test_vsock(void **state)
{
	struct duo ip = connect_two(*state, P, C);
	struct side *a = side_new(*state, P, C), *b = side_new(*state, C, P);
	uint8_t *packet = calloc(2, CSM_VSOCK_PACKET);
	size_t size;

	a->link.kind = b->link.kind = &vsock;
	start(a);
	start(b);
	for (uint32_t length = 0; length <= CSM_VSOCK_PAYLOAD; length += CSM_VSOCK_PAYLOAD / 4) {
		size = make_vsock(packet, length);
		assert_int_equal(write(a->net, packet, size), size);
		assert_int_equal(read(b->net, packet + CSM_VSOCK_PACKET, CSM_VSOCK_PACKET), size);
		assert_memory_equal(packet, packet + CSM_VSOCK_PACKET, size);
	}
	exchange(ip.a, ip.b, 100);
	size = make_vsock(packet, 100);
	assert_int_equal(write(a->net, packet, size - 1), size - 1);
	finish(b);
	finish(a);
	assert_int_equal(b->result, -EPROTO);
	free(packet);
	side_free(a);
	side_free(b);
	disconnect_two(&ip);
}

/* A peer that never reads: the sender waits, and can still be stopped. */
static void test_full(void **state)
{
	struct pair *p = *state;
	struct side *a = side_new(p, P, C), *b = side_new(p, C, P);
	uint8_t *packet = calloc(1, LINK_PACKET);
	struct pollfd net = {.fd = a->net, .events = POLLOUT};

	start(a);
	assert_int_equal(link_begin(&b->link), 0);
	assert_int_equal(link_join(&b->link, PATIENCE, &b->revision), 0);
	while (poll(&net, 1, 1000) == 1) {
		size_t size = make_packet(packet, 7);

		assert_int_equal(write(a->net, packet, size), size);
	}
	stop(a);
	finish(a);
	assert_int_equal(a->result, -ECANCELED);
	link_end(&b->link);
	free(packet);
	side_free(a);
	side_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR("link: packets arrive whole and in order", test_traffic),
		PAIR("link: both directions at once", test_both_ways),
		PAIR("link: three realms, a link for each pair", test_three),
		PAIR("link: the peer may only read a side's region", test_one_way),
		PAIR("link: a peer that does not come", test_late_peer),
		PAIR("link: stopped while it waits", test_stop_while_waiting),
		PAIR("link: a peer that starts again", test_restart),
		PAIR("link: a peer that starts again while this side waits",
		     test_restart_while_waiting),
		PAIR("link: the peer realm is killed", test_killed),
		PAIR("link: a grant is revoked", test_revoked),
		PAIR("link: an invalid packet is dropped, the next ones arrive", test_bad_packet),
		PAIR("link: a position that cannot be ends the session", test_bad_position),
		PAIR("link: a message longer than a packet ends the session", test_long_packet),
		PAIR("link: a peer with another revision is refused", test_other_revision),
		PAIR("link: a region of another size is refused", test_other_size),
		TEST("link: packets of vsock have the length that they name", test_vsock_check),
		TEST("link: a realm has one CID, which no other use has", test_vsock_cid),
		PAIR("link: packets of vsock, beside a link of IP", test_vsock),
		PAIR("link: a peer that never reads holds the sender back", test_full),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
