//! The lists that pacman has read, and what it says of a package that is in none.

use crate::managers::lists::{Lists, NotFound};
use std::fs::{DirEntry, read_dir};

/// Where they are.
pub const FOLDER: &str = "/var/lib/pacman/sync";

/// How they are.
pub fn now() -> Lists {
    let is_list =
        |entry: DirEntry| entry.file_name().to_str().is_some_and(|name| name.ends_with(".db"));
    let entries = read_dir(FOLDER).into_iter().flatten().flatten();
    match entries.into_iter().any(is_list) {
        true => Lists::There,
        false => Lists::Unread,
    }
}

/// Why a package could not be found.
pub fn not_found(stderr: &str) -> Option<NotFound> {
    let says = |is: fn(&str) -> bool| stderr.lines().any(is);
    let (reason, may_lack_lists) = if says(|line| line.starts_with("error: target not found: ")) {
        ("the package lists may be out of date, or no source has it", true)
    } else if says(lacks_a_list) {
        (
            "the list of one of the sources in pacman.conf was never read, and pacman does nothing without it",
            false,
        )
    } else if says(is_gone) {
        ("the package lists are out of date: the source now has another version", false)
    } else {
        return None;
    };
    Some(NotFound { reason, may_lack_lists })
}

/// pacman does nothing if the list of a source that its settings name is not there.
fn lacks_a_list(line: &str) -> bool {
    line.starts_with("error: ") && line.ends_with("(could not find database)")
}

/// `error: failed retrieving file 'git-2-1-any.pkg.tar.zst' from disk : …`; that of a list ends
/// with `.db`.
fn is_gone(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("error: failed retrieving file '") else { return false };
    rest.split('\'').next().is_some_and(|file| !file.ends_with(".db"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_source_has_no_more_is_known() {
        let gone = "error: failed retrieving file 'git-2.40-1-any.pkg.tar.zst' from disk : Couldn't open file";
        assert!(not_found(gone).is_some_and(|found| !found.may_lack_lists));
        let list = "error: failed retrieving file 'gone.db' from disk : Couldn't open file /srv/gone/gone.db";
        assert_eq!(not_found(list), None);
        assert!(not_found("error: target not found: x").is_some_and(|found| found.may_lack_lists));
    }
}
