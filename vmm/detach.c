// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "detach.h"

#define AGAIN "RVM_DETACHED" /* in the environment of a process that began anew */

static int ready = -1; /* the child's end of the pipe to its parent */

/* Never returns: status 0 when the child has said that it is ready, else the child's. */
static void wait_for_child(pid_t child, int from)
{
	char byte;
	int status = 0;
	ssize_t got;

	do {
		got = read(from, &byte, 1);
	} while (got < 0 && errno == EINTR);
	if (got == 1) {
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	_exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

/* Asked for once, and taken out of the environment: it is not for what this process starts. */
bool detach_is_again(void)
{
	static bool asked, again;

	if (!asked) {
		asked = true;
		again = getenv(AGAIN) != NULL;
		unsetenv(AGAIN);
	}
	return again;
}

bool detach_begin(void)
{
	int ends[2];
	pid_t parent = getpid(), child;

	if (detach_is_again()) {
		return true;
	}
	child = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
	if (child < 0) {
		fprintf(stderr, "rvm: --detach: %s\n", strerror(errno));
		return false;
	}
	if (child > 0) {
		close(ends[1]);
		wait_for_child(child, ends[0]);
	}
	close(ends[0]);
	ready = ends[1];
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) {
		_exit(EXIT_FAILURE); /* it ended before it could be watched */
	}
	return true;
}

void detach_done(int log)
{
	const char byte = 0;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		close(null);
	}
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	if (ready >= 0) {
		prctl(PR_SET_PDEATHSIG, 0);
		if (write(ready, &byte, 1) == 1) {
			close(ready);
		}
		ready = -1;
	}
}

void detach_again(void)
{
	setenv(AGAIN, "1", 1);
}
