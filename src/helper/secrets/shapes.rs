//! The shapes in which secrets are printed, and what only looks like one.

use std::ops::Range;

/// What stands in the place of a secret.
pub const MASK: &str = "[masked]";

/// The beginnings of tokens that say themselves what they are; how many characters follow at
/// least; which ones besides letters and digits.
const TOKENS: [(&str, usize, &str); 27] = [
    ("ghp_", 20, ""),
    ("gho_", 20, ""),
    ("ghu_", 20, ""),
    ("ghs_", 20, ""),
    ("ghr_", 20, ""),
    ("github_pat_", 20, "_"),
    ("glpat-", 16, "-_."),
    ("gldt-", 16, "-_."),
    ("glrt-", 16, "-_."),
    ("xoxa-", 10, "-"),
    ("xoxb-", 10, "-"),
    ("xoxp-", 10, "-"),
    ("xoxr-", 10, "-"),
    ("xoxs-", 10, "-"),
    ("xapp-", 10, "-"),
    ("AKIA", 16, ""),
    ("ASIA", 16, ""),
    ("AIza", 30, "-_"),
    ("sk_live_", 10, ""),
    ("sk_test_", 10, ""),
    ("rk_live_", 10, ""),
    ("npm_", 30, ""),
    ("pypi-AgE", 30, "-_"),
    ("hf_", 30, ""),
    ("dckr_pat_", 16, "-_"),
    ("ya29.", 20, "-_"),
    ("SG.", 40, "-_."),
];

/// The ends of names whose value is a secret, without case, `_`, `-` and `.`.
const NAMES: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "secretkey",
    "accountkey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "authkey",
];

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
    /// A private key begins here; it can go on over many lines.
    Key(usize),
    /// A secret.
    Secret {
        /// Where that begins which tells that it is one.
        from: usize,
        /// Itself.
        secret: Range<usize>,
    },
}

/// The first secret of a line from `start` on. Where the line is `open`, what has been read of it
/// is not all.
pub fn find(line: &str, start: usize, open: bool) -> Option<Found> {
    let look = Look { line, start, open };
    (start..line.len()).find_map(|at| match line.as_bytes()[at] {
        b'-' => marker(line, at, "BEGIN").map(Found::Key).or_else(|| look.option(at)),
        b':' if line[at..].starts_with("://") => look.url(at),
        b':' => look.header(at).or_else(|| look.assignment(at)),
        b'=' => look.assignment(at),
        byte if byte.is_ascii_alphanumeric() && look.is_begin(at) => {
            look.token(at).or_else(|| look.jwt(at)).or_else(|| look.credential(at))
        }
        _ => None,
    })
}

/// The words that end a private key, from `start` on.
pub fn end_of_key(text: &str, start: usize) -> Option<Range<usize>> {
    let dashes = (start..text.len()).filter(|at| text.as_bytes()[*at] == b'-');
    dashes.into_iter().find_map(|at| Some(at..marker(text, at, "END")?))
}

/// The end of `-----BEGIN … PRIVATE KEY-----` (RFC 7468, OpenSSH, OpenPGP) or of
/// `---- BEGIN … PRIVATE KEY ----` (RFC 4716) where it begins at `at`.
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

/// A look at a line.
struct Look<'l> {
    line: &'l str,
    start: usize,
    open: bool,
}

