//! The clock and the disks.

use crate::admin::audit::verify::last;
use crate::admin::call;
use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, Status, or_ok};
use crate::admin::doctor::paths::{tool_fix, word};
use crate::audit::files::{FILE, FOLDER as LOG};
use crate::managers::host;
use crate::system::state::FOLDER as STATE;
use jiff::Timestamp;
use nix::sys::statvfs::statvfs;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

const TIMEDATECTL: &str = "timedatectl set-ntp true";

pub fn clock_sync(_: &Context) -> Vec<Finding> {
    // As systemd says of itself (systemd.io/CONTAINER_INTERFACE).
    if Path::new("/run/systemd/container").exists() {
        return vec![Finding::ok("this is a container: it uses its host's clock")];
    }
    let property = "--property=NTPSynchronized,CanNTP";
    let shown = match call::text(call::tool("timedatectl", &["show", property])) {
        Ok(shown) => shown,
        Err(reason) => {
            let found = format!("whether the clock is synchronised is not known: {reason}");
            return vec![Finding::warning(found).maybe_fix(tool_fix("timedatectl"))];
        }
    };
    if shown.contains("NTPSynchronized=yes") {
        return vec![Finding::ok("the clock is synchronised")];
    }
    let command = if shown.contains("CanNTP=yes") {
        TIMEDATECTL
    } else {
        host::of_this_host().map_or(TIMEDATECTL, |manager| manager.installs_clock())
    };
    vec![Finding::warning("the clock is not synchronised").fix(command)]
}

/// How much the clock may go back without a word, in seconds: so much a correction takes.
const CORRECTION: i64 = 60;

pub fn clock_order(context: &Context) -> Vec<Finding> {
    let now = Timestamp::now();
    let is_past = |then: Timestamp| then.as_second() > now.as_second() + CORRECTION;
    let mut found = Vec::new();
    let recorded = last().and_then(|record| record["time"].as_str()?.parse::<Timestamp>().ok());
    if let Some(then) = recorded.filter(|then| is_past(*then)) {
        found.push(format!("the last record in {FILE} is from {then}, and it is {now}"));
    }
    let changed = fs::metadata(&context.program).and_then(|data| data.modified());
    let changed = changed.unwrap_or(SystemTime::UNIX_EPOCH);
    if let Some(then) = Timestamp::try_from(changed).ok().filter(|then| is_past(*then)) {
        let path = context.program.display();
        found.push(format!("{path} is from {then:.0}, and it is {now:.0}"));
    }
    let found = found.into_iter().map(|found| Finding::problem(found).fix(TIMEDATECTL)).collect();
    or_ok(found, format!("it is {now:.0}, later than the last record and the program"))
}

/// What a folder's file system must have left, in bytes: under the first a problem, under the
/// second a warning.
const ROOM: [(&str, u64, u64); 3] =
    [(LOG, 16 << 20, 128 << 20), (STATE, 16 << 20, 128 << 20), ("/run/sm", 1 << 20, 4 << 20)];

/// The same of inodes: a request makes a few files.
const INODES: (u64, u64) = (64, 1024);

pub fn disk_space(_: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut known = BTreeSet::new();
    for (folder, few, some) in ROOM {
        let path = Path::new(folder).ancestors().find(|path| path.exists());
        let Some(path) = path else { continue };
        let data = match statvfs(path) {
            Ok(data) => data,
            Err(error) => {
                found.push(Finding::warning(format!("{}: {error}", path.display())));
                continue;
            }
        };
        if !known.insert((data.filesystem_id(), data.blocks(), few)) {
            continue;
        }
        let mut say = |status: Option<Status>, what: String| {
            let look = format!(
                "du --one-file-system --max-depth=3 \"$(findmnt --noheadings --output TARGET --target {})\" | sort -n | tail",
                word(path)
            );
            found.extend(status.map(|status| {
                Finding::new(status, format!("{}: {what}", path.display())).fix(look)
            }));
        };
        let free = data.blocks_available().saturating_mul(data.fragment_size());
        say(level(free, few, some), format!("{} MiB are free", free >> 20));
        // Some file systems have as many as they have room for, and say 0.
        if data.files() > 0 {
            let left = data.files_available();
            say(level(left, INODES.0, INODES.1), format!("{left} inodes are free"));
        }
    }
    or_ok(found, "there is room for the audit log and the persistent state")
}

fn level(left: u64, few: u64, some: u64) -> Option<Status> {
    match left {
        left if left < few => Some(Status::Problem),
        left if left < some => Some(Status::Warning),
        _ => None,
    }
}
