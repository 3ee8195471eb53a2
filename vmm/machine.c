// SPDX-License-Identifier: BSD-3-Clause
/* A machine from its set-up to its end: devices and what they call, files, threads. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "detach.h"
#include "entropy.h"
#include "machine.h"
#include "manage.h"

/* ------------------------------------------------------------ what devices ask */

static void kick(void *ctx, unsigned int cpu)
{
	struct machine *m = ctx;

	/* One that does not run looks at the GIC anyway before it does. */
	if (m->vcpus[cpu].running) {
		m->vcpus[cpu].running = false;
		realm_kick(&m->realm, cpu);
	}
}

static void slot_irq(void *ctx)
{
	struct machine_slot *slot = ctx;

	gic_pulse(&slot->machine->gic, slot->intid);
}

static void wake_output(struct machine *m)
{
	pthread_cond_signal(&m->output);
	machine_wake_io(m);
}

static void uart_put(void *ctx, uint8_t byte)
{
	struct machine *m = ctx;

	channel_put(&m->terminal, &byte, 1);
	wake_output(m);
}

static bool uart_ready(void *ctx)
{
	const struct machine *m = ctx;

	return channel_room(&m->terminal) > 0;
}

static void uart_irq(void *ctx, bool level)
{
	struct machine *m = ctx;

	gic_set_line(&m->gic, LAYOUT_UART_INTID, level);
}

static struct channel *port_channel(struct machine *m, unsigned int port)
{
	return port == 0 ? &m->terminal : &m->links[port - 1].channel;
}

static size_t console_output(void *ctx, unsigned int port, const void *data, size_t size)
{
	struct machine *m = ctx;

	size_t taken = channel_put(port_channel(m, port), data, size);

	if (port > 0) {
		m->links[port - 1].used = true;
	}
	wake_output(m);
	return taken;
}

static bool console_ready(void *ctx, unsigned int port)
{
	struct machine *m = ctx;

	return channel_room(port_channel(m, port)) > 0;
}

/*
 * A connection to a port lasts as long as both sides hold it open. A realm that closes
 * before anything was said has not noticed the connection: it may open again.
 */
static void console_closed(void *ctx, unsigned int port)
{
	struct machine *m = ctx;

	if (port > 0) {
		struct machine_link *link = &m->links[port - 1];

		link->ends = channel_connected(&link->channel) && link->used;
		link->left = false; /* an agent that comes has no command */
		machine_wake_io(m);
	}
}

/* -------------------------------------------------------------------- set-up */

static void add_slot(struct machine *m, struct virtio *v)
{
	struct machine_slot *slot = &m->slots[m->num_slots];

	*slot = (struct machine_slot){
		.virtio = v, .machine = m, .intid = LAYOUT_VIRTIO_INTID + m->num_slots};
	v->mem = &m->mem;
	v->irq = slot_irq;
	v->ctx = slot;
	m->num_slots++;
}

/* A realm that misses the end of a file would look for the reason in the wrong place. */
static void warn_tail(const char *path, const struct block *b)
{
	if (b->tail > 0) {
		fprintf(stderr,
			"rvm: warning: --disk %s: %" PRIu64 " bytes are no whole number of "
			"512-byte sectors; the realm does not see the last %u; truncate -s %%512 "
			"fills the sector\n",
			path, b->size, b->tail);
	}
}

static bool open_disks(struct machine *m)
{
	for (unsigned int i = 0; i < m->options->num_disks; i++) {
		const struct options_disk *disk = &m->options->disks[i];
		struct block_error err;

		if (!block_open(&m->blocks[i], disk->path, disk->read_only, &err)) {
			fprintf(stderr, "rvm: --disk %s: %s\n", disk->path, err.text);
			return false;
		}
		warn_tail(disk->path, &m->blocks[i]);
	}
	return true;
}

static bool open_share(struct machine *m)
{
	if (m->options->share && !p9_init(&m->p9, m->options->share)) {
		fprintf(stderr, "rvm: --share %s: %s\n", m->options->share, strerror(errno));
		return false;
	}
	return true;
}

