//! Secrets in what a service or a package prints: masked before anything of it is kept.
//!
//! Best effort: it knows the shapes in which secrets are usually printed, not what is one.

pub mod names;
pub mod operands;
pub mod options;
pub mod shapes;
pub mod tokens;

use crate::output::secrets::shapes::{Found, MASK, end_of_key, find};

/// The longest line that is looked at in one piece, in bytes.
const LONGEST: usize = 8192;

/// How much of a longer line is looked at again together with what follows: a secret of this
/// length is never seen in two halves.
const OVERLAP: usize = LONGEST / 2;

/// Longer than the words that end a private key.
const MARKER: usize = 128;

/// Masks plain text line by line while it is being read. Holds no more than [`LONGEST`] of it.
#[derive(Debug, Clone, Default)]
pub struct Masker {
    /// The beginning of a line whose end was not read yet.
    line: String,
    mode: Mode,
    /// Whether something of this line is already out.
    shown: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    #[default]
    Text,
    /// In a private key; whether its place is already marked.
    Key { marked: bool },
    /// In a secret that is too long to be looked at in one piece: it lasts until the line ends.
    Long,
}

/// Where the piece of text ends that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// With its line.
    Line,
    /// Where there was no more room: it continues.
    Room,
    /// Where nothing more was read, perhaps in the middle of a secret.
    Text,
}

/// A piece of plain text with secrets masked.
pub fn masked(text: &str) -> String {
    let mut masker = Masker::default();
    let mut out: String = text.chars().map(|c| masker.push(c)).collect();
    out.push_str(&masker.close());
    out
}

impl Masker {
    /// Takes a character and gives what can be kept of the text so far, mostly nothing.
    pub fn push(&mut self, c: char) -> String {
        if c == '\n' {
            let mut out = self.take(End::Line);
            // The lines of a key leave one line behind.
            if self.shown || !matches!(self.mode, Mode::Key { .. }) {
                out.push('\n');
            }
            self.shown = false;
            if self.mode == Mode::Long {
                self.mode = Mode::Text;
            }
            return out;
        }
        self.line.push(c);
        if self.line.len() < LONGEST { String::new() } else { self.take(End::Room) }
    }

    /// Takes the end of the text and gives the rest.
    pub fn close(&mut self) -> String {
        self.take(End::Text)
    }

    fn take(&mut self, end: End) -> String {
        let mut line = std::mem::take(&mut self.line);
        let mut out = String::new();
        let done = self.mask(&line, end, &mut out);
        line.drain(..done);
        self.line = line;
        self.shown |= !out.is_empty();
        out
    }

