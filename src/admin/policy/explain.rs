//! `sm policy explain`: which line of the policy allows or refuses a request, and what would be run.

use crate::admin::answer::{Answer, Failure, GREEN, RED, tinted};
use crate::admin::policy::host::{in_force, manager};
use crate::admin::policy::supposed::Account;
use crate::cli::{self, Parsed, Supposed};
use crate::output::text::one_line;
use crate::plan::{Steps, plan};
use crate::policy::approved::Line;
use crate::policy::force::InForce;
use crate::policy::model::{CallerKind, CallerRule, Policy};
use crate::policy::operations::grants;
use crate::policy::verdict::Denial;
use crate::policy::{COMPILED, disabled, ineffective, remedy};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::who::Everybody;
use crate::sudo::account;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fmt::Write as _;

/// The caller for whom a request is explained.
pub struct Whom<'w> {
    /// The account; if none is given, any that is allowed.
    pub user: Option<&'w str>,
    /// Its supposed groups.
    pub groups: &'w [String],
}

/// Explains the verdict on a request.
///
/// # Errors
/// `usage` if there is nothing to explain; exit status 1 if the verdict is not the expected one.
pub fn run(
    whom: &Whom<'_>,
    supposed: &Supposed,
    expected: Option<&str>,
    request: &[OsString],
) -> Result<Answer, Failure> {
    let (answer, is_allowed) = explain(whom, supposed, request)?;
    match expected {
        Some(word) if (word == "allowed") != is_allowed => {
            let is = if is_allowed { "allowed" } else { "denied" };
            let refusal =
                Refusal::new(Code::CommandFailed, format!("expected {word}, and it is {is}"));
            Err(answer.failing(refusal))
        }
        _ => Ok(answer),
    }
}

