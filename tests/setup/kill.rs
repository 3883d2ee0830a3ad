//! At no instant does a crash or a full disk leave sudo's configuration invalid: every system
//! call that changes a file is once the last one, and once the one that fails.

use std::collections::HashMap;

use crate::answer::RULE;
use crate::host::{Host, host_test};

/// The calls that can change a file.
const CHANGING: &str = "?open,openat,?creat,write,pwrite64,writev,?chmod,fchmod,fchmodat,?chown,?lchown,fchown,\
    fchownat,fsync,fdatasync,?link,linkat,?rename,renameat,?renameat2,?unlink,unlinkat,?mkdir,mkdirat,?symlink,\
    symlinkat,ftruncate,fallocate,copy_file_range,sendfile,fsetxattr,flock";

/// What is there before, what is run, and what must be there in the end.
struct Work {
    name: &'static str,
    prepare: &'static str,
    command: &'static str,
    /// The content of the drop-in before; empty for none.
    before: &'static str,
    /// After.
    after: &'static str,
    /// The fewest calls that it can be done with: fewer means that they were not seen.
    at_least: usize,
}

/// The lock is there already, so that each run makes the same calls.
const LOCKED: &str = "mkdir -pm 0700 /var/lib/sm; touch /var/lib/sm/setup-sudo.lock; \
    mkdir -pm 0755 /run/sm; install -m 0600 /dev/null /run/sm/probe";

/// What is replaced: its first line says that it is ours.
const OLD: &str = "\
# Made by sm setup-sudo for account agent; do not edit: run `sm setup-sudo` again, or with --remove.
agent ALL=(root) NOPASSWD: /usr/local/bin/sm-helper version
";

const WORKS: [Work; 4] = [
    Work {
        name: "fresh",
        prepare: "rm -rf /var/lib/sm /run/sm",
        command: "sm setup-sudo --user agent --json",
        before: "",
        after: RULE,
        at_least: 14,
    },
    Work {
        name: "replace",
        prepare: LOCKED,
        command: "sm setup-sudo --user agent --json",
        before: OLD,
        after: RULE,
        at_least: 10,
    },
    Work {
        name: "remove",
        prepare: LOCKED,
        command: "sm setup-sudo --remove --user agent --json",
        before: RULE,
        after: "",
        at_least: 2,
    },
    Work {
        name: "install",
        prepare: "rm -rf /var/lib/sm /run/sm /usr/local/bin/*",
        command: "/opt/sm/sm setup-sudo --install --user agent --json",
        before: "",
        after: RULE,
        at_least: 20,
    },
];

/// Prepares, runs the command under strace with this injection, and says what came of it.
const FUNCTIONS: &str = r#"
D=/etc/sudoers.d/sm-agent
prepare() {
    rm -f $D*
    if [ -s /root/before ]; then install -m 0440 /root/before $D; fi
    eval "$PREPARE"
}
now() {
    if [ ! -e $D ]; then echo none; return; fi
    if cmp -s $D /root/after; then echo after; return; fi
    if cmp -s $D /root/before; then echo before; return; fi
    echo other
}
try() { # what, injection
    prepare
    strace -qq -o /dev/null -e trace=${2%%:*} -e inject=$2 $COMMAND >/root/out 2>/root/err
    status=$?
    works=yes
    visudo -cq >/root/visudo 2>&1 || works="visudo: $(cat /root/visudo)"
    sudo -n -l -U agent >/dev/null 2>&1 || works="no sudo -l"
    echo admin | setpriv --reuid=admin --regid=admin --init-groups sudo -S -p '' true 2>/dev/null || works="admin is locked out"
    first=$(now)
    $COMMAND >/root/again 2>&1; again=$?
    visudo -cq >/dev/null 2>&1 || works="visudo at the end"
    left=$(ls -A /etc/sudoers.d /usr/local/bin | grep -E '\.(new|old)|\.[A-Za-z0-9]{6}$' | tr '\n' ' ')
    printf '%s|%s|%s|%s|%s|%s|%s|%s\n' "$1" "$status" "$works" "$first" "$again" "$(now)" "$left" "$(tr '\n' ' ' </root/out)"
}
"#;

/// The calls of a run without injection: the name, its number among those of that name, and
/// what strace says of it.
fn calls(host: &Host, work: &Work) -> Vec<(String, usize, String)> {
    let script = format!(
        "PREPARE='{}'; COMMAND='{}'\n{FUNCTIONS}\nprepare; strace -qq -o /root/trace -e trace={CHANGING} $COMMAND >/dev/null || exit\ncat /root/trace",
        work.prepare, work.command
    );
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut changing = Vec::new();
    for line in host.root(&script).ok().lines() {
        let Some((name, rest)) = line.split_once('(') else { continue };
        let number = counts.entry(name.to_owned()).or_default();
        *number += 1;
        let opens = name.starts_with("open");
        // What it says at the end is written to standard output.
        if (opens && !rest.contains("O_CREAT"))
            || (name.starts_with("write") && rest.starts_with("1,"))
        {
            continue;
        }
        changing.push((name.to_owned(), *number, line.chars().take(90).collect()));
    }
    assert!(changing.len() >= work.at_least, "{}: only {changing:#?}", work.name);
    changing
}

