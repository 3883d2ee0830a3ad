//! What each kind of command line is confined by, and what of that this host does not have.

use crate::managers::confinement::{Confinement, Spares};
use crate::output::text::one_line;
use crate::request::code::{Code, Refusal};
use crate::request::confine::{Confine, TaskConfinement};
use crate::request::ran::Ran;
use crate::system::confine::filter::{NETWORKER, PACKAGES, READER, WORKER};
use crate::system::confine::{Confined, Lacking, Measure, Mounts, lacking_here};
use crate::system::homes::homes;
use std::ffi::CString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

// `capabilities(7)`.
const CHOWN: u64 = 1 << 0;
const DAC_OVERRIDE: u64 = 1 << 1;
const DAC_READ_SEARCH: u64 = 1 << 2;
const FOWNER: u64 = 1 << 3;
const FSETID: u64 = 1 << 4;
const KILL: u64 = 1 << 5;
const SETGID: u64 = 1 << 6;
const SETUID: u64 = 1 << 7;
const NET_BIND_SERVICE: u64 = 1 << 10;
const IPC_OWNER: u64 = 1 << 15;
const SYS_CHROOT: u64 = 1 << 18;
const SYS_NICE: u64 = 1 << 23;
const SYS_RESOURCE: u64 = 1 << 24;
const SYS_MODULE: u64 = 1 << 16;
const SYS_RAWIO: u64 = 1 << 17;
const SYS_PTRACE: u64 = 1 << 19;
const SYS_PACCT: u64 = 1 << 20;
const SYS_ADMIN: u64 = 1 << 21;
const SYS_BOOT: u64 = 1 << 22;
const SYS_TIME: u64 = 1 << 25;
const MKNOD: u64 = 1 << 27;
const LEASE: u64 = 1 << 28;
const MAC_OVERRIDE: u64 = 1 << 32;
const MAC_ADMIN: u64 = 1 << 33;
const SYSLOG: u64 = 1 << 34;
const WAKE_ALARM: u64 = 1 << 35;
const BLOCK_SUSPEND: u64 = 1 << 36;
const PERFMON: u64 = 1 << 38;
const BPF: u64 = 1 << 39;
const CHECKPOINT_RESTORE: u64 = 1 << 40;
const IPC_LOCK: u64 = 1 << 14;

/// What no package manager needs: what `sm-broker.service` takes away, and to look into other processes,
/// one of which sees the file system as it is.
const NO_PACKAGE: u64 = SYS_MODULE
    | SYS_RAWIO
    | SYS_PTRACE
    | SYS_PACCT
    | SYS_BOOT
    | SYS_TIME
    | LEASE
    | MAC_OVERRIDE
    | SYSLOG
    | WAKE_ALARM
    | BLOCK_SUSPEND
    | PERFMON
    | BPF
    | CHECKPOINT_RESTORE
    | IPC_LOCK;

/// What a check needs none of besides. `MAC_ADMIN` is what a package's scripts load AppArmor profiles with
/// (`dh_apparmor(1)`): a service that is upgraded runs with the profile of its version.
const NO_CHECK: u64 = NO_PACKAGE | SYS_ADMIN | MKNOD | MAC_ADMIN;

/// To become another account, and to write what is another's.
const SIMULATES: u64 = CHOWN | DAC_OVERRIDE | DAC_READ_SEARCH | FOWNER | FSETID | SETGID | SETUID;

/// What work of root's own needs: to change whose a file is and who may do what to it, to become another
/// account, to end processes, to listen, and to have its way with limits and priorities.
const WORKS: u64 =
    SIMULATES | KILL | NET_BIND_SERVICE | IPC_OWNER | SYS_CHROOT | SYS_NICE | SYS_RESOURCE;

/// Memory that processes share by name, which libraries take for locks.
const SHARED: &str = "/dev/shm";

/// The devices that a task may write besides.
const MORE_DEVICES: [&str; 6] =
    ["/dev/full", "/dev/ptmx", "/dev/pts", "/dev/random", "/dev/urandom", "/dev/zero"];

/// The devices that whatever runs may write.
const DEVICES: [&str; 2] = ["/dev/null", "/dev/tty"];

/// The folders of the host's programs and settings, and of what starts it.
const SYSTEM: [&str; 9] =
    ["/bin", "/boot", "/efi", "/etc", "/lib", "/lib32", "/lib64", "/sbin", "/usr"];

/// Where snapshots are, where the differences of two of them are written, and snapper's log.
const SNAPSHOTS: [&str; 4] =
    ["/.snapshots", "/.sm-snapshots", "/run/sm/undo", "/var/log/snapper.log"];

