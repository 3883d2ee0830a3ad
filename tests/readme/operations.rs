//! What the pages on the operations show: each block on a fresh host, each reply field by field.
//!
//! `…` at the end of a reply stands for the fields of [`MAY_BE_LEFT_OUT`] that are not shown, `…` in
//! `unit` for more of it, `…` in `plan` for empty lists, `…` as the last line of a list for more
//! lines, and `…` in a text for more text. Everything else has to be there, and has to be so.

use crate::host::{Host, Sudo};
use serde_json::Value;

/// The pages, each with its name.
pub const PAGES: [(&str, &str); 8] = [
    ("services.md", include_str!("../../docs/services.md")),
    ("package-operations.md", include_str!("../../docs/package-operations.md")),
    ("pacman.md", include_str!("../../docs/pacman.md")),
    ("tasks.md", include_str!("../../docs/tasks.md")),
    ("approvals.md", include_str!("../../docs/approvals.md")),
    ("undo.md", include_str!("../../docs/undo.md")),
    ("replies.md", include_str!("../../docs/replies.md")),
    ("interruptions.md", include_str!("../../docs/interruptions.md")),
];

/// What every reply has, and what a page is not about where it leaves it out.
const MAY_BE_LEFT_OUT: [&str; 15] = [
    "schema",
    "success",
    "request_id",
    "operation",
    "argv",
    "returncode",
    "signal",
    "stdout",
    "stderr",
    "stdout_truncated",
    "stderr_truncated",
    "unit",
    "restart_needed",
    "reboot_needed",
    "duration_ms",
];

/// What is never cut: it is what a caller acts on.
const WHOLE: [&str; 5] = ["code", "error", "hint", "argv", "plan"];

/// The last line of a list of which more is not shown, the key for more fields.
const MORE: &str = "…";

/// A block of commands that begins on a fresh host.
struct Block {
    page: &'static str,
    is_arch: bool,
    is_btrfs: bool,
    commands: Vec<(String, String)>,
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for (page, mut rest) in PAGES {
        while let Some((_, begun)) = rest.split_once("\n```console") {
            let (block, after) = begun.split_once("\n```\n").expect("the end of a block");
            let (kind, lines) = block.split_once('\n').expect("a block with something in it");
            assert!(matches!(kind, "" | " arch" | " btrfs"), "a block of no kind: {kind}");
            let commands = crate::shown(&format!("```console\n{lines}\n```\n"));
            let (is_arch, is_btrfs) = (kind == " arch", kind == " btrfs");
            blocks.push(Block { page, is_arch, is_btrfs, commands });
            rest = after;
        }
    }
    blocks
}

