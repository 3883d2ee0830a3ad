//! Which of the files that differ between two snapshots an operation on packages has written, and which others
//! may have written at the same time.

use crate::files::changes::{Change, Kind, between};
use crate::files::failed::Failed;
use crate::files::tree::{Entry, Tree};
use crate::managers::manager::Manager;
use crate::managers::territory::Territory;
use crate::managers::transaction::Transaction;
use crate::snapshots::covered::NEVER;
use crate::undo::links::Links;
use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What stays as it is besides, though a snapshot has it: what this program keeps and set up, and snapshots.
const OWN: [&str; 8] = [
    "/.snapshots",
    "/.sm-snapshots",
    "/etc/sm",
    "/etc/systemd/system/sm-broker.service",
    "/etc/systemd/system/sm.socket",
    "/etc/systemd/system/sockets.target.wants/sm.socket",
    "/lost+found",
    "/var/lib/sm",
];

/// What gives rights: only a package's own files in it come back, and nothing that somebody may have taken away
/// while the operation ran.
const RIGHTS: [&str; 4] = ["/etc/polkit-1", "/etc/security", "/etc/sudoers", "/etc/sudoers.d"];

/// How the name of a folder begins that an undo which was killed has left: the next one takes it away.
const UNFINISHED: &str = ".sm-undo-";

/// The folders that nothing but packages, their scripts and an administrator writes.
const SYSTEM: [&str; 9] =
    ["/bin", "/boot", "/efi", "/etc", "/lib", "/lib32", "/lib64", "/sbin", "/usr"];

/// What an administrator installs without packages.
const LOCAL: [&str; 1] = ["/usr/local"];

/// The largest list of a package's files that is read, in bytes.
const LARGEST_LIST: u64 = 64 << 20;

/// Whose a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// A package's file, or what the package manager keeps: it comes back, or nothing does.
    Packages,
    /// Where packages' scripts write: it comes back, unless somebody has changed it since.
    Scripts,
    /// Made anew whenever it is missing: the same, and nobody has to know.
    Cache,
    /// Somebody else's: it stays.
    Others,
}

/// What an operation has written.
#[derive(Debug)]
pub struct Scope {
    territory: Territory,
    /// The files and folders of the packages that it was about.
    listed: HashSet<String>,
    /// Those of the folders that came or went with it.
    folders: BTreeSet<String>,
}

impl Scope {
    /// From the lists of files that came or went with it, and those of the packages that it was about. Of
    /// another list that changed it has what came and went: dpkg takes a folder out of all lists once it is gone.
    /// `paths` is all that can differ.
    ///
    /// # Errors
    /// If a snapshot cannot be read.
    pub fn of(
        manager: Manager,
        transaction: Option<&Transaction>,
        before: &Tree,
        after: &Tree,
        paths: &BTreeSet<PathBuf>,
    ) -> Result<Self, Failed> {
        let is_list = |path: &&PathBuf| manager.is_list(&absolute(path));
        let lists: BTreeSet<PathBuf> = paths.iter().filter(is_list).cloned().collect();
        let names = transaction.into_iter().flat_map(Transaction::names);
        let own: HashSet<String> = names.flat_map(|name| manager.lists_of(name)).collect();
        let mut listed = HashSet::new();
        for change in between(before, after, &lists)? {
            let in_list = |tree: &Tree| -> Result<HashSet<String>, Failed> {
                let text = text_of(tree, &change.path)?;
                let mut links = Links::of(tree);
                Ok(manager.listed(&text).iter().map(|path| links.resolved(path)).collect())
            };
            let (was, is) = (in_list(before)?, in_list(after)?);
            let is_own = change.kind != Kind::Altered
                || transaction.is_none()
                || own.contains(&absolute(&change.path));
            match is_own {
                true => listed.extend(was.into_iter().chain(is)),
                false => listed.extend(was.symmetric_difference(&is).cloned()),
            }
        }
        // A list may be as before though the files are not: of the packages that it was about.
        for list in &own {
            let path = Path::new(list.trim_start_matches('/'));
            for tree in [before, after] {
                let mut links = Links::of(tree);
                let text = text_of(tree, path)?;
                listed.extend(manager.listed(&text).iter().map(|path| links.resolved(path)));
            }
        }
        let is_listed = |path: &&PathBuf| listed.contains(&absolute(path));
        let of_packages: BTreeSet<PathBuf> = paths.iter().filter(is_listed).cloned().collect();
        let mut folders = BTreeSet::new();
        for path in of_packages {
            let [was, is] = [before.entry(&path)?, after.entry(&path)?];
            let is_folder = |entry: &Option<Entry>| entry.as_ref().is_some_and(Entry::is_directory);
            if is_folder(&was) != is_folder(&is) {
                folders.insert(absolute(&path));
            }
        }
        Ok(Self { territory: manager.territory(), listed, folders })
    }

    /// Of these paths those that something comes back at, and the folders that these are in.
    pub fn wanted(&self, paths: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let is_wanted = |path: &&PathBuf| self.share_of(&absolute(path), false) != Share::Others;
        let mut wanted: BTreeSet<PathBuf> = paths.iter().filter(is_wanted).cloned().collect();
        let parents: Vec<PathBuf> =
            wanted.iter().filter_map(|path| path.parent().map(Path::to_owned)).collect();
        wanted.extend(parents.into_iter().filter(|path| paths.contains(path)));
        wanted
    }

    /// The outermost folder that came or went with a package, and that others may have data in, where a path is
    /// in one.
    pub fn folder_of_data(&self, path: &str) -> Option<&str> {
        let places = [&SYSTEM[..], self.territory.folders, self.territory.caches].concat();
        if Territory::holds(&places, path) {
            return None;
        }
        // Sorted, so that an outer one is in front.
        self.folders.iter().map(String::as_str).find(|folder| Territory::holds(&[folder], path))
    }

