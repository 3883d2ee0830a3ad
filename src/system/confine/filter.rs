//! System call filters (`seccomp(2)`), made by the compiler: nothing is left to do at run time but to
//! hand one to the kernel.
//!
//! The numbers that are refused are found by halving, in eight steps at most: the kernel runs each filter
//! once for every number when it is set, to know which calls need not be looked at again.

use nix::libc::{self, c_int, c_long};

/// One instruction, as the kernel reads it (`struct sock_filter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    code: u16,
    jt: u8,
    jf: u8,
    k: u32,
}

/// The most that one of the filters here has.
const ROOM: usize = 360;

/// A filter.
#[derive(Debug)]
pub struct Filter {
    code: [Instruction; ROOM],
    length: usize,
}

impl Filter {
    /// Its instructions.
    pub fn instructions(&self) -> &[Instruction] {
        &self.code[..self.length]
    }
}

/// What a filter does.
#[derive(Clone, Copy)]
struct Rules {
    /// The calls that fail with EPERM, in several lists.
    refused: &'static [&'static [c_long]],
    /// The calls that fail with ENOSYS, so that who makes them does it in the old way.
    missing: &'static [c_long],
    /// The calls that are refused for some arguments.
    tested: &'static [Tested],
    /// Whether calls that are newer than this program fail with ENOSYS.
    only_known: bool,
}

/// A call that depends on one of its arguments, which is a number.
#[derive(Clone, Copy)]
struct Tested {
    call: c_long,
    argument: u8,
    fails: If,
    errno: c_int,
}

