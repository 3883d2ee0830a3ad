//! A drop-in as it should be.

use crate::admin::setup_sudo::dropin::DropIn;
use crate::sudo::account::Who;
use std::path::Path;

/// A drop-in as it should be.
#[derive(Debug)]
pub struct Rule<'a> {
    /// For whom.
    pub who: &'a Who,
    /// The program that it is about.
    pub helper: &'a Path,
    /// The program that it must not be about: the administrator's.
    pub program: &'a Path,
    /// The file.
    pub drop_in: DropIn,
    /// Whether it names whole command lines.
    pub exact: bool,
    /// The text.
    pub wanted: String,
}

impl Rule<'_> {
    /// What puts it in place.
    pub fn command(&self) -> String {
        let exact = if self.exact { " --exact" } else { "" };
        format!("sm setup-sudo {}{exact}", self.who.flags())
    }
}