/// Runs the blocks for this family of hosts and tells what came out otherwise.
fn check(is_arch: bool) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for block in blocks().into_iter().filter(|block| block.is_arch == is_arch) {
        let wanted = Host::wanted(Sudo::Classic).test_policy();
        let wanted = if is_arch { wanted.arch() } else { wanted };
        let wanted = if block.is_btrfs { wanted.btrfs() } else { wanted };
        let host = wanted.boot().set_up();
        for (line, expected) in block.commands {
            let done = match line.split_once(' ') {
                Some(("agent$", script)) => host.agent(script),
                Some((_, script)) => host.root(script),
                None => continue,
            };
            count += 1;
            if expected.is_empty() {
                // What prepares the host for what comes next.
                done.ok();
                continue;
            }
            let printed = done.stdout_text();
            if let Err(why) = compare(&expected, &printed, is_arch) {
                wrong.push(format!("docs/{}: {line}\n{why}\n{printed}", block.page));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 15, "the pages show too little");
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_the_pages_show_happens_on_debian() {
    check(false);
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_the_pages_show_happens_on_arch() {
    check(true);
}

/// Whether what was printed is what is shown.
fn compare(shown: &str, printed: &str, is_arch: bool) -> Result<(), String> {
    if !shown.starts_with('{') {
        return match alike(shown, printed) {
            true => Ok(()),
            false => Err(format!("shown is:\n{shown}printed was:")),
        };
    }
    let printed: Value =
        serde_json::from_str(printed).map_err(|error| format!("no reply: {error}"))?;
    let shown = parsed(shown).map_err(|error| format!("a page shows no reply: {error}"))?;
    same(&Place { keys: Vec::new(), is_arch }, &shown, &printed)
}

/// A reply as a page shows it.
fn parsed(shown: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&shown.replace(", … }", ", \"…\": null }"))
}

/// Where in a reply something stands.
#[derive(Clone)]
struct Place {
    keys: Vec<String>,
    is_arch: bool,
}

impl Place {
    fn at(&self, key: &str) -> Self {
        Self { keys: [self.keys.clone(), vec![key.to_owned()]].concat(), ..*self }
    }

    fn top(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }

    /// What differs from run to run.
    fn is_volatile(&self) -> bool {
        self.top() == "approval"
            || self.keys.last().is_some_and(|key| crate::VOLATILE.contains(&key.as_str()))
    }

    /// Where `…` may stand for fields that are not shown.
    fn may_hide(&self, key: &str, value: &Value) -> bool {
        match self.keys.len() {
            0 => MAY_BE_LEFT_OUT.contains(&key),
            _ if self.top() == "plan" => value.as_array().is_some_and(Vec::is_empty),
            _ => ["unit", "undone"].contains(&self.top()),
        }
    }

    fn differs(&self, shown: &Value, real: &Value) -> Result<(), String> {
        Err(format!("{}: shown is {shown}, and it is {real}", self.keys.join(".")))
    }
}

fn same(place: &Place, shown: &Value, real: &Value) -> Result<(), String> {
    match (shown, real) {
        (Value::Object(shown_fields), Value::Object(fields)) => {
            let is_open = shown_fields.contains_key(MORE);
            for (key, value) in fields.iter().filter(|(key, _)| !shown_fields.contains_key(*key)) {
                if !(is_open && place.may_hide(key, value)) {
                    return Err(format!("{} is not shown", place.at(key).keys.join(".")));
                }
            }
            for (key, value) in shown_fields.iter().filter(|(key, _)| *key != MORE) {
                let Some(found) = fields.get(key) else {
                    return Err(format!("there is no {}", place.at(key).keys.join(".")));
                };
                // Debian's own packages get new versions.
                let is_debians = matches!(key.as_str(), "version" | "from")
                    && place.top() == "plan"
                    && !place.is_arch
                    && !fields["name"].as_str().is_some_and(|name| name.starts_with("sm-test-"));
                if !(is_debians && value.is_string() && found.is_string()) {
                    same(&place.at(key), value, found)?;
                }
            }
            Ok(())
        }
        (Value::Array(lines), Value::Array(found)) => {
            let is_cut = lines.last().is_some_and(|line| line == MORE);
            assert!(!is_cut || !WHOLE.contains(&place.top()), "{}: is cut", place.top());
            let count = lines.len() - usize::from(is_cut);
            if found.len() < count || (found.len() > count && !is_cut) {
                return place.differs(shown, real);
            }
            lines[..count].iter().zip(found).try_for_each(|(line, found)| same(place, line, found))
        }
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_))
            if place.is_volatile() =>
        {
            Ok(())
        }
        (Value::String(text), Value::String(found)) => {
            let is_cut = text.contains(MORE);
            assert!(!is_cut || !WHOLE.contains(&place.top()), "{}: is cut", place.top());
            if alike(text, found) { Ok(()) } else { place.differs(shown, real) }
        }
        _ if shown == real => Ok(()),
        _ => place.differs(shown, real),
    }
}

