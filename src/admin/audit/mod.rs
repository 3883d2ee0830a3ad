//! `sm audit tail | search | stats | verify | checkpoint | key | encrypt | setup | export`: who did what as root, when, why, what came
//! of it, and has anyone touched the record.

pub mod archive;
pub mod checkpoint;
pub mod export;
pub mod filter;
pub mod index;
pub mod kept;
pub mod rows;
pub mod search;
pub mod setup;
pub mod stats;
pub mod verify;

use crate::admin::answer::{self, Answer, Failure};
use crate::admin::audit::archive::encrypt::encrypt;
use crate::admin::audit::filter::{left_out, missing, unreadable};
use crate::admin::audit::index::store::Store;
use crate::admin::audit::rows::{Requests, Style, is_checkpoint};
use crate::admin::audit::verify::verify;
use crate::audit::files::{self, FILE};
use crate::audit::verify::Unread;
use crate::cli::AuditCommand;
use crate::request::code::{Code, Refusal};
use crate::system::file;
use serde_json::Value;
use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Duration;

/// Answers one of them, and gives the exit status.
pub fn run(command: &AuditCommand, json: bool, program: &Path, arguments: &[OsString]) -> u8 {
    let result = match command {
        AuditCommand::Tail { follow, lines, shown } => {
            tail(*lines, *follow, &Style::of(shown, false), json)
        }
        AuditCommand::Search { filter, limit, shown } => {
            // Who looks for intents wants records.
            search::search(filter, *limit, &Style::of(shown, filter.event.is_some()), json)
        }
        AuditCommand::Stats { filter } => stats::stats(filter),
        AuditCommand::Verify(given) => verify(given),
        AuditCommand::Checkpoint => checkpoint::checkpoint(program, arguments),
        AuditCommand::Key { rotate, seal } => {
            checkpoint::key(*rotate, seal.as_deref(), program, arguments)
        }
        AuditCommand::Encrypt => encrypt_and_forget(),
        AuditCommand::Setup => setup::setup(program),
        AuditCommand::Export(given) => return export::run(given, json),
    };
    answer::print(json, result)
}

/// Encrypts what was put aside. An index is plain and says much of what its file says, so it goes too.
fn encrypt_and_forget() -> Result<Answer, Failure> {
    let answer = encrypt();
    if let Ok(files) = files::all() {
        Store::host().clean(&files);
    }
    answer
}

/// Print the last records, from the end of the log: the time does not grow with it.
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
        // More was wanted than there is before the first that is encrypted.
        let is_short = last.len() < wanted;
        let unread = if is_short { unread_files() } else { Vec::new() };
        Answer::text(style.rows(&shown)).with("records", shown).warned(left_out(&unread))
    };
    let mut file = match file::open(FILE) {
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
            // The old log is read to the end once more after its successor is there: nothing is
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
            && (is_of_records || (record["event"] != "intent" && !is_checkpoint(&record)))
        {
            went_well = show(&record);
        }
        line.clear();
    }
    Ok(Answer::text(""))
}

/// The files that are encrypted.
fn unread_files() -> Vec<Unread> {
    let files = files::all().unwrap_or_default();
    let before = |at: usize| files.get(at.checked_sub(1)?)?.encrypted_until();
    files.iter().enumerate().filter_map(|(at, file)| Unread::of(file, before(at))).collect()
}

fn records(lines: &[String]) -> Vec<Value> {
    lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The new log, if rotation put one instead of the old.
fn successor(reader: &io::BufReader<std::fs::File>) -> Option<io::BufReader<std::fs::File>> {
    use std::os::unix::fs::MetadataExt;
    let now = std::fs::metadata(FILE).ok()?;
    let own = reader.get_ref().metadata().ok()?;
    if now.ino() == own.ino() {
        return None;
    }
    file::open(FILE).ok().map(io::BufReader::new)
}
