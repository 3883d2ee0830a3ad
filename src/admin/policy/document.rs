//! A policy as text that is changed in place: comments, order and layout stay.

use crate::request::action::UNDO;
use crate::request::code::{Code, Refusal};
use crate::request::name::{SERVICE, UnitName};
use crate::request::operation::RUN;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// The kinds of names in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `[services.units.NAME]`
    Unit,
    /// `[packages.names.NAME]`
    Package,
    /// `[tasks.NAME]`
    Task,
}

impl Kind {
    fn section(self) -> &'static str {
        match self {
            Self::Unit => "services",
            Self::Package => "packages",
            Self::Task => "tasks",
        }
    }

    /// The key of the names in the section; none if the names are keys of the section itself.
    fn names(self) -> Option<&'static str> {
        match self {
            Self::Unit => Some("units"),
            Self::Package => Some("names"),
            Self::Task => None,
        }
    }

    /// The key of a caller's list of such names.
    fn list(self) -> &'static str {
        match self {
            Self::Unit => "services",
            Self::Package => "packages",
            Self::Task => "tasks",
        }
    }

    /// Whether two spellings mean the same name.
    fn is_same(self, one: &str, other: &str) -> bool {
        match self {
            Self::Unit => complete(one) == complete(other),
            Self::Package | Self::Task => one == other,
        }
    }

    /// As people write it.
    fn written(self, name: &str) -> &str {
        match self {
            Self::Unit => name.strip_suffix(SERVICE).filter(|stem| complete(stem) == name),
            Self::Package | Self::Task => None,
        }
        .unwrap_or(name)
    }
}

fn complete(name: &str) -> String {
    UnitName::parse(name.as_bytes())
        .map_or_else(|_| name.to_owned(), |unit| unit.as_str().to_owned())
}

/// What is in a caller's table: lists of names and of operations on all packages, and whether they undo.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    lists: [Vec<String>; 4],
    undo: bool,
}

impl Lists {
    /// Whether a name is on one of the lists.
    pub fn has(&self, kind: Kind, name: &str) -> bool {
        let list = match kind {
            Kind::Unit => &self.lists[0],
            Kind::Package => &self.lists[1],
            Kind::Task => &self.lists[2],
        };
        list.iter().any(|known| kind.is_same(known, name))
    }
}

/// The keys of these lists.
const LISTS: [&str; 4] = ["services", "packages", "tasks", "maintenance"];

/// The text of a policy.
#[derive(Debug, Clone)]
pub struct Document(DocumentMut);

impl Document {
    /// Reads it; `file` is what messages call it.
    ///
    /// # Errors
    /// `policy_invalid` if it is not TOML.
    pub fn parse(file: &str, text: &str) -> Result<Self, Refusal> {
        text.parse().map(Self).map_err(|error: toml_edit::TomlError| {
            let message = error.message().replace('\n', ", ");
            Refusal::new(Code::PolicyInvalid, format!("{file}: this is not TOML: {message}"))
                .hint("fix it first: sm policy edit")
        })
    }

    /// The text.
    pub fn text(&self) -> String {
        self.0.to_string()
    }

    /// Turns it into a site policy: without the mode, which only a compiled policy has, and with
    /// another comment at its top.
    pub fn into_site(mut self, comment: &str) -> Self {
        self.0.remove("site");
        if let Some(mut key) = self.0.key_mut("schema") {
            key.leaf_decor_mut().set_prefix(comment);
        }
        self
    }

