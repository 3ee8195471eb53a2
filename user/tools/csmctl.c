// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>

#include "attest.h"

static const struct command {
	const char *name;
	int least, most; /* arguments */
	int (*run)(struct tool *tool);
	bool opens; /* the command opens the device itself, or needs none */
} commands[] = {
	{"token", 0, 1, cmd_token, true},        {"attest", 1, 1, cmd_attest, false},
	{"evidence", 1, 1, cmd_evidence, false}, {"id", 0, 0, cmd_id, false},
	{"list", 0, 1, cmd_list, false},         {"peer", 1, 1, cmd_peer, false},
	{"create", 1, 1, cmd_create, false},     {"share", 2, 2, cmd_share, false},
	{"revoke", 2, 2, cmd_revoke, false},     {"seal", 1, 1, cmd_seal, false},
	{"digest", 1, 1, cmd_digest, false},     {"destroy", 1, 1, cmd_destroy, false},
	{"attach", 1, 1, cmd_attach, false},     {"detach", 1, 1, cmd_detach, false},
	{"wait", 1, 1, cmd_wait, false},         {"watch", 1, 1, cmd_watch, false},
	{"put", 1, 1, cmd_put, false},           {"get", 2, 2, cmd_get, false},
	{"send", 1, 1, cmd_send, false},         {"recv", 1, 1, cmd_recv, false},
	{"echo", 1, 1, cmd_echo, false},         {"ping", 1, 1, cmd_ping, false},
	{"link", 1, 3, cmd_link, true},
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

/* Those whose argument may be the name of a realm that is attested first. */
static bool takes_attest(const struct command *command)
{
	return command->run == cmd_share || command->run == cmd_attach || command->run == cmd_get;
}

/* With --attest, the arguments name a realm of the relay until it is verified. */
static int run_attested(const struct command *command, struct tool *tool)
{
	struct options verified = *tool->options;
	struct tool attested = *tool;
	char argument[48];
	int ret;

	if (!verified.attests) {
		return command->run(tool);
	}
	attested.options = &verified;
	ret = attest_arguments(tool, &verified, argument);
	return ret != 0 ? ret : command->run(&attested);
}

/* Checks the number of arguments, opens the device and runs a command. Returns the exit status. */
static int run(const struct command *command, struct tool *tool)
{
	const struct options *options = tool->options;
	int ret = 0;

	if (options->attests && !takes_attest(command)) {
		return out_error(tool->io, CSMCTL_USAGE, "%s: takes no --attest", command->name);
	}
	if (options->num_args < command->least || options->num_args > command->most) {
		return out_error(tool->io, CSMCTL_USAGE,
				 "%s: wrong number of arguments; see csmctl --help", command->name);
	}
	if (!command->opens) {
		ret = tool_open(tool);
	}
	if (ret == 0) {
		ret = run_attested(command, tool);
		csm_close(tool->csm);
	}
	return ret == CSMCTL_OK ? out_check(tool->io) : ret;
}

/* Known before the first error, which may be about another option. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			return true;
		}
	}
	return false;
}

int csmctl_run(int argc, char **argv, const struct csm_backend *backend, void *ctx, struct io *io)
{
	const struct command *command;
	struct options options;
	struct tool tool = {.options = &options, .io = io, .backend = backend, .ctx = ctx};
	int ret;

	io->json = wants_json(argc, argv);
	ret = options_parse(argc, argv, &options, io);
	if (ret != 0) {
		return ret;
	}
	if (!options.command && io->json) {
		return out_error(io, CSMCTL_USAGE, "no command; see csmctl --help");
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
		return out_error(io, CSMCTL_USAGE, "no command %s; see csmctl --help",
				 options.command);
	}
	return run(command, &tool);
}
