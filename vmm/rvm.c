// SPDX-License-Identifier: BSD-3-Clause
/* rvm: builds realms and runs them. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "abi/rmi.h"
#include "attend.h"
#include "client.h"
#include "definition.h"
#include "detach.h"
#include "exec.h"
#include "layout/values.h"
#include "life.h"
#include "machine.h"
#include "mlog.h"

enum { EXIT_USAGE = 2 };

/* What is wrong with a file as an image, NULL if nothing is. */
static const char *unfit(int fd, struct stat *st)
{
	if (fstat(fd, st) < 0) {
		return strerror(errno);
	}
	if (!S_ISREG(st->st_mode)) {
		return S_ISDIR(st->st_mode) ? "is a directory" : "is not a regular file";
	}
	return st->st_size > 0 ? NULL : "is empty";
}

/* A file, mapped; size 0 and no message when path is NULL. Does not wait, as for a FIFO. */
static bool load(const char *option, const char *path, struct layout_file *file)
{
	struct stat st;
	const char *why;
	void *data;
	int fd;

	if (!path) {
		return true;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	why = fd < 0 ? strerror(errno) : unfit(fd, &st);
	if (!why) {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED) {
			why = strerror(errno);
		} else {
			*file = (struct layout_file){.data = data, .size = (size_t)st.st_size};
		}
	}
	if (why) {
		fprintf(stderr, "rvm: %s %s: %s\n", option, path, why);
	}
	if (fd >= 0) {
		close(fd);
	}
	return !why;
}

static void from_options(const struct options *o, struct layout_config *c)
{
	c->cmdline = o->cmdline;
	c->ram_size = o->mem;
	c->csm_size = o->csm;
	c->cpus = o->cpus;
	c->hash_algo = o->hash;
	c->realm_flags = (o->sve ? RMI_REALM_FLAG_SVE : 0) | (o->pmu ? RMI_REALM_FLAG_PMU : 0);
	c->sve_vl = (uint8_t)(o->sve ? o->sve / 128 - 1 : 0);
	c->pmu_num_ctrs = (uint8_t)o->pmu;
	c->skip_content = o->no_measure;
}

/* ------------------------------------------------------------- --measure-only */

static bool print_ripas(void *ctx, uint64_t base, uint64_t size)
{
	mlog_ripas(ctx, base, size);
	printf("init_ripas  %#" PRIx64 " size %#" PRIx64 "\n", base, size);
	return true;
}

static bool print_data(void *ctx, uint64_t ipa, struct layout_file data, uint64_t flags)
{
	mlog_data(ctx, ipa, data, flags);
	printf("data_create %#" PRIx64 " size %#zx flags %#" PRIx64 "\n", ipa, data.size, flags);
	return true;
}

static bool print_rec(void *ctx, uint64_t mpidr, uint64_t flags, uint64_t pc,
		      const uint64_t gprs[8])
{
	mlog_rec(ctx, mpidr, flags, pc, gprs);
	printf("rec_create  mpidr %#" PRIx64 " flags %#" PRIx64 " pc %#" PRIx64 " x0 %#" PRIx64
	       "\n",
	       mpidr, flags, pc, gprs[0]);
	return true;
}

/* Prints the operations, and writes the log that they would have. The exit status. */
static int measure_only(const struct options *o, const struct layout_config *config,
			const struct layout *layout, struct layout_file dtb)
{
	static const struct layout_ops ops = {
		.init_ripas = print_ripas, .data_create = print_data, .rec_create = print_rec};
	struct mlog log;

	if (!mlog_open(&log, o->measurement_log)) {
		return EXIT_FAILURE;
	}
	mlog_realm(&log, layout, o->rpv);
	printf("realm_create s2sz %u hash %u flags %#" PRIx64 " sve_vl %u bps %u wps %u ctrs %u\n",
	       layout->s2sz, layout->hash_algo, layout->realm_flags, layout->sve_vl,
	       layout->num_bps, layout->num_wps, layout->pmu_num_ctrs);
	layout_build(config, layout, dtb, &ops, &log);
	printf("cca-measure gives the measurement of the same list\n");
	return mlog_close(&log) ? client_flush() : EXIT_FAILURE;
}

