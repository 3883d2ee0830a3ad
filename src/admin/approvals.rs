//! `sm approvals`, `sm approve` and `sm decline`: what waits for an administrator, and the answer.

use crate::admin::answer::{Answer, Failure};
use crate::admin::audit::time::span;
use crate::admin::call;
use crate::admin::record::{origin, record};
use crate::admin::root::as_root;
use crate::approvals::entry::{Answered, Entry};
use crate::approvals::{self, Found, moment};
use crate::cli;
use crate::output::text::{counted, one_line, shell_word};
use crate::pipeline::consent::over;
use crate::request::caller::{Caller, Via};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Reason;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

/// How long an approval lasts if nothing is said, at least and at most, in seconds.
const LASTS: u64 = 3600;
const LONGEST: u64 = 30 * 24 * 3600;

/// How often it is looked for something new.
const BETWEEN: Duration = Duration::from_millis(500);

/// How often one can be used at most.
const USES: u32 = 1000;

/// What waits.
///
/// # Errors
/// `not_privileged` without root.
pub fn list(program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    as_root("see what waits for an approval", program, arguments)?;
    let entries = approvals::all().map_err(unreadable)?;
    let rows: Vec<Value> = entries.iter().map(Entry::described).collect();
    let text = match entries.is_empty() {
        true => "nothing waits for an approval".to_owned(),
        false => entries.iter().map(shown).collect::<Vec<_>>().join("\n"),
    };
    Ok(Answer::text(text).with("approvals", rows))
}

/// What waits, and from now on each request that begins to wait or gets an answer: a line for programs, some
/// for people. Whoever reads this goes away with a closed pipe or a signal: both end it.
///
/// # Errors
/// `not_privileged` without root.
pub fn follow(json: bool, program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    as_root("see what waits for an approval", program, arguments)?;
    let mut known = BTreeMap::new();
    loop {
        let entries = approvals::all().map_err(unreadable)?;
        known.retain(|id, _| entries.iter().any(|entry| entry.id == *id));
        for entry in entries {
            if known.insert(entry.id.clone(), entry.state()) == Some(entry.state()) {
                continue;
            }
            let text = if json { entry.described().to_string() } else { shown(&entry) };
            let printed = writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush());
            if printed.is_err() {
                return Ok(Answer::text(""));
            }
        }
        std::thread::sleep(BETWEEN);
    }
}

/// Approves.
///
/// # Errors
/// If it was not approved, and why.
pub fn approve(
    command: &cli::Approve,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    let lasts = lasts(command.lasts.as_deref())?;
    let uses = uses(command.uses.as_deref())?;
    let caller = as_root("approve a request", program, arguments)?;
    let entry = waiting(&command.id)?;
    not_the_same(&caller, &entry)?;
    let until = match command.lasts {
        Some(_) => lasts,
        None => lasts.max(Duration::from_secs(entry.expires.saturating_sub(entry.at))),
    };
    if !command.yes {
        confirmed(&entry, until, uses, program)?;
    }
    let settings = [format!("--for={}s", until.as_secs()), format!("--uses={uses}")];
    // Whoever reads the log must find the yes before what was done with it.
    let warnings = said(&caller, "approve", &entry, &settings)?;
    let Found { found, expired } =
        approvals::approve(&entry.id, &caller.user, until, uses).map_err(unreadable)?;
    over(&origin(&caller), &expired);
    let entry = found?;
    let text = format!(
        "approved: {} may ask for `{}` {} until {}",
        entry.requester.user,
        entry.asked.line,
        if uses == 1 { "once".to_owned() } else { format!("{uses} times") },
        moment(entry.ends())
    );
    Ok(Answer::text(text).with("approval", entry.described()).warned(warnings))
}

/// Declines.
///
/// # Errors
/// If it was not declined, and why.
pub fn decline(
    id: &str,
    reason: Option<&OsStr>,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    let reason = reason.map(Reason::parse).transpose()?;
    let caller = as_root("decline a request", program, arguments)?;
    let entry = waiting(id)?;
    let settings: Vec<String> =
        reason.iter().map(|reason| format!("--reason={}", reason.as_str())).collect();
    let warnings = said(&caller, "decline", &entry, &settings)?;
    let reason = reason.as_ref().map(Reason::as_str);
    let Found { found, expired } =
        approvals::decline(&entry.id, &caller.user, reason).map_err(unreadable)?;
    over(&origin(&caller), &expired);
    let entry = found?;
    let text = format!(
        "declined: `{}` is denied to {} until {}",
        entry.asked.line,
        entry.requester.user,
        moment(entry.ends())
    );
    Ok(Answer::text(text).with("approval", entry.described()).warned(warnings))
}

pub fn unreadable(error: io::Error) -> Failure {
    Refusal::new(
        Code::UntrustedPath,
        format!("what waits for an approval cannot be read or written: {error}"),
    )
    .hint(format!("look at {}, or remove it: nothing is approved then", approvals::FILE))
    .into()
}

/// The request of this id.
fn waiting(id: &str) -> Result<Entry, Failure> {
    let entries = approvals::all().map_err(unreadable)?;
    entries.into_iter().find(|entry| entry.id == id).ok_or_else(|| {
        let error = format!("no request {} waits for an approval", one_line(id, 40));
        Refusal::new(Code::NotFound, error).hint("see which do: sm approvals").into()
    })
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
        format!("{who} {} has asked for this, and cannot approve it", entry.requester.user),
    )
    .hint("another administrator can, or root itself"))
}

