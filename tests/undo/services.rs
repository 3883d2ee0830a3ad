//! Services whose files come back run again as before, as far as the caller may say so.

use crate::host::{Host, host_once};
use crate::offer::offer;
use crate::tree::Kept;
use crate::{SITE, ask, done, dpkg_is_clean, id, set_up, site, undone};

/// A package that breaks nginx's settings and has it read them.
const BREAKS_NGINX: &str = "
script postinst <<'END'
echo 'no_such_directive;' >>/etc/nginx/nginx.conf
systemctl restart nginx || true
END
";

/// A package with a service of its own, which it starts.
const HAS_SERVICE: &str = "
mkdir -p usr/lib/systemd/system usr/bin
printf '#!/bin/sh\\nexec sleep 98765\\n' >usr/bin/sm-undo-service; chmod 0755 usr/bin/sm-undo-service
printf '[Service]\\nExecStart=/usr/bin/sm-undo-service\\n[Install]\\nWantedBy=multi-user.target\\n' \
    >usr/lib/systemd/system/sm-undo-service.service
script postinst <<'END'
deb-systemd-helper enable sm-undo-service.service >/dev/null
systemctl daemon-reload
deb-systemd-invoke start sm-undo-service.service
END
";

fn policy(units: &str) -> String {
    SITE.replace("[services.units.nginx]\n", units).replace(
        "[packages.names]\n",
        "[packages.names]\nsm-undo-breaks = {}\nsm-undo-service = {}\n",
    )
}

/// Whether nginx gives its page.
fn answers(host: &Host) -> bool {
    let script =
        "exec 3<>/dev/tcp/127.0.0.1/80 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3";
    host.root(script).stdout_text().contains("200 OK")
}

fn state(host: &Host, unit: &str) -> String {
    host.root(&format!("systemctl show -P LoadState -P ActiveState {unit}")).ok()
}

host_once!(nginx_answers_again, bare_btrfs, all, |host| {
    set_up(host, &policy("[services.units.nginx]\n"));
    offer(host, "sm-undo-breaks", "1", BREAKS_NGINX);
    let before = Kept::now(host);
    assert!(answers(host));
    let request = done(host, "package install sm-undo-breaks");
    assert!(!answers(host), "the package breaks nothing");
    let reply = undone(host, &request);
    assert_eq!(reply.json["restart_needed"], serde_json::json!([]), "{:#}", reply.json);
    assert!(answers(host), "{:#}", reply.json);
    dpkg_is_clean(host);
    before.assert_same(host);

    // Who may not restart it is told to have it done.
    site(host, &policy("[services.units.nginx]\nactions = [\"status\"]\n"));
    let request = done(host, "package install sm-undo-breaks");
    let reply = undone(host, &request);
    assert_eq!(
        reply.json["restart_needed"],
        serde_json::json!(["nginx.service"]),
        "{:#}",
        reply.json
    );
    assert!(!answers(host));
    before.assert_same(host);
    host.root("systemctl restart nginx").ok();
    assert!(answers(host));
});

host_once!(a_service_that_came_with_it_goes, bare_btrfs, |host| {
    set_up(host, &policy("[services.units.sm-undo-service]\n"));
    offer(host, "sm-undo-service", "1", HAS_SERVICE);
    let before = Kept::now(host);
    let request = done(host, "package install sm-undo-service");
    assert_eq!(state(host, "sm-undo-service"), "loaded\nactive\n");
    undone(host, &request);
    assert_eq!(state(host, "sm-undo-service"), "not-found\ninactive\n");
    assert_ne!(host.root("pgrep -f 'sleep 98765'").status, Some(0), "it still runs");
    dpkg_is_clean(host);
    before.assert_same(host);

    // Who may not stop it hears that it still runs.
    site(host, &policy("[services.units.sm-undo-service]\nactions = [\"status\"]\n"));
    let reply = ask(host, "package install sm-undo-service").expect("ok");
    let reply = undone(host, &id(&reply));
    let warnings = reply.json["warnings"].to_string();
    assert!(
        warnings.contains("sm-undo-service.service, which the operation had installed, still runs"),
        "{warnings}"
    );
    before.assert_same(host);
});
