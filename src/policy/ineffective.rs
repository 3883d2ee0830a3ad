//! Lines of the site policy that have no effect: with `narrow` those that would add something, with
//! `extend` those that would take something away, and always those for no caller. To find them, each
//! entry is left out in turn: it has an effect if that changes a decision.
//!
//! Only names in the policies count, not the aliases that a host may have for its units.

use crate::policy::COMPILED;
use crate::policy::callers::Member;
use crate::policy::force::{InForce, decide};
use crate::policy::model::{CallerKind, CallerRule, Policy, SiteMode, Undo};
use crate::policy::operations::{grants, operations};
use crate::policy::rows::Rows;
use crate::policy::site::FILE;
use crate::policy::unused::{looser, unused};
use crate::request::action::{Action, PackageAction, ServiceAction, Set};
use crate::request::operation::{Operation, Reason, Request};
use std::collections::BTreeMap;
use std::path::Path;

/// A line of the site policy without effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ineffective {
    /// From 1.
    pub line: u32,
    /// The part of the line that has no effect.
    pub what: String,
    /// The file, the line, and why it has no effect.
    pub sentence: String,
    /// The operations that it is about; none for every operation.
    operations: Option<Vec<Operation>>,
}

impl Ineffective {
    /// Whether it is about this operation.
    pub fn concerns(&self, operation: &Operation) -> bool {
        let is_same = |one: &Operation| match (one, operation) {
            (
                Operation::Service { action, unit, .. },
                Operation::Service { action: other, unit: name, .. },
            ) => (action, unit) == (other, name),
            (
                Operation::Package { action, name, .. },
                Operation::Package { action: other, name: second, .. },
            ) => (action, name) == (other, second),
            (
                Operation::Maintenance { action, .. },
                Operation::Maintenance { action: other, .. },
            ) => action == other,
            (Operation::Undo { .. }, Operation::Undo { .. }) => true,
            _ => one == operation,
        };
        self.operations.as_ref().is_none_or(|all| all.iter().any(is_same))
    }
}

const NARROW: &str = "this program's site policy can only narrow what is compiled in; to add to it, use the package sm-helper-site or build with SM_POLICY=FILE";
const EXTEND: &str = "the compiled policy allows it already, and this program's site policy can only add to that; to take away from it, build with mode \"narrow\" or \"replace\"";
const OFF: &str = "this program ignores site policies: mode \"off\" is compiled in";
const NOBODY: &str = "no table of [callers] gives it to anybody";

/// The lines of this host's site policy.
pub fn here(force: &InForce) -> Vec<Ineffective> {
    match force.site() {
        Some(site) => lines(&COMPILED, &site),
        None if COMPILED.site_mode == SiteMode::Off && Path::new(FILE).exists() => ignored(FILE),
        None => Vec::new(),
    }
}

/// One sentence for each of these lines.
pub fn warnings(force: &InForce) -> Vec<String> {
    here(force).into_iter().map(|each| each.sentence).collect()
}

/// One sentence for each such line of this policy, if it were the site policy.
pub fn sentences(site: &Policy<'_>) -> Vec<String> {
    lines(&COMPILED, site).into_iter().map(|each| each.sentence).collect()
}

/// A site policy that this program does not read.
fn ignored(file: &str) -> Vec<Ineffective> {
    vec![Ineffective { operations: None, ..entry(file, 1, "this file", OFF, Vec::new()) }]
}

/// Makes one entry.
fn entry(
    file: &str,
    line: u32,
    what: &str,
    reason: &str,
    operations: Vec<Operation>,
) -> Ineffective {
    let sentence = format!("{file}:{line}: {what} has no effect: {reason}");
    Ineffective { line, what: what.to_owned(), sentence, operations: Some(operations) }
}

