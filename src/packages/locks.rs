//! Who else is at work on the packages: the package managers' own locks, looked at and never
//! taken, so that what is run can take them.

use crate::managers::host::PackageManager;
use crate::output::text::one_line;
use crate::request::action::Maintenance;
use crate::request::code::{Code, Refusal};
use crate::request::ran::{Ended, Ran};
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::File;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// apt's and dpkg's (`apt-get(8)`, `dpkg(1)`): whoever works on packages holds the first two,
/// whoever fetches them the third, whoever reads the lists anew the last.
const DPKG: [&str; 3] =
    ["/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/cache/apt/archives/lock"];
const LISTS: &str = "/var/lib/apt/lists/lock";
/// pacman's: it is there while one is at work (`pacman(8)`).
const PACMAN: &str = "/var/lib/pacman/db.lck";

/// How often a lock is looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// When to try again where a lock was not given up in time, in seconds.
const RETRY_AFTER: u64 = 30;

/// Who holds a lock.
#[derive(Debug)]
enum Holder {
    /// This process.
    Process(String),
    /// Nobody: what held it is gone.
    Nobody,
}

/// Waits until nobody else is at work, at most until `deadline`.
///
/// # Errors
/// `busy`, naming who it is; `plan_refused` where a lock was left behind.
pub fn wait(
    manager: PackageManager,
    action: Option<Maintenance>,
    deadline: Instant,
) -> Result<(), Refusal> {
    let began = Instant::now();
    let mut left_behind = false;
    loop {
        match holder(manager, action) {
            None => return Ok(()),
            // Seen twice: it may have been made or left at this very moment.
            Some(Holder::Nobody) if left_behind => return Err(stale()),
            Some(Holder::Nobody) => left_behind = true,
            Some(Holder::Process(process)) => {
                left_behind = false;
                if Instant::now() >= deadline {
                    return Err(busy(&process, began.elapsed()));
                }
            }
        }
        sleep(PAUSE);
    }
}

/// Whether a command failed because somebody else was quicker: its own words, and none of what it
/// says before it runs a package's scripts, whose words are not to be believed.
pub fn was_too_late(manager: PackageManager, ran: &Ran) -> bool {
    let (said, begun): (&[&str], &str) = match manager {
        PackageManager::Apt => {
            (&["E: Could not get lock", "E: Unable to lock"], "After this operation, ")
        }
        // No script can write to its standard error.
        PackageManager::Pacman => {
            (&["error: failed to init transaction (unable to lock database)"], ":: Proceed with")
        }
    };
    let is_said = |line: &str| said.iter().any(|said| line.starts_with(said));
    matches!(ran.ended, Ended::Exited(status) if status != 0)
        && ran.stderr.lines().any(is_said)
        && !ran.stdout.lines().any(|line| line.starts_with(begun))
}

/// What to say where others were quicker again and again.
pub fn overtaken() -> Refusal {
    Refusal::new(Code::Busy, "others changed the packages again and again, so nothing was done")
        .hint(format!("try again in {RETRY_AFTER} s"))
        .retry_after(RETRY_AFTER)
}

fn busy(process: &str, waited: Duration) -> Refusal {
    Refusal::new(
        Code::Busy,
        format!(
            "the packages are being worked on by {process}, still after {} s of waiting",
            waited.as_secs()
        ),
    )
    .hint(format!("try again in {RETRY_AFTER} s"))
    .retry_after(RETRY_AFTER)
}

fn stale() -> Refusal {
    Refusal::new(
        Code::PlanRefused,
        format!("{PACMAN} was left behind by a pacman that was ended in the middle"),
    )
    .hint(format!(
        "an administrator makes sure that no package manager runs and that pacman -Qk and -Dk find nothing, then: rm {PACMAN}"
    ))
}

fn holder(manager: PackageManager, action: Option<Maintenance>) -> Option<Holder> {
    let [frontend, dpkg, archives] = DPKG;
    let locks = match (manager, action) {
        (PackageManager::Pacman, _) => return holder_of_file(Path::new(PACMAN)),
        (PackageManager::Apt, Some(Maintenance::Update)) => vec![LISTS],
        (PackageManager::Apt, Some(Maintenance::Autoclean)) => vec![archives],
        (PackageManager::Apt, Some(Maintenance::Repair)) => vec![frontend, dpkg],
        (PackageManager::Apt, _) => vec![frontend, dpkg, archives],
    };
    locks.into_iter().find_map(holder_of_lock)
}

/// Who holds a lock of `fcntl_locking(2)` on the file.
fn holder_of_lock(path: &str) -> Option<Holder> {
    let file = File::open(path).ok()?;
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as _,
        l_whence: libc::SEEK_SET as _,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_GETLK(&mut lock)).ok()?;
    let is_free = i32::from(lock.l_type) == libc::F_UNLCK;
    (!is_free).then(|| Holder::Process(called(lock.l_pid)))
}

/// Who has the file open, where there is one.
fn holder_of_file(path: &Path) -> Option<Holder> {
    if !path.exists() {
        return None;
    }
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut numbered =
        processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let holds = |pid: &i32| {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| entry.path().read_link().ok()).any(|target| target == path)
    };
    Some(numbered.find(holds).map_or(Holder::Nobody, |pid| Holder::Process(called(pid))))
}

/// `apt-get (process 4711)`
fn called(pid: i32) -> String {
    match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) if pid > 0 => format!("{} (process {pid})", one_line(&name, 32)),
        // The kernel gives no number that means something here (pid_namespaces(7)).
        _ => "a process that can not be seen from here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_prints_is_no_lock() {
        let late = |stdout: &str, stderr: &str| {
            let ran = Ran {
                ended: Ended::Exited(100),
                stdout: stdout.to_owned(),
                stderr: stderr.to_owned(),
                ..Ran::nothing()
            };
            was_too_late(PackageManager::Apt, &ran)
        };
        let said = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1\n";
        assert!(late("Reading package lists...\n", said));
        assert!(!late("After this operation, 0 B of additional disk space will be used.\n", said));
        assert!(!late("", "E: Unable to locate package x\n"));
    }
}
