//! What a host's log is read with: its records, and its encrypted files between them, which come as they are
//! and are decrypted here.

use crate::admin::audit::archive::identity::Identity;
use crate::admin::audit::export::encrypted::{Named, Said};
use crate::admin::fleet::store::Held;
use crate::audit::files::LogFile;
use crate::audit::verify::{Place, Verifier};
use crate::output::base64;
use std::fs::File;
use std::io::{self, Write as _};

/// What reads the lines of an export.
pub struct Reader<'r> {
    verifier: Verifier,
    identity: Option<&'r Identity>,
    held: &'r Held,
    host: &'r str,
    /// The file that is coming.
    coming: Option<Coming>,
    /// How many lines there were.
    lines: u64,
    goes_on: bool,
    /// Why a file could not be read.
    failed: Option<String>,
}

struct Coming {
    named: Named,
    file: File,
    /// How much of it is missing yet, in bytes.
    missing: u64,
}

impl<'r> Reader<'r> {
    /// Of this host, from where the verifier is.
    pub fn new(
        verifier: Verifier,
        identity: Option<&'r Identity>,
        held: &'r Held,
        host: &'r str,
    ) -> Self {
        let (coming, failed) = (None, None);
        Self { verifier, identity, held, host, coming, lines: 0, goes_on: true, failed }
    }

    /// Reads a line. Nothing behind what is wrong is read.
    pub fn line(&mut self, line: &str) {
        if !self.goes_on {
            return;
        }
        self.lines += 1;
        match (Said::parse(line), self.coming.take()) {
            (Some(Said::Data(part)), Some(coming)) => {
                if let Err(error) = self.part(coming, &part) {
                    self.fails(&error);
                }
            }
            (_, Some(_)) => self.fails(&otherwise()),
            (Some(Said::Encrypted(named)), None) => self.begin(named),
            (_, None) => {
                let place = || Place { file: self.host.to_owned(), line: self.lines };
                self.goes_on = self.verifier.line(line.as_bytes(), true, place);
            }
        }
    }

    /// What read it, at the end, and why a file could not be read.
    pub fn end(mut self) -> (Verifier, Option<String>) {
        if self.coming.is_some() {
            self.fails(&otherwise());
        }
        (self.verifier, self.failed)
    }

    fn begin(&mut self, named: Named) {
        if self.identity.is_none() {
            let place = || Place { file: self.host.to_owned(), line: self.lines };
            self.goes_on = self.verifier.pass_until(named.name(), named.last, place);
            return;
        }
        match self.held.scratch() {
            Ok(file) => self.coming = Some(Coming { missing: named.size, named, file }),
            Err(error) => self.fails(&error),
        }
    }

    /// Takes a part of it, and after the last one reads it.
    fn part(&mut self, mut coming: Coming, part: &str) -> io::Result<()> {
        let bytes = base64::decoded(part).unwrap_or_default();
        let missing = coming.missing.checked_sub(bytes.len() as u64);
        let Some(missing) = missing.filter(|_| !bytes.is_empty()) else {
            return Err(otherwise());
        };
        coming.file.write_all(&bytes)?;
        coming.missing = missing;
        if missing > 0 {
            self.coming = Some(coming);
            return Ok(());
        }
        let file = LogFile::encrypted(coming.named.name().into(), coming.file)?;
        if let (Some(file), Some(identity)) = (file, self.identity) {
            self.goes_on = self.verifier.file(&file, &identity.decrypts())?;
        }
        Ok(())
    }

    fn fails(&mut self, error: &io::Error) {
        self.failed = Some(error.to_string());
        self.goes_on = false;
    }
}

fn otherwise() -> io::Error {
    io::Error::other("the host does not send it as it said")
}
