//! Whether an account's requests work through sudo: it makes one, and what is written is searched
//! for what is in the way. What is only written proves nothing.

use crate::admin::mounts::{RECORDS, SMALL, Use, obstacle_here};
use crate::admin::setup_sudo::permitted::reads_of;
use crate::request::code::Code;
use crate::request::probe::Announced;
use crate::sudo::ask::{AS_ROOT, Sudo, complained, program};
use crate::sudo::listing::Entry;
use crate::sudo::obstacles::{Asked, Obstacle, Requests};
use crate::sudo::remedy::Remedy;
use crate::sudo::visudo::skipped;
use crate::sudo::written::{Account, Written};
use crate::system::accounts::{User, groups_of};
use crate::system::kernel;
use crate::system::tool::output;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Where the helper counts, till the next boot.
const STATE: &str = "/run/sm";

/// What keeps an account's requests from working, all or some.
#[derive(Debug, PartialEq, Eq)]
pub struct Hindered {
    /// What came of a request.
    pub reason: Reason,
    /// What is written that explains it.
    pub obstacles: Vec<Obstacle>,
}

/// What came of a request that was made as the account.
#[derive(Debug, PartialEq, Eq)]
pub enum Reason {
    /// It works, and others do not.
    Others,
    /// It could not be made.
    Unmade(String),
    /// sudo did not run the helper.
    Sudo(String),
    /// The helper did not do it.
    Helper(String),
}

impl Reason {
    /// As a sentence, about the account or accounts of this name.
    pub fn described(&self, who: &str, helper: &Path) -> String {
        let helper = helper.display();
        match self {
            Self::Others => format!("not every request of {who} works"),
            Self::Unmade(cause) => format!("the test request could not be announced: {cause}"),
            Self::Sudo(message) => format!("sudo does not allow {who} to run {helper}: {message}"),
            Self::Helper(error) => format!("the helper answers {who} through sudo: {error}"),
        }
    }
}

/// How far a request has come that worked.
enum Reached {
    /// The helper's answer: no process was started for it.
    Answer,
    /// A process that the helper started.
    Process,
}

/// What keeps the account's requests from working; none if they work. `listed` is what sudo lists
/// for the account.
pub fn hindered(sudo: &Sudo, account: &User, helper: &Path, listed: &[Entry]) -> Option<Hindered> {
    let tried = tried(sudo, account, helper);
    let written = Written::read();
    let of = Account::of(account);
    let asked = Asked { account: &of, helper, listed, written: &written };
    let mut obstacles = asked.obstacles();
    if obstacles.iter().any(|one| one.setting.is_some()) {
        let skipped = skipped();
        obstacles.retain(|one| one.setting.as_ref().is_none_or(|name| !skipped.contains(name)));
    }
    let reason = match tried {
        Err(reason) => {
            // What no rule can do anything about comes first.
            let mounts = of_mounts(helper);
            let written = std::mem::replace(&mut obstacles, mounts);
            obstacles.extend(written);
            reason
        }
        Ok(reached) => {
            // What it survives is no obstacle to any request.
            obstacles.retain(|one| {
                one.is_for == Requests::Some
                    || one.is_for == Requests::Processes && matches!(reached, Reached::Answer)
            });
            Reason::Others
        }
    };
    (reason != Reason::Others || !obstacles.is_empty()).then_some(Hindered { reason, obstacles })
}

/// What the mounts keep from the helper: to be run, or to write down what it does.
fn of_mounts(helper: &Path) -> Vec<Obstacle> {
    let folder = helper.parent().unwrap_or(helper).to_string_lossy().into_owned();
    let records = RECORDS.into_iter().chain([STATE]).map(|path| (path, Use::Write(SMALL)));
    let places = [(folder.as_str(), Use::Run)].into_iter().chain(records);
    let mut obstacles: Vec<Obstacle> = Vec::new();
    for found in places.filter_map(|(place, wanted)| obstacle_here(place, wanted)) {
        obstacles.push(Obstacle {
            what: found.what,
            place: None,
            setting: None,
            is_for: Requests::All,
            remedy: Remedy::Mount { hint: found.hint, command: found.command },
        });
    }
    obstacles
}

/// Has the account itself make a request through sudo, one that changes nothing and starts a process
/// as all others do: the one proof that no password is asked and nothing else is in the way, whatever
/// the configuration says. If it may ask for no such thing, it is `version`. The records name root,
/// who tries.
fn tried(sudo: &Sudo, account: &User, helper: &Path) -> Result<Reached, Reason> {
    let words = harmless(sudo, &account.name, helper);
    let refused = |error: std::io::Error| Reason::Sudo(error.to_string());
    let groups =
        groups_of(&account.name, account.gid).map_err(|error| Reason::Sudo(error.to_string()))?;
    let announced = Announced::new(&words).map_err(|error| Reason::Unmade(error.to_string()))?;
    let mut command = sudo.command();
    command.args(AS_ROOT).arg(helper).args(&words);
    kernel::as_account(&mut command, account.uid, account.gid, groups);
    let output = output(command).map_err(refused)?;
    drop(announced);
    let reply: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    let Some(reply) = reply else { return Err(Reason::Sudo(complained(&output))) };
    let text = |field: &str| reply[field].as_str().unwrap_or_default();
    match Code::from_word(text("code")) {
        // Also of a unit that is not there: the process has run to the end.
        _ if reply["returncode"].is_i64() => Ok(Reached::Process),
        // Asked too often, or everybody is refused: it is let through and answers.
        Some(Code::Ok | Code::RateLimited | Code::Disabled) => Ok(Reached::Answer),
        // Without a service manager nobody can ask it anything, root neither: what has asked
        // for it was let through, and packages need none.
        Some(Code::Unsupported) if !runs_here("systemctl") => Ok(Reached::Answer),
        _ => Err(Reason::Helper(text("error").to_owned())),
    }
}

/// The words of a request that changes nothing and that sudo lets the account make.
fn harmless(sudo: &Sudo, account: &str, helper: &Path) -> Vec<String> {
    let mut lines = reads_of(account)
        .into_iter()
        .map(|line| -> Vec<String> { line.split(' ').map(str::to_owned).collect() });
    let is_let = |words: &Vec<String>| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        sudo.allows(account, helper, &words).is_ok()
    };
    // An exact drop-in may be older than the policy; one of a few lines is still on it.
    lines.find(is_let).unwrap_or_else(|| vec!["version".to_owned()])
}

/// Whether root itself can start this tool.
fn runs_here(tool: &str) -> bool {
    program(tool).is_some_and(|path| {
        let mut command = Command::new(path);
        command.arg("--version");
        output(command).is_ok()
    })
}
