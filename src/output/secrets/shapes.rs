//! The shapes in which secrets are printed, and what only looks like one.

use crate::output::secrets::names::{Sure, is_secret_in_query, secrecy};
use crate::output::secrets::{operands, options, tokens};
use std::ops::Range;

/// What stands instead of a secret.
pub const MASK: &str = "[masked]";

/// The header fields whose value is a secret, all of it.
const HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"];

/// The kinds of credentials, before the credential itself.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

/// `passwd:amd64` is a package.
const ARCHITECTURES: [&str; 11] = [
    "all", "amd64", "any", "arm64", "armel", "armhf", "i386", "mips64el", "ppc64el", "riscv64",
    "s390x",
];

/// `unexpected token: }` is a parser's.
const OF_PARSERS: [&str; 6] = ["unexpected", "expected", "unknown", "illegal", "next", "near"];

/// Values that say only whether there is one.
const PLAIN: [&str; 7] = ["null", "none", "nil", "true", "false", "yes", "no"];

/// Something that must not be kept.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A private key begins here; it can continue over many lines.
    Key(usize),
    /// A secret.
    Secret {
        /// Where that begins which tells that it is one.
        from: usize,
        /// Itself.
        secret: Range<usize>,
    },
}

/// The first secret of a line from `start` on. If the line is `open`, what has been read of it
/// is not all.
pub fn find(line: &str, start: usize, open: bool) -> Option<Found> {
    let look = Look { line, start, open };
    (start..line.len()).find_map(|at| match line.as_bytes()[at] {
        b'-' => marker(line, at, "BEGIN")
            .map(Found::Key)
            .or_else(|| look.option(at))
            .or_else(|| look.short_option(at)),
        b':' if line[at..].starts_with("://") => look.hook(at).or_else(|| look.url(at)),
        b':' => look.header(at).or_else(|| look.assignment(at)).or_else(|| look.shadow(at)),
        b'=' => look.assignment(at),
        b'>' => look.element(at),
        b'$' | b'{' => look.hash(at),
        byte if byte.is_ascii_alphanumeric() && look.is_begin(at) => look
            .token(at)
            .or_else(|| look.jwt(at))
            .or_else(|| look.credential(at))
            .or_else(|| look.spoken(at))
            .or_else(|| look.pgpass(at))
            .or_else(|| look.operand(at)),
        _ => None,
    })
}

/// The words that end a private key, from `start` on.
pub fn end_of_key(text: &str, start: usize) -> Option<Range<usize>> {
    let dashes = (start..text.len()).filter(|at| text.as_bytes()[*at] == b'-');
    dashes.into_iter().find_map(|at| Some(at..marker(text, at, "END")?))
}

/// The end of `-----BEGIN … PRIVATE KEY-----` (RFC 7468, OpenSSH, OpenPGP) or of
/// `---- BEGIN … PRIVATE KEY ----` (RFC 4716) if it begins at `at`.
fn marker(text: &str, at: usize, word: &str) -> Option<usize> {
    let rest = text.get(at..)?;
    let rest = rest.strip_prefix("-----").or_else(|| rest.strip_prefix("---- "))?;
    let rest = rest.strip_prefix(word)?.strip_prefix(' ')?;
    let is_name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let (name, rest) = rest.split_at(rest.bytes().take(64).take_while(is_name).count());
    let is_key =
        ["PRIVATE KEY", "PRIVATE KEY BLOCK"].iter().any(|end| name.trim_end().ends_with(end));
    let dashes = rest.bytes().take(5).take_while(|byte| *byte == b'-').count();
    (is_key && dashes >= 4).then(|| text.len() - rest.len() + dashes)
}

/// How much of a value is looked at to decide whether it is a secret, in bytes: each sign of a line
/// that was made to be slow costs no more. One that is longer is a secret if its beginning is not
/// something else.
const DECIDES: usize = 512;

/// How much is looked at of what stands before a value, in bytes.
const BEFORE: usize = 256;

/// A look at a line.
#[derive(Clone, Copy)]
struct Look<'l> {
    line: &'l str,
    start: usize,
    open: bool,
}

