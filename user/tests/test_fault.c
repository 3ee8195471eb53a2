// SPDX-License-Identifier: BSD-3-Clause
/*
 * SIGBUS besides withdrawn memory. Each test runs in a child, which the signal may end: there the
 * handlers are those of the test alone.
 */
#include "pair.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct csm_region *withdrawn[2];

/* Maps a region of P that is then withdrawn from C: the library's handler is there from now on. */
static void withdraw(struct pair *p)
{
	void *addr;

	pair_share(p, CSM_READ | CSM_WRITE, withdrawn);
	assert_int_equal(csm_map(withdrawn[1], CSM_READ, &addr), 0);
	assert_int_equal(csm_revoke(withdrawn[0], fake_id(C)), 0);
}

static int read_withdrawn(void)
{
	char byte;

	return csm_read(withdrawn[1], 0, &byte, 1);
}

/* How a child ends that has the default action and runs fn: its status for waitpid(). */
static int end_of(void (*fn)(struct pair *p))
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		struct pair *p;

		signal(SIGBUS, SIG_DFL);
		pair_set_up((void **)&p);
		fn(p);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void dies_of_sigbus(void (*fn)(struct pair *p))
{
	int status = end_of(fn);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
}

static void goes_well(void (*fn)(struct pair *p))
{
	int status = end_of(fn);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define MUST(condition)             \
	do {                        \
		if (!(condition)) { \
			_exit(1);   \
		}                   \
	} while (0)

/* Memory whose file has become shorter: an access gives SIGBUS, and no region is there. */
static char *truncated(void)
{
	int fd = memfd_create("truncated", MFD_CLOEXEC);
	char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	close(fd);
	return memory;
}

/* --------------------------------------------------------------------- sent */

static void send_one(struct pair *p)
{
	withdraw(p);
	raise(SIGBUS);
}

static void send_ignored(struct pair *p)
{
	signal(SIGBUS, SIG_IGN);
	withdraw(p);
	raise(SIGBUS);
	raise(SIGBUS);
	MUST(read_withdrawn() == -ENOTCONN);
}

static void test_sent(void **state)
{
	(void)state;
	dies_of_sigbus(send_one);
	goes_well(send_ignored);
}

/* --------------------------------------------------------------------- chain */

static struct sigaction outer;
static volatile sig_atomic_t calls;

static void pass_to_outer(int number, siginfo_t *info, void *context)
{
	calls = calls + 1;
	if (outer.sa_flags & SA_SIGINFO) {
		outer.sa_sigaction(number, info, context);
	} else if (outer.sa_handler == SIG_DFL) {
		signal(SIGBUS, SIG_DFL);
	} else {
		outer.sa_handler(number);
	}
}

/* The program's handler over the library's, and then the library's once more. */
static void chain(struct pair *p)
{
	struct sigaction action = {.sa_sigaction = pass_to_outer, .sa_flags = SA_SIGINFO};
	struct csm_region *more;
	void *addr;

	withdraw(p);
	sigaction(SIGBUS, &action, &outer);
	more = pair_create(p, 4096);
	MUST(csm_map(more, CSM_READ, &addr) == 0);
}

static void chain_protected(struct pair *p)
{
	chain(p);
	for (int i = 0; i < 3; i++) {
		MUST(read_withdrawn() == -ENOTCONN);
	}
}

static void chain_foreign(struct pair *p)
{
	chain(p);
	*(volatile char *)truncated() = 1;
}

static void chain_sent(struct pair *p)
{
	chain(p);
	raise(SIGBUS);
}

/* Each signal comes to the program's handler once. */
static void chain_ignored(struct pair *p)
{
	signal(SIGBUS, SIG_IGN);
	chain(p);
	for (int i = 0; i < 3; i++) {
		raise(SIGBUS);
	}
	MUST(calls == 3);
}

static void test_chain(void **state)
{
	(void)state;
	goes_well(chain_protected);
	dies_of_sigbus(chain_foreign);
	dies_of_sigbus(chain_sent);
	goes_well(chain_ignored);
}

static sigjmp_buf back;

static void jump(int number)
{
	(void)number;
	calls = calls + 1;
	siglongjmp(back, 1);
}

/* A handler from before that leaves by a jump, again and again. */
static void jumps(struct pair *p)
{
	volatile char *memory = truncated();

	signal(SIGBUS, jump);
	withdraw(p);
	for (volatile int i = 0; i < 3; i++) {
		if (sigsetjmp(back, 1) == 0) {
			*memory = 1;
		}
		MUST(calls == i + 1);
		MUST(read_withdrawn() == -ENOTCONN);
	}
}

static void test_jumps(void **state)
{
	(void)state;
	goes_well(jumps);
}

/* ------------------------------------------------------------------- foreign */

static void copy_from_truncated(struct pair *p)
{
	withdraw(p);
	csm_write(withdrawn[0], 0, truncated(), 1);
}

static void send_from_truncated(struct pair *p)
{
	struct csm_channel *channel;

	withdraw(p);
	MUST(csm_channel_open(withdrawn[0], fake_id(C), 0, &channel) == 0);
	csm_channel_send(channel, truncated(), 1, 0);
}

/* A channel whose caller survives such a signal goes on. */
static void channel_survives(struct pair *p)
{
	struct csm_region *r[2];
	struct csm_channel *channel;
	char *memory = truncated();

	signal(SIGBUS, jump);
	pair_share(p, CSM_READ | CSM_WRITE, r);
	MUST(csm_channel_open(r[0], fake_id(C), 0, &channel) == 0);
	if (sigsetjmp(back, 1) == 0) {
		csm_channel_send(channel, memory, 1, 0);
		_exit(2);
	}
	MUST(csm_channel_send(channel, "x", 1, 0) == 0);
}

/* What was a region and is something else now is no region. */
static int touch(void *addr)
{
	return *(volatile char *)addr;
}

static void address_again(struct pair *p)
{
	void *addr;

	withdraw(p);
	MUST(csm_map(withdrawn[1], CSM_READ, &addr) == 0);
	csm_release(withdrawn[1]);
	MUST(mmap(addr, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, memfd_create("x", 0), 0) == addr);
	csm_protect(touch, addr);
}

static void test_foreign(void **state)
{
	(void)state;
	dies_of_sigbus(copy_from_truncated);
	dies_of_sigbus(send_from_truncated);
	dies_of_sigbus(address_again);
	goes_well(channel_survives);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("SIGBUS that was sent has the effect that it had", test_sent),
		TEST("SIGBUS passed round by the program's handler ends", test_chain),
		TEST("SIGBUS of a handler that jumps", test_jumps),
		TEST("SIGBUS of memory that is no region", test_foreign),
	};

	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
