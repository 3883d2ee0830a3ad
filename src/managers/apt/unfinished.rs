//! Packages that dpkg has begun with and not come to an end: what to say, and the way out that
//! works for each state.

use crate::managers::apt::traces::has_journal;
use crate::managers::asked::Asked;
use crate::managers::inventory::{Installed, Inventory, Unfinished, described};
use crate::output::text::one_line;
use crate::request::action::{Maintenance, PackageAction};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;

/// Refuses what has to wait until something else is brought to the end.
pub fn in_the_way(asked: &dyn Asked, name: Option<&str>, inventory: &Inventory) -> Option<Refusal> {
    let operation = asked.operation();
    if operation.maintenance() == Some(Maintenance::Repair) {
        return None;
    }
    let is_other = |found: &str| match name {
        // One that is there for another architecture only is what apt takes the name for.
        Some(name) if !inventory.is_known(name) => found.split(':').next() != Some(name),
        name => name != Some(found),
    };
    let mut others = inventory.broken();
    others.retain(|(found, _)| is_other(found));
    let journal = has_journal();
    // A removal leaves them as they are, and may be what makes room for them.
    let only_waits = |(_, how): &(&str, Unfinished)| {
        matches!(how, Unfinished::Configuring | Unfinished::Triggers)
    };
    if removes(operation) && !journal && others.iter().all(only_waits) {
        return None;
    }
    let what = match (others.is_empty(), journal) {
        (false, _) => described(&others),
        (true, true) => "its journal is not empty".to_owned(),
        (true, false) => return None,
    };
    let hint = match others.is_empty() {
        true => configure(asked),
        // The one that is asked for may be in the worst state of all.
        false => way_out(asked, inventory, &inventory.broken()),
    };
    let error = format!("dpkg was interrupted: {what}; nothing else is done until that is fixed");
    Some(Refusal::new(Code::PlanRefused, error).hint(hint))
}

/// Whether it takes packages away and does nothing else.
fn removes(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Package { action: PackageAction::Remove, .. }
            | Operation::Maintenance { action: Maintenance::Autoremove, .. }
    )
}

/// What to do about the worst of these, which is what the others have to wait for.
pub fn way_out(
    asked: &dyn Asked,
    inventory: &Inventory,
    packages: &[(&str, Unfinished)],
) -> String {
    use Unfinished::{Broken, Configuring, Triggers, Unpacking};
    let worst = [Broken, Unpacking, Configuring, Triggers]
        .into_iter()
        .find_map(|kind| packages.iter().find(|(_, how)| *how == kind));
    let Some((name, how)) = worst else { return configure(asked) };
    let is = |what: fn(&Installed) -> bool| inventory.get(name).is_some_and(what);
    let stays = is(|row| row.is_held || row.is_essential);
    let may_remove = !stays && asked.may_remove(name);
    let operation = asked.operation();
    let was_removal = matches!(operation, Operation::Package { action: PackageAction::Remove, name: named, .. } if named.as_str() == *name);
    match how {
        // Of dpkg's own three advices neither to configure nor to remove it works.
        Broken => format!(
            "an administrator has to reinstall it: apt-get install --reinstall {name}; if no repository has it: dpkg --remove --force-remove-reinstreq {name}"
        ),
        _ if was_removal => format!(
            "its script fails, and says why in `stderr`: an administrator has to fix that, or the script in /var/lib/dpkg/info, then: sm-helper package remove {name}"
        ),
        Unpacking if may_remove => format!(
            "finish that first: sm-helper package remove {name}; then it can be installed again"
        ),
        Unpacking => format!(
            "an administrator can remove the rest of it: apt-get remove {name}, or reinstall it: apt-get install --reinstall {name}"
        ),
        Configuring | Triggers if is(|row| row.is_going) => match may_remove {
            true => format!("finish its removal: sm-helper package remove {name}"),
            false => {
                format!("an administrator has to finish its removal: apt-get remove {name}")
            }
        },
        // What was tried just now.
        Configuring | Triggers if operation.maintenance() == Some(Maintenance::Repair) => {
            let without = match may_remove {
                true => format!("sm-helper package remove {name}"),
                false => format!("an administrator can remove it: apt-get remove {name}"),
            };
            format!(
                "its script fails, and says why in `stderr`: fix that, then try again; if you do not need it: {without}"
            )
        }
        Configuring if may_remove => format!(
            "{}; if that fails too and you do not need it: sm-helper package remove {name}",
            configure(asked)
        ),
        Configuring | Triggers => configure(asked),
    }
}

/// The way out for a package that lacks what it depends on: neither to repair nor to try again
/// helps.
pub fn for_want_of(asked: &dyn Asked, inventory: &Inventory, name: &str) -> String {
    let stays = inventory.get(name).is_some_and(|row| row.is_held || row.is_essential);
    let by_hand = "an administrator should check what this would install or remove, and run it: apt-get --fix-broken install";
    match !stays && asked.may_remove(name) {
        true => {
            format!("if you do not need it: sm-helper package remove {name}; otherwise {by_hand}")
        }
        false => by_hand.to_owned(),
    }
}

/// The package that dpkg does not configure for want of another, and what it says of that:
/// `dpkg: dependency problems prevent configuration of NAME:`, then ` NAME depends on OTHER;
/// however:` and `  Package OTHER is not installed.`
pub fn in_want(stderr: &str) -> Option<(&str, String)> {
    let mut lines = stderr.lines();
    let name = lines.by_ref().find_map(|line| {
        let rest = line.strip_prefix("dpkg: dependency problems prevent configuration of ")?;
        rest.strip_suffix(':')
    })?;
    let words: Vec<&str> = lines.take_while(|line| line.starts_with(' ')).map(str::trim).collect();
    Some((name, one_line(&words.join(" "), 300)))
}

fn configure(asked: &dyn Asked) -> String {
    match asked.may_do_to_all(Maintenance::Repair) {
        true => "finish it: sm-helper package repair".to_owned(),
        false => "an administrator can finish it: dpkg --configure -a".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::cases;
    use serde_json::json;

    #[test]
    fn what_a_package_lacks_is_read() {
        cases::each("managers/apt_package_in_want", |case| {
            let lacks = in_want(case.input("stderr"));
            lacks.map(|(name, words)| json!({"name": name, "words": words})).into()
        });
    }
}
