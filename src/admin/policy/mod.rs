//! `sm policy show | check | surface | explain | diff | edit | revert | allow | deny`

pub mod asked;
pub mod change;
pub mod document;
pub mod edit;
pub mod effect;
pub mod missing;
pub mod mistakes;
pub mod revert;
pub mod sealed;
pub mod subject;
pub mod vain;

use crate::admin::answer::{Answer, Failure, GREEN, RED, tinted};
use crate::admin::policy::asked::Direction;
use crate::cli::{self, Parsed, PolicyCommand, Supposed};
use crate::managers::host::of_this_host;
use crate::managers::manager::Manager;
use crate::output::text::counted;
use crate::plan::{Steps, plan};
use crate::policy::approved::Line;
use crate::policy::force::InForce;
use crate::policy::model::{Limits, Policy, SiteMode};
use crate::policy::operations::{grants, operations};
use crate::policy::parse::{self, LARGEST};
use crate::policy::verdict::Denial;
use crate::policy::{COMPILED, never, site};
use crate::request::caller::Named;
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::who::Everybody;
use crate::sudo::account;
use crate::surface::{Row, allowed, surface};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

/// Answers one of them.
///
/// # Errors
/// What is wrong, with the exit status that it means.
pub fn run(
    command: &PolicyCommand,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    match command {
        PolicyCommand::Show => show(),
        PolicyCommand::Check { site, file } => check(file, *site),
        PolicyCommand::Surface(supposed) => print_surface(supposed),
        PolicyCommand::Explain { user, supposed, request } => {
            explain(user.as_deref(), supposed, request)
        }
        PolicyCommand::Diff(supposed) => diff(supposed),
        PolicyCommand::Edit => edit::edit(program),
        PolicyCommand::Revert => revert::revert(program),
        PolicyCommand::Allow(change) => change::run(change, Direction::Allow, program, arguments),
        PolicyCommand::Deny(change) => change::run(change, Direction::Deny, program, arguments),
    }
}

fn show() -> Result<Answer, Failure> {
    let force = InForce::load()?;
    let policy = &COMPILED;
    let mode = policy.site_mode.word();
    let mut text = format!(
        "# Compiled in from {}, SHA-256 {}\n\n{}",
        policy.file,
        policy.hash,
        policy.text.trim_end()
    );
    let site = force.site();
    if let Some(site) = &site {
        let _ = write!(
            text,
            "\n\n# Site policy (mode \"{mode}\"): {}, SHA-256 {}\n\n{}",
            site.file,
            site.hash,
            site.text.trim_end()
        );
    }
    let operations: Vec<Operation> =
        allowed(&force, &Everybody).map(|(operation, _)| operation).collect();
    let one = |policy: &Policy<'_>| json!({"file": policy.file, "sha256": policy.hash, "text": policy.text});
    Ok(Answer::text(text)
        .with("file", policy.file)
        .with("sha256", policy.hash)
        .with("text", policy.text)
        .with("site_mode", mode)
        .with("site", site.as_ref().map(one))
        .with("services", names(&operations, "service"))
        .with("packages", names(&operations, "package"))
        .with("tasks", names(&operations, "task"))
        .with("limits", limits(&force)))
}

/// The names of one kind that something can be done to.
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
    })
}

/// A file as text, as far as a policy may be long.
fn read(file: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| {
        let called = file.to_string_lossy();
        Failure::found(Refusal::new(Code::PolicyInvalid, format!("{called}: {error}")))
    };
    let open = std::fs::File::open(file).map_err(unreadable)?;
    let mut text = String::new();
    open.take(LARGEST as u64 + 1).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// The policies that decide, or would with another site policy.
fn in_force(supposed: &Supposed) -> Result<InForce, Failure> {
    match &supposed.site {
        None => Ok(InForce::load()?),
        Some(file) => {
            InForce::supposing(&file.to_string_lossy(), &read(file)?).map_err(Failure::found)
        }
    }
}

fn manager(supposed: &Supposed) -> Option<Manager> {
    supposed.package_manager.or_else(of_this_host)
}

fn check(file: &Path, as_site: bool) -> Result<Answer, Failure> {
    let called = file.to_string_lossy();
    let text = read(file)?;
    let is_in_place = file == Path::new(site::FILE);
    let parsed = parse::parse(&called, &text, Limits::USUAL);
    // What a site policy cannot say is a mistake beside the others.
    let parsed = match COMPILED.site_mode {
        SiteMode::Off => parsed,
        _ if as_site || is_in_place => site::understood(&called, &text),
        _ => parsed,
    };
    let parsed = parsed.map_err(mistakes::wrong)?;
    if as_site {
        InForce::supposing(&called, &text).map_err(Failure::found)?;
    }
    // In its place it has to be believed too, and may say less.
    if is_in_place {
        site::load().map_err(Failure::found)?;
    }
    let policy = parsed.policy();
    let as_site = as_site || is_in_place;
    let all: Vec<Operation> =
        operations(&policy).filter(|each| !as_site || vain::takes_effect(each)).collect();
    let mut warnings = if as_site { vain::warnings(&policy) } else { Vec::new() };
    if !as_site {
        let line = |(line, sentence)| format!("{called}:{line}: {sentence}");
        warnings.extend(never::starters(&policy).into_iter().map(line));
    }
    // Of another host nothing is known.
    if is_in_place {
        warnings.extend(missing::warnings(&policy));
    }
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
    Ok(Answer::text(text)
        .with("file", called.as_ref())
        .with("sha256", policy.hash)
        .with("services", services)
        .with("packages", packages)
        .with("tasks", tasks)
        .with("operations", all.len())
        .warned(warnings))
}

/// One operation a line, in a form that is a JSON object as a whole: it can be read by a
/// program, and compared line by line in a review.
fn print_surface(supposed: &Supposed) -> Result<Answer, Failure> {
    let rows = surface(&in_force(supposed)?, manager(supposed));
    let mut object = Map::new();
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let name = row.operation.to_string();
        let commands = json!(row.commands);
        lines.push(format!("{}: {commands}", Value::from(name.as_str())));
        object.insert(name, commands);
    }
    Ok(Answer::text(format!("{{\n{}\n}}", lines.join(",\n"))).with("surface", object))
}

