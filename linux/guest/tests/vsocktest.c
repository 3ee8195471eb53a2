// SPDX-License-Identifier: GPL-2.0-only
/*
 * caec_vsock.ko with two peers that are this program: what the module has for one peer is written
 * back as coming from the other, so a socket talks to another of the same machine.
 */
#include <fcntl.h>
#include <linux/virtio_vsock.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "abi/uapi/csm_vsock.h"
#include "guesttest.h"

#define ALICE 5
#define BOB   6
#define PORT  1234

static int failures;
static const char *running;

void complain(int line, const char *what, int error)
{
	printf("# %s: line %d: %s: %s\n", running, line, what, strerror(error));
	failures++;
}

/* --------------------------------------------------------------------- relay */

struct relay {
	int alice, bob;
	pthread_t thread;
	atomic_bool stop;
};

static int open_peer(unsigned int cid)
{
	struct csm_ioc_vsock_bind req = {.cid = cid};
	int fd = open("/dev/csm-vsock", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(ioctl(fd, CSM_VSOCK_IOC_BIND, &req) == 0);
	return fd;
}

static void forward(int from, int to)
{
	static char packet[CSM_VSOCK_PACKET];
	ssize_t size;

	for (int i = 0; i < 64 && (size = read(from, packet, sizeof(packet))) > 0; i++) {
		while (write(to, packet, (size_t)size) < 0 && errno == EAGAIN) {
			usleep(1000);
		}
	}
}

static void *relay(void *arg)
{
	struct relay *r = arg;
	struct pollfd fds[] = {{.fd = r->alice, .events = POLLIN},
			       {.fd = r->bob, .events = POLLIN}};

	while (!r->stop) {
		poll(fds, 2, 50);
		forward(r->alice, r->bob);
		forward(r->bob, r->alice);
	}
	return NULL;
}

static void relay_start(struct relay *r)
{
	r->alice = open_peer(ALICE);
	r->bob = open_peer(BOB);
	r->stop = false;
	pthread_create(&r->thread, NULL, relay, r);
}

static void relay_stop(struct relay *r)
{
	r->stop = true;
	pthread_join(r->thread, NULL);
}

static void relay_end(struct relay *r)
{
	relay_stop(r);
	close(r->alice);
	close(r->bob);
}

/* ------------------------------------------------------------------- sockets */

static int connect_to(unsigned int cid, unsigned int port)
{
	struct sockaddr_vm to = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret = connect(fd, (struct sockaddr *)&to, sizeof(to));

	if (ret != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int listen_at(unsigned int port)
{
	struct sockaddr_vm at = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	CHECK(listen(fd, 8) == 0);
	return fd;
}

/* A connection to ALICE, which arrives from BOB: both ends. */
static void connect_pair(int listener, int ends[2])
{
	struct sockaddr_vm from = {0};
	socklen_t size = sizeof(from);

	ends[0] = connect_to(ALICE, PORT);
	CHECK(ends[0] >= 0);
	ends[1] = accept(listener, (struct sockaddr *)&from, &size);
	CHECK(ends[1] >= 0);
	CHECK(from.svm_cid == BOB);
}

struct transfer {
	int fd;
	size_t size;
	uint32_t sum;
	ssize_t result;
	int error;
};

static void *send_all(void *arg)
{
	struct transfer *t = arg;
	static const char zeros[65536];
	char buffer[65536];
	size_t done = 0;

	memcpy(buffer, zeros, sizeof(buffer));
	t->result = 0;
	while (done < t->size) {
		for (size_t i = 0; i < 64; i++) {
			buffer[i * 1024] = (char)(done / 7 + i);
		}
		t->result = send(t->fd, buffer, sizeof(buffer), MSG_NOSIGNAL);
		if (t->result <= 0) {
			t->error = errno;
			return NULL;
		}
		for (ssize_t i = 0; i < t->result; i++) {
			t->sum = t->sum * 31 + (unsigned char)buffer[i];
		}
		done += (size_t)t->result;
	}
	shutdown(t->fd, SHUT_WR);
	return NULL;
}

static void *recv_all(void *arg)
{
	struct transfer *t = arg;
	char buffer[50000];

	while ((t->result = recv(t->fd, buffer, sizeof(buffer), 0)) > 0) {
		for (ssize_t i = 0; i < t->result; i++) {
			t->sum = t->sum * 31 + (unsigned char)buffer[i];
		}
		t->size += (size_t)t->result;
	}
	t->error = errno;
	return NULL;
}

/* --------------------------------------------------------------------- tests */

static void test_streams(void)
{
	struct transfer t[4] = {{0}};
	pthread_t threads[4];
	struct relay r;
	int listener, ends[2];

	relay_start(&r);
	listener = listen_at(PORT);
	connect_pair(listener, ends);
	for (int i = 0; i < 2; i++) {
		t[i] = (struct transfer){.fd = ends[i], .size = 4 * MB};
		t[2 + i] = (struct transfer){.fd = ends[1 - i]};
		pthread_create(&threads[i], NULL, send_all, &t[i]);
		pthread_create(&threads[2 + i], NULL, recv_all, &t[2 + i]);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
	}
	for (int i = 0; i < 2; i++) {
		CHECK(t[2 + i].result == 0);
		CHECK(t[2 + i].size >= 4 * MB);
		CHECK(t[i].sum == t[2 + i].sum);
		close(ends[i]);
	}
	close(listener);
	relay_end(&r);
}

static void test_refused(void)
{
	struct relay r;

	relay_start(&r);
	FAILS(connect_to(ALICE, 99), ECONNRESET);
	CHECK(connect_to(77, PORT) == -1);
	CHECK(errno == ENODEV || errno == ENETUNREACH);
	relay_end(&r);
	CHECK(connect_to(ALICE, PORT) == -1);
	CHECK(errno == ENODEV || errno == ENETUNREACH);
}

/* Programs that wait for data, or for room to send, get an error when the peer goes. */
static void test_peer_ends(void)
{
	struct transfer reader = {0}, writer = {.size = 1 << 30};
	int listener, ends[2], more[2];
	pthread_t threads[2];
	struct relay r;

	relay_start(&r);
	listener = listen_at(PORT);
	connect_pair(listener, ends);
	connect_pair(listener, more);
	reader.fd = ends[0];
	writer.fd = more[0];
	pthread_create(&threads[0], NULL, recv_all, &reader);
	pthread_create(&threads[1], NULL, send_all, &writer);
	usleep(300000);
	relay_stop(&r);
	close(r.alice);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	CHECK(reader.result == -1 && reader.error == ECONNRESET);
	CHECK(writer.result == -1 && (writer.error == EPIPE || writer.error == ECONNRESET));
	close(r.bob);
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(more[i]);
	}
	close(listener);
}

static void test_calls(void)
{
	struct csm_ioc_vsock_bind req = {.cid = 7};
	struct virtio_vsock_hdr header = {.len = 1};
	static char packet[CSM_VSOCK_PACKET + 1];
	int fd = open("/dev/csm-vsock", O_RDWR | O_NONBLOCK), other;

	FAILS(read(fd, packet, sizeof(packet)), ENOTCONN);
	FAILS(write(fd, &header, sizeof(header)), ENOTCONN);
	FAILS(ioctl(fd, FIONREAD, &req), ENOTTY);
	FAILS(ioctl(fd, CSM_VSOCK_IOC_BIND, NULL), EFAULT);
	for (unsigned int i = 0; i < 3; i++) {
		req.cid = i;
		FAILS(ioctl(fd, CSM_VSOCK_IOC_BIND, &req), EINVAL);
	}
	req.cid = VMADDR_CID_ANY;
	FAILS(ioctl(fd, CSM_VSOCK_IOC_BIND, &req), EINVAL);
	req = (struct csm_ioc_vsock_bind){.cid = 7, .reserved = 1};
	FAILS(ioctl(fd, CSM_VSOCK_IOC_BIND, &req), EINVAL);
	req.reserved = 0;
	CHECK(ioctl(fd, CSM_VSOCK_IOC_BIND, &req) == 0);
	FAILS(ioctl(fd, CSM_VSOCK_IOC_BIND, &req), EBUSY);
	other = open("/dev/csm-vsock", O_RDWR);
	FAILS(ioctl(other, CSM_VSOCK_IOC_BIND, &req), EADDRINUSE);
	FAILS(read(fd, packet, sizeof(packet)), EAGAIN);
	FAILS(read(fd, packet, CSM_VSOCK_PACKET - 1), EINVAL);
	FAILS(write(fd, packet, CSM_VSOCK_HEADER - 1), EINVAL);
	FAILS(write(fd, packet, sizeof(packet)), EINVAL);
	FAILS(write(fd, &header, sizeof(header)), EINVAL);
	close(other);
	close(fd);
}

/* A peer that asks without reading the answers is held back. */
static void test_flood(void)
{
	struct virtio_vsock_hdr request = {
		.type = VIRTIO_VSOCK_TYPE_STREAM, .op = VIRTIO_VSOCK_OP_REQUEST, .dst_port = PORT};
	int fd = open_peer(ALICE), sent = 0;
	struct pollfd out = {.fd = fd, .events = POLLOUT};
	static char packet[CSM_VSOCK_PACKET];

	while (sent < 100000 && write(fd, &request, sizeof(request)) > 0) {
		request.src_port++;
		sent++;
	}
	CHECK(errno == EAGAIN && sent >= 200 && sent < 1000);
	CHECK(poll(&out, 1, 0) == 0);
	CHECK(read(fd, packet, sizeof(packet)) == CSM_VSOCK_HEADER);
	CHECK(poll(&out, 1, 0) == 1);
	close(fd);
}

/*
 * A peer that grants all the credit there is and reads nothing takes little memory. The kernel
 * grants a peer no more than the socket's own buffer, so the socket gets a large one.
 */
static void test_credit(void)
{
	struct virtio_vsock_hdr response = {.type = VIRTIO_VSOCK_TYPE_STREAM,
					    .op = VIRTIO_VSOCK_OP_RESPONSE,
					    .buf_alloc = UINT32_MAX};
	struct sockaddr_vm to = {.svm_family = AF_VSOCK, .svm_cid = ALICE, .svm_port = PORT};
	int fd = open_peer(ALICE), sock = socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK, 0);
	static char packet[CSM_VSOCK_PACKET], data[8 << 20];
	struct virtio_vsock_hdr request;
	uint64_t room = 256 * MB;
	size_t sent = 0;
	ssize_t size;

	CHECK(setsockopt(sock, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &room, sizeof(room)) == 0);
	CHECK(setsockopt(sock, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &room, sizeof(room)) == 0);
	connect(sock, (struct sockaddr *)&to, sizeof(to));
	CHECK(read(fd, packet, sizeof(packet)) == CSM_VSOCK_HEADER);
	memcpy(&request, packet, sizeof(request));
	CHECK(request.op == VIRTIO_VSOCK_OP_REQUEST && request.dst_cid == ALICE);
	response.src_port = request.dst_port;
	response.dst_port = request.src_port;
	CHECK(write(fd, &response, sizeof(response)) == sizeof(response));
	while (sent < 256 * MB && (size = send(sock, data, sizeof(data), MSG_NOSIGNAL)) > 0) {
		sent += (size_t)size;
	}
	CHECK(errno == EAGAIN && sent > MB && sent < 16 * MB);
	while (read(fd, packet, sizeof(packet)) > 0) {
	}
	CHECK(send(sock, data, 1000, MSG_NOSIGNAL) == 1000);
	close(sock);
	close(fd);
}

/* Random packets, at ports where somebody listens and at connections. */
static void test_fuzz(void)
{
	static char packet[CSM_VSOCK_PACKET];
	struct virtio_vsock_hdr header;
	int listener = listen_at(PORT), fd = open_peer(ALICE);
	uint64_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		size_t size = 0;

		for (size_t j = 0; j < sizeof(header); j += 4) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			((uint32_t *)&header)[j / 4] = (uint32_t)(seed >> 33);
		}
		size = seed >> 60 ? (seed >> 40) % 200 : (seed >> 40) % 65536;
		header.len = (uint32_t)size;
		header.type = seed >> 20 & 15 ? VIRTIO_VSOCK_TYPE_STREAM : header.type;
		header.op = header.op % 9;
		header.src_port = header.src_port % 4;
		header.dst_port = seed >> 24 & 7 ? PORT : header.dst_port;
		memcpy(packet, &header, sizeof(header));
		if (write(fd, packet, sizeof(header) + size) < 0 && errno == EAGAIN) {
			while (read(fd, packet, sizeof(packet)) > 0) {
			}
		}
	}
	close(fd);
	close(listener);
	test_streams();
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"streams in both directions, every byte", test_streams},
	{"nobody listens, no such peer", test_refused},
	{"a peer that ends resets its connections", test_peer_ends},
	{"calls with bad arguments", test_calls},
	{"a peer that floods is held back", test_flood},
	{"a peer that lies about its credit takes little memory", test_credit},
	{"random packets of a peer", test_fuzz},
};

int main(void)
{
	int bad = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		running = tests[i].name;
		failures = 0;
		alarm(120);
		tests[i].run();
		printf("%s - vsock: %s\n", failures ? "not ok" : "ok", running);
		fflush(stdout);
		bad |= failures != 0;
	}
	return bad;
}
