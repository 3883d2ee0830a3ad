//! What an upgrade of everything leaves as it is, as apt says.

use crate::managers::apt::transaction::section;
use crate::managers::inventory::Inventory;
use crate::output::text::one_line;

/// What apt writes above those that it leaves, and why it does.
const KEPT: [(&str, &str); 2] = [
    (
        "The following packages have been kept back:",
        "its dependencies cannot be installed, or something would have to be removed; upgrade it alone to see what",
    ),
    (
        "The following upgrades have been deferred due to phasing:",
        "it is rolled out to some hosts first, and to this one later (phased update)",
    ),
];

/// Those that apt's simulation names.
pub fn beforehand(printed: &str, inventory: &Inventory) -> Vec<String> {
    let all = KEPT.iter().flat_map(|(heading, reason)| {
        section(printed, heading).into_iter().map(move |name| (name, *reason))
    });
    let message = all.map(|(name, reason)| {
        let row = inventory.get(name);
        let version = row.map_or("its version", |row| row.version.as_str());
        let reason = match row.is_some_and(|row| row.is_held) {
            true => "it is held: apt-mark showhold",
            false => reason,
        };
        one_line(
            &format!("{name} stays at {version}, although another version is available: {reason}"),
            300,
        )
    });
    message.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::apt::inventory::parse;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn what_stays_is_told() {
        cases::each("managers/apt_kept", |case| {
            json!(beforehand(case.input("stdout"), &parse(case.input("inventory"))))
        });
    }
}
