//! Waits until nobody else is at work on the packages.

use crate::managers::lock::Holder;
use crate::managers::manager::Manager;
use crate::request::action::Maintenance;
use crate::request::code::{Code, Refusal};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often a lock is looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// When to try again if a lock was not given up in time, in seconds.
const RETRY_AFTER: u64 = 30;

/// Waits until nobody else is at work, at most until `deadline`.
///
/// # Errors
/// `busy`, naming who it is; `plan_refused` if a lock was left behind.
pub fn wait(
    manager: Manager,
    action: Option<Maintenance>,
    deadline: Instant,
) -> Result<(), Refusal> {
    let began = Instant::now();
    let mut left_behind = false;
    loop {
        match manager.locks(action).iter().find_map(|lock| lock.holder()) {
            None => return Ok(()),
            // Seen twice: it may have been made or left at this very moment.
            Some(Holder::Nobody(path)) if left_behind => return Err(manager.left_behind(path)),
            Some(Holder::Nobody(_)) => left_behind = true,
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

/// What to say if others were quicker again and again.
pub fn overtaken() -> Refusal {
    Refusal::new(Code::Busy, "other programs kept changing the packages, so nothing was done")
        .hint(format!("try again in {RETRY_AFTER} s"))
        .retry_after(RETRY_AFTER)
}

fn busy(process: &str, waited: Duration) -> Refusal {
    Refusal::new(
        Code::Busy,
        format!(
            "the package manager is locked by {process}, still after {} s of waiting",
            waited.as_secs()
        ),
    )
    .hint(format!("try again in {RETRY_AFTER} s"))
    .retry_after(RETRY_AFTER)
}
