//! The identity of this request: its id, and since when it runs.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What is fixed for the whole of a request.
#[derive(Debug)]
pub struct Begun {
    at: Instant,
    request_id: String,
}

pub static BEGUN: OnceLock<Begun> = OnceLock::new();

pub fn begun() -> &'static Begun {
    BEGUN.get_or_init(|| Begun { at: Instant::now(), request_id: uuid::Uuid::now_v7().to_string() })
}

/// The id of this request: in its reply and in all its audit records.
pub fn request_id() -> &'static str {
    &begun().request_id
}

/// How long the request has taken, in milliseconds.
pub fn duration_ms() -> f64 {
    milliseconds(begun().at.elapsed())
}

/// As it stands in a reply: with three digits behind the point.
pub fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
