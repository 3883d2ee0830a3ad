//! Drop-ins that the policy has moved away from, exact ones and that of those who may approve, for whoever has just changed it.

use crate::admin::setup_sudo::dropin::DropIn;
use crate::admin::setup_sudo::{approvers, exact, rule};
use crate::policy::force::InForce;
use crate::sudo::account::Who;
use crate::sudo::folder;
use std::path::Path;

/// What to say of each drop-in of this program's that is not what the policy permits now.
pub fn behind(program: &Path) -> Vec<String> {
    let Ok(helper) = rule::helper_beside(program) else { return Vec::new() };
    let entries = std::fs::read_dir(folder::FOLDER).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let force = InForce::load().ok();
    let approvers = force.and_then(|force| approvers::behind(&force, &helper));
    names.iter().filter_map(|name| behind_one(name, &helper)).chain(approvers).collect()
}

fn behind_one(name: &str, helper: &Path) -> Option<String> {
    let who = Who::of_file(name)?;
    let drop_in = DropIn::named(name);
    let text = drop_in.text().ok()?.filter(|text| exact::is_exact(text))?;
    let wanted = exact::render(&who, helper).ok()?;
    (text != wanted).then(|| {
        format!(
            "{} is not what the policy permits now: sm setup-sudo {} --exact",
            drop_in.path().display(),
            who.flags()
        )
    })
}
