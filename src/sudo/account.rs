//! For whom: an account or a group, as sudoers writes it and as a file name holds it.

use crate::output::text::shell_word;
use crate::request::code::{Code, Refusal};
use crate::request::name::quoted;
use crate::system::accounts::{Group, User};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Words of sudo's grammar in lower case, which it does not take for names (its `toke.l`).
const RESERVED: [&str; 6] = ["list", "sha224", "sha256", "sha384", "sha512", "sudoedit"];

/// An account or a group that may be allowed to run the helper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// One account.
    User {
        /// Its name.
        name: String,
        /// Its id; none if it is gone, which only taking its drop-in away can live with.
        uid: Option<u32>,
    },
    /// Everybody in a group.
    Group {
        /// Its name.
        name: String,
        /// Its id; none if it is gone.
        gid: Option<u32>,
    },
}

impl Who {
    /// The account or group that was asked for; without one, the account that called sudo.
    ///
    /// # Errors
    /// If there is none such, or it is root.
    pub fn find(
        user: Option<&OsStr>,
        group: Option<&OsStr>,
        must_exist: bool,
    ) -> Result<Self, Refusal> {
        if let Some(group) = group {
            return Self::group(group, must_exist);
        }
        if let Some(user) = user {
            return Self::user(user, must_exist);
        }
        let own = nix::unistd::getuid();
        let caller = if own.is_root() {
            std::env::var_os("SUDO_USER").filter(|name| name != "root")
        } else {
            User::from_uid(own).ok().flatten().map(|user| user.name.into())
        };
        match caller {
            Some(name) => Self::user(&name, must_exist),
            None => {
                Err(Refusal::new(Code::Usage, "root needs no rule, and no other account was named")
                    .hint("name an account: sm setup-sudo --user NAME"))
            }
        }
    }

    fn user(name: &OsStr, must_exist: bool) -> Result<Self, Refusal> {
        let name = plain(name, "account")?;
        let found = User::from_name(&name).ok().flatten();
        match &found {
            Some(user) if user.uid.is_root() => Err(Refusal::new(
                Code::InvalidArgument,
                format!("{name} is root already and needs no rule"),
            )
            .hint("name the account that the agent runs as")),
            None if must_exist => Err(unknown(&name)),
            _ => Ok(Self::User { name, uid: found.map(|user| user.uid.as_raw()) }),
        }
    }

    fn group(name: &OsStr, must_exist: bool) -> Result<Self, Refusal> {
        let name = plain(name, "group")?;
        let found = Group::from_name(&name).ok().flatten();
        match &found {
            Some(group) if group.gid.as_raw() == 0 => {
                Err(Refusal::new(Code::InvalidArgument, format!("{name} is root's group"))
                    .hint("name a group of the accounts that agents run as"))
            }
            None if must_exist => Err(Refusal::new(
                Code::InvalidArgument,
                format!("there is no group {name} on this host"),
            )
            .hint("check the spelling, or create it first: groupadd NAME")),
            _ => Ok(Self::Group { name, gid: found.map(|group| group.gid.as_raw()) }),
        }
    }

    /// `account agent`, `group agents`
    pub fn described(&self) -> String {
        match self {
            Self::User { name, .. } => format!("account {name}"),
            Self::Group { name, .. } => format!("group {name}"),
        }
    }

    /// The flags that name it to `sm setup-sudo`.
    pub fn flags(&self) -> String {
        let (flag, name) = match self {
            Self::User { name, .. } => ("--user", name),
            Self::Group { name, .. } => ("--group", name),
        };
        format!("{flag} {}", shell_word(name))
    }

