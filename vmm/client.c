// SPDX-License-Identifier: BSD-3-Clause
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "manage.h"
#include "options.h"

#define TOLD (-1) /* in place of an errno value: the user has been told */

/* A connection to a socket of the realm of that name: -1 with errno, 0 there if it was told. */
static int reach(const char *name, const char *suffix)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = CLIENT_SECONDS};
	int fd, saved;

	if (!manage_dir_good() ||
	    !manage_path(address.sun_path, sizeof(address.sun_path), name, suffix)) {
		errno = 0;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	/* Of these, the second is also the limit of connect(). */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static bool nobody(int error)
{
	return error == ECONNREFUSED || error == ENOENT;
}

/*
 * Says why a realm could not be reached; error: an errno value. Says nothing where the user was
 * told.
 */
static void complain(const char *name, const char *suffix, int error)
{
	if (nobody(error)) {
		fprintf(stderr, "rvm: no realm called %s runs (rvm list shows those that do)\n",
			name);
	} else if (error == EAGAIN && strcmp(suffix, MANAGE_SOCKET) != 0) {
		/* The queue of the socket is full: no word about how its rvm is. */
		fprintf(stderr,
			"rvm: %s: too many others wait there; try again when they are through "
			"(if rvm list says that it does not answer, they never will be)\n",
			name);
	} else if (error == EAGAIN) {
		fprintf(stderr,
			"rvm: the rvm of %s does not answer within %d s; kill -9 ends it, and the "
			"realm with it\n",
			name, CLIENT_SECONDS);
	} else if (error > 0) {
		fprintf(stderr, "rvm: %s: %s\n", name, strerror(error));
	}
}

int client_connect(const char *name, const char *suffix)
{
	int fd = -1;

	if (!options_name_ok(name)) {
		fprintf(stderr, "rvm: %s: no name of a realm\n", name);
		return -1;
	}
	fd = reach(name, suffix);
	if (fd < 0) {
		complain(name, suffix, errno);
	}
	return fd;
}

bool client_is_there(const char *name)
{
	int fd = options_name_ok(name) ? reach(name, MANAGE_SOCKET) : -1;

	if (fd >= 0) {
		close(fd);
	}
	return fd >= 0;
}

bool client_has(const char *name, const char *suffix)
{
	struct sockaddr_un address;

	return options_name_ok(name) &&
	       manage_path(address.sun_path, sizeof(address.sun_path), name, suffix) &&
	       access(address.sun_path, F_OK) == 0;
}

/* Sends one word and reads the answer, a line, into text. 0, an errno value, or TOLD. */
static int ask(const char *name, const char *word, char *text, size_t size)
{
	int fd = reach(name, MANAGE_SOCKET), error = 0;
	size_t have = 0;
	ssize_t got = 0;

	if (fd < 0) {
		return errno ? errno : TOLD;
	}
	if (send(fd, word, strlen(word), MSG_NOSIGNAL) < 0) {
		error = errno;
	}
	while (!error && have + 1 < size && (got = read(fd, text + have, size - 1 - have)) > 0) {
		have += (size_t)got;
	}
	if (!error && got < 0) {
		error = errno;
	}
	close(fd);
	text[have] = '\0';
	/* One that has ended meanwhile closes without an answer. */
	return error ? error : have > 0 ? 0 : ECONNREFUSED;
}

int client_flush(void)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "rvm: standard output: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}

static uint64_t field(const char *text, const char *name)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* The text of a field, in a buffer of that size. */
static void text_field(const char *text, const char *name, char *out, size_t size)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":\"", name);
	at = strstr(text, key);
	at = at ? at + strlen(key) : "";
	snprintf(out, size, "%.*s", (int)strcspn(at, "\""), at);
}

