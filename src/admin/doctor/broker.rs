//! The broker: its units as they were made, its sandbox as it is in force, its socket.

use crate::admin::call;
use crate::admin::doctor::agents::{Agent, MOST};
use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, or_ok};
use crate::admin::doctor::paths::{tool_fix, word};
use crate::admin::doctor::requests::NAMED;
use crate::admin::setup_broker::{self, units};
use crate::broker::socket::{GROUP, SOCKET};
use crate::broker::unit::SOCKET_UNIT;
use crate::output::text::shell_word;
use crate::output::text::some_of;
use crate::system::accounts::Group;
use crate::system::tool;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is said if there is no broker, or if that is not known; none if there is one.
fn nothing_to_look_at() -> Option<Finding> {
    match setup_broker::is_here() {
        Ok(true) => None,
        Ok(false) => Some(Finding::ok("the broker is not set up on this host")),
        Err(refusal) => {
            let found = format!("whether there is a broker is not known: {}", refusal.error);
            Some(Finding::warning(found).maybe_fix(tool_fix("systemctl")))
        }
    }
}

pub fn unit_files(context: &Context) -> Vec<Finding> {
    if let Some(reason) = nothing_to_look_at() {
        return vec![reason];
    }
    let again = format!("{} setup-broker", word(&context.program));
    let wanted = match units::of(&units::FILES, &context.program) {
        Ok(wanted) => wanted,
        Err(refusal) => return vec![Finding::problem(refusal.error).fix(again)],
    };
    // What adds to a unit setup does not remove.
    let more = units::additions(&wanted).into_iter().map(|path| {
        let (what, removal) = units::added(&path);
        Finding::problem(what).fix(removal)
    });
    let changed = units::changed(&wanted).map(|what| Finding::problem(what).fix(again));
    or_ok(changed.into_iter().chain(more).collect(), "the broker's units are as they were made")
}

/// What the units say that bounds a request, and how systemd shows it.
const SANDBOX: [(&str, &str); 16] = [
    ("User", ""),
    ("NoNewPrivileges", "yes"),
    ("LockPersonality", "yes"),
    ("RestrictRealtime", "yes"),
    ("SystemCallArchitectures", "native"),
    ("KeyringMode", "private"),
    ("Environment", ""),
    ("EnvironmentFiles", ""),
    ("PassEnvironment", ""),
    ("RootDirectory", ""),
    ("RootImage", ""),
    ("ExecCondition", ""),
    ("ExecStartPre", ""),
    ("ExecStartPost", ""),
    ("ExecStop", ""),
    ("ExecStopPost", ""),
];

/// Capabilities that the unit takes away, as systemd shows them.
const TAKEN_AWAY: [&str; 5] =
    ["cap_sys_module", "cap_sys_rawio", "cap_sys_boot", "cap_mac_override", "cap_bpf"];

/// As systemd has it in force for a request, wherever it was set.
pub fn sandbox(context: &Context) -> Vec<Finding> {
    if let Some(reason) = nothing_to_look_at() {
        return vec![reason];
    }
    let names: Vec<&str> = SANDBOX.iter().map(|(name, _)| *name).collect();
    let property = format!(
        "--property={},ExecStart,SystemCallFilter,CapabilityBoundingSet,DropInPaths,LoadState",
        names.join(",")
    );
    let arguments = ["--no-pager", "show", &property, "--", "sm-broker.service"];
    let shown = match call::text(call::tool("systemctl", &arguments)) {
        Ok(shown) => shown,
        Err(reason) => {
            let found = format!("systemd could not be asked about it: {reason}");
            return vec![Finding::warning(found).maybe_fix(tool_fix("systemctl"))];
        }
    };
    let value = |key: &str| {
        let mut named = shown.lines().filter_map(|line| line.split_once('='));
        named.find(|(name, _)| *name == key).map_or("", |(_, value)| value)
    };
    // That it is not there is said of the units.
    if value("LoadState") != "loaded" {
        return vec![
            Finding::warning("sm-broker.service is not loaded, so its sandbox was not checked")
                .fix(format!("{} setup-broker", word(&context.program))),
        ];
    }
    let mut wrong: Vec<String> = SANDBOX
        .iter()
        .filter(|(name, wanted)| value(name) != *wanted)
        .map(|(name, _)| format!("{name}={}", value(name)))
        .collect();
    let (program, started) = (context.program.display(), value("ExecStart"));
    if !started.starts_with(&format!("{{ path={program} ; argv[]={program} broker ;")) {
        wrong.push(format!("ExecStart={started}"));
    }
    let calls = value("SystemCallFilter");
    let (is_list_of_denied, calls) = match calls.strip_prefix('~') {
        Some(calls) => (true, calls),
        None => (false, calls),
    };
    let is_denied = |call: &&str| {
        let is_listed = calls.split_whitespace().any(|one| one == *call);
        !calls.is_empty() && is_listed == is_list_of_denied
    };
    let some = ["reboot", "init_module", "clock_settime", "swapon"];
    if let Some(call) = some.iter().find(|call| !is_denied(call)) {
        wrong.push(format!("a SystemCallFilter that allows {call}"));
    }
    let capabilities = value("CapabilityBoundingSet");
    if let Some(one) = TAKEN_AWAY.iter().find(|one| capabilities.contains(**one)) {
        wrong.push(format!("CapabilityBoundingSet has {one}"));
    }
    let mut found = preloaded();
    if !wrong.is_empty() {
        found.push(unconfined(context, &wrong, value("DropInPaths")));
    }
    or_ok(found, "each request is confined as the unit says")
}

