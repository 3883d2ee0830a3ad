//! From TOML to a [`Policy`].
//!
//! The build script and the running program share this file, so that what `sm policy check`
//! says of a policy is what the build says of it.

use crate::output::hex::hex;
use crate::policy::model::{
    CallerKind, CallerRule, Limits, PackageRule, Policy, SiteMode, Span, TaskRule, UnitRule,
};
use crate::policy::table::{DeKey, PolicyError, Source, Table};
use crate::policy::tasks::{self, Task};
use crate::request::action::{Action, Maintenance, Set};
use crate::request::name::{NameError, PackageName, TaskName, UnitName, is_of_the_broker};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The largest policy, in bytes: 100,000 names take about a tenth of it.
pub const LARGEST: usize = 64 << 20;

/// How long a unit can be watched, in seconds: a caller waits for all of it.
const WATCH_SECONDS: RangeInclusive<u32> = 0..=60;

/// The keys of a policy, and of each of its sections.
const KEYS: [&str; 8] =
    ["schema", "site", "limits", "services", "packages", "tasks", "replies", "callers"];
const LIMITS_KEYS: [&str; 4] = ["rate", "output_bytes", "timeout_seconds", "lock_seconds"];
const SERVICES_KEYS: [&str; 4] = ["actions", "require_reason", "watch_seconds", "units"];
const UNIT_KEYS: [&str; 5] = ["actions", "require_reason", "check", "check_start", "watch_seconds"];
const PACKAGES_KEYS: [&str; 5] =
    ["actions", "maintenance", "allow_removals", "require_reason", "names"];
const PACKAGE_KEYS: [&str; 4] = ["actions", "require_reason", "pacman", "allow_removals"];
const CALLER_KEYS: [&str; 4] = ["services", "packages", "maintenance", "tasks"];

/// A policy that was read from text; [`Parsed::policy`] is the form in which it is used.
#[derive(Debug, Serialize, Deserialize)]
pub struct Parsed {
    file: String,
    text: String,
    hash: String,
    site_mode: SiteMode,
    limits: Limits,
    units: Vec<UnitRule>,
    packages: Vec<PackageRule>,
    tasks: Vec<TaskRule>,
    callers: Vec<CallerRule>,
    maintenance: Set<Maintenance>,
    maintenance_line: u32,
    allow_removals: bool,
    strings: Strings,
    words: Vec<Span>,
}

impl Parsed {
    /// The policy.
    pub fn policy(&self) -> Policy<'_> {
        Policy {
            file: &self.file,
            text: &self.text,
            hash: &self.hash,
            site_mode: self.site_mode,
            limits: self.limits,
            units: &self.units,
            packages: &self.packages,
            tasks: &self.tasks,
            callers: &self.callers,
            maintenance: self.maintenance,
            maintenance_line: self.maintenance_line,
            allow_removals: self.allow_removals,
            strings: &self.strings.0,
            words: &self.words,
        }
    }
}

/// Reads a policy. `file` is only what messages call it; `limits` hold where it says nothing.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse(file: &str, text: &str, limits: Limits) -> Result<Parsed, PolicyError> {
    let source = Source::new(file, text);
    if text.len() > LARGEST {
        return Err(source.error(0..0, format!("the policy is larger than {LARGEST} bytes"), None));
    }
    let root = DeTable::parse(text).map_err(|error| {
        let printed = error.message().replace('\n', ", ");
        source.error(error.span().unwrap_or(0..0), format!("this is not TOML: {printed}"), None)
    })?;
    let top = Table::whole(&source, &root, &KEYS)?;
    let schema = top.required("schema", "1")?;
    if source.integer(schema, 1..=u32::MAX)? != 1 {
        return Err(source.error(
            schema.span(),
            "schema must be 1, the only one that exists".to_owned(),
            None,
        ));
    }
    let mut parsed = Parsed {
        file: file.to_owned(),
        text: text.to_owned(),
        hash: hex(&Sha256::digest(text.as_bytes())),
        site_mode: SiteMode::Off,
        limits,
        units: Vec::new(),
        packages: Vec::new(),
        tasks: Vec::new(),
        callers: Vec::new(),
        maintenance: Set::NONE,
        maintenance_line: 0,
        allow_removals: false,
        strings: Strings(String::new()),
        words: Vec::new(),
    };
    if let Some(site) = top.table("site", &["mode"], "[site] with mode = \"narrow\"")? {
        let mode = site.required("mode", "\"narrow\"")?;
        let word = source.string(mode)?;
        parsed.site_mode = source.one_of(mode.span(), word, &SiteMode::WORDS, "a mode")?;
    }
    if let Some(limits) = top.table("limits", &LIMITS_KEYS, "[limits] with output_bytes = 65536")? {
        parsed.limits(&source, limits)?;
    }
    if let Some(services) =
        top.table("services", &SERVICES_KEYS, "[services] with actions = [\"status\"]")?
    {
        parsed.services(&source, services)?;
    }
    if let Some(packages) =
        top.table("packages", &PACKAGES_KEYS, "[packages] with actions = [\"install\"]")?
    {
        parsed.packages(&source, packages)?;
    }
    for (key, table) in top.named("tasks", &tasks::KEYS)? {
        parsed.task(&source, key, &table)?;
    }
    let strings = &parsed.strings;
    parsed.tasks.sort_by(|a, b| strings.get(a.name).cmp(strings.get(b.name)));
    if let Some(replies) =
        top.table("replies", &["mask_secrets"], "[replies] with mask_secrets = true")?
        && let Some(mask) = replies.boolean("mask_secrets")?
    {
        parsed.limits.mask_secrets = mask;
    }
    for (key, table) in top.named("callers", &CALLER_KEYS)? {
        parsed.caller(&source, key, table)?;
    }
    Ok(parsed)
}

