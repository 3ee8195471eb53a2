// SPDX-License-Identifier: BSD-3-Clause
/*
 * realm.c for a machine without realms: rvm as it is, with a realm that is a thread for each vCPU.
 * What the realm does is the first word of its command line, with a number after it:
 *
 *   idle        nothing
 *   off         says "bye" on its console and powers off
 *   write N     N bytes to its console in requests of 32 KiB, then powers off
 *   flood N     the same, and never powers off
 *   control N   N bytes to whoever is at the control channel, in requests of 32 KiB; then closes it
 *   exec N      runs the program caec-agent beside rvm, at a terminal that stands for
 *               the port (fake_port.c); N 1: its driver hears that somebody has come or
 *               gone only after bytes that were sent later
 *   hog         has ever more requests for its disk by the time that one is served
 *   late        the same; what is typed reaches rvm only when the realm is gone
 *   hang        has a request for its disk, which never answers
 *   reset N     wants to start again; takes N steps of 100 ms to go, unless it is stopped
 *   fault       uses memory that it does not have
 *   slow N      its building takes N steps of 100 ms
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "fake_port.h"
#include "realm.h"

#define RING(slot, q) (0x10000u * (slot) + 0x1000u * (q))
#define BUFFERS       0x400000u
#define QNUM          256u
#define PIECE         32768u
#define END_STOPPED   3       /* MACHINE_STOPPED of machine.h */
#define CLOSE_US      600000u /* how long a realm takes to go, when it is late */
#define LATE_MS       100     /* from one late message about the port to the next */

struct cpu {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool posted, delivered, handled, kicked;
	struct caec_run *run;
};

static struct cpu cpus[LAYOUT_MAX_CPUS];
static struct realm *realm;
static const char *line = "";
static uint8_t *ram;
static volatile bool over;

void realm_init(struct realm *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = -1;
	r->shared = MAP_FAILED;
}

bool realm_open(struct realm *r)
{
	realm = r;
	return true;
}

/* ------------------------------------------------------------ the realm's side */

