//! `packaging/uninstall`: the programs under this PREFIX and the drop-ins that name them.

use crate::group;
use crate::host::{host_once, host_test};

const KEPT: [&str; 7] =
    ["README", "by-hand", "sm-both", "sm-by-hand", "sm-other", "sm-words", "zz"];

host_test!(it_takes_away_what_is_its_own_and_nothing_else, bare, |host| {
    let host = crate::host_with_source(host.sudo);
    host.root("/src/packaging/install --binary /src/sm; PREFIX=/opt/sm /src/packaging/install --binary /src/sm").ok();
    host.root("useradd 'we ird' --badname; for who in agent 'we ird'; do sm setup-sudo --user \"$who\"; done; sm setup-sudo --group sudo").ok();
    host.root("/opt/sm/bin/sm setup-sudo --user other").ok();
    // By hand, though for our program; ours in name alone; a link; what a kill has left.
    host.root("cd /etc/sudoers.d; echo 'agent ALL=(root) NOPASSWD: /usr/local/bin/sm-helper' | tee by-hand sm-by-hand >zz; \
        echo '# Made by sm setup-sudo for /usr/local/bin/sm-helper' >sm-words; cp sm-agent sm-agent.old; \
        { head -n 1 sm-agent; printf '%s ALL=(root) NOPASSWD: /usr/local/bin/sm-helper %s\n' '#1000' 'list' agent 'service restart nginx'; } >sm-exact; \
        { cat sm-exact; echo 'agent ALL=(root) NOPASSWD: /usr/bin/true'; } >sm-both; chmod 0440 *; \
        touch /usr/local/bin/mine; mkdir -p /etc/sm /var/log/sm; visudo -c").ok();
    let done = host.root("/src/packaging/uninstall");
    let text = done.ok();
    for gone in [
        "/etc/sudoers.d/sm-agent",
        "/etc/sudoers.d/sm-we=20ird",
        "/etc/sudoers.d/sm-%sudo",
        "/etc/sudoers.d/sm-exact",
        "/usr/local/bin/sm",
        "/usr/local/bin/sm-helper",
    ] {
        assert!(
            text.contains(&format!("removed {gone}\n")) && !host.exists(gone),
            "{gone}: {text}"
        );
    }
    assert!(text.contains("kept /etc/sm\n") && text.contains("kept /var/log/sm\n"), "{text}");
    // What is not ours to remove and names it all the same is said.
    for by_hand in ["by-hand", "sm-by-hand", "sm-both", "zz"] {
        let said = format!("/etc/sudoers.d/{by_hand} was made or changed by hand");
        assert!(done.stderr_text().contains(&said), "{by_hand}: {done}");
    }
    let left = host.root("ls -A /etc/sudoers.d").ok();
    assert_eq!(left.lines().collect::<Vec<_>>(), KEPT);
    assert_eq!(
        host.root("ls -A /usr/local/bin /opt/sm/bin").ok(),
        "/opt/sm/bin:\nsm\nsm-helper\nsm-mcp\n\n/usr/local/bin:\nmine\n"
    );
    host.root("visudo -c").ok();
    crate::host::Reply::of(
        &host.command("other", &["/opt/sm/bin/sm-helper", "service", "status", "nginx"]).run(),
    )
    .expect("ok");
    // A second time there is nothing to do.
    host.root("rm -r /opt/sm/share; PREFIX=/opt/sm /src/packaging/install --binary /src/sm").ok();
    let again = host.root("/src/packaging/uninstall").ok();
    assert!(!again.contains("removed"), "{again}");
    for said in
        ["no sm in /usr/local/bin", "kept /etc/logrotate.d/sm, which is another installation's"]
    {
        assert!(again.contains(said), "{said}: {again}");
    }
    host.root("getent group sm").ok();

    // However the same place is written, no rule for a program that is gone stays behind.
    host.root("cd /etc/sudoers.d; rm by-hand sm-by-hand sm-words zz; ln -s /opt/sm /opt/link").ok();
    let mut wrong = Vec::new();
    for (prefix, before) in [
        ("/opt/sm/", ""),
        ("/opt//sm", ""),
        ("/opt/./sm", ""),
        ("/opt/x/../sm", ""),
        ("/opt/link", ""),
        // Where the program cannot say which are its own.
        ("/opt/sm", "cp /bin/false /opt/sm/bin/sm"),
        ("/opt/x/../link", "rm /opt/sm/bin/sm"),
    ] {
        host.root("mkdir -p /opt/x; PREFIX=/opt/sm /src/packaging/install --binary /src/sm && /opt/sm/bin/sm setup-sudo --user other").ok();
        host.root(&format!("{before}\nPREFIX={prefix} /src/packaging/uninstall")).ok();
        let gone = !host.exists("/opt/sm/bin/sm-helper");
        if gone && host.exists("/etc/sudoers.d/sm-other") {
            wrong.push(format!("PREFIX={prefix}: a rule for a program that is gone is left"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
});

host_test!(it_takes_the_broker_away_too, bare, |host| {
    let host = crate::host_with_source(host.sudo);
    host.root("/src/packaging/install --binary /src/sm && sm setup-broker --user agent").ok();
    assert!(host.exists("/run/sm/sm.sock"));
    // Another installation's is not ours.
    host.root("PREFIX=/opt/sm /src/packaging/install --binary /src/sm; PREFIX=/opt/sm /src/packaging/uninstall").ok();
    host.root("sm setup-broker --check --user agent").ok();
    host.root("/src/packaging/uninstall").ok();
    for gone in [
        "/run/sm/sm.sock",
        "/etc/systemd/system/sm.socket",
        "/etc/systemd/system/sm-broker.service",
    ] {
        assert!(!host.exists(gone), "{gone}");
    }
    assert!(host.root("getent group sm").status != Some(0));
    assert_eq!(host.root("ls -A /usr/local/bin").ok(), "");
});

host_once!(it_takes_only_a_group_that_was_made_here, bare, |host| {
    let host = crate::host_with_source(host.sudo);
    let install = "/src/packaging/install --binary /src/sm";
    group::only_ours_goes(&host, "/usr/local/bin/sm", install, "/src/packaging/uninstall");
});
