//! pacman's own record of a package.

use crate::managers::inventory::Inventory;
use crate::request::code::{Code, Refusal};
use std::path::Path;

/// Where pacman keeps what it knows of each package that is installed.
pub const FOLDER: &str = "/var/lib/pacman/local";

/// Refuses what pacman would do by halves, since its own record of the package is not whole: without
/// it pacman takes the package away and leaves its files.
pub fn not_whole(name: &str, installed: &Inventory) -> Option<Refusal> {
    let record = format!("{FOLDER}/{name}-{}", installed.get(name)?.version);
    let record = Path::new(&record);
    let is_lost = |file: &&str| record.exists() && !record.join(file).exists();
    let lost = ["desc", "files"].into_iter().find(is_lost)?;
    let error = format!(
        "pacman's own record of {name} is incomplete: {} is missing",
        record.join(lost).display()
    );
    Some(Refusal::new(Code::PlanRefused, error).hint(format!(
        "an administrator can delete that folder and have it written again: rm -r {}; pacman --sync --overwrite '*' {name}", record.display()
    )))
}
