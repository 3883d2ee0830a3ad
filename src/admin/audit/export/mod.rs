//! `sm audit export`: the log in a form that SIEM tools read, one event a line.
//!
//! A reader of the log and nothing else: no request waits for it, and it knows no network.

pub mod cef;
pub mod ecs;
pub mod encrypted;
pub mod extension;
pub mod json;
pub mod ocsf;
pub mod output;
pub mod plain;
pub mod pool;
pub mod quick;
pub mod record;
pub mod rfc5424;
pub mod state;
#[cfg(test)]
mod tests;

use crate::admin::answer::{self, Failure};
use crate::admin::audit::archive::identity::Identity;
use crate::admin::audit::export::encrypted::Said;
use crate::admin::audit::export::output::Output;
use crate::admin::audit::export::pool::{Events, Pool, Records, Write};
use crate::admin::audit::export::state::{State, StateFile};
use crate::admin::audit::filter::{Filter, left_out, missing, unreadable};
use crate::audit::after::{After, Ended, Found};
use crate::audit::checkpoint;
use crate::audit::files::FOLDER;
use crate::audit::head;
use crate::audit::record::Link;
use crate::cli::{AuditFilter, EncryptedAs, Export, ExportFormat};
use crate::output::text::one_line;
use crate::output::wrap::WARNING;
use crate::request::code::{Code, Refusal};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much is made into events at once, in bytes.
const PART: usize = 64 << 10;

/// How much is written at once, in bytes: as a rule a part, which then is not copied once more. With a
/// state each time waits for the disk or a reader.
const BATCH: usize = PART;
const BATCH_WITH_STATE: usize = 3 << 20;

/// How long to wait for new records, and how often a file may be unreadable meanwhile: while
/// logrotate compresses it, it is half there.
const BETWEEN: Duration = Duration::from_millis(200);
const TRIES: u32 = 300;

/// Writes the log to standard output. Gives the exit status; what is wrong is said on standard
/// error, since nothing else than events belongs where they are written.
pub fn run(given: &Export, json: bool) -> u8 {
    match export(given) {
        Ok(()) => 0,
        Err(failure) => answer::print_error(json, &failure),
    }
}

fn export(given: &Export) -> Result<(), Failure> {
    let times = AuditFilter {
        since: given.since.clone(),
        until: given.until.clone(),
        ..AuditFilter::default()
    };
    let (since, until) = Filter::of(&times)?.times();
    if given.encrypted.is_some() && given.format != ExportFormat::Jsonl {
        let what = "--encrypted prints lines of JSON, which no event of another format is";
        return Err(Refusal::new(Code::Usage, what).hint("use --format jsonl").into());
    }
    let (file, known) = match &given.state {
        None => (None, None),
        Some(path) => {
            let (file, known) = StateFile::open(path)?;
            (Some(file), known)
        }
    };
    let is_new = known.is_none();
    let State { last, since, output: place } = match known {
        // From where it was, and not from a time.
        Some(known) if known.last.seq > 0 => State { since: None, ..known },
        Some(known) => known,
        None => {
            let last = given.after.as_deref().map_or_else(|| Ok(Link::start()), link)?;
            State { last, since, output: None }
        }
    };
    let mut output = Output::open().map_err(|error| unwritten(&error))?;
    output.go_on(place).map_err(|error| unwritten(&error))?;
    let mut writer = Writer {
        pool: writes(given.format).map(|write| Pool::new(write, &checkpoint::host())),
        records: Records::default(),
        encrypted: given.encrypted,
        since,
        until,
        lines: Vec::new(),
        spare: Vec::new(),
        written: last.clone(),
        last: last.clone(),
        output,
        state: file,
        warned_of: None,
    };
    if is_new {
        // If it is killed with the first records, it is known where they began.
        writer.put_state()?;
    }
    let identity = given.identity.as_deref().map(Identity::read).transpose()?;
    let decrypt = identity.as_ref().map(Identity::decrypts);
    let mut after = After::new(Path::new(FOLDER), last).decrypted_with(decrypt);
    let is_wanted = writer.state.is_some() || given.follow;
    match read_all(&mut after, &mut writer, given.follow) {
        // As with `head`: who has seen enough goes.
        Err(Stop::NoReader) if !is_wanted => Ok(()),
        Err(Stop::NoReader) => {
            let what = "nobody reads the output any longer";
            Err(Refusal::new(Code::CommandFailed, what)
                .hint("with --state, the next export begins with what was not read")
                .into())
        }
        Err(Stop::Failed(failure)) => Err(failure),
        Ok(()) => Ok(()),
    }
}