/* Opens what --console names. False, with a message. */
static bool open_terminal(struct machine *m)
{
	const char *where = m->options->console;
	char path[sizeof(m->terminal.path)];
	bool good = true;

	if (strcmp(where, "stdio") == 0) {
		channel_stdio(&m->terminal);
	} else if (strcmp(where, "none") == 0) {
		channel_none(&m->terminal);
	} else if (strcmp(where, "attach") == 0) {
		good = manage_path(path, sizeof(path), m->options->name, MANAGE_CONSOLE) &&
		       channel_unix(&m->terminal, path, false);
		m->terminal.log = &m->log;
	} else if (strncmp(where, "file:", 5) == 0) {
		good = channel_file(&m->terminal, where + 5);
	} else {
		good = channel_unix(&m->terminal, where + 5, true);
	}
	if (!good) {
		fprintf(stderr, "rvm: --console %s: %s%s\n", where, strerror(errno),
			errno == EEXIST       ? "; it is no socket, and is left alone"
			: errno == EADDRINUSE ? "; another program listens there"
					      : "");
	}
	return good;
}

/* Signals are the keeper's from here to the end of the process: a second one finds it awake too. */
static bool take_signals(struct machine *m)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTOU, SIG_IGN); /* to restore a terminal from the background */
	sigemptyset(&m->signals);
	sigaddset(&m->signals, SIGINT);
	sigaddset(&m->signals, SIGTERM);
	sigaddset(&m->signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &m->signals, NULL);
	m->signal_fd = signalfd(-1, &m->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return m->signal_fd >= 0;
}

/* A machine that machine_close and machine_done can take, whatever else has been done to it. */
static void init_empty(struct machine *m, const struct options *o)
{
	memset(m, 0, sizeof(*m));
	m->options = o;
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->gate, NULL);
	pthread_cond_init(&m->calm, NULL);
	pthread_cond_init(&m->output, NULL);
	realm_init(&m->realm);
	m->realm.end = &m->end;
	channel_none(&m->terminal);
	for (unsigned int i = 0; i < MACHINE_LINKS; i++) {
		channel_none(&m->links[i].channel);
		m->links[i].port = i + 1;
	}
	m->log.fd = -1;
	m->born = machine_now();
	m->wake = m->keeper_wake = m->signal_fd = m->manager = -1;
	for (unsigned int i = 0; i < MACHINE_CLIENTS; i++) {
		m->clients[i] = -1;
	}
}

bool machine_init(struct machine *m, const struct options *o)
{
	init_empty(m, o);
	m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->keeper_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->wake < 0 || m->keeper_wake < 0 || !take_signals(m)) {
		fprintf(stderr, "rvm: %s\n", strerror(errno));
		return false;
	}
	if (!manage_open(m)) {
		return false;
	}
	m->kept = pthread_create(&m->keeper, NULL, machine_keeper_thread, m) == 0;
	if (!m->kept) {
		fprintf(stderr, "rvm: cannot start a thread\n");
	}
	return m->kept;
}

/* For a realm whose messages or output have no terminal. False, with a message. */
static bool open_log(struct machine *m)
{
	char path[sizeof(m->log.path)];

	if (!m->options->detach && strcmp(m->options->console, "attach") != 0) {
		return true;
	}
	if (!manage_path(path, sizeof(path), m->options->name, MANAGE_LOG)) {
		return false;
	}
	if (!logfile_open(&m->log, path, detach_is_again())) {
		fprintf(stderr, "rvm: %s: %s\n", path, strerror(errno));
		return false;
	}
	return true;
}

bool machine_open(struct machine *m)
{
	return open_share(m) && open_disks(m) && open_log(m) && open_terminal(m);
}

static void init_gic(struct machine *m)
{
	uint64_t mpidr[LAYOUT_MAX_CPUS];

	for (unsigned int i = 0; i < m->layout.cpus; i++) {
		mpidr[i] = layout_mpidr(i);
	}
	gic_init(&m->gic, m->layout.cpus, mpidr, kick, m);
}

