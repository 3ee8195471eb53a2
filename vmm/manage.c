// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"
#include "manage.h"

#define RUN_DIR        "/run/caec"
#define MANAGE_PATH    108 /* of a socket, with the final zero */
#define LOCK_SECONDS   10
#define SILENT_SECONDS 5 /* a client that says nothing is sent away then */

const char *manage_run_dir(void)
{
	const char *dir = getenv("CAEC_RUN_DIR");

	return dir && *dir ? dir : RUN_DIR;
}

bool manage_path(char *path, size_t size, const char *name, const char *suffix)
{
	int need = snprintf(path, size, "%s/%s%s", manage_run_dir(), name, suffix);

	if (need < 0 || (size_t)need >= size) {
		fprintf(stderr,
			"rvm: %s/%s%s: longer than the path of a socket can be; set CAEC_RUN_DIR "
			"to a shorter one\n",
			manage_run_dir(), name, suffix);
		return false;
	}
	return true;
}

bool manage_dir_good(void)
{
	const char *why = NULL;
	struct stat st;

	if (stat(manage_run_dir(), &st) < 0) {
		why = errno == ENOENT ? NULL : strerror(errno);
	} else if (st.st_uid != 0 && st.st_uid != geteuid()) {
		why = "it belongs to another user";
	} else if (st.st_mode & S_IWOTH) {
		why = "everybody can write there";
	}
	if (why) {
		fprintf(stderr, "rvm: %s: %s; set CAEC_RUN_DIR to a directory of your own\n",
			manage_run_dir(), why);
	}
	return !why;
}

/* Nobody else looks for names or takes one meanwhile. -1 with errno. */
static int lock_dir(void)
{
	int fd;

	fd = open(manage_run_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int tries = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK || tries == LOCK_SECONDS * 100) {
			int saved = errno;

			close(fd);
			errno = saved;
			return -1;
		}
		usleep(10000);
	}
	return fd;
}

static bool open_sockets(struct machine *m, char paths[][MANAGE_PATH])
{
	m->manager = channel_listen(m->manager_path);
	for (unsigned int i = 0; m->manager >= 0 && i < MACHINE_LINKS; i++) {
		/* Without a process at the first, nobody can be at the others. */
		unlink(paths[i]);
		if (!channel_unix(&m->links[i].channel, paths[i], false)) {
			return false;
		}
	}
	return m->manager >= 0;
}

bool manage_open(struct machine *m)
{
	static const char *const suffixes[MACHINE_LINKS] = {MANAGE_CONTROL, MANAGE_EXEC};
	const char *name = m->options->name;
	char paths[MACHINE_LINKS][MANAGE_PATH];
	bool good;
	int lock;

	if (!manage_path(m->manager_path, sizeof(m->manager_path), name, MANAGE_SOCKET)) {
		return false;
	}
	for (unsigned int i = 0; i < MACHINE_LINKS; i++) {
		if (!manage_path(paths[i], sizeof(paths[i]), name, suffixes[i])) {
			return false;
		}
	}
	mkdir(manage_run_dir(), 0700);
	if (!manage_dir_good()) {
		return false;
	}
	lock = lock_dir();
	good = lock >= 0 && open_sockets(m, paths);
	if (!good && lock >= 0 && errno == EADDRINUSE) {
		fprintf(stderr, "rvm: a realm called %s runs already (rvm list shows it)\n", name);
	} else if (!good) {
		fprintf(stderr, "rvm: %s: %s; set CAEC_RUN_DIR to a directory of your own\n",
			manage_run_dir(),
			lock < 0 && errno == EWOULDBLOCK ? "another program keeps it locked"
							 : strerror(errno));
	}
	if (lock >= 0) {
		close(lock);
	}
	return good;
}

void manage_close(struct machine *m)
{
	pthread_mutex_lock(&m->gate);
	for (unsigned int i = 0; i < MACHINE_LINKS; i++) {
		channel_close(&m->links[i].channel);
	}
	if (m->manager >= 0) {
		/* In this order: while the socket has its name, somebody listens. */
		unlink(m->manager_path);
		close(m->manager);
		m->manager = -1;
	}
	for (unsigned int i = 0; i < MACHINE_CLIENTS; i++) {
		if (m->clients[i] >= 0) {
			close(m->clients[i]);
			m->clients[i] = -1;
		}
	}
	pthread_mutex_unlock(&m->gate);
}

static const char *state(struct machine *m)
{
	return machine_ends(m) ? "ends" : m->alive ? "runs" : "is built";
}

static void status(struct machine *m, char *text, size_t size)
{
	struct caec_stats s = {0};

	if (m->alive) {
		ioctl(m->realm.fd, CAEC_GET_STATS, &s);
	}
	snprintf(text, size,
		 "{\"name\":\"%s\",\"state\":\"%s\",\"pid\":%ld,\"uptime\":%" PRId64
		 ",\"cpus\":%u,\"memory\":%" PRIu64 ",\"csm\":%" PRIu64 ",\"private\":%" PRIu64
		 ",\"shared\":%" PRIu64 ",\"entries\":%" PRIu64 "}\n",
		 m->options->name, state(m), (long)getpid(), (machine_now() - m->born) / 1000,
		 m->options->cpus, m->options->mem, m->options->csm,
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
		m->came[i] = machine_now();
	}
}

static void leave(struct machine *m, unsigned int client)
{
	close(m->clients[client]);
	m->clients[client] = -1;
}

bool manage_answer(struct machine *m, unsigned int client)
{
	char word[16] = "", text[512] = "ok\n";
	int fd = m->clients[client];
	bool stop = false;

	if (recv(fd, word, sizeof(word) - 1, 0) > 0) {
		stop = strcmp(word, "stop") == 0;
		if (!stop) {
			status(m, text, sizeof(text));
		}
		send(fd, text, strlen(text), MSG_NOSIGNAL);
	}
	leave(m, client);
	return stop;
}

void manage_expire(struct machine *m)
{
	for (unsigned int i = 0; i < MACHINE_CLIENTS; i++) {
		if (m->clients[i] >= 0 && machine_now() - m->came[i] >= 1000 * SILENT_SECONDS) {
			leave(m, i);
		}
	}
}

int64_t manage_deadline(const struct machine *m)
{
	int64_t next = 0;

	for (unsigned int i = 0; i < MACHINE_CLIENTS; i++) {
		int64_t at = m->came[i] + 1000 * SILENT_SECONDS;

		if (m->clients[i] >= 0 && (next == 0 || at < next)) {
			next = at;
		}
	}
	return next;
}
