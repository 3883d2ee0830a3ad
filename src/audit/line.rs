//! A record's line, read by the places of its fields.

use crate::audit::record::{Event, HASH_KEY};
use crate::output::hex::hex;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// The longest line that is taken for a record, in bytes. Records are far shorter, and more of a line than
/// that is never kept in memory.
pub const LONGEST: usize = 1 << 20;

/// The fields of a record's line that make the chain.
#[derive(Debug, Clone, Copy)]
pub struct Line<'l> {
    /// Its number.
    pub seq: u64,
    /// The hash of the record before it.
    pub prev: &'l [u8],
    /// Its hash.
    pub hash: &'l [u8],
    /// What the hash is of, but for the closing brace.
    pub hashed: &'l [u8],
}

impl<'l> Line<'l> {
    /// Finds them by their places, which are the same in every record: a million of them must
    /// not cost much more than hashing them does.
    pub fn parse(line: &'l [u8]) -> Option<Self> {
        const HASH: usize = 64;
        let rest = line.strip_prefix(b"{\"seq\":")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let seq = str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        let line = line.strip_suffix(b"\"}")?;
        let (before, hash) = line.split_at_checked(line.len().checked_sub(HASH)?)?;
        let hashed = before.strip_suffix(HASH_KEY.as_bytes())?;
        let (before, prev) = hashed
            .strip_suffix(b"\"")
            .and_then(|rest| rest.split_at_checked(rest.len().checked_sub(HASH)?))?;
        before.ends_with(b",\"prev\":\"").then_some(Line { seq, prev, hash, hashed })
    }

    /// Its hash as a text.
    pub fn hash_text(&self) -> Cow<'l, str> {
        // Quicker than looking for what is no text, which a hash never has.
        str::from_utf8(self.hash).map_or_else(|_| String::from_utf8_lossy(self.hash), Cow::Borrowed)
    }

    /// How many records it says a power cut took before it. No text of a record can say that: in
    /// one, quotes are escaped.
    pub fn lost(&self) -> Option<u64> {
        const KEY: &[u8] = b",\"lost_records\":";
        // One of the last fields.
        let end = &self.hashed[self.hashed.len().saturating_sub(512)..];
        let at = end.windows(KEY.len()).rposition(|window| window == KEY)? + KEY.len();
        let digits = end[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        str::from_utf8(&end[at..at + digits]).ok()?.parse().ok()
    }

    /// Whether its hash is that of its text.
    pub fn is_unchanged(&self) -> bool {
        let mut hasher = Sha256::new();
        hasher.update(self.hashed);
        hasher.update(b"}");
        hex(&hasher.finalize()).as_bytes() == self.hash
    }

    /// Whether it is about this.
    pub fn is_of(&self, event: Event) -> bool {
        const BEFORE: usize = ",\"time\":\"2026-11-21T19:30:00.123456Z\"".len();
        let rest = self.hashed.strip_prefix(b"{\"seq\":").unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = rest.get(digits + BEFORE..).unwrap_or_default();
        let rest = rest.strip_prefix(b",\"event\":\"").unwrap_or_default();
        rest.strip_prefix(event.word().as_bytes()).is_some_and(|rest| rest.starts_with(b"\""))
    }

    /// When it was written: in UTC with six digits behind the second, so that the order of times is
    /// that of their texts.
    pub fn time(&self) -> Option<&'l str> {
        const LENGTH: usize = "2026-11-21T19:30:00.123456Z".len();
        let rest = self.hashed.strip_prefix(b"{\"seq\":")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = rest.get(digits..)?.strip_prefix(b",\"time\":\"")?;
        str::from_utf8(rest.get(..LENGTH)?).ok()
    }
}
