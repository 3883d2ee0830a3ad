//! The log and what rotation made of its past, oldest record first.

use crate::audit::end::End;
use crate::audit::line::LONGEST;
use crate::audit::record::{Event, Link};
use crate::system::file;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The folder of the log.
pub const FOLDER: &str = "/var/log/sm";
/// The log.
pub const FILE: &str = "/var/log/sm/audit.jsonl";

/// The name of the log, and how those of its older files begin.
pub const NAME: &str = "audit.jsonl";

/// How a file of the log is stored.
#[derive(Debug, Clone, Copy)]
pub enum Stored<'f> {
    /// As it was written.
    Plain(&'f File),
    /// Packed by gzip.
    Gzip(&'f File),
}

/// One file of the log, open: whatever name it gets meanwhile, it stays this one.
#[derive(Debug)]
pub struct LogFile {
    /// Where it was.
    pub path: PathBuf,
    /// Its size on disk, in bytes.
    pub size: u64,
    file: File,
    /// The number of its first record; of an encrypted one that of its last, which is as good to
    /// find its place.
    first: u64,
    is_encrypted: bool,
}

/// What reads an encrypted file in plain.
pub type Decrypt<'d> = dyn Fn(&LogFile) -> io::Result<Box<dyn Read>> + 'd;

impl LogFile {
    /// Opens this one, whatever it is called.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open_at(path: PathBuf) -> io::Result<Self> {
        let file = file::open(&path)?;
        let size = file.metadata()?.len();
        let until = encrypted_until(&path);
        let is_encrypted = until.is_some();
        let first = until.unwrap_or(u64::MAX);
        let mut opened = Self { path, size, file, first, is_encrypted };
        if !is_encrypted {
            opened.first = opened.first_number()?;
        }
        Ok(opened)
    }

    /// An encrypted one that is here without a name: this is the one that it had. None if rotation gives no
    /// encrypted file that name.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn encrypted(name: PathBuf, file: File) -> io::Result<Option<Self>> {
        let Some(first) = encrypted_until(&name) else { return Ok(None) };
        let size = file.metadata()?.len();
        Ok(Some(Self { path: name, size, file, first, is_encrypted: true }))
    }

    /// Reads it from its beginning, unpacked.
    ///
    /// # Errors
    /// What the kernel says; or that it is encrypted.
    pub fn open(&self) -> io::Result<Box<dyn BufRead>> {
        self.open_with(None)?.ok_or_else(|| io::Error::other("it is encrypted"))
    }

    /// The same, also of an encrypted one; none where nothing decrypts that.
    ///
    /// # Errors
    /// What the kernel says, or what decrypts it.
    pub fn open_with(&self, decrypt: Option<&Decrypt<'_>>) -> io::Result<Option<Box<dyn BufRead>>> {
        const BUFFER: usize = 1 << 18;
        let plain: Box<dyn Read> = match (self.is_encrypted, decrypt) {
            (false, _) => Box::new(self.bytes()?),
            (true, Some(decrypt)) => decrypt(self)?,
            (true, None) => return Ok(None),
        };
        Ok(Some(if self.is_packed() {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(plain)))
        } else {
            Box::new(BufReader::with_capacity(BUFFER, plain))
        }))
    }

    /// Its bytes as they are, from its beginning.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn bytes(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    /// The file itself, and how its bytes are to be read from any place of it; none if they are encrypted.
    pub fn stored(&self) -> Option<Stored<'_>> {
        match (self.is_encrypted, self.is_packed()) {
            (true, _) => None,
            (false, true) => Some(Stored::Gzip(&self.file)),
            (false, false) => Some(Stored::Plain(&self.file)),
        }
    }

    /// What the kernel knows of it, as it is now.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn data(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// The number of its first record, if it has one and it can be read.
    pub fn first(&self) -> Option<u64> {
        Some(self.first).filter(|first| *first != u64::MAX && !self.is_encrypted)
    }

    /// The number of the last record of an encrypted one, by its name.
    pub fn encrypted_until(&self) -> Option<u64> {
        Some(self.first).filter(|_| self.is_encrypted)
    }

    /// Whether what is written from now on is in another file, or in this one from its beginning:
    /// so many of its bytes were read. Not as long as there is no other file, and never of a
    /// packed one that is the last there is.
    pub fn is_replaced(&self, read: u64) -> io::Result<bool> {
        let own = self.file.metadata()?;
        match self.path.with_file_name(NAME).metadata() {
            Ok(now) if (now.dev(), now.ino()) != (own.dev(), own.ino()) => Ok(true),
            Ok(_) => Ok(own.len() < read),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether it is the one that is written to.
    pub fn is_current(&self) -> bool {
        self.path.file_name().is_some_and(|name| name == NAME)
    }

    /// Whether rotation made it, ours or logrotate's: by its name, by whose it is, and by what is
    /// in it.
    pub fn is_put_aside(&self) -> bool {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_own =
            self.file.metadata().is_ok_and(|data| data.uid() == nix::unistd::geteuid().as_raw());
        is_own && self.first != u64::MAX && is_rotated(name)
    }

    fn is_packed(&self) -> bool {
        let name = if self.is_encrypted { self.path.with_extension("") } else { self.path.clone() };
        name.extension().is_some_and(|suffix| suffix == "gz")
    }

    fn first_number(&self) -> io::Result<u64> {
        let mut first = u64::MAX;
        each_line(self, |line| {
            let link = serde_json::from_slice::<Link>(line);
            first = link.as_ref().map_or(first, |link| link.seq);
            link.is_ok()
        })?;
        Ok(first)
    }

    /// The link of its last record.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn last(&self) -> io::Result<Option<Link>> {
        if !self.is_packed() {
            return Ok(End::of(&self.file, self.size)?.link);
        }
        let mut last = None;
        each_line(self, |line| {
            last = serde_json::from_slice::<Link>(line).ok().or_else(|| last.take());
            false
        })?;
        Ok(last)
    }

    /// Its last lines, oldest first.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn last_lines(&self, wanted: usize) -> io::Result<VecDeque<String>> {
        if !self.is_packed() {
            return last_lines(&mut self.file.try_clone()?, wanted);
        }
        let mut last = VecDeque::new();
        each_line(self, |line| {
            last.push_back(String::from_utf8_lossy(line).trim_end().to_owned());
            if last.len() > wanted {
                last.pop_front();
            }
            false
        })?;
        Ok(last)
    }
}

