//! The name of an agent, as a policy gives it to an account.

use serde::Serialize;

/// The most characters of a name.
const LONGEST: usize = 64;

/// The name of the agent that asks as an account: of 1 to 64 printable ASCII characters, with no
/// space at either end. Only a policy gives one, never who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AgentName(String);

impl AgentName {
    /// What such a name is, for whoever wrote another one.
    pub const FORM: &str =
        "an agent's name has 1 to 64 printable ASCII characters, and no space at either end";

    /// Takes a name; none if it is not one ([`AgentName::FORM`]).
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = (1..=LONGEST).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
            && text.trim() == text;
        is_one.then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_line_that_can_be_printed_is_a_name() {
        for good in ["a", "claude", "Claude Code/2 \"x\" \\", &"x".repeat(64)] {
            assert_eq!(AgentName::parse(good).expect(good).as_str(), good);
        }
        for bad in ["", " ", " a", "a ", "a\nb", "a\tb", "é", "a\u{202e}", "\x7f", &"x".repeat(65)]
        {
            assert_eq!(AgentName::parse(bad), None, "{bad:?}");
        }
    }
}
