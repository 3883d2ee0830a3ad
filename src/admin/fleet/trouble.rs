//! Why a conversation with a host ended, in a person's words.

use crate::admin::fleet::greeting::NotBegun;
use crate::admin::fleet::host_key;
use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::row::{Row, Status};
use crate::admin::fleet::ssh::{Instead, Lost};
use crate::admin::fleet::words::Words;

/// What ssh or a host says, in lower case; what that means, and what to do about it.
type Saying = (&'static str, Status, &'static str, &'static str, &'static str);

/// What ssh says of hosts that it does not get into. The first that fits counts.
const SAYINGS: [Saying; 12] = [
    (
        "no matching host key",
        Status::Failed,
        "host_key",
        "it has no host key of a type that ssh accepts",
        "give the host a newer key: ssh-keygen -A",
    ),
    (
        "permission denied",
        Status::Failed,
        "login_refused",
        "it rejects the account",
        "try it by hand with ssh: it needs a key without a passphrase, or an agent that holds it; if the key is right, journalctl -t sshd there says why: AllowUsers, DenyUsers, PermitRootLogin, a home that others can write to, an account without a shell",
    ),
    (
        "too many authentication failures",
        Status::Failed,
        "login_refused",
        "it rejects the account",
        "name the one key: identity_file, or ansible_ssh_private_key_file",
    ),
    (
        "bad configuration option",
        Status::Failed,
        "ssh_failed",
        "ssh does not understand its configuration",
        "fix what ssh names",
    ),
    ("could not resolve", Status::Unreachable, "unreachable", "its name cannot be resolved", NAME),
    ("connection refused", Status::Unreachable, "unreachable", "nothing listens there", PORT),
    ("no route to host", Status::Unreachable, "unreachable", "it cannot be reached", DOWN),
    ("network is unreachable", Status::Unreachable, "unreachable", "it cannot be reached", DOWN),
    ("timed out", Status::Unreachable, "unreachable", "it does not answer", DOWN),
    ("not responding", Status::Unreachable, "unreachable", "it no longer answers", DOWN),
    ("connection reset", Status::Unreachable, "unreachable", "it closed the connection", DOWN),
    (
        "kex_exchange_identification",
        Status::Unreachable,
        "unreachable",
        "it closed the connection",
        PORT,
    ),
];

/// What is said if we were let in, and our shell did not run. The first that fits counts.
const LET_IN: [Saying; 6] = [
    (
        "password change required",
        Status::Failed,
        "login_refused",
        "the account's password has expired there",
        EXPIRED,
    ),
    (
        "your password has expired",
        Status::Failed,
        "login_refused",
        "the account's password has expired there",
        EXPIRED,
    ),
    (
        "open failed",
        Status::Failed,
        "login_refused",
        "it accepts the account but opens no session",
        "look at MaxSessions in its sshd_config",
    ),
    (
        "this account is currently not available",
        Status::Failed,
        "unsupported",
        "the account's shell is nologin, which does not run /bin/sh",
        "give the account a shell (usermod -s), or log in as another one: ansible_user",
    ),
    (
        "sftp connections only",
        Status::Failed,
        "unsupported",
        "a ForceCommand in its sshd_config allows the account only sftp",
        FORCED,
    ),
    ("not responding", Status::Unreachable, "unreachable", "it no longer answers", DOWN),
];

const NAME: &str = "check the spelling, or give its address: ansible_host, or hostname";
const PORT: &str = "check whether sshd runs there, and the port";
const DOWN: &str = "check whether it is up, or skip it: offline: true";
const EXPIRED: &str =
    "log in once at a terminal and change it, or as root there: chage -d \"$(date +%F)\" ACCOUNT";
const FORCED: &str = "exempt the account from it (Match in sshd_config, command= in authorized_keys), make it end in exec sh -c \"$SSH_ORIGINAL_COMMAND\", or log in as another account: ansible_user";
const PROFILE: &str = "look at the account's shell, at what its profile starts or waits for (.bashrc, .profile), for a ForceCommand \
    (sshd -T -C user=ACCOUNT) and for command= in authorized_keys; or log in as another account: ansible_user";