/// When it fails.
#[derive(Clone, Copy)]
enum If {
    /// Whatever it is.
    Always,
    /// If one of these bits is set.
    Any(u32),
    /// If it is none of these.
    NoneOf(&'static [u32]),
    /// If it is one of these.
    OneOf(&'static [u32]),
}

/// The architecture that a filter is for (`linux/audit.h`). A call of another one, such as one of 32 bits,
/// fails.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xC000_00B7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!(
    "write down this architecture's number of linux/audit.h, and the calls it has alone"
);

/// The calls of x32 have this bit, and the architecture of the others (`seccomp(2)`).
#[cfg(target_arch = "x86_64")]
const X32: u32 = 0x4000_0000;

/// The newest call that this program knows: `file_setattr`, of Linux 6.17.
const NEWEST: u32 = 469;

/// Sets the clock, emulates processors, debugs, loads modules, talks to devices, reboots, swaps, or is
/// obsolete: the groups of `systemd.exec(5)` that `sm-broker.service` takes away.
const SYSTEM: [c_long; 20] = [
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_settimeofday,
    libc::SYS_lookup_dcookie,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_ptrace,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_acct,
    libc::SYS_nfsservctl,
    libc::SYS_quotactl,
    QUOTACTL_FD,
];

/// Newer than some C libraries.
const QUOTACTL_FD: c_long = 443;

/// The same, of one architecture.
#[cfg(target_arch = "x86_64")]
const SYSTEM_HERE: [c_long; 12] = [
    libc::SYS_modify_ldt,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS__sysctl,
    libc::SYS_afs_syscall,
    libc::SYS_getpmsg,
    libc::SYS_putpmsg,
    libc::SYS_security,
    libc::SYS_sysfs,
    libc::SYS_tuxcall,
    libc::SYS_uselib,
    libc::SYS_ustat,
];
#[cfg(not(target_arch = "x86_64"))]
const SYSTEM_HERE: [c_long; 0] = [];

/// Reaches into other processes, or the kernel, or past the path of a file.
const REACHES: [c_long; 9] = [
    libc::SYS_bpf,
    libc::SYS_kcmp,
    libc::SYS_open_by_handle_at,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_setns,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
];

/// What the kernel does later for a process, where no filter sees it.
const RINGS: [c_long; 3] =
    [libc::SYS_io_uring_enter, libc::SYS_io_uring_register, libc::SYS_io_uring_setup];

/// Mounts in the new way. `mount` does without them.
const NEW_MOUNTS: [c_long; 8] = [
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
];

/// Newer than some C libraries.
const OPEN_TREE_ATTR: c_long = 467;

/// Takes away what is mounted over something else, or another root.
const UNCOVERS: [c_long; 2] = [libc::SYS_umount2, libc::SYS_pivot_root];

/// What is the host's and not for a program with a task of its own: mounts, keys, names.
const SURROUNDINGS: [c_long; 7] = [
    libc::SYS_mount,
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
];

/// Changes what is not the content of a file: its mode, owner, times and attributes. Landlock does not
/// know of these, and no capability is needed for a file of one's own.
const ATTRIBUTES: [c_long; 15] = [
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
];

/// Newer than some C libraries.
const FCHMODAT2: c_long = 452;
const SETXATTRAT: c_long = 463;
const REMOVEXATTRAT: c_long = 466;
const FILE_SETATTR: c_long = 469;

/// The same, of one architecture.
#[cfg(target_arch = "x86_64")]
const ATTRIBUTES_HERE: [c_long; 6] = [
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
];
#[cfg(not(target_arch = "x86_64"))]
const ATTRIBUTES_HERE: [c_long; 0] = [];

/// The flags of `unshare(2)` and `clone(2)` that ask for a namespace.
const NAMESPACES: u32 = (libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWUTS
    | NEWTIME) as u32;
const NEWTIME: c_int = 0x80;

const fn refused_if(call: c_long, argument: u8, fails: If) -> Tested {
    Tested { call, argument, fails, errno: libc::EPERM }
}

/// Real-time scheduling; another personality than that of Linux, as `LockPersonality=` has it.
const SCHEDULING: Tested =
    refused_if(libc::SYS_sched_setscheduler, 1, If::OneOf(&[1, 2, 6, 1 << 30 | 1, 1 << 30 | 2]));
const PERSONALITY: Tested = refused_if(libc::SYS_personality, 0, If::NoneOf(&[0, 0xffff_ffff]));

const fn families(allowed: &'static [u32]) -> Tested {
    let errno = libc::EAFNOSUPPORT;
    Tested { call: libc::SYS_socket, argument: 0, fails: If::NoneOf(allowed), errno }
}

const UNIX: u32 = libc::AF_UNIX as u32;
const INTERNET: [u32; 4] =
    [UNIX, libc::AF_INET as u32, libc::AF_INET6 as u32, libc::AF_NETLINK as u32];

const NO_NAMESPACES: [Tested; 2] = [
    refused_if(libc::SYS_unshare, 0, If::Any(NAMESPACES)),
    refused_if(libc::SYS_clone, 0, If::Any(NAMESPACES)),
];

/// For what looks at something by reading it.
pub static READER: Filter = compile(Rules {
    refused: &[
        &SYSTEM,
        &SYSTEM_HERE,
        &REACHES,
        &RINGS,
        &UNCOVERS,
        &SURROUNDINGS,
        &ATTRIBUTES,
        &ATTRIBUTES_HERE,
        &[libc::SYS_sched_setattr, libc::SYS_chroot],
    ],
    // Its flags are in memory, where no filter sees them; the C library takes `clone` instead.
    missing: &WITHOUT_CLONE3,
    tested: &[NO_NAMESPACES[0], NO_NAMESPACES[1], SCHEDULING, PERSONALITY, families(&[UNIX])],
    only_known: true,
});

/// For what works within what it may write, without a network.
pub static WORKER: Filter = compile(Rules {
    refused: &WORK,
    missing: &WITHOUT_CLONE3,
    tested: &[NO_NAMESPACES[0], NO_NAMESPACES[1], SCHEDULING, PERSONALITY, families(&[UNIX])],
    only_known: true,
});

/// The same with a network.
pub static NETWORKER: Filter = compile(Rules {
    refused: &WORK,
    missing: &WITHOUT_CLONE3,
    tested: &[NO_NAMESPACES[0], NO_NAMESPACES[1], SCHEDULING, PERSONALITY, families(&INTERNET)],
    only_known: true,
});

const WORK: [&[c_long]; 7] =
    [&SYSTEM, &SYSTEM_HERE, &REACHES, &RINGS, &UNCOVERS, &SURROUNDINGS, &[libc::SYS_sched_setattr]];

const WITHOUT_CLONE3: [c_long; 9] = with_clone3();

const fn with_clone3() -> [c_long; 9] {
    let mut all = [libc::SYS_clone3; 9];
    let mut at = 0;
    while at < NEW_MOUNTS.len() {
        all[at] = NEW_MOUNTS[at];
        at += 1;
    }
    all
}

/// For package managers and all that a package's scripts start. They may mount something new, but not
/// change or take away what is mounted.
pub static PACKAGES: Filter = compile(Rules {
    refused: &[&SYSTEM, &SYSTEM_HERE, &REACHES, &UNCOVERS, &[libc::SYS_sched_setattr]],
    missing: &NEW_MOUNTS,
    tested: &[
        refused_if(libc::SYS_mount, 3, If::Any(REARRANGES)),
        SCHEDULING,
        PERSONALITY,
        families(&INTERNET),
    ],
    only_known: false,
});

/// For what shall start no program: that fails as it does with the library that sudo has for it.
pub static STARTS_NOTHING: Filter = compile(Rules {
    refused: &[],
    missing: &[],
    tested: &[never(libc::SYS_execve), never(libc::SYS_execveat)],
    only_known: false,
});

const fn never(call: c_long) -> Tested {
    Tested { call, argument: 0, fails: If::Always, errno: libc::EACCES }
}

/// The flags of `mount(2)` that show a part of the file system elsewhere, or otherwise, where what is
/// mounted over it is not.
const REARRANGES: u32 = (libc::MS_BIND | libc::MS_MOVE | libc::MS_REMOUNT) as u32;

// `linux/bpf_common.h`: load a word of the call; jump if it is equal, greater, greater or equal, or has
// one of these bits; give the answer.
const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_ANY: u16 = 0x45;
const RETURN: u16 = 0x06;

// `linux/seccomp.h`.
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;

// `struct seccomp_data`: the number, the architecture; the arguments have eight bytes each, of which
// the lower half comes first on both architectures.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS_AT: u32 = 16;

/// Numbers that follow each other and get the same answer.
#[derive(Clone, Copy)]
struct Range {
    first: u32,
    last: u32,
    answer: u32,
}

struct Compiler {
    code: [Instruction; ROOM],
    length: usize,
    ranges: [Range; ROOM],
    count: usize,
}

const fn compile(rules: Rules) -> Filter {
    let empty = Instruction { code: RETURN, jt: 0, jf: 0, k: ALLOW };
    let nothing = Range { first: 0, last: 0, answer: ALLOW };
    let mut to = Compiler { code: [empty; ROOM], length: 0, ranges: [nothing; ROOM], count: 0 };
    to.put(LOAD, 0, 0, ARCHITECTURE_AT);
    to.put(JUMP_EQUAL, 1, 0, ARCHITECTURE);
    to.put(RETURN, 0, 0, ERRNO | libc::EPERM as u32);
    to.put(LOAD, 0, 0, NUMBER_AT);
    #[cfg(target_arch = "x86_64")]
    {
        to.put(JUMP_AT_LEAST, 0, 1, X32);
        to.put(RETURN, 0, 0, ERRNO | libc::EPERM as u32);
    }
    if rules.only_known {
        to.put(JUMP_GREATER, 0, 1, NEWEST);
        to.put(RETURN, 0, 0, ERRNO | libc::ENOSYS as u32);
    }
    let mut at = 0;
    while at < rules.tested.len() {
        to.test(rules.tested[at]);
        at += 1;
    }
    let mut list = 0;
    while list < rules.refused.len() {
        to.add(rules.refused[list], libc::EPERM);
        list += 1;
    }
    to.add(rules.missing, libc::ENOSYS);
    to.join();
    let count = to.count;
    to.find(0, count);
    Filter { code: to.code, length: to.length }
}

impl Compiler {
    const fn put(&mut self, code: u16, jt: u8, jf: u8, k: u32) {
        self.code[self.length] = Instruction { code, jt, jf, k };
        self.length += 1;
    }

