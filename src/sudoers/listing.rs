//! What sudo lists for an account (`sudo -ll -U NAME`), wherever its rules come from: files, LDAP
//! or SSSD.

/// A rule, as sudo lists it: the commands of one entry have the same run-as and options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// As whom, as sudoers writes it: `root`, `ALL`, `#0`.
    pub users: Vec<String>,
    /// `!authenticate`, `setenv`, `noexec`, …; sudo-rs shows not all of them.
    pub options: Vec<String>,
    /// The commands, with their arguments; one that is taken away begins with `!`.
    pub commands: Vec<String>,
}

impl Entry {
    /// Whether it is about running something as root.
    pub fn is_as_root(&self) -> bool {
        self.users.is_empty()
            || self.users.iter().any(|user| ["root", "ALL", "#0"].contains(&user.as_str()))
    }

    /// Whether no password is asked.
    pub fn is_free(&self) -> bool {
        self.options.iter().any(|option| option == "!authenticate")
    }
}

/// Reads the long listing. It must have been made with so many columns that no line is broken.
pub fn parse(listed: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in listed.lines() {
        if is_heading(line) {
            entries.push(Entry::default());
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        let words = |text: &str| text.split(", ").map(|word| word.trim().to_owned()).collect();
        if let Some(command) = line.strip_prefix('\t') {
            entry.commands.push(command.trim().to_owned());
        } else if let Some(users) = line.trim_start().strip_prefix("RunAsUsers: ") {
            entry.users = words(users);
        } else if let Some(options) = line.trim_start().strip_prefix("Options: ") {
            entry.options = words(options);
        }
    }
    entries
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

    const CLASSIC: &str = "\
Matching Defaults entries for agent on host:
    env_reset, mail_badpass, use_pty, !use_pty, env_keep+=\"LD_PRELOAD FOO\"

User agent may run the following commands on host:

Sudoers entry: /etc/sudoers.d/sm-agent
    RunAsUsers: root
    Options: !setenv, !authenticate
    Commands:
\t/usr/local/bin/sm-helper

LDAP Role: all
    RunAsUsers: ALL
    RunAsGroups: ALL
    Commands:
\tALL
\t!/usr/bin/su
";

    #[test]
    fn the_long_listing_is_understood() {
        let entries = parse(CLASSIC);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].commands, ["/usr/local/bin/sm-helper"]);
        assert!(entries[0].is_free() && entries[0].is_as_root());
        assert_eq!(entries[1].commands, ["ALL", "!/usr/bin/su"]);
        assert!(!entries[1].is_free() && entries[1].is_as_root());
        assert!(parse("User other is not allowed to run sudo on host.\n").is_empty());
    }

    #[test]
    fn settings_and_tags_are_those_of_the_short_one() {
        let all = settings(CLASSIC, "/bin/x");
        assert_eq!(all.first().map(String::as_str), Some("env_reset"));
        assert_eq!(all.last().map(String::as_str), Some("env_keep+=\"LD_PRELOAD FOO\""));
        let short =
            "    (root) NOSETENV: NOPASSWD: /bin/a\n    (root) SETENV: NOPASSWD: /bin/b, /bin/c\n";
        assert_eq!(with_environment(short).collect::<Vec<_>>(), ["NOPASSWD: /bin/b, /bin/c"]);
    }
}
