//! What sudo's configuration includes, and that again (`sudoers(5)`).

use crate::sudo::files::{Included, entries};
use crate::system::file;
use crate::system::trust::trusted;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// No configuration has as many; one that includes itself again and again ends here.
const MOST: usize = 1000;

/// Something that is included.
pub struct Inclusion {
    /// The file that does so.
    pub by: PathBuf,
    /// A file, a folder, or a file of that folder; it need not be there.
    pub path: PathBuf,
}

/// Everything that these files include, and what is included by that.
///
/// What others can change is named and not read: it may be anything.
pub fn by(files: &[PathBuf]) -> Vec<Inclusion> {
    let mut left = files.to_vec();
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut found: Vec<Inclusion> = Vec::new();
    while let Some(file) = left.pop() {
        let is_ours = trusted(&file).is_ok_and(|(_, data)| data.is_file());
        if !is_ours || !seen.insert(file.clone()) {
            continue;
        }
        let text = String::from_utf8_lossy(&file::read(&file).unwrap_or_default()).into_owned();
        for included in text.lines().filter_map(Included::by) {
            // A relative one is beside the file that names it.
            let path = file.with_file_name(included.here());
            let is_read = included.is_folder && trusted(&path).is_ok();
            let inside = if is_read { entries(&path) } else { Vec::new() };
            for path in std::iter::once(path).chain(inside) {
                if found.len() == MOST {
                    return found;
                }
                left.push(path.clone());
                found.push(Inclusion { by: file.clone(), path });
            }
        }
    }
    found
}
