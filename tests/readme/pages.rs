//! The pages hold together: one index, links that lead somewhere, commands and JSON that are none
//! by mistake.

use super::{documents, shown};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const INDEX: &str = include_str!("../../docs/README.md");

/// The targets of a page's links.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// What a heading is called in a link, as the usual renderers do it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_leads_somewhere() {
    for (path, text) in documents() {
        for link in links(&text).filter(|link| !link.starts_with("https://")) {
            let (file, part) = link.split_once('#').unwrap_or((link, ""));
            let folder = path.parent().unwrap_or(Path::new("/"));
            let target = if file.is_empty() { path.clone() } else { folder.join(file) };
            assert!(target.exists(), "{} links to {link}", path.display());
            if !part.is_empty() {
                let there = std::fs::read_to_string(&target).expect("a page");
                let mut headings = there.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|line| anchor(line.trim_start_matches('#').trim()) == part),
                    "{} links to {link}, where there is no such heading",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_index_has_every_page_once() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let names = std::fs::read_dir(folder).expect("docs/").flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_page = |name: &String| name.ends_with(".md") && name != "README.md";
    let pages: BTreeSet<String> = names.filter(is_page).collect();
    let mut listed: Vec<&str> = links(INDEX).collect();
    listed.sort_unstable();
    assert_eq!(listed, pages.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn json_is_json() {
    let mut count = 0;
    for (path, text) in documents() {
        for block in text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            count += 1;
            serde_json::from_str::<serde_json::Value>(block)
                .unwrap_or_else(|error| panic!("{}: {error}: {block}", path.display()));
        }
        // Whole objects in a line, where nothing is left out.
        for line in text.lines().filter(|line| line.starts_with("{\"") && !line.contains('…')) {
            count += 1;
            serde_json::from_str::<serde_json::Value>(line)
                .unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()));
        }
    }
    assert!(count >= 4, "{count}");
}

/// The command lines of a page that begin with one of our programs: in blocks, and in the text.
fn lines(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            let line = ["root# ", "agent$ ", "admin$ ", "sudo "]
                .iter()
                .fold(line.trim(), |line, before| line.strip_prefix(before).unwrap_or(line));
            all.push(line);
        } else {
            all.extend(line.split('`').skip(1).step_by(2));
        }
    }
    all.retain(|line| {
        let line = line.strip_prefix("sudo ").unwrap_or(line);
        line.starts_with("sm ") || line.starts_with("sm-helper ")
    });
    all
}

/// The help of each command, asked for once.
#[derive(Default)]
struct Grammar(BTreeMap<Vec<String>, String>);

impl Grammar {
    fn help(&mut self, path: &[String]) -> &str {
        self.0.entry(path.to_vec()).or_insert_with(|| {
            let program = env!("CARGO_BIN_EXE_sm");
            let output = Command::new(program).args(path).arg("--help").output().expect("it runs");
            let text = String::from_utf8(output.stdout).expect("UTF-8");
            match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(reply) => {
                    let lines = reply["help"].as_array().expect("lines").iter();
                    lines.filter_map(|line| line.as_str()).collect::<Vec<_>>().join("\n")
                }
                Err(_) => text,
            }
        })
    }

    /// What is wrong with a command line as it stands in a page: a command or an option that
    /// there is not. Values and placeholders are not looked at.
    fn wrong(&mut self, line: &str) -> Option<String> {
        let line = line.strip_prefix("sudo ").unwrap_or(line);
        let line = line.split(" #").next().unwrap_or(line);
        let mut words = line.split_whitespace();
        let is_helper = words.next() == Some("sm-helper");
        let mut path: Vec<String> = is_helper.then(|| "helper".to_owned()).into_iter().collect();
        let mut is_command = true;
        let mut takes_value = false;
        for word in words {
            if std::mem::take(&mut takes_value) {
                continue;
            }
            if word == "--" || word.starts_with(['>', '|', '<', '&', ';']) {
                break;
            }
            let word = word.trim_end_matches([',', ';', ']']).trim_start_matches('[');
            let help = self.help(&path).to_owned();
            if let Some(flag) = word.strip_prefix("--").filter(|flag| !flag.is_empty()) {
                let name = flag.split(['=', '|', '[']).next().unwrap_or(flag);
                takes_value = !flag.contains('=') && help.contains(&format!("--{name} <"));
                let named = format!("--{name}");
                let mut known = help.split([' ', '\n', ',', '[']);
                if !known.any(|known| known == named) {
                    return Some(format!("there is no option {named}"));
                }
            } else if word.starts_with('-') {
                continue;
            } else if is_command
                && help.lines().any(|line| {
                    line.strip_prefix("  ").and_then(|rest| rest.split(' ').next()) == Some(word)
                })
            {
                path.push(word.to_owned());
            } else {
                let has_commands = help.contains("\nCommands:\n");
                let is_word = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
                if is_command && has_commands && is_word {
                    return Some(format!("there is no command {word}"));
                }
                is_command = false;
            }
        }
        None
    }
}

#[test]
fn every_command_that_is_named_is_there() {
    let mut grammar = Grammar::default();
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, text) in documents() {
        // The page that shows wrong ones on purpose.
        let text = match text.split_once("\n## When a step goes wrong") {
            Some((before, after)) => {
                [before, after.split_once("\n## ").map_or("", |rest| rest.1)].join("\n")
            }
            None => text,
        };
        for line in lines(&text) {
            count += 1;
            if let Some(why) = grammar.wrong(line) {
                wrong.push(format!("{}: {line}: {why}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 100, "{count}");
    for (line, expected) in [
        ("sm polcy show", "there is no command polcy"),
        ("sm setup-sudo --users agent", "there is no option --users"),
        ("sm-helper service restart nginx --pritty", "there is no option --pritty"),
    ] {
        assert_eq!(grammar.wrong(line).as_deref(), Some(expected), "{line}");
    }
}

#[test]
fn what_is_shown_is_run() {
    // A block that is not marked `console` is not run: no prompt of the hosts of tests in those.
    for (path, text) in documents() {
        let is_prompt = |line: &&str| line.starts_with("agent$ ") || line.starts_with("root# ");
        let prompts = text.lines().filter(is_prompt).count();
        let plain = ["arch", "btrfs"]
            .iter()
            .fold(text, |text, kind| text.replace(&format!("```console {kind}"), "```console"));
        let run = shown(&plain).len();
        assert_eq!(prompts, run, "{}: a prompt in another block", path.display());
    }
}

#[test]
fn what_the_program_says_of_itself_is_json_too_where_that_is_asked_for() {
    for flag in ["--version", "--help"] {
        let program = env!("CARGO_BIN_EXE_sm");
        let output = Command::new(program).args([flag, "--json"]).output().expect("it runs");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(answer["success"], true, "{flag}: {answer:#}");
        assert_eq!(answer["version"], env!("CARGO_PKG_VERSION"), "{flag}: {answer:#}");
    }
}
