// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes the place of rsi.c, so that the rest of the module runs on a stock kernel in an ordinary
 * virtual machine: an RMM with two realms, one of which is this one. The other, PEER, offers
 *
 *   region 1: 4 MiB, read and write
 *   region 2: 64 KiB, read only, sealed
 *   region 3: 1000 MiB, read and write: more than there is memory behind the window, so that its
 * end gives external aborts, as withdrawn memory does
 *   regions 4 to 9: files, read only but for 9, or what a hostile provider has instead (theirs[])
 *
 * It has the grants that this realm gives it, and answers each signal: bits up to 39 come back,
 * with bit 39 without an interrupt, as a host does that drops it; bit 40 ends the attachment's
 * region; bit 41 kills the peer, for this region; bit 42 sends 300 signals from as many peers.
 * Every long command wants to be called three times. Parameters of the module make single commands
 * answer any status.
 */
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/moduleparam.h>
#include <linux/of.h>
#include <linux/of_irq.h>

#include "guest.h"

#include "abi/uapi/csmfs.h"

#define SELF    0x1111222233334444ULL
#define PEER    0xaaaabbbbccccddddULL
#define REGIONS 64
#define SIGNALS 512
#define TIMES   3

#define MODEL      0x6c65646f6dULL /* "model" */
#define FILE(size) .magic = CSMFS_TAIL_MAGIC, .length = (size)

static DEFINE_MUTEX(lock);
static struct {
	u64 id, base, size, label;
	bool sealed, granted;
} own[REGIONS];
static struct {
	u64 size, perm, label, base;
	bool sealed, reserved, attached, ended;
	u64 magic, length; /* of the file that is there when it is attached; magic 0: none */
} theirs[] = {
	{},
	{.size = SZ_4M, .perm = 3, .label = 0x656e6f},
	{.size = SZ_64K, .perm = 1, .label = 0x6f7774, .sealed = true},
	{.size = 1000 * SZ_1M, .perm = 3, .label = 0x6565726874},
	{.size = SZ_1M, .perm = 1, .label = MODEL, .sealed = true, FILE(1000003)},
	{.size = SZ_64K, .perm = 1, .label = MODEL, FILE(0)},
	{.size = SZ_64K, .perm = 1, .label = 0x622f61, FILE(17)},              /* a/b */
	{.size = SZ_64K, .perm = 1, .label = 0x676e6f7277, FILE(SZ_64K - 63)}, /* wrong */
	{.size = SZ_64K, .perm = 1, .label = 0x100000000000001},
	{.size = 6 * SZ_1M, .perm = 3, .label = 0x62642e656c626174, FILE(6000000)}, /* table.db */
};
static struct csmdev_regs queue[SIGNALS];
static unsigned int first, queued, called;
static u64 next_id = 1;

int csmdev_rsi_detect(u64 *revision)
{
	*revision = CSM_REVISION;
	return 0;
}

/* "COMMAND STATUS TIMES": the next calls of this RSI_CSM_* command do nothing but answer that. */
static u64 forced, forced_status;
static unsigned int forced_times;

static int set_forced(const char *text, const struct kernel_param *param)
{
	int got;

	mutex_lock(&lock);
	got = sscanf(text, "%lli %lli %u", &forced, &forced_status, &forced_times);
	mutex_unlock(&lock);
	return got == 3 ? 0 : -EINVAL;
}

static const struct kernel_param_ops forced_ops = {.set = set_forced};
module_param_cb(forced_answer, &forced_ops, NULL, 0200);

/*
 * CSM_FLAG_* that RSI_CSM_QUERY shows besides; a state that it shows for PEER's regions; ~0 none.
 */
static unsigned int query_flags;
static unsigned int query_state = CSM_STATE_RESERVED;
static bool query_hides; /* what is there */
module_param(query_flags, uint, 0600);
module_param(query_state, uint, 0600);
module_param(query_hides, bool, 0600);

/* What the host does: the line of the device tree's node is raised. */
static void raise(void)
{
	struct device_node *node = of_find_compatible_node(NULL, NULL, "caec,csm");
	int irq = of_irq_get(node, 0);

	of_node_put(node);
	if (irq > 0) {
		irq_set_irqchip_state(irq, IRQCHIP_STATE_PENDING, true);
	}
}

