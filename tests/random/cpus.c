// SPDX-License-Identifier: BSD-3-Clause
#include "cpus.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "sim/sim.h"

struct cpu {
	pthread_t thread;
	unsigned int index;
	sem_t go;
	sem_t done;
	uint64_t fid;
	uint64_t args[5];
	struct sim_answer answer;
	bool in_realm;
	const struct m_action *action;
	/* What the realm sees. */
	struct m_seen view;
	uint64_t gprs[RMI_EXIT_GPRS];
};

static struct cpu cpus[M_CPUS];
static __thread struct cpu *self;

static void take_view(const struct arch_vcpu *vcpu)
{
	const struct arch_el1 *el1 = machine_el1();

	memcpy(self->gprs, vcpu->gprs, sizeof(self->gprs));
	self->view = (struct m_seen){
		.running = true,
		.gprs = self->gprs,
		.pc = vcpu->pc,
		.pstate = vcpu->pstate,
		.elr_el1 = el1->elr_el1,
		.esr_el1 = el1->esr_el1,
		.far_el1 = el1->far_el1,
		.condition = machine_last_failure(),
	};
}

/* The realm: shows what it sees, and waits for what it shall do. */
static enum arch_exit run(struct arch_vcpu *vcpu, struct arch_exit_info *info)
{
	const struct m_action *action;

	take_view(vcpu);
	self->in_realm = true;
	sem_post(&self->done);
	sem_wait(&self->go);
	self->in_realm = false;

	action = self->action;
	machine_command_begin();
	memcpy(vcpu->gprs, action->x, action->count * sizeof(action->x[0]));
	*info = (struct arch_exit_info){
		.esr = action->esr,
		.far = action->far,
		.hpfar = action->ipa >> 8 & ~UINT64_C(0xF),
	};
	if (action->act == M_ACT_HVC) {
		vcpu->pc += 4; /* the return address that the CPU gives */
	}
	return action->act == M_ACT_IRQ   ? ARCH_EXIT_IRQ
	       : action->act == M_ACT_FIQ ? ARCH_EXIT_FIQ
					  : ARCH_EXIT_SYNC;
}

static void *work(void *argument)
{
	self = argument;
	machine_cpu_enter(self->index);
	for (;;) {
		sem_wait(&self->go);
		self->answer = sim_call(self->fid, self->args, 5);
		sem_post(&self->done);
	}
	return NULL;
}

void cpus_start(void)
{
	machine_on_run = run;
	for (unsigned int i = 1; i < M_CPUS; i++) {
		cpus[i].index = i;
		SIM_CHECK(sem_init(&cpus[i].go, 0, 0) == 0);
		SIM_CHECK(sem_init(&cpus[i].done, 0, 0) == 0);
		SIM_CHECK(pthread_create(&cpus[i].thread, NULL, work, &cpus[i]) == 0);
	}
}

bool cpus_in_realm(unsigned int cpu)
{
	return cpus[cpu].in_realm;
}

static void take_answer(const struct sim_answer *answer, struct m_seen *seen)
{
	*seen = (struct m_seen){.answer.condition = answer->condition};
	memcpy(seen->answer.x, answer->x, sizeof(seen->answer.x));
}

static void wait_for(struct cpu *cpu, struct m_seen *seen)
{
	sem_post(&cpu->go);
	sem_wait(&cpu->done);
	if (cpu->in_realm) {
		*seen = cpu->view;
	} else {
		take_answer(&cpu->answer, seen);
	}
}

void cpus_call(unsigned int cpu, uint64_t fid, const uint64_t args[5], struct m_seen *seen)
{
	struct sim_answer answer;

	if (cpu == 0) {
		answer = sim_call(fid, args, 5);
		take_answer(&answer, seen);
		return;
	}
	cpus[cpu].fid = fid;
	memcpy(cpus[cpu].args, args, sizeof(cpus[cpu].args));
	wait_for(&cpus[cpu], seen);
}

void cpus_act(unsigned int cpu, const struct m_action *action, struct m_seen *seen)
{
	cpus[cpu].action = action;
	wait_for(&cpus[cpu], seen);
}
