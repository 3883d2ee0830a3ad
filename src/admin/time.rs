//! A moment as `journalctl --since` takes one (systemd.time(7)), in UTC as the records are.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// What is said of the forms.
pub const FORMS: &str = "write it as for journalctl: 2026-11-21, '2026-11-21 19:30', 2026-11-21T19:30:00Z, 19:30, today, \
                         yesterday, '2 hours ago', -2h, 2h or @1795289400; without a zone it is in UTC, like the records";

/// Reads a moment; none if it is not one. Beyond systemd.time(7), a span alone (`2h`) is so
/// long ago.
pub fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        return Timestamp::UNIX_EPOCH.checked_add(number(seconds)?).ok();
    }
    if text == "now" {
        return Some(now);
    }
    if let Some(later) = text.strip_prefix('+').or_else(|| text.strip_suffix(" left")) {
        return now.checked_add(span(later)?).ok();
    }
    if let Some(ago) = text.strip_prefix('-').or_else(|| text.strip_suffix(" ago")) {
        return now.checked_sub(span(ago)?).ok();
    }
    // The form of the records themselves, and what other programs write of a moment.
    if let Ok(stamp) = text.parse() {
        return Some(stamp);
    }
    let is_bare = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    calendar(text, now).or_else(|| {
        let ago = if is_bare { None } else { span(text) };
        now.checked_sub(ago?).ok()
    })
}

/// `[WEEKDAY[,]] [DATE] [TIME] [ZONE]`, or a day by its word.
fn calendar(text: &str, now: Timestamp) -> Option<Timestamp> {
    let mut words: Vec<&str> = text.split_ascii_whitespace().collect();
    let zone = match words.last().and_then(|word| zone(word)) {
        Some(zone) => {
            words.pop();
            zone
        }
        None => TimeZone::UTC,
    };
    let today = now.to_zoned(zone.clone()).date();
    let named = words.first().and_then(|word| weekday(word));
    if named.is_some() {
        words.remove(0);
    }
    let (date, time) = match words[..] {
        ["today"] => (today, Time::midnight()),
        ["yesterday"] => (today.yesterday().ok()?, Time::midnight()),
        ["tomorrow"] => (today.tomorrow().ok()?, Time::midnight()),
        [date, time] => (self::date(date)?, self::time(time)?),
        [word] => match (word.split_once('T'), self::date(word)) {
            (Some((date, time)), _) => (self::date(date)?, self::time(time)?),
            (None, Some(date)) => (date, Time::midnight()),
            (None, None) => (today, self::time(word)?),
        },
        _ => return None,
    };
    if named.is_some_and(|weekday| weekday != date.weekday()) {
        return None;
    }
    Some(date.to_datetime(time).to_zoned(zone).ok()?.timestamp())
}

fn weekday(word: &str) -> Option<Weekday> {
    const NAMES: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let word = word.trim_end_matches(',').to_ascii_lowercase();
    NAMES.iter().find(|(name, _)| word == *name || word == name[..3]).map(|(_, day)| *day)
}