/// The lines of a site policy that have no effect under a compiled one, in order.
pub fn lines(compiled: &Policy<'_>, site: &Policy<'_>) -> Vec<Ineffective> {
    if compiled.site_mode == SiteMode::Off {
        return ignored(site.file);
    }
    // A list of actions is for many names: an action has an effect if it has one for any of them.
    let mut entries: BTreeMap<(u32, String), (bool, Vec<Operation>)> = BTreeMap::new();
    let callers = Callers::of(compiled, site);
    let pairs = callers.of_an_entry();
    for operation in operations(site) {
        let key = place(compiled, site, &operation);
        let (has_effect, granted) = entries.entry(key).or_default();
        *has_effect = *has_effect || differs(compiled, site, &pairs, &operation);
        granted.push(operation);
    }
    let without = entries.into_iter().filter(|(_, (has_effect, _))| !has_effect);
    let mut all: Vec<Ineffective> = without
        .map(|((line, what), (_, granted))| {
            let mut granted = granted;
            let is_compiled_in = granted.iter().any(|one| grants(compiled, one));
            let reason = match compiled.site_mode {
                SiteMode::Narrow if !is_compiled_in => NARROW,
                SiteMode::Extend if is_compiled_in => EXTEND,
                _ => NOBODY,
            };
            // An operation that the site policy leaves out stays allowed, too.
            if compiled.site_mode == SiteMode::Extend {
                let first = granted.first().map(|one| (one.kind(), one.name().map(str::to_owned)));
                let of_the_name =
                    |one: &Operation| Some((one.kind(), one.name().map(str::to_owned))) == first;
                granted.extend(operations(compiled).filter(of_the_name));
            }
            entry(site.file, line, &what, reason, granted)
        })
        .collect();
    all.extend(emptied(compiled, site));
    all.extend(tables(compiled, site, &callers));
    let keys = unused(site).into_iter().chain(looser(compiled, site));
    all.extend(keys.map(|(line, what, reason)| entry(site.file, line, &what, &reason, Vec::new())));
    all.sort_by_key(|each| each.line);
    all
}

/// The line that grants this operation in the site policy, and what to call it. With `narrow` that is
/// the action, if the name is compiled in; otherwise the name.
fn place(compiled: &Policy<'_>, site: &Policy<'_>, operation: &Operation) -> (u32, String) {
    let is_by_action = compiled.site_mode == SiteMode::Narrow;
    let action = |word: &str| format!("the action {word:?}");
    match operation {
        Operation::Service { action: granted, unit, .. } => {
            let rule = site.unit(unit.as_str());
            match compiled.unit(unit.as_str()).filter(|_| is_by_action) {
                None => (rule.map_or(0, |rule| rule.line), unit.as_str().to_owned()),
                Some(_) => (rule.map_or(0, |rule| rule.actions_line), action(granted.word())),
            }
        }
        Operation::Package { action: granted, name, .. } => {
            let rule = site.package(name.as_str());
            match compiled.package(name.as_str()).filter(|_| is_by_action) {
                None => (rule.map_or(0, |rule| rule.line), name.as_str().to_owned()),
                Some(_) => (rule.map_or(0, |rule| rule.actions_line), action(granted.word())),
            }
        }
        Operation::Maintenance { .. } if compiled.site_mode == SiteMode::Extend => {
            (site.maintenance_line, "`maintenance`".to_owned())
        }
        Operation::Maintenance { action: granted, .. } => {
            (site.maintenance_line, action(granted.word()))
        }
        Operation::Manager { .. } if compiled.site_mode == SiteMode::Extend => {
            (site.manager_line, "`maintenance`".to_owned())
        }
        Operation::Manager { action: granted } => (site.manager_line, action(granted.word())),
        Operation::Undo { .. } => (site.undo.line, "`packages.undo`".to_owned()),
        Operation::Task { name } => {
            let rule = site.task(name.as_str());
            (rule.map_or(0, |rule| rule.line), format!("the task {}", name.as_str()))
        }
    }
}

