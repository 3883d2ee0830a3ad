//! `window`: on which days and at what time something is allowed, as a text: `Mon..Fri 09:00-17:00
//! Europe/Berlin`.

/// The days as they are written, the first one first.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The zone where none is named.
const UTC: &str = "UTC";

/// A day has so many minutes.
pub const DAY: u16 = 24 * 60;

/// A window of each week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window<'w> {
    /// On which days it begins: one bit each, Monday's the lowest.
    pub days: u8,
    /// At which minute of the day it begins.
    pub from: u16,
    /// For how many minutes it is open.
    pub minutes: u16,
    /// The time zone's name.
    pub zone: &'w str,
}

impl<'w> Window<'w> {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &'w str) -> Result<Self, String> {
        let words: Vec<&str> = text.split(' ').collect();
        let (days, rest) = match words.as_slice() {
            [first, rest @ ..] if first.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                (days(first)?, rest)
            }
            all => (0b111_1111, all),
        };
        let (times, zone) = match rest {
            [times] => (times, UTC),
            [times, zone] => (times, *zone),
            _ => return Err("a window is days, a time and a zone".to_owned()),
        };
        let is_zone = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
        if zone.is_empty() || !zone.bytes().all(is_zone) || zone.starts_with('/') {
            return Err(format!("{zone:?} is not the name of a time zone"));
        }
        let (from, to) = times
            .split_once('-')
            .ok_or_else(|| format!("{times:?} is not from when until when"))?;
        let (from, to) = (minute(from)?, minute(to)?);
        if from == to || from == DAY {
            return Err(format!("{times:?} is no time at all"));
        }
        let minutes = if from < to { to - from } else { DAY - from + to };
        Ok(Self { days, from, minutes, zone })
    }

    /// Whether it begins on this day of the week, from 0 for Monday.
    pub fn begins_on(&self, day: u8) -> bool {
        self.days & (1 << day) != 0
    }
}

/// `Mon..Fri`, `Sat,Sun`, `Mon..Wed,Fri`.
fn days(text: &str) -> Result<u8, String> {
    let day = |word: &str| {
        let found = DAYS.iter().position(|day| day.eq_ignore_ascii_case(word));
        found.ok_or_else(|| format!("{word:?} is not a day: there are {}", DAYS.join(", ")))
    };
    let mut all = 0;
    for part in text.split(',') {
        let (first, last) = part.split_once("..").unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        let count = (last + 7 - first) % 7;
        all |= (0..=count).fold(0, |days, more| days | 1 << ((first + more) % 7));
    }
    Ok(all)
}

/// `09:00`, up to `24:00`.
fn minute(text: &str) -> Result<u16, String> {
    let wrong = || format!("{text:?} is not a time of the day: write it as 09:00");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let is_number = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hour) || !is_number(minute) {
        return Err(wrong());
    }
    let (hour, minute): (u16, u16) =
        (hour.parse().map_err(|_| wrong())?, minute.parse().map_err(|_| wrong())?);
    let all = hour * 60 + minute;
    if minute < 60 && all <= DAY { Ok(all) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_times_and_zones_are_read() {
        for (text, days, from, minutes, zone) in [
            ("Mon..Fri 09:00-17:00 Europe/Berlin", 0b001_1111, 540, 480, "Europe/Berlin"),
            ("09:00-17:00", 0b111_1111, 540, 480, "UTC"),
            ("sat,SUN 00:00-24:00", 0b110_0000, 0, 1440, "UTC"),
            ("Fri..Mon 22:00-04:00 America/New_York", 0b111_0001, 1320, 360, "America/New_York"),
            ("Mon..Wed,Fri 23:59-24:00 Etc/GMT+3", 0b001_0111, 1439, 1, "Etc/GMT+3"),
        ] {
            assert_eq!(Window::read(text), Ok(Window { days, from, minutes, zone }), "{text}");
        }
        for text in [
            "",
            "Mon",
            "Mon..Fri",
            "09:00",
            "9:00-17:00",
            "09:00-09:00",
            "09:00-24:01",
            "24:00-01:00",
            "09:60-10:00",
            "Mon..Fry 09:00-17:00",
            "Mon-Fri 09:00-17:00",
            "09:00-17:00 Europe Berlin",
            "09:00-17:00 ../../etc/shadow",
            "09:00-17:00 /etc/localtime",
            "09:00 - 17:00",
            "Mon  09:00-17:00",
        ] {
            assert!(Window::read(text).is_err(), "{text}");
        }
    }
}
