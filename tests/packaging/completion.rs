//! Completion in real bash, zsh and fish: the grammar, the caller's own names, and nothing that
//! could run.

use crate::host::{Host, Sudo};
use std::collections::BTreeSet;

/// Asks bash: all words, the last one being begun. The function is what bash-completion finds.
const BASH: &str = r#"
    source /usr/share/bash-completion/bash_completion
    _completion_loader "${1##*/}"
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMPREPLY=()
    spec=$(complete -p -- "${1##*/}") || exit 1
    [[ $spec =~ -F\ ([^\ ]+) ]] && "${BASH_REMATCH[1]}" "$1" "${@: -1}" "${@: -2:1}"
    ((!${#COMPREPLY[@]})) || printf '%s\n' "${COMPREPLY[@]}"
"#;

/// Asks zsh, at a terminal, with a tab. What it would offer is printed behind `HIT`.
const ZSH: &str = r#"
    zmodload zsh/zpty
    print -r -- '
        PROMPT= RPROMPT=
        fpath=(/usr/local/share/zsh/site-functions $fpath)
        autoload -Uz compinit && compinit -D
        bindkey "^I" complete-word
        zstyle ":completion:*" completer _complete
        compadd() {
            if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
            local -a hits
            builtin compadd -A hits "$@"
            local hit
            for hit in $hits; do print -r -- "HIT${hit}TIH"; done
            builtin compadd "$@"
        }
        finished() { print -r -- FINISHED; exit }
        comppostfuncs=(finished)
        print -r -- BE"GUN"
    ' >~/init.zsh
    zpty z zsh -f -i
    zpty -w z 'source ~/init.zsh'
    zpty -r -m z line '*BEGUN*' || exit 1
    line="${(j: :)${(q)@[1,-2]}} ${@[-1]}"
    zpty -w -n z "$line"$'\t'
    zpty -r -m z line '*FINISHED*'
    print -r -- "${line}"
"#;

/// Asks fish, which has a command for that.
const FISH: &str = "complete -C \"$argv\"";

/// What each shell offers an account; they agree.
#[track_caller]
fn offered(host: &Host, user: &str, words: &[&str]) -> BTreeSet<String> {
    let bash = host.command(user, &[&["/bin/bash", "-c", BASH, "bash"], words].concat()).run().ok();
    let bash: BTreeSet<String> = bash.lines().map(str::to_owned).collect();
    let zsh =
        host.command(user, &[&["/bin/zsh", "-f", "-c", ZSH, "zsh"], words].concat()).run().ok();
    let zsh: BTreeSet<String> = zsh
        .split("HIT")
        .skip(1)
        .filter_map(|hit| hit.split_once("TIH").map(|(hit, _)| hit.to_owned()))
        .collect();
    let line = words.join(" ");
    let fish = host.command(user, &["/usr/bin/fish", "-c", FISH, &line]).run().ok();
    let fish: BTreeSet<String> =
        fish.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect();
    // Of a path zsh says the last part.
    let ends = |words: BTreeSet<String>| -> BTreeSet<String> {
        let end = |word: &String| word.rsplit('/').next().map(str::to_owned);
        words.iter().filter_map(end).collect()
    };
    let (bash, zsh, fish) = (ends(bash), ends(zsh), ends(fish));
    assert_eq!(bash, zsh, "{words:?}: bash and zsh");
    assert_eq!(bash, fish, "{words:?}: bash and fish");
    bash
}

fn set(words: &str) -> BTreeSet<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

const LINES: [(&str, &str); 35] = [
    ("sm-helper ", "service package task undo result list version"),
    ("sm-helper se", "service"),
    (
        "sm-helper service ",
        "start stop restart reload enable disable reset-failed status logs daemon-reload",
    ),
    ("sm-helper service re", "restart reload reset-failed"),
    ("sm-helper --pretty service --reason why st", "start stop status"),
    ("sm-helper service restart ng", "nginx.service"),
    ("sm-helper package install t", "trash-cli"),
    ("sm-helper package plan ", "install remove upgrade autoremove"),
    ("sm-helper package plan upgrade h", "htop"),
    ("sm-helper service restart --via ", "auto socket sudo"),
    ("sm-helper list --sch", "--schema"),
    ("sm ", "audit bootstrap-cluster doctor fleet helper policy setup-broker setup-sudo"),
    ("sm policy ", "allow check deny diff edit explain init revert show surface test"),
    ("sm audit se", "search setup"),
    ("sm helper service restart ng", "nginx.service"),
    ("sm setup-sudo --user age", "agent"),
    ("sm policy explain --user agent package rem", "remove"),
    (
        "sm-helper service -",
        "--brief --dry-run --help -h --lines --no-wait --pretty --reason --since --timeout --via",
    ),
    (
        "sm-helper service restart nginx --",
        "--brief --dry-run --help --lines --no-wait --pretty --reason --since --timeout --via",
    ),
    // The value of a flag is no command.
    ("sm-helper --reason list service re", "restart reload reset-failed"),
    ("sm-helper service --reason list re", "restart reload reset-failed"),
    ("sm-helper service restart --reason ", ""),
    ("sm-helper service --timeout 5 restart --dry-run ng", "nginx.service"),
    ("sm setup-sudo --group shado", "shadow"),
    ("sm setup-sudo --user agent --ke", "--keep-exact"),
    ("sm audit search --event ", "checkpoint intent refused result"),
    ("sm policy surface --package-manager ", "apt pacman"),
    ("sm policy check /etc/pass", "passwd passwd-"),
    ("sm policy surface --site /etc/pass", "passwd passwd-"),
    // A request in a line of sm is one of sm-helper, with its flags alone.
    ("sm helper ", "service package task undo result list version"),
    ("sm helper --dr", "--dry-run"),
    ("sm policy explain --us", "--user"),
    (
        "sm policy explain service restart --",
        "--brief --dry-run --help --lines --no-wait --pretty --reason --since --timeout --via",
    ),
    ("sm fleet run --serial 2 -- service restart ng", "nginx.service"),
    (
        "sm --json policy explain --package-manager apt package plan ",
        "install remove upgrade autoremove",
    ),
];

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn completion_offers_the_tasks_of_the_policy() {
    let host = Host::ready_test_policy(Sudo::Classic);
    for (line, expected) in [
        ("sm-helper task ", "run"),
        ("sm-helper task run ng", "nginx-test"),
        ("sm-helper task run --reason why s", "script short"),
        ("sm helper task run dep", "deploy"),
        ("sm policy explain task run dep", "deploy"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        for user in ["agent", "root"] {
            assert_eq!(offered(&host, user, &words), set(expected), "{user}: {line}");
        }
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn completion_is_the_same_in_bash_zsh_and_fish() {
    let host = Host::ready(Sudo::Classic);
    for (line, expected) in LINES {
        let words: Vec<&str> = line.split(' ').collect();
        let mut expected = set(expected);
        if line == "sm " {
            // What the program itself says there is.
            let help = host.root("sm --help").ok();
            let (_, commands) = help.split_once("Commands:\n").expect("the commands");
            let rows = commands.lines().take_while(|row| !row.is_empty());
            expected =
                rows.filter_map(|row| row.split_whitespace().next()).map(str::to_owned).collect();
        }
        assert_eq!(offered(&host, "agent", &words), expected, "{line}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn completion_offers_a_caller_its_own_names_and_leaves_no_record() {
    let host = Host::ready(Sudo::Classic);
    let policy = "schema = 1\n[services]\nactions = [\"restart\", \"status\"]\n[services.units.nginx]\n\
        [services.units.ssh]\nactions = [\"status\"]\n[services.units.docker]\n\
        [callers.\"user:agent\"]\nservices = [\"nginx\", \"ssh\"]\n[callers.default]\nservices = [\"docker\"]\n";
    host.root("mkdir /etc/sm").ok();
    host.write("/etc/sm/policy.toml", policy);
    let record = host.read("/var/log/sm/audit.jsonl");
    for (user, action, expected) in [
        ("agent", "restart", "nginx.service"),
        ("agent", "status", "nginx.service ssh.service"),
        ("agent", "stop", ""),
        ("other", "status", "docker.service"),
        ("root", "restart", "docker.service nginx.service"),
    ] {
        assert_eq!(
            offered(&host, user, &["sm-helper", "service", action, ""]),
            set(expected),
            "{user} {action}"
        );
    }
    // A tab is no request, not of root's either.
    assert_eq!(host.read("/var/log/sm/audit.jsonl"), record);
    // A broken policy offers nothing, and says nothing.
    host.write("/etc/sm/policy.toml", "schema = ");
    assert_eq!(offered(&host, "agent", &["sm-helper", "service", "status", ""]), set(""));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn completion_in_bash_goes_on_where_bash_has_cut_a_word() {
    let host = Host::ready(Sudo::Classic);
    // What is behind such a cut in a name, in the place of the program, which names no such unit.
    host.write(
        "/usr/local/bin/sm-helper",
        "#!/bin/sh\necho '  \"services\": {'\necho '    \"app@4:0.service\": {'\necho '        \"restart\"'\n",
    );
    for (words, expected) in [
        (&["sm-helper", "service", "restart", "--via", "=", "so"][..], "socket"),
        (&["sm-helper", "service", "restart", "app@4"], "app@4:0.service"),
        (&["sm-helper", "service", "restart", "app@4", ":", ""], "0.service"),
        (&["sm", "setup-sudo", "--user", "=", "age"], "agent"),
        (&["sm", "policy", "explain", "--user", "=", "agent", "service", "rel"], "reload"),
    ] {
        let bash = host.command("agent", &[&["/bin/bash", "-c", BASH, "bash"], words].concat());
        assert_eq!(bash.run().ok().trim(), expected, "{words:?}");
    }
}

/// What the program could print if it were somebody else's, with a name in each of its shapes.
const HOSTILE: &str = r#"#!/bin/sh
touch /tmp/ran
for name in '$(touch /tmp/owned)' '`touch /tmp/owned`' "x'; touch /tmp/owned #" '(touch /tmp/owned)' \
    'a b' '-rf' 'x;touch /tmp/owned' '*' '\e[31m' 'fine.service'; do
    printf '"service restart %s": [["x"]],\n' "$name"
done
echo '  "services": {'
for name in '$(touch /tmp/owned)' '`touch /tmp/owned`' "x'; touch /tmp/owned #" '(touch /tmp/owned)' \
    'a b' '-rf' 'x;touch /tmp/owned' '*' '\e[31m' 'fine.service'; do
    printf '    "%s": {\n      "actions": [\n        "restart"\n      ]\n    },\n' "$name"
done
"#;

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn completion_runs_nothing_of_what_it_reads_or_of_what_was_typed() {
    let host = Host::ready(Sudo::Classic);
    // What was typed in the place of the program is not run.
    host.write("/home/agent/sm-helper", HOSTILE);
    host.root("chown agent /home/agent/sm-helper; chmod 0755 /home/agent/sm-helper").ok();
    let words = ["./sm-helper", "service", "restart", ""];
    let bash = host.command("agent", &[&["/bin/bash", "-c", BASH, "bash"], &words[..]].concat());
    bash.cwd("/home/agent").run();
    assert!(!host.exists("/tmp/ran"));
    for word in ["$(touch /tmp/owned)", "`touch /tmp/owned`", "';touch /tmp/owned;'"] {
        for words in [
            ["sm-helper", "service", word, ""],
            ["sm-helper", word, "restart", ""],
            ["sm-helper", "service", "restart", word],
            ["sm", "helper", word, ""],
            ["sm", "helper", "service", word],
        ] {
            let line = words.join(" ");
            let asked = [
                [&["/bin/bash", "-c", BASH, "bash"], &words[..]].concat(),
                [&["/bin/zsh", "-f", "-c", ZSH, "zsh"], &words[..]].concat(),
                vec!["/usr/bin/fish", "-c", FISH, &line],
            ];
            for asked in asked {
                host.command("agent", &asked).run();
                assert!(!host.exists("/tmp/owned"), "{} {words:?}", asked[0]);
            }
        }
    }
    // And of what is read, only what is a name is offered.
    for name in ["sm", "sm-helper"] {
        host.write(format!("/usr/local/bin/{name}"), HOSTILE);
    }
    for user in ["agent", "root"] {
        let names = offered(&host, user, &["sm-helper", "service", "restart", ""]);
        assert_eq!(names, set("fine.service"), "{user}");
        assert!(host.exists("/tmp/ran") && !host.exists("/tmp/owned"), "{user}");
    }
}
