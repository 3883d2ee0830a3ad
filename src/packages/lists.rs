//! The lists of what can be installed: what fails, or is not known, since they are old, were never
//! read or are gone.

use crate::managers::asked::Asked;
use crate::managers::lists::Lists;
use crate::packages::work::Work;
use crate::request::action::{Action, Maintenance, PackageAction};
use crate::request::code::{Code, Refusal};
use crate::request::operation::Operation;
use crate::request::ran::Ran;

fn described(lists: Lists) -> String {
    let described = match lists {
        Lists::There => "the package lists exist",
        Lists::NoSource(files) => {
            return format!("this host has no package source in {files}");
        }
        Lists::Gone => "the package lists are gone, or no source offers anything",
        Lists::Unread => "the package lists were never read on this host, or are gone",
    };
    described.to_owned()
}

/// What to do if they are not there.
fn way_out(lists: Lists, work: &Work<'_>) -> String {
    match lists {
        Lists::NoSource(_) => {
            "an administrator has to add a source there; then its lists can be read".to_owned()
        }
        _ => read_anew(work),
    }
}

/// What reads the lists again on this host.
fn read_anew(work: &Work<'_>) -> String {
    let (action, by_hand) = work.manager().reads_lists();
    match work.may_do_to_all(action) {
        true => format!("sm-helper package {}, then try again", action.word()),
        false => format!("an administrator can refresh them: {by_hand}"),
    }
}

/// What is wrong with "nothing to upgrade", if no list is there that would name anything newer.
pub fn nothing_known(work: &Work<'_>) -> Option<Refusal> {
    let upgrades = match work.operation() {
        Operation::Package { action, .. } => *action == PackageAction::Upgrade,
        operation => operation.maintenance() == Some(Maintenance::Upgrade),
    };
    if !upgrades {
        return None;
    }
    let lists = work.manager().lists();
    (lists != Lists::There).then(|| {
        let error = format!("it is not known what could be upgraded: {}", described(lists));
        Refusal::new(Code::CommandFailed, error).hint(way_out(lists, work))
    })
}

/// What is wrong with lists that were read from no source at all.
pub fn no_source(work: &Work<'_>) -> Option<Refusal> {
    let lists = work.manager().lists();
    matches!(lists, Lists::NoSource(_)).then(|| {
        let error = format!("nothing was read: {}", described(lists));
        Refusal::new(Code::CommandFailed, error).hint(way_out(lists, work))
    })
}

/// The same refusal with a hint if it may be for lists that are old or not there.
pub fn too_old(work: &Work<'_>, ran: &Ran, refusal: Refusal) -> Refusal {
    let Some(found) = work.manager().not_found(&ran.stderr).filter(|_| refusal.hint.is_none())
    else {
        return refusal;
    };
    let lists = if found.may_lack_lists { work.manager().lists() } else { Lists::There };
    match lists {
        Lists::There => refusal.hint(format!("{}: {}", found.reason, read_anew(work))),
        lists => refusal.hint(format!("{}: {}", described(lists), way_out(lists, work))),
    }
}
