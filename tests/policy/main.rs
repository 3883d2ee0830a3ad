//! `sm policy`: what is wrong with a policy, what it allows and why, and every command line that
//! can come of it. Needs no root.

#[path = "../host/actions.rs"]
mod actions;
mod check;
mod examples;
mod explain;
mod surface;
mod terminal;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The folder of the repository.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `sm ARGS` from the folder of the repository.
fn sm(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sm"));
    command.args(args).current_dir(repository()).output().expect("sm runs")
}

/// The one JSON object on standard output, and the exit status, which says the same.
#[track_caller]
fn json(args: &[&str]) -> (i32, Value) {
    let output = sm(args);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.stderr.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.matches('\n').count(), 1, "{args:?}: not one line: {text}");
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let exit = output.status.code().expect("an exit status");
    assert_eq!((&json["schema"], &json["success"]), (&1.into(), &(exit == 0).into()), "{json:#}");
    assert_eq!(
        (json["code"] == "ok", json["error"].is_string()),
        (exit == 0, exit != 0),
        "{json:#}"
    );
    (exit, json)
}

/// The policies in a folder of the repository, as paths from there.
fn policies(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(repository().join(folder)).expect("the folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    let relative = |path: PathBuf| {
        let path = path.strip_prefix(repository()).expect("in the repository").to_owned();
        path.into_os_string().into_string().expect("UTF-8")
    };
    paths.into_iter().map(relative).collect()
}