impl Parsed {
    fn limits(&mut self, source: &Source<'_>, table: Table<'_>) -> Result<(), PolicyError> {
        let into = &mut self.limits;
        if let Some(rate) = table.table(
            "rate",
            &["count", "per_seconds"],
            "rate = { count = 30, per_seconds = 60 }",
        )? {
            into.rate_count = source.integer(rate.required("count", "30")?, 1..=1_000_000)?;
            into.rate_seconds = source.integer(rate.required("per_seconds", "60")?, 1..=86_400)?;
        }
        let set = |limit: &mut u32, printed: Option<u32>| *limit = printed.unwrap_or(*limit);
        set(&mut into.output_bytes, table.number("output_bytes", 1024..=1 << 20)?);
        if let Some(timeout) = table.table(
            "timeout_seconds",
            &["service", "package"],
            "timeout_seconds = { service = 120, package = 1800 }",
        )? {
            set(&mut into.service_timeout, timeout.number("service", 1..=86_400)?);
            set(&mut into.package_timeout, timeout.number("package", 1..=86_400)?);
        }
        set(&mut into.lock_seconds, table.number("lock_seconds", 0..=3600)?);
        Ok(())
    }

    fn services(&mut self, source: &Source<'_>, table: Table<'_>) -> Result<(), PolicyError> {
        let (general, general_line) = source.actions(table.required("actions", "[\"status\"]")?)?;
        let all_require_reason = table.boolean("require_reason")?.unwrap_or(false);
        if let Some(seconds) = table.number("watch_seconds", WATCH_SECONDS)? {
            self.limits.watch_seconds = seconds;
        }
        for (key, unit) in table.named("units", &UNIT_KEYS)? {
            let name = UnitName::parse_granted(key.get_ref().as_bytes())
                .map_err(|error| source.error(key.span(), error.to_string(), error.hint()))?;
            if is_of_the_broker(name.as_str()) {
                let message = format!(
                    "{} serves the requests themselves and cannot be granted",
                    name.as_str()
                );
                return Err(source.error(key.span(), message, None));
            }
            let line = source.line(key.span().start);
            let (actions, actions_line) = match unit.optional("actions") {
                Some(own) => source.fewer_actions(own, general)?,
                None => (general, general_line),
            };
            let require_reason = unit.boolean("require_reason")?.unwrap_or(all_require_reason);
            let check = match unit.optional("check") {
                Some(check) => {
                    let words = tasks::command(source, check, "check")?;
                    self.run(&words)
                }
                None => Span { at: 0, len: 0 },
            };
            let check_start = unit.boolean("check_start")?.unwrap_or(true);
            let watch_seconds = unit.number("watch_seconds", WATCH_SECONDS)?;
            let name = self.strings.add(name.as_str());
            self.units.push(UnitRule {
                name,
                line,
                actions_line,
                actions,
                require_reason,
                check,
                check_start,
                watch_seconds,
            });
        }
        let strings = &self.strings;
        self.units.sort_by(|a, b| strings.get(a.name).cmp(strings.get(b.name)));
        let rows = self.units.iter().map(|rule| (strings.get(rule.name), rule.line));
        source.no_twins(rows)
    }

