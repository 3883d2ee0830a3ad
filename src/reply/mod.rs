//! The one reply: a JSON object and a newline on standard output, on every way out.

pub mod brief;
pub mod dialect;
pub mod earlier;
pub mod interrupt;
pub mod listing;
pub mod passed;
pub mod result;
pub mod schema;
pub mod stdout;
pub mod terminal;

use crate::audit::Answer;
use crate::managers::argv::Argv;
use crate::managers::systemd::unit::UnitState;
use crate::managers::transaction::Transaction;
use crate::outcome::{Due, Outcome, Snapshot, Undone};
use crate::output::text::one_line;
use crate::plan::Plan;
use crate::request::code::{Awaited, Code, Refusal};
use crate::request::id::{begun, duration_ms, request_id};
use crate::request::operation::Operation;
use crate::request::ran::Ended;
use serde::Serialize;
use serde_json::{Map, Value};

/// The number of the contract.
pub const SCHEMA: u32 = 1;

/// The longest `error` or `hint`, in characters.
const LONGEST_SENTENCE: usize = 1000;

/// The longest reply that is passed on, in bytes: both streams at the largest bound that a
/// policy can set, each byte escaped as `\u0000`, and room for the rest.
pub const LONGEST_REPLY: usize = ((2 * 6) << 20) + (1 << 20);

/// Starts the request's clock, gives it its id, and makes sure of a reply even if this
/// program is wrong: if it is, `record` is called before the reply.
pub fn begin(record: fn(&Refusal)) {
    begun();
    std::panic::set_hook(Box::new(move |panic| {
        // Where, but not with what values: those may be a caller's.
        let place = panic
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let refusal = Refusal::new(Code::Internal, format!("this is a defect of sm{place}"))
            .hint("please report it with this reply");
        record(&refusal);
        std::process::exit(i32::from(Reply::refused(&refusal).send()));
    }));
}

/// Writes a reply, with its exit status in front where the process that passes it on wants that.
fn write(exit: u8, text: String) {
    let mut bytes = text.into_bytes();
    bytes.push(b'\n');
    if stdout::is_framed() {
        bytes.insert(0, exit);
    }
    stdout::write(&bytes);
}

/// A reply, field by field as the contract lists them.
#[derive(Debug, Serialize)]
pub struct Reply<'r> {
    schema: u32,
    success: bool,
    code: Code,
    request_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'r Operation>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    argv: Option<&'r Argv>,
    #[serde(flatten)]
    ran: Option<RanFields<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The same without what a command printed, which is in no log.
    #[serde(skip)]
    unsaid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<Awaited>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'r UnitState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'r [String]>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "plan")]
    transaction: Option<&'r Transaction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<&'r Snapshot>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undone: Option<&'r Undone>,
    #[serde(flatten)]
    due: Option<&'r Due>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deferred: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
    duration_ms: f64,
}

/// The fields of a command that was run.
#[derive(Debug, Serialize)]
struct RanFields<'r> {
    returncode: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    stdout: &'r str,
    stderr: &'r str,
    stdout_truncated: bool,
    stderr_truncated: bool,
}

impl<'r> Reply<'r> {
    /// A reply with nothing in it but the verdict.
    pub fn new(verdict: Result<(), &Refusal>) -> Self {
        let refusal = verdict.err();
        Self {
            schema: SCHEMA,
            success: refusal.is_none(),
            code: refusal.map_or(Code::Ok, |refusal| refusal.code),
            request_id: request_id(),
            operation: None,
            dry_run: false,
            argv: None,
            ran: None,
            changed: None,
            error: refusal.map(|refusal| one_line(&refusal.sentence(), LONGEST_SENTENCE)),
            unsaid: refusal.map(|refusal| refusal.error.clone()),
            hint: refusal
                .and_then(|refusal| refusal.hint.as_deref())
                .map(|hint| one_line(hint, LONGEST_SENTENCE)),
            retry_after_s: refusal.and_then(|refusal| refusal.retry_after_s),
            approval: refusal.and_then(|refusal| refusal.approval.as_deref().cloned()),
            unit: None,
            log: None,
            transaction: None,
            snapshot: None,
            undone: None,
            due: None,
            deferred: false,
            warnings: Vec::new(),
            more: Map::new(),
            duration_ms: 0.0,
        }
    }

