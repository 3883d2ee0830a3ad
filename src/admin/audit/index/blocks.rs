//! The lines of a file of the log, by their numbers.

use crate::admin::audit::index::gzip::{APART, Unpacked};
use crate::admin::audit::index::{Index, LINES};
use crate::audit::files::Stored;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

/// What reads blocks of lines.
pub struct Blocks<'f> {
    stored: Stored<'f>,
    index: &'f Index,
    /// The block that was read last.
    number: Option<usize>,
    text: Vec<u8>,
    /// Where each of its lines ends.
    ends: Vec<usize>,
    /// A packed file that was unpacked up to there.
    unpacked: Option<(Unpacked<'f>, u64)>,
}

impl<'f> Blocks<'f> {
    /// Those of this file, which has this index.
    pub fn of(stored: Stored<'f>, index: &'f Index) -> Self {
        Self { stored, index, number: None, text: Vec::new(), ends: Vec::new(), unpacked: None }
    }

    /// A line with its line break, if it has one.
    ///
    /// # Errors
    /// If it cannot be read, or the file has not the lines that the index says.
    pub fn line(&mut self, number: usize) -> io::Result<&[u8]> {
        let block = number / LINES;
        if self.number != Some(block) {
            self.number = None;
            self.read(block)?;
            self.number = Some(block);
        }
        let at = number % LINES;
        let begin = if at == 0 { 0 } else { *self.ends.get(at - 1).ok_or_else(other)? };
        let end = *self.ends.get(at).ok_or_else(other)?;
        Ok(&self.text[begin..end])
    }

    fn read(&mut self, block: usize) -> io::Result<()> {
        /// The most that is read at once, in bytes: an index that says more is wrong.
        const MOST: u64 = 1 << 31;
        let head = &self.index.head;
        let begin = head.blocks.get(block).ok_or_else(other)?.at;
        let end = head.blocks.get(block + 1).map_or(head.end, |next| next.at);
        let length = end.checked_sub(begin).filter(|length| *length <= MOST).ok_or_else(other)?;
        self.text.clear();
        match self.stored {
            Stored::Plain(file) => {
                if file.metadata()?.len() < end {
                    return Err(other());
                }
                self.text.resize(length as usize, 0);
                file.read_exact_at(&mut self.text, begin)?;
            }
            Stored::Gzip(file) => {
                let known = self.unpacked.take();
                let on = known.filter(|(_, at)| *at <= begin && begin - at <= APART);
                let (mut unpacked, at) = match on {
                    Some(on) => on,
                    None => match head.points.iter().rev().find(|point| point.unpacked <= begin) {
                        Some(point) => (Unpacked::from(file, point)?, point.unpacked),
                        None => (Unpacked::whole(file), 0),
                    },
                };
                io::copy(&mut unpacked.by_ref().take(begin - at), &mut io::sink())?;
                unpacked.by_ref().take(length).read_to_end(&mut self.text)?;
                self.unpacked = Some((unpacked, end));
            }
        }
        self.ends.clear();
        self.ends.extend(memchr::memchr_iter(b'\n', &self.text).map(|place| place + 1));
        if self.ends.last().copied().unwrap_or(0) < self.text.len() {
            self.ends.push(self.text.len());
        }
        let expected = self.index.kinds.len().saturating_sub(block * LINES).min(LINES);
        let is_whole = self.text.len() as u64 == length && self.ends.len() == expected;
        if is_whole { Ok(()) } else { Err(other()) }
    }
}

fn other() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not what its index says")
}
