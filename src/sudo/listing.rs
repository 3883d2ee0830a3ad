//! What sudo lists for an account (`sudo -ll -U NAME`), wherever its rules come from: files, LDAP
//! or SSSD.

use crate::output::text::one_line;
use crate::system::file;
use std::path::Path;

/// A rule, as sudo lists it: the commands of one entry have the same run-as and options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// As whom, as sudoers writes it: `root`, `ALL`, `#0`, `%root` for whoever is in that group.
    pub users: Vec<String>,
    /// With which groups the account may choose to run it: `docker`, `ALL`, `#999`.
    pub groups: Vec<String>,
    /// `!authenticate`, `setenv`, `noexec`, …; sudo-rs shows not all of them.
    pub options: Vec<String>,
    /// The folder that sudo takes for the root folder; `*` is the one that the account names.
    pub chroot: Option<String>,
    /// The commands, with their arguments and without the digests of their programs; one that is
    /// removed begins with `!`.
    pub commands: Vec<String>,
}

impl Entry {
    /// Whether it is about running something as root, or as whoever is in a group: root may be.
    pub fn is_as_root(&self) -> bool {
        let is_root = |user: &String| {
            let number = user.strip_prefix('#').map(str::parse);
            ["root", "ALL"].contains(&&**user)
                || number == Some(Ok(0))
                || user.starts_with(['%', '+'])
        };
        self.users.is_empty() || self.users.iter().any(is_root)
    }

    /// Whether no password is asked.
    pub fn is_free(&self) -> bool {
        self.options.iter().any(|option| option == "!authenticate")
    }
}

/// Reads the long listing. It must have been made with so many columns that no line is broken.
///
/// # Errors
/// If it is not understood: then nothing can be said of it.
pub fn parse(listed: &str) -> Result<Vec<Entry>, String> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in listed.lines() {
        if is_heading(line) {
            entries.push(Entry::default());
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        let words = |text: &str| text.split(", ").map(|word| word.trim().to_owned()).collect();
        if let Some(command) = line.strip_prefix('\t') {
            entry.commands.push(without_digest(command.trim()).to_owned());
        } else if let Some(users) = line.trim_start().strip_prefix("RunAsUsers: ") {
            entry.users = words(users);
        } else if let Some(groups) = line.trim_start().strip_prefix("RunAsGroups: ") {
            entry.groups = words(groups);
        } else if let Some(options) = line.trim_start().strip_prefix("Options: ") {
            entry.options = words(options);
        } else if let Some(chroot) = line.trim_start().strip_prefix("Chroot: ") {
            entry.chroot = Some(chroot.to_owned());
        }
    }
    if entries.is_empty() && listed.contains("may run the following commands") {
        return Err(format!("its output is not understood: {}", one_line(listed, 200)));
    }
    Ok(entries)
}

/// `sha224:…, sha256:… /bin/ls`: what the program must be may stand in front of it (sudoers(5)).
fn without_digest(command: &str) -> &str {
    match command.split_once(' ') {
        Some((first, rest)) if first.starts_with("sha") && first.contains(':') => {
            without_digest(rest)
        }
        _ => command,
    }
}

/// Whether a listed command may be this program, whatever stands behind it: by its path, by another
/// one that leads to the same file, by its folder's, or by a pattern that begins as its path does.
pub fn may_be(command: &str, program: &Path) -> bool {
    let path = command.split(' ').next().unwrap_or(command);
    let begins = |begin: &str| program.to_string_lossy().starts_with(begin);
    if path == "ALL" || begins(path) && path.ends_with('/') {
        return true;
    }
    if let Some(pattern) = path.strip_prefix('^') {
        let literal = pattern.split(['.', '*', '+', '?', '[', '(', '{', '\\', '$']).next();
        return pattern.contains('|') || begins(literal.unwrap_or_default());
    }
    if !path.starts_with('/') {
        return false;
    }
    match path.split_once(['*', '?', '[', '\\']) {
        Some((literal, _)) => begins(literal),
        None if path.ends_with('/') => {
            program.parent().is_some_and(|folder| is_one_file(Path::new(path), folder))
        }
        None => is_one_file(Path::new(path), program),
    }
}

/// sudo goes by the inode, sudo-rs by where links lead.
fn is_one_file(one: &Path, other: &Path) -> bool {
    one == other || file::identity(one).is_some_and(|one| Some(one) == file::identity(other))
}