static void print_human(const char *name, const char *text)
{
	uint64_t up = field(text, "uptime");
	char state[16], time[32];

	text_field(text, "state", state, sizeof(state));
	snprintf(time, sizeof(time), "%" PRIu64 ":%02u:%02u", up / 3600,
		 (unsigned int)(up / 60 % 60), (unsigned int)(up % 60));
	printf("%-16s %8" PRIu64 "  %-8s %9s %5" PRIu64 " %6" PRIu64 " M %6" PRIu64 " M %6" PRIu64
	       " M %6" PRIu64 " M\n",
	       name, field(text, "pid"), state, time, field(text, "cpus"),
	       field(text, "memory") >> 20, field(text, "private") >> 20,
	       field(text, "shared") >> 20, field(text, "csm") >> 20);
}

static void print_one(const char *name, const char *text, int error, bool json, bool first)
{
	if (json && error) {
		printf("%s\n {\"name\":\"%s\",\"state\":\"does not answer\"}", first ? "" : ",",
		       name);
	} else if (json) {
		printf("%s\n %.*s", first ? "" : ",", (int)strcspn(text, "\n"), text);
	} else if (error) {
		printf("%-16s does not answer\n", name);
	} else {
		print_human(name, text);
	}
}

/*
 * Asks every realm that has a socket in turn, and prints a line for each. 1 when the output is
 * incomplete.
 */
static int list(bool json)
{
	DIR *dir = opendir(manage_run_dir());
	struct dirent *entry;
	bool first = true;

	if (!dir && errno != ENOENT) {
		fprintf(stderr, "rvm: %s: %s\n", manage_run_dir(), strerror(errno));
		return 1;
	}
	printf(json ? "["
		    : "NAME                  PID  STATE       UPTIME  CPUS   MEMORY  PRIVATE   "
		      "SHARED"
		      "      CSM\n");
	while (dir && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name), suffix = strlen(MANAGE_SOCKET);
		char text[512];
		int error;

		if (len <= suffix || strcmp(entry->d_name + len - suffix, MANAGE_SOCKET) != 0) {
			continue;
		}
		entry->d_name[len - suffix] = '\0';
		if (!options_name_ok(entry->d_name)) {
			continue;
		}
		error = ask(entry->d_name, "status", text, sizeof(text));
		if (!nobody(error)) { /* else left behind by a process that was killed */
			print_one(entry->d_name, text, error, json, first);
			first = false;
		}
	}
	if (dir) {
		closedir(dir);
	}
	if (json) {
		printf(first ? "]\n" : "\n]\n");
	}
	return client_flush();
}

int client_list(bool json)
{
	return manage_dir_good() ? list(json) : 1;
}

int client_stop(const char *name)
{
	char text[64];
	int error = options_name_ok(name) ? ask(name, "stop", text, sizeof(text)) : ENOENT;

	complain(name, MANAGE_SOCKET, error);
	return error ? 1 : 0;
}

/* ------------------------------------------------------------------- control */

enum passed { PASSED, ENDED, LOST };

/* Passes on what from has. LOST with errno: to takes no more. */
static enum passed pass(int from, int to)
{
	char data[4096];
	ssize_t got = read(from, data, sizeof(data)), done = 0;

	while (done < got) {
		ssize_t n = write(to, data + done, (size_t)(got - done));

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return LOST;
		}
		done += n;
	}
	return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN)) ? PASSED : ENDED;
}

/*
 * Passes bytes on both ways until the realm closes its side. 1, with a message, when output is
 * lost.
 */
static int converse(int fd)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				{.fd = fd, .events = POLLIN}};

	for (;;) {
		enum passed out = PASSED;

		if (poll(fds, 2, -1) < 0) {
			return 1;
		}
		if (fds[1].revents) {
			out = pass(fd, STDOUT_FILENO);
		}
		if (out == LOST) {
			fprintf(stderr, "rvm: standard output: %s\n", strerror(errno));
			return 1;
		}
		if (out == ENDED) {
			return 0;
		}
		if (fds[0].revents && pass(STDIN_FILENO, fd) != PASSED) {
			fds[0].fd = -1;
		}
	}
}

int client_control(const char *name)
{
	struct timeval none = {0};
	int fd = client_connect(name, MANAGE_CONTROL), status;

	if (fd < 0) {
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
	status = converse(fd);
	close(fd);
	return status;
}
