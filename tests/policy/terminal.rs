//! What is printed at a terminal is broken between words at its width; into a pipe it is not.

use super::repository;
use std::process::Command;

/// What a terminal of 50 columns shows of `sm ARGS`; `before` is run in front of it.
fn shown(before: &str, args: &str) -> String {
    let line = format!("stty cols 50; {before} '{}' {args}", env!("CARGO_BIN_EXE_sm"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--command", &line, "/dev/null"]).current_dir(repository());
    let output = script.env_remove("COLUMNS").env("NO_COLOR", "1").output();
    let output = output.expect("script; install it with: apt-get install bsdutils");
    String::from_utf8(output.stdout).expect("UTF-8").replace('\r', "")
}

fn longest(text: &str) -> usize {
    text.lines().map(|line| line.trim_end().chars().count()).max().unwrap_or(0)
}

#[test]
fn help_errors_and_hints_are_as_wide_as_the_terminal() {
    let help = shown("", "policy --help");
    assert!(help.contains("visudo") && longest(&help) <= 50, "{help}");
    // Below the column in which it began.
    let column = help.lines().find_map(|line| line.find("Print every command")).expect("a column");
    let next = help.lines().skip_while(|line| !line.contains("Print every command")).nth(1);
    assert_eq!(next.expect("a line").find(|c| c != ' '), Some(column), "{help}");
    assert!((51..=90).contains(&longest(&shown("env COLUMNS=90", "policy --help"))));

    let mistake = shown("", "policy check Cargo.toml");
    assert!(mistake.starts_with("sm: ") && mistake.lines().count() > 2, "{mistake}");
    assert!(longest(&mistake) <= 50, "{mistake}");
    // What is to be typed stays in one piece, though it is wider.
    let usage = shown("env COLUMNS=30", "policy explain service restart");
    assert!(usage.contains("\n        sm policy explain service restart <unit>\n"), "{usage}");

    let piped = Command::new(env!("CARGO_BIN_EXE_sm")).args(["policy", "--help"]).output();
    let piped = String::from_utf8(piped.expect("sm runs").stdout).expect("UTF-8");
    assert!(longest(&piped) > 80, "{piped}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&help), words(&piped));
}

#[test]
fn the_helpers_help_and_usage_are_as_wide_as_the_terminal() {
    for command in ["helper --help", "helper service --help", "helper package --help"] {
        let help = shown("", command);
        assert!(help.contains("Usage: sm-helper") && longest(&help) <= 50, "{command}: {help}");
        let wide = shown("stty cols 200;", command);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(longest(&wide) > 80 && words(&help) == words(&wide), "{command}: {wide}");
    }
    let usage = shown("", "helper services restart_everything_of_this_host");
    assert!(usage.starts_with("sm-helper: ") && usage.lines().count() > 2, "{usage}");
    assert!(longest(&usage) <= 50, "{usage}");
    // What is to be typed stays in one piece.
    let usage = shown("stty cols 30;", "helper nginx restart");
    assert!(usage.ends_with("\n        sm-helper service restart nginx\n"), "{usage}");
}

#[test]
fn what_is_allowed_refused_or_changed_has_a_colour_at_a_terminal_alone() {
    let site = std::env::temp_dir().join(format!("sm-colour-{}.toml", std::process::id()));
    std::fs::write(&site, "schema = 1\n").expect("a file");
    let site = site.to_str().expect("UTF-8").to_owned();
    let script = |set: &str, args: &str| shown(set, &format!("policy {args}"));
    let allowed = "explain service restart nginx";
    let refused = "explain service restart sshd";
    assert!(script("env -u NO_COLOR", allowed).starts_with("\x1b[32mallowed\x1b[0m: "));
    assert!(script("env -u NO_COLOR", refused).starts_with("\x1b[31mrefused\x1b[0m "));
    let diff = format!("diff --site {site}");
    let lines = script("env -u NO_COLOR", &diff);
    assert!(lines.lines().any(|line| line.starts_with("\x1b[31m- ")), "{lines}");
    for args in [allowed, refused, &diff] {
        assert!(!script("", args).contains('\x1b'), "NO_COLOR: {args}");
        let words = ["policy"].into_iter().chain(args.split(' '));
        let piped = Command::new(env!("CARGO_BIN_EXE_sm")).args(words).output().expect("sm runs");
        assert!(!piped.stdout.contains(&0x1b), "into a pipe: {args}");
    }
    std::fs::remove_file(site).expect("it is there");
}
