//! Undoes what a caller can hand down to a process that then runs as root.
//!
//! Done once, before anything is read or opened, so that the helper and all it starts live in
//! the same known state: no descriptors, limits, mask, folder, signals, timers, priorities,
//! keyring, groups or capabilities of the caller's.

use crate::exec::cgroup;
use crate::request::code::{Code, Refusal};
use crate::system::confine::noexec;
use crate::system::kernel;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, getgroups, setgroups};

/// What each limit is set to, soft and hard: what systemd gives a system service
/// (`systemd-system.conf(5)`), with no core dump, which could hold secrets. The last number is
/// what must be had at least: root in a container may not be able to raise a limit, and then
/// continues with what there is, but not with what a caller could have lowered to break it.
const LIMITS: [(Resource, rlim_t, rlim_t, rlim_t); 16] = [
    (Resource::RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY, 4 << 30),
    (Resource::RLIMIT_CORE, 0, RLIM_INFINITY, 0),
    (Resource::RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY, RLIM_INFINITY),
    (Resource::RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY, 4 << 30),
    (Resource::RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY, RLIM_INFINITY),
    (Resource::RLIMIT_LOCKS, RLIM_INFINITY, RLIM_INFINITY, RLIM_INFINITY),
    (Resource::RLIMIT_MEMLOCK, 8 << 20, 8 << 20, 0),
    (Resource::RLIMIT_MSGQUEUE, 819_200, 819_200, 0),
    (Resource::RLIMIT_NICE, 0, 0, 0),
    (Resource::RLIMIT_NOFILE, 1024, 524_288, 256),
    (Resource::RLIMIT_NPROC, RLIM_INFINITY, RLIM_INFINITY, 1024),
    (Resource::RLIMIT_RSS, RLIM_INFINITY, RLIM_INFINITY, 4 << 30),
    (Resource::RLIMIT_RTPRIO, 0, 0, 0),
    (Resource::RLIMIT_RTTIME, RLIM_INFINITY, RLIM_INFINITY, RLIM_INFINITY),
    (Resource::RLIMIT_SIGPENDING, 1 << 16, 1 << 16, 1024),
    (Resource::RLIMIT_STACK, 8 << 20, RLIM_INFINITY, 8 << 20),
];

/// Makes this process deaf to signals that would end it before it has answered; one that asks it
/// to end is noted, and answered while it waits for a reply to pass on.
///
/// An operation that has begun is finished and accounted for, whoever presses a key; before it
/// has begun there are only milliseconds.
pub fn ignore_signals() {
    kernel::ignore_signals();
    kernel::note_end_signals();
    kernel::stop_timers();
}

/// Keeps to what sudo's `noexec` asks for, which nothing else does in a program that links statically.
///
/// # Errors
/// `unsupported` if the kernel cannot see to it.
pub fn hold_noexec() -> Result<(), Refusal> {
    noexec::hold().map_err(|error| {
        let what = format!("sudo's noexec cannot be held to on this host: {}", error.desc());
        Refusal::new(Code::Unsupported, what)
            .hint("an administrator can see with `sm doctor` which line of sudoers sets it")
    })
}

/// Undoes the rest. For the privileged side only: an ordinary account could not. What can be sanitized
/// is, even if something else cannot: the refusal is still to be recorded.
///
/// # Errors
/// `unsupported` if something of the caller's would stay in force.
pub fn inherited() -> Result<(), Refusal> {
    let still = |what: &str, error: &dyn std::fmt::Display| {
        Refusal::new(Code::Unsupported, format!("the caller's {what} cannot be sanitized: {error}"))
            .hint("run it where root has all capabilities")
    };
    let descriptors = kernel::close_descriptors().map_err(|error| still("descriptors", &error));
    umask(Mode::from_bits_truncate(0o022));
    let mut limits = Ok(());
    for (resource, soft, hard, least) in LIMITS {
        let Err(error) = setrlimit(resource, soft, hard) else { continue };
        let most = getrlimit(resource).map_or(0, |(_, most)| most);
        let lowered = setrlimit(resource, soft.min(most), most);
        if most < least || lowered.is_err() {
            limits = limits.and(Err(still(&format!("limit {resource:?}"), &error)));
        }
    }
    let scheduling = kernel::reset_scheduling().map_err(|error| still("scheduling", &error));
    let folder = std::env::set_current_dir("/").map_err(|error| still("working directory", &error));
    // Lowering needs no privilege; if it was raised, root sets it back.
    let mut score = Ok(());
    if std::fs::write("/proc/self/oom_score_adj", "0").is_err() {
        let now = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
        if now.trim() != "0" {
            score = Err(still("OOM score", &now.trim()));
        }
    }
    // What the kernel gives a process that nobody touched (`core(5)`).
    let _ = std::fs::write("/proc/self/coredump_filter", "0x33");
    let groups = leave_groups().map_err(|error| still("supplementary groups", &error));
    kernel::leave_keyring();
    let mut cgroup = Ok(());
    if cgroup::is_of_another() {
        cgroup = cgroup::leave().map_err(|error| still("cgroup", &error));
    }
    descriptors.and(limits).and(scheduling).and(folder).and(score).and(groups).and(cgroup)
}

/// Whether this process can write files of any size: what a caller has lowered, root cannot raise
/// everywhere, and a limit on files ends every record.
pub fn can_write_files() -> bool {
    getrlimit(Resource::RLIMIT_FSIZE).is_ok_and(|(soft, _)| soft == RLIM_INFINITY)
}

/// Leaves the groups that `sudo -P` hands down, for root's own one.
fn leave_groups() -> nix::Result<()> {
    let own = Gid::from_raw(0);
    match setgroups(&[own]) {
        // Root of a user namespace may have to keep its groups (`user_namespaces(7)`).
        Err(error) if getgroups()?.iter().any(|group| *group != own) => Err(error),
        _ => Ok(()),
    }
}
