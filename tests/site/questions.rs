//! `sm policy init` at a terminal: what is offered, what is granted of it, and what is left when the
//! questions are not answered to the end.

use crate::host::{Host, Seen, host_once};
use crate::{FILE, ask, install};

const UNIT: &str = "[Unit]\nDescription=The shop\n[Service]\nExecStart=/bin/sleep 1000\n";

const UNITS: &str = "Units that may be looked after";
const ACTIONS: &str = "What may be done to ";
const PACKAGES: &str = "Packages that may be installed";
const ACCOUNT: &str = "Account that may ask for it";
const MEANT: &str = "and nothing else?";

/// Runs `sm policy init FLAGS` at a terminal: waits for each text, and types what is behind it.
#[track_caller]
fn init(host: &Host, flags: &[&str], plan: &[(&str, &str)]) -> Seen {
    host.at_terminal("root", "xterm", &[&["sm", "policy", "init"], flags].concat(), plan)
}

/// A host with units of the administrator's: one, a linked one, an instance; and others that are not
/// to be looked after.
fn shop(host: &Host) {
    install(host, "SM_SITE_BIN", "policy/site.toml");
    let folder = "/etc/systemd/system";
    let install = "[Install]\nWantedBy=multi-user.target\n";
    host.write(format!("{folder}/myapp.service"), UNIT);
    host.write(format!("{folder}/app@.service"), format!("{UNIT}{install}"));
    host.root("mkdir -p /srv/linked").ok();
    host.write("/srv/linked/linked.service", UNIT);
    host.write(format!("{folder}/nightly.service"), UNIT);
    host.write(format!("{folder}/nightly.timer"), "[Timer]\nOnCalendar=daily\n");
    host.write(
        format!("{folder}/once.service"),
        UNIT.replace("[Service]", "[Service]\nType=oneshot"),
    );
    host.root("systemctl daemon-reload; systemctl link -q /srv/linked/linked.service; systemctl enable -q app@4000 ssh; systemctl mask -q cron")
        .ok();
}

