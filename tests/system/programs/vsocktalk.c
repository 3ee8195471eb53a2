// SPDX-License-Identifier: BSD-3-Clause
/*
 * Standard input to a socket of AF_VSOCK, or from one to standard output: vsocktalk listen PORT |
 * connect CID PORT; hold CID PORT only waits for the end. Says on standard error when it listens or
 * is connected.
 */
#include <errno.h>
#include <linux/vm_sockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int give_up(const char *what)
{
	fprintf(stderr, "vsocktalk: %s: %s\n", what, strerror(errno));
	return 1;
}

static int copy(int from, int to)
{
	char buffer[65536];
	ssize_t size;

	while ((size = read(from, buffer, sizeof(buffer))) > 0) {
		for (ssize_t done = 0, part; done < size; done += part) {
			part = write(to, buffer + done, (size_t)(size - done));
			if (part < 0) {
				return give_up("write");
			}
		}
	}
	return size < 0 ? give_up("read") : 0;
}

static int serve(unsigned int port)
{
	struct sockaddr_vm at = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
	int listener = socket(AF_VSOCK, SOCK_STREAM, 0), fd;

	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 1) != 0) {
		return give_up("listen");
	}
	fprintf(stderr, "listening\n");
	fd = accept(listener, NULL, NULL);
	return fd < 0 ? give_up("accept") : copy(fd, STDOUT_FILENO);
}

/* The other side may begin to listen later. A reader ends when the peer has closed. */
static int send_to(unsigned int cid, unsigned int port, bool holds)
{
	struct sockaddr_vm to = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
	int fd = -1;

	for (int i = 0; i < 600; i++) {
		fd = socket(AF_VSOCK, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0) {
			break;
		}
		close(fd);
		fd = -1;
		usleep(100000);
	}
	if (fd < 0) {
		return give_up("connect");
	}
	fprintf(stderr, "connected\n");
	if (!holds && fork() == 0) {
		_exit(copy(STDIN_FILENO, fd) || shutdown(fd, SHUT_WR));
	}
	return copy(fd, STDOUT_FILENO);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "listen") == 0) {
		return serve((unsigned int)atoi(argv[2]));
	}
	if (argc == 4 && (strcmp(argv[1], "connect") == 0 || strcmp(argv[1], "hold") == 0)) {
		return send_to((unsigned int)atoi(argv[2]), (unsigned int)atoi(argv[3]),
			       strcmp(argv[1], "hold") == 0);
	}
	fprintf(stderr, "usage: vsocktalk listen PORT | connect CID PORT | hold CID PORT\n");
	return 2;
}
