//! Operations on packages: waited for, planned, judged, run, and looked at afterwards.

pub mod after;
pub mod at_work;
pub mod before;
pub mod beside;
pub mod closed;
pub mod due;
pub mod expected;
pub mod judge;
pub mod kept;
pub mod kernels;
pub mod lists;
pub mod locks;
pub mod planned;
pub mod provides;
pub mod reasons;
pub mod states;
pub mod traces;
pub mod unfinished;
pub mod work;

use crate::exec::context::{OperationContext, verdict};
use crate::exec::follow::Teller;
use crate::exec::process::{AtDeadline, Bounds, Options, run};
use crate::managers::asked::Asked;
use crate::managers::inventory::Inventory;
use crate::managers::progress::Follower;
use crate::managers::transaction::Transaction;
use crate::outcome::Outcome;
use crate::output::secrets::masked;
use crate::packages::after::Done;
use crate::packages::at_work::at_work;
use crate::packages::before::{inventory, looked_through};
use crate::packages::beside::Beside;
use crate::packages::planned::{Planned, Ready, nothing_to_do};
use crate::packages::states::States;
use crate::packages::traces::Traces;
use crate::packages::work::Work;
use crate::plan::{PackageSteps, Plan};
use crate::request::action::Maintenance;
use crate::request::code::{Code, Refusal};
use crate::request::ran::Ran;
use crate::snapshots::around::{self, About, Begun};
use crate::snapshots::covered;
use std::time::{Duration, Instant};

/// How often a plan is made again if others change the packages in between.
const MOST_PLANS: u32 = 10;

/// How long what is installed may take to read if an operation is late already.
const LOOK_WHEN_LATE: Duration = Duration::from_secs(5);

/// The plan alone.
pub fn only_plan(plan: &Plan, steps: &PackageSteps, bounds: Bounds) -> Outcome {
    let work = &Work { plan, steps };
    match planned(work, bounds) {
        // To say what it would ask it may have to take its lock.
        Planned::Overtaken => {
            let at_work = locks::wait(steps.manager, None, Instant::now());
            let refusal = at_work.err().unwrap_or_else(locks::overtaken);
            Outcome::refused(refusal, None, None)
        }
        Planned::Done(outcome) => *outcome,
        Planned::Run(ready) => {
            let mut warnings = ready.warnings;
            if plan.approved().snapshots().packages {
                warnings.extend(covered::warnings(steps.manager, ready.transaction.as_ref()));
            }
            Outcome { plan: ready.transaction, warnings, ..nothing_to_do(Ok(())) }
        }
    }
}

/// Everything else.
pub fn change(
    plan: &Plan,
    steps: &PackageSteps,
    bounds: Bounds,
    context: &mut OperationContext<'_>,
) -> Outcome {
    let outcome = settled(plan, steps, bounds, context);
    // Also where it has failed, or nothing had to be done: what was replaced before still runs.
    let looked = outcome.changed.is_some().then(|| due::now(context.shown));
    let Some((due, unseen)) = looked else { return outcome };
    let warnings = outcome.warnings.iter().cloned().chain(unseen).collect();
    Outcome { due: Some(due), warnings, ..outcome }
}

fn settled(
    plan: &Plan,
    steps: &PackageSteps,
    bounds: Bounds,
    context: &mut OperationContext<'_>,
) -> Outcome {
    let work = &Work { plan, steps };
    let action = work.operation().maintenance();
    let wait = Duration::from_secs(plan.approved().lock_seconds().into());
    let patience = (Instant::now() + wait).min(bounds.deadline);
    for _ in 0..MOST_PLANS {
        if let Err(refusal) = locks::wait(steps.manager, action, patience) {
            return Outcome::refused(refusal, None, None);
        }
        let state = Traces::of_state(steps.manager);
        let ready = match planned(work, bounds) {
            Planned::Overtaken => continue,
            Planned::Done(outcome) => return *outcome,
            Planned::Run(ready) => ready,
        };
        // What is run is what was planned.
        if Traces::of_state(steps.manager) != state {
            continue;
        }
        let outcome = begin(work, bounds, context, *ready);
        let was_too_late = |ran: &Ran| work.manager().was_too_late(ran);
        if !outcome.ran.as_ref().is_some_and(was_too_late) {
            return outcome;
        }
    }
    Outcome::refused(locks::overtaken(), None, None)
}

