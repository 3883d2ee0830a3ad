//! Units that run what a caller can change, or that a caller can change.

use crate::admin::risks::access::Account;
use crate::admin::risks::callers::Caller;
use crate::admin::risks::grants::Grants;
use crate::admin::risks::risk::{Kind, Risk};
use crate::admin::risks::unit;
use crate::admin::risks::way::{Way, ways};
use crate::output::text::some_of;
use crate::policy::approved::Line;
use crate::request::action::ServiceAction;
use crate::request::operation::Operation;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// So many callers or paths are named in one sentence.
const NAMED: usize = 3;

/// What has a unit started, now or at the next boot.
pub const STARTS: [ServiceAction; 3] =
    [ServiceAction::Restart, ServiceAction::Start, ServiceAction::Enable];

/// What has commands of a unit run, and the settings that have them (`systemd.service(5)`,
/// `systemd.socket(5)`). What is started can be made to fail, and is stopped then.
const RUNS: [(ServiceAction, &[&str]); 5] = [
    (
        ServiceAction::Restart,
        &[
            "ExecCondition",
            "ExecStartPre",
            "ExecStart",
            "ExecStartPost",
            "ExecStop",
            "ExecStopPre",
            "ExecStopPost",
        ],
    ),
    (ServiceAction::Start, STARTED),
    (ServiceAction::Reload, &["ExecReload"]),
    (ServiceAction::Enable, STARTED),
    (ServiceAction::Stop, &["ExecStop", "ExecStopPre", "ExecStopPost"]),
];
const STARTED: &[&str] =
    &["ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecStopPost"];

/// A way to more rights, for those who have it.
struct Found<'w> {
    unit: String,
    way: Way,
    operation: &'w Operation,
    line: Line,
    is_compiled: bool,
    callers: Vec<String>,
}

/// All that the grants and the host come to together.
///
/// # Errors
/// Why systemd could not be asked.
pub fn risks(grants: &Grants<'_>) -> Result<Vec<Risk>, String> {
    let granted = granted(grants);
    let accounts: Vec<(&Caller, &Account)> = grants
        .callers()
        .iter()
        .filter_map(|caller| match caller {
            Caller::Account { account, .. } => Some((caller, account)),
            Caller::Group(_) => None,
        })
        .collect();
    if accounts.is_empty() || granted.is_empty() {
        return Ok(Vec::new());
    }
    let units = unit::units(&granted.keys().cloned().collect())?;
    let folders = unit::search_path()?;
    let mut found: Vec<Found<'_>> = Vec::new();
    let all: Vec<&Operation> = granted.values().flatten().copied().collect();
    for (caller, account) in accounts {
        for folder in &folders {
            // Whatever unit it is: there it can become another one.
            if let Some(component) = account.can_change(folder) {
                let way = Way::to_a_folder(folder, component);
                note(&mut found, grants, caller, "", way, &all);
            }
        }
        for unit in &units {
            let by_name = unit.names.iter().filter_map(|name| granted.get(name)).flatten();
            let starts = units.iter().filter(|other| other.triggers.contains(&unit.name));
            let by_trigger = starts
                .flat_map(|other| &other.names)
                .filter_map(|name| granted.get(name))
                .flatten()
                .filter(|operation| action(operation).is_some_and(|one| STARTS.contains(&one)));
            let operations: Vec<&Operation> = by_name.chain(by_trigger).copied().collect();
            for way in ways(unit, caller, account, &folders) {
                note(&mut found, grants, caller, &unit.name, way, &operations);
            }
        }
    }
    Ok(found.into_iter().map(Found::risk).collect())
}

/// The operations that have something of a unit run, by its name, as in [`RUNS`].
fn granted<'g>(grants: &'g Grants<'_>) -> BTreeMap<String, Vec<&'g Operation>> {
    let mut granted: BTreeMap<String, Vec<&Operation>> = BTreeMap::new();
    for (wanted, _) in RUNS {
        for operation in grants.operations().iter().filter(|one| action(one) == Some(wanted)) {
            let name = operation.name().unwrap_or_default().to_owned();
            granted.entry(name).or_default().push(operation);
        }
    }
    granted
}

fn action(operation: &Operation) -> Option<ServiceAction> {
    match operation {
        Operation::Service { action, .. } => Some(*action),
        _ => None,
    }
}

/// Notes the first of the operations that the caller is granted and that has it run.
fn note<'w>(
    found: &mut Vec<Found<'w>>,
    grants: &Grants<'_>,
    caller: &Caller,
    unit: &str,
    way: Way,
    operations: &[&'w Operation],
) {
    let has_it_run = |operation: &&&Operation| {
        let settings = RUNS.iter().find(|(one, _)| action(operation) == Some(*one));
        let settings = settings.map_or(&[][..], |(_, settings)| *settings);
        way.kind == Kind::UnitFile || way.settings.iter().any(|one| settings.contains(&&**one))
    };
    let mut granted = operations.iter().filter(has_it_run).filter_map(|operation| {
        let (line, is_compiled) = grants.line(caller, operation)?;
        Some((*operation, line, is_compiled))
    });
    let Some((operation, line, is_compiled)) = granted.next() else { return };
    let is_same = |one: &&mut Found<'_>| {
        one.unit == unit && one.way == way && one.operation == operation && one.line == line
    };
    match found.iter_mut().find(is_same) {
        Some(one) => one.callers.push(caller.shown()),
        None => found.push(Found {
            unit: unit.to_owned(),
            way,
            operation,
            line,
            is_compiled,
            callers: vec![caller.shown()],
        }),
    }
}

impl Found<'_> {
    fn risk(self) -> Risk {
        let reason = self.reason();
        Risk {
            line: self.line,
            is_compiled: self.is_compiled,
            operation: self.operation.to_string(),
            subject: self.unit,
            callers: vec![some_of(&self.callers, NAMED)],
            account: self.way.account,
            kind: self.way.kind,
            reason,
        }
    }

    fn reason(&self) -> String {
        let Way { kind, component, account, paths, .. } = &self.way;
        let unit = &self.unit;
        let who = some_of(&self.callers, NAMED);
        let they = if self.callers.len() == 1 { &*who } else { "each of them" };
        let account = account.as_deref().unwrap_or("root");
        let all: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        let named = some_of(&all, NAMED);
        let can = change(they, paths, component);
        match kind {
            Kind::UnitFile if unit.is_empty() => format!(
                "{they} can write to {} on this host, and what lies there says what root runs for a unit",
                component.display()
            ),
            Kind::UnitFile => format!("{named} says what root runs for {unit}, {can}"),
            Kind::Environment => format!(
                "{unit} reads the environment of what {account} runs from {named}, which can name a library to load, {can}"
            ),
            Kind::Folder => format!(
                "{unit} runs as {account} in {named}, from which many programs load files, {can}"
            ),
            _ => format!("{unit} runs {named} as {account}, {can}"),
        }
    }
}

/// How the paths can be changed, as a part of a sentence.
fn change(they: &str, paths: &BTreeSet<PathBuf>, component: &Path) -> String {
    let at = component.display();
    match paths.iter().all(|path| path == component) {
        true => format!("and {they} can write to it on this host"),
        false => format!("and {they} can write to {at} on this host"),
    }
}
