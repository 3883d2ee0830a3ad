//! `sm bootstrap-cluster` and `sm fleet` on networks of real hosts with real sshd.

#[path = "../host/mod.rs"]
mod host;

mod audits;
mod encrypted_audits;
mod host_keys;
mod hostile;
mod interrupted;
mod kinds;
mod mounts;
mod not_ours;
mod oracle;
mod output;
mod piped;
mod report;
mod run;
mod secret;
mod shells;
mod six_hosts;
mod ssh_faults;
mod staging;
mod terminal;
mod traces;

use host::{Done, Host, Network, Run, Sudo, Wanted, wait_until};
use report::Report;
use std::fs;
use std::io::Write;
use std::os::unix::fs::chown;

/// Where the inventory is, on the controller.
const INVENTORY: &str = "/home/admin/inventory.yml";

/// What `admin`, who manages the fleet, is on every host, too: in group sudo, with this password.
const PASSWORD: &str = "admin";

/// A controller with hosts `web1`, `web2` and so on, all in the inventory.
struct Fleet {
    hosts: Vec<Host>,
    network: Network,
}

impl Fleet {
    fn of(wanted: Vec<Wanted>) -> Self {
        let network = Network::of(u32::try_from(wanted.len()).expect("a few"));
        let hosts = network.boot_all(wanted);
        let fleet = Self { hosts, network };
        fleet.inventory(&fleet.lines("admin"));
        fleet
    }

    /// So many hosts without the program.
    fn bare(count: usize) -> Self {
        Self::of((0..count).map(|_| Host::wanted(Sudo::Classic).bare()).collect())
    }

    /// The same, and sudo lets `admin` do everything without a password.
    fn open(count: usize) -> Self {
        let fleet = Self::bare(count);
        fleet.hosts.iter().for_each(no_password);
        fleet
    }

    fn controller(&self) -> &Host {
        &self.network.controller
    }

    /// A line of an inventory for each host, where this account logs in.
    fn lines(&self, user: &str) -> String {
        let hosts = self.hosts.iter().enumerate();
        hosts.map(|(at, host)| line(&format!("web{}", at + 1), host.address(), user)).collect()
    }

    /// The inventory is this text.
    fn inventory(&self, text: &str) {
        self.controller().write(INVENTORY, text);
        let file = self.controller().path(INVENTORY);
        chown(file, Some(1001), Some(1001)).expect("the file is admin's");
    }

    /// A command line as `admin` of the controller.
    fn command(&self, words: &[&str], more: &[&str]) -> Run<'_> {
        let argv: Vec<&str> = [words, more].concat();
        self.controller().command("admin", &argv)
    }

    /// `sm bootstrap-cluster --json`.
    #[track_caller]
    fn bootstrap(&self, more: &[&str]) -> Report {
        Report::of(&self.command(&BOOTSTRAP, more).run())
    }

    /// The same with a password in a pipe.
    #[track_caller]
    fn bootstrap_with(&self, password: &str, more: &[&str]) -> Report {
        let more = [&["--password-fd", "0"], more].concat();
        Report::of(&self.command(&BOOTSTRAP, &more).stdin(pipe_with(password)).run())
    }

    /// `sm fleet run MORE -- REQUEST`; the report is JSON without being asked.
    #[track_caller]
    fn ask(&self, more: &[&str], request: &[&str]) -> Report {
        Report::of(&self.ask_raw(more, request))
    }

    fn ask_raw(&self, more: &[&str], request: &[&str]) -> Done {
        let words = ["sm", "fleet", "run", "--inventory", INVENTORY];
        self.command(&words, &[more, &["--"], request].concat()).run()
    }
}

const BOOTSTRAP: [&str; 5] = ["sm", "bootstrap-cluster", "--inventory", INVENTORY, "--json"];

/// A line of an inventory.
fn line(alias: &str, address: &str, user: &str) -> String {
    format!("{alias}: {{hostname: {address}, user: {user}}}\n")
}

/// A pipe with one line in it.
fn pipe_with(line: &str) -> std::io::PipeReader {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writeln!(writer, "{line}").expect("room for a line");
    reader
}

/// sudo lets `admin` do everything without a password.
fn no_password(host: &Host) {
    no_password_for(host, "admin");
}

fn no_password_for(host: &Host, account: &str) {
    let file = format!("/etc/sudoers.d/zz-{account}");
    host.write(&file, format!("{account} ALL=(ALL:ALL) NOPASSWD: ALL\n"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o440);
    fs::set_permissions(host.path(&file), mode).expect("its mode");
}

/// Another password for an account. Not in anybody's arguments.
fn set_password(host: &Host, account: &str, password: &str) {
    let line = pipe_with(&format!("{account}:{password}"));
    host.command("root", &["/usr/sbin/chpasswd"]).stdin(line).run().ok();
}

/// What a host that is done has: the program of the controller, byte for byte, root's alone to
/// change, and a rule that works.
#[track_caller]
fn is_done(fleet: &Fleet, host: &Host, user: &str) {
    let sent = fs::read(fleet.controller().path("/usr/local/bin/sm")).expect("the program");
    for name in ["sm", "sm-helper"] {
        let file = format!("/usr/local/bin/{name}");
        assert!(fs::read(host.path(&file)).is_ok_and(|bytes| bytes == sent), "{name} is another");
        let stat = host.root(&format!("stat -c '%U:%G %a %F' {file}")).ok();
        assert_eq!(stat, "root:root 755 regular file\n", "{name}");
    }
    let rule = host.root(&format!("stat -c '%U:%G %a' /etc/sudoers.d/sm-{user}")).ok();
    assert_eq!(rule, "root:root 440\n");
    host.root(&format!("visudo -cq && sm setup-sudo --check --user {user}")).ok();
    host.helper_as(user, &["service", "status", "nginx"]).expect("ok");
}

/// How often somebody logged in.
fn logins(host: &Host) -> usize {
    let script = "journalctl -q --no-pager -o cat -t sshd | grep -c '^Accepted publickey'; true";
    host.root(script).ok().trim().parse().expect("a number")
}

/// Nothing of ours is on a host.
#[track_caller]
fn is_untouched(host: &Host) {
    let found = host.root("ls /usr/local/bin; ls -d /etc/sudoers.d/sm-* /etc/sm /run/sm /var/lib/sm /var/log/sm 2>/dev/null; true");
    assert_eq!(found.ok(), "");
}
