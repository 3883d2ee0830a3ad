//! From one of the two packages to the other.

use super::{APT, NARROW, Packages, SITE, set_up};
use crate::host::{Host, host_once};

/// What the sealed one does not let a site say.
const ADDS: &str = "schema = 1\n[packages]\nactions = [\"install\"]\n[packages.names.tree]\n";

/// Says whether the site policy adds.
fn adds(host: &Host) -> bool {
    host.ask("--dry-run package install tree").code() == "ok"
}

host_once!(the_accounts_go_on_with_the_other_package, bare, |host| {
    host.fetch();
    host.apt_install(NARROW).ok();
    set_up(host);
    host.root("useradd 'we ird' --badname; sm setup-sudo --user 'we ird'; echo '# mine' >>/etc/logrotate.d/sm; mkdir /etc/sm").ok();
    let drop_ins =
        host.root("tail /etc/sudoers.d/sm-*; stat -c '%n %U:%G %a' /etc/sudoers.d/*").ok();
    for (case, command, is_site) in [
        ("with apt", format!("{APT} install /srv/{SITE}.deb"), true),
        ("back, with apt", format!("{APT} install /srv/{NARROW}.deb"), false),
        ("with dpkg", format!("dpkg -i /srv/{SITE}.deb"), true),
        ("back, with dpkg", format!("dpkg -i /srv/{NARROW}.deb"), false),
    ] {
        let done = host.root(&command);
        assert_eq!(done.status, Some(0), "{case}: {done}");
        for other in ["to allow one: sm", "nothing to do"] {
            assert!(!done.stderr_text().contains(other), "{case}: {done}");
        }
        let is = host.root("tail /etc/sudoers.d/sm-*; stat -c '%n %U:%G %a' /etc/sudoers.d/*").ok();
        assert_eq!(is, drop_ins, "{case}");
        assert!(host.read("/etc/logrotate.d/sm").ends_with("# mine\n"), "{case}");
        host.is_well(case);
        host.write("/etc/sm/policy.toml", ADDS);
        assert_eq!(adds(host), is_site, "{case}");
        host.root("sm policy revert").ok();
        // The other one's purge has nothing to do with this one.
        let purged = host.root(&format!("dpkg --purge {}", if is_site { NARROW } else { SITE }));
        assert_eq!(purged.status, Some(0), "{case}: {purged}");
        host.is_well(&format!("{case}, and the other one purged"));
        assert!(host.exists("/etc/logrotate.d/sm"), "{case}");
    }
});

host_once!(what_was_removed_in_one_run_of_apt_is_not_put_back_in_another, bare, |host| {
    host.fetch();
    for install in [format!("{APT} install /srv/{SITE}.deb"), format!("dpkg -i /srv/{SITE}.deb")] {
        host.apt_install(NARROW).ok();
        set_up(host);
        host.apt("remove sm-helper").ok();
        let done = host.root(&install);
        assert_eq!(done.status, Some(0), "{done}");
        assert!(done.stderr_text().contains("to allow one: sm setup-sudo"), "{done}");
        assert_eq!(host.root("ls /etc/sudoers.d").ok(), "README\n");
        assert_ne!(host.root("systemctl is-active sm.socket").status, Some(0));
        assert!(!host.exists("/run/sm-removed"));
        host.apt("purge sm-helper-site").ok();
    }
});