    /// Whose a change is.
    pub fn share(&self, change: &Change) -> Share {
        self.share_of(&absolute(&change.path), change.is_directory)
    }

    fn share_of(&self, path: &str, is_directory: bool) -> Share {
        let Territory { folders, caches, locks, .. } = self.territory;
        let is_below = |places: &[&str]| Territory::holds(places, path);
        let is_leftover = || path.split('/').any(|name| name.starts_with(UNFINISHED));
        if is_below(&NEVER) || is_below(&OWN) || is_below(locks) || is_leftover() {
            return Share::Others;
        }
        if is_below(folders) {
            // Those before them, which dpkg keeps (`dpkg(1)`).
            return if path.ends_with("-old") { Share::Cache } else { Share::Packages };
        }
        if is_below(caches) {
            return Share::Cache;
        }
        // A folder that others have put something into since is not taken away, and nothing is wrong with that.
        if self.listed.contains(path) {
            return if is_directory { Share::Scripts } else { Share::Packages };
        }
        if is_below(&RIGHTS) {
            return Share::Others;
        }
        let is_below_added = || self.folders.iter().any(|folder| Territory::holds(&[folder], path));
        if (is_below(&SYSTEM) && !is_below(&LOCAL)) || is_below_added() {
            return Share::Scripts;
        }
        Share::Others
    }

    /// The files of the packages.
    pub fn listed(&self) -> &HashSet<String> {
        &self.listed
    }
}

/// Of these changes those that come back, each with whose it is, sorted by path: of the others only folders
/// whose time of change is another one because of these.
pub fn chosen(scope: &Scope, changes: Vec<Change>) -> Vec<(Change, Share)> {
    let shares: Vec<(Change, Share)> = changes
        .into_iter()
        .map(|change| {
            let share = scope.share(&change);
            (change, share)
        })
        .collect();
    let is_chosen = |share: Share| share != Share::Others;
    let parents: BTreeSet<_> = shares
        .iter()
        .filter(|(_, share)| is_chosen(*share))
        .filter_map(|(change, _)| change.path.parent().map(Path::to_owned))
        .collect();
    let is_time = |change: &Change| {
        change.kind == Kind::Times
            && parents.contains(&change.path)
            && !Territory::holds(&NEVER, &absolute(&change.path))
    };
    let kept = shares.into_iter().filter_map(|(change, share)| match share {
        Share::Others if is_time(&change) => Some((change, Share::Cache)),
        Share::Others => None,
        _ => Some((change, share)),
    });
    kept.collect()
}

/// A path as messages have it.
pub fn absolute(path: &Path) -> String {
    format!("/{}", path.to_string_lossy())
}

fn text_of(tree: &Tree, path: &Path) -> Result<String, Failed> {
    let Some(entry) = tree.entry(path)? else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    let mut file = tree.read(path, &entry)?.take(LARGEST_LIST);
    // What cannot be read to its end lists nothing more.
    let _ = file.read_to_end(&mut bytes);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::host::named;

    fn change(path: &str, kind: Kind, is_directory: bool) -> Change {
        let path = path.trim_start_matches('/').into();
        Change { path, kind, is_directory, before: None, after: None }
    }

    fn scope() -> Scope {
        let listed = ["/usr/bin/a", "/var/lib/a", "/var/lib/a/seed", "/opt/a/bin", "/home/a"];
        Scope {
            territory: named("apt").expect("apt").territory(),
            listed: listed.map(str::to_owned).into(),
            folders: ["/var/lib/a".to_owned()].into(),
        }
    }

    #[test]
    fn each_change_is_somebodys() {
        use Share::{Cache, Others, Packages, Scripts};
        for (path, share) in [
            ("/usr/bin/a", Packages),
            ("/opt/a/bin", Packages),
            ("/var/lib/dpkg/status", Packages),
            ("/var/lib/apt/extended_states", Packages),
            // What a service has put into a folder that came with its package.
            ("/var/lib/a/data/1", Scripts),
            ("/etc/passwd", Scripts),
            ("/usr/share/info/dir", Scripts),
            ("/boot/initrd.img", Scripts),
            ("/var/cache/apt/pkgcache.bin", Cache),
            ("/usr/local/bin/b", Others),
            ("/opt/b/data", Others),
            ("/var/lib/other/data", Others),
            ("/var/lib/abc", Others),
            ("/var/www/upload", Others),
            ("/home/a", Others),
            ("/root/.profile", Others),
            ("/srv/data", Others),
            ("/var/log/dpkg.log", Others),
            ("/var/lib/sm/audit.head", Others),
            ("/etc/sm/policy.toml", Others),
            ("/var/lib/dpkg/lock", Others),
            ("/.snapshots/1/info.xml", Others),
            ("/", Others),
        ] {
            assert_eq!(scope().share(&change(path, Kind::Altered, false)), share, "{path}");
        }
        let folder = change("/var/lib/a", Kind::Added, true);
        assert_eq!(scope().share(&folder), Scripts);
    }

    #[test]
    fn a_folder_gets_its_time_back_where_something_in_it_does() {
        let times = |path: &str| change(path, Kind::Times, true);
        let all = vec![
            times("/home"),
            times("/srv"),
            change("/srv/x", Kind::Added, false),
            times("/var/lib"),
            change("/var/lib/a", Kind::Added, true),
            times("/var/www"),
            change("/var/www/upload", Kind::Added, false),
        ];
        let chosen = chosen(&scope(), all);
        let paths: Vec<String> = chosen.iter().map(|(change, _)| absolute(&change.path)).collect();
        assert_eq!(paths, ["/var/lib", "/var/lib/a"]);
    }
}