/// `Sudoers entry:`, since sudo 1.9.15 with the file behind it, `LDAP Role: NAME`, `SSSD Role: NAME`.
fn is_heading(line: &str) -> bool {
    line.starts_with("Sudoers entry:")
        || line.starts_with("LDAP Role:")
        || line.starts_with("SSSD Role:")
}

/// The commands that an environment may be brought to, of the short listing (`sudo -l -U NAME`):
/// sudo-rs shows that tag there alone.
pub fn with_environment(listed: &str) -> impl Iterator<Item = &str> {
    let rules = listed.lines().filter(|line| line.trim_start().starts_with('('));
    rules.filter_map(|line| line.split_once(" SETENV: ").map(|(_, commands)| commands))
}

/// The settings that hold for the account when it runs this program as root, of the short listing;
/// sudo-rs lists none.
pub fn settings(listed: &str, program: &str) -> Vec<String> {
    let rules = listed.find(" may run the following commands").unwrap_or(listed.len());
    let lines = listed[..rules].lines().filter(|line| line.starts_with(' ')).map(str::trim);
    let mut all = Vec::new();
    for line in lines {
        // `Defaults>root setenv    Defaults!/bin/a, /bin/b noexec`: for whom or what, then which.
        let mut parts = line.split("Defaults");
        let everywhere = parts.next().unwrap_or_default();
        all.extend(everywhere.split(", "));
        for part in parts {
            let ends = |(at, _): &(usize, &str)| !part[..*at].ends_with(',');
            let Some((at, _)) = part.match_indices(' ').find(ends) else { continue };
            let mut scope = part[1..at].split(',').map(str::trim);
            let is_for_it = scope.any(|one| one == "ALL" || one == "root" || one == program);
            if is_for_it {
                all.extend(part[at..].trim().split(", "));
            }
        }
    }
    all.into_iter().filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    #[test]
    fn the_long_listing_is_understood() {
        cases::each("sudoers/listed", |case| match parse(case.input("stdout")) {
            Err(error) => json!({"error": error}),
            Ok(entries) => json!(entries.iter().map(json_of).collect::<Vec<_>>()),
        });
    }

    fn json_of(entry: &Entry) -> Value {
        let Entry { users, groups, options, chroot, commands } = entry;
        json!({
            "users": users,
            "groups": groups,
            "options": options,
            "chroot": chroot,
            "commands": commands,
            "is_as_root": entry.is_as_root(),
            "is_free": entry.is_free(),
        })
    }

    #[test]
    fn settings_and_tags_are_those_of_the_short_one() {
        cases::each("sudoers/listed_settings", |case| {
            let listed = case.input("stdout");
            let programs = case.input("programs").lines();
            let settings = programs.map(|program| (program, settings(listed, program)));
            json!({
                "settings": settings.collect::<BTreeMap<_, _>>(),
                "with_environment": with_environment(listed).collect::<Vec<_>>(),
            })
        });
    }

    #[test]
    fn whoever_is_in_a_group_may_be_root() {
        let is_as_root = |user: &str| {
            Entry { users: vec!["agent".to_owned(), user.to_owned()], ..Entry::default() }
                .is_as_root()
        };
        for user in ["root", "ALL", "#0", "#00", "%root", "%#0", "+admins"] {
            assert!(is_as_root(user), "{user}");
        }
        for user in ["agent", "#1000", "rooted"] {
            assert!(!is_as_root(user), "{user}");
        }
    }

    #[test]
    fn a_command_that_may_be_a_program_is_seen_whatever_stands_behind_it() {
        let program = Path::new("/usr/local/bin/sm");
        for command in [
            "ALL",
            "/usr/local/bin/sm",
            "/usr/local/bin/sm policy *",
            "/usr/local/bin/sm \"\"",
            "/usr/local/bin/",
            "/usr/local/b?n/sm policy",
            "/usr/local/bin/s\\m policy",
            "/*",
            "^/usr/local/bin/[a-z]+$ policy",
            "^/bin/a|/usr/local/bin/sm$",
        ] {
            assert!(may_be(command, program), "{command}");
        }
        for command in [
            "!/usr/local/bin/sm",
            "/usr/local/bin/sm-helper",
            "/usr/local/bin/sm-helper package *",
            "/usr/bin/",
            "/usr/bin/* sm",
            "^/usr/bin/id$",
            "sudoedit /usr/local/bin/sm",
            "list",
        ] {
            assert!(!may_be(command, program), "{command}");
        }
        // By another name of the same file.
        assert!(may_be("/proc/self/exe x", &std::env::current_exe().expect("this test")));
        assert!(may_be("/proc/self/root/usr/", Path::new("/usr/bin")));
    }
}
