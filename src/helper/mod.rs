//! The way of a request, a file a stage: what was asked, who asks, may they, which command
//! lines, written down, run, answered. Each stage takes the value of the one before.

pub mod ascend;
pub mod caller;
pub mod codes;
pub mod exec;
pub mod host;
pub mod inherited;
pub mod listing;
pub mod plan;
pub mod process;
pub mod reply;
pub mod request;
pub mod text;
pub mod unit;

use crate::audit;
use crate::cli::{self, HelperCommand, Parsed};
use crate::policy::COMPILED;
use crate::policy::verdict::judge;
use crate::sys;
use caller::{Caller, Via};
use codes::{Code, Refusal};
use host::PackageManager;
use plan::{Plan, plan};
use reply::Reply;
use request::Request;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// How much longer than an operation's own timeout the process that passes its reply on waits.
const SLACK: Duration = Duration::from_secs(30);

/// Answers one request. `helper` is this program's path, for the way to root; `arguments` are
/// those after the program's name. Gives the exit status.
pub fn main(helper: &Path, arguments: &[OsString]) -> u8 {
    inherited::ignore_signals();
    reply::begin();
    answer(helper, arguments).unwrap_or_else(|refusal| Reply::refused(&refusal).send())
}

fn answer(helper: &Path, arguments: &[OsString]) -> Result<u8, Refusal> {
    let is_root = nix::unistd::geteuid().is_root();
    if sys::is_secure_exec() {
        return Err(Refusal::new(
            Code::UntrustedPath,
            format!(
                "{} is setuid, setgid or has file capabilities, which it must never have",
                helper.display()
            ),
        )
        .hint(format!("chmod 0755 {0}; setcap -r {0}", helper.display())));
    }
    if is_root {
        inherited::undo()?;
    }
    let caller = Caller::find();
    let command = match cli::helper(arguments) {
        Parsed::Command(command) => command,
        Parsed::Help(text) => {
            let lines: Vec<&str> = text.lines().collect();
            return Ok(Reply::new(Ok(())).with("help", lines).send());
        }
        Parsed::Wrong(refusal) => return Ok(refuse(&caller, None, false, &refusal)),
    };
    if command.common.pretty {
        reply::set_pretty();
    }
    let dry_run = command.common.dry_run;
    match command.request() {
        None if matches!(command.command, HelperCommand::List) => Ok(listing::list(&caller)),
        None => Ok(listing::version()),
        // Also what is sure to be refused goes to root, so that it is recorded there.
        Some(_) if !is_root && !dry_run => ascend::ascend(command.common.via, helper, arguments),
        Some(Ok(request)) => Ok(handle(&caller, request, dry_run)),
        Some(Err(refusal)) => Ok(refuse(&caller, None, dry_run, &refusal)),
    }
}

/// Judges, plans, records, runs, answers.
fn handle(caller: &Caller, request: Request, dry_run: bool) -> u8 {
    let asked = request.clone();
    let planned = judge(&COMPILED, request)
        .map_err(|denial| denial.refusal)
        .and_then(|approved| plan(approved, PackageManager::of_this_host()));
    let planned = match planned {
        Ok(planned) if dry_run => return Reply::dry_run(&planned).send(),
        Ok(planned) => planned,
        Err(refusal) => return refuse(caller, Some(&asked), dry_run, &refusal),
    };
    match run(caller, planned) {
        Ok(exit) => exit,
        Err(refusal) => Reply::refused(&refusal).operation(Some(&asked.operation)).send(),
    }
}

/// Refuses, and where root answers, records it.
fn refuse(caller: &Caller, request: Option<&Request>, dry_run: bool, refusal: &Refusal) -> u8 {
    let recorded = if caller.via == Via::None || dry_run {
        Ok(())
    } else {
        audit::refused(caller, request, refusal)
    };
    let warning =
        recorded.err().map(|error| format!("this refusal could not be recorded: {}", error.error));
    let operation = request.map(|request| &request.operation);
    Reply::refused(refusal).operation(operation).dry(dry_run).warning(warning).send()
}

/// Records the intent, then has a process of its own run the plan: whatever happens to this one,
/// which sudo, a terminal or a service manager may end, what has begun is finished and recorded.
fn run(caller: &Caller, planned: Plan) -> Result<u8, Refusal> {
    let internal = |error: std::io::Error| {
        Refusal::new(Code::Internal, format!("no process could be made: {error}"))
    };
    let timeout = Duration::from_secs(planned.timeout().into());
    let only_reads = planned.only_reads();
    let recorded = audit::intent(caller, planned)?;
    if only_reads {
        return Ok(operate(&recorded));
    }
    let (reader, writer) = std::io::pipe().map_err(internal)?;
    match sys::fork().map_err(internal)? {
        sys::Forked::Child => {
            drop(reader);
            let _ = nix::unistd::setsid();
            for standard in [0, 2] {
                if let Ok(null) =
                    std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")
                {
                    let _ = sys::replace(standard, null);
                }
            }
            reply::send_through(writer.into()).map_err(internal)?;
            std::process::exit(i32::from(operate(&recorded)))
        }
        sys::Forked::Parent => {
            drop(writer);
            let passed = reply::pass_on_framed(reader, timeout + SLACK);
            passed.ok_or_else(|| {
                Refusal::new(
                    Code::Internal,
                    "the process that ran the operation ended without a reply",
                )
                .hint("the audit log says what was begun under this request_id")
            })
        }
    }
}

/// Runs, records what came of it, answers.
fn operate(recorded: &audit::Recorded) -> u8 {
    let plan = recorded.plan();
    let outcome = exec::execute(recorded, &mut |so_far| {
        Reply::outcome(plan, &so_far).send();
        reply::hang_up();
    });
    let warning = audit::result(recorded, &outcome).err();
    let warning = warning.map(|error| format!("the result could not be recorded: {}", error.error));
    Reply::outcome(plan, &outcome).warning(warning).send()
}
