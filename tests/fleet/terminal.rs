//! Asking at the terminal: when, how often, and what is seen of the answer.

use crate::host::{Host, Seen, Sudo};
use crate::report::Report;
use crate::traces::{nothing_left, places};
use crate::{BOOTSTRAP, Fleet, PASSWORD, is_done, is_untouched, logins, no_password, set_password};

/// Runs a command of `admin` on the controller at a terminal: waits for each text, and types
/// what is behind it.
#[track_caller]
pub fn at_terminal(fleet: &Fleet, words: &[&str], plan: &[(&str, &str)]) -> Seen {
    at_terminal_of_kind("xterm", fleet, words, plan)
}

#[track_caller]
fn at_terminal_of_kind(kind: &str, fleet: &Fleet, words: &[&str], plan: &[(&str, &str)]) -> Seen {
    fleet.controller().at_terminal("admin", kind, words, plan)
}

impl Seen {
    /// The report, which is the last line.
    #[track_caller]
    pub fn report(&self) -> Report {
        let start = self.shown.find("{\"").unwrap_or_else(|| panic!("no report: {}", self.shown));
        let json = serde_json::from_str(self.shown[start..].trim_end())
            .unwrap_or_else(|error| panic!("{error}: {}", self.shown));
        Report { exit: i32::try_from(self.status).expect("a status"), json, stderr: String::new() }
    }
}

const WRONG: &str = "not-the-password";

/// What is shown when a password is asked for.
const ASKED: &str = "sudo's password, tried on web1 first: ";
const AGAIN: &str = "does not accept it. Again";

