// SPDX-License-Identifier: BSD-3-Clause
/*
 * csmctl link from end to end: two realms with a network namespace each, real interfaces and TCP
 * connections. Needs permission to make namespaces and interfaces; without it these tests are
 * skipped.
 */
#include "pair.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "link/tun.h"
#include "tools/csmctl.h"
#include "tools/link.h"

#define ID_P     "a1b2c3d4e5f60000"
#define ID_C     "a1b2c3d4e5f60001"
#define PORT     7777
#define BYTES    (48u << 20)
#define PATIENCE 300 /* seconds, for what hangs */

/* A realm with a network namespace of its own, and csmctl link up in it. */
struct net {
	struct pair *pair;
	unsigned int realm;
	const char *line; /* arguments of csmctl */
	pthread_t thread;
	int space; /* the namespace; -1: not permitted */
	int made;  /* pipe: a byte when `space` is set */
	int status;
	char *out, *err;
	size_t out_size, err_size;
};

static char folder[] = "/tmp/csm-link-XXXXXX";

/* Runs "csmctl LINE". */
static int run_line(struct net *net, const char *line)
{
	char *argv[16] = {"csmctl"}, *copy = strdup(line), *rest = copy, *word;
	struct io io = {.in = stdin,
			.out = open_memstream(&net->out, &net->out_size),
			.err = open_memstream(&net->err, &net->err_size)};
	int argc = 1, status;

	while ((word = strsep(&rest, " ")) && argc < 15) {
		argv[argc++] = word;
	}
	status = csmctl_run(argc, argv, &fake_backend, fake_realm(net->pair->world, net->realm),
			    &io);
	fclose(io.out);
	fclose(io.err);
	free(copy);
	return status;
}

static int have_device(void)
{
	int fd;

	if (tun_open("probe0", &fd) != 0) {
		return 0;
	}
	close(fd);
	return 1;
}

static void *live(void *arg)
{
	struct net *net = arg;
	char done = 1;

	net->space = -1;
	if (unshare(CLONE_NEWNET) == 0 && have_device()) {
		net->space = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	}
	if (write(net->made, &done, 1) == 1 && net->space >= 0) {
		net->status = run_line(net, net->line);
	}
	return NULL;
}

