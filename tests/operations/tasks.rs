//! Tasks: what is run is what the policy has written out, as whom and where it says, and nothing of
//! the caller's is in it.

use crate::host::{Done, Host, Reply, Sudo, events, host_once, host_test, wait_until};
use crate::{ask, told, unit};

/// Makes the program that most tasks of the tests' policy run.
pub fn script(host: &Host, text: &str) {
    program(host, "/usr/local/sbin/script", text);
}

fn program(host: &Host, path: &str, text: &str) {
    host.write(path, format!("#!/bin/bash\n{text}"));
    host.root(&format!("chmod 0755 {path}")).ok();
}

/// Prints all that a process can see of itself.
const LOOK: &str = r#"
echo "words: $0 $*"
echo "folder: $PWD"
echo "ids: $(id -u) $(id -g) $(id -G)"
grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs):' /proc/$$/status | tr -s '[:blank:]' ' '
echo "environment: $(tr '\0' '\n' </proc/$$/environ | sort | tr '\n' ' ')"
echo "read: $(cat)"
# bash has the script open as 255.
for fd in /proc/$$/fd/*; do [ "${fd##*/}" = 255 ] || echo "open: ${fd##*/} $(readlink $fd | sed 's/:.*//')"; done
echo "session: $(ps -o sid= -p $$ | tr -d ' ') $$ $(ps -o tty= -p $$)"
grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '[:blank:]'
echo "limit: $(ulimit -f) $(umask)"
echo "cgroup: $(grep ^0:: /proc/$$/cgroup)"
"#;

host_test!(nothing_of_the_callers_gets_into_a_task, ready_test_policy, all, |host| {
    host.root("usermod -aG adm other").ok();
    program(host, "/usr/local/sbin/deploy", LOOK);
    host.write("/home/agent/evil", "touch /home/agent/came-in\n");
    let hostile = "cd /home/agent; umask 0; trap '' INT TERM HUP USR1; exec 7</etc/passwd; \
         export FOO=bar STAGE=mine BASH_ENV=/home/agent/evil ENV=/home/agent/evil PATH=/home/agent:$PATH \
         HOME=/home/agent; \
         echo secret-input | /usr/local/bin/sm-helper task run deploy 2>/dev/null";
    let done: Done = host.agent(hostile);
    let reply = Reply::of(&done).expect("ok");
    assert_eq!(reply.argv(), Some(vec!["/usr/local/sbin/deploy", "--production"]));
    assert_eq!(reply.json["operation"]["kind"], "task");
    assert_eq!(reply.json["changed"], true);
    let printed = reply.json["stdout"].as_str().expect("text").to_owned();
    let line = |begin: &str| {
        let found = printed.lines().find_map(|line| line.strip_prefix(begin));
        found.unwrap_or_else(|| panic!("no {begin} in {printed}")).trim().to_owned()
    };
    assert_eq!(line("words:"), "/usr/local/sbin/deploy --production");
    assert_eq!(line("folder:"), "/srv");
    let number = |what: &str| host.root(&format!("id {what} other")).ok().trim().to_owned();
    let (uid, gid) = (number("-u"), number("-g"));
    // Real, effective, saved and of the file system.
    assert_eq!(line("Uid:"), [uid.as_str(); 4].join(" "));
    assert_eq!(line("Gid:"), [gid.as_str(); 4].join(" "));
    let sorted = |text: String| {
        let mut all: Vec<u32> = text.split(' ').map(|id| id.parse().expect("an id")).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(sorted(line("Groups:")), sorted(number("-G")));
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(line(set), "0000000000000000", "{set}");
    }
    assert_eq!(line("NoNewPrivs:"), "1");
    let environment = line("environment:");
    for wanted in [
        "HOME=/home/other",
        "USER=other",
        "LOGNAME=other",
        "STAGE=production",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ] {
        assert!(environment.split(' ').any(|word| word == wanted), "{wanted}: {environment}");
    }
    for unwanted in ["FOO", "SUDO_", "BASH_ENV", "LD_", "agent", "mine", " ENV="] {
        assert!(!environment.contains(unwanted), "{unwanted}: {environment}");
    }
    assert_eq!(line("read:"), "");
    let open: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("open: ")).collect();
    assert_eq!(open[..3], ["0 /dev/null", "1 pipe", "2 pipe"], "{open:?}");
    // The loop's own substitution has a pipe, and nothing else is open.
    assert!(open[3..].iter().all(|fd| fd.ends_with("pipe")), "{open:?}");
    let session = line("session:");
    let parts: Vec<&str> = session.split(' ').collect();
    assert!(parts[0] == parts[1] && parts[2] == "?", "{session}");
    assert_eq!((line("SigBlk:"), line("SigIgn:")), ("0".repeat(16), "0".repeat(16)));
    assert_eq!(line("limit:"), "unlimited 0022");
    let id = reply.json["request_id"].as_str().expect("an id");
    assert!(line("cgroup:").ends_with(&format!("/sm-helper/{id}")), "{}", line("cgroup:"));
    assert!(!host.exists("/home/agent/came-in"));
});

