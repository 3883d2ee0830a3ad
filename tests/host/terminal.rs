//! A person at a terminal: waits for a text, and types.

use super::Host;
use serde_json::{Value, json};
use std::io::Write;

/// What a person at a terminal saw, and with which status it ended.
pub struct Seen {
    pub shown: String,
    pub status: i64,
    pub echoes: bool,
}

impl Host {
    /// Runs a command of `user` at a terminal of this kind: waits for each text, and types what is
    /// behind it.
    #[track_caller]
    pub fn at_terminal(
        &self,
        user: &str,
        kind: &str,
        words: &[&str],
        plan: &[(&str, &str)],
    ) -> Seen {
        let script = "/usr/local/bin/at-terminal";
        self.write(script, include_str!("terminal.py"));
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        write!(writer, "{}", json!(plan)).expect("room for a plan");
        drop(writer);
        let argv = [&["/usr/bin/python3", script], words].concat();
        let done = self.command(user, &argv).env("TERM", kind).stdin(reader).run();
        let seen: Value = serde_json::from_str(&done.ok()).expect("JSON");
        assert_eq!(seen["untyped"], 0, "nothing waited for what was to be typed: {seen:#}");
        Seen {
            shown: seen["shown"].as_str().expect("text").to_owned(),
            status: seen["status"].as_i64().unwrap_or_else(|| panic!("it did not end: {seen:#}")),
            echoes: seen["echoes"] == true,
        }
    }
}
