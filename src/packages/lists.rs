//! The lists of what can be installed: what fails, or is not known, since they are old, were never
//! read or are gone.

use crate::managers::host::PackageManager;
use crate::plan::Plan;
use crate::request::action::{Action, Maintenance, PackageAction};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::ran::Ran;
use std::fs::{DirEntry, read_dir, read_to_string};
use std::path::Path;

/// How the lists are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lists {
    /// Those of some source are there.
    There,
    /// None is, and no source is named from which they would come.
    NoSource,
    /// A source was read, and what it offers is not there.
    Gone,
    /// None is there.
    Unread,
}

impl Lists {
    fn now(manager: PackageManager) -> Self {
        match manager {
            PackageManager::Apt => {
                Self::of_apt(Path::new("/var/lib/apt/lists"), Path::new("/etc/apt"))
            }
            PackageManager::Pacman => {
                match files(Path::new("/var/lib/pacman/sync"))
                    .any(|(name, _)| name.ends_with(".db"))
                {
                    true => Self::There,
                    false => Self::Unread,
                }
            }
        }
    }

    fn of_apt(lists: &Path, settings: &Path) -> Self {
        // Those of this machine's own files are links to them, which can lead nowhere.
        let is_there = |(name, entry): &(String, DirEntry)| {
            name.contains("_Packages") && entry.path().exists()
        };
        if files(lists).any(|file| is_there(&file)) {
            return Self::There;
        }
        if !names_a_source(settings) {
            return Self::NoSource;
        }
        match files(lists).any(|(name, _)| name.ends_with("Release")) {
            true => Self::Gone,
            false => Self::Unread,
        }
    }

