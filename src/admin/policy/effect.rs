//! The effect of a change of the policy: which operations it adds and removes, and for whom.

use crate::admin::answer::{Answer, GREEN, RED, tinted};
use crate::admin::policy::asked::{Asked, Direction};
use crate::admin::policy::subject::{Right, Subject, rights, subjects};
use crate::output::text::some_of;
use crate::policy::force::InForce;
use crate::policy::site::FILE;
use crate::request::code::{Code, Refusal};
use std::collections::BTreeSet;

/// The most operations that a refusal names. It counts the rest.
const NAMED: usize = 5;

/// The effect of a change of the policy.
pub struct Effect {
    added: Vec<Right>,
    removed: Vec<Right>,
    /// All that is allowed after the change.
    after: BTreeSet<Right>,
    callers: Vec<Subject>,
}

impl Effect {
    /// The effect of replacing the old policy by the new one.
    pub fn of(old: &InForce, new: &InForce, whom: Option<&Subject>) -> Self {
        let callers = subjects(&[old, new], whom.map_or(&[], std::slice::from_ref));
        let before = rights(old, &callers);
        let after = rights(new, &callers);
        let added = after.difference(&before).cloned().collect();
        let removed = before.difference(&after).cloned().collect();
        Self { added, removed, after, callers }
    }

    /// Whether the change has no effect for anybody.
    pub fn is_nothing(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// Compares the effect with the requested change.
    ///
    /// # Errors
    /// `unsupported` if it does more, or less.
    pub fn is_what_was_asked(
        &self,
        direction: Direction,
        asked: &Asked,
        whom: Option<&Subject>,
    ) -> Result<(), Refusal> {
        let every = Subject::Everybody;
        let whom = whom.unwrap_or(&every);
        let words: BTreeSet<String> = asked.operations.iter().map(ToString::to_string).collect();
        let (wanted, unwanted) = match direction {
            Direction::Allow => (&self.added, &self.removed),
            Direction::Deny => (&self.removed, &self.added),
        };
        let is_asked =
            |right: &&Right| words.contains(&right.operation) && right.whom.is_among(whom);
        let more: Vec<String> = wanted
            .iter()
            .filter(|right| !is_asked(right))
            .chain(unwanted)
            .map(ToString::to_string)
            .collect();
        if !more.is_empty() {
            return Err(Refusal::new(
                Code::Unsupported,
                format!(
                    "this would also {} {}: whoever has a name in [callers] has all of its actions",
                    direction.word(),
                    some_of(&more, NAMED)
                ),
            )
            .hint("the policy was not changed; where that is meant, name these too, or run: sm policy edit"));
        }
        // Operations that another line of the policy decides, whatever the new line says.
        let left =
            self.callers.iter().filter(|subject| subject.is_among(whom)).find_map(|subject| {
                let mut words = words.iter();
                words.find(|word| {
                    let right = Right { whom: subject.clone(), operation: (*word).clone() };
                    self.after.contains(&right) != (direction == Direction::Allow)
                })
            });
        match left {
            None => Ok(()),
            Some(operation) => Err(Refusal::new(
                Code::Unsupported,
                format!(
                    "{FILE} cannot {} `{operation}` for {whom} by itself: another line of the policy decides",
                    direction.word()
                ),
            )
            .hint(format!("the policy was not changed; see: sm policy explain {operation}"))),
        }
    }

    /// The operations added and removed, one per line.
    pub fn answer(&self) -> Answer {
        let lines = |sign: &str, colour: &str, rights: &[Right]| -> Vec<String> {
            rights.iter().map(|right| tinted(colour, &format!("{sign} {right}"))).collect()
        };
        let lines = [lines("-", RED, &self.removed), lines("+", GREEN, &self.added)].concat();
        let text = if lines.is_empty() { "it is so already".to_owned() } else { lines.join("\n") };
        Answer::text(text).with("added", &self.added).with("removed", &self.removed)
    }
}
