//! Who waits for the reply: whether they are ended by the very operation they ask for, and when
//! they have heard enough.

use crate::managers::systemd::unit::Unit;
use crate::request::caller::{Caller, Via};
use crate::system::kernel;
use crate::system::proc::{Field, Stat};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, getpid};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The programs that pass a reply on.
const PASS_ON: [&str; 3] = ["sudo", "sudo-rs", "sm-helper"];

/// How long the processes that pass the reply on may take for it.
const PASSING_ON: Duration = Duration::from_secs(5);

/// How long the caller has to make use of its reply before it is ended.
const READING: Duration = Duration::from_secs(1);

/// The processes between this one and the caller, and the units they all belong to.
#[derive(Debug)]
pub struct Requester {
    passing_on: Vec<OwnedFd>,
    cgroups: Vec<String>,
}

impl Requester {
    /// Walks up from this process, over the ways in, to the one that asked; over the socket that
    /// way begins at its other end.
    pub fn find(caller: &Caller) -> Self {
        let mut requester = Self { passing_on: Vec::new(), cgroups: Vec::new() };
        let own = program_of(getpid());
        let mut pid = getpid();
        if caller.via == Via::Socket {
            requester.passing_on.extend(kernel::pidfd(pid).ok());
            pid = Pid::from_raw(caller.pid);
        }
        // No way in is that long.
        for _ in 0..16 {
            requester.cgroups.extend(cgroups_of(pid));
            let program = program_of(pid);
            let name = program.as_deref().and_then(Path::file_name);
            let passes_on = name.is_some_and(|name| PASS_ON.iter().any(|known| name == *known));
            if !passes_on && program != own {
                break;
            }
            requester.passing_on.extend(kernel::pidfd(pid).ok());
            match parent_of(pid) {
                Some(parent) => pid = parent,
                None => break,
            }
        }
        requester
    }

    /// Whether some of them are in one of these units.
    pub fn is_in<'n>(&self, units: impl IntoIterator<Item = &'n str>) -> bool {
        let is_in = |unit: &str| self.units().any(|own| own == unit);
        units.into_iter().any(is_in)
    }

    /// Whether some of them are in a service, and not in a login.
    pub fn is_in_a_service(&self) -> bool {
        self.units().any(|own| own.ends_with(".service") && !own.starts_with("user@"))
    }

    /// Whether some of them are part of this unit, which is known by its cgroup.
    pub fn is_part_of(&self, unit: &Unit) -> bool {
        let is_below = |own: &String, top: &str| {
            own.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_part = |own: &String| unit.cgroup.as_ref().is_some_and(|top| is_below(own, top));
        self.cgroups.iter().any(is_part)
    }

    /// The units that they belong to, with those around these.
    fn units(&self) -> impl Iterator<Item = &str> {
        self.cgroups.iter().flat_map(|own| own.split('/')).filter(|part| !part.is_empty())
    }

    /// Waits until the reply has reached the caller, and a moment more for it to be read.
    pub fn wait_until_gone(&self) {
        let deadline = Instant::now() + PASSING_ON;
        for process in &self.passing_on {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let _ = poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], timeout);
        }
        sleep(READING);
    }
}

fn program_of(pid: Pid) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/exe")).ok()
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let parent = Stat::of(pid)?.field(Field::Parent).filter(|parent| *parent > 0);
    parent.map(Pid::from_raw)
}

/// Its place in the service manager's tree, in either version of the hierarchy (`cgroups(7)`).
fn cgroups_of(pid: Pid) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let of_systemd = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (hierarchy, path) = rest.split_once(':')?;
        matches!(hierarchy, "" | "name=systemd").then(|| path.to_owned())
    };
    text.lines().filter_map(of_systemd).filter(|path| path != "/").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(own: &str, unit: &str) -> bool {
        let requester = Requester { passing_on: Vec::new(), cgroups: vec![own.to_owned()] };
        requester.is_part_of(&Unit::parse(unit)) || requester.is_in(["other.service"])
    }

    #[test]
    fn who_is_part_of_the_unit_ends_with_it() {
        let unit = "ControlGroup=/system.slice/agent.service";
        for (own, expected) in [
            ("/system.slice/agent.service", true),
            ("/system.slice/agent.service/worker", true),
            ("/system.slice/agent.service2", false),
            ("/system.slice/other.service/x", true),
            ("/system.slice/nginx.service", false),
            ("/", false),
        ] {
            assert_eq!(ends(own, unit), expected, "{own}");
        }
        assert!(!ends("/system.slice/agent.service", "ControlGroup="));
    }

    #[test]
    fn this_process_is_in_its_own_audience() {
        let requester = Requester::find(&Caller::find());
        assert!(!requester.passing_on.is_empty());
        assert_eq!(parent_of(getpid()), Some(nix::unistd::getppid()));
    }
}