/// Whether a file of this name is what rotation makes: `.1`, `-20261128`, `-until-00…17`, packed
/// or not.
fn is_rotated(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(NAME) else { return false };
    let rest = rest.strip_suffix(".age").unwrap_or(rest);
    let rest = rest.strip_suffix(".gz").unwrap_or(rest);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = rest.strip_prefix("-until-").or(rest.strip_prefix('.')).or(rest.strip_prefix('-'));
    parts.is_some_and(|parts| parts.split('-').all(is_number))
}

/// The name of what was put aside with this last record, packed or not.
pub fn name_until(seq: u64, is_packed: bool) -> String {
    format!("{NAME}-until-{seq:020}{}", if is_packed { ".gz" } else { "" })
}

/// The number of the last record in an encrypted file, which its name has.
fn encrypted_until(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let name = name.strip_prefix(NAME)?.strip_prefix("-until-")?.strip_suffix(".age")?;
    name.strip_suffix(".gz").unwrap_or(name).parse().ok()
}

/// The last lines of a file, oldest first, from its end. It is read to that end afterwards.
///
/// # Errors
/// If it cannot be read.
pub fn last_lines(file: &mut File, wanted: usize) -> io::Result<VecDeque<String>> {
    let size = file.metadata()?.len();
    let mut room = 65_536_u64;
    loop {
        let start = size.saturating_sub(room);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        Read::by_ref(file).take(size - start).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: VecDeque<&str> = text.lines().collect();
        if start > 0 {
            lines.pop_front(); // the rest of a line
        }
        if start == 0 || lines.len() >= wanted {
            let skipped = lines.len().saturating_sub(wanted);
            return Ok(lines.into_iter().skip(skipped).map(str::to_owned).collect());
        }
        room *= 4;
    }
}

/// The last lines of the log, and if it has too few of those of its older files, too. `log` is
/// the current one, if there is one; it is read to the end afterwards.
///
/// # Errors
/// If one of them cannot be read.
pub fn last_lines_of_all(log: Option<&mut File>, wanted: usize) -> io::Result<Vec<String>> {
    let mut lines = log.map_or_else(|| Ok(VecDeque::new()), |log| last_lines(log, wanted))?;
    if lines.len() >= wanted {
        return Ok(lines.into());
    }
    let number = |line: &String| serde_json::from_str::<Link>(line).map(|link| link.seq).ok();
    for file in all()?.iter().rev() {
        // What was put aside since the log was opened is there twice.
        let until = lines.iter().find_map(number).unwrap_or(u64::MAX);
        if lines.len() >= wanted || file.is_current() || file.first >= until {
            continue;
        }
        // What is before it does not follow.
        if file.is_encrypted {
            break;
        }
        let older = file.last_lines(wanted - lines.len())?;
        let is_older = |line: &String| number(line).is_none_or(|number| number < until);
        for line in older.into_iter().filter(is_older).rev() {
            lines.push_front(line);
        }
    }
    Ok(lines.into())
}

/// Every file of the log, in the order of their records: rotation names them in several ways,
/// but each begins with a number. None if there is no folder.
///
/// # Errors
/// If the folder cannot be read.
pub fn all() -> io::Result<Vec<LogFile>> {
    all_in(Path::new(FOLDER))
}

/// As [`all`], in another folder.
///
/// # Errors
/// If it cannot be read.
pub fn all_in(folder: &Path) -> io::Result<Vec<LogFile>> {
    const TRIES: usize = 10;
    for _ in 0..TRIES {
        // What is rotated while it is opened would be missing, or there twice.
        let before = listed(folder)?;
        let opened: io::Result<Vec<LogFile>> =
            before.keys().map(|path| LogFile::open_at(path.clone())).collect();
        if listed(folder)? == before {
            let mut files = opened?;
            // A file without a record is the new one, or holds nothing that could be out of place.
            files.sort_by_key(|file| (file.is_current(), file.first));
            return Ok(files);
        }
    }
    Err(io::Error::other(format!("the files in {} keep changing", folder.display())))
}