/// Asks the package manager what it would do, and judges it.
fn planned(work: &Work<'_>, bounds: Bounds) -> Planned {
    let mut planned = looked_through(work, bounds);
    // What is looked through is not masked, since names are read from it; what is told of it is.
    if let Planned::Done(outcome) = &mut planned {
        mask(&mut outcome.verdict, bounds);
    }
    planned
}

/// What is told of a command's output is masked, if the policy wants that.
fn mask(verdict: &mut Result<(), Refusal>, bounds: Bounds) {
    if let Err(refusal) = verdict
        && bounds.mask_secrets
    {
        refusal.detail = refusal.detail.take().map(|message| masked(&message).into());
    }
}

/// Runs it, now that it was planned.
fn begin(
    work: &Work<'_>,
    bounds: Bounds,
    context: &mut OperationContext<'_>,
    ready: Ready,
) -> Outcome {
    let Work { plan, steps } = *work;
    let manager = work.manager();
    let Ready { transaction, name, inventory: installed, input, mut warnings } = ready;
    let beside = work.operation().changes_packages().then(|| Beside::now(manager));
    let states = steps.units.as_ref().and_then(|units| States::now(units));
    let snapshots = match begin_snapshots(work, context, transaction.as_ref(), states.as_ref()) {
        Ok(begun) => begun,
        Err(refusal) => return Outcome::refused(refusal, None, None),
    };
    let before_it = snapshots.as_ref().and_then(Begun::snapshot);
    let traces = || Traces::of(manager, plan);
    let before = traces();
    let answer = &mut *context.answer;
    let mut late = |so_far: Ran| {
        let waits = at_work(manager);
        // What is installed is asked after that, since to ask is a child of this process too.
        let soon = Bounds { deadline: Instant::now() + LOOK_WHEN_LATE, ..bounds };
        let is_so = match (&installed, inventory(work, soon)) {
            (Some(before), Some(Ok(after))) => {
                let (transaction, name) = (transaction.as_ref(), name.as_deref());
                let ran = &so_far;
                Done { work, name, transaction, before, after: &after, ran }.is_so()
            }
            _ => false,
        };
        answer(Outcome {
            ran: Some(so_far),
            plan: transaction.clone(),
            snapshot: before_it.clone(),
            changed: Some(before != traces()),
            ..Outcome::of(Err(goes_on(plan, bounds, waits, is_so)))
        });
    };
    let backchannel = Some(&mut context.backchannel);
    let mut teller =
        Teller::new(context.running, Some(Follower::new(manager, transaction.as_ref())));
    let settings = closed::Settings::there();
    let spares = closed::spares(work, transaction.as_ref(), installed.as_ref());
    let ran = run(
        &plan.main().sparing(spares),
        bounds,
        Options {
            input,
            late: AtDeadline::GoOn(&mut late),
            backchannel,
            follow: Some(&mut teller),
        },
    );
    drop(settings);
    let snapshot = snapshots.map(|mut begun| {
        warnings.append(&mut begun.warnings);
        let (snapshot, more) = around::end(begun);
        warnings.extend(more);
        snapshot
    });
    let snapshot = snapshot.flatten();
    let after = after(work, bounds);
    let mut changed = before != traces();
    let mut verdict = match (&installed, &after) {
        (Some(before), Some(Ok(after))) => {
            changed |= before != after;
            let (transaction, name) = (transaction.as_ref(), name.as_deref());
            Done { work, name, transaction, before, after, ran: &ran }.verdict()
        }
        (_, Some(Err(_))) if verdict(plan, &ran).is_ok() => Err(unseen(plan)),
        _ => verdict(plan, &ran)
            .and_then(|()| read_nothing(work, &ran))
            .map_err(|refusal| manager.explained_alone(work, &ran, refusal)),
    };
    mask(&mut verdict, bounds);
    warnings.extend(closed::warning(work, &ran, spares));
    let transaction = match (announced(work, transaction), &installed, after) {
        // What could not be said beforehand is told afterwards.
        (None, Some(before), Some(Ok(after))) if !manager.tells_removals() => {
            Some(Transaction::between(before, &after))
        }
        (transaction, ..) => transaction,
    };
    if work.operation().maintenance() == Some(Maintenance::Upgrade) {
        warnings.extend(kept::at_most(manager.kept_afterwards(&ran)));
    }
    if changed {
        let now =
            |before: &Beside| Beside::now(manager).and(manager.put_beside(&ran)).since(before);
        warnings.extend(beside.iter().flat_map(now));
        if let (Some(units), Some(before)) = (&steps.units, &states)
            && let Some(after) = States::now(units)
        {
            let after = after.reread(before, units);
            warnings.extend(after.since(
                before,
                units,
                context.shown,
                plan.approved().may_reread(),
            ));
        }
    }
    let changed = Some(changed);
    let ran = Some(ran);
    Outcome { ran, plan: transaction, snapshot, changed, warnings, ..Outcome::of(verdict) }
}

