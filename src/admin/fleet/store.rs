//! What `sm fleet audit` keeps of each host: the key that it was seen with first, and the checkpoints
//! that were collected, each as it was in the host's log. Nothing in it is ever changed: lines are added.

use crate::admin::audit::kept::{Kept, cannot_be_read, read_keys};
use crate::audit::key::Public;
use crate::audit::line;
use crate::request::code::{Code, Refusal};
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder.
pub struct Store(PathBuf);

/// What it has of one host, which nobody else writes to meanwhile.
pub struct Held {
    checkpoints: PathBuf,
    keys: PathBuf,
    file: File,
    /// The checkpoints.
    pub kept: Kept,
    /// The keys of the host: the one that was seen first, and those that it has signed. None yet if
    /// nothing was collected.
    pub trusted: Vec<Public>,
}

impl Store {
    /// Opens it, made if it is missing.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(folder: &Path) -> Result<Self, Refusal> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| unwritable(folder, &error))?;
        Ok(Self(folder.to_owned()))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// What it has of this host.
    ///
    /// # Errors
    /// If it cannot be read, or is not as it was written.
    pub fn hold(&self, host: &str) -> Result<Held, Refusal> {
        let name = file_name(host);
        let checkpoints = self.0.join(format!("{name}.jsonl"));
        let keys = self.0.join(format!("{name}.pem"));
        let mut file = append(&checkpoints).map_err(|error| unwritable(&checkpoints, &error))?;
        file.lock().map_err(|error| unwritable(&checkpoints, &error))?;
        // What a power cut tore was never told to anybody.
        whole_lines(&mut file).map_err(|error| unwritable(&checkpoints, &error))?;
        let kept = Kept::read(&checkpoints)?;
        let trusted = match keys.try_exists() {
            Ok(true) => kept.with_signed(read_keys(&keys)?),
            Ok(false) => Vec::new(),
            Err(error) => return Err(cannot_be_read(&keys.to_string_lossy(), &error)),
        };
        // Whoever took it away would have the host's next key trusted, whichever it is.
        if trusted.is_empty() && !kept.records.is_empty() {
            let what = format!(
                "{} has checkpoints, and {} is missing",
                checkpoints.display(),
                keys.display()
            );
            return Err(Refusal::new(Code::CommandFailed, what)
                .hint("put the public half of the host's key there: what sm audit key prints"));
        }
        Ok(Held { checkpoints, keys, file, kept, trusted })
    }
}

impl Held {
    /// Where the checkpoints are.
    pub fn path(&self) -> &Path {
        &self.checkpoints
    }

    /// Where the keys are.
    pub fn keys(&self) -> &Path {
        &self.keys
    }

    /// A file of this host without a name, which goes when it is closed.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn scratch(&self) -> io::Result<File> {
        let path = self.checkpoints.with_extension("part");
        // Of a run that was killed in between.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    }

    /// Keeps the key that the host was seen with first. It is on disk before a checkpoint is.
    ///
    /// # Errors
    /// If it is not kept.
    pub fn trust(&mut self, key: Public) -> Result<(), Refusal> {
        let written = append(&self.keys).and_then(|mut file| {
            file.write_all(key.pem().as_bytes())?;
            file.sync_all()?;
            sync_folder(&self.keys)
        });
        written.map_err(|error| unwritable(&self.keys, &error))?;
        self.trusted.push(key);
        Ok(())
    }

    /// Keeps a checkpoint.
    ///
    /// # Errors
    /// If it is not kept.
    pub fn add(&mut self, line: &str) -> Result<(), Refusal> {
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        let written = written.and_then(|()| self.file.sync_all());
        written
            .and_then(|()| sync_folder(&self.checkpoints))
            .map_err(|error| unwritable(&self.checkpoints, &error))
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

/// Takes away what stands behind the last line break.
fn whole_lines(file: &mut File) -> io::Result<()> {
    const LONGEST: u64 = line::LONGEST as u64;
    let size = file.metadata()?.len();
    let start = size.saturating_sub(LONGEST);
    file.seek(SeekFrom::Start(start))?;
    let mut end = Vec::new();
    (&mut *file).take(LONGEST).read_to_end(&mut end)?;
    let torn = end.iter().rev().take_while(|byte| **byte != b'\n').count() as u64;
    if torn > 0 { file.set_len(size - torn) } else { Ok(()) }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// The name of a host's files: no other host has it, and it leads nowhere else.
fn file_name(host: &str) -> String {
    let mut name = String::new();
    for (at, byte) in host.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if at > 0 => name.push('.'),
            _ => drop(write!(name, "%{byte:02X}")),
        }
    }
    name
}

fn unwritable(path: &Path, error: &io::Error) -> Refusal {
    let what = format!("{} cannot be written: {error}", path.display());
    Refusal::new(Code::CommandFailed, what).hint("name another folder with --store FOLDER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_files_of_its_own_in_the_folder() {
        assert_eq!(file_name("web1.example-2"), "web1.example-2");
        assert_eq!(file_name("../x"), "%2E.%2Fx");
        assert_eq!(file_name("[::1]:22"), "%5B%3A%3A1%5D%3A22");
        assert_ne!(file_name("a%2Fb"), file_name("a/b"));
    }

    #[test]
    fn what_a_power_cut_tore_is_gone_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("sm-store-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("x");
        for (before, after) in [("", ""), ("a\nb\n", "a\nb\n"), ("a\nb", "a\n"), ("torn", "")] {
            std::fs::write(&path, before).expect("written");
            whole_lines(&mut append(&path).expect("a file")).expect("it is");
            assert_eq!(std::fs::read_to_string(&path).expect("a text"), after);
        }
        std::fs::remove_dir_all(&folder).expect("it goes");
    }
}
