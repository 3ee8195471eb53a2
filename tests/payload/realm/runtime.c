// SPDX-License-Identifier: BSD-3-Clause
#include "runtime.h"
#include "abi/rmi.h"
#include "payload/common/format.h"
#include "payload/common/frame.h"
#include "realm_offsets.h"

#define MAP_WIDTH        48
#define TABLE_ENTRIES    512
#define GIB_SHIFT        30
#define L0_SHIFT         39
#define DESC_TABLE       3UL
#define DESC_BLOCK       0x701UL      /* AF, inner shareable, attribute 0 */
#define MAIR_VALUE       0x0044ffUL   /* write-back, non-cacheable, Device-nGnRnE */
#define TCR_MAP          0x80803510UL /* T0SZ 16, write-back inner shareable walks, EPD1 */
#define TCR_IPS_SHIFT    32
#define PARANGE_48       5
#define SCTLR_MMU_CACHES 0x1005UL
#define ICC_PMR_EL1      "s3_0_c4_c6_0"
#define ICC_IGRPEN1_EL1  "s3_0_c12_c12_7"
#define ICC_IAR1_EL1     "s3_0_c12_c12_0"
#define ICC_EOIR1_EL1    "s3_0_c12_c12_1"
#define SPURIOUS         1020
#define PSTATE_EL1       0x3c5UL /* EL1h, all masked */

typedef void (*program_fn)(const uint64_t *args);

#define DECLARE_PROGRAM(name) void program_##name(const uint64_t *args);
REALM_PROGRAMS(DECLARE_PROGRAM)

#define PROGRAM_ENTRY(name) [PROGRAM_##name] = program_##name,
static const program_fn programs[PROGRAM_COUNT] = {REALM_PROGRAMS(PROGRAM_ENTRY)};

struct vcpu vcpus[REALM_MAX_RECS];
uint8_t stacks[REALM_MAX_RECS][STACK_SIZE] __attribute__((aligned(16)));
uint64_t start_registers[REALM_MAX_RECS][START_REGISTERS_SIZE / 8];
static struct rsi_realm_config config __attribute__((aligned(ABI_GRANULE_SIZE)));
static uint64_t table_0[TABLE_ENTRIES] __attribute__((aligned(ABI_GRANULE_SIZE)));
static uint64_t table_low[TABLE_ENTRIES] __attribute__((aligned(ABI_GRANULE_SIZE)));
static uint64_t table_high[TABLE_ENTRIES] __attribute__((aligned(ABI_GRANULE_SIZE)));

void first_main(void);
void secondary_main(uint64_t context);
void secondary_start(void);
void fetch_el0_done(void);

struct vcpu *this_vcpu(void)
{
	return &vcpus[sysreg_read("mpidr_el1") & 0xf];
}

struct smc_regs rsi_args(uint64_t fid, const uint64_t *args, unsigned count)
{
	struct smc_regs r = {.x[0] = fid};

	for (unsigned i = 0; i < count; i++) {
		r.x[i + 1] = args[i];
	}
	smc_regs(&r);
	return r;
}

/* If the host call itself does not work there is no way to say so: stop where gdb can see it. */
void host_call(unsigned imm)
{
	struct vcpu *vcpu = this_vcpu();

	vcpu->call.imm = (uint16_t)imm;
	if (rsi_call(RSI_HOST_CALL_FID, (uint64_t)&vcpu->call).x[0] != RSI_SUCCESS) {
		for (;;) {
			wfi();
		}
	}
}

uint64_t host_call_values(unsigned imm, uint64_t a, uint64_t b)
{
	struct rsi_host_call *call = &this_vcpu()->call;

	call->gprs[0] = a;
	call->gprs[1] = b;
	host_call(imm);
	return call->gprs[0];
}

void done(uint64_t value)
{
	for (;;) {
		host_call_values(REALM_CALL_DONE, value, 0);
	}
}

static void send_text(unsigned imm, const char *format, va_list args)
{
	struct rsi_host_call *call = &this_vcpu()->call;

	call->gprs[0] = format_text((char *)&call->gprs[1], REALM_TEXT_SIZE, format, args);
	host_call(imm);
}

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	send_text(REALM_CALL_PRINT, format, args);
	va_end(args);
}

static void complain(unsigned imm, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	send_text(imm, format, args);
	va_end(args);
}

bool test_check(bool good, const char *file, int line, const char *text)
{
	if (!good) {
		complain(REALM_CALL_FAIL, "%s:%d: %s", file, line, text);
	}
	return good;
}

bool test_check_eq(uint64_t a, uint64_t b, const char *file, int line, const char *ta,
		   const char *tb)
{
	if (a != b) {
		complain(REALM_CALL_FAIL, "%s:%d: %s = 0x%lx, %s = 0x%lx", file, line, ta, a, tb,
			 b);
	}
	return a == b;
}

bool test_check_ne(uint64_t a, uint64_t b, const char *file, int line, const char *ta,
		   const char *tb)
{
	if (a == b) {
		complain(REALM_CALL_FAIL, "%s:%d: %s and %s are both 0x%lx", file, line, ta, tb, a);
	}
	return a != b;
}

void test_abandon(void)
{
	done(0);
}

struct fault fault_last(void)
{
	return this_vcpu()->fault;
}

