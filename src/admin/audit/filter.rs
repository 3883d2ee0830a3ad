//! Which records are meant, and the records of all files that are.

use crate::admin::answer::{Answer, Failure};
use crate::admin::audit::archive::identity::Identity;
use crate::admin::audit::rows::operation_of;
use crate::admin::time;
use crate::audit::files::{self, FILE, LogFile};
use crate::audit::head;
use crate::audit::verify::Unread;
use crate::cli::AuditFilter;
use crate::output::text::{counted, one_line};
use crate::request::code::{Code, Refusal};
use jiff::Timestamp;
use serde_json::Value;
use std::cell::RefCell;
use std::io::{self, BufRead};

/// What is said of files that were not read, since they are encrypted: one sentence for those that follow each
/// other.
pub fn left_out(unread: &[Unread]) -> Vec<String> {
    let follows = |before: &Unread, next: &Unread| before.last.checked_add(1) == next.first;
    let warning = |files: &[Unread]| {
        let [begin, .., end] = files else { return one_left_out(&files[0], &files[0].file) };
        let place =
            format!("{} and {} more files, until {}", begin.file, files.len() - 1, end.file);
        one_left_out(&Unread { last: end.last, ..begin.clone() }, &place)
    };
    unread.chunk_by(follows).map(warning).collect()
}

fn one_left_out(unread: &Unread, place: &str) -> String {
    let which = match unread.first {
        Some(first) if first == unread.last => format!("record {first} is"),
        Some(first) => format!("the records {first} to {} are", unread.last),
        None => format!("the records up to {} are", unread.last),
    };
    format!("{which} encrypted, in {place}: --identity FILE reads them")
}

/// Calls `with` for each record that the filter lets through, oldest first.
pub fn each(filter: &Filter<'_>, mut with: impl FnMut(Value)) -> Result<(), Failure> {
    every(filter, |_, record| {
        if let Some(record) = record {
            with(record);
        }
    })
}

/// Calls `with` for every line, oldest first, with its record if the filter lets it through.
pub fn every(
    filter: &Filter<'_>,
    mut with: impl FnMut(&[u8], Option<Value>),
) -> Result<(), Failure> {
    let files = files::all().map_err(|error| unreadable(&error))?;
    if files.is_empty() {
        return Err(missing());
    }
    let mut last = None;
    for file in files {
        let with = &mut |line: &[u8], record: Option<Value>| {
            last = last_of(line).or(last);
            with(line, record);
        };
        let is_read = read(&file, filter, with).map_err(|error| unreadable(&error))?;
        if !is_read && let Some(unread) = Unread::of(&file, last) {
            last = Some(unread.last);
            filter.unread.borrow_mut().push(unread);
        }
    }
    Ok(())
}

/// The number of a record, as it stands at the beginning of its line.
fn last_of(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

/// Reads one file; gives whether it could be, since nothing decrypts it.
fn read(
    file: &LogFile,
    filter: &Filter<'_>,
    with: &mut impl FnMut(&[u8], Option<Value>),
) -> io::Result<bool> {
    let decrypt = filter.identity.as_ref().map(Identity::decrypts);
    let Some(mut reader) = file.open_with(decrypt.as_deref())? else { return Ok(false) };
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        // Looking for a word in the text first: parsing a million records takes seconds.
        let record = if filter.may_hold(&line) { serde_json::from_slice(&line).ok() } else { None };
        with(&line, record.filter(|record| filter.takes(record, &line)));
        line.clear();
    }
    Ok(true)
}

/// A filter with its times read.
pub struct Filter<'f> {
    given: &'f AuditFilter,
    since: Option<String>,
    until: Option<String>,
    identity: Option<Identity>,
    /// The files that were not read.
    unread: RefCell<Vec<Unread>>,
}

impl<'f> Filter<'f> {
    pub fn of(given: &'f AuditFilter) -> Result<Self, Failure> {
        let now = Timestamp::now();
        let read =
            |text: &Option<String>| text.as_deref().map(|text| moment(text, now)).transpose();
        let wrong = |what: String| Refusal::new(Code::Usage, what).hint(time::FORMS);
        let (since, until) = (read(&given.since)?, read(&given.until)?);
        // Either would find nothing, which looks as if nothing had happened.
        if let Some(since) = since.filter(|since| *since > now) {
            return Err(wrong(format!("--since {since:.0} is in the future")).into());
        }
        if let (Some(since), Some(until)) = (since, until)
            && until < since
        {
            return Err(wrong(format!("--until {until:.0} is before --since {since:.0}")).into());
        }
        let text = |stamp: Option<Timestamp>| stamp.map(|stamp| format!("{stamp:.6}"));
        let identity = given.identity.as_deref().map(Identity::read).transpose()?;
        let unread = RefCell::default();
        Ok(Self { given, since: text(since), until: text(until), identity, unread })
    }

