//! Operations on packages: waited for, planned, judged, run.

use super::{Around, Outcome, verdict};
use crate::helper::codes::{Code, Refusal};
use crate::helper::host::PackageManager;
use crate::helper::inventory::{Inventory, Unfinished};
use crate::helper::locks;
use crate::helper::plan::{Argv, PackageSteps, Plan};
use crate::helper::process::{Bounds, Ended, How, Late, Ran, ask, run};
use crate::helper::request::Operation;
use crate::helper::secrets::masked;
use crate::helper::text::one_line;
use crate::helper::transaction::{self, Transaction, is_held_by_pacman, no_way};
use crate::policy::action::PackageAction;
use crate::policy::names::PackageName;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// What a question to the package manager may print, in bytes: some ten thousand packages.
const LARGEST_ANSWER: usize = 1 << 20;

/// How often a plan is made anew where others change the packages in between.
const MOST_PLANS: u32 = 10;

/// The answer to whatever pacman asks before it would begin. It must never be another one: the
/// last question is whether to go on.
const NO: &str = "n\n";
/// How many questions are answered; it has a handful.
const QUESTIONS: usize = 1000;

/// What came of the first half.
enum Planned {
    /// An operation that is to be run.
    Run(Box<Ready>),
    /// What is answered without.
    Done(Box<Outcome>),
    /// Somebody else began in between.
    Overtaken,
}

/// An operation that is to be run.
struct Ready {
    /// What it will change, where the package manager said so beforehand.
    transaction: Option<Transaction>,
    /// What was installed, where it was asked.
    inventory: Option<Inventory>,
    /// What it reads on standard input.
    input: Option<String>,
}

/// The plan alone.
pub fn only_plan(plan: &Plan, steps: &PackageSteps, bounds: Bounds) -> Outcome {
    match planned(plan, steps, bounds) {
        // pacman takes its lock to say what it would ask.
        Planned::Overtaken => {
            let at_work = locks::wait(steps.manager, None, Instant::now());
            let refusal = at_work.err().unwrap_or_else(locks::overtaken);
            Outcome::refused(refusal, None, None)
        }
        Planned::Done(outcome) => *outcome,
        Planned::Run(ready) => Outcome { plan: ready.transaction, ..nothing_to_do(Ok(())) },
    }
}

/// Everything else.
pub fn change(
    plan: &Plan,
    steps: &PackageSteps,
    bounds: Bounds,
    around: &mut Around<'_>,
) -> Outcome {
    let action = plan.request().operation.maintenance();
    let wait = Duration::from_secs(plan.approved().lock_seconds().into());
    let patience = (Instant::now() + wait).min(bounds.deadline);
    for _ in 0..MOST_PLANS {
        if let Err(refusal) = locks::wait(steps.manager, action, patience) {
            return Outcome::refused(refusal, None, None);
        }
        let state = State::of(steps.manager);
        let ready = match planned(plan, steps, bounds) {
            Planned::Overtaken => continue,
            Planned::Done(outcome) => return *outcome,
            Planned::Run(ready) => ready,
        };
        // What is run is what was planned.
        if State::of(steps.manager) != state {
            continue;
        }
        let outcome = begin(plan, steps, bounds, around, *ready);
        let was_too_late = |ran: &Ran| locks::was_too_late(steps.manager, ran);
        if !outcome.ran.as_ref().is_some_and(was_too_late) {
            return outcome;
        }
    }
    Outcome::refused(locks::overtaken(), None, None)
}

/// Asks the package manager what it would do, and judges it.
fn planned(plan: &Plan, steps: &PackageSteps, bounds: Bounds) -> Planned {
    let mut planned = looked_through(plan, steps, bounds);
    // What is looked through is not masked, since names are read from it; what is told of it is.
    if let Planned::Done(outcome) = &mut planned
        && let Err(refusal) = &mut outcome.verdict
        && bounds.mask_secrets
    {
        refusal.said = refusal.said.take().map(|said| masked(&said).into());
    }
    planned
}

