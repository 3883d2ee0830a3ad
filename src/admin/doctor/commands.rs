//! What a command that sudo lets an account run as root amounts to.

use crate::admin::doctor::accounts::gives_root;
use crate::admin::doctor::finding::Status;
use crate::admin::doctor::operands::danger;
use crate::admin::doctor::paths::refused;
use crate::admin::doctor::programs::{ANY, Kind, has, kind};
use crate::admin::setup_sudo::approvers;
use crate::request::name::quoted;
use std::fs;
use std::io::Read;
use std::path::Path;

/// systemctl's other names (systemd's `halt(8)`, `shutdown(8)`).
const SYSTEMCTL: &str = "halt poweroff reboot runlevel shutdown telinit";

/// What does what the name says by which it is called, and nothing else.
const BY_NAME: &str = "busybox coreutils toybox";

/// Units that are a shell of root's.
const SHELLS: &str = "console-shell debug-shell emergency rescue runlevel1";

/// What show their output in a pager on a terminal, without `--no-pager`.
const PAGED: &str = "\
    bootctl busctl coredumpctl dpkg-query journalctl localectl loginctl machinectl networkctl \
    resolvectl systemctl systemd-analyze timedatectl";

/// What the judgement goes by besides the command itself.
#[derive(Debug, Clone, Copy)]
pub struct Host<'h> {
    /// The helper.
    pub helper: &'h str,
    /// Whether systemd's tools start a pager that starts other programs: since 247 they tell it
    /// not to (CVE-2023-26604).
    pub pager_escapes: bool,
}

/// How bad it is that an account may run this as root, and why; none if it is the helper, or a line of the
/// drop-in of those who may approve.
pub fn judged(command: &str, host: Host<'_>) -> Option<(Status, String)> {
    let is_helper = command
        .strip_prefix(host.helper)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    let own = Path::new(host.helper).with_file_name("sm");
    if approvers::is_line(command, &own) {
        return None;
    }
    // What is removed gives nothing; `list` is `sudo -l` alone (sudoers(5)).
    if is_helper || command.starts_with('!') || command == "list" || command.starts_with("list ") {
        return None;
    }
    Some(match problem(command, host) {
        Some(reason) => (Status::Problem, reason),
        None => {
            let path = command.split(' ').next().unwrap_or(command);
            let reason = if fs::symlink_metadata(path).is_err() {
                format!("{} does not exist", quoted(path.as_bytes()))
            } else {
                "neither the policy nor the audit log covers it".to_owned()
            };
            (Status::Warning, reason)
        }
    })
}

/// Why a command is as good as full root; none if nothing is known of that.
fn problem(command: &str, host: Host<'_>) -> Option<String> {
    let message = |reason: &str| Some(reason.to_owned());
    if command == "ALL" {
        return message("that is every command");
    }
    if command == "sudoedit" || command.starts_with("sudoedit ") {
        return message("that writes a file of root's");
    }
    if is_pattern(command) {
        return message("that is a pattern, and it matches more than was intended");
    }
    if !command.starts_with('/') {
        return message("it cannot be determined what that is");
    }
    let words = words(command);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (path, arguments) = words.split_first()?;
    if path.ends_with('/') {
        return message("that is every program in the folder");
    }
    // A missing program is as much somebody's as the folder that they could make it in.
    if let Some(refusal) = refused(Path::new(path)) {
        return Some(refusal.error);
    }
    if let Some(refusal) = interpreter(path).and_then(|path| refused(Path::new(&path))) {
        return Some(refusal.error);
    }
    let names = [Some((*path).to_owned()), behind(path)];
    names.iter().flatten().find_map(|path| {
        let name = path.rsplit('/').next().unwrap_or(path);
        judge(kind(name)?, name, arguments, host)
    })
}

