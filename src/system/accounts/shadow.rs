//! Until when accounts may be used (`shadow(5)`).

use super::source::{self, Database, Key, UNCLEAR, fields};
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// What the account database says of an account besides who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shadow {
    /// Until when it may be used, in days since 1970, if that has an end.
    pub expiry: Option<i64>,
    /// Whether its password was locked: `passwd --lock` puts a `!` before it, which an account that
    /// never had one has not.
    pub is_locked: bool,
}

impl Shadow {
    /// Looks an account up. Not every account has such an entry, nor every host such a file.
    ///
    /// # Errors
    /// If the account database cannot be asked, or what it says cannot be understood.
    pub fn of(name: &str) -> nix::Result<Self> {
        // With it comes the hash of the password.
        let own = |line: &str| Some(Zeroizing::new(line.to_owned()));
        match source::find(Database::Shadow, Key::Name(name), own)? {
            Some(line) => Self::parse(&line).ok_or(UNCLEAR),
            None => Ok(Self::default()),
        }
    }

    /// Whether it may be used no more. A password that is too old says nothing of that.
    pub fn has_expired(&self) -> bool {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let today = i64::try_from(since.as_secs() / 86_400).unwrap_or(i64::MAX);
        self.expiry.is_some_and(|day| day <= today)
    }

    fn parse(line: &str) -> Option<Self> {
        let [_name, password, _changed, _least, _most, _warn, _inactive, expiry, _flag] =
            fields(line)?;
        // `!` alone, `!!` and `!*` lock nothing that there was.
        let locked = password.strip_prefix('!').map(str::trim);
        let is_locked = locked.is_some_and(|rest| rest.chars().any(|c| !"!*".contains(c)));
        let expiry = match expiry.trim() {
            "" | "-1" => None,
            days => Some(days.parse().ok()?),
        };
        Some(Self { expiry, is_locked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_until_when_and_whether_it_is_locked() {
        let shadow = |expiry, is_locked| Some(Shadow { expiry, is_locked });
        for (line, expected) in [
            ("a:$y$j9T$x:19000:0:99999:7:::", shadow(None, false)),
            ("a:!$y$j9T$x:19000:0:99999:7::19500:", shadow(Some(19500), true)),
            ("a:!:19000::::::", shadow(None, false)),
            ("a:!!:19000::::::", shadow(None, false)),
            ("a:!*:19000::::::", shadow(None, false)),
            ("a:*:19000::::0:0:", shadow(Some(0), false)),
            ("a:*::::::-1:", shadow(None, false)),
            // Not understood is not the same as without an end.
            ("a:*:19000::::0:soon:", None),
            ("a:*:19000", None),
        ] {
            assert_eq!(Shadow::parse(line), expected, "{line}");
        }
    }
}
