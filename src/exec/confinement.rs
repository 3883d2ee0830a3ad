//! What each kind of command line is confined by, and what of that this host does not have.

use crate::managers::confinement::{Confinement, Spares};
use crate::output::text::one_line;
use crate::request::ran::Ran;
use crate::system::confine::filter::{NETWORKER, PACKAGES, READER, WORKER};
use crate::system::confine::{Confined, Lacking, Measure, Mounts};
use crate::system::homes::homes;
use std::ffi::CString;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

// `capabilities(7)`.
const CHOWN: u64 = 1 << 0;
const DAC_OVERRIDE: u64 = 1 << 1;
const DAC_READ_SEARCH: u64 = 1 << 2;
const FOWNER: u64 = 1 << 3;
const FSETID: u64 = 1 << 4;
const SETGID: u64 = 1 << 6;
const SETUID: u64 = 1 << 7;
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
    | MAC_ADMIN
    | SYSLOG
    | WAKE_ALARM
    | BLOCK_SUSPEND
    | PERFMON
    | BPF
    | CHECKPOINT_RESTORE
    | IPC_LOCK;

/// What a check needs none of besides.
const NO_CHECK: u64 = NO_PACKAGE | SYS_ADMIN | MKNOD;

/// To become another account, and to write what is another's.
const SIMULATES: u64 = CHOWN | DAC_OVERRIDE | DAC_READ_SEARCH | FOWNER | FSETID | SETGID | SETUID;

/// The devices that whatever runs may write.
const DEVICES: [&str; 2] = ["/dev/null", "/dev/tty"];

/// The folders of the host's programs and settings, and of what starts it.
const SYSTEM: [&str; 9] =
    ["/bin", "/boot", "/efi", "/etc", "/lib", "/lib32", "/lib64", "/sbin", "/usr"];

/// The settings and the state of this program.
const OWN: [&str; 4] = ["/etc/sm", "/run/sm", "/var/lib/sm", "/var/log/sm"];

/// The rules of sudo.
const SUDO: [&str; 2] = ["/etc/sudoers", "/etc/sudoers.d"];

/// What a package manager may not change, though it changes most of the host.
pub fn closed(spares: Spares) -> Vec<String> {
    let mut closed = homes();
    if !spares.sudo {
        closed.extend(SUDO.map(str::to_owned));
    }
    if !spares.own {
        closed.extend(OWN.map(str::to_owned));
        if let Ok(program) = std::fs::read_link("/proc/self/exe") {
            let both = ["sm", "sm-helper"].map(|name| program.with_file_name(name));
            closed.extend(both.iter().filter_map(|path| path.to_str()).map(str::to_owned));
        }
    }
    closed
}

/// What a command that was run says of a file that it could not write, since it was closed to it: the file.
pub fn closed_to(ran: &Ran, spares: Spares) -> Option<String> {
    // `EROFS` in the C locale and in English.
    const WORDS: &str = "Read-only file system";
    let closed = closed(spares);
    let lines = ran.stderr.lines().chain(ran.stdout.lines());
    let mut words = lines
        .filter(|line| line.contains(WORDS))
        .flat_map(|line| line.split(|c: char| c.is_whitespace() || "'\"`‘’:,()".contains(c)));
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
                read_only: strings(
                    closed(spares).iter().map(String::as_str).collect::<Vec<_>>().iter(),
                ),
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

fn strings<'s>(paths: impl IntoIterator<Item = &'s &'s str>) -> Vec<CString> {
    // A path with a zero byte in it is nowhere.
    paths.into_iter().filter_map(|path| CString::new(*path).ok()).collect()
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
    let names: Vec<&str> = lacking.measures().map(Measure::named).collect();
    (!names.is_empty()).then(|| {
        format!(
            "what was run was not confined by {}: this kernel or container does not have it; sm doctor says more",
            names.join(", nor by ")
        )
    })
}
