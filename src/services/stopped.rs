//! Warnings about a unit that was stopped: that it had to be killed, or that some of its processes
//! are still running.

use crate::managers::systemd::alias;
use crate::managers::systemd::unit::{Unit, UnitState};
use crate::system::proc::{Field, Stat};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};
use std::path::Path;
use std::time::Duration;

/// The hierarchies in which the service manager keeps a cgroup for each unit (`cgroups(7)`).
const HIERARCHIES: [&str; 3] =
    ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"];

/// The deepest cgroup of a unit that is read.
const DEEPEST: usize = 16;

/// How many processes are read, and how many process ids a sentence names.
const MOST_LOOKED_AT: usize = 4096;
const MOST_SHOWN: usize = 8;

/// Warnings about a unit that is down now and was not before.
pub fn warnings(name: &str, before: Option<&UnitState>, after: &Unit) -> Vec<String> {
    let was_up = before.is_none_or(|unit| !unit.is("inactive") && !unit.is("failed"));
    let how = (was_up && after.state.is("failed")).then(|| ended(name, after)).flatten();
    // The manager removes a cgroup as soon as it is empty.
    let left = after.cgroup.as_deref().map_or(0, |cgroup| processes(cgroup).len());
    let left = (left > 0).then(|| {
        let running = if left == 1 { "is" } else { "are" };
        format!("{name} is down, but {left} of its processes {running} still running")
    });
    [how, left].into_iter().flatten().collect()
}

/// The folder of units that were made for a single run (`systemd-run(1)`).
const TRANSIENT: &str = "/run/systemd/transient";

/// Why nothing could start this unit again once it is down; none if it can be started.
pub fn no_way_back(name: &str, unit: &Unit) -> Option<&'static str> {
    let own = unit.id.as_deref().unwrap_or(name);
    if unit.is_masked() {
        Some("it is masked")
    } else if Path::new(TRANSIENT).join(own).exists() {
        Some("it was made for a single run (systemd-run)")
    } else if !unit.state.exists() || !alias::has_file(own) {
        Some("its unit file is gone")
    } else {
        None
    }
}

/// Says that the unit had to be killed. `unit` has its settings.
pub fn killed(name: &str, unit: &Unit) -> String {
    let time = unit.stop_timeout.as_ref();
    let time = time.map(|time| format!(" ({})", time.text)).unwrap_or_default();
    format!("{name} did not stop within its TimeoutStopSec{time}, and was killed")
}

/// How the unit ended, unless it ended well.
fn ended(name: &str, unit: &Unit) -> Option<String> {
    let state = &unit.state;
    let how = match (state.result.as_deref()?, state.exit_status, state.exit_signal) {
        ("success", ..) => return None,
        ("timeout" | "watchdog", ..) => return Some(killed(name, unit)),
        ("exit-code", Some(status), _) => format!("with exit status {status}"),
        ("signal" | "core-dump", _, Some(signal)) => format!("by signal {signal}"),
        (result, ..) => format!("with a failure (result {result})"),
    };
    Some(format!("{name} is down; it ended {how} when it was stopped"))
}

/// Says which processes of the unit have outlived its restart, which began `since` ago, because
/// `KillMode=` spares them (`systemd.kill(5)`). They may hold a port that the new ones need.
pub fn outlived(name: &str, unit: &Unit, since: Duration) -> Option<String> {
    let now: Duration = clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?.into();
    let ticks =
        u64::try_from(sysconf(SysconfVar::CLK_TCK).ok()??).ok().filter(|ticks| *ticks > 0)?;
    // Times are in ticks: of two processes of the same tick nobody knows which was first.
    let began = now.checked_sub(since)?.as_millis() as u64 * ticks / 1000;
    let is_older = |pid: &&u32| {
        let start = Stat::of(pid).and_then(|stat| stat.field::<u64>(Field::Began));
        start.is_some_and(|start| start + 1 < began)
    };
    let all = processes(unit.cgroup.as_deref()?);
    let older: Vec<String> =
        all.iter().take(MOST_LOOKED_AT).filter(is_older).map(u32::to_string).collect();
    let shown = older.iter().take(MOST_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = if older.len() > MOST_SHOWN { ", …" } else { "" };
    let (what, are) = match older.len() {
        0 => return None,
        1 => ("1 of its processes".to_owned(), "is"),
        count => (format!("{count} of its processes"), "are"),
    };
    Some(format!(
        "{name} was restarted, but {what} from before {are} still running (process id {shown}{more}), as its KillMode= has it"
    ))
}

/// The processes in this cgroup of the manager's tree and in those below it.
fn processes(cgroup: &str) -> Vec<u32> {
    let inner = cgroup.trim_start_matches('/');
    // The root of the tree belongs to no unit.
    if inner.is_empty() || inner.split('/').any(|part| part == "..") {
        return Vec::new();
    }
    let tops = HIERARCHIES.map(|top| Path::new(top).join(inner));
    tops.iter().map(|top| processes_below(top, DEEPEST)).max_by_key(Vec::len).unwrap_or_default()
}

fn processes_below(folder: &Path, depth: usize) -> Vec<u32> {
    let text = std::fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    let mut all: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    let below = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let below =
        below.filter(|entry| depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()));
    all.extend(below.flat_map(|entry| processes_below(&entry.path(), depth - 1)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn how_a_stop_ended_is_told_where_it_was_not_well() {
        cases::each("managers/systemctl_stopped", |case| {
            let before = UnitState::parse(case.input("before"));
            json!(warnings("a.service", Some(&before), &Unit::parse(case.input("stdout"))))
        });
    }

    #[test]
    fn no_processes_are_counted_of_what_is_not_a_unit() {
        for cgroup in ["/", "", "/x/../.."] {
            assert!(processes(cgroup).is_empty(), "{cgroup}");
        }
    }
}
