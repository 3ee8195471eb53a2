// SPDX-License-Identifier: BSD-3-Clause
#include "test.h"
#include "abi/psci.h"
#include "console.h"
#include "cpu.h"
#include "fwcfg.h"
#include "gic.h"
#include "mem.h"
#include "smc.h"

#define MAX_CLEANUPS   128
#define MAX_COMPLAINTS 12 /* failed checks printed per test */
#define LIST_SIZE      512

extern const struct test __tests_start[], __tests_end[];

struct cleanup {
	void (*fn)(void *);
	void *arg;
};

/* The test that runs. complaints is atomic, the rest belongs to CPU 0. */
static struct {
	const struct test *test;
	unsigned number;
	uint32_t complaints;
	const char *skipped;
	struct cleanup cleanups[MAX_CLEANUPS];
	unsigned cleanup_count;
} now;

static uint64_t seed;
static uint64_t random_state; /* atomic */

static bool complain(void)
{
	uint32_t n = __atomic_add_fetch(&now.complaints, 1, __ATOMIC_RELAXED);

	if (n == MAX_COMPLAINTS + 1) {
		print("# (more failed checks, not shown)\n");
	}
	return n <= MAX_COMPLAINTS;
}

bool test_check(bool good, const char *file, int line, const char *text)
{
	if (!good && complain()) {
		print("# %s:%d: cpu %u: %s\n", file, line, this_cpu()->index, text);
	}
	return good;
}

bool test_check_eq(uint64_t a, uint64_t b, const char *file, int line, const char *ta,
		   const char *tb)
{
	if (a != b && complain()) {
		print("# %s:%d: cpu %u: %s = 0x%lx, %s = 0x%lx\n", file, line, this_cpu()->index,
		      ta, a, tb, b);
	}
	return a == b;
}

bool test_check_ne(uint64_t a, uint64_t b, const char *file, int line, const char *ta,
		   const char *tb)
{
	if (a == b && complain()) {
		print("# %s:%d: cpu %u: %s and %s are both 0x%lx\n", file, line, this_cpu()->index,
		      ta, tb, a);
	}
	return a != b;
}

bool test_failing(void)
{
	return __atomic_load_n(&now.complaints, __ATOMIC_RELAXED) != 0;
}

void test_abandon(void)
{
	struct cpu *cpu = this_cpu();

	if (!cpu->resume_valid) {
		test_crash("a check failed outside a test");
	}
	__atomic_add_fetch(&now.complaints, 1, __ATOMIC_RELAXED);
	resume_jump(&cpu->resume);
}

void test_skip(const char *reason)
{
	now.skipped = reason;
	resume_jump(&this_cpu()->resume);
}

void note(const char *format, ...)
{
	char prefixed[160] = "# ";
	va_list args;
	size_t n = strlen(format);

	if (__atomic_load_n(&now.complaints, __ATOMIC_RELAXED) > MAX_COMPLAINTS) {
		return;
	}
	n = n < sizeof(prefixed) - 4 ? n : sizeof(prefixed) - 4;
	memcpy(prefixed + 2, format, n);
	memcpy(prefixed + 2 + n, "\n", 2);
	va_start(args, format);
	vprint(prefixed, args);
	va_end(args);
}

void test_limit(unsigned seconds)
{
	print("# limit %u\n", seconds);
}

void test_cleanup(void (*fn)(void *), void *arg)
{
	REQUIRE(now.cleanup_count < MAX_CLEANUPS);
	now.cleanups[now.cleanup_count++] = (struct cleanup){fn, arg};
}

