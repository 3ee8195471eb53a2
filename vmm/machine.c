// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "entropy.h"
#include "machine.h"
#include "manage.h"

/* ---------------------------------------------------------------- addresses */

static uint64_t uart_access(struct machine *m, uint64_t offset, bool write, uint64_t value)
{
	if (write) {
		uart_write(&m->uart, offset, (uint32_t)value);
		return 0;
	}
	return uart_read(&m->uart, offset);
}

static uint64_t gicd_access(struct machine *m, unsigned int cpu, uint64_t offset, unsigned int size,
			    const uint64_t *write)
{
	if (write) {
		gic_dist_write(&m->gic, cpu, offset, size, *write);
		return 0;
	}
	return gic_dist_read(&m->gic, offset, size);
}

static uint64_t gicr_access(struct machine *m, unsigned int cpu, uint64_t offset, unsigned int size,
			    const uint64_t *write)
{
	if (write) {
		gic_redist_write(&m->gic, cpu, offset, size, *write);
		return 0;
	}
	return gic_redist_read(&m->gic, offset, size);
}

static uint64_t slot_access(struct machine *m, uint64_t offset, unsigned int size,
			    const uint64_t *write)
{
	static struct virtio empty;
	struct machine_slot *slot = &m->slots[offset / LAYOUT_VIRTIO_SIZE];
	struct virtio *v = slot->virtio ? slot->virtio : &empty;

	offset %= LAYOUT_VIRTIO_SIZE;
	if (write) {
		virtio_write(v, offset, size, *write);
		return 0;
	}
	return virtio_read(v, offset, size);
}

static bool within(uint64_t addr, uint64_t base, uint64_t size)
{
	return addr >= base && addr - base < size;
}

bool machine_mmio(struct machine *m, unsigned int cpu, uint64_t addr, unsigned int size, bool write,
		  uint64_t *value)
{
	const uint64_t *data = write ? value : NULL;
	uint64_t result;

	if (addr % size != 0) {
		return false;
	}
	if (within(addr, LAYOUT_VIRTIO_BASE, LAYOUT_VIRTIO_SIZE * LAYOUT_VIRTIO_SLOTS)) {
		result = slot_access(m, addr - LAYOUT_VIRTIO_BASE, size, data);
	} else if (within(addr, LAYOUT_UART_BASE, LAYOUT_UART_SIZE)) {
		result = uart_access(m, addr - LAYOUT_UART_BASE, write, *value);
	} else if (within(addr, LAYOUT_GICR_BASE, LAYOUT_GICR_SIZE * m->layout.cpus)) {
		result = gicr_access(m, cpu, addr - LAYOUT_GICR_BASE, size, data);
	} else if (within(addr, LAYOUT_GICD_BASE, LAYOUT_GICD_SIZE)) {
		result = gicd_access(m, cpu, addr - LAYOUT_GICD_BASE, size, data);
	} else {
		return false;
	}
	if (!write) {
		*value = result;
	}
	return true;
}

/* ------------------------------------------------------------ what devices ask */

void machine_wake_io(struct machine *m)
{
	eventfd_write(m->wake, 1);
}

static void kick(void *ctx, unsigned int cpu)
{
	struct machine *m = ctx;

	/* One that does not run looks at the GIC anyway before it does. */
	if (m->vcpus[cpu].running) {
		m->vcpus[cpu].running = false;
		realm_kick(&m->realm, cpu);
	}
}

void machine_finish(struct machine *m, enum machine_end how)
{
	if (m->end == MACHINE_RUNS) {
		m->end = how;
	}
	for (unsigned int i = 0; i < m->realm.num_vcpus; i++) {
		realm_kick(&m->realm, i);
	}
	machine_wake_io(m);
}

static void slot_irq(void *ctx)
{
	struct machine_slot *slot = ctx;

	gic_pulse(&slot->machine->gic, slot->intid);
}

static void uart_put(void *ctx, uint8_t byte)
{
	struct machine *m = ctx;

	channel_put(&m->terminal, &byte, 1);
	machine_wake_io(m);
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
	return port == 0 ? &m->terminal : &m->control;
}

static void console_output(void *ctx, unsigned int port, const void *data, size_t size)
{
	struct machine *m = ctx;

	m->control_used |= port == 1;
	channel_put(port_channel(m, port), data, size);
	machine_wake_io(m);
}

/* A request can be longer than what is left, but never than a quarter of the buffer. */
static bool console_ready(void *ctx, unsigned int port)
{
	struct machine *m = ctx;

	return channel_room(port_channel(m, port)) >= CHANNEL_BUFFER / 4;
}

