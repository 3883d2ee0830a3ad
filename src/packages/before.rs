//! What is looked at before: what is installed, whether it is in order, and what is known without
//! a plan.

use crate::exec::process::{Bounds, ask};
use crate::managers::asked::Asked;
use crate::managers::inventory::Inventory;
use crate::managers::manager::Manager;
use crate::managers::transaction::Transaction;
use crate::outcome::Outcome;
use crate::output::text::one_line;
use crate::packages::judge::{answered, simulated};
use crate::packages::planned::{Planned, Ready, nothing_to_do, whole};
use crate::packages::unfinished::beyond_help;
use crate::packages::work::Work;
use crate::packages::{kept, lists, provides};
use crate::request::action::{Maintenance, PackageAction};
use crate::request::code::{Code, Refusal};
use crate::request::name::PackageName;
use crate::request::operation::Operation;
use crate::request::ran::{Ended, Ran};

/// Asks the package manager what it would do, and judges it. What it said is as it said it.
pub fn looked_through(work: &Work<'_>, bounds: Bounds) -> Planned {
    let (steps, manager) = (work.steps, work.manager());
    let done = |outcome: Outcome| Planned::Done(Box::new(outcome));
    let refused = |refusal: Refusal| done(Outcome::refused(refusal, None, None));
    let inventory = match inventory(work, bounds) {
        None => return Planned::Run(Box::default()),
        Some(Err(refusal)) => return refused(refusal),
        Some(Ok(inventory)) => inventory,
    };
    let name = steps.name.as_deref().map(|name| inventory.plain(name));
    if let Some(refusal) = manager.in_the_way(work, name, &inventory) {
        return refused(refusal);
    }
    if let Some(verdict) = known_beforehand(work, name, &inventory) {
        let warnings = match verdict {
            Ok(()) => not_removed(work, name, &inventory),
            Err(_) => Vec::new(),
        };
        let plan = Some(Transaction::default());
        return done(Outcome { plan, warnings, ..nothing_to_do(verdict) });
    }
    let mut input = None;
    if let Some(query) = &steps.commands.names {
        match names_in(&ask(query, whole(bounds))) {
            Err(refusal) => return refused(refusal),
            Ok(names) if names.is_empty() => return done(nothing_to_do(Ok(()))),
            Ok(names) => input = Some(names),
        }
    }
    let ready = Ready { input, ..Ready::default() };
    let Some(simulation) = &steps.commands.simulation else {
        let name = name.map(str::to_owned);
        return Planned::Run(Box::new(Ready { name, inventory: Some(inventory), ..ready }));
    };
    let simulated = match simulated(work, simulation, &inventory, bounds) {
        Err(instead) => return instead,
        Ok(simulated) => simulated,
    };
    let (transaction, name) = (simulated.transaction, simulated.name);
    let some = name.as_deref();
    if let Some(name) = some
        && let Some(refusal) = beyond_help(work, name, &inventory, !transaction.is_empty())
    {
        return done(Outcome { plan: Some(transaction), ..Outcome::refused(refusal, None, None) });
    }
    let mut warnings = match work.operation().maintenance() {
        Some(Maintenance::Upgrade) => {
            kept::at_most(manager.kept_beforehand(&simulated.printed, &inventory))
        }
        _ => Vec::new(),
    };
    // If part of a package is there, there is still something to do for it.
    let in_part = some.is_some_and(|name| inventory.unfinished(name).is_some());
    if transaction.is_empty() && !in_part {
        let verdict = some.and_then(|name| {
            not_installed(work, name, &inventory)
                .or_else(|| only_foreign(work, name, &inventory))
                .or_else(|| not_of_that_name(work, name, &inventory, &simulated.printed))
        });
        let verdict = verdict.or_else(|| lists::nothing_known(work));
        let verdict = verdict.map_or(Ok(()), Err);
        if verdict.is_ok() {
            warnings.extend(not_removed(work, some, &inventory));
        }
        let plan = Some(transaction);
        return done(Outcome { plan, warnings, ..nothing_to_do(verdict) });
    }
    let transaction = Some(transaction);
    let inventory = Some(inventory);
    Planned::Run(Box::new(Ready { transaction, name, inventory, warnings, ..ready }))
}

/// What is there all the same, if the package that was to go is not.
fn not_removed(work: &Work<'_>, name: Option<&str>, inventory: &Inventory) -> Vec<String> {
    let removes =
        matches!(*work.operation(), Operation::Package { action: PackageAction::Remove, .. });
    let Some(name) = name.filter(|name| removes && !inventory.has_some(name)) else {
        return Vec::new();
    };
    let instead = provides::message(work.manager(), name);
    instead
        .map(|instead| format!("{name} is not installed; {instead}, and stays"))
        .into_iter()
        .collect()
}

