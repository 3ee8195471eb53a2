// SPDX-License-Identifier: BSD-3-Clause
/*
 * A running realm: its devices, one thread for each vCPU, and
 *
 *   the I/O thread   input of the terminal and the control channel, sockets (io.c)
 *   the writer       output to standard output or a file, which may block for ever (io.c)
 *   the keeper       signals, rvm list and rvm stop; ends a process that does not end (keeper.c)
 *
 * One lock guards all devices; it is never held while a vCPU runs, nor while a thread waits for
 * something outside, but for disks and the share; messages are for say.h. What is done under it at
 * a realm's wish is bounded (VIRTIO_BURST_*). The keeper never takes it: list, stop and signals
 * work whatever the realm and the devices do.
 */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

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

#define MACHINE_END_SECONDS   10 /* from the wish to end until all threads have left the realm */
#define MACHINE_CLOSE_SECONDS 3  /* and from the end of the realm to that of the process */
#define MACHINE_DRAIN_SECONDS 1  /* of these for output that nobody takes */

/* How far the end has got. */
enum machine_phase {
	PHASE_ALIVE,
	PHASE_LEFT,   /* no thread is in the realm any more: it is being taken apart */
	PHASE_CLOSED, /* it is gone */
	PHASE_DONE,   /* so is all else: the keeper ends */
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

#define MACHINE_LINKS     2u /* ports 1 and 2 of the console: rvm control and rvm exec */
#define MACHINE_EXEC_PORT 2u

/* A port that one client at a time talks to through a socket. */
struct machine_link {
	struct channel channel;
	unsigned int port;
	bool used; /* something was said on this connection */
	bool told; /* a client of rvm exec: that it is its turn (exec/frame.h) */
	bool left; /* one has gone, and the agent has still to hear it: no turn before that */
	bool ends; /* the realm has closed it: the connection goes when all is written */
};

struct machine {
	const struct options *options;
	struct layout layout;
	struct realm realm;
	struct guest_mem mem;

	pthread_mutex_t lock;
	pthread_cond_t calm;   /* with lock: the I/O thread or the writer has had its turn */
	pthread_cond_t output; /* with lock: the writer has something to do */
	atomic_uint urgent;    /* how many of these two wait for the lock: vCPUs let them pass */
	atomic_int end;        /* enum machine_end */
	atomic_int phase;      /* enum machine_phase */
	pthread_t io, writer;
	bool writes; /* there is a writer */
	bool last;   /* nothing will be added to the output */

	pthread_mutex_t gate; /* the keeper and who opens or closes what it uses; innermost */
	bool alive;           /* the descriptors of the realm are there */
	pthread_t keeper;
	bool kept; /* there is a keeper */
	sigset_t signals;
	int signal_fd;
	int keeper_wake;
	struct gic gic;
	struct uart uart;
	struct machine_slot slots[LAYOUT_VIRTIO_SLOTS];
	unsigned int num_slots;
	struct console console;
	struct virtio entropy;
	struct block blocks[OPTIONS_MAX_DISKS];
	struct p9 p9;
	struct channel terminal;
	struct logfile log; /* with --detach or --console attach */
	struct machine_link links[MACHINE_LINKS];
	bool starved; /* the I/O thread waits for the realm to make room for input */
	struct machine_vcpu vcpus[LAYOUT_MAX_CPUS];

	int wake;                      /* eventfd: the I/O thread has something to do */
	int manager;                   /* listening socket of rvm list and rvm stop */
	int clients[MACHINE_CLIENTS];  /* who has come there and not asked yet; -1: nobody */
	int64_t came[MACHINE_CLIENTS]; /* and when, in ms */
	char manager_path[108];
	int64_t born; /* by machine_now */
};

/*
 * machine.c: in this order; each says why it fails. machine_close undoes what has been done,
 * whatever that is: first it takes the realm apart, then it waits a little for output that is not
 * through, restores the terminal and removes the sockets. machine_done is the last: it ends the
 * keeper.
 *
 * init: sockets, signals and the keeper. open: the files that the options name. add_devices: for a
 * realm that has been built.
 */
bool machine_init(struct machine *m, const struct options *o);
bool machine_open(struct machine *m);
void machine_add_devices(struct machine *m);
void machine_close(struct machine *m);
void machine_done(struct machine *m);

/* Runs until the end and says how that was. */
enum machine_end machine_run(struct machine *m);

/*
 * control.c: ends the machine; the first reason stays, but a wish to start again gives way to one
 * to stop. For every thread, with the lock or without it.
 */
void machine_finish(struct machine *m, enum machine_end how);
bool machine_ends(struct machine *m);
void machine_wake_io(struct machine *m);

/* The lock, for vCPU threads and for the two others, which come first. */
void machine_lock(struct machine *m);
void machine_lock_first(struct machine *m);
void machine_unlock(struct machine *m);

/* Time in ms, from some moment on. */
int64_t machine_now(void);

/* bus.c: access to a device register; false where there is none. Caller holds the lock. */
bool machine_mmio(struct machine *m, unsigned int cpu, uint64_t addr, unsigned int size, bool write,
		  uint64_t *value);

/* Devices go on with what was more than a burst; true when there is still more. Needs the lock. */
bool machine_go_on(struct machine *m);

/* io.c: the I/O thread, until the end, and the writer, until all is written (struct machine). */
void *machine_io_thread(void *ctx);
void *machine_writer_thread(void *ctx);

/* keeper.c: struct machine; until machine_done. */
void *machine_keeper_thread(void *ctx);

/* vcpu.c: body of a vCPU's thread; struct vcpu. */
void *machine_vcpu_thread(void *ctx);

#endif
