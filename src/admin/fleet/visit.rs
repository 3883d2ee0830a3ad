//! A connection to one host, and what is said over it: facts, root's rights, a program, replies.

use crate::admin::fleet::arguments::Manner;
use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::password::Secret;
use crate::admin::fleet::program::Program;
use crate::admin::fleet::reply::Reply;
use crate::admin::fleet::row::{Row, Status};
use crate::admin::fleet::ssh::{Lost, Said, Session};
use crate::admin::fleet::words::Words;
use crate::admin::fleet::{greeting, trouble};
use crate::admin::mounts::{self, Use};
use crate::managers::host;
use crate::output::text::one_line;
use crate::request::id::milliseconds;
use crate::system::step;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const LOGIN: &str = include_str!("remote/login.sh");
const ROOT: &str = include_str!("remote/root.sh");

/// How long a host may take in all, waiting for a person left out, and each step.
const IN_ALL: Duration = Duration::from_secs(300);
const TO_LOOK: Duration = Duration::from_secs(30);
const TO_BECOME_ROOT: Duration = Duration::from_secs(30);
const TO_SEND: Duration = Duration::from_secs(180);
const TO_SET_UP: Duration = Duration::from_secs(120);

/// What to do if sudo does not answer.
const SUDO_WAITS: &str = "try there by hand what it waits for: sudo -n -l; sudo -n true";

/// The row of a host with which there is nothing more to do, be it well or ill.
pub type Stop = Box<Row>;

/// A connection, and what is known of the host at its other end.
pub struct Visit<'h> {
    /// Which host.
    pub host: &'h Host,
    session: Session,
    facts: BTreeMap<String, String>,
    spent: Duration,
    timings: Map<String, Value>,
}

impl<'h> Visit<'h> {
    /// Connects.
    ///
    /// # Errors
    /// Why there is no way to the host.
    pub fn begin(host: &'h Host, manner: &Manner<'_>) -> Result<Self, Stop> {
        let began = Instant::now();
        let session = greeting::open(host, manner, LOGIN).map_err(|not| {
            step::done(&format!("{}: connection failed", host.alias), began.elapsed());
            Box::new(trouble::not_reached(host, &not).took(began.elapsed()))
        })?;
        let facts = BTreeMap::new();
        let mut visit = Self { host, session, facts, spent: Duration::ZERO, timings: Map::new() };
        visit.timed("connect_ms", began);
        Ok(visit)
    }
}

