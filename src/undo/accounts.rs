//! The account database, which comes back as a whole or not at all, and only where nothing but accounts of the
//! system were added to it: an operation on packages must not give anybody back what an administrator has taken
//! away meanwhile, nor let an account of one file be another one's in the next.

use crate::files::tree::Tree;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

/// Its files (`passwd(5)`, `shadow(5)`, `group(5)`, `gshadow(5)`, `subuid(5)`).
const FILES: [&str; 6] =
    ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid"];

/// The first number of people's accounts (`UID_MIN` in `login.defs(5)`).
const FIRST_OF_PEOPLE: u32 = 1000;

/// The number of `nobody`, which is none of people's either.
const NOBODY: u32 = 65_534;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// Whether a file is one of the database, or the one before it that tools keep (`passwd-`).
pub fn is_of_accounts(path: &str) -> bool {
    FILES.contains(&path.strip_suffix('-').unwrap_or(path))
}

/// Whether the second tree has all that the first one has, and accounts and groups of the system besides.
pub fn only_system_added(before: &Tree, after: &Tree) -> bool {
    let text = |tree: &Tree, path: &str| text_of(tree, path).unwrap_or_default();
    let mut names = BTreeSet::new();
    FILES.iter().all(|path| {
        let has_number = ["/etc/passwd", "/etc/group"].contains(path);
        match added(&text(before, path), &text(after, path)) {
            None => false,
            Some(lines) => lines.iter().all(|line| {
                let mut fields = line.split(':');
                let name = fields.next().unwrap_or_default().to_owned();
                let number: Option<u32> = fields.nth(1).and_then(|field| field.parse().ok());
                let is_system =
                    number.is_some_and(|number| number < FIRST_OF_PEOPLE || number == NOBODY);
                let is_fine = if has_number { is_system } else { names.contains(&name) };
                names.insert(name);
                is_fine
            }),
        }
    })
}

/// The lines that came to those of `before`; none if one of them is gone.
fn added(before: &str, after: &str) -> Option<Vec<String>> {
    let mut wanted = before.lines().peekable();
    let mut more = Vec::new();
    for line in after.lines() {
        match wanted.next_if_eq(&line) {
            Some(_) => {}
            None => more.push(line.to_owned()),
        }
    }
    wanted.next().is_none().then_some(more)
}

fn text_of(tree: &Tree, path: &str) -> Option<String> {
    let path = Path::new(path.trim_start_matches('/'));
    let entry = tree.entry(path).ok().flatten()?;
    let mut text = String::new();
    tree.read(path, &entry).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_told_from_what_was_changed() {
        let before = "root:x:0:\nagent:x:1000:\n";
        for (after, more) in [
            ("root:x:0:\nagent:x:1000:\n", Some(vec![])),
            ("root:x:0:\nagent:x:1000:\nsvc:x:998:\n", Some(vec!["svc:x:998:"])),
            ("root:x:0:\nsvc:x:998:\nagent:x:1000:\n", Some(vec!["svc:x:998:"])),
            ("root:x:0:\nagent:x:1001:\n", None),
            ("root:x:0:\n", None),
            ("", None),
        ] {
            let more = more.map(|all: Vec<&str>| all.into_iter().map(str::to_owned).collect());
            assert_eq!(added(before, after), more, "{after}");
        }
    }

    #[test]
    fn a_file_of_accounts_has_one_of_before_beside_it() {
        assert!(is_of_accounts("/etc/passwd") && is_of_accounts("/etc/gshadow-"));
        assert!(!is_of_accounts("/etc/passwd--") && !is_of_accounts("/etc/hosts"));
    }
}
