# Completion of sm-helper in fish. Made by packaging/pages/write: what clap_complete makes of the
# grammar, and below it what only the host knows.

complete -c sm-helper -f
# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sm_helper_global_optspecs
    string join \n reason= dry-run timeout= no-wait brief pretty via= h/help
end

function __fish_sm_helper_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_sm_helper_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_sm_helper_using_subcommand
    set -l cmd (__fish_sm_helper_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c sm-helper -n "__fish_sm_helper_needs_command" -l reason -d 'Give a reason, which is recorded: 1 to 500 printable characters' -r -f
complete -c sm-helper -n "__fish_sm_helper_needs_command" -l timeout -d 'Give up after this many seconds; can only lower the policy\'s timeout' -r -f
complete -c sm-helper -n "__fish_sm_helper_needs_command" -l via -d 'The route to root' -r -f -a "auto\t'The best there is'
socket\t'The broker\'s socket'
sudo\t'sudo'"
complete -c sm-helper -n "__fish_sm_helper_needs_command" -l dry-run -d 'Show the verdict and the command lines, and run nothing'
complete -c sm-helper -n "__fish_sm_helper_needs_command" -l no-wait -d 'Begin the operation and do not wait for its end: `sm-helper result` has the rest'
complete -c sm-helper -n "__fish_sm_helper_needs_command" -l brief -d 'Leave out of the reply what is said twice in it, for a model to read'
complete -c sm-helper -n "__fish_sm_helper_needs_command" -l pretty -d 'Indent the reply'
complete -c sm-helper -n "__fish_sm_helper_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm-helper -n "__fish_sm_helper_needs_command" -f -a "service" -d 'Start, stop, restart, reload, enable or disable a unit, reset its failure, or show its status or logs'
complete -c sm-helper -n "__fish_sm_helper_needs_command" -f -a "package" -d 'Install, remove or upgrade a package, or maintain all packages'
complete -c sm-helper -n "__fish_sm_helper_needs_command" -f -a "task" -d 'Run a command line that the policy has written out whole'
complete -c sm-helper -n "__fish_sm_helper_needs_command" -f -a "undo" -d 'Put back what the last package operation of this caller changed'
complete -c sm-helper -n "__fish_sm_helper_needs_command" -f -a "result" -d 'Show the reply of an own request again, how far it is, or the last requests'
complete -c sm-helper -n "__fish_sm_helper_needs_command" -f -a "list" -d 'Show what this caller may do on this host'
complete -c sm-helper -n "__fish_sm_helper_needs_command" -f -a "version" -d 'Show the versions of this program and its policy'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand service" -l lines -d 'For `logs`: the number of lines, 1 to 1000 [default: 50]' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand service" -l since -d 'For `logs`: only lines of the last MINUTES, 1 to 10080 [default: all]' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand service" -l reason -d 'Give a reason, which is recorded: 1 to 500 printable characters' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand service" -l timeout -d 'Give up after this many seconds; can only lower the policy\'s timeout' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand service" -l via -d 'The route to root' -r -f -a "auto\t'The best there is'
socket\t'The broker\'s socket'
sudo\t'sudo'"
complete -c sm-helper -n "__fish_sm_helper_using_subcommand service" -l dry-run -d 'Show the verdict and the command lines, and run nothing'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand service" -l no-wait -d 'Begin the operation and do not wait for its end: `sm-helper result` has the rest'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand service" -l brief -d 'Leave out of the reply what is said twice in it, for a model to read'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand service" -l pretty -d 'Indent the reply'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand service" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand package" -l reason -d 'Give a reason, which is recorded: 1 to 500 printable characters' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand package" -l timeout -d 'Give up after this many seconds; can only lower the policy\'s timeout' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand package" -l via -d 'The route to root' -r -f -a "auto\t'The best there is'
socket\t'The broker\'s socket'
sudo\t'sudo'"
complete -c sm-helper -n "__fish_sm_helper_using_subcommand package" -l dry-run -d 'Show the verdict and the command lines, and run nothing'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand package" -l no-wait -d 'Begin the operation and do not wait for its end: `sm-helper result` has the rest'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand package" -l brief -d 'Leave out of the reply what is said twice in it, for a model to read'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand package" -l pretty -d 'Indent the reply'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand package" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand task" -l reason -d 'Give a reason, which is recorded: 1 to 500 printable characters' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand task" -l timeout -d 'Give up after this many seconds; can only lower the policy\'s timeout' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand task" -l via -d 'The route to root' -r -f -a "auto\t'The best there is'
socket\t'The broker\'s socket'
sudo\t'sudo'"
complete -c sm-helper -n "__fish_sm_helper_using_subcommand task" -l dry-run -d 'Show the verdict and the command lines, and run nothing'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand task" -l no-wait -d 'Begin the operation and do not wait for its end: `sm-helper result` has the rest'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand task" -l brief -d 'Leave out of the reply what is said twice in it, for a model to read'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand task" -l pretty -d 'Indent the reply'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand task" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand undo" -l reason -d 'Give a reason, which is recorded: 1 to 500 printable characters' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand undo" -l timeout -d 'Give up after this many seconds; can only lower the policy\'s timeout' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand undo" -l via -d 'The route to root' -r -f -a "auto\t'The best there is'
socket\t'The broker\'s socket'
sudo\t'sudo'"
complete -c sm-helper -n "__fish_sm_helper_using_subcommand undo" -l dry-run -d 'Show the verdict and the command lines, and run nothing'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand undo" -l no-wait -d 'Begin the operation and do not wait for its end: `sm-helper result` has the rest'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand undo" -l brief -d 'Leave out of the reply what is said twice in it, for a model to read'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand undo" -l pretty -d 'Indent the reply'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand undo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand result" -l wait -d 'Wait for the end of the request up to this many seconds, at most 3600' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand result" -l reason -d 'Give a reason, which is recorded: 1 to 500 printable characters' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand result" -l timeout -d 'Give up after this many seconds; can only lower the policy\'s timeout' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand result" -l via -d 'The route to root' -r -f -a "auto\t'The best there is'
socket\t'The broker\'s socket'
sudo\t'sudo'"
complete -c sm-helper -n "__fish_sm_helper_using_subcommand result" -l dry-run -d 'Show the verdict and the command lines, and run nothing'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand result" -l no-wait -d 'Begin the operation and do not wait for its end: `sm-helper result` has the rest'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand result" -l brief -d 'Leave out of the reply what is said twice in it, for a model to read'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand result" -l pretty -d 'Indent the reply'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand result" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand list" -l schema -d 'Print it as a JSON Schema, with a definition for each operation' -r -f -a "json-schema\t'JSON Schema 2020-12'
openai-strict\t'Strict tools of OpenAI and compatible services: each property required, or null'
gemini\t'Function declarations of Gemini: the subset of OpenAPI 3.0'
anthropic\t'Tools of Anthropic, strict ones too'"
complete -c sm-helper -n "__fish_sm_helper_using_subcommand list" -l reason -d 'Give a reason, which is recorded: 1 to 500 printable characters' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand list" -l timeout -d 'Give up after this many seconds; can only lower the policy\'s timeout' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand list" -l via -d 'The route to root' -r -f -a "auto\t'The best there is'
socket\t'The broker\'s socket'
sudo\t'sudo'"
complete -c sm-helper -n "__fish_sm_helper_using_subcommand list" -l dry-run -d 'Show the verdict and the command lines, and run nothing'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand list" -l no-wait -d 'Begin the operation and do not wait for its end: `sm-helper result` has the rest'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand list" -l brief -d 'Leave out of the reply what is said twice in it, for a model to read'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand list" -l pretty -d 'Indent the reply'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand version" -l reason -d 'Give a reason, which is recorded: 1 to 500 printable characters' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand version" -l timeout -d 'Give up after this many seconds; can only lower the policy\'s timeout' -r -f
complete -c sm-helper -n "__fish_sm_helper_using_subcommand version" -l via -d 'The route to root' -r -f -a "auto\t'The best there is'
socket\t'The broker\'s socket'
sudo\t'sudo'"
complete -c sm-helper -n "__fish_sm_helper_using_subcommand version" -l dry-run -d 'Show the verdict and the command lines, and run nothing'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand version" -l no-wait -d 'Begin the operation and do not wait for its end: `sm-helper result` has the rest'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand version" -l brief -d 'Leave out of the reply what is said twice in it, for a model to read'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand version" -l pretty -d 'Indent the reply'
complete -c sm-helper -n "__fish_sm_helper_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
# The names that this account may use with an action, a name a line, as the program says: for an
# account `sm-helper list`, which needs no root and leaves no record. That of root would be recorded,
# and root may ask for all, so it is the surface there. It is the installed program by its path that
# is asked, whatever was typed: a tab must not run a file of that name in somebody's folder. Only
# what is a name by the policy's own rules is handed on, so that nothing in it means anything to a
# shell.
function __sm_helper_names # KIND ACTION
    if test (id -u) -eq 0
        /usr/local/bin/sm policy surface </dev/null 2>/dev/null |
            env LC_ALL=C awk -v kind=$argv[1] -v action=$argv[2] '
BEGIN { begin = "\"" kind " " action " " }
index($0, begin) == 1 {
    name = substr($0, length(begin) + 1)
    sub(/": .*/, "", name)
    if (name ~ /^[A-Za-z0-9][A-Za-z0-9+_.@:-]*$/) print name
}'
    else
        /usr/local/bin/sm-helper list --pretty </dev/null 2>/dev/null |
            env LC_ALL=C awk -v kind=$argv[1] -v action=$argv[2] '
/^  "/ { inside = $0 == "  \"" kind "s\": {"; next }
inside && /^    "[A-Za-z0-9][A-Za-z0-9+_.@:-]*": [{]$/ { split($0, part, "\""); name = part[2]; next }
inside && /^    "/ { name = "" }
inside && name && /^        "/ { split($0, part, "\""); if (part[2] == action) print name }'
    end
