// SPDX-License-Identifier: BSD-3-Clause
/*
 * Counts executed instructions per exception level and world between markers in the code under
 * test, and at R-EL2 the kinds that hardware charges far more for.
 *
 * A marker is `movz xzr, #number`, which does nothing and which no compiler emits. BEGIN takes x0
 * as the name of the interval (a function id), END as its result; PHASE gives the intervals that
 * follow a name of eight characters from x0; with the name "-" nothing is written. Intervals may
 * nest: one is open for each class that marks. What the host asks for while a realm waits for its
 * answer is the host's, and not counted for the realm: between the realm's marks are its own
 * command and the exits and entries that belong to it.
 *
 * The class of an instruction is that of the CPU when its block is translated (level.h). One line
 * for each interval:
 *
 *     phase name result EL3 R-EL2 R-EL1 R-EL0 NS-EL2 NS-EL1 NS-EL0 other TLBI cache barrier sysreg
 *     exits
 *
 * exits: how often RMI_REC_ENTER returned meanwhile.
 *
 * Usage: -plugin count.so,out=FILE[,profile=FILE]. One virtual CPU only. The profile has a line
 * "phase name address executions" for each instruction of R-EL2 that ran inside an interval.
 */
#include "level.h"

/* Behind the levels: kinds of instructions of R-EL2. */
enum counter {
	TLBI = LEVELS,
	CACHE,
	BARRIER,
	SYSREG,
	COUNTERS,
};

#define MARK_BEGIN 0xCAE0U
#define MARK_END   0xCAE1U
#define MARK_PHASE 0xCAE2U

#define REC_ENTER UINT64_C(0xC400015C)

struct counts {
	uint64_t value[COUNTERS];
};

struct interval {
	int open;
	uint64_t name;
	struct counts at_begin;
	unsigned int exits;
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static struct qemu_plugin_scoreboard *board;
static struct qemu_plugin_register *x0;
static struct interval intervals[LEVELS];
static char phase[9] = "-";
static FILE *out;

/* Executions at R-EL2: a hash table with open addressing; places are claimed and never freed. */
#define PROFILE_PLACES (1U << 20)

struct place {
	uint64_t address;
	uint64_t name;
	char phase[8];
	uint64_t executions;
};

static struct place *places;
static FILE *profile;

static void on_vcpu(qemu_plugin_id_t id, unsigned int vcpu)
{
	(void)id;
	(void)vcpu;
	find_level_registers();
	x0 = find_register("x0");
}

static struct counts counts_now(unsigned int vcpu)
{
	return *(struct counts *)qemu_plugin_scoreboard_find(board, vcpu);
}

static void on_begin(unsigned int vcpu, void *class)
{
	struct interval *interval = &intervals[(uintptr_t)class];

	interval->open = 1;
	interval->name = read_register(x0);
	interval->at_begin = counts_now(vcpu);
	interval->exits = 0;
}

/* A call of the host is over: if a realm waits for its own, it did not ask for this one. */
static void leave_out(const struct interval *host, const struct counts *now)
{
	struct interval *realm = &intervals[R_EL1];

	if (!realm->open) {
		return;
	}
	if (host->name == REC_ENTER) {
		realm->exits++;
		return;
	}
	for (int i = 0; i < COUNTERS; i++) {
		realm->at_begin.value[i] += now->value[i] - host->at_begin.value[i];
	}
}

/* Ends the interval of this level and writes its line: phase, name, X0, counts, exits of a REC. */
static void on_end(unsigned int vcpu, void *class)
{
	struct interval *interval = &intervals[(uintptr_t)class];
	struct counts now = counts_now(vcpu);

	if (!interval->open) {
		return;
	}
	interval->open = 0;
	if ((uintptr_t)class == NS_EL2) {
		leave_out(interval, &now);
	}
	if (phase[0] == '-') {
		return;
	}
	fprintf(out, "%s %08x %llx", phase, (unsigned int)interval->name,
		(unsigned long long)read_register(x0));
	for (int i = 0; i < COUNTERS; i++) {
		fprintf(out, " %llu",
			(unsigned long long)(now.value[i] - interval->at_begin.value[i]));
	}
	fprintf(out, " %u\n", interval->exits);
}

static void on_phase(unsigned int vcpu, void *class)
{
	uint64_t text = read_register(x0);

	(void)vcpu;
	(void)class;
	memcpy(phase, &text, 8);
	phase[8] = '\0';
}

/*
 * The entry of this instruction, interval and phase; a new one if there is none. The table must
 * never be full: it has far more entries than the firmware has instructions.
 */
static struct place *place_of(uint64_t address, uint64_t name)
{
	uint64_t at = (address * 0x9E3779B97F4A7C15U + name * 0xC2B2AE3D27D4EB4FU) >> 40;

