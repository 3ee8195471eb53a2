// SPDX-License-Identifier: BSD-3-Clause
/* link up, down, list: a network interface to another realm. */
#include "tools/link.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "csmctl.h"
#include "libcsm/deadline.h"
#include "link/session.h"
#include "link/tun.h"
#include "link/vsock.h"

#define DOWN_LOOK_MS 50

/* A link that this process carries. */
struct carrier {
	struct tool *tool;
	struct link_record record;
	int record_fd;
	int port;
	int ready; /* the process that started this one reads it; -1: nobody waits any more */
	bool is_quiet;
	struct tun_address addresses[CSMCTL_ADDRESSES + 1];
	unsigned int num_addresses;
	uint32_t cid; /* of the peer, with --vsock; 0: an interface */
	struct link *link;
};

static const struct link_kind vsock_kind = {
	.label = LINK_VSOCK, .check = vsock_packet_check, .is_lossless = true};

/* To who started the link; from a process in the background to the system's log. */
static void say(struct carrier *carrier, const char *what)
{
	if (carrier->is_quiet) {
		syslog(LOG_DAEMON | LOG_NOTICE, "%s: %s", carrier->record.name, what);
	} else {
		out_notice(carrier->tool->io, "%s: %s", carrier->record.name, what);
	}
}

/* ------------------------------------------------------------------ messages */

/* Says why the record of the link could not be made. CSMCTL_FAILED. */
static int complain_name(struct carrier *carrier, int error)
{
	struct io *io = carrier->tool->io;
	const char *name = carrier->tool->options->args[1];

	switch (error) {
	case -EEXIST:
		return out_error(io, CSMCTL_FAILED,
				 "%s: a link of this name exists; see csmctl link list", name);
	case -EADDRINUSE:
		return out_error(io, CSMCTL_FAILED, "%s: there is a link to this realm: %s", name,
				 carrier->record.name);
	default:
		return complain_file(carrier->tool->io, link_folder, -error);
	}
}

/* Says why the interface could not be made. CSMCTL_FAILED. */
static int complain_port(struct carrier *carrier, int error)
{
	struct io *io = carrier->tool->io;

	switch (error) {
	case -ENOENT:
		return out_error(io, CSMCTL_FAILED,
				 "there is no /dev/net/tun: load the module tun");
	case -EPERM:
	case -EACCES:
		return out_error(io, CSMCTL_FAILED, "/dev/net/tun: not allowed to this user");
	case -EEXIST:
		return out_error(io, CSMCTL_FAILED, "%s: an interface of this name exists",
				 carrier->record.name);
	default:
		return complain_file(carrier->tool->io, carrier->record.name, -error);
	}
}

/* Says why there are no sockets to the peer. CSMCTL_FAILED. */
static int complain_vsock(struct carrier *carrier, int error)
{
	struct io *io = carrier->tool->io;

	switch (error) {
	case -ENOENT:
		return out_error(io, CSMCTL_FAILED,
				 "there is no /dev/csm-vsock: load the module caec_vsock");
	case -EPERM:
	case -EACCES:
		return out_error(io, CSMCTL_FAILED, "/dev/csm-vsock: not allowed to this user");
	case -EADDRINUSE:
		return out_error(io, CSMCTL_FAILED,
				 "%s: another link has the CID %" PRIu32 ": choose one with --cid",
				 carrier->record.name, carrier->cid);
	default:
		return complain_file(io, "/dev/csm-vsock", -error);
	}
}

/* Says why no session begins, and what to do about it. CSMCTL_FAILED. */
static int complain_join(struct carrier *carrier, int error, uint64_t revision)
{
	struct io *io = carrier->tool->io;

	if (error == -EAGAIN) {
		return out_error(io, CSMCTL_FAILED,
				 "%s: realm %016" PRIx64
				 " has not joined: is csmctl link up running "
				 "there for this realm, and do both meet each other's policy?",
				 carrier->record.name, carrier->record.peer);
	}
	if (error == -EPROTO && revision != 0) {
		return out_error(io, CSMCTL_FAILED,
				 "%s: the peer has revision %" PRIu64
				 " of the link, this csmctl has "
				 "revision %u",
				 carrier->record.name, revision, LINK_REVISION);
	}
	return complain(carrier->tool->io, carrier->record.name, error);
}

/* ---------------------------------------------------------------------- carry */

/* The interface works: who started the link gets its prompt back. */
static void report_ready(struct carrier *carrier)
{
	if (carrier->ready >= 0) {
		const char done = CSMCTL_OK;

		if (write(carrier->ready, &done, 1) == 1 && freopen("/dev/null", "r+", stdout) &&
		    freopen("/dev/null", "r+", stderr)) {
			carrier->is_quiet = true;
		}
		close(carrier->ready);
		carrier->ready = -1;
	}
}

static void show(struct io *io, const struct link_record *record)
{
	out_begin(io);
	out_text(io, "link", record->name);
	out_id(io, "peer", record->peer);
	out_text(io, "state", record->is_up ? "up" : "waiting");
	out_text(io, "address", record->address);
	out_text(io, "peer_address", record->peer_address);
	out_end(io);
}

