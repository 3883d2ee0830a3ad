//! What apt would do.

use crate::managers::inventory::Inventory;
use crate::managers::transaction::{Change, Transaction};

/// `Inst NAME [OLD] (NEW ARCHIVE [ARCH])` and `Remv NAME [OLD]`, as `apt-get --simulate`
/// says; what is older than what is there is in a list of its own before that.
pub fn parse(printed: &str, inventory: &Inventory) -> Transaction {
    let mut plan = Transaction::default();
    let older = section(printed, "The following packages will be DOWNGRADED:");
    for line in printed.lines() {
        let mut words = line.split_whitespace();
        let (what, name) = (words.next(), words.next());
        let bracketed = |open: char, close: char| {
            let rest = line.split_once(open)?.1;
            rest.split([close, ' ']).next().map(str::to_owned)
        };
        let Some(name) = name.map(str::to_owned) else { continue };
        match what {
            Some("Inst") => {
                // The architecture is in brackets too, but behind the parenthesis.
                let old = line.split('(').next().and_then(|before| before.split_once('['));
                let from = old.and_then(|(_, rest)| rest.split(']').next()).map(str::to_owned);
                let version = bracketed('(', ')').unwrap_or_default();
                let into = match from {
                    Some(_) if older.contains(&name.as_str()) => &mut plan.downgrade,
                    Some(_) => &mut plan.upgrade,
                    None => &mut plan.install,
                };
                into.push(Change { name, version, from });
            }
            Some("Remv" | "Purg") => {
                let version = bracketed('[', ']').unwrap_or_default();
                plan.remove.push(Change { name, version, from: None });
            }
            _ => {}
        }
    }
    let is_held = |change: &&Change| inventory.get(&change.name).is_some_and(|row| row.is_held);
    plan.held = plan.all().filter(is_held).map(|change| change.name.clone()).collect();
    // Also what is held and not there, which no inventory names.
    let held = section(printed, "The following held packages will be changed:");
    plan.held.extend(held.into_iter().map(str::to_owned));
    plan.held.sort_unstable();
    plan.held.dedup();
    plan
}

/// The words of a list that apt prints under a heading, indented.
pub fn section<'p>(printed: &'p str, heading: &str) -> Vec<&'p str> {
    let lines = printed.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| line.starts_with("  ")).flat_map(str::split_whitespace).collect()
}

/// How many steps dpkg says that it does: it unpacks a package, and sets it up later.
pub fn steps_of(transaction: &Transaction) -> usize {
    let Transaction { install, upgrade, remove, downgrade, .. } = transaction;
    2 * (install.len() + upgrade.len() + downgrade.len()) + remove.len()
}

/// Whether dpkg says in this line that a step begins.
pub fn is_step(line: &str) -> bool {
    ["Unpacking ", "Setting up ", "Removing "].iter().any(|step| line.starts_with(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::apt;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn what_apt_would_do_is_read() {
        cases::each("managers/apt_transaction", |case| {
            let inventory = apt::inventory::parse(case.input("inventory"));
            let plan = parse(case.input("stdout"), &inventory);
            json!({"plan": plan, "held": plan.held, "is_empty": plan.is_empty()})
        });
    }
}
