//! `sm status`: who may ask and by which route, what decides, what was asked for last, and what is
//! not done yet; at a glance.

use crate::admin::answer::{Answer, Failure};
use crate::admin::audit::rows::{Requests, Style, operation_of};
use crate::admin::doctor::agents::{by_hand, drop_ins};
use crate::admin::policy::warnings;
use crate::admin::root::without_root;
use crate::approvals;
use crate::approvals::entry::{Entry, State};
use crate::audit::files::{self, FILE as LOG};
use crate::broker::socket::GROUP;
use crate::broker::unit;
use crate::cli::Shown;
use crate::output::text::{counted, one_line, some_of};
use crate::policy::force::InForce;
use crate::policy::model::SiteMode;
use crate::policy::site::FILE;
use crate::policy::{COMPILED, disabled};
use crate::request::code::Refusal;
use crate::request::who::Everybody;
use crate::sudo::members::members_of;
use crate::surface::allowed;
use crate::system::file;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

/// How many records are read for the last requests, and of how many of these a line is shown.
const READ: usize = 400;
const SHOWN: usize = 3;

/// Somebody who may ask.
#[derive(Debug, Serialize)]
struct Admitted {
    /// `user agent`, `group ci`, or the file of a rule that somebody has written.
    who: String,
    /// `sudo` or `socket`.
    route: &'static str,
    /// Whether sudo itself refuses all but what the policy permits.
    exact: bool,
}

/// Answers it.
///
/// # Errors
/// `not_privileged` without root.
pub fn run(program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    if !nix::unistd::geteuid().is_root() {
        let what = "only root can see who may ask and what was asked for";
        return Err(without_root(what, program, arguments));
    }
    let force = InForce::load();
    let admitted = admitted(&program.with_file_name("sm-helper"));
    let note = disabled::is_disabled().then(|| disabled::note().unwrap_or_default());
    let (last, pending) = requests();
    let mut lines = vec![
        line("requests", &decided(note.as_deref(), force.as_ref().err())),
        line("policy", &policy(force.as_ref().ok())),
        line("mode", &format!("{}: {}", COMPILED.site_mode.word(), mode())),
        line("allows", &force.as_ref().map_or_else(|_| "nothing".to_owned(), amount)),
        line("who", &who(&admitted)),
        line("pending", &under_way(&pending)),
    ];
    let style = Style::of(&Shown { records: false, utc: false }, false);
    match last.is_empty() {
        true => lines.push(line("last", "nothing was asked for yet")),
        false => lines.extend(last.iter().map(|record| line("last", &style.row(record)))),
    }
    let (waiting, grants) = open();
    for (what, text) in [("approvals", waits(waiting)), ("grants", given(grants))] {
        lines.extend(text.map(|text| line(what, &text)));
    }
    let site = force.as_ref().ok().and_then(InForce::site);
    let warnings = force.as_ref().map(warnings::of_the_site).unwrap_or_default();
    let file = |policy: &crate::policy::model::Policy<'_>| json!({"file": policy.file, "sha256": policy.hash});
    Ok(Answer::text(lines.join("\n"))
        .with("disabled", note)
        .with("mode", COMPILED.site_mode.word())
        .with("compiled", file(&COMPILED))
        .with("site", site.as_ref().map(file))
        .with("invalid", force.as_ref().err().map(|refusal| &refusal.error))
        .with("admitted", &admitted)
        .with("pending", &pending)
        .with("last", &last)
        .with("approvals_pending", waiting)
        .with("grants", grants)
        .warned(warnings))
}

fn line(what: &str, text: &str) -> String {
    format!("{what:<9} {text}")
}

fn decided(note: Option<&str>, broken: Option<&Refusal>) -> String {
    match (note, broken) {
        (Some(""), _) => "all refused: disabled; to undo it: sm enable".to_owned(),
        (Some(note), _) => format!("all refused: {}; to undo it: sm enable", one_line(note, 200)),
        (None, Some(refusal)) => format!("all refused: {}", one_line(&refusal.error, 300)),
        (None, None) => "decided by the policy".to_owned(),
    }
}

/// How many requests wait for an approval, and how many rights were given for a time; none where that
/// cannot be read, of which `sm doctor` says more.
fn open() -> (Option<usize>, Option<usize>) {
    let waits = |all: Vec<Entry>| all.iter().filter(|one| one.state() == State::Pending).count();
    (approvals::all().ok().map(waits), approvals::grants().ok().map(|all| all.len()))
}

