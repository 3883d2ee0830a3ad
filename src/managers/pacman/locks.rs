//! pacman's lock: it is there while one is at work (`pacman(8)`).

use crate::managers::lock::Lock;
use crate::request::code::{Code, Refusal};
use crate::request::ran::{Ended, Ran};

/// All of them.
pub const LOCKS: [Lock; 1] = [Lock::IsFile("/var/lib/pacman/db.lck")];

/// What is said of one that was left behind.
pub fn left_behind(path: &str) -> Refusal {
    Refusal::new(
        Code::PlanRefused,
        format!("{path} was left behind by a pacman that was killed"),
    )
    .hint(format!(
        "an administrator should check that no package manager runs and that pacman -Qk and -Dk find nothing, then run: rm {path}"
    ))
}

/// Whether a command failed because somebody else was quicker. No script can write to its standard
/// error.
pub fn was_too_late(ran: &Ran) -> bool {
    const SAID: &str = "error: failed to init transaction (unable to lock database)";
    matches!(ran.ended, Ended::Exited(status) if status != 0)
        && ran.stderr.lines().any(|line| line.starts_with(SAID))
        && !ran.stdout.lines().any(|line| line.starts_with(":: Proceed with"))
}
