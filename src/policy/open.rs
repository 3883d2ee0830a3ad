//! Whether something is allowed now: `not_before`, `not_after` and `window` in a policy.

use crate::policy::model::{Policy, When};
use crate::policy::window::Window;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// Why it is not allowed now.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed {
    /// What follows `is allowed`: `only from … on`.
    pub only: String,
    /// In how many seconds it begins, where that is known.
    pub begins_in: Option<u64>,
}

/// What keeps it from being allowed at this moment, in seconds since 1970. A zone that this host does not
/// know opens nothing.
pub fn closed(policy: &Policy<'_>, when: &When, now: i64) -> Option<Closed> {
    let until = |at: i64| u64::try_from(at.saturating_sub(now)).ok();
    if now >= when.not_after {
        return Some(Closed {
            only: format!("only before {}", shown(when.not_after)),
            begins_in: None,
        });
    }
    if now < when.not_before {
        let only = format!("only from {} on", shown(when.not_before));
        return Some(Closed { only, begins_in: until(when.not_before) });
    }
    let text = policy.text_of(when.window);
    if text.is_empty() {
        return None;
    }
    let next = Window::read(text).and_then(|window| next(&window, now));
    match next {
        Ok(None) => None,
        Ok(Some(begins)) if begins < when.not_after => {
            Some(Closed { only: format!("only in the window {text}"), begins_in: until(begins) })
        }
        Ok(Some(_)) => Some(Closed { only: format!("only in the window {text}"), begins_in: None }),
        Err(wrong) => Some(Closed {
            only: format!("only in the window {text}, and {wrong}"),
            begins_in: None,
        }),
    }
}

fn shown(at: i64) -> String {
    Timestamp::from_second(at).unwrap_or_default().to_string()
}

/// When the window begins next; none if it is open.
fn next(window: &Window<'_>, now: i64) -> Result<Option<i64>, String> {
    let unknown = |_| format!("this host does not know the time zone {}", window.zone);
    let zone = TimeZone::get(window.zone).map_err(unknown)?;
    let wrong = |error: jiff::Error| format!("it cannot be told when that is: {error}");
    let now = Timestamp::from_second(now).map_err(wrong)?;
    let today = now.to_zoned(zone.clone()).date();
    // It may have begun yesterday, and each of its days comes within a week.
    for more in -1..=8 {
        let day = today.checked_add(more.days()).map_err(wrong)?;
        let number = u8::try_from(day.weekday().to_monday_zero_offset()).unwrap_or_default();
        if !window.begins_on(number) {
            continue;
        }
        let (hour, minute) = ((window.from / 60) as i8, (window.from % 60) as i8);
        let time = Time::new(hour, minute, 0, 0).map_err(wrong)?;
        // By the clock on the wall, on the days too when that is changed.
        let begins: Zoned = day.to_datetime(time).to_zoned(zone.clone()).map_err(wrong)?;
        let ends = day
            .to_datetime(time)
            .checked_add(i64::from(window.minutes).minutes())
            .map_err(wrong)?;
        let ends = ends.to_zoned(zone.clone()).map_err(wrong)?;
        if now < ends.timestamp() {
            let is_open = begins.timestamp() <= now;
            return Ok((!is_open).then(|| begins.timestamp().as_second()));
        }
    }
    Err("it never begins".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::model::Limits;
    use crate::policy::parse::{Parsed, parse};

    fn policy(rest: &str) -> Parsed {
        let text = format!(
            "schema = 1\n[services]\nactions = [\"restart\"]\n[services.units.nginx]\n{rest}\n"
        );
        parse("x", &text, Limits::USUAL).unwrap_or_else(|error| panic!("{rest}: {error}"))
    }

    /// Whether it is open at this moment, and else in how many seconds it opens.
    fn at(rest: &str, moment: &str) -> Result<(), Option<u64>> {
        let parsed = policy(rest);
        let policy = parsed.policy();
        let when = policy.unit("nginx.service").expect("a rule").when;
        let now: Timestamp = moment.parse().expect("a moment");
        closed(&policy, &when, now.as_second()).map_or(Ok(()), |closed| Err(closed.begins_in))
    }

    #[test]
    fn it_is_open_between_its_moments() {
        let both = "not_before = 2026-11-29T10:00:00+01:00\nnot_after = \"2026-11-29T10:00:00Z\"";
        assert_eq!(at(both, "2026-11-29T08:59:59Z"), Err(Some(1)));
        assert_eq!(at(both, "2026-11-29T09:00:00Z"), Ok(()));
        assert_eq!(at(both, "2026-11-29T09:59:59Z"), Ok(()));
        assert_eq!(at(both, "2026-11-29T10:00:00Z"), Err(None));
        assert_eq!(at("", "2026-11-29T10:00:00Z"), Ok(()));
    }

    #[test]
    fn it_is_open_in_its_window_by_the_clock_on_the_wall() {
        // A Friday in winter, one hour before UTC.
        let office = "window = \"Mon..Fri 09:00-17:00 Europe/Berlin\"";
        assert_eq!(at(office, "2026-11-27T07:59:59Z"), Err(Some(1)));
        assert_eq!(at(office, "2026-11-27T08:00:00Z"), Ok(()));
        assert_eq!(at(office, "2026-11-27T15:59:59Z"), Ok(()));
        // Until Monday.
        assert_eq!(at(office, "2026-11-27T16:00:00Z"), Err(Some(64 * 3600)));
        // In summer it is two.
        assert_eq!(at(office, "2026-07-03T07:00:00Z"), Ok(()));
        assert_eq!(at(office, "2026-07-03T15:00:00Z"), Err(Some(64 * 3600)));
        // Over midnight, on the day that it began.
        let night = "window = \"Sat 22:00-04:00\"";
        assert_eq!(at(night, "2026-11-29T03:59:59Z"), Ok(()));
        assert_eq!(at(night, "2026-11-29T04:00:00Z"), Err(Some(6 * 86_400 + 18 * 3600)));
        assert_eq!(at(night, "2026-11-29T22:00:00Z"), Err(Some(6 * 86_400)));
        assert_eq!(at("window = \"00:00-24:00\"", "2026-11-29T00:00:00Z"), Ok(()));
        // What this host does not know opens nothing, and what begins too late never does.
        assert_eq!(at("window = \"09:00-17:00 Nowhere/City\"", "2026-11-27T10:00:00Z"), Err(None));
        let last = format!("{office}\nnot_after = 2026-11-29T00:00:00Z");
        assert_eq!(at(&last, "2026-11-28T12:00:00Z"), Err(None));
    }

    #[test]
    fn what_is_no_moment_and_no_window_is_a_mistake() {
        for rest in [
            "not_before = 2026-11-29T10:00:00",
            "not_before = 2026-11-29",
            "not_before = \"tomorrow\"",
            "not_before = 1",
            "not_after = \"2026-13-29T10:00:00Z\"",
            "window = \"always\"",
            "window = 9",
            "not_before = 2026-11-29T10:00:00Z\nnot_after = 2026-11-29T10:00:00Z",
        ] {
            let text = format!(
                "schema = 1\n[services]\nactions = [\"restart\"]\n[services.units.nginx]\n{rest}\n"
            );
            assert!(parse("x", &text, Limits::USUAL).is_err(), "{rest}");
        }
    }
}
