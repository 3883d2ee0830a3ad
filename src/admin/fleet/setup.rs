//! One host of `sm bootstrap-cluster`: look, become root, look closer, send what is missing, and
//! have the host's own `sm setup-sudo` do the rest.

use crate::admin::fleet::arguments::Manner;
use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::password::Secret;
use crate::admin::fleet::program::{Program, Programs};
use crate::admin::fleet::report::Line;
use crate::admin::fleet::row::{DRY_RUN, INTERRUPTED, Row, Status};
use crate::admin::fleet::visit::{Stop, Visit, asks_for_password, stop};
use crate::admin::fleet::words::{Words, end_of};
use crate::admin::mounts::{PROGRAMS, RECORDS, RULES, SMALL, Use};
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use crate::system::kernel;
use serde::Serialize;

/// What is said of a host that was looked at alone.
pub const UNTOUCHED: &str = "interrupted before anything was changed there";

/// What is wanted of every host.
#[derive(Debug)]
pub struct Wanted<'w> {
    /// The account that may run the helper; none: the one that logs in.
    pub user: Option<&'w str>,
    /// How hosts are reached.
    pub manner: Manner<'w>,
    /// What is sent.
    pub programs: &'w Programs,
    /// Change nothing.
    pub dry_run: bool,
}

/// How far a host got without a person.
pub enum Reached<'h, 'w> {
    /// To the end.
    End(Row),
    /// sudo asks for a password there.
    Password(Box<Seen<'h, 'w>>),
}

/// What sudo said to a password.
pub enum Tried<'h, 'w> {
    /// It is right.
    Accepted(Box<Seen<'h, 'w>>),
    /// It is wrong; nothing else was tried.
    Wrong(Row),
    /// Something else came between.
    Failed(Row),
}

/// What a host may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Need {
    Install,
    Replace,
    DropIn,
    Password,
}

impl Need {
    /// What is to be done about it, and what was done.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Install => ("install the program", "installed the program"),
            Self::Replace => ("replace the program", "replaced the program"),
            Self::DropIn => ("see to the drop-in", "the drop-in is in place"),
            Self::Password => ("needs sudo's password", "sudo accepted the password"),
        }
    }
}

/// Where a host has the program from.
#[derive(Clone, Copy)]
enum Source<'w> {
    /// From a package, which its package manager looks after.
    Package,
    /// From here, and it has it: both files, byte for byte, and nobody but root could have
    /// changed them.
    Here,
    /// From here, as soon as this was sent.
    Sent(&'w Program),
}

/// A host that was looked at, and its connection.
pub struct Seen<'h, 'w> {
    visit: Visit<'h>,
    wanted: &'w Wanted<'w>,
    source: Source<'w>,
    /// Root is reached.
    is_root: bool,
}

/// Looks at a host, and if no password is needed continues to the end.
pub fn visit<'h, 'w>(host: &'h Host, wanted: &'w Wanted<'w>, line: &Line) -> Reached<'h, 'w> {
    line.now("connecting");
    let mut visit = match Visit::begin(host, &wanted.manner) {
        Ok(visit) => visit,
        Err(row) => return Reached::End(*row),
    };
    line.now("looking");
    let source = match visit.look().and_then(|()| judge(&visit, wanted)) {
        Ok(source) => source,
        Err(row) => return Reached::End(visit.end(*row)),
    };
    let mut seen = Seen { visit, wanted, source, is_root: false };
    match seen.without_password() {
        Ok(()) if seen.is_root => Reached::End(seen.finish(line)),
        Ok(()) => Reached::Password(Box::new(seen)),
        Err(row) => Reached::End(seen.visit.end(*row)),
    }
}

