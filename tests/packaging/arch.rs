//! The packages for Arch: built by makepkg, installed, upgraded and removed by pacman.

use crate::host::{Host, Reply, Sudo, host_once, repository};
use crate::{group, mcp_program, program, site_program};

/// What the packages depend on is not in the hosts' repository.
const PACMAN: &str = "pacman --noconfirm --assume-installed glibc=2.40 --assume-installed gcc-libs=14 \
                      --assume-installed systemd=256";

/// An Arch host with both packages in /srv/out, built from this source tree by an account that is
/// not root, in these releases.
fn host_with_packages(sudo: Sudo, releases: &str) -> Host {
    let host = Host::wanted(sudo).arch().bare().bind_read_only(repository(), "/src").boot();
    host.root("mkdir -p /srv/built /srv/out && chown agent /srv/out").ok();
    let programs =
        [("sm-helper", program()), ("sm-helper-site", site_program()), ("sm-mcp", mcp_program())];
    for (name, program) in programs {
        let bytes = std::fs::read(program).expect("the program");
        host.write(format!("/srv/built/{name}"), &bytes);
    }
    host.root("chmod 0755 /srv/built/*").ok();
    host.agent(&format!(
        "mkdir ~/tree && cp -r /src/packaging /src/LICENSE ~/tree && cd ~/tree/packaging/arch && \
         for release in {releases}; do sed -i \"s/^pkgrel=.*/pkgrel=$release/\" PKGBUILD && \
         SM_PREBUILT=/srv/built PKGDEST=/srv/out PKGEXT=.pkg.tar makepkg --nodeps || exit 1; done"
    ))
    .ok();
    host
}

