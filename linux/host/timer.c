// SPDX-License-Identifier: GPL-2.0-only
/*
 * List registers and the two EL1 timers. List registers are the only record of interrupts in
 * flight; the timers' interrupts are put there by the module, everything else by the user.
 */
#include <asm/arch_timer.h>
#include <linux/math64.h>

#include "caec.h"

#define LR_PENDING     (1ULL << 62)
#define LR_ACTIVE      (1ULL << 63)
#define LR_STATE       (LR_PENDING | LR_ACTIVE)
#define LR_HW          (1ULL << 61)
#define LR_GROUP1      (1ULL << 60)
#define LR_EOI         (1ULL << 41)
#define LR_PRIORITY(p) ((u64)(p) << 48)
#define LR_VINTID(lr)  ((u32)(lr))

#define INTID_SPECIAL 1020 /* from here to the first LPI no interrupt has a number */
#define INTID_LPI     8192

#define HCR_UIE  (1ULL << 1)
#define MISR_EOI (1ULL << 0)

#define CTL_ENABLE  (1ULL << 0)
#define CTL_IMASK   (1ULL << 1)
#define CTL_ISTATUS (1ULL << 2)

static const u32 timer_intid[2] = {27, 30};

static bool is_timer(u64 lr)
{
	return LR_VINTID(lr) == timer_intid[0] || LR_VINTID(lr) == timer_intid[1];
}

static bool asserted(const struct caec_timer *timer)
{
	return (timer->ctl & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)) == (CTL_ENABLE | CTL_ISTATUS);
}

static bool wanted(struct caec_vcpu *vcpu, int which)
{
	return asserted(&vcpu->timer[which]) && (vcpu->timer_enabled & BIT(timer_intid[which]));
}

static u64 *find_lr(struct caec_vcpu *vcpu, u32 intid)
{
	unsigned int i;

	for (i = 0; i < caec_rmm.num_lrs; i++) {
		if ((vcpu->lr[i] & LR_STATE) && LR_VINTID(vcpu->lr[i]) == intid) {
			return &vcpu->lr[i];
		}
	}
	return NULL;
}

static u64 *free_lr(struct caec_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < caec_rmm.num_lrs; i++) {
		if (!(vcpu->lr[i] & LR_STATE)) {
			return &vcpu->lr[i];
		}
	}
	return NULL;
}

/*
 * The EOI bit makes the realm leave when it ends the interrupt. That exit is needed: the RMM keeps
 * a timer that was asserted at entry masked until the next entry, so a timer that the handler sets
 * again would stay silent.
 */
static void place(struct caec_vcpu *vcpu, int which)
{
	u64 *lr = free_lr(vcpu);

	if (!lr) {
		caec_count(vcpu->realm, CAEC_COUNT_TIMER_FULL);
		vcpu->run->enter.gicv3_hcr |= HCR_UIE;
		return;
	}
	*lr = LR_PENDING | LR_GROUP1 | LR_EOI | LR_PRIORITY(vcpu->timer_priority[which]) |
	      timer_intid[which];
	caec_count(vcpu->realm, CAEC_COUNT_TIMER);
}

/* Before each entry: brings the timers' list registers in line with their outputs. */
void caec_timer_inject(struct caec_vcpu *vcpu)
{
	int which;

	for (which = 0; which < 2; which++) {
		u64 *lr = find_lr(vcpu, timer_intid[which]);

		if (wanted(vcpu, which)) {
			if (!lr) {
				place(vcpu, which);
			}
		} else if (lr && !(*lr & LR_ACTIVE)) {
			*lr = 0;
		}
	}
}

/* True when the realm would leave WFI at once. */
bool caec_timer_interrupt_pending(struct caec_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < caec_rmm.num_lrs; i++) {
		if (vcpu->lr[i] & LR_PENDING) {
			return true;
		}
	}
	return wanted(vcpu, 0) || wanted(vcpu, 1);
}

static bool armed(struct caec_vcpu *vcpu, int which)
{
	return (vcpu->timer[which].ctl & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)) == CTL_ENABLE &&
	       (vcpu->timer_enabled & BIT(timer_intid[which]));
}

/*
 * How long until the first timer expires that can wake the vCPU, at most until the counter is
 * `until`; KTIME_MAX if neither. The realm's virtual counter is the physical one.
 */
ktime_t caec_timer_sleep_time(struct caec_vcpu *vcpu, u64 until)
{
	u64 now = __arch_counter_get_cntpct();
	u64 first = until;
	int which;

	for (which = 0; which < 2; which++) {
		if (armed(vcpu, which)) {
			first = min(first, vcpu->timer[which].cval);
		}
	}
	if (first == U64_MAX) {
		return KTIME_MAX;
	}
	if (first <= now) {
		return 0;
	}
	/* Half a million years are as good as no limit, and this cannot overflow. */
	first = mul_u64_u64_div_u64(first - now, NSEC_PER_SEC, arch_timer_get_cntfrq());
	return min_t(u64, first, KTIME_MAX / 2);
}

/* The sleep is over: what has expired meanwhile shows in the copy, so that it is injected. */
void caec_timer_expire(struct caec_vcpu *vcpu)
{
	u64 now = __arch_counter_get_cntpct();
	int which;

	for (which = 0; which < 2; which++) {
		if (armed(vcpu, which) && vcpu->timer[which].cval <= now) {
			vcpu->timer[which].ctl |= CTL_ISTATUS;
		}
	}
}

/*
 * Whether the user's list registers can be right on any machine: no hardware interrupt, no number
 * that no interrupt has, none twice. Bits of priority and number that this machine lacks are left
 * to the RMM (RMM specification, A6.1.4).
 */
bool caec_lr_valid(const struct caec_vcpu *vcpu)
{
	unsigned int i, k;

	for (i = 0; i < caec_rmm.num_lrs; i++) {
		u64 lr = vcpu->lr[i];
		u32 intid = LR_VINTID(lr);

		if (!(lr & LR_STATE)) {
			continue;
		}
		if (lr & LR_HW || (intid >= INTID_SPECIAL && intid < INTID_LPI)) {
			return false;
		}
		for (k = 0; k < i; k++) {
			if (vcpu->lr[k] & LR_STATE && LR_VINTID(vcpu->lr[k]) == intid) {
				return false;
			}
		}
	}
	return true;
}

/*
 * After an exit: the list registers come back, those that are no longer valid as zero (left alone,
 * their EOI bit would keep the maintenance interrupt up). True when the user has to act: one of its
 * interrupts was ended, or a condition it asked for in gic_hcr holds.
 */
bool caec_lr_collect(struct caec_vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	bool tell = vcpu->hcr && (exit->gicv3_misr & ~MISR_EOI);
	unsigned int i;

	for (i = 0; i < caec_rmm.num_lrs; i++) {
		u64 lr = exit->gicv3_lrs[i];

		if (lr & LR_STATE) {
			vcpu->lr[i] = lr;
			continue;
		}
		tell |= (lr & LR_EOI) && !is_timer(lr);
		vcpu->lr[i] = 0;
	}
	return tell;
}