    /// A list of words, one after another.
    fn run(&mut self, words: &[impl AsRef<str>]) -> Span {
        let at = self.words.len();
        for word in words {
            let span = self.strings.add(word.as_ref());
            self.words.push(span);
        }
        Span { at: at as u32, len: words.len() as u32 }
    }

    fn task(
        &mut self,
        source: &Source<'_>,
        key: &Spanned<DeKey<'_>>,
        table: &Table<'_>,
    ) -> Result<(), PolicyError> {
        let name = TaskName::parse(key.get_ref().as_bytes())
            .map_err(|error| source.error(key.span(), error.to_string(), error.hint()))?;
        let task = Task::read(source, table)?;
        let rule = TaskRule {
            name: self.strings.add(name.as_str()),
            line: source.line(key.span().start),
            argv: self.run(&task.argv),
            user: self.strings.add(&task.user),
            directory: self.strings.add(&task.directory),
            environment: self.run(&task.environment),
            timeout_seconds: task.timeout_seconds,
            on_timeout: task.on_timeout,
            require_reason: task.require_reason,
            description: self.strings.add(&task.description),
        };
        self.tasks.push(rule);
        Ok(())
    }

    fn packages(&mut self, source: &Source<'_>, table: Table<'_>) -> Result<(), PolicyError> {
        let (general, general_line) = match table.optional("actions") {
            Some(actions) => source.actions(actions)?,
            None => (Set::NONE, 0),
        };
        if let Some(maintenance) = table.optional("maintenance") {
            (self.maintenance, self.maintenance_line) = source.actions(maintenance)?;
        }
        self.allow_removals = table.boolean("allow_removals")?.unwrap_or(false);
        let all_require_reason = table.boolean("require_reason")?.unwrap_or(false);
        for (key, package) in table.named("names", &PACKAGE_KEYS)? {
            let name = PackageName::parse(key.get_ref().as_bytes())
                .map_err(|error| source.error(key.span(), error.to_string(), None))?;
            let line = source.line(key.span().start);
            let (actions, actions_line) = match package.optional("actions") {
                Some(own) => source.fewer_actions(own, general)?,
                None if general_line == 0 => {
                    return Err(source.error(
                        key.span(),
                        format!("there are no actions for package {}", name.as_str()),
                        Some("add `actions` to [packages]".to_owned()),
                    ));
                }
                None => (general, general_line),
            };
            let require_reason = package.boolean("require_reason")?.unwrap_or(all_require_reason);
            let pacman = match package.optional("pacman") {
                Some(value) => {
                    let text = source.string(value)?;
                    PackageName::parse(text.as_bytes())
                        .map_err(|error| source.error(value.span(), error.to_string(), None))?;
                    self.strings.add(text)
                }
                None => Span { at: 0, len: 0 },
            };
            let allow_removals = package.boolean("allow_removals")?;
            let name = self.strings.add(name.as_str());
            self.packages.push(PackageRule {
                name,
                pacman,
                line,
                actions_line,
                actions,
                require_reason,
                allow_removals,
            });
        }
        let strings = &self.strings;
        self.packages.sort_by(|a, b| strings.get(a.name).cmp(strings.get(b.name)));
        let rows = self.packages.iter().map(|rule| (strings.get(rule.name), rule.line));
        source.no_twins(rows)
    }
}

/// The canonical form of a name, and whether the policy has a rule for it.
type Find = fn(&Parsed, &str) -> Result<(String, bool), NameError>;