static void push(u64 from, u64 provider, u64 region, u64 bits)
{
	if (queued < SIGNALS) {
		queue[(first + queued++) % SIGNALS] =
			(struct csmdev_regs){.x = {RSI_SUCCESS, from, provider, region, bits}};
	}
}

static int find_own(u64 id)
{
	int i;

	for (i = 0; i < REGIONS; i++) {
		if (own[i].id == id && id != 0) {
			return i;
		}
	}
	return -1;
}

static int place(u64 provider, u64 region)
{
	return provider == PEER && region >= 1 && region < ARRAY_SIZE(theirs) ? region : 0;
}

/* ------------------------------------------------------------------ provider */

static u64 create(struct csmdev_regs *r)
{
	int i;

	if (!PAGE_ALIGNED(r->x[1]) || !PAGE_ALIGNED(r->x[2]) || r->x[2] == 0) {
		return RSI_ERROR_INPUT;
	}
	for (i = 0; i < REGIONS; i++) {
		if (own[i].id && r->x[1] < own[i].base + own[i].size &&
		    own[i].base < r->x[1] + r->x[2]) {
			return RSI_ERROR_STATE;
		}
	}
	for (i = 0; i < REGIONS && own[i].id; i++) {
	}
	if (i == REGIONS) {
		return CSM_ERROR_NO_SPACE;
	}
	own[i].id = next_id++;
	own[i].base = r->x[1];
	own[i].size = r->x[2];
	own[i].label = r->x[3];
	own[i].sealed = own[i].granted = false;
	r->x[1] = own[i].id;
	return RSI_SUCCESS;
}

static u64 destroy(struct csmdev_regs *r)
{
	int i = find_own(r->x[1]), left = 0, j;

	if (i < 0) {
		return RSI_ERROR_INPUT;
	}
	own[i].id = 0;
	for (j = 0; j < REGIONS; j++) {
		left += own[j].id != 0;
	}
	pr_info("rsi_fake: a region is destroyed, %d left\n", left);
	return RSI_SUCCESS;
}

static u64 share(struct csmdev_regs *r)
{
	const struct rsi_csm_policy *policy = r->x[4] ? phys_to_virt(r->x[4]) : NULL;
	int i = find_own(r->x[1]);

	if (i < 0 || r->x[2] == SELF ||
	    (r->x[2] == 0 && !(policy && policy->flags & CSM_POLICY_RIM))) {
		return RSI_ERROR_INPUT;
	}
	if (policy && (r->x[4] % PAGE_SIZE > PAGE_SIZE - sizeof(*policy) ||
		       policy->version != CSM_POLICY_VERSION)) {
		return RSI_ERROR_INPUT;
	}
	if (r->x[2] == PEER && own[i].granted) {
		return RSI_ERROR_STATE;
	}
	own[i].granted |= r->x[2] == PEER;
	return RSI_SUCCESS;
}

static u64 revoke(struct csmdev_regs *r)
{
	int i = find_own(r->x[1]);

	if (i < 0 || r->x[2] != PEER || !own[i].granted) {
		return RSI_ERROR_INPUT;
	}
	own[i].granted = false;
	return RSI_SUCCESS;
}

static u64 seal(struct csmdev_regs *r)
{
	int i = find_own(r->x[1]);

	if (i < 0) {
		return RSI_ERROR_INPUT;
	}
	if (own[i].sealed) {
		return RSI_ERROR_STATE;
	}
	own[i].sealed = true;
	return RSI_SUCCESS;
}

static u64 digest(struct csmdev_regs *r)
{
	int i = r->x[1] == SELF ? find_own(r->x[2]) : -1;
	bool sealed = i >= 0 ? own[i].sealed : theirs[place(r->x[1], r->x[2])].sealed;

	memset(&r->x[1], 0x5a, 64);
	return sealed ? RSI_SUCCESS : RSI_ERROR_STATE;
}

/* ------------------------------------------------------------------ consumer */

