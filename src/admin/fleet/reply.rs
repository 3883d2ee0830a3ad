//! What a host's own `sm setup-sudo` answers.

use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::row::{Row, Status};
use crate::output::text::one_line;
use crate::request::code::Code;
use serde_json::Value;

/// One object that the host's `sm` gave.
pub struct Reply(pub Value);

impl Reply {
    /// Whether it was done.
    pub fn is_success(&self) -> bool {
        self.0["success"] == true
    }

    /// Whether it says something of this.
    pub fn has(&self, field: &str) -> bool {
        self.0.get(field).is_some()
    }

    fn text(&self, field: &str) -> Option<String> {
        self.0[field].as_str().map(|text| one_line(text, 2000))
    }

    /// The row of the host, in its own words.
    pub fn failed(&self, host: &Host) -> Row {
        let code = self.text("code").unwrap_or_else(|| Code::CommandFailed.word().to_owned());
        let error =
            self.text("error").unwrap_or_else(|| "sm setup-sudo did not work there".to_owned());
        Row::new(host, Status::Failed, &code).error(&error).hint(self.text("hint").as_deref())
    }

    /// What the host's own program has to warn about.
    pub fn warned(&self, row: Row) -> Row {
        let warnings: Vec<String> = self.0["warnings"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|warning| warning.as_str().map(|text| one_line(text, 1000)))
            .collect();
        row.warned(warnings)
    }
}