impl Look<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.line.as_bytes().get(at).copied()
    }

    /// The byte before, if it is still to be looked at.
    fn before(&self, at: usize) -> Option<u8> {
        if at > self.start { self.byte(at - 1) } else { None }
    }

    /// Whether no word continues here.
    fn is_begin(&self, at: usize) -> bool {
        self.before(at).is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_')
    }

    /// The end of what begins at `at` and has letters, digits and these in it.
    fn run(&self, at: usize, also: &str) -> usize {
        let is_in = |byte: &u8| byte.is_ascii_alphanumeric() || also.as_bytes().contains(byte);
        at + self.line.as_bytes()[at..].iter().take_while(|byte| is_in(byte)).count()
    }

    /// Whether what ends here could continue in what was not read yet.
    fn is_cut(&self, end: usize) -> bool {
        self.open && end == self.line.len()
    }

    fn after_spaces(&self, at: usize) -> usize {
        self.line.len() - self.line[at..].trim_start_matches([' ', '\t']).len()
    }

    fn secret(&self, from: usize, secret: Range<usize>) -> Option<Found> {
        let text = &self.line[secret.clone()];
        (!text.is_empty() && text != MASK).then_some(Found::Secret { from, secret })
    }

    fn token(&self, at: usize) -> Option<Found> {
        let rest = &self.line[at..];
        let long_enough = |begin: &str, least: usize, also: &str| {
            let begin = at + begin.len();
            let end = self.run(begin, also);
            (end - begin >= least || self.is_cut(end) && end > begin).then_some(end)
        };
        if let Some(length) = tokens::form(rest) {
            return self.secret(at, at..at + length);
        }
        let end = match tokens::begin(rest) {
            Some((begin, least, also)) => long_enough(begin, least, also)?,
            // `sk-` begins ordinary words too.
            None if rest.starts_with("sk-") && self.before(at) != Some(b'-') => {
                long_enough("sk-", 20, "-_")
                    .filter(|end| self.line[at..*end].bytes().any(|byte| byte.is_ascii_digit()))?
            }
            None => return None,
        };
        self.secret(at, at..end)
    }

    /// A JSON web token: three parts, the first one an object in base64url.
    fn jwt(&self, at: usize) -> Option<Found> {
        if !self.line[at..].starts_with("eyJ") || self.before(at) == Some(b'-') {
            return None;
        }
        let mut end = self.run(at, "-_");
        for least in [4, 0] {
            if self.is_cut(end) {
                return self.secret(at, at..end);
            }
            if self.byte(end) != Some(b'.') || end - at < 10 {
                return None;
            }
            let begin = end + 1;
            end = self.run(begin, "-_");
            if end - begin < least && !self.is_cut(end) {
                return None;
            }
        }
        self.secret(at, at..end)
    }

    /// `Bearer …`, `Basic …`
    fn credential(&self, at: usize) -> Option<Found> {
        let end = self.run(at, "");
        if !is_one_of(&self.line[at..end], &SCHEMES) || self.byte(end) != Some(b' ') {
            return None;
        }
        let begin = self.after_spaces(end);
        let end = self.run(begin, "-._~+/=");
        let is_long = end - begin >= 8 || self.is_cut(end);
        let text = &self.line[begin..end];
        // `bearer expires_in=3600`, `Bearer error="…"`: base64 has it at its end alone (RFC 6750).
        let is_assignment = text.trim_end_matches('=').contains('=')
            || text.ends_with('=')
                && (matches!(self.byte(end), Some(b'"' | b'\''))
                    || self.line[end..].starts_with(MASK));
        if !is_long || is_assignment || is_prose(text) {
            return None;
        }
        self.secret(at, begin..end)
    }

    /// `$6$…`: the hash of a password.
    fn hash(&self, at: usize) -> Option<Found> {
        let length = tokens::hash(&self.line[at..], self.open)?;
        self.secret(at, at..at + length)
    }

    /// `name:HASH:19000:0:99999:7:::` if the hash is one of the old kind (`shadow(5)`).
    fn shadow(&self, colon: usize) -> Option<Found> {
        let end = self.run(colon + 1, "./");
        if end - colon != 14 {
            return None;
        }
        let mut rest = self.line.get(end..)?.strip_prefix(':')?.split(':');
        let is_number = |field: Option<&str>| {
            field.is_some_and(|field| field.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let is_line = is_number(rest.next()) && is_number(rest.next()) && is_number(rest.next());
        is_line.then(|| self.secret(colon, colon + 1..end))?
    }

    /// `<password>SECRET</password>`
    fn element(&self, end: usize) -> Option<Found> {
        let name = self.name_before(end)?;
        let is_element = name.end == end && self.before(name.start) == Some(b'<');
        if !is_element || secrecy(&self.line[name.clone()]) != Some(Sure::Yes) {
            return None;
        }
        let begin = end + 1;
        let length = self.line[begin..].find('<').unwrap_or(self.line.len() - begin);
        // `<TOKEN>` alone is a placeholder of a help text.
        let is_closed = self.line[begin + length..].starts_with("</");
        if !is_closed && !self.is_cut(begin + length) {
            return None;
        }
        let text = self.line[begin..begin + length].trim();
        (!is_one_of(text, &PLAIN)).then(|| self.secret(name.start, begin..begin + length))?
    }

    /// `password 'SECRET'`, `identified by 'SECRET'` in SQL; `login a password SECRET` in a netrc.
    fn spoken(&self, at: usize) -> Option<Found> {
        let end = self.run(at, "");
        let word = &self.line[at..end];
        if self.byte(end) != Some(b' ') || !is_one_of(word, &["password", "passwd", "psk", "by"]) {
            return None;
        }
        let begin = self.after_spaces(end);
        let is_quoted = matches!(self.byte(begin), Some(b'\'' | b'"'));
        let before = self.shortly_before(at);
        let mut words = before.split_whitespace().rev();
        let last = words.next().unwrap_or_default();
        let is_it = if word.eq_ignore_ascii_case("by") {
            is_quoted && last.eq_ignore_ascii_case("identified")
        } else {
            is_quoted && !is_one_of(last, &["option", "field", "parameter", "column", "key"])
                || words.next() == Some("login") && before.contains("machine ")
        };
        if !is_it {
            return None;
        }
        let value = self.value(begin);
        if self.line[value.clone()].contains(' ') {
            return None;
        }
        self.secret(at, value)
    }

    /// `host:5432:database:user:SECRET` (PostgreSQL's `.pgpass`).
    fn pgpass(&self, at: usize) -> Option<Found> {
        if self.before(at).is_some_and(|byte| !byte.is_ascii_whitespace()) {
            return None;
        }
        let host = self.run(at, "-._");
        let rest = self.line[host..].strip_prefix(':')?;
        let word = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
        let mut fields = word.splitn(4, ':');
        let port = fields.next()?;
        if !["5432", "5433", "6432", "*"].contains(&port) {
            return None;
        }
        let (_, _, secret) = (fields.next()?, fields.next()?, fields.next()?);
        if secret.contains(':') {
            return None;
        }
        let end = host + 1 + word.len();
        self.secret(at, end - secret.len()..end)
    }

    /// An address that is a secret itself.
    fn hook(&self, at: usize) -> Option<Found> {
        let begin = at + 3;
        let secret = begin + tokens::hook(&self.line[begin..])?;
        let is_end = |c: char| c.is_whitespace() || "\"'`<>\\".contains(c);
        let end = self.line[secret..].find(is_end).map_or(self.line.len(), |end| secret + end);
        self.secret(at, secret..end)
    }

    /// `scheme://user:PASSWORD@host`
    fn url(&self, at: usize) -> Option<Found> {
        let begin = at + 3;
        let is_end = |c: char| c.is_whitespace() || "/?#\"'`<>\\".contains(c);
        let end = self.line[begin..].find(is_end).map_or(self.line.len(), |end| begin + end);
        let authority = &self.line[begin..end];
        let colon = begin + authority.find(':')? + 1;
        let end = match authority.rfind('@') {
            Some(sign) => begin + sign,
            // It may still come; a number is a port, and `[` begins an address.
            None if self.is_cut(end) && !authority.starts_with('[') => {
                let is_port = self.line[colon..end].bytes().all(|byte| byte.is_ascii_digit());
                (!is_port).then_some(end)?
            }
            None => return None,
        };
        if end < colon {
            return None;
        }
        // A token can stand instead of the user.
        let is_token = find(&self.line[..colon - 1], begin, false).is_some();
        self.secret(at, if is_token { begin } else { colon }..end)
    }

    /// `--password VALUE`
    fn option(&self, at: usize) -> Option<Found> {
        if !self.is_begin(at) || self.before(at) == Some(b'-') {
            return None;
        }
        // Of one dash are `-storepass`, and openssl's `-passin pass:SECRET`.
        let name = at + if self.line[at..].starts_with("--") { 2 } else { 1 };
        let end = self.run(name, "-_");
        let word = &self.line[name..end];
        let is_name = match secrecy(word) {
            Some(Sure::Yes) => true,
            Some(Sure::Perhaps) => name == at + 2 && ["pass", "pwd", "psk"].contains(&word),
            None => ["passin", "passout"].contains(&word),
        };
        if self.byte(end) != Some(b' ') || !is_name {
            return None;
        }
        let begin = self.after_spaces(end);
        // Another option, or a placeholder in a help text.
        if matches!(self.byte(begin), Some(b'-' | b'<' | b'[')) {
            return None;
        }
        let mut value = self.value(begin);
        if word.starts_with("pass") && self.line[value.clone()].starts_with("pass:") {
            value.start += "pass:".len();
        }
        self.secret(at, value)
    }

    /// `curl -u a:SECRET`
    fn short_option(&self, at: usize) -> Option<Found> {
        if self.before(at).is_some_and(|byte| !byte.is_ascii_whitespace()) {
            return None;
        }
        let (from, secret) = options::secret(self.line, at, |at| self.value(at))?;
        self.secret(from, secret)
    }

    /// `htpasswd -b FILE bob SECRET`
    fn operand(&self, at: usize) -> Option<Found> {
        let secret = operands::secret(self.line, at, |at| self.value(at))?;
        self.secret(at, secret)
    }

    /// `Authorization: …`: all of the rest.
    fn header(&self, colon: usize) -> Option<Found> {
        let name = self.name_before(colon)?;
        if name.end != colon || !is_one_of(&self.line[name.clone()], &HEADERS) {
            return None;
        }
        let begin = self.after_spaces(colon + 1);
        let rest = &self.line[begin..];
        // In `curl -H 'Cookie: …' URL` it ends with the word.
        let quote = self.before(name.start).filter(|byte| b"\"'".contains(byte)).map(char::from);
        let rest =
            quote.and_then(|quote| rest.split_once(quote)).map_or(rest, |(inside, _)| inside);
        self.secret(name.start, begin..begin + rest.trim_end().len())
    }

    /// `password=…`, `"password": "…"`
    fn assignment(&self, sign: usize) -> Option<Found> {
        let name = self.name_before(sign)?;
        let word = &self.line[name.clone()];
        let is_query = self.byte(sign) == Some(b'=')
            && matches!(self.before(name.start), Some(b'?' | b'&'))
            && is_secret_in_query(word);
        let sure = match secrecy(word) {
            _ if is_query || is_one_of(word, &HEADERS) => Sure::Yes,
            sure => sure?,
        };
        let after = self.line[sign + 1..].trim_start_matches(['=', '>']);
        let after = self.line.len() - after.len();
        let begin = self.after_spaces(after);
        // What it is shows at its beginning; how far it reaches is looked for if it is a secret.
        let value = self.up_to(begin + DECIDES).value(begin);
        let text = &self.line[value.clone()];
        let is_plain = is_one_of(text, &PLAIN);
        let is_path = text.starts_with('/') && word.to_ascii_lowercase().ends_with("key");
        if is_plain
            || sure == Sure::Perhaps && is_ordinary(word, self.byte(sign), text)
            || is_path
            || self.byte(sign) == Some(b':') && self.is_colon_of_prose(&name, after, &value)
        {
            return None;
        }
        self.secret(name.start, self.value(begin))
    }

    /// The same look at the line as if it ended there.
    fn up_to(&self, end: usize) -> Self {
        Self { line: &self.line[..floor(self.line, end.min(self.line.len()))], ..*self }
    }

    /// What stands before, as far as it is looked at.
    fn shortly_before(&self, at: usize) -> &str {
        &self.line[self.start.max(floor(self.line, at.saturating_sub(BEFORE)))..at]
    }

    /// Whether it is a sentence (`passwd: password updated successfully`), a package
    /// (`passwd:amd64`) or a file (`/etc/passwd: …`).
    fn is_colon_of_prose(&self, name: &Range<usize>, after: usize, value: &Range<usize>) -> bool {
        let (word, text) = (&self.line[name.clone()], &self.line[value.clone()]);
        let last_word = self.shortly_before(name.start).split_whitespace().next_back();
        let is_of_parser = last_word.is_some_and(|last| is_one_of(last, &OF_PARSERS));
        let has_more = self.line[value.end..].starts_with([' ', '\t'])
            && !self.line[value.end..].trim().is_empty();
        let is_package = after == value.start && ARCHITECTURES.contains(&text);
        self.before(name.start) == Some(b'/')
            || is_package
            || is_of_parser && word.eq_ignore_ascii_case("token")
            || !text.contains(char::is_alphanumeric)
            || is_prose(text) && (has_more || word == "passwd")
    }

    /// The name before a `=` or `:`, which may be quoted or in brackets.
    fn name_before(&self, sign: usize) -> Option<Range<usize>> {
        let before = &self.line[self.start..sign];
        let before = before.trim_end_matches([' ', '\t']);
        let before = before.strip_suffix(']').unwrap_or(before);
        let before = before.strip_suffix(['"', '\'']).unwrap_or(before);
        let before = before.strip_suffix('\\').unwrap_or(before);
        let end = self.start + before.len();
        let is_in = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let length = before.as_bytes().iter().rev().take(128).take_while(is_in).count();
        (length > 0).then(|| end - length..end)
    }

    /// The value that begins at `at`: what is in quotes, or a word.
    fn value(&self, at: usize) -> Range<usize> {
        let rest = &self.line[at..];
        for quote in ["\\\"", "\"", "'"] {
            if let Some(inside) = rest.strip_prefix(quote) {
                let begin = at + quote.len();
                return begin..begin + quoted_length(inside, quote);
            }
        }
        let mut end = at + word_length(rest);
        if is_one_of(&self.line[at..end], &SCHEMES) {
            let begin = self.after_spaces(end);
            end = begin + word_length(&self.line[begin..]);
        }
        at..end
    }
}

/// How much of this is before the quote that ends it.
fn quoted_length(text: &str, quote: &str) -> usize {
    let is_end = |at: usize| quote.starts_with('\\') || !text[..at].ends_with('\\');
    text.match_indices(quote).find(|(at, _)| is_end(*at)).map_or(text.len(), |(at, _)| at)
}

/// How much of this is one word, without the punctuation after it and without the next of several
/// assignments (`password=a,user=b`).
fn word_length(text: &str) -> usize {
    if text.starts_with(MASK) {
        return MASK.len();
    }
    let is_end = |c: char| c.is_whitespace() || "\"'`<".contains(c);
    let word = &text[..text.find(is_end).unwrap_or(text.len())];
    let is_next = |(at, _): &(usize, &str)| {
        let rest = &word[at + 1..];
        let name =
            rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
        let name = name.count();
        name > 0 && rest[name..].starts_with(['=', ':'])
    };
    let one = word.match_indices([',', ';', '&']).find(is_next).map_or(word, |(at, _)| &word[..at]);
    let without = one.trim_end_matches([',', ';', '.', ')', '}']);
    if without.ends_with(MASK) {
        return without.len();
    }
    one.trim_end_matches([',', ';', '.', ')', '}', ']']).len()
}

/// Whether it can be something else than a secret: a number, a path, or a word if the name is
/// not that of a password.
fn is_ordinary(name: &str, sign: Option<u8>, text: &str) -> bool {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b".,:%/".contains(&byte));
    let is_path =
        text.contains('/') && text.starts_with(['/', '~', '.', '$']) || text.contains(":/");
    let is_password = sign == Some(b'=') && is_one_of(name, &["pass", "psk", "pw", "pwd"]);
    is_number || is_path || !is_password && is_prose(text)
}