    /// The instructions for a call that depends on an argument.
    const fn test(&mut self, tested: Tested) {
        let start = self.length;
        // How far to jump is known when the end is.
        self.put(JUMP_EQUAL, 0, 0, tested.call as u32);
        self.put(LOAD, 0, 0, ARGUMENTS_AT + 8 * tested.argument as u32);
        let fails = ERRNO | tested.errno as u32;
        match tested.fails {
            If::Always => self.put(RETURN, 0, 0, fails),
            If::Any(bits) => {
                self.put(JUMP_ANY, 0, 1, bits);
                self.put(RETURN, 0, 0, fails);
                self.put(RETURN, 0, 0, ALLOW);
            }
            If::OneOf(values) => self.compare(values, fails, ALLOW),
            If::NoneOf(values) => self.compare(values, ALLOW, fails),
        }
        self.code[start].jf = (self.length - start - 1) as u8;
    }

    /// One answer for these values, another one for the rest.
    const fn compare(&mut self, values: &[u32], these: u32, rest: u32) {
        let mut at = 0;
        while at < values.len() {
            // Past the comparisons that are left, and the answer for the rest.
            self.put(JUMP_EQUAL, (values.len() - at) as u8, 0, values[at]);
            at += 1;
        }
        self.put(RETURN, 0, 0, rest);
        self.put(RETURN, 0, 0, these);
    }