/// The settings and the state of this program, and its snapshots.
const OWN: [&str; 5] = ["/.sm-snapshots", "/etc/sm", "/run/sm", "/var/lib/sm", "/var/log/sm"];

/// The rules of sudo.
const SUDO: [&str; 2] = ["/etc/sudoers", "/etc/sudoers.d"];

/// This program, by both of its names.
fn programs() -> Vec<String> {
    let Ok(program) = std::fs::read_link("/proc/self/exe") else { return Vec::new() };
    let both = ["sm", "sm-helper"].map(|name| program.with_file_name(name));
    both.iter().filter_map(|path| path.to_str()).map(str::to_owned).collect()
}

/// What a package manager may not change, though it changes most of the host.
pub fn closed(spares: Spares) -> Vec<String> {
    let mut closed = homes();
    if !spares.sudo {
        closed.extend(SUDO.map(str::to_owned));
    }
    if !spares.own {
        closed.extend(OWN.map(str::to_owned));
        closed.extend(programs());
    }
    closed
}

/// What a command that was run says of a file that it could not write, since it was closed to it: the file.
pub fn closed_to(ran: &Ran, spares: Spares) -> Option<String> {
    // `EROFS` in the C locale and in English.
    const WORDS: &str = "Read-only file system";
    let lines = ran.stderr.lines().chain(ran.stdout.lines());
    let mut lines = lines.filter(|line| line.contains(WORDS)).peekable();
    // Most of the time there is none, and nobody's home is looked for.
    lines.peek()?;
    let closed = closed(spares);
    let mut words =
        lines.flat_map(|line| line.split(|c: char| c.is_whitespace() || "'\"`‘’:,()".contains(c)));
    let is_closed = |word: &&str| {
        word.starts_with('/') && closed.iter().any(|it| Path::new(word).starts_with(it))
    };
    words.find(is_closed).map(|word| one_line(word, 200))
}

/// What a command line is confined by; none if by nothing.
pub fn of(confinement: Confinement) -> Option<Confined> {
    let paths = |folders: &[&str]| Some(strings(folders.iter().chain(&DEVICES)));
    match confinement {
        Confinement::Reader { writes } => Some(Confined {
            mounts: None,
            writable: paths(writes),
            is_apart: true,
            capabilities: Some(DAC_READ_SEARCH),
            filter: &READER,
        }),
        Confinement::Simulation { writes } => Some(Confined {
            mounts: Some(Mounts {
                writable: Some(strings(writes)),
                read_only: Vec::new(),
                own_temporary: true,
            }),
            writable: paths(&[writes, &["/tmp"][..]].concat()),
            is_apart: true,
            capabilities: Some(SIMULATES),
            filter: &WORKER,
        }),
        Confinement::Snapshots => Some(Confined {
            mounts: None,
            writable: paths(&SNAPSHOTS),
            is_apart: true,
            capabilities: Some(SYS_ADMIN | CHOWN | DAC_OVERRIDE | DAC_READ_SEARCH | FOWNER),
            filter: &WORKER,
        }),
        Confinement::Check => Some(Confined {
            mounts: Some(Mounts {
                writable: None,
                read_only: strings(SYSTEM.iter().chain(&OWN).chain(&SUDO)),
                own_temporary: false,
            }),
            writable: None,
            is_apart: false,
            capabilities: Some(!NO_CHECK),
            filter: &NETWORKER,
        }),
        Confinement::PackageManager(spares) => Some(Confined {
            mounts: Some(Mounts {
                writable: None,
                read_only: strings(closed(spares)),
                own_temporary: true,
            }),
            writable: None,
            is_apart: false,
            capabilities: Some(!NO_PACKAGE),
            filter: &PACKAGES,
        }),
        Confinement::Task => None,
    }
}

/// What a task is confined by; none if by nothing.
pub fn of_task(task: &TaskConfinement, is_root: bool) -> Option<Confined> {
    let confined = match task.confine {
        Confine::None => return None,
        Confine::Package => of(Confinement::PACKAGE_MANAGER)?,
        Confine::Strict => {
            let write = || task.write.iter().map(String::as_str);
            let closed = [strings(OWN), strings(SUDO), strings(programs())].concat();
            Confined {
                mounts: Some(Mounts {
                    writable: Some(strings(write().chain([SHARED]))),
                    read_only: closed,
                    own_temporary: true,
                }),
                writable: Some(strings(
                    write().chain(["/tmp", SHARED]).chain(DEVICES).chain(MORE_DEVICES),
                )),
                is_apart: false,
                capabilities: Some(WORKS),
                filter: if task.network { &NETWORKER } else { &WORKER },
            }
        }
    };
    // Another account has none to begin with.
    Some(Confined { capabilities: confined.capabilities.filter(|_| is_root), ..confined })
}

