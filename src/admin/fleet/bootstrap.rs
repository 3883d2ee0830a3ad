//! `sm bootstrap-cluster`: every host as far as it goes without a person; then, if sudo wants
//! one, the password: asked for once, tried on one host, and given to the others when that one
//! has accepted it.

use crate::admin::answer::{Answer, Failure};
use crate::admin::fleet::arguments::Manner;
use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::password::{self, Secret};
use crate::admin::fleet::pool;
use crate::admin::fleet::program::Programs;
use crate::admin::fleet::report::{self, Line, Progress};
use crate::admin::fleet::row::{self, INTERRUPTED, Row, Status, left_out};
use crate::admin::fleet::setup::{self, Reached, Seen, Tried, UNTOUCHED, Wanted};
use crate::cli::Bootstrap;
use crate::request::code::{Code, Refusal};
use crate::system::kernel;
use serde_json::{Map, json};
use std::fs::File;

/// How often a person may mistype.
const TRIES: usize = 3;

/// Does it with these hosts.
///
/// # Errors
/// What is wrong before any host is contacted; that some hosts failed.
pub fn run(
    command: &Bootstrap,
    hosts: &[&Host],
    mut password: Option<File>,
    fields: Map<String, serde_json::Value>,
) -> Result<Answer, Failure> {
    let programs = Programs::read(&command.binary)?;
    let wanted = Wanted {
        user: command.user.as_deref(),
        manner: Manner { user: None, accept_new_host_keys: command.accept_new_host_keys },
        programs: &programs,
        dry_run: command.dry_run,
    };
    kernel::count_interrupts();
    let forks = usize::from(command.forks);
    let progress = Progress::new();
    let reached = pool::each(hosts.to_vec(), forks, |host| visit(host, &wanted, &progress));

    // In the order of the inventory: the rows that are there, and the places of those to come.
    let mut rows: Vec<Option<Row>> = Vec::with_capacity(reached.len());
    let mut waiting = Vec::new();
    for (place, reached) in reached.into_iter().enumerate() {
        match reached {
            Reached::End(row) => rows.push(Some(row)),
            Reached::Password(host) => {
                rows.push(None);
                waiting.push((place, host));
            }
        }
    }
    if !waiting.is_empty() {
        announce(&waiting, &rows, &progress);
        let mut source = match &mut password {
            Some(file) => Source::Given(file),
            None => Source::Terminal,
        };
        let through = with_password(waiting, &wanted, forks, &mut source, &progress);
        for (place, row) in through {
            rows[place] = Some(row);
        }
    }
    let mut fields = fields;
    if command.dry_run {
        fields.insert("dry_run".to_owned(), json!(true));
    }
    report::finish(rows.into_iter().flatten().collect(), command.skip_unreachable, fields)
}

fn visit<'h, 'w>(host: &'h Host, wanted: &'w Wanted<'w>, progress: &Progress) -> Reached<'h, 'w> {
    if let Some(row) = left_out(host) {
        return Reached::End(row);
    }
    let line = progress.begin(host);
    let reached = setup::visit(host, wanted, &line);
    match &reached {
        // The table says it.
        Reached::End(_) if wanted.dry_run => line.rest(),
        Reached::End(row) => progress.end(&line, row),
        Reached::Password(_) => line.rest(),
    }
    reached
}

/// What will be done, before the password is asked for.
fn announce(waiting: &[(usize, Box<Seen<'_, '_>>)], rows: &[Option<Row>], progress: &Progress) {
    let so_far = row::counted(rows.iter().flatten());
    if !so_far.is_empty() {
        progress.say(&format!("so far: {so_far}"));
    }
    progress.say("to do, with sudo's password:");
    for (_, host) in waiting {
        progress.say(&format!("  {}: {}", host.host().alias, host.needs()));
    }
}

/// Where the password comes from.
enum Source<'s> {
    /// A descriptor: there is one, and no other.
    Given(&'s mut File),
    /// A person, who may mistype.
    Terminal,
}

impl Source<'_> {
    fn tries(&self) -> usize {
        match self {
            Self::Given(_) => 1,
            Self::Terminal => TRIES,
        }
    }

    fn ask(&mut self, host: &str, again: bool) -> Result<Secret, Refusal> {
        match self {
            Self::Given(file) => password::read(file),
            Self::Terminal if again => password::ask(&format!(
                "{host} does not accept it. Again (or nothing, if only {host} has another one): "
            )),
            Self::Terminal => password::ask(&format!("sudo's password, tried on {host} first: ")),
        }
    }
}

