//! `sm doctor`: every condition that the guarantees rest on, looked at on this host.
//!
//! A check is a row of `table.rs`; the file of its area has the function. A check that cannot look
//! says so as a warning: nothing is `ok` that was not looked at.

pub mod accounts;
pub mod agents;
pub mod audit;
pub mod broker;
pub mod commands;
pub mod confinement;
pub mod context;
pub mod finding;
pub mod folders;
pub mod grants;
pub mod host;
pub mod included;
pub mod listing;
pub mod named;
pub mod operands;
pub mod packages;
pub mod paths;
pub mod policy;
pub mod program;
pub mod programs;
pub mod requests;
pub mod settings;
pub mod snapshots;
pub mod started;
pub mod sudo;
pub mod sudoers;
pub mod table;
pub mod tasks;
pub mod versions;
pub mod vulnerabilities;
pub mod ways;

use crate::admin::answer::{self, Answer, Failure};
use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, Status};
use crate::admin::doctor::table::{CHECKS, Check};
use crate::admin::root::without_root;
use crate::exec::sanitize;
use crate::output::text::counted;
use crate::output::wrap;
use crate::policy::force::InForce;
use crate::request::code::{Code, Refusal};
use crate::system::step::step;
use crate::system::terminal;
use serde::Serialize;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// A row of the answer.
#[derive(Debug, Serialize)]
struct Row {
    id: &'static str,
    status: Status,
    found: String,
    meaning: String,
    #[serde(rename = "mend")]
    fix: Option<String>,
}

/// Looks at everything. `program` is the file that runs, `arguments` are those of the command line;
/// `each` lists for people what is well, too.
///
/// # Errors
/// `command_failed` with exit status 1 if it found a problem; `not_privileged` without root.
pub fn run(program: &Path, arguments: &[OsString], each: bool) -> Result<Answer, Failure> {
    if !nix::unistd::geteuid().is_root() {
        let what = "only root can see most of what the guarantees rest on";
        return Err(without_root(what, program, arguments));
    }
    // It starts other programs as root: nothing of the caller's shell must shape them.
    sanitize::inherited()?;
    let policy = InForce::load();
    let helper = program.with_file_name("sm-helper");
    let drop_ins = agents::drop_ins();
    let by_hand = agents::by_hand(&drop_ins, &helper);
    let others = if by_hand.is_empty() { Vec::new() } else { agents::others(&helper) };
    let agents = agents::find(&drop_ins, others, policy.as_ref().ok());
    let context =
        Context { program: program.to_owned(), helper, policy, drop_ins, by_hand, agents };
    report(rows(&context), each)
}

fn rows(context: &Context) -> Vec<Row> {
    // Requests are recorded, so theirs comes last: the record is looked at as it was before.
    let is_last = |check: &Check| check.id == "helper_rule";
    let looked = |check: &Check| step(check.id, || (check.look)(context));
    let look = |check: &Check| if is_last(check) { Vec::new() } else { looked(check) };
    let mut found: Vec<Vec<Finding>> = CHECKS.iter().map(look).collect();
    let is_evidence = CHECKS.iter().zip(&found).any(|(check, found)| {
        check.id == "audit_chain" && found.iter().any(|one| one.status == Status::Problem)
    });
    for (check, found) in CHECKS.iter().zip(&mut found).filter(|(check, _)| is_last(check)) {
        *found = if is_evidence { requests::untried(context) } else { looked(check) };
    }
    let mut rows: Vec<Row> = Vec::new();
    for (check, found) in CHECKS.iter().zip(found) {
        for finding in found {
            let Finding { status, found, meaning, fix } = finding;
            // A folder that is on the way to two things is said to be wrong once.
            if rows.iter().any(|row| row.id == check.id && row.found == found) {
                continue;
            }
            let meaning = meaning.unwrap_or_else(|| check.meaning.to_owned());
            rows.push(Row { id: check.id, status, found, meaning, fix });
        }
    }
    rows
}

