//! What is looked at before: what is installed, whether it is in order, and what is known without
//! a plan.

use crate::exec::process::{Bounds, ask};
use crate::managers::host::PackageManager;
use crate::managers::inventory::Inventory;
use crate::managers::transaction::Transaction;
use crate::outcome::Outcome;
use crate::output::text::one_line;
use crate::packages::judge::{answered, simulated};
use crate::packages::planned::{Planned, Ready, nothing_to_do, whole};
use crate::packages::unfinished::{beyond_help, in_the_way};
use crate::packages::{kept, lists, provides, reasons};
use crate::plan::{PackageSteps, Plan};
use crate::request::action::{Maintenance, PackageAction};
use crate::request::code::{Code, Refusal};
use crate::request::name::PackageName;
use crate::request::operation::Operation;
use crate::request::ran::{Ended, Ran};
use std::path::Path;

/// Where pacman keeps what it knows of each package that is installed.
const PACMAN_RECORDS: &str = "/var/lib/pacman/local";

/// Asks the package manager what it would do, and judges it. What it said is as it said it.
pub fn looked_through(plan: &Plan, steps: &PackageSteps, bounds: Bounds) -> Planned {
    let done = |outcome: Outcome| Planned::Done(Box::new(outcome));
    let refused = |refusal: Refusal| done(Outcome::refused(refusal, None, None));
    let inventory = match inventory(plan, steps, bounds) {
        None => return Planned::Run(Box::default()),
        Some(Err(refusal)) => return refused(refusal),
        Some(Ok(inventory)) => inventory,
    };
    let name = steps.name.as_deref().map(|name| inventory.plain(name));
    if let Some(refusal) = in_the_way(plan, steps.manager, name, &inventory) {
        return refused(refusal);
    }
    if let Some(refusal) = in_part_recorded(steps.manager, name, &inventory) {
        return refused(refusal);
    }
    if let Some(verdict) = known_beforehand(plan, steps.manager, name, &inventory) {
        let warnings = match verdict {
            Ok(()) => not_removed(plan, steps.manager, name, &inventory),
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
    let simulated = match simulated(plan, steps, simulation, &inventory, bounds) {
        Err(instead) => return instead,
        Ok(simulated) => simulated,
    };
    let (transaction, name) = (simulated.transaction, simulated.name);
    let some = name.as_deref();
    if let Some(name) = some
        && let Some(refusal) =
            beyond_help(plan, steps.manager, name, &inventory, !transaction.is_empty())
    {
        return done(Outcome { plan: Some(transaction), ..Outcome::refused(refusal, None, None) });
    }
    let mut warnings = match (operation_of_all(plan), steps.manager) {
        (true, PackageManager::Apt) => kept::by_apt(&simulated.printed, &inventory),
        _ => Vec::new(),
    };
    // Where part of a package is there, apt has still something to do for it.
    let in_part = some.is_some_and(|name| inventory.unfinished(name).is_some());
    if transaction.is_empty() && !in_part {
        let verdict = some.and_then(|name| {
            not_installed(plan, steps.manager, name, &inventory)
                .or_else(|| only_foreign(plan, name, &inventory))
                .or_else(|| {
                    not_of_that_name(plan, steps.manager, name, &inventory, &simulated.printed)
                })
        });
        let verdict = verdict.or_else(|| lists::nothing_known(plan, steps.manager));
        let verdict = verdict.map_or(Ok(()), Err);
        if verdict.is_ok() {
            warnings.extend(not_removed(plan, steps.manager, some, &inventory));
        }
        let plan = Some(transaction);
        return done(Outcome { plan, warnings, ..nothing_to_do(verdict) });
    }
    let transaction = Some(transaction);
    let inventory = Some(inventory);
    Planned::Run(Box::new(Ready { transaction, name, inventory, warnings, ..ready }))
}

fn operation_of_all(plan: &Plan) -> bool {
    plan.request().operation.maintenance() == Some(Maintenance::Upgrade)
}

/// What is there all the same, where the package that was to go is not.
fn not_removed(
    plan: &Plan,
    manager: PackageManager,
    name: Option<&str>,
    inventory: &Inventory,
) -> Vec<String> {
    let removes = matches!(
        plan.request().operation,
        Operation::Package { action: PackageAction::Remove, .. }
    );
    let Some(name) = name.filter(|name| removes && !inventory.has_some(name)) else {
        return Vec::new();
    };
    let instead = provides::told(manager, name);
    instead
        .map(|instead| format!("{name} is not installed; {instead}, and stays"))
        .into_iter()
        .collect()
}

/// What is installed; none where the operation does not ask.
pub fn inventory(
    plan: &Plan,
    steps: &PackageSteps,
    bounds: Bounds,
) -> Option<Result<Inventory, Refusal>> {
    let ran = ask(steps.commands.inventory.as_ref()?, whole(bounds));
    let answered = answered(plan, &ran).map_err(|refusal| unreadable(steps.manager, &ran, refusal));
    Some(answered.map(|()| Inventory::parse(steps.manager, &ran.stdout)))
}

/// The package manager can not say what is installed: its own words have the file and the line, or
/// the folder, on several lines.
fn unreadable(manager: PackageManager, ran: &Ran, refusal: Refusal) -> Refusal {
    if !matches!(ran.ended, Ended::Exited(_)) || ran.stdout_truncated {
        return refusal;
    }
    let words: Vec<&str> = ran.stderr.lines().map(str::trim).collect();
    Refusal::new(Code::CommandFailed, "the package manager can not read what is installed")
        .said(one_line(&words.join(" "), 300))
        .hint(match manager {
            PackageManager::Apt => "nothing was changed; an administrator corrects that file: how it was before is in /var/lib/dpkg/status-old and /var/backups",
            PackageManager::Pacman => "nothing was changed; an administrator corrects that, or what /etc/pacman.conf says of it",
        })
}

/// Refuses what pacman would do by halves, since its own record of the package is not whole: without
/// it pacman takes the package away and leaves its files.
fn in_part_recorded(
    manager: PackageManager,
    name: Option<&str>,
    inventory: &Inventory,
) -> Option<Refusal> {
    let name = name.filter(|_| manager == PackageManager::Pacman)?;
    let record = format!("{PACMAN_RECORDS}/{name}-{}", inventory.get(name)?.version);
    let record = Path::new(&record);
    let is_lost = |file: &&str| record.exists() && !record.join(file).exists();
    let lost = ["desc", "files"].into_iter().find(is_lost)?;
    let error = format!(
        "pacman's own record of {name} is not whole: {} is not there",
        record.join(lost).display()
    );
    Some(Refusal::new(Code::PlanRefused, error).hint(format!(
        "an administrator takes that folder away and has it written anew: rm -r {}; pacman --sync --overwrite '*' {name}", record.display()
    )))
}

/// What needs no plan: what is there already, or is not.
fn known_beforehand(
    plan: &Plan,
    manager: PackageManager,
    name: Option<&str>,
    inventory: &Inventory,
) -> Option<Result<(), Refusal>> {
    let (name, Operation::Package { action, .. }) = (name?, &plan.request().operation) else {
        return None;
    };
    let is_gone = || {
        inventory.is_known(name) && !inventory.has_some(name) && inventory.foreign(name).is_empty()
    };
    match action {
        PackageAction::Install if inventory.has(name) => Some(Ok(())),
        PackageAction::Remove if is_gone() => Some(Ok(())),
        // pacman would install it.
        PackageAction::Upgrade if manager == PackageManager::Pacman => {
            not_installed(plan, manager, name, inventory).map(Err)
        }
        _ => None,
    }
}

/// What there is no upgrade for.
fn not_installed(
    plan: &Plan,
    manager: PackageManager,
    name: &str,
    inventory: &Inventory,
) -> Option<Refusal> {
    let Operation::Package { action: PackageAction::Upgrade, name: asked, .. } =
        &plan.request().operation
    else {
        return None;
    };
    let asked = asked.as_str();
    (!inventory.has_some(name)).then(|| {
        let error = match inventory.foreign(name).as_slice() {
            [] => {
                let instead = provides::told(manager, name);
                let instead = instead.map(|instead| format!("; {instead}")).unwrap_or_default();
                format!("{asked} is not installed, so it can not be upgraded{instead}")
            }
            foreign => format!(
                "{asked} is not installed, so it can not be upgraded; {} is there",
                foreign.join(", ")
            ),
        };
        Refusal::new(Code::CommandFailed, error)
            .hint(format!("to install it: sm-helper package install {asked}"))
    })
}

/// What apt does not remove, since it takes the name for the package of the host's architecture.
fn only_foreign(plan: &Plan, name: &str, inventory: &Inventory) -> Option<Refusal> {
    let removes = matches!(
        plan.request().operation,
        Operation::Package { action: PackageAction::Remove, .. }
    );
    let foreign = inventory.foreign(name);
    (removes && !foreign.is_empty() && !inventory.has_some(name)).then(|| {
        let foreign = foreign.join(" ");
        let error = format!(
            "{name} is not installed for the architecture of this host, which is what the name means; {foreign} is there, and stays"
        );
        Refusal::new(Code::PlanRefused, error)
            .hint(format!("an administrator removes it: apt-get remove {foreign}"))
    })
}

/// What apt does not install, since another package that is there says that it provides it.
fn not_of_that_name(
    plan: &Plan,
    manager: PackageManager,
    name: &str,
    inventory: &Inventory,
    printed: &str,
) -> Option<Refusal> {
    let installs = matches!(
        plan.request().operation,
        Operation::Package { action: PackageAction::Install, .. }
    );
    (installs && !inventory.has_some(name)).then(|| {
        let instead = reasons::instead(printed, name)
            .map(|instead| format!("{instead}, which is there, provides it"))
            .or_else(|| provides::told(manager, name))
            .unwrap_or_else(|| "another one, which is there, provides it".to_owned());
        let error = format!("there is no package {name}; {instead}");
        Refusal::new(Code::PlanRefused, error)
            .hint("ask for the package by its own name, if the policy allows it")
    })
}

/// The names that a query printed, one a line, as input for another command.
fn names_in(asked: &Ran) -> Result<String, Refusal> {
    let strange = |why: &str| {
        Refusal::new(Code::CommandFailed, format!("the package manager's list of names {why}"))
    };
    // pacman exits 1 where the list is empty.
    match asked.ended {
        Ended::Exited(0) => {}
        Ended::Exited(1) if asked.stdout.trim().is_empty() => return Ok(String::new()),
        _ => return Err(strange("could not be read")),
    }
    if asked.stdout_truncated {
        return Err(strange("is too long"));
    }
    match asked.stdout.lines().find(|name| PackageName::parse(name.as_bytes()).is_err()) {
        Some(name) => Err(strange("holds what is no name").said(one_line(name, 80))),
        None => Ok(asked.stdout.clone()),
    }
}
