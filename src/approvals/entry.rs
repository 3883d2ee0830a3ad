//! A request that waits for an administrator, or has an answer.

use crate::output::text::one_line;
use crate::plan::Plan;
use crate::request::caller::{Caller, Via};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What an approval is bound to: it holds for what is the same in all of this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The account.
    pub uid: u32,
    /// The operation, as on the command line.
    pub line: String,
    /// Every command line that would be run, in the order of the plan.
    pub commands: Vec<Vec<String>>,
    /// The hash of the policy.
    pub policy: String,
}

impl Asked {
    /// What this plan is, for this caller under this policy.
    pub fn by(plan: &Plan, caller: &Caller, policy: &str) -> Self {
        let commands = plan.commands().into_iter().map(|argv| argv.words().to_vec());
        Self {
            uid: caller.uid,
            line: plan.request().operation.to_string(),
            commands: commands.collect(),
            policy: policy.to_owned(),
        }
    }
}

/// Who asked, for whoever decides.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Requester {
    /// The account's name.
    pub user: String,
    /// The way in.
    pub via: Via,
    /// Its terminal, if it has one.
    pub tty: Option<String>,
    /// The account that logged in, as the kernel's audit knows it.
    pub loginuid: Option<u32>,
}

impl Requester {
    /// That of a request.
    pub fn of(caller: &Caller) -> Self {
        Self {
            user: caller.user.clone(),
            via: caller.via,
            tty: caller.tty.clone(),
            loginuid: caller.loginuid,
        }
    }
}

/// The most characters of an account's name that a person is shown.
const LONGEST_NAME: usize = 40;

/// The name of an account for a person, who must not read another one: a directory may have any.
pub fn shown_name(user: &str) -> String {
    one_line(user, LONGEST_NAME)
}

/// What an administrator has said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answered {
    /// It may be done.
    Approved {
        /// Who says so.
        by: String,
        /// Until then, in seconds since 1970.
        until: u64,
        /// So many times more.
        left: u32,
    },
    /// It may not.
    Declined {
        /// Who says so.
        by: String,
        /// Why, if that was said.
        reason: Option<String>,
    },
}

/// How it is with a request that waited for an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Pending,
    /// It may be made again.
    Approved,
    /// It may not.
    Declined,
    /// Time is over, or the approval was used up.
    Over,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Over => "over",
        }
    }
}

/// A request that waits, or has an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// By what an administrator names it.
    pub id: String,
    /// The request that was refused.
    pub request_id: String,
    /// When it was made, in seconds since 1970.
    pub at: u64,
    /// Until when it can be approved.
    pub expires: u64,
    /// Who asked.
    pub requester: Requester,
    /// Why, in the words of who asked.
    pub reason: Option<String>,
    /// What is approved.
    pub asked: Asked,
    /// The answer, once there is one.
    pub answered: Option<Answered>,
}

impl Entry {
    /// How it is with it.
    pub fn state(&self) -> State {
        match self.answered {
            None => State::Pending,
            Some(Answered::Approved { .. }) => State::Approved,
            Some(Answered::Declined { .. }) => State::Declined,
        }
    }

    /// Until when it means anything.
    pub fn ends(&self) -> u64 {
        match self.answered {
            Some(Answered::Approved { until, .. }) => until,
            Some(Answered::Declined { .. }) | None => self.expires,
        }
    }

    /// All of it, for programs.
    pub fn described(&self) -> Value {
        let (by, left) = match &self.answered {
            None => (None, None),
            Some(Answered::Approved { by, left, .. }) => (Some(by), Some(left)),
            Some(Answered::Declined { by, .. }) => (Some(by), None),
        };
        json!({
            "id": self.id,
            "state": self.state().word(),
            "request_id": self.request_id,
            "time": moment(self.at),
            "expires": moment(self.ends()),
            "requester": self.requester,
            "uid": self.asked.uid,
            "operation": self.asked.line,
            "reason": self.reason,
            "commands": self.asked.commands,
            "policy": self.asked.policy,
            "by": by,
            "uses_left": left,
        })
    }
}

/// A moment as people and programs read it: RFC 3339, in UTC.
pub fn moment(seconds: u64) -> String {
    jiff::Timestamp::from_second(seconds as i64).unwrap_or_default().to_string()
}
