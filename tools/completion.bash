# bash completion of cepman. What there is to complete is asked of the program's own help, so that it is never behind it.
_cepman()
{
    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} option words
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$current")
        return
    fi
    # "--name value" and "--name=value"; bash gives the "=" as a word of its own.
    if [ "$before" = = ]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    elif [ "$current" = = ]; then
        option=$before current=
    elif [[ $before == -* ]]; then
        option=$before
    fi
    if [ -n "$option" ]; then
        words=$("$program" "$command" --help 2>/dev/null |
            sed -n "s/^  *\(-[a-zA-Z0-9], \)\{0,1\}$option \([a-z0-9-]*|[a-z0-9|-]*\)\( .*\)\{0,1\}\$/\2/p")
        if [ -n "$words" ]; then
            mapfile -t COMPREPLY < <(compgen -W "${words//|/ }" -- "$current")
            return
        fi
    fi
    if [[ $current == -* ]]; then
        words=$("$program" "$command" --help 2>/dev/null |
            sed -n 's/^  *\(-[a-zA-Z0-9], \)\{0,1\}\(--[a-z0-9-]*\).*/\2/p')
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
        return
    fi
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
}
complete -F _cepman cepman
