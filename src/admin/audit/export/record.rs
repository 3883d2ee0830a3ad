//! A record as it stands in the log, read without copying what is in it.

use crate::audit::record::Event;
use crate::request::code::Code;
use serde::Deserialize;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::ops::Deref;

/// A text of a record.
#[derive(Clone, Deserialize)]
#[serde(from = "Borrowed<'l>", bound(deserialize = "'de: 'l"))]
pub struct Text<'l> {
    text: Cow<'l, str>,
    is_plain: bool,
}

#[derive(Deserialize)]
struct Borrowed<'l>(#[serde(borrow)] Cow<'l, str>);

impl<'l> From<Borrowed<'l>> for Text<'l> {
    fn from(Borrowed(text): Borrowed<'l>) -> Self {
        Self { text, is_plain: false }
    }
}

impl<'l> Text<'l> {
    /// A text of which nothing is known.
    pub fn new(text: impl Into<Cow<'l, str>>) -> Self {
        Self { text: text.into(), is_plain: false }
    }

    /// A text of ASCII characters that can be seen and of spaces, without `"` and `\`. Whoever says
    /// so has looked: no format looks again.
    pub fn plain(text: &'l str) -> Self {
        Self { text: text.into(), is_plain: true }
    }

    /// Whether it is known to be such a text.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// As it stands in the line; none if something is escaped there.
    pub fn as_written(&self) -> Option<&str> {
        match &self.text {
            Cow::Borrowed(text) => Some(text),
            Cow::Owned(_) => None,
        }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// A record. What one of another version lacks is not there.
#[derive(Debug, Deserialize)]
pub struct Record<'l> {
    pub seq: u64,
    #[serde(borrow)]
    pub time: Text<'l>,
    pub event: Text<'l>,
    pub request_id: Option<Text<'l>>,
    pub caller: Option<Caller<'l>>,
    pub operation: Option<Operation<'l>>,
    pub argv: Option<Vec<Text<'l>>>,
    pub reason: Option<Text<'l>>,
    pub approval: Option<Text<'l>>,
    pub code: Option<Text<'l>>,
    pub asked: Option<Vec<Text<'l>>>,
    pub error: Option<Text<'l>>,
    pub allow: Option<Text<'l>>,
    pub count: Option<u64>,
    pub dry_run: Option<bool>,
    pub returncode: Option<i64>,
    pub stdout: Option<Seal<'l>>,
    pub stderr: Option<Seal<'l>>,
    pub duration_ms: Option<f64>,
    pub snapshot: Option<Snapshot<'l>>,
    pub undone: Option<Undone<'l>>,
    pub torn_bytes: Option<u64>,
    pub lost_records: Option<u64>,
    pub checkpoint: Option<Checkpoint<'l>>,
    pub policy: Option<Text<'l>>,
    pub prev: Option<Text<'l>>,
    pub hash: Text<'l>,
    /// What its event and its code say, once it was looked for: each format asks several times.
    #[serde(skip)]
    pub meaning: OnceCell<(Option<Event>, Outcome)>,
}

/// Who asked.
#[derive(Debug, Default, Deserialize)]
pub struct Caller<'l> {
    pub uid: Option<u64>,
    #[serde(borrow)]
    pub user: Option<Text<'l>>,
    pub gid: Option<u64>,
    pub pid: Option<i64>,
    pub via: Option<Text<'l>>,
    pub tty: Option<Text<'l>>,
    pub loginuid: Option<u64>,
    pub agent: Option<Text<'l>>,
}

/// What was asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Operation<'l> {
    #[serde(borrow)]
    pub kind: Option<Text<'l>>,
    pub action: Option<Text<'l>>,
    pub name: Option<Text<'l>>,
}

/// What a command printed, as far as that is recorded.
#[derive(Debug, Deserialize)]
pub struct Seal<'l> {
    pub bytes: Option<u64>,
    #[serde(borrow)]
    pub sha256: Option<Text<'l>>,
}

/// The snapshots around an operation.
#[derive(Debug, Deserialize)]
pub struct Snapshot<'l> {
    pub before: Option<u64>,
    pub after: Option<u64>,
    pub undo: Option<bool>,
    #[serde(borrow)]
    pub why_not: Option<Text<'l>>,
}

