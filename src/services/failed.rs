//! Explains why an operation on a unit failed: what systemctl's exit status means, how the unit
//! died, or who stopped it.

use crate::exec::context::{Shown, name_of, verdict};
use crate::managers::systemd::manager_log::ManagerLog;
use crate::managers::systemd::unit::Unit;
use crate::managers::systemd::{cause, refusal};
use crate::output::secrets::masked;
use crate::output::text::one_line;
use crate::plan::Plan;
use crate::request::action::Action as _;
use crate::request::action::ServiceAction::{self, Reload, Restart, Start, Stop};
use crate::request::code::{Code, Refusal};
use crate::request::ran::{Ended, Ran};
use crate::services::reason::{done, no_unit, start_limit};

/// Where to find the unit's own output.
const SEE_LOG: &str = "`log` in this reply has the last lines it wrote";

/// The most characters of the manager's messages in a sentence.
const LONGEST: usize = 300;

/// An operation on a unit, and what is known of it afterwards.
#[derive(Clone, Copy)]
pub struct Failure<'a> {
    /// The action.
    pub action: ServiceAction,
    /// Its command lines.
    pub plan: &'a Plan,
    /// How the command ended.
    pub ran: &'a Ran,
    /// Whether the unit was up before it.
    pub was_active: bool,
    /// The unit afterwards.
    pub unit: &'a Unit,
    /// What the manager has logged about the unit since.
    pub log: &'a ManagerLog,
    /// The units that are down and without which it cannot be up; read only if it was stopped.
    pub bonds: &'a [String],
    /// Whether it was stopped because no unit that is up needs it.
    pub is_unneeded: bool,
    /// Which units a reply may name.
    pub shown: Shown<'a>,
}

