//! What was executed in a host, from the kernel by way of strace, not from our own log.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;
use std::thread;

use super::run::Tracing;
use super::{Host, Reply};

/// Every string in hexadecimal and whole, so that nothing needs unescaping; only what
/// says which program runs with which rights. `?`: not every architecture has it.
pub(super) const STRACE: [&str; 7] = [
    "-f",
    "-qq",
    "-xx",
    "--string-limit=2097152",
    "--abbrev=none",
    "--signal=none",
    "--trace=execve,execveat,clone,clone3,?fork,?vfork,setuid,setreuid,setresuid",
];

/// A program that was executed: a successful execve(2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The process, as the host sees it.
    pub pid: u32,
    /// The file, as the caller of execve named it.
    pub path: String,
    /// The command line, invalid UTF-8 replaced.
    pub argv: Vec<String>,
    /// The environment, invalid UTF-8 replaced.
    pub env: Vec<String>,
    /// The effective uid that it was executed with, before any setuid bit counted.
    pub by: u32,
    /// The effective uid of the program.
    pub euid: u32,
}

/// What [`Host::execs_during`] has seen.
#[derive(Debug, Default)]
pub struct Execs {
    /// By the commands that were run, and what descends from them.
    pub commands: Vec<Exec>,
    /// By systemd: what a unit started, among them things that have nothing to do with us.
    pub init: Vec<Exec>,
}

impl Execs {
    /// The command lines that root executed, in the commands. sudo itself is not among
    /// them: an ordinary account executed it, and it became root.
    pub fn by_root(&self) -> Vec<&[String]> {
        by_root(&self.commands)
    }
}

/// The command lines among these that root executed.
pub fn by_root(execs: &[Exec]) -> Vec<&[String]> {
    execs.iter().filter(|exec| exec.by == 0).map(|exec| &exec.argv[..]).collect()
}

impl Host {
    /// All that is executed while `work` runs commands in this host.
    pub fn execs_during<T>(&self, work: impl FnOnce() -> T) -> (T, Execs) {
        let init = Attached::to_init(self);
        self.trace(Some(Tracing::default()));
        let result = work();
        let commands = self.traced();
        (result, Execs { commands, init: init.end(self) })
    }

    /// `sm-helper ARGS` as `agent`, and all that it and its descendants executed, itself
    /// the first. Cheaper than [`execs_during`](Self::execs_during).
    #[track_caller]
    pub fn helper_traced(&self, args: &[impl AsRef<OsStr>]) -> (Reply, Vec<Exec>) {
        self.trace(Some(Tracing::default()));
        let mut argv: Vec<&OsStr> = vec!["/usr/local/bin/sm-helper".as_ref()];
        argv.extend(args.iter().map(AsRef::as_ref));
        let done = self.command("agent", &argv).run();
        let execs = self.traced();
        (Reply::of(&done), execs)
    }

    fn trace(&self, tracing: Option<Tracing>) -> Option<Tracing> {
        let mut now = self.tracing.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *now, tracing)
    }

    fn traced(&self) -> Vec<Exec> {
        let files = self.trace(None).map(|tracing| tracing.files).unwrap_or_default();
        let read = |(file, uid): (String, u32)| {
            let text = self.take(&file).unwrap_or_else(|| panic!("strace left no {file}"));
            parse_trace(&text, uid, |path| self.setuid_owner(path))
        };
        files.into_iter().flat_map(read).collect()
    }

    /// Whom a setuid program belongs to.
    fn setuid_owner(&self, path: &str) -> Option<u32> {
        if !path.starts_with('/') {
            return None;
        }
        let metadata = fs::metadata(self.path(path)).ok()?;
        (metadata.permissions().mode() & 0o4000 != 0).then(|| metadata.uid())
    }
}

/// An strace attached to the host's systemd.
struct Attached {
    child: Child,
    pid: String,
}

impl Attached {
    const FILE: &str = "/run/trace.init";

