//! The shapes of `docs/from-nopasswd.md`: small policies that grant exactly what they say.

use crate::{json, repository};

/// Each file, and how many operations it comes to.
const SHAPES: [(&str, u64); 11] = [
    ("restart-one-app", 2),
    ("app-and-nginx", 4),
    ("three-units", 12),
    ("one-instance", 4),
    ("reload-nginx-checked", 2),
    ("apt-upgrade", 2),
    ("reload-and-restart", 3),
    ("logs-of-a-unit", 2),
    ("own-deploy-script", 1),
    ("nginx-test", 1),
    ("compose-restart", 1),
];

#[test]
fn the_commonest_grants_are_policies_of_under_twelve_lines() {
    let page =
        std::fs::read_to_string(repository().join("docs/from-nopasswd.md")).expect("the page");
    for (name, operations) in SHAPES {
        let file = format!("policy/examples/{name}.toml");
        let text = std::fs::read_to_string(repository().join(&file)).expect("the file");
        assert!(text.lines().count() < 12, "{file}");
        let (exit, answer) = json(&["--json", "policy", "check", &file]);
        assert_eq!((exit, &answer["operations"]), (0, &operations.into()), "{file}: {answer:#}");
        // The page shows the file, and the line that it replaces.
        let (line, policy) = text.split_once('\n').expect("a comment, then the policy");
        assert!(page.contains(&format!("```toml\n{policy}```\n")), "{file}");
        assert!(page.contains(&format!("```\n{}\n```\n", line.trim_start_matches("# "))), "{file}");
        assert!(page.contains(&format!("| [{name}.toml](../{file}) |")), "{file}: no row");
    }
    // Nor is anything shown that is not tested.
    assert_eq!(page.matches("```toml\n").count(), SHAPES.len());
}
