//! The callers that a policy distinguishes, and what each of them may do, so that a change of the
//! policy can be described operation by operation.

use crate::policy::COMPILED;
use crate::policy::force::InForce;
use crate::policy::model::{CallerKind, Policy};
use crate::request::caller::Named;
use crate::request::who::Who;
use crate::surface::allowed;
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;

/// A caller, or a set of callers that a policy does not distinguish.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The account of this name.
    User(String),
    /// An account that is in this group and in no other.
    Group(String),
    /// Every caller whom no table of the policy names.
    Others,
    /// Every caller, since the policy has no tables of callers.
    Everybody,
}

impl Subject {
    /// The name of its table in a policy.
    pub fn key(&self) -> String {
        match self {
            Self::User(name) => format!("user:{name}"),
            Self::Group(name) => format!("group:{name}"),
            Self::Others | Self::Everybody => "default".to_owned(),
        }
    }

    /// Whether what is granted to `other` is granted to it, too.
    pub fn is_among(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::User(_), Self::Group(group)) => self.in_group(group) == Some(true),
            (_, Self::Everybody) => true,
            _ => self == other,
        }
    }
}

impl Who for Subject {
    fn is_user(&self, name: &str) -> bool {
        matches!(self, Self::User(own) if own == name)
    }

    fn in_group(&self, name: &str) -> Option<bool> {
        match self {
            Self::User(own) => Named(own).in_group(name),
            Self::Group(own) => Some(own == name),
            Self::Others | Self::Everybody => Some(false),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => f.write_str(name),
            Self::Group(name) => write!(f, "group {name}"),
            Self::Others => f.write_str("other callers"),
            Self::Everybody => f.write_str("every caller"),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Every caller that one of these policies, or the compiled one, distinguishes.
pub fn subjects(forces: &[&InForce], more: &[Subject]) -> Vec<Subject> {
    let named = |policy: &Policy<'_>| -> Vec<Subject> {
        let subject = |kind: CallerKind, name: &str| match kind {
            CallerKind::User => Subject::User(name.to_owned()),
            CallerKind::Group => Subject::Group(name.to_owned()),
            CallerKind::Default => Subject::Others,
        };
        policy.callers.iter().map(|rule| subject(rule.kind, policy.text_of(rule.name))).collect()
    };
    let mut all: BTreeSet<Subject> = more.iter().cloned().collect();
    all.extend(named(&COMPILED));
    all.extend(forces.iter().filter_map(|force| force.site()).flat_map(|site| named(&site)));
    if all.iter().all(|subject| matches!(subject, Subject::Everybody)) {
        return vec![Subject::Everybody];
    }
    all.remove(&Subject::Everybody);
    all.insert(Subject::Others);
    all.into_iter().collect()
}

/// An operation and who may ask for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Right {
    /// Who.
    #[serde(rename = "for")]
    pub whom: Subject,
    /// The operation, as in a request.
    pub operation: String,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.operation, self.whom)
    }
}

/// What these callers may do.
pub fn rights(force: &InForce, subjects: &[Subject]) -> BTreeSet<Right> {
    let of = |whom: &Subject| -> Vec<Right> {
        let right = |operation: String| Right { whom: whom.clone(), operation };
        allowed(force, whom).map(|allowed| right(allowed.operation.to_string())).collect()
    };
    subjects.iter().flat_map(of).collect()
}
