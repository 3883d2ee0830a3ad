//! The homes of the accounts that somebody logs in with.

use std::path::Path;

/// Where homes are.
const HOMES: [&str; 2] = ["/home", "/root"];

/// Folders of the system: an account whose home is in one of them is that of a service, or shares it.
const OF_THE_SYSTEM: [&str; 15] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/nonexistent",
    "/opt",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/tmp",
    "/usr",
    "/var",
];

/// The shells with which nobody logs in.
const NO_SHELLS: [&str; 4] = ["nologin", "false", "true", "sync"];

/// The most that are named one by one.
const MOST: usize = 256;

/// The folders in which they are, and each that is elsewhere.
pub fn homes() -> Vec<String> {
    of(&std::fs::read_to_string("/etc/passwd").unwrap_or_default())
}

/// The same for the lines of `passwd(5)`. Those of a directory service are where homes are.
fn of(passwd: &str) -> Vec<String> {
    let mut homes: Vec<String> = HOMES.map(str::to_owned).to_vec();
    for line in passwd.lines() {
        let mut fields = line.split(':').skip(5);
        let (Some(home), Some(shell)) = (fields.next(), fields.next()) else { continue };
        let path = Path::new(home);
        let is_below = |folder: &&str| path.starts_with(folder);
        let is_home = path.is_absolute()
            && path.parent().is_some()
            && !OF_THE_SYSTEM.iter().chain(&HOMES).any(is_below)
            && !NO_SHELLS.contains(&shell.rsplit('/').next().unwrap_or_default());
        if is_home && homes.len() < MOST && !homes.iter().any(|one| path.starts_with(one)) {
            homes.push(home.to_owned());
        }
    }
    homes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_homes_of_people_are_found_wherever_they_are() {
        let passwd = "\
            root:x:0:0:root:/root:/bin/bash\n\
            www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n\
            nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
            agent:x:1000:1000::/home/agent:/bin/bash\n\
            ci:x:1001:1001::/srv/ci:/bin/sh\n\
            ci2:x:1002:1002::/srv/ci/two:/bin/sh\n\
            app:x:1003:1003::/srv/app:/usr/sbin/nologin\n\
            odd:x:1004:1004::/:/bin/sh\n\
            old:x:1005:1005::/data/old:\n\
            short:x:1\n";
        assert_eq!(of(passwd), ["/home", "/root", "/srv/ci", "/data/old"]);
    }
}
