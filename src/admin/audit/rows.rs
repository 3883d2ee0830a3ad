//! Records as people read them: a line for each request, or with `--records` for each record.

use crate::admin::answer::has_colour;
use crate::audit::Event;
use crate::cli::{self, HelperCommand, Parsed, Shown};
use crate::output::text::one_line;
use crate::output::wrap;
use crate::request::action::UNDO;
use crate::system::terminal;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use memchr::{memchr, memmem};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io::{self, IsTerminal};

/// The most characters that are shown of an administrator's words, an account's name among them.
const LONGEST_WORDS: usize = 1000;

/// How lines are shown.
pub struct Style {
    /// A line for each record, not for each request.
    records: bool,
    /// The zone of times; none is UTC, as it is recorded.
    zone: Option<TimeZone>,
    colour: bool,
    width: Option<usize>,
    has_heading: bool,
}

impl Style {
    /// For standard output, with a line for each record if wanted so. Local times, colours and a heading are for a terminal alone.
    pub fn of(shown: &Shown, records: bool) -> Self {
        let stdout = io::stdout();
        let has_heading = stdout.is_terminal();
        let zone = if has_heading && !shown.utc { TimeZone::try_system().ok() } else { None };
        let (colour, width) = (has_colour(&stdout), terminal::width(&stdout));
        Self { records: shown.records || records, zone, colour, width, has_heading }
    }

    /// Whether there is a line for each record.
    pub fn is_of_records(&self) -> bool {
        self.records
    }

    /// These, one a line.
    pub fn rows<'r>(&self, records: impl IntoIterator<Item = &'r Value>) -> String {
        let rows: Vec<String> = records.into_iter().map(|record| self.row(record)).collect();
        if rows.is_empty() {
            return "no record".to_owned();
        }
        let heading = self.heading().map(|heading| heading + "\n").unwrap_or_default();
        heading + &rows.join("\n")
    }

    /// What the columns are, for a terminal.
    pub fn heading(&self) -> Option<String> {
        if !self.has_heading {
            return None;
        }
        let time = if self.zone.is_some() { 25 } else { 20 };
        let begin = match self.records {
            true => format!("{:<time$}  {:<12} {:<10} {:<17} ", "time", "account", "event", "code"),
            false => {
                let [result, took, id] = ["result", "duration", "id"];
                let begin = format!("{:<time$}  {:<12} {result:<17} ", "time", "account");
                format!("{begin}{took:>9}  {id:<8}  ")
            }
        };
        Some(wrap::row(&begin, begin.len(), "operation", self.width))
    }

    /// A record on one line: for itself, or for its request, whose end it is.
    pub fn row(&self, record: &Value) -> String {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or("");
        let (event, code) = (text("/event"), text("/code"));
        let mut operation = operation_of(record).unwrap_or_else(|| {
            if is_checkpoint(record) {
                return format!("signed by {}", one_line(text("/checkpoint/key"), 16));
            }
            let words: Vec<&str> = asked(record).collect();
            format!("? {}", one_line(&words.join(" "), 80))
        });
        operation.push_str(rehearsed(record));
        if !text("/reason").is_empty() {
            operation.push_str(&format!("  # {}", one_line(text("/reason"), 200)));
        }
        if event == "refused" || (!self.records && code != "ok" && !text("/error").is_empty()) {
            operation.push_str(&format!("  ({})", one_line(text("/error"), 200)));
        }
        let (user, agent) = caller(record);
        let account = account(&user, agent.as_deref());
        let result = if event == "intent" && !self.records { NO_RESULT } else { code };
        let on = match event {
            _ if !self.colour => "",
            "refused" => YELLOW,
            "result" if code != "ok" => BOLD_RED,
            "intent" if !self.records => YELLOW,
            _ => "",
        };
        let off = if on.is_empty() { "" } else { "\x1b[0m" };
        let mut begin = format!("{}  {account:<12} ", self.time(text("/time")));
        if self.records {
            begin.push_str(&format!("{event:<10} "));
        }
        // The word of the result is coloured, and nothing that a caller has written.
        begin.push_str(&format!(
            "{on}{result}{off}{:1$} ",
            "",
            17_usize.saturating_sub(result.len())
        ));
        if !self.records {
            let took = record["duration_ms"].as_f64().map_or("-".to_owned(), took);
            begin.push_str(&format!("{took:>9}  {:<8}  ", id(record)));
        }
        let column = begin.chars().count() - on.len() - off.len();
        wrap::row(&begin, column, &operation, self.width)
    }

    /// A time as it is recorded, in UTC and with six digits behind the second.
    fn time(&self, recorded: &str) -> String {
        let local = self.zone.as_ref().and_then(|zone| {
            let stamp: Timestamp = recorded.parse().ok()?;
            Some(stamp.to_zoned(zone.clone()).strftime("%F %T%:z").to_string())
        });
        let utc = || format!("{}Z", recorded.get(..19).unwrap_or("").replace('T', " "));
        local.unwrap_or_else(utc)
    }
}

const YELLOW: &str = "\x1b[33m";
const BOLD_RED: &str = "\x1b[1;31m";