/* Leaves the realm as the run structure says, and is back when that has been seen to. */
static void leave(struct cpu *c)
{
	pthread_mutex_lock(&c->lock);
	c->handled = false;
	c->posted = true;
	pthread_cond_broadcast(&c->changed);
	while (!c->handled && !over) {
		pthread_cond_wait(&c->changed, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	if (over) {
		pthread_exit(NULL);
	}
}

static void reg(struct cpu *c, unsigned int slot, uint32_t offset, uint32_t value)
{
	c->run->exit_reason = CAEC_EXIT_MMIO;
	c->run->u.mmio.ipa = LAYOUT_VIRTIO_BASE + LAYOUT_VIRTIO_SIZE * slot + offset;
	c->run->u.mmio.len = 4;
	c->run->u.mmio.flags = CAEC_MMIO_WRITE;
	c->run->u.mmio.data = value;
	leave(c);
}

static void exit_with(struct cpu *c, uint32_t reason)
{
	c->run->exit_reason = reason;
	leave(c);
}

static void rest(struct cpu *c)
{
	(void)c;
	while (!over) {
		usleep(10000);
	}
	pthread_exit(NULL);
}

static void start_device(struct cpu *c, unsigned int slot, unsigned int queues)
{
	reg(c, slot, 0x70, 3);
	reg(c, slot, 0x24, 1);
	reg(c, slot, 0x20, 3);
	reg(c, slot, 0x24, 0);
	reg(c, slot, 0x20, slot == 0 ? 2 : 0);
	reg(c, slot, 0x70, 11);
	for (unsigned int q = 0; q < queues; q++) {
		uint32_t base = (uint32_t)LAYOUT_RAM_BASE + 4 * RING(slot, q);

		reg(c, slot, 0x30, q);
		reg(c, slot, 0x38, QNUM);
		reg(c, slot, 0x80, base);
		reg(c, slot, 0x90, base + 0x1000 + (slot == 2 ? 16 : 0));
		reg(c, slot, 0xa0, base + 0x2000);
		reg(c, slot, 0x44, 1);
	}
	reg(c, slot, 0x70, 15);
}

static uint8_t *ring(unsigned int slot, unsigned int q, uint32_t offset)
{
	return ram + 4 * RING(slot, q) + offset;
}

static void set_desc(unsigned int slot, unsigned int q, unsigned int i, uint64_t at, uint32_t len,
		     uint16_t flags)
{
	uint8_t *d = ring(slot, q, 16 * i);
	uint64_t addr = LAYOUT_RAM_BASE + at;
	uint16_t next = (uint16_t)(i + 1);

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
}

static uint16_t index_of(unsigned int slot, unsigned int q, uint32_t where)
{
	return __atomic_load_n((uint16_t *)ring(slot, q, where + 2), __ATOMIC_ACQUIRE);
}

/* One request of a buffer, and waits until it is given back. */
static void request(struct cpu *c, unsigned int q, uint64_t at, uint32_t len)
{
	uint16_t idx = index_of(0, q, 0x1000);

	set_desc(0, q, 0, at, len, 0);
	memset(ring(0, q, 0x1004 + 2 * (idx % QNUM)), 0, 2);
	idx++;
	__atomic_store_n((uint16_t *)ring(0, q, 0x1002), idx, __ATOMIC_RELEASE);
	reg(c, 0, 0x50, q);
	while (index_of(0, q, 0x2000) != idx) {
		if (over) {
			pthread_exit(NULL);
		}
		usleep(1000);
	}
}

/* Bytes that show where they belong: eight digits and a line's end. */
static void say(struct cpu *c, unsigned int port, size_t size)
{
	char text[PIECE + 16];
	size_t at = 0, have = 0;

	while (at < size) {
		size_t n = size - at < PIECE ? size - at : PIECE;

		for (have = 0; have < n; have++) {
			char number[24];

			snprintf(number, sizeof(number), "%07zu\n", (at + have) / 8);
			text[have] = number[(at + have) % 8];
		}
		memcpy(ram + BUFFERS, text, n);
		request(c, port == 0 ? 1 : 5, BUFFERS, (uint32_t)n);
		at += n;
	}
}

static void port_message(struct cpu *c, uint32_t port, uint16_t event, uint16_t value)
{
	memcpy(ram + BUFFERS, &port, 4);
	memcpy(ram + BUFFERS + 4, &event, 2);
	memcpy(ram + BUFFERS + 6, &value, 2);
	request(c, 3, BUFFERS, 8);
}

/*
 * One bell, and requests without end, whatever the host's scheduler does: the disk itself refills
 * the ring. The first request of each lap reads a sector over its own header and the available
 * ring, and the sector holds both as the next lap needs them (run_rvm.py, hog_disk).
 */
static void hog(struct cpu *c)
{
	uint16_t first = 4;

	start_device(c, 2, 1);
	set_desc(2, 0, 0, 4 * RING(2, 0) + 0x1000, 16, 1);
	set_desc(2, 0, 1, 4 * RING(2, 0) + 0x1000, 512, 3);
	set_desc(2, 0, 2, BUFFERS + 0x20, 1, 2);
	set_desc(2, 0, 4, BUFFERS, 16, 1);
	set_desc(2, 0, 5, BUFFERS + 0x1000, 0x10000, 3);
	set_desc(2, 0, 6, BUFFERS + 0x20, 1, 2);
	for (unsigned int i = 1; i < QNUM; i++) {
		memcpy(ring(2, 0, 0x1014 + 2 * i), &first, 2);
	}
	__atomic_store_n((uint16_t *)ring(2, 0, 0x1012), 1, __ATOMIC_RELEASE);
	reg(c, 2, 0x50, 0);
	rest(c);
}

/* One request, to read a sector. */
static void hang(struct cpu *c)
{
	start_device(c, 2, 1);
	set_desc(2, 0, 0, BUFFERS, 16, 1);
	set_desc(2, 0, 1, BUFFERS + 0x1000, 512, 3);
	set_desc(2, 0, 2, BUFFERS + 0x20, 1, 2);
	__atomic_store_n((uint16_t *)ring(2, 0, 0x1012), 1, __ATOMIC_RELEASE);
	reg(c, 2, 0x50, 0);
	rest(c);
}

/* A byte that the agent shares, see fake_port.c. */
static volatile uint8_t *share_byte(void)
{
	int fd = memfd_create("port", MFD_CLOEXEC);
	void *byte;

	if (fd < 0 || ftruncate(fd, 1) < 0 || dup2(fd, FAKE_PORT) < 0) {
		abort();
	}
	byte = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return byte;
}

/* A terminal that passes bytes on as they are; the agent has the other end. */
static int start_agent(pid_t *pid)
{
	char path[300] = "", device[64];
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), other;
	struct termios raw;

	grantpt(fd);
	unlockpt(fd);
	ptsname_r(fd, device, sizeof(device));
	other = open(device, O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcgetattr(other, &raw);
	cfmakeraw(&raw);
	tcsetattr(other, TCSANOW, &raw);
	if (readlink("/proc/self/exe", path, sizeof(path) - 20) < 0 || !strrchr(path, '/')) {
		abort();
	}
	strcpy(strrchr(path, '/'), "/caec-agent");
	*pid = fork();
	if (*pid == 0) {
		execl(path, path, device, NULL);
		_exit(127);
	}
	return fd;
}

/* A buffer for input: made available. */
static void offer(struct cpu *c, unsigned int q, uint64_t at, uint16_t count)
{
	set_desc(0, q, 0, at, 4096, 2);
	memset(ring(0, q, 0x1004 + 2 * (count % QNUM)), 0, 2);
	__atomic_store_n((uint16_t *)ring(0, q, 0x1002), (uint16_t)(count + 1), __ATOMIC_RELEASE);
	reg(c, 0, 0x50, q);
}

#define PORT_INPUT (BUFFERS + 0x10000)
#define MESSAGES   (BUFFERS + 0x20000)

/* True when the device has said something; whether anybody is at port 2, if it was about that. */
static bool hear(struct cpu *c, volatile uint8_t *there, uint16_t *told)
{
	static const uint8_t about[6] = {2, 0, 0, 0, 6, 0};

	if (index_of(0, 2, 0x2000) == *told) {
		return false;
	}
	if (memcmp(ram + MESSAGES, about, sizeof(about)) == 0) {
		*there = ram[MESSAGES + 6];
	}
	offer(c, 2, MESSAGES, ++*told);
	return true;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void put_all(int fd, const uint8_t *data, size_t size)
{
	while (size > 0 && !over) {
		ssize_t done = write(fd, data, size);

		data += done > 0 ? done : 0;
		size -= done > 0 ? (size_t)done : 0;
	}
}

/* Bytes from the host to the agent; true when there were some. */
static bool pass_input(struct cpu *c, int fd, uint16_t *taken)
{
	uint32_t size;

	if (index_of(0, 6, 0x2000) == *taken) {
		return false;
	}
	memcpy(&size, ring(0, 6, 0x2004 + 8 * (*taken % QNUM) + 4), 4);
	put_all(fd, ram + PORT_INPUT, size);
	offer(c, 6, PORT_INPUT, ++*taken);
	return true;
}

/* As the driver of the port, which hears of bytes and of messages in two different ways. */
static void exec(struct cpu *c, bool late)
{
	volatile uint8_t *there = share_byte();
	uint16_t taken = 0, told = 0;
	bool hears = !late;
	int64_t last = 0;
	pid_t pid;
	struct pollfd p = {.fd = start_agent(&pid), .events = POLLIN};

	port_message(c, 2, 3, 1);
	port_message(c, 2, 6, 1);
	offer(c, 6, PORT_INPUT, taken);
	offer(c, 2, MESSAGES, told);
	while (!over) {
		if (pass_input(c, p.fd, &taken)) {
			last = now_ms();
			hears = true;
		} else if (hears && now_ms() - last > (late ? LATE_MS : 0)) {
			hears = hear(c, there, &told) || !late;
			last = now_ms();
		}
		if (poll(&p, 1, 2) == 1) {
			ssize_t got = read(p.fd, ram + BUFFERS, PIECE);

			if (got > 0) {
				request(c, 7, BUFFERS, (uint32_t)got);
			}
		}
	}
	kill(pid, SIGKILL);
}

static void act(struct cpu *c, const char *what, size_t number)
{
	start_device(c, 0, 8);
	if (strcmp(what, "off") == 0) {
		memcpy(ram + BUFFERS, "bye\n", 4);
		request(c, 1, BUFFERS, 4);
		exit_with(c, CAEC_EXIT_SYSTEM_OFF);
	} else if (strcmp(what, "write") == 0 || strcmp(what, "flood") == 0) {
		say(c, 0, number);
		if (what[0] == 'w') {
			exit_with(c, CAEC_EXIT_SYSTEM_OFF);
		}
	} else if (strcmp(what, "control") == 0) {
		port_message(c, 1, 3, 1);
		port_message(c, 1, 6, 1);
		say(c, 1, number);
		port_message(c, 1, 6, 0);
	} else if (strcmp(what, "exec") == 0) {
		exec(c, number == 1);
	} else if (strcmp(what, "hog") == 0 || strcmp(what, "late") == 0) {
		hog(c);
	} else if (strcmp(what, "hang") == 0) {
		hang(c);
	} else if (strcmp(what, "reset") == 0) {
		exit_with(c, CAEC_EXIT_SYSTEM_RESET);
	} else if (strcmp(what, "fault") == 0) {
		exit_with(c, CAEC_EXIT_FAULT);
	}
	rest(c);
}

static void *guest(void *ctx)
{
	struct cpu *c = ctx;
	char what[16] = "idle";
	size_t number = 0;

	sscanf(line, "%15s %zu", what, &number);
	if (c == cpus) {
		act(c, what, number);
	}
	rest(c);
	return NULL;
}

/* ------------------------------------------------------------- the host's side */

/* The linker puts these in the place of read() and preadv() (Makefile). */
ssize_t __wrap_read(int fd, void *data, size_t size);
ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __wrap_preadv(int fd, const struct iovec *iov, int count, off_t offset);
ssize_t __real_preadv(int fd, const struct iovec *iov, int count, off_t offset);

/* Another reader of the input was quicker, as it seems; then somebody types. */
ssize_t __wrap_read(int fd, void *data, size_t size)
{
	if (fd == STDIN_FILENO && strcmp(line, "late") == 0) {
		while (!over) {
			usleep(10000);
		}
		usleep(CLOSE_US / 2);
	}
	return __real_read(fd, data, size);
}

/* Storage that does not answer. */
ssize_t __wrap_preadv(int fd, const struct iovec *iov, int count, off_t offset)
{
	while (strcmp(line, "hang") == 0) {
		pause();
	}
	return __real_preadv(fd, iov, count, offset);
}

static bool slow_build(struct realm *r)
{
	unsigned int steps = 0;

	sscanf(line, "slow %u", &steps);
	while (steps-- > 0) {
		if (atomic_load(r->end) != 0) {
			return false;
		}
		usleep(100000);
	}
	return true;
}

bool realm_build(struct realm *r, const struct options *o, const struct layout_config *config,
		 const struct layout *layout, struct layout_file dtb)
{
	(void)config;
	(void)dtb;
	line = o->cmdline ? o->cmdline : "idle";
	if (!slow_build(r)) {
		return false;
	}
	ram = mmap(NULL, layout->ram_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		   0);
	r->shared = ram;
	r->shared_size = layout->ram_size;
	for (unsigned int i = 0; i < layout->cpus; i++) {
		pthread_mutex_init(&cpus[i].lock, NULL);
		pthread_cond_init(&cpus[i].changed, NULL);
		cpus[i].run = calloc(1, CAEC_RUN_PAGE_SIZE);
		r->run[i] = cpus[i].run;
		pthread_create(&cpus[i].thread, NULL, guest, &cpus[i]);
		r->num_vcpus++;
	}
	return true;
}

/* Who touches the realm's memory after this is killed for it. */
void realm_close(struct realm *r)
{
	unsigned int steps = 0;

	over = true;
	for (unsigned int i = 0; i < r->num_vcpus; i++) {
		pthread_mutex_lock(&cpus[i].lock);
		pthread_cond_broadcast(&cpus[i].changed);
		pthread_mutex_unlock(&cpus[i].lock);
		pthread_join(cpus[i].thread, NULL);
	}
	if (r->shared != MAP_FAILED) {
		mprotect(r->shared, r->shared_size, PROT_NONE);
	}
	if (strcmp(line, "late") == 0) {
		usleep(CLOSE_US);
	}
	sscanf(line, "reset %u", &steps);
	while (steps-- > 0 && atomic_load(r->end) != END_STOPPED) {
		usleep(100000);
	}
	r->num_vcpus = 0;
}

bool realm_explain(const struct realm *r, int error, char *text, size_t size)
{
	(void)r;
	(void)error;
	snprintf(text, size, "%s", "");
	return false;
}

int realm_run(struct realm *r, unsigned int cpu)
{
	struct cpu *c = &cpus[cpu];

	(void)r;
	pthread_mutex_lock(&c->lock);
	if (c->delivered) {
		c->delivered = false;
		c->handled = true;
		pthread_cond_broadcast(&c->changed);
	}
	while (!c->posted && !c->kicked) {
		pthread_cond_wait(&c->changed, &c->lock);
	}
	if (c->posted) {
		c->posted = false;
		c->delivered = true;
	} else {
		c->run->exit_reason = CAEC_EXIT_KICK;
	}
	c->kicked = false;
	pthread_mutex_unlock(&c->lock);
	return 0;
}

void realm_kick(struct realm *r, unsigned int cpu)
{
	struct cpu *c = &cpus[cpu];

	(void)r;
	pthread_mutex_lock(&c->lock);
	c->kicked = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}
