//! `[callers]`: callers who get only a part of the policy.

use super::actions::Granted;
use crate::policy::meant;
use crate::policy::model::{CallerKind, CallerRule, Span};
use crate::policy::parsed::Parsed;
use crate::policy::table::{DeKey, PolicyError, Source, Table};
use crate::request::action::{ForAll, Set};
use crate::request::agent::AgentName;
use crate::request::name::{NameError, PackageName, TaskName, UnitName};
use toml::Spanned;
use toml::de::DeValue;

pub(super) const KEYS: [&str; 10] = [
    "services",
    "packages",
    "maintenance",
    "undo",
    "tasks",
    "approval",
    "agent",
    "not_before",
    "not_after",
    "window",
];

/// The canonical form of a name, and whether the policy has a rule for it.
type Find = fn(&Parsed, &str) -> Result<(String, bool), NameError>;

impl Parsed {
    /// The part of the policy that one caller, or one group, gets.
    pub(super) fn caller(
        &mut self,
        source: &Source<'_>,
        key: &Spanned<DeKey<'_>>,
        table: &Table<'_>,
    ) {
        let whom = source.note(whom(source, key));
        let services = self.names(source, table.optional("services"), "unit", |parsed, word| {
            let unit = UnitName::parse_granted(word.as_bytes())?;
            let known = parsed.policy().unit(unit.as_str()).is_some();
            Ok((unit.as_str().to_owned(), known))
        });
        let packages = self.names(source, table.optional("packages"), "package", |parsed, word| {
            let package = PackageName::parse(word.as_bytes())?;
            let known = parsed.policy().package(package.as_str()).is_some();
            Ok((package.as_str().to_owned(), known))
        });
        let tasks = self.names(source, table.optional("tasks"), "task", |parsed, word| {
            let task = TaskName::parse(word.as_bytes())?;
            let known = parsed.policy().task(task.as_str()).is_some();
            Ok((task.as_str().to_owned(), known))
        });
        let packages_too = self.maintenance.of_kind(|action| Some(ForAll::Packages(action)));
        let manager = self.manager.iter().map(ForAll::Manager);
        let all = Granted {
            set: manager.fold(packages_too, Set::with),
            line: self.maintenance_line,
            is_whole: self.maintenance_is_whole && !source.misses_names(),
        };
        let nothing = Granted::nothing(true);
        let own = table.optional("maintenance");
        let own = own.map_or(nothing, |_| source.own_actions(table, "maintenance", all));
        let undo = self.caller_undoes(source, table);
        let approval = table.boolean("approval").unwrap_or(false);
        let when = self.when(source, table);
        let agent = agent(source, whom.map(|(kind, _)| kind), table);
        let Some((kind, name)) = whom else { return };
        let name = self.strings.add(name);
        let agent = agent.map_or(Span::NONE, |agent| self.strings.add(agent.as_str()));
        let line = source.line(key.span().start);
        let maintenance = own.set.of_kind(|action| match action {
            ForAll::Packages(action) => Some(action),
            ForAll::Manager(_) => None,
        });
        let manager = own.set.of_kind(|action| match action {
            ForAll::Manager(action) => Some(action),
            ForAll::Packages(_) => None,
        });
        self.callers.push(CallerRule {
            kind,
            name,
            line,
            services,
            packages,
            tasks,
            maintenance,
            manager,
            undo,
            approval,
            agent,
            when,
        });
    }

    /// Whether these callers may undo what they did to packages, which the policy has to grant first.
    fn caller_undoes(&self, source: &Source<'_>, table: &Table<'_>) -> bool {
        let undo = table.boolean("undo").unwrap_or(false);
        if let Some(value) = table.optional("undo").filter(|_| undo && !self.undo.is_granted) {
            let message = "this policy does not grant `undo`".to_owned();
            let hint =
                "a caller can only get what the policy grants: write undo = true below [packages]";
            source.note::<()>(Err(source.error(value.span(), message, Some(hint.to_owned()))));
        }
        undo
    }

    /// A list of names that the policy has rules for, as a sorted run of words.
    fn names(
        &mut self,
        source: &Source<'_>,
        value: Option<&Spanned<DeValue<'_>>>,
        what: &str,
        find: Find,
    ) -> Span {
        let items = value.and_then(|value| source.note(source.array(value))).unwrap_or_default();
        let mut names = Vec::new();
        for item in items {
            let name = source.string(item).and_then(|word| {
                find(self, word).map_err(|error| source.wrong_name(item.span(), word, &error))
            });
            let Some((name, known)) = source.note(name) else { continue };
            if !known && !source.misses_names() {
                let message = format!("this policy has no {what} {name}");
                let hint = "a caller can only get what the policy grants; name it there first";
                source.note::<()>(Err(source.error(item.span(), message, Some(hint.to_owned()))));
            }
            names.push(name);
        }
        names.sort();
        names.dedup();
        self.run(&names)
    }
}

/// The agent that asks as the account that the table is for.
fn agent(source: &Source<'_>, kind: Option<CallerKind>, table: &Table<'_>) -> Option<AgentName> {
    let (kind, value) = (kind?, table.optional("agent")?);
    let wrong = |message: &str, hint: &str| {
        Err(source.error(value.span(), message.to_owned(), Some(hint.to_owned())))
    };
    let parsed = match kind {
        // Of many accounts, nobody could tell one agent from another.
        CallerKind::Group | CallerKind::Default => wrong(
            "`agent` names who asks as one account",
            "write it below [callers.\"user:NAME\"], for each account of an agent",
        ),
        CallerKind::User => source.string(value).and_then(|text| {
            AgentName::parse(text)
                .map_or_else(|| wrong(AgentName::FORM, "for example agent = \"claude-code\""), Ok)
        }),
    };
    source.note(parsed)
}

/// The callers that the table is for.
fn whom<'k>(
    source: &Source<'_>,
    key: &'k Spanned<DeKey<'_>>,
) -> Result<(CallerKind, &'k str), PolicyError> {
    named(key.get_ref()).ok_or_else(|| {
        let message = format!("{:?} is not a caller", key.get_ref());
        source.error(key.span(), message, Some(meant::caller(key.get_ref())))
    })
}

/// Whom `user:NAME`, `group:NAME` or `default` means.
pub(super) fn named(text: &str) -> Option<(CallerKind, &str)> {
    let is_one = |name: &str| {
        (1..=256).contains(&name.len())
            && name.trim() == name
            && !name.contains(|c: char| c.is_control() || "*?".contains(c))
    };
    match text.split_once(':') {
        Some(("user", name)) if is_one(name) => Some((CallerKind::User, name)),
        Some(("group", name)) if is_one(name) => Some((CallerKind::Group, name)),
        None if text == "default" => Some((CallerKind::Default, "")),
        _ => None,
    }
}
