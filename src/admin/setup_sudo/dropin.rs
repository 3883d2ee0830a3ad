//! Puts the drop-in in place, or takes it away, so that sudo's configuration is valid at every
//! instant: whatever is killed, full or broken meanwhile.

use crate::admin::setup_sudo::mark::{MARK, is_ours};
use crate::output::text::shell_word;
use crate::request::code::{Code, Refusal};
use crate::sudo::folder::FOLDER;
use crate::sudo::visudo::Visudo;
use crate::system::accounts::{Group, User};
use crate::system::state::{self, remove};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const MODE: u32 = 0o440;

/// The drop-in of one account or group.
#[derive(Debug)]
pub struct DropIn {
    path: PathBuf,
}

/// What is in place.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Missing,
    /// What should be.
    InPlace,
    /// Another text.
    Stale(String),
    /// What is not of this program's making, whatever its name.
    Foreign,
    /// The right text, but others could change or read it.
    Exposed(
        /// The owner, the group and the mode.
        String,
    ),
}

impl DropIn {
    /// The one with this name in [`FOLDER`].
    pub fn named(file_name: &str) -> Self {
        Self { path: Path::new(FOLDER).join(file_name) }
    }

    /// The one that was found there.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text that is there; none if there is no file.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn text(&self) -> io::Result<Option<String>> {
        match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(data) if !data.is_file() => Ok(None),
            Ok(_) => {
                fs::read(&self.path).map(|bytes| Some(String::from_utf8_lossy(&bytes).into_owned()))
            }
        }
    }

    /// What is there, compared with what should be.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn look(&self, wanted: &str) -> io::Result<Found> {
        let data = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            other => other?,
        };
        if self.is_foreign()? {
            return Ok(Found::Foreign);
        }
        if !data.is_file() {
            return Ok(Found::Stale("(not a file)".to_owned()));
        }
        let bytes = fs::read(&self.path)?;
        if bytes != wanted.as_bytes() {
            return Ok(Found::Stale(String::from_utf8_lossy(&bytes).into_owned()));
        }
        let mode = data.mode() & 0o7777;
        if data.uid() != 0 || data.gid() != 0 || mode != MODE {
            let user = User::from_uid(data.uid().into()).ok().flatten().map(|user| user.name);
            let group = Group::from_gid(data.gid().into()).ok().flatten().map(|group| group.name);
            return Ok(Found::Exposed(format!(
                "{}:{} {mode:04o}",
                user.unwrap_or_else(|| data.uid().to_string()),
                group.unwrap_or_else(|| data.gid().to_string())
            )));
        }
        Ok(Found::InPlace)
    }

    /// Whether something has this name that is not ours; links are followed, as sudo does.
    fn is_foreign(&self) -> io::Result<bool> {
        if let Err(error) = fs::symlink_metadata(&self.path) {
            return if error.kind() == io::ErrorKind::NotFound { Ok(false) } else { Err(error) };
        }
        match fs::metadata(&self.path) {
            Ok(data) if data.is_file() => {
                let text = fs::read(&self.path)?;
                Ok(!is_ours(&String::from_utf8_lossy(&text)))
            }
            // A folder, or a link that leads nowhere.
            _ => Ok(true),
        }
    }

    /// Why what has this name is neither replaced nor removed, if it is not ours.
    pub fn foreign(&self) -> Refusal {
        let path = self.path.display();
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let other = self.path.with_file_name(format!("own-{name}"));
        Refusal::new(
            Code::CommandFailed,
            format!("{path} was not made by sm setup-sudo, so it stays as it is"),
        )
        .hint(format!(
            "rename it with `mv {} {} && visudo -c`, or remove it; \
             then run this again",
            shell_word(&path.to_string()),
            shell_word(&other.to_string_lossy())
        ))
    }

    /// Makes sure that nothing under this name, or under those beside it, is somebody else's.
    fn only_ours(&self) -> Result<(), Refusal> {
        if self.is_foreign().map_err(|error| failed(&self.path, &error))? {
            return Err(self.foreign());
        }
        for path in [self.beside("new"), self.beside("old")] {
            let Ok(data) = fs::symlink_metadata(&path) else { continue };
            let text = if data.is_file() { fs::read(&path).ok() } else { None };
            let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
            // A kill may have left a part of it.
            if !text.is_some_and(|text| is_ours(&text) || MARK.starts_with(&text)) {
                return Err(Self { path }.foreign());
            }
        }
        Ok(())
    }

    /// Puts `text` in place. sudo sees either what was there before or, whole and checked, the new.
    /// Gives what is to be said of the rest of the configuration.
    ///
    /// # Errors
    /// If something fails; the previous file is restored then. If it is not ours.
    pub fn put(&self, text: &str, visudo: &Visudo) -> Result<Option<String>, Refusal> {
        let _lock = lock()?;
        self.only_ours()?;
        // With a dot in their names sudo ignores them (sudoers(5)), also when one is left behind
        // by a kill; the next run, which holds the lock, takes it over.
        let (new, old) = (self.beside("new"), self.beside("old"));
        let ready = remove(&old)
            .and_then(|()| state::make(&new, text.as_bytes(), MODE))
            .map_err(|error| failed(&new, &error))
            .and_then(|()| visudo.check(Some(&new)));
        if let Err(refusal) = ready {
            let _ = remove(&new);
            return Err(refusal);
        }
        // A second name for what is there, so that it can be put back.
        let before = match fs::hard_link(&self.path, &old) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => {
                let _ = remove(&new);
                return Err(failed(&old, &error));
            }
        };
        let placed = fs::rename(&new, &self.path)
            .and_then(|()| sync_folder())
            .map_err(|error| failed(&self.path, &error))
            .and_then(|()| visudo.check_all());
        let warning = match placed {
            Ok(warning) => warning,
            Err(refusal) => return Err(self.put_back(before, refusal)),
        };
        // It is in place and valid; sudo ignores what is left, and the next run takes it away.
        let _ = remove(&old).and_then(|()| sync_folder());
        Ok(warning)
    }

    /// Puts what was there before in place again.
    fn put_back(&self, before: bool, refusal: Refusal) -> Refusal {
        let (new, old) = (self.beside("new"), self.beside("old"));
        let back = if before { fs::rename(&old, &self.path) } else { remove(&self.path) };
        let _ = remove(&new);
        if back.is_ok() {
            // If both are names of one file, renaming does nothing (`rename(2)`).
            let _ = remove(&old);
        }
        let _ = sync_folder();
        let how = match back {
            Ok(()) => "the previous file was restored".to_owned(),
            Err(error) => format!("and restoring the previous file failed too: {error}"),
        };
        Refusal { error: format!("{}; {how}", refusal.error), ..refusal }
    }

    /// Removes what a run that was killed has left beside a drop-in that is in place.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn tidy(&self) -> Result<(), Refusal> {
        let left = [self.beside("new"), self.beside("old")];
        if left.iter().all(|path| fs::symlink_metadata(path).is_err()) {
            return Ok(());
        }
        let _lock = lock()?;
        self.only_ours()?;
        let gone = left.iter().try_for_each(|path| remove(path)).and_then(|()| sync_folder());
        gone.map_err(|error| failed(&self.path, &error))
    }

    /// Takes it away. Says whether there was one.
    ///
    /// # Errors
    /// If it cannot be removed, or is not ours.
    pub fn remove(&self) -> Result<bool, Refusal> {
        let _lock = lock()?;
        self.only_ours()?;
        let was_there = fs::symlink_metadata(&self.path).is_ok();
        let gone = [self.path.clone(), self.beside("new"), self.beside("old")]
            .iter()
            .try_for_each(|path| remove(path))
            .and_then(|()| if was_there { sync_folder() } else { Ok(()) });
        gone.map_err(|error| failed(&self.path, &error))?;
        Ok(was_there)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        self.path.with_extension(suffix)
    }
}

/// One change at a time.
fn lock() -> Result<impl Sized, Refusal> {
    state::lock("setup-sudo").map_err(|error| failed(Path::new(state::FOLDER), &error))
}

fn sync_folder() -> io::Result<()> {
    File::open(FOLDER)?.sync_all()
}

fn failed(path: &Path, error: &io::Error) -> Refusal {
    Refusal::new(Code::CommandFailed, format!("{}: {error}", path.display()))
        .hint("fix this and run it again")
}