/// Reads a record's number and hash.
fn link(text: &str) -> Result<Link, Failure> {
    let parts = text.split_once(':').filter(|(_, hash)| {
        hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    });
    let link =
        parts.and_then(|(seq, hash)| Some(Link { seq: seq.parse().ok()?, hash: hash.to_owned() }));
    link.ok_or_else(|| {
        let what = format!("{} is not the number and the hash of a record", one_line(text, 100));
        Refusal::new(Code::Usage, what)
            .hint("write the fields seq and hash of a record: --after 41:9f86…")
            .into()
    })
}

/// Why it ended.
enum Stop {
    Failed(Failure),
    NoReader,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn read_all(after: &mut After, writer: &mut Writer, follow: bool) -> Result<(), Stop> {
    let mut failed = 0;
    loop {
        match after.read(|found| writer.take(&found)) {
            Ok(is_there) => {
                failed = 0;
                writer.commit()?;
                if writer.output.is_ahead() {
                    return Err(writer.other_output().into());
                }
                if !follow {
                    return if is_there { Ok(()) } else { Err(missing().into()) };
                }
            }
            Err(Ended::Shown(stop)) => return Err(stop),
            Err(Ended::Another(found)) => {
                writer.commit()?;
                // What was written and never synced went with a power cut, and the next record
                // goes on from there: root's own last link says so.
                if !head::kept().is_some_and(|head| head.link == *after.last()) {
                    return Err(writer.other_log(after.last(), &found).into());
                }
                if !follow {
                    return Ok(());
                }
            }
            Err(Ended::Unreadable(error)) => {
                writer.commit()?;
                failed += 1;
                let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
                if !follow || is_denied || failed > TRIES {
                    return Err(unreadable(&error).into());
                }
            }
        }
        if writer.output.is_closed() {
            return Err(Stop::NoReader);
        }
        std::thread::sleep(BETWEEN);
    }
}

/// What makes events of records, and writes them.
struct Writer {
    /// None if the events are the records themselves.
    pool: Option<Pool>,
    /// What is read and no event yet.
    records: Records,
    encrypted: Option<EncryptedAs>,
    since: Option<String>,
    until: Option<String>,
    lines: Vec<u8>,
    /// Memory to use again: what one thread takes and another one gives back costs a page fault for each
    /// page, and these as much time as the events.
    spare: Vec<Vec<u8>>,
    /// The record whose event is the last of `lines`, and the one that the state has.
    last: Link,
    written: Link,
    output: Output,
    state: Option<StateFile>,
    warned_of: Option<PathBuf>,
}

impl Writer {
    fn take(&mut self, found: &Found<'_>) -> Result<(), Stop> {
        match found {
            Found::Record(record, line) => {
                let time = record.time().unwrap_or_default();
                let is_wanted = self.since.as_deref().is_none_or(|since| time >= since)
                    && self.until.as_deref().is_none_or(|until| time < until);
                if is_wanted {
                    self.records.lines.extend_from_slice(line);
                    self.records.lines.push(b'\n');
                }
                let last = self.records.last.get_or_insert_with(Link::start);
                last.seq = record.seq;
                last.hash.clear();
                last.hash.push_str(&record.hash_text());
                if self.records.lines.len() < PART { Ok(()) } else { self.put() }
            }
            Found::NoRecord(path) => {
                if self.warned_of.as_deref() != Some(path) {
                    let path = path.display();
                    warn(&format!(
                        "{path} has a line that is no record, which is left out: sm audit verify"
                    ));
                    self.warned_of = Some(path.to_string().into());
                }
                Ok(())
            }
            Found::Unread(unread, file) if self.encrypted.is_some() => {
                let line = Said::of(unread, file.size).line();
                self.say(&line)?;
                if self.encrypted == Some(EncryptedAs::Name) {
                    return Ok(());
                }
                let read = encrypted::each_part(file, |line| self.say(line));
                read.map_err(|error| Stop::Failed(unreadable(&error)))?
            }
            Found::Unread(unread, _) => {
                let all = left_out(std::slice::from_ref(unread)).join("");
                // Whoever goes on from a state expects each record once.
                if self.state.is_some() && self.last.seq > 0 {
                    self.commit()?;
                    let what = format!("{all}: none of them is exported, nor what follows");
                    let hint = "give --identity, or put a file with the plain records beside it: age --decrypt";
                    return Err(
                        Failure::from(Refusal::new(Code::CommandFailed, what).hint(hint)).into()
                    );
                }
                warn(&all);
                Ok(())
            }
            Found::Gone { from, to } => {
                warn(&format!(
                    "the log no longer has the records {from} to {to}: these were never exported"
                ));
                Ok(())
            }
        }
    }

    /// Adds a line that is no event, behind those of all that was read.
    fn say(&mut self, line: &str) -> Result<(), Stop> {
        if self.records.last.is_some() {
            self.put()?;
        }
        self.take_made(true)?;
        self.lines.extend_from_slice(line.as_bytes());
        self.lines.push(b'\n');
        if self.lines.len() >= BATCH { self.write() } else { Ok(()) }
    }

