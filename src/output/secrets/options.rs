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
    ("doveadm pw", "-p", Form::Value),
    ("groupadd", "-p", Form::Value),
    ("groupmod", "-p", Form::Value),
    ("helm login", "-p", Form::Value),
    ("http", "-a", Form::After(':')),
    ("https", "-a", Form::After(':')),
    ("ipmitool", "-P", Form::Value),
    ("kadmin", "-w", Form::Value),
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
    ("slappasswd", "-s", Form::Value),
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

/// The options of curl without a value that it takes in one word before another: `-fsSu`.
const FLAGS_OF_CURL: &[u8] = b"#0123456GIJLMNOSVZafgijklnpqsv";

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
    let is_flag = |byte: &u8| FLAGS_OF_CURL.contains(byte);
    let flags = rest.bytes().skip(1).take(20).take_while(is_flag).count();
    let known = OPTIONS.iter().filter_map(|(programs, option, form)| {
        let is_cluster = flags > 0 && *programs == "curl" && !option.starts_with("--");
        let skipped = if is_cluster { flags } else { 0 };
        let letters = rest.get(1 + skipped..)?;
        letters.starts_with(&option[1..]).then_some((programs, option, form, at + skipped))
    });
    let mut known = known.peekable();
    known.peek()?;
    let words = Words::before(line, at);
    for (programs, option, form, at) in known {
        let Some(from) = words.first_of(programs) else { continue };
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
        // Another option, or a placeholder of a help text.
        if !is_glued
            && line[begin..].trim_start_matches(['\\', '"', '\'']).starts_with(['<', '-', '['])
        {
            continue;
        }
        let mut value = value(begin);
        if let Form::After(mark) = form {
            let Some(sign) = line[value.clone()].find(*mark) else { continue };
            value.start += sign + mark.len_utf8();
        }
        return Some((from, value));
    }
    None
}

/// The words of a command, each without what stands before its last name (`/usr/bin/curl`), and
/// where that name begins.
struct Words<'l>(Vec<(usize, &'l str)>);

impl<'l> Words<'l> {
    /// Those before `at` in the same command.
    fn before(line: &'l str, at: usize) -> Self {
        let earliest = at.saturating_sub(BEFORE);
        let earliest = (earliest..at).find(|at| line.is_char_boundary(*at)).unwrap_or(at);
        // A `;` in the middle of a word can be a part of another secret.
        let is_end = |(at, sign): &(usize, &str)| line[at + sign.len()..].starts_with([' ', '\t']);
        let ends = line[earliest..at].rmatch_indices([';', '|', '&']);
        let end = ends.map(|(end, sign)| (earliest + end, sign)).find(is_end);
        let mut begin = end.map_or(earliest, |(end, sign)| end + sign.len());
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let mut words = Vec::new();
        for word in line[begin..at].split_inclusive([' ', '\t']) {
            let end = begin + word.len();
            let word = word.trim_end_matches([' ', '\t']);
            let name = word.bytes().rev().take_while(is_name).count();
            if name > 0 {
                let name = &word[word.len() - name..];
                words.push((begin + word.len() - name.len(), name));
            }
            begin = end;
        }
        Self(words)
    }

    /// Where the first one of these stands, if all of them are there.
    fn first_of(&self, programs: &str) -> Option<usize> {
        let places = programs.split(' ').map(|program| {
            self.0.iter().find(|(_, word)| *word == program).map(|(place, _)| *place)
        });
        places.reduce(|first, next| Some(first?.min(next?)))?
    }
}
