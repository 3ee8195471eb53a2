// SPDX-License-Identifier: BSD-3-Clause
/*
 * A realm through the host module: the ioctls of abi/uapi/caec_host.h, with failures put into
 * words.
 */
#ifndef VMM_REALM_H
#define VMM_REALM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/uapi/caec_host.h"
#include "layout/layout.h"
#include "mlog.h"
#include "options.h"

struct realm {
	int device;
	int kvm; /* an empty KVM machine: keeps the timer interrupts of the host enabled */
	int fd;
	int vcpu_fd[LAYOUT_MAX_CPUS];
	struct caec_run *run[LAYOUT_MAX_CPUS];
	unsigned int num_vcpus;
	struct caec_info info;
	uint8_t *shared; /* the RAM as far as it is shared */
	uint64_t shared_size;
	bool quiet;
	const char *name;
	atomic_int *end;         /* not 0: whoever builds the realm stops, without a message */
	uint64_t populate_total; /* for the progress message */
	uint64_t populate_done;
	unsigned int percent;
	struct mlog log;
};

/* Each prints why it failed. realm_close undoes what has been done, whatever that is. */
void realm_init(struct realm *r);
bool realm_open(struct realm *r);
bool realm_build(struct realm *r, const struct options *o, const struct layout_config *config,
		 const struct layout *layout, struct layout_file dtb);
void realm_close(struct realm *r);

/*
 * Into text, of size bytes: what an errno of a call on the realm's or a vCPU's file means and what
 * to do, and where the RMM refused something, which command and how. False: there is nothing to say
 * beyond strerror().
 */
#define REALM_EXPLANATION 320
bool realm_explain(const struct realm *r, int error, char *text, size_t size);

/* Runs vCPU cpu until realm->run[cpu]->exit_reason says why it came back: 0, or an errno value. */
int realm_run(struct realm *r, unsigned int cpu);
void realm_kick(struct realm *r, unsigned int cpu);

#endif
