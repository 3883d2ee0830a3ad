//! Puts back what an operation has done to packages.
//!
//! Where there are snapshots around it, the files that it changed come back from the one before it: those of the
//! packages, what the package manager keeps, and what packages' scripts have changed. Nothing comes back over
//! what somebody has changed since, unless root wants it. Else the versions that it replaced are installed
//! again.

mod accounts;
mod compared;
mod differences;
mod held;
mod links;
pub mod preview;
mod refused;
mod scope;
mod services;
mod versions;

use crate::exec::context::{OperationContext, Shown};
use crate::exec::process::{Bounds, ask};
use crate::files::changes::{Change, between};
use crate::files::failed::Failed;
use crate::files::restore::{Restored, restore};
use crate::files::tree::Tree;
use crate::history::Entry;
use crate::managers::lock::Lock;
use crate::managers::snapshots::Snapshotter;
use crate::managers::transaction::Transaction;
use crate::outcome::{Due, Outcome, Undone};
use crate::packages::{due, locks};
use crate::plan::{Plan, UndoSteps};
use crate::request::code::{Code, Refusal};
use crate::request::id::request_id;
use crate::request::operation::Operation;
use crate::request::ran::Ran;
use crate::snapshots::around::{self, About, Begun};
use crate::snapshots::delete;
use crate::undo::compared::{Compared, compare, is_last, with_settled};
use crate::undo::held::Held;
use crate::undo::refused::{NAMED, changed_since, gone, hindered, unfinished};
use crate::undo::services::{Told, Units};
use std::path::Path;
use std::time::{Duration, Instant};

/// Undoes the operation of the request that the plan is about.
pub fn run(
    plan: &Plan,
    steps: &UndoSteps,
    bounds: Bounds,
    context: &mut OperationContext<'_>,
) -> Outcome {
    let refused = |refusal: Refusal| Outcome::refused(refusal, None, None);
    let (entry, is_forced) = match asked(plan, context) {
        Ok(found) => found,
        Err(refusal) => return refused(refusal),
    };
    if let Some(done) = undone_already(&entry) {
        return done;
    }
    if entry.manager != steps.manager.name() {
        let error = format!(
            "`{}` is no operation on packages of this host's package manager",
            entry.operation
        );
        return refused(Refusal::new(Code::Unsupported, error));
    }
    let by = Snapshotter::here().ok();
    if by.and_then(|by| entry.compared_by(&by)).is_none() {
        return versions::run(plan, steps, &entry, bounds, context);
    }
    let wait = Duration::from_secs(plan.approved().lock_seconds().into());
    let patience = (Instant::now() + wait).min(bounds.deadline);
    steps.manager.locks(None).iter().copied().for_each(Lock::forget);
    let held = locks::wait(steps.manager, None, patience)
        .and_then(|()| Held::take(steps.manager).ok_or_else(locks::overtaken));
    let _held = match held {
        Ok(held) => held,
        Err(refusal) => return refused(refusal),
    };
    // As it is now that nobody else is at work on packages.
    let entry = match asked(plan, context) {
        Ok((entry, _)) => entry,
        Err(refusal) => return refused(refusal),
    };
    if let Some(done) = undone_already(&entry) {
        return done;
    }
    match begin(plan, steps, &entry, context) {
        Ok(mut begun) => {
            let asked = Asked {
                entry: &entry,
                is_forced,
                own: begun.number(),
                asker: context.caller.uid,
                deadline: bounds.deadline,
            };
            let mut done = undo(steps, &asked, context.shown);
            if done.changed.is_none() {
                around::cancel(begun);
                return done;
            }
            done.warnings.extend(begun.warnings.iter().cloned());
            if let Some(transaction) = &done.plan {
                begun.has_done(transaction.clone());
            }
            // Before its own are counted: what they replace is no longer kept.
            if done.verdict.is_ok() {
                done.warnings.extend(settle(&entry));
            }
            let (snapshot, more) = around::end(begun);
            done.warnings.extend(more);
            Outcome { snapshot, ..done }
        }
        Err(refusal) => refused(refusal),
    }
}

