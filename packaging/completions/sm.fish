# Completion of sm in fish. Made by packaging/pages/write: what clap_complete makes of the grammar,
# and below it what it does not know.

complete -c sm -f
# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sm_global_optspecs
    string join \n json v/verbose h/help V/version
end

function __fish_sm_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_sm_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_sm_using_subcommand
    test (count (__sm_request)) -eq 0; or return 1
    set -l cmd (__fish_sm_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c sm -n "__fish_sm_needs_command" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_needs_command" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_needs_command" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_needs_command" -s V -l version -d 'Print version'
complete -c sm -n "__fish_sm_needs_command" -f -a "helper" -d 'The helper itself: `sm helper A…` is `sm-helper A…`'
complete -c sm -n "__fish_sm_needs_command" -f -a "setup-sudo" -d 'Allow an account or a group to run sm-helper as root, and nothing else'
complete -c sm -n "__fish_sm_needs_command" -f -a "setup-broker" -d 'Allow accounts to use the helper over a socket, without sudo'
complete -c sm -n "__fish_sm_needs_command" -f -a "bootstrap-cluster" -d 'Install and set up the helper on every host of an inventory, over ssh'
complete -c sm -n "__fish_sm_needs_command" -f -a "fleet" -d 'List the hosts of an inventory, or make one request to all of them'
complete -c sm -n "__fish_sm_needs_command" -f -a "policy" -d 'Show, check, compare or edit the policy'
complete -c sm -n "__fish_sm_needs_command" -f -a "audit" -d 'Search and verify the audit log'
complete -c sm -n "__fish_sm_needs_command" -f -a "status" -d 'Show who may ask and by which route, what decides, what was asked for last, and what is not done yet'
complete -c sm -n "__fish_sm_needs_command" -f -a "approvals" -d 'List the requests that wait for an approval, and what was answered'
complete -c sm -n "__fish_sm_needs_command" -f -a "approve" -d 'Approve a request that waits for it: its account can make it once, until it expires'
complete -c sm -n "__fish_sm_needs_command" -f -a "decline" -d 'Decline a request that waits for an approval: it is denied until it expires'
complete -c sm -n "__fish_sm_needs_command" -f -a "grant" -d 'Give an account the right to one operation for a time, on top of its policy'
complete -c sm -n "__fish_sm_needs_command" -f -a "grants" -d 'List the rights that were given for a time'
complete -c sm -n "__fish_sm_needs_command" -f -a "revoke" -d 'End a right before its time'
complete -c sm -n "__fish_sm_needs_command" -f -a "undo" -d 'Put back what an operation changed, from the snapshot before it; shows the files, and asks'
complete -c sm -n "__fish_sm_needs_command" -f -a "disable" -d 'Refuse every request at once, whatever the policy says, until `sm enable`; operations under way are finished'
complete -c sm -n "__fish_sm_needs_command" -f -a "enable" -d 'Have the policy decide again'
complete -c sm -n "__fish_sm_needs_command" -f -a "doctor" -d 'Check everything that the guarantees rest on, on this host: exit 0 if nothing is wrong, 1 otherwise; with -v, also list what is ok'
complete -c sm -n "__fish_sm_using_subcommand helper" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand helper" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand helper" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -l user -d 'The account [default: the one that called sudo]' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -l group -d 'The group' -r -f -a "(__fish_complete_groups)"
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -l approvers -d 'Only the rule of those whom the policy lets approve, which every run puts in place too'
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -l install -d 'First install this program for all accounts, unless a package did'
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -l print -d 'Print the drop-in and change nothing'
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -l check -d 'Check whether the drop-in is in place: exit 0 if so, 1 if not'
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -l remove -d 'Remove the drop-in'
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -l exact -d 'Write one rule for each command line that the policy permits, so that sudo itself refuses the rest'
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -l keep-exact -d 'Use --exact if the present drop-in is exact; for scripts that do not know which it is'
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -l all -d 'With --remove: remove every drop-in that names this program\'s helper'
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand setup-sudo" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand setup-broker" -l user -d 'An account that may connect; may be given more than once' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand setup-broker" -l install -d 'First install this program for all accounts, unless a package did'
complete -c sm -n "__fish_sm_using_subcommand setup-broker" -l check -d 'Check whether everything is in place: exit 0 if so, 1 if not'
complete -c sm -n "__fish_sm_using_subcommand setup-broker" -l remove -d 'Remove the units and the group; with --user, only the account\'s membership'
complete -c sm -n "__fish_sm_using_subcommand setup-broker" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand setup-broker" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand setup-broker" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -s i -l inventory -d 'The inventory: Ansible\'s YAML or INI, the output of `ansible-inventory --list`, or aliases with hostname, user, port, identity_file; `-` is standard input [default: ~/.config/agent-utilities/inventory.yml, .yaml or .ini]' -r -F
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -s l -l limit -d 'Only these hosts: names, groups, `*`, `!` and `:&`, as in Ansible' -r -f
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -l forks -d 'How many hosts at once' -r -f
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -l user -d 'The account that may run the helper [default: on each host the one that logs in]' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -l binary -d 'The program for hosts of another architecture; may be given more than once' -r -f
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -l password-fd -d 'Read sudo\'s password from this descriptor instead of asking at the terminal' -r -f
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -l dry-run -d 'Show what each host needs, and change nothing'
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -l accept-new-host-keys -d 'Trust a host\'s key the first time it is seen'
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -l skip-unreachable -d 'Do not count unreachable hosts as failures'
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand bootstrap-cluster" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand fleet; and not __fish_seen_subcommand_from list run audit" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand fleet; and not __fish_seen_subcommand_from list run audit" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand fleet; and not __fish_seen_subcommand_from list run audit" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand fleet; and not __fish_seen_subcommand_from list run audit" -f -a "list" -d 'List the hosts, and how each would be reached'
complete -c sm -n "__fish_sm_using_subcommand fleet; and not __fish_seen_subcommand_from list run audit" -f -a "run" -d 'Make one request to sm-helper on each host, and print the replies as one JSON object, or as a table on a terminal'
complete -c sm -n "__fish_sm_using_subcommand fleet; and not __fish_seen_subcommand_from list run audit" -f -a "audit" -d 'Have each host sign its audit log, keep the checkpoints here, and say whose log is not the one that was collected before'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from list" -s i -l inventory -d 'The inventory: Ansible\'s YAML or INI, the output of `ansible-inventory --list`, or aliases with hostname, user, port, identity_file; `-` is standard input [default: ~/.config/agent-utilities/inventory.yml, .yaml or .ini]' -r -F
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from list" -s l -l limit -d 'Only these hosts: names, groups, `*`, `!` and `:&`, as in Ansible' -r -f
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from list" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from run" -s i -l inventory -d 'The inventory: Ansible\'s YAML or INI, the output of `ansible-inventory --list`, or aliases with hostname, user, port, identity_file; `-` is standard input [default: ~/.config/agent-utilities/inventory.yml, .yaml or .ini]' -r -F
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from run" -s l -l limit -d 'Only these hosts: names, groups, `*`, `!` and `:&`, as in Ansible' -r -f
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from run" -l serial -d 'How many hosts at once' -r -f
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from run" -l max-fail -d 'Start no other host once this many have failed' -r -f
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from run" -l user -d 'Log in as this account instead of the inventory\'s' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from run" -l accept-new-host-keys -d 'Trust a host\'s key the first time it is seen'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from run" -l skip-unreachable -d 'Do not count unreachable hosts as failures'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from run" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -s i -l inventory -d 'The inventory: Ansible\'s YAML or INI, the output of `ansible-inventory --list`, or aliases with hostname, user, port, identity_file; `-` is standard input [default: ~/.config/agent-utilities/inventory.yml, .yaml or .ini]' -r -F
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -s l -l limit -d 'Only these hosts: names, groups, `*`, `!` and `:&`, as in Ansible' -r -f
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -l forks -d 'How many hosts at once' -r -f
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -l store -d 'Where the checkpoints are kept, a file for each host [default: ~/.local/state/sm/fleet-audit]' -r -F
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -l identity -d 'Read encrypted files here with this identity of age, which stays here' -r -F
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -l user -d 'Log in as this account instead of the inventory\'s' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -l full -d 'Read each log from its beginning, not only what follows the last checkpoint that is kept'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -l accept-new-host-keys -d 'Trust a host\'s key the first time it is seen'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -l skip-unreachable -d 'Do not count unreachable hosts as failures'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand fleet; and __fish_seen_subcommand_from audit" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -f -a "show" -d 'Print who may do what, and the policies in force as they were written'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -f -a "check" -d 'Check a policy file for mistakes'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -f -a "surface" -d 'Print every command line that can ever be run as root; at a terminal, who may do what'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -f -a "diff" -d 'Show what the site policy changes: which operations come and go'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -f -a "edit" -d 'Edit the site policy as visudo edits sudoers: edit a copy, check it, install it whole'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -f -a "revert" -d 'Remove the site policy, so that the compiled policy alone decides'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -f -a "init" -d 'Make the first site policy of this host, of what is named and nothing else; at a terminal by asking'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -f -a "test" -d 'Hold the policy against a file of expectations: allow agent service restart myapp, deny agent package install vim; exit 0 if all are met, 1 otherwise'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -f -a "allow" -d 'Allow an operation: change the site policy in place, and print what changes'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -f -a "deny" -d 'No longer allow an operation: change the site policy in place, and print what changes'
complete -c sm -n "__fish_sm_using_subcommand policy; and not __fish_seen_subcommand_from show check surface diff edit revert init test allow deny explain" -f -a "explain" -d 'Show which line of the policy allows or refuses a request, and what would be run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from show" -l argv -d 'Print the command lines instead of who may do what'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from show" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from check" -l site -d 'Check it as this host\'s site policy, which needs fewer keys than a compiled one'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from check" -l strict -d 'Fail with exit status 1 if there is a warning, apart from those of root by another name'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from check" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from surface" -l user -d 'Only for this account, with the rights that it was given for a time [default: for all callers]' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from surface" -l site -d 'Use this file as the site policy instead of /etc/sm/policy.toml' -r -F
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from surface" -l package-manager -d 'Assume a host with this package manager [default: this host\'s]' -r -f -a "apt\t'Debian\'s, through `apt-get`'
pacman\t'Arch\'s'"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from surface" -l argv -d 'Print the command lines at a terminal, too'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from surface" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from surface" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from surface" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from diff" -l site -d 'Use this file as the site policy instead of /etc/sm/policy.toml' -r -F
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from diff" -l package-manager -d 'Assume a host with this package manager [default: this host\'s]' -r -f -a "apt\t'Debian\'s, through `apt-get`'
pacman\t'Arch\'s'"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from diff" -l argv -d 'Print the command lines instead'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from diff" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from diff" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from edit" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from edit" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from revert" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from revert" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from revert" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from init" -l unit -d 'A unit and what may be done to it; may be given more than once' -r -f
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from init" -l package -d 'Packages and what may be done to them [default: install]; may be given more than once' -r -f
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from init" -l maintenance -d 'What may be done to all packages at once, or to systemd: update,upgrade,daemon-reload' -r -f
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from init" -l task -d 'A command line of your own, by the name that callers use: a program without arguments; may be given more than once' -r -f
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from init" -l user -d 'For this account alone' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from init" -l group -d 'For the accounts in this group alone' -r -f -a "(__fish_complete_groups)"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from init" -l replace -d 'In the place of a policy that is there, which is kept beside it'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from init" -l dry-run -d 'Print the policy, and change nothing'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from init" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from init" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from test" -l site -d 'Use this file as the site policy instead of /etc/sm/policy.toml' -r -F
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from test" -l package-manager -d 'Assume a host with this package manager [default: this host\'s]' -r -f -a "apt\t'Debian\'s, through `apt-get`'
pacman\t'Arch\'s'"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from test" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from test" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from allow" -l user -d 'For this account alone' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from allow" -l group -d 'For the accounts in this group alone' -r -f -a "(__fish_complete_groups)"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from allow" -l dry-run -d 'Print what would change, and change nothing'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from allow" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from allow" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from allow" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from deny" -l user -d 'For this account alone' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from deny" -l group -d 'For the accounts in this group alone' -r -f -a "(__fish_complete_groups)"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from deny" -l dry-run -d 'Print what would change, and change nothing'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from deny" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from deny" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from deny" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from explain" -l user -d 'For this account [default: any that is allowed]' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from explain" -l group -d 'Suppose that the account is in this group, and in no other that is not given; may be given more than once' -r -f -a "(__fish_complete_groups)"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from explain" -l expect -d 'Exit 1 if it is not so' -r -f -a "allowed\t''
denied\t''"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from explain" -l site -d 'Use this file as the site policy instead of /etc/sm/policy.toml' -r -F
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from explain" -l package-manager -d 'Assume a host with this package manager [default: this host\'s]' -r -f -a "apt\t'Debian\'s, through `apt-get`'
pacman\t'Arch\'s'"
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from explain" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from explain" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -f -a "tail" -d 'Print the last requests'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -f -a "search" -d 'Search requests'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -f -a "stats" -d 'Count requests by account, operation and result'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -f -a "verify" -d 'Check that no record is missing or was changed'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -f -a "checkpoint" -d 'Sign the log until here: what is before it can then no longer be changed unnoticed'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -f -a "key" -d 'Print the public half of the key that signs checkpoints, to be kept elsewhere'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -f -a "encrypt" -d 'Encrypt what rotation has put aside to the policy\'s recipients; a timer does it'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -f -a "setup" -d 'Have the kernel watch the helper, the policy and the log, if auditd is installed, and a timer encrypt what is put aside, if the policy names recipients'
complete -c sm -n "__fish_sm_using_subcommand audit; and not __fish_seen_subcommand_from tail search stats verify checkpoint key encrypt setup export" -f -a "export" -d 'Print the records in a form that SIEM tools read, one event a line'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from tail" -s n -l lines -d 'How many' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from tail" -s f -l follow -d 'Then print each new record'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from tail" -l records -d 'Print a line for each record, not for each request'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from tail" -l utc -d 'Print times in UTC, also on a terminal, where they are local by default'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from tail" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from tail" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from tail" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l user -d 'Of this account' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l agent -d 'Of the agent that the policy names so' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l code -d 'With this code' -r -f -a "ok\t''
started\t''
command_failed\t''
timeout\t''
unhealthy\t''
interrupted\t''
not_found\t''
usage\t''
denied\t''
disabled\t''
invalid_argument\t''
reason_required\t''
approval_required\t''
check_failed\t''
plan_refused\t''
rate_limited\t''
busy\t''
not_privileged\t''
audit_unavailable\t''
policy_invalid\t''
untrusted_path\t''
unsupported\t''
internal\t''"
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l event -d 'Of this kind' -r -f -a "intent\t''
result\t''
refused\t''
checkpoint\t''"
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l operation -d 'Of this operation: service, "service restart", "package install git"' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l name -d 'About this unit or package' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l id -d 'Of the request with this id, or whose id ends with these eight or more characters' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l text -d 'With this text anywhere' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l since -d 'Since this time, as for journalctl: 2026-11-21 19:30, yesterday, "2 hours ago", -2h; UTC by default' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l until -d 'Until this time' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l identity -d 'Read encrypted files with this identity of age' -r -F
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l limit -d 'How many at most, the last ones' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l records -d 'Print a line for each record, not for each request'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l utc -d 'Print times in UTC, also on a terminal, where they are local by default'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from search" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l user -d 'Of this account' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l agent -d 'Of the agent that the policy names so' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l code -d 'With this code' -r -f -a "ok\t''
started\t''
command_failed\t''
timeout\t''
unhealthy\t''
interrupted\t''
not_found\t''
usage\t''
denied\t''
disabled\t''
invalid_argument\t''
reason_required\t''
approval_required\t''
check_failed\t''
plan_refused\t''
rate_limited\t''
busy\t''
not_privileged\t''
audit_unavailable\t''
policy_invalid\t''
untrusted_path\t''
unsupported\t''
internal\t''"
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l event -d 'Of this kind' -r -f -a "intent\t''
result\t''
refused\t''
checkpoint\t''"
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l operation -d 'Of this operation: service, "service restart", "package install git"' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l name -d 'About this unit or package' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l id -d 'Of the request with this id, or whose id ends with these eight or more characters' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l text -d 'With this text anywhere' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l since -d 'Since this time, as for journalctl: 2026-11-21 19:30, yesterday, "2 hours ago", -2h; UTC by default' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l until -d 'Until this time' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l identity -d 'Read encrypted files with this identity of age' -r -F
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from verify" -l key -d 'Verify the checkpoints, too: what sm audit key printed, of one key or of several' -r -F
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from verify" -l checkpoints -d 'Checkpoints that were kept elsewhere, one a line: the log must have them' -r -F
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from verify" -l log -d 'Verify this log, a file or a folder, instead of this host\'s' -r -F
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from verify" -l identity -d 'Read encrypted files with this identity of age' -r -F
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from verify" -l stdin -d 'Verify the log that is on standard input, as sm audit export --format jsonl printed it'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from verify" -l skip-encrypted -d 'Leave encrypted files out'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from verify" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from checkpoint" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from checkpoint" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from checkpoint" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from key" -l seal -d 'With --rotate: have systemd-creds(1) seal the new key with the TPM, or with a file of systemd\'s' -r -f -a "tpm2\t''
host\t''"
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from key" -l rotate -d 'Put a new key in its place, which the old one signs'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from key" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from key" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from key" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from encrypt" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from encrypt" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from encrypt" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from setup" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from setup" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from setup" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from export" -l format -d 'In which form' -r -f -a "ecs\t'Elastic Common Schema'
ocsf\t'Open Cybersecurity Schema Framework'
cef\t'Common Event Format'
rfc5424\t'Syslog with structured data'
jsonl\t'The records as they are'"
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from export" -l since -d 'Since this time, as for journalctl: 2026-11-21 19:30, yesterday, "2 hours ago", -2h; UTC by default' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from export" -l until -d 'Until this time' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from export" -l after -d 'Begin with what follows the record of this number and this hash' -r -f
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from export" -l state -d 'Remember in this file what was exported, and go on from there the next time' -r -F
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from export" -l identity -d 'Read encrypted files with this identity of age' -r -F
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from export" -l encrypted -d 'In place of the records of an encrypted file, print lines of JSON' -r -f -a "name\t'One that names it, its first and last record and its size'
base64\t'The same, and behind it others with its bytes'"
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from export" -s f -l follow -d 'Then print each new record'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from export" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand audit; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sm -n "__fish_sm_using_subcommand status" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand status" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand status" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand approvals" -s f -l follow -d 'Go on, and show each request when it begins to wait and when it is answered'
complete -c sm -n "__fish_sm_using_subcommand approvals" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand approvals" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand approvals" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand approve" -l for -d 'How long it holds, for example 30m [default: as long as it could be approved]' -r -f
complete -c sm -n "__fish_sm_using_subcommand approve" -l uses -d 'How often it can be used [default: 1]' -r -f
complete -c sm -n "__fish_sm_using_subcommand approve" -s y -l yes -d 'Do not ask once more'
complete -c sm -n "__fish_sm_using_subcommand approve" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand approve" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand approve" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand decline" -l reason -d 'Why; who asked for it is told' -r -f
complete -c sm -n "__fish_sm_using_subcommand decline" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand decline" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand decline" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand grant" -l user -d 'The account' -r -f -a "(__fish_complete_users)"
complete -c sm -n "__fish_sm_using_subcommand grant" -l for -d 'How long it holds, for example 30m [default: 1h]' -r -f
complete -c sm -n "__fish_sm_using_subcommand grant" -l until -d 'Until when it holds, as for journalctl: 17:00, 2026-11-21 19:30; UTC by default' -r -f
complete -c sm -n "__fish_sm_using_subcommand grant" -l uses -d 'How often it can be used [default: as often as the policy\'s limits allow]' -r -f
complete -c sm -n "__fish_sm_using_subcommand grant" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand grant" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand grant" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand grants" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand grants" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand grants" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand revoke" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand revoke" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand revoke" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand undo" -l dry-run -d 'Show what would come back, and change nothing'
complete -c sm -n "__fish_sm_using_subcommand undo" -l force -d 'Also overwrite what somebody else has changed since'
complete -c sm -n "__fish_sm_using_subcommand undo" -l yes -d 'Do not ask once more'
complete -c sm -n "__fish_sm_using_subcommand undo" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand undo" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand undo" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand disable" -l reason -d 'Why, for the note that `sm status` shows' -r -f
complete -c sm -n "__fish_sm_using_subcommand disable" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand disable" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand disable" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand enable" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand enable" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand enable" -s h -l help -d 'Print help'
complete -c sm -n "__fish_sm_using_subcommand doctor" -l json -d 'One JSON object instead of text'
complete -c sm -n "__fish_sm_using_subcommand doctor" -s v -l verbose -d 'Print each step and its time on standard error; twice: every program that is run'
complete -c sm -n "__fish_sm_using_subcommand doctor" -s h -l help -d 'Print help'
# The request to the helper in this line, where it has begun. Fails where none can stand.
function __sm_request
    set -l plain
    set -l skip no
    set -l words (commandline -opc)[2..-1]
    for i in (seq (count $words))
        set -l word $words[$i]
        if test $skip = yes
            set skip no
        else if test "$word" = --; or not string match -q -- '-*' $word
            if contains -- "$plain" 'helper' 'policy explain' 'policy allow' 'policy deny' 'fleet run'
                test "$word" = --; and set i (math $i + 1)
                printf '%s\n' sm-helper $words[$i..-1]
                return
            end
            test "$word" = --; or set -a plain $word
        else if contains -- $word --user --group --checkpoints --identity --inventory --key --log --site --state --store -i --after --agent --binary --for --forks --id --limit --lines --maintenance --max-fail --name --operation --package --password-fd --reason --serial --since --task --text --unit --until --uses -l -n --code --encrypted --event --expect --format --package-manager --seal
            set skip yes
        end
    end
    test "$plain" = helper; and echo sm-helper
    contains -- "$plain" 'helper' 'policy explain' 'policy allow' 'policy deny' 'fleet run'
end

# What sm-helper's own completion has for it.
function __sm_request_words
    set -l request (__sm_request)
    test (count $request) -gt 0; or set request sm-helper
    complete -C (string join ' ' -- (string escape -- $request))' '(commandline -ct)
end

complete -c sm -n __sm_request -a '(__sm_request_words)'
complete -c sm -n '__fish_sm_using_subcommand policy; and __fish_seen_subcommand_from check' -F