impl Look<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.line.as_bytes().get(at).copied()
    }

    /// The byte before, where it is still to be looked at.
    fn before(&self, at: usize) -> Option<u8> {
        if at > self.start { self.byte(at - 1) } else { None }
    }

    /// Whether no word goes on here.
    fn is_begin(&self, at: usize) -> bool {
        self.before(at).is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_')
    }

    /// The end of what begins at `at` and has letters, digits and these in it.
    fn run(&self, at: usize, also: &str) -> usize {
        let is_in = |byte: &u8| byte.is_ascii_alphanumeric() || also.as_bytes().contains(byte);
        at + self.line.as_bytes()[at..].iter().take_while(|byte| is_in(byte)).count()
    }

    /// Whether what ends here could go on in what was not read yet.
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
        let known = TOKENS.iter().find(|(begin, ..)| rest.starts_with(begin));
        let end = match known {
            Some((begin, least, also)) => long_enough(begin, *least, also)?,
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
        if !is_long || is_prose(&self.line[begin..end]) {
            return None;
        }
        self.secret(at, begin..end)
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
        // A token can stand in the place of the user.
        let is_token = find(&self.line[..colon - 1], begin, false).is_some();
        self.secret(at, if is_token { begin } else { colon }..end)
    }

    /// `--password VALUE`
    fn option(&self, at: usize) -> Option<Found> {
        if !self.line[at..].starts_with("--") || !self.is_begin(at) || self.before(at) == Some(b'-')
        {
            return None;
        }
        let end = self.run(at + 2, "-_");
        if self.byte(end) != Some(b' ') || !is_secret_name(&self.line[at..end]) {
            return None;
        }
        let begin = self.after_spaces(end);
        // Another option, or a placeholder in a help text.
        if matches!(self.byte(begin), Some(b'-' | b'<' | b'[')) {
            return None;
        }
        let value = self.value(begin);
        self.secret(at, value)
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
        let is_header = is_one_of(word, &HEADERS);
        if !is_header && !is_secret_name(word) {
            return None;
        }
        let after = self.line[sign + 1..].trim_start_matches(['=', '>']);
        let after = self.line.len() - after.len();
        let begin = self.after_spaces(after);
        let value = self.value(begin);
        let text = &self.line[value.clone()];
        let is_plain = is_one_of(text, &PLAIN);
        let is_path = text.starts_with('/') && word.to_ascii_lowercase().ends_with("key");
        if is_plain
            || is_path
            || self.byte(sign) == Some(b':') && self.is_colon_of_prose(&name, after, &value)
        {
            return None;
        }
        self.secret(name.start, value)
    }

    /// Whether it is a sentence (`passwd: password updated successfully`), a package
    /// (`passwd:amd64`) or a file (`/etc/passwd: …`).
    fn is_colon_of_prose(&self, name: &Range<usize>, after: usize, value: &Range<usize>) -> bool {
        let (word, text) = (&self.line[name.clone()], &self.line[value.clone()]);
        let last_word = self.line[self.start..name.start].split_whitespace().next_back();
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
    one.trim_end_matches([',', ';', '.', ')', '}', ']']).len()
}