/// What a program is confined by that turns what it reads into what it prints: it writes nothing else, and is
/// run as an account that has nothing.
pub fn of_a_pipe() -> Confined {
    Confined {
        mounts: Some(Mounts {
            writable: Some(Vec::new()),
            read_only: Vec::new(),
            own_temporary: true,
        }),
        writable: Some(strings(["/dev/null"])),
        is_apart: true,
        capabilities: None,
        filter: &WORKER,
    }
}

fn strings<P: AsRef<str>>(paths: impl IntoIterator<Item = P>) -> Vec<CString> {
    // A path with a zero byte in it is nowhere.
    paths.into_iter().filter_map(|path| CString::new(path.as_ref()).ok()).collect()
}

/// Whether nothing is started that lacks some of it.
static REQUIRED: AtomicBool = AtomicBool::new(false);

/// From now on nothing is started that cannot be confined by all that should confine it.
///
/// # Errors
/// `unsupported` if that is so of everything here.
pub fn require() -> Result<(), Refusal> {
    REQUIRED.store(true, Ordering::Relaxed);
    let lacking = lacking_here();
    if lacking.is_none() {
        return Ok(());
    }
    let error = format!(
        "the policy requires that what is run is confined, and this host does not have {}",
        named(lacking)
    );
    Err(Refusal::new(Code::Unsupported, error)
        .hint("nothing was run; an administrator can see with `sm doctor` what is missing, or write confine = \"auto\" below [exec]"))
}

/// Whether that is so.
pub fn is_required() -> bool {
    REQUIRED.load(Ordering::Relaxed)
}

/// The measures for a sentence.
pub fn named(lacking: Lacking) -> String {
    lacking.measures().map(Measure::named).collect::<Vec<_>>().join(", nor ")
}

/// What this process could not have of what it wanted.
static LACKING: AtomicU8 = AtomicU8::new(0);

/// Notes what was not to be had.
pub fn note(lacking: Lacking) {
    LACKING.fetch_or(lacking.bits(), Ordering::Relaxed);
}

/// What a reply says of that.
pub fn warning() -> Option<String> {
    let lacking = Lacking::from_bits(LACKING.load(Ordering::Relaxed));
    (!lacking.is_none()).then(|| {
        format!(
            "what was run was not confined by {}: this kernel or container does not have it; sm doctor says more",
            named(lacking)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The capabilities of root's that a command line has not.
    fn dropped(confinement: Confinement) -> u64 {
        !of(confinement).and_then(|confined| confined.capabilities).expect("it is confined")
    }

    #[test]
    fn a_packages_script_loads_profiles_and_a_check_does_not() {
        assert_eq!(dropped(Confinement::PACKAGE_MANAGER) & MAC_ADMIN, 0);
        for confinement in [Confinement::READER, Confinement::Check] {
            assert_ne!(dropped(confinement) & MAC_ADMIN, 0, "{confinement:?}");
        }
    }

    #[test]
    fn over_the_socket_a_package_has_what_it_has_over_sudo() {
        let named = [
            ("CAP_BLOCK_SUSPEND", BLOCK_SUSPEND),
            ("CAP_BPF", BPF),
            ("CAP_CHECKPOINT_RESTORE", CHECKPOINT_RESTORE),
            ("CAP_IPC_LOCK", IPC_LOCK),
            ("CAP_LEASE", LEASE),
            ("CAP_MAC_OVERRIDE", MAC_OVERRIDE),
            ("CAP_PERFMON", PERFMON),
            ("CAP_SYSLOG", SYSLOG),
            ("CAP_SYS_BOOT", SYS_BOOT),
            ("CAP_SYS_MODULE", SYS_MODULE),
            ("CAP_SYS_PACCT", SYS_PACCT),
            ("CAP_SYS_RAWIO", SYS_RAWIO),
            ("CAP_SYS_TIME", SYS_TIME),
            ("CAP_WAKE_ALARM", WAKE_ALARM),
        ];
        let unit = include_str!("../../packaging/systemd/sm-broker.service");
        let lines = unit.lines().filter_map(|line| line.strip_prefix("CapabilityBoundingSet=~"));
        let mut taken: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        taken.sort_unstable();
        assert_eq!(taken, named.map(|(name, _)| name));
        let bits = named.iter().fold(0, |all, (_, bit)| all | bit);
        // Of that the broker itself has no less than root.
        assert_eq!(dropped(Confinement::PACKAGE_MANAGER), bits | SYS_PTRACE);
    }
}
