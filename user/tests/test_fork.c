// SPDX-License-Identifier: BSD-3-Clause
/* A child of fork() has the handles of its parent, and no memory behind them. */
#include "line.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(condition)                            \
	do {                                       \
		if (!(condition)) {                \
			_exit(__LINE__ % 200 + 1); \
		}                                  \
	} while (0)

static long handler(void *arg, const void *request, size_t size, void *response, size_t room)
{
	(void)arg;
	(void)request;
	(void)size;
	(void)response;
	return (long)room;
}

static void device_calls(struct csm *csm)
{
	struct csm_region *region;
	struct csm_measurement m;
	struct csm_entry entry;
	struct csm_info info;
	uint64_t cursor = 0;

	MUST(csm_get_info(csm, &info) == -ESTALE);
	MUST(csm_list(csm, 0, &cursor, &entry) == -ESTALE);
	MUST(csm_list_attached(csm, &entry) == -ESTALE);
	MUST(csm_peer(csm, fake_id(P), 0, &m) == -ESTALE);
	MUST(csm_create(csm, 4096, 0, 0, &region) == -ESTALE);
	MUST(csm_attach(csm, fake_id(P), 1, NULL, 0, &region) == -ESTALE);
	MUST(csm_find(csm, fake_id(P), 1, &region) == -ESTALE);
}

static void region_calls(struct csm_region *region)
{
	struct csm_event event;
	uint8_t digest[64];
	char byte = 0;
	void *addr;

	MUST(csm_map(region, CSM_READ, &addr) == -ESTALE);
	MUST(csm_read(region, 0, &byte, 1) == -ESTALE);
	MUST(csm_write(region, 0, &byte, 1) == -ESTALE);
	MUST(csm_share(region, fake_id(X), CSM_READ, NULL) == -ESTALE);
	MUST(csm_revoke(region, fake_id(C)) == -ESTALE);
	MUST(csm_seal(region) == -ESTALE);
	MUST(csm_digest(region, digest) == -ESTALE);
	MUST(csm_set_persistent(region, true) == -ESTALE);
	MUST(csm_end(region) == -ESTALE);
	MUST(csm_signal(region, fake_id(C), 1) == -ESTALE);
	MUST(csm_wait(region, -1, &event) == -ESTALE);
}

static void channel_calls(struct line *l)
{
	struct csm_rpc call = {.request = "x", .size = 1};
	struct csm_channel *channel;
	const void *from;
	char byte = 0;
	void *to;

	MUST(csm_channel_open(l->r[0], fake_id(C), 0, &channel) == -ESTALE);
	MUST(csm_channel_send(l->p, "x", 1, -1) == -ESTALE);
	MUST(csm_channel_recv(l->p, &byte, 1, -1) == -ESTALE);
	MUST(csm_channel_reserve(l->p, 1, -1, &to) == -ESTALE);
	MUST(csm_channel_commit(l->p, 1, false) == -ESTALE);
	MUST(csm_channel_flush(l->p) == -ESTALE);
	MUST(csm_channel_peek(l->p, -1, &from) == -ESTALE);
	MUST(csm_channel_done(l->p) == -ESTALE);
	MUST(csm_channel_shutdown(l->p) == -ESTALE);
	MUST(csm_channel_is_taken(l->p) == -ESTALE);
	MUST(csm_rpc_call(l->p, &call, -1) == -ESTALE);
	MUST(csm_rpc_serve(l->p, handler, NULL, -1) == -ESTALE);
}

/* Its own memory lies where the parent has the region, as mmap() may well choose. */
static void child(struct pair *p, struct line *l, void *addr)
{
	struct csm_region *own;
	struct csm *csm;
	char *mine = mmap(addr, 65536, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	MUST(mine == addr);
	memset(mine, 0x77, 65536);
	device_calls(p->csm[P]);
	region_calls(l->r[0]);
	channel_calls(l);
	csm_channel_close(l->p);
	csm_channel_close(l->c);
	csm_release(l->r[1]);
	csm_release(l->r[0]);
	csm_close(p->csm[P]);
	for (size_t i = 0; i < 65536; i++) {
		MUST(mine[i] == 0x77);
	}
	/* What it opens itself is its own. */
	MUST(csm_open_backend(&fake_backend, fake_realm(p->world, P), &csm) == 0);
	MUST(csm_create(csm, 4096, 0, 0, &own) == 0);
	MUST(csm_write(own, 0, "mine", 5) == 0);
	csm_release(own);
	_exit(0);
}

static void test_fork(void **state)
{
	struct pair *p = *state;
	char text[6] = "";
	struct line l;
	int status;
	void *addr;
	pid_t pid;

	line_connect(p, &l);
	assert_int_equal(csm_map(l.r[0], CSM_READ, &addr), 0);
	pid = fork();
	if (pid == 0) {
		child(p, &l, addr);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	/* The parent has noticed nothing. */
	assert_int_equal(csm_channel_send(l.p, "hello", 6, 0), 0);
	assert_int_equal(csm_channel_recv(l.c, text, 6, 0), 6);
	assert_string_equal(text, "hello");
	line_disconnect(&l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PAIR("fork: the child is told, and nothing of either is touched", test_fork),
	};

	return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
