//! The environment of a task: what every program is given, what is the account's, and what the
//! policy has written out. Nothing of the caller's.

use crate::exec::process::PATH;
use crate::managers::host;
use crate::tasks::account::Account;
use std::collections::BTreeMap;

/// The variables, `NAME=value`, sorted by their names.
pub fn environment(account: &Account, words: &[String]) -> Vec<String> {
    let mut all: BTreeMap<&str, &str> = host::environment().collect();
    all.extend([
        ("TERM", "dumb"),
        ("PAGER", "cat"),
        ("LC_ALL", "C.UTF-8"),
        ("SHELL", account.shell.as_str()),
    ]);
    all.extend(words.iter().filter_map(|word| word.split_once('=')));
    // Last: no policy can set these, however it was read.
    all.extend([
        ("PATH", PATH),
        ("HOME", account.home.as_str()),
        ("USER", account.name.as_str()),
        ("LOGNAME", account.name.as_str()),
    ]);
    all.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_adds_to_what_is_fixed_and_replaces_none_of_it() {
        let account = Account {
            name: "deploy".to_owned(),
            home: "/srv/deploy".to_owned(),
            shell: "/bin/sh".to_owned(),
            ids: None,
        };
        let words = ["LC_ALL=de_DE.UTF-8", "STAGE=a=b", "PATH=/tmp", "HOME=/tmp"];
        let all = environment(&account, &words.map(str::to_owned));
        for wanted in
            ["HOME=/srv/deploy", "USER=deploy", "LOGNAME=deploy", "LC_ALL=de_DE.UTF-8", "STAGE=a=b"]
        {
            assert!(all.contains(&wanted.to_owned()), "{wanted}: {all:?}");
        }
        assert!(!all.iter().any(|word| word.contains("/tmp")), "{all:?}");
    }
}
