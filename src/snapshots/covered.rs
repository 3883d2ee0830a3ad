//! What a snapshot of the root file system does not have: other file systems, and other subvolumes.

use crate::managers::manager::Manager;
use crate::managers::territory::Territory;
use crate::managers::transaction::Transaction;
use crate::system::file;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Where packages put files. What is below these is not looked for on each host.
const PLACES: [&str; 12] = [
    "/boot",
    "/boot/efi",
    "/efi",
    "/etc",
    "/opt",
    "/srv",
    "/usr",
    "/usr/local",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
];

/// Where what boots is.
const BOOT: [&str; 3] = ["/boot", "/boot/efi", "/efi"];

/// Where nothing is put back anyway ([`crate::undo`] has the whole of it).
pub const NEVER: [&str; 12] = [
    "/dev", "/home", "/media", "/mnt", "/proc", "/root", "/run", "/srv", "/sys", "/tmp",
    "/var/log", "/var/tmp",
];

/// The file system of a path; none if there is nothing of this name.
fn device(path: &str) -> Option<u64> {
    fs::metadata(path).ok().map(|found| found.dev())
}

/// Those of the places that are not on the root file system.
pub fn elsewhere(manager: Manager) -> Vec<&'static str> {
    let root = device("/");
    let state = manager.territory().state;
    let is_elsewhere = |place: &&str| device(place).is_some_and(|other| Some(other) != root);
    let mut found: Vec<&str> = PLACES.into_iter().chain([state]).filter(is_elsewhere).collect();
    // What is below another one is said with it.
    let all = found.clone();
    found.retain(|place| {
        let is_inside = |other: &&str| other != place && Territory::holds(&[other], place);
        !all.iter().any(|other| is_inside(other) && device(other) == device(place))
    });
    found.retain(|place| !Territory::holds(&NEVER, place));
    found
}

/// What is to be said before an operation on these packages.
pub fn warnings(manager: Manager, transaction: Option<&Transaction>) -> Vec<String> {
    let written = elsewhere(manager);
    let kernel = kernel(manager, transaction);
    let concerns = |place: &&str| match transaction {
        _ if BOOT.contains(place) => kernel.is_some() || writes(manager, transaction, place),
        // Nobody knows what a new package has in it.
        Some(transaction) => {
            !transaction.install.is_empty() || writes(manager, Some(transaction), place)
        }
        None => true,
    };
    let written: Vec<&str> = written.into_iter().filter(concerns).collect();
    let mut warnings = Vec::new();
    if !written.is_empty() {
        warnings.push(format!(
            "the snapshots do not have {}, which is another file system or subvolume: what changes there does not come back",
            written.join(", ")
        ));
    }
    if let Some(kernel) = kernel {
        warnings
            .push(format!("{kernel} is a kernel: what was undone of it is in use after a boot"));
    }
    warnings
}

/// Why the snapshots around an operation are not enough to undo it; none if they are.
pub fn hindrance(manager: Manager, transaction: Option<&Transaction>) -> Option<String> {
    let elsewhere = elsewhere(manager);
    let state = manager.territory().state;
    let whole = ["/usr", "/etc", "/var/lib", "/var"];
    let is_needed = |place: &&str| *place == state || whole.contains(place);
    if let Some(place) = elsewhere.iter().copied().find(is_needed) {
        return Some(format!(
            "{place} is another file system or subvolume, which they do not have"
        ));
    }
    let boot = elsewhere.iter().find(|place| BOOT.contains(place));
    if let (Some(boot), Some(kernel)) = (boot, kernel(manager, transaction)) {
        return Some(format!("{kernel} is a kernel, and they do not have {boot}"));
    }
    let outside = files_outside(manager, transaction?);
    outside.map(|path| {
        format!("{path} does not come back, as it is where nothing does, or on another file system")
    })
}

/// A file of these packages, as they are installed now, that is not on the root file system.
fn files_outside(manager: Manager, transaction: &Transaction) -> Option<String> {
    let root = device("/");
    let mut folders: BTreeMap<String, bool> = BTreeMap::new();
    for path in transaction.names().flat_map(|name| paths_of(manager, name)) {
        let Some((folder, _)) = path.rsplit_once('/') else { continue };
        let is_outside = *folders.entry(folder.to_owned()).or_insert_with(|| {
            let folder = if folder.is_empty() { "/" } else { folder };
            // Behind a link, too.
            let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.into());
            let is_elsewhere = device(folder).is_some_and(|other| Some(other) != root);
            is_elsewhere || Territory::holds(&NEVER, &real.to_string_lossy())
        });
        let is_file = || fs::symlink_metadata(&path).is_ok_and(|found| !found.is_dir());
        if is_outside && is_file() {
            return Some(path);
        }
    }
    None
}

/// The first kernel that would change.
fn kernel(manager: Manager, transaction: Option<&Transaction>) -> Option<&str> {
    transaction?.names().find(|name| manager.is_kernel(name))
}

/// Whether one of these packages, as it is installed now, has something there.
fn writes(manager: Manager, transaction: Option<&Transaction>, place: &str) -> bool {
    let names = transaction.into_iter().flat_map(Transaction::names);
    let mut paths = names.flat_map(|name| paths_of(manager, name));
    paths.any(|path| path != place && Territory::holds(&[place], &path))
}

/// The files and folders of an installed package.
fn paths_of(manager: Manager, name: &str) -> Vec<String> {
    let lists = manager.lists_of(name).into_iter();
    let texts = lists.filter_map(|list| file::read_to_string(Path::new(&list)).ok());
    texts.flat_map(|text| manager.listed(&text)).collect()
}
