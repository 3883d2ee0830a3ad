//! Where the password is not: in anybody's arguments or environment, in a file, a log or a core.

use crate::host::{Host, Sudo};
use crate::terminal::at_terminal;
use crate::{BOOTSTRAP, Fleet, INVENTORY, is_done, pipe_with, set_password, wait_until};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const SECRET: &str = "Gurkentruppe-4711-Quark";

/// Where it was seen, in the arguments and the environment of any process of this machine and of
/// all hosts, which are of this machine, while `work` is at it; and how often it was looked.
fn seen_during(work: impl FnOnce()) -> (BTreeSet<String>, usize) {
    let through = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let (mut found, mut looked) = (BTreeSet::new(), 0);
            while !through.load(Ordering::Relaxed) {
                looked += 1;
                for process in fs::read_dir("/proc").expect("/proc").flatten() {
                    for file in ["cmdline", "environ", "comm"] {
                        let file = process.path().join(file);
                        // It may have ended.
                        let bytes = fs::read(&file).unwrap_or_default();
                        if has_secret(&bytes) {
                            found.insert(String::from_utf8_lossy(&bytes).into_owned());
                        }
                    }
                }
            }
            (found, looked)
        });
        {
            // Also when the work panics: the scope waits for the watch.
            let _end = AtTheEnd(&through);
            work();
        }
        watching.join().expect("the watching thread")
    })
}

struct AtTheEnd<'a>(&'a AtomicBool);

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn has_secret(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes())
}

/// The files of a host, outside of what the image has, that have it in them; and whether its
/// journal has.
fn files_with_secret(host: &Host) -> String {
    host.write("/needle", SECRET);
    let found = host.root(
        "grep -rlsF -f /needle /var /tmp /run /home /root /etc /dev/shm /usr/local /mnt /media /opt /core* 2>/dev/null; \
         journalctl -a --no-pager -o export 2>/dev/null | grep -caF -f /needle | grep -vx 0; true",
    );
    host.root("rm /needle").ok();
    found.ok()
}