const ACCOUNTING: &str = "do what it says; /etc/nologin and /run/nologin keep everybody but root out, and chage -l ACCOUNT shows whether \
    the account has expired";

/// The row of a host that we never got to talk to.
pub fn not_reached(host: &Host, not: &NotBegun) -> Row {
    let NotBegun { lost, words, is_let_in } = not;
    let row = |status, code: &str, what: &str| {
        Row::new(host, status, code).error(&format!("{what}{}", words.behind()))
    };
    match lost {
        Lost::NotStarted(error) => Row::new(host, Status::Failed, "ssh_failed")
            .error(&format!("ssh cannot be started: {error}"))
            .hint(Some("install it: apt-get install openssh-client")),
        Lost::Late if *is_let_in => row(
            Status::Failed,
            "timeout",
            "it accepts the account, but did not start the command within 30 s",
        )
        .hint(Some(PROFILE)),
        Lost::Late => row(
            Status::Unreachable,
            "timeout",
            "it accepted the connection, but did not authenticate within 30 s",
        )
        .hint(Some(DOWN)),
        Lost::Endless => {
            row(Status::Failed, "unsupported", "it keeps printing instead of answering")
                .hint(Some("look at what the account's profile does: ssh HOST true"))
        }
        Lost::Instead(instead) => instead_of_ours(host, instead),
        Lost::Ended(status) => {
            let status = status.and_then(|status| status.code());
            // ssh's own exit status for what goes wrong with the connection (`ssh(1)`).
            let of_ssh = status == Some(255);
            if of_ssh && let Some(row) = host_key::row(host, words) {
                return row;
            }
            let sayings = if *is_let_in { &LET_IN[..] } else { &SAYINGS[..] };
            let known = sayings.iter().find(|saying| words.contain(saying.0));
            if let Some((_, status, code, what, hint)) = known {
                return row(*status, code, what).hint(Some(hint));
            }
            if of_ssh {
                return if *is_let_in {
                    row(
                        Status::Failed,
                        "connection_lost",
                        "it accepted the account, but the connection was lost",
                    )
                    .hint(Some(PROFILE))
                } else {
                    not_let_in(host, words)
                };
            }
            let ended = status
                .map_or("was killed".to_owned(), |status| format!("ended with status {status}"));
            let what = format!("it does not run /bin/sh as requested: what runs instead {ended}");
            row(Status::Failed, "unsupported", &what).hint(Some(PROFILE))
        }
    }
}

/// The row of a host that ends the connection before it lets anybody in, and gives ssh no reason.
fn not_let_in(host: &Host, words: &Words) -> Row {
    let row = |status, code: &str, what: &str, hint: &str| {
        Row::new(host, status, code).error(&format!("{what}{}", words.behind())).hint(Some(hint))
    };
    // Behind its greeting (`kex_exchange_identification` is in front of it) what sshd says is PAM's
    // word on the account, or a banner.
    let of_host = words.lines().filter(|line| !line.starts_with("Connection closed by ")).count();
    if !words.contain("connection closed by") {
        // It says nothing if the host stops answering before anybody is logged in.
        let what = if words.is_empty() { "it stopped answering" } else { "ssh gave up" };
        row(Status::Unreachable, "unreachable", what, "try it by hand with ssh")
    } else if words.contain("exchange") || of_host == 0 {
        row(
            Status::Unreachable,
            "unreachable",
            "it closed the connection",
            "check whether it is up, and its log: journalctl -t sshd",
        )
    } else {
        row(Status::Failed, "login_refused", "it rejects the account", ACCOUNTING)
    }
}

/// The row of a host that runs something else than our shell.
fn instead_of_ours(host: &Host, instead: &Instead) -> Row {
    let (what, hint) = match instead {
        Instead::Shell { command, is_forced: true } => (
            format!(
                "a ForceCommand (in sshd_config, or command= of the key) runs there instead of the requested command: {command}"
            ),
            FORCED.to_owned(),
        ),
        Instead::Shell { command, is_forced: false } => (
            format!(
                "a profile of the account starts another shell, which does not run the requested command: {command}"
            ),
            format!(
                "make it start that only for people, in .bashrc, .profile or wherever it is: case $- in *i*) exec {command} ;; esac"
            ),
        ),
        Instead::Echo => (
            "something there echoes what it is sent, and runs none of it".to_owned(),
            PROFILE.to_owned(),
        ),
        Instead::Reader => (
            "something there reads the input of our shell before the shell starts".to_owned(),
            PROFILE.to_owned(),
        ),
    };
    Row::new(host, Status::Failed, "unsupported").error(&what).hint(Some(&hint))
}

