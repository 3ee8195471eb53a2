# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Completion of rvm for bash.

_rvm() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local commands='run up list console logs stop kill wait exec control --help --version'
	local options='--name --kernel --initrd --cmdline --mem --cpus --csm --apt --disk --share --console --rpv --hash
		--sve --pmu --no-measure --measure-only --measurement-log --quiet --detach -f'

	if [[ $COMP_CWORD == 1 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
		return
	fi
	case ${COMP_WORDS[1]}:$before in
	run:--kernel | run:--initrd | run:--disk | run:--measurement-log | run:-f) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	run:--share | up:up) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
	run:--console) mapfile -t COMPREPLY < <(compgen -W 'stdio none attach' -- "$word") ;;
	run:--hash) mapfile -t COMPREPLY < <(compgen -W 'sha256 sha512' -- "$word") ;;
	run:--name | run:--cmdline | run:--mem | run:--cpus | run:--csm | run:--apt | run:--rpv | run:--sve | run:--pmu) ;;
	run:*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
	console:console | logs:logs | stop:stop | kill:kill | wait:wait | exec:exec | control:control)
		mapfile -t COMPREPLY < <(compgen -W "$(rvm list 2>/dev/null | awk 'NR > 1 { print $1 }')" -- "$word")
		;;
	esac
}
complete -F _rvm rvm
