//! Which command lines of the helper the policy in force permits to an account or a group.

use crate::escalate::flags::WORD;
use crate::managers::host;
use crate::policy::force::InForce;
use crate::request::action::ServiceAction;
use crate::request::caller::Named;
use crate::request::code::Refusal;
use crate::request::name::{SERVICE, UnitName};
use crate::request::operation::{Operation, RESULT};
use crate::request::who::Who as Caller;
use crate::sudo::account::Who;
use crate::surface::{Allowed, possible};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What is run for whoever asks, and changes nothing.
const QUESTIONS: [&str; 4] = ["list", "list --schema", RESULT, "version"];

/// Every line that stands behind the helper's name. With flags the helper itself calls sudo, and
/// has one spelling; without them so may anybody, who leaves `.service` out or not.
///
/// # Errors
/// `policy_invalid`, if the policy permits nothing to anybody.
pub fn permitted(who: &Who) -> Result<BTreeSet<String>, Refusal> {
    let force = InForce::load()?;
    let caller = Seen { who, groups: RefCell::default() };
    let mut lines: BTreeSet<String> = QUESTIONS.map(str::to_owned).into();
    lines.insert(format!("{WORD} {RESULT}"));
    for Allowed { operation, .. } in possible(&force, &caller, host::of_this_host()) {
        let line = operation.to_string();
        lines.insert(format!("{WORD} {line}"));
        lines.extend(short(&operation));
        lines.insert(line);
    }
    Ok(lines)
}

/// As many as are worth asking sudo about.
const A_FEW: usize = 4;

/// The first few lines of requests that change nothing and start a process, those for a unit's state
/// first; none if the policy is not well.
pub fn reads_of(account: &str) -> Vec<String> {
    let Ok(force) = InForce::load() else { return Vec::new() };
    let caller = Named(account);
    let of = |is_wanted: fn(&Operation) -> bool| -> Vec<String> {
        let all = possible(&force, &caller, host::of_this_host());
        all.filter(|allowed| is_wanted(&allowed.operation) && !allowed.requires_reason)
            .map(|allowed| allowed.operation.to_string())
            .take(A_FEW)
            .collect()
    };
    let is_look = |operation: &Operation| {
        matches!(operation, Operation::Service { action: ServiceAction::Status, .. })
    };
    [of(is_look), of(Operation::only_reads)].concat()
}

/// `service restart nginx` for nginx.service, if that is read as the same.
fn short(operation: &Operation) -> Option<String> {
    let Operation::Service { action: _, unit, .. } = operation else { return None };
    let short = unit.as_str().strip_suffix(SERVICE)?;
    let is_same = UnitName::parse(short.as_bytes()).is_ok_and(|parsed| parsed == *unit);
    is_same.then(|| format!("service {} {short}", operation.action()))
}

/// An account or a group as a policy's rules for callers see it, each group looked up once. Of a
/// group they know its name alone: what a member has besides is in a drop-in of the member's own.
struct Seen<'w> {
    who: &'w Who,
    groups: RefCell<BTreeMap<String, Option<bool>>>,
}

impl Caller for Seen<'_> {
    fn is_user(&self, name: &str) -> bool {
        matches!(self.who, Who::User { name: own, .. } if own == name)
    }

    fn in_group(&self, name: &str) -> Option<bool> {
        match self.who {
            Who::Group { name: own, .. } => Some(own == name),
            Who::User { name: own, .. } => {
                let mut groups = self.groups.borrow_mut();
                *groups.entry(name.to_owned()).or_insert_with(|| Named(own).in_group(name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_has_a_short_name_only_where_that_names_it() {
        for (unit, expected) in [
            ("nginx.service", Some("service stop nginx")),
            ("snapd.socket", None),
            ("a.socket.service", None),
        ] {
            let unit = UnitName::parse(unit.as_bytes()).expect("a name");
            let action = crate::request::action::ServiceAction::Stop;
            let shown = crate::request::operation::Shown::USUAL;
            let operation = Operation::Service { action, unit, shown };
            assert_eq!(short(&operation).as_deref(), expected);
        }
    }
}