/// Whether any decision on the operation changes if the site policy does not grant it.
fn differs(
    compiled: &Policy<'_>,
    site: &Policy<'_>,
    callers: &[Member<'_>],
    operation: &Operation,
) -> bool {
    // The rest of the policy does not matter here.
    let without = Policy {
        units: Rows::Plain(&[]),
        packages: Rows::Plain(&[]),
        tasks: &[],
        maintenance: Set::NONE,
        manager: Set::NONE,
        undo: Undo::NOTHING,
        ..*site
    };
    callers.iter().any(|who| {
        decision(compiled, site, who, operation) != decision(compiled, &without, who, operation)
    })
}

/// The decisions without and with a reason; none for a refusal.
fn decision(
    compiled: &Policy<'_>,
    site: &Policy<'_>,
    who: &Member<'_>,
    operation: &Operation,
) -> [Option<impl PartialEq + use<>>; 2] {
    [None, Some(Reason::any())].map(|reason| {
        let request = Request::new(operation.clone(), reason);
        let approved = decide(compiled, Some(site), who, request).ok()?;
        let (watch, timeout) = (approved.watch_seconds(), approved.timeout());
        let check = approved.check.map(|check| (check, approved.checks_start));
        // Only for a task does it matter whether its settings are from the compiled policy.
        let task = approved.task.map(|task| (task, approved.is_compiled_in));
        Some((check, approved.pacman, approved.allow_removals, task, watch, timeout))
    })
}

/// Names without any action. They would take something away, which is not possible here.
fn emptied(compiled: &Policy<'_>, site: &Policy<'_>) -> Vec<Ineffective> {
    if compiled.site_mode != SiteMode::Extend {
        return Vec::new();
    }
    let units = site.units.iter().filter(|rule| rule.actions == Set::<ServiceAction>::NONE);
    let units = units.map(|rule| (rule.line, site.text_of(rule.name)));
    let units = units.filter(|(_, name)| compiled.unit(name).is_some());
    let packages = site.packages.iter().filter(|rule| rule.actions == Set::<PackageAction>::NONE);
    let packages = packages.map(|rule| (rule.line, site.text_of(rule.name)));
    let packages = packages.filter(|(_, name)| compiled.package(name).is_some());
    // The compiled policy may grant actions on the name that are no operation of the site policy.
    let about = |name: &str| {
        operations(compiled).filter(|operation| operation.name() == Some(name)).collect::<Vec<_>>()
    };
    units
        .chain(packages)
        .map(|(line, name)| (line, name, about(name)))
        .filter(|(.., about)| !about.is_empty())
        .map(|(line, name, about)| entry(site.file, line, name, EXTEND, about))
        .collect()
}

/// Tables of callers that change nothing for any of them.
fn tables(compiled: &Policy<'_>, site: &Policy<'_>, callers: &Callers<'_>) -> Vec<Ineffective> {
    let granted: Vec<Operation> = operations(site).collect();
    let has_effect = |at: usize, rule: &CallerRule| {
        // Records say so.
        if rule.agent.len > 0 {
            return true;
        }
        let mut others = site.callers.to_vec();
        others.remove(at);
        let without = Policy { callers: &others, ..*site };
        callers.of_a_table(site, rule).iter().any(|who| {
            granted.iter().any(|operation| {
                decision(compiled, site, who, operation)
                    != decision(compiled, &without, who, operation)
            })
        })
    };
    let reason = match compiled.site_mode {
        SiteMode::Extend => {
            "the compiled policy and the rest of this file give these callers the same without it, and this program's site policy can only add to that"
        }
        _ => "these callers get the same without it",
    };
    let all = site.callers.iter().enumerate().filter(|(at, rule)| !has_effect(*at, rule));
    all.map(|(_, rule)| {
        let name = site.text_of(rule.name);
        let key = match rule.kind {
            CallerKind::User => format!("\"user:{name}\""),
            CallerKind::Group => format!("\"group:{name}\""),
            CallerKind::Default => "default".to_owned(),
        };
        let what = format!("[callers.{key}]");
        entry(site.file, rule.line, &what, reason, granted.clone())
    })
    .collect()
}

/// The callers that the policies distinguish.
struct Callers<'p> {
    compiled: Vec<Option<Member<'p>>>,
    site: Vec<Option<Member<'p>>>,
}

impl<'p> Callers<'p> {
    fn of(compiled: &Policy<'p>, site: &Policy<'p>) -> Self {
        let of = |policy: &Policy<'p>| {
            let named = policy.callers.iter().filter_map(|rule| Member::of(policy, rule));
            // If a group does not exist, nobody can tell who is a member.
            let all = named.flat_map(|one| [one.without_its_group(), Some(one)]).flatten();
            std::iter::once(None).chain(all.map(Some)).collect()
        };
        Self { compiled: of(compiled), site: of(site) }
    }

    /// Every caller who may get a name. One table of each policy is enough for that.
    fn of_an_entry(&self) -> Vec<Member<'p>> {
        let pairs =
            self.site.iter().flat_map(|one| self.compiled.iter().map(move |two| [one, two]));
        pairs.filter_map(|pair| Member::of_all(pair.into_iter().flatten())).collect()
    }

    /// Every caller for whom a table may matter: those it names, even if another table of the site
    /// policy names them, too. If its group does not exist, anybody may be a member.
    fn of_a_table(&self, site: &Policy<'p>, rule: &CallerRule) -> Vec<Member<'p>> {
        let own = Member::of(site, rule);
        let gone = own.as_ref().and_then(Member::without_its_group);
        let mut all = Vec::new();
        for own in [own].into_iter().chain(gone.map(Some)) {
            for one in &self.site {
                for two in &self.compiled {
                    all.extend(Member::of_all([&own, one, two].into_iter().flatten()));
                }
            }
        }
        all
    }
}

#[cfg(test)]
#[path = "ineffective_tests.rs"]
mod tests;