/// The same of a program that is known.
fn judge(kind: Kind, name: &str, arguments: &[&str], host: Host<'_>) -> Option<String> {
    let message = |reason: &str| Some(reason.to_owned());
    if kind == Kind::Always {
        return message("that starts other programs, or is sm itself: full root");
    }
    // Without arguments in the rule the account chooses them; `""` means that there may be none.
    if arguments.is_empty() {
        return message("with arguments of its own choice the account has full root");
    }
    let arguments: Vec<&str> = arguments.iter().copied().filter(|word| *word != "\"\"").collect();
    if host.pager_escapes && has(PAGED, name) && !arguments.contains(&"--no-pager") {
        return message("on a terminal it starts a pager, which starts other programs");
    }
    if let Some(reason) = way_out(name, &arguments) {
        return Some(reason);
    }
    let verb = match kind {
        Kind::Verbs(ANY) | Kind::Always => arguments.first().copied(),
        Kind::Verbs(verbs) => match verb(&arguments, verbs) {
            Some(verb) => Some(verb),
            None if ["docker", "podman", "nerdctl"].contains(&name)
                && arguments.contains(&"compose") =>
            {
                return danger(Kind::Folder, name, &arguments[1..]);
            }
            None if arguments.is_empty() => None,
            None => {
                return Some(format!(
                    "with `{}` it can start other programs or change files as root",
                    arguments.join(" ")
                ));
            }
        },
        Kind::Runs => {
            // What it runs is one of its words.
            let starts = (0..arguments.len()).filter(|at| arguments[*at].starts_with('/'));
            let mut run = starts.map(|at| arguments[at..].join(" ")).peekable();
            return if run.peek().is_none() {
                message("it starts another program, which is not named by its path")
            } else {
                run.find_map(|command| problem(&command, host))
            };
        }
        Kind::Accounts => {
            let parts = arguments.iter().flat_map(|word| word.split([',', '=']));
            let mut roots = parts.filter(|word| {
                ["root", "0", "--non-unique", "-o"].contains(word) || gives_root(word).is_some()
            });
            return match roots.next() {
                Some(word) => Some(format!("with {word} it makes an account equivalent to root")),
                None if arguments.is_empty() => {
                    message("without an account it is about root itself")
                }
                None => None,
            };
        }
        _ => None,
    };
    if name == "systemctl"
        && verb.is_some_and(|verb| !["stop", "disable", "mask", "status", "show"].contains(&verb))
    {
        let unit = |word: &&&str| has(SHELLS, word.split('.').next().unwrap_or(word));
        if let Some(unit) = arguments.iter().find(unit) {
            return Some(format!("{unit} is a shell of root's"));
        }
    }
    danger(kind, name, &arguments)
}

/// The first word that says what is to be done, if it is one of these: neither an option nor the
/// value of one.
fn verb<'w>(arguments: &[&'w str], verbs: &str) -> Option<&'w str> {
    let mut is_behind_option = false;
    for word in arguments {
        if has(verbs, word) {
            return Some(word);
        }
        let is_option = word.starts_with('-');
        if !is_option && !is_behind_option && !word.contains('=') {
            return None;
        }
        is_behind_option = is_option;
    }
    None
}

/// The program that a script names in its first line (`execve(2)`).
fn interpreter(path: &str) -> Option<String> {
    let mut line = Vec::new();
    fs::File::open(path).ok()?.take(256).read_to_end(&mut line).ok()?;
    let line = line.strip_prefix(b"#!")?;
    let line = String::from_utf8_lossy(line.split(|byte| *byte == b'\n').next()?);
    line.split_whitespace().next().map(str::to_owned)
}

/// Settings of apt's that start nothing, by how they begin.
const APT_SETTINGS: [&str; 6] = [
    "acquire::http::timeout=",
    "acquire::retries=",
    "apt::get::",
    "dpkg::lock::timeout=",
    "dpkg::options::=--force-conf",
    "dpkg::use-pty=",
];

/// What `env` may set without a way into the program behind it, by how it begins.
const VARIABLES: [&str; 7] =
    ["DEBIAN_FRONTEND=", "LANG=", "LANGUAGE=", "LC_", "NEEDRESTART_MODE=", "TERM=", "TZ="];

/// Why an option has the program start others, or makes a file that runs as root, whatever else
/// its arguments say.
fn way_out(name: &str, arguments: &[&str]) -> Option<String> {
    let find = |is_it: &dyn Fn(&str) -> bool| arguments.iter().copied().find(|word| is_it(word));
    let begins = |begins: &[&str]| find(&|word| begins.iter().any(|begin| word.starts_with(begin)));
    let found = match name {
        "apt" | "apt-get" | "aptitude" => return apt_setting(arguments).map(starts_others),
        "dpkg" => begins(&["--admindir", "--instdir", "--root"])
            .or_else(|| find(&|word| word.starts_with("--") && word.contains("-invoke"))),
        "tar" | "bsdtar" => begins(&[
            "--checkpoint-action",
            "--info-script",
            "--new-volume-script",
            "--rmt-command",
            "--rsh-command",
            "--to-command",
            "--use-compress-program",
            "-F",
            "-I",
        ]),
        "chmod" | "install" => find(&is_setuid),
        "env" => {
            let set = arguments.iter().copied().take_while(|word| !word.starts_with('/'));
            let is_known = |word: &str| VARIABLES.iter().any(|known| word.starts_with(known));
            let mut set = set.filter(|word| word.contains('=') && !word.starts_with('-'));
            set.find(|word| !is_known(word))
        }
        "machinectl" => find(&|word| ["login", "shell"].contains(&word)),
        _ => None,
    };
    found.map(starts_others)
}

