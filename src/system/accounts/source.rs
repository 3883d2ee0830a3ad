//! Where the account database is, and how it is asked.

use crate::system::{file, tool};
use nix::errno::Errno;
use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::sync::OnceLock;
use std::time::Duration;
use zeroize::Zeroizing;

/// A part of the account database, as `nsswitch.conf(5)` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// Accounts.
    Passwd,
    /// Groups.
    Group,
    /// The groups of an account; those of [`Database::Group`] unless it says otherwise.
    Initgroups,
    /// Passwords, and until when accounts may be used.
    Shadow,
}

impl Database {
    fn word(self) -> &'static str {
        match self {
            Self::Passwd => "passwd",
            Self::Group => "group",
            Self::Initgroups => "initgroups",
            Self::Shadow => "shadow",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Passwd => "/etc/passwd",
            Self::Group | Self::Initgroups => "/etc/group",
            Self::Shadow => "/etc/shadow",
        }
    }
}

/// What an entry is looked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'k> {
    /// The first field.
    Name(&'k str),
    /// The third one.
    Id(u32),
}

impl Key<'_> {
    /// Whether it is this line's. The rest of the line is not looked at.
    fn is_of(self, line: &str) -> bool {
        match self {
            Self::Name(name) => line.split(':').next() == Some(name),
            Self::Id(id) => line.split(':').nth(2).is_some_and(|field| field.parse() == Ok(id)),
        }
    }

    /// As `getent(1)` takes it; none for a name that it would take for an id.
    fn word(self) -> Option<String> {
        match self {
            Self::Id(id) => Some(id.to_string()),
            Self::Name(name) if name.is_empty() || name.bytes().all(|b| b.is_ascii_digit()) => None,
            Self::Name(name) => Some(name.to_owned()),
        }
    }
}

/// In what order a database's services are asked, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The files, and nothing else.
    Files,
    /// The files first, and others for what is not in them.
    FilesFirst,
    /// The files first, to which others may add.
    FilesMerged,
    /// Something else first.
    Others,
}

impl Source {
    /// What this line's services say. What is not understood is left to the C library.
    fn parse(services: &str) -> Self {
        let words: Vec<&str> = services.split_whitespace().collect();
        match words.as_slice() {
            ["files"] => Self::Files,
            ["files", next, ..] if next.starts_with('[') => Self::FilesMerged,
            ["files", ..] => Self::FilesFirst,
            _ => Self::Others,
        }
    }

    /// What `nsswitch.conf(5)` says of a database.
    fn in_conf(conf: &str, database: Database) -> Self {
        let lines = conf.lines().map(|line| line.split('#').next().unwrap_or_default());
        let mut lines = lines.filter_map(|line| line.split_once(':'));
        let word = database.word();
        match lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(word)) {
            Some((_, services)) => Self::parse(services),
            None if database == Database::Initgroups => Self::in_conf(conf, Database::Group),
            // So does the C library since 2.34; before, it could be another one.
            None => Self::FilesFirst,
        }
    }

    /// Whether what the files say counts, whatever the others say.
    pub fn begins_with_files(self) -> bool {
        self != Self::Others
    }

    /// Whether there is nobody else to ask.
    pub fn is_files_alone(self) -> bool {
        self == Self::Files
    }
}

/// Where this database is on this host. Read once by a process, as the C library does.
pub fn of(database: Database) -> Source {
    static CONF: OnceLock<Result<String, ErrorKind>> = OnceLock::new();
    let read = || file::read_to_string("/etc/nsswitch.conf").map_err(|error| error.kind());
    match CONF.get_or_init(read) {
        Ok(conf) => Source::in_conf(conf, database),
        Err(ErrorKind::NotFound) => Source::FilesFirst,
        Err(_) => Source::Others,
    }
}

/// Finds an entry, which `parse` understands.
///
/// # Errors
/// If the database cannot be asked.
pub fn find<E>(
    database: Database,
    key: Key<'_>,
    parse: impl Fn(&str) -> Option<E>,
) -> nix::Result<Option<E>> {
    let source = of(database);
    if matches!(source, Source::Files | Source::FilesFirst) {
        let own = |line: Cow<'_, str>| key.is_of(&line).then(|| parse(&line)).flatten();
        let found = lines(&read(database)?).find_map(own);
        if found.is_some() || source.is_files_alone() {
            return Ok(found);
        }
    }
    let Some(word) = key.word() else { return Ok(None) };
    let Some(answer) = getent(database, &word)? else { return Ok(None) };
    let line = answer.lines().next().unwrap_or_default();
    if !key.is_of(line) {
        return Ok(None);
    }
    parse(line).map(Some).ok_or(UNCLEAR)
}

