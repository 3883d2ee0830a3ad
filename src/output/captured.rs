//! The output of a process, made plain while it is being read.

use crate::output::hex::hex;
use crate::output::secrets::Masker;
use crate::output::text::is_hidden;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;

/// Output as it is read from a pipe: bounded, UTF-8, without control sequences and, if it is
/// to be masked, without what looks like a secret.
///
/// Holds at most the bound and a line, however much is pushed. Of what is over it the middle is
/// dropped.
#[derive(Debug, Clone)]
pub struct Captured {
    head: String,
    head_room: usize,
    tail: VecDeque<char>,
    tail_bytes: usize,
    tail_room: usize,
    dropped: u64,
    state: State,
    /// The beginning of a UTF-8 character whose rest was not read yet.
    partial: Vec<u8>,
    masker: Option<Masker>,
    bytes: u64,
    hash: Sha256,
}

/// What can be said of an output without saying what is in it.
#[derive(Debug, Clone, Serialize)]
pub struct Seal {
    bytes: u64,
    sha256: String,
}

/// Where in a control sequence (ECMA-48) the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Text,
    /// After a carriage return, which is a line break unless a line feed follows.
    Return,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte: one final byte follows.
    Intermediate,
    /// In `ESC [`: parameters, until a final byte.
    Control,
    /// In an operating system command or another string, until BEL or ESC \.
    Text7,
    /// After ESC in such a string.
    Text7Escape,
}

impl Captured {
    /// The words between head and tail if the middle was dropped.
    const GAP: &'static str = "\n[… the middle was dropped …]\n";

    /// Room for `bound` bytes of text.
    pub fn new(bound: usize) -> Self {
        let room = bound.saturating_sub(Self::GAP.len());
        Self {
            head: String::new(),
            head_room: room / 2,
            tail: VecDeque::new(),
            tail_bytes: 0,
            tail_room: room - room / 2,
            dropped: 0,
            state: State::Text,
            partial: Vec::new(),
            masker: None,
            bytes: 0,
            hash: Sha256::new(),
        }
    }

    /// The same with secrets masked. Before anything is dropped: of a secret that begins in the
    /// middle the rest would not be known as one.
    #[must_use]
    pub fn masked(mut self, mask: bool) -> Self {
        self.masker = mask.then(Masker::default);
        self
    }

