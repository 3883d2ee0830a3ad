//! A checkpoint's line, read, and its signature verified.

use crate::audit::checkpoint::{BEFORE, Checkpoint};
use crate::audit::key::Public;
use crate::audit::line::Line;
use serde::Deserialize;

/// A checkpoint's line, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// What it says.
    pub said: Checkpoint,
    /// The key that it says.
    pub key: Public,
    /// The one that takes its place.
    pub next: Option<Public>,
    /// Whether that key has signed it.
    pub is_signed: bool,
}

impl Signature {
    /// Reads it. None if the line is not a checkpoint's, or says nothing that can be verified.
    pub fn of(line: &Line<'_>) -> Option<Self> {
        /// More than a checkpoint takes, whatever its host is called.
        const LONGEST: usize = 4096;
        #[derive(Deserialize)]
        struct Record {
            checkpoint: Checkpoint,
        }
        let text = line.hashed;
        if text.len() > LONGEST {
            return None;
        }
        let mut whole = text.to_vec();
        whole.push(b'}');
        let Record { checkpoint: said } = serde_json::from_slice(&whole).ok()?;
        let key = Public::from_hex(&said.key)?;
        let next = match &said.next {
            Some(next) => Some(Public::from_hex(next)?),
            None => None,
        };
        let at = whole.windows(BEFORE.len()).position(|part| part == BEFORE)? + BEFORE.len();
        let end = at + said.signature.len();
        let is_there = whole.get(at..end)? == said.signature.as_bytes();
        whole.drain(at..end);
        let is_signed = is_there && key.has_signed(&whole, &said.signature);
        Some(Self { said, key, next, is_signed })
    }
}
