//! The group `sm`: gone with the program where it was made for it, and else as it was before. A name is
//! no ownership.

use crate::host::Host;

/// What an administrator has made before the install.
const BEFORE: [(&str, &str); 4] = [
    ("none", ""),
    ("with a member", "groupadd --system sm && usermod -aG sm other"),
    ("with nobody in it", "groupadd --system sm"),
    ("of an ordinary number", "groupadd --gid 4242 sm && usermod -aG sm other"),
];

/// What was set up in between.
const SET_UP: [&str; 2] = ["", "sm setup-broker --user agent"];

/// Makes one in the place of another one, with another number.
const ANEW: &str = "groupdel sm; groupadd --gid 4321 sm && usermod -aG sm other";

/// Installs and removes, each time with another group before. `program` is what is broken in some
/// cases, unless it is empty.
#[track_caller]
pub fn only_ours_goes(host: &Host, program: &str, install: &str, remove: &str) {
    let group = || host.root("getent group sm").stdout_text();
    let mut wrong = Vec::new();
    let mut case = |name: &str, before: &str, set_up: &str, then: &str| {
        host.root(before).ok();
        let was = group();
        host.root(install).ok();
        assert_ne!(group(), "", "{name}: the install makes the group");
        host.root(set_up).ok();
        host.root(then).ok();
        let was = if then == ANEW { group() } else { was };
        let removed = host.root(remove);
        assert_eq!(removed.status, Some(0), "{name}: {removed}");
        let is = group();
        if is != was {
            wrong.push(format!("{name}, `{set_up}`, `{then}`: {was:?} became {is:?}: {removed}"));
        }
        host.root("! getent group sm >/dev/null || groupdel sm").ok();
        // As somebody removes it who has read what was kept.
        host.root("rm -rf /var/lib/sm").ok();
    };
    for set_up in SET_UP {
        for (name, before) in BEFORE {
            case(name, before, set_up, "");
            if !program.is_empty() {
                case(
                    name,
                    before,
                    set_up,
                    &format!(
                        "printf '#!/bin/sh\\nexit 1\\n' >/root/sm; install /root/sm {program}"
                    ),
                );
            }
        }
        case("made anew", "", set_up, ANEW);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
