//! What the kernel says in `/proc` (`proc(5)`).

use nix::sys::signal::Signal;
use std::fmt::Display;
use std::str::FromStr;

/// A field of `/proc/PID/stat`, by its number in `proc_pid_stat(5)`.
#[derive(Debug, Clone, Copy)]
pub enum Field {
    /// The parent process (`ppid`).
    Parent = 4,
    /// The controlling terminal's device number (`tty_nr`); 0 if there is none.
    Terminal = 7,
    /// When it began, in ticks since the boot (`starttime`).
    Began = 22,
    /// Where in the process its command line begins (`arg_start`).
    ArgumentsStart = 48,
    /// Where it ends (`arg_end`).
    ArgumentsEnd = 49,
}

/// What `/proc/PID/stat` said at one moment.
#[derive(Debug)]
pub struct Stat(String);

impl Stat {
    /// Reads that of a process: its id, or `self`. None if there is no such process.
    pub fn of(process: impl Display) -> Option<Self> {
        std::fs::read(format!("/proc/{process}/stat")).ok().map(|stat| Self::parse(&stat))
    }

    /// The second field is the program's name in parentheses. A process gives itself any name
    /// (`PR_SET_NAME`), with blanks, parentheses and bytes that are no text; what follows it are
    /// numbers and one letter.
    fn parse(stat: &[u8]) -> Self {
        let stat = String::from_utf8_lossy(stat);
        Self(stat.rsplit_once(')').map_or("", |(_, rest)| rest).to_owned())
    }

    /// The field, if it is there and is such a value.
    pub fn field<T: FromStr>(&self, field: Field) -> Option<T> {
        /// The number of the first one behind the name.
        const FIRST: usize = 3;
        self.0.split_whitespace().nth(field as usize - FIRST)?.parse().ok()
    }
}

/// The processes that there are, by their ids.
pub fn all() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether this is the user id that the kernel shows for all that have none in this process's
/// user namespace (`user_namespaces(7)`, "Unmapped user and group IDs").
pub fn is_unmapped(uid: u32) -> bool {
    let shown = std::fs::read_to_string("/proc/sys/kernel/overflowuid").unwrap_or_default();
    shown.trim().parse() == Ok(uid)
}

/// Whether this signal ends the process: it neither handles nor ignores it, and `signal(7)` has no
/// milder way for it.
pub fn is_ended_by(pid: i32, signal: i32) -> bool {
    const HARMLESS: [Signal; 7] = [
        Signal::SIGCHLD,
        Signal::SIGCONT,
        Signal::SIGURG,
        Signal::SIGWINCH,
        Signal::SIGTSTP,
        Signal::SIGTTIN,
        Signal::SIGTTOU,
    ];
    let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/status")) else { return false };
    let is_in = |name: &str| {
        let mask = text.lines().find_map(|line| line.strip_prefix(name));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
    };
    let is_one = (1..=64).contains(&signal);
    is_one
        && !HARMLESS.iter().any(|harmless| *harmless as i32 == signal)
        && !is_in("SigIgn:")
        && !is_in("SigCgt:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_ends_what_neither_handles_nor_ignores_it() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "trap '' HUP; trap : USR1; echo; read x"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut line = [0];
        let stdout = child.stdout.as_mut().expect("a pipe");
        std::io::Read::read_exact(stdout, &mut line).expect("it is ready");
        let pid = child.id() as i32;
        for (signal, expected) in [
            (Signal::SIGHUP as i32, false),
            (Signal::SIGUSR1 as i32, false),
            (Signal::SIGUSR2 as i32, true),
            (Signal::SIGWINCH as i32, false),
            (Signal::SIGKILL as i32, true),
            (0, false),
            (65, false),
        ] {
            assert_eq!(is_ended_by(pid, signal), expected, "{signal}");
        }
        drop(child.stdin.take());
        child.wait().expect("its end");
        assert!(!is_ended_by(0, 1));
    }

    #[test]
    fn no_name_of_a_program_moves_the_fields() {
        for name in [&b"sh"[..], b"", b"a b", b") R 1 2 3 4 5 (", b"(x) R 1 (", b"\n", b"\xff\xfe"]
        {
            let stat = [b"7 (", name, b") S 42 7 7 34816 7 4194304 0 0\n"].concat();
            let stat = Stat::parse(&stat);
            assert_eq!(stat.field(Field::Parent), Some(42), "{name:?}");
            assert_eq!(stat.field(Field::Terminal), Some(34816), "{name:?}");
            assert_eq!(stat.field::<usize>(Field::ArgumentsStart), None, "{name:?}");
        }
        assert_eq!(Stat::parse(b"").field::<i32>(Field::Parent), None);
    }

    #[test]
    fn the_kernel_numbers_them_like_that() {
        let stat = Stat::of("self").expect("this process");
        let parent = nix::unistd::getppid();
        assert_eq!(stat.field(Field::Parent), Some(parent.as_raw()));
        let ends = [Field::ArgumentsStart, Field::ArgumentsEnd].map(|end| stat.field::<usize>(end));
        let line = std::fs::read("/proc/self/cmdline").expect("its command line");
        assert_eq!(ends[1].zip(ends[0]).map(|(end, start)| end - start), Some(line.len()));
        assert!(Stat::of(0).is_none());
    }
}
