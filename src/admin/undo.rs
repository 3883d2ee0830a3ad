//! `sm undo`: an administrator has undone what an operation did to packages.

use crate::admin::answer::{Answer, Failure};
use crate::admin::approvals::answer::{asked_once_more, at_a_terminal};
use crate::admin::root::as_root;
use crate::approvals::shown_name;
use crate::cli;
use crate::files::changes::{Change, Kind};
use crate::history::Entry;
use crate::output::text::{counted, one_line};
use crate::pipeline;
use crate::request::code::{Code, Refusal};
use crate::request::id::RequestId;
use crate::request::operation::{Operation, Request};
use crate::system::tool;
use crate::undo::preview::{Preview, of_entry};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

/// How many files are shown of each kind before it is asked once more.
const SHOWN: usize = 100;

/// Where an undo goes.
pub enum Way {
    /// To the administrator, who reads the answer.
    Answer(Answer),
    /// It was done, and the reply is written: this is its exit status.
    Done(u8),
}

/// Shows what would come back, asks once more, and has it done.
///
/// # Errors
/// If it was not done, and why.
pub fn run(
    command: &cli::Undo,
    is_json: bool,
    program: &Path,
    arguments: &[OsString],
) -> Result<Way, Failure> {
    let id = RequestId::parse(&command.id)?;
    as_root("undo what was done to packages", program, arguments)?;
    if command.yes && is_json && !command.dry_run {
        let operation = Operation::Undo { id: Some(id), is_forced: command.force };
        let request = Request::new(operation, None);
        return Ok(Way::Done(pipeline::for_administrator(arguments, request)));
    }
    if !command.yes || command.dry_run {
        let entry = entry(&id)?;
        let preview = of_entry(&entry)?;
        let shown = shown(&entry, &preview, is_json || command.dry_run);
        if command.dry_run {
            return Ok(Way::Answer(shown));
        }
        at_a_terminal(
            &format!("sm undo --dry-run {}", id.as_str()),
            &format!("sm undo --yes {}", id.as_str()),
        )?;
        let _ = writeln!(io::stderr(), "{}", shown.people());
        if !preview.conflicts.is_empty() && !command.force {
            return Err(conflicting(&id).into());
        }
        asked_once_more("Undo this?", "nothing was changed")?;
    }
    child(&id, command.force, program).map(Way::Answer)
}

fn entry(id: &RequestId) -> Result<Entry, Refusal> {
    let found = Entry::load(id).map_err(|error| {
        Refusal::new(
            Code::Internal,
            format!("what is known of {} cannot be read: {error}", id.as_str()),
        )
    })?;
    found.ok_or_else(|| {
        let error = format!("nothing is known of an operation on packages by {}", id.as_str());
        Refusal::new(Code::NotFound, error).hint("sm audit search shows the ids of requests")
    })
}

fn conflicting(id: &RequestId) -> Refusal {
    Refusal::new(Code::PlanRefused, "files were changed by somebody else since").hint(format!(
        "nothing was changed; to have them overwritten: sm undo --force {}",
        id.as_str()
    ))
}

/// Has it done by a process of its own, as every request is, and says what came of it.
fn child(id: &RequestId, is_forced: bool, program: &Path) -> Result<Answer, Failure> {
    let mut command = tool::clean(program);
    command.args(["undo", "--yes", "--json"]).args(is_forced.then_some("--force"));
    command.arg(id.as_str());
    let failed = |error: String| {
        Refusal::new(Code::Internal, format!("the undo could not be started: {error}"))
    };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    let reply: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| failed("there was no reply".to_owned()))?;
    let text = |key: &str| reply[key].as_str().unwrap_or_default().to_owned();
    if reply["success"] != true {
        let code = Code::from_word(&text("code")).unwrap_or(Code::Internal);
        let refusal = Refusal::new(code, text("error"));
        let hint = text("hint");
        return Err(if hint.is_empty() { refusal } else { refusal.hint(hint) }.into());
    }
    let files = reply.pointer("/undone/files").and_then(Value::as_u64).unwrap_or(0);
    let mut answer = Answer::text(format!(
        "undone: {} as before; to undo that: sm undo {}",
        counted(files, "file"),
        text("request_id")
    ));
    let strings = |key: &str| -> Vec<String> {
        let all = reply.pointer(key).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let units = strings("/restart_needed");
    if !units.is_empty() {
        answer = answer.line(&format!("to be restarted: {}", units.join(", ")));
    }
    for path in strings("/undone/left") {
        answer = answer.line(&format!("stays as it is: {}", one_line(&path, 300)));
    }
    Ok(answer.warned(strings("/warnings")))
}

/// What would come back.
fn shown(entry: &Entry, preview: &Preview, is_whole: bool) -> Answer {
    let most = if is_whole { usize::MAX } else { SHOWN };
    let mut answer = Answer::text(format!(
        "{}, by {}, {}",
        entry.operation,
        shown_name(&entry.user),
        entry.at.get(..19).unwrap_or(&entry.at).replace('T', " ")
    ));
    if let Some(versions) = &preview.versions {
        answer = answer.line("these versions would be installed again:");
        for (name, version) in versions {
            answer = answer.line(&format!("  {name} {version}"));
        }
        return answer.with("versions", versions);
    }
    let kinds = [
        (Kind::Removed, "would come back", "comes_back"),
        (Kind::Altered, "would be as before", "as_before"),
        (Kind::Added, "would go", "goes"),
    ];
    for (kind, title, field) in kinds {
        let is_it = |change: &&Change| change.kind == kind;
        let paths: Vec<String> = preview.changes.iter().filter(is_it).map(Preview::path).collect();
        answer = listed(answer, title, &paths, most).with(field, paths);
    }
    let title = "were changed by somebody else since, and are overwritten with --force alone";
    answer = listed(answer, title, &preview.conflicts, most).with("conflicts", &preview.conflicts);
    let title = "were changed by somebody else since, and stay as they are";
    listed(answer, title, &preview.left, most).with("left", json!(preview.left))
}

fn listed(mut answer: Answer, title: &str, paths: &[String], most: usize) -> Answer {
    if paths.is_empty() {
        return answer;
    }
    answer = answer.line(&format!("{title} ({}):", paths.len()));
    for path in paths.iter().take(most) {
        answer = answer.line(&format!("  {}", one_line(path, 300)));
    }
    if paths.len() > most {
        answer = answer.line(&format!("  and {} more: sm undo --dry-run", paths.len() - most));
    }
    answer
}
