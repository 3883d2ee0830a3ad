//! Command lines that have a secret behind an option of one letter, or a word.

use std::ops::Range;

/// What stands behind an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The secret, in the same word: `-pSECRET`.
    Glued,
    /// The secret, in the same word or the next.
    Value,
    /// The account, this character, the secret.
    After(char),
}

/// The programs, all of whose words must be there; the option; what stands behind it.
const OPTIONS: &[(&str, &str, Form)] = &[
    ("7z", "-p", Form::Glued),
    ("7za", "-p", Form::Glued),
    ("7zr", "-p", Form::Glued),
    ("ab", "-A", Form::After(':')),
    ("ab", "-P", Form::After(':')),
    ("bcp", "-P", Form::Value),
    ("buildah login", "-p", Form::Value),
    ("crane login", "-p", Form::Value),
    ("curl", "--proxy-user", Form::After(':')),
    ("curl", "--user", Form::After(':')),
    ("curl", "-U", Form::After(':')),
    ("curl", "-u", Form::After(':')),
    ("docker login", "-p", Form::Value),
    ("helm login", "-p", Form::Value),
    ("http", "-a", Form::After(':')),
    ("https", "-a", Form::After(':')),
    ("ipmitool", "-P", Form::Value),
    ("ldapadd", "-w", Form::Value),
    ("ldapdelete", "-w", Form::Value),
    ("ldapmodify", "-w", Form::Value),
    ("ldappasswd", "-s", Form::Value),
    ("ldappasswd", "-w", Form::Value),
    ("ldapsearch", "-w", Form::Value),
    ("ldapwhoami", "-w", Form::Value),
    ("lftp", "-u", Form::After(',')),
    ("mariadb", "-p", Form::Glued),
    ("mariadb-admin", "-p", Form::Glued),
    ("mariadb-backup", "-p", Form::Glued),
    ("mariadb-check", "-p", Form::Glued),
    ("mariadb-dump", "-p", Form::Glued),
    ("mongo", "-p", Form::Value),
    ("mongodump", "-p", Form::Value),
    ("mongoexport", "-p", Form::Value),
    ("mongoimport", "-p", Form::Value),
    ("mongorestore", "-p", Form::Value),
    ("mongosh", "-p", Form::Value),
    ("mosquitto_pub", "-P", Form::Value),
    ("mosquitto_sub", "-P", Form::Value),
    ("mysql", "-p", Form::Glued),
    ("mysqladmin", "-p", Form::Glued),
    ("mysqlcheck", "-p", Form::Glued),
    ("mysqldump", "-p", Form::Glued),
    ("mysqlimport", "-p", Form::Glued),
    ("mysqlshow", "-p", Form::Glued),
    ("net", "-U", Form::After('%')),
    ("nerdctl login", "-p", Form::Value),
    ("openssl", "-k", Form::Value),
    ("podman login", "-p", Form::Value),
    ("rar", "-hp", Form::Glued),
    ("rar", "-p", Form::Glued),
    ("redis-cli", "-a", Form::Value),
    ("rpcclient", "-U", Form::After('%')),
    ("smbclient", "-U", Form::After('%')),
    ("smbget", "-U", Form::After('%')),
    ("snmpget", "-A", Form::Value),
    ("snmpget", "-X", Form::Value),
    ("snmpget", "-c", Form::Value),
    ("snmpwalk", "-A", Form::Value),
    ("snmpwalk", "-X", Form::Value),
    ("snmpwalk", "-c", Form::Value),
    ("sqlcmd", "-P", Form::Value),
    ("sshpass", "-p", Form::Value),
    ("tsql", "-P", Form::Value),
    ("unrar", "-p", Form::Glued),
    ("unzip", "-P", Form::Value),
    ("useradd", "-p", Form::Value),
    ("usermod", "-p", Form::Value),
    ("xtrabackup", "-p", Form::Glued),
    ("zip", "-P", Form::Value),
];

/// How far before an option its program is looked for, in bytes.
const BEFORE: usize = 256;

/// The secret behind the option at `at`, and where the command begins that makes it one. `value`
/// gives what begins somewhere as one word.
pub fn secret(
    line: &str,
    at: usize,
    value: impl Fn(usize) -> Range<usize>,
) -> Option<(usize, Range<usize>)> {
    let rest = &line[at..];
    let known = OPTIONS.iter().filter(|(_, option, _)| rest.starts_with(option));
    for (programs, option, form) in known {
        let after = at + option.len();
        let is_apart = line[after..].starts_with([' ', '\t']);
        let is_glued = !is_apart && after < line.len();
        let begin = match form {
            Form::Glued if !is_glued => continue,
            // `--password` is another option, and so is `-path`.
            _ if is_glued && option.starts_with("--") && !line[after..].starts_with('=') => {
                continue;
            }
            _ if option.starts_with("--") && is_glued => after + 1,
            _ if is_glued => after,
            _ => line.len() - line[after..].trim_start_matches([' ', '\t']).len(),
        };
        let Some(from) = program(line, at, programs) else { continue };
        let mut value = value(begin);
        // Another option, or a placeholder of a help text.
        if line[value.clone()].starts_with(['<', '-', '[']) && !is_glued {
            continue;
        }
        if let Form::After(mark) = form {
            let Some(sign) = line[value.clone()].find(*mark) else { continue };
            value.start += sign + mark.len_utf8();
        }
        return Some((from, value));
    }
    None
}

/// Where the command begins in whose words all these programs are.
fn program(line: &str, at: usize, programs: &str) -> Option<usize> {
    let mut begin = at.saturating_sub(BEFORE);
    while !line.is_char_boundary(begin) {
        begin += 1;
    }
    let before = &line[begin..at];
    let command = before.rfind([';', '|', '&', '\n']).map_or(0, |end| end + 1);
    let mut first = None;
    for program in programs.split(' ') {
        let is_it = |(at, _): &(usize, &str)| {
            let is_begin =
                !before[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || "_-.".contains(c));
            is_begin && before[at + program.len()..].starts_with([' ', '\t'])
        };
        let at = before[command..].match_indices(program).map(|(at, word)| (at + command, word));
        let (at, _) = at.clone().find(is_it)?;
        first = Some(first.map_or(at, |first: usize| first.min(at)));
    }
    first.map(|first| begin + first)
}
