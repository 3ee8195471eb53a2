# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# What env/make, env/run, env/remove, env/tf-a and env/flash share. Sourced, never run.
#
# ENV_CHECKOUT  the checkout, its physical absolute path
# CAEC_CACHE     where everything that is made once is kept; set it to move the cache
# ENV_KEY        names one content of the environment: package names, suite, making script
# ENV_ROOT       the root file system of that key; exists only when it is whole
# ENV_SECTIONS   the sections of env/packages that are in it

ENV_SUITE=trixie
ENV_SUITE_VERSION=13
# Raise this when env/make or env/rootfs-finish puts something else into the environment.
ENV_SCRIPT_VERSION=1

ENV_CHECKOUT=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd -P)
if [ -z "${CAEC_CACHE:-}" ]; then
	[ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] || HOME=$(cd ~ && pwd)
	CAEC_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/caec
fi
[[ $CAEC_CACHE == /* ]] || CAEC_CACHE=$PWD/$CAEC_CACHE
export CAEC_CACHE

# CAEC_ENV=packaging: an environment with the tools that make Debian packages, beside the usual one.
ENV_SECTIONS=(amd64 arm64 source)
[ "${CAEC_ENV:-}" != packaging ] || ENV_SECTIONS+=(packaging)

say() {
	printf 'env: %s\n' "$*" >&2
}

die() {
	printf 'env: %s\n' "$@" >&2
	exit 1
}

# env_packages SECTION: the names in that section of env/packages, one a line.
env_packages() {
	local line section=
	while IFS= read -r line || [ -n "$line" ]; do
		line=${line%%#*}
		line=${line//[[:space:]]/}
		case $line in
		'') ;;
		\[*\]) section=${line:1:-1} ;;
		*) [ "$section" != "$1" ] || printf '%s\n' "$line" ;;
		esac
	done <"$ENV_CHECKOUT/env/packages"
}

env_compute_key() {
	local section sum
	sum=$({
		printf '%s\n' "$ENV_SUITE" "$ENV_SCRIPT_VERSION"
		for section in "${ENV_SECTIONS[@]}"; do
			printf '[%s]\n' "$section"
			env_packages "$section"
		done
	} | sha256sum)
	ENV_KEY=${sum:0:16}
	ENV_ROOT=$CAEC_CACHE/env-$ENV_KEY
}

# True when env/run started this process, or it runs in a root file system made by env/make.
env_inside() {
	[ -n "${CAEC_INSIDE:-}" ] || [ -e /etc/caec/rootfs ]
}

# env_names: what an environment gets before it knows the kernel's version, as apt names it.
env_names() {
	env_packages amd64
	env_packages arm64 | grep -v '@V@' | sed 's/$/:arm64/'
	[ "${CAEC_ENV:-}" != packaging ] || env_packages packaging
}

# True when the machine itself is the suite the project wants and nobody asked for a separate root.
env_native() {
	case ${CAEC_ENV:-} in
	rootfs | packaging) return 1 ;;
	esac
	local ID='' VERSION_ID=''
	# shellcheck disable=SC1091
	[ ! -r /etc/os-release ] || . /etc/os-release
	[ "$ID" = debian ] && [ "$VERSION_ID" = "$ENV_SUITE_VERSION" ]
}

# True when the environment for ENV_KEY is whole.
env_ready() {
	if env_native; then
		[ -r /etc/caec/key ] && [ "$(</etc/caec/key)" = "$ENV_KEY" ]
	else
		[ -e "$ENV_ROOT/etc/caec/rootfs" ]
	fi
}

# Holds the cache's lock until this process and the children that inherit it end.
env_lock() {
	{ mkdir -p "$CAEC_CACHE" && [ -w "$CAEC_CACHE" ]; } ||
		die "cannot write in the cache directory $CAEC_CACHE (set CAEC_CACHE to move it)"
	# Read-only is enough to lock it, so it may belong to somebody else.
	[ -e "$CAEC_CACHE/lock" ] || : >"$CAEC_CACHE/lock"
	exec {ENV_LOCK}<"$CAEC_CACHE/lock"
	if ! flock -n "$ENV_LOCK"; then
		say "another process is making something in $CAEC_CACHE; waiting for it"
		flock "$ENV_LOCK"
	fi
}