    /// A refusal.
    pub fn refused(refusal: &Refusal) -> Self {
        Self::new(Err(refusal))
    }

    /// What came of a plan.
    pub fn outcome(plan: &'r Plan, outcome: &'r Outcome) -> Self {
        let ran = outcome.ran.as_ref().map(|ran| RanFields {
            returncode: match ran.ended {
                Ended::Exited(status) => Some(status),
                _ => None,
            },
            signal: match ran.ended {
                Ended::Signalled(signal) => Some(signal),
                _ => None,
            },
            stdout: &ran.stdout,
            stderr: &ran.stderr,
            stdout_truncated: ran.stdout_truncated,
            stderr_truncated: ran.stderr_truncated,
        });
        let reply = Self {
            ran,
            changed: outcome.changed,
            unit: outcome.unit.as_ref(),
            log: outcome.log.as_deref(),
            transaction: outcome.plan.as_ref(),
            snapshot: outcome.snapshot.as_ref(),
            undone: outcome.undone.as_ref(),
            due: outcome.due.as_ref(),
            deferred: outcome.deferred,
            ..Self::new(outcome.verdict.as_ref().copied()).plan(plan)
        };
        reply.warnings(outcome.warnings.iter().cloned())
    }

    /// What would be done.
    pub fn dry_run(plan: &'r Plan) -> Self {
        Self { dry_run: true, ..Self::new(Ok(())).plan(plan) }
    }

    /// Whether it is of a dry run.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// What its record says of it.
    pub fn recorded(&self) -> Answer<'_> {
        Answer { code: self.code, error: self.unsaid.as_deref(), dry_run: self.dry_run }
    }

    /// With what was asked.
    #[must_use]
    pub fn operation(mut self, operation: Option<&'r Operation>) -> Self {
        self.operation = operation;
        self
    }

    /// With whether it was a dry run.
    #[must_use]
    pub fn dry(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// With what was asked, what is run, and what is worth a warning.
    #[must_use]
    pub fn plan(mut self, plan: &'r Plan) -> Self {
        self.operation = Some(&plan.request().operation);
        self.argv = Some(plan.main());
        self.warnings = plan.approved().warnings().to_vec();
        self
    }

    /// With more that is worth a warning.
    #[must_use]
    pub fn warnings(mut self, warnings: impl IntoIterator<Item = String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// With a field that only some commands have.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Serialize) -> Self {
        self.more.insert(field.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// Writes the reply, unless there was one already, and gives the exit status that belongs to it.
    pub fn send(mut self) -> u8 {
        let exit = self.code.exit();
        if stdout::has_reply() {
            return exit;
        }
        self.end();
        let text = if stdout::is_pretty() {
            serde_json::to_string_pretty(&self)
        } else {
            serde_json::to_string(&self)
        };
        write(exit, text.unwrap_or_default());
        exit
    }

    /// The reply on one line, as it is kept for who asks again.
    pub fn kept(&mut self) -> String {
        self.end();
        serde_json::to_string(&self).unwrap_or_default()
    }

    /// The request has taken so long: the first time this is asked, so that what is kept is what is sent.
    fn end(&mut self) {
        if self.duration_ms == 0.0 {
            self.duration_ms = duration_ms();
        }
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// With the fact that the operation goes on, and how to learn of its end: from what is kept, where it
    /// is.
    #[must_use]
    pub fn continues(mut self, is_kept: bool) -> Self {
        let end = match is_kept {
            true => format!("its end: sm-helper result {} --wait 300", request_id()),
            false => format!("its end: the audit log will have it, under {}", request_id()),
        };
        self.hint = Some(match self.hint {
            Some(hint) => format!("{hint}; {end}"),
            None => end,
        });
        self.with("running", true)
    }

    /// What was begun, if nobody waits for its end.
    pub fn started(plan: &'r Plan) -> Self {
        let hint = format!("its result: sm-helper result {} --wait 300", request_id());
        let reply = Self { code: Code::Started, hint: Some(hint), ..Self::new(Ok(())).plan(plan) };
        reply.with("running", true)
    }
}
