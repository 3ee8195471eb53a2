// SPDX-License-Identifier: BSD-3-Clause
/*
 * What realms do with libcsm and csmctl does not: use a region until it is taken away, hold one
 * that does not persist, channels in place, calls, poll(2). REGION is NUMBER, or REALM:NUMBER.
 *
 *   sharetest make FILE SIZE               a file whose every page is another, SIZE bytes
 *   sharetest same FILE SIZE               whether it is that
 *   sharetest dump REGION                  the whole region to the standard output
 *   sharetest fill REGION TEXT             TEXT at its start
 *   sharetest notify REGION BITS [PEER]
 *   sharetest use REGION read|write|syscall    until that fails; says "using" first
 *   sharetest hold SIZE PEER               a region for PEER that ends with this program
 *   sharetest keep SIZE                    one that stays, by csm_set_persistent()
 *   sharetest full                         regions until there are no more, and again when one has
 * gone sharetest poll REGION                  with poll(2), until the sharing ends sharetest batch
 * REGION PEER            messages in place, in batches, and their sum comes back sharetest sum
 * REGION                   the other side sharetest call REGION PEER             requests, good and
 * bad ones sharetest serve REGION                 the other side
 *
 * Status 0 and a last line of what was seen, or 1 and why not.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libcsm.h>

#define SECONDS 900 /* after that it hangs */
#define WAIT_MS 600000
#define CHUNK   65536u
#define ROUNDS  64u
#define BATCH   8u
#define CALLS   50u
#define NO_SUCH (-77)
#define PAGE    4096u
#define MOST    200u /* regions; more than a table holds */

static struct csm *csm;

static void need(long ret, const char *what)
{
	if (ret < 0) {
		printf("%s: %s\n", what, csm_strerror((int)ret));
		exit(1);
	}
}

static void policy(bool holds, const char *what)
{
	if (!holds) {
		printf("%s\n", what);
		exit(1);
	}
}

static struct csm_region *region_of(const char *text)
{
	const char *colon = strchr(text, ':');
	uint64_t number = strtoull(colon ? colon + 1 : text, NULL, 10);
	uint64_t provider = colon ? strtoull(text, NULL, 16) : 0;
	struct csm_region *region = NULL;
	bool own = provider == 0 || provider == csm_id(csm);

	need(own ? csm_find(csm, 0, number, &region)
		 : csm_attach(csm, provider, number, NULL, 0, &region),
	     text);
	policy(csm_is_own(region) == own && csm_region_id(region) == number &&
		       csm_provider_id(region) == (own ? csm_id(csm) : provider),
	       "the handle is of another region");
	return region;
}

/* --------------------------------------------------------------------- files */

/* A page begins with its number, eight bytes; the rest is the same in all. sharing.py knows it too.
 */
static size_t page_of(uint64_t number, uint8_t page[PAGE], size_t left)
{
	for (unsigned int i = 0; i < PAGE; i++) {
		page[i] = (uint8_t)(i * 167 + 13);
	}
	memcpy(page, &number, sizeof(number));
	return left < PAGE ? left : PAGE;
}

static int make(char **args)
{
	FILE *file = fopen(args[0], "w");
	size_t left = strtoull(args[1], NULL, 10), size;
	uint8_t page[PAGE];

	policy(file != NULL, args[0]);
	for (uint64_t number = 0; left > 0; number++, left -= size) {
		size = page_of(number, page, left);
		policy(fwrite(page, 1, size, file) == size, "the file is full");
	}
	policy(fclose(file) == 0, "the file is full");
	return 0;
}

static int same(char **args)
{
	FILE *file = fopen(args[0], "r");
	size_t left = strtoull(args[1], NULL, 10), size;
	uint8_t page[PAGE], there[PAGE];

	policy(file != NULL, args[0]);
	for (uint64_t number = 0; left > 0; number++, left -= size) {
		size = page_of(number, page, left);
		policy(fread(there, 1, size, file) == size, "the file is too short");
		policy(memcmp(page, there, size) == 0, "the file has other contents");
	}
	policy(fgetc(file) == EOF, "the file is too long");
	fclose(file);
	return 0;
}

/* -------------------------------------------------------------------- memory */

static int dump(char **args)
{
	struct csm_region *region = region_of(args[0]);
	static char chunk[CHUNK];

	for (size_t done = 0, size; done < csm_size(region); done += size) {
		size = csm_size(region) - done < CHUNK ? csm_size(region) - done : CHUNK;
		need(csm_read(region, done, chunk, size), "csm_read");
		policy(fwrite(chunk, 1, size, stdout) == size, "the output is full");
	}
	csm_release(region);
	return fflush(stdout) != 0;
}

static int fill(char **args)
{
	struct csm_region *region = region_of(args[0]);

	need(csm_write(region, 0, args[1], strlen(args[1]) + 1), "csm_write");
	csm_release(region);
	return 0;
}

struct use {
	struct csm_region *region;
	volatile uint8_t *memory;
	size_t at;
	int file;
};

