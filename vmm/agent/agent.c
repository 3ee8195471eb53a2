// SPDX-License-Identifier: BSD-3-Clause
/*
 * caec-agent: carries out in a realm what `rvm exec` asks for, as the user that started it. One
 * command at a time; a new one, or word that its client has gone, ends the last. What it keeps is
 * bounded.
 *
 *   caec-agent [DEVICE]    the port; without it, the one that is called "caec.exec"
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/frame.h"

#define PORTS     "/sys/class/virtio-ports"
#define MAX_WORDS 1024u
#define PIPE_SIZE 65536u /* of the kernel: what a command has left behind when it ends */
#define PAUSE_MS  50

struct stream {
	int fd; /* -1: ended */
	uint8_t type;
	size_t left; /* after the end of the command: so much may still come */
};

struct agent {
	int port;
	int signals;
	pid_t pid; /* 0: no command */
	uint64_t id;
	bool exited;
	int status;
	struct stream streams[2];
	struct frame_reader reader;
	struct frame in, out;
	uint8_t wire[FRAME_WIRE]; /* for the host, which has not taken it yet */
	size_t wire_at, wire_size;
};

/* ------------------------------------------------------------------ to the host */

static void flush_wire(struct agent *a)
{
	while (a->wire_at < a->wire_size) {
		ssize_t done = write(a->port, a->wire + a->wire_at, a->wire_size - a->wire_at);

		if (done <= 0) {
			return;
		}
		a->wire_at += (size_t)done;
	}
	a->wire_at = 0;
	a->wire_size = 0;
}

/* Puts the frame a->out.data behind what waits; only while nothing does, but for STARTED. */
static void queue(struct agent *a, uint8_t type, size_t size)
{
	a->out.type = type;
	a->out.id = a->id;
	a->out.size = size;
	a->wire_at = 0;
	a->wire_size = frame_encode(&a->out, a->wire);
	flush_wire(a);
}

/* ------------------------------------------------------------------ the command */

static void forget(struct agent *a)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (a->streams[i].fd >= 0) {
			close(a->streams[i].fd);
			a->streams[i].fd = -1;
		}
	}
	a->pid = 0;
	a->exited = false;
}

/* With all that it has started, unless that has left its session. */
static void end_command(struct agent *a)
{
	if (a->pid > 0 && !a->exited) {
		/* Both: right after its birth it has no session yet, and has started nothing. */
		kill(-a->pid, SIGKILL);
		kill(a->pid, SIGKILL);
	}
	forget(a);
	a->wire_at = 0;
	a->wire_size = 0;
}

/*
 * In the child: becomes the command, in a session of its own, with an empty input. Does not
 * return; a command that cannot be executed ends with 127 or 126, as a shell's.
 */
