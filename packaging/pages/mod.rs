//! The manual pages and the completions, made from the grammar that the program itself reads its
//! command line with, and from the tables of its codes and of its policy's keys.
//!
//! This is compiled for the tests alone. What it makes lies in `packaging/man` and
//! `packaging/completions`; `packaging/pages/write` makes it anew.

mod completions;
mod grammar;
mod man;
mod policy;

use clap::Arg;
use std::fs;
use std::path::Path;

/// Every page: its file, and what is in it.
fn pages() -> Vec<(&'static str, String)> {
    let (sm, helper) = (grammar::sm(), grammar::helper());
    vec![
        ("man/sm.8", man::page(include_str!("sm.8.in"), &sm)),
        ("man/sm-helper.1", man::page(include_str!("sm-helper.1.in"), &helper)),
        ("man/sm-policy.5", man::page(include_str!("sm-policy.5.in"), &sm)),
        ("completions/sm.bash", completions::bash(&sm)),
        ("completions/sm-helper.bash", completions::bash(&helper)),
        ("completions/_sm", completions::zsh(&sm)),
        ("completions/_sm-helper", completions::zsh(&helper)),
        ("completions/sm.fish", completions::fish(&sm)),
        ("completions/sm-helper.fish", completions::fish(&helper)),
    ]
}

#[test]
fn pages_are_what_the_grammar_makes_of_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let mut stale = Vec::new();
    for (name, text) in pages() {
        let file = folder.join(name);
        if std::env::var_os("SM_WRITE_PAGES").is_some() {
            fs::write(&file, text).expect("a page");
        } else if fs::read_to_string(&file).ok() != Some(text) {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "{stale:?} are not up to date; run packaging/pages/write");
}

/// What is not for people is on no page, and nothing of the rest is left out.
#[test]
fn pages_name_every_command_and_flag_and_nothing_hidden() {
    for (program, page) in [(grammar::sm(), "sm."), (grammar::helper(), "sm-helper")] {
        let places = grammar::all(&program);
        assert!(places.len() > 4, "{}", places.len());
        for (name, text) in pages().iter().filter(|(name, _)| name.contains(page)) {
            assert!(!text.contains("sm broker") && !text.contains("'broker'"), "{name}");
            let plain = text.replace("\\-", "-").replace(" -l ", " --");
            for place in &places {
                let flags = place.get_arguments().filter_map(Arg::get_long);
                let flags = flags.map(|name| format!("--{name}"));
                for word in flags.chain([place.get_name().to_owned()]) {
                    assert!(plain.contains(word.as_str()), "{name} does not name {word}");
                }
            }
        }
    }
}
