//! `approval` and `[approvals]`: what an administrator approves before it is done, and who hears of it.

use super::actions::Granted;
use super::callers;
use crate::policy::model::{CallerKind, Span};
use crate::policy::parsed::Parsed;
use crate::policy::table::{PolicyError, Source, Table};
use crate::policy::tasks::{NOBODY, ROOT, account, command};
use crate::request::action::{Action, Set};
use toml::Spanned;
use toml::de::DeValue;

/// The keys of `[approvals]`.
pub(super) const KEYS: [&str; 4] = ["expires_minutes", "approvers", "notify", "notify_user"];

/// The most approvers: each is a few lines that sudo reads at every call.
const MOST_APPROVERS: usize = 64;

impl Parsed {
    /// How long a request waits, and who hears of it.
    pub(super) fn approvals(&mut self, source: &Source<'_>, table: &Table<'_>) {
        if let Some(minutes) = table.number("expires_minutes", 1..=10_080) {
            self.limits.approval_minutes = minutes;
        }
        let notify = table.optional("notify");
        let notify =
            notify.and_then(|value| source.note(command(source, value, "program to notify")));
        let user = table.optional("notify_user").and_then(|value| {
            source.note(source.string(value).and_then(|user| {
                let wrong = match user {
                    ROOT => {
                        Err("what is told must not be root: name an account without rights"
                            .to_owned())
                    }
                    _ => account(user),
                };
                wrong.map_err(|wrong| source.error(value.span(), wrong, None)).map(|()| user)
            }))
        });
        let line =
            |key: &str| table.optional(key).map_or(0, |value| source.line(value.span().start));
        if let Some(words) = notify {
            self.approvals.notify = self.run(&words);
            self.approvals.notify_line = line("notify");
            self.approvals.notify_user = self.strings.add(user.unwrap_or(NOBODY));
        }
        if let Some(value) = table.optional("approvers") {
            self.approvals.approvers = self.approvers(source, value);
            self.approvals.approvers_line = line("approvers");
        }
    }

    /// Who may approve besides root, each once, sorted.
    fn approvers(&mut self, source: &Source<'_>, value: &Spanned<DeValue<'_>>) -> Span {
        let items = source.note(source.array(value)).unwrap_or_default();
        let mut names = Vec::new();
        for item in items {
            let named = source.string(item).and_then(|word| approver(source, item, word));
            names.extend(source.note(named).map(str::to_owned));
        }
        names.sort();
        names.dedup();
        if names.len() > MOST_APPROVERS {
            let message = format!("more than {MOST_APPROVERS} approvers");
            let hint = "name a group that they are in: \"group:NAME\"".to_owned();
            source.note::<()>(Err(source.error(value.span(), message, Some(hint))));
        }
        self.run(&names)
    }
}

fn approver<'w>(
    source: &Source<'_>,
    item: &Spanned<DeValue<'_>>,
    word: &'w str,
) -> Result<&'w str, PolicyError> {
    let wrong = |message: String, hint: &str| {
        Err(source.error(item.span(), message, Some(hint.to_owned())))
    };
    match callers::named(word) {
        Some((CallerKind::User, "root")) => {
            wrong("root may approve anyway".to_owned(), "omit it: approvers are other accounts")
        }
        Some((CallerKind::User | CallerKind::Group, _)) => Ok(word),
        Some((CallerKind::Default, _)) | None => wrong(
            format!("{word:?} is not an approver"),
            "write \"user:NAME\" or \"group:NAME\", with the name of an account or a group",
        ),
    }
}

/// What a section says for all that is in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfAll<A, B> {
    /// Of the actions on one of its names.
    pub of_one: Set<A>,
    /// Of what concerns all of them at once.
    pub of_all: Set<B>,
    /// Of the one word more that there may be.
    pub of_more: bool,
}

impl<A: Action, B: Action> Default for OfAll<A, B> {
    fn default() -> Self {
        Self { of_one: Set::NONE, of_all: Set::NONE, of_more: false }
    }
}

impl Source<'_> {
    /// That of a section: `true`, or a list of actions; a word that is an action on one name and on
    /// all means both. `more` is a word that is neither.
    pub(super) fn approval_of_all<A: Action, B: Action>(
        &self,
        table: &Table<'_>,
        more: Option<&'static str>,
    ) -> Option<OfAll<A, B>> {
        let value = table.optional("approval")?;
        if let Some(is_needed) = value.get_ref().as_bool() {
            return is_needed.then(|| OfAll { of_one: whole(), of_all: whole(), of_more: true });
        }
        let more_words = more.map(|word| (word, ()));
        let words = words::<A>().chain(words::<B>()).chain(more_words).collect::<Vec<_>>();
        let mut asked = OfAll::default();
        for word in self.approved(value, &words) {
            asked.of_more |= more == Some(word);
            asked.of_one = A::from_word(word).map_or(asked.of_one, |one| asked.of_one.with(one));
            asked.of_all = B::from_word(word).map_or(asked.of_all, |all| asked.of_all.with(all));
        }
        Some(asked)
    }

    /// That of one name, of the actions that it has.
    pub(super) fn approval<A: Action>(
        &self,
        table: &Table<'_>,
        granted: &Granted<A>,
    ) -> Option<Set<A>> {
        let value = table.optional("approval")?;
        if let Some(is_needed) = value.get_ref().as_bool() {
            return Some(if is_needed { whole() } else { Set::NONE });
        }
        let words: Vec<(&str, ())> = match granted.is_whole {
            true => granted.set.words().into_iter().map(|word| (word, ())).collect(),
            false => words::<A>().collect(),
        };
        let all = self.approved(value, &words).into_iter().filter_map(A::from_word);
        Some(all.fold(Set::NONE, Set::with))
    }

    /// The words of a list, each of which must be one of these.
    fn approved<'v>(&self, value: &'v Spanned<DeValue<'v>>, words: &[(&str, ())]) -> Vec<&'v str> {
        let items = self.note(self.array(value).map_err(|error| PolicyError {
            hint: Some("write approval = true, or approval = [\"stop\"]".to_owned()),
            ..error
        }));
        let word = |item: &'v Spanned<DeValue<'v>>| {
            self.note(self.string(item).and_then(|word| {
                self.one_of(item.span(), word, words, "an action that it has").map(|()| word)
            }))
        };
        items.into_iter().flatten().filter_map(word).collect()
    }
}

fn words<A: Action>() -> impl Iterator<Item = (&'static str, ())> {
    A::ALL.iter().map(|action| (action.word(), ()))
}

fn whole<A: Action>() -> Set<A> {
    A::ALL.iter().copied().fold(Set::NONE, Set::with)
}
