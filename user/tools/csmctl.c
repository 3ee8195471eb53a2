// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>

#include "csmctl.h"

static const struct command {
	const char *name;
	int least, most; /* arguments */
	int (*run)(struct tool *tool);
} commands[] = {
	{"id", 0, 0, cmd_id},         {"list", 0, 1, cmd_list},     {"peer", 1, 1, cmd_peer},
	{"create", 1, 1, cmd_create}, {"share", 2, 2, cmd_share},   {"revoke", 2, 2, cmd_revoke},
	{"seal", 1, 1, cmd_seal},     {"digest", 1, 1, cmd_digest}, {"destroy", 1, 1, cmd_destroy},
	{"attach", 1, 1, cmd_attach}, {"detach", 1, 1, cmd_detach}, {"wait", 1, 1, cmd_wait},
	{"watch", 1, 1, cmd_watch},   {"put", 1, 1, cmd_put},       {"get", 2, 2, cmd_get},
	{"send", 1, 1, cmd_send},     {"recv", 1, 1, cmd_recv},     {"echo", 1, 1, cmd_echo},
	{"ping", 1, 1, cmd_ping},
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}

static int open_device(const struct csm_backend *backend, void *ctx, struct io *io,
		       struct csm **out)
{
	int ret = csm_open_backend(backend, ctx, out);

	if (ret == -ENOENT) {
		fprintf(io->err, "csmctl: there is no /dev/csm: load the module caec_guest\n");
		return CSMCTL_FAILED;
	}
	if (ret == -EACCES) {
		fprintf(io->err, "csmctl: /dev/csm: not allowed to this user\n");
		return CSMCTL_FAILED;
	}
	return ret < 0 ? complain(io, "/dev/csm", ret) : 0;
}

/* Checks the number of arguments, opens the device and runs a command. Returns the exit status. */
static int run(const struct command *command, const struct options *options,
	       const struct csm_backend *backend, void *ctx, struct io *io)
{
	struct tool tool = {.options = options, .io = io};
	int ret;

	if (options->num_args < command->least || options->num_args > command->most) {
		fprintf(io->err, "csmctl: %s: wrong number of arguments; see csmctl --help\n",
			command->name);
		return CSMCTL_USAGE;
	}
	ret = open_device(backend, ctx, io, &tool.csm);
	if (ret == 0) {
		ret = command->run(&tool);
		csm_close(tool.csm);
	}
	return ret == CSMCTL_OK ? out_check(io) : ret;
}

int csmctl_run(int argc, char **argv, const struct csm_backend *backend, void *ctx, struct io *io)
{
	const struct command *command;
	struct options options;
	int ret = options_parse(argc, argv, &options, io);

	if (ret != 0) {
		return ret;
	}
	if (!options.command) {
		options_help(io->err);
		return CSMCTL_USAGE;
	}
	if (strcmp(options.command, "help") == 0) {
		options_help(io->out);
		return out_check(io);
	}
	if (strcmp(options.command, "version") == 0) {
		fprintf(io->out, "csmctl %s\n", LIBCSM_VERSION);
		return out_check(io);
	}
	command = find(options.command);
	if (!command) {
		fprintf(io->err, "csmctl: no command %s; see csmctl --help\n", options.command);
		return CSMCTL_USAGE;
	}
	io->json = options.json;
	return run(command, &options, backend, ctx, io);
}
