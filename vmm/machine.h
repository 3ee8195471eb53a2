// SPDX-License-Identifier: BSD-3-Clause
/*
 * A running realm: its devices, one thread for each vCPU, and the I/O thread. One lock guards all
 * devices; it is never held while a vCPU runs or while the I/O thread waits.
 */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include <pthread.h>

#include "block.h"
#include "channel.h"
#include "console.h"
#include "gic.h"
#include "layout/layout.h"
#include "options.h"
#include "p9.h"
#include "realm.h"
#include "uart.h"
#include "virtio.h"

#define MACHINE_CLIENTS 4u /* at the management socket at the same time; others wait */

/* How it ended. */
enum machine_end {
	MACHINE_RUNS,
	MACHINE_OFF,     /* the realm powered off */
	MACHINE_RESET,   /* the realm wants to start again */
	MACHINE_STOPPED, /* rvm stop, a signal, or the escape key */
	MACHINE_FAILED,
};

struct machine;

struct machine_vcpu {
	struct machine *machine;
	unsigned int index;
	pthread_t thread;
	bool started;
	bool running;  /* under the lock: in the kernel, so a kick is needed to be noticed */
	uint64_t mmio; /* exits, for rvm list */
};

struct machine_slot {
	struct virtio *virtio; /* NULL: empty */
	struct machine *machine;
	uint32_t intid;
};

struct machine {
	const struct options *options;
	struct layout layout;
	struct realm realm;
	struct guest_mem mem;

	pthread_mutex_t lock;
	enum machine_end end;
	struct gic gic;
	struct uart uart;
	struct machine_slot slots[LAYOUT_VIRTIO_SLOTS];
	unsigned int num_slots;
	struct console console;
	struct virtio entropy;
	struct block blocks[OPTIONS_MAX_DISKS];
	struct p9 p9;
	struct channel terminal;
	struct channel control;
	bool control_used; /* something was said on this connection */
	bool control_ends; /* the realm has closed it: the connection goes when all is written */
	bool starved;      /* the I/O thread waits for the realm to make room for input */
	struct machine_vcpu vcpus[LAYOUT_MAX_CPUS];

	int wake;                     /* eventfd: the I/O thread has something to do */
	int manager;                  /* listening socket of rvm list and rvm stop */
	int clients[MACHINE_CLIENTS]; /* who has come there and not asked yet; -1: nobody */
	char manager_path[108];
	char control_path[108];
	char started[32];
};

/* Devices for a realm that has been built. False when something could not be opened (said why). */
bool machine_init(struct machine *m, const struct options *o);
bool machine_add_devices(struct machine *m);
void machine_close(struct machine *m);

/* Runs until the end and says how that was. */
enum machine_end machine_run(struct machine *m);

/* Ends the machine; the first reason stays. Caller holds the lock. */
void machine_finish(struct machine *m, enum machine_end how);
void machine_wake_io(struct machine *m);

/* Access to a device register; false where there is none. Caller holds the lock. */
bool machine_mmio(struct machine *m, unsigned int cpu, uint64_t addr, unsigned int size, bool write,
		  uint64_t *value);

/* io.c: the loop of the I/O thread. Returns when machine->end is set. */
void machine_io(struct machine *m, int signal_fd);

/* vcpu.c: body of a vCPU's thread. */
void *machine_vcpu_thread(void *vcpu);

#endif