	for (;; at++) {
		struct place *place = &places[at % PROFILE_PLACES];

		if (place->executions == 0) {
			place->address = address;
			place->name = name;
			memcpy(place->phase, phase, 8);
			return place;
		}
		if (place->address == address && place->name == name &&
		    memcmp(place->phase, phase, 8) == 0) {
			return place;
		}
	}
}

/* The innermost open interval gets it: a realm marks inside an interval of the host. */
static void on_profiled(unsigned int vcpu, void *address)
{
	const struct interval *host = &intervals[NS_EL2];
	const struct interval *realm = &intervals[R_EL1];

	(void)vcpu;
	if (realm->open || host->open) {
		uint64_t name = (uint32_t)(realm->open ? realm->name : host->name);

		place_of((uintptr_t)address, name)->executions++;
	}
}

/* movz xzr, #imm16 */
static int marker_of(uint32_t opcode, uint32_t *number)
{
	*number = opcode >> 5 & 0xFFFF;
	return (opcode & 0xFFE0001F) == 0xD280001F && *number >= MARK_BEGIN &&
	       *number <= MARK_PHASE;
}

/* System instructions: 1101 0101 00 L op0 op1 CRn CRm op2 Rt. */
static int kind_of(uint32_t opcode)
{
	unsigned int op0 = opcode >> 19 & 3;
	unsigned int crn = opcode >> 12 & 15;

	if (opcode >> 22 != 0x354) {
		return -1;
	}
	if (op0 >= 2) {
		return SYSREG;
	}
	if (op0 == 1) {
		return crn == 7 ? CACHE : (crn == 8 || crn == 9 ? TLBI : -1);
	}
	return crn == 3 ? BARRIER : -1;
}

static void count(struct qemu_plugin_insn *insn, int counter)
{
	qemu_plugin_u64 entry = {board, (size_t)counter * sizeof(uint64_t)};

	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64, entry,
							    1);
}

static void mark(struct qemu_plugin_insn *insn, uint32_t number, enum level class)
{
	void (*const actions[])(unsigned int, void *) = {on_begin, on_end, on_phase};

	qemu_plugin_register_vcpu_insn_exec_cb(insn, actions[number - MARK_BEGIN],
					       QEMU_PLUGIN_CB_R_REGS, (void *)(uintptr_t)class);
}

/*
 * Has each instruction of a block counted, by its level and its kind. Markers begin and end
 * intervals instead, and are not counted.
 */
static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	enum level class = current_level();
	size_t length = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < length; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint32_t opcode = 0;
		uint32_t number;
		int kind;

		qemu_plugin_insn_data(insn, &opcode, sizeof(opcode));
		if (marker_of(opcode, &number)) {
			mark(insn, number, class);
			continue;
		}
		count(insn, (int)class);
		if (profile != NULL && class == R_EL2) {
			uint64_t address = qemu_plugin_insn_vaddr(insn);

			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_profiled,
							       QEMU_PLUGIN_CB_NO_REGS,
							       (void *)(uintptr_t)address);
		}
		kind = kind_of(opcode);
		if (class == R_EL2 && kind >= 0) {
			count(insn, kind);
		}
	}
}

/* Closes the output, and writes the profile if one was asked for. */
static void at_end(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	fclose(out);
	for (uint64_t i = 0; profile != NULL && i < PROFILE_PLACES; i++) {
		const struct place *place = &places[i];

		if (place->executions != 0) {
			fprintf(profile, "%.8s %08x %llx %llu\n", place->phase,
				(unsigned int)place->name, (unsigned long long)place->address,
				(unsigned long long)place->executions);
		}
	}
	if (profile != NULL) {
		fclose(profile);
	}
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
					   char **argv);

/* Takes out=FILE and profile=FILE. Not 0, with a message, if a file cannot be written. */
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "out=", 4) == 0) {
			out = fopen(argv[i] + 4, "w");
		} else if (strncmp(argv[i], "profile=", 8) == 0) {
			profile = fopen(argv[i] + 8, "w");
			places = calloc(PROFILE_PLACES, sizeof(*places));
		}
	}
	if (out == NULL || (profile != NULL && places == NULL)) {
		fprintf(stderr, "count: give out=FILE, a file that can be written\n");
		return 1;
	}
	board = qemu_plugin_scoreboard_new(sizeof(struct counts));
	qemu_plugin_register_vcpu_init_cb(id, on_vcpu);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_atexit_cb(id, at_end, NULL);
	return 0;
}
