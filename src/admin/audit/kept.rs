//! What a log is held against: keys, and records of it that were kept elsewhere.

use crate::audit::key::Public;
use crate::audit::line::{LONGEST, Line};
use crate::audit::record::{Event, Link};
use crate::audit::signature::Signature;
use crate::audit::verify::Found;
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use crate::system::file;
use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

/// Larger than any file of keys, in bytes.
const MOST_KEYS: u64 = 1 << 20;

/// What to do where they are something else.
const WANTED: &str =
    "give it lines of a host's log as they are, for example those of its checkpoints";

/// Records of a log that were kept elsewhere, as a rule its checkpoints.
#[derive(Debug, Default)]
pub struct Kept {
    /// Their hashes by their numbers.
    pub records: BTreeMap<u64, String>,
    /// Pairs of keys of which the first has signed the second.
    rotations: Vec<(Public, Public)>,
    /// The number of the last checkpoint, and the key that signed it.
    last: Option<(u64, Public)>,
    /// The file.
    name: String,
}

impl Kept {
    /// Reads them: each on a line, as it is in the log.
    ///
    /// # Errors
    /// If one of them is no record, or was changed, or is not signed though it is a checkpoint.
    pub fn read(path: &Path) -> Result<Self, Refusal> {
        let mut kept = Self { name: path.display().to_string(), ..Self::default() };
        let name = one_line(&kept.name, 200);
        let wrong = |number: usize, what: &str| {
            Refusal::new(Code::InvalidArgument, format!("{name}:{number} {what}")).hint(WANTED)
        };
        let file = file::open(path).map_err(|error| cannot_be_read(&name, &error))?;
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = (&mut reader).take(LONGEST as u64).read_until(b'\n', &mut line);
            if read.map_err(|error| cannot_be_read(&name, &error))? == 0 {
                break;
            }
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let record = Line::parse(text).filter(Line::is_unchanged);
            let record = record.ok_or_else(|| wrong(number, "is no record, or was changed"))?;
            if record.is_of(Event::Checkpoint) {
                let signature = Signature::of(&record).filter(|signature| signature.is_signed);
                let signature =
                    signature.ok_or_else(|| wrong(number, "has a signature that is not valid"))?;
                kept.rotations.extend(signature.next.map(|next| (signature.key, next)));
                if kept.last.is_none_or(|(last, _)| record.seq > last) {
                    kept.last = Some((record.seq, signature.key));
                }
            }
            let hash = String::from_utf8_lossy(record.hash).into_owned();
            let before = kept.records.insert(record.seq, hash.clone());
            if before.is_some_and(|before| before != hash) {
                let what = format!("is another record {} than one before it", record.seq);
                return Err(wrong(number, &what));
            }
        }
        Ok(kept)
    }

    /// Sees to it that there is one: nothing is no log's past.
    ///
    /// # Errors
    /// If there is none.
    pub fn is_not_empty(&self) -> Result<(), Refusal> {
        if !self.records.is_empty() {
            return Ok(());
        }
        let what = format!("{} has no record", one_line(&self.name, 200));
        Err(Refusal::new(Code::InvalidArgument, what).hint(WANTED))
    }

    /// The newest one.
    pub fn last(&self) -> Option<Link> {
        let (seq, hash) = self.records.last_key_value()?;
        Some(Link { seq: *seq, hash: hash.clone() })
    }

    /// These keys and those that they have signed, as the records say.
    pub fn with_signed(&self, mut keys: Vec<Public>) -> Vec<Public> {
        for (old, new) in &self.rotations {
            if keys.contains(old) && !keys.contains(new) {
                keys.push(*new);
            }
        }
        keys
    }

    /// Of these keys, in the order in which they took over, those that may sign what follows the last
    /// checkpoint: the one of that, and those behind it. All of them if it is none of these.
    pub fn still_signing(&self, keys: &[Public]) -> Vec<Public> {
        let last = self.last.and_then(|(_, key)| keys.iter().position(|known| *known == key));
        keys[last.unwrap_or(0)..].to_vec()
    }

    /// What a log in which these were looked for has not, or has otherwise.
    pub fn missing_in(&self, found: &Found) -> Option<String> {
        let from = one_line(&self.name, 200);
        let until = found.last.as_ref().map_or(0, |last| last.seq);
        let (mut same, mut is_held) = (0, false);
        for (seq, hash) in &self.records {
            if *seq > until {
                return Some(format!(
                    "the end was cut: the log ends with record {until}, but {from} has record {seq}"
                ));
            }
            match found.hashes.get(seq) {
                // What is written behind it can say any hash.
                Some(_) if found.hearsay.contains(seq) => {
                    return Some(format!(
                        "record {seq}, which {from} has, is not in the log: a part of a record is in its place"
                    ));
                }
                Some(found) if found == hash => same = *seq,
                Some(_) if same + 1 == *seq || found.first == *seq => {
                    return Some(format!("record {seq} is not the one that {from} has"));
                }
                Some(_) => {
                    let first = found.first.max(same + 1);
                    return Some(format!(
                        "record {seq} is not the one that {from} has: the first that was changed is one of {first} to {seq}"
                    ));
                }
                // Rotation has deleted it, or it is in a file that was not read.
                None if found.unread.iter().any(|one| one.holds(*seq)) => is_held = true,
                None if *seq < found.first => {}
                None => return Some(format!("record {seq}, which {from} has, is not in the log")),
            }
        }
        // Then it is as good as any other log that begins there.
        let newest = self.records.last_key_value().filter(|_| same == 0 && !is_held);
        newest.map(|(seq, _)| {
            format!(
                "the log begins with record {}, and has none of those that {from} has, of which the last is {seq}: nothing shows that it is the same log",
                found.first
            )
        })
    }
}

