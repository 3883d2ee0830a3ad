//! What an administrator approves before it is done. A request that the policy lets through only then
//! is written down and refused; once it is approved, the same request is let through: the same account,
//! operation, command lines and policy. An approval is used up on disk before anything is run, so that
//! none is used twice, whatever happens at once or in between.

pub mod entry;
pub mod grant;
mod store;

use crate::approvals::entry::{Answered, Asked, Entry, Requester, State};
use crate::approvals::grant::Grant;
use crate::approvals::store::{Book, change, look};
use crate::plan::Plan;
use crate::request::caller::Caller;
use crate::request::code::{Awaited, Code, Refusal};
use crate::request::id::request_id;
use crate::request::operation::Operation;
use std::io;
use std::time::Duration;

pub use crate::approvals::entry::{moment, shown_name};
pub use crate::approvals::store::{Expired, FILE, Found};

/// The most requests of one account that are kept, and of all accounts.
const MOST_OF_ONE: usize = 20;
const MOST: usize = 200;

/// Who asks for what, under which policy, and how long an administrator has for an answer.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// Who asks.
    pub caller: &'r Caller,
    /// The hash of the policy that decides.
    pub policy: &'r str,
    /// How long it can be approved.
    pub expires: Duration,
    /// Whether it may begin to wait: whose refusals are used up makes no more work.
    pub may_wait: bool,
    /// What would be run.
    pub plan: &'r Plan,
}

/// That nobody has to approve a plan any more: the policy does not ask for it, or an approval or a use of
/// a right was used up for it. Without one no intent is recorded.
#[derive(Debug)]
pub struct Consent(Option<String>);