impl Visit<'_> {
    /// Gives the password if sudo asks for it: whether it is right.
    ///
    /// # Errors
    /// If something else comes between.
    pub fn give(&mut self, secret: &Secret) -> Result<bool, Stop> {
        let began = Instant::now();
        let end = self.until(TO_BECOME_ROOT);
        let doing = "becoming root";
        self.tell("password")?;
        let mut given = false;
        loop {
            match self.session.next(end) {
                Ok(Said::Prompt) if given => return Ok(false),
                Ok(Said::Prompt) => {
                    self.session
                        .send(secret.line(), end)
                        .map_err(|lost| Box::new(self.lost(&lost, doing)))?;
                    given = true;
                }
                Ok(Said::Line(line)) if line == "root" => break,
                Ok(Said::Line(line)) if line == "ended password" => {
                    let message = self.session.words();
                    // With `passwd_tries=1`, or an account that is locked, sudo does not ask
                    // again. Whatever does not say that the password was taken is a refusal of
                    // it: it shall not continue to the next host.
                    if given && !accepts_password(&message) {
                        return Ok(false);
                    }
                    return stop(
                        self.failed(
                            "not_privileged",
                            &format!(
                                "sudo does not allow the account to become root there{}",
                                message.behind()
                            ),
                        )
                        .hint(Some(
                            "log in as an account that may use sudo for everything: ansible_user",
                        )),
                    );
                }
                Ok(Said::Line(_)) => {}
                Err(lost) => return stop(self.lost_to_sudo(&lost, doing)),
            }
        }
        self.read_root_script(began)?;
        Ok(true)
    }

    /// Becomes root with what needs no password: whether it does not need one.
    ///
    /// # Errors
    /// If sudo does not let us, or the connection is lost.
    pub fn become_root(&mut self, how: &str) -> Result<bool, Stop> {
        let began = Instant::now();
        let end = self.until(TO_BECOME_ROOT);
        self.tell(how)?;
        loop {
            match self.session.next(end) {
                Ok(Said::Line(line)) if line == "root" => break,
                Ok(Said::Line(line)) if line.starts_with("ended") => {
                    let message = self.session.words();
                    let row = self
                        .failed(
                            "not_privileged",
                            &format!("cannot become root there{}", message.behind()),
                        )
                        .hint(Some("try it there by hand: sudo -n unshare --mount true"));
                    return if asks_for_password(&message) { Ok(false) } else { stop(row) };
                }
                Ok(_) => {}
                Err(lost) => return stop(self.lost_to_sudo(&lost, "becoming root")),
            }
        }
        self.read_root_script(began)?;
        Ok(true)
    }

    fn read_root_script(&mut self, began: Instant) -> Result<(), Stop> {
        let sent = self.session.send_script(ROOT, self.until(TO_BECOME_ROOT));
        sent.map_err(|lost| Box::new(self.lost(&lost, "becoming root")))?;
        self.timed("root_ms", began);
        Ok(())
    }

    /// Sends the program to where nobody but root sees it, and makes sure that it is the same.
    ///
    /// # Errors
    /// If it does not arrive as it was sent.
    pub fn put(&mut self, program: &Program) -> Result<(), Stop> {
        let doing = "sending the program";
        let began = Instant::now();
        let end = self.until(TO_SEND);
        self.tell(&format!("put {} {}", program.bytes.len(), program.sha256))?;
        self.session.expect("send", end).map_err(|lost| Box::new(self.lost(&lost, doing)))?;
        self.session.send(&program.bytes, end).map_err(|lost| Box::new(self.lost(&lost, doing)))?;
        loop {
            match self.session.next(end) {
                Ok(Said::Line(line)) if line == "got" => break,
                Ok(Said::Line(line)) if line == "broken" => {
                    return stop(
                        self.failed(
                            "command_failed",
                            "the program was damaged on the way; nothing was installed",
                        )
                        .hint(Some("run it again")),
                    );
                }
                Ok(_) => {}
                Err(lost) => return stop(self.lost(&lost, doing)),
            }
        }
        self.timed("send_ms", began);
        Ok(())
    }

    /// Sends a line.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn tell(&mut self, word: &str) -> Result<(), Stop> {
        tracing::debug!("{}: tell it to continue with: {word}", self.host.alias);
        let sent = self.session.send(format!("{word}\n").as_bytes(), self.until(TO_LOOK));
        sent.map_err(|lost| Box::new(self.lost(&lost, "talking to it")))
    }

    /// What the host has, as the account that logs in sees it.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn look(&mut self) -> Result<(), Stop> {
        let began = Instant::now();
        let looked = self.facts("ready", self.until(TO_LOOK), "finding out what it has");
        self.timed("look_ms", began);
        looked
    }

    /// What sudo lets the account do without a password.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn ask_sudo(&mut self) -> Result<(), Stop> {
        let began = Instant::now();
        self.tell("may")?;
        let asked = self.facts("ended may", self.until(TO_LOOK), "asking what sudo allows");
        self.timed("sudo_ms", began);
        asked.map_err(|row| match row.code.as_str() {
            "timeout" => Box::new(row.hint(Some(SUDO_WAITS))),
            _ => row,
        })
    }

    fn facts(&mut self, last: &str, deadline: Instant, doing: &str) -> Result<(), Stop> {
        loop {
            match self.session.next(deadline) {
                Ok(Said::Line(line)) if line == last => return Ok(()),
                Ok(Said::Line(line)) => {
                    if let Some((name, value)) =
                        line.strip_prefix("fact ").and_then(|fact| fact.split_once(' '))
                    {
                        self.facts.insert(name.to_owned(), value.to_owned());
                    }
                }
                Ok(Said::Prompt) => {}
                Err(lost) => return stop(self.lost(&lost, doing)),
            }
        }
    }

    /// What the host said of this; nothing if it said nothing.
    pub fn fact(&self, name: &str) -> &str {
        self.facts.get(name).map_or("", String::as_str)
    }

    /// What the host's own program answers.
    ///
    /// # Errors
    /// If the connection is lost, or nothing can be run there.
    pub fn reply(&mut self, word: &str, timing: &str, doing: &str) -> Result<Reply, Stop> {
        let began = Instant::now();
        let deadline = self.until(TO_SET_UP);
        self.tell(word)?;
        let line = self
            .session
            .expect("reply", deadline)
            .map_err(|lost| Box::new(self.lost(&lost, doing)))?;
        self.timed(timing, began);
        let (_, text) = line.split_once(' ').unwrap_or((&line, ""));
        match serde_json::from_str(text) {
            Ok(json) => Ok(Reply(json)),
            Err(_) => {
                let message = self.session.words();
                stop(
                    self.failed(
                        "unsupported",
                        &format!("the program cannot run there{}", message.behind()),
                    )
                    .hint(Some(
                        "build it on a host as old as this one, and name it: --binary ARCH=PATH",
                    )),
                )
            }
        }
    }

    /// What keeps a place there from being used so, if anything.
    ///
    /// # Errors
    /// The row that says so.
    pub fn need(&self, place: &str, wanted: Use) -> Result<(), Stop> {
        let fact = self.fact(&format!("mount:{place}"));
        match mounts::obstacle(place, fact, wanted) {
            Some(hindrance) => stop(Row::refused(self.host, &hindrance.refusal())),
            None => Ok(()),
        }
    }

    fn failed(&self, code: &str, error: &str) -> Row {
        Row::new(self.host, Status::Failed, code).error(error)
    }

    fn lost(&mut self, lost: &Lost, doing: &str) -> Row {
        let message = self.session.words();
        trouble::lost_on_the_way(self.host, lost, &message, doing)
    }

    /// The same if sudo is at work, which may wait for something itself.
    fn lost_to_sudo(&mut self, lost: &Lost, doing: &str) -> Row {
        let row = self.lost(lost, doing);
        match lost {
            Lost::Late => row.hint(Some(SUDO_WAITS)),
            _ => row,
        }
    }

    /// When a step must be done that begins now.
    fn until(&self, step: Duration) -> Instant {
        Instant::now() + step.min(IN_ALL.saturating_sub(self.spent))
    }

    fn timed(&mut self, what: &str, began: Instant) {
        let took = began.elapsed();
        let name = what.strip_suffix("_ms").unwrap_or(what);
        step::done(&format!("{}: {name}", self.host.alias), took);
        self.spent += took;
        self.timings.insert(what.to_owned(), json!(milliseconds(took)));
    }

    /// The row with all that is known.
    pub fn end(&self, mut row: Row) -> Row {
        let host: Map<String, Value> = ["account", "machine", "name", "manager", "sudo", "package"]
            .into_iter()
            .filter(|name| !self.fact(name).is_empty())
            .map(|name| (name.to_owned(), json!(one_line(self.fact(name), 100))))
            .collect();
        row.more.insert("facts".to_owned(), Value::Object(host));
        row.more.insert("timings".to_owned(), Value::Object(self.timings.clone()));
        let has_other_warnings = row.more.contains_key("warnings");
        if self.fact("manager").is_empty() && row.status != Status::Failed && !has_other_warnings {
            let none =
                format!("it has neither {}: package operations are not possible", host::programs());
            row = row.with("warnings", [none]);
        }
        row.took(self.spent)
    }
}

/// There is nothing more to do with the host.
pub fn stop<T>(row: Row) -> Result<T, Stop> {
    Err(Box::new(row))
}

/// What is said by sudo, sudo-rs and what they were to run when the password was right and it
/// does not continue nevertheless.
fn accepts_password(message: &Words) -> bool {
    ["is not in the sudoers file", "is not allowed to", "afraid i can't do that", "unshare:"]
        .iter()
        .any(|saying| message.contain(saying))
}

/// What sudo and sudo-rs say when they may not ask.
pub fn asks_for_password(message: &Words) -> bool {
    ["a password is required", "authentication is required", "authentication required"]
        .iter()
        .any(|saying| message.contain(saying))
}