/// Reads public keys.
///
/// # Errors
/// If there is none.
pub fn read_keys(path: &Path) -> Result<Vec<Public>, Refusal> {
    let name = one_line(&path.to_string_lossy(), 200);
    let mut bytes = Vec::new();
    let file = file::open(path).and_then(|file| file.take(MOST_KEYS).read_to_end(&mut bytes));
    file.map_err(|error| cannot_be_read(&name, &error))?;
    // What is no text has no key.
    let text = String::from_utf8_lossy(&bytes);
    match Public::all_in(&text) {
        Some(keys) if !keys.is_empty() => Ok(keys),
        _ if text.contains("PRIVATE KEY-----") => {
            let what = format!("{name} is a private key: only its public half is needed");
            Err(Refusal::new(Code::InvalidArgument, what).hint(
                "give it what sm audit key printed on the host that made the log, and leave the private half there",
            ))
        }
        _ => Err(Refusal::new(Code::InvalidArgument, format!("{name} has no key"))
            .hint("give it what sm audit key printed on the host that made the log")),
    }
}

/// Why something cannot be read.
pub fn cannot_be_read(name: &str, error: &io::Error) -> Refusal {
    let code = match error.kind() {
        io::ErrorKind::PermissionDenied => Code::NotPrivileged,
        _ => Code::CommandFailed,
    };
    Refusal::new(code, format!("{} cannot be read: {error}", one_line(name, 200)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn kept(records: &[(u64, &str)]) -> Kept {
        let records = records.iter().map(|(seq, hash)| (*seq, (*hash).to_owned())).collect();
        Kept { records, name: "kept".to_owned(), ..Kept::default() }
    }

    /// A log of these numbers.
    fn found(first: u64, last: u64, hashes: &[(u64, &str)]) -> Found {
        Found {
            first,
            last: Some(Link { seq: last, hash: String::new() }),
            hashes: hashes.iter().map(|(seq, hash)| (*seq, (*hash).to_owned())).collect(),
            ..Found::default()
        }
    }

    #[test]
    fn a_log_has_what_was_kept_of_it() {
        let both = kept(&[(3, "a"), (9, "b")]);
        assert_eq!(both.missing_in(&found(1, 20, &[(3, "a"), (9, "b")])), None);
        // Rotation has deleted the first.
        assert_eq!(both.missing_in(&found(5, 20, &[(9, "b")])), None);
        let wrong = |found: &Found| both.missing_in(found).expect("it is another one");
        assert!(wrong(&found(1, 20, &[(3, "a"), (9, "c")])).contains("is one of 4 to 9"));
        assert!(wrong(&found(1, 5, &[(3, "a")])).contains("the end was cut"));
        assert!(wrong(&found(1, 20, &[(3, "a")])).contains("is not in the log"));
        // A log that begins behind all of them is any.
        assert!(wrong(&found(10, 20, &[])).contains("nothing shows that it is the same log"));
        // Of a torn record it has no more than what the next one says.
        let torn = BTreeSet::from([9]);
        let torn = Found { hearsay: torn, ..found(1, 20, &[(3, "a"), (9, "b")]) };
        assert!(wrong(&torn).contains("a part of a record is in its place"));
        // Nobody knows what is in a file that was not read.
        let unread = crate::audit::verify::Unread { file: String::new(), first: None, last: 9 };
        let encrypted = Found { unread: vec![unread], ..found(10, 20, &[]) };
        assert_eq!(both.missing_in(&encrypted), None);
    }
}
