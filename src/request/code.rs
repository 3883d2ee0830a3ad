//! The codes of the contract, and the exit status that goes with each.

use crate::system::trust::Untrusted;
use serde::{Serialize, Serializer};

/// What came of a request: the `code` of a reply. Stable; programs branch on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Done.
    Ok,
    /// It has begun, and nobody waits for its end.
    Started,
    /// It ran and failed.
    CommandFailed,
    /// It ran and was not done in time.
    Timeout,
    /// It ran, and the unit did not stay up.
    Unhealthy,
    /// It was begun, and what ran it was ended before the end was known.
    Interrupted,
    /// There is no such request of this account.
    NotFound,
    /// Not a request.
    Usage,
    /// The policy does not allow it.
    Denied,
    /// A name, a reason or a number is not one.
    InvalidArgument,
    /// An administrator has disabled every request.
    Disabled,
    /// The policy wants to know why.
    ReasonRequired,
    /// An administrator has to approve it first.
    ApprovalRequired,
    /// The unit's check failed; nothing was done to the unit.
    CheckFailed,
    /// The package manager would do more than was asked.
    PlanRefused,
    /// The account has asked too often.
    RateLimited,
    /// Somebody else is at work on it.
    Busy,
    /// There is no privilege to do it with.
    NotPrivileged,
    /// What is about to be done could not be written down.
    AuditUnavailable,
    /// The policy is broken.
    PolicyInvalid,
    /// A path that root would rely on can be changed by somebody else.
    UntrustedPath,
    /// This host cannot do it.
    Unsupported,
    /// A defect of this program.
    Internal,
}

/// One row a code: the word in the reply, the exit status.
const TABLE: [(Code, &str, u8); 23] = [
    (Code::Ok, "ok", 0),
    (Code::Started, "started", 0),
    (Code::CommandFailed, "command_failed", 1),
    (Code::Timeout, "timeout", 1),
    (Code::Unhealthy, "unhealthy", 1),
    (Code::Interrupted, "interrupted", 1),
    (Code::NotFound, "not_found", 1),
    (Code::Usage, "usage", 2),
    (Code::Denied, "denied", 3),
    (Code::Disabled, "disabled", 3),
    (Code::InvalidArgument, "invalid_argument", 3),
    (Code::ReasonRequired, "reason_required", 3),
    (Code::ApprovalRequired, "approval_required", 3),
    (Code::CheckFailed, "check_failed", 3),
    (Code::PlanRefused, "plan_refused", 3),
    (Code::RateLimited, "rate_limited", 4),
    (Code::Busy, "busy", 4),
    (Code::NotPrivileged, "not_privileged", 5),
    (Code::AuditUnavailable, "audit_unavailable", 6),
    (Code::PolicyInvalid, "policy_invalid", 6),
    (Code::UntrustedPath, "untrusted_path", 6),
    (Code::Unsupported, "unsupported", 6),
    (Code::Internal, "internal", 70),
];

impl Code {
    fn row(self) -> &'static (Code, &'static str, u8) {
        // Code::Internal is the last row, and what a code without a row would be.
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[TABLE.len() - 1])
    }

    /// Every code, in the order of the exit statuses.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// The code with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == word).map(|row| row.0)
    }

    /// The word in the reply.
    pub fn word(self) -> &'static str {
        self.row().1
    }

    /// The exit status.
    pub fn exit(self) -> u8 {
        self.row().2
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

impl From<Untrusted> for Refusal {
    fn from(untrusted: Untrusted) -> Self {
        Self::new(Code::UntrustedPath, untrusted.to_string())
            .hint("sudo must only run a file that nobody but root can replace: first install it with `sm setup-sudo --install --user ACCOUNT` or packaging/install")
    }
}

/// Why nothing was run, or why what was run is no success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Refusal {
    /// To branch on.
    pub code: Code,
    /// One sentence for a person.
    pub error: String,
    /// What a command printed about it: for the caller, and in no log.
    pub detail: Option<Box<str>>,
    /// What to do next.
    pub hint: Option<String>,
    /// When to try again, in seconds.
    pub retry_after_s: Option<u64>,
    /// What an administrator approves.
    pub approval: Option<Box<Awaited>>,
}

/// What an administrator can approve, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Awaited {
    /// By what an administrator names it.
    pub id: String,
    /// RFC 3339, in UTC.
    pub expires: String,
}

impl Refusal {
    /// A refusal without a hint.
    pub fn new(code: Code, error: impl Into<String>) -> Self {
        Self {
            code,
            error: error.into(),
            detail: None,
            hint: None,
            retry_after_s: None,
            approval: None,
        }
    }

    /// The same with what a command printed about it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Box<str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The sentence for the caller, with what was printed.
    pub fn sentence(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.error),
            None => self.error.clone(),
        }
    }

    /// The same with when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
