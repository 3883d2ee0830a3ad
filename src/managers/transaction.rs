//! What a package operation would do, as the package manager itself computes it.

use crate::managers::host::PackageManager;
use crate::managers::inventory::Inventory;
use crate::managers::pacman::vercmp::vercmp;
use crate::request::action::PackageAction;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use serde::Serialize;
use std::cmp::Ordering;

/// One package that would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// The version that would be there, or that would go.
    pub version: String,
    /// The version that is there now, where another one takes its place.
    pub from: Option<String>,
}

/// The `plan` object of a reply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Transaction {
    /// What would be there anew.
    pub install: Vec<Change>,
    /// What would be there in another version.
    pub upgrade: Vec<Change>,
    /// What would go.
    pub remove: Vec<Change>,
    /// What would be there in an older version.
    pub downgrade: Vec<Change>,
    /// What the administrator wants to stay as it is, and would not.
    #[serde(skip)]
    held: Vec<String>,
}

/// What a transaction is judged by.
pub struct Bounds<'b> {
    /// What was asked.
    pub operation: &'b Operation,
    /// The package, as the package manager calls it; none for all.
    pub name: Option<&'b str>,
    /// What is installed.
    pub inventory: &'b Inventory,
    /// Whether packages may go that were not asked to.
    pub removals: bool,
    /// Whether a package may go along with the one that is removed.
    pub may_go_along: &'b dyn Fn(&str) -> bool,
}

impl Transaction {
    /// Reads what the simulation printed.
    pub fn parse(
        manager: PackageManager,
        operation: &Operation,
        inventory: &Inventory,
        printed: &str,
    ) -> Self {
        match manager {
            PackageManager::Apt => Self::of_apt(printed, inventory),
            PackageManager::Pacman => Self::of_pacman(operation, printed, inventory),
        }
    }

    /// What two inventories differ by, for what a package manager can not say beforehand.
    pub fn between(before: &Inventory, after: &Inventory) -> Self {
        let mut plan = Self::default();
        for (name, is) in after.iter() {
            let version = is.version.clone();
            match before.get(name) {
                None => plan.install.push(Change { name: name.to_owned(), version, from: None }),
                Some(was) if was.version != version => {
                    let from = Some(was.version.clone());
                    plan.upgrade.push(Change { name: name.to_owned(), version, from });
                }
                Some(_) => {}
            }
        }
        for (name, was) in before.iter() {
            if after.get(name).is_none() {
                let version = was.version.clone();
                plan.remove.push(Change { name: name.to_owned(), version, from: None });
            }
        }
        plan
    }

    /// The removal of one package.
    pub fn removal_of(name: &str, inventory: &Inventory) -> Self {
        let version = version_of(inventory, name).unwrap_or_default();
        let remove = vec![Change { name: name.to_owned(), version, from: None }];
        Self { remove, ..Self::default() }
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// What would be there, anew or in another version.
    pub fn arriving(&self) -> impl Iterator<Item = &Change> {
        [&self.install, &self.upgrade, &self.downgrade].into_iter().flatten()
    }

    /// The name of each package that would change.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all().map(|change| change.name.as_str())
    }

    /// Whether it takes away something that has another name.
    pub fn removes_others(&self, name: Option<&str>) -> bool {
        self.remove.iter().any(|change| Some(change.name.as_str()) != name)
    }

    fn all(&self) -> impl Iterator<Item = &Change> {
        [&self.install, &self.upgrade, &self.remove, &self.downgrade].into_iter().flatten()
    }