    /// Has events made of what was read, and takes those that are made.
    fn put(&mut self) -> Result<(), Stop> {
        let next = Records { lines: self.room(), last: None };
        let records = std::mem::replace(&mut self.records, next);
        let room = self.room();
        let Some(pool) = &mut self.pool else {
            let Records { lines, last } = records;
            return self.take_events(Events { lines, last, emptied: room, unread: Vec::new() });
        };
        pool.put(records, room);
        self.take_made(false)
    }

    fn room(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    fn keep(&mut self, mut room: Vec<u8>) {
        /// More than are on the way at once.
        const MOST: usize = 64;
        room.clear();
        if self.spare.len() < MOST {
            self.spare.push(room);
        }
    }

    /// Takes the events that are made, or waits for all of them.
    fn take_made(&mut self, is_all: bool) -> Result<(), Stop> {
        while let Some(events) = self.pool.as_mut().and_then(|pool| pool.take(is_all)) {
            self.take_events(events)?;
        }
        Ok(())
    }

    fn take_events(&mut self, mut events: Events) -> Result<(), Stop> {
        for seq in events.unread {
            warn(&format!("record {seq} cannot be read and is left out: sm audit verify"));
        }
        if self.lines.is_empty() {
            std::mem::swap(&mut self.lines, &mut events.lines);
        } else {
            self.lines.append(&mut events.lines);
        }
        self.keep(events.lines);
        self.keep(events.emptied);
        if let Some(last) = events.last {
            self.last = last;
        }
        let batch = if self.state.is_some() { BATCH_WITH_STATE } else { BATCH };
        if self.lines.len() >= batch { self.write() } else { Ok(()) }
    }

    /// Writes all that was read, and then says so in the state.
    fn commit(&mut self) -> Result<(), Stop> {
        if self.records.last.is_some() {
            self.put()?;
        }
        self.take_made(true)?;
        self.write()
    }

    /// Writes what there is, and then says so in the state.
    fn write(&mut self) -> Result<(), Stop> {
        self.output.write(&mut self.lines).map_err(|error| self.stop(&error))?;
        if self.state.is_some() && self.written.seq != self.last.seq {
            self.output.settle().map_err(|error| self.stop(&error))?;
            self.put_state()?;
        }
        Ok(())
    }

    fn put_state(&mut self) -> Result<(), Failure> {
        let Some(file) = &self.state else { return Ok(()) };
        let since = self.since.clone().filter(|_| self.last.seq == 0);
        let output = self.output.place().map_err(|error| unwritten(&error))?;
        file.put(&State { last: self.last.clone(), since, output }).map_err(|error| {
            let what = format!("the state {} cannot be written: {error}", file.path().display());
            Refusal::new(Code::CommandFailed, what)
        })?;
        self.written.clone_from(&self.last);
        Ok(())
    }

    fn stop(&self, error: &io::Error) -> Stop {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::NoReader,
            io::ErrorKind::AlreadyExists => Stop::Failed(self.other_output()),
            _ => Stop::Failed(unwritten(error)),
        }
    }

    /// The output has something behind the state that this would not have written.
    fn other_output(&self) -> Failure {
        let what = "the output does not go on as this export would have written it";
        let hint = "it was interrupted, and since then its format, the host's name or the program has changed, or something else wrote to the file";
        let next = "cut the file to the `bytes` that the state says, or give it another file";
        Refusal::new(Code::CommandFailed, what).hint(format!("{hint}: {next}")).into()
    }

    /// The log is not the one that was exported.
    fn other_log(&self, last: &Link, found: &str) -> Failure {
        let what = format!(
            "the log does not go on from record {}, which was exported last: {found}",
            last.seq
        );
        let state = self.state.as_ref().map(|state| format!(", remove {}", state.path().display()));
        let again = state.unwrap_or_default();
        Refusal::new(Code::CommandFailed, what)
            .hint(format!("it was cut, replaced or begun anew: see sm audit verify; to export it from its beginning{again} and run this again"))
            .into()
    }
}

/// What writes the events of a format. None for the records themselves, byte for byte, so that
/// their chain can be verified elsewhere.
fn writes(format: ExportFormat) -> Option<Write> {
    match format {
        ExportFormat::Jsonl => None,
        ExportFormat::Ecs => Some(ecs::write),
        ExportFormat::Ocsf => Some(ocsf::write),
        ExportFormat::Cef => Some(cef::write),
        ExportFormat::Rfc5424 => Some(rfc5424::write),
    }
}

fn warn(what: &str) {
    let _ = writeln!(io::stderr(), "sm: {WARNING}{what}");
}

fn unwritten(error: &io::Error) -> Failure {
    Refusal::new(Code::CommandFailed, format!("the output cannot be written: {error}")).into()
}
