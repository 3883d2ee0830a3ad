//! Which records are meant, and the records of all files that are.

use crate::admin::answer::{self, Failure};
use crate::admin::audit::archive::identity::{Identity, NotDecrypted};
use crate::admin::audit::rows::operation_of;
use crate::admin::time;
use crate::audit::files::{self, FILE, LogFile};
use crate::audit::head;
use crate::audit::verify::Unread;
use crate::cli::AuditFilter;
use crate::output::text::{counted, one_line};
use crate::request::code::{Code, Refusal};
use jiff::Timestamp;
use memchr::{memchr, memmem};
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
    let files = files::all().map_err(|error| unreadable(&error))?;
    if files.is_empty() {
        return Err(missing());
    }
    for at in 0..files.len() {
        read(&files, at, filter, &mut |_, record| record.into_iter().for_each(&mut with))
            .map_err(|error| unreadable(&error))?;
    }
    Ok(())
}

/// Calls `with` for every line of the file of this number, oldest first, with its record if the filter
/// lets it through. One that nothing decrypts is noted.
///
/// # Errors
/// If it cannot be read.
pub fn read(
    files: &[LogFile],
    at: usize,
    filter: &Filter<'_>,
    with: &mut impl FnMut(&[u8], Option<Value>),
) -> io::Result<()> {
    let Some(file) = files.get(at) else { return Ok(()) };
    let decrypt = filter.identity.as_ref().map(Identity::decrypts);
    let Some(mut reader) = file.open_with(decrypt.as_deref())? else {
        filter.passes_by(file, at.checked_sub(1).and_then(|before| files.get(before)));
        return Ok(());
    };
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        with(&line, filter.record(&line));
        line.clear();
    }
    Ok(())
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
    pub fn window(&self, answer: answer::Answer) -> answer::Answer {
        let times = [("since", &self.since), ("until", &self.until)];
        let answer = times.into_iter().fold(answer, |answer, (key, time)| match time {
            Some(time) => answer.with(key, time),
            None => answer,
        });
        let unread = self.unread.borrow();
        answer.with("encrypted", &*unread).warned(left_out(&unread))
    }

    /// Notes that a file was not read; `before` is the one that it follows.
    fn passes_by(&self, file: &LogFile, before: Option<&LogFile>) {
        let last = before
            .and_then(|before| before.encrypted_until().or_else(|| Some(before.last().ok()??.seq)));
        let mut all = self.unread.borrow_mut();
        if let Some(unread) = Unread::of(file, last).filter(|unread| !all.contains(unread)) {
            all.push(unread);
        }
    }

    /// What of the filter has to be in the text of a record.
    fn words(&self) -> impl Iterator<Item = &str> {
        let given = self.given;
        [&given.user, &given.agent, &given.code, &given.name, &given.text, &given.id]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// Whether the line could be one: cheap, and never wrong about a no.
    fn may_hold(&self, line: &[u8]) -> bool {
        self.words().all(|word| {
            // Either of them may be written in another way.
            memmem::find(line, word.as_bytes()).is_some()
                || memchr(b'\\', line).is_some()
                || word.contains(['"', '\\'])
        })
    }

    fn takes(&self, record: &Value, line: &[u8]) -> bool {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or("");
        // Records are in UTC with six digits, so that their order is that of their text.
        self.takes_facts(text("/caller/user"), text("/event"), text("/code"))
            && self.given.agent.as_deref().is_none_or(|wanted| text("/caller/agent") == wanted)
            && self.takes_operation(|| operation_of(record), text("/operation/name"))
            && self.given.id.as_deref().is_none_or(|wanted| text("/request_id").ends_with(wanted))
            && self
                .given
                .text
                .as_deref()
                .is_none_or(|wanted| memmem::find(line, wanted.as_bytes()).is_some())
            && self.since.as_deref().is_none_or(|since| text("/time") >= since)
            && self.until.as_deref().is_none_or(|until| text("/time") < until)
    }

    /// Whether a record of this account, event and code is one, as far as these say.
    pub fn takes_facts(&self, user: &str, event: &str, code: &str) -> bool {
        let given = self.given;
        [(&given.user, user), (&given.event, event), (&given.code, code)]
            .into_iter()
            .all(|(wanted, found)| wanted.as_deref().is_none_or(|wanted| wanted == found))
    }

    /// Whether a record of this operation and with this name in it is one, as far as these say.
    pub fn takes_operation(&self, operation: impl FnOnce() -> Option<String>, name: &str) -> bool {
        let given = self.given;
        given.operation.as_deref().is_none_or(|wanted| {
            operation().is_some_and(|operation| {
                let rest = operation.strip_prefix(wanted);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            })
        }) && given
            .name
            .as_deref()
            .is_none_or(|wanted| name == wanted || name.strip_suffix(".service") == Some(wanted))
    }

    /// Whether it depends on the operation or the name in it.
    pub fn asks_for_an_operation(&self) -> bool {
        self.given.operation.is_some() || self.given.name.is_some()
    }

    /// The end of the request's id that is looked for.
    pub fn id(&self) -> Option<&str> {
        self.given.id.as_deref()
    }

    /// Whether something is looked for that no index has: a text, wherever it stands in a record, or an
    /// agent.
    pub fn asks_for_the_rest(&self) -> bool {
        self.given.text.is_some() || self.given.agent.is_some()
    }

    /// Whether something is looked for that an index has.
    pub fn asks_an_index(&self) -> bool {
        let AuditFilter { user, code, event, operation, name, id, since, until, .. } = self.given;
        [user, code, event, operation, name, id, since, until].iter().any(|given| given.is_some())
    }

    /// The record of a line, if it is looked for.
    pub fn record(&self, line: &[u8]) -> Option<Value> {
        // Looking for a word in the text first: parsing a million records takes seconds.
        let record = if self.may_hold(line) { serde_json::from_slice(line).ok() } else { None };
        record.filter(|record| self.takes(record, line))
    }

    /// Whether records between these times are what is looked for, as far as times say, which are
    /// as [`micros`] has them.
    pub fn answer_between(&self, from: u64, to: u64) -> Answer {
        let (mut is_some, mut is_all) = (true, true);
        for (given, is_since) in [(&self.since, true), (&self.until, false)] {
            let Some(given) = given else { continue };
            match micros(given) {
                None => is_all = false,
                Some(since) if is_since => {
                    is_some &= to >= since;
                    is_all &= from >= since;
                }
                Some(until) => {
                    is_some &= from < until;
                    is_all &= to < until;
                }
            }
        }
        match (is_some, is_all) {
            (false, _) => Answer::No,
            (true, true) => Answer::Yes,
            (true, false) => Answer::Maybe,
        }
    }
}