static int use_read(struct use *use)
{
	char copy[PAGE];

	return csm_read(use->region, use->at, copy, sizeof(copy));
}

static int use_write(struct use *use)
{
	return csm_write(use->region, use->at, "mine", 4);
}

/* The kernel copies from the region, over and over to the same place of a file. */
static int use_syscall(struct use *use)
{
	return pwrite(use->file, (const void *)(use->memory + use->at), PAGE, 0) == PAGE ? 0
											 : -errno;
}

static int use(char **args)
{
	static const struct {
		const char *name;
		int (*step)(struct use *use);
		unsigned int access;
	} ways[] = {{"read", use_read, CSM_READ},
		    {"write", use_write, CSM_READ | CSM_WRITE},
		    {"syscall", use_syscall, CSM_READ}};
	struct use use = {.region = region_of(args[0]),
			  .file = open("/tmp", O_TMPFILE | O_RDWR, 0600)};
	void *memory = NULL;
	int ret = 0;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].name, args[1]) != 0) {
			continue;
		}
		need(csm_map(use.region, ways[i].access, &memory), "csm_map");
		use.memory = memory;
		for (uint64_t round = 0; ret == 0; round++) {
			ret = ways[i].step(&use);
			use.at = (use.at + PAGE) % csm_size(use.region);
			if (round == 0 && ret == 0) {
				printf("using\n");
			}
		}
		printf("end: %s\n", ret == -EFAULT ? "EFAULT" : csm_strerror(ret));
	}
	csm_release(use.region);
	return memory == NULL;
}

/* ------------------------------------------------------------- life and events */

static int hold(char **args)
{
	struct csm_region *region = NULL;

	need(csm_create(csm, strtoull(args[0], NULL, 10), csm_label("held"), 0, &region),
	     "csm_create");
	need(csm_write(region, 0, "held", 5), "csm_write");
	need(csm_share(region, strtoull(args[1], NULL, 16), CSM_READ, NULL), "csm_share");
	printf("region %" PRIu64 "\n", csm_region_id(region));
	pause();
	return 1;
}

/* Made for this program only, then kept. */
static int keep(char **args)
{
	struct csm_region *region = NULL;

	need(csm_create(csm, strtoull(args[0], NULL, 10), csm_label("kept"), 0, &region),
	     "csm_create");
	need(csm_set_persistent(region, true), "csm_set_persistent");
	printf("%" PRIu64 "\n", csm_region_id(region));
	csm_release(region);
	return 0;
}

/* Regions of one page until the table of this realm is full. Returns how many. */
static unsigned int fill_table(struct csm_region *regions[MOST])
{
	unsigned int count = 0;
	int ret;

	while ((ret = csm_create(csm, PAGE, csm_label("full"), 0, &regions[count])) == 0) {
		count++;
		policy(count < MOST, "it never gets full");
	}
	policy(ret == -ENOSPC, csm_strerror(ret));
	return count;
}

/* What csmctl says about it is part of this. */
static int full(char **args)
{
	static const char *const refused =
		"csmctl create 4K 2>&1 | grep -q 'the access policy table is full'";
	static struct csm_region *regions[MOST];
	unsigned int count = fill_table(regions);

	(void)args;
	policy(system(refused) == 0, "csmctl does not say that the table is full");
	csm_release(regions[0]);
	need(csm_create(csm, PAGE, csm_label("again"), 0, &regions[0]), "after one has gone");
	policy(system(refused) == 0, "the region that has gone makes room for two");
	for (unsigned int i = 0; i < count; i++) {
		csm_release(regions[i]);
	}
	printf("count %u\n", count);
	return 0;
}

static int notify(char **args)
{
	struct csm_region *region = region_of(args[0]);

	need(csm_signal(region, args[2] ? strtoull(args[2], NULL, 16) : 0,
			strtoull(args[1], NULL, 10)),
	     "csm_signal");
	csm_release(region);
	return 0;
}

/* Every event is there when poll(2) says so; the end is a hang-up. */
static int poll_events(char **args)
{
	struct csm_region *region = region_of(args[0]);
	struct pollfd file = {.fd = csm_fd(region), .events = POLLIN};
	struct csm_event event;
	uint64_t bits = 0;

	printf("polling\n");
	while (!(file.revents & POLLHUP)) {
		policy(poll(&file, 1, WAIT_MS) == 1, "poll: time is over");
		while (csm_wait(region, 0, &event) == 1) {
			bits |= event.bits;
		}
	}
	printf("bits %" PRIu64 " ended %d\n", bits & CSM_EVENT_USER, (bits & CSM_EVENT_ENDED) != 0);
	csm_release(region);
	return 0;
}

/* ------------------------------------------------------------------- channels */

static struct csm_channel *channel_of(struct csm_region *region, const char *peer)
{
	uint64_t id = peer ? strtoull(peer, NULL, 16) : 0;
	struct csm_channel *channel = NULL;
	struct csm_event event;

