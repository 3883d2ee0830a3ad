//! What is pasted into a host of agents, as each of them reads it.

use crate::host::repository;
use crate::session::program;
use serde_json::{Value, json};
use std::process::{Command, Stdio};

const HOSTS: [&str; 7] =
    ["claude-code", "claude-desktop", "cursor", "vscode", "codex", "goose", "zed"];

/// What is printed, and where it goes.
fn printed(host: &str, more: &[&str]) -> (String, String) {
    let output = Command::new(program())
        .args(["--print-config", host])
        .args(more)
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{host}");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (text(output.stdout), text(output.stderr))
}

/// The command line that a host starts, as it reads what was printed.
fn started(host: &str, text: &str) -> Vec<String> {
    let of_value = |server: &Value| -> Vec<String> {
        let args = server["args"].as_array().expect("arguments").iter();
        let words = std::iter::once(&server["command"]).chain(args);
        words.map(|word| word.as_str().expect("text").to_owned()).collect()
    };
    let key = match host {
        "claude-code" => {
            // As a shell reads it.
            let script = format!("claude() {{ printf '%s\\n' \"$@\"; }}\n{text}");
            let output = Command::new("sh").args(["-c", &script]).output().expect("it runs");
            let said = String::from_utf8(output.stdout).expect("text");
            let words: Vec<String> = said.lines().map(str::to_owned).collect();
            assert_eq!(words[..6], ["mcp", "add", "--scope", "user", "sm", "--"]);
            return words[6..].to_vec();
        }
        "claude-desktop" | "cursor" => "mcpServers",
        "vscode" => "servers",
        "zed" => "context_servers",
        "codex" => "mcp_servers",
        _ => {
            // Each field on a line, its value as JSON writes it, which is YAML.
            let mut lines = text.lines();
            assert_eq!((lines.next(), lines.next()), (Some("extensions:"), Some("  sm:")));
            let field = |name: &str| {
                let value =
                    text.lines().find_map(|line| line.strip_prefix(&format!("    {name}: ")));
                serde_json::from_str::<Value>(value.expect("a field")).expect("a value")
            };
            return of_value(&json!({"command": field("cmd"), "args": field("args")}));
        }
    };
    let read: Value = match host {
        "codex" => toml::from_str(text).expect("TOML"),
        _ => serde_json::from_str(text).expect("JSON"),
    };
    assert_eq!(read.as_object().map(|all| all.len()), Some(1), "{read}");
    of_value(&read[key]["sm"])
}

#[test]
fn each_host_starts_the_server_with_its_options() {
    let options = ["--wait", "50", "--inventory", "/etc/it's \"here\".yml", "--host", "web*:!web3"];
    for host in HOSTS {
        let (text, place) = printed(host, &options);
        let words = started(host, &text);
        assert_eq!(words[0], program().to_str().expect("text"));
        assert_eq!(words[1..], options, "{text}");
        assert!(place.ends_with(":\n"), "{place}");
        assert_eq!(started(host, &printed(host, &[]).0).len(), 1);
    }
}

#[test]
fn the_page_has_what_is_printed() {
    let page = std::fs::read_to_string(repository().join("docs/agents.md")).expect("the page");
    let own = program().to_str().expect("text");
    for host in HOSTS {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{host}` |")));
        let cell = row.and_then(|row| row.split(" | ").nth(2)).expect("a row");
        let text = printed(host, &[]).0.replace(own, "/usr/local/bin/sm-mcp");
        match host {
            "goose" => {
                assert!(cell.contains(text.lines().next().expect("a line").trim_end_matches(':')))
            }
            "claude-code" => {
                assert_eq!(cell.trim_end_matches(" |"), format!("`{}`", text.trim_end()))
            }
            "codex" => {
                text.lines().for_each(|line| assert!(cell.contains(&format!("`{line}`")), "{line}"))
            }
            _ => {
                let written: Value =
                    serde_json::from_str(cell.trim_end_matches(" |").trim_matches('`'))
                        .expect("JSON");
                assert_eq!(written, serde_json::from_str::<Value>(&text).expect("JSON"), "{host}");
            }
        }
    }
}

#[test]
fn the_manual_page_has_each_option_and_each_host() {
    let page = std::fs::read_to_string(repository().join("packaging/man/sm-mcp.1"));
    let page = page.expect("the page").replace('\\', "");
    let help = Command::new(program()).arg("--help").output().expect("it runs");
    let help = String::from_utf8(help.stdout).expect("text");
    let words = || help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    for option in words().filter(|word| word.starts_with("--")) {
        assert!(page.contains(option), "{option}");
    }
    for host in HOSTS {
        assert!(page.contains(host) && words().any(|word| word == host), "{host}");
    }
}

/// As the registry's schema wants it: 2025-12-11, `ServerDetail`.
#[test]
fn the_entry_of_the_registry_is_of_this_program() {
    let text = std::fs::read_to_string(repository().join("packaging/server.json"));
    let entry: Value = serde_json::from_str(&text.expect("the entry")).expect("JSON");
    let version = Command::new(program()).arg("--version").output().expect("it runs");
    let version = String::from_utf8(version.stdout).expect("text");
    assert_eq!(entry["version"].as_str(), version.trim().strip_prefix("sm-mcp "));
    let length = |key: &str| entry[key].as_str().map_or(0, |text| text.chars().count());
    assert!((1..=100).contains(&length("description")) && (1..=100).contains(&length("title")));
    let (space, name) = entry["name"].as_str().and_then(|name| name.split_once('/')).expect("two");
    assert!(space.contains('.') && name == "sm-mcp");
}