/// Whether the host is of a kind that can be set up; where it has the program from.
fn judge<'w>(visit: &Visit<'_>, wanted: &'w Wanted<'w>) -> Result<Source<'w>, Stop> {
    let unsupported = |what: &str, hint: &str| {
        let refusal = Refusal::new(Code::Unsupported, what).hint(hint);
        stop(Row::refused(visit.host, &refusal))
    };
    let system = one_line(visit.fact("system"), 40);
    if system != "Linux" {
        return unsupported(
            &format!("it runs {system}, not Linux"),
            "remove it from the inventory",
        );
    }
    if visit.fact("systemd").is_empty() {
        return unsupported("its service manager is not systemd", "remove it from the inventory");
    }
    if visit.fact("sudo").is_empty() {
        return unsupported("it has no sudo", "install sudo or sudo-rs there first");
    }
    if visit.fact("uid") == "0" && wanted.user.is_none() {
        let refusal = Refusal::new(Code::Usage, "you log in there as root, and root needs no rule")
            .hint("name the account that may run the helper: --user NAME");
        return stop(Row::refused(visit.host, &refusal));
    }
    if !visit.fact("package").is_empty() {
        return Ok(Source::Package);
    }
    let machine = one_line(visit.fact("machine"), 40);
    let program = wanted.programs.for_machine(&machine);
    let program = program.map_err(|refusal| Box::new(Row::refused(visit.host, &refusal)))?;
    let should = format!("0:0:755 {}", program.sha256);
    let is_there = ["sm", "sm-helper"].iter().all(|name| visit.fact(name) == should);
    visit.need(PROGRAMS, Use::Run)?;
    if is_there {
        return Ok(Source::Here);
    }
    // Both are written again beside the old ones, one after the other.
    let is_new = visit.fact("sm").is_empty();
    let copies = if is_new { 2 } else { 1 };
    visit.need(PROGRAMS, Use::Write(copies * program.bytes.len() as u64))?;
    records(visit)?;
    // A host that had it may have its rule, and only root can see whether it is the right one.
    if is_new {
        visit.need(RULES, Use::Write(SMALL))?;
    }
    Ok(Source::Sent(program))
}

/// Whether what is done can be written down there.
fn records(visit: &Visit<'_>) -> Result<(), Stop> {
    RECORDS.iter().try_for_each(|place| visit.need(place, Use::Write(SMALL)))
}

