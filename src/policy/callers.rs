//! What the policy gives to one caller.

use crate::policy::model::{CallerKind, CallerRule, Policy};
use crate::request::agent::AgentName;
use crate::request::who::Who;

/// What a policy's caller rules give to a caller.
#[derive(Debug)]
pub struct Share<'p> {
    /// At least one of these must give it; none if the caller gets the whole policy.
    pub rules: Option<Vec<&'p CallerRule>>,
    /// Each of these must give it, too: nobody can tell whether the caller is a member of their
    /// groups, and a member gets no more than this. So a group that was removed, or a directory that
    /// does not answer, never grants more.
    pub unknown: Vec<&'p CallerRule>,
}

impl<'p> Share<'p> {
    /// The rules for this caller. A caller whom no rule names gets what the default gives, or
    /// everything if there is no default.
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
            // The caller may be one whom no rule names, and only a default limits what that one gets.
            let is_bounded = !defaults.is_empty();
            rules.extend(defaults);
            return Self { rules: is_bounded.then_some(rules), unknown };
        }
        if !rules.is_empty() {
            return Self { rules: Some(rules), unknown: Vec::new() };
        }
        Self { rules: (!defaults.is_empty()).then_some(defaults), unknown }
    }

    /// Whether the rules together give something; `gives` says whether one rule does.
    pub fn holds(&self, gives: impl Fn(&CallerRule) -> bool) -> bool {
        let is_given = self.rules.as_ref().is_none_or(|rules| rules.iter().any(|rule| gives(rule)));
        is_given && self.unknown.iter().all(|rule| gives(rule))
    }
}

/// The agent that asks as this account, if the policy names one.
pub fn agent(policy: &Policy<'_>, who: &dyn Who) -> Option<AgentName> {
    let is_it = |rule: &&CallerRule| {
        rule.kind == CallerKind::User
            && rule.agent.len > 0
            && who.is_user(policy.text_of(rule.name))
    };
    let rule = policy.callers.iter().find(is_it)?;
    AgentName::parse(policy.text_of(rule.agent))
}

/// A caller whom some of the tables of callers name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member<'p> {
    user: Option<&'p str>,
    groups: Vec<&'p str>,
    /// A group of which nobody can tell whether the caller is a member.
    unknown: Option<&'p str>,
}

impl<'p> Member<'p> {
    /// A caller whom only this table names; none for the default table.
    pub fn of(policy: &Policy<'p>, rule: &CallerRule) -> Option<Self> {
        let name = policy.text_of(rule.name);
        match rule.kind {
            CallerKind::User => Some(Self { user: Some(name), ..Self::default() }),
            CallerKind::Group => Some(Self { groups: vec![name], ..Self::default() }),
            CallerKind::Default => None,
        }
    }

    /// A caller whom the tables of all these name; none if there can be no such caller.
    pub fn of_all<'m>(all: impl IntoIterator<Item = &'m Self>) -> Option<Self>
    where
        'p: 'm,
    {
        let mut whole = Self::default();
        for one in all {
            if whole.user.is_some() && one.user.is_some() && whole.user != one.user {
                return None;
            }
            whole.user = whole.user.or(one.user);
            whole.unknown = whole.unknown.or(one.unknown);
            whole.groups.extend(&one.groups);
        }
        let is_known = whole.unknown.is_some_and(|group| whole.groups.contains(&group));
        (!is_known).then_some(whole)
    }

    /// The same caller if the group does not exist.
    pub fn without_its_group(&self) -> Option<Self> {
        Some(Self { unknown: Some(self.groups.first()?), ..Self::default() })
    }
}

impl Who for Member<'_> {
    fn is_user(&self, name: &str) -> bool {
        self.user == Some(name)
    }

    fn in_group(&self, name: &str) -> Option<bool> {
        (self.unknown != Some(name)).then(|| self.groups.contains(&name))
    }
}
