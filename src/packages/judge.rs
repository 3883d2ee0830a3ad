//! What an operation would change, and whether it may.

use crate::exec::context::verdict;
use crate::exec::process::{AtDeadline, Bounds, Options, ask, run};
use crate::managers::argv::Argv;
use crate::managers::host::PackageManager;
use crate::managers::inventory::{Inventory, Unfinished};
use crate::managers::transaction::{self, Transaction, is_held_by_pacman};
use crate::outcome::Outcome;
use crate::output::text::one_line;
use crate::packages::hooks::{self, Hook};
use crate::packages::planned::{NO, Planned, QUESTIONS, whole};
use crate::packages::reasons::{self, Reason};
use crate::packages::unfinished::{for_want_of, way_out};
use crate::packages::{lists, locks};
use crate::plan::{PackageSteps, Plan};
use crate::request::action::PackageAction;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::ran::{Ended, Ran};
use std::collections::HashSet;

/// What a simulation found.
pub struct Simulated {
    /// What would change.
    pub transaction: Transaction,
    /// What the package manager takes the name for; none where there is no name.
    pub name: Option<String>,
    /// What it printed.
    pub printed: String,
}

/// Whether the package manager has answered a question, and the whole of the answer is there.
pub fn answered(plan: &Plan, ran: &Ran) -> Result<(), Refusal> {
    if ran.stdout_truncated {
        return Err(Refusal::new(
            Code::PlanRefused,
            format!("`{}` would change more than can be looked through", plan.request().operation),
        )
        .hint("an administrator does this one"));
    }
    match ran.ended {
        Ended::Exited(0) => Ok(()),
        // pacman's way of saying that nothing is installed; it warns of settings it does not know.
        Ended::Exited(1) if ran.stdout.is_empty() && only_warns(&ran.stderr) => Ok(()),
        Ended::Late => Err(Refusal::new(
            Code::Timeout,
            format!("the package manager did not say what it would do within {} s", plan.timeout()),
        )
        .hint("nothing was changed; try again")),
        _ => verdict(plan, ran),
    }
}

fn only_warns(stderr: &str) -> bool {
    stderr.lines().all(|line| line.starts_with("warning: "))
}

/// What the operation would change, unless it is something that it should not.
pub fn simulated(
    plan: &Plan,
    steps: &PackageSteps,
    simulation: &Argv,
    inventory: &Inventory,
    bounds: Bounds,
) -> Result<Simulated, Planned> {
    let operation = &plan.request().operation;
    let done = |outcome: Outcome| Planned::Done(Box::new(outcome));
    let refused = |refusal: Refusal, transaction: Transaction| {
        done(Outcome { plan: Some(transaction), ..Outcome::refused(refusal, None, None) })
    };
    let asked = steps.name.as_deref().map(|name| inventory.plain(name));
    let mut work = None;
    let mut look = || work = hooks::at_work();
    let late = AtDeadline::EndAfter(&mut look);
    let ran = run(simulation, whole(bounds), Options { input: None, late, backchannel: None });
    let held = is_held_by_pacman(&ran.stdout);
    if ran.ended != Ended::Exited(0) && held {
        let error = format!("`{operation}` would remove what HoldPkg in pacman.conf holds");
        let refusal = Refusal::new(Code::PlanRefused, error)
            .hint("an administrator holds it on purpose, and does this one");
        let removal = Transaction::removal_of(asked.unwrap_or_default(), inventory);
        return Err(refused(refusal, removal));
    }
    if is_gone_already(plan, asked, inventory, &ran) {
        return Ok(Simulated {
            transaction: Transaction::default(),
            name: asked.map(str::to_owned),
            printed: String::new(),
        });
    }
    if let Err(refusal) = answered(plan, &ran) {
        let refusal = match work.filter(|_| ran.ended == Ended::Late) {
            Some(work) => held_up(refusal, &work),
            None => refusal,
        };
        let reason = Reason::find(steps.manager, &ran.stdout, &ran.stderr);
        return Err(match reason.filter(|_| !ran.stdout_truncated) {
            Some(reason) => {
                let refusal = no_way(plan, steps.manager, asked, reason, inventory);
                refused(refusal, Transaction::default())
            }
            None => {
                let refusal = explained(plan, steps, inventory, &ran, refusal);
                // Once more, within the bounds of a reply; what was late would be late again.
                let ran = match ran.ended {
                    Ended::Late => Ran { ended: Ended::Late, ..Ran::nothing() },
                    _ => ask(simulation, bounds),
                };
                done(Outcome::refused(refusal, Some(ran), None))
            }
        });
    }
    let mut transaction = Transaction::parse(steps.manager, operation, inventory, &ran.stdout);
    if let Some(questions) = steps.commands.questions.as_ref().filter(|_| !transaction.is_empty()) {
        let input = Some(NO.repeat(QUESTIONS));
        let asked = run(
            questions,
            whole(bounds),
            Options { input, late: AtDeadline::End, backchannel: None },
        );
        if locks::was_too_late(steps.manager, &asked) {
            return Err(Planned::Overtaken);
        }
        // What it asks is on standard error, where it waits for an answer.
        transaction = transaction.with_questions(&asked.stderr, inventory);
    }
    let automatic: HashSet<String> = match &steps.commands.automatic {
        Some(query) if transaction.remove.len() > 1 => {
            let ran = ask(query, whole(bounds));
            answered(plan, &ran).map_err(|refusal| done(Outcome::refused(refusal, None, None)))?;
            ran.stdout.lines().map(str::to_owned).collect()
        }
        _ => HashSet::new(),
    };
    let name = asked.map(|name| meant(name, &transaction, inventory, &ran.stdout));
    let judged = transaction.judge(&transaction::Bounds {
        operation,
        name: name.as_deref(),
        inventory,
        removals: plan.approved().allow_removals(),
        may_go_along: &|name| {
            automatic.contains(name) || plan.approved().may_remove(name, steps.manager)
        },
    });
    match judged {
        Ok(()) => Ok(Simulated { transaction, name, printed: ran.stdout }),
        Err(refusal) => Err(refused(refusal, transaction)),
    }
}

