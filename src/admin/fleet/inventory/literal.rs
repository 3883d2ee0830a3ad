//! A value as Ansible's INI form has it: Python's `ast.literal_eval` if the text is a literal of
//! Python, and the text itself if it is none (`_parse_value` in `plugins/inventory/ini.py`).

use crate::admin::fleet::inventory::yaml::{Kind, Node};

/// Longer numbers than this are no port and no priority; they stay the text that was written.
const MOST_DIGITS: usize = 30;

/// What a value means.
pub fn value(text: &str, line: usize) -> Node {
    let mut reader = Reader { rest: text.trim_start_matches([' ', '\t']) };
    match reader.whole() {
        Some(Literal::Text(text)) => Node::quoted(&text, line),
        Some(Literal::Nothing) => Node::text("", line),
        Some(Literal::Collection) => Node::of(Kind::List(Vec::new()), line),
        None => Node::quoted(text, line),
    }
}

/// Brackets in brackets; deeper ones stay the text that was written.
const MOST_DEPTH: usize = 64;

enum Literal {
    Text(String),
    Nothing,
    /// A list, tuple, set or dict: nothing that is read of a host may be one.
    Collection,
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    /// One literal and nothing behind it but a comment.
    fn whole(&mut self) -> Option<Literal> {
        let literal = self.literal(0)?;
        self.space();
        (self.rest.is_empty() || self.rest.starts_with('#')).then_some(literal)
    }

    fn literal(&mut self, depth: usize) -> Option<Literal> {
        self.space();
        let close = match self.rest.chars().next()? {
            '[' => ']',
            '{' => '}',
            '(' => ')',
            _ => return self.scalar(),
        };
        if depth == MOST_DEPTH {
            return None;
        }
        self.rest = &self.rest[1..];
        let mut only: Option<Literal> = None;
        loop {
            self.space();
            if let Some(rest) = self.rest.strip_prefix(close) {
                self.rest = rest;
                // What has no comma in it is no tuple.
                let inner = only.filter(|_| close == ')');
                return Some(inner.unwrap_or(Literal::Collection));
            }
            let item = self.literal(depth + 1)?;
            self.space();
            if close == '}' && self.rest.starts_with(':') {
                self.rest = &self.rest[1..];
                self.literal(depth + 1)?;
                self.space();
            }
            match self.rest.strip_prefix(',') {
                Some(rest) => {
                    only = Some(Literal::Collection);
                    self.rest = rest;
                }
                None if self.rest.starts_with(close) => {
                    only = Some(if only.is_some() { Literal::Collection } else { item });
                }
                None => return None,
            }
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\u{c}']);
    }

    fn scalar(&mut self) -> Option<Literal> {
        if let Some(first) = self.string()? {
            // Strings side by side are one.
            let mut all = first;
            loop {
                self.space();
                match self.string()? {
                    Some(more) => all.push_str(&more),
                    None => return Some(Literal::Text(all)),
                }
            }
        }
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '+' | '-')))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "None" => Some(Literal::Nothing),
            "True" | "False" => Some(Literal::Text(word.to_owned())),
            _ => number(word).map(Literal::Text),
        }
    }

    /// A string, if one begins here. `None` if it is no literal.
    #[expect(clippy::option_option, reason = "no string here; no literal at all")]
    fn string(&mut self) -> Option<Option<String>> {
        let prefix = self.rest.find(['\'', '"']).unwrap_or(self.rest.len());
        let (prefix, after) = self.rest.split_at(prefix);
        let lower = prefix.to_ascii_lowercase();
        if after.is_empty() || !["", "r", "u", "b", "br", "rb"].contains(&&*lower) {
            return Some(None);
        }
        let is_raw = lower.contains('r');
        let quote = &after[..1];
        let triple = quote.repeat(3);
        let quote = if after.starts_with(&triple) { triple } else { quote.to_owned() };
        let mut text = String::new();
        let mut rest = &after[quote.len()..];
        loop {
            if let Some(behind) = rest.strip_prefix(&quote) {
                self.rest = behind;
                return Some(Some(text));
            }
            let mut chars = rest.chars();
            match chars.next()? {
                '\\' if is_raw => {
                    text.push('\\');
                    text.push(chars.next()?);
                    rest = chars.as_str();
                }
                '\\' => rest = escape(chars.as_str(), lower.contains('b'), &mut text)?,
                c => {
                    text.push(c);
                    rest = chars.as_str();
                }
            }
        }
    }
}

