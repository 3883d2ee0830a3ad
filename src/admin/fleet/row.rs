//! Where a host stands, and what is said of it.

use crate::admin::fleet::inventory::host::Host;
use crate::request::code::Refusal;
use crate::request::id::milliseconds;
use crate::system::kernel;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Where a host stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// What was asked for was done.
    Done,
    /// There was nothing to do.
    Already,
    /// It was left out.
    Skipped,
    /// There is no way to it.
    Unreachable,
    /// It did not work.
    Failed,
}

impl Status {
    pub const ALL: [Self; 5] =
        [Self::Done, Self::Already, Self::Skipped, Self::Unreachable, Self::Failed];

    /// The word in a report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Already => "already",
            Self::Skipped => "skipped",
            Self::Unreachable => "unreachable",
            Self::Failed => "failed",
        }
    }

    /// What makes a terminal show it so.
    pub fn colour(self) -> &'static str {
        match self {
            Self::Done | Self::Already => "\x1b[32m",
            Self::Skipped => "\x1b[33m",
            Self::Unreachable | Self::Failed => "\x1b[1;31m",
        }
    }
}

/// A host's line in the report.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What the inventory calls it.
    pub host: String,
    /// Where it stands.
    pub status: Status,
    /// To branch on.
    pub code: String,
    /// One sentence for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The command at the end of the hint, if it is this host's alone; for people.
    #[serde(skip)]
    pub command: Option<String>,
    /// What was done, or would be; for people.
    #[serde(skip)]
    pub what: String,
    /// How long it took, waiting for a person left out.
    pub duration_ms: f64,
    /// More for programs.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Row {
    /// A row with nothing but where the host stands.
    pub fn new(host: &Host, status: Status, code: &str) -> Self {
        Self {
            host: host.alias.clone(),
            status,
            code: code.to_owned(),
            error: None,
            hint: None,
            command: None,
            what: String::new(),
            duration_ms: 0.0,
            more: Map::new(),
        }
    }

    /// What a refusal says about the host.
    pub fn refused(host: &Host, refusal: &Refusal) -> Self {
        let row = Self::new(host, Status::Failed, refusal.code.word());
        row.error(&refusal.error).hint(refusal.hint.as_deref())
    }

    /// Where the host stands, for people: one that was only looked at was not left out.
    pub fn word(&self) -> &'static str {
        match self.status {
            Status::Skipped if self.code == DRY_RUN => "would set up",
            status => status.word(),
        }
    }

    /// With a sentence.
    #[must_use]
    pub fn error(mut self, error: &str) -> Self {
        self.error = Some(error.to_owned());
        self
    }

    /// With what to do next, if there is something.
    #[must_use]
    pub fn hint(mut self, hint: Option<&str>) -> Self {
        self.hint = hint.map(str::to_owned);
        self.command = None;
        self
    }

    /// With a command behind the hint, which may be another for each host.
    #[must_use]
    pub fn command(mut self, command: String) -> Self {
        self.hint = self.hint.map(|hint| format!("{hint}: {command}"));
        self.command = Some(command);
        self
    }

    /// With what was done, for people.
    #[must_use]
    pub fn what(mut self, what: impl Into<String>) -> Self {
        self.what = what.into();
        self
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Serialize) -> Self {
        self.more.insert(field.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// With what there is to warn about, if anything.
    #[must_use]
    pub fn warned(mut self, warnings: Vec<String>) -> Self {
        if warnings.is_empty() {
            return self;
        }
        match self.more.entry("warnings").or_insert_with(|| json!([])) {
            Value::Array(all) => all.extend(warnings.into_iter().map(Value::String)),
            other => *other = json!(warnings),
        }
        self
    }

    /// With the time it took.
    #[must_use]
    pub fn took(mut self, time: Duration) -> Self {
        self.duration_ms = milliseconds(time);
        self
    }

    /// Whether the command failed for its sake.
    pub fn counts_as_failed(&self, skip_unreachable: bool) -> bool {
        match self.status {
            Status::Done | Status::Already => false,
            // Somebody stopped it, so it is not there yet; else somebody wanted it so.
            Status::Skipped => self.code == INTERRUPTED,
            Status::Unreachable => !skip_unreachable,
            Status::Failed => true,
        }
    }

    /// Whether its host did what was asked for, or said what it would do.
    pub fn is_of_use(&self) -> bool {
        match self.status {
            Status::Done | Status::Already => true,
            Status::Skipped => self.code == DRY_RUN,
            Status::Unreachable | Status::Failed => false,
        }
    }
}

/// The code of hosts that only said what they would do.
pub const DRY_RUN: &str = "dry_run";

/// The code of hosts that were not begun, or not gone on with, since somebody said so.
pub const INTERRUPTED: &str = "interrupted";

/// The row of a host that is not contacted at all.
pub fn left_out(host: &Host) -> Option<Row> {
    if host.offline {
        let row = Row::new(host, Status::Skipped, "offline");
        return Some(row.what("the inventory says that it is offline"));
    }
    if let Some(refusal) = &host.refused {
        return Some(Row::refused(host, refusal));
    }
    kernel::is_interrupted().then(|| {
        Row::new(host, Status::Skipped, INTERRUPTED).error("interrupted before it was started")
    })
}

/// How many hosts stand where.
pub fn counts<'r>(
    rows: impl IntoIterator<Item = &'r Row, IntoIter: Clone>,
) -> impl Iterator<Item = (Status, usize)> {
    let rows = rows.into_iter();
    let count = move |status| rows.clone().filter(|row| row.status == status).count();
    Status::ALL.into_iter().map(move |status| (status, count(status)))
}

/// `3 done, 1 failed`: how many hosts stand where, of what there is.
pub fn counted<'r>(rows: impl IntoIterator<Item = &'r Row, IntoIter: Clone>) -> String {
    let rows = rows.into_iter();
    let mut words: Vec<String> = Vec::new();
    for status in Status::ALL {
        let of_status = rows.clone().filter(|row| row.status == status);
        let (would, are): (Vec<&Row>, Vec<&Row>) = of_status.partition(|row| row.code == DRY_RUN);
        for rows in [would, are] {
            words.extend(rows.first().map(|row| format!("{} {}", rows.len(), row.word())));
        }
    }
    words.join(", ")
}
