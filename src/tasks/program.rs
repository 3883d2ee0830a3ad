//! What a task executes: looked at through the descriptor that is executed.
//!
//! The program is executed through it (`execveat(2)`), and so is the interpreter of a script. The
//! script itself its interpreter opens by its path, as `$0` has it: every folder on the way and the
//! script are root's and only root's, so nobody else can put another one there, then or before.

use crate::exec::process::PATH;
use crate::policy::never;
use crate::request::code::{Code, Refusal};
use crate::system::kernel;
use crate::system::trust::{Found, Untrusted, follow};
use crate::tasks::interpreter::{Head, LOOKED_AT, behind_env};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// As many interpreters of interpreters as the kernel follows.
const DEEPEST: usize = 4;

/// What is executed.
#[derive(Debug)]
pub struct Executable {
    /// The program, or the interpreter of the script.
    pub found: Found,
    /// Its words: those of the interpreters, the program by its path, its arguments.
    pub words: Vec<String>,
}

/// Looks at the program and whatever is read instead of it; with its own words behind its path.
///
/// # Errors
/// `untrusted_path` where somebody other than root could change some of it, `unsupported` where
/// there is nothing to execute, `denied` where it runs what its arguments name, unless it may.
pub fn look(argv: &[String], may_start_others: bool) -> Result<Executable, Refusal> {
    let mut words = argv.to_vec();
    let program = argv.first().map(String::as_str).unwrap_or_default();
    let mut name = program.to_owned();
    for depth in 0..=DEEPEST {
        let found = follow(Path::new(&name), None).map_err(|error| refused(&name, &error))?;
        let real = found.path.to_string_lossy().into_owned();
        if depth == 0 && !may_start_others && never::program(&real) {
            let error = format!("{program} leads to {real}: {}", never::is_starter("task"));
            return Err(Refusal::new(Code::Denied, error).hint(never::SCRIPT));
        }
        match head(&name, &found)? {
            Head::Program => return Ok(Executable { found, words }),
            Head::Bad(reason) => return Err(unsupported(&name, reason)),
            Head::Script { interpreter, argument } => {
                if interpreter.rsplit('/').next() == Some("env") {
                    look_behind_env(&name, argument.as_deref())?;
                }
                words.splice(0..0, [interpreter.clone()].into_iter().chain(argument));
                name = interpreter;
            }
        }
    }
    Err(unsupported(program, "it is read by a script that is read by a script, and so on"))
}

/// What `env` finds in `PATH`, and that nobody else can have it find something else.
fn look_behind_env(script: &str, argument: Option<&str>) -> Result<(), Refusal> {
    let reason = "its first line names env with more than the name of an interpreter";
    let name = behind_env(argument).ok_or_else(|| unsupported(script, reason))?;
    if name.contains('/') {
        return match name.starts_with('/') {
            true => check(name),
            false => Err(unsupported(script, "its first line has env look in a relative path")),
        };
    }
    for folder in PATH.split(':') {
        let path = format!("{folder}/{name}");
        match follow(Path::new(&path), None) {
            Ok(_) => return check(&path),
            // Where only root can put something.
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(refused(&path, &error)),
        }
    }
    Err(unsupported(
        script,
        &format!("{name}, which its first line has env look for, is not there"),
    ))
}

/// Looks at a program that another one executes, and at its interpreter.
fn check(path: &str) -> Result<(), Refusal> {
    look(&[path.to_owned()], true).map(drop)
}

/// What an executable file begins with.
fn head(name: &str, found: &Found) -> Result<Head, Refusal> {
    if !found.data.is_file() {
        return Err(unsupported(name, "it is not a file"));
    }
    if found.data.mode() & 0o111 == 0 {
        return Err(unsupported(name, "it is not executable").hint(format!("chmod 0755 {name}")));
    }
    let unread = |error: io::Error| unsupported(name, &format!("it cannot be read: {error}"));
    let file = found.reader().map_err(unread)?;
    // Whoever has it open from before it was root's could still change it. A lease says so.
    match kernel::read_lease(&file) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let error = format!("{name} is open for writing: what it holds may still change");
            return Err(Refusal::new(Code::UntrustedPath, error).hint(format!(
                "try again when it is written; fuser -v {name} shows who writes it"
            )));
        }
        // Not every file system has leases.
        _ => {}
    }
    let mut bytes = Vec::with_capacity(LOOKED_AT);
    file.take(LOOKED_AT as u64).read_to_end(&mut bytes).map_err(unread)?;
    Ok(Head::of(&bytes))
}

fn unsupported(name: &str, reason: &str) -> Refusal {
    Refusal::new(Code::Unsupported, format!("the task's program {name} cannot be run: {reason}"))
        .hint("nothing was run; an administrator should look at that file")
}

/// What is said of a path that leads nowhere, or through what is not root's alone.
pub fn refused(path: &str, error: &Untrusted) -> Refusal {
    if error.is_missing() {
        return Refusal::new(Code::Unsupported, format!("the task cannot be run: {error}"))
            .hint("nothing was run; an administrator should look at the task in the policy");
    }
    let error = format!("the task uses {path}, which cannot be trusted: {error}");
    Refusal::new(Code::UntrustedPath, error).hint(
        "nothing was run: only root may be able to change what a task runs, and each folder on the way (chown root:root, chmod go-w)",
    )
}
