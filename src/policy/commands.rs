//! `sm policy show | check | surface | explain`

use super::COMPILED;
use super::parse::{self, LARGEST};
use super::surface::surface;
use super::verdict::judge;
use crate::admin::{Answer, Failure};
use crate::cli::{self, Parsed, PolicyCommand};
use crate::helper::codes::{Code, Refusal};
use crate::helper::host::PackageManager;
use crate::helper::plan::plan;
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

/// Answers one of them.
///
/// # Errors
/// What is wrong, with the exit status that it means.
pub fn run(command: &PolicyCommand) -> Result<Answer, Failure> {
    match command {
        PolicyCommand::Show => Ok(show()),
        PolicyCommand::Check { file } => check(file),
        PolicyCommand::Surface => Ok(print_surface()),
        PolicyCommand::Explain { request } => explain(request),
    }
}

fn show() -> Answer {
    let policy = &COMPILED;
    let text = format!(
        "# Compiled in from {}, SHA-256 {}\n\n{}",
        policy.file,
        policy.hash,
        policy.text.trim_end()
    );
    Answer::text(text)
        .with("file", policy.file)
        .with("sha256", policy.hash)
        .with("text", policy.text)
        .with("site_mode", policy.site_mode.word())
        .with(
            "services",
            policy.units.iter().map(|rule| policy.text_of(rule.name)).collect::<Vec<_>>(),
        )
        .with(
            "packages",
            policy.packages.iter().map(|rule| policy.text_of(rule.name)).collect::<Vec<_>>(),
        )
        .with("maintenance", policy.maintenance.words())
}

fn check(file: &Path) -> Result<Answer, Failure> {
    let called = file.to_string_lossy();
    let unreadable =
        |why: String| Failure::found(Refusal::new(Code::PolicyInvalid, format!("{called}: {why}")));
    let open = std::fs::File::open(file).map_err(|error| unreadable(error.to_string()))?;
    let mut text = String::new();
    open.take(LARGEST as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    let parsed = parse::parse(&called, &text).map_err(|error| {
        let mut refusal = Refusal::new(Code::PolicyInvalid, error.to_string());
        refusal.hint.clone_from(&error.hint);
        Failure::found(refusal).with("line", error.line).with("column", error.column)
    })?;
    let policy = parsed.policy();
    let operations = super::surface::operations(&policy).count();
    let text = format!(
        "{called} is a policy: {} services, {} packages, {operations} operations",
        policy.units.len(),
        policy.packages.len()
    );
    Ok(Answer::text(text)
        .with("file", called.as_ref())
        .with("sha256", policy.hash)
        .with("services", policy.units.len())
        .with("packages", policy.packages.len())
        .with("operations", operations))
}

/// One operation a line, in a form that is a JSON object as a whole: it can be read by a
/// program, and compared line by line in a review.
fn print_surface() -> Answer {
    let rows = surface(&COMPILED, PackageManager::of_this_host());
    let mut object = Map::new();
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let name = row.operation.to_string();
        let commands = json!(row.commands);
        lines.push(format!("{}: {commands}", Value::from(name.as_str())));
        object.insert(name, commands);
    }
    Answer::text(format!("{{\n{}\n}}", lines.join(",\n"))).with("surface", object)
}

fn explain(request: &[OsString]) -> Result<Answer, Failure> {
    let request = match cli::helper(request) {
        Parsed::Wrong(refusal) => return Err(Failure::of(refusal)),
        Parsed::Help(_) => None,
        Parsed::Command(helper) => helper.request(),
    };
    let Some(request) = request else {
        return Err(Failure::of(
            Refusal::new(Code::Usage, "only a service or package operation can be explained")
                .hint("for example: sm policy explain service stop nginx"),
        ));
    };
    let request = request.map_err(Failure::of)?;
    let operation = request.operation.clone();
    let policy = &COMPILED;
    let quote = |line: u32| {
        let text = policy.text.lines().nth(line as usize - 1).unwrap_or_default();
        format!("{}:{line}: {}", policy.file, text.trim())
    };
    let rows = |lines: &[u32]| -> Vec<Value> {
        let row = |line: &u32| json!({"file": policy.file, "line": line, "text": policy.text.lines().nth(*line as usize - 1)});
        lines.iter().map(row).collect()
    };
    let approved = match judge(policy, request) {
        Ok(approved) => approved,
        Err(denial) => {
            let lines: Vec<u32> = denial.line.into_iter().collect();
            let mut text = format!("refused ({}): {operation}\n", denial.refusal.code.word());
            let _ = writeln!(text, "  {}", denial.refusal.error);
            match denial.line {
                Some(line) => {
                    let _ = write!(text, "  {}", quote(line));
                }
                None => {
                    let _ = write!(text, "  no line of {} names it", policy.file);
                }
            }
            return Ok(Answer::text(text)
                .with("operation", &operation)
                .with("allowed", false)
                .with("verdict", denial.refusal.code)
                .with("reason", denial.refusal.error)
                .with("lines", rows(&lines)));
        }
    };
    let lines = approved.lines().to_vec();
    let mut text = format!("allowed: {operation}\n");
    for line in &lines {
        let _ = writeln!(text, "  {}", quote(*line));
    }
    let answer =
        |text: String| Answer::text(text).with("operation", &operation).with("lines", rows(&lines));
    match plan(approved, PackageManager::of_this_host()) {
        Ok(planned) => {
            let _ = write!(text, "runs:");
            for argv in planned.commands() {
                let _ = write!(text, "\n  {}", json!(argv));
            }
            Ok(answer(text)
                .with("allowed", true)
                .with("verdict", Code::Ok)
                .with("argv", planned.main())
                .with("commands", planned.commands()))
        }
        Err(refusal) => {
            let _ = write!(text, "but this host can not do it: {}", refusal.error);
            Ok(answer(text)
                .with("allowed", false)
                .with("verdict", refusal.code)
                .with("reason", refusal.error))
        }
    }
}