    /// Grants these actions on a name without adding anything to other names. A task is granted if its
    /// table exists.
    pub fn grant(&mut self, kind: Kind, actions: &[&str], name: &str) {
        let Some(names_key) = kind.names() else { return };
        let Some(section) = section(self.0.as_table_mut(), kind.section(), false) else { return };
        let before = words(section.get("actions"));
        let more: Vec<&str> = actions
            .iter()
            .copied()
            .filter(|word| !before.iter().any(|known| known == word))
            .collect();
        if !more.is_empty() || section.get("actions").is_none() {
            // The section's list now has actions that the other names in it must not get.
            if let Some(names) = section.get_mut(names_key).and_then(Item::as_table_like_mut) {
                let others = names.iter_mut().filter(|(key, _)| !kind.is_same(key, name));
                for (_, rule) in others {
                    let rule = rule.as_table_like_mut();
                    if let Some(rule) = rule.filter(|rule| rule.get("actions").is_none()) {
                        rule.insert("actions", list(&before));
                    }
                }
            }
            extend(section, "actions", &more);
        }
        let general = words(section.get("actions"));
        let Some(names) = self::section(section, names_key, true) else { return };
        let key = names.iter().map(|(key, _)| key.to_owned()).find(|key| kind.is_same(key, name));
        match key {
            Some(key) => {
                let rule = names.get_mut(&key).and_then(Item::as_table_like_mut);
                // A name without a list has all actions of the section's list.
                if let Some(rule) = rule.filter(|rule| rule.get("actions").is_some()) {
                    extend(rule, "actions", actions);
                }
            }
            None => {
                let is_all = general.iter().all(|word| actions.contains(&word.as_str()));
                let own = if is_all { None } else { Some(list(actions)) };
                let is_plain = names.iter().next().is_some_and(|(_, rule)| rule.is_value());
                names.insert(kind.written(name), rule(own, is_plain));
            }
        }
    }

    /// Makes a task that runs this program.
    pub fn make_task(&mut self, name: &str, program: &str) {
        let Some(tasks) = section(self.0.as_table_mut(), Kind::Task.section(), true) else {
            return;
        };
        let mut task = rule(None, false);
        if let Some(task) = task.as_table_like_mut() {
            task.insert("argv", list(&[program]));
        }
        tasks.insert(name, task);
    }

    /// The actions that are granted on a name.
    pub fn actions_of(&self, kind: Kind, name: &str) -> Vec<String> {
        let section = self.0.get(kind.section());
        let Some(names_key) = kind.names() else {
            let is_there = section.and_then(|section| section.get(name)).is_some();
            return if is_there { vec![RUN.to_owned()] } else { Vec::new() };
        };
        let names = section.and_then(|section| section.get(names_key));
        let names = names.and_then(Item::as_table_like);
        let mut rules = names.into_iter().flat_map(|names| names.iter());
        let Some((_, rule)) = rules.find(|(key, _)| kind.is_same(key, name)) else {
            return Vec::new();
        };
        let own =
            rule.get("actions").or_else(|| section.and_then(|section| section.get("actions")));
        words(own)
    }

    /// Removes these actions on a name for every caller.
    pub fn revoke(&mut self, kind: Kind, actions: &[&str], name: &str) {
        let Some(section) = self.0.get_mut(kind.section()).and_then(Item::as_table_like_mut) else {
            return;
        };
        let Some(names_key) = kind.names() else {
            section.remove(name);
            self.retain_in_callers(kind.list(), |item| item == name);
            return;
        };
        let general = words(section.get("actions"));
        let Some(names) = section.get_mut(names_key).and_then(Item::as_table_like_mut) else {
            return;
        };
        let Some(key) =
            names.iter().map(|(key, _)| key.to_owned()).find(|key| kind.is_same(key, name))
        else {
            return;
        };
        let is_named = |word: &str| actions.contains(&word);
        let others: Vec<Vec<String>> = names
            .iter()
            .filter(|(other, _)| *other != key)
            .map(|(_, rule)| {
                rule.get("actions").map_or_else(|| general.clone(), |own| words(Some(own)))
            })
            .collect();
        let Some(rule) = names.get_mut(&key).and_then(Item::as_table_like_mut) else { return };
        let own = rule.get("actions").map(|own| words(Some(own)));
        let had = own.as_ref().unwrap_or(&general);
        let (gone, left): (Vec<String>, Vec<String>) =
            had.iter().cloned().partition(|word| is_named(word));
        // Remove actions from the section's list that no name has any more.
        let is_idle = |word: &str| {
            gone.iter().any(|one| one == word)
                && !others.iter().flatten().any(|other| other == word)
        };
        if left.is_empty() {
            names.remove(&key);
        } else if own.is_some() {
            retain(rule, "actions", |word| !is_named(word));
        } else if !gone.iter().all(|word| is_idle(word)) {
            rule.insert("actions", list(&left));
        }
        retain(section, "actions", |word| !is_idle(word));
        if left.is_empty() {
            self.retain_in_callers(kind.list(), |item| kind.is_same(item, name));
        }
    }

