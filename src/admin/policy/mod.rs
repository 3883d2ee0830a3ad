//! `sm policy show | check | surface | explain | diff | edit | revert | allow | deny`

pub mod asked;
mod asking;
pub mod change;
pub mod diff;
pub mod document;
pub mod edit;
pub mod effect;
pub mod expectations;
pub mod explain;
pub mod found;
pub mod granted;
pub mod host;
pub mod init;
pub mod missing;
pub mod mistakes;
pub mod questions;
pub mod revert;
pub mod sealed;
pub mod subject;
pub mod supposed;
pub mod surface;
pub mod wanted;
pub mod warnings;

use crate::admin::answer::{Answer, Failure};
use crate::admin::policy::asked::Direction;
use crate::admin::policy::host::{in_force, read};
use crate::admin::risks;
use crate::cli::PolicyCommand;
use crate::managers::host::of_this_host;
use crate::output::text::counted;
use crate::policy::force::InForce;
use crate::policy::model::{Limits, Policy, SiteMode};
use crate::policy::operations::{grants, operations};
use crate::policy::parse;
use crate::policy::recipient::Recipient;
use crate::policy::{COMPILED, ineffective, never, site};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::who::Everybody;
use crate::surface::{allowed, surface as rows_of};
use crate::system::terminal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// Runs one of these commands.
///
/// # Errors
/// The mistake, with its exit status.
pub fn run(
    command: &PolicyCommand,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    match command {
        PolicyCommand::Show { argv } => show(*argv),
        PolicyCommand::Check { site, strict, file } => {
            let (answer, warnings) = check(file, *site)?;
            match *strict && warnings > 0 {
                false => Ok(answer),
                true => {
                    let count = counted(warnings as u64, "warning");
                    let refusal = Refusal::new(Code::PolicyInvalid, format!("--strict: {count}"));
                    Err(answer.failing(refusal))
                }
            }
        }
        PolicyCommand::Surface { argv, user, supposed } => {
            surface::show(supposed, user.as_deref(), *argv)
        }
        PolicyCommand::Explain { user, group, expect, supposed, request } => {
            let whom = explain::Whom { user: user.as_deref(), groups: group };
            explain::run(&whom, supposed, expect.as_deref(), request)
        }
        PolicyCommand::Diff { argv, supposed } => diff::run(supposed, *argv),
        PolicyCommand::Init(command) => init::init(command, program, arguments),
        PolicyCommand::Test { supposed, file } => {
            expectations::test(&in_force(supposed)?, &file.to_string_lossy(), &read(file)?)
        }
        PolicyCommand::Edit => edit::edit(program),
        PolicyCommand::Revert => revert::revert(program),
        PolicyCommand::Allow(change) => change::run(change, Direction::Allow, program, arguments),
        PolicyCommand::Deny(change) => change::run(change, Direction::Deny, program, arguments),
    }
}

fn show(argv: bool) -> Result<Answer, Failure> {
    let force = InForce::load()?;
    let policy = &COMPILED;
    let mode = policy.site_mode.word();
    let first = match argv {
        true => surface::command_lines(&rows_of(&force, of_this_host()), &[]),
        false => granted::text(&force, terminal::width(&io::stdout())),
    };
    let mut text = format!(
        "{first}\n# Compiled in from {}, SHA-256 {}\n\n{}",
        policy.file,
        policy.hash,
        policy.text().trim_end()
    );
    let site = force.site();
    if let Some(site) = &site {
        let _ = write!(
            text,
            "\n\n# Site policy (mode \"{mode}\"): {}, SHA-256 {}\n\n{}",
            site.file,
            site.hash,
            site.text().trim_end()
        );
    }
    let operations: Vec<Operation> =
        allowed(&force, &Everybody).map(|allowed| allowed.operation).collect();
    let one = |policy: &Policy<'_>| json!({"file": policy.file, "sha256": policy.hash, "text": policy.text()});
    Ok(Answer::text(text)
        .with("file", policy.file)
        .with("sha256", policy.hash)
        .with("text", policy.text())
        .with("site_mode", mode)
        .with("site", site.as_ref().map(one))
        .with("granted", granted::granted(&force))
        .with("services", names(&operations, "service"))
        .with("packages", names(&operations, "package"))
        .with("tasks", names(&operations, "task"))
        .with("limits", limits(&force)))
}

