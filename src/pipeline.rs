//! The way of a request, a file a stage: what was asked, who asks, may they, which command
//! lines, written down, run, answered. Each stage takes the value of the one before.

pub mod answer;
pub mod answered;
pub mod run;

use crate::broker::{self, Received};
use crate::cli::{self, Helper, Parsed};
use crate::escalate::flags::{self, FullRequest};
use crate::escalate::{self, CommandLine};
use crate::exec::sanitize;
use crate::limits::slots;
use crate::pipeline::answered::Answered;
use crate::reply::{self, Reply};
use crate::request::caller::{Caller, Via};
use crate::request::code::{Code, Refusal};
use crate::request::route::Route;
use crate::sudo::admitted::admitted;
use crate::system::kernel;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The longest command line that is passed on to root, in bytes. What is asked for properly has
/// a name and a reason and is far shorter.
const LONGEST_REQUEST: usize = 65_536;

/// Answers one request. `program` is the file that runs, `helper` the one for the way to root;
/// `arguments` are those after the program's name. Gives the exit status.
pub fn main(program: &Path, helper: &Path, arguments: &[OsString]) -> u8 {
    sanitize::ignore_signals();
    reply::begin(answer::record_defect);
    let plain = plain(program);
    indent_if_asked(arguments);
    if nix::unistd::geteuid().is_root() {
        // Root of a user namespace is not the host's: it says so by naming the socket, where the
        // kernel knows who it is. Not what came through sudo, since that would make it root's own.
        let parsed = match flags::behind_word(arguments) {
            Some(_) => None,
            None => Some(cli::helper(arguments)),
        };
        let names_socket = matches!(
            &parsed,
            Some(Parsed::Command(command)) if command.common.via == Route::Socket
        );
        match parsed {
            Some(parsed) if names_socket && Caller::find().via == Via::Root => {
                as_account(plain, helper, arguments, parsed)
            }
            parsed => as_root(plain, helper, arguments, parsed).exit(),
        }
    } else {
        as_account(plain, helper, arguments, cli::helper(arguments))
    }
}

/// Answers the one request that comes over the connection on standard input. Gives the exit
/// status, in which nobody is interested: the reply has gone over the connection.
pub fn serve() -> u8 {
    sanitize::ignore_signals();
    reply::begin(answer::record_defect);
    let entered = sanitize::inherited();
    reply::over_connection();
    let Received { caller, arguments, slot: _slot } = match broker::receive() {
        Ok(received) => received,
        Err(refusal) => return answer::refuse(Caller::find(), &[], &refusal).exit(),
    };
    let answered = match entered.and(arguments) {
        Ok(arguments) => {
            indent_if_asked(&arguments);
            answer::answer(caller, &arguments, cli::helper(&arguments))
        }
        Err(refusal) => answer::refuse(caller, &[], &refusal),
    };
    answered.exit()
}

/// Also where the rest of the words can not be read.
fn indent_if_asked(arguments: &[OsString]) {
    if arguments.iter().any(|word| word == "--pretty") {
        reply::set_pretty();
    }
}

/// Answers as root, for whoever asks. `parsed` is what the arguments turned out to be, unless
/// there are flags on standard input.
fn as_root(
    plain: Result<(), Refusal>,
    helper: &Path,
    arguments: &[OsString],
    parsed: Option<Parsed<Helper>>,
) -> Answered {
    let undone = sanitize::inherited();
    let caller = Caller::find();
    // One place for a request under way, as over the socket.
    let _slot = match plain.and(undone).and_then(|()| slots::take(&caller)) {
        Ok(slot) => slot,
        Err(refusal) => return answer::refuse(caller, arguments, &refusal),
    };
    if let Err(refusal) = admitted(&caller, helper, arguments) {
        return answer::refuse(caller, arguments, &refusal);
    }
    match (parsed, flags::behind_word(arguments)) {
        (Some(parsed), _) => answer::answer(caller, arguments, parsed),
        (None, words) => answer_with_flags(caller, words.unwrap_or_default()),
    }
}

/// Answers an ordinary account: has root do it, or answers what needs no root.
fn as_account(
    plain: Result<(), Refusal>,
    helper: &Path,
    arguments: &[OsString],
    parsed: Parsed<Helper>,
) -> u8 {
    if let Err(refusal) = plain {
        return Reply::refused(&refusal).send();
    }
    // Also what is sure to be refused goes to root, so that it is recorded there; but not what
    // is so long that sudo's own log would take longer over it than all the rest.
    let is_long = arguments.iter().map(|word| word.len()).sum::<usize>() > LONGEST_REQUEST;
    if let Parsed::Command(command) = &parsed
        && !command.common.dry_run
    {
        match command.request() {
            Some(Err(refusal)) if is_long => return Reply::refused(&refusal).send(),
            Some(request) => {
                let asked = CommandLine { arguments, request, pretty: command.common.pretty };
                let passed_on = escalate::escalate(command.common.via, helper, &asked);
                return passed_on.unwrap_or_else(|refusal| {
                    Reply::refused(&refusal).operation(asked.operation()).send()
                });
            }
            None => {}
        }
    }
    answer::answer(Caller::find(), arguments, parsed).exit()
}

/// Refuses to be what the kernel gives more rights than its caller has.
fn plain(program: &Path) -> Result<(), Refusal> {
    if !kernel::is_secure_exec() {
        return Ok(());
    }
    let shown = program.display();
    if !has_more_rights(program) {
        // A plain file: who started it left its own id with it, or else a security module decides.
        let how = match nix::unistd::getuid() == nix::unistd::geteuid() {
            true => {
                "by a security module (SELinux, AppArmor) as one with other rights than its caller's"
            }
            false => "with its caller's user id beside root's, as sudo does it with stay_setuid",
        };
        return Err(Refusal::new(Code::NotPrivileged, format!("{shown} was started {how}")).hint(
            "an administrator is told the setting's file and line by: sm setup-sudo --user NAME --check",
        ));
    }
    let what =
        format!("{shown} is setuid, setgid or has file capabilities, which it must never have");
    Err(Refusal::new(Code::UntrustedPath, what)
        .hint(format!("chmod 0755 {shown}; setcap -r {shown}")))
}

/// Whether the file gives who runs it more rights; it is taken to where that can not be seen.
fn has_more_rights(program: &Path) -> bool {
    let Ok(data) = program.symlink_metadata() else { return true };
    let path = CString::new(program.as_os_str().as_bytes());
    data.mode() & 0o6000 != 0
        || !data.is_file()
        || path.is_ok_and(|path| kernel::has_capabilities(&path))
}

/// Answers what sudo has let through where the flags are on standard input.
fn answer_with_flags(caller: Caller, words: &[OsString]) -> Answered {
    match flags::receive(words) {
        Ok(FullRequest { words, parsed }) => {
            indent_if_asked(&words);
            answer::answer(caller, &words, parsed)
        }
        Err(refusal) => answer::refuse(caller, words, &refusal),
    }
}
