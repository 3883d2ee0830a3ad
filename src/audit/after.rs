//! The records after a certain one, of all files, oldest first; and then those that are written
//! from now on, over every rotation.
//!
//! Where it is, is the number and the hash of a record, and never a place in a file: rotation
//! renames, packs, copies and deletes files.

use crate::audit::files::{self, Decrypt, LogFile};
use crate::audit::line::{LONGEST, Line};
use crate::audit::record::Link;
use crate::audit::verify::Unread;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

/// What is found.
#[derive(Debug)]
pub enum Found<'l> {
    /// A record: its line without the line break.
    Record(Line<'l>, &'l [u8]),
    /// A line that is none, in the file of this path.
    NoRecord(&'l Path),
    /// The log no longer has these records.
    Gone {
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// A file that nothing decrypts, and what is known of it.
    Unread(Unread, &'l LogFile),
}

/// Why reading ended.
#[derive(Debug)]
pub enum Ended<E> {
    /// A file cannot be read.
    Unreadable(io::Error),
    /// The log has another record of the number where it was, or it ends before it: what it has.
    Another(String),
    /// Whom the records were shown to wants no more.
    Shown(E),
}

impl<E> From<io::Error> for Ended<E> {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Where reading is.
pub struct After {
    folder: PathBuf,
    last: Link,
    /// Whether the log has been seen to go on from there.
    is_met: bool,
    open: Option<Open>,
    /// The number of the record that was read last of the files: of a line behind it that is no
    /// record it says whether it was shown.
    before: Option<u64>,
    decrypt: Option<Box<Decrypt<'static>>>,
}

/// The file that was read last, at its end.
struct Open {
    file: LogFile,
    reader: Box<dyn BufRead>,
    read: u64,
    /// A line that has no end yet.
    line: Vec<u8>,
    /// Whether it is longer than a record is.
    too_long: bool,
}

impl Open {
    /// Reads on to the end of the line, as far as it is no longer than a record can be.
    fn read_line(&mut self) -> io::Result<()> {
        loop {
            let there = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                there => there?,
            };
            let there = &there[..there.len().min(LONGEST - self.line.len())];
            let end = memchr::memchr(b'\n', there).map(|end| end + 1);
            let count = end.unwrap_or(there.len());
            self.line.extend_from_slice(&there[..count]);
            self.reader.consume(count);
            self.read += count as u64;
            // Nothing more is there, or there is no room for more.
            if end.is_some() || count == 0 {
                return Ok(());
            }
        }
    }
}

impl After {
    /// All records after this one.
    pub fn new(folder: &Path, last: Link) -> Self {
        let is_met = last.seq == 0;
        let folder = folder.to_owned();
        Self { folder, last, is_met, open: None, before: None, decrypt: None }
    }

    /// The same, with what reads encrypted files.
    #[must_use]
    pub fn decrypted_with(self, decrypt: Option<Box<Decrypt<'static>>>) -> Self {
        Self { decrypt, ..self }
    }

    /// The record that was read last.
    pub fn last(&self) -> &Link {
        &self.last
    }

    /// Shows what there is by now. Gives whether there is a log at all.
    ///
    /// # Errors
    /// See [`Ended`]. What was shown is not shown again by the next call.
    pub fn read<E>(
        &mut self,
        mut show: impl FnMut(Found<'_>) -> Result<(), E>,
    ) -> Result<bool, Ended<E>> {
        if let Some(mut open) = self.open.take() {
            // Asked first: what is still in the old one then is read.
            let is_replaced = open.file.is_replaced(open.read)?;
            let read = self.rest_of(&mut open, true, &mut show);
            let goes_on = read.as_ref().map_or(true, Option::is_some);
            if !is_replaced && goes_on {
                self.open = Some(open);
                return read.map(|_| true);
            }
            read?;
        }
        self.before = None;
        let files = files::all_in(&self.folder)?;
        let is_there = !files.is_empty();
        let firsts: Vec<Option<u64>> = files.iter().map(LogFile::first).collect();
        let mut highest = 0;
        for (at, file) in files.into_iter().enumerate() {
            // The next one begins where this one has nothing new.
            if firsts.get(at + 1).copied().flatten().is_some_and(|next| next <= self.last.seq + 1) {
                continue;
            }
            // It has nothing new, and is not decrypted for that.
            if file.encrypted_until().is_some_and(|until| until <= self.last.seq) {
                highest = file.encrypted_until().unwrap_or(0).max(highest);
                continue;
            }
            let Some(reader) = file.open_with(self.decrypt.as_deref())? else {
                let before = Some(self.last.seq).filter(|seq| *seq > 0);
                if let Some(unread) = Unread::of(&file, before) {
                    let until = unread.last;
                    show(Found::Unread(unread, &file)).map_err(Ended::Shown)?;
                    highest = until.max(highest);
                    self.last = Link { seq: until, hash: String::new() };
                    self.is_met = true;
                }
                continue;
            };
            let mut open = Open { file, reader, read: 0, line: Vec::new(), too_long: false };
            highest = self.rest_of(&mut open, false, &mut show)?.unwrap_or(0).max(highest);
            self.open = Some(open);
        }
        if highest < self.last.seq && (highest > 0 || !is_there) {
            return Err(Ended::Another(match highest {
                0 => "there is no log".to_owned(),
                _ => format!("its last record has the number {highest}"),
            }));
        }
        Ok(is_there)
    }

    /// Reads a file on to its end. Gives the highest number in that; none if it is read on and does
    /// not go on as it should: it may have been cut and written anew since, beyond where it ended.
    fn rest_of<E>(
        &mut self,
        open: &mut Open,
        is_read_on: bool,
        show: &mut impl FnMut(Found<'_>) -> Result<(), E>,
    ) -> Result<Option<u64>, Ended<E>> {
        let mut highest = 0;
        loop {
            open.read_line()?;
            let ended = open.line.strip_suffix(b"\n");
            let line = ended.unwrap_or(&open.line);
            match Line::parse(line).filter(|_| !open.too_long) {
                // Its line break may be missing: no part of a record is a record.
                Some(record) => {
                    if is_read_on && record.prev != self.last.hash.as_bytes() {
                        return Ok(None);
                    }
                    highest = highest.max(record.seq);
                    self.before = Some(record.seq);
                    self.shown(record, line, show)?;
                }
                None if ended.is_some() => {
                    // The next record has to give it its line break.
                    let is_new = self.before.is_none_or(|before| before >= self.last.seq);
                    let is_empty = line.is_empty() && !open.too_long;
                    if is_read_on && !is_empty {
                        return Ok(None);
                    }
                    if is_new && !is_empty {
                        show(Found::NoRecord(&open.file.path)).map_err(Ended::Shown)?;
                    }
                }
                None if open.line.len() >= LONGEST => {
                    open.too_long = true;
                    open.line.clear();
                    continue;
                }
                None => return Ok(Some(highest)),
            }
            open.too_long = false;
            open.line.clear();
        }
    }

    /// Shows a record unless it was, and sees to it that it goes on from where it was.
    fn shown<E>(
        &mut self,
        record: Line<'_>,
        line: &[u8],
        show: &mut impl FnMut(Found<'_>) -> Result<(), E>,
    ) -> Result<(), Ended<E>> {
        let (seq, last) = (record.seq, &self.last);
        let other = || Ended::Another(format!("its record {seq} is another one"));
        if seq <= last.seq {
            if seq == last.seq {
                if record.hash != last.hash.as_bytes() {
                    return Err(other());
                }
                self.is_met = true;
            }
            return Ok(());
        }
        if !self.is_met {
            if seq > last.seq + 1 {
                let gone = Found::Gone { from: last.seq + 1, to: seq - 1 };
                show(gone).map_err(Ended::Shown)?;
            } else if record.prev != last.hash.as_bytes() {
                return Err(other());
            }
            self.is_met = true;
        }
        show(Found::Record(record, line)).map_err(Ended::Shown)?;
        self.last.seq = seq;
        self.last.hash.clear();
        self.last.hash.push_str(&record.hash_text());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::record::hash_of;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::fs::{self, File, OpenOptions};
    use std::io::Write as _;

    /// A folder with a log that a test writes.
    struct Log {
        folder: PathBuf,
        last: Link,
        rotated: u32,
    }

    impl Log {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("sm-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).expect("a folder");
            Self { folder, last: Link::start(), rotated: 0 }
        }

        fn file(&self) -> PathBuf {
            self.folder.join(files::NAME)
        }

        fn next(&mut self) -> String {
            let seq = self.last.seq + 1;
            let body = format!("{{\"seq\":{seq},\"prev\":\"{}\"}}", self.last.hash);
            self.last = Link { seq, hash: hash_of(&body) };
            format!("{},\"hash\":\"{}\"}}\n", body.trim_end_matches('}'), self.last.hash)
        }

        fn append(&mut self, text: &str) {
            let mut options = OpenOptions::new();
            let mut file = options.append(true).create(true).open(self.file()).expect("a log");
            file.write_all(text.as_bytes()).expect("written");
        }

        fn write(&mut self, count: u32) {
            for _ in 0..count {
                let line = self.next();
                self.append(&line);
            }
        }

        fn put_aside(&mut self) -> PathBuf {
            self.rotated += 1;
            let aside = self.folder.join(format!("{}-{}", files::NAME, self.rotated));
            if self.file().exists() {
                fs::rename(self.file(), &aside).expect("renamed");
            }
            aside
        }

        fn pack(&self, path: &Path) {
            if let Ok(text) = fs::read(path) {
                let packed = File::create(path.with_extension("gz.tmp")).expect("a file");
                let mut packed = GzEncoder::new(packed, Compression::fast());
                packed.write_all(&text).and_then(|()| packed.finish().map(drop)).expect("packed");
                let to = format!("{}.gz", path.display());
                fs::rename(path.with_extension("gz.tmp"), to).expect("renamed");
                fs::remove_file(path).expect("removed");
            }
        }

        fn copy_and_cut(&mut self) {
            self.rotated += 1;
            let aside = self.folder.join(format!("{}-{}", files::NAME, self.rotated));
            if fs::copy(self.file(), aside).is_ok() {
                File::create(self.file()).expect("cut");
            }
        }
    }

    impl Drop for Log {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    /// What is shown: the numbers of records, 0 for a line that is none, and what is gone.
    type Seen = (Vec<u64>, Option<(u64, u64)>);

    fn read(after: &mut After) -> Result<Seen, String> {
        let (mut numbers, mut missing) = (Vec::new(), None);
        let ended = after.read(|found| {
            match found {
                Found::Record(record, line) => {
                    assert!(line.ends_with(b"\"}"));
                    numbers.push(record.seq);
                }
                Found::NoRecord(_) => numbers.push(0),
                Found::Gone { from, to } => missing = Some((from, to)),
                Found::Unread(..) => unreachable!("none is encrypted"),
            }
            Ok::<(), ()>(())
        });
        match ended {
            Ok(_) => Ok((numbers, missing)),
            Err(Ended::Another(what)) => Err(what),
            Err(Ended::Unreadable(error)) => panic!("{error}"),
            Err(Ended::Shown(())) => unreachable!(),
        }
    }

    /// What happens to a log and to who reads it.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Write(u32),
        PutAside,
        PutAsideAndPack,
        CopyAndCut,
        /// A line that is no record.
        Torn,
        Read,
        /// Another process reads on from where this one was.
        Restart,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1_u32..5).prop_map(Step::Write),
            Just(Step::PutAside),
            Just(Step::PutAsideAndPack),
            Just(Step::CopyAndCut),
            Just(Step::Torn),
            Just(Step::Read),
            Just(Step::Restart),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn each_record_is_shown_once_and_in_order_over_rotations_and_restarts(
            steps in proptest::collection::vec(step(), 1..30),
        ) {
            let mut log = Log::new("after-steps");
            let mut after = After::new(&log.folder, Link::start());
            let mut shown = Vec::new();
            for step in steps.into_iter().chain([Step::Read, Step::Restart, Step::Read]) {
                match step {
                    Step::Write(count) => log.write(count),
                    Step::PutAside => drop(log.put_aside()),
                    Step::PutAsideAndPack => {
                        let aside = log.put_aside();
                        log.pack(&aside);
                    }
                    Step::CopyAndCut => log.copy_and_cut(),
                    Step::Torn => log.append("{\"seq\":\n"),
                    Step::Read => {
                        let (numbers, missing) = read(&mut after).expect("the same log");
                        prop_assert_eq!(missing, None);
                        shown.extend(numbers.into_iter().filter(|number| *number > 0));
                    }
                    Step::Restart => after = After::new(&log.folder, after.last().clone()),
                }
            }
            prop_assert_eq!(shown, (1..=log.last.seq).collect::<Vec<_>>());
            prop_assert_eq!(after.last(), &log.last);
        }
    }

    #[test]
    fn what_was_deleted_is_said_and_another_log_is_an_error() {
        let mut log = Log::new("after-other");
        log.write(3);
        let third = log.last.clone();
        let first = log.put_aside();
        log.write(3);
        log.put_aside();
        log.write(3);
        let from = |last: &Link| read(&mut After::new(&log.folder, last.clone()));
        assert_eq!(from(&third), Ok((vec![4, 5, 6, 7, 8, 9], None)));
        assert_eq!(from(&log.last), Ok((vec![], None)));
        let other = |seq| Link { seq, hash: "f".repeat(64) };
        assert_eq!(from(&other(3)), Err("its record 4 is another one".to_owned()));
        assert_eq!(from(&other(5)), Err("its record 5 is another one".to_owned()));
        assert_eq!(from(&other(10)), Err("its last record has the number 9".to_owned()));
        // The oldest goes with rotation.
        fs::remove_file(first).expect("removed");
        assert_eq!(from(&Link::start()), Ok((vec![4, 5, 6, 7, 8, 9], None)));
        assert_eq!(from(&third), Ok((vec![4, 5, 6, 7, 8, 9], None)));
        let second = Link { seq: 2, ..third.clone() };
        assert_eq!(from(&second), Ok((vec![4, 5, 6, 7, 8, 9], Some((3, 3)))));
        // Begun anew while it is read.
        let mut after = After::new(&log.folder, third);
        read(&mut after).expect("the same log");
        let folder = log.folder.clone();
        for entry in fs::read_dir(&folder).expect("a folder") {
            fs::remove_file(entry.expect("a file").path()).expect("removed");
        }
        log.last = Link::start();
        log.write(2);
        assert_eq!(read(&mut after), Err("its last record has the number 2".to_owned()));
        fs::remove_file(log.file()).expect("removed");
        let mut after = After::new(&log.folder, log.last.clone());
        assert_eq!(read(&mut after), Err("there is no log".to_owned()));
    }

    #[test]
    fn a_line_is_shown_when_it_is_whole() {
        let mut log = Log::new("after-lines");
        let mut after = After::new(&log.folder, Link::start());
        let (first, second, third) = (log.next(), log.next(), log.next());
        log.append(&first[..40]);
        assert_eq!(read(&mut after), Ok((vec![], None)));
        log.append(&first[40..]);
        // Of a torn record the next one says so; a line break may be missing, and comes later.
        log.append(&format!("torn\n{}", second.trim_end()));
        assert_eq!(read(&mut after), Ok((vec![1, 0, 2], None)));
        log.append(&format!("\n{}\n{third}", "x".repeat(3 * LONGEST)));
        assert_eq!(read(&mut after), Ok((vec![0, 3], None)));
        assert_eq!(read(&mut after), Ok((vec![], None)));
    }
}