/// The same, with what the package manager said as it said it.
fn looked_through(plan: &Plan, steps: &PackageSteps, bounds: Bounds) -> Planned {
    let whole = Bounds { output_bytes: LARGEST_ANSWER, mask_secrets: false, ..bounds };
    let done = |outcome: Outcome| Planned::Done(Box::new(outcome));
    let inventory = match &steps.inventory {
        None => {
            return Planned::Run(Box::new(Ready {
                transaction: None,
                inventory: None,
                input: None,
            }));
        }
        Some(argv) => {
            let ran = ask(argv, whole);
            match answered(plan, &ran) {
                Ok(()) => Inventory::parse(steps.manager, &ran.stdout),
                Err(refusal) => return done(Outcome::refused(refusal, None, None)),
            }
        }
    };
    let name = steps.name.as_deref();
    if let Some(refusal) = interrupted(steps.manager, name, &inventory) {
        return done(Outcome::refused(refusal, None, None));
    }
    if let Some(verdict) = known_beforehand(plan, steps.manager, name, &inventory) {
        return done(Outcome { plan: Some(Transaction::default()), ..nothing_to_do(verdict) });
    }
    let mut input = None;
    if let Some(query) = &steps.names {
        match names_in(&ask(query, whole)) {
            Err(refusal) => return done(Outcome::refused(refusal, None, None)),
            Ok(names) if names.is_empty() => return done(nothing_to_do(Ok(()))),
            Ok(names) => input = Some(names),
        }
    }
    let transaction = match &steps.simulation {
        None => None,
        Some(argv) => match simulated(plan, steps, argv, &inventory, whole, bounds) {
            Err(instead) => return instead,
            // Where part of a package is there, apt has still something to do for it.
            Ok(nothing) if nothing.is_empty() && !in_part(name, &inventory) => {
                let verdict = name.and_then(|name| {
                    not_installed(plan, name, &inventory)
                        .or_else(|| not_of_that_name(plan, name, &inventory))
                });
                let verdict = verdict.map_or(Ok(()), Err);
                return done(Outcome { plan: Some(nothing), ..nothing_to_do(verdict) });
            }
            Ok(transaction) => Some(transaction),
        },
    };
    Planned::Run(Box::new(Ready { transaction, inventory: Some(inventory), input }))
}

/// Nothing was run, since all is as it was asked for, or can not be.
fn nothing_to_do(verdict: Result<(), Refusal>) -> Outcome {
    Outcome { ran: Some(Ran::nothing()), changed: Some(false), ..Outcome::of(verdict) }
}

/// Whether the package manager has begun with a package and not come to an end.
fn in_part(name: Option<&str>, inventory: &Inventory) -> bool {
    name.is_some_and(|name| inventory.has_some(name) && !inventory.has(name))
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
    match action {
        PackageAction::Install if inventory.has(name) => Some(Ok(())),
        PackageAction::Remove if inventory.is_known(name) && !inventory.has_some(name) => {
            Some(Ok(()))
        }
        // pacman would install it.
        PackageAction::Upgrade if manager == PackageManager::Pacman => {
            not_installed(plan, name, inventory).map(Err)
        }
        _ => None,
    }
}

/// What there is no upgrade for.
fn not_installed(plan: &Plan, name: &str, inventory: &Inventory) -> Option<Refusal> {
    let Operation::Package { action: PackageAction::Upgrade, name: asked, .. } =
        &plan.request().operation
    else {
        return None;
    };
    let asked = asked.as_str();
    (!inventory.has_some(name)).then(|| {
        let error = format!("{asked} is not installed, so it can not be upgraded");
        Refusal::new(Code::CommandFailed, error)
            .hint(format!("to install it: sm-helper package install {asked}"))
    })
}

/// What apt does not install, since another package that is there says that it provides it.
fn not_of_that_name(plan: &Plan, name: &str, inventory: &Inventory) -> Option<Refusal> {
    let installs = matches!(
        plan.request().operation,
        Operation::Package { action: PackageAction::Install, .. }
    );
    (installs && !inventory.has_some(name)).then(|| {
        let error = format!("there is no package {name}; another that is there provides it");
        Refusal::new(Code::PlanRefused, error)
            .hint("ask for the package by its own name, if the policy allows it")
    })
}

/// What was begun and not finished, unless it is what is asked about.
fn interrupted(
    manager: PackageManager,
    name: Option<&str>,
    inventory: &Inventory,
) -> Option<Refusal> {
    let mut others = inventory.broken();
    others.retain(|(broken, _)| name != Some(*broken));
    let told: Vec<String> =
        others.iter().map(|(name, how)| format!("{name} is {}", how.word())).collect();
    let what = match (manager, told.is_empty()) {
        (_, false) => one_line(&told.join(", "), 300),
        (PackageManager::Apt, true) if has_journal() => "its journal is not empty".to_owned(),
        _ => return None,
    };
    let lost = others.iter().find(|(_, how)| *how == Unfinished::Unpacking);
    let hint = match lost {
        // Which configuring does not help with.
        Some((name, _)) => format!(
            "an administrator looks with: dpkg --audit, then: apt-get install --reinstall {name}, or: dpkg --remove {name}"
        ),
        None => "an administrator mends it with: dpkg --configure -a; where the policy grants it: sm-helper package repair".to_owned(),
    };
    let error = format!(
        "dpkg was interrupted in the middle: {what}; nothing else is done before that is mended"
    );
    Some(Refusal::new(Code::PlanRefused, error).hint(hint))
}