/// Takes the snapshot before it, if it changes packages and one is wanted.
fn begin_snapshots(
    work: &Work<'_>,
    context: &OperationContext<'_>,
    transaction: Option<&Transaction>,
    states: Option<&States>,
) -> Result<Option<Begun>, Refusal> {
    if !work.operation().changes_packages() {
        return Ok(None);
    }
    let settings = work.plan.approved().snapshots();
    let up = match (&work.steps.units, states) {
        (Some(units), Some(states)) => states.up(units),
        _ => Vec::new(),
    };
    let about = About {
        operation: work.operation(),
        caller: context.caller,
        is_wanted: settings.packages,
        settings,
        manager: Some(work.manager()),
        transaction,
        up,
    };
    around::begin(about).map(Some)
}

/// What is installed, once it is done; that it is late does not matter any more.
fn after(work: &Work<'_>, bounds: Bounds) -> Option<Result<Inventory, Refusal>> {
    let deadline = Instant::now() + Duration::from_secs(60);
    inventory(work, Bounds { deadline, ..bounds })
}

/// What was said beforehand, if that was all of it: not every package manager names all that it
/// removes.
fn announced(work: &Work<'_>, transaction: Option<Transaction>) -> Option<Transaction> {
    let is_whole = |transaction: &Transaction| {
        work.manager().tells_removals() || !transaction.removes_others(work.steps.name.as_deref())
    };
    transaction.filter(is_whole)
}

/// It is not done in time.
fn goes_on(plan: &Plan, bounds: Bounds, waits: Option<String>, is_so: bool) -> Refusal {
    let error = format!(
        "`{}` is not done after {} s; it is not interrupted and continues{}",
        plan.main().short(),
        plan.timeout(),
        if is_so { "; the packages themselves were changed as planned" } else { "" }
    );
    let refusal =
        Refusal::new(Code::Timeout, error).hint("make no other package request until it is done");
    let Some(waits) = waits else { return refusal };
    let mut verdict = Err(refusal.detail(format!("it waits for: {waits}")));
    mask(&mut verdict, bounds);
    verdict.err().unwrap_or_else(|| Refusal::new(Code::Timeout, "it continues"))
}

/// Nobody can say what came of it.
fn unseen(plan: &Plan) -> Refusal {
    let short = plan.main().short();
    let error = format!("`{short}` succeeded, but what is installed now could not be read");
    Refusal::new(Code::CommandFailed, error).hint("ask again: what is already done is left alone")
}

/// The lists were read again, and there is no source of any.
fn read_nothing(work: &Work<'_>, ran: &Ran) -> Result<(), Refusal> {
    let updates = work.operation().maintenance() == Some(Maintenance::Update);
    match updates && !work.manager().asked_a_source(ran) {
        true => lists::no_source(work).map_or(Ok(()), Err),
        false => Ok(()),
    }
}
