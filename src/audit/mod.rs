//! The record of what was asked, refused and done: on disk before anything is run.

pub mod after;
pub mod bounds;
pub mod checkpoint;
pub mod end;
pub mod files;
pub mod head;
pub mod journal;
pub mod kernel;
pub mod key;
pub mod last;
pub mod line;
pub mod log;
pub mod origin;
pub mod record;
pub mod rotate;
pub mod sign;
pub mod signature;
pub mod verify;
pub mod witness;

use crate::approvals::Consent;
use crate::audit::log::{Appended, NotAppended, Sync};
use crate::audit::origin::Origin;
pub use crate::audit::record::Event;
use crate::audit::record::Record;
use crate::limits::store::Exceeded;
use crate::limits::{self, Bucket, Permit};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::policy::remedy;
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Request;
use crate::request::ran::Ended;
use std::cell::RefCell;
use std::io;

/// Why there is no record, and nothing may be done.
#[derive(Debug)]
pub enum Unwritten {
    /// The log does not take it.
    Unavailable(Refusal),
    /// The account's records have taken too much of it already.
    Limited(Exceeded),
}

impl Unwritten {
    /// What the caller is told.
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Unavailable(refusal) => refusal,
            Self::Limited(exceeded) => exceeded.refusal,
        }
    }
}

/// What a record is charged to.
struct Share {
    bucket: Bucket,
    /// Whether it is written whatever is left.
    is_due: bool,
}

impl Share {
    fn of(request: &Request, is_due: bool) -> Self {
        let bucket = if request.operation.only_reads() { Bucket::Reads } else { Bucket::Changes };
        Self { bucket, is_due }
    }
}

/// A plan whose intent is on disk. Only [`intent`] makes one, and nothing else is ever run.
#[derive(Debug)]
pub struct Recorded {
    origin: Origin,
    plan: Plan,
    /// The approval that was used up for it.
    approval: Option<String>,
    /// The intent, as long as the other sinks do not have it.
    untold: RefCell<Option<Appended>>,
    warnings: RefCell<Vec<String>>,
}

impl Recorded {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Who asked.
    pub fn caller(&self) -> &Caller {
        &self.origin.caller
    }

    /// Gives the intent to the journal and the kernel's audit log, once. The log on disk is what
    /// comes first; this can be done while what was asked for is already running.
    pub fn tell(&self) {
        if let Some(appended) = self.untold.take() {
            let approval = self.approval.as_deref();
            let record = Record { approval, ..record_of(&self.origin, &self.plan) };
            let (_, warnings) = tell(&record, &appended);
            self.warnings.borrow_mut().extend(warnings);
            counted(&self.origin, appended.unrecorded);
            sign::if_due(&self.origin, &appended);
        }
    }

    /// Which sinks did not take the intent.
    pub fn warnings(&self) -> Vec<String> {
        self.tell();
        self.warnings.borrow().clone()
    }
}

/// The record of an intent.
fn record_of<'r>(origin: &'r Origin, plan: &'r Plan) -> Record<'r> {
    Record {
        argv: Some(plan.main()),
        ..Record::of(Event::Intent, origin, Some(plan.request()), Code::Ok)
    }
}

/// Writes down on disk what is about to be done. Whoever runs it has the other sinks told
/// ([`Recorded::tell`]).
///
/// # Errors
/// `audit_unavailable` or `rate_limited`: then it must not be done.
pub fn intent(
    origin: &Origin,
    plan: Plan,
    _: Permit,
    consent: &Consent,
) -> Result<Recorded, Unwritten> {
    let share = Share::of(plan.request(), false);
    let approval = consent.id().map(str::to_owned);
    let mut record = Record { approval: approval.as_deref(), ..record_of(origin, &plan) };
    let appended = append(origin, &mut record, Sync::Now, &share)?;
    // Nothing begins without it, and the refusal that comes of it is told instead.
    let appended = appended.map_err(|error| unavailable(&error, ""))?;
    let untold = RefCell::new(Some(appended));
    Ok(Recorded { origin: origin.clone(), plan, approval, untold, warnings: RefCell::default() })
}

