// SPDX-License-Identifier: BSD-3-Clause
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "machine.h"
#include "manage.h"

#define RUN_DIR "/run/caec"
#define SUFFIX  ".sock"
#define CONTROL ".control"

static const char *run_dir(void)
{
	const char *dir = getenv("CAEC_RUN_DIR");

	return dir && *dir ? dir : RUN_DIR;
}

/* A connection to a socket of the realm of that name, -1 if none answers. */
static int reach(const char *name, const char *suffix)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 10};
	int fd;

	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s%s", run_dir(), name,
			     suffix) >= sizeof(address.sun_path)) {
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Sends one word and reads the answer, a line, into text. */
static bool ask(const char *name, const char *word, char *text, size_t size)
{
	int fd = reach(name, SUFFIX);
	size_t have = 0;
	ssize_t got;

	if (fd < 0) {
		return false;
	}
	if (send(fd, word, strlen(word), MSG_NOSIGNAL) < 0) {
		close(fd);
		return false;
	}
	while (have + 1 < size && (got = read(fd, text + have, size - 1 - have)) > 0) {
		have += (size_t)got;
	}
	close(fd);
	text[have] = '\0';
	return have > 0;
}

/* --------------------------------------------------------------- a realm's end */

bool manage_open(struct machine *m)
{
	const char *name = m->options->name;
	int fd = reach(name, SUFFIX);
	char control[sizeof(m->control_path)];

	if (fd >= 0) {
		close(fd);
		fprintf(stderr, "rvm: a realm called %s runs already (rvm list shows it)\n", name);
		return false;
	}
	mkdir(run_dir(), 0700);
	snprintf(m->manager_path, sizeof(m->manager_path), "%s/%s" SUFFIX, run_dir(), name);
	snprintf(control, sizeof(control), "%s/%s" CONTROL, run_dir(), name);
	m->manager = channel_listen(m->manager_path);
	if (m->manager < 0 || !channel_unix(&m->control, control, false)) {
		fprintf(stderr, "rvm: %s: %s; set CAEC_RUN_DIR to a directory of your own\n",
			run_dir(), strerror(errno));
		return false;
	}
	return true;
}

void manage_close(struct machine *m)
{
	if (m->manager >= 0) {
		close(m->manager);
		unlink(m->manager_path);
		m->manager = -1;
	}
	for (unsigned int i = 0; i < MACHINE_CLIENTS; i++) {
		if (m->clients[i] >= 0) {
			close(m->clients[i]);
			m->clients[i] = -1;
		}
	}
}

static void status(const struct machine *m, char *text, size_t size)
{
	struct caec_stats s = {0};

	if (m->realm.fd >= 0) {
		ioctl(m->realm.fd, CAEC_GET_STATS, &s);
	}
	snprintf(text, size,
		 "{\"name\":\"%s\",\"pid\":%ld,\"cpus\":%u,\"memory\":%" PRIu64
		 ",\"private\":%" PRIu64 ",\"shared\":%" PRIu64 ",\"entries\":%" PRIu64 "}\n",
		 m->options->name, (long)getpid(), m->layout.cpus, m->layout.ram_size,
		 (s.data + s.tables + s.recs + s.apt) * 4096, s.shared * 4096, s.entries);
}

/* The first free place, MACHINE_CLIENTS if there is none. */
static unsigned int free_client(const struct machine *m)
{
	unsigned int i = 0;

	while (i < MACHINE_CLIENTS && m->clients[i] >= 0) {
		i++;
	}
	return i;
}

bool manage_room(const struct machine *m)
{
	return free_client(m) < MACHINE_CLIENTS;
}

void manage_accept(struct machine *m)
{
	unsigned int i = free_client(m);

	if (i < MACHINE_CLIENTS) {
		m->clients[i] = accept4(m->manager, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	}
}

void manage_answer(struct machine *m, unsigned int client)
{
	char word[16] = "", text[512] = "ok\n";
	int fd = m->clients[client];

	if (recv(fd, word, sizeof(word) - 1, 0) > 0) {
		if (strcmp(word, "stop") == 0) {
			machine_finish(m, MACHINE_STOPPED);
		} else {
			status(m, text, sizeof(text));
		}
		send(fd, text, strlen(text), MSG_NOSIGNAL);
	}
	close(fd);
	m->clients[client] = -1;
}

/* ------------------------------------------------------------------- commands */

static uint64_t field(const char *text, const char *name)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void print_human(const char *name, const char *text)
{
	printf("%-16s %8" PRIu64 " %5" PRIu64 " %8" PRIu64 " M %8" PRIu64 " M %8" PRIu64 " M\n",
	       name, field(text, "pid"), field(text, "cpus"), field(text, "memory") >> 20,
	       field(text, "private") >> 20, field(text, "shared") >> 20);
}

int manage_list(bool json)
{
	DIR *dir = opendir(run_dir());
	struct dirent *entry;
	bool first = true;

	printf(json ? "[" : "NAME                  PID CPUS    MEMORY    PRIVATE     SHARED\n");
	while (dir && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		char text[512];

		if (len <= strlen(SUFFIX) || strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX)) {
			continue;
		}
		entry->d_name[len - strlen(SUFFIX)] = '\0';
		if (!ask(entry->d_name, "status", text, sizeof(text))) {
			continue; /* left behind by a process that was killed */
		}
		text[strcspn(text, "\n")] = '\0';
		if (json) {
			printf("%s\n %s", first ? "" : ",", text);
		} else {
			print_human(entry->d_name, text);
		}
		first = false;
	}
	if (dir) {
		closedir(dir);
	}
	if (json) {
		printf("\n]\n");
	}
	return 0;
}

int manage_stop(const char *name)
{
	char text[64];

	if (!options_name_ok(name) || !ask(name, "stop", text, sizeof(text))) {
		fprintf(stderr, "rvm: no realm called %s runs (rvm list shows those that do)\n",
			name);
		return 1;
	}
	return 0;
}

/* Passes on what fd has. False when it has ended. */
static bool pass(int from, int to)
{
	char data[4096];
	ssize_t got = read(from, data, sizeof(data)), done = 0;

	while (done < got) {
		ssize_t n = write(to, data + done, (size_t)(got - done));

		if (n <= 0) {
			return false;
		}
		done += n;
	}
	return got > 0;
}

int manage_control(const char *name)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
	struct timeval none = {0};
	int fd = options_name_ok(name) ? reach(name, CONTROL) : -1;

	if (fd < 0) {
		fprintf(stderr, "rvm: no realm called %s runs (rvm list shows those that do)\n",
			name);
		return 1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	fds[1].fd = fd;
	for (;;) {
		if (poll(fds, 2, -1) < 0) {
			break;
		}
		if (fds[1].revents && !pass(fd, STDOUT_FILENO)) {
			break;
		}
		if (fds[0].revents && !pass(STDIN_FILENO, fd)) {
			fds[0].fd = -1;
		}
	}
	close(fd);
	return 0;
}