impl Consent {
    /// The approval, or the right.
    pub fn id(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Whether the plan was approved. If not, it waits for an administrator from now on.
///
/// # Errors
/// In the result: `approval_required`, `denied` where an administrator has declined, `busy` where too
/// many wait, `untrusted_path` where what is kept cannot be read.
pub fn standing(request: Request<'_>) -> Found<Result<(), Refusal>> {
    settled(request, change(|book| book.standing(request)))
}

/// Uses up one approval of the plan, if the policy asks for one. It is on disk before this returns.
///
/// # Errors
/// As for [`standing`].
pub fn use_up(request: Request<'_>) -> Found<Result<Consent, Refusal>> {
    let approved = request.plan.approved();
    if let Some(id) = approved.grant() {
        return settled(request, change(|book| book.use_grant(id, request)));
    }
    if !approved.needs_approval() {
        return Found { found: Ok(Consent(None)), expired: Expired::default() };
    }
    settled(request, change(|book| book.use_up(request)))
}

/// The right for this operation that the caller was given for a time, if there is one.
///
/// # Errors
/// If what is kept cannot be read.
pub fn grant_for(caller: &Caller, operation: &Operation) -> io::Result<Option<String>> {
    let line = operation.to_string();
    let grant = look()?.grants.into_iter().find(|grant| grant.is_for(caller.uid, &line));
    Ok(grant.map(|grant| grant.id))
}

/// Gives an account a right for a time. Its id and its moments are made here.
///
/// # Errors
/// If what is kept cannot be read or written; in the result, `busy` where there are too many.
pub fn grant(given: Grant, lasts: Duration) -> io::Result<Found<Result<Grant, Refusal>>> {
    change(|book| {
        if book.grants.len() >= MOST {
            let error = format!("there are {MOST} rights that end by themselves already");
            return Err(Refusal::new(Code::Busy, error).hint("end one: sm grants, sm revoke ID"));
        }
        let (id, at) = (book.new_id(), book.now());
        let grant = Grant { id, at, until: at.saturating_add(lasts.as_secs()), ..given };
        book.grants.push(grant.clone());
        Ok(grant)
    })
}

/// Ends a right before its time.
///
/// # Errors
/// As for [`grant()`]; in the result, `not_found`.
pub fn revoke(id: &str) -> io::Result<Found<Result<Grant, Refusal>>> {
    change(|book| match book.grants.iter().position(|grant| grant.id == id) {
        Some(place) => Ok(book.grants.remove(place)),
        None => Err(no_grant(id)),
    })
}

/// The refusal where there is no right of this id.
pub fn no_grant(id: &str) -> Refusal {
    Refusal::new(Code::NotFound, format!("no right {id} was given for a time"))
        .hint("see which were: sm grants")
}

fn settled<T>(
    request: Request<'_>,
    done: io::Result<Found<Result<T, Refusal>>>,
) -> Found<Result<T, Refusal>> {
    done.unwrap_or_else(|error| {
        let operation = &request.plan.request().operation;
        let refusal = Refusal::new(
            Code::UntrustedPath,
            format!("whether an administrator has approved `{operation}` cannot be read: {error}"),
        )
        .hint(format!("an administrator looks at {FILE}, or removes it: nothing is approved then"));
        Found { found: Err(refusal), expired: Expired::default() }
    })
}

/// Takes out what means nothing any more, for whoever looks at what there is.
///
/// # Errors
/// If what is kept cannot be read or written.
pub fn tidy() -> io::Result<Expired> {
    Ok(change(|_| ())?.expired)
}

/// All that waits or was approved, the oldest first.
///
/// # Errors
/// If what is kept cannot be read.
pub fn all() -> io::Result<Vec<Entry>> {
    Ok(look()?.entries)
}

/// All rights that were given for a time.
///
/// # Errors
/// If what is kept cannot be read.
pub fn grants() -> io::Result<Vec<Grant>> {
    Ok(look()?.grants)
}

/// How it is with the request of this id, which the account with this number has made.
///
/// # Errors
/// If what is kept cannot be read.
pub fn state(id: &str, uid: u32) -> io::Result<State> {
    let book = look()?;
    let entry = book.entries.iter().find(|entry| entry.id == id && entry.asked.uid == uid);
    Ok(entry.map_or(State::Over, Entry::state))
}

/// The request that began to wait with this one, and how many of the account's did so in the last minute.
///
/// # Errors
/// If what is kept cannot be read.
pub fn begun(caller: &Caller) -> io::Result<Option<(Entry, usize)>> {
    let book = look()?;
    let minute = book.now().saturating_sub(60);
    let own = |entry: &&Entry| entry.asked.uid == caller.uid && entry.at >= minute;
    let count = book.entries.iter().filter(own).count();
    let entry = book.entries.into_iter().find(|entry| entry.request_id == request_id());
    Ok(entry.map(|entry| (entry, count)))
}

/// Who answers a request.
#[derive(Debug, Clone, Copy)]
pub struct By<'b> {
    /// Its name.
    pub user: &'b str,
    /// Whether it may answer what has an answer already.
    pub may_overrule: bool,
}

impl By<'_> {
    /// Whether it may answer this request. It is looked at again when the answer is written.
    ///
    /// # Errors
    /// `denied` if there is an answer that it may not overrule.
    pub fn may_answer(self, entry: &Entry) -> Result<(), Refusal> {
        let (who, what) = match &entry.answered {
            Some(Answered::Approved { by, .. }) if !self.may_overrule => (by, "approved"),
            Some(Answered::Declined { by, .. }) if !self.may_overrule => (by, "declined"),
            _ => return Ok(()),
        };
        let error = format!("{} has {what} this already", shown_name(who));
        Err(Refusal::new(Code::Denied, error).hint("only root changes an answer"))
    }
}

/// Approves a request: so many times, for so long.
///
/// # Errors
/// If what is kept cannot be read or written; in the result, `not_found`, or `denied` where there is an
/// answer that is not to be overruled.
pub fn approve(
    id: &str,
    by: By<'_>,
    lasts: Duration,
    uses: u32,
) -> io::Result<Found<Result<Entry, Refusal>>> {
    change(|book| {
        let until = book.now().saturating_add(lasts.as_secs());
        book.answer(id, by, Answered::Approved { by: by.user.to_owned(), until, left: uses })
    })
}

/// Declines a request.
///
/// # Errors
/// As for [`approve`].
pub fn decline(
    id: &str,
    by: By<'_>,
    reason: Option<&str>,
) -> io::Result<Found<Result<Entry, Refusal>>> {
    let reason = reason.map(str::to_owned);
    let declined = Answered::Declined { by: by.user.to_owned(), reason };
    change(|book| book.answer(id, by, declined))
}