/// Writes down what came of it. Gives the sinks that did not take it.
///
/// # Errors
/// `audit_unavailable`, though it is done.
pub fn result(recorded: &Recorded, outcome: &Outcome) -> Result<Vec<String>, Refusal> {
    let refusal = outcome.verdict.as_ref().err();
    let returncode = outcome.ran.as_ref().and_then(|ran| match ran.ended {
        Ended::Exited(status) => Some(status),
        _ => None,
    });
    // What only looked has left nothing behind that a power cut could separate from its record.
    let sync = if recorded.plan.request().operation.only_reads() { Sync::Soon } else { Sync::Now };
    let record = Record {
        argv: Some(recorded.plan.main()),
        error: refusal.map(|refusal| bounds::cut(&refusal.error, bounds::ERROR)),
        returncode,
        stdout: outcome.ran.as_ref().map(|ran| &ran.seals[0]),
        stderr: outcome.ran.as_ref().map(|ran| &ran.seals[1]),
        duration_ms: Some(crate::request::id::duration_ms()),
        snapshot: outcome.snapshot.as_ref(),
        undone: outcome.undone.as_ref(),
        ..Record::of(
            Event::Result,
            &recorded.origin,
            Some(recorded.plan.request()),
            refusal.map_or(Code::Ok, |refusal| refusal.code),
        )
    };
    let share = Share::of(recorded.plan.request(), true);
    write(&recorded.origin, record, sync, &share).map_err(Unwritten::refusal)
}

/// As [`result`], for the monitor of a process that was killed: unless that process has done it
/// and was killed before it could say so. If that cannot be found out, twice is better than not
/// at all.
///
/// # Errors
/// `audit_unavailable`, though it is done.
pub fn result_unless_there(recorded: &Recorded, outcome: &Outcome) -> Result<(), Refusal> {
    if files::has_result(crate::request::id::request_id()).unwrap_or(false) {
        return Ok(());
    }
    result(recorded, outcome).map(|_| ())
}

/// How a request was answered for which nothing was run, as far as its record says it.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The code of the reply.
    pub code: Code,
    /// Its sentence, without what a command printed; none if it was a success.
    pub error: Option<&'a str>,
    /// Whether it was a dry run.
    pub dry_run: bool,
}

/// Writes down what is answered without running anything: a refusal, a question, a dry run. The
/// record says what the reply says, and `asked` is what was asked as a record holds it
/// ([`bounds::asked`]). If `count` is given it stands for so many requests that were
/// refused for the rate, and is written whatever the account's records have taken.
///
/// # Errors
/// `audit_unavailable` or, if there is no count, `rate_limited`.
pub fn answered(
    origin: &Origin,
    request: Option<&Request>,
    asked: &[String],
    answer: &Answer<'_>,
    count: Option<u64>,
) -> Result<Vec<String>, Unwritten> {
    let event = if answer.code.exit() == 0 { Event::Result } else { Event::Refused };
    told(event, origin, request, asked, answer, count)
}

/// Writes down that the reply of an earlier request was given again: nothing was refused, whatever
/// that reply says.
///
/// # Errors
/// As for [`answered`].
pub fn passed_on(
    origin: &Origin,
    asked: &[String],
    answer: &Answer<'_>,
) -> Result<Vec<String>, Unwritten> {
    told(Event::Result, origin, None, asked, answer, None)
}

fn told(
    event: Event,
    origin: &Origin,
    request: Option<&Request>,
    asked: &[String],
    answer: &Answer<'_>,
    count: Option<u64>,
) -> Result<Vec<String>, Unwritten> {
    let record = Record {
        count,
        reason: request.and_then(|request| record::reason(request, false)),
        asked: Some(asked.to_vec()),
        error: answer.error.map(|error| bounds::cut(error, bounds::ERROR)),
        allow: request.filter(|_| answer.code == Code::Denied).and_then(|request| {
            let user = origin.names_callers.then_some(origin.caller.user.as_str());
            remedy::allow(&request.operation, user)
        }),
        dry_run: answer.dry_run,
        duration_ms: Some(crate::request::id::duration_ms()),
        ..Record::of(event, origin, request, answer.code)
    };
    let share = Share { bucket: Bucket::Reads, is_due: count.is_some() };
    write(origin, record, Sync::Soon, &share)
}

