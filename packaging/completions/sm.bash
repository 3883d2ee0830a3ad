# Completion of sm in bash. Made from the program's grammar by packaging/pages/write.

# What can stand at a place: commands, flags (with the kind of their value), kinds of words.
_sm_at() {
    commands=() flags=() kinds=()
    case $1 in
    'sm')
        commands=('helper' 'setup-sudo' 'setup-broker' 'bootstrap-cluster' 'fleet' 'policy' 'audit' 'doctor')
        flags=('--help' '-h' '--json' '--version' '-V')
        ;;
    'sm helper')
        commands=('service' 'package' 'list' 'version')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--timeout=free' '--via=words:auto,socket,sudo')
        ;;
    'sm helper service')
        flags=('--dry-run' '--help' '-h' '--lines=free' '--pretty' '--reason=free' '--since=free' '--timeout=free' '--via=words:auto,socket,sudo')
        kinds=('words:start,stop,restart,reload,enable,disable,status,logs' 'names:service')
        ;;
    'sm helper package')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--timeout=free' '--via=words:auto,socket,sudo')
        kinds=('words:install,remove,upgrade,update,autoremove,autoclean,repair,plan' 'names:package')
        ;;
    'sm helper list')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--schema' '--timeout=free' '--via=words:auto,socket,sudo')
        ;;
    'sm helper version')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--timeout=free' '--via=words:auto,socket,sudo')
        ;;
    'sm setup-sudo')
        flags=('--all' '--check' '--exact' '--group=group' '--help' '-h' '--install' '--json' '--keep-exact' '--print' '--remove' '--user=user')
        ;;
    'sm setup-broker')
        flags=('--check' '--help' '-h' '--install' '--json' '--remove' '--user=user')
        ;;
    'sm bootstrap-cluster')
        flags=('--accept-new-host-keys' '--binary=free' '--dry-run' '--forks=free' '--help' '-h' '--inventory=file' '-i=file' '--json' '--limit=free' '-l=free' '--password-fd=free' '--skip-unreachable' '--user=user')
        ;;
    'sm fleet')
        commands=('list' 'run')
        flags=('--help' '-h' '--json')
        ;;
    'sm fleet list')
        flags=('--help' '-h' '--inventory=file' '-i=file' '--json' '--limit=free' '-l=free')
        ;;
    'sm fleet run')
        commands=('service' 'package' 'list' 'version')
        flags=('--accept-new-host-keys' '--help' '-h' '--inventory=file' '-i=file' '--json' '--limit=free' '-l=free' '--max-fail=free' '--serial=free' '--skip-unreachable' '--user=user')
        ;;
    'sm fleet run service')
        flags=('--dry-run' '--help' '-h' '--lines=free' '--pretty' '--reason=free' '--since=free' '--timeout=free' '--via=words:auto,socket,sudo')
        kinds=('words:start,stop,restart,reload,enable,disable,status,logs' 'names:service')
        ;;
    'sm fleet run package')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--timeout=free' '--via=words:auto,socket,sudo')
        kinds=('words:install,remove,upgrade,update,autoremove,autoclean,repair,plan' 'names:package')
        ;;
    'sm fleet run list')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--schema' '--timeout=free' '--via=words:auto,socket,sudo')
        ;;
    'sm fleet run version')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--timeout=free' '--via=words:auto,socket,sudo')
        ;;
    'sm policy')
        commands=('show' 'check' 'surface' 'diff' 'edit' 'revert' 'explain')
        flags=('--help' '-h' '--json')
        ;;
    'sm policy show')
        flags=('--help' '-h' '--json')
        ;;
    'sm policy check')
        flags=('--help' '-h' '--json' '--site')
        kinds=('file')
        ;;
    'sm policy surface')
        flags=('--help' '-h' '--json' '--package-manager=words:apt,pacman' '--site=file')
        ;;
    'sm policy diff')
        flags=('--help' '-h' '--json' '--package-manager=words:apt,pacman' '--site=file')
        ;;
    'sm policy edit')
        flags=('--help' '-h' '--json')
        ;;
    'sm policy revert')
        flags=('--help' '-h' '--json')
        ;;
    'sm policy explain')
        commands=('service' 'package' 'list' 'version')
        flags=('--help' '-h' '--json' '--package-manager=words:apt,pacman' '--site=file' '--user=user')
        ;;
    'sm policy explain service')
        flags=('--dry-run' '--help' '-h' '--lines=free' '--pretty' '--reason=free' '--since=free' '--timeout=free' '--via=words:auto,socket,sudo')
        kinds=('words:start,stop,restart,reload,enable,disable,status,logs' 'names:service')
        ;;
    'sm policy explain package')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--timeout=free' '--via=words:auto,socket,sudo')
        kinds=('words:install,remove,upgrade,update,autoremove,autoclean,repair,plan' 'names:package')
        ;;
    'sm policy explain list')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--schema' '--timeout=free' '--via=words:auto,socket,sudo')
        ;;
    'sm policy explain version')
        flags=('--dry-run' '--help' '-h' '--pretty' '--reason=free' '--timeout=free' '--via=words:auto,socket,sudo')
        ;;
    'sm audit')
        commands=('tail' 'search' 'stats' 'verify' 'setup')
        flags=('--help' '-h' '--json')
        ;;
    'sm audit tail')
        flags=('--follow' '-f' '--help' '-h' '--json' '--lines=free' '-n=free')
        ;;
    'sm audit search')
        flags=('--code=words:ok,command_failed,timeout,unhealthy,usage,denied,invalid_argument,reason_required,check_failed,plan_refused,rate_limited,busy,not_privileged,audit_unavailable,policy_invalid,untrusted_path,unsupported,internal' '--event=words:intent,result,refused' '--help' '-h' '--json' '--limit=free' '--name=free' '--operation=free' '--since=free' '--text=free' '--until=free' '--user=user')
        ;;
    'sm audit stats')
        flags=('--code=words:ok,command_failed,timeout,unhealthy,usage,denied,invalid_argument,reason_required,check_failed,plan_refused,rate_limited,busy,not_privileged,audit_unavailable,policy_invalid,untrusted_path,unsupported,internal' '--event=words:intent,result,refused' '--help' '-h' '--json' '--name=free' '--operation=free' '--since=free' '--text=free' '--until=free' '--user=user')
        ;;
    'sm audit verify')
        flags=('--help' '-h' '--json')
        ;;
    'sm audit setup')
        flags=('--help' '-h' '--json')
        ;;
    'sm doctor')
        flags=('--help' '-h' '--json')
        ;;
    esac
}