impl Book {
    fn standing(&mut self, request: Request<'_>) -> Result<(), Refusal> {
        let asked = Asked::by(request.plan, request.caller, request.policy);
        match self.entries.iter().find(|entry| entry.asked == asked) {
            Some(entry) => match &entry.answered {
                Some(Answered::Approved { .. }) => Ok(()),
                Some(Answered::Declined { by, reason }) => Err(declined(&asked, by, reason)),
                None => Err(required(entry)),
            },
            None if request.may_wait => Err(self.wait(request, asked)),
            None => Err(Refusal::new(
                Code::RateLimited,
                format!(
                    "`{}` needs an approval, and this account is refused too often",
                    asked.line
                ),
            )),
        }
    }

    fn use_up(&mut self, request: Request<'_>) -> Result<Consent, Refusal> {
        self.standing(request)?;
        let asked = Asked::by(request.plan, request.caller, request.policy);
        let mut used = None;
        self.entries.retain_mut(|entry| {
            if let Some(Answered::Approved { left, .. }) = &mut entry.answered
                && used.is_none()
                && entry.asked == asked
            {
                used = Some(entry.id.clone());
                *left = left.saturating_sub(1);
                return *left > 0;
            }
            true
        });
        Ok(Consent(used))
    }

    fn use_grant(&mut self, id: &str, request: Request<'_>) -> Result<Consent, Refusal> {
        let line = request.plan.request().operation.to_string();
        let is_it = |grant: &Grant| grant.id == id && grant.is_for(request.caller.uid, &line);
        let Some(place) = self.grants.iter().position(is_it) else {
            let error = format!("the right to `{line}` has ended");
            return Err(Refusal::new(Code::Denied, error)
                .hint("`sm-helper list` shows what is allowed; an administrator can allow more"));
        };
        if let Some(left) = &mut self.grants[place].left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.grants.remove(place);
            }
        }
        Ok(Consent(Some(id.to_owned())))
    }

    /// Has it wait.
    fn wait(&mut self, request: Request<'_>, asked: Asked) -> Refusal {
        // An account's own oldest gives way; what was answered stays.
        let own = |entry: &Entry| entry.asked.uid == asked.uid;
        if self.entries.iter().filter(|entry| own(entry)).count() >= MOST_OF_ONE
            && let Some(oldest) =
                self.entries.iter().position(|entry| own(entry) && entry.answered.is_none())
        {
            self.entries.remove(oldest);
        }
        let of_one = self.entries.iter().filter(|entry| own(entry)).count();
        if of_one >= MOST_OF_ONE || self.entries.len() >= MOST {
            return Refusal::new(
                Code::Busy,
                format!("`{}` needs an approval, and too many requests wait for one", asked.line),
            )
            .hint("an administrator answers them first: sm approvals");
        }
        let entry = Entry {
            id: self.new_id(),
            request_id: request_id().to_owned(),
            at: self.now(),
            expires: self.now().saturating_add(request.expires.as_secs()),
            requester: Requester::of(request.caller),
            reason: request.plan.request().reason.as_ref().map(|reason| reason.as_str().to_owned()),
            asked,
            answered: None,
        };
        let refusal = required(&entry);
        self.entries.push(entry);
        refusal
    }

    fn answer(&mut self, id: &str, by: By<'_>, answer: Answered) -> Result<Entry, Refusal> {
        match self.entries.iter_mut().find(|entry| entry.id == id) {
            Some(entry) => {
                by.may_answer(entry)?;
                entry.answered = Some(answer);
                Ok(entry.clone())
            }
            None => {
                Err(Refusal::new(Code::NotFound, format!("no request {id} waits for an answer"))
                    .hint("see which do: sm approvals"))
            }
        }
    }
}

fn required(entry: &Entry) -> Refusal {
    let Entry { id, .. } = entry;
    let line = &entry.asked.line;
    let expires = moment(entry.expires);
    let mut refusal = Refusal::new(
        Code::ApprovalRequired,
        format!("an administrator has to approve `{line}` first; until {expires} that is possible"),
    )
    .hint(format!("an administrator runs: sm approve {id}; then ask for the same again"));
    refusal.approval = Some(Box::new(Awaited { id: id.clone(), expires }));
    refusal
}

fn declined(asked: &Asked, by: &str, reason: &Option<String>) -> Refusal {
    let because = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    Refusal::new(Code::Denied, format!("{} has declined `{}`{because}", shown_name(by), asked.line))
        .hint("do not ask again; talk to the administrator")
}
