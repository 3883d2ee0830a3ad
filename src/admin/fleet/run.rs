//! `sm fleet run`: one request to the helper of each host, and the replies as one JSON object.

use crate::admin::answer::{Answer, Failure};
use crate::admin::fleet::arguments::Manner;
use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::report::{self, Progress};
use crate::admin::fleet::row::{Row, Status, left_out};
use crate::admin::fleet::{greeting, pool, trouble};
use crate::cli::{self, FleetRun, Parsed};
use crate::output::text::{one_line, shell_word};
use crate::request::code::{Code, Refusal};
use crate::system::kernel;
use crate::system::step::step;
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const SCRIPT: &str = include_str!("remote/run.sh");

/// Longer than any policy of ours lets an operation take: the helper answers by itself before.
const TO_ANSWER: Duration = Duration::from_secs(3600);

/// Does it with these hosts.
///
/// # Errors
/// What is wrong with the request before any host is contacted; that some hosts failed.
pub fn run(
    command: &FleetRun,
    hosts: &[&Host],
    fields: Map<String, Value>,
) -> Result<Answer, Failure> {
    let words = request(command)?;
    kernel::count_interrupts();
    let progress = Progress::new();
    let failed = AtomicU32::new(0);
    let manner = Manner::of(&command.reached);
    let rows = pool::each(hosts.to_vec(), usize::from(command.serial), |host| {
        if let Some(row) = left_out(host) {
            return row;
        }
        if let Some(most) = command.max_fail
            && failed.load(Ordering::SeqCst) >= most
        {
            return Row::new(host, Status::Skipped, "max_fail")
                .error(&format!("not started: {most} failed before"));
        }
        let shown = progress.begin(host);
        shown.now("asking");
        let began = Instant::now();
        let row = ask(host, &manner, &words).took(began.elapsed());
        let counts = row.counts_as_failed(command.reached.skip_unreachable);
        failed.fetch_add(u32::from(counts), Ordering::SeqCst);
        progress.end(&shown, &row);
        row
    });
    report::finish(rows, command.reached.skip_unreachable, fields)
}

/// The words of the request for `/bin/sh`: checked here, so that a mistyped one reaches no host.
fn request(command: &FleetRun) -> Result<String, Refusal> {
    match cli::request_behind("sm fleet run ... --", &command.request) {
        Parsed::Command(_) => {}
        Parsed::Help(_) => {
            return Err(Refusal::new(Code::Usage, "help is not a request")
                .hint("for the helper's help: sm-helper --help"));
        }
        Parsed::Wrong(refusal) => return Err(refusal),
    }
    let words: Option<Vec<_>> =
        command.request.iter().map(|word| word.to_str().map(shell_word)).collect();
    let words = words.ok_or_else(|| {
        Refusal::new(Code::InvalidArgument, "the request is not written in UTF-8")
    })?;
    Ok(words.join(" "))
}

fn ask(host: &Host, manner: &Manner<'_>, words: &str) -> Row {
    let named = |what: &str| format!("{}: {what}", host.alias);
    let mut session = match step(&named("connect"), || greeting::open(host, manner, SCRIPT)) {
        Ok(session) => session,
        Err(not) => return trouble::not_reached(host, &not),
    };
    let end = Instant::now() + TO_ANSWER;
    let answered = step(&named("request"), || {
        session.send_script(words, end).and_then(|()| session.expect("reply", end))
    });
    let answer = match answered {
        Ok(answer) => answer,
        Err(lost) => {
            let message = session.words();
            return trouble::lost_on_the_way(host, &lost, &message, "its helper was running")
                .hint(Some("the host's audit log has the result: sm audit tail"));
        }
    };
    let (_, text) = answer.split_once(' ').unwrap_or((&answer, ""));
    match serde_json::from_str::<Value>(text) {
        Ok(reply) if reply["success"].is_boolean() && reply["code"].is_string() => {
            row_of(host, reply)
        }
        _ => {
            let message = session.words();
            Row::new(host, Status::Failed, "no_reply")
                .error(&format!("there was no reply from sm-helper{}", message.behind()))
                .hint(Some("set it up there: sm bootstrap-cluster"))
        }
    }
}

fn row_of(host: &Host, reply: Value) -> Row {
    let text = |field: &str| reply[field].as_str().map(|text| one_line(text, 2000));
    let code = text("code").unwrap_or_default();
    let row = if reply["success"] == true {
        let state = reply["unit"]["active_state"].as_str().map(|state| one_line(state, 40));
        let what = match (&reply["changed"], state) {
            (Value::Bool(false), None) => "nothing to change".to_owned(),
            (Value::Bool(false), Some(state)) => format!("nothing to change: {state}"),
            (_, state) => state.unwrap_or_else(|| "done".to_owned()),
        };
        Row::new(host, Status::Done, &code).what(what)
    } else {
        let row = Row::new(host, Status::Failed, &code);
        row.error(&text("error").unwrap_or_default()).hint(text("hint").as_deref())
    };
    row.with("reply", reply)
}
