//! The words that ssh gets from an inventory. Each has a grammar in which nothing can be written
//! that ssh, or the shell that ssh starts for a proxy, takes for anything else.

use crate::output::text::is_hidden;
use crate::request::name::quoted;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

/// Where a host is.
#[derive(Debug, PartialEq, Eq)]
pub struct Address;

impl Address {
    /// A host's name, an IPv4 address, or an IPv6 address with or without brackets and zone.
    /// Gives it without brackets.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<String, String> {
        let wrong = |reason: &str| Err(format!("{} {reason}", quoted(text.as_bytes())));
        if text.is_empty() {
            return Err("there is no address here".to_owned());
        }
        if text.starts_with('-') {
            return wrong("is not an address: it begins with `-`");
        }
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if inner.is_some() || text.contains(':') {
            let inner = inner.unwrap_or(text);
            let (number, zone) = inner.split_once('%').unwrap_or((inner, "lo"));
            let is_zone = zone.starts_with(|c: char| c.is_ascii_alphanumeric())
                && zone.len() <= 32
                && zone.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c));
            return match number.parse::<Ipv6Addr>() {
                Ok(_) if is_zone => Ok(inner.to_owned()),
                _ => wrong("is not an IPv6 address"),
            };
        }
        let of_a_name = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
        if let Some(at) = text.bytes().position(|c| !of_a_name(c)) {
            let c = text[at..].chars().next().unwrap_or_default();
            return wrong(&format!("is not an address: `{}` cannot be in one", c.escape_default()));
        }
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            return wrong("is not an address: it does not begin with a letter or number");
        }
        if text.len() > 253 {
            return wrong("is not an address: it is longer than 253 characters");
        }
        Ok(text.to_owned())
    }
}

/// What an inventory may call a host or a group: something that a person sees, and that
/// `--limit` does not take for anything else than a name.
///
/// # Errors
/// What is wrong with it.
pub fn alias(text: &str) -> Result<(), String> {
    let wrong = |reason: &str| Err(format!("{} is not a name: {reason}", quoted(text.as_bytes())));
    match text.chars().next() {
        None => return wrong("it is empty"),
        Some(first @ ('-' | '!' | '&' | '@' | '~')) => {
            return wrong(&format!("it begins with `{first}`"));
        }
        Some(_) if text.trim() != text => return wrong("it has a space at an end"),
        Some(_) => {}
    }
    if text.len() > 255 {
        return wrong("it is longer than 255 bytes");
    }
    if let Some(c) = text.chars().find(|c| is_hidden(*c)) {
        return wrong(&format!("U+{:04X} is in it", u32::from(c)));
    }
    Ok(())
}

/// The name of an account on another host, there a domain's too (`ssh -l`).
///
/// # Errors
/// What is wrong with it.
pub fn user(text: &str) -> Result<String, String> {
    let body = text.strip_suffix('$').unwrap_or(text);
    let good = body.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && body.bytes().all(|c| c.is_ascii_alphanumeric() || b"_.@\\-".contains(&c))
        && !body.ends_with('\\')
        && text.len() <= 256;
    if good {
        Ok(text.to_owned())
    } else {
        Err(format!("{} is not an account name", quoted(text.as_bytes())))
    }
}

/// A port: 1 to 65535, written as such.
///
/// # Errors
/// That it is none.
pub fn port(text: &str) -> Result<u16, String> {
    let digits = text.bytes().all(|c| c.is_ascii_digit()) && !text.starts_with('0');
    match text.parse() {
        Ok(port @ 1..) if digits => Ok(port),
        _ => Err(format!("{} is not a port", quoted(text.as_bytes()))),
    }
}

/// A file, if ssh gets its path as one argument. ssh itself would replace `%h` and `${HOME}`
/// in it (`ssh_config(5)`, IdentityFile), so they are no path here.
///
/// # Errors
/// What is wrong with it.
pub fn file(text: &str, home: Option<&Path>) -> Result<PathBuf, String> {
    let wrong = |reason: &str| Err(format!("{} is not a path: {reason}", quoted(text.as_bytes())));
    if text.starts_with('-') {
        return wrong("it begins with `-`");
    }
    if let Some(c) = text.chars().find(|c| is_hidden(*c) || matches!(c, '%' | '$')) {
        return wrong(&format!("`{}` is in it", c.escape_default()));
    }
    if text.len() > 4096 {
        return wrong("it is too long");
    }
    match (text.strip_prefix('~'), home) {
        (None, _) => Ok(PathBuf::from(text)),
        (Some(rest), Some(home)) if rest.starts_with('/') => {
            Ok(home.join(rest.trim_start_matches('/')))
        }
        (Some(rest), None) if rest.starts_with('/') => wrong("`~` has no meaning here"),
        (Some(_), _) => wrong("write the folder instead of `~`"),
    }
}