fn starts_others(word: impl std::fmt::Display) -> String {
    format!("with `{word}` it can start other programs as root")
}

/// A setting on apt's command line that may start something (`apt.conf(5)`).
fn apt_setting(arguments: &[&str]) -> Option<String> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let is_file = word.starts_with("-c") || word.starts_with("--config-file");
        let setting = word.strip_prefix("--option").or_else(|| word.strip_prefix("-o"));
        let setting = match setting {
            _ if is_file => return Some((*word).to_owned()),
            None => continue,
            Some("") => words.next().copied().unwrap_or_default(),
            Some(setting) => setting.trim_start_matches('='),
        };
        let lower = setting.to_ascii_lowercase();
        if !APT_SETTINGS.iter().any(|known| lower.starts_with(known)) {
            return Some(format!("{word} {setting}"));
        }
    }
    None
}

/// Whether a mode has what runs run as its owner (`chmod(1)`).
fn is_setuid(word: &str) -> bool {
    let mode = word.strip_prefix("--mode=").or_else(|| word.strip_prefix("-m")).unwrap_or(word);
    let is_number =
        mode.len() <= 5 && u32::from_str_radix(mode, 8).is_ok_and(|mode| mode & 0o4000 != 0);
    let is_added = mode.split(',').any(|part| {
        let Some((who, what)) = part.split_once(['+', '=']) else { return false };
        who.bytes().all(|byte| b"ugoa".contains(&byte))
            && !what.is_empty()
            && what.bytes().all(|byte| b"rwxXst".contains(&byte))
            && what.contains('s')
            && (who.is_empty() || who.contains(['u', 'a']))
    });
    is_number || is_added
}

/// Whether sudo takes this for a pattern (sudoers(5), "Wildcards" and "Regular expressions").
fn is_pattern(command: &str) -> bool {
    let mut is_escaped = false;
    let has_wildcard = command.chars().any(|c| {
        let is_it = !is_escaped && "*?[".contains(c);
        is_escaped = !is_escaped && c == '\\';
        is_it
    });
    has_wildcard || command.contains(" ^") || command.starts_with('^')
}

/// The words of a command, as the program gets them.
pub fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        let Some(word) = words.last_mut() else { break };
        match c {
            '\\' => word.extend(chars.next()),
            ' ' if word.is_empty() => {}
            ' ' => words.push(String::new()),
            c => word.push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a link leads to; none for what does by its other names what they say alone.
fn behind(path: &str) -> Option<String> {
    let real = fs::canonicalize(path).ok()?.to_string_lossy().into_owned();
    let name = path.rsplit('/').next().unwrap_or(path);
    let real_name = real.rsplit('/').next().unwrap_or(&real);
    let is_other_name = real_name == "systemctl" && has(SYSTEMCTL, name)
        || real_name != name && has(BY_NAME, real_name);
    (!is_other_name).then_some(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(command: &str) -> Option<Status> {
        let host = Host { helper: "/usr/local/bin/sm-helper", pager_escapes: false };
        judged(command, host).map(|(status, _)| status)
    }

    /// Each gives root by what its line says, on any host.
    const PROBLEMS: &str = include_str!("../../../tests/doctor/gives_root.txt");

    /// None gives root by what its line says, on any host.
    const HARMLESS: &str = include_str!("../../../tests/doctor/gives_nothing.txt");

    fn lines(text: &str) -> impl Iterator<Item = &str> {
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
    }

    #[test]
    fn what_is_all_of_root_is_a_problem() {
        let wrong: Vec<&str> =
            lines(PROBLEMS).filter(|line| status(line) != Some(Status::Problem)).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn what_gives_nothing_is_no_problem() {
        let host = Host { helper: "/usr/local/bin/sm-helper", pager_escapes: false };
        let wrong: Vec<_> = lines(HARMLESS)
            .filter(|line| status(line) != Some(Status::Warning))
            .map(|line| (line, judged(line, host)))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn the_helper_and_what_is_taken_away_are_neither() {
        for command in [
            "/usr/local/bin/sm-helper",
            "/usr/local/bin/sm-helper service restart nginx",
            "!/usr/bin/su",
            "list",
            "list /usr/bin/id",
        ] {
            assert_eq!(status(command), None, "{command}");
        }
    }

    #[test]
    fn a_pager_of_an_old_systemd_is_a_way_out() {
        let old = Host { helper: "/x", pager_escapes: true };
        let status = |command| judged(command, old).map(|(status, _)| status);
        assert_eq!(status("/usr/bin/systemctl status nginx"), Some(Status::Problem));
        assert_eq!(status("/usr/bin/systemctl --no-pager status nginx"), Some(Status::Warning));
    }
}