host_once!(a_task_takes_a_name_and_no_more, ready_test_policy, |host| {
    script(host, "touch /run/ran\n");
    for (line, code) in [
        ("task run script now", "usage"),
        ("task run script --force", "usage"),
        ("task run script -- --force", "invalid_argument"),
        ("task run", "usage"),
        ("task stop script", "usage"),
        ("task run scrip", "denied"),
        ("task run script.service", "denied"),
        ("task run ../script", "invalid_argument"),
        ("task run script;id", "invalid_argument"),
        ("task run with-reason", "reason_required"),
        ("--dry-run task run script", "ok"),
    ] {
        ask(host, line).expect(code);
    }
    assert!(!host.exists("/run/ran"));
    ask(host, "task run with-reason --reason why").expect("ok");
    assert!(host.exists("/run/ran"));
    // sudo's own rules have each task whole, in both forms of a request, and nothing more.
    let rules = host.root("sm setup-sudo --user agent --exact --print").ok();
    let tasks: Vec<&str> =
        rules.lines().filter(|line| line.contains(" task ")).map(str::trim_end).collect();
    assert_eq!(tasks.len(), 26, "{tasks:?}");
    for form in ["sm-helper task run script", "sm-helper --flags-on-stdin task run script"] {
        assert!(tasks.iter().any(|line| line.ends_with(form)), "{form}: {tasks:?}");
    }
    if host.sudo != Sudo::Unused {
        host.root("sm setup-sudo --user agent --exact").ok();
        ask(host, "task run script").expect("ok");
        ask(host, "task run with-reason --reason why").expect("ok");
        let more = host.agent("sudo -n /usr/local/bin/sm-helper task run script now");
        assert!(more.stdout.is_empty() && more.status != Some(0));
    }
});

host_once!(a_task_that_fails_says_how, ready_test_policy, |host| {
    script(
        host,
        "echo out; echo one >&2; echo 'password=hunter2hunter2' >&2; printf '\\033[2Jtwo\\n' >&2; exit 3\n",
    );
    let reply = ask(host, "task run script").expect("command_failed");
    assert_eq!((&reply.json["returncode"], reply.exit), (&3.into(), 1));
    assert_eq!(reply.json["stdout"], "out\n");
    let told = told(&reply);
    assert!(told.starts_with("the task script failed with exit status 3: one | "), "{told}");
    assert!(told.contains("two") && !told.contains("hunter2"), "{told}");
    let whole = reply.json.to_string();
    assert!(!whole.contains("hunter2") && !whole.contains("\\u001b"), "{whole}");
    assert_eq!(events(host, &reply.json["request_id"]), "intent ok, result command_failed");
    script(host, "kill -9 $$\n");
    let reply = ask(host, "task run script").expect("command_failed");
    assert_eq!((&reply.json["signal"], reply.json["returncode"].is_null()), (&9.into(), true));
    script(host, "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end\n");
    let reply = ask(host, "task run script").expect("ok");
    let printed = reply.json["stdout"].as_str().expect("text");
    assert!(reply.json["stdout_truncated"] == true && printed.len() < 70_000);
    assert!(printed.ends_with("end\n"));
});

/// Leaves two processes behind that nobody's signal and no end of a session reaches.
const FORKS: &str = "trap '' TERM HUP\necho begun\nexec 9>/dev/null\n\
    setsid sleep 4711 >/dev/null 2>&1 &\n\
    (setsid bash -c 'trap \"\" TERM HUP; sleep 4712 & wait' >/dev/null 2>&1 &)\n";

fn left(host: &Host) -> String {
    host.root("pgrep -fx 'sleep 471[123]' || true").stdout_text()
}

host_once!(a_task_that_is_late_is_killed_with_all_it_started, ready_test_policy, all, |host| {
    script(host, &format!("{FORKS}sleep 4713\n"));
    let reply = ask(host, "task run short").expect("timeout");
    assert_eq!((&reply.json["stdout"], reply.exit), (&"begun\n".into(), 1));
    assert!(told(&reply).contains("was killed, with all that it had started"));
    assert_eq!(left(host), "");
    assert_eq!(events(host, &reply.json["request_id"]), "intent ok, result timeout");
    // Nothing of it is left, and the next one begins at once.
    script(host, "true\n");
    ask(host, "task run short").expect("ok");
    let cgroups = host.root("find /sys/fs/cgroup -path '*sm-helper/*' -type d").stdout_text();
    assert_eq!(cgroups, "");
});