pub fn lasts(text: Option<&str>) -> Result<Duration, Refusal> {
    let Some(text) = text else { return Ok(Duration::from_secs(LASTS)) };
    let seconds = span(text).and_then(|span| u64::try_from(span.as_secs()).ok());
    match seconds.filter(|seconds| (1..=LONGEST).contains(seconds)) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err(Refusal::new(
            Code::InvalidArgument,
            format!("{:?} is not how long an approval can last", one_line(text, 40)),
        )
        .hint("for example: --for 30m; at least 1s, at most 30d")),
    }
}

pub fn uses(text: Option<&str>) -> Result<u32, Refusal> {
    let Some(text) = text else { return Ok(1) };
    let number = text.parse().ok().filter(|number| (1..=USES).contains(number));
    number.ok_or_else(|| {
        let error = format!("{:?} is not how often it can be used", one_line(text, 40));
        Refusal::new(Code::InvalidArgument, error).hint(format!("a number from 1 to {USES}"))
    })
}

/// Shows all of it, and asks once more.
fn confirmed(entry: &Entry, lasts: Duration, uses: u32, program: &Path) -> Result<(), Refusal> {
    if !io::stdin().is_terminal() {
        return Err(Refusal::new(Code::Usage, "there is no terminal at which to ask once more")
            .hint(format!("read it with `sm approvals`, then: sm approve {} --yes", entry.id)));
    }
    let mut out = io::stderr();
    let times = if uses == 1 { "once".to_owned() } else { format!("up to {uses} times") };
    let _ = writeln!(out, "{}", shown(entry));
    if let Some(plan) = plan(entry, program) {
        let _ = writeln!(out, "{plan}");
    }
    let _ = write!(
        out,
        "Approve this for {}, {times}, in the next {}? [y/N] ",
        entry.requester.user,
        counted(lasts.as_secs().div_ceil(60), "minute")
    );
    let _ = out.flush();
    let mut line = String::new();
    let _ = io::stdin().lock().read_line(&mut line);
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Refusal::new(Code::Usage, "it was not confirmed")
            .hint("nothing was approved; to say no: sm decline ID")),
    }
}

/// What the package manager would do now, where it is about packages.
fn plan(entry: &Entry, program: &Path) -> Option<String> {
    let rest = entry.asked.line.strip_prefix("package ")?;
    let mut words = vec!["package", "plan"];
    words.extend(rest.split(' '));
    let done = call::run(&program.with_file_name("sm-helper"), &words).ok()?;
    let reply: Value = serde_json::from_slice(&done.stdout).ok()?;
    if reply["code"] != "ok" {
        return Some(format!("    plan    not known: {}", one_line(reply["error"].as_str()?, 300)));
    }
    let kind = |key: &str| {
        let changes = reply["plan"][key].as_array()?;
        let names: Vec<String> = changes
            .iter()
            .filter_map(|change| {
                Some(format!("{} {}", change["name"].as_str()?, change["version"].as_str()?))
            })
            .collect();
        (!names.is_empty()).then(|| format!("    {key:<9} {}", one_line(&names.join(", "), 2000)))
    };
    let lines: Vec<String> =
        ["install", "upgrade", "remove", "downgrade"].into_iter().filter_map(kind).collect();
    Some(if lines.is_empty() {
        "    plan    nothing would change".to_owned()
    } else {
        lines.join("\n")
    })
}

/// A request, for people: nothing that its maker has written can look like a part of it.
fn shown(entry: &Entry) -> String {
    let Entry { id, requester, asked, .. } = entry;
    let terminal = requester.tty.as_deref().map(|tty| format!(", {}", one_line(tty, 40)));
    let mut lines = vec![format!(
        "{id}  {} asked at {} over {}{}; {}",
        one_line(&requester.user, 40),
        moment(entry.at),
        requester.via.word(),
        terminal.unwrap_or_default(),
        state(entry)
    )];
    lines.push(format!("    {}", asked.line));
    if let Some(reason) = &entry.reason {
        lines.push(format!("    reason  {:?}", one_line(reason, 500)));
    }
    for command in &asked.commands {
        let words: Vec<String> = command.iter().map(|word| shell_word(word)).collect();
        lines.push(format!("    runs    {}", words.join(" ")));
    }
    lines.join("\n")
}

fn state(entry: &Entry) -> String {
    let end = moment(entry.ends());
    match &entry.answered {
        None => format!("can be approved until {end}"),
        Some(Answered::Approved { by, left, .. }) => {
            format!(
                "approved by {}, {} left until {end}",
                one_line(by, 40),
                counted((*left).into(), "use")
            )
        }
        Some(Answered::Declined { by, .. }) => format!("declined by {}", one_line(by, 40)),
    }
}

/// Writes the answer down, as the administrator's.
fn said(
    caller: &Caller,
    word: &str,
    entry: &Entry,
    settings: &[String],
) -> Result<Vec<String>, Refusal> {
    let words = ["sm", word, &entry.id].map(str::to_owned);
    let words =
        [&words[..], settings, &[format!("{}:", entry.requester.user), entry.asked.line.clone()]];
    record(caller, &words.concat())
}
