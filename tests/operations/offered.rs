//! Packages made on the host, and what a reply says of packages.

use std::collections::BTreeMap;

use crate::ask;
use crate::host::{Host, Reply};

/// A package made on the host and offered by its repository. The scripts are their names and
/// their bodies.
pub fn offer(host: &Host, name: &str, version: &str, fields: &str, scripts: &[(&str, &str)]) {
    let control = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: tests <tests@localhost>\nDescription: a package for one test\n{fields}"
    );
    host.root("rm -rf /tmp/made; mkdir -p /tmp/made/DEBIAN").ok();
    host.write("/tmp/made/DEBIAN/control", control);
    for (script, body) in scripts {
        host.write(format!("/tmp/made/DEBIAN/{script}"), format!("#!/bin/sh\n{body}\n"));
        host.root(&format!("chmod 0755 /tmp/made/DEBIAN/{script}")).ok();
    }
    host.root(&format!(
        "set -e; dpkg-deb -Zgzip -b /tmp/made /srv/apt/{name}_{version}_all.deb
         cd /srv/apt; apt-ftparchive packages . >Packages; rm -f Release; apt-get -qq update"
    ))
    .ok();
}

/// What the plan of a reply holds: `install sm-test-dep 1, upgrade sm-test-old 1>2`.
#[track_caller]
pub fn planned(reply: &Reply) -> String {
    let Some(plan) = reply.json["plan"].as_object() else { panic!("no plan: {:#}", reply.json) };
    assert_eq!(plan.len(), 4, "{:#}", reply.json);
    let mut told = Vec::new();
    for (what, changes) in plan {
        for change in changes.as_array().expect("an array") {
            assert_eq!(change.as_object().map(serde_json::Map::len), Some(3), "{change}");
            let text =
                |key: &str| change[key].as_str().unwrap_or_else(|| panic!("{key}: {change}"));
            let from = change["from"].as_str().map(|from| format!("{from}>"));
            let from = from.unwrap_or_default();
            told.push(format!("{what} {} {from}{}", text("name"), text("version")));
        }
    }
    told.sort();
    told.join(", ")
}

fn is_arch(host: &Host) -> bool {
    host.read("/etc/os-release").contains("ID=arch")
}

fn installed(host: &Host) -> BTreeMap<String, String> {
    let script = match is_arch(host) {
        true => "pacman -Q || true",
        false => {
            "dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' | sed -n 's/^installed //p'"
        }
    };
    let text = host.root(script).ok();
    let rows = text.lines().filter_map(|line| line.split_once(' '));
    rows.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

/// What `work` really changed, told as [`planned`] does; nothing here becomes older.
pub fn changed(host: &Host, work: impl FnOnce()) -> String {
    let before = installed(host);
    work();
    let after = installed(host);
    let mut told = Vec::new();
    for (name, version) in &after {
        match before.get(name) {
            None => told.push(format!("install {name} {version}")),
            Some(was) if was != version => told.push(format!("upgrade {name} {was}>{version}")),
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|(name, _)| !after.contains_key(*name));
    told.extend(gone.map(|(name, version)| format!("remove {name} {version}")));
    told.sort();
    told.join(", ")
}

/// All that the package manager keeps, and when it was written.
pub fn state(host: &Host) -> String {
    let script = match is_arch(host) {
        true => "find /var/lib/pacman/local /var/lib/pacman/db.lck -printf '%p %T@ %s\n' 2>&1 | sort",
        false => {
            "cd /var/lib; for f in dpkg/status apt/extended_states; do stat -c '%n %y' $f; sha256sum $f; done 2>&1
             ls dpkg/updates dpkg/info /var/cache/apt/archives/*.deb 2>&1 || true"
        }
    };
    host.root(script).ok()
}

/// `package LINE` does exactly `plan`, says so, and `package plan LINE` said so before, and did
/// nothing.
#[track_caller]
pub fn does(host: &Host, line: &str, plan: &str) {
    let before = state(host);
    let alone = ask(host, &format!("package plan {line}")).expect("ok");
    assert_eq!(planned(&alone), plan, "plan {line}");
    assert_eq!(alone.json["changed"], false, "plan {line}");
    assert_eq!(state(host), before, "plan {line} changed something");
    let really = changed(host, || {
        let reply = ask(host, &format!("package {line}")).expect("ok");
        assert_eq!(planned(&reply), plan, "{line}");
        assert_eq!(reply.json["changed"], true, "{line}: {:#}", reply.json);
        assert_eq!(reply.json["returncode"], 0, "{line}");
    });
    assert_eq!(really, plan, "{line}");
}

/// `package LINE` and `package plan LINE` are `ok` since all is so already, and touch nothing.
#[track_caller]
pub fn does_nothing(host: &Host, line: &str) {
    let before = state(host);
    for line in [format!("package plan {line}"), format!("package {line}")] {
        let reply = ask(host, &line).expect("ok");
        assert_eq!(planned(&reply), "", "{line}");
        assert_eq!(reply.json["changed"], false, "{line}: {:#}", reply.json);
        assert_eq!(state(host), before, "{line} changed something");
    }
}

/// `package LINE` is refused for `why`, with this plan, and so is `package plan LINE`; neither
/// changes anything.
#[track_caller]
pub fn refuses(host: &Host, line: &str, plan: &str, why: &str) {
    let before = state(host);
    for line in [format!("package plan {line}"), format!("package {line}")] {
        let reply = ask(host, &line).expect("plan_refused");
        let error = reply.json["error"].as_str().unwrap_or_default();
        assert!(error.contains(why), "{line}: {error}");
        assert!(reply.json["hint"].is_string(), "{line}: {:#}", reply.json);
        assert_eq!(planned(&reply), plan, "{line}: {error}");
        for field in ["returncode", "stdout", "changed"] {
            assert!(reply.json[field].is_null(), "{line}: {:#}", reply.json);
        }
        assert_eq!(state(host), before, "{line} changed something");
    }
}
