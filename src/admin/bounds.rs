//! How long and how often what an administrator gives holds.

use crate::admin::time::span;
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use std::time::Duration;

/// How long it lasts if nothing is said, and at most, in seconds.
const LASTS: u64 = 3600;
const LONGEST: u64 = 30 * 24 * 3600;

/// How often it can be used at most.
const USES: u32 = 1000;

/// What `--for` says; an hour if it says nothing.
///
/// # Errors
/// `invalid_argument`
pub fn lasts(text: Option<&str>) -> Result<Duration, Refusal> {
    let Some(text) = text else { return Ok(Duration::from_secs(LASTS)) };
    let seconds = span(text).and_then(|span| u64::try_from(span.as_secs()).ok());
    match seconds.filter(|seconds| (1..=LONGEST).contains(seconds)) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err(Refusal::new(
            Code::InvalidArgument,
            format!("{:?} is not how long an approval can last", one_line(text, 40)),
        )
        .hint("for example: --for 30m; at least 1s, at most 30d")),
    }
}

/// What `--uses` says; once if it says nothing.
///
/// # Errors
/// `invalid_argument`
pub fn uses(text: Option<&str>) -> Result<u32, Refusal> {
    let Some(text) = text else { return Ok(1) };
    let number = text.parse().ok().filter(|number| (1..=USES).contains(number));
    number.ok_or_else(|| {
        let error = format!("{:?} is not how often it can be used", one_line(text, 40));
        Refusal::new(Code::InvalidArgument, error).hint(format!("a number from 1 to {USES}"))
    })
}