    /// The first moment that is meant, and the first that no longer is, as records have them.
    pub fn times(self) -> (Option<String>, Option<String>) {
        (self.since, self.until)
    }

    /// Says which times were meant, and which files were not read.
    pub fn window(&self, answer: Answer) -> Answer {
        let times = [("since", &self.since), ("until", &self.until)];
        let answer = times.into_iter().fold(answer, |answer, (key, time)| match time {
            Some(time) => answer.with(key, time),
            None => answer,
        });
        let unread = self.unread.borrow();
        answer.with("encrypted", &*unread).warned(left_out(&unread))
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let given = self.given;
        [&given.user, &given.agent, &given.code, &given.name, &given.text]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// Whether the line could be one: cheap, and never wrong about a no.
    fn may_hold(&self, line: &[u8]) -> bool {
        let line = String::from_utf8_lossy(line);
        self.words().all(|word| line.contains(word) || word.contains(['"', '\\']))
    }

    fn takes(&self, record: &Value, line: &[u8]) -> bool {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or("");
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == found)
        };
        let given = self.given;
        let name = text("/operation/name");
        // Records are in UTC with six digits, so that their order is that of their text.
        is(&given.user, text("/caller/user"))
            && is(&given.agent, text("/caller/agent"))
            && is(&given.code, text("/code"))
            && is(&given.event, text("/event"))
            && given.operation.as_deref().is_none_or(|wanted| {
                operation_of(record).is_some_and(|operation| {
                    operation == wanted || operation.starts_with(&format!("{wanted} "))
                })
            })
            && given.name.as_deref().is_none_or(|wanted| {
                name == wanted || name.strip_suffix(".service") == Some(wanted)
            })
            && given
                .text
                .as_deref()
                .is_none_or(|wanted| String::from_utf8_lossy(line).contains(wanted))
            && self.since.as_deref().is_none_or(|since| text("/time") >= since)
            && self.until.as_deref().is_none_or(|until| text("/time") < until)
    }
}

/// Reads a moment that a filter is given.
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    time::moment(text, now).ok_or_else(|| {
        let what = format!("{} is not a time", one_line(text, 60));
        Refusal::new(Code::Usage, what).hint(time::FORMS).into()
    })
}

pub fn unreadable(error: &io::Error) -> Failure {
    let code = match error.kind() {
        io::ErrorKind::NotFound => return missing(),
        io::ErrorKind::PermissionDenied => Code::NotPrivileged,
        _ => Code::CommandFailed,
    };
    let refusal = Refusal::new(code, format!("the audit log {FILE} cannot be read: {error}"));
    Failure::of(match code {
        Code::NotPrivileged => refusal.hint("root and the group adm may read it"),
        _ => refusal,
    })
}
/// There is no log: what that means depends on whether there was one.
pub fn missing() -> Failure {
    let hint = match head::kept() {
        Some(head) => {
            format!("{KEPT} has {}: sm audit verify", counted(head.link.seq, "record"))
        }
        None => "the first request creates it".to_owned(),
    };
    Failure::of(
        Refusal::new(Code::CommandFailed, format!("there is no audit log {FILE}")).hint(hint),
    )
}

/// Where the last link is kept apart from the log, as it is called here.
pub const KEPT: &str = "/var/lib/sm";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_follow_each_other_are_named_once() {
        let file = |first: Option<u64>, last: u64| Unread { file: format!("f{last}"), first, last };
        let said =
            left_out(&[file(None, 3), file(Some(4), 9), file(Some(10), 12), file(Some(20), 20)]);
        let expected = [
            "the records up to 12 are encrypted, in f3 and 2 more files, until f12: --identity FILE reads them",
            "record 20 is encrypted, in f20: --identity FILE reads them",
        ];
        assert_eq!(said, expected);
        assert!(left_out(&[]).is_empty());
    }
}
