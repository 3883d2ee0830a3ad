//! `sm audit verify`: does every record follow from the one before, and is it the one that was signed.

#[cfg(test)]
mod tests;

use crate::audit::checkpoint::Checkpoint;
use crate::audit::files::{Decrypt, LogFile};
use crate::audit::key::Public;
use crate::audit::line::{LONGEST, Line};
use crate::audit::record::{Event, HASH_KEY, Link};
use crate::audit::signature::Signature;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, IsTerminal, Read as _, Write};

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Its line, from 1.
    pub line: u64,
}

/// A file that was not read, since it is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The file.
    pub file: String,
    /// The number of its first record; none if nothing before it says so.
    pub first: Option<u64>,
    /// The number of its last record, as its name says.
    pub last: u64,
}

impl Unread {
    /// This file, after the record with this number.
    pub fn of(file: &LogFile, before: Option<u64>) -> Option<Self> {
        let last = file.encrypted_until()?;
        let first = before.and_then(|before| before.checked_add(1)).filter(|first| *first <= last);
        Some(Self { file: file.path.display().to_string(), first, last })
    }

    /// Whether a record of this number can be in there.
    pub fn holds(&self, seq: u64) -> bool {
        seq <= self.last && self.first.is_none_or(|first| first <= seq)
    }
}

/// What was found in the files.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// How many records.
    pub records: u64,
    /// The number of the first.
    pub first: u64,
    /// The last one.
    pub last: Option<Link>,
    /// The first record that does not fit, and why.
    pub broken: Option<(Place, String)>,
    /// The files that were not read.
    pub unread: Vec<Unread>,
    /// Records that a power cut tore.
    pub torn: Vec<Place>,
    /// Records that a power cut took before they were synced: where it is said, and how many.
    pub lost: Vec<(Place, u64)>,
    /// The hashes of those records that were asked for, as far as they are there.
    #[serde(skip)]
    pub hashes: BTreeMap<u64, String>,
    /// The numbers of those of which only that hash is there, as what follows says it: a power cut tore
    /// the record.
    #[serde(skip)]
    pub hearsay: BTreeSet<u64>,
    /// Whether the last of them is the end of the log, which the next record will close.
    #[serde(skip)]
    pub torn_end: bool,
    /// The number of the first record that is not, or not known to be, the one that was written.
    pub wrong: Option<u64>,
    /// Whether behind a file that was not read a checkpoint is signed with a key that none of the given ones has
    /// signed, unless in there.
    #[serde(skip)]
    pub is_key_unknown: bool,
    /// Until where it is signed, if that was asked for and it is.
    pub signed: Option<Signed>,
    /// Nothing shows that what follows the record from which on it was read does so: it says that a power
    /// cut took what came behind that.
    #[serde(skip)]
    pub is_cut_off: bool,
    /// The first and the last number of records before that of which no signature proves anything: a
    /// power cut took the record behind them, or that was not read.
    pub unproven: Vec<(u64, u64)>,
}

/// What the checkpoints of a log prove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signed {
    /// The last record that is signed, a checkpoint. Each one before it that the log has is, too.
    pub until: u64,
    /// How many checkpoints there are.
    pub checkpoints: u64,
    /// The key of the last one.
    pub key: String,
    /// Who signed them, one after the other.
    pub hosts: Vec<SignedBy>,
    /// The line of the last one.
    #[serde(skip)]
    pub line: String,
}

/// A host that signed checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedBy {
    /// Its name.
    pub host: String,
    /// Which one it is, whatever its name.
    pub machine: String,
    /// The key of the first one.
    pub key: String,
    /// The number of the first one.
    pub since: u64,
}

/// The most encrypted files of another host, which are far more than rotation keeps.
const MOST_UNREAD: usize = 4096;

/// Reads all of it, with a sign of life on a terminal. `wanted` are the numbers of records whose
/// hashes are asked for. With `keys`, the checkpoints are verified, too. Encrypted files are read with
/// `decrypt`; without it, what follows them has the number that should follow, and of its link with them
/// nothing is known.
///
/// # Errors
/// If a file cannot be read.
pub fn verify(
    files: &[LogFile],
    wanted: BTreeSet<u64>,
    keys: Option<Vec<Public>>,
    decrypt: Option<&Decrypt<'_>>,
) -> io::Result<Found> {
    let mut verifier = Verifier::new(wanted, keys);
    let mut progress = Progress::new(files.iter().map(|file| file.size).sum());
    for file in files {
        let path = file.path.display().to_string();
        let goes_on = match file.open_with(decrypt)? {
            Some(mut reader) => verifier.read(&mut reader, &path, |bytes| progress.add(bytes))?,
            None => verifier.pass(file),
        };
        if !goes_on {
            break;
        }
    }
    Ok(verifier.end())
}

