// SPDX-License-Identifier: BSD-3-Clause
/*
 * The I/O thread: terminal, control channel and management socket with real sockets. The realm's
 * side of its console device is played by the test, under the machine's lock as a vCPU would.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ring.h"

#include "machine.h"
#include "manage.h"

#define LONG    60000 /* ms: what has not happened by then never will */
#define CONTROL 1
#define PIECE   4096u

static struct machine m;
static struct options options;
static pthread_t io;
static char dir[] = "/tmp/rvm-test-XXXXXX", terminal_path[64], console_option[80];

/* ------------------------------------------------- what needs the host module */

void realm_init(struct realm *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = -1;
}

void realm_close(struct realm *r)
{
	(void)r;
}

void realm_kick(struct realm *r, unsigned int cpu)
{
	(void)r;
	(void)cpu;
}

void *machine_vcpu_thread(void *vcpu)
{
	return vcpu;
}

/* --------------------------------------------------------------------- helpers */

static int setup(void **state)
{
	(void)state;
	snprintf(terminal_path, sizeof(terminal_path), "%s/terminal", dir);
	snprintf(console_option, sizeof(console_option), "unix:%s", terminal_path);
	options = (struct options){.name = "realm", .console = console_option, .quiet = true};
	assert_true(machine_init(&m, &options));
	m.layout = (struct layout){.cpus = 1, .s2sz = 33};
	assert_true(machine_open(&m));
	machine_add_devices(&m);
	start(&m.console.virtio);
	return pthread_create(&io, NULL, machine_io_thread, &m);
}

static int teardown(void **state)
{
	(void)state;
	machine_finish(&m, MACHINE_STOPPED);
	pthread_join(io, NULL);
	machine_close(&m);
	machine_done(&m);
	return 0;
}

/* A connection to the realm's socket of that name. */
static int visit(const char *what)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", dir, what);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The next bytes from there, as many as the text has, are the text. */
static void hear(int fd, const char *text)
{
	char got[64] = "";
	size_t have = 0;

	while (have < strlen(text)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		assert_int_equal(poll(&p, 1, LONG), 1);
		n = recv(fd, got + have, strlen(text) - have, 0);
		assert_true(n > 0);
		have += (size_t)n;
	}
	assert_string_equal(got, text);
}

/* It has been closed there. */
static void hear_end(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;

	assert_int_equal(poll(&p, 1, LONG), 1);
	assert_true(recv(fd, &byte, 1, 0) <= 0);
	close(fd);
}

static bool silent(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 0;
}

/* Waits until the machine is as it should be, seen under its lock. */
#define COMES_TRUE(condition)                               \
	({                                                  \
		bool is_ = false;                           \
                                                            \
		for (int i_ = 0; i_ < LONG && !is_; i_++) { \
			pthread_mutex_lock(&m.lock);        \
			is_ = (condition);                  \
			pthread_mutex_unlock(&m.lock);      \
			if (!is_) {                         \
				usleep(1000);               \
			}                                   \
		}                                           \
		is_;                                        \
	})

/* ------------------------------------------------------------------- the realm */

/* A vCPU has touched a device: so the I/O thread looks whether there is room for input. */
static void touched(void)
{
	if (m.starved) {
		m.starved = false;
		machine_wake_io(&m);
	}
	pthread_mutex_unlock(&m.lock);
}

static void realm_opens(unsigned int port, bool open)
{
	uint32_t id = port;

	pthread_mutex_lock(&m.lock);
	memcpy(at(BUFFERS), &id, 4);
	put16(BUFFERS + 4, 6);
	put16(BUFFERS + 6, open);
	set_desc(3, 0, BUFFERS, 8, 0, 0);
	offer(&m.console.virtio, 3, 0);
	touched();
}

