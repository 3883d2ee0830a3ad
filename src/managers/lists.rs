//! The lists of what can be installed.

/// How the lists are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// Those of some source are there.
    There,
    /// None is, and no source is named from which they would come, in these files.
    NoSource(&'static str),
    /// A source was read, and what it offers is not there.
    Gone,
    /// None is there.
    Unread,
}

/// Why a package, or a version of it, could not be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotFound {
    /// Why, if the lists are there.
    pub reason: &'static str,
    /// Whether it may be for want of any list.
    pub may_lack_lists: bool,
}
