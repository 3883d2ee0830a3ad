//! `sm audit verify`: what is said of the chain.

use crate::admin::answer::{Answer, Failure};
use crate::admin::audit::archive::identity::Identity;
use crate::admin::audit::filter::{KEPT, left_out, unreadable};
use crate::admin::audit::kept::{Kept, cannot_be_read, read_keys};
use crate::audit::files::{self, FILE, LogFile};
use crate::audit::head::{self, Head};
use crate::audit::key::Public;
use crate::audit::record::Link;
use crate::audit::verify::{self, Found, Unread};
use crate::audit::witness::Witness;
use crate::cli;
use crate::output::text::{counted, one_line};
use crate::request::code::{Code, Refusal};
use crate::system::file;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;

/// What was found of the whole record.
pub struct Verified {
    found: Found,
    files: usize,
    /// What is wrong with it, in one sentence; none if nothing is.
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

    /// The files that were not read, since they are encrypted.
    pub fn unread(&self) -> &[Unread] {
        &self.found.unread
    }
}

/// About how much of the record there is to read, in bytes, unpacked.
///
/// # Errors
/// If its folder cannot be read.
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
/// If it cannot be read.
pub fn verified(identity: Option<Identity>) -> io::Result<Verified> {
    verified_with(&Asked { identity, ..Asked::default() })
}

fn verified_with(asked: &Asked) -> io::Result<Verified> {
    // Before the files are read: what is written meanwhile is not missing in them.
    let ends = Ends { kept: head::kept(), journal: Witness::ask() };
    let files = files::all()?;
    let of_ends = ends.links().into_iter().map(|(_, link)| link.seq);
    let wanted: BTreeSet<u64> = of_ends.chain(asked.wanted()).collect();
    let decrypt = asked.identity.as_ref().map(Identity::decrypts);
    let found = verify::verify(&files, wanted, asked.keys.clone(), decrypt.as_deref())?;
    let wrong = wrong(&found, files.len(), &ends).or_else(|| asked.unmet(&found));
    let lost = if wrong.is_none() { ends.lost_after(&found) } else { 0 };
    Ok(Verified { found, files: files.len(), wrong, journal: ends.journal, lost })
}

/// Where else it is said how the log ends.
pub struct Ends {
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

pub fn wrong(found: &Found, files: usize, ends: &Ends) -> Option<String> {
    if let Some((place, reason)) = &found.broken {
        return Some(format!("{}:{} {reason}", place.file, place.line));
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
            "the log and its last link in {KEPT} were removed together, as a purge of the package does: the journal has record {}; the next request begins a new log",
            end.seq
        ));
    }
    let until = found.last.as_ref().map_or(0, |last| last.seq);
    let lost = ends.lost_after(found);
    let differs = ends.links().into_iter().find_map(|(place, link)| {
        // A torn end is the one record more that may be known.
        if link.seq > until + lost + u64::from(found.torn_end) {
            return Some(format!(
                "the end was cut: the log ends with record {until}, but {place} has record {}",
                link.seq
            ));
        }
        let hash = found.hashes.get(&link.seq)?;
        (*hash != link.hash).then(|| {
            format!("record {} is not the one that {place} has under that number", link.seq)
        })
    });
    differs.or_else(|| silent(&ends.journal))
}

/// A journal that goes back to before the last record, and yet holds none.
pub fn silent(journal: &Witness) -> Option<String> {
    let Witness::None { since: Some(since) } = journal else { return None };
    let time: Timestamp = last()?.get("time")?.as_str()?.parse().ok()?;
    (*since < time).then(|| {
        format!(
            "the journal goes back to {since:.0} and holds no record, although the last one is of {time:.0}: it was removed there, or journald.conf(5) excludes it (MaxLevelStore=)"
        )
    })
}