/// How often somebody's password was refused on a host.
pub fn refusals(host: &Host) -> usize {
    let script = "journalctl -q --no-pager -o cat | grep -c 'pam_unix(sudo:auth): authentication failure'; true";
    host.root(script).ok().trim().parse().expect("a number")
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_password_is_asked_for_once_after_what_will_be_done_was_said() {
    let fleet = Fleet::bare(3);
    no_password(&fleet.hosts[2]);
    let seen = at_terminal(&fleet, &BOOTSTRAP, &[(ASKED, "admin\n")]);
    let report = seen.report().exit(0);
    drop(report.expect(&["web1 done ok", "web2 done ok", "web3 done ok"]));
    assert!(seen.echoes);
    assert_eq!(seen.shown.matches("password, tried").count(), 1, "{}", seen.shown);
    // First what will be done, where, and what is through; then the question.
    let (before, _) = seen.shown.split_once(ASKED).expect("it was asked");
    for text in ["so far: 1 done", "web1: install the program", "web2: install the program"] {
        assert!(before.contains(text), "{text} is not in: {before}");
    }
    assert!(!before.contains("web3: install"), "{before}");

    // The same where nothing can be drawn, as in an editor's shell.
    fleet.hosts[0].root("sm setup-sudo --user admin --remove; rm /usr/local/bin/sm*").ok();
    let words = [&BOOTSTRAP[..], &["--limit", "web1"]].concat();
    let seen = at_terminal_of_kind("dumb", &fleet, &words, &[(ASKED, "admin\n")]);
    let (before, _) = seen.shown.split_once(ASKED).expect("it was asked");
    assert!(before.contains("web1: install the program"), "{before}");
    assert!(!seen.shown.contains('\u{1b}'), "{:?}", seen.shown);
    drop(seen.report().exit(0));

    // Nobody is asked where nobody needs it.
    let seen = at_terminal(&fleet, &BOOTSTRAP, &[]);
    drop(seen.report().exit(0).expect(&["web1 already ok", "web2 already ok", "web3 already ok"]));
    assert!(!seen.shown.contains("password"), "{}", seen.shown);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_mistyped_password_is_tried_on_one_host_alone() {
    let fleet = Fleet::bare(3);
    let before: Vec<String> = fleet.hosts.iter().map(places).collect();
    let count = || fleet.hosts.iter().map(refusals).collect::<Vec<_>>();

    // Nobody is there to ask.
    let report = fleet.bootstrap(&[]).exit(1).says("web1", &["--password-fd"]);
    drop(report.expect(&[
        "web1 failed password_required",
        "web2 failed password_required",
        "web3 failed password_required",
    ]));
    assert_eq!(count(), [0, 0, 0]);

    // Ctrl-C.
    let seen = at_terminal(&fleet, &BOOTSTRAP, &[(ASKED, "half\u{3}")]);
    assert!(seen.echoes, "the terminal has its echo again");
    drop(seen.report().exit(1).expect(&[
        "web1 skipped interrupted",
        "web2 skipped interrupted",
        "web3 skipped interrupted",
    ]));
    assert_eq!(count(), [0, 0, 0]);

    // Wrong three times.
    let wrong = format!("{WRONG}\n");
    let typed = [(ASKED, wrong.as_str()), (AGAIN, &wrong), (AGAIN, &wrong)];
    let seen = at_terminal(&fleet, &BOOTSTRAP, &typed);
    assert!(seen.echoes && !seen.shown.contains(WRONG), "{}", seen.shown);
    drop(seen.report().exit(1).expect(&[
        "web1 failed password_wrong",
        "web2 failed password_unproven",
        "web3 failed password_unproven",
    ]));
    assert_eq!(count(), [3, 0, 0]);

    // Wrong from a descriptor: once.
    drop(fleet.bootstrap_with(WRONG, &[]).exit(1).expect(&[
        "web1 failed password_wrong",
        "web2 failed password_unproven",
        "web3 failed password_unproven",
    ]));
    assert_eq!(count(), [4, 0, 0]);
    for (host, before) in fleet.hosts.iter().zip(&before) {
        nothing_left(host, before);
        is_untouched(host);
    }

    // Wrong, then right.
    let seen = at_terminal(&fleet, &BOOTSTRAP, &[(ASKED, &wrong), (AGAIN, "admin\n")]);
    assert!(seen.echoes && !seen.shown.contains(WRONG), "{}", seen.shown);
    drop(seen.report().exit(0).expect(&["web1 done ok", "web2 done ok", "web3 done ok"]));
    assert_eq!(count(), [5, 0, 0]);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_host_that_does_not_ask_twice_has_refused_it_too() {
    let bare = |sudo| Host::wanted(sudo).bare();
    let fleet = Fleet::of(vec![bare(Sudo::Classic), bare(Sudo::Rs), bare(Sudo::Classic)]);
    let once =
        "echo 'Defaults passwd_tries=1' >/etc/sudoers.d/once; chmod 0440 /etc/sudoers.d/once";
    for host in &fleet.hosts {
        host.root(once).ok();
    }
    fleet.hosts[2]
        .root("echo 'Defaults use_pty, lecture=always, insults' >>/etc/sudoers.d/once")
        .ok();
    for (limit, at) in [("web1:web2:web3", 0), ("web2:web3", 1)] {
        let report = fleet.bootstrap_with(WRONG, &["--limit", limit]).exit(1);
        let first = report.row(&format!("web{}", at + 1));
        assert_eq!(first["code"], "password_wrong", "{:#}", report.json);
        assert_eq!(report.row("web3")["code"], "password_unproven", "{:#}", report.json);
    }
    assert_eq!(fleet.hosts.iter().map(refusals).collect::<Vec<_>>(), [1, 1, 0]);
    let report = fleet.bootstrap_with(PASSWORD, &[]).exit(0);
    drop(report.expect(&["web1 done ok", "web2 done ok", "web3 done ok"]));
    // Each host was connected to once for all of it.
    assert_eq!(fleet.hosts.iter().map(logins).collect::<Vec<_>>(), [2, 3, 3]);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_host_with_another_password_is_left_and_the_others_are_done() {
    let fleet = Fleet::bare(3);
    set_password(&fleet.hosts[1], "admin", "another");
    drop(fleet.bootstrap_with(PASSWORD, &[]).exit(1).expect(&[
        "web1 done ok",
        "web2 failed password_wrong",
        "web3 done ok",
    ]));
    assert_eq!(fleet.hosts.iter().map(refusals).collect::<Vec<_>>(), [0, 1, 0]);
    is_untouched(&fleet.hosts[1]);
    is_done(&fleet, &fleet.hosts[2], "admin");

    // The one it is tried on first is the one with another: somebody who knows that says so.
    let fleet_of_first = || {
        fleet.hosts[0].root("sm setup-sudo --user admin --remove; rm /usr/local/bin/sm*").ok();
        fleet.hosts[2].root("sm setup-sudo --user admin --remove; rm /usr/local/bin/sm*").ok();
        set_password(&fleet.hosts[0], "admin", "third");
        set_password(&fleet.hosts[1], "admin", PASSWORD);
    };
    fleet_of_first();
    let seen = at_terminal(&fleet, &BOOTSTRAP, &[(ASKED, "admin\n"), (AGAIN, "\n")]);
    drop(seen.report().exit(1).expect(&[
        "web1 failed password_wrong",
        "web2 done ok",
        "web3 done ok",
    ]));
    assert_eq!(fleet.hosts.iter().map(refusals).collect::<Vec<_>>(), [1, 1, 0]);
    assert!(seen.echoes);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_run_at_a_terminal_is_a_line_a_host_and_a_table_and_json_where_no_person_looks() {
    let fleet = Fleet::bare(2);
    drop(fleet.bootstrap_with(PASSWORD, &[]).exit(0));
    let words = ["sm", "fleet", "run", "-i", crate::INVENTORY, "--", "service", "restart", "ssh"];
    let seen = at_terminal(&fleet, &words, &[]);
    assert!(!seen.shown.contains("{\""), "{}", seen.shown);
    for name in ["web1", "web2"] {
        let is_table = |line: &str| line.contains(&format!("{name} ")) && line.contains(" s  ");
        assert!(seen.shown.contains(&format!("{name}: done active")), "{}", seen.shown);
        assert!(seen.shown.lines().any(is_table), "{}", seen.shown);
    }
    assert!(seen.shown.contains("2 hosts: 2 done"), "{}", seen.shown);
    assert_eq!(seen.status, 0);
    let json = [&words[..3], &["--json"], &words[3..]].concat();
    let seen = at_terminal(&fleet, &json, &[]);
    assert!(seen.shown.contains("{\"") && !seen.shown.contains("2 hosts:"), "{}", seen.shown);
}