/* ------------------------------------------------------------------------ run */

static void say_end(const struct options *o, enum machine_end how)
{
	static const char *const words[] = {
		[MACHINE_RUNS] = "?",
		[MACHINE_OFF] = "powered off",
		[MACHINE_RESET] = "starts again",
		[MACHINE_STOPPED] = "stopped",
		[MACHINE_FAILED] = "failed",
	};

	if (!o->quiet) {
		fprintf(stderr, "rvm: %s %s\n", o->name, words[how]);
	}
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Builds the realm and runs it until its end. What is open afterwards is for machine_close. */
static enum machine_end run_realm(struct machine *m, const struct layout_config *config,
				  struct layout_file dtb)
{
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (!machine_open(m) || !realm_open(&m->realm) ||
	    !realm_build(&m->realm, m->options, config, &m->layout, dtb)) {
		return machine_ends(m) ? MACHINE_STOPPED : MACHINE_FAILED;
	}
	machine_add_devices(m);
	if (!m->options->quiet) {
		fprintf(stderr, "rvm: %s built in %.1f s, starts\n", m->options->name,
			seconds_since(&start));
	}
	if (m->options->detach) {
		m->log.is_output = true;
		detach_done(m->log.fd);
	}
	return machine_run(m);
}

/* A realm that wants to start again may have been stopped since. */
static enum machine_end last_word(struct machine *m, enum machine_end how)
{
	return how == MACHINE_RESET ? (enum machine_end)atomic_load(&m->end) : how;
}

/*
 * rvm run: returns the exit status, unless the realm starts again; then this process begins anew.
 */
static int run(const struct options *o, const struct layout_config *config, char **argv)
{
	static struct machine machine;
	static uint8_t dtb_bytes[LAYOUT_DTB_MAX];
	struct layout_file dtb = {.data = dtb_bytes};
	struct layout layout;
	struct layout_error err;
	enum machine_end how = MACHINE_FAILED;

	if (!layout_plan(config, &layout, &err)) {
		fprintf(stderr, "rvm: %s\n", err.text);
		return EXIT_USAGE;
	}
	dtb.size = layout_make_dtb(config, &layout, dtb_bytes, sizeof(dtb_bytes));
	if (dtb.size == 0) {
		fprintf(stderr, "rvm: the device tree does not fit\n");
		return EXIT_FAILURE;
	}
	if (o->measure_only) {
		return measure_only(o, config, &layout, dtb);
	}
	if (machine_init(&machine, o)) {
		machine.layout = layout;
		how = run_realm(&machine, config, dtb);
	}
	machine_close(&machine);
	how = last_word(&machine, how);
	say_end(o, how);
	machine_done(&machine);
	how = last_word(&machine, how);
	if (how == MACHINE_RESET) {
		detach_again();
		execv("/proc/self/exe", argv);
		fprintf(stderr, "rvm: cannot start again: %s\n", strerror(errno));
	}
	return how == MACHINE_OFF || how == MACHINE_STOPPED ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Options and images, then the realm. EXIT_USAGE or EXIT_FAILURE, with a message. */
static int command_run(int argc, char **argv, char **all)
{
	struct options options;
	struct options_error err;
	struct layout_config config = {0};
	static struct words words; /* the options point into it */

	if (definition_expand(argc, argv, &words) != 0) {
		return EXIT_USAGE;
	}
	if (!options_parse(words.count, words.list, &options, &err)) {
		fprintf(stderr, "rvm: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (!load("--kernel", options.kernel, &config.kernel) ||
	    !load("--initrd", options.initrd, &config.initrd)) {
		return EXIT_FAILURE;
	}
	from_options(&options, &config);
	if (options.detach && !options.measure_only && !detach_begin()) {
		return EXIT_FAILURE;
	}
	return run(&options, &config, all);
}

/* ------------------------------------------------------------ other commands */

static int command_list(int count, char **words, bool json)
{
	(void)count;
	(void)words;
	return client_list(json);
}

static int command_wait(int count, char **words, bool json)
{
	unsigned int seconds = 0;

	(void)json;
	if (count == 2 && !layout_parse_number(words[1], INT_MAX / 1000, &seconds)) {
		fprintf(stderr, "rvm: wait: %s is no number of seconds\n", words[1]);
		return EXIT_USAGE;
	}
	return life_wait(words[0], seconds);
}

static const struct command {
	const char *name;
	int least, most;                    /* arguments */
	int (*named)(const char *argument); /* or: */
	int (*run)(int count, char **words, bool json);
	bool plain; /* passes bytes on: has no --json */
} commands[] = {
	{"list", 0, 0, NULL, command_list, false},
	{"stop", 1, 1, client_stop, NULL, false},
	{"kill", 1, 1, life_kill, NULL, false},
	{"wait", 1, 2, NULL, command_wait, false},
	{"logs", 1, 1, life_logs, NULL, false},
	{"up", 1, 1, life_up, NULL, false},
	{"control", 1, 1, client_control, NULL, true},
	{"console", 1, 1, attend_console, NULL, true},
};

static int usage(void)
{
	fputs(options_help, stderr);
	return EXIT_USAGE;
}

static int run_command(const struct command *command, int count, char **words, bool json)
{
	if (count < command->least || count > command->most) {
		fprintf(stderr, "rvm: %s: wrong number of arguments (rvm --help lists them)\n",
			command->name);
		return EXIT_USAGE;
	}
	return command->named ? command->named(words[0]) : command->run(count, words, json);
}

static void put_json_text(FILE *to, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20) {
			fprintf(to, c == '\n' ? "\\n" : "\\u%04x", c);
		} else {
			fprintf(to, c == '"' || c == '\\' ? "\\%c" : "%c", c);
		}
	}
}

/* The same, with what it says on standard error as one JSON object, if the command fails. */
static int run_json(const struct command *command, int count, char **words)
{
	FILE *messages = stderr;
	char *text = NULL;
	size_t size = 0;
	int status;

	stderr = open_memstream(&text, &size);
	if (!stderr) {
		stderr = messages;
		return EXIT_FAILURE;
	}
	status = run_command(command, count, words, true);
	fclose(stderr);
	stderr = messages;
	if (status != 0) {
		while (size > 0 && text[size - 1] == '\n') {
			text[--size] = '\0';
		}
		fputs("{\"error\": \"", stderr);
		put_json_text(stderr, strncmp(text, "rvm: ", 5) == 0 ? text + 5 : text);
		fprintf(stderr, "\", \"status\": %d}\n", status);
	}
	free(text);
	return status;
}

/* Takes --json out of words; true if it was there. */
static bool take_json(int *count, char **words)
{
	bool json = false;
	int kept = 0;

	for (int i = 0; i < *count; i++) {
		if (strcmp(words[i], "--json") == 0) {
			json = true;
		} else {
			words[kept++] = words[i];
		}
	}
	*count = kept;
	return json;
}

/* Commands but for run and exec. */
static int other_command(const char *name, int count, char **words)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *command = &commands[i];

		if (strcmp(name, command->name) == 0) {
			return !command->plain && take_json(&count, words)
				       ? run_json(command, count, words)
				       : run_command(command, count, words, false);
		}
	}
	return usage();
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		return usage();
	}
	if (strcmp(argv[1], "run") == 0) {
		return command_run(argc - 2, argv + 2, argv);
	}
	if (argc >= 3 && strcmp(argv[1], "exec") == 0) {
		return exec_command(argc - 2, argv + 2);
	}
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		fputs(options_help, stdout);
		return client_flush();
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("rvm " RVM_VERSION "\n");
		return client_flush();
	}
	return other_command(argv[1], argc - 2, argv + 2);
}