    /// Grants operations on all packages, or on the service manager.
    pub fn grant_maintenance(&mut self, kind: Kind, actions: &[&str]) {
        if let Some(section) = section(self.0.as_table_mut(), kind.section(), false) {
            if kind == Kind::Unit && section.get("actions").is_none() {
                section.insert("actions", list::<&str>(&[]));
            }
            extend(section, "maintenance", actions);
        }
    }

    /// Removes such operations for every caller.
    pub fn revoke_maintenance(&mut self, kind: Kind, actions: &[&str]) {
        let is_named = |word: &str| actions.contains(&word);
        if let Some(section) = self.0.get_mut(kind.section()).and_then(Item::as_table_like_mut) {
            retain(section, "maintenance", |word| !is_named(word));
        }
        self.retain_in_callers("maintenance", is_named);
    }

    fn retain_in_callers(&mut self, key: &str, is_named: impl Fn(&str) -> bool) {
        let Some(callers) = self.0.get_mut("callers").and_then(Item::as_table_like_mut) else {
            return;
        };
        for (_, table) in callers.iter_mut() {
            if let Some(table) = table.as_table_like_mut() {
                retain(table, key, |word| !is_named(word));
            }
        }
    }

    /// Puts a comment in front of a name's table, if the table has a header.
    pub fn comment(&mut self, kind: Kind, name: &str, text: &str) {
        let section = self.0.get_mut(kind.section()).and_then(Item::as_table_like_mut);
        let names = kind.names().and_then(|key| section?.get_mut(key));
        let Some(names) = names.and_then(Item::as_table_like_mut) else { return };
        let rule = names.iter_mut().find(|(key, _)| kind.is_same(key, name));
        if let Some(table) = rule.and_then(|(_, rule)| rule.as_table_mut()) {
            table.decor_mut().set_prefix(format!("\n# {text}\n"));
        }
    }

    /// The names of the tables of callers, in their order.
    pub fn callers(&self) -> Vec<String> {
        let callers = self.0.get("callers").and_then(Item::as_table_like);
        callers
            .into_iter()
            .flat_map(|callers| callers.iter())
            .map(|(key, _)| key.to_owned())
            .collect()
    }

    /// The lists of a caller's table, if it has one.
    pub fn lists_of(&self, caller: &str) -> Option<Lists> {
        let table = self.0.get("callers")?.as_table_like()?.get(caller)?.as_table_like()?;
        let lists = LISTS.map(|key| words(table.get(key)));
        Some(Lists { lists, undo: is_true(table.get(UNDO)) })
    }

    /// Everything that the policy grants, as the lists of a caller's table.
    pub fn everything(&self) -> Lists {
        let names = |kind: Kind| {
            let section = self.0.get(kind.section());
            let names = match kind.names() {
                Some(key) => section.and_then(|section| section.get(key)),
                None => section,
            };
            let names = names.and_then(Item::as_table_like);
            names
                .into_iter()
                .flat_map(|names| names.iter())
                .map(|(key, _)| key.to_owned())
                .collect()
        };
        let maintenance = [Kind::Package, Kind::Unit].map(|kind| {
            let section = self.0.get(kind.section());
            words(section.and_then(|section| section.get("maintenance")))
        });
        let packages = self.0.get(Kind::Package.section());
        let undo = is_true(packages.and_then(|section| section.get(UNDO)));
        let names = [Kind::Unit, Kind::Package, Kind::Task].map(names);
        let [units, packages, tasks] = names;
        Lists { lists: [units, packages, tasks, maintenance.concat()], undo }
    }

    /// Makes a table with these lists for a caller who has none.
    pub fn make_caller(&mut self, caller: &str, lists: &Lists) {
        let Some(callers) = section(self.0.as_table_mut(), "callers", true) else { return };
        let is_plain = callers.iter().next().is_some_and(|(_, rule)| rule.is_value());
        let mut item = rule(None, is_plain);
        if let Some(table) = item.as_table_like_mut() {
            for (key, words) in
                LISTS.iter().zip(&lists.lists).filter(|(_, words)| !words.is_empty())
            {
                table.insert(key, list(words));
            }
            if lists.undo {
                table.insert(UNDO, toml_edit::value(true));
            }
        }
        callers.insert(caller, item);
    }

