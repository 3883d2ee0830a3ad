//! `/etc/sm/policy.toml`: read at every request, and trusted only if nobody but root can have
//! written it.

use crate::policy::cache::Cached;
use crate::policy::model::{Policy, SiteMode, Span, TaskRule, UnitRule};
use crate::policy::parse::{LARGEST, Parsed, read};
use crate::policy::table::{Mistakes, PolicyError};
use crate::policy::tasks::{NOBODY, Task};
use crate::policy::{COMPILED, cache, never, presence};
use crate::request::code::{Code, Refusal};
use crate::system::kernel::{self, ReadLease};
use crate::system::trust::trusted;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The site policy's file.
pub const FILE: &str = "/etc/sm/policy.toml";
const FOLDER: &str = "/etc/sm";

/// How long to wait while somebody writes it, and how often to check meanwhile.
const WRITING: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// A site policy.
#[derive(Debug)]
pub enum Site {
    /// As it was read.
    Parsed(Parsed),
    /// As it was read before.
    Cached(Cached),
}

impl Site {
    /// The policy.
    pub fn policy(&self) -> Policy<'_> {
        match self {
            Self::Parsed(parsed) => parsed.policy(),
            Self::Cached(cached) => cached.policy(),
        }
    }
}

/// The site policy, if there is one and the compiled policy allows one.
///
/// # Errors
/// `policy_invalid` if it cannot be trusted, read or understood, or grants what it may not.
pub fn load() -> Result<Option<Site>, Refusal> {
    if COMPILED.site_mode == SiteMode::Off {
        return Ok(None);
    }
    match std::fs::symlink_metadata(FILE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return absent(),
        _ if nix::unistd::geteuid().is_root() => remember()?,
        _ => {}
    }
    let (real, data) = trusted(Path::new(FILE))
        .map_err(|refusal| invalid(format!("{FILE} cannot be trusted: {refusal}")))?;
    let unreadable = |error: io::Error| invalid(format!("{FILE}: {error}"));
    // Opening a fifo would wait for a writer.
    if !data.is_file() {
        return Err(invalid(format!("{FILE} is not a file")));
    }
    if data.len() > LARGEST as u64 {
        return Err(invalid(format!("{FILE}:1:1: the policy is larger than {LARGEST} bytes")));
    }
    let file = File::open(&real).map_err(unreadable)?;
    let _lease = whole(&file)?;
    let identity = cache::Identity::of(&file.metadata().map_err(unreadable)?);
    if let Some(known) = cache::load(&identity) {
        return Ok(Some(Site::Cached(known)));
    }
    let mut bytes = Vec::with_capacity(data.len() as usize);
    (&file).take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        invalid(format!("{FILE}:{line}:1: this line has bytes that are not UTF-8"))
    })?;
    let parsed = understood(FILE, &text).map_err(|mistakes| {
        let hint = mistakes.first().hint.as_deref();
        let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        invalid(format!("{mistakes}{hint}"))
    })?;
    cache::save(&identity, &parsed);
    Ok(Some(Site::Parsed(parsed)))
}

fn invalid(reason: String) -> Refusal {
    Refusal::new(Code::PolicyInvalid, reason).hint(format!(
        "every request is refused until an administrator has fixed {FILE}: sm policy edit"
    ))
}

/// Records that there is a site policy, before it is used.
fn remember() -> Result<(), Refusal> {
    match presence::note() {
        // Root of a user namespace: its answers do not count on the host.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        noted => noted.map_err(|error| {
            let what = format!("cannot record that there is a {FILE}: {error}");
            Refusal::new(Code::PolicyInvalid, what).hint(
                "nothing runs without that note; an administrator should check owner, mode and free space of /run/sm and /var/lib/sm",
            )
        }),
    }
}

/// Caches the site policy, which this process has just put in place, so that the next request does not
/// have to parse it. Small ones are not cached. Whatever is wrong with it, the requests say.
pub fn cache(size: usize) {
    if cache::is_worth_it(size as u64) {
        sleep(cache::SETTLED);
        let _ = load();
    }
}

