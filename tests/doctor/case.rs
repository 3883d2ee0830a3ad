//! One thing broken, what doctor says of it, and that what it says mends it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::host::{Done, Host, answer};

/// One thing to break.
#[derive(Debug)]
pub struct Case {
    /// The check that sees it.
    pub id: &'static str,
    /// What it says.
    pub status: &'static str,
    /// A word that must be in what it found.
    pub says: &'static str,
    /// The bash script that breaks it.
    pub breaks: &'static str,
    /// Which other checks see it too, in the order of the alphabet.
    pub more: &'static [&'static str],
    /// What mends it.
    pub mend: Mend,
}

/// What mends it.
#[derive(Debug, Clone, Copy)]
pub enum Mend {
    /// The commands that doctor prints with what is wrong, as they stand.
    Printed,
    /// These, and then this script for what the test itself has brought along.
    PrintedThen(&'static str),
    /// This script, where what doctor prints is for a person: an editor, or a look.
    By(&'static str),
}

/// A row of the answer.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: String,
    pub status: String,
    pub found: String,
    pub mend: Option<String>,
}

/// What `sm doctor --json` answers, checked for what holds for every answer.
#[derive(Debug)]
pub struct Doctor {
    pub exit: i32,
    pub rows: Vec<Row>,
}

impl Doctor {
    #[track_caller]
    pub fn of(host: &Host) -> Self {
        Self::read(&host.command("root", &["/usr/local/bin/sm", "doctor", "--json"]).run())
    }

    /// Panics unless it is one object with the fields of the contract, its counts are those of its
    /// rows, and its exit status is that of the counts.
    #[track_caller]
    pub fn read(done: &Done) -> Self {
        assert!(done.stderr.is_empty(), "something on standard error: {done}");
        let (exit, json) = answer(done);
        assert_eq!(done.stdout_text().matches('\n').count(), 1, "not one line: {done}");
        let checks = json["checks"].as_array().unwrap_or_else(|| panic!("no checks: {done}"));
        let rows: Vec<Row> = checks.iter().map(row).collect();
        let said: BTreeSet<_> = rows.iter().map(|row| (&row.id, &row.found)).collect();
        assert_eq!(said.len(), rows.len(), "something is said twice: {json:#}");
        let count = |status| rows.iter().filter(|row| row.status == status).count();
        assert_eq!(json["problems"], count("problem"), "{json:#}");
        assert_eq!(json["warnings"], count("warning"), "{json:#}");
        assert_eq!(exit, i32::from(count("problem") > 0), "{json:#}");
        assert_eq!(json["code"], if exit == 0 { "ok" } else { "command_failed" });
        Self { exit, rows }
    }

    /// The checks that are not ok, with the worst that each says.
    pub fn wrong(&self) -> BTreeMap<&str, &str> {
        let mut wrong: BTreeMap<&str, &str> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.status != "ok") {
            let worst = wrong.entry(&row.id).or_insert(&row.status);
            if row.status == "problem" {
                *worst = &row.status;
            }
        }
        wrong
    }

    /// The command that mends what the one row of this check says.
    #[track_caller]
    pub fn mend(&self, id: &str) -> &str {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| row.id == id).collect();
        let [Row { mend: Some(mend), .. }] = rows[..] else { panic!("{id}: {rows:#?}") };
        mend
    }

    /// The commands that mend what is wrong, each once.
    pub fn mends(&self) -> BTreeSet<&str> {
        let wrong = self.rows.iter().filter(|row| row.status != "ok");
        wrong.filter_map(|row| row.mend.as_deref()).collect()
    }
}

#[track_caller]
fn row(value: &Value) -> Row {
    let text = |name: &str| {
        let field = value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value:#}"));
        assert!(!field.is_empty() && !field.chars().any(char::is_control), "{value:#}");
        field.to_owned()
    };
    assert!(["ok", "warning", "problem"].contains(&&*text("status")), "{value:#}");
    text("meaning");
    assert!(value["mend"].is_string() || value["mend"].is_null(), "{value:#}");
    let mend = value["mend"].as_str().map(str::to_owned);
    Row { id: text("id"), status: text("status"), found: text("found"), mend }
}

/// Breaks and mends each in turn. Panics with all that went otherwise.
#[track_caller]
pub fn try_all(host: &Host, cases: &[Case]) {
    let before = Doctor::of(host);
    assert!(before.wrong().is_empty(), "not well to begin with: {:#?}", before.wrong());
    let mut wrong = Vec::new();
    for case in cases {
        let done = host.root(case.breaks);
        assert_eq!(done.status, Some(0), "it could not be broken: {done}");
        let broken = Doctor::of(host);
        let seen = broken.wrong();
        let rows: Vec<&Row> = broken.rows.iter().filter(|row| row.status != "ok").collect();
        let more: Vec<&str> = seen.keys().copied().filter(|id| *id != case.id).collect();
        let says = rows.iter().any(|row| row.id == case.id && row.found.contains(case.says));
        let mut why = Vec::new();
        if seen.get(case.id) != Some(&case.status) || !says || more != case.more {
            why.push(format!("it was seen as {rows:#?}"));
        }
        // For whoever reads it: there is always something to do next.
        if let Some(row) = rows.iter().find(|row| row.id == case.id && row.mend.is_none()) {
            why.push(format!("nothing is said to mend {row:?}"));
        }
        mend(host, case, &broken, &mut why);
        let after = Doctor::of(host);
        if !after.wrong().is_empty() {
            let rows: Vec<&Row> = after.rows.iter().filter(|row| row.status != "ok").collect();
            why.push(format!("not mended: {rows:#?}"));
        }
        if !why.is_empty() {
            wrong.push(format!("`{}`: {}", case.breaks, why.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn mend(host: &Host, case: &Case, broken: &Doctor, why: &mut Vec<String>) {
    let script = match case.mend {
        Mend::By(script) | Mend::PrintedThen(script) => script,
        Mend::Printed => "",
    };
    if !matches!(case.mend, Mend::By(_)) {
        for command in broken.mends() {
            let done = host.root(command);
            if done.status != Some(0) {
                why.push(format!("the command that it printed failed: {done}"));
            }
        }
    }
    let done = host.root(script);
    assert_eq!(done.status, Some(0), "the test's own part: {done}");
}
