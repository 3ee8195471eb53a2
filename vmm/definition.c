// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "definition.h"

static char *must(char *text)
{
	if (!text) {
		fprintf(stderr, "rvm: not enough memory\n");
		exit(EXIT_FAILURE);
	}
	return text;
}

static void add(struct words *out, char *word)
{
	char **list = realloc(out->list, ((size_t)out->count + 2) * sizeof(*list));

	must((char *)list);
	list[out->count++] = word;
	list[out->count] = NULL;
	out->list = list;
}

static bool is_path(const char *key)
{
	static const char *const keys[] = {"kernel", "initrd", "share", "disk"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(key, keys[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* The text of a value, a copy; NULL: it has none. */
static char *text_of(const char *file, const char *key, const json_t *value)
{
	const char *text = json_string_value(value);
	char *out = NULL;

	if (json_is_integer(value) &&
	    asprintf(&out, "%" JSON_INTEGER_FORMAT, json_integer_value(value)) >= 0) {
		return out;
	}
	if (!text) {
		return NULL;
	}
	if (is_path(key) && text[0] != '/') {
		char *copy = must(strdup(file));

		out = asprintf(&out, "%s/%s", dirname(copy), text) >= 0 ? out : NULL;
		free(copy);
		return must(out);
	}
	return must(strdup(text));
}

/* One option, as often as the value says. False after a message. */
static bool add_option(const char *file, const char *key, const json_t *value, struct words *out)
{
	char *name = NULL, *text;
	size_t i;
	const json_t *item;

	if (json_is_array(value)) {
		json_array_foreach (value, i, item) {
			if (json_is_array(item) || !add_option(file, key, item, out)) {
				return false;
			}
		}
		return true;
	}
	if (json_is_false(value) || json_is_null(value)) {
		return true;
	}
	must(asprintf(&name, "--%s", key) >= 0 ? name : NULL);
	text = json_is_true(value) ? NULL : text_of(file, key, value);
	if (!text && !json_is_true(value)) {
		fprintf(stderr, "rvm: %s: %s: must be text, a whole number, true, or a list\n",
			file, key);
		free(name);
		return false;
	}
	add(out, name);
	if (text) {
		add(out, text);
	}
	return true;
}

/* The options that a file defines. False after a message. */
static bool add_file(const char *file, struct words *out)
{
	json_error_t err;
	json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &err), *value;
	const char *key;
	bool good = json_is_object(root);

	if (!root && err.line > 0) {
		fprintf(stderr, "rvm: %s: line %d: %s\n", file, err.line, err.text);
	} else if (!root) {
		fprintf(stderr, "rvm: %s\n", err.text);
	} else if (!good) {
		fprintf(stderr, "rvm: %s: must be one JSON object of options\n", file);
	}
	json_object_foreach (root, key, value) {
		good = good && add_option(file, key, value, out);
	}
	json_decref(root);
	return good;
}

int definition_expand(int count, char **words, struct words *out)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(words[i], "-f") != 0) {
			add(out, words[i]);
			/* The value of an option may be any word. */
			if (strncmp(words[i], "--", 2) == 0 && i + 1 < count &&
			    strcmp(words[i + 1], "-f") != 0 &&
			    strncmp(words[i + 1], "--", 2) != 0) {
				add(out, words[++i]);
			}
		} else if (i + 1 == count) {
			fprintf(stderr, "rvm: -f: its FILE is missing\n");
			return 1;
		} else if (!add_file(words[++i], out)) {
			return 1;
		}
	}
	if (!out->list) {
		add(out, NULL);
		out->count = 0;
	}
	return 0;
}