static void become(char **words, const int out[2], const int err[2])
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	setsid();
	dup2(null, STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	dup2(err[1], STDERR_FILENO);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(words[0], words);
	dprintf(STDERR_FILENO, "caec-agent: %s: %s\n", words[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void refuse(struct agent *a, const char *text)
{
	a->out.size = strlen(text);
	memcpy(a->out.data, text, a->out.size);
	a->exited = true;
	a->status = 126;
	queue(a, FRAME_ERR, a->out.size);
}

/* The words of a command, from a frame. NULL: they are none. */
static char **split(struct frame *f)
{
	static char *words[MAX_WORDS + 1];
	unsigned int count = 0;

	if (f->size == 0 || f->data[f->size - 1] != '\0') {
		return NULL;
	}
	for (size_t at = 0; at < f->size; at += strlen((char *)f->data + at) + 1) {
		if (count == MAX_WORDS) {
			return NULL;
		}
		words[count++] = (char *)f->data + at;
	}
	words[count] = NULL;
	return words;
}

/*
 * Starts the command of a->in; none must be left. A command that cannot be started ends at once,
 * with a message and status 126.
 */
static void start_command(struct agent *a)
{
	char **words = split(&a->in);
	int out[2] = {-1, -1}, err[2] = {-1, -1};

	a->id = a->in.id;
	if (!words) {
		a->pid = -1;
		refuse(a, "caec-agent: the command has no word, or more than 1024 words\n");
		return;
	}
	a->pid = pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 ? fork() : -1;
	if (a->pid == 0) {
		become(words, out, err);
	}
	close(out[1]);
	close(err[1]);
	a->streams[0] = (struct stream){out[0], FRAME_OUT, PIPE_SIZE};
	a->streams[1] = (struct stream){err[0], FRAME_ERR, PIPE_SIZE};
	if (a->pid < 0) {
		close(out[0]);
		close(err[0]);
		a->streams[0].fd = a->streams[1].fd = -1;
		refuse(a, "caec-agent: the command cannot be started\n");
		return;
	}
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	queue(a, FRAME_STARTED, 0);
}

/* Passes on what a stream of the command has. */
static void take_stream(struct agent *a, struct stream *s)
{
	size_t most = FRAME_DATA;
	ssize_t got;

	if (a->exited && s->left < most) {
		most = s->left;
	}
	got = most > 0 ? read(s->fd, a->out.data, most) : 0;
	if (got > 0) {
		s->left -= a->exited ? (size_t)got : 0;
		queue(a, s->type, (size_t)got);
	} else if (got == 0 || a->exited || (errno != EAGAIN && errno != EINTR)) {
		/* What still holds the pipe after the command's end is on its own. */
		close(s->fd);
		s->fd = -1;
	}
}

static void send_exit(struct agent *a)
{
	for (unsigned int i = 0; i < 4; i++) {
		a->out.data[i] = (uint8_t)((unsigned int)a->status >> 8 * i);
	}
	queue(a, FRAME_EXIT, 4);
	forget(a);
}

/* Takes note of children that have ended. Those of earlier commands only cease to be zombies. */
static void reap(struct agent *a)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(a->signals, &info, sizeof(info)) > 0) {
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == a->pid) {
			a->exited = true;
			a->status =
				WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
	}
}

/* ---------------------------------------------------------------- from the host */

static void obey(struct agent *a)
{
	if (a->in.type == FRAME_RUN) {
		end_command(a);
		start_command(a);
	} else if (a->in.type == FRAME_LEFT || (a->in.type == FRAME_STOP && a->in.id == a->id)) {
		end_command(a);
	}
}

/* False when the port says that no host is there. That may be old news: no command ends by it. */
static bool take_port(struct agent *a)
{
	uint8_t bytes[4096];
	ssize_t got = read(a->port, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < got; i++) {
		if (frame_take(&a->reader, bytes[i], &a->in)) {
			obey(a);
		}
	}
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* ------------------------------------------------------------------------- main */

/* The command's output, and its end when all of that is through. */
static void serve_command(struct agent *a, const struct pollfd *fds)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct stream *s = &a->streams[i];

		if (a->wire_size == 0 && s->fd >= 0 && (a->exited || fds[i].revents)) {
			take_stream(a, s);
		}
	}
	if (a->exited && a->wire_size == 0 && a->streams[0].fd < 0 && a->streams[1].fd < 0) {
		send_exit(a);
	}
}

/* Serves the port for ever; ends the process when it cannot wait for its descriptors. */
static void serve(struct agent *a)
{
	for (;;) {
		bool full = a->wire_size > 0;
		struct pollfd fds[4] = {
			{.fd = a->port, .events = (short)(POLLIN | (full ? POLLOUT : 0))},
			{.fd = a->signals, .events = POLLIN},
			{.fd = full ? -1 : a->streams[0].fd, .events = POLLIN},
			{.fd = full ? -1 : a->streams[1].fd, .events = POLLIN},
		};

		if (poll(fds, 4, a->exited && !full ? 0 : -1) < 0 && errno != EINTR) {
			exit(1);
		}
		flush_wire(a);
		if (fds[1].revents) {
			reap(a);
		}
		serve_command(a, fds + 2);
		if (fds[0].revents && !take_port(a)) {
			usleep(PAUSE_MS * 1000);
		}
	}
}

/* The port's device by its name; false while it is not there. */
static bool find_port(char *path, size_t size)
{
	DIR *dir = opendir(PORTS);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		char name[300], text[64] = "";
		FILE *file;

		snprintf(name, sizeof(name), PORTS "/%s/name", entry->d_name);
		file = entry->d_name[0] == '.' ? NULL : fopen(name, "re");
		if (file) {
			found = fgets(text, sizeof(text), file) &&
				strcmp(text, FRAME_PORT "\n") == 0;
			fclose(file);
			snprintf(path, size, "/dev/%s", entry->d_name);
		}
	}
	if (dir) {
		closedir(dir);
	}
	return found;
}

/* Waits for the driver, for udev, and for one who has the port open. */
static int open_port(const char *device)
{
	char path[300];
	int fd = -1;

	while (fd < 0) {
		if (device || find_port(path, sizeof(path))) {
			fd = open(device ? device : path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		}
		if (fd < 0) {
			usleep(PAUSE_MS * 1000);
		}
	}
	return fd;
}

int main(int argc, char **argv)
{
	static struct agent a;
	sigset_t set;
	int fd;

	/* What a command inherits is never one of these by chance. */
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO) {
	}
	close(fd);
	if (argc > 2 || (argc == 2 && argv[1][0] != '/')) {
		fprintf(stderr, "usage: caec-agent [DEVICE]\n");
		return 2;
	}
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	a.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	a.streams[0].fd = a.streams[1].fd = -1;
	a.port = open_port(argc == 2 ? argv[1] : NULL);
	serve(&a);
}
