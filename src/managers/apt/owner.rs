//! The package that a file is from.

use crate::managers::ask::printed;

/// As dpkg says.
pub fn of(path: &str) -> Option<String> {
    owner(&printed("dpkg-query", &["-S", "--", path])?, path)
}

/// The package of this very path: to dpkg-query it is a pattern, and a diversion has a line too.
fn owner(printed: &str, path: &str) -> Option<String> {
    let mut lines = printed.lines().filter_map(|line| line.split_once(": "));
    let (name, _) = lines.find(|(name, of)| *of == path && !name.contains(' '))?;
    Some(name.split(':').next().unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn the_package_of_a_path_is_told_from_what_dpkg_says_besides() {
        let path = "/usr/bin/sm-helper";
        for (printed, expected) in [
            ("sm-helper: /usr/bin/sm-helper\n", Some("sm-helper")),
            ("sm-helper:amd64: /usr/bin/sm-helper\n", Some("sm-helper")),
            ("other: /usr/bin/sm-helper2\nsm-helper: /usr/bin/sm-helper\n", Some("sm-helper")),
            ("diversion by x from: /usr/bin/sm-helper\n", None),
            ("", None),
        ] {
            assert_eq!(owner(printed, path).as_deref(), expected, "{printed}");
        }
    }
}
