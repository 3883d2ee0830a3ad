//! The report of a command over a fleet, as a program takes it.

use crate::host::{Done, answer};
use serde_json::Value;

/// One report, checked for what holds for every one.
#[derive(Debug)]
pub struct Report {
    pub exit: i32,
    pub json: Value,
    /// What people were told meanwhile.
    pub stderr: String,
}

impl Report {
    /// Panics unless there is exactly one JSON object and a newline, its exit status is the one
    /// that its rows ask for, and nothing in it could move a terminal's cursor.
    #[track_caller]
    pub fn of(done: &Done) -> Self {
        let (exit, json) = answer(done);
        assert_eq!(done.stdout_text().matches('\n').count(), 1, "not one line: {done}");
        let report = Self { exit, json, stderr: done.stderr_text() };
        if report.json["hosts"].is_array() {
            report.rows_are_rows();
        }
        report
    }

    #[track_caller]
    fn rows_are_rows(&self) {
        for row in self.rows() {
            let status = row["status"].as_str().unwrap_or_default();
            let known = ["done", "already", "skipped", "unreachable", "failed"];
            assert!(known.contains(&status), "{row:#}");
            assert!(row["host"].is_string() && row["code"].is_string(), "{row:#}");
            assert!(row["duration_ms"].is_number(), "{row:#}");
            let wrong = ["unreachable", "failed"].contains(&status);
            assert!(row["error"].is_string() || !wrong, "{row:#}");
            for field in ["error", "hint"] {
                let text = row[field].as_str().unwrap_or_default();
                assert!(!text.contains(char::is_control), "{field} in {row:#}");
            }
            let count = self.rows().filter(|other| other["status"] == status).count();
            assert_eq!(self.json["summary"][status], count, "{:#}", self.json);
        }
        assert!([0, 1].contains(&self.exit), "{:#}", self.json);
        let code = if self.exit == 0 { "ok" } else { "command_failed" };
        assert_eq!(self.json["code"], code, "{:#}", self.json);
    }

    fn rows(&self) -> impl Iterator<Item = &Value> {
        self.json["hosts"].as_array().into_iter().flatten()
    }

    /// Panics unless the exit status is this.
    #[track_caller]
    pub fn exit(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "{:#}\n{}", self.json, self.stderr);
        self
    }

    /// Panics unless these are its hosts, in this order, each with its status and code, as in
    /// `web1 done ok`.
    #[track_caller]
    pub fn expect(self, rows: &[&str]) -> Self {
        let word = |row: &Value, key: &str| row[key].as_str().unwrap_or("?").to_owned();
        let found: Vec<String> = self
            .rows()
            .map(|row| {
                format!("{} {} {}", word(row, "host"), word(row, "status"), word(row, "code"))
            })
            .collect();
        assert_eq!(found, rows, "{:#}\n{}", self.json, self.stderr);
        self
    }

    /// A host's row.
    #[track_caller]
    pub fn row(&self, host: &str) -> &Value {
        let found = self.rows().find(|row| row["host"] == host);
        found.unwrap_or_else(|| panic!("no row of {host}: {:#}", self.json))
    }

    /// The sentence of a host's row and its hint.
    #[track_caller]
    pub fn told(&self, host: &str) -> String {
        let row = self.row(host);
        let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
        format!("{} | {}", text("error"), text("hint"))
    }

    /// Panics unless all of `words` are in the sentence of a host's row or its hint.
    #[track_caller]
    pub fn says(self, host: &str, words: &[&str]) -> Self {
        let told = self.told(host);
        for word in words {
            assert!(told.contains(word), "{word:?} is not in: {told}");
        }
        self
    }
}