/// Which files there are: their paths, and which is which.
fn listed(folder: &Path) -> io::Result<BTreeMap<PathBuf, (u64, u64)>> {
    let mut files = BTreeMap::new();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(NAME)) else {
            continue;
        };
        if !(rest.is_empty() || rest.starts_with(['.', '-'])) {
            continue;
        }
        match entry.metadata() {
            Ok(data) if data.is_file() => {
                files.insert(entry.path(), (data.dev(), data.ino()));
            }
            Ok(_) => {}
            // It has another name by now, which the second look finds.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    // As long as what was encrypted or packed is there in plain, that is what is read: the other may be
    // half there. And of an encrypted one whose name does not say how far it goes nobody knows where it
    // belongs.
    let is_read = |path: &PathBuf| match path.extension() {
        Some(suffix) if suffix == "age" || suffix == "gz" => {
            (suffix == "gz" || encrypted_until(path).is_some())
                && !files.contains_key(&path.with_extension(""))
        }
        _ => true,
    };
    let read: Vec<PathBuf> = files.keys().filter(|path| is_read(path)).cloned().collect();
    files.retain(|path, _| read.contains(path));
    Ok(files)
}

/// The link of the last record in what rotation has put aside.
///
/// # Errors
/// If the folder cannot be read.
pub fn last_rotated() -> io::Result<Option<Link>> {
    for file in all()?.iter().rev().filter(|file| !file.is_current() && file.size > 0) {
        // The newest is encrypted when the log has gone on, and then its link is kept apart.
        if file.is_encrypted {
            return Ok(None);
        }
        let last = file.last()?;
        if last.is_some() {
            // What a later record is synced with is another file.
            file.file.sync_data()?;
            return Ok(last);
        }
    }
    Ok(None)
}
/// Whether what came of this request is written down already. The newest records are looked at
/// first.
///
/// # Errors
/// If the log cannot be read.
pub fn has_result(request_id: &str) -> io::Result<bool> {
    #[derive(Deserialize)]
    struct Told {
        event: String,
        request_id: String,
    }
    for file in all()?.iter().rev().filter(|file| !file.is_encrypted) {
        let (mut has_intent, mut has_result) = (false, false);
        each_line(file, |line| {
            let message = serde_json::from_slice::<Told>(line).ok();
            let own = message.filter(|message| message.request_id == request_id);
            has_intent |= own.as_ref().is_some_and(|own| own.event == Event::Intent.word());
            has_result |= own.is_some_and(|own| own.event == Event::Result.word());
            has_result
        })?;
        // Nothing of a request is before its intent.
        if has_intent || has_result {
            return Ok(has_result);
        }
    }
    Ok(false)
}

/// Shows each line, until that is enough.
fn each_line(file: &LogFile, mut show: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut reader = file.open()?;
    let mut line = Vec::new();
    while (&mut reader).take(LONGEST as u64).read_until(b'\n', &mut line)? > 0 {
        if show(&line) {
            break;
        }
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_end_takes_no_more_room_than_a_record() {
        let path = std::env::temp_dir().join(format!("sm-endless-{}", std::process::id()));
        std::fs::write(&path, vec![b'x'; 5 << 20]).expect("written");
        let file = LogFile::open_at(path.clone()).expect("it is read");
        let mut longest = 0;
        each_line(&file, |line| {
            longest = longest.max(line.len());
            false
        })
        .expect("it is read");
        assert_eq!((longest, file.first()), (1 << 20, None));
        std::fs::remove_file(path).expect("it goes");
    }

    #[test]
    fn what_is_being_packed_or_encrypted_is_read_in_plain() {
        let folder = std::env::temp_dir().join(format!("sm-files-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("a folder");
        let line = format!("{{\"seq\":1,\"hash\":\"{:064}\"}}\n", 0);
        // As logrotate begins with a packed file: with nothing, or a part of it.
        for half in [&b""[..], &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]] {
            for plain in ["audit.jsonl.2", "audit.jsonl-until-00000000000000000001"] {
                std::fs::write(folder.join(plain), &line).expect("written");
                std::fs::write(folder.join(format!("{plain}.gz")), half).expect("written");
                std::fs::write(folder.join(format!("{plain}.age")), half).expect("written");
                let files = all_in(&folder).expect("it is read");
                let paths: Vec<&PathBuf> = files.iter().map(|file| &file.path).collect();
                assert_eq!(paths, [&folder.join(plain)]);
                for suffix in ["", ".gz", ".age"] {
                    std::fs::remove_file(folder.join(format!("{plain}{suffix}"))).expect("it goes");
                }
            }
        }
        std::fs::remove_dir_all(&folder).expect("it goes");
    }
}
