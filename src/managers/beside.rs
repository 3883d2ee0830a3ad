//! What is said of configuration files that lie beside the ones in use.

/// Of one that an administrator changed.
pub const STAYS: &str = "was changed on this host and stays; the package's version is next to it";