/// Keeps writers out until it is read, if run as root: in a policy that is only half written, the
/// missing half may be the one that takes rights away.
fn whole(file: &File) -> Result<Option<ReadLease<'_>>, Refusal> {
    let deadline = Instant::now() + WRITING;
    loop {
        match kernel::read_lease(file) {
            Ok(lease) => return Ok(Some(lease)),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Ok(None),
            Err(_) if Instant::now() >= deadline => {
                return Err(Refusal::new(
                    Code::PolicyInvalid,
                    format!("{FILE} is open for writing: it may be incomplete"),
                )
                .hint(format!("try again when it is saved; fuser -v {FILE} shows who writes it")));
            }
            Err(_) => sleep(PAUSE),
        }
    }
}

/// No site policy: only if there never was one, and nobody but root can have removed it.
fn absent() -> Result<Option<Site>, Refusal> {
    if presence::is_noted() {
        // If one of the notes is gone, it is made again from the other.
        if nix::unistd::geteuid().is_root() {
            remember()?;
        }
        return Err(Refusal::new(
            Code::PolicyInvalid,
            format!("{FILE} is missing, although this host had one, so every request is refused"),
        )
        .hint(
            "every request is refused until an administrator restores it (sm policy edit), or declares that none is wanted any more: sm policy revert",
        ));
    }
    match std::fs::symlink_metadata(FOLDER) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => match trusted(Path::new(FOLDER)) {
            Ok(_) => Ok(None),
            Err(refusal) => {
                Err(invalid(format!("{FILE} cannot be trusted to be missing: {refusal}")))
            }
        },
    }
}

impl From<Mistakes> for Refusal {
    fn from(mistakes: Mistakes) -> Self {
        let hint = mistakes.first().hint.clone();
        Self { hint, ..Self::new(Code::PolicyInvalid, mistakes.to_string()) }
    }
}

/// Parses a text as the site policy of this program.
///
/// # Errors
/// All that is wrong with it.
pub fn understood(file: &str, text: &str) -> Result<Parsed, Mistakes> {
    let (parsed, mut mistakes) = read(file, text, COMPILED.limits);
    let policy = parsed.policy();
    mistakes.extend(match COMPILED.site_mode {
        SiteMode::Extend => [never(&policy), other_tasks(&policy)].concat(),
        SiteMode::Replace => never(&policy),
        SiteMode::Narrow => [additions(&policy), other_tasks(&policy)].concat(),
        SiteMode::Off => Vec::new(),
    });
    Mistakes::of(mistakes).map_or(Ok(parsed), Err)
}

fn mistake(policy: &Policy<'_>, line: u32, message: String, hint: &str) -> PolicyError {
    PolicyError {
        file: policy.file.to_owned(),
        line: line as usize,
        column: 1,
        message,
        hint: Some(hint.to_owned()),
        is_of_keys: false,
    }
}

/// Rejects rights in a site policy that would be full root.
fn never(policy: &Policy<'_>) -> Vec<PolicyError> {
    let units = policy
        .units
        .iter()
        .map(|rule| (policy.text_of(rule.name), rule.line, never::unit as fn(&str) -> bool));
    let packages = policy.packages.iter().flat_map(|rule| {
        let other = policy.text_of(rule.pacman);
        [policy.text_of(rule.name), other]
            .map(|name| (name, rule.line, never::package as fn(&str) -> bool))
    });
    let names = units.chain(packages).filter(|(name, _, is_never)| is_never(name));
    let names = names.map(|(name, line, _)| {
        let message =
            format!("{name} cannot be added by a site policy: it is equivalent to full root");
        mistake(policy, line, message, "if you really want it, compile it in: SM_POLICY=FILE")
    });
    let checks = policy
        .units
        .iter()
        .filter_map(|rule| Some((rule.line, "check", *policy.check_of(&rule)?.first()?)));
    let tasks = policy
        .tasks
        .iter()
        .filter_map(|rule| Some((rule.line, "task", policy.words_of(rule.argv).next()?)));
    names.chain(starters(policy, checks.chain(tasks))).chain(told_by_a_starter(policy)).collect()
}

