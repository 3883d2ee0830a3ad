//! Runs what was planned and recorded: the one place that starts a process with root's rights
//! for an operation.

use super::codes::{Code, Refusal};
use super::host::PackageManager;
use super::plan::{Plan, Simulation};
use super::process::{Bounds, Ended, Late, Ran, run};
use super::request::Operation;
use super::text::one_line;
use super::transaction::Transaction;
use super::unit::UnitState;
use crate::audit::Recorded;
use crate::policy::action::ServiceAction;
use crate::policy::names::PackageName;
use std::time::{Duration, Instant, SystemTime};

/// What came of an operation.
#[derive(Debug)]
pub struct Outcome {
    /// The code and, unless it is `ok`, the sentence.
    pub verdict: Result<(), Refusal>,
    /// What the operation's command did, where it was run.
    pub ran: Option<Ran>,
    /// The unit's state after it.
    pub unit: Option<UnitState>,
    /// What the package manager said it would change.
    pub plan: Option<Transaction>,
    /// Whether it changed something; none where nothing was run.
    pub changed: Option<bool>,
}

impl Outcome {
    /// Nothing was done, or nothing but what `ran` says, which changed nothing.
    pub fn refused(refusal: Refusal, ran: Option<Ran>, unit: Option<UnitState>) -> Self {
        let changed = ran.is_some().then_some(false);
        Self { verdict: Err(refusal), ran, unit, plan: None, changed }
    }
}

/// What a simulation may print, in bytes: some ten thousand packages.
const LARGEST_SIMULATION: usize = 1 << 20;

/// Reading a unit's state may take so long.
const STATE_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs it. A service operation is ended at its timeout; a package operation never is: then
/// `overtime` is called, once, with what it has printed so far, and this goes on to its end.
pub fn execute(recorded: &Recorded, overtime: &mut dyn FnMut(Outcome)) -> Outcome {
    let plan = recorded.plan();
    let deadline = Instant::now() + Duration::from_secs(plan.timeout().into());
    let (output_bytes, mask_secrets) = (plan.output_bytes(), plan.mask_secrets());
    let bounds = Bounds { deadline, output_bytes, mask_secrets };
    if plan.is_package() { package(plan, bounds, overtime) } else { service(plan, bounds) }
}

fn service(plan: &Plan, bounds: Bounds) -> Outcome {
    let Some(state) = plan.state() else {
        let ran = run(plan.main(), bounds, &mut Late::End);
        return if plan.is_status() {
            status(plan, ran)
        } else {
            read(verdict(plan, &ran), ran, None)
        };
    };
    let brief = Bounds { deadline: Instant::now() + STATE_TIMEOUT, ..bounds };
    let before = unit_of(&run(state, brief, &mut Late::End));
    if let Some(check) = plan.check() {
        let checked = run(check, bounds, &mut Late::End);
        if checked.ended != Ended::Exited(0) {
            let refusal = Refusal::new(
                Code::CheckFailed,
                format!("the check `{}` failed, so nothing was done", check.short()),
            )
            .said(said(&checked))
            .hint("mend what the check complains about, then ask again");
            return Outcome::refused(refusal, Some(checked), before);
        }
    }
    let ran = run(plan.main(), bounds, &mut Late::End);
    let brief = Bounds { deadline: Instant::now() + STATE_TIMEOUT, ..bounds };
    let after = unit_of(&run(state, brief, &mut Late::End));
    let verdict = verdict(plan, &ran);
    // A restart that succeeds has changed something, though the state reads the same.
    let always = matches!(
        plan.request().operation,
        Operation::Service { action: ServiceAction::Restart | ServiceAction::Reload, .. }
    );
    let changed = Some(before != after || (always && verdict.is_ok()));
    Outcome { verdict, ran: Some(ran), unit: after, plan: None, changed }
}

