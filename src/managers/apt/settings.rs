//! Where the settings of apt and dpkg name a command.

use crate::managers::settings::Files;

/// The options of apt's that name commands (`apt.conf(5)`); what begins so has them too.
const APT: [&str; 3] = ["dpkg::", "apt::update::", "aptcli::hooks::"];

/// Those of dpkg's (`dpkg(1)`).
const DPKG: [&str; 3] = ["pre-invoke", "post-invoke", "status-logger"];

/// Where they are.
pub const FILES: [Files; 4] = [
    ("/etc/apt/apt.conf.d", "", of_apt),
    ("/etc/apt/apt.conf", "", of_apt),
    ("/etc/dpkg/dpkg.cfg.d", "", of_dpkg),
    ("/etc/dpkg/dpkg.cfg", "", of_dpkg),
];

/// `post-invoke=COMMAND`, as on dpkg's command line.
fn of_dpkg(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| {
        let (option, command) = line.trim().split_once(['=', ' '])?;
        let command = command.trim_start_matches(['=', ' ']).trim_matches(['"', '\'']);
        DPKG.contains(&option).then(|| (option.to_owned(), command.to_owned()))
    });
    lines.collect()
}

/// `DPkg::Post-Invoke { "COMMAND"; };`, `DPkg { Post-Invoke { "COMMAND"; }; };`, or
/// `DPkg::Post-Invoke:: "COMMAND";`
fn of_apt(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut scopes: Vec<String> = Vec::new();
    let mut name: Option<String> = None;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (taken, value) = match first {
            '#' => (until(rest, "\n"), None),
            '/' if rest.starts_with("//") => (until(rest, "\n"), None),
            '/' if rest.starts_with("/*") => (until(rest, "*/"), None),
            '"' => {
                let inner = rest[1..].find('"').map_or(&rest[1..], |end| &rest[1..=end]);
                ((inner.len() + 2).min(rest.len()), Some(inner))
            }
            '{' => {
                scopes.push(name.take().unwrap_or_default());
                (1, None)
            }
            '}' => {
                scopes.pop();
                name = None;
                (1, None)
            }
            ';' => {
                name = None;
                (1, None)
            }
            _ if first.is_whitespace() => (first.len_utf8(), None),
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '{' | '}' | ';');
                let end = rest.find(ends).unwrap_or(rest.len());
                match name {
                    Some(_) => (end, Some(&rest[..end])),
                    None => {
                        name = Some(rest[..end].trim_end_matches(':').to_owned());
                        (end, None)
                    }
                }
            }
        };
        if let Some(value) = value {
            let names = scopes.iter().chain(&name).filter(|name| !name.is_empty());
            let option = names.map(String::as_str).collect::<Vec<_>>().join("::");
            if APT.iter().any(|start| option.to_ascii_lowercase().starts_with(start)) {
                found.push((option, value.to_owned()));
            }
        }
        rest = &rest[taken..];
    }
    found
}

/// How long the text is to the end of this mark.
fn until(text: &str, mark: &str) -> usize {
    text.find(mark).map_or(text.len(), |at| at + mark.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(found: &[(String, String)]) -> Vec<(&str, &str)> {
        found.iter().map(|(option, command)| (option.as_str(), command.as_str())).collect()
    }

    #[test]
    fn each_way_to_write_a_command_is_read() {
        let text = "// DPkg::Post-Invoke { \"no\"; };\n# DPkg::Post-Invoke { \"no\"; };\n\
            /* DPkg::Post-Invoke { \"no\"; }; */\nAPT::Periodic::Enable \"1\";\n\
            DPkg::Post-Invoke { \"a; b\"; \"c // d\"; };\n\
            DPkg { Pre-Invoke { \"e\"; }; Options { \"--force-x\"; } };\n\
            DPkg::Pre-Install-Pkgs:: \"f g\";\nAPT::Update::Post-Invoke {\"h\";};\n\
            aptcli::hooks::install { \"i\"; };\nAPT { Update { Pre-Invoke:: \"j\"; }; };\n";
        let found = of_apt(text);
        for wanted in [
            ("DPkg::Post-Invoke", "a; b"),
            ("DPkg::Post-Invoke", "c // d"),
            ("DPkg::Pre-Invoke", "e"),
            ("DPkg::Pre-Install-Pkgs", "f g"),
            ("APT::Update::Post-Invoke", "h"),
            ("aptcli::hooks::install", "i"),
            ("APT::Update::Pre-Invoke", "j"),
        ] {
            assert!(pairs(&found).contains(&wanted), "{wanted:?}: {found:?}");
        }
        assert!(!text.is_empty() && !pairs(&found).iter().any(|(_, command)| *command == "no"));
        let found = of_dpkg("# post-invoke=no\npost-invoke=\"x y\"\npre-invoke = z\nno-debsig\n");
        assert_eq!(pairs(&found), [("post-invoke", "x y"), ("pre-invoke", "z")]);
    }

    proptest! {
        #[test]
        fn no_file_is_too_odd(text in "[a:{};\"/*# \\nDé]{0,80}") {
            of_apt(&text);
        }
    }
}
