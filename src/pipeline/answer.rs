//! What is answered in this process. As root, for whoever asks, no request ends but with a charge,
//! a record and the reply that says the same: what gives an exit status there is an [`Answered`],
//! and only this file makes one.

use crate::audit::origin::Origin;
use crate::audit::{self, Unwritten};
use crate::cli::{Helper, HelperCommand, Parsed};
use crate::exec::context::Shown;
use crate::limits::store::Exceeded;
use crate::limits::{self, Budget};
use crate::managers::host::PackageManager;
use crate::pipeline::answered::UNDER_WAY;
use crate::pipeline::answered::{Answered, forget};
use crate::pipeline::run::{Failed, run};
use crate::plan::plan;
use crate::plan::planned;
use crate::policy::force::InForce;
use crate::reply::{Reply, listing};
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Request;
use crate::system::kernel;
use std::ffi::OsString;

/// Answers a request whose words were read: `parsed` is what they turned out to be.
pub fn answer(caller: Caller, arguments: &[OsString], parsed: Parsed<Helper>) -> Answered {
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
            let call = Call::new(caller, InForce::compiled(), arguments);
            return call.refuse(request.and_then(Result::ok).as_ref(), &refusal, dry_run);
        }
    };
    let call = Call::new(caller, force, arguments);
    match request {
        None if is_version => call.question(None, false, listing::version),
        None => call.question(None, false, || list(&call.caller, &call.force)),
        Some(Ok(request)) if dry_run => call.rehearse(request),
        Some(Ok(request)) => call.handle(request),
        Some(Err(refusal)) => call.refuse(None, &refusal, dry_run),
    }
}

/// Refuses a request whose words were not read, or are none. It is limited like everything else:
/// another rate for these would be a way around it.
pub fn refuse(caller: Caller, arguments: &[OsString], refusal: &Refusal) -> Answered {
    Call::unread(caller, arguments).refuse(None, refusal, false)
}

/// A call of the helper: who, under which policy, and with which words.
struct Call<'c> {
    caller: Caller,
    force: InForce,
    arguments: &'c [OsString],
    /// Whether there is somebody to record and to charge: this is root, for whoever asked.
    is_privileged: bool,
}

impl<'c> Call<'c> {
    fn new(caller: Caller, force: InForce, arguments: &'c [OsString]) -> Self {
        let is_privileged = nix::unistd::geteuid().is_root();
        let call = Self { caller, force, arguments, is_privileged };
        if is_privileged {
            UNDER_WAY.set(Some(call.origin()));
        }
        call
    }

    fn unread(caller: Caller, arguments: &'c [OsString]) -> Self {
        let is_privileged = nix::unistd::geteuid().is_root();
        let force = if is_privileged { InForce::load().ok() } else { None };
        Self::new(caller, force.unwrap_or_else(InForce::compiled), arguments)
    }

    /// What every record of it says.
    fn origin(&self) -> Origin {
        Origin {
            caller: self.caller.clone(),
            policy: self.force.hash(),
            limits: self.force.limits(),
        }
    }

    /// Judges, limits, plans, records, runs, answers.
    fn handle(&self, request: Request) -> Answered {
        let asked = request.clone();
        let approved = match self.force.judge(&self.caller, request) {
            Ok(approved) => approved,
            Err(denial) => return self.refuse(Some(&asked), &denial.refusal, false),
        };
        let limits = self.force.limits();
        let budget = if asked.operation.only_reads() { Budget::Reads } else { Budget::Changes };
        let permit = match limits::acquire(&self.caller, budget, &limits) {
            Ok(permit) => permit,
            Err(exceeded) => return self.limited(Some(&asked), &exceeded, false),
        };
        audit::counted(&self.origin(), permit.unrecorded);
        let shown = |unit: &str| self.force.shows_unit(&self.caller, unit);
        let ran = plan(approved, PackageManager::of_this_host())
            .map_err(Failed::Unrecorded)
            .and_then(|planned| run(&self.origin(), Shown(&shown), planned, permit));
        match ran {
            Ok(answered) => answered,
            Err(Failed::Unrecorded(refusal)) => {
                self.close(Some(&asked), refused(Some(&asked), &refusal, false), None)
            }
            Err(Failed::Limited(exceeded)) => self.limited(Some(&asked), &exceeded, false),
            Err(Failed::Recorded(refusal)) => {
                Answered(refused(Some(&asked), &refusal, false).send())
            }
        }
    }

