//! What is due after packages were replaced: units that still run the old code, and a boot.

use crate::exec::context::Shown;
use crate::managers::systemd::cgroup::unit_of;
use crate::outcome::Due;
use crate::packages::kernels::has_newer_kernel;
use crate::system::proc;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// Where packages have their code. What is mapped from elsewhere is made at run time, or is an
/// account's own.
const CODE: [&str; 6] = ["/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/opt/"];

/// The most that is read of what a process has mapped, in bytes. It can map 65,530 places, each of a
/// name as long as it likes (`vm.max_map_count`).
const LONGEST_MAPS: u64 = 8 << 20;

/// The most that is read of what is mounted for a process, in bytes. Its root comes first.
const LONGEST_MOUNTS: u64 = 64 << 10;

/// What the package manager's hooks leave where a boot is due (Debian's `unattended-upgrades`,
/// `needrestart` and `update-notifier`).
const REBOOT_REQUIRED: &str = "/run/reboot-required";

/// How long it is looked for, at most. A process can have so much mapped that reading it takes a while, and
/// keep a reader waiting (a page fault on a file of its own file system).
const PATIENCE: Duration = Duration::from_secs(3);

/// What is due now, and what to say if not all of it could be seen. Only units that may be `shown` are named.
pub fn now(shown: Shown<'_>) -> (Due, Option<String>) {
    let found = Arc::new(Mutex::new(BTreeSet::new()));
    let (done, is_done) = mpsc::channel();
    let seen = Arc::clone(&found);
    let looks = thread::Builder::new().spawn(move || done.send(look(&seen)));
    let is_whole = looks.is_ok() && is_done.recv_timeout(PATIENCE) == Ok(true);
    let units = found.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (named, others): (Vec<String>, Vec<String>) =
        units.into_iter().partition(|unit| (shown.0)(unit));
    let due = Due {
        restart_needed: named,
        restart_needed_others: others.len(),
        reboot_needed: Path::new(REBOOT_REQUIRED).exists() || has_newer_kernel(),
    };
    let warning = "not every process could be looked at: more units than `restart_needed` has may still run what was replaced";
    (due, (!is_whole).then(|| warning.to_owned()))
}

/// Finds every unit with a process that runs what is no longer on the disk, save people's sessions, which
/// nobody restarts. Gives whether all of them could be seen.
///
/// A process of another user namespace is left out: it makes its own file systems, and so names of its own.
/// Nothing here asks a file system but `/proc`: one that a process has made (FUSE) need not answer.
fn look(found: &Mutex<BTreeSet<String>>) -> bool {
    let mut is_whole = true;
    let manager = fs::read_to_string("/proc/1/cgroup").unwrap_or_default();
    let (own_users, own_root) = (users("self"), root("self"));
    let known = || found.lock().unwrap_or_else(PoisonError::into_inner);
    for pid in proc::all() {
        let Ok(shown) = fs::read_to_string(format!("/proc/{pid}/cgroup")) else { continue };
        let Some(unit) = unit_of(&shown, &manager) else { continue };
        let is_session = unit.starts_with("session-") && unit.ends_with(".scope")
            || unit.starts_with("user@") && unit.ends_with(".service");
        // A container's processes have the files of another system, which this package manager has not
        // replaced.
        let is_elsewhere = || users(pid) != own_users || root(pid) != own_root;
        if is_session || known().contains(&unit) || is_elsewhere() {
            continue;
        }
        match runs_old_code(pid) {
            Some(true) => {
                known().insert(unit);
            }
            Some(false) => {}
            None => is_whole = false,
        }
    }
    is_whole
}

/// The user namespace of a process (`user_namespaces(7)`).
fn users(process: impl Display) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/ns/user")).ok()
}

/// What a process has as its root: the device of the file system and the folder in it, by what is mounted there
/// (`proc_pid_mountinfo(5)`).
fn root(process: impl Display) -> Option<(String, String)> {
    let mut text = Vec::new();
    let file = File::open(format!("/proc/{process}/mountinfo")).ok()?;
    file.take(LONGEST_MOUNTS).read_to_end(&mut text).ok()?;
    root_in(&String::from_utf8_lossy(&text))
}

