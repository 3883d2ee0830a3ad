//! An encrypted file between the records of an export, for whoever reads them elsewhere.

use crate::audit::files::{self, LogFile};
use crate::audit::verify::Unread;
use crate::output::base64;
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _};

/// How much of a file is in a line, in bytes.
const PART: u64 = 48 << 10;

/// A line of an export that is no record.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Said {
    /// Here are the records of this file.
    Encrypted(Named),
    /// A part of it, in base64.
    Data(String),
}

/// What is said of an encrypted file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    file: String,
    /// The number of its first record that is not exported already; none if nothing before it says so.
    first: Option<u64>,
    /// The number of its last record.
    pub last: u64,
    /// Its size, in bytes.
    pub size: u64,
}

impl Said {
    /// This file.
    pub fn of(unread: &Unread, size: u64) -> Self {
        let Unread { file, first, last } = unread.clone();
        Self::Encrypted(Named { file, first, last, size })
    }

    /// Reads a line. None if it is not one of these, as no record is.
    pub fn parse(line: &str) -> Option<Self> {
        // A record is far too long to look at it twice.
        let is_one = line.starts_with("{\"encrypted\":") || line.starts_with("{\"data\":");
        is_one.then(|| serde_json::from_str(line).ok()).flatten()
    }

    /// Its line.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Shows the lines of a file, whose size was said.
///
/// # Errors
/// If it cannot be read.
pub fn each_part<E>(
    file: &LogFile,
    mut show: impl FnMut(&str) -> Result<(), E>,
) -> io::Result<Result<(), E>> {
    let mut bytes = file.bytes()?.take(file.size);
    let mut part = Vec::new();
    while (&mut bytes).take(PART).read_to_end(&mut part)? > 0 {
        if let Err(stop) = show(&Said::Data(base64::encoded(&part)).line()) {
            return Ok(Err(stop));
        }
        part.clear();
    }
    Ok(Ok(()))
}

impl Named {
    /// Its name as rotation gives it, whatever is said of that.
    pub fn name(&self) -> String {
        format!("{}.age", files::name_until(self.last, self.file.ends_with(".gz.age")))
    }
}