host_once!(a_package_for_arch_lives_through_install_upgrade_and_remove, bare_arch, |host| {
    let host = host_with_packages(host.sudo, "1 2");
    let before = host.root("ls -A /etc/sudoers.d; getent group").ok();
    host.root(&format!("{PACMAN} -U /srv/out/sm-helper-0.1.0-1-*")).ok();

    // Owners, modes and content are those of the package, and it has all that there is.
    host.root("pacman -Qkk sm-helper").ok();
    assert!(host.root("sm policy show --json").ok().contains("\"site_mode\":\"narrow\""));
    let has = host.root("pacman -Qlq sm-helper | grep -v '/$' | sed 's/[.]gz$//' | sort").ok();
    let mut list = host.root("PREFIX=/usr /src/packaging/install --list").ok();
    list.push_str("/usr/share/licenses/sm-helper/LICENSE\n");
    let mut list: Vec<&str> = list.lines().collect();
    list.sort_unstable();
    assert_eq!(has.lines().collect::<Vec<_>>(), list);
    host.root("getent group sm; systemd-analyze verify sm.socket sm-broker.service").ok();
    assert_eq!(host.root("stat -c '%U:%G %a' /var/log/sm").ok(), "root:adm 750\n");
    assert_eq!(host.root("systemctl is-enabled sm.socket").stdout_text(), "disabled\n");
    assert!(host.root("zcat /usr/share/man/man5/sm-policy.5.gz").ok().contains("lock_seconds"));

    // It works, both ways.
    host.root(
        "sm setup-sudo --user agent && sm setup-sudo --group sudo && sm setup-broker --user agent",
    )
    .ok();
    assert!(!host.exists("/etc/systemd/system/sm.socket"), "the package's units are used");
    let works = |host: &Host| {
        for way in ["sudo", "socket"] {
            let line = format!("/usr/bin/sm-helper --via {way} service status nginx");
            Reply::of(&host.agent(&line)).expect("ok");
        }
    };
    works(&host);

    // An upgrade keeps what is the administrator's.
    host.root("mkdir /etc/sm; cp /src/policy/examples/status-only.toml /etc/sm/policy.toml; echo '# mine' >>/etc/logrotate.d/sm").ok();
    // As an earlier version would have left it.
    host.root("sed s/MaxConnections=1024/MaxConnections=10/ /usr/lib/systemd/system/sm.socket >/etc/systemd/system/sm.socket; systemctl daemon-reload").ok();
    let kept = "cd /etc; cat sm/policy.toml logrotate.d/sm sudoers.d/sm-*; stat -c '%n %i %a %U:%G' sm/policy.toml logrotate.d/sm sudoers.d/sm-*; getent group sm";
    let were = host.root(kept).ok();
    host.root(&format!("{PACMAN} -U /srv/out/sm-helper-0.1.0-2-*")).ok();
    assert_eq!(host.root("pacman -Q sm-helper").ok(), "sm-helper 0.1.0-2\n");
    assert_eq!(host.root(kept).ok(), were);
    assert!(!host.exists("/etc/systemd/system/sm.socket"), "a copy hides the new units");
    host.root("sm setup-sudo --user agent --check && sm setup-broker --user agent --check").ok();
    works(&host);

    // There can be only one of the two.
    let both = host.root(&format!("{PACMAN} -U /srv/out/sm-helper-site-0.1.0-2-*"));
    assert!(both.status != Some(0) && both.stdout_text().contains("in conflict"), "{both}");
    assert_eq!(host.root("pacman -Q sm-helper").ok(), "sm-helper 0.1.0-2\n");

    // Removed, it leaves no rule, no unit and no group; what was recorded and decided stays.
    host.root("mkdir -p /etc/audit/rules.d; cp /usr/share/sm/audit/sm.rules /etc/audit/rules.d; echo 'other ALL=(root) NOPASSWD: /usr/bin/true' >/etc/sudoers.d/own; chmod 0440 /etc/sudoers.d/own").ok();
    let removed = host.root("pacman -R --noconfirm sm-helper");
    let said = removed.ok();
    for folder in ["/etc/sm", "/var/log/sm", "/var/lib/sm"] {
        assert!(said.contains(&format!("sm: kept {folder}\n")) && host.exists(folder), "{removed}");
    }
    assert!(
        !said.contains("error")
            && removed.stderr_text()
                == "warning: /etc/logrotate.d/sm saved as /etc/logrotate.d/sm.pacsave\n",
        "{removed}"
    );
    host.root("rm /etc/sudoers.d/own; visudo -c").ok();
    assert_eq!(host.root("ls -A /etc/sudoers.d; getent group").ok(), before);
    for gone in list.iter().chain(&[
        "/run/sm/sm.sock",
        "/etc/audit/rules.d/sm.rules",
        "/etc/systemd/system/sockets.target.wants/sm.socket",
    ]) {
        assert!(!host.exists(gone), "{gone}");
    }
    assert!(
        !host
            .root("systemctl list-unit-files; systemctl list-units --all")
            .ok()
            .contains("sm.socket")
    );
    assert_eq!(
        host.read("/etc/sm/policy.toml"),
        std::fs::read_to_string(repository().join("policy/examples/status-only.toml"))
            .expect("the example")
    );
});

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn a_package_for_arch_leaves_no_rule_also_where_its_program_is_broken() {
    let host = host_with_packages(Sudo::Classic, "1");
    host.root(&format!("{PACMAN} -U /srv/out/sm-helper-site-*")).ok();
    assert!(host.root("pacman -Qi sm-helper-site").ok().contains("sm-helper=0.1.0"));
    assert!(host.root("sm policy show --json").ok().contains("\"site_mode\":\"replace\""));
    host.root("sm setup-sudo --user agent; echo 'other ALL=(root) NOPASSWD: /usr/bin/true' >/etc/sudoers.d/sm-own; printf '#!/bin/sh\\nexit 1\\n' >/root/sm; install /root/sm /usr/bin/sm").ok();
    assert!(host.exists("/etc/sudoers.d/sm-agent"));
    host.root("sed 's/^#.*//' /etc/sudoers.d/sm-agent >/etc/sudoers.d/by-hand").ok();
    let said = host.root("pacman -R --noconfirm sm-helper-site").ok();
    assert!(said.contains("/etc/sudoers.d/by-hand was made or changed by hand"), "{said}");
    assert!(!host.exists("/etc/sudoers.d/sm-agent") && host.exists("/etc/sudoers.d/sm-own"));
}

host_once!(a_package_for_arch_takes_only_a_group_that_was_made_here, bare_arch, |host| {
    let host = host_with_packages(host.sudo, "1");
    let install = format!("{PACMAN} -U /srv/out/sm-helper-0.1.0-1-*");
    group::only_ours_goes(&host, "/usr/bin/sm", &install, "pacman -R --noconfirm sm-helper");
});

/// The version is said once more there, since makepkg wants it so.
#[test]
fn a_package_for_arch_has_the_version_of_the_program() {
    let recipe = std::fs::read_to_string(repository().join("packaging/arch/PKGBUILD")).expect("it");
    let version = concat!("\npkgver=", env!("CARGO_PKG_VERSION"), "\n");
    assert!(recipe.contains(version), "packaging/arch/PKGBUILD has another pkgver than Cargo.toml");
}