fn unconfined(context: &Context, wrong: &[String], drop_ins: &str) -> Finding {
    let by: Vec<String> = drop_ins.split_whitespace().map(shell_word).collect();
    let command = if by.is_empty() {
        format!("{} setup-broker && systemctl daemon-reload", word(&context.program))
    } else {
        format!("rm --force {} && systemctl daemon-reload", by.join(" "))
    };
    Finding::problem(format!("a request is started with {}", wrong.join(", "))).fix(command)
}

/// What systemd has every service load that it starts (`ld.so(8)`).
fn preloaded() -> Vec<Finding> {
    let shown = call::text(call::tool("systemctl", &["show-environment"])).unwrap_or_default();
    let names = shown.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name);
    let loads = |name: &&str| name.starts_with("LD_") || *name == "GLIBC_TUNABLES";
    names
        .filter(loads)
        .map(|name| {
            Finding::problem(format!("systemd starts every service with {name}"))
                .fix(format!("systemctl unset-environment {name}"))
        })
        .collect()
}

pub fn socket(context: &Context) -> Vec<Finding> {
    if let Some(reason) = nothing_to_look_at() {
        return vec![reason];
    }
    if !Path::new("/run/systemd/system").exists() {
        return vec![Finding::warning("this host's service manager is not systemd")];
    }
    match setup_broker::reached() {
        Ok(version) => or_ok(shut_out(context), format!("the broker answers: sm {version}")),
        Err(refusal) => {
            let mut found = Finding::problem(refusal.sentence());
            // It puts right whatever it is of the socket's.
            found = found.fix(format!(
                "systemctl reset-failed {unit}; {} setup-broker && systemctl restart {unit}",
                word(&context.program),
                unit = SOCKET_UNIT
            ));
            vec![found]
        }
    }
}

/// The accounts of the group that cannot reach the socket, which root reaches through any folder.
fn shut_out(context: &Context) -> Vec<Finding> {
    let (Some(group), Some(test)) = (Group::from_name(GROUP).ok().flatten(), tool::find("test"))
    else {
        return Vec::new();
    };
    let members = context.agents.iter().filter(|agent| agent.groups.contains(&group.gid));
    // As the account: what the kernel says to it counts (test(1), access(2)).
    let is_shut_out = |agent: &&Agent| {
        let arguments = ["-w", SOCKET];
        call::text(call::run_as(&test, &arguments, &agent.user, agent.groups.clone())).is_err()
    };
    let names: Vec<&str> =
        members.take(MOST).filter(is_shut_out).map(|agent| agent.user.name.as_str()).collect();
    let Some(first) = names.first() else { return Vec::new() };
    let is_shut = |path: &&Path| {
        fs::symlink_metadata(path).is_ok_and(|data| data.is_dir() && data.mode() & 0o001 == 0)
    };
    let (reason, command) = match Path::new(SOCKET).ancestors().find(is_shut) {
        Some(folder) => (
            format!("{} lets nobody through", folder.display()),
            format!("chmod go+x {}", word(folder)),
        ),
        None => (
            "the command that was tried shows why".to_owned(),
            format!("runuser -u {} -- test -w {SOCKET}", shell_word(first)),
        ),
    };
    let found = format!("{} cannot reach {SOCKET}: {reason}", some_of(&names, NAMED));
    vec![Finding::problem(found).fix(command)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_capability_is_missed_that_the_unit_leaves() {
        let unit = include_str!("../../../packaging/systemd/sm-broker.service");
        let taken: Vec<String> = unit
            .lines()
            .filter_map(|line| line.strip_prefix("CapabilityBoundingSet=~"))
            .flat_map(str::split_whitespace)
            .map(str::to_lowercase)
            .collect();
        for one in TAKEN_AWAY {
            assert!(taken.iter().any(|taken| taken == one), "{one} is not in {taken:?}");
        }
    }
}
