// SPDX-License-Identifier: BSD-3-Clause
/* The bytes of one fuzzing input, read from the front; zeros once they are used up. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct input {
	const uint8_t *bytes;
	size_t left;
};

static inline uint8_t input_byte(struct input *input)
{
	if (input->left == 0) {
		return 0;
	}
	input->left--;
	return *input->bytes++;
}

static inline uint64_t input_word(struct input *input)
{
	uint64_t word = 0;

	for (unsigned int i = 0; i < 8; i++) {
		word = word << 8 | input_byte(input);
	}
	return word;
}

/* A number below limit, at most 256. */
static inline unsigned int input_below(struct input *input, unsigned int limit)
{
	return input_byte(input) % limit;
}

#endif
