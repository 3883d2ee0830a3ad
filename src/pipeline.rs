//! The way of a request, from top to bottom. Each stage takes the value of the one before, and gives
//! the next one a value or ends with a refusal.
//!
//! ```text
//! understand ──┬─► escalate: root does it, over the socket or through sudo ──────────► reply
//!              └─► judge ─► plan ─► approve ─► limit ─► record ─► run ─► record ─────► reply
//! ```
//!
//! The words are understood by [`crate::cli`]. An ordinary account's request continues to root
//! ([`crate::escalate`]), where it begins here again, with another caller. There it is judged
//! ([`crate::policy`]), planned ([`crate::plan`]), held until an administrator has approved it where the
//! policy wants that ([`crate::approvals`]), and limited ([`crate::limits`]); its intent is recorded
//! ([`crate::audit::intent`]), which alone makes what can be run; and [`run()`] has it run, recorded again
//! and answered. What ends before, ends in a [`Call`].

pub mod answered;
pub mod apart;
pub mod call;
pub mod consent;
pub mod kept;
pub mod notify;
pub mod plain;
pub mod results;
pub mod run;

use crate::audit;
use crate::broker::parent::{ANSWERED_ACCOUNT, ANSWERED_NOBODY, ANSWERED_STRANGER, Side};
use crate::broker::{self, Received};
use crate::cli::{self, Helper, HelperCommand, Parsed};
use crate::escalate::flags::{self, FullRequest};
use crate::escalate::{self, CommandLine};
use crate::exec::context::Shown;
use crate::exec::sanitize;
use crate::limits::{self, Budget, slots};
use crate::managers::host;
use crate::pipeline::answered::Answered;
use crate::pipeline::call::{Call, refused};
use crate::pipeline::plain::plain;
use crate::pipeline::run::{Failed, run};
use crate::plan::{plan, planned};
use crate::policy::COMPILED;
use crate::policy::approved::Approved;
use crate::policy::disabled;
use crate::policy::force::{InForce, decide};
use crate::reply::{self, Reply, listing, stdout};
use crate::request::caller::{Caller, Counted, Via};
use crate::request::code::{Code, Refusal};
use crate::request::operation::{ForRoot, Request};
use crate::request::route::Route;
use crate::request::who::Everybody;
use crate::sudo::admitted::admitted;
use crate::system::kernel;
use crate::system::step::step;
use std::ffi::OsString;
use std::path::Path;

/// The longest command line that is passed on to root, in bytes. What is asked for properly has
/// a name and a reason and is far shorter.
const LONGEST_REQUEST: usize = 65_536;

/// Answers one request. `program` is the file that runs, `helper` the one for the route to root;
/// `arguments` are those after the program's name. Gives the exit status.
pub fn main(program: &Path, helper: &Path, arguments: &[OsString]) -> u8 {
    sanitize::ignore_signals();
    reply::begin(answered::record_defect);
    let plain = plain(program).and(sanitize::hold_noexec());
    shape_reply(arguments);
    if nix::unistd::geteuid().is_root() {
        // Root of a user namespace is not the host's: it says so by naming the socket, where the
        // kernel knows who it is. Not what came through sudo, since that would make it root's own.
        let parsed = match flags::behind_word(arguments) {
            Some(_) => None,
            None => Some(cli::helper(arguments)),
        };
        let names_socket = matches!(
            &parsed,
            Some(Parsed::Command(command)) if command.common.via == Route::Socket
        );
        match parsed {
            Some(parsed) if names_socket && Caller::find().via == Via::Root => {
                as_account(plain, helper, arguments, parsed)
            }
            parsed => as_root(plain, helper, arguments, parsed).exit(),
        }
    } else {
        as_account(plain, helper, arguments, cli::helper(arguments))
    }
}

