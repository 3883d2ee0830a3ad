//! Lists of actions, and duplicate names.

use crate::policy::meant;
use crate::policy::table::{PolicyError, Source, Table};
use crate::request::action::{Action, Set};
use toml::Spanned;
use toml::de::DeValue;

/// A list of actions as it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Granted<A> {
    pub set: Set<A>,
    /// The line that grants it; 0 where no line does.
    pub line: u32,
    /// Whether the whole list was understood. If not, an action may only seem to be missing.
    pub is_whole: bool,
}

impl<A: Action> Granted<A> {
    /// An empty list; `is_whole` says whether it was meant to be empty.
    pub fn nothing(is_whole: bool) -> Self {
        Self { set: Set::NONE, line: 0, is_whole }
    }
}

impl Source<'_> {
    /// A set of actions.
    pub(super) fn actions<A: Action>(&self, value: &Spanned<DeValue<'_>>) -> Granted<A> {
        let words: Vec<(&str, A)> = A::ALL.iter().map(|action| (action.word(), *action)).collect();
        let Some(items) = self.note(self.array(value)) else { return Granted::nothing(false) };
        let line = self.line(value.span().start);
        let mut granted = Granted { set: Set::NONE, line, is_whole: true };
        for item in items {
            let action = self
                .string(item)
                .and_then(|word| {
                    let known = self.one_of(item.span(), word, &words, "an action");
                    known.map_err(|error| match meant::action::<A>(word) {
                        Some(hint) => PolicyError { hint: Some(hint), ..error },
                        None => error,
                    })
                })
                .and_then(|action| match granted.set.has(action) {
                    false => Ok(action),
                    true => {
                        let message = format!("{:?} is named twice", action.word());
                        Err(self.error(item.span(), message, None))
                    }
                });
            match self.note(action) {
                Some(action) => granted.set = granted.set.with(action),
                None => granted.is_whole = false,
            }
        }
        granted
    }

    /// The actions of one name: some of those for all names, or all of them if the name has no list.
    pub(super) fn own_actions<A: Action>(
        &self,
        table: &Table<'_>,
        key: &str,
        general: Granted<A>,
    ) -> Granted<A> {
        let Some(value) = table.optional(key) else { return general };
        let own = self.actions::<A>(value);
        let more = own.set.iter().find(|action| !general.set.has(*action));
        if let Some(more) = more.filter(|_| general.is_whole) {
            let message =
                format!("{:?} is not among the actions that its section grants", more.word());
            let hint = "add it to the section's `actions`, and list fewer actions for the entries that should not have it";
            self.note::<()>(Err(self.error(value.span(), message, Some(hint.to_owned()))));
        }
        own
    }

    /// Notes two rules for one name (`nginx` and `nginx.service`); `rows` are sorted by name.
    pub(super) fn no_twins<'r>(&self, rows: impl Iterator<Item = (&'r str, u32)>) {
        let mut last: Option<(&str, u32)> = None;
        for (name, line) in rows {
            if let Some((before, first)) = last
                && before == name
            {
                let (early, late) = (first.min(line), first.max(line));
                let at = self.start_of(late);
                let message = format!("{name} is named twice, first in line {early}");
                let hint = match name.strip_suffix(".service") {
                    Some(short) => {
                        format!("{short} and {name} are the same unit: put the two together")
                    }
                    None => "put the two together".to_owned(),
                };
                self.note::<()>(Err(self.error(at..at, message, Some(hint))));
            }
            last = Some((name, line));
        }
    }
}
