// SPDX-License-Identifier: BSD-3-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "life.h"
#include "manage.h"
#include "options.h"

#define TIME_OVER 124 /* as timeout(1) has it */

/*
 * The process that listens for a realm, as a descriptor that cannot come to mean another one; -1
 * after a message. The kernel names it, so it need not answer.
 */
static int process_of(const char *name)
{
	struct ucred who;
	socklen_t size = sizeof(who);
	int fd = client_connect(name, MANAGE_SOCKET), process = -1;

	if (fd < 0) {
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0) {
		process = pidfd_open(who.pid, 0);
	}
	if (process < 0) {
		fprintf(stderr, "rvm: %s: %s\n", name, strerror(errno));
	}
	close(fd);
	return process;
}

/* Until the process has ended. False: the time is over. ms: -1 for no limit. */
static bool has_gone(int process, int ms)
{
	struct pollfd p = {.fd = process, .events = POLLIN};
	int got;

	do {
		got = poll(&p, 1, ms);
	} while (got < 0 && errno == EINTR);
	return got > 0;
}

int life_kill(const char *name)
{
	int process = process_of(name), status = 1;

	if (process < 0) {
		return 1;
	}
	if (pidfd_send_signal(process, SIGKILL, NULL, 0) < 0 && errno != ESRCH) {
		fprintf(stderr, "rvm: %s: cannot be killed: %s\n", name, strerror(errno));
	} else if (!has_gone(process, 1000 * CLIENT_SECONDS)) {
		fprintf(stderr,
			"rvm: %s: killed, and not gone after %d s: the host takes it apart\n", name,
			CLIENT_SECONDS);
	} else {
		status = 0;
	}
	close(process);
	return status;
}

int life_wait(const char *name, unsigned int seconds)
{
	int process = process_of(name), status = 0;

	if (process < 0) {
		return 1;
	}
	if (!has_gone(process, seconds ? (int)seconds * 1000 : -1)) {
		fprintf(stderr, "rvm: %s: still runs after %u s\n", name, seconds);
		status = TIME_OVER;
	}
	close(process);
	return status;
}

int life_logs(const char *name)
{
	char path[300], data[4096];
	size_t got;
	FILE *file;

	if (!options_name_ok(name)) {
		fprintf(stderr, "rvm: %s: no name of a realm\n", name);
		return 1;
	}
	if (!manage_dir_good() || !manage_path(path, sizeof(path), name, MANAGE_LOG)) {
		return 1;
	}
	file = fopen(path, "re");
	if (!file) {
		fprintf(stderr, "rvm: %s: no log: realms started with --detach have one\n", name);
		return 1;
	}
	do {
		got = fread(data, 1, sizeof(data), file);
		fwrite(data, 1, got, stdout);
	} while (got == sizeof(data));
	fclose(file);
	return client_flush();
}

/* ------------------------------------------------------------------------- up */

/* Another rvm run; its status. */
static int start(const char *folder, const char *file, const char *name)
{
	char path[4096];
	pid_t child;
	int status = -1;

	if (client_is_there(name)) {
		fprintf(stderr, "rvm: %s runs\n", name);
		return 0;
	}
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		execl("/proc/self/exe", "rvm", "run", "--name", name, "-f", path, "--detach",
		      (char *)NULL);
		_exit(EXIT_FAILURE);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	return status;
}

/* Where a realm's name ends in the name of its file; 0: it is no definition. */
static size_t stem(const char *file)
{
	size_t length = strlen(file), suffix = strlen(".json");

	return length > suffix && file[0] != '.' && strcmp(file + length - suffix, ".json") == 0
		       ? length - suffix
		       : 0;
}

static int is_definition(const struct dirent *entry)
{
	return stem(entry->d_name) > 0;
}

int life_up(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_definition, alphasort), status = 0;

	if (count < 0) {
		fprintf(stderr, "rvm: %s: %s\n", folder, strerror(errno));
		return 1;
	}
	if (count == 0) {
		fprintf(stderr, "rvm: %s: there is no NAME.json\n", folder);
		status = 1;
	}
	for (int i = 0; i < count; i++) {
		const char *file = entries[i]->d_name;
		char name[256];

		snprintf(name, sizeof(name), "%.*s", (int)stem(file), file);
		if (start(folder, file, name) != 0) {
			status = 1;
		}
		free(entries[i]);
	}
	free(entries);
	return status;
}