end

# The words before this one, without flags and their values.
function __sm_helper_plain
    set -l skip no
    for word in (commandline -opc)[2..-1]
        if test $skip = yes
            set skip no
        else if contains -- $word --lines --reason --since --timeout --wait --schema --via
            set skip yes
        else if not string match -q -- '-*' $word
            echo -- $word
        end
    end
end

# Whether the words before this one are so many behind a command, the first one as given, if so.
function __sm_helper_behind # COMMAND COUNT [ACTION]
    set -l plain (__sm_helper_plain)
    test "$plain[1]" = $argv[1]; and test (count $plain) -eq (math $argv[2] + 1)
    and begin
        test (count $argv) -lt 3; or test "$plain[2]" = $argv[3]
    end
end

complete -c sm-helper -n '__sm_helper_behind service 0' -a 'start stop restart reload enable disable reset-failed status logs daemon-reload' -d 'What to do'
complete -c sm-helper -n '__sm_helper_behind service 1' -a '(__sm_helper_names service (__sm_helper_plain)[2])' -d 'The unit'
complete -c sm-helper -n '__sm_helper_behind package 0' -a 'install remove upgrade update autoremove autoclean repair plan' -d 'What to do'
complete -c sm-helper -n '__sm_helper_behind package 1' -a '(__sm_helper_names package (__sm_helper_plain)[2])' -d 'The package'
complete -c sm-helper -n '__sm_helper_behind package 1 plan' -a 'install remove upgrade autoremove' -d 'What to plan'
complete -c sm-helper -n '__sm_helper_behind package 2 plan' -a '(__sm_helper_names package (__sm_helper_plain)[3])' -d 'The package'
complete -c sm-helper -n '__sm_helper_behind task 0' -a 'run' -d 'What to do'
complete -c sm-helper -n '__sm_helper_behind task 1' -a '(__sm_helper_names task (__sm_helper_plain)[2])' -d 'The task'
