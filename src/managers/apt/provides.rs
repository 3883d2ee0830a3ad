//! What an installed package says that it provides.

use crate::managers::providers::Providers;

/// Those that provide a name.
pub fn of(name: &str) -> Providers {
    let status = std::fs::read("/var/lib/dpkg/status").unwrap_or_default();
    let provide = in_status(&String::from_utf8_lossy(&status), name);
    Providers { provide, of_group: Vec::new() }
}

/// `Provides: mail-transport-agent, default-mta (= 1)` of what is installed.
fn in_status(status: &str, name: &str) -> Vec<String> {
    let provider = |stanza: &str| {
        let field =
            |key: &str| stanza.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        let is_there = field("Status")?.ends_with(" installed");
        let mut provides = field("Provides")?.split(',');
        let is_it = |one: &str| one.trim().split([' ', '(', ':']).next() == Some(name);
        (is_there && provides.any(is_it)).then(|| field("Package").map(str::to_owned))?
    };
    status.split("\n\n").filter_map(provider).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn who_provides_a_name_is_found() {
        cases::each("managers/apt_providers", |case| {
            json!(in_status(case.input("status"), case.input("name").trim()))
        });
    }
}