fn package(plan: &Plan, bounds: Bounds, overtime: &mut dyn FnMut(Outcome)) -> Outcome {
    let mut input = None;
    if let Some(query) = plan.installed() {
        let asked = run(query, bounds, &mut Late::End);
        if asked.ended != Ended::Exited(0) {
            let name = plan.request().operation.name().unwrap_or_default();
            let refusal = Refusal::new(
                Code::CommandFailed,
                format!("{name} is not installed, so it can not be upgraded"),
            )
            .hint(format!("to install it: sm-helper package install {name}"));
            return Outcome::refused(refusal, Some(asked), None);
        }
    }
    let transaction = match plan.simulation().map(|simulation| simulated(plan, simulation, bounds))
    {
        None => None,
        Some(Ok(transaction)) => Some(transaction),
        Some(Err(outcome)) => return *outcome,
    };
    if let Some(query) = plan.names() {
        let asked = run(query, bounds, &mut Late::End);
        match names_in(&asked) {
            Ok(names) if names.is_empty() => {
                return Outcome {
                    verdict: Ok(()),
                    ran: Some(asked.into_success()),
                    unit: None,
                    plan: None,
                    changed: Some(false),
                };
            }
            Ok(names) => input = Some(names),
            Err(refusal) => return Outcome::refused(refusal, Some(asked), None),
        }
    }
    let traces = || traces(plan);
    let before = traces();
    let mut late = |so_far: Ran| {
        let refusal = Refusal::new(
            Code::Timeout,
            format!("`{}` is not done after {} s; it is not interrupted and goes on", plan.main().short(), plan.timeout()),
        )
        .hint("its end will be in the audit log under this request_id; ask for nothing else of the package manager until then");
        overtime(Outcome {
            verdict: Err(refusal),
            ran: Some(so_far),
            unit: None,
            plan: transaction.clone(),
            changed: Some(before != traces()),
        });
    };
    let mut late = Late::GoOn { input, tell: &mut late };
    let ran = run(plan.main(), bounds, &mut late);
    let changed = Some(before != traces());
    Outcome { verdict: verdict(plan, &ran), ran: Some(ran), unit: None, plan: transaction, changed }
}

/// What the operation would change, unless it is something that it should not.
fn simulated(
    plan: &Plan,
    simulation: &Simulation,
    bounds: Bounds,
) -> Result<Transaction, Box<Outcome>> {
    // Not the reply's bound: what is dropped there could be what must be refused.
    let whole = Bounds { output_bytes: LARGEST_SIMULATION, ..bounds };
    let ran = run(simulation.argv(), whole, &mut Late::End);
    if let Err(refusal) = verdict(plan, &ran) {
        return Err(Box::new(Outcome::refused(refusal, Some(ran), None)));
    }
    if ran.stdout_truncated {
        let refusal = Refusal::new(
            Code::PlanRefused,
            format!("`{}` would change more than can be looked through", plan.request().operation),
        )
        .hint("an administrator does this one");
        return Err(Box::new(Outcome::refused(refusal, None, None)));
    }
    let Operation::Package { action, .. } = &plan.request().operation else {
        return Ok(Transaction::default());
    };
    let transaction = Transaction::parse(simulation.manager, *action, &ran.stdout);
    let judged =
        transaction.judge(&plan.request().operation, &simulation.name, simulation.removals);
    match judged {
        Ok(()) => Ok(transaction),
        Err(refusal) => {
            let outcome = Outcome::refused(refusal, None, None);
            Err(Box::new(Outcome { plan: Some(transaction), ..outcome }))
        }
    }
}

/// The names that a query printed, one a line, as input for another command.
fn names_in(asked: &Ran) -> Result<String, Refusal> {
    let strange = |why: &str| {
        Refusal::new(Code::CommandFailed, format!("the package manager's list of names {why}"))
    };
    // pacman exits 1 where the list is empty.
    match asked.ended {
        Ended::Exited(0) => {}
        Ended::Exited(1) if asked.stdout.trim().is_empty() => return Ok(String::new()),
        _ => return Err(strange("could not be read")),
    }
    if asked.stdout_truncated {
        return Err(strange("is too long"));
    }
    match asked.stdout.lines().find(|name| PackageName::parse(name.as_bytes()).is_err()) {
        Some(name) => Err(strange("holds what is no name").said(one_line(name, 80))),
        None => Ok(asked.stdout.clone()),
    }
}