/// The names of one kind in these operations.
fn names<'o>(operations: &'o [Operation], kind: &str) -> BTreeSet<&'o str> {
    operations.iter().filter(|one| one.kind() == kind).filter_map(Operation::name).collect()
}

fn limits(force: &InForce) -> Value {
    let limits = force.limits();
    json!({
        "rate": {"count": limits.rate_count, "per_seconds": limits.rate_seconds},
        "output_bytes": limits.output_bytes,
        "timeout_seconds": {"service": limits.service_timeout, "package": limits.package_timeout},
        "lock_seconds": limits.lock_seconds,
        "watch_seconds": limits.watch_seconds,
        "mask_secrets": limits.mask_secrets,
        "must_confine": limits.must_confine,
        "audit": {
            "recipients": force.recipients().iter().map(Recipient::as_str).collect::<Vec<_>>(),
            "max_bytes_per_minute": limits.audit.minute_bytes,
            "max_total": limits.audit.total_bytes,
            "checkpoint_records": limits.audit.checkpoint_records,
        },
    })
}

/// Checks a file. Returns what it grants, and the number of warnings about it.
fn check(file: &Path, as_site: bool) -> Result<(Answer, usize), Failure> {
    let called = file.to_string_lossy();
    let text = read(file)?;
    let is_in_place = file == Path::new(site::FILE);
    let parsed = parse::parse(&called, &text, Limits::USUAL);
    // What a site policy may not say counts as a mistake, too.
    let parsed = match COMPILED.site_mode {
        SiteMode::Off => parsed,
        _ if as_site || is_in_place => site::understood(&called, &text),
        _ => parsed,
    };
    let parsed = parsed.map_err(mistakes::wrong)?;
    if as_site {
        InForce::supposing(&called, &text).map_err(Failure::found)?;
    }
    // The file in place must pass every check that a request makes, too.
    if is_in_place {
        site::load().map_err(Failure::found)?;
    }
    let policy = parsed.policy();
    let as_site = as_site || is_in_place;
    // A narrowing policy shows its effect only together with the compiled one.
    let is_narrow = as_site && COMPILED.site_mode == SiteMode::Narrow;
    let all: Vec<Operation> =
        operations(&policy).filter(|each| !is_narrow || grants(&COMPILED, each)).collect();
    let mut warnings = if as_site { ineffective::sentences(&policy) } else { Vec::new() };
    if !as_site {
        let line = |(line, sentence)| format!("{called}:{line}: {sentence}");
        warnings.extend(never::starters(&policy).into_iter().map(line));
    }
    // Nothing is known about another host.
    if is_in_place {
        warnings.extend(missing::warnings(&policy));
    }
    let risks = match as_site {
        false => risks::of_policy(&policy),
        true => InForce::supposing(&called, &text)
            .map(|force| risks::of_force(&force))
            .unwrap_or_default(),
    };
    let (services, packages) = (names(&all, "service").len(), names(&all, "package").len());
    let tasks = names(&all, "task").len();
    let text = format!(
        "{called} is a {}policy: {}, {}, {}{}",
        if as_site { "site " } else { "" },
        counted(services as u64, "service"),
        counted(packages as u64, "package"),
        if tasks > 0 { format!("{}, ", counted(tasks as u64, "task")) } else { String::new() },
        counted(all.len() as u64, "operation")
    );
    if all.is_empty() {
        warnings.push("it permits nothing: every request is denied".to_owned());
    }
    // What the granted rights amount to is no mistake of the policy.
    let count = warnings.len();
    let answer = Answer::text(text)
        .with("file", called.as_ref())
        .with("sha256", policy.hash)
        .with("services", services)
        .with("packages", packages)
        .with("tasks", tasks)
        .with("operations", all.len())
        .warned([warnings, risks].concat());
    Ok((answer, count))
}
