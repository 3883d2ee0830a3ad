//! What is in a file of the log, so short that it is read in no time: for each line the account,
//! event, code and operation, as a number, and the end of its request's id; for each 64 lines
//! where they begin, and from when they are.
//!
//! It is made of the file alone, and can be thrown away. Every record that is shown is read from
//! the log itself.

pub mod blocks;
pub mod gzip;
pub mod store;

use crate::admin::audit::export::quick;
use crate::admin::audit::export::record::Record;
use crate::admin::audit::filter::{Answer, Filter, micros};
use crate::admin::audit::index::gzip::{Point, Unpacked};
use crate::admin::audit::rows::{ended, may_ask, operation_from};
use crate::audit::files::Stored;
use crate::audit::record::Event;
use crate::request::id::RequestId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// How many lines a block has.
pub const LINES: usize = 64;

/// The most that one index holds, so that no file of the log makes it large: lines, kinds, and
/// the bytes of the names in all kinds. Of what is above the last two, no operation is known.
const MOST_LINES: usize = 1 << 26;
const MOST_KINDS: usize = 60_000;
const MOST_BYTES: usize = 2 << 20;

/// The most questions that are read with the grammar, which takes long.
const MOST_QUESTIONS: usize = 4096;

/// The longest line, in bytes: far longer than records are.
const LONGEST: usize = 1 << 24;

/// Of a line that is not as this program writes them nothing is known. It is always read.
pub const UNKNOWN: u16 = 0;

/// What many records have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Kind {
    user: String,
    event: String,
    code: String,
    /// The operation and the name in it; none if that is not known.
    operation: Option<(Option<String>, String)>,
}

impl Kind {
    /// Whether records of it are what is looked for.
    pub fn answer(&self, filter: &Filter<'_>) -> Answer {
        if !filter.takes_facts(&self.user, &self.event, &self.code) {
            return Answer::No;
        }
        match &self.operation {
            None if filter.asks_for_an_operation() => Answer::Maybe,
            Some((operation, name)) if !filter.takes_operation(|| operation.clone(), name) => {
                Answer::No
            }
            _ => Answer::Yes,
        }
    }

    /// Whether something is about to be done.
    pub fn is_intent(&self) -> bool {
        self.event == Event::Intent.word()
    }

    fn bytes(&self) -> usize {
        let (operation, name) = self.operation.as_ref().map_or((0, 0), |(operation, name)| {
            (operation.as_ref().map_or(0, String::len), name.len())
        });
        self.user.len() + self.event.len() + self.code.len() + operation + name
    }
}

/// Some lines that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Where the first of them begins, unpacked.
    pub at: u64,
    /// Of those of a known kind the earliest and the latest time, see [`micros`].
    pub from: u64,
    /// The latest.
    pub to: u64,
}

/// The index of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// What is in few bytes.
    pub head: Head,
    /// The kind of each line.
    pub kinds: Vec<u16>,
    /// The end of the request's id of each line, see [`id_number`].
    pub ids: Vec<u32>,
}

/// What of an index is not there for each line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Where the last line ends, unpacked.
    pub end: u64,
    /// Each kind, of which the first is that of unknown lines.
    pub kinds: Vec<Kind>,
    /// The blocks, each of 64 lines but for the last one.
    pub blocks: Vec<Block>,
    /// The lines with an intent that nothing ends in this file.
    pub open: Vec<u32>,
    /// Where a packed file can be unpacked from.
    pub points: Vec<Point>,
}