/// Hosts in between, as `ProxyJump` has them: `[USER@]HOST[:PORT]` with commas, or `none`.
///
/// ssh writes them into a command line for a shell, so their accounts are plainer than others.
///
/// # Errors
/// What is wrong with them.
pub fn jump(text: &str) -> Result<String, String> {
    let wrong = || format!("{} is not a ProxyJump", quoted(text.as_bytes()));
    for hop in text.split(',').filter(|_| text != "none") {
        let hop = hop.strip_prefix("ssh://").unwrap_or(hop);
        let (account, place) = match hop.rsplit_once('@') {
            Some((account, place)) => (Some(account), place),
            None => (None, hop),
        };
        if account.is_some_and(|name| user(name).is_err() || name.contains(['\\', '$'])) {
            return Err(wrong());
        }
        let (name, number) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, "")) => (name, None),
            Some((name, rest)) => (name, Some(rest.strip_prefix(':').ok_or_else(wrong)?)),
            None => match place.split_once(':') {
                Some((name, number)) => (name, Some(number)),
                None => (place, None),
            },
        };
        if Address::parse(name).is_err() || number.is_some_and(|number| port(number).is_err()) {
            return Err(wrong());
        }
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_name_or_a_number() {
        for (text, address) in [
            ("web1", "web1"),
            ("web-1.example.net", "web-1.example.net"),
            ("_a", "_a"),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ] {
            assert_eq!(Address::parse(text).as_deref(), Ok(address), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_an_address() {
        for text in [
            "",
            "-",
            "-oProxyCommand=id",
            "--",
            "web 1",
            "web1 -oProxyCommand=id",
            "web\n1",
            "web1\n",
            "web\t1",
            "a@b",
            "root@web1",
            "a/b",
            "ssh://web1",
            "we%h",
            "$(id)",
            "`id`",
            "a\"b",
            "a'b",
            "a;b",
            "a|b",
            "a\\b",
            "wéb",
            "we\u{200b}b",
            ".web",
            "web1:22",
            "[web1]",
            "[::1]:22",
            "::1%",
            "::1%-a",
            "::1%a b",
            "::g",
            "[::1",
            "::1]",
            "web[1:2]",
            "\u{0}",
            "a,b",
            "a=b",
            "#",
            "~",
        ] {
            assert!(Address::parse(text).is_err(), "{text:?}");
        }
        assert!(Address::parse(&"a".repeat(254)).is_err());
    }

    #[test]
    fn an_alias_is_seen_and_is_no_option_and_no_pattern() {
        for text in ["web1", "Büro 2", "01", "a:b", "10.0.0.1", "x*"] {
            assert_eq!(alias(text), Ok(()), "{text}");
        }
        for text in
            ["", "-x", "--", "a\nb", "a\u{1b}[2J", "a\u{202e}b", " a", "a ", "!a", "&a", "@a", "~a"]
        {
            assert!(alias(text).is_err(), "{text:?}");
        }
        assert!(alias(&"a".repeat(256)).is_err());
    }

    #[test]
    fn an_account_is_one() {
        for text in ["root", "_x", "a.b-c", "joe@example.net", "DOM\\joe", "host$", "0day"] {
            assert_eq!(user(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "-l",
            "-oProxyCommand=id",
            "a b",
            "a\nb",
            "a;b",
            "$x",
            "a$b",
            "$",
            "a\\",
            "\\a",
            "@a",
            "ä",
            "a`",
            "a/b",
            "a:b",
            "a%h",
            "'a'",
        ] {
            assert!(user(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_port_is_a_number_that_a_port_has() {
        assert_eq!(port("22"), Ok(22));
        assert_eq!(port("65535"), Ok(65535));
        for text in
            ["", "0", "022", "0x16", "65536", "-1", "+1", " 22", "22 ", "2_2", "22.0", "22 -v"]
        {
            assert!(port(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_file_is_what_stands_there() {
        let home = Path::new("/home/joe");
        for (text, path) in [
            ("/k", "/k"),
            ("~/.ssh/id", "/home/joe/.ssh/id"),
            ("~//k", "/home/joe/k"),
            ("keys/a b", "keys/a b"),
        ] {
            assert_eq!(file(text, Some(home)), Ok(PathBuf::from(path)));
        }
        for text in ["-k", "~joe/k", "~", "/k\n", "/%h", "/${HOME}/k", "$HOME/k", "/a\u{202e}b"] {
            assert!(file(text, Some(home)).is_err(), "{text:?}");
        }
        assert!(file("~/k", None).is_err());
    }

    #[test]
    fn a_jump_goes_over_hosts() {
        for text in [
            "none",
            "bastion",
            "joe@bastion",
            "bastion:2222",
            "joe@bastion:2222,b",
            "[::1]:22",
            "ssh://joe@bastion:22",
            "joe@corp@bastion",
            "joe@[fe80::1%eth0]",
        ] {
            assert_eq!(jump(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "-oProxyCommand=id",
            "a,-b",
            "a,",
            "a b",
            "a\nb",
            "-l@a",
            "a@-b",
            "a:",
            "a:x",
            "a:0",
            "::1",
            "$(id)@a",
            "a;id",
            "a`id`",
            "D\\j@a",
            "[::1]x",
            "none,a b",
            "a@b@",
            "%h",
        ] {
            assert!(jump(text).is_err(), "{text:?}");
        }
    }
}
