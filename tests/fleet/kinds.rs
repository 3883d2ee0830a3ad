//! What is on a host decides what is done there.

use crate::host::{Host, Sudo};
use crate::{Fleet, is_done, is_untouched, line, logins, no_password};
use std::fs;

const DROP_IN: &str = "/etc/sudoers.d/sm-admin";

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_is_stale_exposed_or_another_version_is_mended_and_the_rest_left() {
    let fleet = Fleet::of(vec![
        Host::wanted(Sudo::Classic),
        Host::wanted(Sudo::Rs),
        Host::wanted(Sudo::Classic),
        Host::wanted(Sudo::Classic),
    ]);
    let [stale, exposed, older, writable] = &fleet.hosts[..] else { panic!("four") };
    fleet.hosts.iter().for_each(no_password);
    for host in &fleet.hosts {
        host.root("sm setup-sudo --user admin").ok();
    }
    // Only root can see what is in a drop-in, so that one is already is said by root alone.
    drop(fleet.bootstrap(&[]).exit(0).expect(&[
        "web1 already ok",
        "web2 already ok",
        "web3 already ok",
        "web4 already ok",
    ]));
    // One connection for all of it.
    assert_eq!(fleet.hosts.iter().map(logins).collect::<Vec<_>>(), [1, 1, 1, 1]);

    // Ours by its first line, and of another version.
    stale.root(&format!("sed -i 's/NOSETENV: //' {DROP_IN}")).ok();
    exposed.root(&format!("chmod 0666 {DROP_IN}")).ok();
    older.root("for each in sm sm-helper; do printf old >>/usr/local/bin/$each; done").ok();
    writable
        .root("chown root:adm /usr/local/bin; chmod 0775 /usr/local/bin; rm /usr/local/bin/sm /usr/local/bin/sm-mcp")
        .ok();
    let report = fleet.bootstrap(&[]).exit(1).expect(&[
        "web1 done ok",
        "web2 done ok",
        "web3 done ok",
        "web4 failed untrusted_path",
    ]);
    assert_eq!(report.row("web1")["did"], serde_json::json!(["drop_in"]));
    assert_eq!(report.row("web3")["did"], serde_json::json!(["replace", "drop_in"]));
    drop(report.says("web4", &["/usr/local/bin"]));
    for host in [stale, exposed, older] {
        is_done(&fleet, host, "admin");
    }
    let entries = writable.root("ls -A /usr/local/bin").ok();
    assert_eq!(entries, "sm-helper\n", "nothing was put where others may write");
    // Sent and set up: still one connection for all of it.
    assert_eq!(fleet.hosts.iter().map(logins).collect::<Vec<_>>(), [2, 2, 2, 2]);

    // One file of the two, others' to change, a link, and one that is nobody's program.
    writable.root("chmod 0755 /usr/local/bin").ok();
    stale.root("rm /usr/local/bin/sm-helper").ok();
    exposed.root("chmod 0777 /usr/local/bin/sm").ok();
    older.root("mv /usr/local/bin/sm /opt/sm; ln -s /opt/sm /usr/local/bin/sm").ok();
    drop(fleet.bootstrap(&[]).exit(0).expect(&[
        "web1 done ok",
        "web2 done ok",
        "web3 done ok",
        "web4 done ok",
    ]));
    fleet.hosts.iter().for_each(|host| is_done(&fleet, host, "admin"));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn an_exact_drop_in_counts_and_stays_one() {
    let of = |sudo| Host::wanted(sudo);
    let fleet = Fleet::of([Sudo::Classic, Sudo::Rs, Sudo::Rs].map(of).into());
    let [current, behind, older] = &fleet.hosts[..] else { panic!("three") };
    for host in &fleet.hosts {
        host.root("sm setup-sudo --user agent --exact && sm setup-sudo --user admin --exact").ok();
    }
    // From the side of an account that may do nothing else.
    fleet.inventory(&fleet.lines("agent"));
    let all = ["web1 already ok", "web2 already ok", "web3 already ok"];
    drop(fleet.bootstrap(&[]).exit(0).expect(&all));

    fleet.inventory(&fleet.lines("admin"));
    fleet.hosts.iter().for_each(no_password);
    drop(fleet.bootstrap(&[]).exit(0).expect(&all));
    behind.root("mkdir /etc/sm; printf 'schema = 1\n[services]\nactions = [\"status\"]\n[services.units.nginx]\n' >/etc/sm/policy.toml").ok();
    older.root("for each in sm sm-helper; do printf old >>/usr/local/bin/$each; done").ok();
    let done = ["web1 already ok", "web2 done ok", "web3 done ok"];
    drop(fleet.bootstrap(&[]).exit(0).expect(&done));
    for host in [current, behind, older] {
        is_done(&fleet, host, "admin");
        let first = host.root(&format!("head -n 1 {DROP_IN}")).ok();
        assert!(first.starts_with("# Made by sm setup-sudo --exact for "), "{first}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_a_package_has_installed_stays_the_packages() {
    let of = |sudo| Host::wanted(sudo);
    let fleet = Fleet::of([Sudo::Classic, Sudo::Rs, Sudo::Classic].map(of).into());
    let [_, older, other] = &fleet.hosts[..] else { panic!("three") };
    for host in &fleet.hosts {
        host.root("mv /usr/local/bin/sm* /usr/bin").ok();
        no_password(host);
    }
    let (is, was) = (env!("CARGO_PKG_VERSION"), "0.0.0");
    assert_eq!(is.len(), was.len(), "one is put in the place of the other");
    older.root(&format!("sed -i 's/{is}/{was}/g' /usr/bin/sm /usr/bin/sm-helper")).ok();
    speaks_of_another_architecture(other);

    let all = |what: &str| ["web1", "web2", "web3"].map(|name| format!("{name} {what} ok"));
    let expect = |report: crate::Report, what: &str| {
        let all = all(what);
        let report = report.exit(0).expect(&all.each_ref().map(String::as_str));
        assert!(report.row("web1")["warnings"].is_null(), "{:#}", report.row("web1"));
        let warning = report.row("web2")["warnings"][0].as_str().unwrap_or_default().to_owned();
        assert!(warning.contains("sm 0.0.0") && warning.contains(is), "{warning}");
        report
    };
    let report = expect(fleet.bootstrap(&["--user", "agent"]), "done");
    for name in ["web1", "web2", "web3"] {
        assert_eq!(report.row(name)["did"], serde_json::json!(["drop_in"]));
    }
    drop(expect(fleet.bootstrap(&["--user", "agent"]), "already"));
    for host in &fleet.hosts {
        assert_eq!(host.root("ls /usr/local/bin").ok(), "");
        let rule = host.read("/etc/sudoers.d/sm-agent");
        assert!(rule.contains(" /usr/bin/sm-helper\n"), "{rule}");
    }
    // From the side of an account that may do nothing else.
    fleet.inventory(&fleet.lines("agent"));
    drop(expect(fleet.bootstrap(&[]), "already"));
    let report = fleet.ask(&[], &["service", "restart", "nginx"]).exit(0);
    drop(report.expect(&all("done").each_ref().map(String::as_str)));
}

/// `uname -m` says that it is one.
fn speaks_of_another_architecture(host: &Host) {
    host.root("mv /usr/bin/uname /usr/bin/uname.real").ok();
    let uname = "#!/bin/sh\n[ \"$1\" != -m ] || { echo aarch64; exit; }\nexec uname.real \"$@\"\n";
    host.write("/usr/bin/uname", uname);
    host.root("chmod 0755 /usr/bin/uname").ok();
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn another_architecture_needs_a_program_of_its_own() {
    let fleet = Fleet::open(2);
    let (host, other) = (&fleet.hosts[0], &fleet.hosts[1]);
    speaks_of_another_architecture(host);
    let report = fleet.bootstrap(&[]).exit(1);
    let report = report.expect(&["web1 failed unsupported", "web2 done ok"]);
    drop(report.says("web1", &["aarch64", "x86_64", "--binary aarch64="]));
    is_untouched(host);

    // What is no program, none for it, none at all, and what nobody knows: no host is contacted.
    let logins_before = logins(other);
    for named in [
        "aarch64=/etc/passwd",
        "aarch64=/usr/local/bin/sm",
        "aarch64=/nowhere",
        "aarch64",
        "vax=/usr/local/bin/sm",
        "=",
    ] {
        let report = fleet.bootstrap(&["--binary", named]).exit(2);
        assert_eq!(report.json["code"], "usage", "{named}: {:#}", report.json);
    }
    assert_eq!(logins(other), logins_before);

    // One whose header says that it is for it is sent, and says itself that it cannot be run.
    let mut bytes = fs::read(fleet.controller().path("/usr/local/bin/sm")).expect("the program");
    bytes[18..20].copy_from_slice(&183_u16.to_le_bytes());
    fleet.controller().write("/home/admin/sm-arm", &bytes);
    let report = fleet.bootstrap(&["--binary", "arm64=/home/admin/sm-arm"]).exit(1);
    let report = report.expect(&["web1 failed unsupported", "web2 already ok"]);
    drop(report.says("web1", &["cannot run there"]));
    is_untouched(host);

    // The right one is sent.
    host.root("mv /usr/bin/uname.real /usr/bin/uname").ok();
    let own = fs::read(fleet.controller().path("/usr/local/bin/sm")).expect("the program");
    fleet.controller().write("/home/admin/sm-own", [own, b"another build".to_vec()].concat());
    let report = fleet.bootstrap(&["--binary", "amd64=/home/admin/sm-own"]).exit(0);
    drop(report.expect(&["web1 done ok", "web2 done ok"]));
    let sent = fs::read(fleet.controller().path("/home/admin/sm-own")).expect("the program");
    assert!(fs::read(host.path("/usr/local/bin/sm")).is_ok_and(|bytes| bytes == sent));
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_account_may_be_another_than_the_one_that_logs_in() {
    let fleet = Fleet::of(vec![
        Host::wanted(Sudo::Classic).bare(),
        Host::wanted(Sudo::Rs).arch().bare(),
        Host::wanted(Sudo::Classic).bare(),
    ]);
    let addresses: Vec<&str> = fleet.hosts.iter().map(Host::address).collect();
    no_password(&fleet.hosts[1]);
    // As root, as somebody who may everything, and as somebody who may nothing, of whom sudo
    // wants a password before it says so.
    let lines = [
        line("root", addresses[0], "root"),
        line("admin", addresses[1], "admin"),
        line("agent", addresses[2], "agent"),
    ];
    fleet.inventory(&lines.concat());
    let report = fleet.bootstrap(&["--user", "agent"]).exit(1);
    let report =
        report.expect(&["root done ok", "admin done ok", "agent failed password_required"]);
    drop(report);
    is_done(&fleet, &fleet.hosts[0], "agent");
    is_done(&fleet, &fleet.hosts[1], "agent");
    is_untouched(&fleet.hosts[2]);

    // An account that is not there, and root, who needs no rule.
    let report = fleet.bootstrap(&["--user", "nobody-there"]).exit(1);
    assert_eq!(report.row("root")["status"], "failed");
    let report = report.says("root", &["nobody-there"]);
    drop(report.says("admin", &["nobody-there"]));
    let report = fleet.bootstrap(&[]).exit(1);
    drop(report.says("root", &["--user"]));
    // What is not an account name reaches no host.
    let before = logins(&fleet.hosts[0]);
    for name in ["-x", "a b", "a;b", "$(id)", "", "a\nb", "%sudo", "ALL"] {
        let report = fleet.bootstrap(&["--user", name]);
        assert!(name == "ALL" || [2, 3].contains(&report.exit), "{name:?}: {:#}", report.json);
    }
    let after = logins(&fleet.hosts[0]);
    assert_eq!(after, before + 1, "of these ALL alone could be an account's name");
}