/// Writes down how many requests were refused for the rate without a record of their own. The count
/// is lost if there is no log; the request itself then fails for that.
pub fn counted(origin: &Origin, unrecorded: u64) {
    if unrecorded > 0 {
        let error = Some("refused for the rate, counted until now");
        let answer = Answer { code: Code::RateLimited, error, dry_run: false };
        let _ = answered(origin, None, &[], &answer, Some(unrecorded));
    }
}

/// To every sink, whatever became of the others; the log must take it.
fn write(
    origin: &Origin,
    mut record: Record<'_>,
    sync: Sync,
    share: &Share,
) -> Result<Vec<String>, Unwritten> {
    match append(origin, &mut record, sync, share)? {
        Ok(appended) => {
            let (_, warnings) = tell(&record, &appended);
            counted(origin, appended.unrecorded);
            sign::if_due(origin, &appended);
            Ok(warnings)
        }
        // If the log is full, the other sinks are all that tells of a refusal.
        Err(error) => {
            let line = record.loose_line();
            let sent =
                line.map_err(Into::into).and_then(|line| journal::send(&record, &line, None));
            match others(&record, sent) {
                (Some(sink), _) => {
                    Err(unavailable(&error, &format!("; the record was sent to {sink}")))
                }
                (None, warnings) => Err(unavailable(&error, &format!("; {}", warnings.join("; ")))),
            }
        }
    }
}

/// To the log alone, at the account's expense. The inner error is the log's own.
fn append(
    origin: &Origin,
    record: &mut Record<'_>,
    sync: Sync,
    share: &Share,
) -> Result<io::Result<Appended>, Unwritten> {
    let is_intent = record.event == Event::Intent;
    let charge = |bytes: u64| {
        let charged =
            limits::charge(&origin.caller, &origin.limits, share.bucket, bytes, share.is_due);
        match charged {
            // Nothing begins, and it is better written down than not.
            Err(exceeded) if !is_intent && exceeded.refusal.code != Code::RateLimited => Ok(0),
            charged => charged,
        }
    };
    match log::append(record, sync, origin.limits.audit.total_bytes, charge) {
        Err(NotAppended::Limited(exceeded)) => Err(Unwritten::Limited(exceeded)),
        Err(NotAppended::Failed(error)) => Ok(Err(error)),
        Ok(appended) => Ok(Ok(appended)),
    }
}

/// Gives what the log has taken to the other sinks. Gives the one that has it, and what is to be
/// said of the others.
fn tell(record: &Record<'_>, appended: &Appended) -> (Option<&'static str>, Vec<String>) {
    others(record, journal::send(record, &appended.line, Some(&appended.link)))
}

/// The kernel's audit log, and what became of the journal.
fn others(
    record: &Record<'_>,
    sent: io::Result<&'static str>,
) -> (Option<&'static str>, Vec<String>) {
    let sink = sent.as_ref().ok().copied();
    let mut warnings = Vec::new();
    if let Err(error) = sent {
        warnings.push(format!("the journal did not accept the audit record: {error}"));
    }
    if let Err(error) = kernel::send(record) {
        warnings.push(format!("the kernel's audit log did not accept the record: {error}"));
    }
    (sink, warnings)
}

fn unavailable(error: &io::Error, and: &str) -> Unwritten {
    let refusal = Refusal::new(
        Code::AuditUnavailable,
        format!("the audit log {} cannot be written: {error}{and}", files::FILE),
    )
    .hint("nothing runs without a record; an administrator should check owner, mode and free space of /var/log/sm and /var/lib/sm");
    Unwritten::Unavailable(refusal)
}
