//! The host and the policies that a command is about: this host's, or supposed ones.

use crate::admin::answer::Failure;
use crate::cli::Supposed;
use crate::managers::host::of_this_host;
use crate::managers::manager::Manager;
use crate::policy::force::InForce;
use crate::policy::parse::LARGEST;
use crate::request::code::{Code, Refusal};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Reads a file as text, up to the largest size of a policy.
///
/// # Errors
/// `policy_invalid` if it cannot be read.
pub fn read(file: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| {
        let called = file.to_string_lossy();
        let refusal = Refusal::new(Code::PolicyInvalid, format!("{called}: {error}"));
        Failure::found(match error.kind() {
            ErrorKind::InvalidData => refusal.hint("save it as plain text in UTF-8"),
            _ => refusal,
        })
    };
    // Whoever names it may name a pipe: /dev/stdin, or <(...).
    let open = File::open(file).map_err(unreadable)?;
    let mut text = String::new();
    open.take(LARGEST as u64 + 1).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// The policies in force, or those that would be with a supposed site policy.
///
/// # Errors
/// `policy_invalid`
pub fn in_force(supposed: &Supposed) -> Result<InForce, Failure> {
    match &supposed.site {
        None => Ok(InForce::load()?),
        Some(file) => {
            InForce::supposing(&file.to_string_lossy(), &read(file)?).map_err(Failure::found)
        }
    }
}

/// The package manager.
pub fn manager(supposed: &Supposed) -> Option<Manager> {
    supposed.package_manager.or_else(of_this_host)
}
