//! What a site policy that can only narrow names in vain: the compiled policy does not grant it.

use crate::policy::COMPILED;
use crate::policy::model::{Policy, SiteMode};
use crate::policy::operations::{grants, operations};
use crate::request::action::Action;
use crate::request::operation::Operation;
use std::collections::BTreeMap;

/// Whether an operation that the site policy grants is one that it can grant in this program.
pub fn takes_effect(operation: &Operation) -> bool {
    COMPILED.site_mode != SiteMode::Narrow || grants(&COMPILED, operation)
}

/// One sentence for each entry of the site policy that has no effect, in the order of its lines.
pub fn warnings(site: &Policy<'_>) -> Vec<String> {
    // A list of actions is for many names: an action in it has an effect if it has one for any.
    let mut entries: BTreeMap<(u32, String), bool> = BTreeMap::new();
    for operation in operations(site) {
        *entries.entry(entry(site, &operation)).or_default() |= takes_effect(&operation);
    }
    let vain = entries.into_iter().filter(|(_, has_effect)| !has_effect);
    vain.map(|((line, what), _)| sentence(site, line, &what)).collect()
}

/// That the site policy grants the operation, and in vain, if that is so.
pub fn warning(site: &Policy<'_>, operation: &Operation) -> Option<String> {
    if takes_effect(operation) || !grants(site, operation) {
        return None;
    }
    let (line, what) = entry(site, operation);
    Some(sentence(site, line, &what))
}

fn sentence(site: &Policy<'_>, line: u32, what: &str) -> String {
    format!(
        "{}:{line}: {what} has no effect: this program's site policy can only narrow what is compiled in; to add to it, use the package sm-helper-site or build with SM_POLICY=FILE",
        site.file
    )
}

/// The line of an operation that the site policy grants, and what is in vain there: a name that
/// is not compiled in, else an action.
fn entry(site: &Policy<'_>, operation: &Operation) -> (u32, String) {
    let action = |word: &str| format!("the action {word:?}");
    match operation {
        Operation::Service { action: granted, unit, .. } => {
            let rule = site.unit(unit.as_str());
            match COMPILED.unit(unit.as_str()) {
                None => (rule.map_or(0, |rule| rule.line), unit.as_str().to_owned()),
                Some(_) => (rule.map_or(0, |rule| rule.actions_line), action(granted.word())),
            }
        }
        Operation::Package { action: granted, name, .. } => {
            let rule = site.package(name.as_str());
            match COMPILED.package(name.as_str()) {
                None => (rule.map_or(0, |rule| rule.line), name.as_str().to_owned()),
                Some(_) => (rule.map_or(0, |rule| rule.actions_line), action(granted.word())),
            }
        }
        Operation::Maintenance { action: granted, .. } => {
            (site.maintenance_line, action(granted.word()))
        }
        Operation::Task { name } => {
            let rule = site.task(name.as_str());
            (rule.map_or(0, |rule| rule.line), format!("the task {}", name.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::site::understood;

    #[test]
    fn a_site_policy_is_told_what_of_it_has_no_effect() {
        let text = "schema = 1
[services]
actions = [\"restart\", \"logs\"]
[services.units.postgresql]
[services.units.nginx]
[packages]
actions = [\"install\"]
maintenance = [\"update\", \"repair\"]
[packages.names.curl]
[packages.names.vim]
";
        let site = understood("site.toml", text).expect("a site policy");
        let message = warnings(&site.policy());
        let begins = [
            "site.toml:3: the action \"logs\" has no effect",
            "site.toml:4: postgresql.service has no effect",
            "site.toml:8: the action \"repair\" has no effect",
            "site.toml:10: vim has no effect",
        ];
        assert_eq!(message.len(), begins.len(), "{message:?}");
        for (line, begin) in message.iter().zip(begins) {
            assert!(line.starts_with(begin), "{line}");
        }
    }
}