/// Whether sudo holds for `admin` that the password was given: `sudo(8)` 1.9 keeps records of
/// which the third word is the kind, 2 or 3 for one of a session, and the lowest bit of the fourth
/// says that it does not hold (`timestamp.h`); sudo-rs keeps a header and then what holds.
fn remembers(host: &Host) -> bool {
    let read = |path: &str| fs::read(host.path(path)).unwrap_or_default();
    if host.sudo == Sudo::Rs {
        return read("/run/sudo-rs/ts/1001").len() > 8;
    }
    let bytes = read("/run/sudo/ts/admin");
    let word = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
    let mut at = 0;
    while at < bytes.len() {
        if [2, 3].contains(&word(at + 4)) && word(at + 6) & 1 == 0 {
            return true;
        }
        at += usize::from(word(at + 2));
    }
    false
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_password_is_nowhere_to_be_seen() {
    let bare = |sudo| Host::wanted(sudo).bare();
    let fleet = Fleet::of(vec![bare(Sudo::Classic), bare(Sudo::Rs), bare(Sudo::Classic)]);
    for host in &fleet.hosts {
        set_password(host, "admin", SECRET);
        // Should anything die, its memory would be a file.
        host.root("sysctl -qw kernel.core_pattern 2>/dev/null; true").ok();
    }
    set_password(&fleet.hosts[2], "admin", "another");
    let hosts = || fleet.hosts.iter().chain([fleet.controller()]);

    // The watch sees what there is to see: a command that has it in its arguments.
    let (found, _) = seen_during(|| {
        fleet.controller().command("admin", &["/bin/sh", "-c", "sleep 1", SECRET]).run().ok();
    });
    assert!(!found.is_empty());

    let (found, looked) = seen_during(|| {
        drop(fleet.bootstrap_with(SECRET, &[]).exit(1).expect(&[
            "web1 done ok",
            "web2 done ok",
            "web3 failed password_wrong",
        ]));
    });
    assert!(looked > 1, "looked {looked} times");
    assert_eq!(found, BTreeSet::new());
    for host in hosts() {
        assert_eq!(files_with_secret(host), "");
    }
    is_done(&fleet, &fleet.hosts[0], "admin");
    is_done(&fleet, &fleet.hosts[1], "admin");
    // Nor may somebody else of that account go on with what sudo remembers of it.
    for host in &fleet.hosts {
        assert!(!remembers(host), "{}", host.name);
    }

    // The same at the terminal, and from a file.
    for host in &fleet.hosts[..2] {
        host.root("sm setup-sudo --user admin --remove; rm /usr/local/bin/sm*").ok();
    }
    let (found, _) = seen_during(|| {
        let typed = format!("{SECRET}\n");
        let words = [&BOOTSTRAP[..], &["--limit", "web1"]].concat();
        let seen = at_terminal(&fleet, &words, &[("tried on web1 first: ", &typed)]);
        drop(seen.report().exit(0));
        assert!(!seen.shown.contains(SECRET), "{}", seen.shown);
    });
    assert_eq!(found, BTreeSet::new());
    fleet.controller().write("/home/admin/secret", format!("{SECRET}\n"));
    fleet.controller().root("chown admin /home/admin/secret; chmod 0600 /home/admin/secret").ok();
    let script = format!(
        "sm bootstrap-cluster -i {INVENTORY} --limit web2 --password-fd 7 7</home/admin/secret"
    );
    let (found, _) = seen_during(|| {
        fleet.command(&["/bin/bash", "-c", &script], &[]).run().ok();
    });
    assert_eq!(found, BTreeSet::new());
    fleet.controller().root("rm /home/admin/secret").ok();
    for host in hosts() {
        assert_eq!(files_with_secret(host), "");
    }
    // As it does when it is not told to forget it.
    for host in &fleet.hosts[..2] {
        // sudo-rs looks for whose child it is.
        let argv = ["/bin/bash", "-c", "sudo -S true; true"];
        host.command("admin", &argv).stdin(pipe_with(SECRET)).run().ok();
        assert!(remembers(host), "{:?}", host.sudo);
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_verbose_run_tells_each_step_of_each_host_and_no_password() {
    let bare = |sudo| Host::wanted(sudo).bare();
    let fleet = Fleet::of(vec![bare(Sudo::Classic), bare(Sudo::Rs)]);
    for host in &fleet.hosts {
        set_password(host, "admin", SECRET);
    }
    // Wrong as well as right.
    set_password(&fleet.hosts[1], "admin", "another");
    let steps = ["connect", "look", "sudo", "root", "send", "setup"];
    for more in [&["-vv"][..], &["-v", "--limit", "web1"]] {
        host_bare_again(&fleet.hosts[0]);
        let report = fleet.bootstrap_with(SECRET, more);
        assert!(!has_secret(report.stderr.as_bytes()), "{}", report.stderr);
        for step in steps {
            let line = format!(" INFO web1: {step}: ");
            assert!(report.stderr.contains(&line), "{step} is not in: {}", report.stderr);
        }
        let is_verbose = more.contains(&"-vv");
        assert_eq!(report.stderr.contains("DEBUG"), is_verbose, "{}", report.stderr);
    }
    let report = fleet.ask(&["-v", "--limit", "web1"], &["version"]).exit(0);
    for step in ["connect", "request"] {
        assert!(report.stderr.contains(&format!("web1: {step}: ")), "{}", report.stderr);
    }
}

fn host_bare_again(host: &Host) {
    host.root("sm setup-sudo --user admin --remove; rm -f /usr/local/bin/sm*");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn while_it_is_read_it_is_nobody_elses() {
    let fleet = Fleet::bare(1);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let pipe = fs::read_link(format!("/proc/self/fd/{}", reader.as_raw_fd())).expect("its name");
    let script = "exec sm bootstrap-cluster -i inventory.yml --password-fd 7 7<&0 </dev/null";
    let command = fleet.command(&["/bin/bash", "-c", script], &[]).stdin(reader);
    let mut running = command.into_command().spawn().expect("nsenter runs");
    // Half of it, so that there is something to protect.
    write!(writer, "ad").expect("room");
    let controller = fleet.controller();
    let half = "pid=$(pgrep -u admin -x sm); [ -n \"$(grep -v '^VmLck:.* 0 kB' /proc/$pid/status | grep VmLck)\" ]";
    wait_until("it is read into memory that is not swapped", || {
        controller.root(half).status == Some(0)
    });
    // Neither another process of the account nor a core sees that memory.
    let owner = controller.root("stat -c %U /proc/$(pgrep -u admin -x sm)/mem").ok();
    assert_eq!(owner, "root\n");
    // ssh has not got the descriptor.
    let held = controller.root("ls -l /proc/$(pgrep -u admin -x ssh)/fd").ok();
    assert!(!held.contains(&*pipe.to_string_lossy()), "{held}");
    writeln!(writer, "min").expect("room");
    assert!(running.wait().expect("it ends").success());
    is_done(&fleet, &fleet.hosts[0], "admin");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_descriptor_without_a_password_is_a_mistake_that_reaches_no_host() {
    let fleet = Fleet::bare(1);
    let host = &fleet.hosts[0];
    // Not open, and open for writing alone.
    for number in ["9", "1"] {
        let report = fleet.bootstrap(&["--password-fd", number]).exit(2);
        let error = report.json["error"].as_str().expect("a sentence");
        assert!(error.contains(&format!("--password-fd {number}")), "{error}");
    }
    let reached = host.root("journalctl -q -o cat -t sshd | grep -c Accepted; true").ok();
    assert_eq!(reached, "0\n");
    // An empty one says so; no empty password is tried.
    let report = fleet.bootstrap_with("", &[]).exit(1).expect(&["web1 failed password_required"]);
    drop(report.says("web1", &["it has no password"]));
    assert_eq!(crate::terminal::refusals(host), 0);
}
