# Completion of sm in fish. Made from the program's grammar by packaging/pages/write.

# Whether the words so far lead to this place; with COUNT, whether so many words follow it.
function __sm_at --argument-names wanted count
    set -l place ''
    set -l given 0
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case --binary --code --event --forks --group --inventory --limit --lines --max-fail --name --operation --package-manager --password-fd --reason --serial --since --site --text --timeout --until --user --via -i -l -n
                set skip yes
            case '-*'
            case '*'
                set -l next (string trim -- "$place $word")
                if contains -- "$next" 'audit' 'audit search' 'audit setup' 'audit stats' 'audit tail' 'audit verify' 'bootstrap-cluster' 'fleet' 'fleet list' 'fleet run' 'fleet run list' 'fleet run package' 'fleet run service' 'fleet run version' 'helper' 'helper list' 'helper package' 'helper service' 'helper version' 'policy' 'policy check' 'policy diff' 'policy edit' 'policy explain' 'policy explain list' 'policy explain package' 'policy explain service' 'policy explain version' 'policy show' 'policy surface' 'setup-broker' 'setup-sudo'
                    set place "$next"
                else
                    set given (math $given + 1)
                end
        end
    end
    test "$place" = "$wanted"; and begin
        test -z "$count"; or test "$count" = $given
    end
end

# The words behind a place.
function __sm_given
    set -l skip no
    set -l all
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case --binary --code --event --forks --group --inventory --limit --lines --max-fail --name --operation --package-manager --password-fd --reason --serial --since --site --text --timeout --until --user --via -i -l -n
                set skip yes
            case '-*'
            case '*'
                set -a all $word
        end
    end
    printf '%s\n' $all
end

# The names that this caller may use, as the program says.
function __sm_names --argument-names kind action
    if test (id -u) -eq 0
        /usr/local/bin/sm policy surface </dev/null 2>/dev/null | env LC_ALL=C awk -v kind=$argv[1] -v action=$argv[2] '
            BEGIN { begin = "\"" kind " " action " " }
            index($0, begin) == 1 {
                name = substr($0, length(begin) + 1)
                sub(/": .*/, "", name)
                if (name ~ /^[A-Za-z0-9][A-Za-z0-9+_.@:-]*$/) print name
            }'
    else
        /usr/local/bin/sm-helper list --pretty </dev/null 2>/dev/null | env LC_ALL=C awk -v kind=$argv[1] -v action=$argv[2] '
            /^  "/ { inside = $0 == "  \"" kind "s\": {"; next }
            inside && /^    "[A-Za-z0-9][A-Za-z0-9+_.@:-]*": [{]$/ { split($0, part, "\""); name = part[2]; next }
            inside && /^    "/ { name = "" }
            inside && name && /^        "/ { split($0, part, "\""); if (part[2] == action) print name }'
    end
end