	policy(csm_permissions(region) & CSM_WRITE, "no write access");
	while (peer && csm_signal(region, id, 2) == -EACCES) {
		need(csm_wait(region, WAIT_MS, &event), "csm_wait");
	}
	need(csm_channel_open(region, id, WAIT_MS, &channel), "csm_channel_open");
	return channel;
}

static int batch(char **args)
{
	struct csm_region *region = region_of(args[0]);
	struct csm_channel *channel = channel_of(region, args[1]);
	uint64_t sum = 0, answer = 0;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t words = 1 + round * 37 % 1000;
		void *place;

		need(csm_channel_reserve(channel, 4096, WAIT_MS, &place), "csm_channel_reserve");
		for (uint32_t i = 0; i < words; i++) {
			((volatile uint32_t *)place)[i] = round ^ i;
			sum += round ^ i;
		}
		need(csm_channel_commit(channel, 4 * words, round % BATCH != BATCH - 1),
		     "csm_channel_commit");
	}
	need(csm_channel_flush(channel), "csm_channel_flush");
	need(csm_channel_shutdown(channel), "csm_channel_shutdown");
	policy(csm_channel_recv(channel, &answer, sizeof(answer), WAIT_MS) == sizeof(answer),
	       "no sum came back");
	policy(answer == sum, "another sum came back");
	printf("messages %u\n", ROUNDS);
	csm_channel_close(channel);
	csm_release(region);
	return 0;
}

static int sum_up(char **args)
{
	struct csm_region *region = region_of(args[0]);
	struct csm_channel *channel = channel_of(region, NULL);
	const void *place;
	uint64_t sum = 0;
	long size;

	while ((size = csm_channel_peek(channel, WAIT_MS, &place)) >= 0) {
		for (long i = 0; i < size / 4; i++) {
			sum += ((const volatile uint32_t *)place)[i];
		}
		need(csm_channel_done(channel), "csm_channel_done");
	}
	policy(size == -EPIPE, "the channel did not end well");
	need(csm_channel_send(channel, &sum, sizeof(sum), WAIT_MS), "csm_channel_send");
	csm_channel_close(channel);
	csm_release(region);
	return 0;
}

static int call(char **args)
{
	struct csm_region *region = region_of(args[0]);
	struct csm_channel *channel = channel_of(region, args[1]);
	char request[64] = "request", response[64];
	struct csm_rpc rpc = {.request = request, .response = response, .room = sizeof(response)};

	for (unsigned int i = 0; i < CALLS; i++) {
		rpc.size = 1 + i % sizeof(request);
		policy(csm_rpc_call(channel, &rpc, WAIT_MS) == (long)rpc.size, "wrong answer");
		policy(memcmp(request, response, rpc.size) == 0, "another answer");
		request[i % sizeof(request)]++;
	}
	rpc.size = 0;
	policy(csm_rpc_call(channel, &rpc, WAIT_MS) == 0 && rpc.status == NO_SUCH,
	       "a handler that fails does not reach the caller");
	rpc.size = csm_rpc_max(channel) + 1;
	policy(csm_rpc_call(channel, &rpc, WAIT_MS) == -EMSGSIZE, "a call that is too long");
	printf("calls %u\n", CALLS + 1);
	csm_channel_close(channel);
	csm_release(region);
	return 0;
}

static long answer_call(void *arg, const void *request, size_t size, void *response, size_t room)
{
	++*(unsigned int *)arg;
	if (size == 0 || size > room) {
		return NO_SUCH;
	}
	memcpy(response, request, size);
	return (long)size;
}

static int serve(char **args)
{
	struct csm_region *region = region_of(args[0]);
	struct csm_channel *channel = channel_of(region, NULL);
	unsigned int served = 0;
	int ret;

	do {
		ret = csm_rpc_serve(channel, answer_call, &served, WAIT_MS);
	} while (ret == 0);
	policy(ret == -EPIPE || ret == -ENOTCONN, csm_strerror(ret));
	printf("served %u\n", served);
	csm_channel_close(channel);
	csm_release(region);
	return 0;
}

/* ----------------------------------------------------------------------- main */

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(char **args);
		int least, most; /* arguments */
	} commands[] = {
		{"make", make, 2, 2},   {"same", same, 2, 2},     {"dump", dump, 1, 1},
		{"fill", fill, 2, 2},   {"use", use, 2, 2},       {"hold", hold, 2, 2},
		{"keep", keep, 1, 1},   {"notify", notify, 2, 3}, {"poll", poll_events, 1, 1},
		{"batch", batch, 2, 2}, {"sum", sum_up, 1, 1},    {"call", call, 2, 2},
		{"serve", serve, 1, 1}, {"full", full, 0, 0}};

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(SECONDS);
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, argv[1]) == 0 && argc - 2 >= commands[i].least &&
		    argc - 2 <= commands[i].most) {
			int ret;

			need(csm_open(&csm), "/dev/csm");
			ret = commands[i].run(argv + 2);
			csm_close(csm);
			return ret;
		}
	}
	fprintf(stderr, "sharetest: used wrongly; its head says how\n");
	return 2;
}
