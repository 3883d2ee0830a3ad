//! sudo's settings that let an account shape how the helper is started.

use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, Status, or_ok};
use crate::admin::doctor::paths::refused;
use crate::admin::doctor::sudo::{each, edit};
use crate::sudo::ask::is_sudo_rs;
use crate::sudo::files::files;
use crate::sudo::listing::settings;
use crate::system::file;
use std::path::{Path, PathBuf};

/// Settings that let the account shape the helper's start; what keeps it from it, requests show.
pub fn defaults(context: &Context) -> Vec<Finding> {
    if is_sudo_rs() {
        return or_ok(written(), "no sudo setting affects the helper");
    }
    let helper = context.helper.to_string_lossy();
    each(context, "no sudo setting affects the helper", |agent, listing| {
        let name = &agent.user.name;
        let all = settings(&listing.short, &helper);
        let wrong = wrong(&all);
        wrong
            .into_iter()
            .map(|(status, setting, reason)| {
                let what = format!("{setting} holds for {name}: {reason}");
                let word = setting
                    .trim_start_matches('!')
                    .split(['+', '=', ' '])
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                Finding::new(status, what)
                    .fix(setting_place(&word).unwrap_or_else(|| "visudo".to_owned()))
            })
            .collect()
    })
}

/// What is wrong with a list of settings, the last of each name being the one that holds.
fn wrong(all: &[String]) -> Vec<(Status, String, &'static str)> {
    let last = |name: &str| {
        let is_it = |one: &&String| one.trim_start_matches('!').split('=').next() == Some(name);
        all.iter().rev().find(is_it)
    };
    let holds = |name: &str| last(name).is_some_and(|one| !one.starts_with('!'));
    let is_off = |name: &str| last(name).is_some_and(|one| one.starts_with('!'));
    let mut found = Vec::new();
    if is_off("env_reset") {
        found.push((
            Status::Problem,
            "!env_reset".to_owned(),
            "the account's environment reaches the helper",
        ));
    }
    if holds("setenv") {
        found.push((
            Status::Problem,
            "setenv".to_owned(),
            "the account may set LD_PRELOAD for the helper",
        ));
    }
    if let Some(set) = last("runchroot").filter(|set| !set.starts_with('!')) {
        found.push((
            Status::Problem,
            set.clone(),
            "the helper's path leads to another program in that folder",
        ));
    }
    for name in ["env_file", "restricted_env_file", "group_plugin"] {
        let set = last(name).filter(|set| !set.starts_with('!'));
        // A plug-in's arguments are files, too.
        let mut words = set.iter().flat_map(|set| set.split(['=', '"', ' ']));
        if words.any(|word| word.starts_with('/') && refused(Path::new(word)).is_some()) {
            found.extend(set.map(|set| {
                (Status::Problem, set.clone(), "root reads it, and others can change it")
            }));
        }
    }
    if is_off("authenticate") {
        found.push((Status::Warning, "!authenticate".to_owned(), "no rule asks it for a password"));
    }
    // What the dynamic linker reads (ld.so(8)).
    let loads = |value: &str| {
        let mut words = value.split(['"', ' ', '=', ',']);
        words.any(|word| {
            word.starts_with("LD_") || word.starts_with("GLIBC_TUNABLES") || word == "*"
        })
    };
    for one in all.iter().filter(|one| one.starts_with("env_keep") || one.starts_with("env_check"))
    {
        if !one.contains("-=") && loads(one) {
            found.push((
                Status::Problem,
                one.clone(),
                "the account can run its own code in the helper",
            ));
        }
    }
    found
}

/// The same from the files, for sudo-rs, which lists no settings.
fn written() -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files() {
        let text = file::read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).replace("\\\n", " ");
        for line in text.lines().map(str::trim).filter(|line| line.starts_with("Defaults")) {
            let Some((_, rest)) = line.split_once([' ', '\t']) else { continue };
            // `env_keep += "A B"` is listed without the blanks.
            let rest = rest.trim().replace(" += ", "+=").replace(" -= ", "-=").replace(" = ", "=");
            let all: Vec<String> = rest.split(',').map(|one| one.trim().to_owned()).collect();
            for (status, setting, reason) in wrong(&all) {
                let what = format!("{}: {setting}: {reason}", file.display());
                found.push(Finding::new(status, what).fix(edit(&file)));
            }
        }
    }
    found
}

/// Which file sets it.
fn setting_place(name: &str) -> Option<String> {
    let sets = |file: &PathBuf| {
        let text = String::from_utf8_lossy(&file::read(file).unwrap_or_default()).into_owned();
        text.lines().any(|line| line.trim().starts_with("Defaults") && line.contains(name))
    };
    files().into_iter().rev().find(sets).map(|file| edit(&file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_setting_of_a_name_is_the_one_that_holds() {
        let wrong = |line: &str| {
            let all: Vec<String> = line.split(", ").map(str::to_owned).collect();
            super::wrong(&all).into_iter().map(|(status, ..)| status).collect::<Vec<_>>()
        };
        for fine in [
            "env_reset, use_pty",
            "!env_reset, env_reset",
            "setenv, !setenv",
            "env_keep+=\"EDITOR LANG\"",
            "env_keep-=LD_PRELOAD",
            "runchroot=/srv, !runchroot",
            "env_file=/etc/passwd",
            "env_file=/etc/not/there",
            "env_file=/tmp/x, !env_file",
            "group_plugin=\"group_file.so /etc/passwd\"",
        ] {
            assert!(wrong(fine).is_empty(), "{fine}");
        }
        for bad in [
            "env_reset, !env_reset",
            "setenv",
            "env_keep+=\"EDITOR LD_PRELOAD\"",
            "env_keep+=LD_LIBRARY_PATH",
            "env_check+=*",
            "runchroot=*",
            "env_file=/tmp/not/there",
            "restricted_env_file=\"/tmp/x\"",
            "group_plugin=\"group_file.so /tmp/x\"",
        ] {
            assert_eq!(wrong(bad), [Status::Problem], "{bad}");
        }
        assert_eq!(wrong("!authenticate"), [Status::Warning]);
    }
}