/// Whether dpkg was ended before it could write down where it was: then apt refuses too.
fn has_journal() -> bool {
    let updates = std::fs::read_dir("/var/lib/dpkg/updates").into_iter().flatten().flatten();
    let is_number = |name: &std::ffi::OsStr| {
        name.to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    };
    updates.map(|entry| entry.file_name()).any(|name| is_number(&name))
}

/// Whether the package manager has answered a question, and the whole of the answer is there.
fn answered(plan: &Plan, ran: &Ran) -> Result<(), Refusal> {
    if ran.stdout_truncated {
        return Err(Refusal::new(
            Code::PlanRefused,
            format!("`{}` would change more than can be looked through", plan.request().operation),
        )
        .hint("an administrator does this one"));
    }
    match ran.ended {
        Ended::Exited(0) => Ok(()),
        // pacman's way of saying that nothing is installed.
        Ended::Exited(1) if ran.stdout.is_empty() && ran.stderr.is_empty() => Ok(()),
        Ended::Late => Err(Refusal::new(
            Code::Timeout,
            format!("the package manager did not say what it would do within {} s", plan.timeout()),
        )
        .hint("nothing was changed; try again")),
        _ => verdict(plan, ran),
    }
}

/// What the operation would change, unless it is something that it should not.
fn simulated(
    plan: &Plan,
    steps: &PackageSteps,
    simulation: &Argv,
    inventory: &Inventory,
    whole: Bounds,
    bounds: Bounds,
) -> Result<Transaction, Planned> {
    let operation = &plan.request().operation;
    let done = |outcome: Outcome| Planned::Done(Box::new(outcome));
    let refused = |refusal: Refusal, transaction: Transaction| {
        done(Outcome { plan: Some(transaction), ..Outcome::refused(refusal, None, None) })
    };
    let ran = ask(simulation, whole);
    let held = is_held_by_pacman(&ran.stdout);
    if ran.ended != Ended::Exited(0) && held {
        let error = format!("`{operation}` would remove what HoldPkg in pacman.conf holds");
        let refusal = Refusal::new(Code::PlanRefused, error)
            .hint("an administrator holds it on purpose, and does this one");
        let name = steps.name.as_deref().unwrap_or_default();
        return Err(refused(refusal, Transaction::removal_of(name, inventory)));
    }
    if let Err(refusal) = answered(plan, &ran) {
        let why = no_way(steps.manager, &ran.stdout, &ran.stderr);
        return Err(match why.filter(|_| !ran.stdout_truncated) {
            Some(why) => {
                let error = format!("`{operation}` can not be done without breaking something");
                let refusal = Refusal::new(Code::PlanRefused, error)
                    .said(one_line(&why, 300))
                    .hint("an administrator decides what has to give way");
                refused(refusal, Transaction::default())
            }
            None => {
                // Once more, within the bounds of a reply.
                let ran = ask(simulation, bounds);
                done(Outcome::refused(refusal, Some(ran), None))
            }
        });
    }
    let mut transaction = Transaction::parse(steps.manager, operation, inventory, &ran.stdout);
    if let Some(questions) = steps.questions.as_ref().filter(|_| !transaction.is_empty()) {
        let input = Some(NO.repeat(QUESTIONS));
        let asked = run(questions, whole, How { input, late: Late::End, lifeline: None });
        if locks::was_too_late(steps.manager, &asked) {
            return Err(Planned::Overtaken);
        }
        // What it asks is on standard error, where it waits for an answer.
        transaction = transaction.with_questions(&asked.stderr, inventory);
    }
    let automatic: HashSet<String> = match &steps.automatic {
        Some(query) if transaction.remove.len() > 1 => {
            let ran = ask(query, whole);
            answered(plan, &ran).map_err(|refusal| done(Outcome::refused(refusal, None, None)))?;
            ran.stdout.lines().map(str::to_owned).collect()
        }
        _ => HashSet::new(),
    };
    let judged = transaction.judge(&transaction::Bounds {
        operation,
        name: steps.name.as_deref(),
        inventory,
        removals: plan.approved().allow_removals(),
        may_go_along: &|name| {
            automatic.contains(name) || plan.approved().may_remove(name, steps.manager)
        },
    });
    match judged {
        Ok(()) => Ok(transaction),
        Err(refusal) => Err(refused(refusal, transaction)),
    }
}

