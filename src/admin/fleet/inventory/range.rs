//! What the key of a host means: one name or many (`web[01:20]`), and a port behind it
//! (`web:2222`), as Ansible's `expand_hostname_range` and `parse_address` have it.

use crate::admin::fleet::inventory::address::Address;
use crate::request::name::quoted;

/// As many hosts as an inventory may have.
pub const MOST_HOSTS: usize = 100_000;

/// What a key means.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// The hosts.
    pub names: Vec<String>,
    /// The port of all of them.
    pub port: Option<u16>,
}

/// Reads a key.
///
/// # Errors
/// What is wrong with its range or port.
pub fn expanded(key: &str) -> Result<Named, String> {
    let (pattern, port) = apart(key)?;
    if pattern.parse::<std::net::Ipv6Addr>().is_ok() || !pattern.contains('[') {
        return Ok(Named { names: vec![pattern.to_owned()], port });
    }
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while let Some((head, after)) = rest.split_once('[') {
        let (range, tail) =
            after.split_once(']').ok_or_else(|| "the range has no `]`".to_owned())?;
        let steps =
            steps(range).map_err(|reason| format!("{} {reason}", quoted(range.as_bytes())))?;
        if names.len().saturating_mul(steps.len()) > MOST_HOSTS {
            return Err(format!("that would be more than {MOST_HOSTS} hosts"));
        }
        let longer = |name: &String| {
            steps.iter().map(|step| format!("{name}{head}{step}")).collect::<Vec<_>>()
        };
        names = names.iter().flat_map(longer).collect();
        rest = tail;
    }
    if rest.contains(']') {
        return Err("there is a `]` without its `[`".to_owned());
    }
    for name in &mut names {
        name.push_str(rest);
    }
    Ok(Named { names, port })
}

/// The port off a name: `[ANYTHING]:22`, or `NAME:22` if the rest is a name or an address.
/// What has two colons and no brackets is an IPv6 address.
fn apart(key: &str) -> Result<(&str, Option<u16>), String> {
    let Some((name, port)) = key.rsplit_once(':') else {
        return Ok((key, None));
    };
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let inner = inner.filter(|inner| Address::parse(inner).is_ok());
    let outside: String = outside_brackets(name);
    // Ansible takes it for a port only behind what is like a name; elsewhere it stays a part of it.
    let is_name = inner.is_some()
        || outside.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if !is_number || !is_name || name.is_empty() {
        return Ok((key, None));
    }
    match port.parse() {
        Ok(number @ 1..) => Ok((inner.unwrap_or(name), Some(number))),
        _ => Err(format!("{} is not a port", quoted(port.as_bytes()))),
    }
}

/// The text without its complete ranges.
fn outside_brackets(text: &str) -> String {
    let mut outside = String::new();
    let mut rest = text;
    while let Some((head, after)) = rest.split_once('[') {
        outside.push_str(head);
        match after.split_once(']') {
            Some((_, tail)) => rest = tail,
            None => {
                rest = "[";
                break;
            }
        }
    }
    outside + rest
}

/// What a range goes through: `BEGIN:END` or `BEGIN:END:STEP`, numbers or single letters.
fn steps(range: &str) -> Result<Vec<String>, String> {
    const FORM: &str = "is not a range: write [BEGIN:END] or [BEGIN:END:STEP], numbers or letters";
    let bounds: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match bounds[..] {
        [begin, end] => (begin, end, 1),
        [begin, end, step] => match step.parse::<usize>() {
            Ok(step @ 1..) => (begin, end, step),
            _ => return Err("has an invalid step".to_owned()),
        },
        _ => return Err(FORM.to_owned()),
    };
    let begin = if begin.is_empty() { "0" } else { begin };
    let width = if begin.len() > 1 && begin.starts_with('0') { begin.len() } else { 0 };
    if width > 0 && end.len() != width {
        return Err("has a begin and an end of different lengths".to_owned());
    }
    if let (Some(first), Some(last)) = (letter(begin), letter(end)) {
        let all = LETTERS.get(first..=last).filter(|letters| !letters.is_empty());
        let all = all.ok_or("ends before it begins")?;
        return Ok(all.chars().step_by(step).map(String::from).collect());
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(begin) || !digits(end) {
        return Err(FORM.to_owned());
    }
    match (begin.parse::<u64>(), end.parse::<u64>()) {
        (Ok(first), Ok(last)) if first > last => Err("ends before it begins".to_owned()),
        (Ok(first), Ok(last)) if (last - first) / step as u64 >= MOST_HOSTS as u64 => {
            Err(format!("would be more than {MOST_HOSTS} hosts"))
        }
        (Ok(first), Ok(last)) => {
            Ok((first..=last).step_by(step).map(|number| format!("{number:0width$}")).collect())
        }
        _ => Err("has a number that is too large".to_owned()),
    }
}

/// In this order: Ansible has Python's `string.ascii_letters`.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn letter(text: &str) -> Option<usize> {
    (text.len() == 1).then(|| LETTERS.find(text)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_ansible_makes_of_it() {
        for (key, names, port) in [
            ("web", &["web"][..], None),
            ("web[1:3]", &["web1", "web2", "web3"], None),
            ("web[01:03]", &["web01", "web02", "web03"], None),
            ("web[08:11]", &["web08", "web09", "web10", "web11"], None),
            ("web[1:10:4]", &["web1", "web5", "web9"], None),
            ("web[:2]", &["web0", "web1", "web2"], None),
            ("db-[a:c].site", &["db-a.site", "db-b.site", "db-c.site"], None),
            ("x[y:B]", &["xy", "xz", "xA", "xB"], None),
            ("r[1:2]n[8:9]", &["r1n8", "r1n9", "r2n8", "r2n9"], None),
            ("10.0.0.[9:11]", &["10.0.0.9", "10.0.0.10", "10.0.0.11"], None),
            ("web[7:7]", &["web7"], None),
            ("web:2222", &["web"], Some(2222)),
            ("web[1:2]:2222", &["web1", "web2"], Some(2222)),
            ("[::1]:22", &["::1"], Some(22)),
            ("[web]:22", &["web"], Some(22)),
            ("2001:db8::1", &["2001:db8::1"], None),
            ("2001:db8::[1:2]", &["2001:db8::1", "2001:db8::2"], None),
            ("a name:22", &["a name:22"], None),
        ] {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(expanded(key), Ok(Named { names, port }), "{key}");
        }
    }

    #[test]
    fn what_is_no_range_is_said() {
        for (key, reason) in [
            ("web[1]", "is not a range"),
            ("web[]", "is not a range"),
            ("web[1:2:3:4]", "is not a range"),
            ("web[1-3]", "is not a range"),
            ("web[a:3]", "is not a range"),
            ("web[ab:cd]", "is not a range"),
            ("web[-1:3]", "is not a range"),
            ("web[1:]", "is not a range"),
            ("[::1]", "is not a range"),
            ("web[1:3:0]", "an invalid step"),
            ("web[1:3:-1]", "an invalid step"),
            ("web[3:1]", "ends before it begins"),
            ("web[c:a]", "ends before it begins"),
            ("web[01:100]", "different length"),
            ("web[1:3", "has no `]`"),
            ("web[1:3]]", "without its `[`"),
            ("web[1:200000]", "more than 100000"),
            ("web[1:999999999999999999999]", "too large"),
            ("a[1:1000]b[1:1000]", "more than 100000"),
            ("web:0", "`0` is not a port"),
            ("web:70000", "`70000` is not a port"),
        ] {
            let message = expanded(key).expect_err(key);
            assert!(message.contains(reason), "{key}: {message}");
        }
    }
}
