//! How an account that may approve (`[approvals] approvers`) comes to root: through rules of sudo's that
//! `sm setup-sudo` writes, one for each command. They name no request and have no wildcard, so the whole
//! command line follows on standard input, as with the helper's flags.

use crate::admin::answer::Failure;
use crate::admin::approvals::answer::{self, Given};
use crate::admin::approvals::named::{may_approve, still};
use crate::admin::record::{record, refused};
use crate::cli::{self, AdminCommand, Parsed};
use crate::escalate::flags::{self, WORD};
use crate::limits::{self, Budget};
use crate::output::text::one_line;
use crate::policy::force::InForce;
use crate::request::caller::{Caller, Via};
use crate::request::code::{Code, Refusal};
use crate::sudo::ask::{AS_ROOT, program as tool};
use crate::system::kernel;
use crate::system::tool::{clean, output};
use nix::unistd::geteuid;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The commands of who may approve.
pub const COMMANDS: [&str; 3] = ["approvals", "approve", "decline"];

/// The word of a command of theirs.
fn word(command: &AdminCommand) -> Option<&'static str> {
    match command {
        AdminCommand::Approvals { .. } => Some("approvals"),
        AdminCommand::Approve(_) => Some("approve"),
        AdminCommand::Decline { .. } => Some("decline"),
        _ => None,
    }
}

/// What one of the rules has let through.
pub struct Received {
    /// The whole command line; nothing if it could not be read.
    pub words: Vec<OsString>,
    /// Whether it is that of the rule, from an account that may approve: `usage`, `denied`.
    pub verdict: Result<(), Refusal>,
}

/// What stands on standard input, if `arguments` are those of one of the rules.
pub fn received(arguments: &[OsString]) -> Option<Received> {
    let seen = flags::behind_word(arguments)?;
    kernel::ignore_stops();
    Some(match flags::read() {
        Ok(words) => Received { verdict: admitted(seen, &words), words },
        Err(refusal) => Received { words: Vec::new(), verdict: Err(refusal) },
    })
}

/// Whether `whole` is a command line of the command that sudo has seen, from an account that may approve.
fn admitted(seen: &[OsString], whole: &[OsString]) -> Result<(), Refusal> {
    let read: Vec<OsString> = whole.iter().filter(|word| *word != "--json").cloned().collect();
    let named = match cli::admin(&read) {
        Parsed::Command(command) => word(&command.command),
        // It is said what is wrong with it, and nothing is done.
        Parsed::Help(_) | Parsed::Wrong(_) => return Ok(()),
    };
    if !matches!((seen, named), ([seen], Some(named)) if seen == named) {
        let error = format!("{WORD}: standard input has another command than the command line");
        return Err(Refusal::new(Code::Usage, error).hint("omit sudo, which sm calls by itself"));
    }
    let caller = Caller::find();
    if caller.via == Via::Root {
        return Ok(());
    }
    let words = read.iter().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<String> = std::iter::once("sm".to_owned()).chain(words).collect();
    let force = InForce::load()?;
    let spend = |budget| {
        let spent = limits::acquire(&caller, budget, &force.limits());
        spent.map(drop).map_err(|exceeded| exceeded.refusal)
    };
    if let Err(refusal) = still(&force, &caller) {
        spend(Budget::Refusals)?;
        return Err(refused(&caller, &words, refusal));
    }
    if named == Some(COMMANDS[0]) {
        spend(Budget::Reads)?;
        // It asks the package manager what would be done, as root.
        record(&caller, &words)?;
        Ok(())
    } else {
        spend(Budget::Changes)
    }
}

/// Has root do it, if this is an ordinary account that may approve and sudo has the rule for it. Gives
/// the exit status; none if it is done here.
pub fn passed_on(
    command: &AdminCommand,
    program: &Path,
    arguments: &[OsString],
) -> Option<Result<u8, Failure>> {
    let word = word(command)?;
    if geteuid().is_root() {
        return None;
    }
    let may = InForce::load().is_ok_and(|force| may_approve(&force, &Caller::find()));
    let sudo = tool("sudo").filter(|_| may)?;
    let way = Way { sudo, program };
    match way.is_open(word) {
        true => Some(way.go(command, word, arguments)),
        // Who sits there may have a right of their own to sudo, and say the password.
        false if io::stdin().is_terminal() => None,
        false => Some(Err(Refusal::new(
            Code::NotPrivileged,
            "sudo has no rule by which this account can approve",
        )
        .hint("an administrator puts it in place: sm setup-sudo --approvers")
        .into())),
    }
}

/// sudo, and this program.
struct Way<'p> {
    sudo: PathBuf,
    program: &'p Path,
}

impl Way<'_> {
    /// Whether sudo has the rule for a command.
    fn is_open(&self, word: &str) -> bool {
        let mut command = clean(&self.sudo);
        command.arg("-l").args(AS_ROOT).arg(self.program).args([WORD, word]);
        output(command).is_ok_and(|output| output.status.success())
    }

    fn go(
        &self,
        command: &AdminCommand,
        word: &str,
        arguments: &[OsString],
    ) -> Result<u8, Failure> {
        let AdminCommand::Approve(approve) = command else {
            return self.run(word, arguments, Stdio::inherit());
        };
        if approve.yes {
            return self.run(word, arguments, Stdio::inherit());
        }
        let given = Given::of(approve)?;
        let id = one_line(&approve.id, 40);
        answer::at_a_terminal(&format!("sm approvals {id}"), &format!("sm approve {id} --yes"))?;
        let shown = ["approvals".into(), OsString::from(&approve.id)];
        let stderr = io::stderr().as_fd().try_clone_to_owned().map_err(unasked)?;
        let exit = self.run("approvals", &shown, stderr.into())?;
        if exit != 0 {
            return Ok(exit);
        }
        let question = format!("Approve this {}?", given.described());
        answer::asked_once_more(&question, answer::NOT_APPROVED)?;
        // Right behind the command, since what stands behind `--` is no flag.
        let place = arguments.iter().position(|argument| argument == word).unwrap_or_default();
        let mut sure = arguments.to_vec();
        sure.insert(place + 1, "--yes".into());
        self.run(word, &sure, Stdio::inherit())
    }

    /// Runs the whole command line as root.
    fn run(&self, word: &str, arguments: &[OsString], stdout: Stdio) -> Result<u8, Failure> {
        let mut command = clean(&self.sudo);
        command.args(AS_ROOT).arg(self.program).args([WORD, word]);
        command.stdin(flags::sent(arguments).map_err(unasked)?).stdout(stdout);
        let ended = command.stderr(Stdio::inherit()).status().map_err(unasked)?;
        Ok(ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}

fn unasked(error: io::Error) -> Failure {
    Refusal::new(Code::NotPrivileged, format!("sudo could not be asked: {error}")).into()
}
