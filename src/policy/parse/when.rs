//! `not_before`, `not_after`, `window`: when something is allowed.

use crate::policy::model::{Span, When};
use crate::policy::parsed::Parsed;
use crate::policy::table::{PolicyError, Source, Table};
use crate::policy::window::Window;
use toml::Spanned;
use toml::de::DeValue;
use toml::value::{Datetime, Offset};

impl Parsed {
    /// When what this table is about is allowed.
    pub(super) fn when(&mut self, source: &Source<'_>, table: &Table<'_>) -> When {
        let moment = |key: &str| {
            let value = table.optional(key)?;
            source.note(moment(source, value))
        };
        let not_before = moment("not_before").unwrap_or(When::ALWAYS.not_before);
        let not_after = moment("not_after").unwrap_or(When::ALWAYS.not_after);
        if not_before >= not_after
            && let Some(value) = table.optional("not_after")
        {
            let wrong = "this is not after not_before".to_owned();
            source.note::<()>(Err(source.error(value.span(), wrong, None)));
        }
        let window = table.optional("window").and_then(|value| {
            source.note(source.string(value).and_then(|text| {
                let hint = "for example: window = \"Mon..Fri 09:00-17:00 Europe/Berlin\"";
                let wrong = |wrong| source.error(value.span(), wrong, Some(hint.to_owned()));
                Window::read(text).map_err(wrong).map(|_| text)
            }))
        });
        let window = window.map_or(Span::NONE, |text| self.strings.add(text));
        When { not_before, not_after, window }
    }
}

/// A moment with its zone, in quotes or not: seconds since 1970.
fn moment(source: &Source<'_>, value: &Spanned<DeValue<'_>>) -> Result<i64, PolicyError> {
    let wrong = || {
        let hint = "write it with a zone: 2026-12-01T17:00:00Z or 2026-12-01T18:00:00+01:00";
        let text = "a moment is needed here".to_owned();
        source.error(value.span(), text, Some(hint.to_owned()))
    };
    let read: Datetime = match value.get_ref() {
        DeValue::Datetime(read) => *read,
        DeValue::String(text) => text.parse().map_err(|_| wrong())?,
        _ => return Err(wrong()),
    };
    let (Some(date), Some(time), Some(offset)) = (read.date, read.time, read.offset) else {
        return Err(wrong());
    };
    let minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let days = days(date.year.into(), date.month.into(), date.day.into());
    let seconds = i64::from(time.hour) * 3600 + i64::from(time.minute) * 60;
    Ok(days * 86_400 + seconds + i64::from(time.second.unwrap_or(0)) - minutes * 60)
}

/// The days from 1970-01-01 to this one of the Gregorian calendar: years are counted from March, so that
/// the day that some have more is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
        - 719_468
}
