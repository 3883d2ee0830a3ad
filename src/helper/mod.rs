//! The way of a request, a file a stage: what was asked, who asks, may they, which command
//! lines, written down, run, answered. Each stage takes the value of the one before.

pub mod alias;
mod apt_options;
pub mod ascend;
pub mod audience;
pub mod caller;
pub mod cgroup;
pub mod codes;
pub mod exec;
pub mod flags;
pub mod host;
pub mod inherited;
pub mod inventory;
pub mod keeper;
pub mod limits;
pub mod line;
pub mod listing;
pub mod locks;
pub mod plan;
pub mod probe;
pub mod process;
pub mod reply;
pub mod request;
pub mod schema;
mod secrets;
pub mod slots;
pub mod start_limit;
pub mod text;
pub mod transaction;
pub mod unit;
pub mod vercmp;

use crate::audit::{self, Scene};
use crate::broker::{self, Received};
use crate::cli::{self, Helper, HelperCommand, Parsed};
use crate::policy::force::InForce;
use crate::sys;
use ascend::{Asked, Way};
use audience::Audience;
use caller::{Caller, Via};
use codes::{Code, Refusal};
use exec::Outcome;
use flags::Whole;
use host::PackageManager;
use keeper::Lifeline;
use limits::{Budget, Paid, Unpaid};
use plan::{Plan, plan};
use reply::Reply;
use request::Request;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

/// The longest command line that is passed on to root, in bytes. What is asked for properly has
/// a name and a reason and is far shorter.
const LONGEST_REQUEST: usize = 65_536;

/// How much longer than an operation's own timeout the process that passes its reply on waits.
const SLACK: Duration = Duration::from_secs(30);

/// Answers one request. `helper` is this program's path, for the way to root; `arguments` are
/// those after the program's name. Gives the exit status.
pub fn main(helper: &Path, arguments: &[OsString]) -> u8 {
    inherited::ignore_signals();
    reply::begin();
    indent_if_asked(arguments);
    answer(helper, arguments).unwrap_or_else(|refusal| Reply::refused(&refusal).send())
}

/// Answers the one request that comes over the connection on standard input. Gives the exit
/// status, in which nobody is interested: the reply has gone over the connection.
pub fn serve() -> u8 {
    inherited::ignore_signals();
    reply::begin();
    let served = inherited::undo().and_then(|()| broker::receive()).map(|received| {
        let Received { caller, arguments, slot: _slot } = received;
        match arguments {
            Ok(arguments) => {
                indent_if_asked(&arguments);
                answer_to(caller, &arguments, cli::helper(&arguments))
            }
            Err(refusal) => Call::unread(caller).refuse(None, &refusal),
        }
    });
    served.unwrap_or_else(|refusal| Reply::refused(&refusal).send())
}

/// Also where the rest of the words can not be read.
fn indent_if_asked(arguments: &[OsString]) {
    if arguments.iter().any(|word| word == "--pretty") {
        reply::set_pretty();
    }
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
    if is_root && let Some(words) = flags::behind_word(arguments) {
        inherited::undo()?;
        return Ok(answer_with_flags(Caller::find(), words));
    }
    let parsed = cli::helper(arguments);
    // Root of a user namespace is not the host's: it says so by naming the socket, where the
    // kernel knows who it is. Not what came through sudo, since that would make it root's own.
    let names_socket =
        matches!(&parsed, Parsed::Command(command) if command.common.via == Way::Socket);
    if is_root && !(names_socket && Caller::find().via == Via::Root) {
        inherited::undo()?;
        return Ok(answer_to(Caller::find(), arguments, parsed));
    }
    // Also what is sure to be refused goes to root, so that it is recorded there; but not what
    // is so long that sudo's own log would take longer over it than all the rest.
    let is_long = arguments.iter().map(|word| word.len()).sum::<usize>() > LONGEST_REQUEST;
    if let Parsed::Command(command) = &parsed
        && !command.common.dry_run
    {
        match command.request() {
            Some(Err(refusal)) if is_long => return Err(refusal),
            Some(request) => {
                let asked = Asked { arguments, request, pretty: command.common.pretty };
                let passed_on = ascend::ascend(command.common.via, helper, &asked);
                return Ok(passed_on.unwrap_or_else(|refusal| {
                    Reply::refused(&refusal).operation(asked.operation()).send()
                }));
            }
            None => {}
        }
    }
    Ok(answer_to(Caller::find(), arguments, parsed))
}