/*
 * A connection to the control channel lasts as long as both sides hold it open. A realm that closes
 * before anything was said has not noticed the connection: it may open again.
 */
static void console_closed(void *ctx, unsigned int port)
{
	struct machine *m = ctx;

	if (port == 1) {
		m->control_ends = channel_connected(&m->control) && m->control_used;
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

static bool add_disks(struct machine *m)
{
	for (unsigned int i = 0; i < m->options->num_disks; i++) {
		const struct options_disk *disk = &m->options->disks[i];
		int fd = open(disk->path, (disk->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);

		if (fd < 0 || !block_init(&m->blocks[i], fd, disk->read_only)) {
			fprintf(stderr, "rvm: --disk %s: %s\n", disk->path, strerror(errno));
			return false;
		}
		add_slot(m, &m->blocks[i].virtio);
	}
	return true;
}

static bool add_share(struct machine *m)
{
	if (!m->options->share) {
		return true;
	}
	if (!p9_init(&m->p9, m->options->share)) {
		fprintf(stderr, "rvm: --share %s: %s\n", m->options->share, strerror(errno));
		return false;
	}
	add_slot(m, &m->p9.virtio);
	return true;
}

static bool open_terminal(struct machine *m)
{
	const char *where = m->options->console;
	bool good = true;

	if (strcmp(where, "stdio") == 0) {
		channel_stdio(&m->terminal);
	} else if (strcmp(where, "none") == 0) {
		channel_none(&m->terminal);
	} else if (strncmp(where, "file:", 5) == 0) {
		good = channel_file(&m->terminal, where + 5);
	} else {
		good = channel_unix(&m->terminal, where + 5, true);
	}
	if (!good) {
		fprintf(stderr, "rvm: --console %s: %s\n", where, strerror(errno));
	}
	return good;
}

bool machine_init(struct machine *m, const struct options *o)
{
	memset(m, 0, sizeof(*m));
	m->options = o;
	pthread_mutex_init(&m->lock, NULL);
	realm_init(&m->realm);
	channel_none(&m->terminal);
	channel_none(&m->control);
	m->manager = -1;
	for (unsigned int i = 0; i < MACHINE_CLIENTS; i++) {
		m->clients[i] = -1;
	}
	m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return m->wake >= 0 && manage_open(m);
}

static void init_gic(struct machine *m)
{
	uint64_t mpidr[LAYOUT_MAX_CPUS];

	for (unsigned int i = 0; i < m->layout.cpus; i++) {
		mpidr[i] = layout_mpidr(i);
	}
	gic_init(&m->gic, m->layout.cpus, mpidr, kick, m);
}

bool machine_add_devices(struct machine *m)
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
	add_slot(m, &m->console.virtio);
	entropy_init(&m->entropy);
	add_slot(m, &m->entropy);
	return add_share(m) && add_disks(m) && open_terminal(m);
}

void machine_close(struct machine *m)
{
	channel_close(&m->terminal);
	channel_close(&m->control);
	for (unsigned int i = 0; i < OPTIONS_MAX_DISKS; i++) {
		if (m->blocks[i].virtio.ops) {
			close(m->blocks[i].fd);
		}
	}
	p9_close(&m->p9);
	realm_close(&m->realm);
	manage_close(m);
	if (m->wake >= 0) {
		close(m->wake);
	}
}

/* ------------------------------------------------------------------- running */

static bool start_threads(struct machine *m)
{
	for (unsigned int i = 0; i < m->layout.cpus; i++) {
		struct machine_vcpu *v = &m->vcpus[i];

		v->machine = m;
		v->index = i;
		v->started = pthread_create(&v->thread, NULL, machine_vcpu_thread, v) == 0;
		if (!v->started) {
			fprintf(stderr, "rvm: cannot start a thread for vCPU %u\n", i);
			return false;
		}
	}
	return true;
}

enum machine_end machine_run(struct machine *m)
{
	sigset_t set, before;
	int signal_fd;

	signal(SIGPIPE, SIG_IGN);

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (!start_threads(m)) {
		pthread_mutex_lock(&m->lock);
		machine_finish(m, MACHINE_FAILED);
		pthread_mutex_unlock(&m->lock);
	}
	machine_io(m, signal_fd);
	for (unsigned int i = 0; i < m->layout.cpus; i++) {
		if (m->vcpus[i].started) {
			pthread_join(m->vcpus[i].thread, NULL);
		}
	}
	if (signal_fd >= 0) {
		close(signal_fd);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return m->end;
}