    /// Takes what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
        let joined;
        let mut rest = if self.partial.is_empty() {
            bytes
        } else {
            joined = [std::mem::take(&mut self.partial).as_slice(), bytes].concat();
            joined.as_slice()
        };
        loop {
            match str::from_utf8(rest) {
                Ok(text) => return text.chars().for_each(|c| self.character(c)),
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    str::from_utf8(valid)
                        .unwrap_or_default()
                        .chars()
                        .for_each(|c| self.character(c));
                    let Some(bad) = error.error_len() else {
                        self.partial = after.to_vec();
                        return;
                    };
                    self.character(char::REPLACEMENT_CHARACTER);
                    rest = &after[bad..];
                }
            }
        }
    }

    /// Takes the end of the output: what was begun and not finished is not waited for any more.
    pub fn close(&mut self) {
        if !std::mem::take(&mut self.partial).is_empty() {
            self.character(char::REPLACEMENT_CHARACTER);
        }
        if self.state == State::Return {
            self.state = self.line_break();
        }
        if let Some(rest) = self.masker.as_mut().map(Masker::close) {
            rest.chars().for_each(|c| self.store(c));
        }
    }

    /// The size and the hash of all that was read so far, as it was printed.
    pub fn seal(&self) -> Seal {
        Seal { bytes: self.bytes, sha256: hex(&self.hash.clone().finalize()) }
    }

    /// The text so far, and whether the bound was hit.
    pub fn snapshot(&self) -> (String, bool) {
        if self.masker.is_some() {
            // The line that is being read can be half a secret.
            let mut closed = self.clone();
            closed.close();
            closed.masker = None;
            return closed.snapshot();
        }
        let mut text = self.head.clone();
        let truncated = self.dropped > 0;
        if truncated {
            text.push_str(Self::GAP);
        }
        text.extend(self.tail.iter());
        (text, truncated)
    }

    fn character(&mut self, c: char) {
        self.state = match (self.state, c) {
            (State::Return, '\n') => self.line_break(),
            (State::Return, '\r') => State::Return,
            (State::Return, _) => {
                self.line_break();
                self.state = State::Text;
                return self.character(c);
            }
            // A sequence does not reach over the end of its line: a stray introducer must not
            // hide the rest of the output.
            (_, '\n') => self.line_break(),
            (State::Text7, '\u{7}' | '\u{9c}') => State::Text,
            (State::Text7, '\u{1b}') => State::Text7Escape,
            (State::Text7, _) => State::Text7,
            (State::Text7Escape, '\\') => State::Text,
            (_, '\u{1b}') => State::Escape,
            (State::Escape | State::Text7Escape, '[') => State::Control,
            (State::Escape | State::Text7Escape, ']' | 'P' | 'X' | '^' | '_') => State::Text7,
            (State::Escape | State::Text7Escape | State::Intermediate, ' '..='/') => {
                State::Intermediate
            }
            (State::Escape | State::Text7Escape | State::Intermediate, '0'..='~') => State::Text,
            (State::Control, ' '..='?') => State::Control,
            (State::Control, '@'..='~') => State::Text,
            (_, '\u{9b}') => State::Control,
            (_, '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}') => State::Text7,
            (_, '\r') => State::Return,
            (State::Text, '\t') => {
                self.keep('\t');
                State::Text
            }
            (state @ State::Control, c) if c.is_control() => state,
            (_, c) if is_hidden(c) => State::Text,
            (_, c) => {
                self.keep(c);
                State::Text
            }
        };
    }

    fn line_break(&mut self) -> State {
        self.keep('\n');
        State::Text
    }

    fn keep(&mut self, c: char) {
        match &mut self.masker {
            Some(masker) => masker.push(c).chars().for_each(|c| self.store(c)),
            None => self.store(c),
        }
    }

    fn store(&mut self, c: char) {
        let bytes = c.len_utf8();
        if self.tail.is_empty() && self.dropped == 0 && self.head.len() + bytes <= self.head_room {
            return self.head.push(c);
        }
        self.tail.push_back(c);
        self.tail_bytes += bytes;
        while self.tail_bytes > self.tail_room {
            let Some(gone) = self.tail.pop_front() else { break };
            self.tail_bytes -= gone.len_utf8();
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn clean(bytes: &[u8]) -> String {
        let mut captured = Captured::new(65_536);
        captured.push(bytes);
        captured.close();
        captured.snapshot().0
    }

    #[test]
    fn control_sequences_are_removed() {
        for (raw, plain) in [
            (&b"\x1b[31mred\x1b[0m"[..], "red"),
            (b"\x1b]0;title\x07text", "text"),
            (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            (b"\x1b(Bplain", "plain"),
            (b"a\x08b\x00c\x7fd", "abcd"),
            (b"5%\r10%\r\ndone", "5%\n10%\ndone"),
            (b"\x1bPnever closed\nseen", "\nseen"),
            (b"\x1b[2", ""),
            ("\u{9b}31mred".as_bytes(), "red"),
            ("a\u{202e}b".as_bytes(), "ab"),
            (b"a\xff\xfeb", "a\u{fffd}\u{fffd}b"),
            (b"cut \xe2\x82", "cut \u{fffd}"),
            (b"tab\tkept\n", "tab\tkept\n"),
        ] {
            assert_eq!(clean(raw), plain, "{raw:?}");
        }
    }

    #[test]
    fn head_and_tail_are_kept() {
        let mut captured = Captured::new(100);
        captured.push(b"begin");
        for _ in 0..1000 {
            captured.push(b"0123456789");
        }
        captured.push(b"the end");
        captured.close();
        let (text, truncated) = captured.snapshot();
        assert!(truncated && text.len() <= 100, "{}", text.len());
        assert!(text.starts_with("begin") && text.ends_with("the end"), "{text}");
        assert!(text.contains("the middle was dropped"));
    }

    #[test]
    fn no_secret_is_kept_whose_beginning_was_dropped() {
        let key = "0123456789abcdefghijklmnopqrstuvwxyz\n".repeat(30);
        let mut captured = Captured::new(600).masked(true);
        captured.push("line\n".repeat(100).as_bytes());
        captured.push(format!("-----BEGIN PRIVATE KEY-----\n{key}").as_bytes());
        assert!(!captured.snapshot().0.contains("0123"), "{:?}", captured.snapshot());
        captured.push(b"-----END PRIVATE KEY-----\n\x1b[1mpass\x1b[0mword=hun\x08ter2 end");
        assert!(captured.snapshot().0.ends_with("\npassword=[masked] end"));
        captured.push(b"ed\ntoken: abc");
        captured.close();
        assert!(captured.snapshot().0.ends_with("\npassword=[masked] ended\ntoken: [masked]"));
    }

    proptest! {
        #[test]
        fn whatever_is_printed_the_text_is_plain_and_bounded(
            bytes in proptest::collection::vec(any::<u8>(), 0..4000),
            bound in 64_usize..3000,
            mask in any::<bool>(),
        ) {
            let mut captured = Captured::new(bound).masked(mask);
            captured.push(&bytes);
            captured.close();
            let (text, truncated) = captured.snapshot();
            prop_assert!(text.len() <= bound);
            prop_assert!(!text.chars().any(|c| is_hidden(c) && c != '\n' && c != '\t'));
            prop_assert!(!truncated || mask || bytes.len() * 3 > bound - Captured::GAP.len());
        }

        #[test]
        fn the_text_is_the_same_however_it_is_read(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b']'), Just(b'\r'), Just(0xc2), Just(0x9b)],
                0..300),
            cut in 0_usize..300,
            mask in any::<bool>(),
        ) {
            let cut = cut.min(bytes.len());
            let text = |parts: &[&[u8]]| {
                let mut captured = Captured::new(65_536).masked(mask);
                for part in parts {
                    captured.push(b"token=");
                    captured.push(part);
                    captured.snapshot();
                }
                captured.close();
                captured.snapshot().0
            };
            let whole = [&bytes[..cut], b"token=", &bytes[cut..]].concat();
            prop_assert_eq!(text(&[&bytes[..cut], &bytes[cut..]]), text(&[&whole]));
        }
    }
}