    fn to_init(host: &Host) -> Self {
        // Without -qq it says when it has attached.
        let flags = STRACE.join(" ").replace('?', "\\?").replace("-qq", "");
        let script = format!("echo $$ >&2; exec strace {flags} -p 1 -o {}", Self::FILE);
        let mut child = Command::new("nsenter")
            .arg(format!("--target={}", host.pid()))
            .args(["--all", "--", "/usr/bin/setsid", "--wait", "/bin/sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nsenter runs");
        let stderr = child.stderr.take().expect("a pipe was asked for");
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let pid = lines.next().expect("the shell says its pid");
        let attached = lines.next().unwrap_or_default();
        assert!(attached.contains("attached"), "strace cannot attach to systemd: {attached}");
        // It goes on about each process; a closed pipe would end it.
        thread::spawn(move || lines.for_each(drop));
        Self { child, pid }
    }

    fn end(mut self, host: &Host) -> Vec<Exec> {
        host.root(&format!("kill -INT {}", self.pid)).ok();
        self.child.wait().expect("strace ends");
        let text = host.take(Self::FILE).expect("strace has made its file");
        parse_trace(&text, 0, |path| host.setuid_owner(path))
    }
}

/// Real, effective and saved user id.
type Ids = [u32; 3];

/// Read what strace has written with the flags above. `uid` is what the first process
/// began with; what it forks inherits.
pub(crate) fn parse_trace(
    trace: &str,
    uid: u32,
    setuid_owner: impl Fn(&str) -> Option<u32>,
) -> Vec<Exec> {
    let calls = calls(trace);
    // A child's first line may stand before the line that says whose child it is.
    let mut parents = HashMap::new();
    for call in &calls {
        if matches!(call.name, "clone" | "clone3" | "fork" | "vfork") {
            parents.insert(call.result, call.pid);
        }
    }

    let mut ids: HashMap<u32, Ids> = HashMap::new();
    let mut execs = Vec::new();
    for call in &calls {
        let now = match ids.get(&call.pid) {
            Some(&now) => now,
            None => *parents
                .get(&i64::from(call.pid))
                .and_then(|parent| ids.get(parent))
                .unwrap_or(&[uid; 3]),
        };
        let mut new = now;
        match call.name {
            "execve" | "execveat" => {
                let (path, argv, env) = exec_arguments(&call.arguments);
                if let Some(owner) = setuid_owner(&path) {
                    new[1] = owner;
                }
                new[2] = new[1];
                execs.push(Exec { pid: call.pid, path, argv, env, by: now[1], euid: new[1] });
            }
            "setuid" | "setreuid" | "setresuid" => set_ids(&mut new, call),
            // The child begins with what the parent has now.
            _ => {
                if let Ok(child) = u32::try_from(call.result) {
                    ids.entry(child).or_insert(now);
                }
            }
        }
        ids.insert(call.pid, new);
    }
    execs
}

/// setuid(2), setreuid(2), setresuid(2), as they act when they have succeeded.
fn set_ids(ids: &mut Ids, call: &Call) {
    let wanted = call.arguments.split(", ").map(|argument| argument.parse::<u32>().ok());
    let wanted: Vec<Option<u32>> = wanted.collect(); // None is -1, leave it as it is
    match (call.name, &wanted[..]) {
        ("setuid", &[Some(uid)]) => {
            if ids[1] == 0 {
                *ids = [uid; 3];
            }
            ids[1] = uid;
        }
        ("setreuid", &[real, effective]) => {
            let old = ids[0];
            ids[0] = real.unwrap_or(ids[0]);
            ids[1] = effective.unwrap_or(ids[1]);
            if real.is_some() || effective.is_some_and(|uid| uid != old) {
                ids[2] = ids[1];
            }
        }
        ("setresuid", &[real, effective, saved]) => {
            *ids = [real.unwrap_or(ids[0]), effective.unwrap_or(ids[1]), saved.unwrap_or(ids[2])];
        }
        _ => panic!("strace wrote {}({})", call.name, call.arguments),
    }
}

/// A system call that succeeded.
struct Call<'trace> {
    pid: u32,
    name: &'trace str,
    arguments: String,
    result: i64,
}

/// The calls of a trace, in the order in which they returned.
fn calls(trace: &str) -> Vec<Call<'_>> {
    let mut unfinished: HashMap<u32, (&str, &str)> = HashMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let Ok(pid) = pid.parse::<u32>() else { continue };
        let rest = rest.trim_start();
        let (name, first, rest) = if let Some(resumed) = rest.strip_prefix("<... ") {
            // Of an execve by a thread that is not the first, only this end is here.
            let Some((name, rest)) = resumed.split_once(" resumed>") else { continue };
            let first = unfinished.remove(&pid).map_or("", |(_, first)| first);
            (name, first, rest)
        } else {
            let Some((name, rest)) = rest.split_once('(') else { continue };
            (name, "", rest)
        };
        if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
            unfinished.insert(pid, (name, start));
            continue;
        }
        // The last one: an address in a structure may have one as well.
        let Some((arguments, result)) = rest.rsplit_once(" = ") else { continue };
        let Some(arguments) = arguments.trim_end().strip_suffix(')') else { continue };
        let number = result.split_whitespace().next().unwrap_or("");
        let Ok(result) = number.parse::<i64>() else { continue };
        if result >= 0 {
            calls.push(Call { pid, name, arguments: format!("{first}{arguments}"), result });
        }
    }
    calls
}

/// The path, argv and environment of `"path", ["argv", …], ["env", …]`, execveat's
/// descriptor before it being of no interest.
fn exec_arguments(arguments: &str) -> (String, Vec<String>, Vec<String>) {
    // No string has a bracket or a quotation mark in it: all is hexadecimal.
    let mut lists = arguments.split('[');
    let path = lists.next().map(strings).unwrap_or_default().pop().unwrap_or_default();
    let mut list = || lists.next().map(strings).unwrap_or_default();
    (path, list(), list())
}

/// The strings between quotation marks.
fn strings(text: &str) -> Vec<String> {
    text.split('"').skip(1).step_by(2).map(unhex).collect()
}

/// `\x2f\x75` is `/u`.
fn unhex(text: &str) -> String {
    let byte = |hex: &str| u8::from_str_radix(hex, 16).expect("strace writes two digits");
    let bytes: Vec<u8> = text.split("\\x").skip(1).map(byte).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
