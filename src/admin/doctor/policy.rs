//! The policy, and what root runs because it names it: checks, and the units' own files.

use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, or_ok};
use crate::admin::doctor::paths::{fix, tool_fix, weak};
use crate::admin::doctor::{named, started};
use crate::admin::policy::missing;
use crate::admin::risks::unit::{drop_in_folders, search_path, units};
use crate::policy::site::FILE;
use crate::policy::{COMPILED, disabled, ineffective};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub fn file(context: &Context) -> Vec<Finding> {
    let mut found = believed(context);
    if disabled::is_disabled() {
        let what =
            format!("requests are {}", disabled::note().unwrap_or_else(|| "disabled".into()));
        let disabled = Finding::warning(what).means("every request is refused until then");
        found.push(disabled.fix("sm enable"));
    }
    found
}

fn believed(context: &Context) -> Vec<Finding> {
    let force = match &context.policy {
        Ok(force) => force,
        Err(refusal) => {
            return vec![Finding::problem(&refusal.error).fix(repair())];
        }
    };
    let missing: Vec<Finding> = std::iter::once(COMPILED)
        .chain(force.site())
        .flat_map(|policy| missing::warnings(&policy))
        .map(|what| {
            let gets = "members of a group that is not there get less than the policy says";
            Finding::problem(what).means(gets).fix("sm policy edit")
        })
        .collect();
    let ineffective = ineffective::warnings(force).into_iter();
    let ineffective = ineffective.map(|what| {
        let believed = "what such a line says does not hold, and somebody may believe that it does";
        Finding::warning(what).means(believed).fix("sm policy edit")
    });
    let found: Vec<Finding> = missing.into_iter().chain(ineffective).collect();
    if !found.is_empty() {
        return found;
    }
    vec![Finding::ok(match force.site() {
        Some(_) => format!("{FILE} is valid and only root can change it"),
        None => "only the compiled policy applies".to_owned(),
    })]
}

/// What fixes a site policy that cannot be trusted or read.
pub fn repair() -> String {
    let file = Path::new(FILE);
    let is_missing = file.symlink_metadata().is_err();
    let other = if is_missing { "sm policy revert" } else { "sm policy edit" };
    fix(file).unwrap_or_else(|| other.to_owned())
}

pub fn check_programs(context: &Context) -> Vec<Finding> {
    let programs = checks(context);
    let mut found: Vec<Finding> = Vec::new();
    let mut there = 0;
    for path in &programs {
        let path = Path::new(path);
        // Of a service that is not on this host there is no program either.
        if path.symlink_metadata().is_ok() {
            there += 1;
            found.extend(weak(path));
        }
    }
    let well =
        format!("{there} of {} are on this host, and only root can change them", programs.len());
    or_ok(found, well)
}

/// The programs that the policies name as checks.
fn checks(context: &Context) -> BTreeSet<String> {
    let mut programs = BTreeSet::new();
    let site = context.policy.as_ref().ok().and_then(|force| force.site());
    for policy in std::iter::once(COMPILED).chain(site) {
        let named = policy.units.iter().filter_map(|rule| policy.check_of(&rule));
        programs.extend(named.filter_map(|argv| argv.first().map(|path| (*path).to_owned())));
    }
    programs
}

pub fn unit_files(context: &Context) -> Vec<Finding> {
    let mut names = named::units(context);
    let (units, folders) = match units(&names).and_then(|units| Ok((units, search_path()?))) {
        Ok(asked) => asked,
        Err(reason) => return vec![unknown(&reason)],
    };
    let count = units.len();
    let mut files: Vec<PathBuf> = Vec::new();
    for unit in units {
        files.extend(unit.files.into_iter().map(PathBuf::from));
        names.extend(unit.names);
    }
    // What is put there adds to the unit, even if nothing is there yet, and to one that is yet
    // to be installed.
    let more: BTreeSet<String> = names.iter().flat_map(|name| drop_in_folders(name)).collect();
    let more = folders.iter().flat_map(|folder| more.iter().map(|name| folder.join(name)));
    files.extend(more.filter(|path| path.exists()));
    // Whatever lies there can become a unit of a name that the policy has.
    files.extend(folders.iter().cloned());
    let found = files.iter().filter_map(|path| weak(path)).collect();
    or_ok(found, format!("only root can change the files of {count} units"))
}

pub fn unit_programs(context: &Context) -> Vec<Finding> {
    let units = match units(&named::units(context)) {
        Ok(units) => units,
        Err(reason) => return vec![unknown(&reason)],
    };
    or_ok(
        started::weak(&units),
        format!("only root can change what {} units start as root", units.len()),
    )
}

/// That the units could not be asked about.
pub fn unknown(reason: &str) -> Finding {
    Finding::warning(format!(
        "systemd could not be asked about the units that can be restarted: {reason}"
    ))
    .fix(tool_fix("systemctl").unwrap_or_else(|| "systemctl daemon-reexec".to_owned()))
}