    /// Adds a name to the table of a caller.
    pub fn give(&mut self, caller: &str, kind: Kind, name: &str) {
        self.in_table(caller, |table| {
            let known = words(table.get(kind.list()));
            if !known.iter().any(|known| kind.is_same(known, name)) {
                extend(table, kind.list(), &[kind.written(name)]);
            }
        });
    }

    /// Adds operations on all packages to the table of a caller.
    pub fn give_maintenance(&mut self, caller: &str, actions: &[&str]) {
        self.in_table(caller, |table| extend(table, "maintenance", actions));
    }

    /// Removes a name from the table of a caller.
    pub fn take(&mut self, caller: &str, kind: Kind, name: &str) {
        self.in_table(caller, |table| retain(table, kind.list(), |word| !kind.is_same(word, name)));
    }

    /// Removes operations on all packages from the table of a caller.
    pub fn take_maintenance(&mut self, caller: &str, actions: &[&str]) {
        self.in_table(caller, |table| {
            retain(table, "maintenance", |word| !actions.contains(&word))
        });
    }

    /// Grants callers to undo what they did to packages, or denies it to all of them.
    pub fn set_undo(&mut self, is_granted: bool) {
        if let Some(section) = section(self.0.as_table_mut(), Kind::Package.section(), false) {
            section.insert(UNDO, toml_edit::value(is_granted));
        }
        if !is_granted {
            for caller in self.callers() {
                self.set_undo_of(&caller, false);
            }
        }
    }

    /// The same for one caller.
    pub fn set_undo_of(&mut self, caller: &str, is_granted: bool) {
        self.in_table(caller, |table| match is_granted {
            true => drop(table.insert(UNDO, toml_edit::value(true))),
            false => drop(table.remove(UNDO)),
        });
    }

    fn in_table(&mut self, caller: &str, change: impl FnOnce(&mut dyn TableLike)) {
        let callers = self.0.get_mut("callers").and_then(Item::as_table_like_mut);
        let table = callers.and_then(|callers| callers.get_mut(caller));
        if let Some(table) = table.and_then(Item::as_table_like_mut) {
            change(table);
        }
    }
}

/// The table of a key, which is made if it is missing; none if the key has another kind of value. A
/// table that only holds other tables needs no header.
fn section<'t>(
    table: &'t mut dyn TableLike,
    key: &str,
    only_holds: bool,
) -> Option<&'t mut dyn TableLike> {
    if table.get(key).is_none() {
        let mut made = Table::new();
        made.set_implicit(only_holds);
        table.insert(key, Item::Table(made));
    }
    table.get_mut(key).and_then(Item::as_table_like_mut)
}

/// A table for a name, on one line if the others in the section are.
fn rule(actions: Option<Item>, is_plain: bool) -> Item {
    if is_plain {
        let mut table = InlineTable::new();
        if let Some(Item::Value(actions)) = actions {
            table.insert("actions", actions);
        }
        return Item::Value(Value::InlineTable(table));
    }
    let mut table = Table::new();
    if let Some(actions) = actions {
        table.insert("actions", actions);
    }
    Item::Table(table)
}

fn list<W: AsRef<str>>(words: &[W]) -> Item {
    Item::Value(Value::Array(words.iter().map(AsRef::as_ref).collect::<Array>()))
}

fn words(item: Option<&Item>) -> Vec<String> {
    let array = item.and_then(Item::as_array);
    array.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn is_true(item: Option<&Item>) -> bool {
    item.and_then(Item::as_bool) == Some(true)
}

/// Appends the words that a list does not have.
fn extend(table: &mut dyn TableLike, key: &str, more: &[&str]) {
    if table.get(key).is_none() {
        table.insert(key, list::<&str>(&[]));
    }
    if let Some(array) = table.get_mut(key).and_then(Item::as_array_mut) {
        for word in more {
            if !array.iter().any(|known| known.as_str() == Some(word)) {
                array.push(*word);
            }
        }
    }
}

fn retain(table: &mut dyn TableLike, key: &str, keep: impl Fn(&str) -> bool) {
    if let Some(array) = table.get_mut(key).and_then(Item::as_array_mut) {
        array.retain(|word| word.as_str().is_none_or(&keep));
        // The former second word has a space in front of it.
        if let Some(first) = array.get_mut(0)
            && first.decor().prefix().and_then(|prefix| prefix.as_str()) == Some(" ")
        {
            first.decor_mut().set_prefix("");
        }
    }
}
