//! The program's own folders: the log, what outlasts a boot, what does not.

use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, or_ok};
use crate::admin::doctor::paths::{fix, weak, word};
use crate::approvals;
use crate::audit::files::FOLDER as LOG;
use crate::limits;
use crate::system::accounts::Group;
use crate::system::state::FOLDER as STATE;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub fn log(_: &Context) -> Vec<Finding> {
    let Some(mut found) = looked_at(LOG, 0o750) else {
        return vec![Finding::ok(format!("the first request creates {LOG}"))];
    };
    // Rotation makes files of its own.
    let entries = fs::read_dir(LOG).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("audit."));
    found.extend(group_of(Path::new(LOG)));
    for path in named.map(|entry| entry.path()) {
        found.extend(looked_at(&path.to_string_lossy(), 0o640).into_iter().flatten());
        found.extend(group_of(&path));
    }
    or_ok(found, format!("{LOG} and its files belong to root and are readable by the group adm"))
}

/// That a path of the log is of another group than adm, if there is one, or root's.
fn group_of(path: &Path) -> Option<Finding> {
    let adm = Group::from_name("adm").ok().flatten().map_or(0, |group| group.gid.as_raw());
    let gid = fs::symlink_metadata(path).ok()?.gid();
    if gid == adm || gid == 0 {
        return None;
    }
    let found = format!("{} can be read by the group {gid}", path.display());
    Some(Finding::warning(found).fix(format!("chgrp --no-dereference {adm} {}", word(path))))
}

pub fn state(_: &Context) -> Vec<Finding> {
    let Some(mut found) = looked_at(STATE, 0o700) else {
        return vec![Finding::ok(format!("the first request creates {STATE}"))];
    };
    for entry in fs::read_dir(STATE).into_iter().flatten().flatten() {
        found.extend(weak(&entry.path()));
    }
    if let Err(error) = approvals::all() {
        let text = format!("{} cannot be read: {error}", approvals::FILE);
        found.push(Finding::problem(text).fix(format!("rm -r {}", approvals::FILE)));
    }
    or_ok(found, format!("only root can access {STATE}"))
}

pub fn run(_: &Context) -> Vec<Finding> {
    const RUN: &str = "/run/sm";
    let Some(mut found) = looked_at(RUN, 0o755) else {
        return vec![Finding::ok(format!("the first request creates {RUN}"))];
    };
    // The socket is of the group that may ask: it has a check of its own.
    for folder in ["/run/sm/rate", "/run/sm/connections", "/run/sm/tasks"] {
        found.extend(looked_at(folder, 0o700).into_iter().flatten());
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        found.extend(entries.filter_map(|entry| weak(&entry.path())));
    }
    found.extend(limits::unsound().into_iter().map(|(path, reason)| {
        let shown = path.display();
        let what = format!(
            "{shown} is not a state of the rate limit, so its account is refused: {reason}"
        );
        Finding::problem(what).fix(format!("rm -r {}", word(&path)))
    }));
    or_ok(found, format!("only root can change {RUN}"))
}

/// What is wrong with a path of ours that should have this mode at most; none if it is not
/// there.
fn looked_at(path: &str, most: u32) -> Option<Vec<Finding>> {
    let data = fs::symlink_metadata(path).ok()?;
    let at = Path::new(path);
    let mode = data.mode() & 0o7777;
    let finding = match weak(at) {
        Some(weak) => weak,
        None if data.is_symlink() || mode & !most == 0 => return Some(Vec::new()),
        None => {
            Finding::problem(format!("{path} has the mode {mode:04o}, and should have {most:04o}"))
        }
    };
    Some(vec![if data.is_symlink() { finding } else { finding.maybe_fix(closed(at, &data, most)) }])
}

/// What makes a path and all above it root's alone, and gives it this mode at once.
fn closed(at: &Path, data: &Metadata, most: u32) -> Option<String> {
    let mut commands: Vec<String> = at.parent().and_then(fix).into_iter().collect();
    if data.uid() != 0 {
        commands.push(format!("chown root:root {}", word(at)));
    }
    if data.mode() & 0o7777 & !most != 0 {
        commands.push(format!("chmod {most:04o} {}", word(at)));
    }
    (!commands.is_empty()).then(|| commands.join(" && "))
}