fn waits(count: Option<usize>) -> Option<String> {
    match count {
        Some(0) => None,
        Some(count) => {
            Some(format!("{} for a yes: sm approvals", counted(count as u64, "request")))
        }
        None => Some("cannot be read, so nothing is approved: sm doctor".to_owned()),
    }
}

fn given(count: Option<usize>) -> Option<String> {
    let count = count.filter(|count| *count > 0)?;
    Some(format!("{} for a time: sm grants", counted(count as u64, "right")))
}

/// The files that decide, with enough of their hashes to tell them apart.
fn policy(force: Option<&InForce>) -> String {
    let one =
        |file: &str, hash: &str| format!("{file} (SHA-256 {}…)", hash.get(..16).unwrap_or(hash));
    let compiled = one(COMPILED.file, COMPILED.hash);
    match force.map(InForce::site) {
        Some(Some(site)) => format!("{}, compiled in {compiled}", one(site.file, site.hash)),
        Some(None) => format!("compiled in {compiled}; there is no {FILE}"),
        None => format!("compiled in {compiled}; {FILE} is not valid"),
    }
}

fn mode() -> String {
    match COMPILED.site_mode {
        SiteMode::Off => format!("{FILE} is not read"),
        SiteMode::Narrow => format!("{FILE} can only take away from what is compiled in"),
        SiteMode::Extend => format!("{FILE} can add to what is compiled in"),
        SiteMode::Replace => format!("{FILE} is the policy"),
    }
}

fn amount(force: &InForce) -> String {
    let operations: Vec<_> = allowed(force, &Everybody).map(|allowed| allowed.operation).collect();
    let names = |kind: &str| {
        let of_kind = operations.iter().filter(|operation| operation.kind() == kind);
        of_kind.filter_map(|operation| operation.name()).collect::<BTreeSet<_>>().len() as u64
    };
    format!(
        "{} on {}, {} and {}; each of them: sm policy show",
        counted(operations.len() as u64, "operation"),
        counted(names("service"), "unit"),
        counted(names("package"), "package"),
        counted(names("task"), "task")
    )
}

/// Who may ask, and how.
fn admitted(helper: &Path) -> Vec<Admitted> {
    let files = drop_ins();
    let mut all: Vec<Admitted> = files
        .iter()
        .map(|file| Admitted {
            who: format!("{} {}", file.named.0, file.named.1),
            route: "sudo",
            exact: crate::admin::setup_sudo::exact::is_exact(&file.text),
        })
        .collect();
    all.extend(by_hand(&files, helper).into_iter().map(|path| Admitted {
        who: format!("rule in {}", path.display()),
        route: "sudo",
        exact: false,
    }));
    if unit::is_set_up() {
        let members = members_of(GROUP);
        all.extend(members.map(|user| Admitted {
            who: format!("user {}", user.name),
            route: "socket",
            exact: false,
        }));
    }
    all
}

fn who(admitted: &[Admitted]) -> String {
    if admitted.is_empty() {
        return "nobody yet: sm setup-sudo --user NAME".to_owned();
    }
    let one = |admitted: &Admitted| {
        let exact = if admitted.exact { ", exact" } else { "" };
        format!("{} ({}{exact})", one_line(&admitted.who, 100), admitted.route)
    };
    const NAMED: usize = 10;
    some_of(&admitted.iter().map(one).collect::<Vec<_>>(), NAMED)
}

/// The last requests that were answered, and those that are not.
fn requests() -> (Vec<Value>, Vec<Value>) {
    let mut file = file::open(LOG).ok();
    let lines = files::last_lines_of_all(file.as_mut(), READ).unwrap_or_default();
    let mut requests = Requests::at_most(READ);
    lines
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .for_each(|record| requests.push(record));
    let (all, _) = requests.last();
    let (pending, mut last): (Vec<Value>, Vec<Value>) =
        all.into_iter().partition(|record| record["event"] == "intent");
    let last = last.split_off(last.len().saturating_sub(SHOWN));
    (last, pending)
}

fn under_way(pending: &[Value]) -> String {
    if pending.is_empty() {
        return "nothing".to_owned();
    }
    let one = |record: &Value| {
        let who = record.pointer("/caller/user").and_then(Value::as_str).unwrap_or_default();
        format!("{} of {}", operation_of(record).unwrap_or_default(), one_line(who, 32))
    };
    let latest: Vec<String> = pending.iter().rev().map(one).collect();
    format!("{} (begun, and no result recorded)", some_of(&latest, SHOWN))
}