/* False: not permitted here. */
static bool begin(struct net *net, struct pair *p, unsigned int realm, const char *line)
{
	int ends[2];
	char done;

	*net = (struct net){.pair = p, .realm = realm, .line = line};
	assert_int_equal(pipe(ends), 0);
	net->made = ends[1];
	pthread_create(&net->thread, NULL, live, net);
	assert_int_equal(read(ends[0], &done, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return net->space >= 0;
}

static void end(struct net *net)
{
	pthread_join(net->thread, NULL);
	if (net->space >= 0) {
		close(net->space);
	}
	free(net->out);
	free(net->err);
}

static void wait_up(const char *name)
{
	struct link_record record;

	for (int i = 0; i < PATIENCE * 20; i++) {
		if (link_record_find(name, &record) == 0 && record.is_up) {
			return;
		}
		usleep(50000);
	}
	fail_msg("%s does not come up", name);
}

/* A socket in the namespace, whose calls do not hang. */
static int open_socket(const struct net *net, int family)
{
	struct timeval limit = {.tv_sec = PATIENCE};
	int fd;

	assert_int_equal(setns(net->space, CLONE_NEWNET), 0);
	fd = socket(family, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

/* A connection from `to` to `from`; ends[0] is that of `from`. */
static void connect_any(const struct net *from, const struct net *to, const struct sockaddr *at,
			socklen_t size, int ends[2])
{
	int listener = open_socket(from, at->sa_family), one = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(listener, at, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	ends[1] = open_socket(to, at->sa_family);
	assert_int_equal(connect(ends[1], at, size), 0);
	ends[0] = accept(listener, NULL, NULL);
	assert_true(ends[0] >= 0);
	close(listener);
}

static void connect_v4(const struct net *from, const struct net *to, const char *address,
		       int ends[2])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};

	assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
	connect_any(from, to, (struct sockaddr *)&at, sizeof(at), ends);
}

static void *send_bytes(void *arg)
{
	static uint32_t numbers[16384];
	int fd = *(int *)arg;

	for (uint32_t i = 0; i < BYTES / sizeof(numbers); i++) {
		for (size_t j = 0; j < COUNT(numbers); j++) {
			numbers[j] = (uint32_t)(i * COUNT(numbers) + j);
		}
		if (send(fd, numbers, sizeof(numbers), MSG_NOSIGNAL) != (ssize_t)sizeof(numbers)) {
			return "send";
		}
	}
	return NULL;
}

/* Much data one way; every word is checked. */
static void transfer(int from, int to)
{
	static uint32_t numbers[16384];
	uint32_t next = 0;
	pthread_t sender;
	void *error;

	pthread_create(&sender, NULL, send_bytes, &from);
	while (next < BYTES / sizeof(uint32_t)) {
		ssize_t size = recv(to, numbers, sizeof(numbers), MSG_WAITALL);

		assert_int_equal(size, sizeof(numbers));
		for (size_t j = 0; j < COUNT(numbers); j++) {
			assert_int_equal(numbers[j], next++);
		}
	}
	pthread_join(sender, &error);
	assert_null(error);
}

struct reader {
	int fd;
	ssize_t result;
	int error;
};

static void *read_one(void *arg)
{
	struct reader *reader = arg;
	char byte;

	reader->result = recv(reader->fd, &byte, 1, 0);
	reader->error = errno;
	return NULL;
}

static int group_set_up(void **state)
{
	sigset_t set;

	(void)state;
	/* link down asks this process to end, and the threads that carry links hear of it. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	link_folder = mkdtemp(folder);
	return link_folder ? 0 : -1;
}

static int group_tear_down(void **state)
{
	(void)state;
	return rmdir(link_folder);
}

/* Takes the signal of link down back. */
static void forget_signal(void)
{
	struct timespec none = {0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	while (sigtimedwait(&set, NULL, &none) > 0) {
	}
}

/* Two realms with csm0 and csm1 up; false: not permitted. */
static bool begin_two(struct pair *p, struct net nets[2])
{
	bool good = begin(&nets[0], p, P,
			  "link up csm0 " ID_C " --foreground --timeout 600 --address 10.9.0.1/24");

	if (good) {
		good = begin(&nets[1], p, C,
			     "link up csm1 " ID_P " --foreground --timeout 600 --address "
			     "10.9.0.2/24 --address fd00::2/64");
		assert_true(good);
		wait_up("csm0");
		wait_up("csm1");
	} else {
		end(&nets[0]);
	}
	return good;
}

static void end_two(struct net nets[2])
{
	struct net other = {.pair = nets[0].pair, .realm = P};

	assert_int_equal(run_line(&other, "link down csm0"), CSMCTL_OK);
	free(other.out);
	free(other.err);
	for (int i = 0; i < 2; i++) {
		end(&nets[i]);
	}
	forget_signal();
}

static void test_tcp(void **state)
{
	struct net nets[2];
	int ends[2];

	if (!begin_two(*state, nets)) {
		skip();
	}
	connect_v4(&nets[0], &nets[1], "10.9.0.1", ends);
	transfer(ends[0], ends[1]);
	transfer(ends[1], ends[0]);
	close(ends[0]);
	close(ends[1]);
	end_two(nets);
	assert_int_equal(nets[0].status, CSMCTL_OK);
	assert_int_equal(nets[1].status, CSMCTL_OK);
}

/* The address that follows from the realm's id, without any configuration. */
static void test_link_local(void **state)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	struct net nets[2];
	int listener, one = 1, ends[2];

	if (!begin_two(*state, nets)) {
		skip();
	}
	at.sin6_addr = tun_link_local(fake_id(P)).v6;
	listener = open_socket(&nets[0], AF_INET6);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	at.sin6_scope_id = if_nametoindex("csm0");
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	ends[1] = open_socket(&nets[1], AF_INET6);
	at.sin6_scope_id = if_nametoindex("csm1");
	assert_int_equal(connect(ends[1], (struct sockaddr *)&at, sizeof(at)), 0);
	ends[0] = accept(listener, NULL, NULL);
	transfer(ends[0], ends[1]);
	close(listener);
	close(ends[0]);
	close(ends[1]);
	end_two(nets);
}

/* A program that waits for data of a peer that is killed gets an error at once. */
static void test_reset(void **state)
{
	struct pair *p = *state;
	struct net nets[2];
	struct reader reader;
	pthread_t thread;
	int ends[2];

	if (!begin_two(p, nets)) {
		skip();
	}
	connect_v4(&nets[0], &nets[1], "10.9.0.1", ends);
	reader.fd = ends[0];
	pthread_create(&thread, NULL, read_one, &reader);
	fake_kill(fake_realm(p->world, C));
	/* csm0 waits for the peer again, csm1 has ended with its realm. */
	pthread_join(nets[1].thread, NULL);
	kill(getpid(), SIGTERM); /* raise() would signal this thread alone */
	pthread_join(nets[0].thread, NULL);
	close(ends[1]);
	if (!strstr(nets[0].err, "load the module tcp_diag")) {
		pthread_join(thread, NULL);
		assert_int_equal(reader.result, -1);
		assert_int_equal(reader.error, ECONNABORTED);
	} else {
		shutdown(ends[0], SHUT_RDWR);
		pthread_join(thread, NULL);
	}
	assert_non_null(strstr(nets[0].err, "csm0: down: the peer has ended the link"));
	close(ends[0]);
	close(nets[0].space);
	close(nets[1].space);
	for (int i = 0; i < 2; i++) {
		free(nets[i].out);
		free(nets[i].err);
	}
	forget_signal();
}

/* The second of two links with one name, or to one realm. */
static void test_twice(void **state)
{
	struct net nets[2], other = {.pair = *state, .realm = P};

	if (!begin_two(*state, nets)) {
		skip();
	}
	assert_int_equal(run_line(&other, "link up csm0 " ID_C " --foreground"), CSMCTL_FAILED);
	assert_string_equal(other.err,
			    "csmctl: csm0: a link of this name exists; see csmctl link list\n");
	free(other.out);
	free(other.err);
	assert_int_equal(run_line(&other, "link up csm7 " ID_C " --foreground"), CSMCTL_FAILED);
	assert_string_equal(other.err, "csmctl: csm7: there is a link to this realm: csm0\n");
	free(other.out);
	free(other.err);
	assert_int_equal(run_line(&other, "--json link list"), CSMCTL_OK);
	assert_string_equal(other.out,
			    "{\"links\": [{\"link\": \"csm0\", \"peer\": \"" ID_C
			    "\", \"state\": \"up\", "
			    "\"address\": \"fe80::a1b2:c3d4:e5f6:0\", "
			    "\"peer_address\": \"fe80::a1b2:c3d4:e5f6:1\"}, "
			    "{\"link\": \"csm1\", \"peer\": \"" ID_P "\", \"state\": \"up\", "
			    "\"address\": \"fe80::a1b2:c3d4:e5f6:1\", "
			    "\"peer_address\": \"fe80::a1b2:c3d4:e5f6:0\"}]}\n");
	free(other.out);
	free(other.err);
	end_two(nets);
}

/* ------------------------------------------------------ without an interface */

static void refuse(void **state, const char *line, int status, const char *err)
{
	struct net net = {.pair = *state, .realm = P};

	assert_int_equal(run_line(&net, line), status);
	assert_string_equal(net.err, err);
	free(net.out);
	free(net.err);
}

static void test_usage(void **state)
{
	static const char needs[] =
		"csmctl: link up needs a NAME (up to 15 letters, digits, - _ .) "
		"and a REALM\n";

	refuse(state, "link", CSMCTL_USAGE,
	       "csmctl: link: wrong number of arguments; see csmctl --help\n");
	refuse(state, "link sideways", CSMCTL_USAGE,
	       "csmctl: link is followed by up, down or list\n");
	refuse(state, "link up csm0", CSMCTL_USAGE, needs);
	refuse(state, "link up csm0 nobody", CSMCTL_USAGE, needs);
	refuse(state, "link up ../csm0 " ID_C, CSMCTL_USAGE, needs);
	refuse(state, "link up sixteen-letters- " ID_C, CSMCTL_USAGE, needs);
	refuse(state, "link up csm0 " ID_P " --foreground", CSMCTL_USAGE,
	       "csmctl: a link needs another realm; this one is " ID_P "\n");
	refuse(state, "link up csm0 " ID_C " --address 10.0.0.1", CSMCTL_USAGE,
	       "csmctl: 10.0.0.1: not understood\n");
	refuse(state, "link up csm0 " ID_C " --address 10.0.0.1/33", CSMCTL_USAGE,
	       "csmctl: 10.0.0.1/33: not understood\n");
	refuse(state, "link up csm0 " ID_C " --address fe80::1/129", CSMCTL_USAGE,
	       "csmctl: fe80::1/129: not understood\n");
	refuse(state, "link down", CSMCTL_USAGE, "csmctl: link down needs the NAME of a link\n");
	refuse(state, "link down csm0", CSMCTL_FAILED, "csmctl: csm0: no such link\n");
}

static void test_vsock_usage(void **state)
{
	refuse(state, "link up vs0 " ID_C " --vsock --cid 2", CSMCTL_USAGE,
	       "csmctl: 2: not understood\n");
	refuse(state, "link up vs0 " ID_C " --vsock --cid 4294967295", CSMCTL_USAGE,
	       "csmctl: 4294967295: not understood\n");
	refuse(state, "link up vs0 " ID_C " --cid 7", CSMCTL_USAGE,
	       "csmctl: --cid is only for a link with --vsock\n");
	refuse(state, "link up vs0 " ID_C " --vsock --address 10.0.0.1/24", CSMCTL_USAGE,
	       "csmctl: --address is not for a link with --vsock\n");
}

static void test_vsock_device(void **state)
{
	if (access("/dev/csm-vsock", F_OK) == 0) {
		skip();
	}
	refuse(state, "link up vs0 " ID_C " --vsock --foreground", CSMCTL_FAILED,
	       "csmctl: there is no /dev/csm-vsock: load the module caec_vsock\n");
	refuse(state, "link down vs0", CSMCTL_FAILED, "csmctl: vs0: no such link\n");
}

/* What a process that was killed has left is no link. */
static void test_left_over(void **state)
{
	struct net net = {.pair = *state, .realm = P};
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/csm5", link_folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(ID_C " 1 up fe80::1 fe80::2\n", file);
	fclose(file);
	refuse(state, "link down csm5", CSMCTL_FAILED, "csmctl: csm5: no such link\n");
	assert_int_equal(run_line(&net, "--json link list"), CSMCTL_OK);
	assert_string_equal(net.out, "{\"links\": []}\n");
	free(net.out);
	free(net.err);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR("link: arguments", test_usage),
		PAIR("link: arguments of a link of AF_VSOCK", test_vsock_usage),
		PAIR("link: AF_VSOCK without the module", test_vsock_device),
		PAIR("link: the record of a process that was killed", test_left_over),
		PAIR("link: TCP over two interfaces, both ways", test_tcp),
		PAIR("link: link-local addresses follow from realm ids", test_link_local),
		PAIR("link: a peer that is killed resets TCP connections", test_reset),
		PAIR("link: two links of one name, or to one realm", test_twice),
	};

	return cmocka_run_group_tests_name("link tun", tests, group_set_up, group_tear_down);
}