/// `2026-11-21`, `26-11-21`.
fn date(word: &str) -> Option<Date> {
    let [year, month, day] = digits(word, '-')?[..] else { return None };
    // Of two digits the years up to 68 are of this century (strptime(3)).
    let year = match year {
        0..=68 => year + 2000,
        69..=99 => year + 1900,
        year => year,
    };
    Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// `19:30`, `19:30:05`, `19:30:05.25`.
fn time(word: &str) -> Option<Time> {
    let (whole, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let (hour, minute, second) = match digits(whole, ':')?[..] {
        [hour, minute] if whole == word => (hour, minute, 0),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let nanoseconds = number(&format!("0.{fraction}"))?.subsec_nanos();
    let part = |value: u32| i8::try_from(value).ok();
    Time::new(part(hour)?, part(minute)?, part(second)?, nanoseconds).ok()
}

fn digits(word: &str, separator: char) -> Option<Vec<u32>> {
    word.split(separator)
        .map(|part| {
            let is_number =
                (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            if is_number { part.parse().ok() } else { None }
        })
        .collect()
}

/// `UTC`, `Z`, `+02:00`.
fn zone(word: &str) -> Option<TimeZone> {
    if word == "UTC" || word == "Z" {
        return Some(TimeZone::UTC);
    }
    let rest = word.strip_prefix(['+', '-'])?;
    let (hours, minutes) = match digits(rest, ':')?[..] {
        [hours, minutes] => (hours, minutes),
        [both] if rest.len() == 4 => (both / 100, both % 100),
        [hours] if rest.len() == 2 => (hours, 0),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    let seconds = if word.starts_with('-') { -seconds } else { seconds };
    Some(TimeZone::fixed(Offset::from_seconds(seconds).ok()?))
}

/// A number of seconds, to the nanosecond.
fn number(text: &str) -> Option<SignedDuration> {
    scaled(text, 1_000_000_000)
}

/// So many times a unit, which is in nanoseconds.
fn scaled(text: &str, unit: i128) -> Option<SignedDuration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 15 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(9)];
    let mut nanoseconds = whole.parse::<i128>().ok()? * unit;
    if !fraction.is_empty() {
        let of = 10_i128.pow(fraction.len().try_into().ok()?);
        nanoseconds += fraction.parse::<i128>().ok()? * unit / of;
    }
    let seconds = i64::try_from(nanoseconds / 1_000_000_000).ok()?;
    Some(SignedDuration::new(seconds, (nanoseconds % 1_000_000_000) as i32))
}

/// The units of systemd.time(7), in nanoseconds.
const UNITS: [(&[&str], i128); 9] = [
    (&["usec", "us", "µs", "μs"], 1_000),
    (&["msec", "ms"], 1_000_000),
    (&["seconds", "second", "sec", "s", ""], 1_000_000_000),
    (&["minutes", "minute", "min", "m"], 60_000_000_000),
    (&["hours", "hour", "hr", "h"], 3_600_000_000_000),
    (&["days", "day", "d"], 86_400_000_000_000),
    (&["weeks", "week", "w"], 604_800_000_000_000),
    (&["months", "month", "M"], 2_629_800_000_000_000),
    (&["years", "year", "y"], 31_557_600_000_000_000),
];

/// `2h`, `1 day 12 hours`, `1h30min`, `1.5h`; without a unit it is in seconds.
pub fn span(text: &str) -> Option<SignedDuration> {
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return None;
    }
    let mut sum = SignedDuration::ZERO;
    while !rest.is_empty() {
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let (count, after) = rest.split_at(rest.find(|c| !is_digit(c)).unwrap_or(rest.len()));
        let after = after.trim_start();
        let is_letter = |c: char| c.is_alphabetic();
        let (unit, after) = after.split_at(after.find(|c| !is_letter(c)).unwrap_or(after.len()));
        let (_, unit) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
        sum = sum.checked_add(scaled(count, *unit)?)?;
        rest = after.trim_start();
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Saturday.
    const NOW: &str = "2026-11-28T09:30:00Z";

    #[test]
    fn a_moment_is_what_journalctl_takes_it_for() {
        let now = NOW.parse().expect("now");
        for (text, expected) in [
            ("now", NOW),
            ("today", "2026-11-28T00:00:00Z"),
            ("yesterday", "2026-11-27T00:00:00Z"),
            ("tomorrow", "2026-11-29T00:00:00Z"),
            ("today UTC", "2026-11-28T00:00:00Z"),
            ("2 hours ago", "2026-11-28T07:30:00Z"),
            ("2h ago", "2026-11-28T07:30:00Z"),
            ("1h30min ago", "2026-11-28T08:00:00Z"),
            ("1 day 12 hours ago", "2026-11-26T21:30:00Z"),
            ("1.5h ago", "2026-11-28T08:00:00Z"),
            ("1 month ago", "2026-10-28T23:00:00Z"),
            ("30 ago", "2026-11-28T09:29:30Z"),
            ("-2h", "2026-11-28T07:30:00Z"),
            ("-60min", "2026-11-28T08:30:00Z"),
            ("-5", "2026-11-28T09:29:55Z"),
            ("+1h", "2026-11-28T10:30:00Z"),
            ("1h left", "2026-11-28T10:30:00Z"),
            // Alone it was so long ago before this took more.
            ("90m", "2026-11-28T08:00:00Z"),
            ("7d", "2026-11-21T09:30:00Z"),
            ("1w", "2026-11-21T09:30:00Z"),
            ("@1795858200", NOW),
            ("@1795858200.5", "2026-11-28T09:30:00.5Z"),
            ("@0", "1970-01-01T00:00:00Z"),
            ("2026-11-22", "2026-11-22T00:00:00Z"),
            ("26-11-22", "2026-11-22T00:00:00Z"),
            ("2026-11-22 10:00", "2026-11-22T10:00:00Z"),
            ("2026-11-22 10:00:30.25", "2026-11-22T10:00:30.25Z"),
            ("2026-11-22 10:00:30Z", "2026-11-22T10:00:30Z"),
            ("2026-11-22T10:00:30", "2026-11-22T10:00:30Z"),
            ("2026-11-22T10:00:00+02:00", "2026-11-22T08:00:00Z"),
            ("2026-11-22 10:00 UTC", "2026-11-22T10:00:00Z"),
            ("2026-11-22 10:00 +02:00", "2026-11-22T08:00:00Z"),
            ("Sun 2026-11-22", "2026-11-22T00:00:00Z"),
            ("Thu 2026-11-26", "2026-11-26T00:00:00Z"),
            ("2026-11-22T10:00:30 UTC", "2026-11-22T10:00:30Z"),
            ("Sunday, 2026-11-22 10:00", "2026-11-22T10:00:00Z"),
            ("10:00", "2026-11-28T10:00:00Z"),
            ("08:15:30", "2026-11-28T08:15:30Z"),
        ] {
            let expected: Timestamp = expected.parse().expect("a time");
            assert_eq!(moment(text, now), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        let now = NOW.parse().expect("now");
        for text in [
            "",
            " ",
            "5",
            "1.5",
            "yesterday-ish",
            "ago",
            "2 ago hours",
            "h ago",
            "2h agoo",
            "2 fortnights ago",
            "Mon 2026-11-22",
            "Sun",
            "2026-11-22 10",
            "2026-13-01",
            "2026-02-30",
            "25:00",
            "10:60",
            "@",
            "@x",
            "today 10:00",
            "--until",
            "-",
            "+",
            "- 2h ago",
            "-2h ago",
            "2026-11-22 10:00 Mars/Olympus",
            "999999999999999999y ago",
            "99999999y ago",
            "@999999999999999",
            "1..5h ago",
            "2026-11-22 10:00.5",
        ] {
            assert_eq!(moment(text, now), None, "{text}");
        }
    }
}
