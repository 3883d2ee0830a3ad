//! How a request ends for which nothing is run: with a charge, a record and the reply that says the
//! same, in this order. Without privilege there is nobody to charge and nothing to record.

use crate::audit::origin::Origin;
use crate::audit::{self, Answer, Unwritten, bounds};
use crate::limits::store::Exceeded;
use crate::limits::{self, Budget};
use crate::pipeline::answered::{Answered, UNDER_WAY, forget};
use crate::pipeline::kept;
use crate::policy::force::InForce;
use crate::reply::Reply;
use crate::reply::result::Again;
use crate::request::caller::Caller;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Request;
use std::ffi::OsString;

/// A call of the helper: who, under which policy, and with which words.
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// The policies that decide.
    pub force: InForce,
    /// The words, as a record holds them.
    asked: Vec<String>,
    /// Whether there is somebody to record and to charge: this is root, for whoever asked.
    is_privileged: bool,
}

impl Call {
    /// A call of these words, under this policy.
    pub fn new(caller: Caller, force: InForce, arguments: &[OsString]) -> Self {
        Self::of(caller, force, bounds::asked(arguments))
    }

    fn of(caller: Caller, force: InForce, asked: Vec<String>) -> Self {
        let is_privileged = nix::unistd::geteuid().is_root();
        let call = Self { caller, force, asked, is_privileged };
        if is_privileged {
            UNDER_WAY.set(Some(call.origin()));
        }
        call
    }

    /// A call whose words were not read, or are none.
    pub fn unread(caller: Caller, arguments: &[OsString]) -> Self {
        Self::asked(caller, bounds::asked(arguments))
    }

    /// The same, where the words are those of another process, as a record holds them.
    pub fn asked(caller: Caller, asked: Vec<String>) -> Self {
        let is_privileged = nix::unistd::geteuid().is_root();
        let force = if is_privileged { InForce::load().ok() } else { None };
        Self::of(caller, force.unwrap_or_else(InForce::compiled), asked)
    }

    /// What every record of it says.
    pub fn origin(&self) -> Origin {
        Origin::of(&self.caller, &self.force)
    }

    /// Answers a question, for which nothing is run. If it is root that answers, it is a look.
    pub fn question<'r>(
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
    pub fn refuse(&self, request: Option<&Request>, refusal: &Refusal, dry_run: bool) -> Answered {
        match self.charge(if dry_run { Budget::Reads } else { Budget::Refusals }) {
            Err(exceeded) if exceeded.refusal.code == Code::RateLimited => {
                self.limited(request, &exceeded, dry_run)
            }
            // Nothing is run either way, and this is what the caller has to know.
            Ok(()) | Err(_) => self.close(request, refused(request, refusal, dry_run), None),
        }
    }

    /// Refuses for now what waits for an approval, and has somebody told of it; with what went wrong with
    /// that.
    pub fn hold(
        &self,
        request: &Request,
        refusal: &Refusal,
        tell: impl FnOnce() -> Option<String>,
    ) -> Answered {
        if let Err(exceeded) = self.charge(Budget::Refusals)
            && exceeded.refusal.code == Code::RateLimited
        {
            return self.limited(Some(request), &exceeded, false);
        }
        let reply = refused(Some(request), refusal, false).warnings(tell());
        self.close(Some(request), reply, None)
    }

    fn charge(&self, budget: Budget) -> Result<(), Exceeded> {
        if self.is_privileged {
            let permit = limits::acquire(&self.caller, budget, &self.force.limits())?;
            audit::counted(&self.origin(), permit.unrecorded);
        }
        Ok(())
    }

    /// Refuses for the rate; a flood of it costs one record a minute.
    pub fn limited(
        &self,
        request: Option<&Request>,
        exceeded: &Exceeded,
        dry_run: bool,
    ) -> Answered {
        let reply = refused(request, &exceeded.refusal, dry_run);
        match exceeded.record {
            Some(count) => self.close(request, reply, Some(count)),
            // The next record counts it.
            None => Answered(reply.send()),
        }
    }

    /// Records the reply, as root, and sends it.
    pub fn close(
        &self,
        request: Option<&Request>,
        reply: Reply<'_>,
        count: Option<u64>,
    ) -> Answered {
        if !self.is_privileged {
            return Answered(reply.send());
        }
        let recorded =
            audit::answered(&self.origin(), request, &self.asked, &reply.recorded(), count);
        let warnings = match recorded {
            Ok(warnings) => warnings,
            Err(Unwritten::Limited(exceeded)) => {
                return self.limited(request, &exceeded, reply.is_dry_run());
            }
            Err(Unwritten::Unavailable(refusal)) => {
                vec![unrecorded(&refusal)]
            }
        };
        forget();
        let reply = reply.warnings(warnings);
        Answered(match request.filter(|_| !reply.is_dry_run()) {
            Some(request) => kept::keep(&self.caller, &request.operation, reply).send(),
            None => reply.send(),
        })
    }

    /// Answers with the reply of another request: its record says what that says.
    pub fn again(&self, answer: impl FnOnce() -> Result<Again, Refusal>) -> Answered {
        if let Err(exceeded) = self.charge(Budget::Reads) {
            return self.limited(None, &exceeded, false);
        }
        let again = match answer() {
            Ok(again) => again,
            Err(refusal) => return self.close(None, Reply::refused(&refusal), None),
        };
        let said = Answer { code: again.code(), error: None, dry_run: false };
        let warnings = match audit::passed_on(&self.origin(), &self.asked, &said) {
            Ok(warnings) => warnings,
            Err(Unwritten::Limited(exceeded)) => return self.limited(None, &exceeded, false),
            Err(Unwritten::Unavailable(refusal)) => vec![unrecorded(&refusal)],
        };
        forget();
        Answered(again.send(warnings))
    }
}

/// What a reply says of a record that could not be written.
fn unrecorded(refusal: &Refusal) -> String {
    format!("the audit log could not be written: {}", refusal.error)
}

/// The reply to a request that is refused.
pub fn refused<'r>(request: Option<&'r Request>, refusal: &Refusal, dry_run: bool) -> Reply<'r> {
    Reply::refused(refusal).operation(request.map(|request| &request.operation)).dry(dry_run)
}