    /// Answers as the real call would, up to the point of running anything.
    fn rehearse(&self, request: Request) -> Answered {
        let asked = request.clone();
        match planned(&self.force, &self.caller, request) {
            Ok(planned) => self.question(Some(&asked), true, || Reply::dry_run(&planned)),
            Err(refusal) => self.refuse(Some(&asked), &refusal, true),
        }
    }

    /// Answers a question, for which nothing is run. Where it is root that answers, it is a look.
    fn question<'r>(
        &self,
        request: Option<&Request>,
        dry_run: bool,
        answer: impl FnOnce() -> Reply<'r>,
    ) -> Answered {
        match self.charge(Budget::Reads) {
            Ok(()) => self.close(request, answer(), None),
            Err(exceeded) => self.limited(request, &exceeded, dry_run),
        }
    }

    /// Refuses, unless even refusals are used up. A rehearsal is a look, whatever it ends with: who
    /// tests a policy asks for much that it refuses.
    fn refuse(&self, request: Option<&Request>, refusal: &Refusal, dry_run: bool) -> Answered {
        match self.charge(if dry_run { Budget::Reads } else { Budget::Refusals }) {
            Err(exceeded) if exceeded.refusal.code == Code::RateLimited => {
                self.limited(request, &exceeded, dry_run)
            }
            // Nothing is run either way, and this is what the caller has to know.
            Ok(()) | Err(_) => self.close(request, refused(request, refusal, dry_run), None),
        }
    }

    fn charge(&self, budget: Budget) -> Result<(), Exceeded> {
        if self.is_privileged {
            let permit = limits::acquire(&self.caller, budget, &self.force.limits())?;
            audit::counted(&self.origin(), permit.unrecorded);
        }
        Ok(())
    }

    /// Refuses for the rate; a flood of it costs one record a minute.
    fn limited(&self, request: Option<&Request>, exceeded: &Exceeded, dry_run: bool) -> Answered {
        let reply = refused(request, &exceeded.refusal, dry_run);
        match exceeded.record {
            Some(count) => self.close(request, reply, Some(count)),
            // The next record counts it.
            None => Answered(reply.send()),
        }
    }

    /// Records the reply, as root, and sends it.
    fn close(&self, request: Option<&Request>, reply: Reply<'_>, count: Option<u64>) -> Answered {
        if !self.is_privileged {
            return Answered(reply.send());
        }
        let recorded =
            audit::answered(&self.origin(), request, self.arguments, &reply.recorded(), count);
        let warnings = match recorded {
            Ok(warnings) => warnings,
            Err(Unwritten::Limited(exceeded)) => {
                return self.limited(request, &exceeded, reply.is_dry_run());
            }
            Err(Unwritten::Unavailable(refusal)) => {
                vec![format!("this could not be recorded: {}", refusal.error)]
            }
        };
        forget();
        Answered(reply.warnings(warnings).send())
    }
}

fn refused<'r>(request: Option<&'r Request>, refusal: &Refusal, dry_run: bool) -> Reply<'r> {
    Reply::refused(refusal).operation(request.map(|request| &request.operation)).dry(dry_run)
}

/// Charges and records a request that a defect of this program ends.
///
/// In a process of its own, with none of the files of this one: it may have a lock, which it gives
/// back when it ends.
pub fn record_defect(refusal: &Refusal) {
    let under_way = UNDER_WAY.try_with(|under_way| under_way.try_borrow_mut().ok()?.take());
    let Ok(Some(origin)) = under_way else { return };
    if let Ok(kernel::Forked::Child) = kernel::fork() {
        let _ = kernel::close_descriptors();
        let _ = limits::acquire(&origin.caller, Budget::Refusals, &origin.limits);
        let _ = audit::answered(&origin, None, &[], &Reply::refused(refusal).recorded(), None);
        std::process::exit(0);
    }
}