/// Whether a record is looked for, as far as a part of it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    No,
    Maybe,
    Yes,
}

/// A time as records have it, as a number: the order of the numbers is that of the texts. None if it
/// is written in another way.
pub fn micros(time: &str) -> Option<u64> {
    const FORM: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";
    let text: &[u8; 27] = time.as_bytes().try_into().ok()?;
    let is_one = |(byte, form): (&u8, &u8)| {
        if *form == b'0' { byte.is_ascii_digit() } else { byte == form }
    };
    if !text.iter().zip(FORM).all(is_one) {
        return None;
    }
    let number = |digits: &[u8]| {
        digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    };
    // Where each part stands, and how many bits it takes at most.
    let parts =
        [(0..4, 14), (5..7, 4), (8..10, 5), (11..13, 5), (14..16, 6), (17..19, 6), (20..26, 20)];
    parts.into_iter().try_fold(0, |all, (place, bits)| {
        let part = number(&text[place]);
        (part < 1 << bits).then_some(all << bits | part)
    })
}

/// Reads a moment that a filter is given.
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    time::moment(text, now).ok_or_else(|| {
        let what = format!("{} is not a time", one_line(text, 60));
        Refusal::new(Code::Usage, what).hint(time::FORMS).into()
    })
}

/// What to do about a file that does not decrypt.
const NOT_DECRYPTED: &str = "nothing was changed: give the identity of one of the recipients that it was encrypted to; without --identity, what is not encrypted is read";

/// The log cannot be read.
pub fn unreadable(error: &io::Error) -> Failure {
    let code = match error.kind() {
        io::ErrorKind::NotFound => return missing(),
        io::ErrorKind::PermissionDenied => Code::NotPrivileged,
        _ => Code::CommandFailed,
    };
    let refusal = Refusal::new(code, format!("the audit log {FILE} cannot be read: {error}"));
    let is_encrypted = error.get_ref().is_some_and(|inner| inner.is::<NotDecrypted>());
    Failure::of(match code {
        Code::NotPrivileged => refusal.hint("root and the group adm may read it"),
        _ if is_encrypted => refusal.hint(NOT_DECRYPTED),
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
