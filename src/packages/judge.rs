//! What an operation would change, and whether it may.

use crate::exec::context::verdict;
use crate::exec::process::{AtDeadline, Bounds, Options, ask, run};
use crate::managers::argv::Argv;
use crate::managers::asked::Asked;
use crate::managers::inventory::Inventory;
use crate::managers::reason::Reason;
use crate::managers::transaction::Transaction;
use crate::outcome::Outcome;
use crate::output::text::one_line;
use crate::packages::at_work::at_work;
use crate::packages::planned::{NO, Planned, QUESTIONS, whole};
use crate::packages::work::Work;
use crate::packages::{expected, lists, reasons};
use crate::request::action::PackageAction;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::ran::{Ended, Ran};
use std::collections::HashSet;

/// What a simulation found.
pub struct Simulated {
    /// What would change.
    pub transaction: Transaction,
    /// What the package manager takes the name for; none if there is no name.
    pub name: Option<String>,
    /// What it printed.
    pub printed: String,
}

/// Whether the package manager has answered a question, and the whole of the answer is there.
pub fn answered(work: &Work<'_>, ran: &Ran) -> Result<(), Refusal> {
    if ran.stdout_truncated {
        return Err(Refusal::new(
            Code::PlanRefused,
            format!("`{}` would change more than can be checked", work.operation()),
        )
        .hint("only an administrator should do this"));
    }
    match ran.ended {
        Ended::Exited(0) => Ok(()),
        _ if work.manager().says_nothing(ran) => Ok(()),
        Ended::Late => Err(Refusal::new(
            Code::Timeout,
            format!(
                "the package manager did not say within {} s what it would do",
                work.plan.timeout()
            ),
        )
        .hint("nothing was changed; try again")),
        _ => verdict(work.plan, ran),
    }
}

/// What the operation would change, unless it is something that it should not.
pub fn simulated(
    work: &Work<'_>,
    simulation: &Argv,
    inventory: &Inventory,
    bounds: Bounds,
) -> Result<Simulated, Planned> {
    let (plan, steps, manager) = (work.plan, work.steps, work.manager());
    let operation = work.operation();
    let done = |outcome: Outcome| Planned::Done(Box::new(outcome));
    let refused = |refusal: Refusal, transaction: Transaction| {
        done(Outcome { plan: Some(transaction), ..Outcome::refused(refusal, None, None) })
    };
    let asked = steps.name.as_deref().map(|name| inventory.plain(name));
    let mut waits = None;
    let mut look = || waits = at_work(manager);
    let late = AtDeadline::EndAfter(&mut look);
    let ran = run(
        simulation,
        whole(bounds),
        Options { input: None, late, backchannel: None, follow: None },
    );
    if let Some(refusal) = manager.held(operation, &ran) {
        let removal = Transaction::removal_of(asked.unwrap_or_default(), inventory);
        return Err(refused(refusal, removal));
    }
    if is_gone_already(work, asked, inventory, &ran) {
        return Ok(Simulated {
            transaction: Transaction::default(),
            name: asked.map(str::to_owned),
            printed: String::new(),
        });
    }
    if let Err(refusal) = answered(work, &ran) {
        let refusal = match waits.filter(|_| ran.ended == Ended::Late) {
            Some(waits) => held_up(work, refusal, &waits),
            None => refusal,
        };
        let reason = manager.no_way(&ran.stdout, &ran.stderr);
        return Err(match reason.filter(|_| !ran.stdout_truncated) {
            Some(reason) => {
                let refusal = no_way(work, asked, reason, inventory);
                refused(refusal, Transaction::default())
            }
            None => {
                let refusal = lists::too_old(
                    work,
                    &ran,
                    manager.explained_simulation(work, inventory, &ran, refusal),
                );
                // Once more, within the bounds of a reply; what was late would be late again.
                let ran = match ran.ended {
                    Ended::Late => Ran { ended: Ended::Late, ..Ran::nothing() },
                    _ => ask(simulation, bounds),
                };
                done(Outcome::refused(refusal, Some(ran), None))
            }
        });
    }
    let mut transaction = manager.transaction(operation, inventory, &ran.stdout);
    if let Some(questions) = steps.commands.questions.as_ref().filter(|_| !transaction.is_empty()) {
        let input = Some(NO.repeat(QUESTIONS));
        let asked = run(
            questions,
            whole(bounds),
            Options { input, late: AtDeadline::End, backchannel: None, follow: None },
        );
        if manager.was_too_late(&asked) {
            return Err(Planned::Overtaken);
        }
        // What it asks is on standard error, where it waits for an answer.
        transaction = manager.with_questions(transaction, &asked.stderr, inventory);
    }
    let automatic: HashSet<String> = match &steps.commands.automatic {
        Some(query) if transaction.remove.len() > 1 => {
            let ran = ask(query, whole(bounds));
            answered(work, &ran).map_err(|refusal| done(Outcome::refused(refusal, None, None)))?;
            ran.stdout.lines().map(str::to_owned).collect()
        }
        _ => HashSet::new(),
    };
    let name = asked.map(|name| resolved(work, name, &transaction, inventory, &ran.stdout));
    let judged = expected::judge(
        &transaction,
        &expected::Bounds {
            manager,
            operation,
            name: name.as_deref(),
            inventory,
            removals: plan.approved().allow_removals(),
            may_go_along: &|name| automatic.contains(name) || work.may_remove(name),
        },
    );
    match judged {
        Ok(()) => Ok(Simulated { transaction, name, printed: ran.stdout }),
        Err(refusal) => Err(refused(refusal, transaction)),
    }
}

