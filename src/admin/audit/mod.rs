//! `sm audit tail | search | stats | verify | setup`: who did what as root, when, why, what came
//! of it, and has anyone touched the record.

pub mod rows;
pub mod setup;
pub mod time;

use crate::admin::answer::{Answer, Failure};
use crate::admin::audit::rows::{Requests, Style, operation_of, rehearsed};
use crate::audit::files::{self, FILE, LogFile};
use crate::audit::head::{self, Head};
use crate::audit::record::Link;
use crate::audit::verify::{self, Found};
use crate::audit::witness::Witness;
use crate::cli::{AuditCommand, AuditFilter};
use crate::output::text::{counted, one_line};
use crate::request::code::{Code, Refusal};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Duration;

/// Where the last link is kept apart from the log, as it is called here.
const KEPT: &str = "/var/lib/sm";

/// Answers one of them.
///
/// # Errors
/// What is wrong, with the exit status that it means.
pub fn run(command: &AuditCommand, json: bool, program: &Path) -> Result<Answer, Failure> {
    match command {
        AuditCommand::Tail { follow, lines, shown } => {
            tail(*lines, *follow, &Style::of(shown, false), json)
        }
        AuditCommand::Search { filter, limit, shown } => {
            // Who looks for intents wants records.
            search(filter, *limit, &Style::of(shown, filter.event.is_some()), json)
        }
        AuditCommand::Stats { filter } => stats(filter),
        AuditCommand::Verify => verify(),
        AuditCommand::Setup => setup::setup(program),
    }
}

fn unreadable(error: &io::Error) -> Failure {
    let code = match error.kind() {
        io::ErrorKind::NotFound => return missing(),
        io::ErrorKind::PermissionDenied => Code::NotPrivileged,
        _ => Code::CommandFailed,
    };
    Failure::of(
        Refusal::new(code, format!("the audit log {FILE} can not be read: {error}"))
            .hint("root and the group adm may read it"),
    )
}

/// There is no log: what that means depends on whether there was one.
fn missing() -> Failure {
    let hint = match head::kept() {
        Some(head) => {
            format!("{KEPT} knows of {}: sm audit verify", counted(head.link.seq, "record"))
        }
        None => "it is made by the first request".to_owned(),
    };
    Failure::of(
        Refusal::new(Code::CommandFailed, format!("there is no audit log {FILE}")).hint(hint),
    )
}

/// The last records, from the end of the log: the time does not grow with it.
fn tail(lines: usize, follow: bool, style: &Style, json: bool) -> Result<Answer, Failure> {
    if lines == 0 && !follow {
        let refusal = Refusal::new(Code::Usage, "-n 0 shows nothing")
            .hint("with -f it shows what is written from now on");
        return Err(refusal.into());
    }
    // A request has one record or two, and a program asks for so many records.
    let is_of_records = json || style.is_of_records();
    let wanted = if is_of_records { lines } else { lines.saturating_mul(2) };
    let shown = |last: &[String]| {
        let records = records(last);
        if is_of_records {
            return records;
        }
        let mut requests = Requests::at_most(lines);
        records.into_iter().for_each(|record| requests.push(record));
        requests.last().0
    };
    let answer = |last: &[String]| {
        let shown = shown(last);
        Answer::text(style.rows(&shown)).with("records", shown)
    };
    let mut file = match std::fs::File::open(FILE) {
        Ok(file) => file,
        // Rotation has just put it aside; or there is none.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !follow => {
            let last =
                files::last_lines_of_all(None, wanted).map_err(|error| unreadable(&error))?;
            return if last.is_empty() { Err(missing()) } else { Ok(answer(&last)) };
        }
        Err(error) => return Err(unreadable(&error)),
    };
    let last =
        files::last_lines_of_all(Some(&mut file), wanted).map_err(|error| unreadable(&error))?;
    if !follow {
        return Ok(answer(&last));
    }
    let print = |line: &str| writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
    let show = |record: &Value| {
        if json { print(&record.to_string()) } else { print(&style.row(record)) }
    };
    // Whoever reads this goes away with a closed pipe or a signal: both end it.
    let heading = style.heading().filter(|_| !json);
    let mut went_well = heading.iter().try_for_each(|heading| print(heading));
    went_well = went_well.and_then(|()| shown(&last).iter().try_for_each(show));
    let mut reader = io::BufReader::new(file);
    let mut next: Option<io::BufReader<std::fs::File>> = None;
    let mut line = Vec::new();
    while went_well.is_ok() {
        if reader.read_until(b'\n', &mut line).map_err(|error| unreadable(&error))? == 0
            || !line.ends_with(b"\n")
        {
            // The old log is read to its end once more after its successor is there: nothing is
            // written to it any longer.
            if let Some(rotated) = next.take() {
                reader = rotated;
                line.clear();
            } else {
                std::thread::sleep(Duration::from_millis(200));
                next = successor(&reader);
            }
            continue;
        }
        // A request is shown when it ends.
        if let Ok(record) = serde_json::from_slice::<Value>(&line)
            && (is_of_records || record["event"] != "intent")
        {
            went_well = show(&record);
        }
        line.clear();
    }
    Ok(Answer::text(""))
}