/// Where a character begins, at or before this.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Whether it is an ordinary word or several of them with hyphens and the like: letters, the
/// capital ones where a sentence has them.
fn is_prose(text: &str) -> bool {
    text.split(['-', '/', '.', '_']).all(|word| {
        let rest = word.get(1..).unwrap_or_default();
        word.bytes().all(|byte| byte.is_ascii_alphabetic())
            && (rest == rest.to_ascii_lowercase() || word == word.to_ascii_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(line: &str) -> String {
        let (mut out, mut at) = (String::new(), 0);
        while let Some(Found::Secret { secret, .. }) = find(line, at, false) {
            out.push_str(&line[at..secret.start]);
            out.push_str(MASK);
            at = secret.end;
        }
        out + &line[at..]
    }

    /// Lines with the secrets between « and ».
    const SECRET: &str = include_str!("../../../tests/secrets/masked.txt");

    /// Lines without one.
    const PLAIN_LINES: &str = include_str!("../../../tests/secrets/plain.txt");

    fn cases(text: &str) -> impl Iterator<Item = &str> {
        text.lines().filter(|line| !line.is_empty() && !line.starts_with("## "))
    }

    #[test]
    fn what_looks_like_a_secret_is_masked_and_nothing_else_of_its_line() {
        let mut wrong = Vec::new();
        for marked in cases(SECRET) {
            let mut wanted = String::new();
            for part in marked.split('«') {
                let part = part.split_once('»').map_or(part, |(_, after)| {
                    wanted.push_str(MASK);
                    after
                });
                wanted.push_str(part);
            }
            let line = marked.replace(['«', '»'], "");
            if masked(&line) != wanted {
                wrong.push((wanted, masked(&line)));
            }
            // What is masked stays as it is.
            if masked(&masked(&line)) != masked(&line) {
                wrong.push((masked(&line), masked(&masked(&line))));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn ordinary_output_is_left_as_it_is() {
        let wrong: Vec<_> = cases(PLAIN_LINES)
            .map(|line| (line, masked(line)))
            .filter(|(line, masked)| line != masked)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
