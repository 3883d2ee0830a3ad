//! Nothing that a caller can hand down arrives at what is run as root: a real child writes down
//! what it has, and that is the same whoever called, and however.

use std::fs;

use crate::batch::{Answer, run};
use crate::host::{Host, Sudo, host_test, wait_until};
use crate::proof::{caller, install};

/// What is handed down, as words of `caller.c`; see there.
const ATTRIBUTES: &[&str] = &[
    "nice",
    "idle",
    "batch",
    "reset-on-fork",
    "ioprio",
    "affinity",
    "timerslack",
    "oom",
    "coredump-filter",
    "umask",
    "umask0",
    "personality",
    "linux32",
    "no-thp",
    "mempolicy",
    "keyring",
    "undumpable",
    "pdeathsig",
    "ignore",
    "ignore-child",
    "block",
    "pending",
    "ignore block",
    "timers:20000",
    "timers:200000",
    "deleted",
    "descriptors",
    "mdwe",
    "close:0",
    "limit:core:0",
    "limit:data:2000000000",
    "limit:fsize:0",
    "limit:fsize:4096",
    "limit:locks:1",
    "limit:memlock:0",
    "limit:msgqueue:0",
    "limit:nofile:20",
    "limit:nproc:1000",
    "limit:rss:0",
    "limit:rttime:1000",
    "limit:sigpending:0",
    "limit:stack:1000000",
    "limit:cpu:5",
    "limit:as:500000000",
    "nice idle ioprio affinity timerslack oom umask keyring ignore block deleted \
     descriptors limit:core:0",
];

/// What is set in the environment, as words of bash.
const VARIABLES: &[&str] = &[
    "LD_PRELOAD=/home/agent/evil.so LD_LIBRARY_PATH=/home/agent",
    "GCONV_PATH=/home/agent LOCPATH=/home/agent NLSPATH=/home/agent/%N MALLOC_CHECK_=3 GLIBC_TUNABLES=glibc.malloc.check=3",
    "PATH=/home/agent/bin",
    "PATH=",
    "IFS=/ BASH_ENV=/home/agent/evil ENV=/home/agent/evil SHELLOPTS=xtrace PS4='$(touch /tmp/pwned)'",
    "'BASH_FUNC_systemctl%%=() { touch /tmp/pwned; }' 'BASH_FUNC_nginx%%=() { touch /tmp/pwned; }'",
    "SYSTEMCTL_FORCE_BUS=1 SYSTEMCTL_SKIP_SYSV=1 SYSTEMD_OFFLINE=1 SYSTEMD_IGNORE_CHROOT=1 SYSTEMD_LOG_LEVEL=debug",
    "SYSTEMD_PAGER=/home/agent/evil SYSTEMD_PAGERSECURE=0 SYSTEMD_EDITOR=/home/agent/evil SYSTEMD_UNIT_PATH=/home/agent SYSTEMD_BUS_TIMEOUT=1",
    "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/home/agent/bus DBUS_SESSION_BUS_ADDRESS=unix:path=/home/agent/bus DBUS_STARTER_BUS_TYPE=session",
    "APT_CONFIG=/home/agent/apt.conf DPKG_ROOT=/home/agent DPKG_ADMINDIR=/home/agent DPKG_FORCE=all DPKG_MAINTSCRIPT_NAME=x",
    "DEBCONF_FRONTEND=readline DEBIAN_FRONTEND=readline DEBCONF_DEBUG=developer DEBIAN_PRIORITY=low DEBCONF_DB_OVERRIDE='File{/home/agent/x}'",
    "PAGER=/home/agent/evil LESS=-X LESSOPEN='|/home/agent/evil' EDITOR=/home/agent/evil VISUAL=/home/agent/evil SUDO_EDITOR=/home/agent/evil",
    "LANG=../../home/agent LC_ALL=../../home/agent LANGUAGE=../../x",
    "LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 LC_TIME=de_DE.UTF-8 LC_MESSAGES=ja_JP.eucJP",
    "LC_ALL= LANG= LC_CTYPE=$'\\xff'",
    "TZ=/home/agent/zone",
    "TZ=:../../../home/agent/zone",
    "TZ=Asia/Kathmandu TZDIR=/home/agent",
    "RUST_BACKTRACE=full RUST_LOG=trace RUST_MIN_STACK=1 RUST_LIB_BACKTRACE=1 CLICOLOR_FORCE=1",
    "SUDO_UID=0 SUDO_GID=0 SUDO_USER=root SUDO_COMMAND=/bin/sh SUDO_ASKPASS=/home/agent/evil SUDO_PROMPT=x SUDO_PS1=x",
    "SM_POLICY=/home/agent/policy.toml SM_BIN=/bin/sh SM_HELPER=/bin/sh SM_AUDIT=/dev/null SM_DRY_RUN=1 SM_VIA=socket SM_CONFIG=/home/agent",
    "HOME=/home/agent/evil TMPDIR=/home/agent TMP=/home/agent XDG_CONFIG_HOME=/home/agent XDG_RUNTIME_DIR=/home/agent",
    "HOME= TMPDIR= USER= LOGNAME=root SHELL=/bin/false MAIL=x",
    "TERM=xterm COLUMNS=1 LINES=1 COLORTERM=truecolor DISPLAY=:0 XAUTHORITY=/home/agent/x KRB5CCNAME=/home/agent/x",
    "PERL5LIB=/home/agent PERL5OPT=-Mevil PYTHONPATH=/home/agent PYTHONSTARTUP=/home/agent/x RUBYLIB=/home/agent",
    "http_proxy=http://evil.example https_proxy=http://evil.example no_proxy= ALL_PROXY=socks5://evil.example",
    "NOTIFY_SOCKET=/home/agent/s LISTEN_FDS=1 LISTEN_PID=1 INVOCATION_ID=0 JOURNAL_STREAM=1:1 WATCHDOG_PID=1 MAINPID=1",
    "NGINX=3: container=x POSIXLY_CORRECT=1 HOSTALIASES=/home/agent/x RES_OPTIONS=x RESOLV_HOST_CONF=/etc/shadow",
    "A=$'\\n\\xff\\x1b[2J' _=x =x '%=x' 'a b=c'",
    "$(for ((i = 0; i < 3000; i++)); do echo VARIABLE_$i=$i; done)",
    "\"X=$(long 100000)\"",
];

