//! Ctrl-C in the middle: what is under way is finished, the rest is not begun with, and a second
//! run takes it up.

use crate::host::Host;
use crate::report::Report;
use crate::traces::{ends, only_installed, places};
use crate::{BOOTSTRAP, Fleet, is_done, is_untouched, wait_until};
use std::process::{Child, Output, Stdio};

/// A program that waits in the middle until the test lets it go on.
const GATE: &str = "#!/bin/sh\ntouch /run/in-the-middle\n\
    while [ ! -e /run/go ]; do sleep 0.05; done\nexec \"$0.real\" \"$@\"\n";

/// From here on `program` of a host waits.
pub fn gate(host: &Host, program: &str) {
    host.root(&format!("mv {program} {program}.real; rm -f /run/go")).ok();
    host.write(program, GATE);
    host.root(&format!("chmod 0755 {program}")).ok();
}

pub fn begun(host: &Host) {
    wait_until("it is in the middle", || host.exists("/run/in-the-middle"));
}

/// Lets it go on. What waits still executes the real one by its other name.
pub fn open(host: &Host, program: &str) {
    let script = "cp -p $0.real $0.new; mv $0.new $0; touch /run/go; rm -f /run/in-the-middle";
    host.command("root", &["/bin/bash", "-c", script, program]).run().ok();
}

fn start(fleet: &Fleet, more: &[&str]) -> Child {
    let mut command = fleet.command(&BOOTSTRAP, more).into_command();
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("nsenter runs")
}

fn signal(fleet: &Fleet, name: &str) {
    fleet.controller().root(&format!("pkill -{name} -u admin -x sm")).ok();
}

#[track_caller]
fn report(output: &Output) -> Report {
    let text = String::from_utf8_lossy(&output.stdout);
    let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    Report { exit: output.status.code().expect("a status"), json, stderr: String::new() }
}

const VISUDO: &str = "/usr/sbin/visudo";

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_is_under_way_is_finished_and_a_second_run_takes_up_the_rest() {
    let fleet = Fleet::open(3);
    let [first, second, third] = &fleet.hosts[..] else { panic!("three") };
    let before: Vec<String> = fleet.hosts.iter().map(places).collect();
    for (name, work) in [("INT", first), ("TERM", second)] {
        gate(work, VISUDO);
        let running = start(&fleet, &["--forks", "1"]);
        begun(work);
        signal(&fleet, name);
        // One at a time, in their order: what comes after is not even contacted.
        is_untouched(third);
        open(work, VISUDO);
        let report = report(&running.wait_with_output().expect("it ends"));
        let rows = if name == "INT" {
            ["web1 done ok", "web2 skipped interrupted", "web3 skipped interrupted"]
        } else {
            ["web1 already ok", "web2 done ok", "web3 skipped interrupted"]
        };
        drop(report.exit(1).expect(&rows));
        is_done(&fleet, work, "admin");
    }
    third.root("! journalctl -q -o cat -t sshd | grep Accepted").ok();
    let rows = ["web1 already ok", "web2 already ok", "web3 done ok"];
    drop(fleet.bootstrap(&["--forks", "1"]).exit(0).expect(&rows));
    for (host, before) in fleet.hosts.iter().zip(&before) {
        ends(host);
        host.root("rm -f /run/go").ok();
        only_installed(host, before);
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_second_time_ends_it_at_once_and_no_host_is_worse_for_it() {
    let fleet = Fleet::open(2);
    let before: Vec<String> = fleet.hosts.iter().map(places).collect();
    fleet.hosts.iter().for_each(|host| gate(host, VISUDO));
    let running = start(&fleet, &[]);
    fleet.hosts.iter().for_each(begun);
    signal(&fleet, "INT");
    // Else the two would be one.
    wait_until("the first has come", || {
        fleet
            .controller()
            .root("grep -h ^SigPnd:.*0000$ /proc/$(pgrep -u admin -x sm)/status")
            .status
            == Some(0)
    });
    signal(&fleet, "INT");
    let output = running.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    for (host, before) in fleet.hosts.iter().zip(&before) {
        open(host, VISUDO);
        ends(host);
        host.root("rm -f /run/go; visudo -cq").ok();
        only_installed(host, before);
    }
    let report = fleet.bootstrap(&[]).exit(0);
    assert!(report.json["hosts"].as_array().is_some_and(|rows| rows.len() == 2));
    fleet.hosts.iter().for_each(|host| is_done(&fleet, host, "admin"));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn no_more_hosts_at_once_than_was_said() {
    let fleet = Fleet::open(3);
    let [slow, second, third] = &fleet.hosts[..] else { panic!("three") };
    gate(slow, VISUDO);
    let running = start(&fleet, &["--forks", "2"]);
    begun(slow);
    // The second place is free for all others, one after the other.
    wait_until("the others are done", || third.exists("/etc/sudoers.d/sm-admin"));
    is_done(&fleet, second, "admin");
    open(slow, VISUDO);
    let report = report(&running.wait_with_output().expect("it ends"));
    drop(report.exit(0).expect(&["web1 done ok", "web2 done ok", "web3 done ok"]));
    is_done(&fleet, slow, "admin");
}
