//! `sm approve` and `sm decline`: an administrator's answer.

use crate::admin::answer::{Answer, Failure};
use crate::admin::approvals::show::Seen;
use crate::admin::approvals::{Right, unreadable, waiting};
use crate::admin::bounds::{lasts, uses};
use crate::admin::record::{origin, record, refused};
use crate::admin::root::as_root;
use crate::approvals::entry::Entry;
use crate::approvals::{self, By, Found, moment, shown_name};
use crate::cli;
use crate::output::text::{counted, one_line};
use crate::pipeline::consent::over;
use crate::request::caller::{Caller, Via};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Reason;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

/// What is so if an approval was not confirmed.
pub const NOT_APPROVED: &str = "nothing was approved; to say no: sm decline ID";

/// How long and how often an approval is to hold.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// None: as long as the request could have been approved.
    lasts: Option<Duration>,
    uses: u32,
}

impl Given {
    /// What the command line says.
    ///
    /// # Errors
    /// `invalid_argument`
    pub fn of(command: &cli::Approve) -> Result<Self, Refusal> {
        let lasts = command.lasts.as_deref().map(|text| lasts(Some(text))).transpose()?;
        Ok(Self { lasts, uses: uses(command.uses.as_deref())? })
    }

    /// `once, in the next 30 minutes`
    pub fn described(self) -> String {
        let times = match self.uses {
            1 => "once".to_owned(),
            uses => format!("up to {uses} times"),
        };
        match self.lasts {
            Some(lasts) => {
                format!("{times}, in the next {}", counted(lasts.as_secs().div_ceil(60), "minute"))
            }
            None => times,
        }
    }
}

/// Approves.
///
/// # Errors
/// If it was not approved, and why.
pub fn approve(
    command: &cli::Approve,
    right: Right,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    let given = Given::of(command)?;
    let caller = as_root("approve a request", program, arguments)?;
    let entry = waiting(&command.id)?;
    let answerable =
        not_the_same(&caller, &entry).and_then(|()| by(&caller, right).may_answer(&entry));
    if let Err(refusal) = answerable {
        let words = words("approve", &entry, &[]);
        return Err(refused(&caller, &words, refusal).into());
    }
    let left = || {
        lasts(None)
            .map(|lasts| lasts.max(Duration::from_secs(entry.expires.saturating_sub(entry.at))))
    };
    let lasts = given.lasts.map_or_else(left, Ok)?;
    let given = Given { lasts: Some(lasts), ..given };
    if !command.yes {
        let id = one_line(&entry.id, 40);
        at_a_terminal(&format!("sm approvals {id}"), &format!("sm approve {id} --yes"))?;
        let _ = writeln!(io::stderr(), "{}", Seen::of(&entry, program, &mut 1).text());
        let question = format!(
            "Approve this for {} {}?",
            shown_name(&entry.requester.user),
            given.described()
        );
        asked_once_more(&question, NOT_APPROVED)?;
    }
    let settings = [format!("--for={}s", lasts.as_secs()), format!("--uses={}", given.uses)];
    // Whoever reads the log must find the yes before what was done with it.
    let warnings = record(&caller, &words("approve", &entry, &settings))?;
    let found = approvals::approve(&entry.id, by(&caller, right), lasts, given.uses);
    answered(&caller, found, warnings, |entry| {
        let times =
            if given.uses == 1 { "once".to_owned() } else { format!("{} times", given.uses) };
        format!(
            "approved: {} may ask for `{}` {times} until {}",
            shown_name(&entry.requester.user),
            entry.asked.line,
            moment(entry.ends())
        )
    })
}

/// Declines.
///
/// # Errors
/// If it was not declined, and why.
pub fn decline(
    id: &str,
    reason: Option<&OsStr>,
    right: Right,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    let reason = reason.map(Reason::parse).transpose()?;
    let caller = as_root("decline a request", program, arguments)?;
    let entry = waiting(id)?;
    if let Err(refusal) = by(&caller, right).may_answer(&entry) {
        return Err(refused(&caller, &words("decline", &entry, &[]), refusal).into());
    }
    let settings: Vec<String> =
        reason.iter().map(|reason| format!("--reason={}", reason.as_str())).collect();
    let warnings = record(&caller, &words("decline", &entry, &settings))?;
    let reason = reason.as_ref().map(Reason::as_str);
    let found = approvals::decline(&entry.id, by(&caller, right), reason);
    answered(&caller, found, warnings, |entry| {
        format!(
            "declined: `{}` is denied to {} until {}",
            entry.asked.line,
            shown_name(&entry.requester.user),
            moment(entry.ends())
        )
    })
}

/// What came of it.
fn answered(
    caller: &Caller,
    found: io::Result<Found<Result<Entry, Refusal>>>,
    warnings: Vec<String>,
    text: impl Fn(&Entry) -> String,
) -> Result<Answer, Failure> {
    let Found { found, expired } = found.map_err(unreadable)?;
    over(&origin(caller), &expired);
    let entry = found?;
    Ok(Answer::text(text(&entry)).with("approval", entry.described()).warned(warnings))
}

/// Nobody approves what they have asked for: not the account, and over sudo not who logged in as that
/// account either. Root itself needs no approval for anything.
fn not_the_same(caller: &Caller, entry: &Entry) -> Result<(), Refusal> {
    if caller.via == Via::Root {
        return Ok(());
    }
    let is_login = caller.loginuid.is_some() && caller.loginuid == entry.requester.loginuid;
    if caller.uid != entry.asked.uid && !is_login {
        return Ok(());
    }
    let who = if is_login { "whoever logged in as" } else { "the account" };
    Err(Refusal::new(
        Code::Denied,
        format!(
            "{who} {} has asked for this, and cannot approve it",
            shown_name(&entry.requester.user)
        ),
    )
    .hint("another administrator can, or root itself"))
}

fn by(caller: &Caller, right: Right) -> By<'_> {
    By { user: &caller.user, may_overrule: right == Right::Root }
}

/// Whether there is a terminal at which somebody can be asked: else what would be asked about is read with one
/// command, and done with another.
///
/// # Errors
/// `usage` if there is none.
pub fn at_a_terminal(reads: &str, then: &str) -> Result<(), Refusal> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Refusal::new(Code::Usage, "there is no terminal at which to ask once more")
        .hint(format!("read it with `{reads}`, then: {then}")))
}

/// Asks, at the terminal.
///
/// # Errors
/// `usage` unless the answer is yes.
pub fn asked_once_more(question: &str, unless: &str) -> Result<(), Refusal> {
    let mut out = io::stderr();
    let _ = write!(out, "{question} [y/N] ");
    let _ = out.flush();
    let mut line = String::new();
    let _ = io::stdin().lock().read_line(&mut line);
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Refusal::new(Code::Usage, "it was not confirmed").hint(unless)),
    }
}

/// The answer as it is written down, as the administrator's.
fn words(word: &str, entry: &Entry, settings: &[String]) -> Vec<String> {
    let words = ["sm", word, &entry.id].map(str::to_owned);
    let whose = [format!("{}:", entry.requester.user), entry.asked.line.clone()];
    [&words[..], settings, &whose].concat()
}
