//! The two snapshots of an operation, and what is written down of it for who wants it undone.

use crate::history::{self, Entry, Taken};
use crate::managers::host;
use crate::managers::manager::Manager;
use crate::managers::snapshots::{Moment, Snapshotter};
use crate::managers::transaction::Transaction;
use crate::outcome::Snapshot;
use crate::policy::model;
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};
use crate::request::id::{RequestId, request_id};
use crate::request::operation::Operation;
use crate::snapshots::{covered, room, take};
use std::ffi::OsStr;

/// What is about to be done.
pub struct About<'a> {
    /// What was asked.
    pub operation: &'a Operation,
    /// Who asked.
    pub caller: &'a Caller,
    /// Whether snapshots are wanted.
    pub is_wanted: bool,
    /// What the policy says of them.
    pub settings: model::Snapshots,
    /// The package manager; none for what is no operation on packages.
    pub manager: Option<Manager>,
    /// What it is to change.
    pub transaction: Option<&'a Transaction>,
    /// The policy's units that are up.
    pub up: Vec<String>,
}

impl About<'_> {
    /// The request that is undone.
    fn undoes(&self) -> Option<&str> {
        match self.operation {
            Operation::Undo { id: Some(id), .. } => Some(id.as_str()),
            _ => None,
        }
    }
}

/// An operation that has begun.
#[derive(Debug)]
pub struct Begun {
    entry: Option<Entry>,
    settings: model::Snapshots,
    /// What the caller should know.
    pub warnings: Vec<String>,
}

impl Begun {
    /// The number of the one before it.
    pub fn number(&self) -> Option<u64> {
        Some(self.entry.as_ref()?.snapshots.as_ref()?.before?.number)
    }

    /// What is known of the snapshots so far.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let taken = self.entry.as_ref()?.snapshots.as_ref()?;
        let why_not = Some("the operation is not over".to_owned());
        let before = taken.before.map(|taken| taken.number);
        Some(Snapshot { before, after: None, undo: false, why_not })
    }

    /// Says what was done to packages, where that is not known before.
    pub fn has_done(&mut self, transaction: Transaction) {
        if let Some(entry) = &mut self.entry {
            entry.transaction = Some(transaction);
        }
    }
}

/// Takes the snapshot before it, where one is wanted, and writes down that it begins.
///
/// # Errors
/// `unsupported` if there can be no snapshot and the policy requires one.
pub fn begin(about: About<'_>) -> Result<Begun, Refusal> {
    let settings = about.settings;
    // It was begun once already, and somebody else was quicker.
    if let Some(earlier) = own_entry() {
        room::forget(&earlier);
    }
    let mut warnings = Vec::new();
    let snapshots = match about.is_wanted.then(|| first(&about)) {
        None => None,
        Some(Ok(taken)) => Some(taken),
        Some(Err(reason)) if settings.required => {
            let error = format!("there can be no snapshot, and the policy requires one: {reason}");
            return Err(Refusal::new(Code::Unsupported, error).hint(
                "nothing was run; an administrator can see with `sm doctor` what is missing",
            ));
        }
        Some(Err(reason)) => {
            warnings.push(format!("no snapshot was taken: {reason}"));
            None
        }
    };
    if snapshots.is_some()
        && let Some(manager) = about.manager
    {
        warnings.extend(covered::warnings(manager, about.transaction));
    }
    if snapshots.is_none() && about.manager.is_none() {
        return Ok(Begun { entry: None, settings, warnings });
    }
    let entry = Entry {
        id: request_id().to_owned(),
        at: format!("{:.6}", jiff::Timestamp::now()),
        uid: about.caller.uid,
        user: about.caller.user.clone(),
        operation: about.operation.to_string(),
        manager: about.manager.map(|manager| manager.name().to_owned()).unwrap_or_default(),
        transaction: about.transaction.cloned(),
        why_not: about.manager.and_then(|manager| covered::hindrance(manager, about.transaction)),
        undoes: about.undoes().map(str::to_owned),
        up: about.up,
        snapshots,
        is_over: false,
        undone_by: None,
    };
    if let Err(error) = entry.save() {
        warnings.push(format!("it cannot be undone, as that cannot be written down: {error}"));
    }
    Ok(Begun { entry: Some(entry), settings, warnings })
}