/*
 * The port of a link is an interface for all sessions, which is up during each, or a device of
 * vsock for one session: connections are reset when it is closed.
 */
static int port_up(struct carrier *carrier)
{
	if (!carrier->cid) {
		return tun_up(carrier->record.name, carrier->addresses, carrier->num_addresses);
	}
	return vsock_open(carrier->cid, &carrier->link->port);
}

static void port_down(struct carrier *carrier)
{
	if (carrier->cid && carrier->link->port >= 0) {
		close(carrier->link->port);
		carrier->link->port = -1;
	} else if (!carrier->cid && tun_down(carrier->record.name) == -EOPNOTSUPP) {
		say(carrier, "the kernel cannot end connections: load the module tcp_diag");
	}
}

/* Carries packets with the port up. Returns why the session ended. */
static int carry(struct carrier *carrier)
{
	struct link_record *record = &carrier->record;
	int ret = port_up(carrier);

	if (ret == 0) {
		record->is_up = true;
		link_record_write(carrier->record_fd, record);
		if (carrier->ready >= 0) {
			show(carrier->tool->io, record);
			report_ready(carrier);
		} else {
			say(carrier, "up");
		}
		ret = link_carry(carrier->link);
	}
	record->is_up = false;
	link_record_write(carrier->record_fd, record);
	port_down(carrier);
	return ret;
}

/*
 * One session after another, until the link is to end. The first must begin within the time limit;
 * later ones wait for the peer to come back.
 */
static int carry_all(struct carrier *carrier)
{
	int timeout = carrier->tool->options->timeout;

	for (;;) {
		uint64_t revision = 0;
		int ret = link_begin(carrier->link);

		if (ret < 0) {
			link_end(carrier->link);
			return complain_join(carrier, ret, revision);
		}
		ret = link_join(carrier->link, timeout, &revision);
		if (ret == 0) {
			timeout = -1;
			ret = carry(carrier);
			link_end(carrier->link);
			if (ret == -ECANCELED) {
				return CSMCTL_OK;
			}
			say(carrier, ret == -EPROTO ? "down: the peer has violated the protocol"
						    : "down: the peer has ended the link");
			continue;
		}
		link_end(carrier->link);
		if (ret == -ECANCELED) {
			return CSMCTL_OK;
		}
		/* A peer that ended while this side was about to begin may come back, too. */
		if (ret != -ENOTCONN) {
			return complain_join(carrier, ret, revision);
		}
	}
}

/* A descriptor that is readable when the process is to end. */
static int stop_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * Opens the port; that of vsock only to see that it can be had, before the peer is waited for. 0,
 * or CSMCTL_FAILED after a message.
 */
static int open_port(struct carrier *carrier)
{
	int ret;

	if (!carrier->cid) {
		ret = tun_open(carrier->record.name, &carrier->port);
		return ret < 0 ? complain_port(carrier, ret) : 0;
	}
	ret = vsock_open(carrier->cid, &carrier->port);
	if (ret < 0) {
		return complain_vsock(carrier, ret);
	}
	close(carrier->port);
	carrier->port = -1;
	return 0;
}

/* With the device open and the record locked. CSMCTL_*. */
static int carry_link(struct carrier *carrier)
{
	const struct options *o = carrier->tool->options;
	int ret = open_port(carrier);

	if (ret != 0) {
		return ret;
	}
	carrier->link = calloc(1, sizeof(*carrier->link));
	if (!carrier->link) {
		close(carrier->port);
		return complain(carrier->tool->io, carrier->record.name, -ENOMEM);
	}
	carrier->link->csm = carrier->tool->csm;
	carrier->link->peer = carrier->record.peer;
	carrier->link->policy = o->has_policy ? &o->policy : NULL;
	carrier->link->port = carrier->port;
	carrier->link->kind = carrier->cid ? &vsock_kind : NULL;
	carrier->link->stop = stop_signals();
	ret = carry_all(carrier);
	close(carrier->link->stop);
	free(carrier->link);
	if (carrier->port >= 0) {
		close(carrier->port);
	}
	return ret;
}

/* ------------------------------------------------------------------------- up */

/* The link's addresses: this realm's, then those of the command line. */
static void set_addresses(struct carrier *carrier)
{
	const struct options *o = carrier->tool->options;
	struct tun_address peer = tun_link_local(carrier->record.peer);
	struct link_record *record = &carrier->record;

	if (o->vsock) {
		carrier->cid = o->cid ? (uint32_t)o->cid : vsock_cid(record->peer);
		snprintf(record->address, sizeof(record->address), LINK_VSOCK_ADDRESS "2");
		snprintf(record->peer_address, sizeof(record->peer_address),
			 LINK_VSOCK_ADDRESS "%" PRIu32, carrier->cid);
		return;
	}
	carrier->addresses[0] = tun_link_local(csm_id(carrier->tool->csm));
	memcpy(&carrier->addresses[1], o->addresses,
	       (size_t)o->num_addresses * sizeof(o->addresses[0]));
	carrier->num_addresses = 1 + (unsigned int)o->num_addresses;
	tun_text(&carrier->addresses[0], carrier->record.address);
	tun_text(&peer, carrier->record.peer_address);
}

