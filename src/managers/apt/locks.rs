//! The locks of apt and dpkg (`apt-get(8)`, `dpkg(1)`): whoever works on packages holds the first
//! two, whoever fetches them the third, whoever reads the lists again the last.

use crate::managers::lock::Lock;
use crate::request::action::Maintenance;
use crate::request::ran::{Ended, Ran};

const FRONTEND: Lock = Lock::OnFile("/var/lib/dpkg/lock-frontend");
const DPKG: Lock = Lock::OnFile("/var/lib/dpkg/lock");
const ARCHIVES: Lock = Lock::OnFile("/var/cache/apt/archives/lock");
const LISTS: Lock = Lock::OnFile("/var/lib/apt/lists/lock");

/// Those that this operation takes.
pub fn of(action: Option<Maintenance>) -> &'static [Lock] {
    match action {
        Some(Maintenance::Update) => &[LISTS],
        Some(Maintenance::Autoclean) => &[ARCHIVES],
        Some(Maintenance::Repair) => &[FRONTEND, DPKG],
        _ => &[FRONTEND, DPKG, ARCHIVES],
    }
}

/// Whether a command failed because somebody else was quicker.
pub fn was_too_late(ran: &Ran) -> bool {
    const SAID: [&str; 2] = ["E: Could not get lock", "E: Unable to lock"];
    let is_said = |line: &str| SAID.iter().any(|message| line.starts_with(message));
    let has_begun = |line: &str| line.starts_with("After this operation, ");
    matches!(ran.ended, Ended::Exited(status) if status != 0)
        && ran.stderr.lines().any(is_said)
        && !ran.stdout.lines().any(has_begun)
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
            was_too_late(&ran)
        };
        let message =
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1\n";
        assert!(late("Reading package lists...\n", message));
        assert!(!late(
            "After this operation, 0 B of additional disk space will be used.\n",
            message
        ));
        assert!(!late("", "E: Unable to locate package x\n"));
    }
}
