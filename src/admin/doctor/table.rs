//! Every check, area by area.

use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::Finding;
use crate::admin::doctor::{
    accounts, audit, broker, folders, host, policy, program, requests, settings, sudo, sudoers,
    versions, ways,
};

/// Something that a guarantee rests on.
pub struct Check {
    /// Its name: stable, to branch on.
    pub id: &'static str,
    /// What it means where it is not so.
    pub meaning: &'static str,
    /// Looks; at least one finding.
    pub look: fn(&Context) -> Vec<Finding>,
}

const fn check(
    id: &'static str,
    meaning: &'static str,
    look: fn(&Context) -> Vec<Finding>,
) -> Check {
    Check { id, meaning, look }
}

/// Every check, area by area.
pub const CHECKS: [Check; 40] = [
    check(
        "binary_path",
        "who can change the program, or is given root by it, has root without a rule",
        program::binary_path,
    ),
    check(
        "helper_path",
        "sudo's rule names this file: who can replace it, or reaches sm through it, has all of root",
        program::helper_path,
    ),
    check(
        "binary_same",
        "the helper answers with another policy or version than the one that sm shows",
        program::same,
    ),
    check(
        "file_capabilities",
        "a program with capabilities gives them to everybody who runs it",
        program::capabilities,
    ),
    check(
        "helper_twice",
        "which sm-helper answers depends on a PATH, and the other may have another policy",
        program::twice,
    ),
    check(
        "preload",
        "what stands in /etc/ld.so.preload becomes part of every program, root's too",
        program::preload,
    ),
    check(
        "tools",
        "the helper runs these as root: who can change one has root with the next request",
        program::tools,
    ),
    check(
        "policy_file",
        "every request is refused until the site policy can be read and trusted",
        policy::file,
    ),
    check(
        "check_programs",
        "root runs these before it touches a unit: who can change one has root",
        policy::check_programs,
    ),
    check(
        "unit_files",
        "who can change a unit that the policy or a rule of sudo's names has root when it is next started",
        policy::unit_files,
    ),
    check(
        "unit_programs",
        "root starts this with the unit: who can change it has root when the unit is next started",
        policy::unit_programs,
    ),
    check(
        "log_folder",
        "the record of what was done as root can be read or changed by others",
        folders::log,
    ),
    check(
        "state_folder",
        "who can change what is kept there can hold requests up, or hide that the record was cut",
        folders::state,
    ),
    check(
        "run_folder",
        "who can change what is kept there can lift the rate limit, or answer in the broker's place",
        folders::run,
    ),
    check(
        "sudoers_valid",
        "sudo reads less than what is written, and an old one refuses everybody, until this is mended",
        sudoers::valid,
    ),
    check(
        "sudoers_path",
        "who can change sudo's configuration gives itself all of root",
        sudoers::path,
    ),
    check(
        "sudoers_reads_drop_ins",
        "sudo does not read the drop-ins, so none of them has an effect",
        sudoers::reads,
    ),
    check(
        "drop_ins",
        "the account may run something else than this helper, or nothing",
        sudoers::drop_ins,
    ),
    check(
        "helper_rule",
        "requests of these accounts fail: sudo does not run the helper, or it can not do what is asked",
        requests::work,
    ),
    check(
        "sudoers_more",
        "the policy and the record hold only what goes through the helper: this goes past it",
        sudo::more,
    ),
    check(
        "sudo_defaults",
        "a setting of sudo's lets the account shape how the helper is started",
        settings::defaults,
    ),
    check(
        "account_groups",
        "being in this group is a way around the policy and the record",
        accounts::groups,
    ),
    check(
        "second_root",
        "whoever is this account is root, and is recorded as root",
        accounts::second_root,
    ),
    check(
        "sockets",
        "who can write to this socket has its service do as root whatever it asks for",
        ways::sockets,
    ),
    check("doas", "what doas lets the account do goes past the policy and the record", ways::doas),
    check(
        "polkit",
        "what polkit lets the account do goes past the policy and the record",
        ways::polkit,
    ),
    check(
        "broker_units",
        "the broker is not started as it was made: another program, for others, or not sandboxed",
        broker::unit_files,
    ),
    check(
        "broker_sandbox",
        "what the broker starts can do more than any request needs",
        broker::sandbox,
    ),
    check(
        "broker_socket",
        "the accounts that were let in over the socket get no answer, or others get one",
        broker::socket,
    ),
    check("sudo_version", "this sudo has a known hole", versions::sudo),
    check(
        "systemd_version",
        "this systemd has a known hole, or lacks what the units rest on",
        versions::systemd,
    ),
    check(
        "package_manager_version",
        "this package manager has a known hole",
        versions::package_manager,
    ),
    check(
        "audit_write",
        "nothing is run without a record: every request is refused until this is mended",
        audit::write,
    ),
    check(
        "audit_chain",
        "records are missing or were changed: what the log says can not be relied on",
        audit::chain,
    ),
    check(
        "audit_journal",
        "the journal is the log's witness: without it nothing shows that the log's end was cut",
        audit::journal,
    ),
    check(
        "audit_kernel",
        "the kernel does not record who touches the helper, the policy and the log",
        audit::kernel,
    ),
    check(
        "audit_rotation",
        "the log takes more room than the helper leaves it; where the disk is full, every request is refused",
        audit::rotation,
    ),
    check(
        "clock_sync",
        "the times in the record can not be compared with those of other hosts",
        host::clock_sync,
    ),
    check(
        "clock_order",
        "the clock went back: records and limits have wrong times",
        host::clock_order,
    ),
    check(
        "disk_space",
        "without space no intent can be recorded, and every request is refused",
        host::disk_space,
    ),
];