/* SplitMix64: any state is good, and CPUs draw from one stream. */
uint64_t random64(void)
{
	uint64_t z = __atomic_add_fetch(&random_state, 0x9e3779b97f4a7c15, __ATOMIC_RELAXED);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t random_below(uint64_t bound)
{
	return random64() % bound;
}

/* Each test has its own stream, whatever ran before it. */
static void random_start(const char *name)
{
	random_state = seed;
	for (; *name; name++) {
		random_state = (random_state ^ (uint8_t)*name) * 0x100000001b3;
	}
}

static bool mentions(const struct test *test, const char *word, size_t size)
{
	return find_word(test->name, word, size) || find_word(test->shows, word, size);
}

/*
 * Tests that are meant to fail, and measurements, run when asked for by their first word, never as
 * part of "all". Returns that word, NULL for every other test.
 */
static const char *special(const struct test *test)
{
	static const char *const words[] = {"broken_", "bench_"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (find_word(test->name, words[i], strlen(words[i])) == test->name) {
			return words[i];
		}
	}
	return NULL;
}

bool test_selected(const struct test *test, const char *list)
{
	const char *ask = special(test);
	bool allowed = ask == NULL;
	bool possible = test->cpus <= cpu_count();
	bool narrowed = false; /* some word says what to run, so the rest stays out */
	bool wanted = false;

	while (*list) {
		const char *word = list;
		bool exclude = *word == '-';
		size_t size = 0;

		word += exclude;
		while (word[size] && word[size] != ',') {
			size++;
		}
		list = word + size + (word[size] == ',');
		if (exclude && mentions(test, word, size)) {
			return false;
		}
		narrowed |= !exclude;
		wanted |= !exclude && mentions(test, word, size);
		allowed |= ask != NULL && find_word(word, ask, strlen(ask)) == word;
	}
	return allowed && possible && (wanted || !narrowed);
}

/* Functions still running elsewhere would disturb the next test. */
static void wait_for_cpus(void)
{
	for (unsigned n = 1; n < MAX_CPUS; n++) {
		if (!cpu_join(n, PATIENCE_MS)) {
			test_crash("a CPU does not finish its work");
		}
	}
}

static void run_cleanups(void)
{
	struct cpu *cpu = this_cpu();

	while (now.cleanup_count) {
		struct cleanup *c = &now.cleanups[--now.cleanup_count];

		cpu->resume_valid = true;
		if (!resume_set(&cpu->resume)) {
			c->fn(c->arg);
		}
	}
}

static void settle(void)
{
	uint64_t first;
	size_t lost;
	size_t left;

	wait_for_cpus();
	run_cleanups();
	left = mem_end_test(&first, &lost);
	if (left) {
		complain();
		note("%lu granules were still delegated at the end, the first at %lx; %lu of them "
		     "could not be taken back",
		     left, first, lost);
	}
	this_cpu()->resume_valid = false;
}

static void report(uint64_t us)
{
	const char *word = test_failing() ? "not ok" : "ok";

	print("# time %u %lu us\n", now.number, us);
	if (now.skipped && !test_failing()) {
		print("ok %u - %s # SKIP %s\n", now.number, now.test->shows, now.skipped);
	} else {
		print("%s %u - %s\n", word, now.number, now.test->shows);
	}
}

static void run(const struct test *test)
{
	struct cpu *cpu = this_cpu();
	uint64_t start = time_us();

	now.test = test;
	now.complaints = 0;
	now.skipped = NULL;
	random_start(test->name);
	print("# begin %u %s: %s\n", now.number, test->name, test->shows);
	cpu->resume_valid = true;
	if (!resume_set(&cpu->resume)) {
		test->fn();
	}
	settle();
	report(time_us() - start);
	now.test = NULL;
}

static void power_off(void)
{
	smc_call(PSCI_SYSTEM_OFF_FID);
	for (;;) {
		wfi();
	}
}

void test_crash(const char *why)
{
	console_seize();
	if (now.test) {
		print("# crash: %s\n", why);
		print("not ok %u - %s\n", now.number, now.test->shows);
	}
	print("Bail out! %s (CPU %u)\n", why, this_cpu()->index);
	power_off();
	__builtin_unreachable();
}

static void list_tests(const char *words)
{
	for (const struct test *t = __tests_start; t < __tests_end; t++) {
		if (test_selected(t, words)) {
			print("# test %s: %s\n", t->name, t->shows);
		}
	}
}

void test_main(void)
{
	char words[LIST_SIZE];
	uint64_t from = fwcfg_number("opt/caec/from", 1);

	fwcfg_string("opt/caec/filter", words, sizeof(words));
	seed = fwcfg_number("opt/caec/seed", 1);
	print("TAP version 13\n# host at NS-EL2: %u CPUs, memory up to %lx, seed %lu\n",
	      cpu_count(), mem_end(), seed);
	if (fwcfg_number("opt/caec/list", 0)) {
		list_tests(words);
		power_off();
	}
	for (const struct test *t = __tests_start; t < __tests_end; t++) {
		if (test_selected(t, words) && ++now.number >= from) {
			run(t);
		}
	}
	print("1..%u\n", now.number);
	power_off();
	__builtin_unreachable();
}
