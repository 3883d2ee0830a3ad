# Completion of sm-helper in bash. Made by packaging/pages/write: what clap_complete makes of the
# grammar, and below it what only the host knows.

_sm_helper() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="sm_helper"
                ;;
            sm_helper,list)
                cmd="sm_helper__subcmd__list"
                ;;
            sm_helper,package)
                cmd="sm_helper__subcmd__package"
                ;;
            sm_helper,result)
                cmd="sm_helper__subcmd__result"
                ;;
            sm_helper,service)
                cmd="sm_helper__subcmd__service"
                ;;
            sm_helper,task)
                cmd="sm_helper__subcmd__task"
                ;;
            sm_helper,undo)
                cmd="sm_helper__subcmd__undo"
                ;;
            sm_helper,version)
                cmd="sm_helper__subcmd__version"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        sm_helper)
            opts="-h --reason --dry-run --timeout --no-wait --brief --pretty --via --help service package task undo result list version"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --reason)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --via)
                    COMPREPLY=($(compgen -W "auto socket sudo" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        sm_helper__subcmd__list)
            opts="-h --schema --reason --dry-run --timeout --no-wait --brief --pretty --via --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --schema)
                    COMPREPLY=($(compgen -W "json-schema openai-strict gemini anthropic" -- "${cur}"))
                    return 0
                    ;;
                --reason)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --via)
                    COMPREPLY=($(compgen -W "auto socket sudo" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        sm_helper__subcmd__package)
            opts="-h --reason --dry-run --timeout --no-wait --brief --pretty --via --help install remove upgrade update autoremove autoclean repair plan"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --reason)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --via)
                    COMPREPLY=($(compgen -W "auto socket sudo" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        sm_helper__subcmd__result)
            opts="-h --wait --reason --dry-run --timeout --no-wait --brief --pretty --via --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --wait)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --reason)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --via)
                    COMPREPLY=($(compgen -W "auto socket sudo" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        sm_helper__subcmd__service)
            opts="-h --lines --since --reason --dry-run --timeout --no-wait --brief --pretty --via --help start stop restart reload enable disable reset-failed status logs daemon-reload"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --lines)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --since)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --reason)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --via)
                    COMPREPLY=($(compgen -W "auto socket sudo" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        sm_helper__subcmd__task)
            opts="-h --reason --dry-run --timeout --no-wait --brief --pretty --via --help run"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --reason)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --via)
                    COMPREPLY=($(compgen -W "auto socket sudo" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        sm_helper__subcmd__undo)
            opts="-h --reason --dry-run --timeout --no-wait --brief --pretty --via --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --reason)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --via)
                    COMPREPLY=($(compgen -W "auto socket sudo" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        sm_helper__subcmd__version)
            opts="-h --reason --dry-run --timeout --no-wait --brief --pretty --via --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --reason)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --via)
                    COMPREPLY=($(compgen -W "auto socket sudo" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}
# The names that this account may use with an action, a name a line, as the program says: for an
# account `sm-helper list`, which needs no root and leaves no record. That of root would be recorded,
# and root may ask for all, so it is the surface there. It is the installed program by its path that
# is asked, whatever was typed: a tab must not run a file of that name in somebody's folder. Only
# what is a name by the policy's own rules is handed on, so that nothing in it means anything to a
# shell.
_sm_helper_names() { # KIND ACTION
    if ((EUID == 0)); then
        /usr/local/bin/sm policy surface </dev/null 2>/dev/null |
            LC_ALL=C awk -v kind="$1" -v action="$2" '
BEGIN { begin = "\"" kind " " action " " }
index($0, begin) == 1 {
    name = substr($0, length(begin) + 1)
    sub(/": .*/, "", name)
    if (name ~ /^[A-Za-z0-9][A-Za-z0-9+_.@:-]*$/) print name
}'
    else
        /usr/local/bin/sm-helper list --pretty </dev/null 2>/dev/null |
            LC_ALL=C awk -v kind="$1" -v action="$2" '
/^  "/ { inside = $0 == "  \"" kind "s\": {"; next }
inside && /^    "[A-Za-z0-9][A-Za-z0-9+_.@:-]*": [{]$/ { split($0, part, "\""); name = part[2]; next }
inside && /^    "/ { name = "" }
inside && name && /^        "/ { split($0, part, "\""); if (part[2] == action) print name }'
    fi
}

# Takes the line apart. $cur is the word that is completed, $head what of it stays in front (--flag=),
# $prefix what of both bash keeps by itself, $prev the flag whose value it is; $plain are the words
# before it, without flags and their values. Ends at the place REQUEST, with the rest in $request.
_sm_helper_read() { # VALUED [REQUEST...]
    local part joined='' each i last words=() valued=" $1 "
    shift
    cur='' head='' prefix='' prev='' plain=() request=()
    # A word that bash has cut at one of these is one word here.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        part=${COMP_WORDS[i]}
        if [[ ($joined || $part == [:=@]) && ${#words[@]} -gt 1 ]]; then
            words[${#words[@]} - 1]+=$part
            [[ $part == [:=@] ]] && joined=1 || joined=
        else
            words+=("$part")
        fi
    done
    last=$((${#words[@]} - 1))
    for ((i = 1; i < last; i++)); do
        if [[ $prev ]]; then
            prev=
        elif [[ ${words[i]} == -* && ${words[i]} != -- ]]; then
            [[ $valued != *" ${words[i]} "* ]] || prev=${words[i]}
        else
            for each; do
                [[ ${plain[*]} != "$each" ]] || { request=("${words[@]:i}") && return; }
            done
            [[ ${words[i]} == -- ]] || plain+=("${words[i]}")
        fi
    done
    cur=${words[last]}
    for each in : = @; do
        if [[ $COMP_WORDBREAKS == *"$each"* && $cur == *"$each"* ]]; then
            part=${cur%"${cur##*"$each"}"}
            ((${#part} <= ${#prefix})) || prefix=$part
        fi
    done
    if [[ ! $prev && $cur == --*=* ]]; then
        prev=${cur%%=*} head=${cur%%=*}= cur=${cur#*=}
    elif [[ ! $prev && ($cur != -* || ${plain[*]} == helper) ]]; then
        for each; do [[ ${plain[*]} != "$each" ]] || request=("$cur"); done
    fi
}

# Offers what clap_complete has for this place, but flags only where one was begun.
_sm_helper_grammar() { # PROGRAM, with no dash
    local i COMP_WORDS=("$1" "${plain[@]}") COMP_CWORD=99
    "_$1" "$1" "$cur" "$prev"
    for i in "${!COMPREPLY[@]}"; do
        [[ $cur == -* || ${COMPREPLY[i]} != -* ]] || unset 'COMPREPLY[i]'
    done
}

# Offers the lines of standard input that begin with $cur.
_sm_helper_offer() {
    local each
    COMPREPLY=()
    while IFS= read -r each; do [[ $each != "$cur"* ]] || COMPREPLY+=("$each"); done
}

# What bash is to put behind what it keeps.
_sm_helper_done() {
    local i
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=$head${COMPREPLY[i]}
        COMPREPLY[i]=${COMPREPLY[i]#"$prefix"}
    done
}

_sm_helper_complete() {
    local cur head prefix prev plain request given IFS=$' \t\n'
    COMPREPLY=()
    _sm_helper_read '--lines --reason --since --timeout --wait --schema --via'
    [[ ! $prev || $cur != -* ]] || return
    given=("${plain[@]:1}")
    [[ ${plain[0]},${given[0]} != package,plan ]] || given=("${given[@]:1}")
    case $prev in
    --lines | --reason | --since | --timeout | --wait) ;;
    '')
        if [[ $cur == -* || ${#plain[@]} -lt 2 ]]; then
            _sm_helper_grammar sm_helper
        elif ((${#given[@]} == 0)); then
            _sm_helper_offer < <(printf '%s\n' install remove upgrade autoremove)
        elif ((${#given[@]} == 1)); then
            _sm_helper_offer < <(_sm_helper_names "${plain[0]}" "${given[0]}")
        fi
        ;;
    *) _sm_helper_grammar sm_helper ;;
    esac
    _sm_helper_done
}

complete -F _sm_helper_complete sm-helper