/// What was written down of the operation, which has to be the caller's own, unless root asks.
fn asked(plan: &Plan, context: &OperationContext<'_>) -> Result<(Entry, bool), Refusal> {
    let Operation::Undo { id: Some(id), is_forced } = &plan.request().operation else {
        return Err(Refusal::new(Code::Internal, "there is no request to undo"));
    };
    let unknown = || {
        let error = format!("nothing is known of an operation on packages by {}", id.as_str());
        Refusal::new(Code::NotFound, error).hint(
            "what can be undone is kept as long as its snapshots, and is the account's own: see `snapshot` in the operation's reply",
        )
    };
    let found = Entry::load(id).map_err(|error| {
        Refusal::new(
            Code::Internal,
            format!("what is known of {} cannot be read: {error}", id.as_str()),
        )
    })?;
    let caller = context.caller;
    // An account that has the number of one that is gone is another one.
    let is_own = |entry: &Entry| entry.uid == caller.uid && entry.user == caller.user;
    let entry = found.filter(|entry| caller.uid == 0 || is_own(entry)).ok_or_else(unknown)?;
    Ok((entry, *is_forced))
}

fn undone_already(entry: &Entry) -> Option<Outcome> {
    let by = entry.undone_by.as_ref()?;
    let warnings = vec![format!("it was undone already, by {by}")];
    let ran = Some(Ran::nothing());
    Some(Outcome { ran, changed: Some(false), warnings, ..Outcome::of(Ok(())) })
}

/// Takes a snapshot before it.
fn begin(
    plan: &Plan,
    steps: &UndoSteps,
    entry: &Entry,
    context: &OperationContext<'_>,
) -> Result<Begun, Refusal> {
    let transaction = entry.transaction.as_ref().map(Transaction::reversed);
    around::begin(About {
        operation: &plan.request().operation,
        caller: context.caller,
        is_wanted: true,
        settings: plan.approved().snapshots(),
        manager: Some(steps.manager),
        transaction: transaction.as_ref(),
        up: Vec::new(),
    })
}

/// What is to be undone.
struct Asked<'a> {
    entry: &'a Entry,
    /// Whether also what others have changed since is overwritten.
    is_forced: bool,
    /// The number of the snapshot of the host as it is.
    own: Option<u64>,
    /// Who asks.
    asker: u32,
    /// Until when it must have begun.
    deadline: Instant,
}

/// Compares, and puts back.
fn undo(steps: &UndoSteps, asked: &Asked<'_>, shown: Shown<'_>) -> Outcome {
    let Asked { entry, own, .. } = *asked;
    let refused = |refusal: Refusal| Outcome::refused(refusal, None, None);
    let Ok(by) = Snapshotter::here() else { return refused(gone(entry)) };
    let compared = match looked_at(steps, asked, &by) {
        Ok(compared) => compared,
        Err(refusal) => return refused(refusal),
    };
    let installed = || {
        let deadline = Instant::now() + Duration::from_secs(60);
        let bounds = Bounds { deadline, output_bytes: 1 << 20, mask_secrets: false };
        steps.manager.inventory(&ask(&steps.inventory, bounds).stdout)
    };
    let before = installed();
    let mut told = Told::default();
    let units = Units::of(steps, &compared, &entry.up);
    units.stop(&mut told);
    let restored = put_back(&compared, &by, own);
    if restored.is_ok() {
        held::with_their_times(steps.manager, &compared.before);
    }
    units.restart(&mut told);
    let after = installed();
    let mut warnings = told.warnings;
    let (verdict, files, skipped) = match restored {
        Ok(Restored { files, skipped }) => (Ok(()), files, skipped),
        Err(failed) => (Err(unfinished(entry, &failed)), compared.so_far(), Vec::new()),
    };
    let mut left = compared.left;
    left.extend(skipped.iter().map(|path| scope::absolute(path)));
    left.sort();
    if !left.is_empty() {
        warnings.push(
            "what is in `left` was changed by somebody else since, and stays as it is".to_owned(),
        );
    }
    let broken = after.broken();
    if let (Ok(()), Some((name, how))) = (&verdict, broken.first()) {
        warnings.push(format!("{name} is {}, as it was before the operation", how.word()));
    }
    let (due, unseen) = due::now(shown);
    warnings.extend(unseen);
    let undone = Undone {
        request_id: entry.id.clone(),
        files,
        left_count: left.len(),
        left: left.into_iter().take(NAMED).collect(),
    };
    Outcome {
        ran: Some(Ran::nothing()),
        plan: Some(Transaction::between(&before, &after)),
        undone: Some(undone),
        due: Some(with(due, told.restart_needed)),
        changed: Some(files > 0),
        warnings,
        ..Outcome::of(verdict)
    }
}

