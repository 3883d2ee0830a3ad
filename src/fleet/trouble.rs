//! Why a conversation with a host ended, in a person's words.

use super::inventory::Host;
use super::report::{Row, Status};
use super::ssh::Lost;

/// What ssh says, in lower case, and what that means. The first that fits counts.
const SAYINGS: [(&str, Status, &str, &str, &str); 15] = [
    (
        "remote host identification has changed",
        Status::Failed,
        "host_key",
        "its host key is not the one that is known",
        "find out why before you trust it; if the host was made anew: ssh-keygen -R",
    ),
    (
        "host key verification failed",
        Status::Failed,
        "host_key",
        "its host key is not known",
        "compare it and log in once with ssh, or trust keys on first use: --accept-new-host-keys",
    ),
    (
        "no matching host key",
        Status::Failed,
        "host_key",
        "it has no host key of a kind that ssh accepts",
        "give the host a newer key: ssh-keygen -A",
    ),
    (
        "permission denied",
        Status::Failed,
        "login_refused",
        "it does not let the account in",
        "try it by hand with ssh; a key without a passphrase, or an agent that holds it, is needed",
    ),
    (
        "too many authentication failures",
        Status::Failed,
        "login_refused",
        "it does not let the account in",
        "name the one key: identity_file, or ansible_ssh_private_key_file",
    ),
    (
        "bad configuration option",
        Status::Failed,
        "ssh_failed",
        "ssh does not understand its configuration",
        "mend what ssh names",
    ),
    ("could not resolve", Status::Unreachable, "unreachable", "its name leads nowhere", NAME),
    ("connection refused", Status::Unreachable, "unreachable", "nothing listens there", PORT),
    ("no route to host", Status::Unreachable, "unreachable", "there is no way to it", DOWN),
    ("network is unreachable", Status::Unreachable, "unreachable", "there is no way to it", DOWN),
    ("timed out", Status::Unreachable, "unreachable", "it does not answer", DOWN),
    ("not responding", Status::Unreachable, "unreachable", "it does not answer any more", DOWN),
    ("connection reset", Status::Unreachable, "unreachable", "it hung up", DOWN),
    ("connection closed", Status::Unreachable, "unreachable", "it hung up", DOWN),
    ("kex_exchange_identification", Status::Unreachable, "unreachable", "it hung up", PORT),
];

const NAME: &str = "look at the spelling, or say where it is: ansible_host, or hostname";
const PORT: &str = "look whether sshd runs there, and at the port";
const DOWN: &str = "look whether it is up, or leave it out: offline: true";

/// The row of a host that we never got to talk to.
pub fn not_reached(host: &Host, lost: &Lost, said: &str) -> Row {
    let behind = if said.is_empty() { String::new() } else { format!(" ({said})") };
    let failed = |code: &str, what: &str| {
        Row::new(host, Status::Failed, code).error(&format!("{what}{behind}"))
    };
    match lost {
        Lost::NotStarted(error) => Row::new(host, Status::Failed, "ssh_failed")
            .error(&format!("ssh can not be started: {error}"))
            .hint(Some("install it: apt-get install openssh-client")),
        Lost::Late => Row::new(host, Status::Unreachable, "timeout")
            .error(&format!("it took the connection and then said nothing{behind}"))
            .hint(Some(DOWN)),
        Lost::Endless => failed("unsupported", "it prints without end instead of answering")
            .hint(Some("look at what the account's profile does: ssh HOST true")),
        Lost::Ended(status) => {
            let text = said.to_ascii_lowercase();
            let known = SAYINGS.iter().find(|row| text.contains(row.0));
            if let Some((_, status, code, what, hint)) = known {
                return Row::new(host, *status, code)
                    .error(&format!("{what}{behind}"))
                    .hint(Some(hint));
            }
            // ssh's own exit status for what goes wrong with the connection (`ssh(1)`).
            if status.and_then(|status| status.code()) == Some(255) {
                // It says nothing where the host stops answering before anybody is logged in.
                let what = if said.is_empty() { "it stopped answering" } else { "ssh gave up" };
                return Row::new(host, Status::Unreachable, "unreachable")
                    .error(&format!("{what}{behind}"))
                    .hint(Some("try it by hand with ssh"));
            }
            failed("unsupported", "the account's shell does not run /bin/sh")
                .hint(Some("give the account a shell, or log in as another one: ansible_user"))
        }
    }
}

/// The row of a host that was lost on the way.
pub fn lost_on_the_way(host: &Host, lost: &Lost, said: &str, doing: &str) -> Row {
    let behind = if said.is_empty() { String::new() } else { format!(" ({said})") };
    let (code, what) = match lost {
        Lost::Late => ("timeout", "it did not answer in time"),
        Lost::Endless => ("unsupported", "it prints without end instead of answering"),
        Lost::NotStarted(_) | Lost::Ended(_) => ("connection_lost", "the connection was lost"),
    };
    Row::new(host, Status::Failed, code)
        .error(&format!("{what} while {doing}{behind}"))
        .hint(Some("run it again: what is done stays done, and nothing is left half"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn row(exit: i32, said: &str) -> (Status, String) {
        let host = Host {
            alias: "web1".into(),
            address: "10.0.0.1".into(),
            port: None,
            user: None,
            identity: None,
            ssh_arguments: Vec::new(),
            offline: false,
            line: 1,
            refused: None,
        };
        let row = not_reached(&host, &Lost::Ended(Some(ExitStatus::from_raw(exit << 8))), said);
        (row.status, row.code)
    }

    #[test]
    fn what_ssh_says_is_told_apart() {
        for (said, status, code) in [
            (
                "ssh: connect to host x port 22: Connection refused",
                Status::Unreachable,
                "unreachable",
            ),
            ("Connection timed out during banner exchange", Status::Unreachable, "unreachable"),
            (
                "ssh: Could not resolve hostname x: Name or service not known",
                Status::Unreachable,
                "unreachable",
            ),
            (
                "No ED25519 host key is known for x and you have requested strict checking.; Host key verification failed.",
                Status::Failed,
                "host_key",
            ),
            (
                "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!; Host key verification failed.",
                Status::Failed,
                "host_key",
            ),
            ("a@x: Permission denied (publickey,password).", Status::Failed, "login_refused"),
            ("something new", Status::Unreachable, "unreachable"),
        ] {
            assert_eq!(row(255, said), (status, code.to_owned()), "{said}");
        }
    }

    #[test]
    fn a_shell_that_does_not_run_ours_is_no_unreachable_host() {
        assert_eq!(
            row(1, "This account is currently not available."),
            (Status::Failed, "unsupported".to_owned())
        );
        assert_eq!(row(127, ""), (Status::Failed, "unsupported".to_owned()));
    }
}