/// What stands behind a `\`; gives what is behind that.
fn escape<'t>(rest: &'t str, is_bytes: bool, text: &mut String) -> Option<&'t str> {
    const PLAIN: [(char, char); 10] = [
        ('\\', '\\'),
        ('\'', '\''),
        ('"', '"'),
        ('a', '\u{7}'),
        ('b', '\u{8}'),
        ('f', '\u{c}'),
        ('n', '\n'),
        ('r', '\r'),
        ('t', '\t'),
        ('v', '\u{b}'),
    ];
    let first = rest.chars().next()?;
    if let Some((_, character)) = PLAIN.iter().find(|pair| pair.0 == first) {
        text.push(*character);
        return Some(&rest[1..]);
    }
    let octal = rest.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    if octal > 0 {
        let (digits, rest) = rest.split_at(octal);
        text.push(char::from_u32(u32::from_str_radix(digits, 8).ok()?)?);
        return Some(rest);
    }
    let digits = match first {
        'x' => 2,
        'u' if !is_bytes => 4,
        'U' if !is_bytes => 8,
        // A character by its name: nobody writes one here.
        'N' if !is_bytes => return None,
        other => {
            text.extend(['\\', other]);
            return Some(&rest[other.len_utf8()..]);
        }
    };
    let hex = rest.get(1..=digits)?;
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    text.push(char::from_u32(u32::from_str_radix(hex, 16).ok()?)?);
    Some(&rest[1 + digits..])
}

/// A number of Python, as Ansible writes it into a text.
fn number(word: &str) -> Option<String> {
    let (sign, digits) = match word.as_bytes().first()? {
        b'-' => ("-", &word[1..]),
        b'+' => ("", &word[1..]),
        _ => ("", word),
    };
    if digits.len() > MOST_DIGITS || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    let plain = digits.replace('_', "");
    let lower = plain.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = lower.strip_prefix(prefix) {
            let number =
                u128::from_str_radix(rest, radix).ok().filter(|_| !rest.starts_with('+'))?;
            return Some(signed(sign, &number.to_string()));
        }
    }
    if !plain.is_empty()
        && plain.bytes().all(|byte| byte.is_ascii_digit())
        && digits.as_bytes()[0] != b'_'
    {
        // Python has no `022`, and `00` is 0.
        let value = plain.trim_start_matches('0');
        return match (value.is_empty(), plain.starts_with('0')) {
            (true, _) => Some("0".to_owned()),
            (false, true) => None,
            (false, false) => Some(signed(sign, value)),
        };
    }
    let starts = |c: char| c.is_ascii_digit() || c == '.';
    let is_float = digits.starts_with(starts)
        && digits.bytes().any(|c| c.is_ascii_digit())
        && digits.bytes().all(|c| c.is_ascii_digit() || b"._eE+-".contains(&c))
        && !digits.contains("_.")
        && !digits.contains("._");
    let float: f64 = if is_float { plain.parse().ok()? } else { return None };
    // Elsewhere Python writes it in another way than Rust.
    (float == 0.0 || (1e-4..1e16).contains(&float)).then(|| signed(sign, &format!("{float:?}")))
}

fn signed(sign: &str, digits: &str) -> String {
    if digits == "0" { digits.to_owned() } else { format!("{sign}{digits}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(of: &str) -> String {
        let node = value(of, 1);
        match &node.kind {
            _ if node.is_null() => "NULL".to_owned(),
            Kind::Scalar(text, _) => text.to_string(),
            Kind::List(_) | Kind::Map(_) => "COLLECTION".to_owned(),
        }
    }

    /// Each was asked of Python 3.11's `ast.literal_eval`.
    #[test]
    fn a_value_is_what_python_makes_of_it() {
        for (written, expected) in [
            ("joe", "joe"),
            ("22", "22"),
            ("22 # ssh", "22"),
            ("joe # me", "joe # me"),
            ("'joe' # me", "joe"),
            ("022", "022"),
            ("00", "0"),
            ("0x16", "22"),
            ("0b101", "5"),
            ("0o26", "22"),
            ("1_000", "1000"),
            ("1__0", "1__0"),
            ("_1", "_1"),
            ("-5", "-5"),
            ("+5", "5"),
            ("1.5", "1.5"),
            ("1.50", "1.5"),
            ("192.0.2.1", "192.0.2.1"),
            ("None", "NULL"),
            ("none", "none"),
            ("~", "~"),
            ("null", "null"),
            ("", ""),
            ("True", "True"),
            ("true", "true"),
            ("'a' \"b\"", "ab"),
            ("'a", "'a"),
            ("'a'b", "'a'b"),
            (r"'a\tb\x41\101\u0042\q'", "a\tbAAB\\q"),
            (r"r'a\tb'", r"a\tb"),
            ("b'abc'", "abc"),
            ("f'abc'", "f'abc'"),
            ("'''a'b'''", "a'b"),
            ("[1, 2]", "COLLECTION"),
            ("[]", "COLLECTION"),
            ("(1,)", "COLLECTION"),
            ("(22)", "22"),
            ("(joe)", "(joe)"),
            ("['a', {'b': (1, None)}] # c", "COLLECTION"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("[::1]", "[::1]"),
            ("[1 2]", "[1 2]"),
            ("[", "["),
            ("[1", "[1"),
            ("{'a': 1}", "COLLECTION"),
            ("{{ x }}", "{{ x }}"),
            ("-J bastion", "-J bastion"),
            ("-o 'A=b'", "-o 'A=b'"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(text(written), expected, "{written}");
        }
    }
}
