//! What is granted to whom, and by which line.

use crate::admin::risks::callers::Caller;
use crate::policy::approved::Line;
use crate::policy::force::InForce;
use crate::policy::model::Policy;
use crate::policy::operations::operations;
use crate::policy::verdict::judge;
use crate::request::operation::{Operation, Request};
use crate::request::who::Who;

/// The lines that allow a request to somebody.
type Decide<'p> = Box<dyn Fn(&dyn Who, Request) -> Option<Vec<Line>> + 'p>;

/// What is granted to whom, and by which line.
pub struct Grants<'p> {
    operations: Vec<Operation>,
    callers: Vec<Caller>,
    decide: Decide<'p>,
    /// The file whose lines are not compiled in.
    site: Option<String>,
}

impl<'p> Grants<'p> {
    /// What the policies in force grant to these callers.
    pub fn of_force(force: &'p InForce, callers: Vec<Caller>) -> Self {
        Self {
            operations: force.operations(),
            callers,
            decide: Box::new(|who, request| {
                Some(force.verdict(who, request).ok()?.lines().to_vec())
            }),
            site: Some(force.site().map_or_else(String::new, |site| site.file.to_owned())),
        }
    }

    /// What a policy grants to these callers by itself.
    pub fn of_policy(policy: &'p Policy<'p>, callers: Vec<Caller>) -> Self {
        Self {
            operations: operations(policy).collect(),
            callers,
            decide: Box::new(|who, request| {
                Some(judge(policy, &policy.limits, who, request).ok()?.lines().to_vec())
            }),
            site: None,
        }
    }

    /// Everything that somebody may be granted.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Everybody who is looked at.
    pub fn callers(&self) -> &[Caller] {
        &self.callers
    }

    /// The line that grants it to this one, and whether that is compiled in: the site policy's if it
    /// has one, as that is the one to change. None if it is not granted.
    pub fn line(&self, who: &dyn Who, operation: &Operation) -> Option<(Line, bool)> {
        let lines = (self.decide)(who, Request::with_any_reason(operation))?;
        let is_compiled = |line: &Line| self.site.as_ref().is_some_and(|site| *site != line.file);
        let line = lines.iter().find(|line| !is_compiled(line)).or(lines.first())?;
        Some((line.clone(), is_compiled(line)))
    }
}