/// As [`verify`], of what is read from there.
///
/// # Errors
/// If it cannot be read.
pub fn verify_stream(
    from: &mut dyn BufRead,
    name: &str,
    wanted: BTreeSet<u64>,
    keys: Option<Vec<Public>>,
) -> io::Result<Found> {
    let mut verifier = Verifier::new(wanted, keys);
    verifier.read(from, name, |_| {})?;
    Ok(verifier.end())
}

/// What reads a log, line after line.
pub struct Verifier {
    found: Found,
    wanted: BTreeSet<u64>,
    torn: Option<Torn>,
    signatures: Option<Signatures>,
    /// Where the last record is.
    at: Option<Place>,
    /// A break that a signature can put in another place.
    doubt: Option<Doubt>,
    /// The last record is in a file that was not read.
    is_link_unknown: bool,
    /// The records of a file until this one are not looked at.
    known: u64,
}

/// The chain does not go on from a record to the next. If what comes behind is signed, it says itself
/// what should come before it: then the record before is the one that was changed.
struct Doubt {
    /// The record before.
    before: (Place, u64),
    /// The one behind, and what is wrong with it if no signature says otherwise.
    behind: (Place, u64),
    reason: String,
}

impl Verifier {
    /// Of a log from its beginning, or from one of its records on. `wanted` and `keys` as for [`verify`].
    pub fn new(wanted: BTreeSet<u64>, keys: Option<Vec<Public>>) -> Self {
        let signatures = keys.map(Signatures::new);
        Self {
            found: Found::default(),
            wanted,
            torn: None,
            signatures,
            at: None,
            doubt: None,
            is_link_unknown: false,
            known: 0,
        }
    }

    /// Of what follows a record.
    #[must_use]
    pub fn after(mut self, last: Link) -> Self {
        self.found.first = last.seq.saturating_add(1);
        self.found.last = Some(last);
        self
    }

    /// The keys whose checkpoints are taken by now: those that were given, and those that they have
    /// signed.
    pub fn keys(&self) -> &[Public] {
        self.signatures.as_ref().map_or(&[], |signatures| &signatures.trusted)
    }

