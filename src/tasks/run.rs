//! Runs a task, and says what came of it.

use crate::exec::context::{OperationContext, name_of};
use crate::exec::follow::Teller;
use crate::exec::process::{AtDeadline, Bounds, Follow, Options, run_program};
use crate::outcome::Outcome;
use crate::output::text::one_line;
use crate::plan::Plan;
use crate::policy::model::OnTimeout;
use crate::policy::tasks::Task;
use crate::request::code::{Code, Refusal};
use crate::request::confine::Confine;
use crate::request::ran::{Ended, Ran};
use crate::snapshots::around::{self, About, Begun};
use crate::tasks::ready::{not_started, ready};

/// So many of the last lines are told of a task that failed, and so much of each.
const LINES: usize = 3;
const LONGEST: usize = 200;

/// Runs it.
pub fn run(
    plan: &Plan,
    task: &Task,
    bounds: Bounds,
    context: &mut OperationContext<'_>,
) -> Outcome {
    let program = match ready(task, plan.approved().is_compiled_in()) {
        Ok(program) => program,
        Err(refusal) => return Outcome::refused(refusal, None, None),
    };
    let snapshots = match begin_snapshots(plan, task, context) {
        Ok(begun) => begun,
        Err(refusal) => return Outcome::refused(refusal, None, None),
    };
    let before_it = snapshots.snapshot();
    let answer = &mut *context.answer;
    let mut late = |so_far: Ran| {
        let (ran, snapshot) = (Some(so_far), before_it.clone());
        answer(Outcome { ran, snapshot, changed: Some(true), ..Outcome::of(Err(goes_on(plan))) });
    };
    let late = match task.on_timeout {
        OnTimeout::Kill => AtDeadline::End,
        OnTimeout::Continue => AtDeadline::GoOn(&mut late),
    };
    let backchannel = Some(&mut context.backchannel);
    let mut teller = Teller::new(context.running, None);
    let follow: Option<&mut dyn Follow> = Some(&mut teller);
    let ran = run_program(&program, bounds, Options { input: None, late, backchannel, follow });
    let mut warnings = snapshots.warnings.clone();
    let (snapshot, more) = around::end(snapshots);
    warnings.extend(more);
    if let Ended::NotStarted(error) = ran.ended {
        let refusal = not_started(task, program.failed.get(), error);
        return Outcome { snapshot, warnings, ..Outcome::refused(refusal, None, None) };
    }
    let verdict = verdict(plan, &ran).map_err(|refusal| confined(task, &ran, refusal));
    let (ran, changed) = (Some(ran), Some(true));
    Outcome { ran, snapshot, changed, warnings, ..Outcome::of(verdict) }
}

/// Takes the snapshot before it, if its rule wants one.
fn begin_snapshots(
    plan: &Plan,
    task: &Task,
    context: &OperationContext<'_>,
) -> Result<Begun, Refusal> {
    around::begin(About {
        operation: &plan.request().operation,
        caller: context.caller,
        is_wanted: task.snapshot,
        settings: plan.approved().snapshots(),
        manager: None,
        transaction: None,
        up: Vec::new(),
    })
}

fn verdict(plan: &Plan, ran: &Ran) -> Result<(), Refusal> {
    let name = name_of(plan);
    let failed = |how: String| Refusal::new(Code::CommandFailed, format!("the task {name} {how}"));
    let told = |refusal: Refusal| match last_lines(ran) {
        Some(lines) => refusal.detail(lines),
        None => refusal,
    };
    match ran.ended {
        Ended::Exited(0) => Ok(()),
        Ended::Exited(status) => Err(told(failed(format!("failed with exit status {status}")))),
        Ended::Signalled(signal) => Err(told(failed(format!("was killed by signal {signal}")))),
        Ended::Late => {
            let error = format!(
                "the task {name} was not done after {} s and was killed, with all that it had started",
                plan.timeout()
            );
            Err(Refusal::new(Code::Timeout, error).hint(
                "it may be half done: an administrator should look, or raise timeout_seconds",
            ))
        }
        Ended::NotStarted(error) => Err(failed(format!("was not started: {}", error.desc()))),
    }
}

/// What may have kept a task from what it wanted, if it says so: that it was closed to it.
fn confined(task: &Task, ran: &Ran, refusal: Refusal) -> Refusal {
    // `EROFS`, `EACCES`, `EPERM` and `EAFNOSUPPORT` in English.
    const WORDS: [&str; 4] = [
        "read-only file system",
        "permission denied",
        "operation not permitted",
        "address family not supported",
    ];
    let confinement = task.confined();
    let is_said = |text: &str| {
        let text = text.to_lowercase();
        WORDS.iter().any(|word| text.contains(word))
    };
    let is_met = is_said(&ran.stderr) || is_said(&ran.stdout);
    if confinement.confine == Confine::None || refusal.hint.is_some() || !is_met {
        return refusal;
    }
    let described = confinement.described();
    refusal.hint(format!(
        "it is {described}; if it needs more, an administrator says so in the policy: write, network, confine"
    ))
}

fn goes_on(plan: &Plan) -> Refusal {
    let error = format!(
        "the task {} is not done after {} s; it is not interrupted and continues",
        name_of(plan),
        plan.timeout()
    );
    Refusal::new(Code::Timeout, error).hint("it is busy until it is done")
}

/// The last lines that it has printed as errors, else at all.
fn last_lines(ran: &Ran) -> Option<String> {
    let last = |text: &str| {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        let last: Vec<String> = last.iter().map(|line| one_line(line, LONGEST)).collect();
        (!last.is_empty()).then(|| last.join(" | "))
    };
    last(&ran.stderr).or_else(|| last(&ran.stdout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_told_errors_first() {
        let told = |stdout: &str, stderr: &str| {
            let (stdout, stderr) = (stdout.to_owned(), stderr.to_owned());
            last_lines(&Ran { stdout, stderr, ..Ran::nothing() })
        };
        assert_eq!(told("a\n", "1\n2\n\n3\n4\n"), Some("2 | 3 | 4".to_owned()));
        assert_eq!(told("a\nb\n", " \n"), Some("a | b".to_owned()));
        assert_eq!(told("", ""), None);
    }
}
