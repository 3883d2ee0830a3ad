//! `sm audit stats`: how often what was asked for, and what came of it.

use crate::admin::answer::{Answer, Failure};
use crate::admin::audit::filter::{Filter, each};
use crate::admin::audit::rows::{account, caller, counted_as, is_checkpoint, rehearsed};
use crate::cli::AuditFilter;
use crate::output::text::counted;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What people have answered and given, and what came of it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Answers {
    /// Requests that were refused since nobody had approved them.
    required: u64,
    /// `sm approve`
    approved: u64,
    /// `sm decline`
    declined: u64,
    /// Requests and approvals whose time was over.
    approvals_expired: u64,
    /// `sm grant`
    granted: u64,
    /// `sm revoke`
    revoked: u64,
    /// Rights whose time was over.
    grants_expired: u64,
    /// What was begun with an approval or a right.
    used: u64,
}

impl Answers {
    fn count(&mut self, record: &Value) {
        let count = record.pointer("/count").and_then(Value::as_u64).unwrap_or(1);
        if record["event"] == "intent" {
            self.used += u64::from(record["approval"].is_string());
            return;
        }
        let command = counted_as(record).unwrap_or_default();
        let counter = match (command.as_str(), record["code"].as_str()) {
            ("sm approve", Some("ok")) => &mut self.approved,
            ("sm decline", Some("ok")) => &mut self.declined,
            ("sm approvals expired", _) => &mut self.approvals_expired,
            ("sm grant", Some("ok")) => &mut self.granted,
            ("sm revoke", Some("ok")) => &mut self.revoked,
            ("sm grants expired", _) => &mut self.grants_expired,
            (_, Some("approval_required")) => &mut self.required,
            _ => return,
        };
        *counter += count;
    }

    /// As a line for people; none if there is nothing to say.
    fn described(&self) -> Option<String> {
        let counts = [
            (self.required, "waited for an approval"),
            (self.approved, "approved"),
            (self.declined, "declined"),
            (self.approvals_expired, "expired"),
            (self.granted, "given rights"),
            (self.revoked, "revoked"),
            (self.grants_expired, "ended"),
            (self.used, "used"),
        ];
        let said: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!said.is_empty()).then(|| said.join(", "))
    }
}

/// What is counted together.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Counted {
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    operation: String,
    code: String,
}

impl Counted {
    /// The account, and the agent behind it.
    fn account(&self) -> String {
        account(&self.user, self.agent.as_deref())
    }
}

/// A row: what is counted, and how often.
#[derive(Debug, Serialize)]
struct Row<'r> {
    #[serde(flatten)]
    of: &'r Counted,
    count: u64,
}

/// Counts by account, operation and code: one row each, the most frequent first. And what came of approvals
/// and of rights that end.
///
/// # Errors
/// If the log cannot be read.
pub fn stats(filter: &AuditFilter) -> Result<Answer, Failure> {
    let filter = &Filter::of(filter)?;
    let mut counts: BTreeMap<Counted, u64> = BTreeMap::new();
    let (mut all, mut answers) = (0_u64, Answers::default());
    each(filter, |record| {
        answers.count(&record);
        // An intent is counted with its result.
        if record["event"] == "intent" || is_checkpoint(&record) {
            return;
        }
        let mut operation = counted_as(&record).unwrap_or_else(|| "(not a request)".to_owned());
        operation.push_str(rehearsed(&record));
        let count = record.pointer("/count").and_then(Value::as_u64).unwrap_or(1);
        all += count;
        let (user, agent) = caller(&record);
        let code = record["code"].as_str().unwrap_or_default().to_owned();
        *counts.entry(Counted { user, agent, operation, code }).or_default() += count;
    })?;
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let table: Vec<[String; 3]> = rows
        .iter()
        .map(|(key, _)| [key.account(), key.operation.clone(), key.code.clone()])
        .collect();
    const TITLES: [&str; 3] = ["account", "operation", "code"];
    let [user, operation, code] = std::array::from_fn(|column| {
        let cells = table.iter().map(|row| row[column].chars().count());
        cells.chain([TITLES[column].len()]).max().unwrap_or(0)
    });
    let row = |[account, what, how]: [&str; 3], count: &str| {
        format!("{account:<user$}  {what:<operation$}  {how:<code$}  {count:>8}\n")
    };
    let mut text = row(TITLES, "count");
    let _ = writeln!(text, "{}", "─".repeat(user + operation + code + 14));
    for (cells, (_, count)) in table.iter().zip(&rows) {
        text.push_str(&row(cells.each_ref().map(String::as_str), &count.to_string()));
    }
    text.push_str(&counted(all, "request"));
    if let Some(line) = answers.described() {
        let _ = write!(text, "\n{line}");
    }
    let objects: Vec<Row<'_>> = rows.iter().map(|(of, count)| Row { of, count: *count }).collect();
    Ok(filter
        .window(Answer::text(text))
        .with("requests", all)
        .with("counts", objects)
        .with("answers", answers))
}