    /// The name of its drop-in. sudo skips names with a `.` or a trailing `~`, so whatever is
    /// not a letter, a digit, `_` or `-` is written as `=` and two hexadecimal digits. A group's
    /// begins with `%`, as in sudoers, which no account's does.
    pub fn file_name(&self) -> String {
        let (mark, name) = match self {
            Self::User { name, .. } => ("", name),
            Self::Group { name, .. } => ("%", name),
        };
        let mut file = format!("sm-{mark}");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"_-".contains(&byte) {
                file.push(char::from(byte));
            } else {
                file.push_str(&format!("={byte:02X}"));
            }
        }
        file
    }

    /// Whose drop-in has this name, as far as they are still there.
    pub fn of_file(file: &str) -> Option<Self> {
        let name = file.strip_prefix("sm-")?;
        let (name, is_group) = name.strip_prefix('%').map_or((name, false), |name| (name, true));
        let mut parts = name.split('=');
        let mut bytes = parts.next()?.as_bytes().to_vec();
        for part in parts {
            let (byte, rest) = part.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(byte, 16).ok()?);
            bytes.extend_from_slice(rest.as_bytes());
        }
        let name = OsStr::from_bytes(&bytes);
        let who = if is_group { Self::group(name, true) } else { Self::user(name, true) };
        who.ok().filter(|who| who.file_name() == file)
    }

    /// As sudoers writes it (`sudoers(5)`, "Other special characters and reserved words").
    ///
    /// By its name if both sudo and sudo-rs read the name as one, else by its number: a
    /// leading `%`, `#`, `+` or `@`, an alias (`OPS`) and a reserved word (`ALL`) are read as
    /// something else, and sudo-rs refuses escapes that sudo wants.
    pub fn in_sudoers(&self) -> String {
        let (mark, name, id) = match self {
            Self::User { name, uid } => ("", name, uid),
            Self::Group { name, gid } => ("%", name, gid),
        };
        let mut written = String::from(mark);
        let mut readable = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && !RESERVED.contains(&name.as_str());
        for c in name.chars() {
            match c {
                ' ' | '\\' => written.extend(['\\', c]),
                c if c.is_ascii_alphanumeric() || "_.@-".contains(c) => written.push(c),
                _ => readable = false,
            }
        }
        match id {
            Some(id) if !readable => format!("{mark}#{id}"),
            _ => written,
        }
    }
}

/// The account of this name.
///
/// # Errors
/// `invalid_argument` if there is none, or this is no name.
pub fn of_name(name: &OsStr) -> Result<User, Refusal> {
    let name = plain(name, "account")?;
    User::from_name(&name).ok().flatten().ok_or_else(|| unknown(&name))
}

fn unknown(name: &str) -> Refusal {
    Refusal::new(Code::InvalidArgument, format!("there is no account {name} on this host"))
        .hint("check the spelling, or create it first: useradd --create-home NAME")
}

/// A name that can stand in a line of a file: 1 to 256 characters, no control characters.
fn plain(name: &OsStr, what: &str) -> Result<String, Refusal> {
    match name.to_str() {
        Some(text)
            if !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control) =>
        {
            Ok(text.to_owned())
        }
        _ => Err(Refusal::new(
            Code::InvalidArgument,
            format!("{} is not the name of an {what}", quoted(name.as_bytes()))
                .replace("an group", "a group"),
        )
        .hint("a name is UTF-8, 1 to 256 bytes, without control characters")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> Who {
        Who::User { name: name.to_owned(), uid: Some(1005) }
    }

    #[test]
    fn sudo_does_not_skip_the_file() {
        for (name, file) in [
            ("agent", "sm-agent"),
            ("a.b", "sm-a=2Eb"),
            ("backup~", "sm-backup=7E"),
            ("dom\\user", "sm-dom=5Cuser"),
            ("we ird", "sm-we=20ird"),
            ("%pct", "sm-=25pct"),
            ("../../etc/passwd", "sm-=2E=2E=2F=2E=2E=2Fetc=2Fpasswd"),
            ("jörg", "sm-j=C3=B6rg"),
        ] {
            assert_eq!(user(name).file_name(), file);
        }
        let group = Who::Group { name: "agents".to_owned(), gid: Some(7) };
        assert_eq!(group.file_name(), "sm-%agents");
    }

    #[test]
    fn sudo_reads_the_name_as_a_name() {
        for (name, written) in [
            ("agent", "agent"),
            ("a.b", "a.b"),
            ("u@dom.com", "u@dom.com"),
            ("dom\\user", "dom\\\\user"),
            ("we ird", "we\\ ird"),
            ("%pct", "#1005"),
            ("#12", "#1005"),
            ("@at", "#1005"),
            ("ALL", "#1005"),
            ("Defaults", "#1005"),
            ("a=b", "#1005"),
            ("a,b", "#1005"),
            ("-x", "#1005"),
            ("1001", "#1005"),
        ] {
            assert_eq!(user(name).in_sudoers(), written, "{name}");
        }
        let group = Who::Group { name: "gr pe".to_owned(), gid: Some(7) };
        assert_eq!(group.in_sudoers(), "%gr\\ pe");
        let group = Who::Group { name: "OPS".to_owned(), gid: Some(7) };
        assert_eq!(group.in_sudoers(), "%#7");
    }
}
