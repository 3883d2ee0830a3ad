//! What is there instead of a name that is no installed package.

/// The packages that stand for a name.
#[derive(Debug, Default)]
pub struct Providers {
    /// Those that say that they provide it.
    pub provide: Vec<String>,
    /// Those of a group with that name.
    pub of_group: Vec<String>,
}