/// The row of a host that was lost on the way.
pub fn lost_on_the_way(host: &Host, lost: &Lost, words: &Words, doing: &str) -> Row {
    let (code, what) = match lost {
        Lost::Late => ("timeout", "it did not answer in time"),
        Lost::Endless => ("unsupported", "it keeps printing instead of answering"),
        Lost::NotStarted(_) | Lost::Ended(_) | Lost::Instead(_) => {
            ("connection_lost", "the connection was lost")
        }
    };
    Row::new(host, Status::Failed, code)
        .error(&format!("{what} while {doing}{}", words.behind()))
        .hint(Some("run it again: what is done stays done, and nothing is left half done"))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    pub fn host() -> Host {
        Host {
            alias: "web1".into(),
            address: "10.0.0.1".into(),
            port: None,
            user: None,
            identity: None,
            ssh_arguments: Vec::new(),
            offline: false,
            line: 1,
            refused: None,
        }
    }

    fn row(exit: i32, is_let_in: bool, message: &str) -> Row {
        let lost = Lost::Ended(Some(ExitStatus::from_raw(exit << 8)));
        let words = Words::of(message.as_bytes(), "sm-1");
        not_reached(&host(), &NotBegun { lost, words, is_let_in })
    }

    #[test]
    fn what_ssh_says_is_told_apart() {
        let closed = "Connection closed by 10.0.0.1 port 22";
        let in_front =
            format!("kex_exchange_identification: Connection closed by remote host\n{closed}");
        let nologin = format!("down for repairs\n{closed}");
        for (message, is_let_in, status, code) in [
            (
                "ssh: connect to host x port 22: Connection refused",
                false,
                Status::Unreachable,
                "unreachable",
            ),
            (
                "Connection timed out during banner exchange",
                false,
                Status::Unreachable,
                "unreachable",
            ),
            (
                "ssh: Could not resolve hostname x: Name or service not known",
                false,
                Status::Unreachable,
                "unreachable",
            ),
            (closed, false, Status::Unreachable, "unreachable"),
            (&in_front, false, Status::Unreachable, "unreachable"),
            (&nologin, false, Status::Failed, "login_refused"),
            ("Host key verification failed.", false, Status::Failed, "host_key"),
            (
                "a@x: Permission denied (publickey,password).",
                false,
                Status::Failed,
                "login_refused",
            ),
            ("something new", false, Status::Unreachable, "unreachable"),
            (
                "channel 0: open failed: connect failed: open failed",
                true,
                Status::Failed,
                "login_refused",
            ),
            // Who was let in was not refused, whatever a profile says.
            ("Permission denied", true, Status::Failed, "connection_lost"),
        ] {
            let row = row(255, is_let_in, message);
            assert_eq!((row.status, row.code.as_str()), (status, code), "{message}");
            let (last, error) =
                (message.lines().last().unwrap_or_default(), row.error.unwrap_or_default());
            assert!(code == "host_key" || error.contains(last), "{error}");
            assert!(row.hint.is_some(), "{message}");
        }
    }

    #[test]
    fn a_shell_that_does_not_run_ours_is_no_unreachable_host() {
        for (exit, message, code) in [
            (1, "This account is currently not available.", "unsupported"),
            (127, "", "unsupported"),
            (0, "git only", "unsupported"),
            (1, "This service allows sftp connections only.", "unsupported"),
            (
                1,
                "WARNING: Your password has expired.\nPassword change required but no TTY available.",
                "login_refused",
            ),
        ] {
            let row = row(exit, true, message);
            assert_eq!((row.status, row.code.as_str()), (Status::Failed, code), "{message}");
        }
    }
}