/// Whether the value of something that is called so is a secret.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    NAMES.iter().any(|end| letters.ends_with(end)) || name.ends_with("_pass")
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

    /// Each with the secret between « and ».
    const SECRET: &[&str] = &[
        "remote: using «ghp_0123456789abcdefghijABCDEFGHIJ012345» for clone",
        "«github_pat_11ABCDEFG0123456789_abcdefghijklmnopqrstuvwxyz»",
        "CI: «glpat-abcdefghij_-0123456»;",
        "slack «xoxb-123456789012-1234567890123-AbCdEfGhIjKl»",
        "aws «AKIAIOSFODNN7EXAMPLE» in use",
        "(«AIzaSyA-0123456789abcdefghijklmnopqrstu»)",
        "openai: «sk-proj-abc0DEFghiJKLmnoPQRstuVWXyz» rejected",
        "stripe «sk_live_0123456789abcdef»",
        "//registry.npmjs.org/:_authToken=«npm_abcdefghijklmnopqrstuvwxyz0123456789»",
        "«pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDAtMDAw»",
        "«hf_abcdefghijklmnopqrstuvwxyzABCDEFGH»",
        "got «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0» from",
        "fatal: unable to access 'https://bob:«s3cr3t»@git.example.com/repo.git/': 403",
        "origin https://«ghp_0123456789abcdefghijABCDEFGHIJ012345:x-oauth-basic»@github.com/a/b",
        "postgres://app:«p@ss:w0rd»@db:5432/app?sslmode=require",
        "E: Failed to fetch http://user:«hunter2»@deb.example.com/dists/stable/InRelease  401",
        "Authorization: «Bearer abc»",
        "> proxy-authorization: «Basic dXNlcjpwYXNz»",
        "2026-11-21T10:00:00+0000 host app[12]: Cookie: «session=abc; theme=dark»",
        "curl -H 'X-Api-Key: «0123»' https://example.com",
        "Set-Cookie: «id=a3fWa; Secure; HttpOnly»",
        "{\"Authorization\": \"«Bearer abc.def»\", \"accept\": \"*/*\"}",
        "rejected: Bearer «a1b2c3d4e5f6a7b8»",
        "sent basic «dXNlcjpwYXNz» twice",
        "password=«hunter2»",
        "PASSWORD: «hunter2»",
        "passwd: «hunter2»",
        "db.password = «hunter2»",
        "DB_PASSWORD=«hunter2» DB_HOST=db",
        "mount: username=u,password=«a,b;c»,domain=d",
        "Server=db;Password=«abc»;User=sa;",
        "GET /x?api_key=«abc»&page=2 HTTP/1.1",
        "client_secret: '«abc def»'",
        "aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
        "{\"user\":\"bob\",\"password\":\"«hun\\\"ter2»\",\"age\":3}",
        "msg=\"{\\\"apiKey\\\": \\\"«abc»\\\"}\"",
        "config[\"secret\"] = \"«abc»\"",
        ":private_key => \"«abc»\",",
        "mysqldump --password=«abc» --all-databases",
        "tool --token «abc» --verbose",
        "ExecStart=/usr/bin/app --api-key «abc»",
        "SMTP_PASS=«abc»",
        "token: «Bearer abc», retry",
        "accessToken:«abc»",
        "invalid password: «hunter2» (attempt 3)",
    ];

    const PLAIN_LINES: &[&str] = &[
        "LoadState=loaded",
        "StateChangeTimestamp=Sat 2026-11-21 19:00:00 UTC",
        "PassEnvironment=LANG SSH_AUTH_SOCK",
        "LoadCredential=db:/etc/creds/db",
        "Setting up passwd (1:4.13+dfsg1-1) ...",
        "Setting up libpam-systemd:amd64 (252.38-1~deb12u1) ...",
        "Unpacking passwd:amd64 (1:4.13) over (1:4.11) ...",
        "Preparing to unpack .../passwd_1%3a4.13_amd64.deb ...",
        "Inst libsecret-1-0 [0.20.5-3] (0.20.5-4 Debian:12.1/stable [amd64])",
        "Get:1 http://deb.debian.org/debian bookworm/main amd64 python3-token:all 2.1 [10 kB]",
        "Get:2 file:/srv/repo ./ passwd 1:4.13 [1000 kB]",
        "error: failed to prepare transaction (could not satisfy dependencies)",
        ":: removing libsecret breaks dependency 'libsecret' required by gnome-keyring",
        "nginx: [emerg] unexpected \";\" in /etc/nginx/nginx.conf:3",
        "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok",
        "server_tokens off;",
        "nginx: [emerg] cannot load certificate key \"/etc/ssl/private/x.key\": BIO_new_file() failed",
        "ssl_private_key=/etc/ssl/private/x.pem",
        "SyntaxError: Unexpected token ; in JSON at position 3",
        "SyntaxError: Unexpected token: punc (})",
        "parse error: unexpected token: EOF",
        "passwd: password updated successfully",
        "passwd: password expiry information changed.",
        "passwd: Authentication token manipulation error",
        "passwd:         files systemd",
        "grep: /etc/ipsec.secret: Permission denied",
        "[sudo] password for agent: ",
        "Password: ",
        "New password: BAD PASSWORD: The password is shorter than 8 characters",
        "Failed password for root from 10.0.0.1 port 22 ssh2",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 rhost=10.0.0.1  user=root",
        "agent : PWD=/home/agent ; USER=root ; COMMAND=/usr/local/bin/sm-helper service status nginx",
        "PasswordAuthentication=no",
        "Kubernetes secret: not found in namespace default",
        "\"password\": null, \"token\": false",
        "max_tokens=100 token_type=bearer",
        "Basic authentication is enabled, bearer authentication is not",
        "listening on http://localhost:8080/a@b and ssh://git@example.com:22",
        "TCP: request_sock_TCP: Possible SYN flooding on port 80. Sending cookies.",
        "option '--password' requires an argument",
        "  --token <TOKEN>   the token",
        "task-scheduler-with-a-rather-long-name-2.0 disk-utilities-0123456789012345",
        "hash 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "pass=12 fail=0 bypass=1",
        "AKIA npm_config_registry=http://localhost hf_hub sk-learn",
        "drwxr-xr-x 2 root root 4096 Nov 21 19:00 secret",
        "----------------------------------------",
    ];

    #[test]
    fn what_looks_like_a_secret_is_masked_and_nothing_else_of_its_line() {
        for marked in SECRET {
            let line = marked.replace(['«', '»'], "");
            let (before, rest) = marked.split_once('«').expect("a secret");
            let (_, after) = rest.split_once('»').expect("its end");
            assert_eq!(masked(&line), format!("{before}{MASK}{after}"), "{line}");
        }
    }

    #[test]
    fn ordinary_output_is_left_as_it_is() {
        for line in PLAIN_LINES {
            assert_eq!(masked(line), *line);
        }
    }
}
