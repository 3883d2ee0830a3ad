//! What the administrator's commands answer, and what they have left on the host.

use std::ffi::OsStr;

use serde_json::Value;

use crate::host::{Done, Host, answer};

/// Where the program is.
pub const SM: &str = "/usr/local/bin/sm";
/// Where the helper is.
pub const HELPER: &str = "/usr/local/bin/sm-helper";
/// The drop-in of `agent`.
pub const DROP_IN: &str = "/etc/sudoers.d/sm-agent";

/// The rule for `agent`, exactly.
pub const RULE: &str = "\
# Made by sm setup-sudo for account agent; do not edit: run `sm setup-sudo` again, or with --remove.
# What the helper can run as root: sm policy surface
agent ALL=(root) NOPASSWD: NOSETENV: /usr/local/bin/sm-helper
";

/// An answer with `--json`, checked for what holds for every one.
#[derive(Debug)]
pub struct Answer {
    pub exit: i32,
    pub json: Value,
}

impl Answer {
    /// Panics unless there is exactly one JSON object and a newline, with `schema`, `success`
    /// and `code`, a sentence where it is no success, and nothing on standard error.
    #[track_caller]
    pub fn of(done: &Done) -> Self {
        assert!(done.stderr.is_empty(), "something on standard error: {done}");
        let (exit, json) = answer(done);
        assert_eq!(done.stdout_text().matches('\n').count(), 1, "not one line: {done}");
        Self { exit, json }
    }

    /// Panics unless it is this code and exit status.
    #[track_caller]
    pub fn expect(self, code: &str, exit: i32) -> Self {
        assert_eq!((self.json["code"].as_str(), self.exit), (Some(code), exit), "{:#}", self.json);
        self
    }

    /// Panics unless all of `words` are in the error and the hint.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let said = format!("{} {}", self.json["error"], self.json["hint"]);
        for word in words {
            assert!(said.contains(word), "{word:?} is not in: {said}");
        }
        self
    }
}

/// `sm setup-sudo ARGS --json` as root.
#[track_caller]
pub fn setup_sudo(host: &Host, args: &[impl AsRef<OsStr>]) -> Answer {
    setup_sudo_of(host, SM, args)
}

/// The same with another copy of the program.
#[track_caller]
pub fn setup_sudo_of(host: &Host, program: &str, args: &[impl AsRef<OsStr>]) -> Answer {
    let mut argv: Vec<&OsStr> = vec![program.as_ref(), "setup-sudo".as_ref(), "--json".as_ref()];
    argv.extend(args.iter().map(AsRef::as_ref));
    Answer::of(&host.command("root", &argv).run())
}

/// All of sudo's configuration and of what this program keeps: name, inode, owner, mode, time
/// of change and content. Two that are equal mean that nothing was changed in between. The
/// audit log is left out: it goes on with every question.
#[track_caller]
pub fn state(host: &Host) -> String {
    let all = "$(ls -d /etc/sudoers* /usr/local/bin /var/lib/sm 2>/dev/null)";
    let but = "-not -name 'audit.*'";
    let format = r"%p %i %u:%g %m %T@ %l\n";
    host.root(&format!(
        "find {all} {but} -printf '{format}' | sort; find {all} {but} -type f -exec md5sum {{}} + | sort"
    ))
    .ok()
}

/// The names in the folder of the drop-ins, save Debian's README.
#[track_caller]
pub fn drop_ins(host: &Host) -> Vec<String> {
    let names = host.root("ls -A /etc/sudoers.d | grep -vx README || true").ok();
    names.lines().map(str::to_owned).collect()
}

/// Panics unless sudo's configuration is valid, and an administrator can still use it.
#[track_caller]
pub fn sudo_works(host: &Host) {
    host.root("visudo -c && sudo -n -l -U agent").ok();
    host.command("admin", &["bash", "-c", "echo admin | sudo -S true"]).run().ok();
}
