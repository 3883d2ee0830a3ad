//! What is written in sudo's configuration, and in which line: sudo lists what it does for an
//! account and does not say where it has it from.

use crate::sudo::files::{Included, entries, main_file};
use crate::sudo::grammar::{self, Command, Line, plain};
use crate::system::accounts::{Group, User, groups_of};
use nix::unistd::Gid;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

/// As deep as sudo follows inclusions (its `MAX_SUDOERS_DEPTH`).
const DEEPEST: u32 = 128;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1: the first one of a line that continues over several.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}:{}", self.file.display(), self.line)
    }
}

/// An account, as rules name one.
#[derive(Debug)]
pub struct Account {
    name: String,
    uid: u32,
    groups: Vec<(String, u32)>,
}

impl Account {
    /// With the groups of the account database.
    pub fn of(user: &User) -> Self {
        let groups = groups_of(&user.name, user.gid).unwrap_or_else(|_| vec![user.gid]);
        Self::with_groups(user, &groups)
    }

    /// With groups that are known already.
    pub fn with_groups(user: &User, groups: &[Gid]) -> Self {
        let named = |gid: &Gid| {
            let name = Group::from_gid(*gid).ok().flatten().map(|group| group.name);
            (name.unwrap_or_default(), gid.as_raw())
        };
        let groups = groups.iter().map(named).collect();
        Self { name: user.name.clone(), uid: user.uid.as_raw(), groups }
    }
}

/// A rule, where it is written.
#[derive(Debug)]
pub struct Rule<'w> {
    /// The line of the rule, which may name the command by an alias.
    pub place: &'w Place,
    /// The users that the rule is for, as it names them.
    pub users: &'w [String],
    /// The command, its alias resolved.
    pub command: Command,
}

/// A setting that holds, where it is written.
#[derive(Debug)]
pub struct Setting<'w> {
    /// The line.
    pub place: &'w Place,
    /// As it is written: `umask=0022`, `!use_pty`.
    pub text: &'w str,
}

/// The whole configuration.
#[derive(Debug, Default)]
pub struct Written {
    lines: Vec<(Place, Line)>,
    aliases: BTreeMap<String, Vec<String>>,
}

impl Written {
    /// Reads it, in the order in which sudo does. What cannot be read is left out, as sudo leaves
    /// it out.
    pub fn read() -> Self {
        let mut lines = Vec::new();
        read_file(main_file(), 0, &mut lines);
        Self::of(lines)
    }

    fn of(texts: Vec<(Place, String)>) -> Self {
        let mut written = Self::default();
        for (place, text) in texts {
            match grammar::line(&text) {
                Some(Line::Aliases(aliases)) => written.aliases.extend(aliases),
                Some(line) => written.lines.push((place, line)),
                None => {}
            }
        }
        written
    }

