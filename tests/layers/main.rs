//! The folders of `src` have an order, and imports run one way.

mod imports;

use imports::{Import, Sources};
use std::collections::{BTreeMap, BTreeSet};

/// The folders and files of `src`, from the ground up: each imports those before it, and none of
/// those behind it.
const ORDER: [&str; 27] = [
    "output",
    "system",
    "request",
    "files",
    "managers",
    "policy",
    "history",
    "plan",
    "surface",
    "outcome",
    "limits",
    "approvals",
    "audit",
    "results",
    "exec",
    "services",
    "snapshots",
    "packages",
    "tasks",
    "undo",
    "reply",
    "sudo",
    "cli",
    "broker",
    "escalate",
    "pipeline",
    "admin",
];

/// What is wrong with the imports: one line for each that runs upwards, and one for each circle.
fn problems(sources: &Sources) -> Vec<String> {
    let imports = sources.imports();
    let mut problems: Vec<String> = imports.iter().filter_map(upwards).collect();
    // Between files, and in each folder between what stands in it.
    let files: Vec<(String, String, &Import)> =
        imports.iter().map(|one| (one.from.clone(), one.to.clone(), one)).collect();
    problems.extend(circles(&files));
    let mut folders: BTreeMap<String, Vec<(String, String, &Import)>> = BTreeMap::new();
    for one in &imports {
        let (folder, from, to) = parted(&one.from, &one.to);
        folders.entry(folder).or_default().push((from, to, one));
    }
    problems.extend(folders.values().flat_map(|inside| circles(inside)));
    problems.sort();
    problems.dedup();
    problems
}

fn upwards(import: &Import) -> Option<String> {
    let place = |file: &str| {
        let top = file.split(['/', '.']).next().unwrap_or_default();
        // main.rs stands above all of them.
        if top == "main" { Some(ORDER.len()) } else { ORDER.iter().position(|name| *name == top) }
    };
    let (Some(from), Some(to)) = (place(&import.from), place(&import.to)) else {
        return Some(format!(
            "src/{} imports {} of src/{}, and one of these is in no place of the order",
            import.from, import.name, import.to
        ));
    };
    (from < to).then(|| {
        format!(
            "src/{} imports {} of src/{}, which is above it",
            import.from, import.name, import.to
        )
    })
}

/// The folder that two files are in together, and what of it each of them is in.
fn parted(from: &str, to: &str) -> (String, String, String) {
    let from: Vec<&str> = from.split('/').collect();
    let to: Vec<&str> = to.split('/').collect();
    let most = from.len().min(to.len()) - 1;
    let same = (0..most).take_while(|at| from[*at] == to[*at]).count();
    // A folder and the file of its name are one.
    let name = |path: &[&str]| path[same].trim_end_matches(".rs").to_owned();
    (from[..same].join("/"), name(&from), name(&to))
}

/// A line for each import that is a part of a circle.
fn circles(edges: &[(String, String, &Import)]) -> Vec<String> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to, _) in edges.iter().filter(|(from, to, _)| from != to) {
        next.entry(from).or_default().insert(to);
    }
    let leads_to = |start: &str, end: &str| {
        let (mut seen, mut left) = (BTreeSet::new(), vec![start]);
        while let Some(at) = left.pop() {
            if at == end {
                return true;
            }
            if seen.insert(at) {
                left.extend(next.get(at).into_iter().flatten());
            }
        }
        false
    };
    let is_circle = |(from, to, _): &&(String, String, &Import)| from != to && leads_to(to, from);
    let told = |(_, _, import): &(String, String, &Import)| {
        format!(
            "src/{} imports {} of src/{}, which leads back to it",
            import.from, import.name, import.to
        )
    };
    edges.iter().filter(is_circle).map(told).collect()
}

#[test]
fn imports_run_one_way_and_form_no_circle() {
    let problems = problems(&Sources::read("src"));
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn every_place_of_the_order_is_there() {
    let sources = Sources::read("src");
    for name in ORDER {
        let is_here = |file: &String| file.split(['/', '.']).next() == Some(name);
        assert!(sources.files().any(is_here), "{name}");
    }
}

/// What each of these adds to two files that are well is found, with the files and the name.
#[test]
fn an_import_that_runs_upwards_or_closes_a_circle_is_found() {
    let well = [
        ("output/mod.rs", "pub mod text;\npub mod lines;\n"),
        ("output/text.rs", "use crate::output::lines::Line;\npub fn one_line(_: Line) {}\n"),
        ("output/lines.rs", "pub struct Line;\n"),
        ("system/mod.rs", "pub mod tool;\npub mod deep;\n"),
        ("system/tool.rs", "use crate::output::text::one_line;\npub struct Tool;\n"),
        ("system/deep/mod.rs", "pub mod inner;\npub use crate::system::tool::Tool;\n"),
        ("system/deep/inner.rs", "pub struct Inner;\n"),
    ];
    let with = |file: &str, more: &str| {
        let files = well.map(|(name, text)| {
            let text = if name == file { format!("{text}{more}") } else { text.to_owned() };
            (name.to_owned(), text)
        });
        problems(&Sources::from(files))
    };
    assert_eq!(with("", ""), Vec::<String>::new());
    let up = "src/output/lines.rs imports Tool of src/system/tool.rs, which is above it";
    for more in [
        "use crate::system::tool::Tool;",
        "use crate::system::{deep::inner, tool::{Tool as Other}};",
        "use super::super::system::tool::Tool;",
        "fn f() { let _ = crate::system::tool::Tool; }",
        "fn f(_: &crate::system::tool::Tool) {}",
        "fn f() { println!(\"{:?}\", (1, crate::system::tool::Tool)); }",
        "mod inside { use super::super::super::system::tool::Tool; }",
        // By way of another file that gives it on.
        "use crate::system::deep::Tool;",
    ] {
        let found = with("output/lines.rs", more);
        assert!(found.iter().any(|line| line == up), "{more}: {found:#?}");
    }
    let found = with("output/lines.rs", "use super::text::one_line;");
    let circle =
        "src/output/lines.rs imports one_line of src/output/text.rs, which leads back to it";
    assert!(found.iter().any(|line| line == circle), "{found:#?}");
    // Between a folder and a file beside it.
    let found = with("system/tool.rs", "use crate::system::deep::inner::Inner;");
    let circle =
        "src/system/tool.rs imports Inner of src/system/deep/inner.rs, which leads back to it";
    assert!(found.iter().any(|line| line == circle), "{found:#?}");
    // What tests import is no part of the program.
    for more in [
        "#[cfg(test)]\nmod tests { use crate::system::tool::Tool; }",
        "#[cfg(test)]\nuse crate::system::tool::Tool;",
        "// use crate::system::tool::Tool;",
        "const TEXT: &str = \"crate::system::tool::Tool\";",
    ] {
        assert_eq!(with("output/lines.rs", more), Vec::<String>::new(), "{more}");
    }
}
