//! What a hostile account, a careless administrator and strange packages make of an undo.

use crate::host::{Host, host_once};
use crate::offer::offer;
use crate::{SITE, ask, done, dpkg_is_clean, id, set_up, site, undone};

fn policy(names: &[&str]) -> String {
    let names: String = names.iter().map(|name| format!("{name} = {{}}\n")).collect();
    SITE.replace("[packages.names]\n", &format!("[packages.names]\n{names}"))
}

/// Whether each file of a package is as its package has it.
fn verifies(host: &Host, package: &str) -> bool {
    host.root(&format!("dpkg --verify {package}")).stdout_text().is_empty()
}

host_once!(a_number_that_is_used_again_is_another_snapshot, bare_btrfs, |host| {
    set_up(host, SITE);
    let request = done(host, "package install htop");
    host.root("btrfs subvolume delete /.sm-snapshots/2; echo 127.9.9.9 mine >>/etc/hosts").ok();
    let reply = ask(host, &format!("undo {request}")).expect("unsupported");
    assert!(reply.json["error"].to_string().contains("no longer there"), "{:#}", reply.json);
    assert!(host.read("/etc/hosts").contains("mine"));
    // Nor with one that somebody has put in its place.
    host.root("btrfs subvolume snapshot -r / /.sm-snapshots/2; echo '{}' >/.sm-snapshots/2.json.new; mv /.sm-snapshots/2.json.new /.sm-snapshots/2.json").ok();
    ask(host, &format!("undo {request}")).expect("unsupported");
    assert!(host.has_package("htop") && host.read("/etc/hosts").contains("mine"));
});

host_once!(what_was_undone_comes_forward_whole, bare_btrfs, |host| {
    set_up(host, &policy(&["sm-undo-far"]));
    for version in ["1", "2"] {
        let fill = format!("mkdir -p opt/far; echo {version} >opt/far/x");
        offer(host, "sm-undo-far", version, &fill);
        if version == "1" {
            done(host, "package install sm-undo-far");
        }
    }
    let upgrade = done(host, "package upgrade sm-undo-far");
    let back = undone(host, &upgrade);
    assert_eq!(host.read("/opt/far/x"), "1\n");
    undone(host, &id(&back));
    assert_eq!(host.read("/opt/far/x"), "2\n");
    assert!(verifies(host, "sm-undo-far"));
    dpkg_is_clean(host);
});

host_once!(a_right_that_was_taken_away_meanwhile_stays_away, bare_btrfs, |host| {
    set_up(host, &policy(&["sm-undo-away", "sm-undo-more"]));
    host.root(
        "usermod -aG adm other; echo '# mine' >/etc/sudoers.d/zz; chmod 0440 /etc/sudoers.d/zz",
    )
    .ok();
    // As if an administrator did it in the seconds in which it runs.
    let away = "script postinst <<'END'\ngpasswd -d other adm\nuseradd --system sm-undo-away\nEND";
    offer(host, "sm-undo-away", "1", away);
    let request = done(host, "package install sm-undo-away");
    let reply = undone(host, &request);
    let left = reply.json["undone"]["left"].to_string();
    assert!(left.contains("/etc/group"), "{left}");
    assert!(!host.root("id -nG other").ok().split_whitespace().any(|group| group == "adm"));
    // All of the accounts, or nothing of them.
    host.root("getent passwd sm-undo-away; pwck -qr; grpck -qr").ok();
    // A package's own account goes again.
    let more = "script postinst <<'END'\nuseradd --system sm-undo-more\nEND";
    offer(host, "sm-undo-more", "1", more);
    let request = done(host, "package install sm-undo-more");
    let reply = undone(host, &request);
    assert_eq!(reply.json["undone"]["left_count"], 0, "{:#}", reply.json);
    assert_eq!(host.root("getent passwd sm-undo-more").status, Some(2));
});

