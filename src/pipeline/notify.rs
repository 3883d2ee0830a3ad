//! Tells somebody that a request has begun to wait for an approval: by a program of root's, run as an
//! account without rights, with one JSON object on standard input.

use crate::approvals;
use crate::exec::process::{AtDeadline, Bounds, Options, run_program};
use crate::output::text::one_line;
use crate::pipeline::call::Call;
use crate::policy::COMPILED;
use crate::policy::tasks::Task;
use crate::request::ran::Ended;
use crate::tasks::ready::{not_started, ready};
use std::time::{Duration, Instant};

/// Of so many requests of an account in a minute somebody is told, and of no more.
const MOST: usize = 5;

/// How much is read of what the program prints, in bytes.
const PRINTED: usize = 4096;

/// Tells of the request that has just begun to wait, if it is a new one. Gives what went wrong.
pub fn tell(call: &Call) -> Option<String> {
    let task = call.force.notifier()?;
    let (entry, count) = approvals::begun(&call.caller).ok().flatten()?;
    if count > MOST {
        return Some(
            "nobody was told of this request: this account has made too many of them".to_owned(),
        );
    }
    let program = match ready(&task, Task::notifier(&COMPILED).as_ref() == Some(&task)) {
        Ok(program) => program,
        Err(refusal) => return Some(not_told(&refusal.error)),
    };
    let bounds = Bounds {
        deadline: Instant::now() + Duration::from_secs(task.timeout_seconds.into()),
        output_bytes: PRINTED,
        mask_secrets: true,
    };
    let input = Some(format!("{}\n", entry.described()));
    let options = Options { input, late: AtDeadline::End, backchannel: None, follow: None };
    let ran = run_program(&program, bounds, options);
    Some(not_told(&match ran.ended {
        Ended::Exited(0) => return None,
        Ended::Exited(status) => match one_line(&ran.stderr, 200) {
            nothing if nothing.is_empty() => format!("exit status {status}"),
            said => format!("exit status {status}: {said}"),
        },
        Ended::Signalled(signal) => format!("it was killed by signal {signal}"),
        Ended::Late => format!("not done after {} s", task.timeout_seconds),
        Ended::NotStarted(error) => not_started(&task, program.failed.get(), error).error,
    }))
}

fn not_told(why: &str) -> String {
    format!("nobody may have been told that this waits for an approval: {why}")
}