/// What was put back.
#[derive(Debug, Deserialize)]
pub struct Undone<'l> {
    #[serde(borrow)]
    pub request_id: Option<Text<'l>>,
    pub files: Option<u64>,
    pub left: Option<Vec<Text<'l>>>,
    pub left_count: Option<u64>,
}

/// Who signed the log until a record.
#[derive(Debug, Deserialize)]
pub struct Checkpoint<'l> {
    #[serde(borrow)]
    pub host: Option<Text<'l>>,
    pub machine: Option<Text<'l>>,
    pub key: Option<Text<'l>>,
    pub next: Option<Text<'l>>,
    pub signature: Option<Text<'l>>,
}

/// What a field of a record holds.
#[derive(Debug, Clone, Copy)]
pub enum Value<'v> {
    Text(&'v Text<'v>),
    Texts(&'v [Text<'v>]),
    Number(i128),
    Decimal(f64),
    Bool(bool),
}

/// How what a record is about went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure,
    /// It is not done yet.
    Unknown,
}

impl Outcome {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Unknown => "unknown",
        }
    }
}

impl<'l> Record<'l> {
    /// Reads a record's line.
    pub fn parse(line: &'l [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// Shows every field that it has, by its path. `docs/siem.md` has the same list.
    pub fn each(&self, mut with: impl FnMut(&'static str, Value<'_>)) {
        let mut field = |path, value: Option<Value<'_>>| {
            if let Some(value) = value {
                with(path, value);
            }
        };
        field("seq", number(Some(self.seq)));
        field("time", text(Some(&self.time)));
        field("event", text(Some(&self.event)));
        field("request_id", text(self.request_id.as_ref()));
        if let Some(caller) = &self.caller {
            field("caller.uid", number(caller.uid));
            field("caller.user", text(caller.user.as_ref()));
            field("caller.gid", number(caller.gid));
            field("caller.pid", number(caller.pid));
            field("caller.via", text(caller.via.as_ref()));
            field("caller.tty", text(caller.tty.as_ref()));
            field("caller.loginuid", number(caller.loginuid));
            field("caller.agent", text(caller.agent.as_ref()));
        }
        if let Some(operation) = &self.operation {
            field("operation.kind", text(operation.kind.as_ref()));
            field("operation.action", text(operation.action.as_ref()));
            field("operation.name", text(operation.name.as_ref()));
        }
        field("argv", self.argv.as_deref().map(Value::Texts));
        field("reason", text(self.reason.as_ref()));
        field("approval", text(self.approval.as_ref()));
        field("code", text(self.code.as_ref()));
        field("asked", self.asked.as_deref().map(Value::Texts));
        field("error", text(self.error.as_ref()));
        field("allow", text(self.allow.as_ref()));
        field("count", number(self.count));
        field("dry_run", self.dry_run.map(Value::Bool));
        field("returncode", number(self.returncode));
        if let Some(seal) = &self.stdout {
            field("stdout.bytes", number(seal.bytes));
            field("stdout.sha256", text(seal.sha256.as_ref()));
        }
        if let Some(seal) = &self.stderr {
            field("stderr.bytes", number(seal.bytes));
            field("stderr.sha256", text(seal.sha256.as_ref()));
        }
        field("duration_ms", self.duration_ms.map(Value::Decimal));
        if let Some(snapshot) = &self.snapshot {
            field("snapshot.before", number(snapshot.before));
            field("snapshot.after", number(snapshot.after));
            field("snapshot.undo", snapshot.undo.map(Value::Bool));
            field("snapshot.why_not", text(snapshot.why_not.as_ref()));
        }
        if let Some(undone) = &self.undone {
            field("undone.request_id", text(undone.request_id.as_ref()));
            field("undone.files", number(undone.files));
            field("undone.left", undone.left.as_deref().map(Value::Texts));
            field("undone.left_count", number(undone.left_count));
        }
        field("torn_bytes", number(self.torn_bytes));
        field("lost_records", number(self.lost_records));
        if let Some(checkpoint) = &self.checkpoint {
            field("checkpoint.host", text(checkpoint.host.as_ref()));
            field("checkpoint.machine", text(checkpoint.machine.as_ref()));
            field("checkpoint.key", text(checkpoint.key.as_ref()));
            field("checkpoint.next", text(checkpoint.next.as_ref()));
            field("checkpoint.signature", text(checkpoint.signature.as_ref()));
        }
        field("policy", text(self.policy.as_ref()));
        field("prev", text(self.prev.as_ref()));
        field("hash", text(Some(&self.hash)));
    }