host_once!(a_task_that_continues_is_heard_of_and_not_run_twice, ready_test_policy, all, |host| {
    script(host, "echo begun; until [ -e /run/go ]; do sleep 0.1; done; echo done\n");
    let first = ask(host, "task run goes-on").expect("timeout");
    assert_eq!(first.json["stdout"], "begun\n");
    assert!(told(&first).contains("is not interrupted and continues"));
    let id = &first.json["request_id"];
    assert_eq!(events(host, id), "intent ok");
    let second = ask(host, "task run goes-on").expect("busy");
    assert!(told(&second).contains(id.as_str().expect("an id")), "{:#}", second.json);
    assert_eq!(events(host, &second.json["request_id"]), "refused busy");
    // Another task is another turn.
    host.root("touch /run/go").ok();
    wait_until("the result is recorded", || events(host, id) == "intent ok, result ok");
    wait_until("its turn is free", || ask(host, "task run goes-on").code() == "ok");
});

host_test!(a_task_outlives_who_asked_for_it, ready_test_policy, all, |host| {
    script(
        host,
        "echo begun; touch /run/began; until [ -e /run/go ]; do sleep 0.1; done; echo done; touch /run/done\n",
    );
    host.root("runuser -u agent -- setsid --fork /usr/local/bin/sm-helper task run script >/run/reply 2>&1").ok();
    wait_until("it has begun", || host.exists("/run/began"));
    host.root("pkill -KILL -x sudo; pkill -KILL -x sm-helper; true").ok();
    host.root("touch /run/go").ok();
    wait_until("it is done", || host.exists("/run/done"));
    let id = crate::host::intent_of(host, "script");
    wait_until("the result is recorded", || events(host, &id) == "intent ok, result ok");
});

host_once!(an_account_that_may_not_be_used_runs_nothing, ready_test_policy, |host| {
    script(host, "id -un >>/run/ran-as\n");
    host.root("install -m 0666 /dev/null /run/ran-as").ok();
    for (change, back, what) in [
        ("chage --expiredate 2020-01-01 other", "chage --expiredate -1 other", "has expired"),
        ("chage --expiredate 0 other", "chage --expiredate -1 other", "has expired"),
        (
            "echo other:secret | chpasswd; usermod --lock other",
            "usermod --unlock other",
            "whose password is locked",
        ),
    ] {
        host.root(change).ok();
        let reply = ask(host, "task run other-script").expect("unsupported");
        assert!(told(&reply).contains(what), "{change}: {:#}", reply.json);
        assert_eq!(reply.exit, 6);
        host.root(back).ok();
        ask(host, "task run other-script").expect("ok");
    }
    // Who never had a password is not locked.
    for password in ["*", "!", "!!", "!*"] {
        host.root(&format!("usermod --password '{password}' other")).ok();
        ask(host, "task run other-script").expect("ok");
    }
    assert_eq!(host.read("/run/ran-as"), "other\n".repeat(7));
    host.root("chmod 0700 /usr/local/sbin/script").ok();
    let reply = ask(host, "task run other-script").expect("command_failed");
    assert!(told(&reply).contains("Permission denied"), "{:#}", reply.json);
    host.root("chmod 0755 /usr/local/sbin/script; chmod 0000 /home/other").ok();
    let reply = ask(host, "task run in-home").expect("unsupported");
    assert!(
        told(&reply).contains("other cannot be in the directory /home/other"),
        "{:#}",
        reply.json
    );
    host.root("userdel other").ok();
    let reply = ask(host, "task run other-script").expect("unsupported");
    assert!(told(&reply).contains("this host has no account of that name"), "{:#}", reply.json);
    assert_eq!(host.read("/run/ran-as"), "other\n".repeat(7));
});

// What a task ends is not known before. Who is ended by it hears while it is asked to end.
host_test!(an_agent_whose_unit_a_task_restarts_hears_of_it, ready_test_policy, all, |host| {
    script(host, "echo begun; systemctl restart agentd; echo restarted\n");
    host.write(
        "/home/agent/script",
        "#!/bin/bash\ncd /home/agent\ntest -e asked && exec sleep 1000\ntouch asked\ntrap : TERM\n\
         sm-helper task run script >reply.new 2>stderr &\nwait; wait\nmv reply.new reply\n",
    );
    host.root("chmod 0755 /home/agent/script").ok();
    unit(
        host,
        "agentd",
        "[Service]\nUser=agent\nEnvironment=HOME=/home/agent PATH=/usr/local/bin:/usr/bin:/bin\nExecStart=/home/agent/script\n",
    );
    host.root("systemctl start agentd").ok();
    wait_until("a reply", || host.exists("/home/agent/reply"));
    let reply: serde_json::Value =
        serde_json::from_str(&host.read("/home/agent/reply")).expect("one object");
    assert_eq!(reply["code"], "timeout", "{reply:#}");
    assert!(reply["error"].to_string().contains("an operation that has begun continues"));
    let id = crate::host::intent_of(host, "script");
    wait_until("the result is recorded", || events(host, &id) == "intent ok, result ok");
    assert_ne!(host.main_pid("agentd"), 0);
});
