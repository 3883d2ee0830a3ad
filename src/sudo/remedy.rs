//! What to do about what is in the way of requests: as a hint, and as a command line for root.

use crate::output::text::shell_word;
use crate::sudo::files::main_file;
use crate::sudo::folder::FOLDER;
use crate::sudo::written::Place;
use std::path::{Path, PathBuf};

/// Where the line goes that excepts the helper from a setting.
const EXCEPT: &str = "/etc/sudoers.d/zz-sm-helper";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The file of the rule comes first: sudo goes by the last rule that fits.
    First {
        /// Its path.
        file: String,
        /// The path with which it comes first.
        first: String,
    },
    /// The rule in this file is changed.
    Edit(PathBuf),
    /// The rule is changed in LDAP or SSSD.
    Elsewhere,
    /// This line excepts the helper.
    Except(String),
    /// Room is made in this folder.
    Room(PathBuf),
    /// A mount is changed.
    Mount {
        /// As a hint, with the command in it.
        hint: String,
        /// As one command line.
        command: String,
    },
}

impl Remedy {
    /// How the drop-in comes to have the last word, if a rule stands in this place.
    pub fn of_rule(place: Option<&Place>) -> Self {
        let Some(place) = place else { return Self::Elsewhere };
        let name = place.file.file_name().unwrap_or_default().to_string_lossy();
        let is_drop_in = place.file.parent() == Some(Path::new(FOLDER));
        if !is_drop_in || name.starts_with("sm-") {
            return Self::Edit(place.file.clone());
        }
        let first = format!("{FOLDER}/00-{name}");
        Self::First { file: place.file.to_string_lossy().into_owned(), first }
    }

    /// As a hint, with the command in it.
    pub fn hint(&self) -> String {
        let command = self.command();
        match self {
            Self::First { file, .. } => format!(
                "sudo uses the last rule that matches: make that file come first with `{command}`, \
                 or change the rule with `visudo -f {}`",
                shell_word(file)
            ),
            Self::Edit(_) => format!(
                "sudo uses the last rule that matches: change this one, or move it before \
                 @includedir, with `{command}`"
            ),
            Self::Elsewhere => {
                "the rule is not in a file on this host (LDAP, SSSD): make it except \
                                the helper, or come first"
                    .to_owned()
            }
            Self::Except(line) => format!(
                "to exempt only the helper, put this line into a file in {FOLDER}, with visudo -f: \
                 {line}"
            ),
            Self::Room(folder) => format!("make room in {}: `{command}`", folder.display()),
            Self::Mount { hint, .. } => hint.clone(),
        }
    }

    /// As one command line.
    pub fn command(&self) -> String {
        match self {
            Self::First { file, first } => {
                format!("mv {} {} && visudo -c", shell_word(file), shell_word(first))
            }
            Self::Edit(file) if file == main_file() => "visudo".to_owned(),
            Self::Edit(file) => format!("visudo -f {}", shell_word(&file.to_string_lossy())),
            Self::Elsewhere => "grep sudoers /etc/nsswitch.conf".to_owned(),
            // 0440, as sudo wants its files.
            Self::Except(line) => {
                format!("(umask 0337 && echo {} >>{EXCEPT}) && visudo -c", shell_word(line))
            }
            Self::Room(folder) => {
                let folder = shell_word(&folder.to_string_lossy());
                format!(
                    "df {folder} && df --inodes {folder} && du --one-file-system {folder} | sort -n | tail"
                )
            }
            Self::Mount { command, .. } => command.clone(),
        }
    }
}