/// What the site policy changes in the surface, argv by argv.
fn diff(supposed: &Supposed) -> Result<Answer, Failure> {
    let force = in_force(supposed)?;
    let manager = manager(supposed);
    let rows = |force: &InForce| -> BTreeSet<String> {
        let line = |row: Row| {
            let name = row.operation.to_string();
            row.commands.into_iter().map(move |argv| format!("{name}: {}", json!(argv)))
        };
        surface(force, manager).into_iter().flat_map(line).collect()
    };
    if force.site().is_none() {
        let text = match COMPILED.site_mode {
            SiteMode::Off => "site policies are ignored: mode \"off\" is compiled in".to_owned(),
            SiteMode::Narrow | SiteMode::Extend => format!("there is no {}", site::FILE),
        };
        return Ok(Answer::text(text).with("removed", [""; 0]).with("added", [""; 0]));
    }
    let (before, after) = (rows(&InForce::compiled()), rows(&force));
    let removed: Vec<&String> = before.difference(&after).collect();
    let added: Vec<&String> = after.difference(&before).collect();
    let mut lines: Vec<String> =
        removed.iter().map(|line| tinted(RED, &format!("- {line}"))).collect();
    lines.extend(added.iter().map(|line| tinted(GREEN, &format!("+ {line}"))));
    if lines.is_empty() {
        lines.push("the site policy changes nothing in the surface".to_owned());
    }
    Ok(Answer::text(lines.join("\n")).with("removed", &removed).with("added", &added))
}

fn explain(
    user: Option<&str>,
    supposed: &Supposed,
    request: &[OsString],
) -> Result<Answer, Failure> {
    let is_plain = user.is_none() && supposed.site.is_none() && supposed.package_manager.is_none();
    let command = if is_plain { "sm policy explain" } else { "sm policy explain ..." };
    let request = match cli::request_behind(command, request) {
        Parsed::Wrong(refusal) => return Err(Failure::of(refusal)),
        Parsed::Help(_) => None,
        Parsed::Command(request) => request,
    };
    let Some(request) = request else {
        let refusal = Refusal::new(
            Code::Usage,
            "only a service or package operation or a task can be explained",
        )
        .hint("for example: sm policy explain service stop nginx");
        return Err(Failure::of(refusal));
    };
    let operation = request.operation.clone();
    if let Some(name) = user {
        account::of_name(name.as_ref())?;
    }
    let force = in_force(supposed)?;
    let verdict = match user {
        Some(name) => force.judge(&Named(name), request),
        None => force.judge(&Everybody, request),
    };
    let whom = user.map(|name| format!(" to {name}")).unwrap_or_default();
    let rows = |lines: &[Line]| -> Vec<Value> {
        let row = |line: &Line| json!({"file": line.file, "line": line.line, "text": force.text_of(line)});
        lines.iter().map(row).collect()
    };
    let approved = match verdict {
        Ok(approved) => approved,
        Err(Denial { refusal, line }) => {
            let mut text = format!(
                "{}{whom} ({}): {operation}\n  {}\n",
                tinted(RED, "refused"),
                refusal.code.word(),
                refusal.error
            );
            match &line {
                Some(line) => {
                    let _ = write!(text, "  {}", quote(&force, line));
                }
                None => {
                    let site = force.site().filter(|_| grants(&COMPILED, &operation));
                    let file = site.as_ref().map_or(COMPILED.file, |site| site.file);
                    let _ = write!(text, "  no line of {file} names it");
                }
            }
            let vain = force.site().and_then(|site| vain::warning(&site, &operation));
            return Ok(Answer::text(text)
                .with("operation", &operation)
                .with("allowed", false)
                .with("verdict", refusal.code)
                .with("reason", refusal.error)
                .with("lines", rows(line.as_deref().map_or(&[], std::slice::from_ref)))
                .warned(vain.into_iter().collect()));
        }
    };
    let lines = approved.lines().to_vec();
    let mut text = format!("{}{whom}: {operation}\n", tinted(GREEN, "allowed"));
    for line in &lines {
        let _ = writeln!(text, "  {}", quote(&force, line));
    }
    let answer =
        |text: String| Answer::text(text).with("operation", &operation).with("lines", rows(&lines));
    match plan(approved, manager(supposed)) {
        Ok(planned) => {
            text.push_str("runs");
            if let Steps::Task(task) = planned.steps() {
                let _ = write!(text, " as {} in {}, ", task.user, task.directory);
                let _ = write!(text, "for at most {} s", planned.timeout());
            }
            text.push(':');
            for argv in planned.commands() {
                let _ = write!(text, "\n  {}", json!(argv));
            }
            Ok(answer(text)
                .with("allowed", true)
                .with("verdict", Code::Ok)
                .with("argv", planned.main())
                .with("commands", planned.commands()))
        }
        Err(refusal) => {
            let _ = write!(text, "but this host cannot do it: {}", refusal.error);
            Ok(answer(text)
                .with("allowed", false)
                .with("verdict", refusal.code)
                .with("reason", refusal.error))
        }
    }
}

fn quote(force: &InForce, line: &Line) -> String {
    format!("{}:{}: {}", line.file, line.line, force.text_of(line))
}
