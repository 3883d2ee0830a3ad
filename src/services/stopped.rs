//! What is left of a unit that was stopped: whether it had to be killed, and which of its
//! processes continue.

use crate::managers::systemd::alias;
use crate::managers::systemd::unit::{Unit, UnitState};
use std::path::{Path, PathBuf};

/// The hierarchies in which the service manager has a cgroup for each unit (`cgroups(7)`).
const HIERARCHIES: [&str; 3] =
    ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"];

/// A unit's cgroups are no deeper than this.
const DEEPEST: usize = 16;

/// What to say of a unit that is down now and was not before.
pub fn warnings(name: &str, before: Option<&UnitState>, after: &Unit) -> Vec<String> {
    let was_up = before.is_none_or(|unit| !unit.is("inactive") && !unit.is("failed"));
    let how = (was_up && after.state.is("failed")).then(|| ended(name, after)).flatten();
    // The manager lets go of a cgroup as soon as it is empty.
    let left = after.cgroup.as_deref().map_or(0, processes);
    let left = (left > 0).then(|| {
        let running = if left == 1 { "is" } else { "are" };
        format!("{name} is down, but {left} of its processes {running} still running")
    });
    [how, left].into_iter().flatten().collect()
}

/// Where a unit is that was made for one run (`systemd-run(1)`).
const TRANSIENT: &str = "/run/systemd/transient";

/// Why nothing could start a unit again that is up; none if it can be.
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

/// That it had to be killed. `unit` is how it is set up.
pub fn killed(name: &str, unit: &Unit) -> String {
    let time = unit.stop_timeout.as_ref();
    let time = time.map(|time| format!(" ({})", time.text)).unwrap_or_default();
    format!("{name} did not stop within its TimeoutStopSec{time}, and was killed")
}

/// How it ended, where that was not as it should.
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

/// How many processes are in this cgroup of the manager's tree, and below it.
fn processes(cgroup: &str) -> usize {
    let inner = cgroup.trim_start_matches('/');
    // The top of the tree is not a unit's.
    if inner.is_empty() || inner.split('/').any(|part| part == "..") {
        return 0;
    }
    let tops = HIERARCHIES.map(|top| Path::new(top).join(inner));
    tops.iter().map(|top| processes_below(top, DEEPEST)).max().unwrap_or(0)
}

fn processes_below(folder: &PathBuf, depth: usize) -> usize {
    let text = std::fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    let below = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let below =
        below.filter(|entry| depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()));
    text.lines().count()
        + below.map(|entry| processes_below(&entry.path(), depth - 1)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_stop_ended_is_told_where_it_was_not_well() {
        let up = UnitState::parse("ActiveState=active");
        for (shown, word) in [
            ("ActiveState=inactive\nResult=success", None),
            ("ActiveState=failed\nResult=timeout", Some("was killed")),
            (
                "ActiveState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=3",
                Some("exit status 3"),
            ),
            (
                "ActiveState=failed\nResult=signal\nExecMainCode=2\nExecMainStatus=9",
                Some("signal 9"),
            ),
            ("ActiveState=failed\nResult=resources", Some("resources")),
            ("ActiveState=inactive\nResult=success\nControlGroup=/../x", None),
        ] {
            let message = warnings("a.service", Some(&up), &Unit::parse(shown));
            assert_eq!(message.len(), usize::from(word.is_some()), "{shown}: {message:?}");
            assert!(word.is_none_or(|word| message[0].contains(word)), "{shown}: {message:?}");
        }
        // What had failed long before is not told again.
        let failed = UnitState::parse("ActiveState=failed");
        let shown = "ActiveState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=3";
        assert!(warnings("a.service", Some(&failed), &Unit::parse(shown)).is_empty());
    }

    #[test]
    fn no_processes_are_counted_of_what_is_not_a_unit() {
        assert_eq!((processes("/"), processes(""), processes("/x/../..")), (0, 0, 0));
    }
}
