// SPDX-License-Identifier: BSD-3-Clause
/*
 * The driver: episodes of steps, each on a new machine in a process of its own. A sequence that
 * fails is made as short as it gets and written to a file, which --replay plays again.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arch/host/machine.h"
#include "coverage.h"
#include "driver.h"
#include "generate.h"

#define MAX_STEPS      40000U
#define EPISODE        4000U /* steps before the end is brought about */
#define SHRINK_SECONDS 60

/* What a process leaves to its parent, however it ends. */
struct shared {
	struct coverage coverage;
	uint64_t made; /* steps, of all episodes */
	char failure[256];
	unsigned int count;
	struct step steps[MAX_STEPS];
};

static struct shared *shared;
static bool spoiled;

struct options {
	uint64_t seed;
	uint64_t steps;
	unsigned int conditions; /* to be met at least */
	bool print;
	bool spoil;
	const char *folder; /* for sequences that fail */
	const char *replay;
};

/* --- in the child --- */

static _Noreturn void fail(const char *text)
{
	snprintf(shared->failure, sizeof(shared->failure), "%s", text);
	_exit(1);
}

static void on_stop(const char *text)
{
	fail(text);
}

static void make_step(const struct step *step)
{
	const char *wrong;

	shared->made++;
	wrong = driver_step(step);
	if (wrong != NULL) {
		fail(wrong);
	}
}

static void record_step(const struct step *step)
{
	if (shared->count == MAX_STEPS) {
		fail("the episode does not end");
	}
	shared->steps[shared->count++] = *step;
	make_step(step);
}

static void check(const char *wrong)
{
	if (wrong != NULL) {
		fail(wrong);
	}
}

/* Makes the model wrong about one entry of the first realm. */
static void spoil(void)
{
	for (unsigned int i = 0; i < M_REALMS; i++) {
		if (model.realms[i].alive) {
			struct m_place place = m_walk(&model.realms[i], 0, RMI_LEVEL_PAGE);

			place.entry->ripas ^= 1;
			return;
		}
	}
}

static void run_episode(uint64_t seed)
{
	struct step step;

	generate_start(seed);
	step = generate_world();
	shared->steps[shared->count++] = step;
	driver_start(step.w[0]);
	while (shared->count < EPISODE) {
		step = generate_step();
		record_step(&step);
	}
	if (spoiled) {
		spoil();
	}
	check(driver_check_all());
	while (generate_end(&step)) {
		record_step(&step);
	}
	check(driver_check_end());
}

static void run_steps(const struct step *steps, unsigned int count)
{
	driver_start(count != 0 && steps[0].kind == STEP_WORLD ? steps[0].w[0] : 0);
	for (unsigned int i = 0; i < count; i++) {
		make_step(&steps[i]);
	}
	check(driver_check_all());
}

/* --- in the parent --- */

static void silence(void)
{
	int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (nothing >= 0) {
		dup2(nothing, STDERR_FILENO);
	}
}

/* Plays an episode, or the steps, elsewhere: whether that went well. */
static bool try(uint64_t seed, const struct step *steps, unsigned int count, bool quiet)
{
	pid_t child;
	int status;

	shared->failure[0] = '\0';
	fflush(NULL);
	child = fork();
	if (child == 0) {
		machine_on_stop = on_stop;
		if (quiet) {
			silence();
		}
		if (steps == NULL) {
			run_episode(seed);
		} else {
			run_steps(steps, count);
		}
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		perror("random");
		exit(2);
	}
	if (status != 0 && shared->failure[0] == '\0') {
		snprintf(shared->failure, sizeof(shared->failure), "ended with status %#x", status);
	}
	return status == 0;
}

/* Whether this is the failure that was, whatever its numbers. */
static bool same_failure(const char *failure)
{
	size_t words = strcspn(failure, "0123456789");

	return strncmp(failure, shared->failure, words) == 0;
}

/* Leaves out runs of steps, shorter and shorter ones, as long as it fails without them. */
static unsigned int shrink(struct step *steps, unsigned int count, const char *failure)
{
	struct step *fewer = malloc(count * sizeof(*steps));
	time_t end = time(NULL) + SHRINK_SECONDS;

	for (unsigned int size = count / 2; size > 0 && fewer != NULL; size /= 2) {
		for (unsigned int at = 1; at + size <= count && time(NULL) < end;) {
			memcpy(fewer, steps, at * sizeof(*steps));
			memcpy(fewer + at, steps + at + size, (count - at - size) * sizeof(*steps));
			if (try(0, fewer, count - size, true) || !same_failure(failure)) {
				at += size;
			} else {
				count -= size;
				memcpy(steps, fewer, count * sizeof(*steps));
			}
		}
	}
	free(fewer);
	return count;
}

static void report(const struct options *options, uint64_t seed)
{
	struct step *steps = malloc(MAX_STEPS * sizeof(*steps));
	unsigned int count = shared->count;
	char failure[256];
	char path[512];
	FILE *file;

	memcpy(failure, shared->failure, sizeof(failure));
	printf("# seed %#" PRIx64 ", step %u: %s\n", seed, count, failure);
	memcpy(steps, shared->steps, count * sizeof(*steps));
	if (!try(0, steps, count, true)) {
		count = shrink(steps, count, failure);
		try(0, steps, count, true);
		printf("# as %u steps: %s\n", count, shared->failure);
	}
	snprintf(path, sizeof(path), "%s/failure-%" PRIx64 ".steps", options->folder, seed);
	file = fopen(path, "w");
	for (unsigned int i = 0; i < count; i++) {
		if (file != NULL) {
			step_print(file, &steps[i]);
		}
		if (i + 40 > count) {
			printf("#   ");
			step_print(stdout, &steps[i]);
		}
	}
	if (file != NULL) {
		fclose(file);
		printf("# all of it: --replay %s\n", path);
	}
	free(steps);
}

