//! Every check, area by area.

use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::Finding;
use crate::admin::doctor::{
    accounts, audit, broker, confinement, folders, grants, host, policy, program, requests,
    settings, snapshots, sudo, sudoers, tasks, versions, ways,
};

/// Something that a guarantee rests on.
pub struct Check {
    /// Its name: stable, to branch on.
    pub id: &'static str,
    /// What it means if it is not so.
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
pub const CHECKS: [Check; 47] = [
    check(
        "binary_path",
        "whoever can change the program, or gets root from it, has root without a rule",
        program::binary_path,
    ),
    check(
        "helper_path",
        "sudo's rule names this file: whoever can replace it, or reach sm through it, has full root",
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
        "the libraries in /etc/ld.so.preload become part of every program, including root's",
        program::preload,
    ),
    check(
        "tools",
        "the helper runs these as root: whoever can change one has root with the next request",
        program::tools,
    ),
    check(
        "policy_file",
        "every request is refused until the site policy can be read and trusted",
        policy::file,
    ),
    check(
        "check_programs",
        "root runs these before it touches a unit: whoever can change one has root",
        policy::check_programs,
    ),
    check(
        "tasks",
        "a task of the policy is refused, since somebody other than root could change what it runs, or it cannot run as it should",
        tasks::tasks,
    ),
    check(
        "unit_files",
        "whoever can change a unit that the policy or a sudo rule names has root when it next starts",
        policy::unit_files,
    ),
    check(
        "unit_programs",
        "root starts this with the unit: whoever can change it has root when the unit next starts",
        policy::unit_programs,
    ),
    check(
        "grants",
        "what the policy grants here gives the account all of root, by another name",
        grants::grants,
    ),
    check("log_folder", "others can read or change the audit log", folders::log),
    check(
        "state_folder",
        "whoever can change these files can block requests, or hide that the audit log was cut",
        folders::state,
    ),
    check(
        "run_folder",
        "whoever can change these files can lift the rate limit, or answer instead of the broker",
        folders::run,
    ),
    check(
        "sudoers_valid",
        "sudo ignores part of its configuration, and an old sudo refuses everybody, until this is fixed",
        sudoers::valid,
    ),
    check(
        "sudoers_path",
        "whoever can change sudo's configuration can give itself full root",
        sudoers::path,
    ),
    check(
        "sudoers_reads_drop_ins",
        "sudo does not read the drop-ins, so none of them has an effect",
        sudoers::reads,
    ),
    check(
        "drop_ins",
        "the account may run something other than this helper, or nothing",
        sudoers::drop_ins,
    ),
    check(
        "approvers",
        "who may approve by the policy cannot, or a rule stands for who no longer may",
        sudoers::approvers,
    ),
    check(
        "helper_rule",
        "requests of these accounts fail: sudo does not run the helper, or the helper cannot do what is asked",
        requests::work,
    ),
    check(
        "sudoers_more",
        "the policy and the audit log cover only what goes through the helper: this bypasses it",
        sudo::more,
    ),
    check(
        "sudo_defaults",
        "a sudo setting lets the account influence how the helper is started",
        settings::defaults,
    ),
    check(
        "account_groups",
        "membership in this group bypasses the policy and the audit log",
        accounts::groups,
    ),
    check(
        "second_root",
        "whoever uses this account is root, and is recorded as root",
        accounts::second_root,
    ),
    check(
        "sockets",
        "whoever can write to this socket can have its service do anything as root",
        ways::sockets,
    ),
    check("doas", "what doas allows the account bypasses the policy and the audit log", ways::doas),
    check(
        "polkit",
        "what polkit allows the account bypasses the policy and the audit log",
        ways::polkit,
    ),
    check(
        "broker_units",
        "the broker does not start as installed: another program, for others, or not sandboxed",
        broker::unit_files,
    ),
    check(
        "broker_sandbox",
        "what the broker starts can do more than any request needs",
        broker::sandbox,
    ),
    check(
        "broker_socket",
        "accounts that may use the socket get no answer, or others get one",
        broker::socket,
    ),
    check("sudo_version", "this sudo has a known vulnerability", versions::sudo),
    check(
        "systemd_version",
        "this systemd has a known vulnerability, or lacks what the units need",
        versions::systemd,
    ),
    check(
        "package_manager_version",
        "this package manager has a known vulnerability",
        versions::package_manager,
    ),
    check(
        "audit_write",
        "nothing runs without a record: every request is refused until this is fixed",
        audit::write,
    ),
    check(
        "audit_chain",
        "records are missing or were changed: the audit log cannot be trusted",
        audit::chain,
    ),
    check(
        "audit_signed",
        "what is not signed can be changed by root of this host without a trace elsewhere",
        audit::signed,
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
        "the log uses more space than the helper allows it; if the disk is full, every request is refused",
        audit::rotation,
    ),
    check(
        "audit_encrypted",
        "what is put aside of the log stays readable on this host, although the policy says that it is encrypted",
        audit::encrypted,
    ),
    check(
        "confinement",
        "what is run for a request can do more than it needs, should it be taken over",
        confinement::measures,
    ),
    check(
        "snapshots",
        "a package operation that breaks something cannot be undone from the files as they were",
        snapshots::snapshots,
    ),
    check(
        "clock_sync",
        "the times in the audit log cannot be compared with those of other hosts",
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
