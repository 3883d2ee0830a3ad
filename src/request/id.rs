//! The identity of this request: its id, and since when it runs.

use crate::request::code::{Code, Refusal};
use crate::request::name::quoted;
use std::ffi::OsStr;
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
    BEGUN.get_or_init(|| Begun { at: Instant::now(), request_id: new_id() })
}

/// An id for something that is not this request.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
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

/// The id of a request, as a reply has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Reads one: a UUID (RFC 9562) in lower case, as it is written in a reply.
    ///
    /// # Errors
    /// `invalid_argument` if it is none.
    pub fn parse(text: &OsStr) -> Result<Self, Refusal> {
        let text = text.to_string_lossy();
        match uuid::Uuid::try_parse(&text) {
            Ok(id) if id.to_string() == text => Ok(Self(text.into_owned())),
            _ => {
                let what = format!("{} is not the id of a request", quoted(text.as_bytes()));
                Err(Refusal::new(Code::InvalidArgument, what).hint(
                    "take it from the field request_id of a reply, or see the last ones with: sm-helper result",
                ))
            }
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
