//! What the policy says of one caller.

use crate::policy::model::{CallerKind, CallerRule, Policy};
use crate::request::who::Who;

/// What a policy's caller rules give to a caller.
#[derive(Debug)]
pub struct Share<'p> {
    /// One of these has to give it; none if the caller gets all of the policy.
    pub rules: Option<Vec<&'p CallerRule>>,
    /// Each of these has to give it too: they are of groups of which it cannot be known whether
    /// the caller is a member, and a member gets no more. A group that is removed, or a directory
    /// that does not answer, widens nothing.
    pub unknown: Vec<&'p CallerRule>,
}

impl<'p> Share<'p> {
    /// That of this caller: a caller whom no rule names gets what the default says, and without
    /// a default everything.
    pub fn of(policy: &Policy<'p>, who: &dyn Who) -> Self {
        let (mut rules, mut defaults) = (Vec::new(), Vec::new());
        let mut unknown = Vec::new();
        for rule in policy.callers {
            let name = policy.text_of(rule.name);
            match rule.kind {
                CallerKind::Default => defaults.push(rule),
                CallerKind::User if who.is_user(name) => rules.push(rule),
                CallerKind::User => {}
                CallerKind::Group => match who.in_group(name) {
                    Some(true) => rules.push(rule),
                    Some(false) => {}
                    None => unknown.push(rule),
                },
            }
        }
        if who.is_everybody() {
            // Some caller may be named by no rule; only a default bounds what that one gets.
            let is_bounded = !defaults.is_empty();
            rules.extend(defaults);
            return Self { rules: is_bounded.then_some(rules), unknown };
        }
        if !rules.is_empty() {
            return Self { rules: Some(rules), unknown: Vec::new() };
        }
        Self { rules: (!defaults.is_empty()).then_some(defaults), unknown }
    }

    /// Whether something is given, of which `gives` says whether a rule does.
    pub fn holds(&self, gives: impl Fn(&CallerRule) -> bool) -> bool {
        let is_given = self.rules.as_ref().is_none_or(|rules| rules.iter().any(|rule| gives(rule)));
        is_given && self.unknown.iter().all(|rule| gives(rule))
    }
}
