//! Who asks, as far as a policy wants to know.

/// Who asks, as far as a policy's caller rules want to know.
pub trait Who {
    /// Whether it is the account of this name.
    fn is_user(&self, name: &str) -> bool;
    /// Whether it is in the group of this name; none if that cannot be known, since there is no
    /// such group or the account database does not answer.
    fn in_group(&self, name: &str) -> Option<bool>;
    /// At which moment it asks, in seconds since 1970; none if it is wanted what it may ever do.
    fn moment(&self) -> Option<i64> {
        None
    }
    /// Its number, if it is a single account.
    fn uid(&self) -> Option<u32> {
        None
    }
    /// Whether it stands for every caller at once, as for the surface.
    fn is_everybody(&self) -> bool {
        false
    }
}

/// Every caller at once: gets what any of them can get.
#[derive(Debug)]
pub struct Everybody;

impl Who for Everybody {
    fn is_user(&self, _: &str) -> bool {
        true
    }
    fn in_group(&self, _: &str) -> Option<bool> {
        Some(true)
    }
    fn is_everybody(&self) -> bool {
        true
    }
}