    /// Gives whether to go on behind it.
    fn read(
        &mut self,
        from: &mut dyn BufRead,
        name: &str,
        mut progress: impl FnMut(u64),
    ) -> io::Result<bool> {
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            if (&mut *from).take(LONGEST as u64).read_until(b'\n', &mut line)? == 0 {
                return Ok(true);
            }
            number += 1;
            progress(line.len() as u64);
            let place = || Place { file: name.to_owned(), line: number };
            let whole = line.strip_suffix(b"\n");
            if whole.is_none() && line.len() == LONGEST {
                self.breaks(place(), self.next(), "is not a record");
                return Ok(false);
            }
            if self.known > 0 {
                match Line::parse(whole.unwrap_or(&line)) {
                    Some(record) if record.seq > self.known => self.known = 0,
                    _ => continue,
                }
            }
            if !self.line(whole.unwrap_or(&line), whole.is_some(), place) {
                return Ok(false);
            }
        }
    }

    /// Passes by a file that nothing decrypts. Gives whether to go on behind it.
    fn pass(&mut self, file: &LogFile) -> bool {
        let before = self.found.last.as_ref().map(|last| last.seq);
        Unread::of(file, before).is_none_or(|unread| self.unread(unread))
    }

    /// Passes by a file of another host, of which that says that its records until this one are in there,
    /// encrypted. Gives whether to go on behind it.
    pub fn pass_until(&mut self, file: String, last: u64, place: impl Fn() -> Place) -> bool {
        let before = self.found.last.as_ref().map(|last| last.seq);
        if last < self.next() || self.found.unread.len() >= MOST_UNREAD {
            let reason = format!("is said to be in an encrypted file that ends with record {last}");
            return self.breaks(place(), self.next(), &reason);
        }
        let first = before.and_then(|before| before.checked_add(1));
        self.unread(Unread { file, first, last })
    }

    /// Reads a file of another host. Gives whether to go on behind it. Of the first one, what is before the
    /// record that this began after is left out, as that host leaves it out of what is plain.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn file(&mut self, file: &LogFile, decrypt: &Decrypt<'_>) -> io::Result<bool> {
        let Some(mut reader) = file.open_with(Some(decrypt))? else { return Ok(true) };
        let is_first = self.found.records == 0 && self.found.unread.is_empty();
        let last = self.found.last.as_ref().filter(|_| is_first);
        self.known = last.map_or(0, |last| last.seq);
        let goes_on = self.read(&mut reader, &file.path.display().to_string(), |_| {});
        self.known = 0;
        goes_on
    }

    fn unread(&mut self, unread: Unread) -> bool {
        // What is said of it would be in there.
        self.found.torn.extend(self.torn.take().map(|torn| torn.place));
        // It is said by `unread`, and by no power cut.
        let was_cut_off = self.found.is_cut_off;
        if !self.is_cut_off() {
            return false;
        }
        self.found.is_cut_off = was_cut_off;
        self.found.last = Some(Link { seq: unread.last, hash: String::new() });
        self.found.unread.push(unread);
        (self.at, self.is_link_unknown) = (None, true);
        true
    }

    /// The number that the next record should have.
    fn next(&self) -> u64 {
        self.found.last.as_ref().map_or(0, |last| last.seq).saturating_add(1)
    }

    /// Says what is wrong, unless something before it is: nothing behind it is read.
    fn breaks(&mut self, place: Place, seq: u64, reason: &str) -> bool {
        match self.doubt.take() {
            Some(Doubt { behind: (place, seq), reason, .. }) => self.broken(place, seq, &reason),
            None => self.broken(place, seq, reason),
        }
    }

    fn broken(&mut self, place: Place, seq: u64, reason: &str) -> bool {
        self.found.broken = Some((place, reason.to_owned()));
        self.found.wrong = Some(seq);
        false
    }

    /// Reads a line, which `ended` with a line break or not. Gives whether to go on.
    pub fn line(&mut self, text: &[u8], ended: bool, place: impl Fn() -> Place) -> bool {
        let Some(record) = Line::parse(text) else {
            let next =
                Torn { place: place(), bytes: text.len() as u64, ended, seq: number_of(text) };
            return match self.torn.replace(next) {
                Some(before) => self.breaks(before.place, self.next(), "is not a record"),
                None => true,
            };
        };
        // What was never synced is gone with a power cut: the chain continues from the link that
        // was kept apart, and the record says how many are missing before it.
        let lost = record.lost();
        let gap = record.seq.checked_sub(self.next());
        let is_said = lost.is_some() && (lost == gap || self.found.last.is_none());
        if let Some(before) = self.torn.take() {
            // The record after a torn one says so; anything else that is no record was put there.
            let says = format!(",\"torn_bytes\":{},", before.bytes);
            if !contains(record.hashed, says.as_bytes()) {
                return self.breaks(before.place, self.next(), "is not a record");
            }
            self.found.torn.push(before.place);
            if !self.is_cut_off() {
                return false;
            }
            // Its link may have been kept apart from the log: then the chain continues from it.
            if let Some(last) = &mut self.found.last
                && !is_said
                && last.seq.checked_add(2) == Some(record.seq)
                && before.seq.is_none_or(|seq| seq == last.seq + 1)
            {
                last.seq += 1;
                last.hash = String::from_utf8_lossy(record.prev).into_owned();
                if self.wanted.contains(&last.seq) {
                    self.found.hashes.insert(last.seq, last.hash.clone());
                    self.found.hearsay.insert(last.seq);
                }
            }
        }
        if !record.is_unchanged() {
            return self.breaks(place(), self.next(), "was changed: its hash does not match");
        }
        if let Some(count) = lost {
            if !is_said || count == 0 || count >= record.seq {
                let reason = format!("says that {count} records were lost before it");
                return self.breaks(place(), self.next(), &reason);
            }
            if !self.is_cut_off() {
                return false;
            }
            self.found.lost.push((place(), count));
            if self.found.last.is_none() {
                self.found.first = record.seq - count;
            }
        } else if self.found.last.is_some() && !self.follows(&record, &place) {
            return false;
        }
        if self.found.first == 0 {
            self.found.first = record.seq;
        }
        self.is_link_unknown = false;
        self.found.records += 1;
        let hash = String::from_utf8_lossy(record.hash).into_owned();
        if self.wanted.contains(&record.seq) && self.doubt.is_none() {
            self.found.hashes.insert(record.seq, hash.clone());
        }
        self.found.last = Some(Link { seq: record.seq, hash });
        if self.signatures.is_some() {
            self.at = Some(place());
            return self.signature(&record, &place);
        }
        true
    }

    /// What comes next does not say the hash of the last record, since there was one more between them:
    /// no signature behind this proves anything of what is before. Gives whether to go on.
    fn is_cut_off(&mut self) -> bool {
        let is_first = self.found.records == 0 && self.found.last.is_some();
        self.found.is_cut_off |= is_first && !self.is_link_unknown;
        let Some(signatures) = &mut self.signatures else { return true };
        if let Some((place, seq, reason)) = signatures.invalid.take() {
            return self.breaks(place, seq, &reason);
        }
        if let Some(Doubt { behind: (place, seq), reason, .. }) = self.doubt.take() {
            return self.broken(place, seq, &reason);
        }
        let from = self.first_unsigned();
        if let Some(last) = self.found.last.as_ref().filter(|last| last.seq >= from)
            && !self.is_link_unknown
            && self.found.unproven.last().is_none_or(|(_, to)| *to < from)
        {
            self.found.unproven.push((from, last.seq));
        }
        true
    }

    /// The number of the first record that no checkpoint has signed.
    fn first_unsigned(&self) -> u64 {
        let signed = self.found.signed.as_ref().map(|signed| signed.until.saturating_add(1));
        signed.unwrap_or(self.found.first.max(1))
    }

    /// Whether a record follows from the last one, or it is in doubt which of them is wrong.
    fn follows(&mut self, record: &Line<'_>, place: &impl Fn() -> Place) -> bool {
        let Some(last) = &self.found.last else { return true };
        let reason = if last.seq.checked_add(1) != Some(record.seq) {
            format!("has the number {} where {} should follow", record.seq, self.next())
        } else if record.prev != last.hash.as_bytes() && !self.is_link_unknown {
            "does not follow from the record before it".to_owned()
        } else {
            // A signature that is not valid, and what comes behind it goes on from there.
            return match self.signatures.as_mut().and_then(|all| all.invalid.take()) {
                Some((place, seq, reason)) => self.breaks(place, seq, &reason),
                None => true,
            };
        };
        let invalid = self.signatures.as_mut().and_then(|all| all.invalid.take());
        // By what comes behind it, if that is signed: one too many has the number that it says.
        let before_seq = match record.seq.checked_sub(last.seq) {
            Some(0 | 1) => last.seq,
            _ => record.seq.saturating_sub(1).max(1),
        };
        let is_far = record.seq > self.next();
        let is_signed = self.found.signed.as_ref().is_some_and(|signed| signed.until == last.seq);
        let is_open = self.doubt.is_none() && !is_far && !is_signed;
        match self.at.clone().filter(|_| is_open) {
            Some(before) => {
                let (behind, reason) = match invalid {
                    Some((place, seq, reason)) => ((place, seq), reason),
                    None => ((place(), self.next().min(record.seq)), reason),
                };
                self.doubt = Some(Doubt { before: (before, before_seq), behind, reason });
                true
            }
            None => self.breaks(place(), self.next(), &reason),
        }
    }

    /// Verifies a checkpoint.
    fn signature(&mut self, record: &Line<'_>, place: &impl Fn() -> Place) -> bool {
        if !record.is_of(Event::Checkpoint) {
            return true;
        }
        let seq = record.seq;
        let taken = self.signatures.as_mut().map(|signatures| signatures.take(record));
        let signed = match taken {
            None => return true,
            Some(Ok(signed)) => signed,
            // It, or something before it: the record behind it knows its hash.
            Some(Err(reason)) if self.doubt.is_none() => {
                let from = self.first_unsigned();
                // What has signed the key may be in what is not there any more.
                let is_whole = self.found.first == 1 && self.found.unread.is_empty();
                let since = if reason.starts_with(ANOTHER_KEY) && !is_whole {
                    String::from(
                        ": it may have been signed in a record that rotation has deleted, or that was not read; if it is the key of this host, give it, too",
                    )
                } else if from < seq {
                    format!(
                        ": it is not the record that was made, or one of the records from {from} on is not"
                    )
                } else {
                    String::new()
                };
                let invalid = Some((place(), from, format!("{reason}{since}")));
                let has_unread = !self.found.unread.is_empty();
                if let Some(signatures) = &mut self.signatures {
                    signatures.invalid = invalid;
                    self.found.is_key_unknown = has_unread && signatures.is_key_unknown;
                }
                return true;
            }
            Some(Err(_)) => return self.breaks(place(), seq, ""),
        };
        if let Some(Doubt { before: (place, seq), .. }) = self.doubt.take() {
            let reason =
                format!("is not the record that was signed, as checkpoint {} says", record.seq);
            return self.broken(place, seq, &reason);
        }
        let before = self.found.signed.take();
        let count = before.as_ref().map_or(0, |before| before.checkpoints);
        let mut hosts = before.map_or_else(Vec::new, |before| before.hosts);
        let is_same = |host: &SignedBy| host.machine == signed.machine && host.host == signed.host;
        if !hosts.last().is_some_and(is_same) && hosts.len() < MOST_HOSTS {
            hosts.push(SignedBy { since: seq, ..signed.clone() });
        }
        let line = format!(
            "{}{HASH_KEY}{}\"}}",
            String::from_utf8_lossy(record.hashed),
            String::from_utf8_lossy(record.hash)
        );
        self.found.signed =
            Some(Signed { until: seq, checkpoints: count + 1, key: signed.key, hosts, line });
        true
    }

    /// What was found.
    pub fn end(mut self) -> Found {
        if self.found.broken.is_none() {
            let invalid = self.signatures.as_mut().and_then(|all| all.invalid.take());
            match (self.doubt.take(), invalid, self.torn.take()) {
                (Some(Doubt { behind: (place, seq), reason, .. }), ..)
                | (None, Some((place, seq, reason)), _) => drop(self.broken(place, seq, &reason)),
                // At the very end it is what the next record will close.
                (None, None, Some(Torn { place, ended: true, .. })) => {
                    let next = self.next();
                    self.broken(place, next, "is not a record");
                }
                (None, None, last) => {
                    self.found.torn_end = last.is_some();
                    self.found.torn.extend(last.map(|torn| torn.place));
                }
            }
        }
        self.found
    }
}

