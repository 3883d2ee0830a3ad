//! Shell patterns, as Python's `fnmatch` has them: Ansible matches names with those.

/// Whether the whole name is what the pattern means: `*`, `?`, `[a-z]`, `[!a-z]`.
pub fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Behind the last `*`, and how much of the name it has taken.
    let mut again: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&'*') {
            at += 1;
            again = Some((at, read));
            continue;
        }
        match (pattern.get(at), name.get(read)) {
            (None, None) => return true,
            (Some(_), Some(&c)) => {
                if let Some(length) = one(&pattern[at..], c) {
                    at += length;
                    read += 1;
                    continue;
                }
            }
            _ => {}
        }
        match again {
            Some((star, taken)) if taken < name.len() => {
                again = Some((star, taken + 1));
                (at, read) = (star, taken + 1);
            }
            _ => return false,
        }
    }
}

/// How much of the pattern stands for this character, if its beginning does.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern[0] {
        '?' => Some(1),
        '[' => match set(pattern) {
            Some((length, members, not)) => {
                let mut inside = false;
                let mut rest = members;
                while let Some(&first) = rest.first() {
                    if let [from, '-', to, ..] = *rest {
                        inside |= (from..=to).contains(&c);
                        rest = &rest[3..];
                    } else {
                        inside |= first == c;
                        rest = &rest[1..];
                    }
                }
                (inside != not).then_some(length)
            }
            // Without its end it is a bracket.
            None => (c == '[').then_some(1),
        },
        other => (other == c).then_some(1),
    }
}

/// The length of a set, what is in it, and whether the rest is meant. A `]` at its beginning is in
/// it.
fn set(pattern: &[char]) -> Option<(usize, &[char], bool)> {
    let not = pattern.get(1) == Some(&'!');
    let begin = 1 + usize::from(not);
    let end = pattern.iter().skip(begin + 1).position(|c| *c == ']')? + begin + 1;
    Some((end + 1, &pattern[begin..end], not))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_what_it_means_to_fnmatch() {
        for (pattern, name, same) in [
            ("web", "web", true),
            ("web", "web1", false),
            ("web*", "web", true),
            ("*", "", true),
            ("", "", true),
            ("?", "", false),
            ("*.b.*", "a.b.c.b.d", true),
            ("*a*b", "aabab", true),
            ("*a*b", "aabac", false),
            ("w?b", "web", true),
            ("w?b", "wb", false),
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[!a-c]x", "dx", true),
            ("[!a-c]x", "ax", false),
            ("[]]x", "]x", true),
            ("[!]]x", "]x", false),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[abc", "[abc", true),
            ("[", "[", true),
            ("[]", "[]", true),
            ("a[.]b", "a.b", true),
            ("a.b", "axb", false),
            ("W*", "web", false),
            ("ü*", "über", true),
        ] {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert_eq!(matches(&chars(pattern), &chars(name)), same, "{pattern} {name}");
        }
    }
}
