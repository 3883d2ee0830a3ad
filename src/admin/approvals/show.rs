//! `sm approvals`: what waits for an administrator.

use crate::admin::answer::{Answer, Failure};
use crate::admin::approvals::{unreadable, waiting};
use crate::admin::call;
use crate::admin::record::origin;
use crate::admin::root::as_root;
use crate::approvals::entry::{Answered, Entry};
use crate::approvals::{self, moment, shown_name};
use crate::output::text::{counted, one_line, shell_word};
use crate::pipeline::consent::over;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// How often it is looked for something new.
const BETWEEN: Duration = Duration::from_millis(500);

/// What waits.
///
/// # Errors
/// `not_privileged` without root.
pub fn list(program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    let caller = as_root("see what waits for an approval", program, arguments)?;
    // Where nothing can be written, what has expired is left out all the same.
    if let Ok(expired) = approvals::tidy() {
        over(&origin(&caller), &expired);
    }
    let entries = approvals::all().map_err(unreadable)?;
    let rows: Vec<Value> = entries.iter().map(Entry::described).collect();
    let text = match entries.is_empty() {
        true => "nothing waits for an approval".to_owned(),
        false => entries.iter().map(shown).collect::<Vec<_>>().join("\n"),
    };
    Ok(Answer::text(text).with("approvals", rows))
}

/// What waits, and from now on each request that begins to wait or gets an answer: a line for programs, some
/// for people. Whoever reads this goes away with a closed pipe or a signal: both end it.
///
/// # Errors
/// `not_privileged` without root.
pub fn follow(json: bool, program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    as_root("see what waits for an approval", program, arguments)?;
    let mut known = BTreeMap::new();
    loop {
        let entries = approvals::all().map_err(unreadable)?;
        known.retain(|id, _| entries.iter().any(|entry| entry.id == *id));
        for entry in entries {
            if known.insert(entry.id.clone(), entry.state()) == Some(entry.state()) {
                continue;
            }
            let text = if json { entry.described().to_string() } else { shown(&entry) };
            let printed = writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush());
            if printed.is_err() {
                return Ok(Answer::text(""));
            }
        }
        std::thread::sleep(BETWEEN);
    }
}

/// One request, whole: with what the package manager would do now, where it is about packages.
///
/// # Errors
/// `not_privileged` without root; `not_found`.
pub fn one(id: &str, program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    as_root("see what waits for an approval", program, arguments)?;
    let entry = waiting(id)?;
    Ok(Answer::text(whole(&entry, program)).with("approvals", [entry.described()]))
}

/// A request with what the package manager would do now, for people.
pub fn whole(entry: &Entry, program: &Path) -> String {
    let plan = plan(entry, program).map(|plan| format!("\n{plan}"));
    format!("{}{}", shown(entry), plan.unwrap_or_default())
}

/// What the package manager would do now, where it is about packages.
fn plan(entry: &Entry, program: &Path) -> Option<String> {
    let rest = entry.asked.line.strip_prefix("package ")?;
    let mut words = vec!["package", "plan"];
    words.extend(rest.split(' '));
    let done = call::run(&program.with_file_name("sm-helper"), &words).ok()?;
    let reply: Value = serde_json::from_slice(&done.stdout).ok()?;
    if reply["code"] != "ok" {
        return Some(format!("    plan    not known: {}", one_line(reply["error"].as_str()?, 300)));
    }
    let kind = |key: &str| {
        let changes = reply["plan"][key].as_array()?;
        let names: Vec<String> = changes
            .iter()
            .filter_map(|change| {
                Some(format!("{} {}", change["name"].as_str()?, change["version"].as_str()?))
            })
            .collect();
        (!names.is_empty()).then(|| format!("    {key:<9} {}", one_line(&names.join(", "), 2000)))
    };
    let lines: Vec<String> =
        ["install", "upgrade", "remove", "downgrade"].into_iter().filter_map(kind).collect();
    Some(if lines.is_empty() {
        "    plan    nothing would change".to_owned()
    } else {
        lines.join("\n")
    })
}

/// A request, for people: nothing that its maker has written can look like a part of it.
fn shown(entry: &Entry) -> String {
    let Entry { id, requester, asked, .. } = entry;
    let terminal = requester.tty.as_deref().map(|tty| format!(", {}", one_line(tty, 40)));
    let mut lines = vec![format!(
        "{id}  {} asked at {} over {}{}; {}",
        shown_name(&requester.user),
        moment(entry.at),
        requester.via.word(),
        terminal.unwrap_or_default(),
        state(entry)
    )];
    lines.push(format!("    {}", asked.line));
    if let Some(reason) = &entry.reason {
        lines.push(format!("    reason  {:?}", one_line(reason, 500)));
    }
    for command in &asked.commands {
        let words: Vec<String> = command.iter().map(|word| shell_word(word)).collect();
        lines.push(format!("    runs    {}", words.join(" ")));
    }
    lines.join("\n")
}

fn state(entry: &Entry) -> String {
    let end = moment(entry.ends());
    match &entry.answered {
        None => format!("can be approved until {end}"),
        Some(Answered::Approved { by, left, .. }) => {
            format!(
                "approved by {}, {} left until {end}",
                shown_name(by),
                counted((*left).into(), "use")
            )
        }
        Some(Answered::Declined { by, .. }) => format!("declined by {}", shown_name(by)),
    }
}
