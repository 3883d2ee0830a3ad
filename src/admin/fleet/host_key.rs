//! What ssh says of a host's key that it does not accept, and what to do about it.

use crate::admin::fleet::inventory::host::Host;
use crate::admin::fleet::row::{Row, Status};
use crate::admin::fleet::words::Words;
use crate::output::text::{one_line, shell_word};

const CODE: &str = "host_key";

/// What is said of all keys that nobody has seen before.
const UNKNOWN: &str =
    "compare it and log in once with ssh, or trust keys on first use: --accept-new-host-keys";

/// The row of a host whose key, or that of the host through which it is reached, is not accepted.
pub fn row(host: &Host, words: &Words) -> Option<Row> {
    if !words.contain("host key verification failed") {
        return None;
    }
    let failed = |what: &str| Row::new(host, Status::Failed, CODE).error(what);
    if let Some(name) = between(words, "Host key for ", " has changed") {
        return Some(changed(failed, words, name));
    }
    if words.contain("revoked") {
        let row = failed(&format!("its host key is marked as revoked{}", words.behind()));
        return Some(row.hint(Some(
            "do not trust it; find out why, and have the host make a new one: ssh-keygen -A",
        )));
    }
    let Some(name) = between(words, " host key is known for ", " and you have requested") else {
        let row = failed(&format!("its host key is not known{}", words.behind()));
        return Some(row.hint(Some(UNKNOWN)));
    };
    let name = one_line(name, 300);
    // What ssh says when the ssh ends that was to reach the host for it.
    if words.contain("connection closed by unknown port")
        || words.contain("kex_exchange_identification")
    {
        let row =
            failed(&format!("the host key of {name}, through which it is reached, is not known"));
        let hint = "compare it and log in there once with ssh; --accept-new-host-keys is only for the hosts of the inventory";
        return Some(row.hint(Some(hint)).command(format!("ssh {name}")));
    }
    let kind = between(words, "No ", " host key is known for").map_or("", |kind| kind);
    let what = format!("its host key is not known (no {} key of {name})", one_line(kind, 20));
    Some(failed(&what).hint(Some(UNKNOWN)))
}

fn changed(failed: impl Fn(&str) -> Row, words: &Words, name: &str) -> Row {
    let name = one_line(name, 300);
    let place = words.lines().find(|line| line.starts_with("Offending ") && line.contains(" in "));
    let seen = words.lines().find(|line| line.starts_with("SHA256:"));
    let seen =
        seen.map(|print| format!("; {name} shows {}", one_line(print.trim_end_matches('.'), 60)));
    let message = place.map(|place| format!(": {}", one_line(place, 300)));
    let what = format!(
        "its host key is not the known one{}{}",
        message.unwrap_or_default(),
        seen.unwrap_or_default()
    );
    let file = place
        .and_then(|place| place.split_once(" in ")?.1.rsplit_once(':'))
        .map(|(file, _)| file.to_owned());
    failed(&what)
        .hint(Some(
            "find out why before you trust it; if the host was reinstalled, forget the old one",
        ))
        .command(forget(&name, file.as_deref()))
}

/// The command that takes a key out of the file that has it.
fn forget(name: &str, file: Option<&str>) -> String {
    let of_root = file.is_some_and(|file| file.starts_with("/etc/"));
    let file = file.filter(|file| !file.ends_with("/.ssh/known_hosts"));
    let file = file.map_or(String::new(), |file| format!(" -f {}", shell_word(file)));
    let sudo = if of_root { "sudo " } else { "" };
    format!("{sudo}ssh-keygen{file} -R {}", shell_word(name))
}

/// What stands between two texts in the first line that has both.
fn between<'w>(words: &'w Words, before: &str, after: &str) -> Option<&'w str> {
    words.lines().find_map(|line| {
        let (_, rest) = line.split_once(before)?;
        rest.split_once(after).map(|(middle, _)| middle)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::fleet::trouble::tests::host;

    /// What OpenSSH 9.2 prints, which begins with a frame.
    fn of_changed(file: &str, name: &str) -> String {
        format!(
            "@@@@@@@@@@@@@@@@@@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@@@@@@@@@\n\
             IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\n\
             Someone could be eavesdropping on you right now (man-in-the-middle attack)!\n\
             It is also possible that a host key has just been changed.\n\
             The fingerprint for the ED25519 key sent by the remote host is\nSHA256:JAJvlt.\n\
             Please contact your system administrator.\nAdd correct host key in /x to get rid of this message.\n\
             Offending ED25519 key in {file}:7\n\
             Host key for {name} has changed and you have requested strict checking.\n\
             Host key verification failed.\n"
        )
    }

    fn of(text: &str) -> (String, String) {
        let row = row(&host(), &Words::of(text.as_bytes(), "sm-1")).expect("a key");
        assert_eq!(row.code, "host_key");
        (row.error.expect("a sentence"), row.hint.expect("a hint"))
    }

    #[test]
    fn a_changed_key_is_said_with_its_place_and_the_command_for_it() {
        for (file, name, command) in [
            ("/home/me/.ssh/known_hosts", "10.0.0.1", "ssh-keygen -R 10.0.0.1"),
            ("/home/me/.ssh/known_hosts", "[10.0.0.1]:2222", "ssh-keygen -R '[10.0.0.1]:2222'"),
            ("/home/me/of fleet", "web", "ssh-keygen -f '/home/me/of fleet' -R web"),
            ("/etc/ssh/ssh_known_hosts", "x", "sudo ssh-keygen -f /etc/ssh/ssh_known_hosts -R x"),
        ] {
            let (error, hint) = of(&of_changed(file, name));
            assert!(error.contains(&format!("Offending ED25519 key in {file}:7")), "{error}");
            assert!(error.contains("SHA256:JAJvlt") && !error.contains("NASTY"), "{error}");
            assert!(hint.ends_with(&format!(": {command}")), "{hint}");
        }
    }

    #[test]
    fn the_key_of_a_host_on_the_way_is_not_the_hosts() {
        let unknown = "No ED25519 host key is known for [b]:22 and you have requested strict checking.\nHost key verification failed.\n";
        let (error, hint) = of(unknown);
        assert_eq!(error, "its host key is not known (no ED25519 key of [b]:22)");
        assert!(hint.contains("--accept-new-host-keys"), "{hint}");
        let by_way = format!("{unknown}Connection closed by UNKNOWN port 65535\n");
        let (error, hint) = of(&by_way);
        assert!(error.contains("the host key of [b]:22, through which"), "{error}");
        assert!(hint.contains("inventory: ssh "), "{hint}");
    }

    #[test]
    fn a_revoked_key_is_not_one_to_get_used_to() {
        let (error, hint) = of(
            "@ WARNING: REVOKED HOST KEY DETECTED! @\nThe ED25519 host key for x is marked as revoked.\nHost key verification failed.\n",
        );
        assert!(error.contains("revoked") && !hint.contains("accept-new"), "{error} {hint}");
        assert_eq!(row(&host(), &Words::of(b"Permission denied", "sm-1")).map(|_| ()), None);
    }
}
