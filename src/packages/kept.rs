//! What an upgrade of everything leaves as it is, though another version is there.

use crate::managers::inventory::Inventory;
use crate::managers::transaction::section;
use crate::output::text::one_line;

/// What apt writes above those that it leaves, and why it does.
const KEPT: [(&str, &str); 2] = [
    (
        "The following packages have been kept back:",
        "what that needs can not be installed, or something would have to go; to upgrade it alone says what",
    ),
    (
        "The following upgrades have been deferred due to phasing:",
        "it comes to some hosts first, and to this one later",
    ),
];

/// The most that are told of.
const MOST_TOLD: usize = 10;

/// Those that apt's simulation names.
pub fn by_apt(printed: &str, inventory: &Inventory) -> Vec<String> {
    let all = KEPT.iter().flat_map(|(heading, why)| {
        section(printed, heading).into_iter().map(move |name| (name, *why))
    });
    let told = all.map(|(name, why)| {
        let row = inventory.get(name);
        let version = row.map_or("its version", |row| row.version.as_str());
        let why = match row.is_some_and(|row| row.is_held) {
            true => "it is held: apt-mark showhold",
            false => why,
        };
        one_line(&format!("{name} stays at {version}, though another version is there: {why}"), 300)
    });
    at_most(told.collect())
}

/// Those that pacman leaves since its settings say so:
/// `warning: git: ignoring package upgrade (1-1 => 2-1)`
pub fn by_pacman(stderr: &str) -> Vec<String> {
    let told = stderr.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("warning: ")?.split_once(": ignoring package ")?;
        let (_, versions) = rest.split_once(" (")?;
        let (from, to) = versions.strip_suffix(')')?.split_once(" => ")?;
        let told = format!(
            "{name} stays at {from}, though {to} is there: IgnorePkg or IgnoreGroup in pacman.conf holds it"
        );
        Some(one_line(&told, 300))
    });
    at_most(told.collect())
}

fn at_most(mut told: Vec<String>) -> Vec<String> {
    let more = told.len().saturating_sub(MOST_TOLD);
    told.truncate(MOST_TOLD);
    if more > 0 {
        told.push(format!("and {more} more packages stay as they are"));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::host::PackageManager;

    #[test]
    fn what_stays_is_told() {
        let inventory =
            Inventory::parse(PackageManager::Apt, "ii |a|all|1|no|no\nhi |b|all|2|no|no\n");
        let printed = "Calculating upgrade...\nThe following packages have been kept back:\n  a b\n0 upgraded\n";
        let told = by_apt(printed, &inventory);
        assert!(
            told[0].starts_with("a stays at 1, though another version is there: what that needs")
        );
        assert!(told[1].contains("b stays at 2") && told[1].contains("it is held"), "{told:?}");
        assert_eq!(by_apt("0 upgraded\n", &inventory), Vec::<String>::new());
        let told = by_pacman("warning: x\nwarning: git: ignoring package upgrade (1-1 => 2-1)\n");
        assert!(told[0].starts_with("git stays at 1-1, though 2-1 is there"), "{told:?}");
        let many: String = (0..12).map(|n| format!(" p{n}")).collect();
        let printed = format!("The following packages have been kept back:\n {many}\n");
        assert_eq!(
            by_apt(&printed, &inventory).last().expect("a last"),
            "and 2 more packages stay as they are"
        );
    }
}
