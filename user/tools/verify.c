// SPDX-License-Identifier: BSD-3-Clause
/* Another realm's token, judged by cca-verify of this realm's own image. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest.h"

#define PROGRAM  "cca-verify"
#define LINE_MAX 256

static void to_hex(const uint8_t *data, size_t size, char *out)
{
	for (size_t i = 0; i < size; i++) {
		sprintf(out + 2 * i, "%02x", data[i]);
	}
}

/* A file in memory with the token, read from its start; a negative errno. */
static int token_file(const uint8_t *token, size_t size)
{
	int fd = memfd_create("token", MFD_CLOEXEC);

	if (fd < 0) {
		return -errno;
	}
	if (write(fd, token, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/* Starts the program with these files as its input and output; 0 or a positive errno. */
static int start(char *const argv[], int in, int out, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0) {
		return error;
	}
	error = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (error == 0) {
		error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	}
	if (error == 0) {
		error = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	}
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* All that the program prints, as text, and its status: 0, its exit status, or a negative errno. */
static int collect(char *const argv[], int in, char line[LINE_MAX])
{
	size_t size = 0;
	ssize_t got = 1;
	int status = 0;
	int ends[2];
	pid_t pid;
	int error;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		return -errno;
	}
	error = start(argv, in, ends[1], &pid);
	close(ends[1]);
	while (error == 0 && got > 0 && size < LINE_MAX - 1) {
		got = read(ends[0], line + size, LINE_MAX - 1 - size);
		size += got > 0 ? (size_t)got : 0;
	}
	close(ends[0]);
	line[size] = '\0';
	if (error != 0) {
		return -error;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

/* "ID RIM" and a line feed, as cca-verify --identity prints it. */
static bool parse_identity(char *line, struct attested *out)
{
	char *rim = strchr(line, ' ');
	size_t length = strlen(line);

	if (rim == NULL || length == 0 || line[length - 1] != '\n') {
		return false;
	}
	line[length - 1] = '\0';
	*rim++ = '\0';
	out->rim_size = strlen(rim) / 2;
	return parse_id(line, &out->id) && out->rim_size <= sizeof(out->rim) &&
	       out->rim_size >= 32 && parse_hex(rim, out->rim, out->rim_size);
}

int verify_token(struct io *io, const char *policy, const uint8_t challenge[ATTEST_CHALLENGE_SIZE],
		 const uint8_t *token, size_t size, struct attested *out)
{
	char hex[2 * ATTEST_CHALLENGE_SIZE + 1];
	char *const argv[] = {PROGRAM,       "--identity", "--policy", (char *)policy,
			      "--challenge", hex,          "-",        NULL};
	char line[LINE_MAX];
	int fd = token_file(token, size);
	int ret;

	if (fd < 0) {
		return complain_file(io, "token", -fd);
	}
	to_hex(challenge, ATTEST_CHALLENGE_SIZE, hex);
	fflush(io->err);
	ret = collect(argv, fd, line);
	close(fd);
	if (ret < 0) {
		return complain_file(io, PROGRAM, -ret);
	}
	if (ret > 0) {
		return out_error(io, CSMCTL_FAILED, "the token is refused (" PROGRAM " status %d)",
				 ret);
	}
	if (!parse_identity(line, out)) {
		return out_error(io, CSMCTL_FAILED,
				 PROGRAM " printed no identity: is it of this release?");
	}
	return 0;
}
