//! What sudo says of an account.

use crate::admin::call;
use crate::sudo::ask::program;
use crate::sudo::listing::{Entry, parse};
use std::path::Path;

/// What sudo says of an account.
pub struct Listing {
    /// Its rules.
    pub entries: Vec<Entry>,
    /// The short listing.
    pub short: String,
}

impl Listing {
    /// Whether a rule lets the account run the program as root by its name.
    pub fn names(&self, program: &Path) -> bool {
        let as_root = self.entries.iter().filter(|entry| entry.is_as_root());
        let mut commands = as_root.flat_map(|entry| &entry.commands);
        commands.any(|command| command.split(' ').next().map(Path::new) == Some(program))
    }
}

/// Asks sudo about an account; none if there is no sudo.
pub fn listing(account: &str) -> Option<Result<Listing, String>> {
    let sudo = program("sudo")?;
    let ask = |flag: &str| call::text(call::run(&sudo, &["-n", flag, "-U", account]));
    Some(ask("-ll").and_then(|long| Ok(Listing { entries: parse(&long)?, short: ask("-l")? })))
}