/// The explanation, and whether the request is allowed.
fn explain(
    whom: &Whom<'_>,
    supposed: &Supposed,
    request: &[OsString],
) -> Result<(Answer, bool), Failure> {
    let user = whom.user;
    let is_plain = user.is_none() && supposed.site.is_none() && supposed.package_manager.is_none();
    let command = if is_plain { "sm policy explain" } else { "sm policy explain ..." };
    let request = match cli::request_behind(command, request) {
        Parsed::Wrong(refusal) => return Err(Failure::of(refusal)),
        Parsed::Help(_) => None,
        Parsed::Command(request) => request,
    };
    let Some(request) = request else {
        let refusal = Refusal::new(
            Code::Usage,
            "only a service or package operation or a task can be explained",
        )
        .hint("for example: sm policy explain service stop nginx");
        return Err(Failure::of(refusal));
    };
    let operation = request.operation.clone();
    let force = in_force(supposed)?;
    // An account of this host must exist, unless the policy names it.
    if let Some(name) = user
        && supposed.site.is_none()
        && whom.groups.is_empty()
        && !force.site().is_some_and(|site| names(&site, name))
    {
        account::of_name(name.as_ref())?;
    }
    let verdict = match user {
        Some(name) => force.judge(&Account::of(name, whom.groups), request),
        None => force.judge(&Everybody, request),
    };
    let agent = user.and_then(|name| force.agent(&Account::of(name, whom.groups)));
    let called = agent.as_ref().map(|agent| format!(" (agent {})", agent.as_str()));
    let whom = user.map(|name| format!(" to {name}{}", called.unwrap_or_default()));
    let whom = whom.unwrap_or_default();
    let rows = |lines: &[Line]| -> Vec<Value> {
        let row = |line: &Line| json!({"file": line.file, "line": line.line, "text": force.text_of(line)});
        lines.iter().map(row).collect()
    };
    let approved = match verdict {
        Ok(approved) => approved,
        Err(Denial { refusal, line }) => {
            let mut text = format!(
                "{}{whom} ({}): {operation}\n  {}\n",
                tinted(RED, "refused"),
                refusal.code.word(),
                refusal.error
            );
            match &line {
                Some(line) => {
                    let _ = write!(text, "  {}", quote(&force, line));
                }
                None => {
                    let site = force.site().filter(|_| grants(&COMPILED, &operation));
                    let file = site.as_ref().map_or(COMPILED.file, |site| site.file);
                    let _ = write!(text, "  no line of {file} names it");
                }
            }
            let is_denied = refusal.code == Code::Denied;
            let command = if is_denied {
                remedy::allow(&operation, user.filter(|_| force.names_callers()))
            } else {
                None
            };
            if let Some(command) = &command {
                let _ = write!(text, "\n  to allow it: {command}");
            }
            let answer = Answer::text(text)
                .with("operation", &operation)
                .with("agent", &agent)
                .with("allowed", false)
                .with("verdict", refusal.code)
                .with("reason", refusal.error)
                .with("allow", command)
                .with("lines", rows(line.as_deref().map_or(&[], std::slice::from_ref)))
                .warned(warnings(&force, supposed, &operation));
            return Ok((answer, false));
        }
    };
    let lines = approved.lines().to_vec();
    let mut text = format!("{}{whom}: {operation}\n", tinted(GREEN, "allowed"));
    for line in &lines {
        let _ = writeln!(text, "  {}", quote(&force, line));
    }
    let waits = approved.needs_approval();
    if waits {
        text.push_str("once an administrator has approved it: sm approvals\n");
    }
    let answer = |text: String| {
        let answer = Answer::text(text).with("operation", &operation).with("agent", &agent);
        answer.with("lines", rows(&lines))
    };
    match plan(approved, manager(supposed)) {
        Ok(planned) => {
            text.push_str("runs");
            if let Steps::Task(task) = planned.steps() {
                let _ = write!(text, " as {} in {}, ", task.user, task.directory);
                let _ = write!(text, "for at most {} s", planned.timeout());
                let _ = write!(text, ", {}", task.confined().described());
            }
            text.push(':');
            for argv in planned.commands() {
                let _ = write!(text, "\n  {}", json!(argv));
            }
            let confined = match planned.steps() {
                Steps::Task(task) => Some(task.confined()),
                _ => None,
            };
            let answer = answer(text)
                .with("allowed", true)
                .with("confined", confined)
                .with("needs_approval", waits)
                .with("verdict", Code::Ok)
                .with("argv", planned.main())
                .with("commands", planned.commands())
                .warned(warnings(&force, supposed, &operation));
            Ok((answer, true))
        }
        Err(refusal) => {
            let _ = write!(text, "but this host cannot do it: {}", refusal.error);
            let answer = answer(text)
                .with("allowed", false)
                .with("verdict", refusal.code)
                .with("reason", refusal.error)
                .warned(warnings(&force, supposed, &operation));
            Ok((answer, false))
        }
    }
}

/// Warnings about what else decides the operation, and about lines that do not.
fn warnings(force: &InForce, supposed: &Supposed, operation: &Operation) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    // A supposed policy need not be this host's.
    if supposed.site.is_none() && disabled::is_disabled() {
        let note = disabled::note().unwrap_or_else(|| "disabled".to_owned());
        let note = one_line(&note, 200);
        all.push(format!(
            "on this host requests are {note}: each is refused, whatever the policy says, until: sm enable"
        ));
    }
    let lines = ineffective::here(force).into_iter().filter(|line| line.concerns(operation));
    all.extend(lines.map(|line| line.sentence));
    all
}

fn quote(force: &InForce, line: &Line) -> String {
    format!("{}:{}: {}", line.file, line.line, force.text_of(line))
}

/// Whether the policy has a table for the account of this name.
fn names(policy: &Policy<'_>, user: &str) -> bool {
    let is_it =
        |rule: &CallerRule| rule.kind == CallerKind::User && policy.text_of(rule.name) == user;
    policy.callers.iter().any(is_it)
}
