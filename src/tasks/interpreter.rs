//! The first line of a script: which program the kernel has read it (`execve(2)`, "Interpreter
//! scripts").

/// As much of a file as the kernel looks at (`BINPRM_BUF_SIZE`).
pub const LOOKED_AT: usize = 256;

/// What a file begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// Something that is no script.
    Program,
    /// A line that names an interpreter and, in one word, what it is given besides the script.
    Script {
        /// By its absolute path.
        interpreter: String,
        /// In one word, whatever blanks are in it.
        argument: Option<String>,
    },
    /// A line that names none, or none that can be relied on, and why.
    Bad(&'static str),
}

impl Head {
    /// Reads the first bytes of a file, at most [`LOOKED_AT`].
    pub fn of(bytes: &[u8]) -> Self {
        let Some(rest) = bytes.strip_prefix(b"#!") else { return Self::Program };
        let line = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => &rest[..end],
            None if bytes.len() < LOOKED_AT => rest,
            None => return Self::Bad("its first line is longer than the kernel reads"),
        };
        let Ok(line) = str::from_utf8(line) else {
            return Self::Bad("its first line is not UTF-8");
        };
        if line.contains('\0') {
            return Self::Bad("its first line has a zero byte in it");
        }
        if line.ends_with('\r') {
            return Self::Bad("its first line ends with a carriage return, as on Windows");
        }
        // Blanks and tabs alone separate, for the kernel.
        let is_blank = |c: char| c == ' ' || c == '\t';
        let line = line.trim_matches(is_blank);
        let (interpreter, argument) = match line.split_once(is_blank) {
            Some((interpreter, rest)) => (interpreter, rest.trim_matches(is_blank)),
            None => (line, ""),
        };
        if !interpreter.starts_with('/') {
            return Self::Bad("its first line names no interpreter by an absolute path");
        }
        let argument = (!argument.is_empty()).then(|| argument.to_owned());
        Self::Script { interpreter: interpreter.to_owned(), argument }
    }
}

/// What `env` looks for in `PATH` where it is the interpreter (`env(1)`); none where that cannot be
/// told.
pub fn behind_env(argument: Option<&str>) -> Option<&str> {
    let argument = argument?;
    let words = match argument.strip_prefix("-S").or(argument.strip_prefix("--split-string=")) {
        Some(words) => words.trim_start(),
        None => argument,
    };
    let word = words.split_whitespace().next()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
    (!word.starts_with('-') && word.chars().all(is_plain)).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(interpreter: &str, argument: Option<&str>) -> Head {
        Head::Script { interpreter: interpreter.to_owned(), argument: argument.map(str::to_owned) }
    }

    #[test]
    fn the_line_is_read_as_the_kernel_reads_it() {
        for (text, head) in [
            ("#!/bin/sh\necho\n", script("/bin/sh", None)),
            ("#! \t/bin/sh  -e -u \nx", script("/bin/sh", Some("-e -u"))),
            ("#!/bin/sh", script("/bin/sh", None)),
            ("#!/usr/bin/env python3\n", script("/usr/bin/env", Some("python3"))),
            ("\x7fELF", Head::Program),
            ("echo\n", Head::Program),
            ("", Head::Program),
        ] {
            assert_eq!(Head::of(text.as_bytes()), head, "{text:?}");
        }
        let long = format!("#!/bin/{}", "x".repeat(LOOKED_AT));
        for bad in
            ["#!\n", "#!sh\n", "#!./sh\n", "#!/bin/sh\r\nx", "#!/bin/s\0h\n", &long[..LOOKED_AT]]
        {
            assert!(matches!(Head::of(bad.as_bytes()), Head::Bad(_)), "{bad:?}");
        }
        assert!(matches!(Head::of(b"#!/bin/\xff\n"), Head::Bad(_)));
    }

    #[test]
    fn what_env_runs_is_known_or_nothing_is() {
        for (argument, program) in [
            (Some("python3"), Some("python3")),
            (Some("-S python3 -u"), Some("python3")),
            (Some("-Spython3 -u"), Some("python3")),
            (Some("/opt/x/bin/python"), Some("/opt/x/bin/python")),
            (Some("-i python3"), None),
            (Some("-S PATH=/tmp python3"), None),
            (Some("-S -i python3"), None),
            (Some("-S ${SHELL}"), None),
            (Some("-S"), None),
            (None, None),
        ] {
            assert_eq!(behind_env(argument), program, "{argument:?}");
        }
    }
}