impl<'h, 'w> Seen<'h, 'w> {
    /// Which host.
    pub fn host(&self) -> &'h Host {
        self.visit.host
    }

    /// What is going to be done there, as far as it can be seen without root.
    pub fn needs(&self) -> String {
        to_do(&self.all_needs())
    }

    /// The host is left as it is.
    pub fn leave(self, status: Status, code: &str, error: &str, hint: Option<&str>) -> Row {
        self.visit.end(Row::new(self.visit.host, status, code).error(error).hint(hint))
    }

    /// Becomes root if that needs no password; ends if root is not needed.
    fn without_password(&mut self) -> Result<(), Stop> {
        if self.visit.fact("uid") == "0" {
            self.is_root = self.visit.become_root("direct")?;
            return Ok(());
        }
        self.visit.ask_sudo()?;
        // sudo lists without a password what needs one, so only trying shows it.
        let listed = self.visit.fact("listed").to_owned();
        let mut asks = asks_for_password(&Words::line(&listed));
        if self.visit.fact("all") == "yes" {
            if self.visit.become_root("sudo")? {
                self.is_root = true;
                return Ok(());
            }
            asks = true;
        }
        if self.is_done_without_root() {
            let row = Row::new(self.visit.host, Status::Already, "ok")
                .what("installed, and sudo lets the account run the helper");
            return stop(row.warned(self.other_version()));
        }
        if !asks {
            let account = one_line(self.visit.fact("account"), 64);
            let message = end_of(&listed, 300);
            let behind = if message.is_empty() { message } else { format!(" ({message})") };
            let refusal = Refusal::new(
                Code::NotPrivileged,
                format!("{account} may not become root there{behind}"),
            )
            .hint("log in as an account that may use sudo for everything: ansible_user");
            return stop(Row::refused(self.visit.host, &refusal));
        }
        records(&self.visit)?;
        if self.wanted.dry_run {
            let row = self.would(&self.all_needs());
            // What is needed of the rule only root can see.
            let obstacle = self.visit.need(RULES, Use::Write(SMALL)).err();
            return stop(row.warned(obstacle.and_then(|row| row.error).into_iter().collect()));
        }
        Ok(())
    }

    /// The program is there, and sudo lets the account that logged in run the helper without a
    /// password: all that there is to set up for this account, proved from its side.
    fn is_done_without_root(&self) -> bool {
        !matches!(self.source, Source::Sent(_))
            && self.visit.fact("helper") == "yes"
            && self.wanted.user.is_none_or(|user| user == self.visit.fact("account"))
    }

    fn root_needs(&self) -> Vec<Need> {
        let program = match self.source {
            Source::Package | Source::Here => None,
            Source::Sent(_) if self.visit.fact("sm").is_empty() => Some(Need::Install),
            Source::Sent(_) => Some(Need::Replace),
        };
        program.into_iter().chain([Need::DropIn]).collect()
    }

    /// That the host's package is of another version than this program, if it is.
    fn other_version(&self) -> Vec<String> {
        let (is, here) = (self.visit.fact("package"), concat!("sm ", env!("CARGO_PKG_VERSION")));
        if is.is_empty() || is == here {
            return Vec::new();
        }
        let is = one_line(is, 40);
        vec![format!("its package has {is}, but this is {here}: upgrade the older one")]
    }

    fn all_needs(&self) -> Vec<Need> {
        let mut needs = self.root_needs();
        if self.visit.fact("uid") != "0" {
            needs.push(Need::Password);
        }
        needs
    }

    fn would(&self, needs: &[Need]) -> Row {
        let row = Row::new(self.visit.host, Status::Skipped, DRY_RUN);
        row.what(to_do(needs)).with("needs", needs)
    }

    /// Tries a password, once.
    pub fn try_password(mut self: Box<Self>, secret: &Secret) -> Tried<'h, 'w> {
        match self.visit.give(secret) {
            Ok(true) => {
                self.is_root = true;
                Tried::Accepted(self)
            }
            Ok(false) => {
                let row = Row::new(self.visit.host, Status::Failed, "password_wrong")
                    .error("sudo does not accept the password there")
                    .hint(Some("run it again with --limit for the hosts that have another one"));
                Tried::Wrong(self.visit.end(row))
            }
            Err(row) => Tried::Failed(self.visit.end(*row)),
        }
    }

    /// Goes on to the end, with the password if root is not reached yet.
    pub fn go_on(self: Box<Self>, secret: &Secret, line: &Line) -> Row {
        if self.is_root {
            return self.finish(line);
        }
        line.now("becoming root");
        match self.try_password(secret) {
            Tried::Accepted(accepted) => accepted.finish(line),
            Tried::Wrong(row) | Tried::Failed(row) => row,
        }
    }

    /// The rest, as root.
    fn finish(mut self, line: &Line) -> Row {
        let row = self.as_root(line).unwrap_or_else(|row| *row);
        self.visit.end(row)
    }

    fn as_root(&mut self, line: &Line) -> Result<Row, Stop> {
        if let Some(user) = self.wanted.user {
            self.visit.tell(&format!("user {user}"))?;
        }
        if matches!(self.source, Source::Package) {
            self.visit.tell("packaged")?;
        }
        if !matches!(self.source, Source::Sent(_)) {
            line.now("checking");
            let reply = self.visit.reply("check", "check_ms", "checking what is set up")?;
            if reply.is_success() {
                let row = Row::new(self.visit.host, Status::Already, "ok").what("nothing to do");
                return Ok(reply.warned(row).warned(self.other_version()));
            }
            // Missing, stale or exposed can be fixed; of the rest the host says what it is.
            if !reply.has("state") {
                return stop(reply.failed(self.visit.host));
            }
        }
        let needs = self.root_needs();
        records(&self.visit)?;
        if !matches!(self.source, Source::Sent(_)) {
            self.visit.need(RULES, Use::Write(SMALL))?;
        }
        if self.wanted.dry_run {
            return Ok(self.would(&needs));
        }
        if kernel::is_interrupted() {
            let row = Row::new(self.visit.host, Status::Skipped, INTERRUPTED);
            return stop(row.error(UNTOUCHED));
        }
        let word = match self.source {
            Source::Package | Source::Here => "setup",
            Source::Sent(program) => {
                line.now("sending the program");
                self.visit.put(program)?;
                "install"
            }
        };
        line.now("setting up");
        let reply = self.visit.reply(word, "setup_ms", "setting up")?;
        if !reply.is_success() {
            return stop(reply.failed(self.visit.host));
        }
        let did: Vec<&str> = needs.iter().map(|need| need.words().1).collect();
        let row = Row::new(self.visit.host, Status::Done, "ok").what(did.join(", "));
        Ok(reply.warned(row.with("did", &needs)).warned(self.other_version()))
    }
}

fn to_do(needs: &[Need]) -> String {
    let words: Vec<&str> = needs.iter().map(|need| need.words().0).collect();
    words.join(", ")
}