/// Rejects those of these programs, each with its line and what it is, that start whatever their arguments
/// name.
fn starters<'p>(
    policy: &'p Policy<'_>,
    programs: impl Iterator<Item = (u32, &'static str, &'p str)>,
) -> impl Iterator<Item = PolicyError> {
    programs
        .filter(|(.., path)| never::program(path))
        .map(|(line, what, _)| mistake(policy, line, never::is_starter(what), never::SCRIPT))
}

/// The same of what is run when a request begins to wait for an approval.
fn told_by_a_starter(policy: &Policy<'_>) -> Vec<PolicyError> {
    let path = policy.words_of(policy.approvals.notify).next();
    let program = path.map(|path| (policy.approvals.notify_line, "program to notify", path));
    starters(policy, program.into_iter()).collect()
}

/// Rejects command lines in a narrowing site policy, who may approve them, and who can read the audit log:
/// it cannot add to what root may run, nor to who has it run or sees it.
fn additions(policy: &Policy<'_>) -> Vec<PolicyError> {
    let strange = policy.units.iter().filter(|rule| {
        let own = policy.check_of(rule);
        let compiled =
            COMPILED.unit(policy.text_of(rule.name)).and_then(|rule| COMPILED.check_of(&rule));
        own.is_some() && own != compiled
    });
    let sentence = |rule: UnitRule| {
        let name = policy.text_of(rule.name);
        let message = format!(
            "with mode \"narrow\", a site policy cannot have a check of its own for {name}"
        );
        mistake(policy, rule.line, message, "omit `check`: the compiled policy's applies")
    };
    let mut wrong: Vec<PolicyError> = strange.map(sentence).collect();
    wrong.extend(told_by_a_starter(policy));
    let own = policy.approvals;
    let words = |policy: &Policy<'_>, of: Span| -> Vec<String> {
        policy.words_of(of).map(str::to_owned).collect()
    };
    let mut refuse = |line: u32, is_open: bool, own: Vec<String>, compiled, what: &str, hint| {
        if line != 0 && !is_open && own != compiled {
            let message = format!("with mode \"narrow\", a site policy cannot {what}");
            wrong.push(mistake(policy, line, message, hint));
        }
    };
    let compiled = COMPILED.approvals;
    refuse(
        own.notify_line,
        compiled.notify.len == 0 && policy.text_of(own.notify_user) == NOBODY,
        words(policy, own.notify),
        words(&COMPILED, compiled.notify),
        "name another program to notify than the compiled one, nor another account for it",
        "omit `notify` and `notify_user`, or compile them in",
    );
    refuse(
        own.approvers_line,
        !COMPILED.settles_approvers(),
        words(policy, own.approvers),
        words(&COMPILED, compiled.approvers),
        "name who approves what the compiled one has approved",
        "omit `approvers`, or compile them in",
    );
    refuse(
        policy.recipients_line,
        COMPILED.recipients.len == 0,
        words(policy, policy.recipients),
        words(&COMPILED, COMPILED.recipients),
        "encrypt the audit log to others than the compiled one does",
        "omit `recipients`, or compile them in",
    );
    wrong
}

/// Rejects a task that differs from the compiled one: a name stands for one command line.
fn other_tasks(policy: &Policy<'_>) -> Vec<PolicyError> {
    let strange = policy.tasks.iter().filter(|rule| {
        let compiled = COMPILED.task(policy.text_of(rule.name));
        let compiled = compiled.map(|compiled| Task::of(&COMPILED, compiled));
        let own = Task::of(policy, rule);
        compiled.is_some_and(|compiled| {
            // One that narrows can close more to it.
            let is_other = COMPILED.site_mode == SiteMode::Extend
                && own.confinement.is_some()
                && own.confined() != compiled.confined();
            is_other || !compiled.runs_as(&own)
        })
    });
    let sentence = |rule: &TaskRule| {
        let name = policy.text_of(rule.name);
        let message = format!(
            "the compiled policy has a task {name} that runs something else, or in another way"
        );
        let hint = match COMPILED.site_mode {
            SiteMode::Narrow => "copy the section from the compiled policy: sm policy show",
            _ => "give this one another name; `sm policy show` prints the compiled one",
        };
        mistake(policy, rule.line, message, hint)
    };
    strange.map(sentence).collect()
}