host_once!(the_questions_offer_what_administrators_made_and_grant_what_was_named, bare, |host| {
    shop(host);
    // Down to the first unit and on: they stand in the order of their names, app@4000, linked, myapp.
    let seen = init(
        host,
        &[],
        &[
            (UNITS, "\u{1b}[B\u{1b}[B \r"),
            // As they are marked.
            (ACTIONS, "\r"),
            // What is no answer is asked again.
            (PACKAGES, "-y\r"),
            ("is not a name", "bash\r"),
            ("equivalent to full root", "jq, git\r"),
            (ACCOUNT, "agnet\r"),
            ("no account agnet", "agent\r"),
            (MEANT, "y"),
        ],
    );
    assert_eq!((seen.status, seen.echoes), (0, true), "{}", seen.shown);
    for offered in
        ["app@4000.service", "linked.service", "myapp.service (The shop;", "nginx.service"]
    {
        assert!(seen.shown.contains(offered), "{offered}: {}", seen.shown);
    }
    for other in ["nightly", "once.service", "ssh", "cron", "app@.service ", "dbus", "sm.socket"] {
        let offered = seen.shown.lines().any(|line| line.contains(other) && line.contains('['));
        assert!(!offered, "{other}: {}", seen.shown);
    }
    let last = seen.shown.rsplit("Allow this").next().unwrap_or_default();
    assert!(last.contains("for agent, and nothing else?"), "{}", seen.shown);
    let text = host.read(FILE);
    for line in [
        "actions = [\"restart\", \"status\"]",
        "[services.units.myapp]",
        "[packages.names.jq]",
        "[packages.names.git]",
        "[callers.\"user:agent\"]",
        "[callers.default]",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    host.root("systemctl start myapp").ok();
    ask(host, "service restart myapp").expect("ok");
    for line in ["stop", "start", "reload", "enable", "disable", "logs", "reset-failed"] {
        ask(host, &format!("service {line} myapp")).expect("denied");
    }
    for line in ["service restart linked", "service status app@4000", "package remove jq"] {
        ask(host, line).expect("denied");
    }
    ask(host, "--dry-run package install jq").expect("ok");
    // There is one now, so nothing is asked.
    let again = init(host, &[], &[]);
    assert_eq!((again.status, host.read(FILE)), (1, text), "{}", again.shown);

    // stop, enable and disable where they are marked, and for an account that was named before.
    let seen = init(
        host,
        &["--replace", "--user", "agent"],
        &[
            (UNITS, " \r"),
            // start, stop, restart (marked), reload, enable, disable
            (ACTIONS, "\u{1b}[B \u{1b}[B \u{1b}[B\u{1b}[B \u{1b}[B \r"),
            (PACKAGES, "\r"),
            (MEANT, "y"),
        ],
    );
    assert_eq!(seen.status, 0, "{}", seen.shown);
    assert!(!seen.shown.contains(ACCOUNT), "{}", seen.shown);
    for (action, code) in [
        ("status", "ok"),
        ("stop", "ok"),
        ("disable", "ok"),
        ("enable", "ok"),
        ("restart", "denied"),
        ("start", "denied"),
    ] {
        ask(host, &format!("service {action} app@4000")).expect(code);
    }
    ask(host, "service restart myapp").expect("denied");
});

host_once!(questions_that_are_not_answered_leave_nothing_behind, bare, |host| {
    shop(host);
    const STATE: &str = "find /etc/sm /var/lib/sm /run/sm -xdev -not -path '/run/sm/rate*' -not -name '*.lock' 2>/dev/null | sort";
    let before = host.root(STATE).stdout_text();
    let to_units: [(&str, &str); 0] = [];
    let to_actions = [(UNITS, " \r")];
    let to_packages = [(UNITS, " \r"), (ACTIONS, "\r")];
    let to_account = [(UNITS, " \r"), (ACTIONS, "\r"), (PACKAGES, "jq\r")];
    let to_end = [(UNITS, " \r"), (ACTIONS, "\r"), (PACKAGES, "jq\r"), (ACCOUNT, "agent\r")];
    let places: [(&[(&str, &str)], &str); 5] = [
        (&to_units, UNITS),
        (&to_actions, ACTIONS),
        (&to_packages, PACKAGES),
        (&to_account, ACCOUNT),
        (&to_end, MEANT),
    ];
    for (answers, question) in places {
        let plan: Vec<(&str, &str)> =
            answers.iter().copied().chain([(question, "\u{3}")]).collect();
        let seen = init(host, &[], &plan);
        assert_eq!(seen.status, 2, "{question}: {}", seen.shown);
        assert!(seen.shown.contains("no policy was made"), "{question}: {}", seen.shown);
        assert!(seen.echoes, "{question}: the terminal is as it was");
        let (shown, hidden) = (seen.shown.rfind("\u{1b}[?25h"), seen.shown.rfind("\u{1b}[?25l"));
        assert!(shown >= hidden, "{question}: the cursor is hidden: {:?}", seen.shown);
        assert_eq!(host.root(STATE).stdout_text(), before, "{question}");
    }
    // Nothing chosen, and not confirmed, which is what enter says.
    let nothing = init(host, &[], &[(UNITS, "\r"), (PACKAGES, "\r")]);
    assert_eq!(nothing.status, 2, "{}", nothing.shown);
    assert!(nothing.shown.contains("nothing was chosen"), "{}", nothing.shown);
    let plan: Vec<(&str, &str)> = to_end.into_iter().chain([(MEANT, "\r")]).collect();
    let no = init(host, &[], &plan);
    assert!(no.status == 2 && no.shown.contains("it was not confirmed"), "{}", no.shown);
    // The terminal is hung up, and there is none.
    let hung_up = host.root("timeout 20 python3 -c 'import os,time; pid,fd=os.forkpty(); os.execvp(\"sm\",[\"sm\",\"policy\",\"init\"]) if pid==0 else None; os.read(fd,10); os.close(fd); os.waitpid(pid,0)'");
    assert_eq!(hung_up.status, Some(0), "it ended: {hung_up}");
    assert_eq!(host.root("sm policy init </dev/null").status, Some(2));
    assert_eq!(host.root(STATE).stdout_text(), before);
    assert!(!host.exists(FILE));
});