/* Takes a line from a port; the text is what it must be. */
static void realm_hears(unsigned int port, const char *text)
{
	unsigned int q = port == 0 ? 0 : 4;
	uint16_t before;

	pthread_mutex_lock(&m.lock);
	memset(at(BUFFERS + 0x1000), 0, 64);
	before = used_count(q);
	set_desc(q, 0, BUFFERS + 0x1000, (uint32_t)strlen(text), F_WRITE, 0);
	offer(&m.console.virtio, q, 0);
	touched();
	assert_true(COMES_TRUE(used_count(q) == (uint16_t)(before + 1)));
	assert_string_equal((char *)at(BUFFERS + 0x1000), text);
}

/* Puts a request with size bytes of c into a port's ring; whether it was taken at once. */
static bool realm_writes(unsigned int port, char c, size_t size)
{
	unsigned int q = port == 0 ? 1 : 5;
	uint16_t before;
	bool taken;

	pthread_mutex_lock(&m.lock);
	before = used_count(q);
	memset(at(BUFFERS + 0x2000), c, size);
	set_desc(q, 0, BUFFERS + 0x2000, (uint32_t)size, 0, 0);
	offer(&m.console.virtio, q, 0);
	taken = used_count(q) != before;
	touched();
	return taken;
}

/* As much as fits where nobody reads, until a request stays in the ring; the number taken. */
static uint16_t realm_fills(unsigned int port)
{
	for (unsigned int i = 0; realm_writes(port, 'x', PIECE); i++) {
		assert_true(i < 1000);
	}
	return used_count(port == 0 ? 1 : 5);
}

static bool connected(const struct channel *c)
{
	return COMES_TRUE(channel_connected(c));
}

/* ------------------------------------------------------------------- the tests */

static void control_there_and_back(void **state)
{
	int fd = visit("realm.control");

	(void)state;
	say(fd, "early");
	realm_opens(CONTROL, true);
	realm_hears(CONTROL, "early");
	assert_true(realm_writes(CONTROL, 'a', 3));
	hear(fd, "aaa");
	realm_opens(CONTROL, false);
	hear_end(fd);
}

/* What it has said goes with it: the realm has not heard of it. */
static void control_gives_up(void **state)
{
	int fd = visit("realm.control");

	(void)state;
	say(fd, "lost");
	assert_true(connected(&m.links[0].channel));
	close(fd);
	assert_true(COMES_TRUE(!channel_connected(&m.links[0].channel)));
	fd = visit("realm.control");
	say(fd, "heard");
	realm_opens(CONTROL, true);
	realm_hears(CONTROL, "heard");
	close(fd);
}

static void control_second_waits(void **state)
{
	int first = visit("realm.control"), second;

	(void)state;
	realm_opens(CONTROL, true);
	say(first, "one");
	realm_hears(CONTROL, "one");
	second = visit("realm.control");
	say(second, "two");
	assert_true(silent(second, 200));
	realm_writes(CONTROL, 'a', 3);
	realm_opens(CONTROL, false);
	hear(first, "aaa");
	hear_end(first);
	realm_opens(CONTROL, true);
	realm_hears(CONTROL, "two");
	realm_writes(CONTROL, 'b', 3);
	hear(second, "bbb");
	close(second);
}

/* The realm's port closes before it has noticed the client: it may open again. */
static void control_opens_again(void **state)
{
	int fd = visit("realm.control");

	(void)state;
	assert_true(connected(&m.links[0].channel));
	realm_opens(CONTROL, true);
	realm_opens(CONTROL, false);
	assert_true(silent(fd, 100));
	say(fd, "still");
	realm_opens(CONTROL, true);
	realm_hears(CONTROL, "still");
	close(fd);
}

/* The request that waited for it is given back to the realm, and the next hears nothing of it. */
static void control_leaves_output(void **state)
{
	int fd = visit("realm.control");
	uint16_t taken;

	(void)state;
	realm_opens(CONTROL, true);
	say(fd, "go");
	realm_hears(CONTROL, "go");
	taken = realm_fills(CONTROL);
	close(fd);
	assert_true(COMES_TRUE(!channel_connected(&m.links[0].channel)));
	assert_true(COMES_TRUE(used_count(5) == (uint16_t)(taken + 1)));
	fd = visit("realm.control");
	assert_true(connected(&m.links[0].channel));
	assert_true(realm_writes(CONTROL, 'n', 3));
	hear(fd, "nnn");
	close(fd);
}