/// Answers what sudo has let through where the flags are on standard input.
fn answer_with_flags(caller: Caller, words: &[OsString]) -> u8 {
    match flags::receive(words) {
        Ok(Whole { words, parsed }) => {
            indent_if_asked(&words);
            answer_to(caller, &words, parsed)
        }
        Err(refusal) => Call { arguments: words, ..Call::unread(caller) }.refuse(None, &refusal),
    }
}

/// What would be run for this caller, or why nothing would.
fn planned(force: &InForce, caller: &Caller, request: Request) -> Result<Plan, Refusal> {
    let approved = force.judge(caller, request).map_err(|denial| denial.refusal)?;
    plan(approved, PackageManager::of_this_host())
}

/// Answers in this very process: as root for whoever asks, or what needs no root. `parsed` is
/// what the arguments turned out to be.
fn answer_to(caller: Caller, arguments: &[OsString], parsed: Parsed<Helper>) -> u8 {
    let command = match parsed {
        Parsed::Command(command) => command,
        Parsed::Help(text) => {
            let lines: Vec<&str> = text.lines().collect();
            return Reply::new(Ok(())).with("help", lines).send();
        }
        Parsed::Wrong(refusal) => {
            return Call { arguments, ..Call::unread(caller) }.refuse(None, &refusal);
        }
    };
    let dry_run = command.common.dry_run;
    let request = command.request();
    let is_version = matches!(command.command, HelperCommand::Version);
    let list = match command.command {
        HelperCommand::List { schema: true } => listing::schema,
        _ => listing::list,
    };
    let force = match InForce::load() {
        Ok(force) => force,
        Err(_) if is_version => InForce::compiled(),
        // A broken policy refuses everything, whatever was asked.
        Err(refusal) => {
            let call = Call { caller, force: InForce::compiled(), arguments };
            return call.refuse(request.and_then(Result::ok).as_ref(), &refusal);
        }
    };
    let call = Call { caller, force, arguments };
    match request {
        None if is_version => call.question(None, listing::version),
        None => call.question(None, |warnings| list(&call.caller, &call.force, warnings)),
        Some(Ok(request)) if dry_run => call.rehearse(request),
        Some(Ok(request)) => call.handle(request),
        Some(Err(refusal)) if dry_run => Reply::refused(&refusal).dry(true).send(),
        Some(Err(refusal)) => call.refuse(None, &refusal),
    }
}

/// A call of the helper: who, under which policy, and with which words.
struct Call<'c> {
    caller: Caller,
    force: InForce,
    arguments: &'c [OsString],
}

