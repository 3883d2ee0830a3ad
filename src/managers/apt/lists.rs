//! The lists that apt has read, and what it says of a package that is in none.

use crate::managers::lists::{Lists, NotFound};
use std::fs::{DirEntry, read_dir, read_to_string};
use std::path::Path;

/// Where sources are named.
const SOURCES: &str = "/etc/apt/sources.list or /etc/apt/sources.list.d";

/// How they are.
pub fn now() -> Lists {
    below(Path::new("/var/lib/apt/lists"), Path::new("/etc/apt"))
}

fn below(lists: &Path, settings: &Path) -> Lists {
    // Those of this machine's own files are links to them, which can lead nowhere.
    let is_there =
        |(name, entry): &(String, DirEntry)| name.contains("_Packages") && entry.path().exists();
    if files(lists).any(|file| is_there(&file)) {
        return Lists::There;
    }
    if !names_a_source(settings) {
        return Lists::NoSource(SOURCES);
    }
    match files(lists).any(|(name, _)| name.ends_with("Release")) {
        true => Lists::Gone,
        false => Lists::Unread,
    }
}

/// The files of a folder.
fn files(folder: &Path) -> impl Iterator<Item = (String, DirEntry)> {
    let entries = read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry)))
}

/// Whether any source of packages is named in these settings (`sources.list(5)`): a line of the
/// one format, or a stanza of the other that is not switched off.
fn names_a_source(settings: &Path) -> bool {
    let folder = settings.join("sources.list.d");
    let more = files(&folder).map(|(_, entry)| entry.path());
    std::iter::once(settings.join("sources.list")).chain(more).any(|path| {
        let Ok(text) = read_to_string(&path) else { return false };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => text.lines().any(is_of_packages),
            Some("sources") => text.split("\n\n").any(is_enabled),
            _ => false,
        }
    })
}

/// `deb [OPTIONS] URI SUITE …`
fn is_of_packages(line: &str) -> bool {
    line.split_whitespace().next() == Some("deb")
}

fn is_enabled(stanza: &str) -> bool {
    let field = |name: &str| {
        stanza.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let is_off =
        field("Enabled").is_some_and(|value| matches!(value, "no" | "false" | "0" | "off"));
    !is_off
        && field("Types").is_some_and(|types| types.split_whitespace().any(|kind| kind == "deb"))
}

/// Why a package could not be found.
pub fn not_found(stderr: &str) -> Option<NotFound> {
    let says = |is: fn(&str) -> bool| stderr.lines().any(is);
    let (reason, may_lack_lists) = if says(|line| line.starts_with("E: Unable to locate package "))
    {
        ("the package lists may be out of date, or no source has it", true)
    } else if says(|line| line.ends_with(" has no installation candidate")) {
        (
            "no source has it, the package lists are out of date, or a pin in /etc/apt/preferences excludes it (an administrator can see that with: apt-cache policy)",
            true,
        )
    } else if says(is_gone) {
        ("the package lists are out of date: the source now has another version", false)
    } else {
        return None;
    };
    Some(NotFound { reason, may_lack_lists })
}

/// `E: Failed to fetch http://…/x_1_all.deb  404  Not Found`; of files of this machine's own apt
/// says that there is none. A source that was changed in place has another file of that name.
fn is_gone(line: &str) -> bool {
    const SAID: [&str; 4] =
        [" 404 ", "File not found", "File has unexpected size", "Hash Sum mismatch"];
    let rest = line.strip_prefix("E: Failed to fetch ");
    rest.is_some_and(|rest| SAID.iter().any(|message| rest.contains(message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;
    use std::fs::{create_dir_all, remove_dir_all, write};
    use std::os::unix::fs::symlink;

    #[test]
    fn how_the_lists_are_is_known() {
        let top = std::env::temp_dir().join(format!("lists-{}", std::process::id()));
        let (lists, settings) = (top.join("lists"), top.join("apt"));
        let now = || below(&lists, &settings);
        create_dir_all(&lists).expect("a folder");
        create_dir_all(settings.join("sources.list.d")).expect("a folder");
        assert_eq!(now(), Lists::NoSource(SOURCES));
        for (file, text, expected) in [
            ("sources.list", "# deb file:/x ./\ndeb-src file:/x ./\n", Lists::NoSource(SOURCES)),
            ("sources.list.d/a.sources", "Types: deb\nEnabled: no\n", Lists::NoSource(SOURCES)),
            ("sources.list.d/a.sources", "Types: deb-src\n", Lists::NoSource(SOURCES)),
            ("sources.list.d/a.list.save", "deb file:/x ./\n", Lists::NoSource(SOURCES)),
            ("sources.list.d/a.sources", "Types: deb-src deb\nURIs: x\n", Lists::Unread),
            ("sources.list.d/a.sources", "", Lists::NoSource(SOURCES)),
            ("sources.list", " deb [trusted=yes] file:/x ./\n", Lists::Unread),
        ] {
            write(settings.join(file), text).expect("a file");
            assert_eq!(now(), expected, "{file}: {text}");
        }
        write(lists.join("x_Release"), "").expect("a file");
        assert_eq!(now(), Lists::Gone);
        symlink(top.join("Packages"), lists.join("x_Packages")).expect("a link");
        assert_eq!(now(), Lists::Gone);
        write(top.join("Packages"), "").expect("a file");
        assert_eq!(now(), Lists::There);
        remove_dir_all(&top).expect("the folder");
    }

    #[test]
    fn what_could_not_be_found_is_known() {
        cases::each("managers/apt_not_found", |case| {
            let found = not_found(case.input("stderr"));
            let told = |found: NotFound| json!({"reason": found.reason, "may_lack_lists": found.may_lack_lists});
            found.map(told).into()
        });
    }
}