static void terminal_there_and_back(void **state)
{
	int fd = visit("terminal");

	(void)state;
	assert_true(connected(&m.terminal));
	realm_opens(0, true);
	say(fd, "typed");
	realm_hears(0, "typed");
	assert_true(realm_writes(0, 'p', 4));
	hear(fd, "pppp");
	close(fd);
}

/* A realm that writes to its console does not wait for somebody who has left. */
static void terminal_leaves_output(void **state)
{
	int fd = visit("terminal");
	uint16_t taken;

	(void)state;
	assert_true(connected(&m.terminal));
	realm_opens(0, true);
	taken = realm_fills(0);
	close(fd);
	assert_true(COMES_TRUE(used_count(1) == (uint16_t)(taken + 1)));
	for (unsigned int i = 0; i < 100; i++) {
		assert_true(realm_writes(0, 'y', PIECE));
	}
	fd = visit("terminal");
	assert_true(connected(&m.terminal));
	assert_true(realm_writes(0, 'n', 3));
	hear(fd, "nnn");
	close(fd);
}

/* Left and come again at once, many times: nobody is turned away for one who is not there. */
static void terminal_comes_back(void **state)
{
	(void)state;
	realm_opens(0, true);
	for (unsigned int i = 0; i < 200; i++) {
		int fd = visit("terminal");

		say(fd, "k");
		realm_hears(0, "k");
		close(fd);
	}
}

/* One that says nothing keeps neither the machine nor the others waiting, and may ask late. */
static void manager_slow_client(void **state)
{
	int slow = visit("realm.sock"), quick;

	(void)state;
	assert_true(COMES_TRUE(m.clients[0] >= 0));
	assert_true(silent(slow, 300));
	quick = visit("realm.sock");
	say(quick, "status");
	hear(quick, "{\"name\":\"realm\"");
	close(quick);
	say(slow, "status");
	hear(slow, "{\"name\":\"realm\"");
	close(slow);
}

/* More than there are places for: those that leave make room. */
static void manager_crowd(void **state)
{
	int fds[MACHINE_CLIENTS], fd;

	(void)state;
	for (unsigned int i = 0; i < MACHINE_CLIENTS; i++) {
		fds[i] = visit("realm.sock");
	}
	assert_true(COMES_TRUE(!manage_room(&m)));
	fd = visit("realm.sock");
	say(fd, "stop");
	assert_true(silent(fd, 100));
	close(fds[2]);
	hear(fd, "ok\n");
	close(fd);
	assert_true(COMES_TRUE(m.end == MACHINE_STOPPED));
	for (unsigned int i = 0; i < MACHINE_CLIENTS; i++) {
		if (i != 2) {
			close(fds[i]);
		}
	}
}

#define IO(name, function) {"I/O: " name, function, setup, teardown, NULL}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IO("control: what is said before the realm listens is heard",
		   control_there_and_back),
		IO("control: a client that leaves before the realm listens makes room",
		   control_gives_up),
		IO("control: who comes second waits", control_second_waits),
		IO("control: a port that closes before anything was said", control_opens_again),
		IO("control: output for a client that has left does not stay",
		   control_leaves_output),
		IO("terminal: both ways", terminal_there_and_back),
		IO("terminal: output for one who has left does not stay", terminal_leaves_output),
		IO("terminal: leaving makes room", terminal_comes_back),
		IO("manager: a client that is slow to ask is answered, others before it",
		   manager_slow_client),
		IO("manager: who finds no place waits", manager_crowd),
	};
	int result;

	if (!mkdtemp(dir)) {
		perror(dir);
		return 1;
	}
	setenv("CAEC_RUN_DIR", dir, 1);
	signal(SIGPIPE, SIG_IGN);
	result = cmocka_run_group_tests_name("io", tests, NULL, NULL);
	rmdir(dir);
	return result;
}
