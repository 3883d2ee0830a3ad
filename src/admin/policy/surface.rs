//! `sm policy surface`: every command line that can ever be run as root, for all callers or for one, and
//! with the rights that were given for a time.

use crate::admin::answer::{Answer, Failure};
use crate::admin::approvals::{operation, unreadable};
use crate::admin::policy::granted;
use crate::admin::policy::host::{in_force, manager};
use crate::admin::policy::subject::Subject;
use crate::approvals::grant::Grant;
use crate::approvals::{self, moment, shown_name};
use crate::cli::Supposed;
use crate::managers::argv::Argv;
use crate::output::text::counted;
use crate::policy::force::InForce;
use crate::request::who::{Everybody, Who};
use crate::surface::{Row, confined, surface_of};
use crate::system::terminal;
use serde_json::{Map, Value, json};
use std::io::{self, IsTerminal};

/// A right that ends by itself, and what it lets its account have run.
pub struct Right {
    grant: Grant,
    commands: Vec<Argv>,
}

impl Right {
    /// `agent, until 2026-11-29T17:00:00Z, 3 times (k7m2qd): service stop nginx.service`
    fn described(&self) -> String {
        let Grant { id, user, line, until, left, .. } = &self.grant;
        let times = left.map(|left| format!(", {}", counted(left.into(), "time")));
        let (user, times) = (shown_name(user), times.unwrap_or_default());
        format!("{user}, until {}{times} ({id}): {line}", moment(*until))
    }

    fn row(&self) -> Value {
        let Grant { id, user, line, until, left, .. } = &self.grant;
        json!({
            "id": id,
            "user": user,
            "operation": line,
            "expires": moment(*until),
            "uses_left": left,
            "commands": self.commands,
        })
    }
}

/// The command lines. A terminal shows first who may do what, which is what people want to know.
///
/// # Errors
/// `policy_invalid`; `untrusted_path` if what was given for a time cannot be read.
pub fn show(supposed: &Supposed, user: Option<&str>, argv: bool) -> Result<Answer, Failure> {
    let force = in_force(supposed)?;
    let one = user.map(|user| Subject::User(user.to_owned()));
    let who: &dyn Who = one.as_ref().map_or(&Everybody, |one| one);
    let rows = surface_of(&force, who, manager(supposed));
    // A supposed policy is that of another host, or of another day.
    let is_root = nix::unistd::geteuid().is_root();
    let rights = match supposed.site.is_none() && is_root {
        true => rights(&force, supposed, user)?,
        false => Vec::new(),
    };
    let stdout = io::stdout();
    let answer = match argv || !stdout.is_terminal() {
        true => Answer::text(command_lines(&rows, &rights)),
        false => {
            let width = terminal::width(&stdout);
            let text = match one.clone() {
                Some(one) => granted::text_of(vec![granted::of(&force, one)], width),
                None => granted::text(&force, width),
            };
            let rights = rights.iter().map(|right| format!("\n{}", right.described()));
            Answer::text(text + &rights.collect::<String>())
                .line("the command lines that this can ever run as root: sm policy surface --argv")
        }
    };
    let confined = |row: &Row| {
        let confined = confined(&force, who, &row.operation)?;
        Some((row.operation.to_string(), json!(confined)))
    };
    let confined: Map<_, _> = rows.iter().filter_map(confined).collect();
    let command = |row: Row| (row.operation.to_string(), json!(row.commands));
    let unseen = (user.is_some() && !is_root).then(|| {
        "rights that were given for a time are not shown: only root can see them".to_owned()
    });
    Ok(answer
        .with("confined", confined)
        .with("surface", rows.into_iter().map(command).collect::<Map<_, _>>())
        .with("rights", rights.iter().map(Right::row).collect::<Vec<_>>())
        .warned(unseen.into_iter().collect()))
}

/// The rights of the account, or of all, as far as they still give something.
fn rights(force: &InForce, supposed: &Supposed, user: Option<&str>) -> Result<Vec<Right>, Failure> {
    let grants = approvals::grants().map_err(unreadable)?;
    let own = grants.into_iter().filter(|grant| user.is_none_or(|user| user == grant.user));
    let right = |grant: Grant| {
        let row = Row::of_right(force, operation(&grant.line)?, manager(supposed))?;
        Some(Right { grant, commands: row.commands })
    };
    Ok(own.filter_map(right).collect())
}

/// One operation per line, together a JSON object: a program can read it, and a review can compare it
/// line by line.
pub fn command_lines(rows: &[Row], rights: &[Right]) -> String {
    let line = |what: String, commands: &[Argv]| format!("{}: {}", json!(what), json!(commands));
    let rows = rows.iter().map(|row| line(row.operation.to_string(), &row.commands));
    let rights = rights.iter().map(|right| line(right.described(), &right.commands));
    let lines: Vec<String> = rows.chain(rights).collect();
    match lines.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{\n{}\n}}", lines.join(",\n")),
    }
}
