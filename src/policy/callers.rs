//! What the policy says of one caller.

use crate::policy::model::{CallerKind, CallerRule, Policy};
use crate::request::who::Who;

/// The rules that say what this caller gets; none where it gets all of the policy: a caller whom
/// no rule names gets what the default says, and without a default everything.
pub fn rules_for<'p>(policy: &Policy<'p>, who: &dyn Who) -> Option<Vec<&'p CallerRule>> {
    let named = |rule: &&CallerRule| match rule.kind {
        CallerKind::User => who.is_user(policy.text_of(rule.name)),
        CallerKind::Group => who.in_group(policy.text_of(rule.name)),
        CallerKind::Default => false,
    };
    if policy.callers.is_empty() {
        return None;
    }
    let default = |rule: &&CallerRule| rule.kind == CallerKind::Default;
    let mut rules: Vec<&CallerRule> = policy.callers.iter().filter(named).collect();
    let defaults: Vec<&CallerRule> = policy.callers.iter().filter(default).collect();
    if who.is_everybody() {
        // Some caller may be named by no rule; only a default bounds what that one gets.
        if defaults.is_empty() {
            return None;
        }
        rules.extend(&defaults);
    } else if rules.is_empty() {
        rules = defaults;
        if rules.is_empty() {
            return None;
        }
    }
    Some(rules)
}