/// Runs it, now that it was planned.
fn begin(
    plan: &Plan,
    steps: &PackageSteps,
    bounds: Bounds,
    around: &mut Around<'_>,
    ready: Ready,
) -> Outcome {
    let Ready { transaction, inventory, input } = ready;
    let traces = || traces(steps.manager, plan);
    let before = traces();
    let answer = &mut *around.answer;
    let mut late = |so_far: Ran| {
        let refusal = Refusal::new(
            Code::Timeout,
            format!(
                "`{}` is not done after {} s; it is not interrupted and goes on",
                plan.main().short(),
                plan.timeout()
            ),
        )
        .hint("its end will be in the audit log under this request_id; ask for nothing else of the package manager until then");
        answer(Outcome {
            ran: Some(so_far),
            plan: transaction.clone(),
            changed: Some(before != traces()),
            ..Outcome::of(Err(refusal))
        });
    };
    let lifeline = Some(&mut around.lifeline);
    let ran = run(plan.main(), bounds, How { input, late: Late::GoOn(&mut late), lifeline });
    let changed = Some(before != traces());
    // pacman does not say beforehand all that it removes.
    let is_whole = |transaction: &Transaction| {
        steps.manager != PackageManager::Pacman
            || !transaction.removes_others(steps.name.as_deref())
    };
    let transaction = match (transaction.filter(is_whole), &steps.inventory, inventory) {
        // What could not be said beforehand is told afterwards.
        (None, Some(argv), Some(before)) => {
            let whole = Bounds {
                output_bytes: LARGEST_ANSWER,
                deadline: Instant::now() + Duration::from_secs(60),
                ..bounds
            };
            let ran = ask(argv, whole);
            let after = Inventory::parse(steps.manager, &ran.stdout);
            answered(plan, &ran).is_ok().then(|| Transaction::between(&before, &after))
        }
        (transaction, ..) => transaction,
    };
    let verdict = match verdict(plan, &ran) {
        Ok(()) => script_failed(steps.manager, &ran),
        refused => refused,
    };
    Outcome { ran: Some(ran), plan: transaction, changed, ..Outcome::of(verdict) }
}

/// pacman goes on where a script of a package fails, and says so: on standard error, where no
/// script can write.
fn script_failed(manager: PackageManager, ran: &Ran) -> Result<(), Refusal> {
    const SAID: &str = "error: command failed to execute correctly";
    if manager != PackageManager::Pacman || !ran.stderr.lines().any(|line| line == SAID) {
        return Ok(());
    }
    let last = ran.stdout.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(Refusal::new(
        Code::CommandFailed,
        "the packages were changed, but a script of one of them failed",
    )
    .said(one_line(last, 300))
    .hint("`stdout` in this reply has what the script wrote; pacman does not undo it"))
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

/// What each of these files holds, and what is in each of the folders.
type Traces = Vec<Option<[u8; 32]>>;

fn look_at(paths: &[&str]) -> Traces {
    let look = |path: &&str| match std::fs::read_dir(path) {
        Ok(entries) => Some(listing(entries)),
        // Not when it was written: dpkg writes it anew though nothing has changed.
        Err(_) => Some(Sha256::digest(std::fs::read(path).ok()?).into()),
    };
    paths.iter().map(look).collect()
}

/// The names in a folder, when each was changed and how large it is; save for locks and what is
/// half fetched, which who only looks can leave there.
fn listing(entries: std::fs::ReadDir) -> [u8; 32] {
    let row = |entry: std::fs::DirEntry| {
        let data = entry.metadata().ok()?;
        Some((entry.file_name(), data.modified().ok(), data.len()))
    };
    let rows = entries.flatten().filter_map(row);
    let mut rows: Vec<_> = rows.filter(|(name, ..)| name != "lock" && name != "partial").collect();
    rows.sort_unstable();
    Sha256::digest(format!("{rows:?}")).into()
}

/// What the package manager keeps, so far as its change can be seen at a glance.
fn traces(manager: PackageManager, plan: &Plan) -> Traces {
    let mut traces = look_at(manager.traces(plan.request().operation.maintenance()));
    // A journal that dpkg merges can hold what is written down already.
    traces.push(has_journal().then_some([0; 32]));
    traces
}

/// All that a plan rests on, so far as its change can be seen at a glance.
#[derive(PartialEq, Eq)]
struct State(Traces);

impl State {
    fn of(manager: PackageManager) -> Self {
        Self(look_at(manager.state()))
    }
}