impl Failure<'_> {
    /// What the command's end means for this unit.
    pub fn explained(&self) -> Result<(), Refusal> {
        match self.ran.ended {
            Ended::Exited(0) | Ended::NotStarted(_) | Ended::Signalled(_) => {
                verdict(self.plan, self.ran)
            }
            Ended::Late => Err(self.late()),
            Ended::Exited(_) => Err(self.failed()),
        }
    }

    fn name(&self) -> &str {
        name_of(self.plan)
    }

    /// The time is over while the manager still waits for something.
    fn late(&self) -> Refusal {
        let (name, state, timeout) = (self.name(), &self.unit.state, self.plan.timeout());
        if state.doing().is_none() && self.unit.has_job {
            let error = format!("after {timeout} s, {name} still waits for another unit");
            return Refusal::new(Code::Timeout, error).hint(format!(
                "the service manager continues; to give up: sm-helper service stop {name}"
            ));
        }
        // systemctl was killed before its job reached the manager, or just as the job was done.
        let Some(doing) = state.doing() else {
            let state = state.active_state.as_deref().unwrap_or("in an unknown state");
            let error = format!(
                "systemctl did not answer within {timeout} s; {name} is {state}, and the service manager has no job for it"
            );
            return Refusal::new(Code::Timeout, error)
                .hint("`changed` says whether something was done; if not, try again");
        };
        Refusal::new(Code::Timeout, format!("{name} is {doing}, after {timeout} s")).hint(
            "the service manager continues: ask for the status later, or ask an administrator",
        )
    }

    /// Why systemctl failed. Its own message is about this run; the unit's state may be from the run
    /// before.
    fn failed(&self) -> Refusal {
        let (name, state) = (self.name(), &self.unit.state);
        let (stderr, done) = (&self.ran.stderr, done(self.action));
        let refused = |error: String| Refusal::new(Code::CommandFailed, error);
        match state.load_state.as_deref() {
            Some("not-found") => return no_unit(name),
            Some("masked") => {
                return refused(format!("{name} is masked: nothing may start it")).hint(format!(
                    "an administrator masked it on purpose and can undo it: systemctl unmask {name}"
                ));
            }
            Some(load @ ("bad-setting" | "error")) => return self.not_loaded(load),
            _ => {}
        }
        if refusal::is_canceled(stderr) {
            return self.stopped();
        }
        if refusal::is_dependency(stderr) {
            return self.needs_what_failed();
        }
        if let Some(refusal) = refusal::refusal(name, done, stderr) {
            return refusal;
        }
        match self.action {
            Reload => self.reload_failed(),
            _ if state.result.as_deref() == Some("start-limit-hit") => {
                start_limit(name, self.plan.approved().may_reset())
            }
            // The manager may already try again, and then no longer knows how the unit ended.
            Start | Restart if state.is_down() || state.is("activating") => self.not_started(),
            _ if refusal::is_failed(stderr) => {
                let (end, hint) = cause::of(state, self.log);
                refused(format!("{name} could not be {done}: {end}")).hint(with_log(hint))
            }
            _ => self.other(),
        }
    }

    /// The unit file is invalid. The manager has logged why.
    fn not_loaded(&self, load: &str) -> Refusal {
        let name = self.name();
        let error = format!("the unit file of {name} is invalid and not loaded ({load})");
        let error = match self.log.bad_setting() {
            Some(setting) => format!("{error}: {}", one_line(&masked(setting), LONGEST)),
            None => error,
        };
        Refusal::new(Code::CommandFailed, error)
            .hint(format!("ask an administrator: systemd-analyze verify {name}"))
    }

    fn needs_what_failed(&self) -> Refusal {
        let is_needed = |unit: &&String| self.unit.needs.contains(unit);
        let down: Vec<&str> = self.bonds.iter().filter(is_needed).map(String::as_str).collect();
        let (name, done) = (self.name(), done(self.action));
        let error = format!("{name} was not {done}, because a unit that it needs failed");
        let hint = match down.is_empty() {
            false => format!("look at what it needs: {}", self.shown.listed(&down)),
            // The failed unit may be one that a needed unit needs.
            true => format!("ask an administrator: systemctl list-dependencies {name}"),
        };
        Refusal::new(Code::CommandFailed, error).hint(hint)
    }

    fn reload_failed(&self) -> Refusal {
        let (name, state) = (self.name(), &self.unit.state);
        let refused = |error: String| Refusal::new(Code::CommandFailed, error);
        let is_down = state.is("inactive") || state.is("failed");
        match is_down {
            true if self.was_active => self.ended_by_reload(),
            true => refused(format!("{name} is not running, so there is nothing to reload"))
                .hint(format!("to start it: sm-helper service start {name}")),
            false if !self.unit.can_reload => refused(format!("{name} does not support reload"))
                .hint(format!("to restart it: sm-helper service restart {name}")),
            false => {
                let exit = match self.log.last_exit() {
                    (Some(status), _) => {
                        format!(": its ExecReload= ended with exit status {status}")
                    }
                    (_, Some(signal)) => format!(": its ExecReload= was killed by signal {signal}"),
                    _ => String::new(),
                };
                refused(format!("{name} could not be reloaded{exit}")).hint(
                    "it still runs with its old settings; `log` in this reply has its last lines",
                )
            }
        }
    }

    /// The unit did not come up.
    fn not_started(&self) -> Refusal {
        let (name, state) = (self.name(), &self.unit.state);
        let (end, hint) = if state.result.as_deref() == Some("success") {
            (String::new(), None)
        } else {
            let (end, hint) = cause::of(state, self.log);
            (format!(": {end}"), hint)
        };
        let error = format!("{name} could not be {}{end}", done(self.action));
        if !state.is("activating") {
            return Refusal::new(Code::CommandFailed, error).hint(with_log(hint));
        }
        let again = format!("to stop the attempts: sm-helper service stop {name}");
        Refusal::new(Code::CommandFailed, format!("{error}; the service manager will try again"))
            .hint(format!("{}; {again}", with_log(hint)))
    }

    /// The unit did not stay up.
    pub fn unhealthy(&self) -> Refusal {
        let (name, state) = (self.name(), &self.unit.state);
        if self.log.was_stopped() {
            return self.stopped();
        }
        if state.result.as_deref() == Some("start-limit-hit") {
            return start_limit(name, self.plan.approved().may_reset());
        }
        let (end, hint) = cause::of(state, self.log);
        let what = match state.restarts {
            Some(times @ 1..) if !state.is("failed") => {
                let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
                // Once a unit runs again, the manager no longer knows how it ended before.
                let end_before = if state.result.as_deref() == Some("success") {
                    String::new()
                } else {
                    format!("; {end}")
                };
                format!(
                    "{name} does not stay up: it died and was started again ({times} so far{end_before})"
                )
            }
            // Between its end and its start.
            _ if state.starts_again() => format!(
                "{name} died soon after it was {}, and the service manager starts it again: {end}",
                done(self.action)
            ),
            _ => format!("{name} died soon after it was {}: {end}", done(self.action)),
        };
        Refusal::new(Code::Unhealthy, what).hint(with_log(hint))
    }

    /// The reload made the unit exit.
    pub fn ended_by_reload(&self) -> Refusal {
        let name = self.name();
        if self.log.was_stopped() {
            return self.stopped();
        }
        let (end, _) = cause::of(&self.unit.state, self.log);
        let error = format!("{name} ended when it was reloaded, and is not running now: {end}");
        Refusal::new(Code::Unhealthy, error)
            .hint(format!("a reload makes it exit; to start it: sm-helper service start {name}"))
    }

    /// The job was undone by somebody else or by a unit that this one is bound to.
    pub fn stopped(&self) -> Refusal {
        let (name, done) = (self.name(), done(self.action));
        let has_begun = self.ran.ended == Ended::Exited(0);
        let code = if has_begun { Code::Unhealthy } else { Code::CommandFailed };
        let what = if has_begun {
            format!("{name} was stopped again soon after it was {done}")
        } else {
            format!("{name} was not {done}: the job was canceled")
        };
        if !self.bonds.is_empty() {
            let bonds = self.shown.listed(self.bonds);
            return Refusal::new(
                code,
                format!("{what}, because a unit that it is bound to is down: {bonds}"),
            )
            .hint(format!("first start the unit that it is bound to: {bonds}"));
        }
        if self.is_unneeded {
            let error = format!("{what}, because no unit that is up needs it (StopWhenUnneeded=)");
            let needed_by = &self.unit.needed_by;
            return Refusal::new(code, error).hint(match needed_by.is_empty() {
                true => {
                    "it is started by what needs it, and stays up as long as that is up".to_owned()
                }
                false => format!("start what needs it: {}", self.shown.listed(needed_by)),
            });
        }
        let opposite = if self.action == Stop { "started" } else { "stopped" };
        Refusal::new(code, format!("{what}, because something else {opposite} it meanwhile")).hint(
            format!(
                "find out who works on it, then try again: sm-helper service {} {name}",
                self.action.word()
            ),
        )
    }

    fn other(&self) -> Refusal {
        verdict(self.plan, self.ran)
            .err()
            .unwrap_or_else(|| Refusal::new(Code::Internal, "an unknown failure"))
    }
}

fn with_log(hint: Option<&str>) -> String {
    hint.map_or_else(|| SEE_LOG.to_owned(), |hint| format!("{hint}; {SEE_LOG}"))
}
