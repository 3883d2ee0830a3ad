//! A task on its way from a policy to a process.

use crate::exec::cgroup::Own;
use crate::exec::confinement;
use crate::exec::program::{self, Place, Program, Step};
use crate::policy::tasks::Task;
use crate::request::code::{Code, Refusal};
use crate::request::id::request_id;
use crate::system::confine::calls::Strings;
use crate::system::trust::{Found, follow};
use crate::tasks::account::Account;
use crate::tasks::environment::environment;
use crate::tasks::program::{Executable, look, refused};
use nix::errno::Errno;
use std::cell::Cell;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// All that a task uses, looked at.
struct Looked {
    account: Account,
    executable: Executable,
    directory: Found,
}

/// Looks at it.
fn looked(task: &Task, is_compiled_in: bool) -> Result<Looked, Refusal> {
    let account = Account::find(&task.user)?;
    let executable = look(&task.argv, is_compiled_in)?;
    // Where an account runs something, its own folder is as good: what is there is its own.
    let also = account.ids.as_ref().map(|ids| ids.uid);
    let directory = follow(Path::new(&task.directory), also)
        .map_err(|error| refused(&task.directory, &error))?;
    if !directory.data.is_dir() {
        let error = format!("the task's directory {} is not a directory", task.directory);
        return Err(Refusal::new(Code::Unsupported, error)
            .hint("nothing was run; an administrator should look at `directory` in the policy"));
    }
    Ok(Looked { account, executable, directory })
}

/// What keeps the task from being run on this host, as far as it can be seen.
pub fn obstacle(task: &Task, is_compiled_in: bool) -> Option<Refusal> {
    looked(task, is_compiled_in).err()
}

/// Makes the task ready to be run.
///
/// # Errors
/// What is wrong with it: nothing was run.
pub fn ready(task: &Task, is_compiled_in: bool) -> Result<Program, Refusal> {
    let Looked { account, executable, directory } = looked(task, is_compiled_in)?;
    let environment = environment(&account, &task.environment);
    let is_root = account.ids.is_none();
    Ok(Program {
        executable: program::Executable::Open(place(executable.found)?),
        words: strings(&executable.words)?,
        environment: strings(&environment)?,
        directory: Some(place(directory)?),
        account: account.ids,
        confined: confinement::of_task(&task.confined(), is_root),
        // On a host that has none, or where root can change none, its process group has to do.
        cgroup: Own::make(request_id()).ok(),
        failed: Cell::new(None),
    })
}

/// Where something is that was looked at.
fn place(found: Found) -> Result<Place, Refusal> {
    let path = CString::new(found.path.as_os_str().as_bytes()).map_err(|_| zero_byte())?;
    Ok(Place { file: found.place, path })
}

fn zero_byte() -> Refusal {
    Refusal::new(Code::Internal, "a word of the task has a zero byte in it")
}

fn strings(words: &[String]) -> Result<Strings, Refusal> {
    let string = |word: &String| CString::new(word.as_str()).map_err(|_| zero_byte());
    Ok(Strings::new(words.iter().map(string).collect::<Result<_, _>>()?))
}

/// What kept it from being started.
pub fn not_started(task: &Task, failed: Option<Step>, error: Errno) -> Refusal {
    let (program, user) = (task.argv.first().map_or("", String::as_str), &task.user);
    let error = error.desc();
    let (what, hint) = match failed {
        Some(Step::Account) => {
            (format!("cannot become {user}: {error}"), "run it where root has all capabilities")
        }
        Some(Step::Directory) => (
            format!("{user} cannot be in the directory {}: {error}", task.directory),
            "the account needs the right to enter it and each folder on the way",
        ),
        Some(Step::Execute) if error == Errno::ENOEXEC.desc() => (
            format!("{program} is neither a program nor a script with a first line like #!/bin/sh"),
            "an administrator should look at that file",
        ),
        Some(Step::Execute) => (
            format!("{user} cannot execute {program}: {error}"),
            "the account needs the right to execute it, and it must be on no file system with noexec",
        ),
        Some(Step::Confine) => (
            "the policy requires that it is confined, and this host cannot".to_owned(),
            "an administrator can see with `sm doctor` what is missing",
        ),
        Some(Step::Leave) | None => {
            (format!("no process can be started: {error}"), "look at the limits of the host")
        }
    };
    Refusal::new(Code::Unsupported, format!("the task cannot be run: {what}")).hint(hint)
}