/// Answers an ordinary account: has root do it, or answers what needs no root.
fn as_account(
    plain: Result<(), Refusal>,
    helper: &Path,
    arguments: &[OsString],
    parsed: Parsed<Helper>,
) -> u8 {
    if let Err(refusal) = plain {
        return Reply::refused(&refusal).send();
    }
    // Also what is sure to be refused goes to root, so that it is recorded there; but not what
    // is so long that sudo's own log would take longer over it than all the rest.
    let is_long = arguments.iter().map(|word| word.len()).sum::<usize>() > LONGEST_REQUEST;
    if let Parsed::Command(command) = &parsed
        && !command.common.dry_run
    {
        let asked = match (command.request(), command.result()) {
            (Some(request), _) => Some(request.map(ForRoot::Request)),
            (None, Some(result)) => Some(result.map(ForRoot::Result)),
            (None, None) => None,
        };
        match asked {
            Some(Err(refusal)) if is_long => return Reply::refused(&refusal).send(),
            Some(asked) => {
                let asked = CommandLine { arguments, asked, pretty: command.common.pretty };
                let passed_on = escalate::escalate(command.common.via, helper, &asked);
                return passed_on.unwrap_or_else(|refusal| {
                    Reply::refused(&refusal).operation(asked.operation()).send()
                });
            }
            None => {}
        }
    }
    answer(Caller::find(), arguments, parsed).exit()
}

/// Answers as root, for whoever asks. `parsed` is what the arguments turned out to be, unless
/// there are flags on standard input.
fn as_root(
    plain: Result<(), Refusal>,
    helper: &Path,
    arguments: &[OsString],
    parsed: Option<Parsed<Helper>>,
) -> Answered {
    let undone = sanitize::inherited();
    let caller = Caller::find();
    // One place for a request under way, as over the socket.
    let _slot = match plain.and(undone).and_then(|()| slots::take(&caller)) {
        Ok(slot) => slot,
        Err(refusal) if sanitize::can_write_files() => return refuse(caller, arguments, &refusal),
        Err(refusal) => {
            return apart::refuse(&caller, helper, arguments, &refusal)
                .unwrap_or_else(|| refuse(caller, arguments, &refusal));
        }
    };
    if let Err(refusal) = admitted(&caller, helper, arguments) {
        return refuse(caller, arguments, &refusal);
    }
    match (parsed, flags::behind_word(arguments)) {
        (Some(parsed), _) => answer(caller, arguments, parsed),
        (None, words) => answer_with_flags(caller, words.unwrap_or_default()),
    }
}

/// Answers what sudo has let through if the flags are on standard input.
fn answer_with_flags(caller: Caller, words: &[OsString]) -> Answered {
    match flags::receive(words) {
        Ok(FullRequest { words, parsed }) => {
            shape_reply(&words);
            answer(caller, &words, parsed)
        }
        Err(refusal) => refuse(caller, words, &refusal),
    }
}

/// Waits at the socket, and answers each request that comes in a process of its own. Gives the exit
/// status.
pub fn serve() -> u8 {
    match broker::parent::wait() {
        Ok(Side::Ends) => Code::Ok.exit(),
        Ok(side) => {
            sanitize::ignore_signals();
            let sanitized = sanitize::inherited();
            if matches!(side, Side::IsReady) {
                rehearse_any();
                let Some(connection) = broker::ready::connection() else { return Code::Ok.exit() };
                if kernel::replace(0, connection).is_err() {
                    return ANSWERED_NOBODY;
                }
            }
            serve_one(sanitized)
        }
        Err(refusal) => {
            reply::begin(answered::record_defect);
            to_service_manager(refuse(Caller::find(), &[], &refusal))
        }
    }
}

/// Understands and judges a request that nobody has made, so that what this needs of the program and
/// of memory is there when somebody makes one. Only of what is compiled in: nothing of the host's is
/// looked at, which could be another by then.
fn rehearse_any() {
    let words = ["service", "status", "nginx"].map(OsString::from);
    if let Parsed::Command(command) = cli::helper(&words)
        && let Some(Ok(request)) = command.request()
    {
        let _ = decide(&COMPILED, None, &Everybody, request);
    }
}

