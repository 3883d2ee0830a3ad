//! How often a unit may be started before the service manager refuses to
//! (`StartLimitIntervalSec=` and `StartLimitBurst=` of `systemd.unit(5)`).
//!
//! The manager counts, and publishes no count: only when the last start was, and in the journal
//! each start. A restart stops first and is refused afterwards, so whether one is safe must be
//! known before.

use crate::managers::systemd::show::value;
use nix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::time::Duration;

/// The limit of a unit, and when it was started last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StartLimit {
    /// Over which time starts are counted; zero if there is no limit.
    interval: Duration,
    /// How many there may be in it.
    burst: usize,
    /// The last start, on the manager's monotonic clock; none if there was none.
    last_start: Option<Duration>,
}

impl StartLimit {
    /// Reads what `systemctl show` printed of a unit.
    pub fn of(shown: &str) -> Self {
        let value = |key| value(shown, key);
        Self::parse(
            value("StartLimitIntervalUSec"),
            value("StartLimitBurst"),
            value("InactiveExitTimestampMonotonic"),
        )
    }

    fn parse(interval: Option<&str>, burst: Option<&str>, last_start: Option<&str>) -> Self {
        let burst = burst.and_then(|text| text.parse().ok()).unwrap_or(0);
        let last_start = last_start.and_then(|text| text.parse().ok()).filter(|start| *start > 0);
        Self {
            interval: interval.filter(|_| burst > 0).and_then(timespan).unwrap_or_default(),
            burst,
            last_start: last_start.map(Duration::from_micros),
        }
    }

    /// How long starts of before may still count, at `now` of the monotonic clock; none if
    /// they do not. The manager counts from the first start on, which was no later than the last.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        let over = self.last_start?.checked_add(self.interval)?;
        over.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// The same if the unit's starts are known, from the first to the last: none as long as
    /// one more is allowed.
    pub fn left_after(&self, now: Duration, starts: &[Duration]) -> Option<Duration> {
        let left = self.left(now)?;
        // Not all are written down if the last one is not.
        if starts.last().is_none_or(|last| Some(*last) < self.last_start) {
            return Some(left);
        }
        let counts = |start: &&Duration| **start + self.interval > now;
        let recent: Vec<&Duration> = starts.iter().filter(counts).collect();
        let first_to_go = recent.len().checked_sub(self.burst)?;
        let over = **recent.get(first_to_go)? + self.interval;
        over.checked_sub(now).map(|until| until.min(left))
    }
}

/// The starts of all units, as the manager has written them to the journal.
#[derive(Debug, Default)]
pub struct Starts(BTreeMap<String, Vec<Duration>>);

impl Starts {
    /// Reads what `journalctl --output=json` printed.
    pub fn parse(log: &str) -> Self {
        #[derive(serde::Deserialize)]
        struct Entry {
            #[serde(rename = "UNIT")]
            unit: String,
            #[serde(rename = "__MONOTONIC_TIMESTAMP")]
            at: String,
        }
        let mut starts = Self::default();
        for entry in log.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok()) {
            if let Ok(at) = entry.at.parse() {
                starts.0.entry(entry.unit).or_default().push(Duration::from_micros(at));
            }
        }
        starts
    }

    /// Those of a unit.
    pub fn of(&self, unit: &str) -> &[Duration] {
        self.0.get(unit).map_or(&[], Vec::as_slice)
    }
}

/// The time since the boot, as the manager reads it.
pub fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default()
}

/// What `systemctl` prints as a time span: `10s`, `1min 30s`, `1.500s` (`systemd.time(7)`). No
/// end (`infinity`) is a thousand years.
pub fn timespan(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 9] = [
        ("y", 31_557_600.0),
        ("month", 2_629_800.0),
        ("w", 604_800.0),
        ("d", 86_400.0),
        ("h", 3600.0),
        ("min", 60.0),
        ("s", 1.0),
        ("ms", 1e-3),
        ("us", 1e-6),
    ];
    if text == "infinity" {
        return Some(Duration::from_secs(1000 * 31_557_600));
    }
    let part = |part: &str| {
        let digits = part.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(part.len());
        let (number, unit) = part.split_at(digits);
        let seconds = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, seconds)| *seconds);
        Some(number.parse::<f64>().ok()? * if part == "0" { 1.0 } else { seconds? })
    };
    let seconds: Option<f64> = text.split_whitespace().map(part).sum();
    Duration::try_from_secs_f64(seconds?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn time_spans_of_systemctl_are_read() {
        for (text, milliseconds) in [
            ("10s", 10_000),
            ("1min 30s", 90_000),
            ("1h", 3_600_000),
            ("2d 3h 4min 5s", 183_845_000),
            ("1.500s", 1500),
            ("250ms", 250),
            ("16min 40s", 1_000_000),
            ("0", 0),
        ] {
            assert_eq!(timespan(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        assert!(timespan("infinity").is_some_and(|span| span > Duration::from_secs(1 << 34)));
        assert_eq!((timespan("x"), timespan("5 apples"), timespan("-1s")), (None, None, None));
    }

    #[test]
    fn starts_count_as_long_as_the_interval_after_the_last_one() {
        cases::each("managers/systemctl_start_limit", |case| {
            let limit = StartLimit::of(case.input("stdout"));
            let left = |now: &str| {
                let now = Duration::from_secs(now.parse().expect("seconds"));
                limit.left(now).map(|left| left.as_secs_f64())
            };
            case.input("now").lines().map(|now| (now.to_owned(), json!(left(now)))).collect()
        });
        assert!(now() > Duration::ZERO);
    }

    #[test]
    fn one_more_start_is_allowed_below_the_burst() {
        cases::each("managers/journalctl_starts", |case| {
            let starts = Starts::parse(case.input("stdout"));
            // `5 101 a.service`: the burst within 10 s, the time, the unit.
            let left = |question: &str| {
                let mut words = question.split(' ');
                let mut next = || words.next().expect("three words");
                let limit = StartLimit::parse(Some("10s"), Some(next()), Some("100000000"));
                let now = Duration::from_secs(next().parse().expect("seconds"));
                limit.left_after(now, starts.of(next())).map(|left| left.as_secs_f64())
            };
            let questions = case.input("questions").lines();
            let at =
                |starts: &Vec<Duration>| starts.iter().map(Duration::as_micros).collect::<Vec<_>>();
            json!({
                "starts": starts.0.iter().map(|one| (one.0, at(one.1))).collect::<BTreeMap<_, _>>(),
                "left": questions.map(|one| (one, left(one))).collect::<BTreeMap<_, _>>(),
            })
        });
    }
}