/// A database's file.
///
/// # Errors
/// What the kernel says; a file that is not there is empty.
pub fn read(database: Database) -> nix::Result<Zeroizing<Vec<u8>>> {
    match file::read(database.file()) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Zeroizing::default()),
        Err(error) => Err(errno(&error)),
    }
}

/// The lines of such a file that can be entries.
pub fn lines(file: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    // A field that is no UTF-8 is none that is compared.
    let lines = file.split(|byte| *byte == b'\n').map(String::from_utf8_lossy);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The groups that the database names an account in.
///
/// # Errors
/// If it cannot be asked.
pub fn initgroups(name: &str) -> nix::Result<Vec<u32>> {
    let answer = getent(Database::Initgroups, name)?.ok_or(Errno::ENOENT)?;
    let rest = answer.lines().next().and_then(|line| line.strip_prefix(name)).ok_or(UNCLEAR)?;
    rest.split_whitespace().map(|gid| gid.parse().map_err(|_| UNCLEAR)).collect()
}

/// The fields of a line that has this many.
pub fn fields<const COUNT: usize>(line: &str) -> Option<[&str; COUNT]> {
    let fields: Vec<&str> = line.split(':').collect();
    fields.try_into().ok()
}

/// The error for an answer that cannot be understood.
pub const UNCLEAR: Errno = Errno::EBADMSG;

/// Longer than a directory service that is there takes to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What `getent(1)` prints; nothing if it finds nothing.
fn getent(database: Database, word: &str) -> nix::Result<Option<Zeroizing<String>>> {
    let program = tool::find("getent").ok_or(Errno::ENOENT)?;
    let mut command = tool::clean(&program);
    command.args([database.word(), "--", word]);
    let output = tool::output_within(command, PATIENCE).map_err(|error| errno(&error))?;
    let printed = Zeroizing::new(output.stdout);
    match output.status.code() {
        Some(0) => {
            let text = str::from_utf8(&printed).map_err(|_| UNCLEAR)?;
            Ok(Some(Zeroizing::new(text.to_owned())))
        }
        // One or more of what was asked for is not there.
        Some(2) => Ok(None),
        _ => Err(Errno::EIO),
    }
}

fn errno(error: &io::Error) -> Errno {
    match error.kind() {
        ErrorKind::TimedOut => Errno::ETIMEDOUT,
        _ => Errno::from_raw(error.raw_os_error().unwrap_or(Errno::EIO as i32)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_decide_where_they_come_first() {
        use Database::{Group, Initgroups, Passwd};
        let debian = "# comment\npasswd:         files systemd # rest\ngroup: files\n";
        let fedora = "passwd: files systemd\ngroup: files [SUCCESS=merge] systemd\n";
        let old = "passwd: compat\ngroup: sss files\ninitgroups: files\n";
        for (conf, database, expected) in [
            (debian, Passwd, Source::FilesFirst),
            (debian, Group, Source::Files),
            (debian, Initgroups, Source::Files),
            (debian, Database::Shadow, Source::FilesFirst),
            (fedora, Group, Source::FilesMerged),
            (fedora, Initgroups, Source::FilesMerged),
            (old, Passwd, Source::Others),
            (old, Group, Source::Others),
            (old, Initgroups, Source::Files),
            ("passwd:files sss", Passwd, Source::FilesFirst),
            ("passwd:", Passwd, Source::Others),
            ("#passwd: files\nPASSWD: sss", Passwd, Source::Others),
            ("", Passwd, Source::FilesFirst),
        ] {
            assert_eq!(Source::in_conf(conf, database), expected, "{conf:?} {database:?}");
        }
    }

    #[test]
    fn an_entry_is_found_by_the_whole_of_a_field() {
        for (key, line, expected) in [
            (Key::Name("ann"), "ann:x:1:1:::", true),
            (Key::Name("an"), "ann:x:1:1:::", false),
            (Key::Name("x"), "ann:x:1:1:::", false),
            (Key::Name("ann:x"), "ann:x:1:1:::", false),
            (Key::Id(1), "ann:x:1:2:::", true),
            (Key::Id(2), "ann:x:1:2:::", false),
            (Key::Id(1), "ann:x:01x:2:::", false),
            (Key::Id(0), "ann:x::2:::", false),
        ] {
            assert_eq!(key.is_of(line), expected, "{key:?} {line}");
        }
    }

    #[test]
    fn a_name_that_getent_takes_for_an_id_is_not_asked_for() {
        assert_eq!(Key::Name("1000").word(), None);
        assert_eq!(Key::Name("").word(), None);
        assert_eq!(Key::Name("u1000").word().as_deref(), Some("u1000"));
        assert_eq!(Key::Id(1000).word().as_deref(), Some("1000"));
    }
}
