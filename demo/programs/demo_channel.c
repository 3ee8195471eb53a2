// SPDX-License-Identifier: BSD-3-Clause
/*
 * demo-channel serve CONSUMER_ID COUNT        creates a region, grants it, and prints "region N"
 * demo-channel join PROVIDER_ID REGION COUNT  attaches it
 *
 * Both then send COUNT messages of 64 B to 32 KiB while they receive as many from the other, check
 * every byte, and print how many went each way. Ids are hexadecimal.
 */
#include <inttypes.h>
#include <libcsm.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGION_SIZE (4u << 20)
#define LEAST       64u
#define MOST        (32u << 10)
#define PATIENCE_MS 120000

struct side {
	struct csm_channel *channel;
	unsigned long count;
	uint32_t seed_out, seed_in;
	int result;
	uint64_t bytes;
};

/* The same on both sides: length and content of message `number` of a direction. */
static uint32_t mix(uint32_t value)
{
	value ^= value << 13;
	value ^= value >> 17;
	return value ^ value << 5;
}

static size_t length_of(uint32_t seed, unsigned long number)
{
	return LEAST + mix(seed + (uint32_t)number * 2654435761u) % (MOST - LEAST + 1);
}

static void fill(uint32_t *words, size_t size, uint32_t seed, unsigned long number)
{
	uint32_t state = mix(seed ^ ((uint32_t)number + 1));

	for (size_t i = 0; i < (size + 3) / 4; i++) {
		state = state * 1664525u + 1013904223u;
		words[i] = state;
	}
}

static int fail(const char *what, int result)
{
	fprintf(stderr, "demo-channel: %s: %s\n", what, csm_strerror(result));
	return 1;
}

static void *sender(void *arg)
{
	struct side *side = arg;
	static uint32_t message[MOST / 4];

	for (unsigned long i = 0; i < side->count && side->result == 0; i++) {
		size_t size = length_of(side->seed_out, i);

		fill(message, size, side->seed_out, i);
		side->result = csm_channel_send(side->channel, message, size, PATIENCE_MS);
	}
	return NULL;
}

static int receive_all(struct side *side)
{
	static uint32_t got[MOST / 4], wanted[MOST / 4];

	for (unsigned long i = 0; i < side->count; i++) {
		size_t size = length_of(side->seed_in, i);
		long length = csm_channel_recv(side->channel, got, sizeof(got), PATIENCE_MS);

		if (length < 0) {
			return fail("receive", (int)length);
		}
		fill(wanted, size, side->seed_in, i);
		if ((size_t)length != size || memcmp(got, wanted, size) != 0) {
			fprintf(stderr, "demo-channel: message %lu is not what was sent\n", i);
			return 1;
		}
		side->bytes += size;
	}
	return 0;
}

static int talk(struct side *side)
{
	pthread_t thread;
	int bad;

	if (pthread_create(&thread, NULL, sender, side) != 0) {
		return fail("thread", -1);
	}
	bad = receive_all(side);
	pthread_join(thread, NULL);
	if (!bad && side->result != 0) {
		bad = fail("send", side->result);
	}
	if (!bad) {
		printf("sent %lu, received %lu messages, %" PRIu64
		       " bytes in, all as they were sent\n",
		       side->count, side->count, side->bytes);
	}
	csm_channel_close(side->channel);
	return bad;
}

static int serve(struct csm *csm, uint64_t consumer, struct side *side)
{
	struct csm_region *region;
	int ret = csm_create(csm, REGION_SIZE, csm_label("channel"), 0, &region);

	if (ret == 0) {
		ret = csm_share(region, consumer, CSM_READ | CSM_WRITE, NULL);
	}
	if (ret < 0) {
		return fail("region", ret);
	}
	printf("region %" PRIx64 "\n", csm_region_id(region));
	fflush(stdout);
	ret = csm_channel_open(region, consumer, PATIENCE_MS, &side->channel);
	ret = ret < 0 ? fail("channel", ret) : talk(side);
	csm_release(region);
	return ret;
}

static int join(struct csm *csm, uint64_t provider, uint64_t id, struct side *side)
{
	struct csm_region *region;
	int ret = csm_attach(csm, provider, id, NULL, 0, &region);

	if (ret < 0) {
		return fail("attach", ret);
	}
	ret = csm_channel_open(region, 0, PATIENCE_MS, &side->channel);
	ret = ret < 0 ? fail("channel", ret) : talk(side);
	csm_release(region);
	return ret;
}

int main(int argc, char **argv)
{
	struct side side = {0};
	struct csm *csm;
	int ret = csm_open(&csm);

	if (ret < 0) {
		return fail("open", ret);
	}
	if (argc == 4 && strcmp(argv[1], "serve") == 0) {
		side.count = strtoul(argv[3], NULL, 10);
		side.seed_out = 1;
		side.seed_in = 2;
		ret = serve(csm, strtoull(argv[2], NULL, 16), &side);
	} else if (argc == 5 && strcmp(argv[1], "join") == 0) {
		side.count = strtoul(argv[4], NULL, 10);
		side.seed_out = 2;
		side.seed_in = 1;
		ret = join(csm, strtoull(argv[2], NULL, 16), strtoull(argv[3], NULL, 16), &side);
	} else {
		fprintf(stderr,
			"usage: demo-channel serve CONSUMER COUNT | join PROVIDER REGION COUNT\n");
		ret = 2;
	}
	csm_close(csm);
	return ret;
}
