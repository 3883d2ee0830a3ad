//! What a policy grants that is root by another name: whoever may have it done has root run what
//! it likes. Most of it depends on the host, on who can write to what a unit runs.

pub mod access;
pub mod acl;
pub mod callers;
pub mod grants;
pub mod known;
pub mod risk;
pub mod unit;
pub mod units;
pub mod way;

use crate::admin::risks::callers::{Caller, callers};
use crate::admin::risks::grants::Grants;
use crate::admin::risks::known::Known;
use crate::admin::risks::risk::{Kind, Risk};
use crate::policy::COMPILED;
use crate::policy::force::InForce;
use crate::policy::model::Policy;
use crate::request::action::{Maintenance, PackageAction};
use crate::request::operation::Operation;
use crate::request::who::Everybody;

/// One sentence for each that the policies in force grant, for whoever changes the site policy.
pub fn of_force(force: &InForce) -> Vec<String> {
    let policies: Vec<Policy<'_>> = std::iter::once(COMPILED).chain(force.site()).collect();
    sentences(&Grants::of_force(force, callers(&policies)))
}

/// The same of a policy by itself, as if it were compiled in.
pub fn of_policy(policy: &Policy<'_>) -> Vec<String> {
    sentences(&Grants::of_policy(policy, callers(&[*policy])))
}

/// Where systemd does not answer there are no units to look at, as where a policy is tested.
fn sentences(grants: &Grants<'_>) -> Vec<String> {
    let of_units = units::risks(grants).unwrap_or_default();
    let mut risks: Vec<Risk> = of_units.into_iter().chain(without_units(grants)).collect();
    risks.sort_by(|a, b| (&a.line.file, a.line.line).cmp(&(&b.line.file, b.line.line)));
    risks.iter().map(ToString::to_string).collect()
}

/// All that are found.
///
/// # Errors
/// Why systemd could not be asked.
pub fn all(grants: &Grants<'_>) -> Result<Vec<Risk>, String> {
    Ok(units::risks(grants)?.into_iter().chain(without_units(grants)).collect())
}

/// What can be seen without a look at a unit.
fn without_units(grants: &Grants<'_>) -> Vec<Risk> {
    let services = grants.operations().iter().filter_map(|operation| {
        let known = match operation {
            Operation::Service { action, unit, .. } if units::STARTS.contains(action) => {
                Known::of_unit(unit.as_str())
            }
            Operation::Package { action: PackageAction::Install, name, .. } => {
                Known::of_package(name.as_str())
            }
            _ => None,
        };
        Some((operation, known?))
    });
    let mut risks: Vec<Risk> = Vec::new();
    // One operation is enough for each that may ask one of them for anything.
    let mut said: Vec<(&Known, &Caller)> = Vec::new();
    for (operation, known) in services {
        for caller in grants.callers() {
            if said.iter().any(|(one, whom)| std::ptr::eq(*one, known) && *whom == caller) {
                continue;
            }
            let Some(door) = known.listens_to(caller) else { continue };
            let Some((line, is_compiled)) = grants.line(caller, operation) else { continue };
            said.push((known, caller));
            risks.push(Risk {
                line,
                is_compiled,
                operation: operation.to_string(),
                subject: caller.shown(),
                callers: vec![caller.shown()],
                account: None,
                kind: Kind::Known { is_a_group: known.is_a_group() },
                reason: format!("{door}, and {}", known.reason),
            });
        }
    }
    risks.extend(upgrade(grants));
    risks
}

/// That all packages may be upgraded: those too that no policy names. The compiled policy's own
/// line is not said again on every host.
fn upgrade(grants: &Grants<'_>) -> Option<Risk> {
    let operation = Operation::Maintenance { action: Maintenance::Upgrade, only_plan: false };
    let (line, is_compiled) = grants.line(&Everybody, &operation)?;
    (!is_compiled).then(|| Risk {
        line,
        is_compiled,
        operation: operation.to_string(),
        subject: String::new(),
        callers: vec!["whoever can publish in a package source of the host".to_owned()],
        account: None,
        kind: Kind::Upgrade,
        reason: "without a name it also upgrades packages that the policy does not name, and their scripts run as root".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::risks::access::Account;
    use crate::policy::model::Limits;
    use crate::policy::parse::parse;
    use std::fs;

    /// What is said of the policy for these callers, without a look at units.
    fn said(text: &str, callers: Vec<Caller>) -> Vec<String> {
        let parsed = parse("p.toml", text, Limits::USUAL).expect("a policy");
        let policy = parsed.policy();
        without_units(&Grants::of_policy(&policy, callers))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn account(home: &std::path::Path) -> Caller {
        let account = Account { uid: u32::MAX - 7, groups: Vec::new() };
        Caller::Account { name: "agent".to_owned(), account, home: home.to_owned() }
    }

    const DOCKER: &str = "schema = 1
[services]
actions = [\"restart\", \"status\"]
[services.units.docker]
[packages]
actions = [\"install\", \"remove\"]
[packages.names.\"docker.io\"]
[packages.names.snapd]
";

    #[test]
    fn a_service_is_root_only_for_those_whom_it_listens_to() {
        let group = |name: &str| vec![Caller::Group(name.to_owned())];
        assert_eq!(
            said(DOCKER, group("docker")),
            [
                "p.toml:4: `service restart docker.service` is root by another name for the group docker: \
              it does as root what the group docker tells it, and a container can have the host's root folder in it, as root"
            ]
        );
        let package = DOCKER.replace("\"restart\", ", "");
        assert!(
            said(&package, group("docker"))[0].starts_with("p.toml:7: `package install docker.io`")
        );
        // Who may only stop, look or remove has nothing of it.
        let less = package.replace("\"install\", ", "");
        assert!(said(&less, group("docker")).is_empty());
        assert!(said(DOCKER, group("www-data")).is_empty());
    }

    #[test]
    fn snapd_is_root_for_an_account_that_has_logged_in() {
        let home = std::env::temp_dir().join(format!("sm-risks-{}", std::process::id()));
        fs::create_dir_all(home.join(".snap")).expect("a folder");
        assert!(said(DOCKER, vec![account(&home)]).is_empty());
        fs::write(home.join(".snap/auth.json"), "{}").expect("a file");
        let said = said(DOCKER, vec![account(&home)]);
        fs::remove_dir_all(&home).expect("it goes");
        assert!(said.len() == 1 && said[0].contains("`package install snapd`"), "{said:?}");
    }

    #[test]
    fn the_upgrade_of_all_packages_is_said_with_its_line() {
        let policy = |word: &str| format!("schema = 1\n[packages]\nmaintenance = [\"{word}\"]\n");
        let said_of_all = said(&policy("upgrade"), Vec::new());
        assert!(
            said_of_all.len() == 1 && said_of_all[0].starts_with("p.toml:3: `package upgrade` ")
        );
        for word in ["update", "autoremove", "autoclean", "repair"] {
            assert!(said(&policy(word), Vec::new()).is_empty(), "{word}");
        }
        let names = "schema = 1\n[packages]\nactions = [\"upgrade\"]\n[packages.names.git]\n";
        assert!(said(names, Vec::new()).is_empty());
    }
}
