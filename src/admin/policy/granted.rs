//! A summary of a policy for people: who may do what, one line per name, in the words of
//! `sm policy allow`.

use super::subject::{Subject, subjects};
use crate::output::wrap;
use crate::policy::force::InForce;
use crate::request::action::UNDO;
use crate::request::agent::AgentName;
use crate::request::confine::TaskConfinement;
use crate::request::operation::Operation;
use crate::surface::{Allowed, allowed, confined};
use serde::Serialize;

/// The actions that a caller may request for one name, for all packages, or for the service manager.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// `service`, `package` or `task`; `undo`, which has no name and no action.
    pub kind: &'static str,
    /// None if the actions are not for a name.
    pub name: Option<String>,
    /// In the policy's order.
    pub actions: Vec<&'static str>,
    /// Whether only a request with a reason is granted.
    pub requires_reason: bool,
    /// What a task is confined to; none of what is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confined: Option<TaskConfinement>,
}

/// What one caller may do.
#[derive(Debug, Serialize)]
pub struct Granted {
    /// Who.
    #[serde(rename = "for")]
    pub whom: Subject,
    /// The agent that asks as this account, if the policy names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// The caller's grants; empty if there are none.
    pub grants: Vec<Grant>,
}

/// What each caller may do that the policies distinguish.
pub fn granted(force: &InForce) -> Vec<Granted> {
    subjects(&[force], &[]).into_iter().map(|whom| of(force, whom)).collect()
}

/// What one of them may do.
pub fn of(force: &InForce, whom: Subject) -> Granted {
    let mut grants: Vec<Grant> = Vec::new();
    for Allowed { operation, requires_reason, .. } in allowed(force, &whom) {
        let confined = confined(force, &whom, &operation);
        add(&mut grants, &operation, requires_reason, confined);
    }
    let agent = force.agent(&whom);
    Granted { whom, agent, grants }
}

fn add(
    grants: &mut Vec<Grant>,
    operation: &Operation,
    requires_reason: bool,
    confined: Option<TaskConfinement>,
) {
    // It is an action on nothing that has a name.
    if let Operation::Undo { .. } = operation {
        let (name, actions) = (None, Vec::new());
        grants.push(Grant { kind: UNDO, name, actions, requires_reason, confined });
        return;
    }
    let (kind, name) = (operation.kind(), operation.name().map(str::to_owned));
    let action = operation.word();
    let of_the_same = |grant: &&mut Grant| {
        (grant.kind, &grant.name, grant.requires_reason) == (kind, &name, requires_reason)
    };
    match grants.iter_mut().find(of_the_same) {
        Some(grant) => grant.actions.push(action),
        None => grants.push(Grant { kind, name, actions: vec![action], requires_reason, confined }),
    }
}

/// The same as text, wrapped at the terminal's width; names with the same actions share a line.
pub fn text(force: &InForce, width: Option<usize>) -> String {
    text_of(granted(force), width)
}

/// The same of these alone.
pub fn text_of(all: Vec<Granted>, width: Option<usize>) -> String {
    let mut lines = Vec::new();
    for one in all {
        let agent = one.agent.map(|agent| format!(" (agent {})", agent.as_str()));
        let whom = format!("{}{}", one.whom, agent.unwrap_or_default());
        if one.grants.is_empty() {
            lines.push(format!("{whom} may do nothing"));
            continue;
        }
        lines.push(format!("{whom} may do:"));
        let alike = |one: &Grant, other: &Grant| {
            let of = |grant: &Grant| (grant.kind, grant.name.is_some(), grant.requires_reason);
            of(one) == of(other) && one.actions == other.actions && one.confined == other.confined
        };
        lines.extend(one.grants.chunk_by(alike).filter_map(|grants| line(grants, width)));
    }
    lines.join("\n")
}

fn line(grants: &[Grant], width: Option<usize>) -> Option<String> {
    let first = grants.first()?;
    if first.kind == UNDO {
        return Some(format!("  {UNDO}"));
    }
    let mut words = vec![first.actions.join(",")];
    words.extend(grants.iter().filter_map(|grant| grant.name.clone()));
    if first.requires_reason {
        words.push("(with a reason)".to_owned());
    }
    // What holds for each task that says nothing is not said of each.
    if let Some(confined) =
        first.confined.as_ref().filter(|one| **one != TaskConfinement::default())
    {
        words.push(format!("({})", confined.described()));
    }
    let begin = format!("  {} ", first.kind);
    Some(wrap::row(&begin, begin.len(), &words.join(" "), width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::COMPILED;
    use serde_json::Value;

    #[test]
    fn each_caller_has_the_lines_that_hold_for_it_alone() {
        let site = "schema = 1
[services]
actions = [\"status\", \"restart\"]
[services.units.nginx]
[services.units.caddy]
actions = [\"status\"]
require_reason = true
[services.units.fail2ban]
actions = [\"status\"]
[packages]
actions = [\"install\"]
maintenance = [\"update\"]
names.git = {}
names.curl = {}
[callers.\"user:sm-no-such\"]
services = [\"nginx\", \"caddy\", \"fail2ban\"]
[callers.\"user:sm-other\"]
agent = \"Other Agent\"
packages = [\"git\", \"curl\"]
maintenance = [\"update\"]
[callers.default]
";
        assert_eq!(COMPILED.site_mode.word(), "narrow", "of the default policy");
        let force = InForce::supposing("site.toml", site).expect("a policy");
        let expected = "sm-no-such may do:
  service status caddy.service (with a reason)
  service status fail2ban.service
  service restart,status nginx.service
sm-other (agent Other Agent) may do:
  package install curl git
  package update
other callers may do nothing";
        assert_eq!(text(&force, None), expected);
        let json = serde_json::to_value(granted(&force)).expect("JSON");
        assert_eq!(json[0]["for"], "sm-no-such");
        assert_eq!(json[0]["grants"][0]["name"], "caddy.service");
        assert_eq!(json[0]["grants"][0]["requires_reason"], true);
        assert_eq!((&json[0]["agent"], &json[1]["agent"]), (&Value::Null, &"Other Agent".into()));
        assert_eq!(json[1]["grants"][2]["name"], Value::Null);
        assert!(json[0]["grants"][0].get("confined").is_none());
    }
}
