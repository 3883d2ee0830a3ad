//! `list --schema`: what a caller may ask for, as a JSON Schema that tools for agents are made of.
//!
//! Each operation is a definition of its own, so that a framework that wants one object with
//! properties for each tool can take it as it is (`docs/agents.md`). Its name and its title are what
//! every one of them takes for a name: `[a-zA-Z0-9_-]{1,64}`.

use crate::output::hex::hex;
use crate::output::text::hidden_pattern;
use crate::policy::model::Limits;
use crate::policy::tasks::Task;
use crate::reply::dialect::Dialect;
use crate::reply::earlier;
use crate::request::action::{Action, Maintenance, ManagerAction, PackageAction, ServiceAction};
use crate::request::operation::{Operation, RESULT, Reason, Shown};
use crate::surface::Allowed;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The version of JSON Schema that this is written in.
const VERSION: &str = "https://json-schema.org/draft/2020-12/schema";

/// The keywords of the schema of these operations. `task` says what a policy has of the task of a name.
pub fn of(
    allowed: &[Allowed],
    limits: &Limits,
    task: &dyn Fn(&str) -> Option<Task>,
    dialect: Dialect,
) -> Map<String, Value> {
    let mut tools: Vec<Tool<'_>> = Vec::new();
    for Allowed { operation, requires_reason, needs_approval } in allowed {
        let place = tools.iter().position(|tool| tool.is_about(operation));
        let place = place.unwrap_or_else(|| {
            let (names, reasons, approvals) = Default::default();
            tools.push(Tool { example: operation, names, reasons, approvals });
            tools.len() - 1
        });
        tools[place].names.extend(operation.name());
        if *requires_reason {
            tools[place].reasons.push(operation.name());
        }
        if *needs_approval {
            tools[place].approvals.push(operation.name());
        }
    }
    let mut definitions: Map<String, Value> =
        tools.iter().map(|tool| (tool.key(), dialect.of(tool.definition(limits, task)))).collect();
    let mut operations: Map<String, Value> =
        tools.iter().map(|tool| (tool.key(), tool.operation().into())).collect();
    if !tools.is_empty() {
        for (name, definition) in earlier::tools() {
            definitions.insert(name.to_owned(), dialect.of(definition));
            operations.insert(name.to_owned(), RESULT.into());
        }
    }
    let mut keywords = Map::new();
    if dialect == Dialect::JsonSchema {
        keywords.insert("$schema".into(), VERSION.into());
    }
    keywords.insert("title".into(), "sm-helper".into());
    keywords.insert("description".into(), "What this caller may request on this host.".into());
    keywords.insert("operations".into(), operations.into());
    keywords.insert("$defs".into(), definitions.into());
    keywords
}

/// An operation, whatever it is done to.
struct Tool<'o> {
    example: &'o Operation,
    names: Vec<&'o str>,
    /// What it requires a reason for; none for what has no name.
    reasons: Vec<Option<&'o str>>,
    /// What an administrator approves first; none for what has no name.
    approvals: Vec<Option<&'o str>>,
}