    /// Every command that a rule for the account names, in the order of the rules.
    pub fn rules(&self, account: &Account) -> Vec<Rule<'_>> {
        let mut found = Vec::new();
        for (place, line) in &self.lines {
            let Line::Rule { users, commands } = line else { continue };
            if !self.is_among(account, users, 0) {
                continue;
            }
            for command in commands {
                for text in self.resolved(&command.text, 0) {
                    let command = Command { text, ..command.clone() };
                    found.push(Rule { place, users, command });
                }
            }
        }
        found
    }

    /// Where a rule for the account is that sudo lists with this command: the last one that is with
    /// or without a password as the listed one is, or else the last one.
    pub fn rule(
        &self,
        account: &Account,
        command: &str,
        is_free: Option<bool>,
    ) -> Option<Rule<'_>> {
        let is_it = |rule: &Rule<'_>| is_same(&rule.command.text, command);
        let mut found: Vec<Rule<'_>> = self.rules(account).into_iter().filter(is_it).collect();
        let is_so = |rule: &Rule<'_>| {
            is_free.is_none_or(|is_free| rule.command.is_free.unwrap_or(false) == is_free)
        };
        let at = found.iter().rposition(is_so).or_else(|| found.len().checked_sub(1))?;
        Some(found.swap_remove(at))
    }

    /// Where a rule for the account with such a tag or option is: `SETENV`, `CHROOT`.
    pub fn tagged(&self, account: &Account, tag: &str) -> Option<Rule<'_>> {
        let has = |rule: &Rule<'_>| {
            rule.command.tags.iter().any(|one| one.split('=').next() == Some(tag))
        };
        self.rules(account).into_iter().rev().find(has)
    }

    /// The setting of this name that holds when the account runs the program as root: of the
    /// commands, or else of whom it runs as, or else the last one of the account's, the host's or
    /// everybody's (`sudoers(5)`, "Defaults").
    pub fn setting(&self, account: &Account, program: &Path, name: &str) -> Option<Setting<'_>> {
        let mut found: Option<(u32, Setting<'_>)> = None;
        for (place, line) in &self.lines {
            let Line::Settings { scope, settings } = line else { continue };
            let Some(rank) = self.rank(scope.as_ref(), account, program) else { continue };
            for text in settings.iter().filter(|text| name_of(text) == name) {
                if found.as_ref().is_none_or(|(old, _)| *old <= rank) {
                    found = Some((rank, Setting { place, text }));
                }
            }
        }
        found.map(|(_, setting)| setting)
    }

    /// How much such settings weigh; none if they are for others.
    fn rank(
        &self,
        scope: Option<&(char, Vec<String>)>,
        account: &Account,
        program: &Path,
    ) -> Option<u32> {
        let root = || Account { name: "root".to_owned(), uid: 0, groups: Vec::new() };
        match scope {
            // Which host this is, sudo knows.
            None | Some(('@', _)) => Some(0),
            Some((':', users)) => self.is_among(account, users, 0).then_some(0),
            Some(('>', users)) => self.is_among(&root(), users, 0).then_some(1),
            Some((_, commands)) => {
                let mut resolved = commands.iter().flat_map(|one| self.resolved(one, 0));
                let program = program.to_string_lossy();
                resolved.any(|one| one == "ALL" || is_same(&one, &program)).then_some(2)
            }
        }
    }

    /// Whether the account is meant: the last member that names it decides.
    fn is_among(&self, account: &Account, members: &[String], deep: u32) -> bool {
        let mut is_meant = false;
        for member in members {
            let bare = member.trim_start_matches('!');
            let is_negated = (member.len() - bare.len()) % 2 == 1;
            if self.names(account, bare, deep) {
                is_meant = !is_negated;
            }
        }
        is_meant
    }

    fn names(&self, account: &Account, member: &str, deep: u32) -> bool {
        let number = |text: &str| text.strip_prefix('#').and_then(|id| id.parse::<u32>().ok());
        if member == "ALL" || member == account.name || number(member) == Some(account.uid) {
            return true;
        }
        if let Some(group) = member.strip_prefix('%') {
            let is_it = |(name, gid): &(String, u32)| group == name || number(group) == Some(*gid);
            return account.groups.iter().any(is_it);
        }
        let alias = self.aliases.get(member).filter(|_| deep < DEEPEST);
        alias.is_some_and(|members| self.is_among(account, members, deep + 1))
    }

    /// The commands that a member of a list stands for.
    fn resolved(&self, member: &str, deep: u32) -> Vec<String> {
        let bare = member.trim_start_matches('!');
        let Some(members) = self.aliases.get(bare).filter(|_| deep < DEEPEST) else {
            return vec![member.to_owned()];
        };
        let is_negated = (member.len() - bare.len()) % 2 == 1;
        let resolved = members.iter().flat_map(|one| self.resolved(one, deep + 1));
        if !is_negated {
            return resolved.collect();
        }
        let other = |one: String| match one.strip_prefix('!') {
            Some(one) => one.to_owned(),
            None => format!("!{one}"),
        };
        resolved.map(other).collect()
    }
}

/// `env_keep` of `env_keep+=X`, `use_pty` of `!use_pty`.
pub fn name_of(setting: &str) -> &str {
    setting.trim_start_matches('!').split(['=', '+', '-', ' ']).next().unwrap_or_default()
}