/// Answers the one request that comes over the connection on standard input. Gives the exit status,
/// which tells the process that waits at the socket who asked: the reply has gone over the
/// connection.
fn serve_one(sanitized: Result<(), Refusal>) -> u8 {
    reply::begin(answered::record_defect);
    stdout::over_connection();
    let Received { caller, arguments, slot: _slot } = match step("receive", broker::receive) {
        Ok(received) => received,
        Err(refusal) => {
            let _answered = refuse(Caller::find(), &[], &refusal);
            return ANSWERED_NOBODY;
        }
    };
    // The audit log says what was asked, and masks what is secret in it.
    let what = format!("answer uid {}", caller.uid);
    let status = match caller.counted() {
        Counted::Account(_) => ANSWERED_ACCOUNT,
        Counted::Strangers => ANSWERED_STRANGER,
    };
    let _answered = step(&what, || match sanitized.and(arguments) {
        Ok(arguments) => {
            shape_reply(&arguments);
            answer(caller, &arguments, cli::helper(&arguments))
        }
        Err(refusal) => refuse(caller, &[], &refusal),
    });
    status
}

/// Refuses the request of another process of root's, which can write no file. Gives the exit status
/// for the service manager, to which a refusal is no failure.
pub fn refuse_for_another() -> u8 {
    sanitize::ignore_signals();
    reply::begin(answered::record_defect);
    let _ = sanitize::inherited();
    let answered = match apart::receive() {
        Ok(described) => described.refuse(),
        Err(refusal) => refuse(Caller::find(), &[], &refusal),
    };
    to_service_manager(answered)
}

/// 0, unless something is wrong with this program: a refusal is no failure of the unit, for each of
/// which the service manager would write two lines to the journal.
fn to_service_manager(answered: Answered) -> u8 {
    u8::from(answered.exit() == Code::Internal.exit())
}

/// Answers a request whose words were read: `parsed` is what they turned out to be.
fn answer(caller: Caller, arguments: &[OsString], parsed: Parsed<Helper>) -> Answered {
    let command = match parsed {
        Parsed::Command(command) => command,
        Parsed::Help(text) => {
            let lines: Vec<&str> = text.lines().collect();
            let help = || Reply::new(Ok(())).with("help", lines);
            return Call::unread(caller, arguments).question(None, false, help);
        }
        Parsed::Wrong(refusal) => return refuse(caller, arguments, &refusal),
    };
    let dry_run = command.common.dry_run;
    let request = command.request();
    let result = command.result();
    let is_version = matches!(command.command, HelperCommand::Version);
    let dialect = match command.command {
        HelperCommand::List { schema } => schema,
        _ => None,
    };
    let force = match InForce::load() {
        Ok(force) => force,
        Err(_) if is_version => InForce::compiled(),
        // A broken policy refuses everything, whatever was asked.
        Err(refusal) => {
            let refusal = disabled::check().err().unwrap_or(refusal);
            let call = Call::new(caller, InForce::compiled(), arguments);
            return call.refuse(request.and_then(Result::ok).as_ref(), &refusal, dry_run);
        }
    };
    let call = Call::new(caller, force, arguments);
    if !is_version && let Err(refusal) = disabled::check() {
        return call.refuse(request.and_then(Result::ok).as_ref(), &refusal, dry_run);
    }
    match (request, result) {
        (None, Some(Ok(asked))) => results::answer(&call, &asked),
        (Some(Err(refusal)), _) | (None, Some(Err(refusal))) => {
            call.refuse(None, &refusal, dry_run)
        }
        (None, None) if is_version => call.question(None, false, listing::version),
        (None, None) => {
            let list = || match dialect {
                Some(dialect) => listing::schema(&call.caller, &call.force, dialect),
                None => listing::list(&call.caller, &call.force),
            };
            call.question(None, false, || list().warnings(doubt(&call)))
        }
        (Some(Ok(request)), _) if dry_run => rehearse(&call, request),
        (Some(Ok(request)), _) => handle(&call, request),
    }
}