    /// `Inst NAME [OLD] (NEW ARCHIVE [ARCH])` and `Remv NAME [OLD]`, as `apt-get --simulate`
    /// says; what is older than what is there is in a list of its own before that.
    fn of_apt(printed: &str, inventory: &Inventory) -> Self {
        let mut plan = Self::default();
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

    /// `NAME VERSION`, one a line, as `pacman --print-format "%n %v"` says.
    fn of_pacman(operation: &Operation, printed: &str, inventory: &Inventory) -> Self {
        let mut plan = Self::default();
        let removes = matches!(operation, Operation::Package { action: PackageAction::Remove, .. });
        for line in printed.lines() {
            let Some((name, version)) = line.trim().split_once(' ') else { continue };
            if name.starts_with(':') || version.contains(' ') {
                continue;
            }
            let from = version_of(inventory, name).filter(|_| !removes);
            let change = Change { name: name.to_owned(), version: version.to_owned(), from };
            let into = match &change.from {
                _ if removes => &mut plan.remove,
                None => &mut plan.install,
                Some(from) if vercmp(version, from) == Ordering::Less => &mut plan.downgrade,
                Some(_) => &mut plan.upgrade,
            };
            into.push(change);
        }
        plan
    }

    /// Adds what pacman would ask before: whether a package that is in the way should go, and
    /// whether to touch one that the administrator holds (`pacman.conf(5)`).
    #[must_use]
    pub fn with_questions(mut self, asked: &str, inventory: &Inventory) -> Self {
        for question in asked.split(":: ") {
            if let Some((_, rest)) = question.split_once(" in conflict")
                && let Some((name, _)) =
                    rest.split_once("Remove ").and_then(|(_, rest)| rest.split_once("? [y/N]"))
            {
                let version = version_of(inventory, name).unwrap_or_default();
                self.remove.push(Change { name: name.to_owned(), version, from: None });
            }
            if let Some((name, _)) = question.split_once(" is in IgnorePkg/IgnoreGroup.") {
                self.held.push(name.to_owned());
            }
        }
        self
    }

    /// Makes sure that it does what was asked and nothing that nobody would expect of it.
    ///
    /// # Errors
    /// `plan_refused`.
    pub fn judge(&self, bounds: &Bounds<'_>) -> Result<(), Refusal> {
        let operation = bounds.operation;
        let refused = |what: String, hint: &str| {
            Err(Refusal::new(Code::PlanRefused, format!("`{operation}` would {what}")).hint(hint))
        };
        let is_named = |change: &Change| bounds.name == Some(change.name.as_str());
        let essential = |change: &&Change| {
            bounds.inventory.get(&change.name).is_some_and(|row| row.is_essential)
        };
        // All packages are upgraded, or none of them stays safe; but none of these ever goes.
        let touched: Vec<&Change> = match bounds.name {
            Some(_) => self.all().filter(essential).collect(),
            None => self.remove.iter().chain(&self.downgrade).filter(essential).collect(),
        };
        if !touched.is_empty() {
            return refused(
                format!("change {}, which the system does not work without", names(&touched)),
                "an administrator does this one",
            );
        }
        if !self.held.is_empty() {
            return refused(
                format!("change {}, which is held as it is", self.held.join(", ")),
                "an administrator held it on purpose: apt-mark showhold, or IgnorePkg and HoldPkg in pacman.conf",
            );
        }
        if !self.downgrade.is_empty() {
            let older: Vec<&Change> = self.downgrade.iter().collect();
            return refused(
                format!("put an older version in the place of {}", names(&older)),
                "an administrator does this one",
            );
        }
        let Operation::Package { action, .. } = operation else { return Ok(()) };
        // apt brings a removal that was begun to its end before anything else.
        if *action != PackageAction::Remove && self.remove.iter().any(is_named) {
            let name = bounds.name.unwrap_or_default();
            return Err(Refusal::new(
                Code::PlanRefused,
                format!("`{operation}` would remove it, since a removal of it was begun"),
            )
            .hint(match (bounds.may_go_along)(name) {
                true => format!("bring that to its end first: sm-helper package remove {name}"),
                false => {
                    format!("an administrator brings that to its end first: apt-get remove {name}")
                }
            }));
        }
        // Which is only unpacked then: see `apt::options::REMOVING`.
        if *action == PackageAction::Remove && self.arriving().next().is_some() {
            let more: Vec<&Change> = self.arriving().collect();
            return refused(
                format!("also install or upgrade {}, which was not asked for", names(&more)),
                "what is needed in its place can be installed first; then it can be removed alone",
            );
        }
        let others = self.remove.iter().filter(|change| !is_named(change));
        let others: Vec<&Change> = match action {
            PackageAction::Remove => {
                others.filter(|change| !(bounds.may_go_along)(&change.name)).collect()
            }
            _ if bounds.removals => Vec::new(),
            _ => others.collect(),
        };
        if !others.is_empty() {
            return refused(
                format!("also remove {}, which was not asked for", names(&others)),
                match action {
                    PackageAction::Remove => {
                        "only what the policy names too or what was installed automatically may go along; an administrator can do it"
                    }
                    _ => {
                        "an administrator can do it, or allow it with allow_removals in the policy"
                    }
                },
            );
        }
        // A name that is no package can still be what several packages say they provide.
        let adds = *action == PackageAction::Install && !self.install.is_empty();
        if adds && !self.install.iter().chain(&self.upgrade).any(is_named) {
            let name = bounds.name.unwrap_or_default();
            let instead: Vec<&Change> = self.install.iter().collect();
            return Err(Refusal::new(
                Code::PlanRefused,
                format!(
                    "there is no package {name}; the package manager would install {} instead",
                    names(&instead)
                ),
            )
            .hint("ask for the package by its own name, if the policy allows it"));
        }
        Ok(())
    }
}

fn version_of(inventory: &Inventory, name: &str) -> Option<String> {
    inventory.get(name).map(|row| row.version.clone())
}

fn names(changes: &[&Change]) -> String {
    changes.iter().map(|change| change.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The words of a list that apt prints under a heading, indented.
pub fn section<'p>(printed: &'p str, heading: &str) -> Vec<&'p str> {
    let lines = printed.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| line.starts_with("  ")).flat_map(str::split_whitespace).collect()
}

