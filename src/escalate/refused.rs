//! Why sudo did not let a request through, asked of sudo itself: after it has refused, so that a
//! request that succeeds pays nothing for it.

use crate::output::text::shell_word;
use crate::request::caller::name_of;
use crate::request::code::{Code, Refusal};
use crate::sudo::ask::AS_ROOT;
use crate::system::tool::{clean, complaint, output_within};
use std::ffi::OsString;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

/// The longest that sudo may take to say what it allows.
const LIMIT: Duration = Duration::from_secs(10);

/// sudo, as the account asks it about itself.
pub struct Sudo<'s> {
    /// Where it is.
    pub sudo: &'s Path,
    /// The program that it was to run.
    pub helper: &'s Path,
}

/// What sudo's configuration has for a request that sudo has refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// No rule names the helper.
    None,
    /// Rules for other requests, not for this one.
    Others,
    /// A rule that another one takes back.
    TakenBack,
    /// A rule, and something else is in the way of it.
    There,
}

impl Sudo<'_> {
    /// The refusal for a request of these words, of which sudo has said `stderr`.
    pub fn refused(&self, words: &[OsString], stderr: &[u8]) -> Refusal {
        let message =
            complaint(stderr, 300).unwrap_or_else(|| "it ended without a message".to_owned());
        let account = account();
        let name = shell_word(&account);
        let helper = self.helper.display();
        let error = format!("sudo did not allow {account} to run {helper} as root: {message}");
        if nix::sys::prctl::get_no_new_privs() == Ok(true) {
            // Whatever sudo is told to allow, it cannot become root here.
            return not_privileged(error).hint(format!(
                "sudo cannot work where new privileges are forbidden (NoNewPrivileges=yes, \
                 bubblewrap); use the socket: omit --via, or ask an administrator: \
                 sm setup-broker --user {name}"
            ));
        }
        // As sudo and sudo-rs say it if no password may be asked for.
        let wants_password = message.starts_with("a password is required")
            || message.starts_with("interactive authentication is required");
        let check = format!(
            "an administrator can find the file and line with: sm setup-sudo --user {name} --check"
        );
        // PAM's word on the account, whatever the rules are (sudo's `auth/pam.c`, sudo-rs has the same).
        let low = message.to_lowercase();
        if low.contains("account validation") || low.contains("expired") {
            return not_privileged(format!("{error}; PAM rejects the account"))
                .hint(format!("an administrator can look at it with: chage -l {name}"));
        }
        // Then sudo says nothing of its rules either.
        if low.contains("must have a tty") {
            return not_privileged(format!("{error}; the cause is the sudo setting requiretty"))
                .hint(check);
        }
        let (what, hint) = match self.rule(words) {
            Rule::None => (
                "no sudo rule allows it",
                format!("an administrator can allow it: sm setup-sudo --user {name}"),
            ),
            Rule::Others => (
                "the policy permits this request, but its --exact drop-in has no rule for it",
                format!(
                    "they are out of date; an administrator can update them: \
                     sm setup-sudo --user {name} --exact"
                ),
            ),
            Rule::TakenBack => ("a later rule takes back what an earlier one allows", check),
            Rule::There if wants_password => {
                ("a rule allows it without a password, and a later one asks for one", check)
            }
            Rule::There => {
                ("a rule allows it, but a setting, PAM or a full log is in the way", check)
            }
        };
        not_privileged(format!("{error}; {what}")).hint(hint)
    }

    /// Asks sudo what it has. What a rule says that is without a password sudo answers without
    /// one, too (`sudoers(5)`, `listpw`).
    fn rule(&self, words: &[OsString]) -> Rule {
        let helper = self.helper.as_os_str().to_owned();
        let line = |words: &[OsString]| -> Vec<OsString> {
            ["-l".into()]
                .into_iter()
                .chain(AS_ROOT.map(Into::into))
                .chain([helper.clone()])
                .chain(words.iter().cloned())
                .collect()
        };
        let is_allowed = |words: &[OsString]| {
            self.ask(&line(words)).is_some_and(|answer| answer.status.success())
        };
        if is_allowed(words) {
            return Rule::There;
        }
        if is_allowed(&["version".into()]) {
            return Rule::Others;
        }
        let listed = self.ask(&["-n".into(), "-l".into()]);
        let helper = self.helper.to_string_lossy();
        let is_named = listed.is_some_and(|answer| {
            let text = String::from_utf8_lossy(&answer.stdout).into_owned();
            text.split([' ', '\n', ',']).any(|word| word == helper)
        });
        if is_named { Rule::TakenBack } else { Rule::None }
    }

    fn ask(&self, arguments: &[OsString]) -> Option<Output> {
        let mut command = clean(self.sudo);
        command.args(arguments);
        output_within(command, LIMIT).ok()
    }
}

/// The account that asks, by its name if it has one.
pub fn account() -> String {
    let uid = nix::unistd::getuid().as_raw();
    name_of(uid).unwrap_or_else(|| uid.to_string())
}
pub fn not_privileged(error: String) -> Refusal {
    Refusal::new(Code::NotPrivileged, error)
}