/// Whether the package manager refuses to remove what is not there.
fn is_gone_already(work: &Work<'_>, name: Option<&str>, inventory: &Inventory, ran: &Ran) -> bool {
    let Some(name) = name else { return false };
    let removes =
        matches!(work.operation(), Operation::Package { action: PackageAction::Remove, .. });
    removes && !inventory.has_some(name) && work.manager().is_missing(name, &ran.stderr)
}

/// What the package manager takes a name for: if there is no package of that name for the
/// host's architecture, the one for another may be meant.
fn resolved(
    work: &Work<'_>,
    name: &str,
    transaction: &Transaction,
    inventory: &Inventory,
    printed: &str,
) -> String {
    let foreign = format!("{name}:");
    let is_foreign = |found: &str| found.starts_with(&foreign);
    if inventory.has_some(name) || transaction.names().any(|found| found == name) {
        return name.to_owned();
    }
    let changed = transaction.names().find(|found| is_foreign(found)).map(str::to_owned);
    let there = || work.manager().instead(printed, name).filter(|found| is_foreign(found));
    changed.or_else(there).unwrap_or_else(|| name.to_owned())
}

/// It waits for a command that never ends: to try again is to wait again.
fn held_up(work: &Work<'_>, refusal: Refusal, waits: &str) -> Refusal {
    let look = work.manager().looks_for_what_it_waits();
    refusal.detail(format!("it waits for: {waits}")).hint(format!(
        "nothing was changed; an administrator should find out why that takes so long: {look}"
    ))
}

fn no_way(work: &Work<'_>, name: Option<&str>, reason: Reason, inventory: &Inventory) -> Refusal {
    match reason {
        Reason::Unmet(unmet) => {
            let is_there = |(name, _): &&(String, String)| inventory.has_some(name);
            let culprit = unmet.iter().find(is_there).or(unmet.first());
            let (package, relation) = culprit.cloned().unwrap_or_default();
            let error = format!(
                "`{}` cannot be done, because this host's packages are in a broken state",
                work.operation()
            );
            Refusal::new(Code::PlanRefused, error)
                .detail(one_line(&format!("{package} : {relation}"), 300))
                .hint(work.manager().for_want_of(work, inventory, &package))
        }
        Reason::Breaks(cause) => {
            let error = format!("`{}` cannot be done without breaking something", work.operation());
            Refusal::new(Code::PlanRefused, error)
                .detail(cause)
                .hint("an administrator has to decide what to remove")
        }
        Reason::Virtual(providers) => {
            let error = format!(
                "there is no package {}; more than one provides it: {}",
                name.unwrap_or_default(),
                reasons::message(&providers, inventory)
            );
            Refusal::new(Code::PlanRefused, error)
                .hint("ask for one of them by its own name, if the policy allows it")
        }
    }
}
