# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# How packages come from a Debian mirror: what env/make and env/realm-root share. Sourced after lib.sh,
# never run. The caller sets RETRY and defines explain_failure LOG, which ends the script.

# Debian mirrors of this machine: MIRROR and SECURITY, from CAEC_MIRROR and CAEC_SECURITY_MIRROR or
# from its apt sources, which apt itself reads in either format.
find_mirrors() {
	# shellcheck disable=SC2016
	local format='$(REPO_URI)|$(RELEASE)'
	local uri release origin
	MIRROR=${CAEC_MIRROR:-} SECURITY=${CAEC_SECURITY_MIRROR:-}
	command -v apt-get >/dev/null || [ -n "$MIRROR" ] ||
		die "this machine has no apt: set CAEC_MIRROR (and CAEC_SECURITY_MIRROR) to a Debian mirror"
	while IFS='|' read -r uri release; do
		case $uri in
		mirror+file:*) uri=$(grep -m1 -oE '^[a-z]+:[^[:space:]]+' "${uri#mirror+file:}" || true) ;;
		esac
		origin=${release%%[-/]*}
		case $origin in
		bullseye | bookworm | trixie | forky | sid | oldstable | stable | testing | unstable) ;;
		*) continue ;;
		esac
		case $release in
		*-security | */updates) SECURITY=${SECURITY:-$uri} ;;
		*) MIRROR=${MIRROR:-$uri} ;;
		esac
	done < <(apt-get indextargets --no-release-info --format "$format" \
		'Identifier: Packages' 'Component: main' 2>/dev/null || true)
	[ -n "$MIRROR" ] ||
		die "no Debian mirror in this machine's apt sources: set CAEC_MIRROR (and CAEC_SECURITY_MIRROR)"
	[ -n "$SECURITY" ] || say "no Debian security mirror in the apt sources: $ENV_SUITE-security is left out"
}

# The apt sources of the environment; $1 is the signing option or empty.
apt_sources() {
	printf 'deb%s %s %s main\n' "$1" "$MIRROR" "$ENV_SUITE"
	printf 'deb%s %s %s main\n' "$1" "$MIRROR" "$ENV_SUITE-updates"
	[ -z "$SECURITY" ] || printf 'deb%s %s %s main\n' "$1" "$SECURITY" "$ENV_SUITE-security"
	printf 'deb%s %s %s main\n' "$1" "$MIRROR" "$ENV_SUITE-backports"
	printf 'deb-src%s %s %s main\n' "$1" "$MIRROR" "$ENV_SUITE"
}

# How this machine's apt reaches its mirror: proxies, retries, date checks.
apt_options() {
	apt-config dump --format '%F "%v";%n' 2>/dev/null |
		grep -E '^Acquire::(.*Proxy.*|Retries|Check-Valid-Until|Check-Date) "[^"]+";$' || true
}

# failure_lines LOG: what the log of apt or mmdebstrap says about packages that could not be fetched or found.
failure_lines() {
	grep -hoE -e 'Failed to fetch [^ ]+ .*|Unable to locate package [^ ]+' \
		-e 'Package .* has no installation candidate|No space left on device' \
		-e 'Temporary failure resolving .*|Could not (resolve|connect to) .*' \
		-e 'no valid OpenPGP.*|NO_PUBKEY.*|^E: .*|^(unshare|setpriv|mount): .*' "$1" |
		grep -vE -e '--error-on=any|(setup|download) failed: E: |mmdebstrap failed to run' \
			-e 'Some index files failed|Unable to fetch some' |
		sed -E "s/^E: //; s,Failed to fetch .*/([^/_]+)_[^/]*\.deb,Failed to fetch package \1," |
		sort -u | cut -c -160 | head -n 12 | sed 's/^/env:   /' >&2 || true
}

need_mmdebstrap() {
	local missing=()
	command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "missing on this machine: ${missing[*]}; install them, then $RETRY"
	say "installing ${missing[*]}"
	{
		apt-get -q update &&
			DEBIAN_FRONTEND=noninteractive \
				apt-get -q -y install --no-install-recommends "${missing[@]}"
	} >"$CAEC_CACHE/env-make.log" 2>&1 || explain_failure "$CAEC_CACHE/env-make.log"
}