/* Runs in the process that carries the link. CSMCTL_*. */
static int run_link(struct tool *tool, struct link_record record, int ready)
{
	struct carrier carrier = {.tool = tool, .record = record, .ready = ready};
	int ret = tool_open(tool);

	if (ret != 0) {
		return ret;
	}
	if (csm_id(tool->csm) == record.peer) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "a link needs another realm; this one is %016" PRIx64,
				 record.peer);
	}
	carrier.record.pid = getpid();
	set_addresses(&carrier);
	carrier.record_fd = link_record_new(&carrier.record);
	if (carrier.record_fd < 0) {
		return complain_name(&carrier, carrier.record_fd);
	}
	ret = carry_link(&carrier);
	link_record_end(carrier.record_fd, &carrier.record);
	return ret;
}

/* Waits until the child says that the link is up, or has ended with a status. */
static int wait_for_child(pid_t child, int ready)
{
	char done;
	int status = 0;
	ssize_t size;

	do {
		size = read(ready, &done, 1);
	} while (size < 0 && errno == EINTR);
	close(ready);
	if (size == 1) {
		return CSMCTL_OK;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : CSMCTL_FAILED;
}

/* libcsm has no handles that outlive fork(): the child opens the device. */
static int run_in_background(struct tool *tool, const struct link_record *record)
{
	int pipes[2];
	pid_t child;

	if (pipe(pipes) != 0) {
		return complain(tool->io, record->name, -errno);
	}
	fflush(NULL);
	child = fork();
	if (child < 0) {
		close(pipes[0]);
		close(pipes[1]);
		return complain(tool->io, record->name, -errno);
	}
	if (child > 0) {
		close(pipes[1]);
		return wait_for_child(child, pipes[0]);
	}
	close(pipes[0]);
	setsid();
	if (chdir("/") != 0 || !freopen("/dev/null", "r", stdin)) {
		_exit(CSMCTL_FAILED);
	}
	exit(run_link(tool, *record, pipes[1]));
}

/*
 * Checks the command line and starts the link; returns when it is up, or with --foreground when it
 * has ended. CSMCTL_*.
 */
static int link_up(struct tool *tool)
{
	const struct options *o = tool->options;
	struct link_record record = {0};

	if (o->num_args != 3 || !link_is_name(o->args[1]) || !parse_id(o->args[2], &record.peer)) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "link up needs a NAME (up to 15 letters, digits, - _ .) "
				 "and a REALM");
	}
	if (o->vsock ? o->num_addresses != 0 : o->cid != 0) {
		return out_error(tool->io, CSMCTL_USAGE,
				 o->vsock ? "--address is not for a link with --vsock"
					  : "--cid is only for a link with --vsock");
	}
	snprintf(record.name, sizeof(record.name), "%s", o->args[1]);
	return o->foreground ? run_link(tool, record, -1) : run_in_background(tool, &record);
}

/* ----------------------------------------------------------------- down, list */

/* Asks the process of a link to end and waits until it has. CSMCTL_*. */
static int link_down(struct tool *tool)
{
	const struct options *o = tool->options;
	struct csm_deadline deadline = csm_deadline_in(o->timeout);
	struct link_record record;
	int ret;

	if (o->num_args != 2 || !link_is_name(o->args[1])) {
		return out_error(tool->io, CSMCTL_USAGE, "link down needs the NAME of a link");
	}
	ret = link_record_find(o->args[1], &record);
	if (ret == -ENOENT) {
		return out_error(tool->io, CSMCTL_FAILED, "%s: no such link", o->args[1]);
	}
	if (ret == 0 && kill(record.pid, SIGTERM) != 0) {
		ret = -errno;
	}
	while (ret == 0 && link_record_find(o->args[1], &record) == 0) {
		int left = csm_deadline_left(&deadline, DOWN_LOOK_MS);

		ret = left ? 0 : -EAGAIN;
		usleep((useconds_t)left * 1000);
	}
	return ret ? complain(tool->io, o->args[1], ret) : CSMCTL_OK;
}

static int show_one(void *arg, const struct link_record *record)
{
	show(arg, record);
	return 0;
}

static int link_list(struct tool *tool)
{
	int ret;

	out_begin(tool->io);
	out_list_begin(tool->io, "links");
	ret = link_record_each(show_one, tool->io);
	out_list_end(tool->io);
	out_end(tool->io);
	return ret < 0 ? complain_file(tool->io, link_folder, -ret) : CSMCTL_OK;
}

int cmd_link(struct tool *tool)
{
	const char *what = tool->options->args[0];

	if (strcmp(what, "up") == 0) {
		return link_up(tool);
	}
	if (strcmp(what, "down") == 0) {
		return link_down(tool);
	}
	if (strcmp(what, "list") == 0 && tool->options->num_args == 1) {
		return link_list(tool);
	}
	return out_error(tool->io, CSMCTL_USAGE, "link is followed by up, down or list");
}
