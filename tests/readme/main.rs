//! What the README and the documentation claim.

#[path = "../host/mod.rs"]
mod host;

mod agents;
mod ci;
mod operations;
mod pages;
mod started;

use host::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

const README: &str = include_str!("../../README.md");

/// What differs from run to run in a reply.
const VOLATILE: [&str; 4] = ["request_id", "duration_ms", "main_pid", "since"];

/// The documents, each with its path.
fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).expect("docs/ is there");
    let paths = docs.map(|entry| entry.expect("docs/ can be read").path());
    let all = paths.chain([root.join("README.md")]);
    all.map(|path| {
        let text = std::fs::read_to_string(&path).expect("a document can be read");
        (path, text)
    })
    .collect()
}

/// The commands of the blocks marked `console`, each with the output that is shown.
fn shown(text: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside && (line.starts_with("agent$ ") || line.starts_with("root# ")) {
            commands.push((line.to_owned(), String::new()));
        } else if inside && let Some((_, output)) = commands.last_mut() {
            output.push_str(line);
            output.push('\n');
        }
    }
    commands
}

/// The same without what differs from run to run.
fn steady(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let fixed = VOLATILE.contains(&name.as_str());
                (name, if fixed { Value::Null } else { steady(value) })
            })
            .collect(),
        other => other,
    }
}

host_test!(what_the_documents_show_happens, |host| {
    // Something to look at for those that look back.
    host.helper(&["service", "restart", "nginx"]).expect("ok");
    let mut count = 0;
    // The blocks of the others have hosts of their own.
    let is_other = |(path, _): &(PathBuf, String)| {
        !operations::PAGES.iter().any(|(page, _)| path.ends_with(Path::new("docs").join(page)))
    };
    for (path, text) in documents().into_iter().filter(is_other) {
        for (line, expected) in shown(&text) {
            count += 1;
            let done = match line.split_once(' ') {
                Some(("agent$", script)) => host.agent(script),
                Some((_, script)) => host.root(script),
                None => continue,
            };
            // Where no output is shown, the command is only said to work.
            if expected.is_empty() {
                done.ok();
                continue;
            }
            let printed = done.stdout_text();
            match serde_json::from_str::<Value>(&expected) {
                Ok(expected) => {
                    let printed: Value = serde_json::from_str(&printed).unwrap_or_default();
                    assert_eq!(steady(printed), steady(expected), "{}: {line}", path.display());
                }
                Err(_) => assert_eq!(printed, expected, "{}: {line}", path.display()),
            }
        }
    }
    assert!(count >= 12, "the documents show too little");
});

/// The codes of the README's table with their exit status, as the program has them.
#[test]
fn the_table_of_exit_statuses_is_whole() {
    let codes = include_str!("../../src/request/code.rs");
    for row in codes.lines().filter_map(|line| line.trim().strip_prefix("(Code::")) {
        let mut parts = row.trim_end_matches("),").split(", ").skip(1);
        let (word, exit) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let word = word.trim_matches('"');
        let line = README.lines().find(|line| line.starts_with(&format!("| {exit} |")));
        assert!(
            line.is_some_and(|line| line.contains(&format!("`{word}`"))),
            "{word}, exit {exit}"
        );
    }
}
