// SPDX-License-Identifier: BSD-3-Clause
/* The thread of one vCPU. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "abi/rmi.h"
#include "machine.h"
#include "say.h"

#define TIMER_VIRTUAL  27u
#define TIMER_PHYSICAL 30u

/* Of the syndrome of a system register access: op0, op2, op1, CRn and CRm. */
#define SYSREG_MASK UINT64_C(0x3ffc1e)
#define SYSREG(o0, o1, n, m, o2)                                              \
	((UINT64_C(o0) << 20) | (UINT64_C(o2) << 17) | (UINT64_C(o1) << 14) | \
	 (UINT64_C(n) << 10) | (UINT64_C(m) << 1))
#define ICC_SGI1R SYSREG(3, 0, 12, 11, 5)

static unsigned int lr_count(const struct caec_run *run)
{
	return run->num_lrs < GIC_MAX_LRS ? run->num_lrs : GIC_MAX_LRS;
}

/* Caller holds the lock. */
static void before_run(struct machine_vcpu *v)
{
	struct gic *gic = &v->machine->gic;
	struct caec_run *run = v->machine->realm.run[v->index];

	run->gic_hcr = gic_fill(gic, v->index, run->gic_lr, lr_count(run));
	run->timer_enabled = gic_private_enabled(gic, v->index);
	run->timer_priority[0] = gic_private_priority(gic, v->index, TIMER_VIRTUAL);
	run->timer_priority[1] = gic_private_priority(gic, v->index, TIMER_PHYSICAL);
	v->running = true;
}

/*
 * Carries out an access to a device; one to nothing becomes an abort of the realm. Needs the lock.
 */
static void mmio(struct machine_vcpu *v, struct caec_run *run)
{
	uint64_t value = run->u.mmio.data;
	bool write = run->u.mmio.flags & CAEC_MMIO_WRITE;

	v->mmio++;
	if (machine_mmio(v->machine, v->index, run->u.mmio.ipa, run->u.mmio.len, write, &value)) {
		run->u.mmio.data = value;
	} else {
		run->u.mmio.flags |= CAEC_MMIO_ABORT;
	}
	/* Any access may have made room for input. */
	if (v->machine->starved) {
		v->machine->starved = false;
		machine_wake_io(v->machine);
	}
}

static void sysreg(struct machine_vcpu *v, struct caec_run *run)
{
	bool read = run->u.sysreg.flags & CAEC_SYSREG_READ;

	if (!read && (run->u.sysreg.esr & SYSREG_MASK) == ICC_SGI1R) {
		gic_sgi(&v->machine->gic, v->index, run->u.sysreg.value);
	} else if (read) {
		run->u.sysreg.value = 0;
	}
}

static void report(struct machine_vcpu *v, const struct caec_run *run, const char *what)
{
	say("rvm: %s: vCPU %u: %s (syndrome %#" PRIx64 ", address %#" PRIx64 ")\r\n",
	    v->machine->options->name, v->index, what, run->u.fault.esr, run->u.fault.ipa);
	machine_finish(v->machine, MACHINE_FAILED);
}

/* Acts on the reason for which the vCPU has left the realm. Needs the lock. */
static void handle(struct machine_vcpu *v, struct caec_run *run)
{
	struct machine *m = v->machine;

	switch (run->exit_reason) {
	case CAEC_EXIT_MMIO:
		mmio(v, run);
		break;
	case CAEC_EXIT_SYSREG:
		sysreg(v, run);
		break;
	case CAEC_EXIT_HOST_CALL:
		memset(run->u.host_call.gprs, 0, sizeof(run->u.host_call.gprs)); /* none offered */
		break;
	case CAEC_EXIT_CSM_SIGNAL:
		gic_pulse(&m->gic, LAYOUT_CSM_INTID);
		break;
	case CAEC_EXIT_SYSTEM_OFF:
		machine_finish(m, MACHINE_OFF);
		break;
	case CAEC_EXIT_SYSTEM_RESET:
		machine_finish(m, MACHINE_RESET);
		break;
	case CAEC_EXIT_FAULT:
		report(v, run, "the realm uses memory that it does not have");
		break;
	case CAEC_EXIT_SERROR:
		report(v, run, "the realm caused a system error");
		break;
	case CAEC_EXIT_UNKNOWN:
		report(v, run, "the realm left for an unknown reason");
		break;
	default:
		break; /* KICK, GIC, ENDED: the next fill, or the end of the machine, follows */
	}
}

static void failed(struct machine_vcpu *v, int error)
{
	char text[REALM_EXPLANATION];
	bool more = realm_explain(&v->machine->realm, error, text, sizeof(text));

	say("rvm: %s: vCPU %u cannot run: %s%s%s\r\n", v->machine->options->name, v->index,
	    strerror(error), more ? "; " : "", text);
	machine_finish(v->machine, MACHINE_FAILED);
}

/* What a bell has begun and one burst was not enough for; others have their turn in between. */
static void go_on(struct machine *m)
{
	while (!machine_ends(m) && machine_go_on(m)) {
		machine_unlock(m);
		machine_lock(m);
	}
}

void *machine_vcpu_thread(void *ctx)
{
	struct machine_vcpu *v = ctx;
	struct machine *m = v->machine;
	struct caec_run *run = m->realm.run[v->index];

	machine_lock(m);
	run->num_lrs =
		(uint32_t)ABI_FIELD_GET(RMI_FEATURE0_GICV3_NUM_LRS, m->realm.info.features0) + 1;
	while (!machine_ends(m)) {
		int error;

		before_run(v);
		machine_unlock(m);
		error = realm_run(&m->realm, v->index);
		machine_lock(m);
		v->running = false;
		gic_drain(&m->gic, v->index, run->gic_lr, lr_count(run));
		if (error == 0) {
			handle(v, run);
			if (run->exit_reason == CAEC_EXIT_ENDED) {
				break;
			}
			go_on(m);
		} else if (error != EINTR) {
			failed(v, error);
		}
	}
	machine_unlock(m);
	return NULL;
}