/// What the package manager keeps, so far as its change can be seen at a glance.
fn traces(plan: &Plan) -> Vec<Option<(SystemTime, u64, u64)>> {
    use std::os::unix::fs::MetadataExt;
    let paths = PackageManager::of_this_host()
        .map_or(&[][..], |manager| manager.traces(plan.request().operation.action()));
    let look = |path: &&str| {
        let data = std::fs::metadata(path).ok()?;
        Some((data.modified().ok()?, data.ino(), data.size()))
    };
    paths.iter().map(look).collect()
}

fn unit_of(shown: &Ran) -> Option<UnitState> {
    (shown.ended == Ended::Exited(0)).then(|| UnitState::parse(&shown.stdout))
}

/// What came of an operation that only reads.
fn read(verdict: Result<(), Refusal>, ran: Ran, unit: Option<UnitState>) -> Outcome {
    Outcome { verdict, ran: Some(ran), unit, plan: None, changed: Some(false) }
}

/// `status` succeeds where the state could be read: a stopped unit is no failure. Its exit
/// status is what `systemctl status` would have given (`systemctl(1)`, "Exit status").
fn status(plan: &Plan, ran: Ran) -> Outcome {
    let Some(unit) = unit_of(&ran) else {
        return read(verdict(plan, &ran), ran, None);
    };
    let returncode = match unit.active_state.as_deref() {
        _ if !unit.exists() => 4,
        Some("active" | "reloading") => 0,
        _ => 3,
    };
    let verdict = if unit.exists() {
        Ok(())
    } else {
        let name = plan.request().operation.name().unwrap_or_default();
        Err(Refusal::new(Code::CommandFailed, format!("there is no unit {name} on this host"))
            .hint("install what brings it, or look at the spelling"))
    };
    read(verdict, Ran { ended: Ended::Exited(returncode), ..ran }, Some(unit))
}

fn verdict(plan: &Plan, ran: &Ran) -> Result<(), Refusal> {
    let short = plan.main().short();
    match ran.ended {
        Ended::Exited(0) => Ok(()),
        Ended::Exited(_) => {
            Err(Refusal::new(Code::CommandFailed, format!("`{short}` failed")).said(said(ran)))
        }
        Ended::Signalled(signal) => Err(Refusal::new(
            Code::CommandFailed,
            format!("`{short}` was ended by signal {signal}"),
        )),
        Ended::Late => Err(Refusal::new(
            Code::Timeout,
            format!("`{short}` was not done after {} s and was ended", plan.timeout()),
        )
        .hint("the service manager may still be working on it: ask for the status")),
        Ended::NotStarted(error) => Err(Refusal::new(
            Code::Unsupported,
            format!("{} can not be run on this host: {}", plan.main().program(), error.desc()),
        )),
    }
}

/// The line of its output that says most: the last one on standard error, else on standard
/// output, else the exit status.
fn said(ran: &Ran) -> String {
    let last = |text: &str| {
        text.lines()
            .rev()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .map(|line| one_line(line, 300))
    };
    if ran.ended == Ended::Late {
        return "it was not done in time".to_owned();
    }
    // apt's last line only says that dpkg failed, and of several errors the first is the cause.
    let first = |start: &str| {
        ran.stderr.lines().find(|line| line.starts_with(start)).map(|line| one_line(line, 300))
    };
    first("dpkg: error")
        .or_else(|| first("E: "))
        .or_else(|| last(&ran.stderr))
        .or_else(|| last(&ran.stdout))
        .unwrap_or_else(|| match ran.ended {
            Ended::Exited(status) => format!("exit status {status}"),
            Ended::NotStarted(error) => error.desc().to_owned(),
            Ended::Late => "it was not done in time".to_owned(),
            Ended::Signalled(signal) => format!("signal {signal}"),
        })
}
