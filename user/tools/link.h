/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What csmctl link keeps of each link: a file NAME in the folder link_folder, locked by the process
 * that carries the link's packets for as long as it lives.
 */
#ifndef CSMCTL_LINK_H
#define CSMCTL_LINK_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* /run/csm; tests have another. */
extern const char *link_folder;

#define LINK_VSOCK_ADDRESS "vsock:"

/* A link as its file describes it. */
struct link_record {
	char name[IFNAMSIZ];
	uint64_t peer;
	pid_t pid;
	bool is_up;
	/* Link-local addresses of the interface; LINK_VSOCK_ADDRESS and the CID without one. */
	char address[INET6_ADDRSTRLEN], peer_address[INET6_ADDRSTRLEN];
};

/* True if an interface can have the name, and a file too. */
bool link_is_name(const char *name);

/*
 * Locks and writes the file of a new link. Returns its descriptor, which holds the lock until it is
 * closed; -EEXIST: a link has this name; -EADDRINUSE: another link has this peer, whose name is in
 * record->name then; or a negative errno of the folder or the file.
 */
int link_record_new(struct link_record *record);

/* Writes a changed record. 0 or a negative errno. */
int link_record_write(int fd, const struct link_record *record);

/* Removes the file and closes its descriptor. */
void link_record_end(int fd, const struct link_record *record);

/* The record of a link that a process carries; -ENOENT: there is none. */
int link_record_find(const char *name, struct link_record *out);

/*
 * Calls each(arg, record) for every link that a process carries, sorted by name, until it returns
 * non-zero, which is returned.
 */
int link_record_each(int (*each)(void *arg, const struct link_record *record), void *arg);

#endif