complete -c sm -f
complete -c sm -n '__sm_at \'\' 0' -a 'helper' -d 'The helper itself: `sm helper A…` is `sm-helper A…`'
complete -c sm -n '__sm_at \'\' 0' -a 'setup-sudo' -d 'Let an account or a group run sm-helper as root, and nothing else'
complete -c sm -n '__sm_at \'\' 0' -a 'setup-broker' -d 'Let accounts reach the helper over a socket, without sudo'
complete -c sm -n '__sm_at \'\' 0' -a 'bootstrap-cluster' -d 'Install and set up the helper on every host of an inventory, over ssh'
complete -c sm -n '__sm_at \'\' 0' -a 'fleet' -d 'The hosts of an inventory, and one request to all of them'
complete -c sm -n '__sm_at \'\' 0' -a 'policy' -d 'Look at the policy'
complete -c sm -n '__sm_at \'\' 0' -a 'audit' -d 'Look at the record of what was asked, refused and done'
complete -c sm -n '__sm_at \'\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'\'' -l version -s V -d 'Print version'
complete -c sm -n '__sm_at \'helper\' 0' -a 'service' -d 'Do something to a unit'
complete -c sm -n '__sm_at \'helper\' 0' -a 'package' -d 'Do something to a package, or to all'
complete -c sm -n '__sm_at \'helper\' 0' -a 'list' -d 'What this caller may do on this host'
complete -c sm -n '__sm_at \'helper\' 0' -a 'version' -d 'Which program and which policy this is'
complete -c sm -n '__sm_at \'helper\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'helper\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'helper\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'helper\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'helper\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'helper\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'helper service\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'helper service\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'helper service\'' -l lines -x -d 'For `logs`: how many lines, 1 to 1000'
complete -c sm -n '__sm_at \'helper service\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'helper service\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'helper service\'' -l since -x -d 'For `logs`: only those of the last so many minutes, 1 to 10080'
complete -c sm -n '__sm_at \'helper service\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'helper service\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'helper service\' 0' -a 'start stop restart reload enable disable status logs' -d 'What to do'
complete -c sm -n '__sm_at \'helper service\' 1' -a '(__sm_names service (__sm_given)[3])' -d 'The unit: `nginx`, `nginx.service`, `snapd.socket`'
complete -c sm -n '__sm_at \'helper package\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'helper package\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'helper package\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'helper package\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'helper package\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'helper package\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'helper package\' 0' -a 'install remove upgrade update autoremove autoclean repair plan' -d 'What to do'
complete -c sm -n '__sm_at \'helper package\' 1; and test (__sm_given)[-1] = plan' -a 'install remove upgrade autoremove' -d 'What to plan'
complete -c sm -n '__sm_at \'helper package\' 2; and test (__sm_given)[3] = plan' -a '(__sm_names package (__sm_given)[4])' -d 'The package; none for what is done to all. For `plan`: the action, then the package'
complete -c sm -n '__sm_at \'helper package\' 1' -a '(__sm_names package (__sm_given)[3])' -d 'The package; none for what is done to all. For `plan`: the action, then the package'
complete -c sm -n '__sm_at \'helper list\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'helper list\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'helper list\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'helper list\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'helper list\'' -l schema -d 'As a JSON Schema, with a definition for each operation'
complete -c sm -n '__sm_at \'helper list\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'helper list\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'helper version\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'helper version\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'helper version\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'helper version\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'helper version\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'helper version\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'setup-sudo\'' -l check -d 'Say whether the drop-in is in place: exit 0 if so, 1 if not'
complete -c sm -n '__sm_at \'setup-sudo\'' -l group -x -a '(__fish_complete_groups)' -d 'The group'
complete -c sm -n '__sm_at \'setup-sudo\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'setup-sudo\'' -l install -d 'First copy this program to /usr/local/bin/sm and /usr/local/bin/sm-helper'
complete -c sm -n '__sm_at \'setup-sudo\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'setup-sudo\'' -l print -d 'Print the drop-in and change nothing'
complete -c sm -n '__sm_at \'setup-sudo\'' -l remove -d 'Take the drop-in away'
complete -c sm -n '__sm_at \'setup-sudo\'' -l user -x -a '(__fish_complete_users)' -d 'The account [default: the one that called sudo]'
complete -c sm -n '__sm_at \'setup-broker\'' -l check -d 'Say whether all is in place: exit 0 if so, 1 if not'
complete -c sm -n '__sm_at \'setup-broker\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'setup-broker\'' -l install -d 'First copy this program to /usr/local/bin/sm and /usr/local/bin/sm-helper'
complete -c sm -n '__sm_at \'setup-broker\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'setup-broker\'' -l remove -d 'Take it away: the units or, with --user, the account\'s membership alone'
complete -c sm -n '__sm_at \'setup-broker\'' -l user -x -a '(__fish_complete_users)' -d 'An account that may connect; may be given more than once'
complete -c sm -n '__sm_at \'bootstrap-cluster\'' -l accept-new-host-keys -d 'Trust a host\'s key the first time it is seen'
complete -c sm -n '__sm_at \'bootstrap-cluster\'' -l binary -x -d 'The program for hosts of another architecture; may be given more than once'
complete -c sm -n '__sm_at \'bootstrap-cluster\'' -l dry-run -d 'Say what each host needs, and change nothing'
complete -c sm -n '__sm_at \'bootstrap-cluster\'' -l forks -x -d 'How many hosts at once'
complete -c sm -n '__sm_at \'bootstrap-cluster\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'bootstrap-cluster\'' -l inventory -s i -r -F -d 'The inventory: Ansible\'s YAML, or alias to hostname, user, port, identity_file [default: ~/.config/agent-utilities/inventory.yml or .yaml]'
complete -c sm -n '__sm_at \'bootstrap-cluster\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'bootstrap-cluster\'' -l limit -s l -x -d 'Only these: names, groups, `*`, `!` and `:&` as Ansible has them'
complete -c sm -n '__sm_at \'bootstrap-cluster\'' -l password-fd -x -d 'Read sudo\'s password from this descriptor instead of asking at the terminal'
complete -c sm -n '__sm_at \'bootstrap-cluster\'' -l skip-unreachable -d 'Hosts that can not be reached are no failure'
complete -c sm -n '__sm_at \'bootstrap-cluster\'' -l user -x -a '(__fish_complete_users)' -d 'The account that may run the helper [default: on each host the one that logs in]'
complete -c sm -n '__sm_at \'fleet\' 0' -a 'list' -d 'The hosts, and how each would be reached'
complete -c sm -n '__sm_at \'fleet\' 0' -a 'run' -d 'One request to sm-helper on each host, and the replies as one JSON object'
complete -c sm -n '__sm_at \'fleet\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'fleet\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'fleet list\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'fleet list\'' -l inventory -s i -r -F -d 'The inventory: Ansible\'s YAML, or alias to hostname, user, port, identity_file [default: ~/.config/agent-utilities/inventory.yml or .yaml]'
complete -c sm -n '__sm_at \'fleet list\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'fleet list\'' -l limit -s l -x -d 'Only these: names, groups, `*`, `!` and `:&` as Ansible has them'
complete -c sm -n '__sm_at \'fleet run\' 0' -a 'service' -d 'Do something to a unit'
complete -c sm -n '__sm_at \'fleet run\' 0' -a 'package' -d 'Do something to a package, or to all'
complete -c sm -n '__sm_at \'fleet run\' 0' -a 'list' -d 'What this caller may do on this host'
complete -c sm -n '__sm_at \'fleet run\' 0' -a 'version' -d 'Which program and which policy this is'
complete -c sm -n '__sm_at \'fleet run\'' -l accept-new-host-keys -d 'Trust a host\'s key the first time it is seen'
complete -c sm -n '__sm_at \'fleet run\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'fleet run\'' -l inventory -s i -r -F -d 'The inventory: Ansible\'s YAML, or alias to hostname, user, port, identity_file [default: ~/.config/agent-utilities/inventory.yml or .yaml]'
complete -c sm -n '__sm_at \'fleet run\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'fleet run\'' -l limit -s l -x -d 'Only these: names, groups, `*`, `!` and `:&` as Ansible has them'
complete -c sm -n '__sm_at \'fleet run\'' -l max-fail -x -d 'Begin with no further host once so many have failed'
complete -c sm -n '__sm_at \'fleet run\'' -l serial -x -d 'How many hosts at once'
complete -c sm -n '__sm_at \'fleet run\'' -l skip-unreachable -d 'Hosts that can not be reached are no failure'
complete -c sm -n '__sm_at \'fleet run\'' -l user -x -a '(__fish_complete_users)' -d 'Log in as this account instead of the inventory\'s'
complete -c sm -n '__sm_at \'fleet run service\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'fleet run service\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'fleet run service\'' -l lines -x -d 'For `logs`: how many lines, 1 to 1000'
complete -c sm -n '__sm_at \'fleet run service\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'fleet run service\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'fleet run service\'' -l since -x -d 'For `logs`: only those of the last so many minutes, 1 to 10080'
complete -c sm -n '__sm_at \'fleet run service\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'fleet run service\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'fleet run service\' 0' -a 'start stop restart reload enable disable status logs' -d 'What to do'
complete -c sm -n '__sm_at \'fleet run service\' 1' -a '(__sm_names service (__sm_given)[4])' -d 'The unit: `nginx`, `nginx.service`, `snapd.socket`'
complete -c sm -n '__sm_at \'fleet run package\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'fleet run package\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'fleet run package\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'fleet run package\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'fleet run package\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'fleet run package\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'fleet run package\' 0' -a 'install remove upgrade update autoremove autoclean repair plan' -d 'What to do'
complete -c sm -n '__sm_at \'fleet run package\' 1; and test (__sm_given)[-1] = plan' -a 'install remove upgrade autoremove' -d 'What to plan'
complete -c sm -n '__sm_at \'fleet run package\' 2; and test (__sm_given)[4] = plan' -a '(__sm_names package (__sm_given)[5])' -d 'The package; none for what is done to all. For `plan`: the action, then the package'
complete -c sm -n '__sm_at \'fleet run package\' 1' -a '(__sm_names package (__sm_given)[4])' -d 'The package; none for what is done to all. For `plan`: the action, then the package'
complete -c sm -n '__sm_at \'fleet run list\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'fleet run list\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'fleet run list\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'fleet run list\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'fleet run list\'' -l schema -d 'As a JSON Schema, with a definition for each operation'
complete -c sm -n '__sm_at \'fleet run list\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'fleet run list\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'fleet run version\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'fleet run version\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'fleet run version\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'fleet run version\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'fleet run version\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'fleet run version\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'policy\' 0' -a 'show' -d 'The policy in force, as it was written'
complete -c sm -n '__sm_at \'policy\' 0' -a 'check' -d 'Say what is wrong with a policy file, if anything'
complete -c sm -n '__sm_at \'policy\' 0' -a 'surface' -d 'Every command line that can ever be run as root'
complete -c sm -n '__sm_at \'policy\' 0' -a 'diff' -d 'What the site policy changes in that'
complete -c sm -n '__sm_at \'policy\' 0' -a 'edit' -d 'Change the site policy, as visudo does: a copy, an editor, checked, put in place whole'
complete -c sm -n '__sm_at \'policy\' 0' -a 'explain' -d 'Which line of the policy allows or refuses a request, and what would be run'
complete -c sm -n '__sm_at \'policy\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'policy\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'policy show\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'policy show\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'policy check\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'policy check\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'policy check\'' -l site -d 'As this host\'s site policy, which may say less than one to compile in'
complete -c sm -n '__sm_at \'policy check\' 0' -F -d 'The file'
complete -c sm -n '__sm_at \'policy surface\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'policy surface\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'policy surface\'' -l package-manager -x -a 'apt pacman' -d 'As on a host with this package manager [default: this host\'s]'
complete -c sm -n '__sm_at \'policy surface\'' -l site -r -F -d 'As if this file were the site policy, /etc/sm/policy.toml'
complete -c sm -n '__sm_at \'policy diff\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'policy diff\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'policy diff\'' -l package-manager -x -a 'apt pacman' -d 'As on a host with this package manager [default: this host\'s]'
complete -c sm -n '__sm_at \'policy diff\'' -l site -r -F -d 'As if this file were the site policy, /etc/sm/policy.toml'
complete -c sm -n '__sm_at \'policy edit\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'policy edit\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'policy explain\' 0' -a 'service' -d 'Do something to a unit'
complete -c sm -n '__sm_at \'policy explain\' 0' -a 'package' -d 'Do something to a package, or to all'
complete -c sm -n '__sm_at \'policy explain\' 0' -a 'list' -d 'What this caller may do on this host'
complete -c sm -n '__sm_at \'policy explain\' 0' -a 'version' -d 'Which program and which policy this is'
complete -c sm -n '__sm_at \'policy explain\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'policy explain\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'policy explain\'' -l package-manager -x -a 'apt pacman' -d 'As on a host with this package manager [default: this host\'s]'
complete -c sm -n '__sm_at \'policy explain\'' -l site -r -F -d 'As if this file were the site policy, /etc/sm/policy.toml'
complete -c sm -n '__sm_at \'policy explain\'' -l user -x -a '(__fish_complete_users)' -d 'As this account asks it [default: any that may]'
complete -c sm -n '__sm_at \'policy explain service\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'policy explain service\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'policy explain service\'' -l lines -x -d 'For `logs`: how many lines, 1 to 1000'
complete -c sm -n '__sm_at \'policy explain service\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'policy explain service\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'policy explain service\'' -l since -x -d 'For `logs`: only those of the last so many minutes, 1 to 10080'
complete -c sm -n '__sm_at \'policy explain service\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'policy explain service\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'policy explain service\' 0' -a 'start stop restart reload enable disable status logs' -d 'What to do'
complete -c sm -n '__sm_at \'policy explain service\' 1' -a '(__sm_names service (__sm_given)[4])' -d 'The unit: `nginx`, `nginx.service`, `snapd.socket`'
complete -c sm -n '__sm_at \'policy explain package\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'policy explain package\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'policy explain package\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'policy explain package\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'policy explain package\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'policy explain package\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'policy explain package\' 0' -a 'install remove upgrade update autoremove autoclean repair plan' -d 'What to do'
complete -c sm -n '__sm_at \'policy explain package\' 1; and test (__sm_given)[-1] = plan' -a 'install remove upgrade autoremove' -d 'What to plan'
complete -c sm -n '__sm_at \'policy explain package\' 2; and test (__sm_given)[4] = plan' -a '(__sm_names package (__sm_given)[5])' -d 'The package; none for what is done to all. For `plan`: the action, then the package'
complete -c sm -n '__sm_at \'policy explain package\' 1' -a '(__sm_names package (__sm_given)[4])' -d 'The package; none for what is done to all. For `plan`: the action, then the package'
complete -c sm -n '__sm_at \'policy explain list\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'policy explain list\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'policy explain list\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'policy explain list\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'policy explain list\'' -l schema -d 'As a JSON Schema, with a definition for each operation'
complete -c sm -n '__sm_at \'policy explain list\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'policy explain list\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'policy explain version\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm -n '__sm_at \'policy explain version\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'policy explain version\'' -l pretty -d 'Indent the reply'
complete -c sm -n '__sm_at \'policy explain version\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm -n '__sm_at \'policy explain version\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm -n '__sm_at \'policy explain version\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm -n '__sm_at \'audit\' 0' -a 'tail' -d 'The last records'
complete -c sm -n '__sm_at \'audit\' 0' -a 'search' -d 'The records that fit'
complete -c sm -n '__sm_at \'audit\' 0' -a 'stats' -d 'How often which account asked for what, and what came of it'
complete -c sm -n '__sm_at \'audit\' 0' -a 'verify' -d 'Whether every record is there and as it was written'
complete -c sm -n '__sm_at \'audit\' 0' -a 'setup' -d 'Have the kernel watch the helper, the policy and the log, where auditd is installed'
complete -c sm -n '__sm_at \'audit\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'audit\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'audit tail\'' -l follow -s f -d 'Go on with each new one'
complete -c sm -n '__sm_at \'audit tail\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'audit tail\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'audit tail\'' -l lines -s n -x -d 'How many'
complete -c sm -n '__sm_at \'audit search\'' -l code -x -d 'With this code: ok, denied, …'
complete -c sm -n '__sm_at \'audit search\'' -l event -x -d 'Of this kind: intent, result or refused'
complete -c sm -n '__sm_at \'audit search\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'audit search\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'audit search\'' -l limit -x -d 'How many at most, the last ones'
complete -c sm -n '__sm_at \'audit search\'' -l name -x -d 'About this unit or package'
complete -c sm -n '__sm_at \'audit search\'' -l operation -x -d 'Of this operation: service, "service restart", "package install git"'
complete -c sm -n '__sm_at \'audit search\'' -l since -x -d 'From then on: a time, a day, or how long ago (2h)'
complete -c sm -n '__sm_at \'audit search\'' -l text -x -d 'With this text anywhere'
complete -c sm -n '__sm_at \'audit search\'' -l until -x -d 'Before then'
complete -c sm -n '__sm_at \'audit search\'' -l user -x -a '(__fish_complete_users)' -d 'Of this account'
complete -c sm -n '__sm_at \'audit stats\'' -l code -x -d 'With this code: ok, denied, …'
complete -c sm -n '__sm_at \'audit stats\'' -l event -x -d 'Of this kind: intent, result or refused'
complete -c sm -n '__sm_at \'audit stats\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'audit stats\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'audit stats\'' -l name -x -d 'About this unit or package'
complete -c sm -n '__sm_at \'audit stats\'' -l operation -x -d 'Of this operation: service, "service restart", "package install git"'
complete -c sm -n '__sm_at \'audit stats\'' -l since -x -d 'From then on: a time, a day, or how long ago (2h)'
complete -c sm -n '__sm_at \'audit stats\'' -l text -x -d 'With this text anywhere'
complete -c sm -n '__sm_at \'audit stats\'' -l until -x -d 'Before then'
complete -c sm -n '__sm_at \'audit stats\'' -l user -x -a '(__fish_complete_users)' -d 'Of this account'
complete -c sm -n '__sm_at \'audit verify\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'audit verify\'' -l json -d 'One JSON object instead of text'
complete -c sm -n '__sm_at \'audit setup\'' -l help -s h -d 'Print help'
complete -c sm -n '__sm_at \'audit setup\'' -l json -d 'One JSON object instead of text'
