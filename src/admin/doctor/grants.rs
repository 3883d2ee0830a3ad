//! What the policy grants that is root by another name on this host.

use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, or_ok};
use crate::admin::doctor::policy::unknown;
use crate::admin::risks;
use crate::admin::risks::callers::{Caller, MOST};
use crate::admin::risks::grants::Grants;
use crate::admin::risks::risk::{Kind, Risk};
use crate::output::text::shell_word;

pub fn grants(context: &Context) -> Vec<Finding> {
    let Ok(force) = &context.policy else {
        return vec![Finding::ok("without a policy there are none")];
    };
    let agents = context.agents.iter().take(MOST);
    let callers: Vec<Caller> =
        agents.map(|agent| Caller::account(&agent.user, &agent.groups)).collect();
    let count = callers.len();
    let risks = match risks::all(&Grants::of_force(force, callers)) {
        Ok(risks) => risks,
        Err(reason) => return vec![unknown(&reason)],
    };
    let found = risks.iter().filter_map(finding).collect();
    let aside = if risks.is_empty() { "" } else { ", apart from what other checks found" };
    or_ok(found, format!("the policy gives none of {count} accounts root by another name{aside}"))
}

/// None for what other checks find: `unit_files` and `unit_programs` what others than root can
/// change, `account_groups` the groups. None for the rights of another account than root.
fn finding(risk: &Risk) -> Option<Finding> {
    let fix = match risk.kind {
        _ if risk.account.is_some() => return None,
        Kind::UnitFile | Kind::Program | Kind::Environment | Kind::Known { is_a_group: true } => {
            return None;
        }
        // Whose the folder is and as whom the unit runs: a person decides which of them is wrong.
        Kind::Folder => format!("systemctl edit {}", shell_word(&risk.subject)),
        Kind::Known { .. } => {
            format!("runuser -u {} -- snap logout", shell_word(&risk.subject))
        }
        Kind::Upgrade => format!("sm policy deny {}", risk.operation),
    };
    Some(Finding::warning(risk.to_string()).fix(fix))
}
