//! What came of each host, for people and for programs.

use crate::admin::answer::{Answer, Failure, has_colour};
use crate::admin::fleet::inventory::Host;
use crate::admin::fleet::table;
use crate::output::text;
use crate::reply::milliseconds;
use crate::request::code::{Code, Refusal};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io;
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
    const ALL: [Self; 5] =
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
    /// The command at the end of the hint, where it is this host's alone; for people.
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

    /// With a sentence.
    #[must_use]
    pub fn error(mut self, error: &str) -> Self {
        self.error = Some(error.to_owned());
        self
    }

    /// With what to do next, where there is something.
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
}

/// The code of hosts that were not begun, or not gone on with, since somebody said so.
pub const INTERRUPTED: &str = "interrupted";

/// The end of a command over a fleet.
///
/// # Errors
/// `command_failed` where a host failed.
pub fn finish(
    rows: Vec<Row>,
    skip_unreachable: bool,
    fields: Map<String, Value>,
) -> Result<Answer, Failure> {
    let failed = rows.iter().filter(|row| row.counts_as_failed(skip_unreachable)).count();
    let summary: Map<String, Value> =
        counts(&rows).map(|(status, count)| (status.word().to_owned(), json!(count))).collect();
    let text = table::of(&rows, has_colour(&io::stdout()));
    let fields = fields
        .into_iter()
        .chain([("summary".to_owned(), summary.into()), ("hosts".to_owned(), json!(rows))]);
    if failed == 0 {
        return Ok(
            fields.fold(Answer::text(text), |answer, (name, value)| answer.with(&name, value))
        );
    }
    let refusal = Refusal::new(
        Code::CommandFailed,
        format!("{failed} of {} failed", text::counted(rows.len() as u64, "host")),
    )
    .hint("mend what each line says, and run it again: what is done stays done");
    let failure = Failure::of(refusal).text(text);
    Err(fields.fold(failure, |failure, (name, value)| failure.with(&name, value)))
}

/// How many hosts stand where.
fn counts<'r>(
    rows: impl IntoIterator<Item = &'r Row, IntoIter: Clone>,
) -> impl Iterator<Item = (Status, usize)> {
    let rows = rows.into_iter();
    let count = move |status| rows.clone().filter(|row| row.status == status).count();
    Status::ALL.into_iter().map(move |status| (status, count(status)))
}

/// `3 done, 1 failed`: how many hosts stand where, of what there is.
pub fn counted<'r>(rows: impl IntoIterator<Item = &'r Row, IntoIter: Clone>) -> String {
    let words: Vec<String> = counts(rows)
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {}", status.word()))
        .collect();
    words.join(", ")
}

/// What a person sees meanwhile: a line for each host under way, and above them one for each that
/// is through. Nothing where no person looks.
#[derive(Debug)]
pub struct Progress(Option<MultiProgress>);

/// A host under way.
#[derive(Debug)]
pub struct Line(Option<ProgressBar>);

impl Progress {
    /// Shown where standard error is a terminal that can be drawn on.
    pub fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self((!all.is_hidden()).then_some(all))
    }

    /// A host is begun with.
    pub fn begin(&self, host: &Host) -> Line {
        Line(self.0.as_ref().map(|all| {
            let style = ProgressStyle::with_template("{spinner} {prefix}  {msg}");
            let bar = all.add(ProgressBar::new_spinner());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(host.alias.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        }))
    }

    /// A line that stays, above those under way.
    pub fn say(&self, text: &str) {
        match &self.0 {
            Some(all) => drop(all.println(text)),
            None => eprintln!("{text}"),
        }
    }

    /// A host is through.
    pub fn end(&self, line: &Line, row: &Row) {
        if let (Some(all), Some(bar)) = (&self.0, &line.0) {
            bar.finish_and_clear();
            let what = row.error.as_deref().unwrap_or(&row.what);
            drop(all.println(format!("{}: {} {what}", row.host, row.status.word())));
        }
    }
}

impl Line {
    /// One that nobody sees.
    pub fn none() -> Self {
        Self(None)
    }

    /// What is being done.
    pub fn now(&self, what: &'static str) {
        if let Some(bar) = &self.0 {
            bar.set_message(what);
        }
    }

    /// Nothing is, for a while.
    pub fn rest(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