/// Takes the first one, or leaves it to the package manager's hooks.
fn first(about: &About<'_>) -> Result<history::Snapshots, String> {
    let by = Snapshotter::here().map_err(|impossible| impossible.reason)?;
    room::make(&by, about.settings, about.undoes())?;
    let by_hooks = by.counts()
        && about.undoes().is_none()
        && about.manager.is_some_and(|manager| manager.has_snapshot_hooks());
    let (before, last) = match by_hooks {
        true => (None, take::numbers(&by).into_iter().max().unwrap_or(0)),
        false => (Some(take::take(&by, Moment::Before, request_id())?), 0),
    };
    let name = by.name().to_owned();
    Ok(history::Snapshots { by: name, by_hooks, last, before, after: None })
}

/// Takes the snapshot after it, and writes down that it is over. Gives what is to be said of the snapshots,
/// and what the caller should know.
pub fn end(begun: Begun) -> (Option<Snapshot>, Vec<String>) {
    let Begun { entry, settings, .. } = begun;
    let Some(entry) = entry else { return (None, Vec::new()) };
    over(entry, settings)
}

/// Forgets it, with the snapshot before it: nothing was changed. Who asks for what is refused displaces nobody's.
pub fn cancel(begun: Begun) {
    if let Some(entry) = begun.entry {
        room::forget(&entry);
    }
}

/// The same as [`end`] for what this request has begun, by the monitor of the process that was killed.
pub fn end_abandoned(settings: model::Snapshots) -> (Option<Snapshot>, Vec<String>) {
    match own_entry() {
        Some(entry) if !entry.is_over => over(entry, settings),
        _ => (None, Vec::new()),
    }
}

/// What this request has written down.
fn own_entry() -> Option<Entry> {
    let id = RequestId::parse(OsStr::new(request_id())).ok()?;
    Entry::load(&id).ok().flatten()
}

fn over(mut entry: Entry, settings: model::Snapshots) -> (Option<Snapshot>, Vec<String>) {
    let mut warnings = Vec::new();
    entry.is_over = true;
    let by = Snapshotter::here().ok();
    if let (Some(by), Some(taken)) = (&by, &mut entry.snapshots) {
        if taken.by_hooks {
            let (before, after) = of_hooks(by, taken.last);
            let of = |number: Option<u64>| number.and_then(|number| Taken::of(by, number));
            (taken.before, taken.after) = (of(before), of(after));
        }
        if let (Some(before), None) = (taken.before, taken.after) {
            let moment = before.number.to_string();
            match take::take(by, Moment::After(&moment), &entry.id) {
                Ok(after) => taken.after = Some(after),
                Err(reason) => {
                    warnings.push(format!("no snapshot was taken afterwards: {reason}"));
                }
            }
        }
    }
    entry.why_not = why_not(&entry);
    let mut snapshot = described(&entry);
    if let Err(error) = entry.save() {
        let why_not = format!("that it is over cannot be written down: {error}");
        snapshot = snapshot.map(|taken| Snapshot { undo: false, why_not: Some(why_not), ..taken });
    }
    if let Some(by) = &by {
        room::keep(by, settings);
    }
    history::forget_old();
    (snapshot, warnings)
}

/// The two that the package manager's hooks have taken since number `last`.
fn of_hooks(by: &Snapshotter, last: u64) -> (Option<u64>, Option<u64>) {
    let new: Vec<_> = take::list(by).into_iter().filter(|one| one.number > last).collect();
    let before = new.iter().find(|one| one.before.is_none() && !one.is_own);
    let before = before.map(|one| one.number);
    let after = new.iter().rev().find(|one| before.is_some() && one.before == before);
    (before, after.map(|one| one.number))
}

/// What a reply says of the snapshots; none if there are none.
fn described(entry: &Entry) -> Option<Snapshot> {
    let taken = entry.snapshots.as_ref()?;
    let number = |taken: Option<Taken>| taken.map(|taken| taken.number);
    let (before, after) = (number(taken.before), number(taken.after));
    let why_not = entry.why_not.clone();
    Some(Snapshot { before, after, undo: why_not.is_none(), why_not })
}

/// Why the operation cannot be undone by its snapshots: as it was known before, or as it is now.
fn why_not(entry: &Entry) -> Option<String> {
    let taken = entry.snapshots.as_ref()?;
    match (taken.before, taken.after, host::named(&entry.manager)) {
        (None, ..) => Some("no snapshot was taken before it".to_owned()),
        (_, None, _) => Some("no snapshot was taken after it".to_owned()),
        (.., None) => Some(
            "nobody but an administrator knows which of the files between the two the task has changed"
                .to_owned(),
        ),
        (.., Some(manager)) => {
            let before = entry.why_not.clone();
            before.or_else(|| covered::hindrance(manager, entry.transaction.as_ref()))
        }
    }
}
