//! dpkg killed in the middle: nothing is let in that was not, no rule is for what is gone, and going on
//! where it ended makes all well.

use super::{APT, NARROW, NEXT, Packages, SITE, set_up};
use crate::host::{Host, host_once, wait_until};

/// Makes one of the host's tools wait for ever where it is called with this.
fn stuck(host: &Host, tool: &str, called_with: &str) {
    host.root(&format!(
        "mv {tool} {tool}.real; printf '%s\\n' '#!/bin/sh' \
         'case \" $* \" in *\" {called_with} \"*) echo $$ >/run/stuck.new; mv /run/stuck.new /run/stuck; exec sleep 1000 ;; esac; exec {tool}.real \"$@\"' >{tool}; chmod 755 {tool}"
    ))
    .ok();
}

/// Runs this until it is stuck there, and kills dpkg and all below it.
#[track_caller]
fn killed(host: &Host, tool: &str, called_with: &str, command: &str) {
    stuck(host, tool, called_with);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| host.root(command));
        wait_until("it is stuck", || host.exists("/run/stuck") || running.is_finished());
        assert!(host.exists("/run/stuck"), "{command}: {tool} {called_with} was not called");
        assert_eq!(host.root("visudo -c").status, Some(0), "{command}");
        // The brackets keep the pattern from being found in the command line that has it. What is
        // stuck is killed by its number: on a busy machine it may not have become `sleep` yet, and
        // would keep the output of the command open for as long as that sleeps.
        host.root("pkill -KILL -x 'apt-get|dpkg'; pkill -KILL -f '[/]var/lib/dpkg/'; kill -KILL $(cat /run/stuck)").ok();
        running.join().expect("it ends");
    });
    host.root(&format!("mv {tool}.real {tool}; rm /run/stuck")).ok();
}

host_once!(an_install_or_upgrade_that_was_killed_goes_on, bare, |host| {
    host.fetch();
    let tool = "/usr/bin/systemd-sysusers";
    let with = |name: &str| format!("{APT} install /srv/{name}.deb");
    killed(host, tool, "sm.conf", &with(NARROW));
    assert_eq!(host.root("ls /etc/sudoers.d").ok(), "README\n");
    host.root("dpkg --configure -a").ok();
    set_up(host);
    host.is_well("the install goes on");

    killed(host, tool, "sm.conf", &with(NEXT));
    // Also before anybody goes on, the account is answered.
    host.is_well("in the middle of the upgrade");
    host.root("dpkg --configure -a").ok();
    host.is_well("the upgrade goes on");
});

host_once!(a_removal_that_was_killed_can_be_taken_back_or_finished, bare, |host| {
    host.fetch();
    for (case, then, is_there) in [
        ("configured", "dpkg --configure sm-helper".to_owned(), true),
        (
            "installed again",
            format!("dpkg --configure -a && {APT} install /srv/{NARROW}.deb"),
            true,
        ),
        ("finished", "dpkg --remove sm-helper".to_owned(), false),
    ] {
        host.apt_install(NARROW).ok();
        set_up(host);
        // The rules are gone by then, the program is not.
        killed(host, "/usr/bin/deb-systemd-invoke", "stop", &format!("{APT} remove sm-helper"));
        assert!(
            host.exists("/usr/bin/sm-helper") && !host.exists("/etc/sudoers.d/sm-agent"),
            "{case}"
        );
        let done = host.root(&then);
        assert_eq!(done.status, Some(0), "{case}: {done}");
        if is_there {
            host.is_well(case);
        } else {
            assert_eq!(
                host.root("ls /etc/sudoers.d; ls /usr/bin | grep '^sm'").stdout_text(),
                "README\n"
            );
            assert_ne!(host.root("systemctl is-active sm.socket").status, Some(0), "{case}");
        }
        assert_eq!(host.root("visudo -c >/dev/null; dpkg --audit").ok(), "", "{case}");
    }
});

host_once!(who_was_shut_out_meanwhile_stays_out, bare, |host| {
    host.fetch();
    host.apt_install(NARROW).ok();
    for (remove, left) in [("--user agent", "sm-other\n"), ("--all", "")] {
        set_up(host);
        host.root("sm setup-sudo --user other").ok();
        killed(host, "/usr/bin/deb-systemd-invoke", "stop", &format!("{APT} remove sm-helper"));
        assert_eq!(host.root("ls /etc/sudoers.d").ok(), "README\n");
        host.root(&format!("sm setup-sudo --remove {remove}; dpkg --configure sm-helper")).ok();
        assert_eq!(host.root("ls /etc/sudoers.d").ok(), format!("README\n{left}"), "{remove}");
    }
});

host_once!(a_switch_that_was_killed_lets_nobody_in_by_mistake, bare, |host| {
    host.fetch();
    host.apt_install(NARROW).ok();
    set_up(host);
    killed(host, "/usr/bin/systemd-sysusers", "sm.conf", &format!("{APT} install /srv/{SITE}.deb"));
    assert_eq!(host.root("ls /etc/sudoers.d").ok(), "README\n");
    // Another run: it cannot know that it is the same decision, and says what to do.
    let done = host.root("dpkg --configure -a");
    assert_eq!(done.status, Some(0), "{done}");
    assert!(done.stderr_text().contains("to allow one: sm setup-sudo"), "{done}");
    assert_eq!(host.root("ls /etc/sudoers.d").ok(), "README\n");
    set_up(host);
    host.is_well("after the switch");
});