impl Call<'_> {
    /// A call whose words could not be read. It is limited like everything else: another rate for
    /// these would be a way around it.
    fn unread(caller: Caller) -> Self {
        let is_privileged = caller.via != Via::None;
        let force = if is_privileged { InForce::load().ok() } else { None };
        Self { caller, force: force.unwrap_or_else(InForce::compiled), arguments: &[] }
    }

    /// Whether there is somebody to record and to limit: root, for whoever asked.
    fn is_privileged(&self) -> bool {
        self.caller.via != Via::None
    }

    /// What every record of it says.
    fn scene(&self) -> Scene {
        Scene { caller: self.caller.clone(), policy: self.force.hash() }
    }

    /// Judges, limits, plans, records, runs, answers.
    fn handle(&self, request: Request) -> u8 {
        let asked = request.clone();
        let approved = match self.force.judge(&self.caller, request) {
            Ok(approved) => approved,
            Err(denial) => return self.refuse(Some(&asked), &denial.refusal),
        };
        let limits = self.force.limits();
        let budget = if asked.operation.only_reads() { Budget::Looks } else { Budget::Changes };
        let paid = match limits::spend(&self.caller, budget, &limits) {
            Ok(paid) => paid,
            Err(unpaid) => return self.limited(Some(&asked), unpaid),
        };
        self.flush(paid.unrecorded);
        match plan(approved, PackageManager::of_this_host()) {
            Ok(planned) => self
                .run(planned, paid)
                .unwrap_or_else(|refusal| self.answer_refusal(Some(&asked), &refusal, Vec::new())),
            Err(refusal) => self.record_refusal(Some(&asked), &refusal, None),
        }
    }

    /// Answers as the real call would, up to the point of running anything.
    fn rehearse(&self, request: Request) -> u8 {
        let asked = request.clone();
        let planned = planned(&self.force, &self.caller, request);
        self.question(Some(&asked), |warnings| match &planned {
            Ok(planned) => Reply::dry_run(planned).warnings(warnings).send(),
            Err(refusal) => {
                Reply::refused(refusal).operation(Some(&asked.operation)).dry(true).send()
            }
        })
    }

    /// Refuses, unless even refusals are used up.
    fn refuse(&self, request: Option<&Request>, refusal: &Refusal) -> u8 {
        if !self.is_privileged() {
            return self.answer_refusal(request, refusal, Vec::new());
        }
        match limits::spend(&self.caller, Budget::Refusals, &self.force.limits()) {
            Ok(paid) => {
                self.flush(paid.unrecorded);
                self.record_refusal(request, refusal, None)
            }
            Err(unpaid) => self.limited(request, unpaid),
        }
    }

    /// Refuses for the rate; a flood of it costs one record a second.
    fn limited(&self, request: Option<&Request>, unpaid: Unpaid) -> u8 {
        match unpaid.record {
            Some(count) => self.record_refusal(request, &unpaid.refusal, Some(count)),
            None => self.answer_refusal(request, &unpaid.refusal, Vec::new()),
        }
    }

    /// Records the refusals for the rate that had no record of their own.
    fn flush(&self, unrecorded: u64) {
        if unrecorded > 0 {
            let refusal =
                Refusal::new(Code::RateLimited, "refused for the rate, counted until now");
            // The count is lost where there is no log; the request itself then fails for that.
            let _ = audit::refused(&self.scene(), None, &[], &refusal, Some(unrecorded));
        }
    }

    fn record_refusal(
        &self,
        request: Option<&Request>,
        refusal: &Refusal,
        count: Option<u64>,
    ) -> u8 {
        let recorded = audit::refused(&self.scene(), request, self.arguments, refusal, count);
        let warnings = recorded.unwrap_or_else(|error| {
            vec![format!("this refusal could not be recorded: {}", error.error)]
        });
        self.answer_refusal(request, refusal, warnings)
    }

    fn answer_refusal(
        &self,
        request: Option<&Request>,
        refusal: &Refusal,
        warnings: Vec<String>,
    ) -> u8 {
        let operation = request.map(|request| &request.operation);
        Reply::refused(refusal).operation(operation).warnings(warnings).send()
    }

    /// Answers a question, for which nothing is run. Where it is root that answers, it is a look,
    /// and recorded.
    fn question(&self, request: Option<&Request>, answer: impl FnOnce(Vec<String>) -> u8) -> u8 {
        if !self.is_privileged() {
            return answer(Vec::new());
        }
        match limits::spend(&self.caller, Budget::Looks, &self.force.limits()) {
            Ok(paid) => self.flush(paid.unrecorded),
            Err(unpaid) => return self.limited(request, unpaid),
        }
        let recorded = audit::answered(&self.scene(), request, self.arguments);
        answer(
            recorded.unwrap_or_else(|error| {
                vec![format!("this could not be recorded: {}", error.error)]
            }),
        )
    }

    /// Records the intent, then has processes of its own run the plan: whatever happens to this one,
    /// which sudo, a terminal or a service manager may end, what has begun is finished and recorded.
    fn run(&self, planned: Plan, paid: Paid) -> Result<u8, Refusal> {
        let internal = |error: std::io::Error| {
            Refusal::new(Code::Internal, format!("no process could be made: {error}"))
        };
        let scene = &self.scene();
        let shown = |unit: &str| self.force.shows_unit(&self.caller, unit);
        let shown = exec::Shown(&shown);
        if planned.request().operation.only_reads() {
            let recorded = audit::intent(scene, planned, paid)?;
            let outcome = exec::look(&recorded, shown);
            return Ok(record_and_answer(&recorded, &outcome));
        }
        let timeout = Duration::from_secs(planned.timeout().into()) + exec::afterwards(&planned);
        // Before the intent is written: what fails here leaves nothing to account for.
        let (reader, writer) = std::io::pipe().map_err(internal)?;
        let lifeline = Lifeline::new().map_err(internal)?;
        let audience = Audience::find(&scene.caller);
        let recorded = audit::intent(scene, planned, paid)?;
        let forked = sys::fork().map_err(|error| {
            let refusal = internal(error);
            // The refusal says enough; that its record failed too would change nothing.
            let _ = audit::result(&recorded, &Outcome::of(Err(refusal.clone())));
            refusal
        })?;
        match forked {
            sys::Forked::Child => {
                drop(reader);
                keep(&recorded, lifeline, audience, shown, writer.into());
                std::process::exit(0)
            }
            sys::Forked::Parent(_) => {
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
}

/// Away from whoever asked, splits once more: one runs the plan and answers through `reply`, the
/// other stands by.
fn keep(
    recorded: &audit::Recorded,
    lifeline: Lifeline,
    audience: Audience,
    shown: exec::Shown<'_>,
    reply: OwnedFd,
) {
    let _ = nix::unistd::setsid();
    // Where there is none to go to, what it was started in will have to do.
    let _ = cgroup::leave();
    sys::rename(c"sm-operation");
    for standard in [0, 1, 2] {
        if let Ok(null) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
            let _ = sys::replace(standard, null);
        }
    }
    sys::adopt();
    match sys::fork() {
        Ok(sys::Forked::Parent(runs_it)) => {
            drop((reply, audience));
            keeper::stand_by(lifeline, runs_it, recorded);
        }
        // Where there can be no second process, one has to do.
        Ok(sys::Forked::Child) | Err(_) => operate(recorded, lifeline, audience, shown, reply),
    }
}

/// Runs, records what came of it, answers.
fn operate(
    recorded: &audit::Recorded,
    lifeline: Lifeline,
    audience: Audience,
    shown: exec::Shown<'_>,
    reply: OwnedFd,
) {
    if reply::send_through(reply).is_err() {
        reply::hang_up();
    }
    let mut around = exec::Around {
        lifeline,
        audience,
        shown,
        answer: &mut |so_far| {
            let plan = recorded.plan();
            Reply::outcome(plan, &so_far).warnings(recorded.warnings().to_vec()).send();
            reply::hang_up();
        },
    };
    let outcome = exec::change(recorded, &mut around);
    let warnings = record(recorded, &outcome);
    around.lifeline.recorded();
    Reply::outcome(recorded.plan(), &outcome).warnings(warnings).send();
}

fn record_and_answer(recorded: &audit::Recorded, outcome: &Outcome) -> u8 {
    let warnings = record(recorded, outcome);
    Reply::outcome(recorded.plan(), outcome).warnings(warnings).send()
}

/// Records what came of it. Gives what the caller should know of the sinks.
fn record(recorded: &audit::Recorded, outcome: &Outcome) -> Vec<String> {
    // A sink that did not take the intent is worth one warning, not two.
    let mut warnings = recorded.warnings().to_vec();
    match audit::result(recorded, outcome) {
        Ok(more) => warnings.extend(more),
        Err(error) => warnings.push(format!("the result could not be recorded: {}", error.error)),
    }
    warnings.dedup();
    warnings
}