/// Both ways in: the helper by itself, and sudo as the caller likes it.
const WAYS: [(&str, &str); 2] =
    [("itself", "/usr/local/bin/sm-helper"), ("sudo", "/usr/bin/sudo -n /usr/local/bin/sm-helper")];

/// Writes down what the program says, for each case into a file of its own.
const RECEIVER: &str = "import os, socket
waiting = socket.socket(socket.AF_UNIX)
waiting.bind('/run/facts.new')
waiting.listen(64)
os.rename('/run/facts.new', '/run/facts')
while True:
    connection, _ = waiting.accept()
    case, text = connection.makefile('rb').read().split(b'\\n', 1)
    open('/root/facts/' + case.decode(), 'wb').write(text)
    connection.close()
";

/// Puts a program that says what it has in the place of systemctl.
fn plant(host: &Host) {
    caller(host);
    host.root("mv /usr/bin/systemctl /usr/bin/systemctl.real; mkdir -m 700 /root/facts").ok();
    host.write("/run/receiver", RECEIVER);
    host.root("exec setsid -f python3 /run/receiver >/dev/null 2>&1").ok();
    wait_until("what it says is awaited", || host.exists("/run/facts"));
    install(host, "probe.c", "/usr/bin/systemctl");
    install(host, "evil.c", "/home/agent/evil.so");
    unlimited_starts(host);
    // What a caller would plant.
    host.agent(
        "mkdir -p bin; for f in sudo systemctl nginx apt-get sm-helper sm evil; do \
         printf '#!/bin/sh\\ntouch /tmp/pwned; echo pwned\\n' >bin/$f; chmod +x bin/$f; done; \
         cp bin/evil evil; echo 'DPkg::Pre-Invoke {\"touch /tmp/pwned\";};' >apt.conf",
    )
    .ok();
}