/// Does what an administrator asks for as root, who needs no rule of a policy's for it. It is planned,
/// limited, recorded, run and answered like every request. Gives the exit status.
pub fn for_administrator(arguments: &[OsString], request: Request) -> u8 {
    sanitize::ignore_signals();
    reply::begin(answered::record_defect);
    let force = match InForce::load() {
        Ok(force) => force,
        Err(_) => InForce::compiled(),
    };
    let call = Call::new(Caller::find(), force, arguments);
    let judged = call.force.for_root(request.clone());
    planned_and_run(&call, &request, judged).exit()
}

/// Judges, plans, asks whether it is approved, limits, records, runs, answers.
fn handle(call: &Call, request: Request) -> Answered {
    let asked = request.clone();
    let judged = call.force.judge(&call.caller, request).map_err(|denial| denial.refusal);
    planned_and_run(call, &asked, consent::with_grant(call, &asked, judged))
}

fn planned_and_run(call: &Call, asked: &Request, judged: Result<Approved, Refusal>) -> Answered {
    let approved = match judged {
        Ok(approved) => approved,
        Err(refusal) => return call.refuse(Some(asked), &refusal, false),
    };
    // What cannot be done here, or waits for an approval, costs what a refusal costs.
    let planned =
        plan(approved, host::of_this_host()).and_then(|planned| match planned.approved() {
            approved if approved.needs_approval() => {
                consent::standing(&call.origin(), &planned).map(|()| planned)
            }
            _ => Ok(planned),
        });
    let planned = match planned {
        Ok(planned) => planned,
        Err(refusal) if refusal.code == Code::ApprovalRequired => {
            return call.hold(asked, &refusal, || notify::tell(call));
        }
        Err(refusal) => return call.refuse(Some(asked), &refusal, false),
    };
    let limits = call.force.limits();
    let budget = if asked.operation.only_reads() { Budget::Reads } else { Budget::Changes };
    let permit = match limits::acquire(&call.caller, budget, &limits) {
        Ok(permit) => permit,
        Err(exceeded) => return call.limited(Some(asked), &exceeded, false),
    };
    audit::counted(&call.origin(), permit.unrecorded);
    let shown = |unit: &str| call.force.shows_unit(&call.caller, unit);
    match run(&call.origin(), Shown(&shown), planned, permit) {
        Ok(answered) => answered,
        Err(Failed::Unrecorded(refusal)) => {
            call.close(Some(asked), refused(Some(asked), &refusal, false), None)
        }
        Err(Failed::Limited(exceeded)) => call.limited(Some(asked), &exceeded, false),
        Err(Failed::Recorded(refusal)) => Answered(refused(Some(asked), &refusal, false).send()),
    }
}

/// Answers as the real call would, up to the point of running anything.
fn rehearse(call: &Call, request: Request) -> Answered {
    let asked = request.clone();
    match planned(&call.force, &call.caller, request) {
        Ok(planned) => {
            let waits = planned.approved().needs_approval();
            let reply = || {
                let reply = Reply::dry_run(&planned).warnings(doubt(call));
                if waits { reply.with("needs_approval", true) } else { reply }
            };
            call.question(Some(&asked), true, reply)
        }
        Err(refusal) => call.refuse(Some(&asked), &refusal, true),
    }
}

/// What makes an answer without privilege less than certain.
fn doubt(call: &Call) -> Option<String> {
    call.force.doubt().map(str::to_owned)
}

/// Refuses a request whose words were not read, or are none. It is limited like everything else:
/// another rate for these would be a way around it.
fn refuse(caller: Caller, arguments: &[OsString], refusal: &Refusal) -> Answered {
    Call::unread(caller, arguments).refuse(None, refusal, false)
}

/// Even if the rest of the words cannot be read.
fn shape_reply(arguments: &[OsString]) {
    if arguments.iter().any(|word| word == "--brief") {
        stdout::set_brief();
    }
    if arguments.iter().any(|word| word == "--pretty") {
        stdout::set_pretty();
    }
}
