//! What to paste where, so that a host of agents starts this program.

use clap::ValueEnum;
use serde_json::{Value, json};

/// A host of agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// Claude Code
    ClaudeCode,
    /// Claude Desktop
    ClaudeDesktop,
    /// Cursor
    Cursor,
    /// Visual Studio Code
    Vscode,
    /// Codex
    Codex,
    /// Goose
    Goose,
    /// Zed
    Zed,
}

impl Host {
    /// Where it goes.
    pub fn place(self) -> &'static str {
        match self {
            Self::ClaudeCode => "run this; it is for the current user, and works in each project",
            Self::ClaudeDesktop => {
                "into claude_desktop_config.json: Settings, Developer, Edit Config"
            }
            Self::Cursor => "into ~/.cursor/mcp.json, or .cursor/mcp.json of a project",
            Self::Vscode => "into .vscode/mcp.json of a project",
            Self::Codex => "at the end of ~/.codex/config.toml",
            Self::Goose => "into ~/.config/goose/config.yaml, below `extensions:` if that is there",
            Self::Zed => "into ~/.config/zed/settings.json",
        }
    }

    /// What goes there: `program` with these arguments, which the agent's host sees as `sm`.
    pub fn text(self, program: &str, arguments: &[String]) -> String {
        let command = json!({"command": program, "args": arguments});
        let within = |key: &str, server: Value| {
            let text = serde_json::to_string_pretty(&json!({key: {"sm": server}}));
            text.unwrap_or_default()
        };
        // JSON's strings are TOML's and YAML's.
        let (quoted, list) = (command["command"].to_string(), command["args"].to_string());
        match self {
            Self::ClaudeCode => {
                let words = arguments.iter().map(|word| format!(" {}", shell_word(word)));
                let words: String = words.collect();
                format!("claude mcp add --scope user sm -- {}{words}", shell_word(program))
            }
            Self::ClaudeDesktop | Self::Cursor => within("mcpServers", command),
            Self::Vscode => {
                let server = json!({"type": "stdio", "command": program, "args": arguments});
                within("servers", server)
            }
            Self::Codex => format!("[mcp_servers.sm]\ncommand = {quoted}\nargs = {list}"),
            Self::Goose => format!(
                "extensions:\n  sm:\n    type: stdio\n    name: sm\n    enabled: true\n    cmd: {quoted}\n    \
                 args: {list}\n    timeout: 300"
            ),
            Self::Zed => within("context_servers", command),
        }
    }
}

/// A word as a shell reads it.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(host: Host, words: &[&str]) -> String {
        host.text(
            "/usr/local/bin/sm-mcp",
            &words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn each_host_gets_its_own_form() {
        assert_eq!(
            text(Host::ClaudeCode, &[]),
            "claude mcp add --scope user sm -- /usr/local/bin/sm-mcp"
        );
        assert_eq!(
            text(Host::ClaudeCode, &["--wait", "5", "it's"]),
            r"claude mcp add --scope user sm -- /usr/local/bin/sm-mcp --wait 5 'it'\''s'"
        );
        for (host, key) in [
            (Host::ClaudeDesktop, "mcpServers"),
            (Host::Cursor, "mcpServers"),
            (Host::Vscode, "servers"),
            (Host::Zed, "context_servers"),
        ] {
            let printed: Value = serde_json::from_str(&text(host, &["--wait", "5"])).expect("JSON");
            let server = &printed[key]["sm"];
            assert_eq!(server["command"], "/usr/local/bin/sm-mcp", "{printed}");
            assert_eq!(server["args"], json!(["--wait", "5"]));
        }
        assert_eq!(
            text(Host::Codex, &["--wait", "5"]),
            "[mcp_servers.sm]\ncommand = \"/usr/local/bin/sm-mcp\"\nargs = [\"--wait\",\"5\"]"
        );
        assert!(
            text(Host::Goose, &[]).contains("    cmd: \"/usr/local/bin/sm-mcp\"\n    args: []\n")
        );
    }
}