    /// Notes these calls, in the order of their numbers.
    const fn add(&mut self, calls: &[c_long], errno: c_int) {
        let mut at = 0;
        while at < calls.len() {
            let number = calls[at] as u32;
            let new = Range { first: number, last: number, answer: ERRNO | errno as u32 };
            let mut place = self.count;
            while place > 0 && self.ranges[place - 1].first > number {
                self.ranges[place] = self.ranges[place - 1];
                place -= 1;
            }
            assert!(place == 0 || self.ranges[place - 1].first != number, "a call in two lists");
            self.ranges[place] = new;
            self.count += 1;
            at += 1;
        }
    }

    /// Makes one of those that follow each other.
    const fn join(&mut self) {
        let mut kept = 0;
        let mut at = 1;
        while at < self.count {
            let (before, next) = (self.ranges[kept], self.ranges[at]);
            if next.first == before.last + 1 && next.answer == before.answer {
                self.ranges[kept].last = next.last;
            } else {
                kept += 1;
                self.ranges[kept] = next;
            }
            at += 1;
        }
        self.count = kept + 1;
    }

    /// The instructions that find the number among these ranges.
    const fn find(&mut self, from: usize, to: usize) {
        if to - from == 1 {
            let Range { first, last, answer } = self.ranges[from];
            self.put(JUMP_AT_LEAST, 0, 2, first);
            self.put(JUMP_GREATER, 1, 0, last);
            self.put(RETURN, 0, 0, answer);
            self.put(RETURN, 0, 0, ALLOW);
            return;
        }
        let middle = usize::midpoint(from, to);
        let start = self.length;
        self.put(JUMP_AT_LEAST, 0, 0, self.ranges[middle].first);
        self.find(from, middle);
        let distance = self.length - start - 1;
        assert!(distance <= u8::MAX as usize, "too far for one jump");
        self.code[start].jt = distance as u8;
        self.find(middle, to);
    }
}

#[cfg(test)]
mod tests;