static void take_irq(struct vcpu *vcpu)
{
	unsigned intid = (unsigned)sysreg_read(ICC_IAR1_EL1) & 0xffffff;

	if (intid >= SPURIOUS) {
		return;
	}
	vcpu->irqs++;
	vcpu->last_intid = intid;
	sysreg_write(ICC_EOIR1_EL1, intid);
	isb();
}

void exception(struct frame *frame, uint64_t kind)
{
	struct vcpu *vcpu = this_vcpu();

	if (kind == KIND_IRQ) {
		take_irq(vcpu);
		return;
	}
	if (kind == KIND_SYNC && probe_fix_up(frame)) {
		vcpu->fault = (struct fault){frame->esr, frame->far};
		vcpu->faults++;
		return;
	}
	if (kind == KIND_SYNC_EL0) {
		vcpu->fault = (struct fault){frame->esr, frame->far};
		frame->elr = (uint64_t)fetch_el0_done;
		frame->spsr = PSTATE_EL1;
		return;
	}
	complain(REALM_CALL_CRASH, "vcpu %u: vector %lu elr %lx esr %lx far %lx lr %lx",
		 vcpu->index, kind, frame->elr, frame->esr, frame->far, frame->x[30]);
	done(0);
}

/* A vCPU starts as after reset: registers that carry no argument are zero. */
static void prepare(unsigned args)
{
	struct vcpu *vcpu = this_vcpu();

	vcpu->index = (unsigned)(vcpu - vcpus);
	for (unsigned i = args; i < 31; i++) {
		CHECK_EQ(start_registers[vcpu->index][i], 0);
	}
}

void first_main(void)
{
	const uint64_t *first_args = start_registers[0];

	prepare(RMI_REC_CREATE_GPRS);
	if (first_args[0] >= PROGRAM_COUNT) {
		complain(REALM_CALL_CRASH, "no program %lu", first_args[0]);
		done(0);
	}
	programs[first_args[0]](first_args + 1);
	done(0);
}

void secondary_main(uint64_t context)
{
	prepare(1);
	this_vcpu()->fn(context);
	rsi_call(PSCI_CPU_OFF_FID);
	complain(REALM_CALL_CRASH, "CPU_OFF returned");
	done(0);
}

int64_t vcpu_start(unsigned index, void (*fn)(uint64_t), uint64_t arg)
{
	vcpus[index].fn = fn;
	dsb_sy();
	return (int64_t)rsi_call(PSCI_CPU_ON_FID, index, (uint64_t)secondary_start, arg).x[0];
}

unsigned ipa_width(void)
{
	if (config.ipa_width == 0) {
		REQUIRE_EQ(rsi_call(RSI_REALM_CONFIG_FID, (uint64_t)&config).x[0], RSI_SUCCESS);
	}
	return (unsigned)config.ipa_width;
}

uint64_t unprotected_base(void)
{
	return 1UL << (ipa_width() - 1);
}

bool set_ripas(uint64_t base, uint64_t top, uint64_t ripas, uint64_t flags)
{
	while (base < top) {
		struct smc_regs r = rsi_call(RSI_IPA_STATE_SET_FID, base, top, ripas, flags);

		if (r.x[0] != RSI_SUCCESS || r.x[2] != RSI_RESPONSE_ACCEPT || r.x[1] <= base) {
			return false;
		}
		base = r.x[1];
	}
	return true;
}

static void fill_blocks(uint64_t *table, uint64_t base)
{
	for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
		table[i] = (base + ((uint64_t)i << GIB_SHIFT)) | DESC_BLOCK;
	}
}

/* Idempotent, so that every vCPU may call it. */
static void fill_tables(void)
{
	uint64_t high = unprotected_base() >> L0_SHIFT;

	fill_blocks(table_low, 0);
	table_0[0] = (uint64_t)table_low | DESC_TABLE;
	if (high) {
		fill_blocks(table_high, high << L0_SHIFT);
		table_0[high] = (uint64_t)table_high | DESC_TABLE;
	}
	dsb_sy();
}

uint64_t *map_block(uint64_t address, uint64_t bits)
{
	unsigned index = (unsigned)(address >> GIB_SHIFT) % TABLE_ENTRIES;

	table_low[index] = (uint64_t)index << GIB_SHIFT | bits;
	dsb_sy();
	__asm__ volatile("tlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
	return &table_low[index];
}

void mmu_on(void)
{
	uint64_t pa_range = sysreg_read("id_aa64mmfr0_el1") & 0xf;

	_Static_assert(MAP_WIDTH == 64 - (TCR_MAP & 0x3f), "T0SZ");
	pa_range = pa_range < PARANGE_48 ? pa_range : PARANGE_48;
	fill_tables();
	sysreg_write("mair_el1", MAIR_VALUE);
	sysreg_write("tcr_el1", TCR_MAP | pa_range << TCR_IPS_SHIFT);
	sysreg_write("ttbr0_el1", (uint64_t)table_0);
	isb();
	__asm__ volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
	sysreg_write("sctlr_el1", sysreg_read("sctlr_el1") | SCTLR_MMU_CACHES);
	isb();
}

void gic_on(void)
{
	sysreg_write(ICC_PMR_EL1, 0xff);
	sysreg_write(ICC_IGRPEN1_EL1, 1);
	isb();
}