/// Whether pacman refuses to remove what is not there. Asked first, since the name can be that of
/// a group (`pacman(8)`, `--remove`).
fn is_gone_already(plan: &Plan, name: Option<&str>, inventory: &Inventory, ran: &Ran) -> bool {
    let Some(name) = name else { return false };
    let removes = matches!(
        plan.request().operation,
        Operation::Package { action: PackageAction::Remove, .. }
    );
    let is_missing = |line: &str| line.strip_prefix("error: target not found: ") == Some(name);
    removes && !inventory.has_some(name) && ran.stderr.lines().any(is_missing)
}

/// What the package manager takes a name for: where there is no package of that name for the
/// host's architecture, apt takes the one for another.
fn meant(name: &str, transaction: &Transaction, inventory: &Inventory, printed: &str) -> String {
    let foreign = format!("{name}:");
    let is_foreign = |found: &str| found.starts_with(&foreign);
    if inventory.has_some(name) || transaction.names().any(|found| found == name) {
        return name.to_owned();
    }
    let changed = transaction.names().find(|found| is_foreign(found)).map(str::to_owned);
    let there = || reasons::instead(printed, name).filter(|found| is_foreign(found));
    changed.or_else(there).unwrap_or_else(|| name.to_owned())
}

/// It waits for a command that never ends: to try again is to wait again.
fn held_up(refusal: Refusal, work: &str) -> Refusal {
    refusal.said(format!("it waits for: {work}")).hint(
        "nothing was changed; an administrator looks why that takes so long: apt-config dump names the commands that apt runs",
    )
}

/// What else a simulation can fail for.
fn explained(
    plan: &Plan,
    steps: &PackageSteps,
    inventory: &Inventory,
    ran: &Ran,
    refusal: Refusal,
) -> Refusal {
    if let Some(hook) = Hook::failed(&ran.stderr) {
        return hooks::failed(&plan.main().short(), &hook, "");
    }
    // `E: The package NAME needs to be reinstalled, but I can't find an archive for it.`
    let lacks_archive = ran.stderr.lines().find_map(|line| {
        let rest = line.strip_prefix("E: The package ")?;
        rest.split_once(" needs to be reinstalled, but ").map(|(name, _)| name)
    });
    match lacks_archive {
        Some(name) => {
            refusal.hint(way_out(plan, steps.manager, inventory, &[(name, Unfinished::Broken)]))
        }
        None => lists::too_old(plan, steps.manager, ran, refusal),
    }
}

fn no_way(
    plan: &Plan,
    manager: PackageManager,
    name: Option<&str>,
    reason: Reason,
    inventory: &Inventory,
) -> Refusal {
    match reason {
        Reason::Unmet(unmet) => {
            let is_there = |(name, _): &&(String, String)| inventory.has_some(name);
            let culprit = unmet.iter().find(is_there).or(unmet.first());
            let (package, relation) = culprit.cloned().unwrap_or_default();
            let error = format!(
                "`{}` can not be done, since the packages of this host are not in order",
                plan.request().operation
            );
            Refusal::new(Code::PlanRefused, error)
                .said(one_line(&format!("{package} : {relation}"), 300))
                .hint(for_want_of(plan, manager, inventory, &package))
        }
        Reason::Breaks(why) => {
            let error = format!(
                "`{}` can not be done without breaking something",
                plan.request().operation
            );
            Refusal::new(Code::PlanRefused, error)
                .said(why)
                .hint("an administrator decides what has to give way")
        }
        Reason::Virtual(providers) => {
            let error = format!(
                "there is no package {}; more than one provides it: {}",
                name.unwrap_or_default(),
                reasons::told(&providers, inventory)
            );
            Refusal::new(Code::PlanRefused, error)
                .hint("ask for one of them by its own name, if the policy allows it")
        }
    }
}