fn records(lines: &[String]) -> Vec<Value> {
    lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The new log, where rotation put one in the place of the old.
fn successor(reader: &io::BufReader<std::fs::File>) -> Option<io::BufReader<std::fs::File>> {
    use std::os::unix::fs::MetadataExt;
    let now = std::fs::metadata(FILE).ok()?;
    let own = reader.get_ref().metadata().ok()?;
    if now.ino() == own.ino() {
        return None;
    }
    std::fs::File::open(FILE).ok().map(io::BufReader::new)
}

/// Calls `with` for each record that the filter lets through, oldest first.
fn each(filter: &Filter<'_>, mut with: impl FnMut(Value)) -> Result<(), Failure> {
    every(filter, |_, record| {
        if let Some(record) = record {
            with(record);
        }
    })
}

/// Calls `with` for every line, oldest first, with its record where the filter lets it through.
fn every(filter: &Filter<'_>, mut with: impl FnMut(&[u8], Option<Value>)) -> Result<(), Failure> {
    let files = files::all().map_err(|error| unreadable(&error))?;
    if files.is_empty() {
        return Err(missing());
    }
    for file in files {
        read(&file, filter, &mut with).map_err(|error| unreadable(&error))?;
    }
    Ok(())
}

fn read(
    file: &LogFile,
    filter: &Filter<'_>,
    with: &mut impl FnMut(&[u8], Option<Value>),
) -> io::Result<()> {
    let mut reader = file.open()?;
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        // Looking for a word in the text first: parsing a million records takes seconds.
        let record = if filter.may_hold(&line) { serde_json::from_slice(&line).ok() } else { None };
        with(&line, record.filter(|record| filter.takes(record, &line)));
        line.clear();
    }
    Ok(())
}

fn search(filter: &AuditFilter, limit: u32, style: &Style, json: bool) -> Result<Answer, Failure> {
    let is_of_records = json || style.is_of_records();
    let filter = &Filter::of(filter)?;
    let (found, all) = if is_of_records {
        let mut found: VecDeque<Value> = VecDeque::new();
        let mut all = 0_u64;
        each(filter, |record| {
            all += 1;
            found.push_back(record);
            if found.len() > limit as usize {
                found.pop_front();
            }
        })?;
        (found.into(), all)
    } else {
        let mut requests = Requests::at_most(limit as usize);
        every(filter, |line, record| match record {
            Some(record) => requests.push(record),
            None => requests.pass(line),
        })?;
        let (found, all) = requests.last();
        (found, all as u64)
    };
    let mut text = style.rows(&found);
    if all > found.len() as u64 {
        let _ = write!(text, "\nthe last {} of {all}; --limit shows more", found.len());
    }
    Ok(filter.window(Answer::text(text)).with("found", all).with("records", found))
}

/// Counts by account, operation and code: one row each, the most frequent first.
fn stats(filter: &AuditFilter) -> Result<Answer, Failure> {
    let filter = &Filter::of(filter)?;
    let mut counts: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    let mut all = 0_u64;
    each(filter, |record| {
        let text = |pointer: &str| {
            record.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned()
        };
        // An intent is counted with its result.
        if text("/event") == "intent" {
            return;
        }
        let mut operation = operation_of(&record).unwrap_or_else(|| "(not a request)".to_owned());
        operation.push_str(rehearsed(&record));
        let count = record.pointer("/count").and_then(Value::as_u64).unwrap_or(1);
        all += count;
        *counts.entry((text("/caller/user"), operation, text("/code"))).or_default() += count;
    })?;
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let width = |of: fn(&(String, String, String)) -> &str, title: &str| {
        rows.iter().map(|(key, _)| of(key).chars().count()).chain([title.len()]).max().unwrap_or(0)
    };
    let (user, operation) = (width(|key| &key.0, "account"), width(|key| &key.1, "operation"));
    let code = width(|key| &key.2, "code");
    let mut text = format!(
        "{:<user$}  {:<operation$}  {:<code$}  {:>8}\n",
        "account", "operation", "code", "count"
    );
    let _ = writeln!(text, "{}", "─".repeat(user + operation + code + 14));
    for ((account, what, how), count) in &rows {
        let _ = writeln!(text, "{account:<user$}  {what:<operation$}  {how:<code$}  {count:>8}");
    }
    text.push_str(&counted(all, "request"));
    let objects: Vec<Value> = rows
        .iter()
        .map(|((user, operation, code), count)| {
            serde_json::json!({"user": user, "operation": operation, "code": code, "count": count})
        })
        .collect();
    Ok(filter.window(Answer::text(text)).with("requests", all).with("counts", objects))
}

