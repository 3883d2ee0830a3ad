# Completion of sm-helper in bash. Made from the program's grammar by packaging/pages/write.

# What can stand at a place: commands, flags (with the kind of their value), kinds of words.
_sm_helper_at() {
    commands=() flags=() kinds=()
    case $1 in
    'sm-helper')
        commands=('service' 'package' 'list' 'version')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--timeout=free' '--via=words:auto,socket,sudo')
        ;;
    'sm-helper service')
        flags=('--dry-run' '--help' '-h' '--lines=free' '--pretty' '--reason=free' '--since=free' '--timeout=free' '--via=words:auto,socket,sudo')
        kinds=('words:start,stop,restart,reload,enable,disable,status,logs' 'names:service')
        ;;
    'sm-helper package')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--timeout=free' '--via=words:auto,socket,sudo')
        kinds=('words:install,remove,upgrade,update,autoremove,autoclean,repair,plan' 'names:package')
        ;;
    'sm-helper list')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--schema' '--timeout=free' '--via=words:auto,socket,sudo')
        ;;
    'sm-helper version')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--timeout=free' '--via=words:auto,socket,sudo')
        ;;
    esac
}

# The names that this caller may use, as the program says.
_sm_helper_names() { # KIND ACTION
    if ((EUID == 0)); then
        /usr/local/bin/sm policy surface </dev/null 2>/dev/null | LC_ALL=C awk -v kind="$1" -v action="$2" '
            BEGIN { begin = "\"" kind " " action " " }
            index($0, begin) == 1 {
                name = substr($0, length(begin) + 1)
                sub(/": .*/, "", name)
                if (name ~ /^[A-Za-z0-9][A-Za-z0-9+_.@:-]*$/) print name
            }'
    else
        /usr/local/bin/sm-helper list --pretty </dev/null 2>/dev/null | LC_ALL=C awk -v kind="$1" -v action="$2" '
            /^  "/ { inside = $0 == "  \"" kind "s\": {"; next }
            inside && /^    "[A-Za-z0-9][A-Za-z0-9+_.@:-]*": [{]$/ { split($0, part, "\""); name = part[2]; next }
            inside && /^    "/ { name = "" }
            inside && name && /^        "/ { split($0, part, "\""); if (part[2] == action) print name }'
    fi
}

# Adds those of what a KIND can be that begin with $cur.
_sm_helper_offer() {
    local each
    case $1 in
    words:*)
        local IFS=,
        for each in ${1#words:}; do [[ $each != "$cur"* ]] || COMPREPLY+=("$each"); done
        ;;
    file)
        compopt -o filenames 2>/dev/null
        while IFS= read -r each; do COMPREPLY+=("$each"); done < <(compgen -f -- "$cur")
        ;;
    user | group)
        while IFS= read -r each; do COMPREPLY+=("$each"); done < <(compgen -A "$1" -- "$cur")
        ;;
    names:*)
        local kind=${1#names:} action=${given[0]}
        if [[ $kind == package && $action == plan ]]; then
            ((${#given[@]} > 1)) || { _sm_helper_offer words:install,remove,upgrade,autoremove && return; }
            action=${given[1]}
        fi
        while IFS= read -r each; do
            [[ $each != "$cur"* ]] || COMPREPLY+=("$each")
        done < <(_sm_helper_names "$kind" "$action")
        ;;
    esac
}

_sm_helper() {
    local words=() commands flags kinds given=() place=sm-helper value='' cur each flag prefix='' part joined='' i
    COMPREPLY=()
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
    cur=${words[${#words[@]} - 1]}
    words=("${words[@]:1:${#words[@]}-2}")
    _sm_helper_at "$place"
    for each in "${words[@]}"; do
        if [[ $value ]]; then
            value=
        elif [[ $each == -* ]]; then
            for flag in "${flags[@]}"; do [[ $flag != "$each="* ]] || value=${flag#*=}; done
        elif [[ " ${commands[*]} " == *" $each "* ]]; then
            place+=" $each"
            _sm_helper_at "$place"
        else
            given+=("$each")
        fi
    done
    # bash puts what is offered behind the last of these.
    for each in : = @; do
        if [[ $COMP_WORDBREAKS == *"$each"* && $cur == *"$each"* ]]; then
            part=${cur%"${cur##*"$each"}"}
            ((${#part} <= ${#prefix})) || prefix=$part
        fi
    done
    if [[ $value ]]; then
        _sm_helper_offer "$value"
    elif [[ $cur == --*=* ]]; then
        flag=${cur%%=*}=
        for each in "${flags[@]}"; do
            [[ $each != "$flag"* ]] || { cur=${cur#"$flag"} && prefix=${prefix#"$flag"} && _sm_helper_offer "${each#*=}"; }
        done
    elif [[ $cur == -* ]]; then
        for each in "${flags[@]}"; do [[ ${each%%=*} != "$cur"* ]] || COMPREPLY+=("${each%%=*}"); done
    elif ((${#commands[@]})); then
        for each in "${commands[@]}"; do [[ $each != "$cur"* ]] || COMPREPLY+=("$each"); done
    elif ((${#kinds[@]})); then
        i=${#given[@]}
        ((i < ${#kinds[@]})) || i=$((${#kinds[@]} - 1))
        _sm_helper_offer "${kinds[i]}"
    fi
    for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$prefix"}; done
}

complete -F _sm_helper sm-helper
