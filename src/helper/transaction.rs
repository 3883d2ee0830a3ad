//! What a package operation would do, as the package manager itself computes it.

use super::codes::{Code, Refusal};
use super::host::PackageManager;
use super::request::Operation;
use crate::policy::action::PackageAction;
use serde::Serialize;

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
    /// What would be there in an older version; the package managers are never told to allow it.
    pub downgrade: Vec<Change>,
}

impl Transaction {
    /// Reads what the simulation printed.
    pub fn parse(manager: PackageManager, action: PackageAction, printed: &str) -> Self {
        match manager {
            PackageManager::Apt => Self::of_apt(printed),
            PackageManager::Pacman => Self::of_pacman(action, printed),
        }
    }

    /// `Inst NAME [OLD] (NEW ARCHIVE [ARCH])` and `Remv NAME [OLD]`, as `apt-get --simulate` says.
    fn of_apt(printed: &str) -> Self {
        let mut plan = Self::default();
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
                    let into = if from.is_some() { &mut plan.upgrade } else { &mut plan.install };
                    into.push(Change { name, version, from });
                }
                Some("Remv" | "Purg") => {
                    let version = bracketed('[', ']').unwrap_or_default();
                    plan.remove.push(Change { name, version, from: None });
                }
                _ => {}
            }
        }
        plan
    }

    /// `NAME VERSION`, one a line, as `pacman --print-format "%n %v"` says.
    fn of_pacman(action: PackageAction, printed: &str) -> Self {
        let changes = printed.lines().filter_map(|line| {
            let (name, version) = line.trim().split_once(' ')?;
            Some(Change { name: name.to_owned(), version: version.to_owned(), from: None })
        });
        match action {
            PackageAction::Remove => Self { remove: changes.collect(), ..Self::default() },
            PackageAction::Upgrade => Self { upgrade: changes.collect(), ..Self::default() },
            PackageAction::Install => Self { install: changes.collect(), ..Self::default() },
        }
    }

    /// Makes sure that it does what was asked and takes nothing else away. `name` is the package
    /// as the package manager calls it.
    ///
    /// # Errors
    /// `plan_refused`.
    pub fn judge(&self, operation: &Operation, name: &str, removals: bool) -> Result<(), Refusal> {
        let Operation::Package { action, .. } = operation else { return Ok(()) };
        let named = |changes: &[Change]| changes.iter().any(|change| is(&change.name, name));
        let names = |changes: &[Change]| {
            let others = changes.iter().filter(|change| !is(&change.name, name));
            others.map(|change| change.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let others = names(&self.remove);
        if !removals && !others.is_empty() {
            return Err(Refusal::new(
                Code::PlanRefused,
                format!("`{operation}` would also remove {others}, which was not asked for"),
            )
            .hint("an administrator can do it, or allow it with allow_removals in the policy"));
        }
        // A name that is no package can still be what several packages say they provide.
        let instead = names(&self.install);
        let adds = *action == PackageAction::Install && !self.install.is_empty();
        if adds && !named(&self.install) && !named(&self.upgrade) {
            return Err(Refusal::new(
                Code::PlanRefused,
                format!("there is no package {name}; the package manager would install {instead} instead"),
            )
            .hint("ask for the package by its own name, if the policy allows it"));
        }
        Ok(())
    }
}

/// Whether a package manager's name is this one: apt adds the architecture where it is a foreign one.
fn is(found: &str, name: &str) -> bool {
    found == name || found.split(':').next() == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::names::PackageName;

    const APT: &str = "\
Reading package lists...
Inst libcurl3-gnutls (7.88.1-10 Debian:12.1/oldstable [amd64])
Inst curl [7.88.1-9] (7.88.1-10 Debian:12.1/oldstable [amd64]) []
Conf curl (7.88.1-10 Debian:12.1/oldstable [amd64])
Remv bystander [1.0]
";

    fn install(name: &str) -> Operation {
        let name = PackageName::parse(name.as_bytes()).unwrap();
        Operation::Package { action: PackageAction::Install, name }
    }

    #[test]
    fn what_apt_would_do_is_read() {
        let plan = Transaction::parse(PackageManager::Apt, PackageAction::Install, APT);
        assert_eq!(plan.install[0].name, "libcurl3-gnutls");
        assert_eq!(plan.install[0].version, "7.88.1-10");
        assert_eq!(plan.upgrade[0].from.as_deref(), Some("7.88.1-9"));
        assert_eq!(plan.upgrade[0].version, "7.88.1-10");
        assert_eq!(
            (plan.remove[0].name.as_str(), plan.remove[0].version.as_str()),
            ("bystander", "1.0")
        );
        assert_eq!((plan.install.len(), plan.upgrade.len(), plan.remove.len()), (1, 1, 1));
    }

    #[test]
    fn what_was_not_asked_for_is_refused() {
        let plan = Transaction::parse(PackageManager::Apt, PackageAction::Install, APT);
        assert!(plan.judge(&install("curl"), "curl", false).is_err());
        assert!(plan.judge(&install("curl"), "curl", true).is_ok());
        // A virtual name.
        assert!(plan.judge(&install("mail-agent"), "mail-agent", true).is_err());
        assert!(Transaction::default().judge(&install("git"), "git", false).is_ok());
    }
}