/// What stands where a result would: it is not done yet, or all of its processes were killed.
const NO_RESULT: &str = "no result";

/// Of these records, in their order, those that end a request, and intents that nothing ended: the
/// last ones.
pub struct Requests {
    most: usize,
    count: usize,
    ended: VecDeque<Value>,
    open: BTreeMap<String, Value>,
}

impl Requests {
    /// Of which at most so many are kept.
    pub fn at_most(most: usize) -> Self {
        Self { most, count: 0, ended: VecDeque::new(), open: BTreeMap::new() }
    }

    /// Takes the next record. A checkpoint is none of a request's.
    pub fn push(&mut self, record: Value) {
        if is_checkpoint(&record) {
            return;
        }
        let id = record["request_id"].as_str().unwrap_or_default();
        if record["event"] == "intent" {
            self.open.insert(id.to_owned(), record);
            return;
        }
        self.open.remove(id);
        self.ended.push_back(record);
        self.count += 1;
        if self.ended.len() > self.most {
            self.ended.pop_front();
        }
    }

    /// A line that is not wanted itself, and may end one that is.
    pub fn pass(&mut self, line: &[u8]) {
        if self.open.is_empty() {
            return;
        }
        if let Some(id) = ended(line) {
            self.open.remove(&*id);
        }
    }

    /// Counts requests that have ended and were looked for, and which are not to be shown.
    pub fn count(&mut self, more: usize) {
        self.count += more;
    }

    /// The last of them, in the order of the log, and how many there are.
    pub fn last(self) -> (Vec<Value>, usize) {
        let count = self.count + self.open.len();
        let mut all: Vec<Value> = self.ended.into_iter().chain(self.open.into_values()).collect();
        all.sort_by_key(|record| record["seq"].as_u64());
        (all.split_off(all.len().saturating_sub(self.most)), count)
    }
}

/// Whether a record signs the log, and is of no request.
pub fn is_checkpoint(record: &Value) -> bool {
    record["event"] == Event::Checkpoint.word()
}

/// The end of the id: the beginning is the time, and the same for requests of one minute.
fn id(record: &Value) -> &str {
    let id = record["request_id"].as_str().unwrap_or_default();
    id.get(id.len().saturating_sub(8)..).unwrap_or_default()
}

fn took(milliseconds: f64) -> String {
    match milliseconds {
        ..1000.0 => format!("{milliseconds:.0} ms"),
        ..60_000.0 => format!("{:.1} s", milliseconds / 1000.0),
        _ => format!("{:.0} min", milliseconds / 60_000.0),
    }
}

/// What stands behind the operation of a dry run, so that nobody takes it for the real one.
pub fn rehearsed(record: &Value) -> &'static str {
    if record["dry_run"] == true { " --dry-run" } else { "" }
}

/// Who asked: the account, and behind it the agent that the policy says it is.
pub fn account(user: &str, agent: Option<&str>) -> String {
    match agent {
        Some(agent) => format!("{user} ({agent})"),
        None => user.to_owned(),
    }
}

/// The account that asked, and the agent, each on one line.
pub fn caller(record: &Value) -> (String, Option<String>) {
    let text = |pointer: &str, most| {
        Some(one_line(record.pointer(pointer).and_then(Value::as_str)?, most))
    };
    (text("/caller/user", 40).unwrap_or_default(), text("/caller/agent", 64))
}

/// The operation as it is counted: of an administrator's command without its arguments.
pub fn counted_as(record: &Value) -> Option<String> {
    let operation = operation_of(record)?;
    let mut words = operation.split(' ');
    if words.next() != Some("sm") {
        return Some(operation);
    }
    let command: Vec<&str> = words.take(2).collect();
    Some(match command[..] {
        [what, "expired"] => format!("sm {what} expired"),
        [what, ..] => format!("sm {what}"),
        [] => operation,
    })
}

/// `service restart nginx.service`, `list`; none if it was no whole request.
pub fn operation_of(record: &Value) -> Option<String> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    let has_kind = record.pointer("/operation/kind").is_some();
    let parts = ["/operation/kind", "/operation/action", "/operation/name"];
    let asked: Vec<&str> = asked(record).collect();
    operation_from(has_kind.then(|| parts.map(text)), text("/code"), &asked)
}

/// The same, of the parts of a record: kind, action and name of its operation if it has one, its
/// code, and the words as they were written.
pub fn operation_from(parts: Option<[&str; 3]>, code: &str, asked: &[&str]) -> Option<String> {
    if let Some([kind, action, name]) = parts {
        // It is asked for by its action alone.
        let kind = if action == UNDO { "" } else { kind };
        let parts: Vec<&str> =
            [kind, action, name].into_iter().filter(|part| !part.is_empty()).collect();
        return Some(parts.join(" "));
    }
    // What an administrator does is recorded by its words. A caller who begins with that word gets another
    // code, as it is no request.
    let is_done = ["ok", "denied", "approval_required"].contains(&code);
    if is_done && asked.first() == Some(&"sm") {
        return Some(one_line(&asked.join(" "), LONGEST_WORDS));
    }
    // A question that runs nothing is known by its words alone. Making the grammar for them takes
    // longer than reading the record, so only what may be one is read.
    if !may_ask(asked) {
        return None;
    }
    let words: Vec<OsString> = asked.iter().map(OsString::from).collect();
    let Parsed::Command(helper) = cli::helper(&words) else { return None };
    match helper.command {
        HelperCommand::List { .. } => Some("list".to_owned()),
        HelperCommand::Result { .. } => Some("result".to_owned()),
        HelperCommand::Version => Some("version".to_owned()),
        HelperCommand::Service { .. }
        | HelperCommand::Package { .. }
        | HelperCommand::Undo { .. }
        | HelperCommand::Task { .. } => None,
    }
}