void machine_add_devices(struct machine *m)
{
	m->mem = (struct guest_mem){
		.host = m->realm.shared,
		.base = m->layout.ram_base,
		.size = m->layout.ram_size,
		.alias = UINT64_C(1) << (m->layout.s2sz - 1),
	};
	init_gic(m);
	m->uart = (struct uart){.put = uart_put, .ready = uart_ready, .irq = uart_irq, .ctx = m};
	console_init(&m->console);
	m->console.output = console_output;
	m->console.ready = console_ready;
	m->console.closed = console_closed;
	m->console.ctx = m;
	m->console.ports[0].connected = true;
	m->console.ports[MACHINE_EXEC_PORT].connected = true; /* for ever: see exec/frame.h */
	add_slot(m, &m->console.virtio);
	entropy_init(&m->entropy);
	add_slot(m, &m->entropy);
	if (m->options->share) {
		add_slot(m, &m->p9.virtio);
	}
	for (unsigned int i = 0; i < m->options->num_disks; i++) {
		add_slot(m, &m->blocks[i].virtio);
	}
	channel_raw(&m->terminal);
	pthread_mutex_lock(&m->gate);
	m->alive = true;
	pthread_mutex_unlock(&m->gate);
}

/* The writer may be stuck where nobody reads: what is not through after a while is lost. */
static void drain(struct machine *m)
{
	struct timespec limit;

	machine_lock_first(m);
	m->last = true;
	pthread_cond_signal(&m->output);
	machine_unlock(m);
	if (m->writes) {
		clock_gettime(CLOCK_REALTIME, &limit);
		limit.tv_sec += MACHINE_DRAIN_SECONDS;
		pthread_timedjoin_np(m->writer, NULL, &limit);
	}
}

void machine_close(struct machine *m)
{
	pthread_mutex_lock(&m->gate);
	m->alive = false;
	pthread_mutex_unlock(&m->gate);
	atomic_store(&m->phase, PHASE_LEFT);
	realm_close(&m->realm);
	atomic_store(&m->phase, PHASE_CLOSED);
	eventfd_write(m->keeper_wake, 1);
	drain(m);
	if (!channel_close(&m->terminal)) {
		fprintf(stderr, "rvm: --console %s: %s; output is lost\n", m->options->console,
			strerror(errno));
	}
	for (unsigned int i = 0; i < OPTIONS_MAX_DISKS; i++) {
		if (m->blocks[i].virtio.ops && close(m->blocks[i].fd) < 0) {
			fprintf(stderr, "rvm: --disk %s: %s\n", m->options->disks[i].path,
				strerror(errno));
		}
	}
	p9_close(&m->p9);
	manage_close(m);
}

void machine_done(struct machine *m)
{
	if (m->kept) {
		atomic_store(&m->phase, PHASE_DONE);
		eventfd_write(m->keeper_wake, 1);
		pthread_join(m->keeper, NULL);
	}
	logfile_close(&m->log);
	close(m->signal_fd);
	close(m->keeper_wake);
	close(m->wake);
}

/* ------------------------------------------------------------------- running */

static bool start_thread(pthread_t *thread, void *(*body)(void *), void *ctx, const char *what)
{
	if (pthread_create(thread, NULL, body, ctx) != 0) {
		fprintf(stderr, "rvm: cannot start a thread for %s\n", what);
		return false;
	}
	return true;
}

static bool start_vcpus(struct machine *m)
{
	for (unsigned int i = 0; i < m->layout.cpus; i++) {
		struct machine_vcpu *v = &m->vcpus[i];

		v->machine = m;
		v->index = i;
		v->started = start_thread(&v->thread, machine_vcpu_thread, v, "a vCPU");
		if (!v->started) {
			return false;
		}
	}
	return true;
}

/*
 * The I/O thread can wait for its input alone, where another process has read that first: then it
 * is left behind, and finds the end when it comes back.
 */
static void join_io(struct machine *m)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += MACHINE_DRAIN_SECONDS;
	pthread_timedjoin_np(m->io, NULL, &limit);
}

enum machine_end machine_run(struct machine *m)
{
	bool io;

	m->writes = m->terminal.out >= 0 && m->terminal.listener < 0 &&
		    start_thread(&m->writer, machine_writer_thread, m, "output");
	io = start_thread(&m->io, machine_io_thread, m, "input");
	if (!io || !start_vcpus(m)) {
		machine_finish(m, MACHINE_FAILED);
	}
	for (unsigned int i = 0; i < m->layout.cpus; i++) {
		if (m->vcpus[i].started) {
			pthread_join(m->vcpus[i].thread, NULL);
		}
	}
	if (io) {
		machine_finish(m, MACHINE_FAILED); /* should they all have left without a word */
		join_io(m);
	}
	/* Whoever has the lock after this sees the end, and leaves the realm's memory alone. */
	machine_lock_first(m);
	machine_unlock(m);
	return (enum machine_end)atomic_load(&m->end);
}
