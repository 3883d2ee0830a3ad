//! `sm approvals`: what waits for an administrator.

use crate::admin::answer::{Answer, Failure};
use crate::admin::approvals::named::still_may;
use crate::admin::approvals::{Right, operation, unreadable, waiting};
use crate::admin::call;
use crate::admin::record::origin;
use crate::admin::root::as_root;
use crate::approvals::entry::{Answered, Entry, State};
use crate::approvals::{self, moment, shown_name};
use crate::output::text::{counted, one_line, shell_word};
use crate::pipeline::consent::over;
use crate::request::operation::Operation;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

/// The most characters of a command line that are shown.
const LONGEST_LINE: usize = 8000;

/// How often it is looked for something new.
const BETWEEN: Duration = Duration::from_millis(500);

/// For so many requests the package manager is asked what it would do, as that takes up to a second each.
const PLANNED: usize = 5;

/// What waits.
///
/// # Errors
/// `not_privileged` without root.
pub fn list(program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    let caller = as_root("see what waits for an approval", program, arguments)?;
    // Where nothing can be written, what has expired is left out all the same.
    if let Ok(expired) = approvals::tidy() {
        over(&origin(&caller), &expired);
    }
    let entries = approvals::all().map_err(unreadable)?;
    let mut left = PLANNED;
    let seen: Vec<Seen<'_>> =
        entries.iter().map(|entry| Seen::of(entry, program, &mut left)).collect();
    let text = match seen.is_empty() {
        true => "nothing waits for an approval".to_owned(),
        false => seen.iter().map(Seen::text).collect::<Vec<_>>().join("\n"),
    };
    Ok(Answer::text(text).with("approvals", seen.iter().map(Seen::row).collect::<Vec<_>>()))
}

/// What waits, and from now on each request that begins to wait or gets an answer: a line for programs, some
/// for people. Whoever reads this goes away with a closed pipe or a signal: both end it.
///
/// # Errors
/// `not_privileged` without root.
pub fn follow(
    json: bool,
    right: Right,
    program: &Path,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    let caller = as_root("see what waits for an approval", program, arguments)?;
    let mut known = BTreeMap::new();
    loop {
        // Who may no more sees no more.
        if right == Right::Rule {
            still_may(&caller)?;
        }
        let entries = approvals::all().map_err(unreadable)?;
        known.retain(|id, _| entries.iter().any(|entry| entry.id == *id));
        for entry in entries {
            if known.insert(entry.id.clone(), entry.state()) == Some(entry.state()) {
                continue;
            }
            let seen = Seen::of(&entry, program, &mut 1);
            let text = if json { seen.row().to_string() } else { seen.text() };
            let printed = writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush());
            if printed.is_err() {
                return Ok(Answer::text(""));
            }
        }
        if is_gone_after(BETWEEN) {
            return Ok(Answer::text(""));
        }
    }
}

/// Waits, and says whether whoever reads standard output has gone away.
fn is_gone_after(pause: Duration) -> bool {
    let stdout = io::stdout();
    let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    let timeout = PollTimeout::try_from(pause).unwrap_or(PollTimeout::ZERO);
    let _ = poll(&mut fds, timeout);
    fds[0].revents().is_some_and(|seen| seen.intersects(PollFlags::POLLERR | PollFlags::POLLHUP))
}

/// One request, whole.
///
/// # Errors
/// `not_privileged` without root; `not_found`.
pub fn one(id: &str, program: &Path, arguments: &[OsString]) -> Result<Answer, Failure> {
    as_root("see what waits for an approval", program, arguments)?;
    let entry = waiting(id)?;
    let seen = Seen::of(&entry, program, &mut 1);
    Ok(Answer::text(seen.text()).with("approvals", [seen.row()]))
}

/// A request, and what the package manager would do now if it waits and is about packages.
pub struct Seen<'e> {
    entry: &'e Entry,
    plan: Option<Plan>,
}

/// What the package manager would do.
enum Plan {
    /// As in a reply.
    Known(Value),
    /// Why that is not known.
    Unknown(String),
    /// Nobody has asked it: it takes a while, and there are many.
    Unasked,
}

impl<'e> Seen<'e> {
    /// Asks the package manager too, so often as `left` says.
    pub fn of(entry: &'e Entry, program: &Path, left: &mut usize) -> Self {
        let planned = || operation(&entry.asked.line)?.only_planned();
        let planned = planned().filter(|_| entry.state() == State::Pending);
        let plan = planned.map(|planned| match left.checked_sub(1) {
            Some(rest) => {
                *left = rest;
                Plan::asked(&planned, program)
            }
            None => Plan::Unasked,
        });
        Self { entry, plan }
    }

    /// For people.
    pub fn text(&self) -> String {
        let plan = self.plan.as_ref().map(|plan| format!("\n{}", plan.text(&self.entry.id)));
        format!("{}{}", shown(self.entry), plan.unwrap_or_default())
    }

    /// For programs.
    fn row(&self) -> Value {
        let mut row = self.entry.described();
        if let (Some(Plan::Known(plan)), Some(fields)) = (&self.plan, row.as_object_mut()) {
            fields.insert("plan".to_owned(), plan.clone());
        }
        row
    }
}

impl Plan {
    fn asked(planned: &Operation, program: &Path) -> Self {
        let line = planned.to_string();
        let words: Vec<&str> = line.split(' ').collect();
        let done = match call::run(&program.with_file_name("sm-helper"), &words) {
            Ok(done) => done,
            Err(why) => return Self::Unknown(why),
        };
        let reply: Value = serde_json::from_slice(&done.stdout).unwrap_or_default();
        match reply["code"].as_str() {
            Some("ok") => Self::Known(reply["plan"].clone()),
            _ => Self::Unknown(reply["error"].as_str().unwrap_or("there was no reply").to_owned()),
        }
    }

    fn text(&self, id: &str) -> String {
        let plan = match self {
            Self::Known(plan) => plan,
            Self::Unknown(why) => return format!("    plan    not known: {}", one_line(why, 300)),
            Self::Unasked => return format!("    plan    see it with: sm approvals {id}"),
        };
        let kind = |key: &str| {
            let changes = plan[key].as_array()?;
            let names: Vec<String> = changes
                .iter()
                .filter_map(|change| {
                    Some(format!("{} {}", change["name"].as_str()?, change["version"].as_str()?))
                })
                .collect();
            (!names.is_empty())
                .then(|| format!("    {key:<9} {}", one_line(&names.join(", "), 2000)))
        };
        let lines: Vec<String> =
            ["install", "upgrade", "remove", "downgrade"].into_iter().filter_map(kind).collect();
        match lines.is_empty() {
            true => "    plan    nothing would change".to_owned(),
            false => lines.join("\n"),
        }
    }
}

/// A request, for people: nothing that its maker has written can look like a part of it.
fn shown(entry: &Entry) -> String {
    let Entry { id, requester, asked, .. } = entry;
    let terminal = requester.tty.as_deref().map(|tty| format!(", {}", one_line(tty, 40)));
    let mut lines = vec![format!(
        "{id}  {} asked at {} over {}{}; {}",
        shown_name(&requester.user),
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
        lines.push(format!("    runs    {}", one_line(&words.join(" "), LONGEST_LINE)));
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
                shown_name(by),
                counted((*left).into(), "use")
            )
        }
        Some(Answered::Declined { by, .. }) => format!("declined by {}", shown_name(by)),
    }
}
