// SPDX-License-Identifier: BSD-3-Clause
/*
 * Counts the instructions that a whole machine executes, per exception level and world, for a
 * program that watches from outside. FILE holds one little-endian word of 64 bits for each level of
 * level.h, in that order, all CPUs together. It is updated every PAUSE_US microseconds.
 *
 * Usage: -plugin total.so,out=FILE,cpus=N
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "level.h"

#define PAUSE_US 2000

struct counts {
	uint64_t value[LEVELS];
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static struct qemu_plugin_scoreboard *board;
static _Atomic uint64_t *totals;
static atomic_uint made; /* virtual CPUs */
static unsigned int cpus;

static void add_up(void)
{
	for (unsigned int level = 0; level < LEVELS; level++) {
		uint64_t sum = 0;

		for (unsigned int cpu = 0; cpu < cpus; cpu++) {
			const volatile struct counts *c = qemu_plugin_scoreboard_find(board, cpu);

			sum += c->value[level];
		}
		atomic_store(&totals[level], sum);
	}
}

/* The board may move while CPUs are made: nothing is read from it before all of them are there. */
static void *watch(void *unused)
{
	for (;; usleep(PAUSE_US)) {
		if (atomic_load(&made) == cpus) {
			add_up();
		}
	}
	return unused;
}

static void on_vcpu(qemu_plugin_id_t id, unsigned int vcpu)
{
	(void)id;
	(void)vcpu;
	find_level_registers();
	atomic_fetch_add(&made, 1);
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	qemu_plugin_u64 entry = {board, (size_t)current_level() * sizeof(uint64_t)};
	size_t length = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < length; i++) {
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
			qemu_plugin_tb_get_insn(tb, i), QEMU_PLUGIN_INLINE_ADD_U64, entry, 1);
	}
}

static _Atomic uint64_t *open_totals(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *map = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(struct counts)) == 0) {
		map = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (fd >= 0) {
		close(fd);
	}
	return map == MAP_FAILED ? NULL : map;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
					   char **argv);

/* Takes out=FILE and cpus=N. Not 0, with a message, if one is missing or cannot be used. */
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	pthread_t thread;

	(void)info;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "out=", 4) == 0) {
			totals = open_totals(argv[i] + 4);
		} else if (strncmp(argv[i], "cpus=", 5) == 0) {
			cpus = (unsigned int)strtoul(argv[i] + 5, NULL, 10);
		}
	}
	if (totals == NULL || cpus == 0) {
		fprintf(stderr, "total: give out=FILE, a file that can be written, and cpus=N\n");
		return 1;
	}
	board = qemu_plugin_scoreboard_new(sizeof(struct counts));
	qemu_plugin_register_vcpu_init_cb(id, on_vcpu);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	if (pthread_create(&thread, NULL, watch, NULL) != 0) {
		fprintf(stderr, "total: cannot start a thread\n");
		return 1;
	}
	return 0;
}
