//! sm-policy(5) is written by hand; here it is held against the parser.

use super::pages;
use crate::policy::model::Limits;
use crate::policy::parse::parse;
use std::collections::BTreeSet;

/// Each table as the page calls it, with a policy in which it has a key that no table has.
const TABLES: [(&str, &str); 16] = [
    ("Top level", "schema = 1\nqqq = 1"),
    ("[site]", "schema = 1\nsite = { mode = \"off\", qqq = 1 }"),
    ("[limits]", "schema = 1\nlimits = { qqq = 1 }"),
    ("[limits.rate]", "schema = 1\nlimits.rate = { count = 1, per_seconds = 1, qqq = 1 }"),
    ("[limits.timeout_seconds]", "schema = 1\nlimits.timeout_seconds = { qqq = 1 }"),
    ("[services]", "schema = 1\nservices = { actions = [\"start\"], qqq = 1 }"),
    (
        "[services.units.NAME]",
        "schema = 1\nservices = { actions = [\"start\"], units.a = { qqq = 1 } }",
    ),
    ("[packages]", "schema = 1\npackages = { qqq = 1 }"),
    (
        "[packages.names.NAME]",
        "schema = 1\npackages = { actions = [\"install\"], names.a = { qqq = 1 } }",
    ),
    ("[tasks.NAME]", "schema = 1\ntasks.a = { argv = [\"/bin/a\"], qqq = 1 }"),
    ("[snapshots]", "schema = 1\n[snapshots]\nx = 1"),
    ("[exec]", "schema = 1\nexec = { qqq = 1 }"),
    ("[replies]", "schema = 1\nreplies = { qqq = 1 }"),
    ("[approvals]", "schema = 1\napprovals = { qqq = 1 }"),
    ("[audit]", "schema = 1\naudit = { qqq = 1 }"),
    ("[callers.CALLER]", "schema = 1\ncallers.default = { qqq = 1 }"),
];

fn page() -> String {
    pages().into_iter().find(|(name, _)| *name == "man/sm-policy.5").expect("the page").1
}

/// Text of the page as a reader sees it.
fn shown(text: &str) -> String {
    let marks = [
        ("\\fB", ""),
        ("\\fI", ""),
        ("\\fR", ""),
        ("\\-", "-"),
        ("\\(aq", "'"),
        ("\\&", ""),
        ("\\e", "\\"),
    ];
    marks.iter().fold(text.to_owned(), |text, (mark, shown)| text.replace(mark, shown))
}

#[test]
fn the_page_of_the_policy_has_every_key_and_no_other() {
    let page = page();
    let sections: Vec<(String, BTreeSet<String>)> = page
        .split("\n.SS ")
        .skip(1)
        .map(|section| {
            let (head, rest) = section.split_once('\n').expect("a line");
            let rest = rest.split("\n.SH ").next().unwrap_or_default();
            let keys = rest.split(".TP\n.B ").skip(1);
            let keys = keys.filter_map(|part| part.lines().next().map(shown));
            (shown(head.trim_matches('"')), keys.collect())
        })
        .collect();
    for (table, text) in TABLES {
        let error = parse("x", text, Limits::USUAL).expect_err(table);
        let hint = error.first().hint.clone().unwrap_or_default();
        let (_, known) = hint.split_once(" are: ").unwrap_or_else(|| panic!("{table}: {error}"));
        let known: BTreeSet<String> = known.split(", ").map(str::to_owned).collect();
        let found = sections.iter().find(|(head, _)| head == table);
        assert_eq!(found.map(|(_, keys)| keys), Some(&known), "{table}");
    }
    assert_eq!(sections.iter().filter(|(_, keys)| !keys.is_empty()).count(), TABLES.len());
}

#[test]
fn the_examples_of_the_page_are_policies() {
    let page = page();
    let examples: Vec<String> = page
        .split(".EX\n")
        .skip(1)
        .filter_map(|part| part.split_once(".EE").map(|(example, _)| shown(example)))
        .filter(|example| example.starts_with("schema"))
        .collect();
    assert!(examples.len() >= 3, "{}", examples.len());
    for example in examples {
        if let Err(error) = parse("example", &example, Limits::USUAL) {
            panic!("{error}:\n{example}");
        }
    }
}
