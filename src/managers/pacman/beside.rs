//! Where pacman puts configuration files (`pacman(8)`).

use crate::managers::beside::STAYS;
use std::path::PathBuf;

/// What a name ends with if the file lies beside the one in use.
pub const BESIDE: [(&str, &str); 2] = [
    (".pacnew", STAYS),
    (".pacsave", "was changed on this host, and its package was removed; it is kept"),
];

/// What it says that it has put somewhere: also outside of `/etc`, as a package's `backup` and
/// `NoUpgrade` in pacman.conf may have it. It says so on standard error, where no script of a
/// package writes: `warning: /opt/a.conf installed as /opt/a.conf.pacnew`
pub fn named(stderr: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let rest = line.strip_prefix("warning: ")?;
        let names = rest.split_once(" installed as ").or_else(|| rest.split_once(" saved as "));
        names.map(|(_, beside)| PathBuf::from(beside))
    };
    stderr.lines().filter_map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pacman_put_beside_a_file_is_read() {
        let message = "warning: /x/far saved as /x/far.pacsave\nwarning: x\n\
                    warning: /x/a installed as /x/a.pacnew\n/x/b saved as /x/b.pacsave\n";
        assert_eq!(named(message), ["/x/far.pacsave", "/x/a.pacnew"].map(PathBuf::from));
    }
}