host_once!(the_data_of_a_service_stays_whole, bare_btrfs, |host| {
    set_up(host, &policy(&["sm-undo-rows"]));
    let fill = "mkdir -p var/lib/rows; script postinst <<'END'
mkdir -p /var/lib/rows/base; for i in 1 2 3; do echo $i >/var/lib/rows/base/t$i; done
END
script postrm <<'END'
rm -rf /var/lib/rows
END";
    offer(host, "sm-undo-rows", "1", fill);
    let request = done(host, "package install sm-undo-rows");
    host.root("echo more >>/var/lib/rows/base/t1").ok();
    let reply = undone(host, &request);
    assert_eq!(reply.json["undone"]["left"], serde_json::json!(["/var/lib/rows"]));
    assert_eq!(host.root("cat /var/lib/rows/base/*").ok(), "1\nmore\n2\n3\n");
    // What a script took away with the package comes back with it.
    done(host, "package install sm-undo-rows");
    let request = done(host, "package remove sm-undo-rows");
    assert!(!host.exists("/var/lib/rows"));
    undone(host, &request);
    assert_eq!(host.root("cat /var/lib/rows/base/*").ok(), "1\n2\n3\n");
});

host_once!(a_file_where_nothing_comes_back_is_said, bare_btrfs, |host| {
    set_up(host, &policy(&["sm-undo-srv", "sm-undo-link"]));
    for (name, folder) in [("sm-undo-srv", "srv/own"), ("sm-undo-link", "opt/own")] {
        for version in ["1", "2"] {
            let fill = format!("mkdir -p {folder}; echo {version} >{folder}/x");
            offer(host, name, version, &fill);
            if version == "1" {
                ask(host, &format!("package install {name}")).expect("ok");
            }
        }
    }
    let reply = ask(host, "package upgrade sm-undo-srv").expect("ok");
    assert_eq!(reply.json["snapshot"]["undo"], false, "{:#}", reply.json);
    assert!(reply.json["snapshot"]["why_not"].to_string().contains("/srv/own/x"));
    let refused = ask(host, &format!("undo {}", id(&reply))).expect("plan_refused");
    assert!(refused.json["error"].to_string().contains("/srv/own/x"), "{:#}", refused.json);
    assert!(verifies(host, "sm-undo-srv"));
    // Behind a link, on the same file system.
    host.root("mkdir /data; mv /opt/own /data; ln -s /data/own /opt/own").ok();
    let request = done(host, "package upgrade sm-undo-link");
    undone(host, &request);
    assert_eq!(host.read("/data/own/x"), "1\n");
    assert!(verifies(host, "sm-undo-link"));
});

host_once!(nothing_is_read_that_is_others, bare_btrfs, |host| {
    set_up(host, SITE);
    host.root("runuser -u other -- truncate -s 4E /var/tmp/holes").ok();
    let change = "while [ -e /var/tmp/holes ]; do chmod 644 /var/tmp/holes; sleep 0.005; done";
    host.root(&format!("runuser -u other -- sh -c '{change}' >/dev/null 2>&1 &")).ok();
    let request = done(host, "package install htop");
    undone(host, &request);
    host.root("rm /var/tmp/holes; test ! -e /run/sm/undo/changes").ok();
});

host_once!(of_others_requests_nothing_is_learnt, bare_btrfs, |host| {
    set_up(host, SITE);
    let own = done(host, "package install htop");
    let roots = host
        .root("sm-helper package install git | grep -o '\"request_id\":\"[^\"]*' | cut -d'\"' -f4");
    let roots = roots.ok().trim().to_owned();
    let reply = ask(host, &format!("undo {roots}")).expect("not_found");
    assert!(reply.json["argv"].to_string().contains("<1-"), "{:#}", reply.json);
    let reply = ask(host, &format!("undo {own}")).expect("plan_refused");
    let said = format!("{} {}", reply.json["error"], reply.json["hint"]);
    assert!(!said.contains(&roots) && said.contains("another account"), "{said}");
    // What there are snapshots of is on the surface as long as they are there.
    site(host, &SITE.replace("packages = true\n", "packages = false\n"));
    let surface = host.root("sm policy surface");
    assert!(surface.ok().contains("\"send\""), "{surface}");
});