/// What was found of the whole record.
pub struct Verified {
    found: Found,
    files: usize,
    /// What is wrong with it, in one sentence; none where nothing is.
    pub wrong: Option<String>,
    /// What the journal holds to compare with.
    journal: Witness,
    /// How many records a power cut took from the end, which the next record will say.
    lost: u64,
}

impl Verified {
    /// How many records there are.
    pub fn records(&self) -> u64 {
        self.found.records
    }
}

/// About how much of the record there is to read, in bytes, unpacked.
///
/// # Errors
/// Where its folder can not be read.
pub fn size() -> io::Result<u64> {
    // Records of one kind of request are packed to a twelfth.
    let unpacked = |file: &LogFile| match file.path.extension() {
        Some(suffix) if suffix == "gz" => file.size.saturating_mul(12),
        _ => file.size,
    };
    Ok(files::all()?.iter().map(unpacked).sum())
}

/// Reads the whole record.
///
/// # Errors
/// Where it can not be read.
pub fn verified() -> io::Result<Verified> {
    // Before the files are read: what is written meanwhile is not missing in them.
    let ends = Ends { kept: head::kept(), journal: Witness::ask() };
    let files = files::all()?;
    let wanted: Vec<u64> = ends.links().iter().map(|(_, link)| link.seq).collect();
    let found = verify::verify(&files, &wanted)?;
    let wrong = wrong(&found, files.len(), &ends);
    let lost = if wrong.is_none() { ends.lost_after(&found) } else { 0 };
    Ok(Verified { found, files: files.len(), wrong, journal: ends.journal, lost })
}

/// Where else it is said how the log ends.
struct Ends {
    kept: Option<Head>,
    journal: Witness,
}

impl Ends {
    fn links(&self) -> Vec<(&'static str, &Link)> {
        let kept = self.kept.as_ref().map(|head| (KEPT, &head.link));
        kept.into_iter().chain(self.journal.end().map(|link| ("the journal", link))).collect()
    }

    /// How many records at the end a power cut has taken: none of them was synced, as far as the
    /// head and the journal know.
    fn lost_after(&self, found: &Found) -> u64 {
        let until = found.last.as_ref().map_or(0, |last| last.seq);
        let newest = self.links().iter().map(|(_, link)| link.seq).max().unwrap_or(0);
        let is_power_cut = self.kept.as_ref().is_some_and(|head| {
            head.may_have_lost(until, crate::system::state::boot())
                && !self.journal.has_intent_after(until)
        });
        if is_power_cut { newest.saturating_sub(until) } else { 0 }
    }
}

fn wrong(found: &Found, files: usize, ends: &Ends) -> Option<String> {
    if let Some((place, why)) = &found.broken {
        return Some(format!("{}:{} {why}", place.file, place.line));
    }
    // Rotation leaves older files: a log that begins later and is alone was emptied or replaced.
    if found.first > 1 && files == 1 {
        return Some(format!(
            "the log begins with record {}, and no rotated file holds those before it",
            found.first
        ));
    }
    // Whoever deletes the log alone leaves the link; a purge takes both, and so can others.
    if let (0, Some(end)) = (files, ends.journal.end())
        && head::is_missing()
    {
        return Some(format!(
            "the log and its last link in {KEPT} were removed together, as a purge of the package does: the journal knows of {}; the next request begins a new log",
            end.seq
        ));
    }
    let until = found.last.as_ref().map_or(0, |last| last.seq);
    let lost = ends.lost_after(found);
    let differs = ends.links().into_iter().find_map(|(place, link)| {
        // A torn end is the one record more that may be known.
        if link.seq > until + lost + u64::from(found.torn_end) {
            return Some(format!(
                "the end was cut: the log ends with record {until}, {place} knows of {}",
                link.seq
            ));
        }
        let hash = found.hashes.get(&link.seq)?;
        (*hash != link.hash).then(|| {
            format!("record {} is not the one that {place} knows by that number", link.seq)
        })
    });
    differs.or_else(|| silent(&ends.journal))
}