/// Verifies this host's log, or another one. What is encrypted and not read is no success, unless it is left
/// out on purpose.
///
/// # Errors
/// What is wrong with it: exit status 1.
pub fn verify(given: &cli::Verify) -> Result<Answer, Failure> {
    let asked = Asked::of(given)?;
    let verified = match (&given.log, given.stdin) {
        (None, false) => verified_with(&asked).map_err(|error| unreadable(&error))?,
        (Some(path), _) => elsewhere(&asked, given)
            .map_err(|error| cannot_be_read(&path.to_string_lossy(), &error))?,
        (None, true) => {
            elsewhere(&asked, given).map_err(|error| cannot_be_read("standard input", &error))?
        }
    };
    let is_own = given.log.is_none() && !given.stdin;
    let found = &verified.found;
    if let Some(what) = &verified.wrong {
        let mut what = what.clone();
        if let Some(signed) = &found.signed {
            let _ = write!(what, "; until record {} it is the log that was signed", signed.until);
        }
        let refusal = Refusal::new(Code::CommandFailed, what).hint(if is_own {
            "keep the files as they are; compare with the journal: journalctl -t sm-helper _UID=0 _TRANSPORT=journal -o json"
        } else {
            "keep it as it is, and compare it with the log and the journal of the host that it is of"
        });
        return Err(Failure::found(refusal)
            .with("records", found.records)
            .with("broken", &found.broken)
            .with("wrong", found.wrong)
            .with("signed", &found.signed)
            .with("encrypted", &found.unread)
            .with("torn", &found.torn)
            .with("lost", &found.lost));
    }
    let mut text = match (verified.files, is_own) {
        (0, true) => "there is no record yet".to_owned(),
        (files, true) if !found.unread.is_empty() => format!(
            "{} in {}: the chain of what could be read is complete",
            counted(found.records, "record"),
            counted((files - found.unread.len()) as u64, "file")
        ),
        (_, false) => format!("{}: the chain is complete", counted(found.records, "record")),
        (files, true) => format!(
            "{} in {}: the chain is complete",
            counted(found.records, "record"),
            counted(files as u64, "file")
        ),
    };
    if found.first > 1 && is_own && found.unread.is_empty() {
        let _ = write!(text, "; records before {} were rotated away", found.first);
    } else if found.first > 1 && !is_own {
        let _ = write!(text, "; it begins with record {}", found.first);
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
        let _ = write!(text, "\na power cut lost {what} at the end; the next record will say so");
    }
    text.push_str(&signed_until(found));
    if is_own {
        let _ = write!(text, "\n{}", agreement(found, &verified.journal));
    }
    let mut answer = Answer::text(text)
        .with("records", found.records)
        .with("first", found.first)
        .with("last", found.last.as_ref())
        .with("torn", &found.torn)
        .with("lost", &found.lost)
        .with("encrypted", &found.unread);
    if asked.keys.is_some() {
        answer = answer.with("signed", &found.signed).with("unproven", &found.unproven);
    }
    if is_own {
        answer = answer
            .with("lost_at_end", verified.lost)
            .with("journal_agrees", verified.journal.end().is_some());
    }
    let answer = answer.warned(left_out(&found.unread));
    if found.unread.is_empty() || given.skip_encrypted {
        return Ok(answer);
    }
    let what = counted(found.unread.len() as u64, "file");
    let what = format!("{what} could not be verified, being encrypted");
    Err(answer.failing(Refusal::new(Code::CommandFailed, what).hint(
        "with --identity FILE they are verified too; with --skip-encrypted the rest alone is, and this is no error",
    )))
}

/// What the checkpoints prove, as lines for people.
fn signed_until(found: &Found) -> String {
    let Some(signed) = &found.signed else { return String::new() };
    let mut text = format!(
        "\nsigned until record {}, in {}, with the key {}",
        signed.until,
        counted(signed.checkpoints, "checkpoint"),
        signed.key
    );
    for by in &signed.hosts {
        let (host, since) = (one_line(&by.host, 255), by.since);
        let machine = one_line(&by.machine, 32);
        let _ = write!(text, "\nfrom checkpoint {since} on by the host {host} ({machine})");
    }
    for (from, to) in &found.unproven {
        let _ = write!(
            text,
            "\nof the records {from} to {to} nothing is proven: what follows them was not read, or a power cut took it before it was signed"
        );
    }
    let last = found.last.as_ref().map_or(0, |last| last.seq);
    if last > signed.until {
        let _ = write!(text, "\nthe records from {} on are not signed yet", signed.until + 1);
    }
    text
}

