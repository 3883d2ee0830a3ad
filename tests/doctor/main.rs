//! `sm doctor`: each check, with that one thing broken on a real host.

#[path = "../host/mod.rs"]
mod host;

mod accounts;
mod broker;
mod case;
mod folders;
mod hostile;
mod machine;
mod output;
mod policy;
mod program;
mod record;
mod requests;
mod sudo;
mod versions;
mod waits;

use case::{Case, Doctor};
use host::{Host, Sudo};
use std::collections::BTreeSet;

/// Every case, of all areas.
fn all() -> impl Iterator<Item = &'static Case> {
    program::CASES
        .iter()
        .chain(policy::CASES)
        .chain(folders::CASES)
        .chain(sudo::CASES)
        .chain(sudo::CLASSIC)
        .chain(sudo::RS)
        .chain(accounts::CASES)
        .chain(broker::CASES)
        .chain(versions::CASES)
        .chain(record::CASES)
        .chain(machine::CASES)
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn every_check_has_a_case_that_breaks_it() {
    let host = Host::ready(Sudo::Classic);
    let ids: BTreeSet<String> = Doctor::of(&host).rows.into_iter().map(|row| row.id).collect();
    let mut broken: BTreeSet<String> = all().map(|case| case.id.to_owned()).collect();
    // The program of these cases has no tasks, and no site policy adds one to it; where one does,
    // tests/site/tasks.rs breaks it.
    broken.insert("tasks".to_owned());
    // A kernel that lacks something is in tests/confine/lacking.rs.
    broken.insert("confinement".to_owned());
    assert_eq!(ids, broken);
}