    /// The agent that asked, as the policy names it.
    pub fn agent(&self) -> Option<&Text<'l>> {
        self.caller.as_ref().and_then(|caller| caller.agent.as_ref())
    }

    fn is(&self, event: Event) -> bool {
        self.event() == Some(event)
    }

    /// Whether something is about to be done, or whether it was done or not.
    pub fn event(&self) -> Option<Event> {
        self.meaning().0
    }

    /// How it went. What only another version knows is unknown.
    pub fn outcome(&self) -> Outcome {
        self.meaning().1
    }

    fn meaning(&self) -> (Option<Event>, Outcome) {
        *self.meaning.get_or_init(|| {
            let event = Event::ALL.into_iter().find(|event| &*self.event == event.word());
            let outcome = match event {
                Some(Event::Refused) => Outcome::Failure,
                Some(Event::Result | Event::Checkpoint) => {
                    match self.code.as_deref().and_then(Code::from_word) {
                        Some(code) if code.exit() == 0 => Outcome::Success,
                        Some(_) => Outcome::Failure,
                        None => Outcome::Unknown,
                    }
                }
                _ => Outcome::Unknown,
            };
            (event, outcome)
        })
    }

    /// The words of the operation, `service restart nginx.service`, or those that were not
    /// understood.
    pub fn asked_for(&self) -> String {
        let mut words = String::new();
        self.push_asked_for(&mut words);
        words
    }

    fn push_asked_for(&self, to: &mut String) {
        match (&self.operation, &self.asked) {
            _ if self.is(Event::Checkpoint) => to.push_str("the audit log is signed"),
            (Some(operation), _) => {
                let words = [&operation.kind, &operation.action, &operation.name];
                push(to, " ", words.into_iter().flatten());
            }
            (None, Some(asked)) => {
                to.push_str(if asked.is_empty() { "?" } else { "? " });
                push(to, " ", asked);
            }
            (None, None) => to.push('?'),
        }
    }

    /// What is done to what, as one word: `service-restart`.
    pub fn action(&self) -> String {
        if self.is(Event::Checkpoint) {
            return Event::Checkpoint.word().to_owned();
        }
        let parts = self.operation.as_ref().map(|operation| [&operation.kind, &operation.action]);
        let Some(parts) = parts.filter(|[kind, action]| kind.is_some() || action.is_some()) else {
            return "request".to_owned();
        };
        let mut words = String::new();
        push(&mut words, "-", parts.into_iter().flatten());
        words
    }

    /// One line for a person.
    pub fn message(&self) -> String {
        const USUAL: usize = 256;
        let user = self.caller.as_ref().and_then(|caller| caller.user.as_deref()).unwrap_or("?");
        let mut message = String::with_capacity(USUAL);
        message.push_str(user);
        message.push_str(": ");
        self.push_asked_for(&mut message);
        if self.dry_run == Some(true) {
            message.push_str(" --dry-run");
        }
        let end = match self.event() {
            Some(Event::Intent) => &self.event,
            _ => self.code.as_ref().unwrap_or(&self.event),
        };
        message.push_str(": ");
        message.push_str(end);
        if let Some(error) = &self.error {
            message.push_str(": ");
            message.push_str(error);
        }
        message
    }
}

/// Adds words with something between them.
fn push<'w>(to: &mut String, between: &str, words: impl IntoIterator<Item = &'w Text<'w>>) {
    for (at, word) in words.into_iter().enumerate() {
        if at > 0 {
            to.push_str(between);
        }
        to.push_str(word);
    }
}

fn text<'v>(text: Option<&'v Text<'_>>) -> Option<Value<'v>> {
    text.map(Value::Text)
}

fn number<'v>(number: Option<impl Into<i128>>) -> Option<Value<'v>> {
    number.map(|number| Value::Number(number.into()))
}