/// The differences, if they may be put back.
fn looked_at(steps: &UndoSteps, asked: &Asked<'_>, by: &Snapshotter) -> Result<Compared, Refusal> {
    let Asked { entry, is_forced, own, .. } = *asked;
    let taken = entry.snapshots.as_ref();
    let (before, after) = taken.map_or((None, None), |taken| taken.there(by));
    let Some(before) = before else { return Err(gone(entry)) };
    if after.is_none() && taken.is_some_and(|taken| taken.after.is_some()) && !is_forced {
        return Err(gone(entry));
    }
    if let Some(why_not) = entry.why_not.as_ref().filter(|_| !is_forced && after.is_some()) {
        return Err(hindered(entry, why_not));
    }
    // An operation that did not come to its end has none after it: root can have what is there now taken for it.
    let after = match (after, own) {
        (Some(after), _) => after.number,
        (None, Some(own)) if is_forced => own,
        (None, _) => {
            let error = format!(
                "`{}` did not come to its end, and no snapshot was taken after it",
                entry.operation
            );
            return Err(Refusal::new(Code::PlanRefused, error).hint(format!(
                "an administrator can have all that was changed since undone: sm undo --force {}",
                entry.id
            )));
        }
    };
    let numbers = (before.number, after);
    let compared = compare(steps.manager, entry, by, numbers, asked.deadline)?;
    is_last(steps.manager, &compared, entry, asked.asker)?;
    match compared.conflicts.as_slice() {
        [] => Ok(compared),
        _ if is_forced => Ok(compared),
        conflicts => Err(changed_since(entry, conflicts)),
    }
}

/// Puts back what is to come back. What was changed since may be overwritten, as somebody has said so: the
/// host as it is now is what it is compared with then. With what is as before already: it is in the folders of all
/// of it that an undo which was killed may have left something.
fn put_back(compared: &Compared, by: &Snapshotter, own: Option<u64>) -> Result<Restored, Failed> {
    let now = Tree::open(Path::new("/"))?;
    let as_is = own.map(|own| Tree::open(&by.path(&own.to_string()))).transpose()?;
    match as_is {
        Some(as_is) => {
            let paths = compared.changes.iter().map(|change| change.path.clone()).collect();
            let changes: Vec<Change> = between(&compared.before, &as_is, &paths)?;
            let whole = with_settled(changes, &compared.settled);
            restore(&now, &compared.before, &as_is, &whole)
        }
        None => restore(&now, &compared.before, &compared.after, &compared.whole()),
    }
}

/// Writes down that it is undone, and takes its snapshots away: those of the undo have both states.
fn settle(entry: &Entry) -> Option<String> {
    let mut entry = entry.clone();
    entry.undone_by = Some(request_id().to_owned());
    if let (Ok(by), Some(taken)) = (Snapshotter::here(), &entry.snapshots)
        && !taken.by_hooks
    {
        for number in taken.own(&by) {
            let _ = delete(&by, number);
        }
        entry.snapshots = None;
    }
    let saved = entry.save();
    saved.err().map(|error| format!("that it is undone cannot be written down: {error}"))
}

fn with(mut due: Due, more: std::collections::BTreeSet<String>) -> Due {
    due.restart_needed.extend(more);
    due.restart_needed.sort();
    due.restart_needed.dedup();
    due
}