/// A journal that goes back to before the last record, and yet holds none.
fn silent(journal: &Witness) -> Option<String> {
    let Witness::None { since: Some(since) } = journal else { return None };
    let time: Timestamp = last()?.get("time")?.as_str()?.parse().ok()?;
    (*since < time).then(|| {
        format!(
            "the journal goes back to {since:.0} and holds no record, though the last one is of {time:.0}: it was removed there, or journald.conf(5) keeps it out (MaxLevelStore=)"
        )
    })
}

fn verify() -> Result<Answer, Failure> {
    let verified = verified().map_err(|error| unreadable(&error))?;
    let found = &verified.found;
    if let Some(what) = verified.wrong {
        let refusal = Refusal::new(Code::CommandFailed, what)
            .hint("keep the files as they are; compare with the journal: journalctl -t sm-helper _UID=0 _TRANSPORT=journal -o json");
        return Err(Failure::found(refusal)
            .with("records", found.records)
            .with("broken", &found.broken)
            .with("torn", &found.torn)
            .with("lost", &found.lost));
    }
    let mut text = match verified.files {
        0 => "there is no record yet".to_owned(),
        files => format!(
            "{} in {}, each follows from the one before",
            counted(found.records, "record"),
            counted(files as u64, "file")
        ),
    };
    if found.first > 1 {
        let _ = write!(text, "; older ones than {} were rotated away", found.first);
    }
    for place in &found.torn {
        let _ = write!(text, "\n{}:{} was torn by a power cut", place.file, place.line);
    }
    for (place, count) in &found.lost {
        let what = counted(*count, "record");
        let _ =
            write!(text, "\n{}:{} follows {what} that a power cut took", place.file, place.line);
    }
    if verified.lost > 0 {
        let what = counted(verified.lost, "record");
        let _ = write!(text, "\na power cut took {what} from the end, which the next one will say");
    }
    let _ = write!(text, "\n{}", agreement(found, &verified.journal));
    Ok(Answer::text(text)
        .with("records", found.records)
        .with("first", found.first)
        .with("last", found.last.as_ref())
        .with("torn", &found.torn)
        .with("lost", &found.lost)
        .with("lost_at_end", verified.lost)
        .with("journal_agrees", verified.journal.end().is_some()))
}

/// What the journal says of a log in which nothing is wrong.
fn agreement(found: &Found, journal: &Witness) -> String {
    match journal {
        Witness::Links(links) => match (links.first(), &found.last) {
            (Some(seen), Some(last)) if seen.link.seq < last.seq => {
                let seq = seen.link.seq;
                if found.hashes.contains_key(&seq) {
                    format!("the journal agrees on record {seq}, the newest that it holds")
                } else {
                    format!("the newest record that the journal holds is {seq}, which is not here")
                }
            }
            _ => "the journal agrees on the end".to_owned(),
        },
        Witness::None { since: Some(since) } => {
            format!(
                "the journal begins after the last record, at {since:.0}: it holds none to compare with"
            )
        }
        Witness::None { since: None } => {
            "there is no journal to compare with, or only root may read it".to_owned()
        }
    }
}

/// The last record, where there is one.
pub fn last() -> Option<Value> {
    let mut file = std::fs::File::open(FILE).ok();
    let lines = files::last_lines_of_all(file.as_mut(), 1).ok()?;
    lines.last().and_then(|line| serde_json::from_str(line).ok())
}

/// A filter with its times read.
struct Filter<'f> {
    given: &'f AuditFilter,
    since: Option<String>,
    until: Option<String>,
}

impl<'f> Filter<'f> {
    fn of(given: &'f AuditFilter) -> Result<Self, Failure> {
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
        Ok(Self { given, since: text(since), until: text(until) })
    }

    /// Says which times were meant.
    fn window(&self, answer: Answer) -> Answer {
        let times = [("since", &self.since), ("until", &self.until)];
        times.into_iter().fold(answer, |answer, (key, time)| match time {
            Some(time) => answer.with(key, time),
            None => answer,
        })
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let given = self.given;
        [&given.user, &given.code, &given.name, &given.text]
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
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    time::moment(text, now).ok_or_else(|| {
        let what = format!("{} is not a time", one_line(text, 60));
        Refusal::new(Code::Usage, what).hint(time::FORMS).into()
    })
}
