//! `/etc/sm/policy.toml`: read at every request, believed only where nobody but root can have
//! written it.

use crate::policy::model::{Policy, SiteMode};
use crate::policy::parse::{LARGEST, Parsed, parse};
use crate::policy::tasks::Task;
use crate::policy::{COMPILED, cache, never, presence};
use crate::request::code::{Code, Refusal};
use crate::system::kernel::{self, ReadLease};
use crate::system::trust::trusted;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Where it is.
pub const FILE: &str = "/etc/sm/policy.toml";
const FOLDER: &str = "/etc/sm";

/// How long somebody may take to write it, and how often it is looked at meanwhile.
const WRITING: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// The site policy, where there is one and the compiled policy lets there be.
///
/// # Errors
/// `policy_invalid` where it cannot be trusted, read, or understood, or says what it may not.
pub fn load() -> Result<Option<Parsed>, Refusal> {
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
    // Opening a fifo would wait for whoever writes to it.
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
        return Ok(Some(known));
    }
    let mut bytes = Vec::with_capacity(data.len() as usize);
    (&file).take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        invalid(format!("{FILE}:{line}:1: this line has bytes that are not UTF-8"))
    })?;
    let parsed = understood(FILE, &text).map_err(|refusal| {
        let message = refusal.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        invalid(format!("{}{message}", refusal.error))
    })?;
    cache::save(&identity, &parsed);
    Ok(Some(parsed))
}

fn invalid(reason: String) -> Refusal {
    Refusal::new(Code::PolicyInvalid, reason).hint(format!(
        "every request is refused until an administrator has fixed {FILE}: sm policy edit"
    ))
}

/// Notes that there is a site policy, before anything is made of it.
fn remember() -> Result<(), Refusal> {
    match presence::note() {
        // Root of a user namespace, whose answers bind nobody.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        noted => {
            noted.map_err(|error| invalid(format!("cannot record that there is a {FILE}: {error}")))
        }
    }
}

/// Holds writers up until it is read, where root can do that: of a policy that is half written,
/// the missing half may be the one that takes something away.
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

/// No site policy, where there never was one and nobody but root can have taken it away.
fn absent() -> Result<Option<Parsed>, Refusal> {
    if presence::is_noted() {
        // Either note may be gone; the other one has it made again.
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

/// A text as the site policy of this program.
///
/// # Errors
/// `policy_invalid` with file, line and column.
pub fn understood(file: &str, text: &str) -> Result<Parsed, Refusal> {
    let parsed = parse(file, text, COMPILED.limits).map_err(|error| {
        let mut refusal = Refusal::new(Code::PolicyInvalid, error.to_string());
        refusal.hint.clone_from(&error.hint);
        refusal
    })?;
    match COMPILED.site_mode {
        SiteMode::Extend => {
            no_never(&parsed.policy())?;
            no_other_task(&parsed.policy())?;
        }
        SiteMode::Narrow => {
            no_new_command(&parsed.policy())?;
            no_other_task(&parsed.policy())?;
        }
        SiteMode::Off => {}
    }
    Ok(parsed)
}

/// Adding to the policy stops at what would be full root.
fn no_never(policy: &Policy<'_>) -> Result<(), Refusal> {
    let units = policy
        .units
        .iter()
        .map(|rule| (policy.text_of(rule.name), rule.line, never::unit as fn(&str) -> bool));
    let packages = policy.packages.iter().flat_map(|rule| {
        let other = policy.text_of(rule.pacman);
        [policy.text_of(rule.name), other]
            .map(|name| (name, rule.line, never::package as fn(&str) -> bool))
    });
    let checks = policy
        .units
        .iter()
        .filter_map(|rule| Some((rule.line, "check", *policy.check_of(rule)?.first()?)));
    let tasks = policy
        .tasks
        .iter()
        .filter_map(|rule| Some((rule.line, "task", policy.words_of(rule.argv).next()?)));
    if let Some((line, what, _)) = checks.chain(tasks).find(|(.., path)| never::program(path)) {
        let sentence = never::is_starter(what);
        let error = format!("{}:{line}:1: {sentence}", policy.file);
        return Err(Refusal::new(Code::PolicyInvalid, error).hint(never::SCRIPT));
    }
    match units.chain(packages).find(|(name, _, is_never)| is_never(name)) {
        None => Ok(()),
        Some((name, line, _)) => Err(Refusal::new(
            Code::PolicyInvalid,
            format!("{}:{line}:1: {name} cannot be added by a site policy: it is equivalent to full root", policy.file),
        )
        .hint("if you really want it, compile it in: SM_POLICY=FILE")),
    }
}

/// Narrowing a policy cannot add a command line to what root may run.
fn no_new_command(policy: &Policy<'_>) -> Result<(), Refusal> {
    let strange = policy.units.iter().find(|rule| {
        let own = policy.check_of(rule);
        let compiled =
            COMPILED.unit(policy.text_of(rule.name)).and_then(|rule| COMPILED.check_of(rule));
        own.is_some() && own != compiled
    });
    match strange {
        None => Ok(()),
        Some(rule) => Err(Refusal::new(
            Code::PolicyInvalid,
            format!(
                "{}:{}:1: with mode \"narrow\", a site policy cannot have a check of its own for {}",
                policy.file,
                rule.line,
                policy.text_of(rule.name)
            ),
        )
        .hint("omit `check`: the compiled policy's applies")),
    }
}

/// One name of a task is one command line, whoever asks for it and whichever policy grants it.
fn no_other_task(policy: &Policy<'_>) -> Result<(), Refusal> {
    let strange = policy.tasks.iter().find(|rule| {
        let compiled = COMPILED.task(policy.text_of(rule.name));
        let compiled = compiled.map(|compiled| Task::of(&COMPILED, compiled));
        compiled.is_some_and(|compiled| !compiled.runs_as(&Task::of(policy, rule)))
    });
    match strange {
        None => Ok(()),
        Some(rule) => {
            let name = policy.text_of(rule.name);
            let error = format!(
                "{}:{}:1: the compiled policy has a task {name} that runs something else, or in another way",
                policy.file, rule.line
            );
            let hint = match COMPILED.site_mode {
                SiteMode::Narrow => "copy the section from the compiled policy: sm policy show",
                _ => "give this one another name; `sm policy show` prints the compiled one",
            };
            Err(Refusal::new(Code::PolicyInvalid, error).hint(hint))
        }
    }
}
