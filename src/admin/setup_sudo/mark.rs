//! How a drop-in of ours is told from others.

/// The first line of every drop-in of ours.
pub const MARK: &str = "# Made by sm setup-sudo";

/// Whether a text is that of a drop-in of ours, or of none: a name alone says nothing, since
/// `sm-admin` may be what an administrator has called the rule of an account of that name.
pub fn is_ours(text: &str) -> bool {
    let is_first = |rest: &str| rest.is_empty() || rest.starts_with([' ', '\n']);
    text.trim().is_empty() || text.strip_prefix(MARK).is_some_and(is_first)
}
