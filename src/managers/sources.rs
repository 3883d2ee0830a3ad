//! How the sources of packages are named: not with the accounts in their addresses.

/// The text without what stands between `://` and `@` in it: a name and a password.
pub fn without_accounts(text: &str) -> Box<str> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        plain.push_str(before);
        plain.push_str("://");
        let end = after.find(['/', ' ']).unwrap_or(after.len());
        let (host, more) = after.split_at(end);
        plain.push_str(host.rsplit('@').next().unwrap_or(host));
        rest = more;
    }
    plain.push_str(rest);
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_left_out() {
        for (text, plain) in [
            ("https://u:p@h/x and http://h2/y@z", "https://h/x and http://h2/y@z"),
            ("https://u:p@w@h", "https://h"),
            ("file:/srv/apt ./", "file:/srv/apt ./"),
        ] {
            assert_eq!(&*without_accounts(text), plain);
        }
    }
}
