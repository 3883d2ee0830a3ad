//! What came of each host, for people and for programs.

use crate::admin::answer::{Answer, Failure, has_colour};
use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::row::{Row, counted, counts};
use crate::admin::fleet::table;
use crate::output::text;
use crate::request::code::{Code, Refusal};
use crate::system::terminal;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value, json};
use std::io;
use std::time::Duration;

/// The end of a command over a fleet.
///
/// # Errors
/// `command_failed` if a host failed, and if no host did it.
pub fn finish(
    rows: Vec<Row>,
    skip_unreachable: bool,
    fields: Map<String, Value>,
) -> Result<Answer, Failure> {
    let failed = rows.iter().filter(|row| row.counts_as_failed(skip_unreachable)).count();
    let summary: Map<String, Value> =
        counts(&rows).map(|(status, count)| (status.word().to_owned(), json!(count))).collect();
    let text = table::of(&rows, has_colour(&io::stdout()), terminal::width(&io::stdout()));
    let fields = fields
        .into_iter()
        .chain([("summary".to_owned(), summary.into()), ("hosts".to_owned(), json!(rows))]);
    let has_done = rows.iter().any(Row::is_of_use);
    if failed == 0 && has_done {
        return Ok(
            fields.fold(Answer::text(text), |answer, (name, value)| answer.with(&name, value))
        );
    }
    let refusal = match failed {
        // A pipeline that has nobody do its work is not to continue as if it were done.
        0 => Refusal::new(Code::CommandFailed, format!("no host did it: {}", counted(&rows)))
            .hint("name at least one host that is reachable and not offline: see --limit and the inventory"),
        _ => Refusal::new(
            Code::CommandFailed,
            format!("{failed} of {} failed", text::counted(rows.len() as u64, "host")),
        )
        .hint("fix what each line says, and run it again: what is done stays done"),
    };
    let failure = Failure::of(refusal).text(text);
    Err(fields.fold(failure, |failure, (name, value)| failure.with(&name, value)))
}

/// What a person sees meanwhile: a line for each host under way, and above them one for each that
/// is through. Nothing if no person looks.
#[derive(Debug)]
pub struct Progress(Option<MultiProgress>);

/// A host under way.
#[derive(Debug)]
pub struct Line(Option<ProgressBar>);

impl Progress {
    /// Shown if standard error is a terminal that can be drawn on, and nothing else is said there.
    pub fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let is_verbose = tracing::enabled!(tracing::Level::INFO);
        Self((!all.is_hidden() && !is_verbose).then_some(all))
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
            drop(all.println(format!("{}: {} {what}", row.host, row.word())));
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
