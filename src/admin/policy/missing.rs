//! Groups in a policy's `[callers]` that this host does not have. Nobody can tell who is a member, so
//! a caller whom no other table names gets no more than the group's table gives.

use crate::policy::model::{CallerKind, Policy};
use crate::system::accounts::Group;

/// The names of these groups, and the line of each.
pub fn groups<'p>(policy: &Policy<'p>) -> Vec<(u32, &'p str)> {
    let groups = policy.callers.iter().filter(|rule| rule.kind == CallerKind::Group);
    let named = groups.map(|rule| (rule.line, policy.text_of(rule.name)));
    named.filter(|(_, name)| !matches!(Group::from_name(name), Ok(Some(_)))).collect()
}

/// One sentence for each group.
pub fn warnings(policy: &Policy<'_>) -> Vec<String> {
    let sentence = |(line, name)| {
        format!(
            "{}:{line}: there is no group {name} on this host, or it cannot be looked up: a caller that no other table names gets no more than this table gives",
            policy.file
        )
    };
    groups(policy).into_iter().map(sentence).collect()
}