/// The last eight bytes of an id as a number. Ids that differ may have the same one.
pub fn id_number(id: &[u8]) -> u32 {
    let end = &id[id.len().saturating_sub(8)..];
    // The constants of FNV-1a.
    end.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

impl Index {
    /// Reads the file and makes its index.
    ///
    /// # Errors
    /// If it cannot be read, or is so unlike a log that an index would be too large.
    pub fn of(stored: Stored<'_>) -> io::Result<Self> {
        let mut builder = Builder::new();
        match stored {
            Stored::Plain(file) => {
                let at = std::cell::Cell::new(0);
                each_line(
                    |to| {
                        let count = file.read_at(to, at.get())?;
                        at.set(at.get() + count as u64);
                        Ok(count)
                    },
                    |line| builder.line(line),
                )?;
            }
            Stored::Gzip(file) => {
                let mut unpacked = Unpacked::whole(file);
                each_line(|to| unpacked.read(to), |line| builder.line(line))?;
                builder.index.head.points = unpacked.points();
            }
        }
        builder.index.head.open = builder.open.into_values().flatten().collect();
        builder.index.head.open.sort_unstable();
        Ok(builder.index)
    }
}

/// Shows each line, with its line break if it has one.
fn each_line(
    mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    mut show: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    const ROOM: usize = 1 << 18;
    let mut buffer = vec![0; ROOM];
    let (mut begin, mut end) = (0, 0);
    loop {
        if begin > 0 {
            buffer.copy_within(begin..end, 0);
            (begin, end) = (0, end - begin);
        }
        if end == buffer.len() {
            if end >= LONGEST {
                return Err(io::Error::other("a line of it is too long"));
            }
            buffer.resize(2 * end, 0);
        }
        let searched = end;
        let count = read(&mut buffer[end..])?;
        if count == 0 {
            return if end > 0 { show(&buffer[..end]) } else { Ok(()) };
        }
        end += count;
        for place in memchr::memchr_iter(b'\n', &buffer[searched..end]) {
            let next = searched + place + 1;
            show(&buffer[begin..next])?;
            begin = next;
        }
    }
}

struct Builder {
    index: Index,
    /// The number of each kind, and of the fields that make it.
    numbers: HashMap<Kind, u16>,
    seen: HashMap<Box<[u8]>, u16>,
    seen_bytes: usize,
    key: Vec<u8>,
    bytes: usize,
    /// The lines of intents that nothing has ended.
    open: HashMap<Box<str>, Vec<u32>>,
    /// How many questions are still read.
    questions: usize,
}

impl Builder {
    fn new() -> Self {
        let none = String::new;
        let unknown = Kind { user: none(), event: none(), code: none(), operation: None };
        let head = Head { kinds: vec![unknown], ..Head::default() };
        Self {
            index: Index { head, ..Index::default() },
            numbers: HashMap::new(),
            seen: HashMap::new(),
            seen_bytes: 0,
            key: Vec::new(),
            bytes: 0,
            open: HashMap::new(),
            questions: MOST_QUESTIONS,
        }
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let number = self.index.kinds.len();
        if number >= MOST_LINES {
            return Err(io::Error::other("it has too many lines"));
        }
        let head = &mut self.index.head;
        if number.is_multiple_of(LINES) {
            head.blocks.push(Block { at: head.end, from: u64::MAX, to: 0 });
        }
        head.end += line.len() as u64;
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let record = quick::parse(text);
        let (kind, id) = match record.as_ref().and_then(Known::of) {
            Some(known) => (self.known(&known, number), id_number(known.id.as_bytes())),
            // Whatever it is, it may end a request.
            None => match ended(line) {
                None => (UNKNOWN, 0),
                Some(id) => {
                    self.open.remove(&*id);
                    (UNKNOWN, id_number(id.as_bytes()))
                }
            },
        };
        self.index.kinds.push(kind);
        self.index.ids.push(id);
        Ok(())
    }

    fn known(&mut self, known: &Known<'_>, number: usize) -> u16 {
        if let Some(block) = self.index.head.blocks.last_mut() {
            block.from = block.from.min(known.time);
            block.to = block.to.max(known.time);
        }
        if &*known.record.event == Event::Intent.word() {
            // There are fewer lines than that.
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            self.open.entry(known.id.into()).or_default().push(number);
        } else if !self.open.is_empty() {
            self.open.remove(known.id);
        }
        self.kind(known.record)
    }

    /// The number of the record's kind.
    fn kind(&mut self, record: &Record<'_>) -> u16 {
        /// The most that is kept of the fields of kinds, in bytes.
        const MOST: usize = 8 << 20;
        self.key.clear();
        let texts = [user(record), &record.event, code(record)];
        texts.into_iter().for_each(|text| push(&mut self.key, text));
        if let Some(operation) = &record.operation {
            let parts = [&operation.kind, &operation.action, &operation.name];
            let parts = parts.map(|part| part.as_deref().unwrap_or(""));
            parts.into_iter().for_each(|text| push(&mut self.key, text));
        } else {
            self.key.push(b'?');
            for word in record.asked.as_deref().unwrap_or_default() {
                // It does not matter which request is asked for.
                let is_id = RequestId::parse(OsStr::new(&**word)).is_ok();
                push(&mut self.key, if is_id { "ID" } else { word });
            }
        }
        if let Some(number) = self.seen.get(&*self.key) {
            return *number;
        }
        let kind = Kind {
            user: texts[0].to_owned(),
            event: texts[1].to_owned(),
            code: texts[2].to_owned(),
            operation: self.operation(record),
        };
        let number = self.number(kind);
        self.seen_bytes += self.key.len();
        if self.seen_bytes > MOST {
            self.seen.clear();
            self.seen_bytes = self.key.len();
        }
        self.seen.insert(self.key.as_slice().into(), number);
        number
    }

    fn operation(&mut self, record: &Record<'_>) -> Option<(Option<String>, String)> {
        let operation = record.operation.as_ref().map(|operation| {
            [&operation.kind, &operation.action, &operation.name]
                .map(|part| part.as_deref().unwrap_or(""))
        });
        let asked: Vec<&str> =
            record.asked.as_deref().unwrap_or_default().iter().map(|word| &**word).collect();
        if operation.is_none() && may_ask(&asked) {
            self.questions = self.questions.checked_sub(1)?;
        }
        let name = operation.map_or("", |[_, _, name]| name);
        Some((operation_from(operation, code(record), &asked), name.to_owned()))
    }

    fn number(&mut self, kind: Kind) -> u16 {
        let kinds = &mut self.index.head.kinds;
        if let Some(number) = self.numbers.get(&kind) {
            return *number;
        }
        let is_too_much = kinds.len() >= MOST_KINDS || self.bytes + kind.bytes() > MOST_BYTES;
        let kind = if is_too_much { Kind { operation: None, ..kind } } else { kind };
        if let Some(number) = self.numbers.get(&kind) {
            return *number;
        }
        let Ok(number) = u16::try_from(kinds.len()) else { return UNKNOWN };
        self.bytes += kind.bytes();
        kinds.push(kind.clone());
        self.numbers.insert(kind, number);
        number
    }
}

fn push(key: &mut Vec<u8>, text: &str) {
    key.extend_from_slice(&(text.len() as u64).to_le_bytes());
    key.extend_from_slice(text.as_bytes());
}

fn user<'r>(record: &'r Record<'_>) -> &'r str {
    record.caller.as_ref().and_then(|caller| caller.user.as_deref()).unwrap_or("")
}

fn code<'r>(record: &'r Record<'_>) -> &'r str {
    record.code.as_deref().unwrap_or("")
}

/// A record as this program writes it, of which nothing has to be read again to know what it is.
struct Known<'r> {
    record: &'r Record<'r>,
    time: u64,
    id: &'r str,
}

impl<'r> Known<'r> {
    fn of(record: &'r Record<'r>) -> Option<Self> {
        // Escaped, they are something else in the text of the line.
        record.event.as_written()?;
        let id = record.request_id.as_ref()?.as_written()?;
        Some(Self { record, time: micros(&record.time)?, id })
    }
}