/// Whether a written command is a listed one: sudo-rs lists where a path leads, and a folder as a
/// pattern.
fn is_same(written: &str, listed: &str) -> bool {
    let (written, listed) = (plain(written), plain(listed));
    if written == listed || written.ends_with('/') && format!("{written}*") == listed {
        return true;
    }
    let split = |text: &str| {
        let (path, arguments) = text.split_once(' ').unwrap_or((text, ""));
        let bare = path.trim_start_matches('!');
        let real = fs::canonicalize(bare).unwrap_or_else(|_| bare.into());
        (path.len() - bare.len(), real, arguments.to_owned())
    };
    let is_path = |text: &str| text.trim_start_matches('!').starts_with('/');
    is_path(&written) && is_path(&listed) && split(&written) == split(&listed)
}

fn read_file(file: &Path, deep: u32, lines: &mut Vec<(Place, String)>) {
    // A fifo would hold whoever reads it.
    let is_file = fs::metadata(file).is_ok_and(|data| data.is_file());
    if deep == DEEPEST || !is_file {
        return;
    }
    let text = fs::read(file).unwrap_or_default();
    for (line, text) in joined(&String::from_utf8_lossy(&text)) {
        match Included::by(&text) {
            Some(included) => {
                let path = file.with_file_name(included.here());
                let mut files = match included.is_folder {
                    true => entries(&path),
                    false => vec![path],
                };
                files.sort();
                files.iter().for_each(|file| read_file(file, deep + 1, lines));
            }
            None => lines.push((Place { file: file.to_owned(), line }, text)),
        }
    }
}

/// The lines with the number of each; one that ends with a backslash continues in the next.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut joined: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        let ends = (line.len() - line.trim_end_matches('\\').len()) % 2 == 1;
        let part = if ends { &line[..line.len() - 1] } else { line };
        match joined.last_mut().filter(|_| goes_on) {
            Some((_, whole)) => whole.push_str(part),
            None => joined.push((number + 1, part.to_owned())),
        }
        goes_on = ends;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::{Value, json};

    #[test]
    fn the_line_of_a_command_and_of_a_setting_is_found() {
        let account = |name: &str, uid: u32, group: &str| Account {
            name: name.to_owned(),
            uid,
            groups: vec![(group.to_owned(), 100)],
        };
        let accounts = [account("agent", 1000, "users"), account("third", 1001, "ops")];
        cases::each("sudoers/rules_and_settings", |case| {
            let place = |line| Place { file: "/etc/sudoers".into(), line };
            let lines = joined(case.input("sudoers"));
            let lines = lines.into_iter().map(|(line, text)| (place(line), text)).collect();
            let written = Written::of(lines);
            let answer = |account: &Account, question: &str| -> Option<Value> {
                let (kind, rest) = question.split_once(' ').expect("two words");
                let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
                match kind {
                    "rule" => {
                        let is_free = ["password", "free"].iter().position(|word| *word == first);
                        let is_free = is_free.map(|at| at == 1);
                        Some(json!(written.rule(account, second, is_free)?.place.line))
                    }
                    "tagged" => Some(json!(written.tagged(account, rest)?.place.line)),
                    "setting" => {
                        let setting = written.setting(account, Path::new(first), second)?;
                        Some(json!([setting.place.line, setting.text]))
                    }
                    _ => panic!("{question}"),
                }
            };
            let answers = case.input("questions").lines().flat_map(|question| {
                accounts.iter().map(move |account| {
                    (format!("{}: {question}", account.name), json!(answer(account, question)))
                })
            });
            Value::Object(answers.collect())
        });
    }

    #[test]
    fn one_file_by_two_paths_is_one_command() {
        let this = std::env::current_exe().expect("this test");
        let other = format!("/proc/self/root{} a b", this.display());
        assert!(is_same(&format!("{} a b", this.display()), &other));
        assert!(!is_same(&format!("{} a", this.display()), &other));
        assert!(!is_same("/nowhere/a", "/nowhere/b"));
    }
}