/// One try, as the script has written it down.
struct Tried {
    what: String,
    status: String,
    works: String,
    first: String,
    again: String,
    end: String,
    left: String,
    answer: String,
}

fn tries(host: &Host, work: &Work, injections: &[(String, String)]) -> Vec<Tried> {
    host.write("/root/before", work.before);
    host.write("/root/after", work.after);
    let mut script =
        format!("PREPARE='{}'; COMMAND='{}'\n{FUNCTIONS}\n", work.prepare, work.command);
    for (at, (_, injection)) in injections.iter().enumerate() {
        script.push_str(&format!("try {at} {injection}\n"));
    }
    let out = host.root(&script).ok();
    let tried: Vec<Tried> = out
        .lines()
        .map(|line| {
            let part: Vec<&str> = line.splitn(8, '|').collect();
            let text = |at: usize| part[at].to_owned();
            let what = injections[part[0].parse::<usize>().expect("a number")].0.clone();
            Tried {
                what,
                status: text(1),
                works: text(2),
                first: text(3),
                again: text(4),
                end: text(5),
                left: text(6),
                answer: text(7),
            }
        })
        .collect();
    assert_eq!(tried.len(), injections.len(), "{out}");
    tried
}

/// What is wrong after any of them, killed or failed.
fn faults(work: &Work, tried: &Tried) -> Vec<String> {
    let end = if work.after.is_empty() { "none" } else { "after" };
    let before = if work.before.is_empty() { "none" } else { "before" };
    let mut wrong = Vec::new();
    if tried.works != "yes" {
        wrong.push(tried.works.clone());
    }
    if tried.first != before && tried.first != end {
        wrong.push(format!("the drop-in is neither the old nor the new one: {}", tried.first));
    }
    if tried.again != "0" || tried.end != end {
        wrong.push(format!(
            "the next run: exit status {}, the drop-in is {}",
            tried.again, tried.end
        ));
    }
    if !tried.left.is_empty() {
        wrong.push(format!("the next run left {}", tried.left));
    }
    wrong.iter().map(|wrong| format!("{}, {}: {wrong}", work.name, tried.what)).collect()
}

/// The host with a copy of the program that `--install` can start from.
fn prepared(host: &Host, work: &Work) {
    host.write("/root/before", work.before);
    host.root("mkdir -p /opt/sm && cp -n /usr/local/bin/sm* /opt/sm").ok();
}

host_test!(killed_at_any_call_that_changes_a_file_sudo_works, boot, |host| {
    let mut wrong = Vec::new();
    for work in &WORKS {
        prepared(host, work);
        let points: Vec<(String, String)> = calls(host, work)
            .into_iter()
            .map(|(name, number, line)| (line, format!("{name}:signal=SIGKILL:when={number}")))
            .collect();
        for tried in tries(host, work, &points) {
            assert_eq!(tried.status, "137", "{}: it was not killed at {}", work.name, tried.what);
            wrong.extend(faults(work, &tried));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
});

host_test!(whatever_fails_sudo_works_and_the_answer_is_true, boot, |host| {
    let mut wrong = Vec::new();
    for work in &WORKS[..3] {
        prepared(host, work);
        let mut points = Vec::new();
        for (name, number, line) in calls(host, work) {
            for error in ["ENOSPC", "EIO", "EROFS"] {
                points.push((
                    format!("{error} at {line}"),
                    format!("{name}:error={error}:when={number}"),
                ));
            }
        }
        for tried in tries(host, work, &points) {
            wrong.extend(faults(work, &tried));
            let Ok(answer) = serde_json::from_str::<serde_json::Value>(&tried.answer) else {
                wrong.push(format!("{}, {}: no answer: {}", work.name, tried.what, tried.answer));
                continue;
            };
            let said = answer.to_string();
            let before = if work.before.is_empty() { "none" } else { "before" };
            let end = if work.after.is_empty() { "none" } else { "after" };
            let claims_nothing = said.contains("nothing was changed")
                || said.contains("the previous file was restored");
            if (claims_nothing && tried.first != before)
                || (answer["success"] == true && tried.first != end)
            {
                wrong.push(format!(
                    "{}, {}: the drop-in is {}, and it says {said}",
                    work.name, tried.what, tried.first
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
});
