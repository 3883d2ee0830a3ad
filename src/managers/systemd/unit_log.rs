//! What journalctl prints of a unit: the lines of it that say most.

use crate::managers::systemd::start_limit;
use crate::managers::systemd::unit::Unit;
use crate::request::ran::{Ended, Ran};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The most lines in a reply, and how many of them are the service manager's if the program
/// has written as many.
const LINES: usize = 10;
const LINES_OF_MANAGER: usize = 3;

/// The longest of them, in characters.
const LONGEST: usize = 1000;

/// The entries of a log that was read from the newest back, the oldest first. What continues over
/// more than one line is indented.
pub fn turned_around(log: &str) -> String {
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match entries.last_mut() {
            Some(entry) if line.starts_with(' ') => {
                entry.push_str(line);
                entry.push('\n');
            }
            _ => entries.push(format!("{line}\n")),
        }
    }
    entries.reverse();
    entries.concat()
}

/// The lines that say most of what went wrong since `began` on the monotonic clock: the program's
/// own, since the manager's only say that it did.
pub fn last_lines(log: &Ran, unit: &Unit, began: Duration) -> Option<Vec<String>> {
    let elapsed = start_limit::now().saturating_sub(began);
    let began = SystemTime::now().checked_sub(elapsed)?.duration_since(UNIX_EPOCH).ok()?;
    // If the manager refuses to start it, what matters was written before.
    let is_refused = unit.state.result.as_deref() == Some("start-limit-hit");
    let since = if is_refused { String::new() } else { stamp(began) };
    (log.ended == Ended::Exited(0)).then(|| chosen(&log.stdout, &since))
}

/// The last lines, and among them the program's last ones of those that are no older than `since`.
fn chosen(log: &str, since: &str) -> Vec<String> {
    // An entry may have many lines, and a line any length.
    let lines: Vec<&str> = log.lines().collect();
    let mut is_of_manager = false;
    let mut is_old = false;
    let mut own = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        // What continues over more than one line is indented.
        if !line.starts_with(' ') {
            is_of_manager = line.split(' ').nth(2) == Some("systemd[1]:");
            is_old = *line < since;
        }
        if !is_of_manager && !is_old {
            own.push(at);
        }
    }
    let own = &own[own.len().saturating_sub(LINES - LINES_OF_MANAGER)..];
    let others = (0..lines.len()).rev().filter(|at| !own.contains(at)).take(LINES - own.len());
    let kept: BTreeSet<usize> = others.chain(own.iter().copied()).collect();
    let cut = |line: &str| {
        let most = line.char_indices().nth(LONGEST).map_or(line.len(), |(at, _)| at);
        line.get(..most).unwrap_or_default().to_owned()
    };
    kept.into_iter().filter_map(|at| lines.get(at)).map(|line| cut(line)).collect()
}

/// The beginning of a line of that second, as journalctl prints it with `TZ=UTC`.
fn stamp(seconds: Duration) -> String {
    let at = i64::try_from(seconds.as_secs()).ok().and_then(|at| Timestamp::from_second(at).ok());
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use proptest::prelude::*;
    use serde_json::json;

    fn lines(of: &str) -> String {
        let line = |(second, kind): (usize, char)| match kind {
            'm' => format!("2026-01-01T00:00:{second:02}+0000 host systemd[1]: m{second}\n"),
            'o' => format!("2026-01-01T00:00:{second:02}+0000 host app[7]: o{second}\n"),
            _ => "    more of it\n".to_owned(),
        };
        of.chars().enumerate().map(line).collect()
    }

    #[test]
    fn the_lines_of_the_program_come_before_those_of_the_manager() {
        cases::each("managers/journalctl_unit", |case| {
            json!(chosen(case.input("stdout"), case.input("since").trim()))
        });
    }

    #[test]
    fn a_log_from_the_newest_back_is_turned_around_by_entries() {
        cases::each("managers/journalctl_reverse", |case| {
            json!(turned_around(case.input("stdout")).lines().collect::<Vec<_>>())
        });
    }

    #[test]
    fn a_line_is_cut_and_a_stamp_is_that_of_journalctl() {
        assert_eq!(chosen(&"x".repeat(3000), "")[0].len(), LONGEST);
        assert_eq!(stamp(Duration::from_secs(86_400 * 365)), "1971-01-01T00:00:00");
    }

    proptest! {
        #[test]
        fn there_are_as_many_lines_as_there_is_room_for(of in "[mo.]{0,59}", text in ".{0,300}") {
            prop_assert_eq!(chosen(&lines(&of), "").len(), of.len().min(LINES));
            prop_assert!(chosen(&text, "2026").len() <= LINES);
        }
    }
}
