# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Completion of csmctl for bash.

_csmctl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i
	local commands='token evidence attest id list peer create put share revoke seal digest destroy attach detach get
		wait watch send recv echo ping link'
	local options='--json --timeout --help --version'

	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ " ${commands//[$'\t\n']/ } " != *" ${COMP_WORDS[i]} "* ]] || command=${COMP_WORDS[i]}
	done
	case $command in
	token | evidence) options+=' --challenge' ;;
	attest) options+=' --policy --via --as' ;;
	share) options+=' --write --exec --rim --rem --rpv --attest --via --as' ;;
	put) options+=' --label --to --seal --write --exec --rim --rem --rpv' ;;
	create) options+=' --label' ;;
	attach | get) options+=' --rim --rem --rpv --attest --via --as' ;;
	watch) options+=' --rim --rem --rpv' ;;
	send | recv | echo) options+=' --to --rim --rem --rpv' ;;
	ping) options+=' --to --count --sizes --rim --rem --rpv' ;;
	link) options+=' --address --vsock --cid --foreground --rim --rem --rpv' ;;
	esac

	case $before in
	--as | --challenge | --timeout | --label | --to | --count | --sizes | --address | --rim | --rem | --rpv) return ;;
	link)
		mapfile -t COMPREPLY < <(compgen -W 'up down list' -- "$word")
		return
		;;
	--policy | --attest)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--via)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
	elif [[ -z $command ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
	elif [[ $command == put || $command == get || $command == token || $command == evidence ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	elif [[ $command == link ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(csmctl link list 2>/dev/null | awk '{ print $2 }')" -- "$word")
	elif [[ $command != id && $command != list && $command != peer && $command != create ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(csmctl list 2>/dev/null |
			awk '{ print $12 == "own" ? $4 : $2 ":" $4 }')" -- "$word")
	fi
}
complete -F _csmctl csmctl