type Placed<'h, 'w> = (usize, Box<Seen<'h, 'w>>);

/// Asks, has one host accept what was said, and then continues with all.
fn with_password<'w>(
    waiting: Vec<Placed<'_, 'w>>,
    wanted: &'w Wanted<'w>,
    forks: usize,
    source: &mut Source<'_>,
    progress: &Progress,
) -> Vec<(usize, Row)> {
    let mut rows = Vec::new();
    let mut queue = waiting.into_iter();
    let (mut hosts, secret) = match prove(&mut queue, wanted, source, &mut rows) {
        Ok((first, secret)) => (vec![first], secret),
        Err(unproven) => {
            rows.extend(queue.map(|(place, host)| (place, unproven.row(*host))));
            return rows;
        }
    };
    hosts.extend(queue);
    rows.extend(pool::each(hosts, forks, |(place, host)| {
        if kernel::is_interrupted() {
            return (place, host.leave(Status::Skipped, INTERRUPTED, UNTOUCHED, None));
        }
        let line = progress.begin(host.host());
        let row = host.go_on(&secret, &line);
        progress.end(&line, &row);
        (place, row)
    }));
    rows
}

/// Why nobody has accepted a password: the code of the hosts that wait, and what is said there.
struct Unproven {
    code: &'static str,
    refusal: Refusal,
}

impl Unproven {
    fn row(&self, host: Seen<'_, '_>) -> Row {
        if kernel::is_interrupted() {
            return host.leave(Status::Skipped, INTERRUPTED, UNTOUCHED, None);
        }
        host.leave(Status::Failed, self.code, &self.refusal.error, self.refusal.hint.as_deref())
    }
}

impl From<Refusal> for Unproven {
    fn from(refusal: Refusal) -> Self {
        Self { code: "password_required", refusal }
    }
}

/// One host that has accepted the password. Hosts that turn out to be no help on the way get
/// their rows.
fn prove<'h, 'w>(
    queue: &mut impl Iterator<Item = Placed<'h, 'w>>,
    wanted: &'w Wanted<'w>,
    source: &mut Source<'_>,
    rows: &mut Vec<(usize, Row)>,
) -> Result<(Placed<'h, 'w>, Secret), Unproven> {
    let mut tries = source.tries();
    let mut kept: Option<Secret> = None;
    let mut rejected_by = String::new();
    'hosts: for (place, mut waiting) in queue.by_ref() {
        let host = waiting.host();
        let mut secret = match kept.take().map_or_else(|| source.ask(&host.alias, false), Ok) {
            Ok(secret) => secret,
            Err(refusal) => {
                let unproven = Unproven::from(refusal);
                rows.push((place, unproven.row(*waiting)));
                return Err(unproven);
            }
        };
        loop {
            let wrong = match waiting.try_password(&secret) {
                Tried::Accepted(waiting) => return Ok(((place, waiting), secret)),
                Tried::Wrong(row) => row,
                Tried::Failed(row) => {
                    // It says nothing about the password.
                    rows.push((place, row));
                    kept = Some(secret);
                    continue 'hosts;
                }
            };
            rejected_by.clone_from(&host.alias);
            tries -= 1;
            if tries == 0 {
                rows.push((place, wrong));
                break 'hosts;
            }
            let next = match source.ask(&host.alias, true) {
                Ok(next) => next,
                Err(refusal) => {
                    rows.push((place, wrong));
                    return Err(refusal.into());
                }
            };
            if next.is_empty() {
                rows.push((place, wrong));
                kept = Some(secret);
                continue 'hosts;
            }
            secret = next;
            // For sudo whatever follows a wrong word is a second one, so the next try has a
            // connection of its own.
            match setup::visit(host, wanted, &Line::none()) {
                Reached::Password(again) => waiting = again,
                Reached::End(row) => {
                    rows.push((place, row));
                    kept = Some(secret);
                    continue 'hosts;
                }
            }
        }
    }
    let error =
        format!("the password was not tried there, because {rejected_by} does not accept it");
    let refusal = Refusal::new(Code::CommandFailed, error)
        .hint("run it again with the right one, or with --limit for the hosts that share it");
    Err(Unproven { code: "password_unproven", refusal })
}