impl Parsed {
    /// What one caller, or one group of callers, gets of the policy.
    fn caller(
        &mut self,
        source: &Source<'_>,
        key: &Spanned<DeKey<'_>>,
        table: Table<'_>,
    ) -> Result<(), PolicyError> {
        let (kind, name) = match key.get_ref().split_once(':') {
            Some(("user", name)) if !name.is_empty() => (CallerKind::User, name),
            Some(("group", name)) if !name.is_empty() => (CallerKind::Group, name),
            None if key.get_ref() == "default" => (CallerKind::Default, ""),
            _ => {
                let message = format!("{:?} is not a caller", key.get_ref());
                let hint =
                    "write [callers.\"user:NAME\"], [callers.\"group:NAME\"] or [callers.default]";
                return Err(source.error(key.span(), message, Some(hint.to_owned())));
            }
        };
        if name.len() > 256 || name.chars().any(char::is_control) {
            return Err(source.error(
                key.span(),
                "this is not the name of an account".to_owned(),
                None,
            ));
        }
        let services = self.names(source, table.optional("services"), "unit", |parsed, word| {
            let unit = UnitName::parse_granted(word.as_bytes())?;
            let known = parsed.policy().unit(unit.as_str()).is_some();
            Ok((unit.as_str().to_owned(), known))
        })?;
        let packages =
            self.names(source, table.optional("packages"), "package", |parsed, word| {
                let package = PackageName::parse(word.as_bytes())?;
                let known = parsed.policy().package(package.as_str()).is_some();
                Ok((package.as_str().to_owned(), known))
            })?;
        let tasks = self.names(source, table.optional("tasks"), "task", |parsed, word| {
            let task = TaskName::parse(word.as_bytes())?;
            let known = parsed.policy().task(task.as_str()).is_some();
            Ok((task.as_str().to_owned(), known))
        })?;
        let maintenance = match table.optional("maintenance") {
            Some(actions) => source.fewer_actions(actions, self.maintenance)?.0,
            None => Set::NONE,
        };
        let name = self.strings.add(name);
        let line = source.line(key.span().start);
        self.callers.push(CallerRule { kind, name, line, services, packages, tasks, maintenance });
        Ok(())
    }

    /// A list of names that the policy has rules for, as a sorted run of words.
    fn names(
        &mut self,
        source: &Source<'_>,
        value: Option<&Spanned<DeValue<'_>>>,
        what: &str,
        find: Find,
    ) -> Result<Span, PolicyError> {
        let Some(value) = value else { return Ok(Span { at: 0, len: 0 }) };
        let mut names = Vec::new();
        for item in source.array(value)? {
            let word = source.string(item)?;
            let (name, known) = find(self, word)
                .map_err(|error| source.error(item.span(), error.to_string(), error.hint()))?;
            if !known {
                let message = format!("this policy has no {what} {name}");
                let hint = "a caller can only get what the policy grants; name it there first";
                return Err(source.error(item.span(), message, Some(hint.to_owned())));
            }
            names.push(name);
        }
        names.sort();
        names.dedup();
        Ok(self.run(&names))
    }
}

/// All strings of a policy, one after another.
#[derive(Debug, Serialize, Deserialize)]
struct Strings(String);

impl Strings {
    fn add(&mut self, text: &str) -> Span {
        let at = self.0.len() as u32;
        self.0.push_str(text);
        Span { at, len: text.len() as u32 }
    }

    fn get(&self, span: Span) -> &str {
        let at = span.at as usize;
        &self.0[at..at + span.len as usize]
    }
}

impl Source<'_> {
    /// A set of actions, and the line that grants it.
    fn actions<A: Action>(
        &self,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(Set<A>, u32), PolicyError> {
        let words: Vec<(&str, A)> = A::ALL.iter().map(|action| (action.word(), *action)).collect();
        let mut set = Set::NONE;
        for item in self.array(value)? {
            let word = self.string(item)?;
            let action = self.one_of(item.span(), word, &words, "an action")?;
            if set.has(action) {
                return Err(self.error(item.span(), format!("{word:?} is named twice"), None));
            }
            set = set.with(action);
        }
        Ok((set, self.line(value.span().start)))
    }

    /// The actions of one name, which can only be fewer than those for all names.
    fn fewer_actions<A: Action>(
        &self,
        value: &Spanned<DeValue<'_>>,
        general: Set<A>,
    ) -> Result<(Set<A>, u32), PolicyError> {
        let (own, line) = self.actions::<A>(value)?;
        match own.iter().find(|action| !general.has(*action)) {
            None => Ok((own, line)),
            Some(more) => Err(self.error(
                value.span(),
                format!("{:?} is not among the actions that its section grants", more.word()),
                Some(
                    "add it to the section's `actions`, and list fewer actions for the entries that should not have it"
                        .to_owned(),
                ),
            )),
        }
    }

    /// Refuses two rules for one name (`nginx` and `nginx.service`); `rows` are sorted.
    fn no_twins<'r>(&self, rows: impl Iterator<Item = (&'r str, u32)>) -> Result<(), PolicyError> {
        let mut last: Option<(&str, u32)> = None;
        for (name, line) in rows {
            if let Some((before, first)) = last
                && before == name
            {
                let (early, late) = (first.min(line), first.max(line));
                let at = self.start_of(late);
                let message = format!("{name} is named twice, first in line {early}");
                return Err(self.error(at..at, message, None));
            }
            last = Some((name, line));
        }
        Ok(())
    }
}
