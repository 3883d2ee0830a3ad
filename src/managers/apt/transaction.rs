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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::apt;

    const APT: &str = "\
Reading package lists...
The following packages will be DOWNGRADED:
  older older2
  older3
0 upgraded, 0 newly installed, 1 downgraded, 0 to remove and 0 not upgraded.
Inst libcurl3-gnutls (7.88.1-10 Debian:12.1/oldstable [amd64])
Inst curl [7.88.1-9] (7.88.1-10 Debian:12.1/oldstable [amd64]) []
Conf curl (7.88.1-10 Debian:12.1/oldstable [amd64])
Inst older3 [2] (1 localhost [all])
Remv bystander [1.0]
";

    #[test]
    fn what_apt_would_do_is_read() {
        let apt = |printed: &str| parse(printed, &Inventory::default());
        let plan = apt(APT);
        assert_eq!(plan.install[0].name, "libcurl3-gnutls");
        assert_eq!(plan.install[0].version, "7.88.1-10");
        assert_eq!(plan.upgrade[0].from.as_deref(), Some("7.88.1-9"));
        assert_eq!(plan.upgrade[0].version, "7.88.1-10");
        assert_eq!(plan.downgrade[0].name, "older3");
        assert_eq!(
            (plan.remove[0].name.as_str(), plan.remove[0].version.as_str()),
            ("bystander", "1.0")
        );
        let counts = [&plan.install, &plan.upgrade, &plan.remove, &plan.downgrade].map(Vec::len);
        assert_eq!(counts, [1, 1, 1, 1]);
        assert!(apt("Conf curl (1 x [all])\n").is_empty());
    }

    #[test]
    fn what_is_held_is_told() {
        let inventory = apt::inventory::parse("hi |held|all|1|no|no\nii |free|all|1|no|no\n");
        let printed = "The following held packages will be changed:\n  gone\n\
                       Inst held [1] (2 x [all])\nInst free [1] (2 x [all])\n";
        assert_eq!(parse(printed, &inventory).held, ["gone", "held"]);
    }
}