fn report(mut rows: Vec<Row>, each: bool) -> Result<Answer, Failure> {
    // What is wrong comes first for programs; rows of one status stay in the order of the areas.
    rows.sort_by_key(|row| row.status);
    let count = |status| rows.iter().filter(|row| row.status == status).count() as u64;
    let (problems, warnings, ok) =
        (count(Status::Problem), count(Status::Warning), count(Status::Ok));
    let summary =
        format!("{}, {}, {ok} ok", counted(problems, "problem"), counted(warnings, "warning"));
    let stdout = io::stdout();
    let text = text(&rows, each, answer::has_colour(&stdout), terminal::width(&stdout));
    if problems == 0 {
        return Ok(Answer::text(format!("{text}{summary}"))
            .with("problems", problems)
            .with("warnings", warnings)
            .with("checks", &rows));
    }
    let refusal = Refusal::new(
        Code::CommandFailed,
        format!("{} on this host: a guarantee does not hold", counted(problems, "problem")),
    )
    .hint("each is listed with its meaning and the command that fixes it");
    Err(Failure::found(refusal)
        .text(format!("{text}{summary}"))
        .with("problems", problems)
        .with("warnings", warnings)
        .with("checks", &rows))
}

/// The rows for people. What is wrong comes last, where a terminal stays: what is not ok has what
/// it means and what fixes it; what is ok is counted, or with `each` listed.
fn text(rows: &[Row], each: bool, colour: bool, width: Option<usize>) -> String {
    let is_shown = |row: &&Row| each || row.status != Status::Ok;
    let shown: Vec<&Row> = rows.iter().filter(is_shown).collect();
    let wide = shown.iter().map(|row| row.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    let well = rows.len() - shown.len();
    if well > 0 {
        let count = format!("{}; to list each: sm doctor -v", counted(well as u64, "check"));
        text.push_str(&line(Status::Ok, &count, colour, width));
    }
    for status in [Status::Ok, Status::Warning, Status::Problem] {
        for row in shown.iter().filter(|row| row.status == status) {
            let found = format!("{:<wide$}  {}", row.id, row.found);
            text.push_str(&line(status, &found, colour, width));
            if status == Status::Ok {
                continue;
            }
            let meaning = wrap::wrapped(&format!("{:11}{}", "", row.meaning), width);
            let _ = writeln!(text, "{meaning}");
            if let Some(fix) = &row.fix {
                let _ = writeln!(text, "{:11}fix: {fix}", "");
            }
        }
    }
    text
}

fn line(status: Status, what: &str, colour: bool, width: Option<usize>) -> String {
    let (on, off) = match status {
        _ if !colour => ("", ""),
        Status::Problem => ("\x1b[1;31m", "\x1b[0m"),
        Status::Warning => ("\x1b[1;33m", "\x1b[0m"),
        Status::Ok => ("\x1b[32m", "\x1b[0m"),
    };
    let word = status.word();
    let line = wrap::wrapped(&format!("{word:<7}  {what}"), width);
    format!("{on}{word}{off}{}\n", &line[word.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_documented_in_the_order_of_the_table() {
        let page = include_str!("../../../docs/doctor.md");
        let (_, page) = page.split_once("## The checks").expect("its heading");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
        let ids: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
        assert_eq!(ids, CHECKS.each_ref().map(|check| check.id));
    }

    #[test]
    fn what_is_found_never_moves_the_terminal() {
        let finding = Finding::problem("a\x1b[2Jb\u{202e}c\nd").fix("rm '\x07'");
        let (found, fix) = (finding.found, finding.fix.unwrap_or_default());
        let row =
            Row { id: "x", status: Status::Problem, found, meaning: "m".into(), fix: Some(fix) };
        let text = text(&[row], false, false, None);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(!text.chars().any(|c| c != '\n' && crate::output::text::is_hidden(c)), "{text}");
    }
}
