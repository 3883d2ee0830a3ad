//! `sm setup-sudo --remove`: takes a drop-in away. Asks neither sudo nor the account database: both
//! may be broken or gone by then.

use super::account::Who;
use super::dropin::DropIn;
use crate::admin::{Answer, Failure};

/// Takes one away.
///
/// # Errors
/// Where it is still there.
pub fn one(who: &Who, drop_in: &DropIn) -> Result<Answer, Failure> {
    let was_there = drop_in.remove()?;
    let path = drop_in.path().display();
    let text = if was_there {
        format!("{path} is gone: {} may not run the helper any more", who.described())
    } else {
        format!("nothing to do: {path} was not there")
    };
    Ok(Answer::text(text).with("changed", was_there).with("path", drop_in.path().to_string_lossy()))
}