static u64 reserve(struct csmdev_regs *r)
{
	int i = place(r->x[1], r->x[2]);

	if (!i) {
		return CSM_ERROR_ACCESS;
	}
	if (r->x[4] != theirs[i].size || !PAGE_ALIGNED(r->x[3])) {
		return RSI_ERROR_INPUT;
	}
	if (theirs[i].reserved) {
		return RSI_ERROR_STATE;
	}
	theirs[i].reserved = true;
	theirs[i].ended = false;
	theirs[i].base = r->x[3];
	return RSI_SUCCESS;
}

/* What the provider has put there: bytes that depend on their place, and the record of a file. */
static void fill(int i)
{
	struct csmfs_tail tail = {.magic = theirs[i].magic, .length = theirs[i].length};
	u64 *at, j;

	if (!theirs[i].magic) {
		return;
	}
	at = memremap(theirs[i].base, theirs[i].size, MEMREMAP_WB);
	for (j = 0; j < theirs[i].size / sizeof(*at); j++) {
		at[j] = j * 0x9e3779b97f4a7c15ULL;
	}
	memcpy((void *)at + theirs[i].size - sizeof(tail), &tail, sizeof(tail));
	memunmap(at);
}

/* The host needs a moment: the first answers are that it has not taken its pages back. */
static u64 attach(struct csmdev_regs *r)
{
	static int calls;
	int i = place(r->x[1], r->x[2]);

	if (!i || !theirs[i].reserved) {
		return RSI_ERROR_INPUT;
	}
	if (++calls % TIMES) {
		return RSI_ERROR_STATE;
	}
	theirs[i].attached = true;
	fill(i);
	r->x[1] = theirs[i].perm;
	return RSI_SUCCESS;
}

static u64 detach(struct csmdev_regs *r)
{
	int i = place(r->x[1], r->x[2]);

	if (!i || !theirs[i].reserved) {
		return RSI_ERROR_INPUT;
	}
	theirs[i].reserved = theirs[i].attached = theirs[i].ended = false;
	pr_info("rsi_fake: region %d is detached\n", i);
	return RSI_SUCCESS;
}

/* Own regions, then their grants to PEER. */
static u64 record(struct csmdev_regs *r)
{
	u64 kind = r->x[1] ? r->x[1] : CSM_RECORD_REGION;
	u64 after = r->x[1] ? r->x[3] : 0;
	struct csmdev_regs answer = {0};
	int i;

	for (; kind <= CSM_RECORD_GRANT && !answer.x[1]; kind++, after = 0) {
		for (i = 0; i < REGIONS; i++) {
			if (own[i].id > after && (kind == CSM_RECORD_REGION || own[i].granted) &&
			    (!answer.x[1] || own[i].id < answer.x[3])) {
				answer = (struct csmdev_regs){
					.x = {0, rsi_csm_record_pack(kind, 1, kind - 1, 0),
					      kind == CSM_RECORD_GRANT ? PEER : 0, own[i].id,
					      own[i].size}};
			}
		}
	}
	*r = answer;
	return RSI_SUCCESS;
}

static u64 query(struct csmdev_regs *r)
{
	u64 i = r->x[2] ? r->x[2] : 1, count = ARRAY_SIZE(theirs);

	if (query_hides) {
		*r = (struct csmdev_regs){0};
		return RSI_SUCCESS;
	}
	if (r->x[1] == PEER) {
		u64 state = theirs[i % count].reserved ? query_state : CSM_STATE_GRANTED;

		state = theirs[i % count].ended ? CSM_STATE_ENDED : state;
		*r = (struct csmdev_regs){
			.x = {0, i, theirs[i % count].label, theirs[i % count].size,
			      rsi_csm_query_pack(theirs[i % count].perm, state,
						 theirs[i % count].sealed ? CSM_FLAG_SEALED : 0),
			      0, i + 1 < count ? i + 1 : 0}};
		return RSI_SUCCESS;
	}
	if (r->x[1] != SELF) {
		return CSM_ERROR_ACCESS;
	}
	for (i--; i < REGIONS && !own[i].id; i++) {
	}
	*r = (struct csmdev_regs){0};
	if (i < REGIONS) {
		*r = (struct csmdev_regs){
			.x = {0, own[i].id, own[i].label, own[i].size,
			      rsi_csm_query_pack(own[i].sealed ? 1 : 3, CSM_STATE_OWN,
						 query_flags |
							 (own[i].sealed ? CSM_FLAG_SEALED : 0)),
			      own[i].base, i + 1 < REGIONS ? i + 2 : 0}};
	}
	return RSI_SUCCESS;
}