    fn described(self) -> &'static str {
        match self {
            Self::There => "the lists of what can be installed are there",
            Self::NoSource => {
                "this host names no source of packages in /etc/apt/sources.list or /etc/apt/sources.list.d"
            }
            Self::Gone => {
                "the lists of what can be installed are gone, or no source offers anything"
            }
            Self::Unread => {
                "the lists of what can be installed were never read on this host, or are gone"
            }
        }
    }

    /// What to do where they are not there.
    fn way_out(self, plan: &Plan, manager: PackageManager) -> String {
        match self {
            Self::NoSource => {
                "an administrator adds a source there; then its lists can be read".to_owned()
            }
            _ => read_anew(plan, manager),
        }
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

/// What reads the lists anew on this host.
fn read_anew(plan: &Plan, manager: PackageManager) -> String {
    let (action, by_hand) = match manager {
        PackageManager::Apt => (Maintenance::Update, "apt-get update"),
        // To read them alone is what breaks such a host.
        PackageManager::Pacman => (Maintenance::Upgrade, "pacman -Syu"),
    };
    match plan.approved().may_do_to_all(action) {
        true => format!("sm-helper package {}, then try again", action.word()),
        false => format!("an administrator reads them anew with: {by_hand}"),
    }
}

/// What is wrong with "nothing to upgrade", where no list is there that would name anything newer.
pub fn nothing_known(plan: &Plan, manager: PackageManager) -> Option<Refusal> {
    let upgrades = match &plan.request().operation {
        Operation::Package { action, .. } => *action == PackageAction::Upgrade,
        operation => operation.maintenance() == Some(Maintenance::Upgrade),
    };
    if !upgrades {
        return None;
    }
    let lists = Lists::now(manager);
    (lists != Lists::There).then(|| {
        let error = format!("nothing is known that could be upgraded: {}", lists.described());
        Refusal::new(Code::CommandFailed, error).hint(lists.way_out(plan, manager))
    })
}

/// What is wrong with lists that were read from no source at all.
pub fn no_source(plan: &Plan, manager: PackageManager) -> Option<Refusal> {
    let lists = Lists::now(manager);
    (lists == Lists::NoSource).then(|| {
        let error = format!("nothing was read: {}", lists.described());
        Refusal::new(Code::CommandFailed, error).hint(lists.way_out(plan, manager))
    })
}

/// The same refusal with a hint where it may be for lists that are old or not there.
pub fn too_old(plan: &Plan, manager: PackageManager, ran: &Ran, refusal: Refusal) -> Refusal {
    if refusal.hint.is_some() {
        return refusal;
    }
    let says = |is: fn(&str) -> bool| ran.stderr.lines().any(is);
    let why = if says(is_unknown) {
        match Lists::now(manager) {
            Lists::There => "the lists may be older than the package, or no source has it",
            lists => {
                let hint = format!("{}: {}", lists.described(), lists.way_out(plan, manager));
                return refusal.hint(hint);
            }
        }
    } else if says(|line| line.ends_with(" has no installation candidate")) {
        match Lists::now(manager) {
            Lists::There => {
                "no source has it, the lists are older than it, or a pin in /etc/apt/preferences keeps it away (an administrator sees that with: apt-cache policy)"
            }
            lists => {
                let hint = format!("{}: {}", lists.described(), lists.way_out(plan, manager));
                return refusal.hint(hint);
            }
        }
    } else if says(lacks_a_list) {
        "the list of one of the sources in pacman.conf was never read, and nothing is done without it"
    } else if says(is_gone) {
        "the lists are older than the source, which has another version by now"
    } else {
        return refusal;
    };
    let way = read_anew(plan, manager);
    refusal.hint(format!("{why}: {way}"))
}

/// A name that is in no list.
fn is_unknown(line: &str) -> bool {
    line.starts_with("E: Unable to locate package ")
        || line.starts_with("error: target not found: ")
}

/// pacman does nothing where the list of a source that its settings name is not there.
fn lacks_a_list(line: &str) -> bool {
    line.starts_with("error: ") && line.ends_with("(could not find database)")
}

/// `E: Failed to fetch http://…/x_1_all.deb  404  Not Found`; of files of this machine's own apt
/// says that there is none. A source that was changed in place has another file of that name.
fn is_gone(line: &str) -> bool {
    const SAID: [&str; 4] =
        [" 404 ", "File not found", "File has unexpected size", "Hash Sum mismatch"];
    match line.strip_prefix("E: Failed to fetch ") {
        Some(rest) => SAID.iter().any(|said| rest.contains(said)),
        None => is_gone_of_pacman(line),
    }
}

/// `error: failed retrieving file 'git-2-1-any.pkg.tar.zst' from disk : …`; that of a list ends
/// with `.db`.
fn is_gone_of_pacman(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("error: failed retrieving file '") else { return false };
    rest.split('\'').next().is_some_and(|file| !file.ends_with(".db"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, remove_dir_all, write};
    use std::os::unix::fs::symlink;

    #[test]
    fn how_the_lists_are_is_known() {
        let top = std::env::temp_dir().join(format!("lists-{}", std::process::id()));
        let (lists, settings) = (top.join("lists"), top.join("apt"));
        let now = || Lists::of_apt(&lists, &settings);
        create_dir_all(&lists).expect("a folder");
        create_dir_all(settings.join("sources.list.d")).expect("a folder");
        assert_eq!(now(), Lists::NoSource);
        for (file, text, expected) in [
            ("sources.list", "# deb file:/x ./\ndeb-src file:/x ./\n", Lists::NoSource),
            ("sources.list.d/a.sources", "Types: deb\nEnabled: no\n", Lists::NoSource),
            ("sources.list.d/a.sources", "Types: deb-src\n", Lists::NoSource),
            ("sources.list.d/a.list.save", "deb file:/x ./\n", Lists::NoSource),
            ("sources.list.d/a.sources", "Types: deb-src deb\nURIs: x\n", Lists::Unread),
            ("sources.list.d/a.sources", "", Lists::NoSource),
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
    fn what_the_source_has_no_more_is_known() {
        for line in [
            "E: Failed to fetch http://h/x_1_all.deb  404  Not Found [IP: 127.0.0.1 8000]",
            "E: Failed to fetch file:/srv/x_1_all.deb  File not found - /srv/x (2: No such file or directory)",
            "E: Failed to fetch http://h/./x_1_all.deb  File has unexpected size (638 != 636). Mirror sync in progress? [IP: 127.0.0.1 8000]",
            "E: Failed to fetch http://h/./x_1_all.deb  Hash Sum mismatch",
            "error: failed retrieving file 'git-2.40-1-any.pkg.tar.zst' from disk : Couldn't open file",
        ] {
            assert!(is_gone(line), "{line}");
        }
        for line in [
            "E: Failed to fetch http://h/x_1_all.deb  Could not connect to h:80",
            "error: failed retrieving file 'gone.db' from disk : Couldn't open file /srv/gone/gone.db",
        ] {
            assert!(!is_gone(line), "{line}");
        }
    }
}