    /// Masks the text, or as much of its beginning as cannot be a part of what was not read yet.
    /// Gives how much that was.
    fn mask(&mut self, text: &str, end: End, out: &mut String) -> usize {
        let mut at = 0;
        let all_but = |kept| match end {
            End::Room => {
                let done = text.len().saturating_sub(kept);
                (done..).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
            }
            End::Line | End::Text => text.len(),
        };
        loop {
            match self.mode {
                Mode::Long => return text.len(),
                Mode::Key { marked } => {
                    let found = end_of_key(text, at);
                    let inside = found.as_ref().map_or(all_but(MARKER).max(at), |end| end.start);
                    if !marked && !text[at..inside].trim().is_empty() {
                        out.push_str(MASK);
                        self.mode = Mode::Key { marked: true };
                    }
                    let Some(words) = found else { return inside };
                    at = words.end;
                    out.push_str(&text[words]);
                    self.mode = Mode::Text;
                }
                Mode::Text => match find(text, at, end != End::Line) {
                    None => {
                        let done = all_but(OVERLAP).max(at);
                        out.push_str(&text[at..done]);
                        return done;
                    }
                    Some(Found::Key(begin)) => {
                        out.push_str(&text[at..begin]);
                        at = begin;
                        self.mode = Mode::Key { marked: false };
                    }
                    Some(Found::Secret { from, secret }) => {
                        let may_go_on = end == End::Room && secret.end == text.len();
                        if may_go_on && from >= at && text.len() - from < LONGEST {
                            out.push_str(&text[at..from]);
                            return from;
                        }
                        out.push_str(&text[at..secret.start]);
                        out.push_str(MASK);
                        at = secret.end;
                        if may_go_on {
                            self.mode = Mode::Long;
                        }
                    }
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nAAAAAA==\n-----END OPENSSH PRIVATE KEY-----\n";

    #[test]
    fn a_private_key_leaves_one_line_behind() {
        let begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
        let end = "-----END OPENSSH PRIVATE KEY-----";
        assert_eq!(
            masked(&format!("before\n{KEY}after\n")),
            format!("before\n{begin}\n[masked]\n{end}\nafter\n")
        );
        let never_ended = KEY.split("-----END").next().unwrap_or_default();
        assert_eq!(masked(never_ended), format!("{begin}\n[masked]\n"));
        // As journalctl prints it, and in one line of JSON.
        let logged: String = KEY.lines().map(|line| format!("host app[1]: {line}\n")).collect();
        assert_eq!(masked(&logged), format!("host app[1]: {begin}\n[masked]\n{end}\n"));
        let escaped = KEY.replace('\n', "\\n");
        assert_eq!(masked(&format!("x {escaped} y")), format!("x {begin}[masked]{end}\\n y"));
        for other in [
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----",
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
        ] {
            assert_eq!(masked(other).lines().nth(1), Some("[masked]"), "{other}");
            assert_eq!(masked(other).lines().count(), 3, "{other}");
        }
        let public = KEY.replace("PRIVATE", "PUBLIC");
        assert_eq!(masked(&public), public);
    }

    #[test]
    fn a_secret_in_a_line_without_end_is_found_wherever_it_is() {
        let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
        let at_the_cut = LONGEST - 120..LONGEST + 10;
        for before in at_the_cut.chain([0, 4090, 4096, 20_000, 50_000]) {
            let line = format!("{} password={token} {token} rest", "-".repeat(before));
            let out = masked(&line);
            assert!(!out.contains("0123"), "{before}: {out}");
            assert!(out.ends_with("password=[masked] [masked] rest"), "{before}");
        }
        let long = format!("token={} and\nmore\n", "x".repeat(30_000));
        assert_eq!(masked(&long), "token=[masked]\nmore\n");
        // Longer than what is looked at to decide that it is one, in all the shapes it can have.
        for length in [500, 511, 512, 513, 700, 4000] {
            let secret = "x1".repeat(length / 2) + "y";
            for (before, after) in [
                ("pass=", " rest"),
                ("auth: ", ""),
                ("credentials=\"", "\" rest"),
                ("apikey=", ",user=a"),
                ("DB_PWD='", "' rest"),
                ("mysql -p", " rest"),
                ("curl -u a:", " rest"),
                ("Bearer ", " rest"),
                ("https://a:", "@host/ rest"),
                ("https://hooks.slack.com/services/", " rest"),
                ("$6$", " rest"),
                ("identified by '", "' rest"),
            ] {
                let out = masked(&format!("{before}{secret}{after}\n"));
                let begin = before.trim_end_matches("$6$");
                assert_eq!(out, format!("{begin}{MASK}{after}\n"), "{length}");
            }
        }
        let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
        for length in (LONGEST - 80..LONGEST).chain([40_000]) {
            let line = format!("{begin}{}{end} rest\n", "M".repeat(length));
            assert_eq!(masked(&line), format!("{begin}[masked]{end} rest\n"), "{length}");
        }
    }

    #[test]
    fn a_line_that_was_not_read_to_its_end_shows_no_half_of_a_secret() {
        for (half, out) in [
            ("key ghp_0123", "key [masked]"),
            ("x eyJhbGci", "x [masked]"),
            ("x eyJhbGciOiJIUzI1NiJ9.eyJz", "x [masked]"),
            ("https://bob:s3cr", "https://bob:[masked]"),
            ("password=0", "password=[masked]"),
            ("rejected: Bearer d1", "rejected: Bearer [masked]"),
            ("\"password\": \"01", "\"password\": \"[masked]"),
            ("-----BEGIN PRIVATE KEY-----\nMII", "-----BEGIN PRIVATE KEY-----\n[masked]"),
        ] {
            assert_eq!(masked(half), out);
        }
        assert_eq!(masked("listening on http://[::1]:8080"), "listening on http://[::1]:8080");
    }

    /// Text in which the shapes of secrets are likely.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            "[a-zA-Z0-9 .,;:=\"'&@/<>\\[\\]\\\\_-]{1,12}",
            "[a-zA-Z0-9]{20,40}",
            proptest::sample::select(vec![
                "password",
                "token",
                "=",
                ": ",
                ":",
                "\"",
                "'",
                " ",
                "\n",
                "://",
                "@",
                "ghp_",
                "sk-",
                "eyJ",
                "Bearer ",
                "basic ",
                "Cookie: ",
                "--secret ",
                "-----BEGIN PRIVATE KEY-----",
                "-----END PRIVATE KEY-----",
                "AKIA",
                MASK,
                "passwd",
                "unexpected ",
                "\\\"",
                ",a=",
                "$6$",
                "{SSHA}",
                "hvs.",
                "?sig=",
                "DB_PWD=",
                "pass=",
                "credential: ",
                ":5432:",
                "curl ",
                "mysql ",
                " -p",
                " -u ",
                "machine x login ",
                "identified by '",
                "hooks.slack.com/services/",
            ])
            .prop_map(str::to_owned),
        ];
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn masking_again_only_takes_away(text in text()) {
            let once = masked(&text);
            let mut rest = &*once;
            for kept in masked(&once).split(MASK) {
                let after = rest.find(kept).map(|at| &rest[at + kept.len()..]);
                rest = after.ok_or_else(|| TestCaseError::fail(format!("{kept:?} of {once:?}")))?;
            }
        }

        #[test]
        fn words_without_a_name_or_a_beginning_of_a_secret_are_left(
            words in proptest::collection::vec("[a-z]{1,8}|[0-9]{1,6}|[0-9a-f]{40}|[0-9]\\.[0-9]{1,2}|/[a-z]{1,8}/[a-z]{1,8}|-[a-z]|[a-z]=[a-z0-9]{1,9}", 0..30)
        ) {
            let is_known = |word: &String| {
                ["basic", "bearer", "passwd", "password", "by", "pw", "pass", "pwd", "auth", "token", "secret"]
                    .iter()
                    .any(|known| word.contains(known))
            };
            let words: Vec<String> = words.into_iter().filter(|word| !is_known(word)).collect();
            let line = words.join(" ");
            prop_assert_eq!(masked(&line), line);
        }

        #[test]
        fn no_more_than_a_line_is_held(text in text(), times in 1_usize..20) {
            let mut masker = Masker::default();
            for c in text.repeat(times).replace('\n', " ").chars() {
                masker.push(c);
                prop_assert!(masker.line.len() < LONGEST);
            }
        }
    }
}
