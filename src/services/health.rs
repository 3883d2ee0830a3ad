//! Whether a unit that was started stays up.

use crate::managers::systemd::unit::Unit;
use crate::system::kernel;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How a unit is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It died, or the manager has started it again.
    Bad,
    /// It is in the right state, and waiting longer would tell nothing more.
    Clear,
    /// So far it is well.
    SoFar,
}

/// The pause between two looks at a unit whose main process is not known.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the manager needs to notice that a process has ended.
const REAPED: Duration = Duration::from_millis(20);

/// A service that reports when it is ready is watched for only this fraction of the time.
const READY_PART: u32 = 4;

/// Judges a unit by its state; `restarts` is how often the manager had restarted it automatically
/// before.
pub fn health(unit: &Unit, restarts: u32) -> Health {
    let state = &unit.state;
    if state.is_down() || state.restarts.unwrap_or(0) > restarts {
        return Health::Bad;
    }
    match (&unit.kind, state.sub_state.as_deref()) {
        // Another job is running for it.
        _ if unit.has_job => Health::SoFar,
        // A oneshot that has finished.
        (_, Some("exited")) => Health::Clear,
        (None, _) if state.is("active") => Health::Clear,
        _ if state.is("inactive") => Health::Clear,
        _ => Health::SoFar,
    }
}

/// Whether the unit reports when it is ready. For a forking daemon the exit of its first process
/// means that only if the daemon has a `PIDFile=` (`systemd.service(5)`), since it writes that first.
fn says_ready(unit: &Unit) -> bool {
    match unit.kind.as_deref() {
        Some("notify" | "notify-reload" | "dbus" | "oneshot") => true,
        Some("forking") => unit.pid_file.is_some(),
        _ => false,
    }
}

/// Watches a unit for this time, or until its health is clear. Returns the unit as last seen.
pub fn watch(
    mut look: impl FnMut() -> Option<Unit>,
    time: Duration,
    restarts: u32,
) -> Option<(Unit, Health)> {
    let began = Instant::now();
    loop {
        let unit = look()?;
        let until = began + if says_ready(&unit) { time / READY_PART } else { time };
        let health = health(&unit, restarts);
        if health != Health::SoFar || Instant::now() >= until {
            return Some((unit, health));
        }
        wait(unit.state.main_pid, until);
    }
}

/// Waits until the main process ends or the time is over.
fn wait(main: Option<u32>, until: Instant) {
    let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
    let main = main.and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw);
    match main.and_then(|pid| kernel::pidfd(pid).ok()) {
        None => sleep(left.min(PAUSE)),
        Some(main) => {
            let mut fds = [PollFd::new(main.as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let _ = poll(&mut fds, timeout);
            sleep(REAPED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    fn unit(shown: &str) -> Unit {
        Unit::parse(shown)
    }

    #[test]
    fn a_look_tells_how_a_unit_is() {
        cases::each("managers/systemctl_health", |case| {
            let unit = unit(case.input("stdout"));
            // The manager had started it again twice before.
            let health = format!("{:?}", health(&unit, 2));
            json!({"health": health, "says_ready": says_ready(&unit)})
        });
    }

    #[test]
    fn watching_ends_when_it_is_clear() {
        let mut looks = vec![
            unit("ActiveState=failed\nType=simple"),
            unit("ActiveState=active\nSubState=running\nType=simple"),
        ];
        let hour = Duration::from_secs(3600);
        let (_, health) = watch(|| looks.pop(), hour, 0).expect("a unit");
        assert_eq!((health, looks.len()), (Health::Bad, 0));
        let running = || Some(unit("ActiveState=active\nSubState=running\nType=simple"));
        assert_eq!(watch(running, Duration::ZERO, 0).expect("a unit").1, Health::SoFar);
        assert!(watch(|| None, hour, 0).is_none());
    }
}
