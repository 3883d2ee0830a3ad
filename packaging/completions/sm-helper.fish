# Completion of sm-helper in fish. Made from the program's grammar by packaging/pages/write.

# Whether the words so far lead to this place; with COUNT, whether so many words follow it.
function __sm_helper_at --argument-names wanted count
    set -l place ''
    set -l given 0
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case --lines --reason --since --timeout --via
                set skip yes
            case '-*'
            case '*'
                set -l next (string trim -- "$place $word")
                if contains -- "$next" 'list' 'package' 'service' 'version'
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
function __sm_helper_given
    set -l skip no
    set -l all
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case --lines --reason --since --timeout --via
                set skip yes
            case '-*'
            case '*'
                set -a all $word
        end
    end
    printf '%s\n' $all
end

# The names that this caller may use, as the program says.
function __sm_helper_names --argument-names kind action
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

complete -c sm-helper -f
complete -c sm-helper -n '__sm_helper_at \'\' 0' -a 'service' -d 'Do something to a unit'
complete -c sm-helper -n '__sm_helper_at \'\' 0' -a 'package' -d 'Do something to a package, or to all'
complete -c sm-helper -n '__sm_helper_at \'\' 0' -a 'list' -d 'What this caller may do on this host'
complete -c sm-helper -n '__sm_helper_at \'\' 0' -a 'version' -d 'Which program and which policy this is'
complete -c sm-helper -n '__sm_helper_at \'\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm-helper -n '__sm_helper_at \'\'' -l help -s h -d 'Print help'
complete -c sm-helper -n '__sm_helper_at \'\'' -l pretty -d 'Indent the reply'
complete -c sm-helper -n '__sm_helper_at \'\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm-helper -n '__sm_helper_at \'\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm-helper -n '__sm_helper_at \'\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm-helper -n '__sm_helper_at \'service\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm-helper -n '__sm_helper_at \'service\'' -l help -s h -d 'Print help'
complete -c sm-helper -n '__sm_helper_at \'service\'' -l lines -x -d 'For `logs`: how many lines, 1 to 1000'
complete -c sm-helper -n '__sm_helper_at \'service\'' -l pretty -d 'Indent the reply'
complete -c sm-helper -n '__sm_helper_at \'service\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm-helper -n '__sm_helper_at \'service\'' -l since -x -d 'For `logs`: only those of the last so many minutes, 1 to 10080'
complete -c sm-helper -n '__sm_helper_at \'service\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm-helper -n '__sm_helper_at \'service\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm-helper -n '__sm_helper_at \'service\' 0' -a 'start stop restart reload enable disable status logs' -d 'What to do'
complete -c sm-helper -n '__sm_helper_at \'service\' 1' -a '(__sm_helper_names service (__sm_helper_given)[2])' -d 'The unit: `nginx`, `nginx.service`, `snapd.socket`'
complete -c sm-helper -n '__sm_helper_at \'package\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm-helper -n '__sm_helper_at \'package\'' -l help -s h -d 'Print help'
complete -c sm-helper -n '__sm_helper_at \'package\'' -l pretty -d 'Indent the reply'
complete -c sm-helper -n '__sm_helper_at \'package\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm-helper -n '__sm_helper_at \'package\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm-helper -n '__sm_helper_at \'package\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm-helper -n '__sm_helper_at \'package\' 0' -a 'install remove upgrade update autoremove autoclean repair plan' -d 'What to do'
complete -c sm-helper -n '__sm_helper_at \'package\' 1; and test (__sm_helper_given)[-1] = plan' -a 'install remove upgrade autoremove' -d 'What to plan'
complete -c sm-helper -n '__sm_helper_at \'package\' 2; and test (__sm_helper_given)[2] = plan' -a '(__sm_helper_names package (__sm_helper_given)[3])' -d 'The package; none for what is done to all. For `plan`: the action, then the package'
complete -c sm-helper -n '__sm_helper_at \'package\' 1' -a '(__sm_helper_names package (__sm_helper_given)[2])' -d 'The package; none for what is done to all. For `plan`: the action, then the package'
complete -c sm-helper -n '__sm_helper_at \'list\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm-helper -n '__sm_helper_at \'list\'' -l help -s h -d 'Print help'
complete -c sm-helper -n '__sm_helper_at \'list\'' -l pretty -d 'Indent the reply'
complete -c sm-helper -n '__sm_helper_at \'list\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm-helper -n '__sm_helper_at \'list\'' -l schema -d 'As a JSON Schema, with a definition for each operation'
complete -c sm-helper -n '__sm_helper_at \'list\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm-helper -n '__sm_helper_at \'list\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
complete -c sm-helper -n '__sm_helper_at \'version\'' -l dry-run -d 'Answer as the real call would, but run nothing'
complete -c sm-helper -n '__sm_helper_at \'version\'' -l help -s h -d 'Print help'
complete -c sm-helper -n '__sm_helper_at \'version\'' -l pretty -d 'Indent the reply'
complete -c sm-helper -n '__sm_helper_at \'version\'' -l reason -x -d 'Why this is asked for: 1 to 500 printable characters, recorded'
complete -c sm-helper -n '__sm_helper_at \'version\'' -l timeout -x -d 'Give up after so many seconds; can only lower the policy\'s'
complete -c sm-helper -n '__sm_helper_at \'version\'' -l via -x -a 'auto socket sudo' -d 'The way to root'