fn root_in(mounts: &str) -> Option<(String, String)> {
    let root = |line: &str| {
        let mut words = line.split(' ').skip(2);
        let (device, folder) = (words.next()?, words.next()?);
        (words.next()? == "/").then(|| (device.to_owned(), folder.to_owned()))
    };
    // What is mounted over another one comes behind it.
    mounts.lines().filter_map(root).next_back()
}

/// Whether a process has code mapped that was replaced or removed since; none if that cannot be seen.
fn runs_old_code(pid: i32) -> Option<bool> {
    let file = match File::open(format!("/proc/{pid}/maps")) {
        Ok(file) => file,
        // It has ended.
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(false),
        Err(_) => return None,
    };
    let mut maps = Vec::new();
    // What ends meanwhile is read as far as that.
    let _ = file.take(LONGEST_MAPS).read_to_end(&mut maps);
    let has_old = String::from_utf8_lossy(&maps).lines().any(is_old_code);
    (has_old || (maps.len() as u64) < LONGEST_MAPS).then_some(has_old)
}

/// Whether a line of `/proc/PID/maps` (`proc_pid_maps(5)`) is of code whose file was replaced or removed.
fn is_old_code(line: &str) -> bool {
    // Address, rights, offset, device, inode, and behind blanks the name.
    let mut rest = line;
    let mut fields = [""; 5];
    for field in &mut fields {
        let Some((word, behind)) = rest.split_once(' ') else { return false };
        (*field, rest) = (word, behind.trim_start());
    }
    let is_code = fields[1].contains('x');
    let name = rest.strip_suffix(" (deleted)");
    is_code && name.is_some_and(|name| CODE.iter().any(|place| name.starts_with(place)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_code_is_what_was_replaced_and_can_be_run() {
        for (line, is_old) in [
            ("7f2-7f3 r-xp 00000000 08:01 1835 /usr/lib/libc.so.6 (deleted)", true),
            (
                "7f2-7f3 r-xp 00000000 08:01 1835                       /opt/my app/x (deleted)",
                true,
            ),
            ("7f2-7f3 r-xp 00000000 08:01 1835 /usr/lib/libc.so.6", false),
            // Data, what was never a package's, and what only looks like it.
            ("7f2-7f3 r--p 00000000 08:01 1835 /usr/lib/locale/C (deleted)", false),
            ("7f2-7f3 rwxp 00000000 00:01 7 /memfd:jit (deleted)", false),
            ("7f2-7f3 rwxs 00000000 00:01 7 /dev/zero (deleted)", false),
            ("7f2-7f3 r-xp 00000000 08:01 7 /home/agent/a (deleted)", false),
            ("7f2-7f3 r-xp 00000000 08:01 7 /tmp/usr/lib/a (deleted)", false),
            ("7f2-7f3 r-xp 00000000 00:00 0                          [vdso]", false),
            ("7f2-7f3 rwxp 00000000 00:00 0 ", false),
            ("", false),
        ] {
            assert_eq!(is_old_code(line), is_old, "{line}");
        }
    }

    #[test]
    fn the_root_is_what_is_mounted_last() {
        let line = |device: &str, folder: &str, place: &str| {
            format!("24 1 {device} {folder} {place} rw,relatime shared:1 - ext4 /dev/x rw\n")
        };
        let plain = line("8:1", "/", "/") + &line("8:2", "/", "/boot");
        assert_eq!(root_in(&plain), Some(("8:1".into(), "/".into())));
        let over = line("8:1", "/", "/") + &line("0:9", "/@", "/") + &line("8:2", "/", "/boot");
        assert_eq!(root_in(&over), Some(("0:9".into(), "/@".into())));
        // In a chroot there is none.
        assert_eq!(root_in(&line("8:2", "/", "/boot")), None);
        assert_eq!(root_in(""), None);
    }
}
