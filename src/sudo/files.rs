//! The files that sudo reads, and what includes them.

use crate::request::code::{Code, Refusal};
use crate::sudo::ask::is_sudo_rs;
use crate::sudo::folder::{FOLDER, is_read};
use crate::system::file;
use std::fs;
use std::path::{Path, PathBuf};

/// Makes sure that sudo reads the drop-ins.
///
/// # Errors
/// `unsupported` if it does not.
pub fn reads_drop_ins(folder: &str) -> Result<(), Refusal> {
    let main = main_file();
    let text = file::read(main).map_err(|error| {
        Refusal::new(Code::Unsupported, format!("{}: {error}; nothing was changed", main.display()))
            .hint("install sudo or sudo-rs first")
    })?;
    let text = String::from_utf8_lossy(&text);
    let is_it =
        |included: Included| included.is_folder && Path::new(&included.path) == Path::new(folder);
    if text.lines().filter_map(Included::by).any(is_it) {
        return Ok(());
    }
    Err(Refusal::new(
        Code::Unsupported,
        format!("{} does not include {folder}, so a drop-in there would do nothing; nothing was changed", main.display()),
    )
    .hint(format!("add the line `@includedir {folder}` at its end, with visudo")))
}

/// The file that sudo reads first.
pub fn main_file() -> &'static Path {
    // sudo-rs prefers a file of its own if there is one.
    let own = Path::new("/etc/sudoers-rs");
    if own.exists() && is_sudo_rs() { own } else { Path::new("/etc/sudoers") }
}

/// The files that sudo reads: the first, and those of its folder that it does not skip.
pub fn files() -> Vec<PathBuf> {
    let mut files = vec![main_file().to_owned()];
    files.extend(entries(Path::new(FOLDER)));
    files.sort();
    files
}

/// The files of an included folder, except those that sudo skips.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_read = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        is_read(&name)
    };
    entries.map(|entry| entry.path()).filter(is_read).collect()
}

/// What a line of sudoers includes.
#[derive(Debug, PartialEq, Eq)]
pub struct Included {
    /// As it is written, its quotes removed.
    pub path: String,
    /// Whether what is in it is meant.
    pub is_folder: bool,
}

impl Included {
    /// The path, of this host: `%h` is its name, without its domain.
    pub fn here(&self) -> String {
        let name = nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned();
        self.path.replace("%h", name.split('.').next().unwrap_or_default())
    }

    /// Reads the line; none if it includes nothing. `#include` is no comment (`sudoers(5)`).
    pub fn by(line: &str) -> Option<Self> {
        let rest = line.trim().strip_prefix(['@', '#'])?.strip_prefix("include")?;
        let (is_folder, rest) = match rest.strip_prefix("dir") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let rest = rest.strip_prefix([' ', '\t'])?.trim();
        let path = rest.trim_matches('"').replace("\\ ", " ");
        Some(Self { path, is_folder })
    }
}

#[cfg(test)]
mod tests {
    use super::Included;

    #[test]
    fn what_a_line_includes_is_seen() {
        for (line, included) in [
            ("@includedir /etc/sudoers.d", Some(("/etc/sudoers.d", true))),
            ("#includedir /etc/sudoers.d/", Some(("/etc/sudoers.d/", true))),
            ("  @includedir\t\"/etc/sudoers.d\" ", Some(("/etc/sudoers.d", true))),
            ("#include more", Some(("more", false))),
            ("@include /etc/a\\ b", Some(("/etc/a b", false))),
            ("@include \"/etc/a b\"", Some(("/etc/a b", false))),
            ("# @includedir /etc/sudoers.d", None),
            ("#includedirs /etc/sudoers.d", None),
            ("#included by hand", None),
        ] {
            let wanted =
                included.map(|(path, is_folder)| Included { path: path.to_owned(), is_folder });
            assert_eq!(Included::by(line), wanted, "{line}");
        }
    }
}