/// What is installed; none if the operation does not ask.
pub fn inventory(work: &Work<'_>, bounds: Bounds) -> Option<Result<Inventory, Refusal>> {
    let manager = work.manager();
    let ran = ask(work.steps.commands.inventory.as_ref()?, whole(bounds));
    let answered = answered(work, &ran).map_err(|refusal| unreadable(manager, &ran, refusal));
    Some(answered.map(|()| manager.inventory(&ran.stdout)))
}

/// The package manager cannot say what is installed: its own words have the file and the line, or
/// the folder, on several lines.
fn unreadable(manager: Manager, ran: &Ran, refusal: Refusal) -> Refusal {
    if !matches!(ran.ended, Ended::Exited(_)) || ran.stdout_truncated {
        return refusal;
    }
    let words: Vec<&str> = ran.stderr.lines().map(str::trim).collect();
    Refusal::new(Code::CommandFailed, "the package manager cannot read what is installed")
        .detail(one_line(&words.join(" "), 300))
        .hint(manager.unreadable())
}

/// What needs no plan: what is there already, or is not.
fn known_beforehand(
    work: &Work<'_>,
    name: Option<&str>,
    inventory: &Inventory,
) -> Option<Result<(), Refusal>> {
    let (name, Operation::Package { action, .. }) = (name?, work.operation()) else {
        return None;
    };
    let is_gone = || {
        inventory.is_known(name) && !inventory.has_some(name) && inventory.foreign(name).is_empty()
    };
    match action {
        PackageAction::Install if inventory.has(name) => Some(Ok(())),
        PackageAction::Remove if is_gone() => Some(Ok(())),
        PackageAction::Upgrade if work.manager().upgrade_installs() => {
            not_installed(work, name, inventory).map(Err)
        }
        _ => None,
    }
}

/// What there is no upgrade for.
fn not_installed(work: &Work<'_>, name: &str, inventory: &Inventory) -> Option<Refusal> {
    let Operation::Package { action: PackageAction::Upgrade, name: asked, .. } = work.operation()
    else {
        return None;
    };
    let asked = asked.as_str();
    (!inventory.has_some(name)).then(|| {
        let error = match inventory.foreign(name).as_slice() {
            [] => {
                let instead = provides::message(work.manager(), name);
                let instead = instead.map(|instead| format!("; {instead}")).unwrap_or_default();
                format!("{asked} is not installed, so it cannot be upgraded{instead}")
            }
            foreign => format!(
                "{asked} is not installed, so it cannot be upgraded; {} is installed",
                foreign.join(", ")
            ),
        };
        Refusal::new(Code::CommandFailed, error)
            .hint(format!("to install it: sm-helper package install {asked}"))
    })
}

/// What is not removed, since the package manager takes the name for the package of the host's architecture.
fn only_foreign(work: &Work<'_>, name: &str, inventory: &Inventory) -> Option<Refusal> {
    let removes =
        matches!(*work.operation(), Operation::Package { action: PackageAction::Remove, .. });
    let foreign = inventory.foreign(name);
    (removes && !foreign.is_empty() && !inventory.has_some(name)).then(|| {
        let foreign = foreign.join(" ");
        let error = format!(
            "{name} is not installed for this host's architecture, which is what the name means; {foreign} is installed, and stays"
        );
        Refusal::new(Code::PlanRefused, error)
            .hint(format!(
                "an administrator can remove it: {}",
                work.manager().remove_by_hand(&foreign)
            ))
    })
}

/// What is not installed, since another package that is there says that it provides it.
fn not_of_that_name(
    work: &Work<'_>,
    name: &str,
    inventory: &Inventory,
    printed: &str,
) -> Option<Refusal> {
    let installs =
        matches!(*work.operation(), Operation::Package { action: PackageAction::Install, .. });
    (installs && !inventory.has_some(name)).then(|| {
        let instead = work
            .manager()
            .instead(printed, name)
            .map(|instead| format!("{instead}, which is installed, provides it"))
            .or_else(|| provides::message(work.manager(), name))
            .unwrap_or_else(|| "another one, which is installed, provides it".to_owned());
        let error = format!("there is no package {name}; {instead}");
        Refusal::new(Code::PlanRefused, error)
            .hint("ask for the package by its own name, if the policy allows it")
    })
}

/// The names that a query printed, one a line, as input for another command.
fn names_in(asked: &Ran) -> Result<String, Refusal> {
    let strange = |reason: &str| {
        Refusal::new(Code::CommandFailed, format!("the package manager's list of names {reason}"))
    };
    // So may end what finds nothing.
    match asked.ended {
        Ended::Exited(0) => {}
        Ended::Exited(1) if asked.stdout.trim().is_empty() => return Ok(String::new()),
        _ => return Err(strange("could not be read")),
    }
    if asked.stdout_truncated {
        return Err(strange("is too long"));
    }
    match asked.stdout.lines().find(|name| PackageName::parse(name.as_bytes()).is_err()) {
        Some(name) => Err(strange("has something that is not a name").detail(one_line(name, 80))),
        None => Ok(asked.stdout.clone()),
    }
}