/// How it begins to be said that a checkpoint is signed with a key that is not trusted.
const ANOTHER_KEY: &str = "is signed with another key";

/// The most hosts that are named of those that signed one log.
const MOST_HOSTS: usize = 16;

/// The keys whose checkpoints are taken.
struct Signatures {
    trusted: Vec<Public>,
    /// Keys that another one took the place of, which is the second of each pair: from its first
    /// checkpoint on, the first signs nothing any more.
    replaced: Vec<(Public, Public)>,
    retired: Vec<Public>,
    /// A checkpoint whose signature is not valid, and the number of the first record that it leaves in
    /// doubt.
    invalid: Option<(Place, u64, String)>,
    /// Whether the last one that was not taken is of a key that nobody has signed.
    is_key_unknown: bool,
}

impl Signatures {
    fn new(trusted: Vec<Public>) -> Self {
        let (replaced, retired) = (Vec::new(), Vec::new());
        Self { trusted, replaced, retired, invalid: None, is_key_unknown: false }
    }

    /// Gives who has signed it.
    fn take(&mut self, record: &Line<'_>) -> Result<SignedBy, String> {
        let Some(read) = Signature::of(record) else {
            return Err("is not a checkpoint that can be verified".to_owned());
        };
        if !read.is_signed {
            return Err("has a signature that is not valid".to_owned());
        }
        if self.retired.contains(&read.key) {
            return Err(format!("is signed with the key {}, which was replaced before", read.key));
        }
        self.is_key_unknown = !self.trusted.contains(&read.key);
        if self.is_key_unknown {
            return Err(format!(
                "{ANOTHER_KEY}, {}, which none of the given keys has signed",
                read.key
            ));
        }
        let (gone, stay) = self.replaced.drain(..).partition(|(_, new)| *new == read.key);
        self.replaced = stay;
        let gone: Vec<(Public, Public)> = gone;
        for (old, _) in gone {
            self.trusted.retain(|key| *key != old);
            self.retired.push(old);
        }
        if let Some(next) = read.next.filter(|next| *next != read.key) {
            self.replaced.push((read.key, next));
            self.trusted.push(next);
        }
        let Checkpoint { host, machine, key, .. } = read.said;
        Ok(SignedBy { host, machine, key, since: record.seq })
    }
}

/// A line that is no record.
struct Torn {
    place: Place,
    bytes: u64,
    /// Whether it has its line break: a torn record gets it with the next one.
    ended: bool,
    /// Its number, if that much of it is there.
    seq: Option<u64>,
}

/// The number at the beginning of a record, if it is there to the end.
fn number_of(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"{\"seq\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    rest.get(digits)?;
    str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// How far it is, for somebody who waits.
struct Progress {
    all: u64,
    done: u64,
    shown: u64,
    wanted: bool,
}

impl Progress {
    fn new(all: u64) -> Self {
        const WORTH_IT: u64 = 16 << 20;
        Self { all, done: 0, shown: 0, wanted: all > WORTH_IT && io::stderr().is_terminal() }
    }

    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let percent = (self.done * 100 / self.all.max(1)).min(100);
        if self.wanted && percent != self.shown {
            self.shown = percent;
            let end = if percent == 100 { "\r                   \r" } else { "" };
            let _ = write!(io::stderr(), "\rverifying {percent:3} %{end}");
        }
    }
}