impl Tool<'_> {
    fn is_about(&self, operation: &Operation) -> bool {
        // Each task is another thing to do.
        let is_task = matches!(operation, Operation::Task { .. });
        self.example.kind() == operation.kind()
            && self.example.action() == operation.action()
            && self.example.name().is_some() == operation.name().is_some()
            && (!is_task || self.example.name() == operation.name())
    }

    /// `service restart`, `package plan install`, `task run deploy`: what a request for it begins with.
    fn operation(&self) -> String {
        match self.example {
            Operation::Task { .. } | Operation::Undo { .. } => self.example.to_string(),
            _ => format!("{} {}", self.example.kind(), self.example.action()),
        }
    }

    /// `service_restart`, `package_install`, `package_upgrade_all`, `task_deploy`.
    fn key(&self) -> String {
        if let Operation::Task { name } = self.example {
            return task_key(name.as_str());
        }
        // The one word that is an action on one package and on all.
        let all = match self.example.maintenance() {
            Some(action) if PackageAction::from_word(action.word()).is_some() => "_all",
            _ => "",
        };
        self.operation().replace(' ', "_") + all
    }

    /// A sentence on what an administrator approves first; empty if that is nothing.
    fn held_up(&self) -> String {
        let names: Vec<&str> = self.approvals.iter().copied().flatten().collect();
        if self.approvals.is_empty() {
            String::new()
        } else if names.len() == self.names.len() {
            " An administrator has to approve it first.".to_owned()
        } else {
            format!(" An administrator has to approve it first for {}.", names.join(", "))
        }
    }

    fn definition(&self, limits: &Limits, task: &dyn Fn(&str) -> Option<Task>) -> Value {
        let task = match self.example {
            Operation::Task { name } => task(name.as_str()),
            _ => None,
        };
        let timeout = match self.example {
            Operation::Task { .. } => task.as_ref().map_or(1, |task| task.timeout_seconds),
            Operation::Service { .. } | Operation::Manager { .. } => limits.service_timeout,
            Operation::Package { .. } | Operation::Maintenance { .. } | Operation::Undo { .. } => {
                limits.package_timeout
            }
        };
        // Null is what is left out.
        let mut properties = json!({
            // What the helper takes, and no more: no line break, and not only white space.
            "reason": {
                "type": ["string", "null"], "minLength": 1, "maxLength": Reason::LONGEST,
                "pattern": "\\S", "not": {"pattern": hidden_pattern()},
                "description": "The reason, one sentence on one line. It is recorded.",
            },
            "timeout": {
                "type": ["integer", "null"], "minimum": 1, "maximum": timeout,
                "description": "Give up after this many seconds.",
            },
            "dry_run": {
                "type": ["boolean", "null"],
                "description": "Show what would be run, and run nothing.",
            },
        });
        let mut required = Vec::new();
        let what = match self.example {
            Operation::Service { .. } => Some("The unit."),
            Operation::Package { .. } => Some("The package."),
            Operation::Manager { .. }
            | Operation::Maintenance { .. }
            | Operation::Undo { .. }
            | Operation::Task { .. } => None,
        };
        if let Some(what) = what {
            properties["name"] = json!({"type": "string", "enum": self.names, "description": what});
            required.push("name");
        }
        if matches!(self.example, Operation::Undo { .. }) {
            properties["request_id"] =
                earlier::id("The field request_id of the reply of the operation that is undone.");
            required.push("request_id");
        }
        if matches!(self.example, Operation::Service { action: ServiceAction::Logs, .. }) {
            properties["lines"] = json!({
                "type": ["integer", "null"], "minimum": 1, "maximum": Shown::MOST_LINES,
                "description": "How many of the last lines.",
            });
            properties["since"] = json!({
                "type": ["integer", "null"], "minimum": 1, "maximum": Shown::MOST_MINUTES,
                "description": "Only lines of at most this many minutes ago.",
            });
        }
        let needed: Vec<&str> = self.reasons.iter().copied().flatten().collect();
        if !self.reasons.is_empty() && needed.len() == self.names.len() {
            required.push("reason");
            properties["reason"]["type"] = "string".into();
        }
        if !needed.is_empty() && needed.len() < self.names.len() {
            let sentence = format!(
                "The reason, one sentence on one line. It is recorded. Required for {}.",
                needed.join(", ")
            );
            properties["reason"]["description"] = sentence.into();
        }
        let mut definition = json!({
            "title": self.key(),
            "description": described(self.example, task.as_ref()) + &self.held_up(),
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        if !needed.is_empty() && needed.len() < self.names.len() {
            definition["if"] = json!({"properties": {"name": {"enum": needed}}});
            definition["then"] =
                json!({"required": ["reason"], "properties": {"reason": {"type": "string"}}});
        }
        definition
    }
}

/// The name of a task as that of a tool. Where it has other signs than a tool's name may have, or more
/// of them, a part of its hash keeps it apart from others: the tool is the same task's always.
fn task_key(name: &str) -> String {
    const LONGEST: usize = 64;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let key = format!("task_{name}");
    if key.len() <= LONGEST && key.chars().all(is_plain) {
        return key;
    }
    let hash = hex(&Sha256::digest(name)[..4]);
    let plain = key.chars().map(|c| if is_plain(c) { c } else { '_' });
    let plain: String = plain.take(LONGEST - hash.len() - 1).collect();
    format!("{plain}_{hash}")
}

/// What it does, in a sentence for whoever chooses among tools.
fn described(operation: &Operation, task: Option<&Task>) -> String {
    let text = match operation {
        Operation::Service { action, .. } => match action {
            ServiceAction::Start => "Start a unit, and check that it stays up.",
            ServiceAction::Stop => "Stop a unit.",
            ServiceAction::Restart => {
                "Check a unit's configuration, restart the unit, and check that it stays up."
            }
            ServiceAction::Reload => {
                "Check a unit's configuration, and have the unit reload it without stopping."
            }
            ServiceAction::Enable => "Start a unit at boot from now on.",
            ServiceAction::Disable => "No longer start a unit at boot.",
            ServiceAction::ResetFailed => {
                "Forget that a unit failed, and count its starts from zero. Starts nothing."
            }
            ServiceAction::Status => {
                "Read the state of a unit. A stopped unit is a success too; `unit` has its state."
            }
            ServiceAction::Logs => "Read the last lines of a unit's log.",
        },
        Operation::Package { action, .. } => match action {
            PackageAction::Install => "Install a package. Changes nothing if it is installed.",
            PackageAction::Remove => "Remove a package.",
            PackageAction::Upgrade => "Upgrade one package that is installed.",
        },
        Operation::Maintenance { action, .. } => match action {
            Maintenance::Update => "Refresh the package lists.",
            Maintenance::Upgrade => "Upgrade all packages that are installed.",
            Maintenance::Autoremove => "Remove packages that nothing needs any more.",
            Maintenance::Autoclean => "Delete downloaded packages that are out of date.",
            Maintenance::Repair => "Finish an interrupted package operation.",
        },
        Operation::Undo { .. } => {
            "Put back what this caller's last package operation changed, from the snapshot before it."
        }
        Operation::Manager { action: ManagerAction::DaemonReload } => {
            "Have systemd read all unit files again, so that changed ones take effect."
        }
        Operation::Task { .. } => "Run a command line that the administrator has written out.",
    };
    if let Some(task) = task.filter(|task| !task.description.is_empty()) {
        return format!("{}. {text}", task.description.trim_end_matches('.'));
    }
    if operation.is_only_plan() {
        return format!("Show what this would change, and change nothing: {text}");
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::name::UnitName;
    use proptest::prelude::*;
    use std::sync::OnceLock;

    /// What the schema says of a reason.
    fn is_valid(text: &str) -> bool {
        static SAID: OnceLock<(usize, regex::Regex, regex::Regex)> = OnceLock::new();
        let (longest, wanted, unwanted) = SAID.get_or_init(|| {
            let unit = UnitName::parse(b"nginx").expect("a name");
            let shown = Shown::USUAL;
            let operation = Operation::Service { action: ServiceAction::Stop, unit, shown };
            let allowed = Allowed { operation, requires_reason: false, needs_approval: false };
            let schema = of(&[allowed], &Limits::USUAL, &|_| None, Dialect::JsonSchema);
            let reason = &schema["$defs"]["service_stop"]["properties"]["reason"];
            let pattern = |value: &Value| {
                regex::Regex::new(value.as_str().expect("a pattern")).expect("a good one")
            };
            let longest = reason["maxLength"].as_u64().expect("a number") as usize;
            (longest, pattern(&reason["pattern"]), pattern(&reason["not"]["pattern"]))
        });
        let length = text.chars().count();
        (1..=*longest).contains(&length) && wanted.is_match(text) && !unwanted.is_match(text)
    }

    #[test]
    fn a_task_is_a_tool_of_its_own_with_a_name_that_everybody_takes() {
        assert_eq!(task_key("deploy-2"), "task_deploy-2");
        let long = "x".repeat(128);
        let keys = ["a.b", "a_b", "a@b", "a+b", &long, &long[1..]].map(task_key);
        for key in &keys {
            let is_taken = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            assert!(key.len() <= 64 && key.chars().all(is_taken), "{key}");
            assert_eq!(keys.iter().filter(|other| *other == key).count(), 1, "{keys:?}");
        }
        assert!(keys[0].starts_with("task_a_b_"), "{keys:?}");
    }

    #[test]
    fn a_reason_of_each_character_is_valid_where_the_helper_takes_it() {
        // All that scripts use, and a sample of the ideographs and of what nobody uses.
        let is_tried = |c: &char| *c < '\u{3400}' || (*c > '\u{d000}' && *c < '\u{11000}');
        for c in ('\0'..=char::MAX).filter(|c| is_tried(c) || u32::from(*c) % 97 == 0) {
            for text in [c.to_string(), format!("why{c}")] {
                let taken = Reason::parse(text.as_ref()).is_ok();
                assert_eq!(is_valid(&text), taken, "{c:?} in {text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_reason_is_valid_where_the_helper_takes_it(
            text in prop_oneof![any::<String>(), "[ a\n\u{a0}\u{ad}]{0,4}", "x{490,510}"],
        ) {
            prop_assert_eq!(is_valid(&text), Reason::parse(text.as_ref()).is_ok());
        }
    }
}