/* ------------------------------------------------------------------- signals */

static u64 send(struct csmdev_regs *r)
{
	u64 peer = r->x[1], provider = r->x[2], region = r->x[3], bits = r->x[4], i;

	if (peer != PEER || (provider == PEER && !theirs[place(provider, region)].attached)) {
		return CSM_ERROR_ACCESS;
	}
	if (bits & BIT_ULL(40)) {
		push(PEER, provider, region, CSM_SIGNAL_REGION_ENDED);
		theirs[place(provider, region)].ended = true;
	} else if (bits & BIT_ULL(41)) {
		push(PEER, provider, region, CSM_SIGNAL_PEER_ENDED);
	} else if (bits & BIT_ULL(42)) {
		for (i = 1; i <= 300; i++) {
			push(i, provider, region, i);
		}
	} else {
		push(PEER, provider, region, bits);
	}
	if (!(bits & BIT_ULL(39))) {
		raise();
	}
	return RSI_SUCCESS;
}

static u64 take(struct csmdev_regs *r)
{
	*r = (struct csmdev_regs){0};
	if (queued) {
		*r = queue[first];
		first = (first + 1) % SIGNALS;
		queued--;
	}
	return RSI_SUCCESS;
}

static u64 peer(struct csmdev_regs *r)
{
	u64 index = r->x[2];

	if (r->x[1] != PEER) {
		return CSM_ERROR_ACCESS;
	}
	memset(&r->x[1], (int)index + 1, 64);
	r->x[9] = RSI_HASH_SHA_512;
	return index <= CSM_PEER_RPV ? RSI_SUCCESS : RSI_ERROR_INPUT;
}

static u64 command(struct csmdev_regs *r)
{
	switch (r->x[0]) {
	case RSI_CSM_SELF_FID:
		r->x[1] = SELF;
		return RSI_SUCCESS;
	case RSI_CSM_SIGNAL_FID:
		return send(r);
	case RSI_CSM_SIGNAL_TAKE_FID:
		return take(r);
	case RSI_CSM_ATTACH_FID:
		return attach(r);
	case RSI_CSM_RESERVE_FID:
		return reserve(r);
	case RSI_CSM_QUERY_FID:
		return query(r);
	case RSI_CSM_RECORD_FID:
		return record(r);
	case RSI_CSM_PEER_FID:
		return peer(r);
	case RSI_CSM_SHARE_FID:
		return share(r);
	default:
		return RSI_INCOMPLETE;
	}
}

static u64 long_command(struct csmdev_regs *r)
{
	if (++called % TIMES) {
		return RSI_INCOMPLETE;
	}
	switch (r->x[0]) {
	case RSI_CSM_CREATE_FID:
		return create(r);
	case RSI_CSM_DESTROY_FID:
		return destroy(r);
	case RSI_CSM_REVOKE_FID:
		return revoke(r);
	case RSI_CSM_SEAL_FID:
		return seal(r);
	case RSI_CSM_DIGEST_FID:
		return digest(r);
	case RSI_CSM_DETACH_AND_FREE_FID:
		return detach(r);
	default:
		return ~0ULL;
	}
}

void csmdev_rsi(struct csmdev_regs *regs)
{
	u64 status;

	mutex_lock(&lock);
	if (forced_times && (regs->x[0] & 0xfff) == forced) {
		forced_times--;
		regs->x[0] = forced_status;
		mutex_unlock(&lock);
		return;
	}
	status = command(regs);
	if (status == RSI_INCOMPLETE) {
		status = long_command(regs);
	}
	regs->x[0] = status;
	mutex_unlock(&lock);
}
