//! `sm audit verify`: what is said of the chain.

use crate::admin::answer::{Answer, Failure};
use crate::admin::audit::archive::identity::Identity;
use crate::admin::audit::filter::{KEPT, left_out, unreadable};
use crate::audit::files::{self, FILE, LogFile};
use crate::audit::head::{self, Head};
use crate::audit::record::Link;
use crate::audit::verify::{self, Found, Unread};
use crate::audit::witness::Witness;
use crate::output::text::counted;
use crate::request::code::{Code, Refusal};
use crate::system::file;
use jiff::Timestamp;
use serde_json::Value;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

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
    /// The files that were not read, since they are encrypted.
    pub fn unread(&self) -> &[Unread] {
        &self.found.unread
    }

    /// How many records there are.
    pub fn records(&self) -> u64 {
        self.found.records
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

/// Reads the whole record; encrypted files with the identity, if there is one.
///
/// # Errors
/// If it cannot be read.
pub fn verified(identity: Option<&Identity>) -> io::Result<Verified> {
    // Before the files are read: what is written meanwhile is not missing in them.
    let ends = Ends { kept: head::kept(), journal: Witness::ask() };
    let files = files::all()?;
    let decrypt = identity.map(Identity::decrypts);
    let wanted: Vec<u64> = ends.links().iter().map(|(_, link)| link.seq).collect();
    let found = verify::verify(&files, &wanted, decrypt.as_deref())?;
    let wrong = wrong(&found, files.len(), &ends);
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

/// Verifies the log. What is encrypted and not read is no success, unless it is left out on purpose.
///
/// # Errors
/// What is wrong with it, or not known.
pub fn verify(identity: Option<&Path>, skip_encrypted: bool) -> Result<Answer, Failure> {
    let identity = identity.map(Identity::read).transpose()?;
    let verified = verified(identity.as_ref()).map_err(|error| unreadable(&error))?;
    let found = &verified.found;
    if let Some(what) = verified.wrong {
        let refusal = Refusal::new(Code::CommandFailed, what)
            .hint("keep the files as they are; compare with the journal: journalctl -t sm-helper _UID=0 _TRANSPORT=journal -o json");
        return Err(Failure::found(refusal)
            .with("records", found.records)
            .with("broken", &found.broken)
            .with("encrypted", &found.unread)
            .with("torn", &found.torn)
            .with("lost", &found.lost));
    }
    let mut text = match verified.files {
        0 => "there is no record yet".to_owned(),
        files if !found.unread.is_empty() => format!(
            "{} in {}: the chain of what could be read is complete",
            counted(found.records, "record"),
            counted((files - found.unread.len()) as u64, "file")
        ),
        files => format!(
            "{} in {}: the chain is complete",
            counted(found.records, "record"),
            counted(files as u64, "file")
        ),
    };
    if found.first > 1 && found.unread.is_empty() {
        let _ = write!(text, "; records before {} were rotated away", found.first);
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
    let _ = write!(text, "\n{}", agreement(found, &verified.journal));
    let answer = Answer::text(text)
        .with("records", found.records)
        .with("first", found.first)
        .with("last", found.last.as_ref())
        .with("torn", &found.torn)
        .with("lost", &found.lost)
        .with("lost_at_end", verified.lost)
        .with("encrypted", &found.unread)
        .with("journal_agrees", verified.journal.end().is_some())
        .warned(left_out(&found.unread));
    if found.unread.is_empty() || skip_encrypted {
        return Ok(answer);
    }
    let what = counted(found.unread.len() as u64, "file");
    let what = format!("{what} could not be verified, being encrypted");
    Err(answer.failing(Refusal::new(Code::CommandFailed, what).hint(
        "with --identity FILE they are verified too; with --skip-encrypted the rest alone is, and this is no error",
    )))
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