/// Whether pacman does not want to remove it, since the administrator holds it.
pub fn is_held_by_pacman(stdout: &str) -> bool {
    stdout.lines().any(|line| line.starts_with(":: HoldPkg was found in target list."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::name::PackageName;

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

    fn asked(action: PackageAction, name: &str) -> Operation {
        let name = PackageName::parse(name.as_bytes()).unwrap();
        Operation::Package { action, name, only_plan: false }
    }

    fn apt(printed: &str, installed: &str) -> (Transaction, Inventory) {
        let inventory = Inventory::parse(PackageManager::Apt, installed);
        let operation = asked(PackageAction::Install, "curl");
        let plan = Transaction::parse(PackageManager::Apt, &operation, &inventory, printed);
        (plan, inventory)
    }

    /// The sentence of the refusal, or nothing.
    fn judged(
        plan: &(Transaction, Inventory),
        action: PackageAction,
        name: &str,
        removals: bool,
    ) -> String {
        let bounds = Bounds {
            operation: &asked(action, name),
            name: Some(name),
            inventory: &plan.1,
            removals,
            may_go_along: &|name| name == "known",
        };
        plan.0.judge(&bounds).err().map(|refusal| refusal.error).unwrap_or_default()
    }

    #[test]
    fn what_apt_would_do_is_read() {
        let (plan, _) = apt(APT, "");
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
        assert!(apt("Conf curl (1 x [all])\n", "").0.is_empty());
    }

    #[test]
    fn what_nobody_would_expect_is_refused() {
        use PackageAction::{Install, Remove, Upgrade};
        let removing = apt("Remv by [1]\nInst curl (2 x [all])\n", "ii |by|all|1|no|no\n");
        assert!(judged(&removing, Install, "curl", false).contains("also remove by"));
        assert_eq!(judged(&removing, Install, "curl", true), "");
        let older = apt(&APT.replace("Remv bystander [1.0]\n", ""), "");
        assert!(
            judged(&older, Install, "curl", true).contains("older version in the place of older3")
        );
        let held = apt("Inst held [1] (2 x [all])\n", "hi |held|all|1|no|no\n");
        assert!(judged(&held, Upgrade, "held", true).contains("change held, which is held"));
        let essential = apt("Inst vital [1] (2 x [all])\n", "ii |vital|all|1|yes|no\n");
        assert!(judged(&essential, Upgrade, "vital", true).contains("does not work without"));
        // What goes along with a removal must be known.
        let along = apt("Remv curl [1]\nRemv known [1]\nRemv other [1]\n", "");
        assert!(judged(&along, Remove, "curl", true).contains("also remove other, which"));
        let along = apt("Remv curl [1]\nRemv known [1]\n", "");
        assert_eq!(judged(&along, Remove, "curl", false), "");
        // One for another architecture is another one.
        let along = apt("Remv curl [1]\nRemv curl:i386 [1]\n", "");
        assert!(judged(&along, Remove, "curl", false).contains("also remove curl:i386, which"));
        let instead = apt("Remv curl:i386 [1]\nInst curl (1 x [amd64])\n", "");
        assert!(judged(&instead, Install, "curl", false).contains("also remove curl:i386, which"));
        let held = apt(
            "Inst held [1] (2 x [amd64])\n",
            "ii |held|amd64|1|no|no\nhi |held|i386|1|no|no\nii |dpkg|amd64|1||\n",
        );
        assert_eq!(judged(&held, Upgrade, "held", true), "");
        let more = apt("Remv curl [1]\nInst other (1 x [all])\n", "");
        assert!(judged(&more, Remove, "curl", true).contains("also install or upgrade other"));
        // A virtual name.
        let other = apt("Inst mta (1 x [all])\n", "");
        assert!(judged(&other, Install, "mail-agent", true).contains("no package mail-agent"));
        assert_eq!(judged(&apt("", ""), Install, "git", false), "");
    }

    #[test]
    fn all_may_be_upgraded_but_nothing_vital_may_go() {
        let operation = Operation::Maintenance {
            action: crate::request::action::Maintenance::Upgrade,
            only_plan: false,
        };
        for (printed, allowed) in
            [("Inst vital [1] (2 x [all])\n", true), ("Remv vital [1]\n", false)]
        {
            let (plan, inventory) = apt(printed, "ii |vital|all|1|no|yes\n");
            let bounds = Bounds {
                operation: &operation,
                name: None,
                inventory: &inventory,
                removals: true,
                may_go_along: &|_| true,
            };
            assert_eq!(plan.judge(&bounds).is_ok(), allowed, "{printed}");
        }
    }

    #[test]
    fn what_pacman_would_do_is_read() {
        let inventory = Inventory::parse(PackageManager::Pacman, "old 2-1\nnew 1-1\nrival 3-1\n");
        let operation = asked(PackageAction::Install, "new");
        let plan = Transaction::parse(
            PackageManager::Pacman,
            &operation,
            &inventory,
            "old 1-1\nnew 2-1\nfresh 1-1\n",
        );
        let plan = plan.with_questions(
            ":: new is in IgnorePkg/IgnoreGroup. Install anyway? [Y/n] n\nwarning: skipping target: new\n\
             :: fresh and rival are in conflict (x). Remove rival? [y/N] n\nerror: failed to prepare\n",
            &inventory,
        );
        assert_eq!(
            (plan.downgrade[0].name.as_str(), plan.upgrade[0].name.as_str()),
            ("old", "new")
        );
        assert_eq!(
            (plan.install[0].name.as_str(), plan.remove[0].name.as_str()),
            ("fresh", "rival")
        );
        assert_eq!(
            (plan.remove[0].version.as_str(), plan.held.as_slice()),
            ("3-1", &["new".to_owned()][..])
        );
    }

    #[test]
    fn what_two_inventories_differ_by_is_told() {
        let before = Inventory::parse(PackageManager::Pacman, "a 1-1\nb 1-1\nc 1-1\n");
        let after = Inventory::parse(PackageManager::Pacman, "a 1-1\nb 2-1\nd 1-1\n");
        let plan = Transaction::between(&before, &after);
        assert_eq!((plan.install[0].name.as_str(), plan.upgrade[0].name.as_str()), ("d", "b"));
        assert_eq!((plan.remove[0].name.as_str(), plan.remove.len()), ("c", 1));
    }
}