/// Whether the texts are the same but for what differs from run to run and for what `…` stands for.
fn alike(shown: &str, found: &str) -> bool {
    let (shown, found) = (steady(shown), steady(found));
    let parts: Vec<&str> = shown.split(MORE).collect();
    let [first, middle @ .., last] = parts.as_slice() else { return shown == found };
    let Some(mut rest) = found.strip_prefix(first) else { return false };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether it has the shape of a request's id.
fn is_id(word: &str) -> bool {
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && word.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

/// The text without moments, process numbers, the host's name and how long something was waited for.
fn steady(text: &str) -> String {
    let words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    let bare = |at: usize| words.get(at).map_or("", |word| word.trim_end());
    let shape = |at: usize| -> String {
        bare(at).chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect()
    };
    let is_moment = |at: usize| shape(at) == "9999-99-99T99:99:99+9999";
    let mut out = String::new();
    for (at, word) in words.iter().enumerate() {
        let plain = bare(at);
        let instead = match shape(at).as_str() {
            _ if is_moment(at) => "MOMENT".to_owned(),
            "9999-99-99" | "9999/99/99" => "DAY".to_owned(),
            "99:99:99" | "99:99:99Z" => "TIME".to_owned(),
            _ if is_id(plain) => "ID".to_owned(),
            "9999-99-99T99:99:99Z" => "MOMENT".to_owned(),
            // `sm approve k7m2qd;`
            _ if at > 0 && bare(at - 1) == "approve" => "APPROVAL".to_owned(),
            // In a line of the journal the host follows.
            _ if at > 0 && is_moment(at - 1) => "HOST".to_owned(),
            // `sh[73]:`
            shape if shape.ends_with("9]:") => {
                format!("{}[PID]:", plain.split('[').next().unwrap_or(""))
            }
            // nginx: `60#60:`
            shape if shape.contains("9#9") && shape.trim_matches(['9', '#', ':']).is_empty() => {
                "PID".to_owned()
            }
            // `(process 4711)`
            _ if at > 0 && bare(at - 1).ends_with("(process") => {
                plain.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned()
            }
            shape if shape.chars().all(|c| c == '9') && bare(at + 2) == "of" => "SOME".to_owned(),
            _ => plain.to_owned(),
        };
        out.push_str(&instead);
        out.push_str(&word[plain.len()..]);
    }
    out
}

const SHOWN: &str = r#"{ "code": "plan_refused",
  "argv": ["/usr/bin/apt-get", "install", "--", "sm-test-a"],
  "error": "held by python3 (process 7), still after 2 s of waiting",
  "hint": "wait 30 s",
  "unit": { "main_pid": 7, "result": "success", … },
  "log": [
    "2026-11-21T23:46:28+0000 host sh[77]: out of cheese",
    "…"
  ],
  "plan": {
    "install": [
      { "name": "git", "version": "1", "from": null },
      { "name": "sm-test-a", "version": "2", "from": "1" }
    ], … }, … }
"#;

const PRINTED: &str = r#"{"schema": 1, "code": "plan_refused",
  "argv": ["/usr/bin/apt-get", "install", "--", "sm-test-a"],
  "error": "held by python3 (process 88), still after 3 s of waiting", "hint": "wait 30 s",
  "unit": {"main_pid": 8, "result": "success", "since": null},
  "log": ["2027-01-02T03:04:05+0000 other sh[1234]: out of cheese", "more", "and more"],
  "plan": {"install": [{"name": "git", "version": "2", "from": null},
    {"name": "sm-test-a", "version": "2", "from": "1"}], "remove": []},
  "duration_ms": 1.5}"#;

#[test]
fn what_differs_from_run_to_run_may_differ() {
    assert_eq!(compare(SHOWN, PRINTED, false), Ok(()));
}

#[test]
fn nothing_else_may_differ() {
    for (from, to) in [
        ("plan_refused", "denied"),
        ("/usr/bin/apt-get", "/usr/bin/apt"),
        ("\"install\", ", ""),
        ("python3", "perl"),
        ("still", "not"),
        ("30 s", "31 s"),
        ("success", "timeout"),
        ("cheese", "bread"),
        ("\"more\", \"and more\"", "\"more\""),
        ("\"main_pid\": 8", "\"main_pid\": null"),
        ("sm-test-a\", \"version\": \"2\"", "sm-test-a\", \"version\": \"3\""),
        ("\"from\": \"1\"", "\"from\": null"),
        ("\"remove\": []", "\"remove\": [{}]"),
        ("\"name\": \"git\"", "\"name\": \"got\""),
        ("\"duration_ms\"", "\"warnings\": [], \"duration_ms\""),
        ("\"schema\": 1", "\"changed\": true"),
    ] {
        let other = PRINTED.replacen(from, to, 1);
        assert_ne!(other, PRINTED, "{from} is not there");
        let is_cut_short = from.contains("more");
        assert_eq!(compare(SHOWN, &other, false).is_ok(), is_cut_short, "{from} is {to}");
    }
    // On Arch every version is one of the tests' own.
    assert!(compare(SHOWN, PRINTED, true).is_err());
}

/// Every action and every code has a row.
#[test]
fn the_pages_are_whole() {
    let row = |word: &str| {
        let mut lines = PAGES.iter().flat_map(|(_, text)| text.lines());
        lines.any(|line| line.starts_with(&format!("| `{word}`")))
    };
    let actions = include_str!("../../src/request/action.rs");
    let actions = actions.split("#[cfg(test)]").next().unwrap_or("");
    let words = actions.split(" = \"").skip(1).filter_map(|rest| rest.split('"').next());
    let words: Vec<&str> = words.collect();
    assert!(words.len() >= 16, "{words:?}");
    for word in words {
        assert!(row(word) || row(&format!("{word} NAME")), "{word} has no row");
    }
    for line in include_str!("../../src/request/code.rs").lines() {
        if let Some(rest) = line.trim().strip_prefix("(Code::") {
            let code = rest.split('"').nth(1).expect("a code");
            assert!(row(code), "{code} has no row");
        }
    }
}