/// What a log is held against.
#[derive(Default)]
struct Asked {
    keys: Option<Vec<Public>>,
    keys_from: String,
    kept: Kept,
    identity: Option<Identity>,
}

impl Asked {
    fn of(given: &cli::Verify) -> Result<Self, Failure> {
        let identity = given.identity.as_deref().map(Identity::read).transpose()?;
        let mut asked = Self { identity, ..Self::default() };
        if let Some(path) = &given.checkpoints {
            asked.kept = Kept::read(path)?;
            asked.kept.is_not_empty()?;
        }
        if let Some(path) = &given.key {
            asked.keys_from = one_line(&path.to_string_lossy(), 200);
            asked.keys = Some(asked.kept.with_signed(read_keys(path)?));
        }
        Ok(asked)
    }

    fn wanted(&self) -> impl Iterator<Item = u64> {
        self.kept.records.keys().copied()
    }

    /// What was asked for and is not so.
    fn unmet(&self, found: &Found) -> Option<String> {
        let is_unsigned = self.keys.is_some() && found.signed.is_none();
        self.kept.missing_in(found).or_else(|| {
            is_unsigned.then(|| {
                format!("no checkpoint in the log is signed with a key in {}", self.keys_from)
            })
        })
    }
}

/// A log that is not in root's place: nothing but itself, and what it is held against, says how it ends.
fn elsewhere(asked: &Asked, given: &cli::Verify) -> io::Result<Verified> {
    let (wanted, keys) = (asked.wanted().collect(), asked.keys.clone());
    let (found, files) = match &given.log {
        Some(path) => {
            let files = match path.is_dir() {
                true => files::all_in(path)?,
                false => vec![LogFile::open_at(path.clone())?],
            };
            let decrypt = asked.identity.as_ref().map(Identity::decrypts);
            (verify::verify(&files, wanted, keys, decrypt.as_deref())?, files.len())
        }
        None => {
            let mut input = io::stdin().lock();
            (verify::verify_stream(&mut input, "standard input", wanted, keys)?, 1)
        }
    };
    let broken = found.broken.as_ref();
    let wrong = broken.map(|(place, reason)| format!("{}:{} {reason}", place.file, place.line));
    let wrong = wrong.or_else(|| asked.unmet(&found));
    let wrong = wrong.or_else(|| (found.records == 0).then(|| "there is no record".to_owned()));
    Ok(Verified { found, files, wrong, journal: Witness::None { since: None }, lost: 0 })
}

/// What the journal says of a log in which nothing is wrong.
pub fn agreement(found: &Found, journal: &Witness) -> String {
    match journal {
        Witness::Links(links) => match (links.first(), &found.last) {
            (Some(seen), Some(last)) if seen.link.seq < last.seq => {
                let seq = seen.link.seq;
                if found.hashes.contains_key(&seq) {
                    format!("the journal agrees on record {seq}, the newest that it holds")
                } else {
                    format!("the newest record in the journal is {seq}, which is not in the log")
                }
            }
            _ => "the journal agrees with the end of the log".to_owned(),
        },
        Witness::None { since: Some(since) } => {
            format!(
                "the journal begins after the last record, at {since:.0}: it has none to compare with"
            )
        }
        Witness::None { since: None } => {
            "there is no journal to compare with, or only root can read it".to_owned()
        }
    }
}

/// The last record, if there is one.
pub fn last() -> Option<Value> {
    let mut file = file::open(FILE).ok();
    let lines = files::last_lines_of_all(file.as_mut(), 1).ok()?;
    lines.last().and_then(|line| serde_json::from_str(line).ok())
}