/// nginx may be started as often as the tests like.
pub fn unlimited_starts(host: &Host) {
    host.root("mkdir -p /etc/systemd/system/nginx.service.d").ok();
    host.write(
        "/etc/systemd/system/nginx.service.d/test.conf",
        "[Unit]\nStartLimitIntervalSec=0\n",
    );
    host.root("systemctl daemon-reload").ok();
}

/// What the child of a case has written down.
fn facts(host: &Host, case: usize) -> Option<Vec<String>> {
    let text = fs::read(host.path(format!("/root/facts/{case}"))).ok()?;
    Some(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
}

/// Whether root has CAP_SYS_RESOURCE in this host; in some containers it has not.
fn may_raise_limits(host: &Host) -> bool {
    let status = host.read("/proc/1/status");
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("CapEff");
    let bits = u64::from_str_radix(effective.trim(), 16).expect("hexadecimal");
    let may = bits >> 24 & 1 == 1;
    println!("root may{} raise limits here", if may { "" } else { " not" });
    may
}

fn cases(sudo: Sudo) -> Vec<String> {
    let mut cases = vec![];
    for (_, helper) in WAYS {
        let call = |case: usize| format!("{helper} service restart nginx --reason case-{case}");
        cases.push(call(cases.len()));
        for words in ATTRIBUTES {
            let call = call(cases.len());
            // Through a pipe, which no limit on the size of files stops.
            cases.push(format!("hostile {words} -- {call} | cat; exit ${{PIPESTATUS[0]}}"));
        }
        for words in VARIABLES {
            let call = call(cases.len());
            cases.push(format!("exec env {words} {call}"));
        }
        let call = call(cases.len());
        // The terminal shows the end of its own input as ^@.
        cases.push(format!(
            "script -qefc '{call}' /dev/null | tr -d '\\r' | sed '0,/{{/s/^[^{{]*//'; exit ${{PIPESTATUS[0]}}"
        ));
    }
    // sudo-rs has no such flag.
    if sudo == Sudo::Classic {
        let case = cases.len();
        let helper = "exec /usr/bin/sudo -n -P /usr/local/bin/sm-helper";
        cases.push(format!("{helper} service restart nginx --reason case-{case}"));
    }
    cases
}

host_test!(nothing_of_the_caller_arrives, ready_test_policy, |host| {
    plant(host);
    let cases = cases(host.sudo);
    let answers: Vec<Answer> = run(host, &cases);
    let usual = facts(host, 0).expect("what a plain call hands down");
    println!("{}", usual.join("\n"));

    let may_raise = may_raise_limits(host);
    let mut wrong = Vec::new();
    for (case, answer) in answers.iter().enumerate() {
        // What sudo itself dies of, or waits for: the caller harms its own call.
        let sudo_ends = case > cases.len() / 2
            && (answer.exit == 124
                || ["pending", "timers"].iter().any(|word| answer.command.contains(word)));
        let refused = answer.code() == "unsupported" && facts(host, case).is_none();
        // Then a limit that was lowered cannot be raised, and what cannot be undone is refused.
        if answer.command.starts_with("hostile limit:") && !may_raise && refused {
            continue;
        }
        // Nobody can undo this one.
        if answer.command.starts_with("hostile mdwe") && refused {
            continue;
        }
        let Some(seen) = facts(host, case) else {
            if sudo_ends {
                continue;
            }
            wrong.push(format!("{}\n    was not run: {}", answer.command, answer.code()));
            continue;
        };
        let new = seen.iter().filter(|fact| !usual.contains(fact));
        let gone = usual.iter().filter(|fact| !seen.contains(fact));
        // These cannot stop anything half way, so that a lower one is put up with where root may
        // not raise it: no core, locked memory, message queues.
        let harmless = |fact: &&String| {
            !may_raise
                && ["limit: 4 ", "limit: 8 ", "limit: 12 "].iter().any(|l| fact.starts_with(l))
        };
        let differ: Vec<_> = new.chain(gone).filter(|fact| !harmless(fact)).collect();
        if !differ.is_empty() {
            wrong.push(format!("{}\n    {differ:?}", answer.command));
        }
        if answer.code() != "ok" && !sudo_ends {
            wrong.push(format!("{}\n    {}", answer.command, answer.code()));
        }
    }
    assert!(!host.exists("/tmp/pwned"));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
});
