//! Which of two of pacman's versions is older, as `vercmp(8)` says.

use std::cmp::Ordering;

/// Compares `[EPOCH:]VERSION[-RELEASE]`.
pub fn vercmp(one: &str, two: &str) -> Ordering {
    let (first, second) = (Parts::of(one), Parts::of(two));
    segments(first.epoch, second.epoch)
        .then_with(|| segments(first.version, second.version))
        .then_with(|| match (first.release, second.release) {
            (Some(one), Some(two)) => segments(one, two),
            _ => Ordering::Equal,
        })
}

struct Parts<'v> {
    epoch: &'v str,
    version: &'v str,
    release: Option<&'v str>,
}

impl<'v> Parts<'v> {
    fn of(text: &'v str) -> Self {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
            _ => ("0", text),
        };
        let (version, release) = match rest.rsplit_once('-') {
            Some((version, release)) => (version, Some(release)),
            None => (rest, None),
        };
        Self { epoch: if epoch.is_empty() { "0" } else { epoch }, version, release }
    }
}

/// Compares segment by segment, numbers as numbers, the rest as text.
fn segments(mut one: &str, mut two: &str) -> Ordering {
    while !one.is_empty() && !two.is_empty() {
        let (gap, rest) = without_separator(one);
        let (other_gap, other_rest) = without_separator(two);
        (one, two) = (rest, other_rest);
        if one.is_empty() || two.is_empty() {
            break;
        }
        if gap != other_gap {
            return gap.cmp(&other_gap);
        }
        let is_number = one.starts_with(|c: char| c.is_ascii_digit());
        let of_kind = |c: char| {
            if is_number { c.is_ascii_digit() } else { c.is_ascii_alphabetic() }
        };
        let (segment, rest) = split(one, of_kind);
        let (other, other_rest) = split(two, of_kind);
        // A number is newer than a word.
        if other.is_empty() {
            return if is_number { Ordering::Greater } else { Ordering::Less };
        }
        let order = if is_number { numbers(segment, other) } else { segment.cmp(other) };
        if order != Ordering::Equal {
            return order;
        }
        (one, two) = (rest, other_rest);
    }
    let is_word = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
    match (one.is_empty(), two.is_empty()) {
        (true, true) => Ordering::Equal,
        // `1.0rc` is older than `1.0`, and `1.0.1` is newer.
        (true, false) if !is_word(two) => Ordering::Less,
        _ if is_word(one) => Ordering::Less,
        _ => Ordering::Greater,
    }
}

fn without_separator(text: &str) -> (usize, &str) {
    let rest = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    (text.len() - rest.len(), rest)
}

fn split(text: &str, of_kind: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !of_kind(c)).unwrap_or(text.len()))
}

fn numbers(one: &str, two: &str) -> Ordering {
    let (one, two) = (one.trim_start_matches('0'), two.trim_start_matches('0'));
    one.len().cmp(&two.len()).then_with(|| one.cmp(two))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_pacman_orders_them() {
        // From vercmp(8), and its test suite's kinds of cases.
        for chain in [
            &["1.0a", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0.a", "1.0.1"][..],
            &["1", "1.0", "1.1", "1.1.1", "1.2", "2.0", "3.0.0"],
            &["1.9-1", "1.10-1", "1.10-2", "1:0.1-1", "10:0.1-1"],
            &["1.5.b", "1.5.1"],
        ] {
            for (at, older) in chain.iter().enumerate() {
                assert_eq!(vercmp(older, older), Ordering::Equal);
                for newer in &chain[at + 1..] {
                    assert_eq!(vercmp(older, newer), Ordering::Less, "{older} {newer}");
                    assert_eq!(vercmp(newer, older), Ordering::Greater, "{older} {newer}");
                }
            }
        }
        for (one, two) in [("1.5-1", "1.5"), ("0:1.0", "1.0"), ("1.01", "1.1")] {
            assert_eq!(vercmp(one, two), Ordering::Equal, "{one} {two}");
        }
    }
}