/// Whether words may be a question that runs nothing.
pub fn may_ask(asked: &[&str]) -> bool {
    asked.iter().any(|word| ["list", "result", "version"].contains(word))
}

/// The id of the request that a line ends, whatever it is else: its text says so.
pub fn ended(line: &[u8]) -> Option<Cow<'_, str>> {
    const ID: &[u8] = b"\"request_id\":\"";
    let id = line.get(memmem::find(line, ID)? + ID.len()..)?;
    let id = &id[..memchr(b'"', id).unwrap_or(id.len())];
    if memmem::find(line, b"\"event\":\"intent\"").is_some() {
        return None;
    }
    Some(String::from_utf8_lossy(id))
}

/// The words as they were written, if they were no operation.
fn asked(record: &Value) -> impl Iterator<Item = &str> {
    let asked = record.pointer("/asked").and_then(Value::as_array);
    asked.into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_question_has_its_word_and_what_is_no_request_has_none() {
        for (asked, expected) in [
            (json!(["version"]), Some("version")),
            (json!(["--pretty", "list", "--schema"]), Some("list")),
            (json!(["version", "--reason", "list"]), Some("version")),
            (json!(["frob", "list"]), None),
            (json!(["service", "restart", "a b"]), None),
            (json!([]), None),
        ] {
            let record = json!({"event": "result", "code": "ok", "asked": asked});
            assert_eq!(operation_of(&record).as_deref(), expected, "{record}");
        }
    }

    fn style(records: bool) -> Style {
        Style { records, zone: None, colour: false, width: None, has_heading: false }
    }

    fn record(seq: u64, event: &str, id: &str) -> Value {
        json!({
            "seq": seq, "time": "2026-11-22T10:00:30.123456Z", "event": event, "request_id": id,
            "caller": {"user": "agent"}, "code": "ok", "duration_ms": 1530.2,
            "operation": {"kind": "service", "action": "restart", "name": "nginx.service"},
        })
    }

    const ID: &str = "0197b5c0-0000-7000-8000-0000deadbeef";

    #[test]
    fn a_row_has_its_time_in_utc_or_with_the_zone() {
        let line = style(true).row(&record(1, "result", ID));
        assert!(line.starts_with("2026-11-22 10:00:30Z  agent        result     ok "), "{line}");
        let zone = Some(TimeZone::fixed(jiff::tz::offset(2)));
        let line = Style { zone, ..style(true) }.row(&record(1, "result", ID));
        assert!(line.starts_with("2026-11-22 12:00:30+02:00  agent "), "{line}");
    }

    #[test]
    fn a_request_is_one_line_with_its_result_duration_and_id() {
        let mut requests = Requests::at_most(10);
        for (seq, event, id) in
            [(1, "intent", ID), (2, "intent", "killed"), (3, "result", ID), (4, "refused", "other")]
        {
            requests.push(record(seq, event, id));
        }
        let (shown, count) = requests.last();
        let lines: Vec<String> = shown.iter().map(|record| style(false).row(record)).collect();
        assert_eq!((lines.len(), count), (3, 3), "{lines:#?}");
        assert!(lines[0].contains(" no result "), "{lines:#?}");
        let wanted =
            "Z  agent        ok                    1.5 s  deadbeef  service restart nginx.service";
        assert!(lines[1].ends_with(wanted), "{lines:#?}");
    }

    #[test]
    fn an_end_that_is_not_looked_for_ends_a_request_all_the_same() {
        let mut requests = Requests::at_most(10);
        requests.push(record(1, "intent", ID));
        requests.pass(record(2, "intent", ID).to_string().as_bytes());
        assert_eq!(requests.open.len(), 1);
        requests.pass(record(3, "result", ID).to_string().as_bytes());
        assert_eq!(requests.last(), (Vec::new(), 0));
    }

    #[test]
    fn only_the_result_is_coloured() {
        let mut failed = record(1, "result", ID);
        failed["code"] = json!("command_failed");
        failed["reason"] = json!("command_failed");
        let line = Style { colour: true, ..style(false) }.row(&failed);
        assert_eq!(line.matches('\x1b').count(), 2, "{line:?}");
        assert!(line.contains("\x1b[1;31mcommand_failed\x1b[0m "), "{line:?}");
        let well = Style { colour: true, ..style(false) }.row(&record(1, "result", ID));
        assert!(!well.contains('\x1b'), "{well:?}");
    }
}
