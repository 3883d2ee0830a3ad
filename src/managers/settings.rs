//! Where the host's settings name a command: in which option of which file.

use crate::system::file;
use std::fs;
use std::path::{Path, PathBuf};

/// A command that a setting names.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// `DPkg::Post-Invoke`
    pub option: String,
    /// The command.
    pub command: String,
    /// The file.
    pub file: PathBuf,
}

/// How a file is read: the options in it, each with its value.
pub type Read = fn(&str) -> Vec<(String, String)>;

/// Where settings are, what their names end with in a folder, and how they are read.
pub type Files = (&'static str, &'static str, Read);

/// The setting that names this command, of which the words are those of a process.
pub fn of_process(files: &[Files], words: &[String]) -> Option<Setting> {
    // The shell is there with the whole command, or has become the last one of it; a script's
    // interpreter is in front of it.
    let forms = [words, words.get(1..).unwrap_or_default(), words.get(2..).unwrap_or_default()];
    let forms = forms.map(|words| plain(&words.join(" ")));
    all(files).find(|setting| forms.contains(&plain(&setting.command)))
}

/// The file of the setting that names this command.
pub fn file_of(files: &[Files], command: &str) -> Option<PathBuf> {
    let wanted = plain(command);
    all(files).find(|setting| plain(&setting.command) == wanted).map(|setting| setting.file)
}

/// Whether a setting names a command that is such a one.
pub fn named(files: &[Files], is_it: impl Fn(&str) -> bool) -> bool {
    all(files).any(|setting| is_it(&setting.command))
}

/// Without what a shell takes off: quotes, and more than one blank.
fn plain(command: &str) -> String {
    let bare = command.replace(['\'', '"', '\\'], "");
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn all(files: &[Files]) -> impl Iterator<Item = Setting> {
    files.iter().flat_map(|(place, end, read)| {
        let place = Path::new(place);
        let mut files: Vec<PathBuf> = match fs::read_dir(place) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(_) => vec![place.to_owned()],
        };
        files.retain(|file| file.to_string_lossy().ends_with(*end));
        files.sort();
        files.into_iter().flat_map(move |file| {
            let text = file::read_to_string(&file).unwrap_or_default();
            let settings = read(&text).into_iter().filter(|(_, command)| !command.is_empty());
            settings
                .map(|(option, command)| Setting { option, command, file: file.clone() })
                .collect::<Vec<_>>()
        })
    })
}