static int replay(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned int count = 0;

	if (file == NULL) {
		perror(path);
		return 2;
	}
	while (count < MAX_STEPS && step_read(file, &shared->steps[count])) {
		count++;
	}
	fclose(file);
	if (count == 0) {
		fprintf(stderr, "%s: no steps\n", path);
		return 2;
	}
	if (!try(0, shared->steps, count, false)) {
		printf("not ok - %s: %s, after %" PRIu64 " of %u steps\n", path, shared->failure,
		       shared->made, count);
		return 1;
	}
	printf("ok - %s: %u steps\n", path, count);
	return 0;
}

static unsigned int run_episodes(const struct options *options, unsigned int *number)
{
	uint64_t numbers = options->seed;
	unsigned int failures = 0;

	while (shared->made < options->steps && failures == 0) {
		uint64_t seed = driver_random(&numbers, UINT64_MAX);

		shared->count = 0;
		if (!try(seed, NULL, 0, false)) {
			failures++;
			report(options, seed);
		}
		printf("%s %u - random: seed %#" PRIx64 ", %u steps%s%s\n",
		       failures == 0 ? "ok" : "not ok", ++*number, seed, shared->count,
		       failures == 0 ? "" : ": ", failures == 0 ? "" : shared->failure);
	}
	return failures;
}

static bool tell(unsigned int number, bool good, const char *what, const char *missing)
{
	printf("%s %u - random: %s%s%s\n", good ? "ok" : "not ok", number, what,
	       missing == NULL ? "" : ", but not: ", missing == NULL ? "" : missing);
	return good;
}

/* The driver has to find the mistake. */
static int run_spoiled(const struct options *options)
{
	uint64_t numbers = options->seed;
	bool found = !try(driver_random(&numbers, UINT64_MAX), NULL, 0, true);

	printf("%s 1 - random: a model that is wrong is found: %s\n1..1\n", found ? "ok" : "not ok",
	       shared->failure);
	return found ? 0 : 1;
}

static int run(const struct options *options)
{
	unsigned int number = 0;
	bool good = run_episodes(options, &number) == 0;
	unsigned int met = coverage_met();
	const char *missing = coverage_missing();
	const char *unreached = coverage_unreached();
	char text[80];

	if (good) {
		snprintf(text, sizeof(text), "%u of %u conditions met, at least %u", met,
			 coverage_listed(), options->conditions);
		good = tell(++number, missing == NULL, "every command succeeded", missing) & good;
		good = tell(++number, unreached == NULL, "every state reached", unreached) & good;
		good = tell(++number, met >= options->conditions, text, NULL) & good;
	}
	printf("1..%u\n# %" PRIu64 " steps\n", number, shared->made);
	if (options->print || !good) {
		coverage_print(stdout);
	}
	return good ? 0 : 1;
}

static const char usage[] =
	"usage: random [--seed N] [--steps N] [--conditions N] [--coverage] [--folder DIR]\n"
	"       random --replay FILE\n"
	"       random --spoil [--seed N]\n"
	"Sequences of RMI and RSI calls on the firmware and on a model of it, which must agree.\n"
	"  --seed N        of the first episode (default 1); 0: another one each time\n"
	"  --steps N       at least (default 10000)\n"
	"  --conditions N  fail if fewer failure conditions were met\n"
	"  --coverage      print which commands succeeded and which conditions were not met\n"
	"  --folder DIR    where sequences that fail are written (default .)\n"
	"  --replay FILE   play such a sequence\n"
	"  --spoil         one episode with a model made wrong: passes if that is found\n";

static const struct option long_options[] = {
	{"seed", required_argument, NULL, 's'},
	{"steps", required_argument, NULL, 'n'},
	{"conditions", required_argument, NULL, 'c'},
	{"coverage", no_argument, NULL, 'p'},
	{"folder", required_argument, NULL, 'f'},
	{"replay", required_argument, NULL, 'r'},
	{"spoil", no_argument, NULL, 'w'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* -1: go on; else the status to exit with. */
static int parse(int argc, char **argv, struct options *options)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 's':
			options->seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			options->steps = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			options->conditions = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'p':
			options->print = true;
			break;
		case 'f':
			options->folder = optarg;
			break;
		case 'w':
			options->spoil = true;
			break;
		case 'r':
			options->replay = optarg;
			break;
		default:
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : 2;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct options options = {.seed = 1, .steps = 10000, .folder = "."};
	int status = parse(argc, argv, &options);

	if (status >= 0) {
		return status;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED) {
		perror("random");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	coverage_use(&shared->coverage);
	if (options.seed == 0) {
		options.seed = (uint64_t)time(NULL);
		printf("# --seed %#" PRIx64 "\n", options.seed);
	}
	if (options.replay != NULL) {
		return replay(options.replay);
	}
	spoiled = options.spoil;
	return spoiled ? run_spoiled(&options) : run(&options);
}