# The names that this caller may use, as the program says.
_sm_names() { # KIND ACTION
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
_sm_offer() {
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
            ((${#given[@]} > 1)) || { _sm_offer words:install,remove,upgrade,autoremove && return; }
            action=${given[1]}
        fi
        while IFS= read -r each; do
            [[ $each != "$cur"* ]] || COMPREPLY+=("$each")
        done < <(_sm_names "$kind" "$action")
        ;;
    esac
}

_sm() {
    local words=() commands flags kinds given=() place=sm value='' cur each flag prefix='' part joined='' i
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
    _sm_at "$place"
    for each in "${words[@]}"; do
        if [[ $value ]]; then
            value=
        elif [[ $each == -* ]]; then
            for flag in "${flags[@]}"; do [[ $flag != "$each="* ]] || value=${flag#*=}; done
        elif [[ " ${commands[*]} " == *" $each "* ]]; then
            place+=" $each"
            _sm_at "$place"
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
        _sm_offer "$value"
    elif [[ $cur == --*=* ]]; then
        flag=${cur%%=*}=
        for each in "${flags[@]}"; do
            [[ $each != "$flag"* ]] || { cur=${cur#"$flag"} && prefix=${prefix#"$flag"} && _sm_offer "${each#*=}"; }
        done
    elif [[ $cur == -* ]]; then
        for each in "${flags[@]}"; do [[ ${each%%=*} != "$cur"* ]] || COMPREPLY+=("${each%%=*}"); done
    elif ((${#commands[@]})); then
        for each in "${commands[@]}"; do [[ $each != "$cur"* ]] || COMPREPLY+=("$each"); done
    elif ((${#kinds[@]})); then
        i=${#given[@]}
        ((i < ${#kinds[@]})) || i=$((${#kinds[@]} - 1))
        _sm_offer "${kinds[i]}"
    fi
    for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$prefix"}; done
}

complete -F _sm sm
