//! Names whose value is a secret.

/// The ends of such names, without case, `_`, `-` and `.`.
const ENDS: &[&str] = &[
    "accesskey",
    "accesssignature",
    "accountkey",
    "adminpw",
    "apikey",
    "appkey",
    "authkey",
    "bindpw",
    "clientkey",
    "consumerkey",
    "cryptkey",
    "encryptionkey",
    "functionskey",
    "hmackey",
    "keypass",
    "masterkey",
    "mnemonic",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwort",
    "presharedkey",
    "privatekey",
    "privkey",
    "recoverykey",
    "rootpw",
    "secret",
    "secretkey",
    "secretkeybase",
    "seedphrase",
    "sessionkey",
    "signingkey",
    "sshkey",
    "sshpass",
    "storepass",
    "subscriptionkey",
    "token",
    "userpw",
];

/// The last parts of such names if there is another before: `DB_PWD`, `dbPass`, `wpa-psk`.
const PARTS: [&str; 6] = ["pass", "psk", "pwd", "pw", "passwds", "passwords"];

/// Whole names whose value is a secret unless it is a word, a number or a path.
const WORDS: [&str; 12] = [
    "auth",
    "credential",
    "credentials",
    "creds",
    "otp",
    "pass",
    "psk",
    "pw",
    "pwd",
    "sessionid",
    "totp",
    "pin",
];

/// What is a secret in the query of an address alone.
const IN_QUERIES: [&str; 8] =
    ["auth", "code", "key", "sig", "signature", "ticket", "x-amz-signature", "x-goog-signature"];

/// How sure it is that the value of a name is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sure {
    /// It is one.
    Yes,
    /// It is one unless it looks like something else.
    Perhaps,
}

/// What a name can have after that which says that it is a secret: `DB_PASSWORD_PROD`.
const SUFFIXES: [&str; 12] = [
    "_current",
    "_dev",
    "_live",
    "_new",
    "_next",
    "_old",
    "_previous",
    "_prod",
    "_production",
    "_stage",
    "_staging",
    "_test",
];

/// Whether the value of something that is called so is a secret.
pub fn secrecy(name: &str) -> Option<Sure> {
    let name = without_suffix(name);
    let lower = name.to_ascii_lowercase();
    let letters: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
    if ENDS.iter().any(|end| letters.ends_with(end)) {
        return Some(Sure::Yes);
    }
    let last = last_part(name);
    if last.len() < name.len() && PARTS.contains(&&*last.to_ascii_lowercase()) {
        // `OLDPWD` is where the shell was before.
        return (letters != "oldpwd").then_some(Sure::Yes);
    }
    if letters.len() > 3 && letters.ends_with("pwd") && letters != "oldpwd" {
        return Some(Sure::Yes);
    }
    let is_word = WORDS.contains(&lower.trim_start_matches(['_', '-']))
        || WORDS[..4].contains(&&*last.to_ascii_lowercase());
    is_word.then_some(Sure::Perhaps)
}

/// Whether it is one as a parameter in an address: `?sig=…`
pub fn is_secret_in_query(name: &str) -> bool {
    IN_QUERIES.contains(&&*name.to_ascii_lowercase())
}

/// A name without its number (`password1`, `DB_PASS_2`) or one of [`SUFFIXES`].
fn without_suffix(name: &str) -> &str {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if plain.len() < name.len() {
        return plain.trim_end_matches(['_', '-']);
    }
    let suffix = |suffix: &&str| {
        let begin = name.len().checked_sub(suffix.len())?;
        name.get(begin..)?.eq_ignore_ascii_case(suffix).then_some(&name[..begin])
    };
    SUFFIXES.iter().find_map(suffix).unwrap_or(name)
}

/// The last of the parts of a name: after `_`, `-` or `.`, or from where small letters end.
fn last_part(name: &str) -> &str {
    let bytes = name.as_bytes();
    let is_begin = |at: &usize| {
        b"_-.".contains(&bytes[at - 1])
            || bytes[*at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase()
    };
    (1..bytes.len()).rev().find(is_begin).map_or(name, |at| &name[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_by_its_last_parts() {
        for name in
            ["DB_PWD", "dbPass", "SMTP_PASS", "db-pwd", "userpwd", "X-Auth-Token", "myApiKey"]
        {
            assert_eq!(secrecy(name), Some(Sure::Yes), "{name}");
        }
        for name in ["pwd", "PASS", "_auth", "credentials", "LoadCredential"] {
            assert_eq!(secrecy(name), Some(Sure::Perhaps), "{name}");
        }
        for name in [
            "author",
            "token_type",
            "OLDPWD",
            "compass",
            "keyboard",
            "sig",
            "bypass",
            "PassEnvironment",
        ] {
            assert_eq!(secrecy(name), None, "{name}");
        }
    }
}
