//! The kernel's interfaces that confine a process, which no crate wraps: each is one call, safe to make
//! between a fork and what is executed then (`signal-safety(7)`).
#![allow(unsafe_code)]

use crate::system::confine::filter::{Filter, Instruction};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc::{self, c_char, c_int, c_ulong, c_ushort};
use nix::sys::stat::Mode;
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `_LINUX_CAPABILITY_VERSION_3`, with two words for each set (`capset(2)`).
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// Opens what is there only to say where it is, without a right to it (`O_PATH`).
///
/// # Errors
/// What the kernel says.
pub fn open_place(path: &CStr) -> Result<OwnedFd, Errno> {
    open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
}

/// The version of Landlock that the kernel has (`landlock(7)`).
///
/// # Errors
/// `ENOSYS` if it has none, `EOPNOTSUPP` if that was turned off when it was booted, `EPERM` in containers
/// that hide the call.
pub fn landlock_version() -> Result<i32, Errno> {
    /// `LANDLOCK_CREATE_RULESET_VERSION`.
    const VERSION: u32 = 1;
    let null = std::ptr::null::<u8>();
    // SAFETY: without a structure the size is 0; the kernel gives a number.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, null, 0_usize, VERSION) };
    Errno::result(version).map(|version| version as i32)
}

/// A set of rules that takes these rights to files from a process, and all of these reaches out of it.
///
/// # Errors
/// What the kernel says.
pub fn landlock_ruleset(rights: u64, scopes: u64) -> Result<OwnedFd, Errno> {
    // `struct landlock_ruleset_attr`; of what an older kernel does not know, nothing is asked.
    let attributes = [rights, 0, scopes];
    // SAFETY: the structure outlives the call, and its size is given.
    let fd = Errno::result(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            attributes.as_ptr(),
            size_of_val(&attributes),
            0_u32,
        )
    })?;
    // SAFETY: the kernel made the descriptor for us just now; it is close-on-exec.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Leaves these rights to a file, or to all that is below a folder.
///
/// # Errors
/// What the kernel says.
pub fn landlock_allow(
    rules: BorrowedFd<'_>,
    place: BorrowedFd<'_>,
    rights: u64,
) -> Result<(), Errno> {
    /// `LANDLOCK_RULE_PATH_BENEATH`.
    const PATH_BENEATH: c_int = 1;
    #[repr(C, packed)]
    struct PathBeneath {
        rights: u64,
        place: RawFd,
    }
    let rule = PathBeneath { rights, place: place.as_raw_fd() };
    // SAFETY: the rule outlives the call and has the layout of the kernel's structure.
    let added = unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            rules.as_raw_fd(),
            PATH_BENEATH,
            &raw const rule,
            0_u32,
        )
    };
    Errno::result(added).map(drop)
}

/// From now on the rules hold for this process and all that it starts.
///
/// # Errors
/// What the kernel says.
pub fn landlock_restrict(rules: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: plain numbers.
    let restricted =
        unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0_u32) };
    Errno::result(restricted).map(drop)
}

/// From now on the filter decides about each call of this process and all that it starts.
///
/// # Errors
/// What the kernel says.
pub fn filter_calls(filter: &'static Filter) -> Result<(), Errno> {
    /// `SECCOMP_SET_MODE_FILTER`.
    const SET_MODE_FILTER: u32 = 1;
    #[repr(C)]
    struct Program {
        length: c_ushort,
        code: *const Instruction,
    }
    let code = filter.instructions();
    let program = Program { length: code.len() as c_ushort, code: code.as_ptr() };
    // SAFETY: the program and its instructions outlive the call and have the kernel's layout; the
    // kernel copies and checks them.
    let set =
        unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0_u32, &raw const program) };
    Errno::result(set).map(drop)
}

/// Leaves no other capabilities than these, neither to this process nor to what it executes, whoever
/// that runs as (`capabilities(7)`).
///
/// # Errors
/// What the kernel says.
pub fn keep_capabilities(kept: u64) -> Result<(), Errno> {
    for capability in (0..64).filter(|number| kept & (1 << number) == 0) {
        // SAFETY: plain numbers.
        let dropped = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability as c_ulong, 0, 0, 0) };
        match Errno::result(dropped) {
            Ok(_) => {}
            // The first one that the kernel does not know: it knows none above either.
            Err(Errno::EINVAL) => break,
            Err(error) => return Err(error),
        }
    }
    // SAFETY: plain numbers.
    unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
    let header = [CAPABILITY_VERSION, 0];
    let mut sets = [0_u32; 6];
    // SAFETY: both outlive the call and have the layout of the kernel's two structures.
    let got = unsafe { libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) };
    Errno::result(got)?;
    for (place, set) in sets.iter_mut().enumerate() {
        // Effective, permitted, inheritable: the lower half of each, then the upper.
        *set &= (kept >> (32 * (place / 3))) as u32;
    }
    // What is executed by root has what its bounding set allows; nobody hands anything on.
    (sets[2], sets[5]) = (0, 0);
    // SAFETY: as above.
    let set = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    Errno::result(set).map(drop)
}

/// From now on nothing that is executed has more rights than this process (`no_new_privs` of `prctl(2)`).
///
/// # Errors
/// What the kernel says.
pub fn no_new_privileges() -> Result<(), Errno> {
    // SAFETY: plain numbers.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }).map(drop)
}

/// Goes into a mount namespace of its own. What is mounted later on the host appears in it, and nothing
/// of it appears there (`mount_namespaces(7)`).
///
/// # Errors
/// What the kernel says.
pub fn own_mounts() -> Result<(), Errno> {
    // SAFETY: plain numbers.
    Errno::result(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    mount(c"none", c"/", c"", libc::MS_REC | libc::MS_SLAVE, c"")
}

/// `mount(2)`.
///
/// # Errors
/// What the kernel says.
pub fn mount(
    source: &CStr,
    target: &CStr,
    kind: &CStr,
    flags: c_ulong,
    data: &CStr,
) -> Result<(), Errno> {
    // SAFETY: the strings outlive the call and end with a zero byte.
    let mounted = unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast())
    };
    Errno::result(mounted).map(drop)
}

/// All that is mounted here, once more, and nowhere yet (`open_tree(2)`, Linux 5.2).
///
/// # Errors
/// What the kernel says.
pub fn copy_of_tree(path: &CStr) -> Result<OwnedFd, Errno> {
    /// `OPEN_TREE_CLONE`; the other flags are those of `openat(2)`.
    const CLONE: c_int = 1;
    let flags = CLONE | libc::O_CLOEXEC | libc::AT_RECURSIVE;
    // SAFETY: the path outlives the call.
    let fd = Errno::result(unsafe {
        libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags)
    })?;
    // SAFETY: the kernel made the descriptor for us just now.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Makes all that is mounted here read-only (`mount_setattr(2)`, Linux 5.12).
///
/// # Errors
/// What the kernel says.
pub fn set_read_only(tree: BorrowedFd<'_>) -> Result<(), Errno> {
    /// `MOUNT_ATTR_RDONLY`.
    const READ_ONLY: u64 = 1;
    // `struct mount_attr`: set, clear, propagation, user namespace.
    let attributes = [READ_ONLY, 0, 0, 0];
    let flags = libc::AT_EMPTY_PATH | libc::AT_RECURSIVE;
    // SAFETY: the path and the structure outlive the call, and the size is given.
    let set = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            flags,
            attributes.as_ptr(),
            size_of_val(&attributes),
        )
    };
    Errno::result(set).map(drop)
}

/// Mounts it here (`move_mount(2)`).
///
/// # Errors
/// What the kernel says.
pub fn mount_tree(tree: BorrowedFd<'_>, path: &CStr) -> Result<(), Errno> {
    /// `MOVE_MOUNT_F_EMPTY_PATH` and `MOVE_MOUNT_T_SYMLINKS`.
    const FLAGS: c_int = 0x4 | 0x10;
    // SAFETY: the paths outlive the call.
    let moved = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            path.as_ptr(),
            FLAGS,
        )
    };
    Errno::result(moved).map(drop)
}

/// Starts a process that shares the memory of this one, which waits until it has executed something or
/// ended (`vfork(2)`). That costs no copy of this process, whatever it has in memory. All signals are
/// blocked meanwhile, in both.
///
/// What `child` notes in variables of its own can be read afterwards. It must make system calls alone, and
/// must not give back anything: no memory and no descriptor, since it is the parent that has them.
///
/// # Errors
/// What the kernel says.
pub fn start(child: &mut dyn FnMut()) -> Result<c_int, Errno> {
    /// More than the child has in use; of what it does not touch nothing is there.
    const STACK: usize = 128 << 10;
    extern "C" fn begin(argument: *mut libc::c_void) -> c_int {
        // SAFETY: it is the reference below, which outlives the child's use of this memory.
        let child = unsafe { &mut *argument.cast::<&mut dyn FnMut()>() };
        child();
        // SAFETY: ends this process alone, and runs nothing.
        unsafe { libc::_exit(127) }
    }
    let mut stack = Vec::<u128>::with_capacity(STACK / size_of::<u128>());
    let mut child = child;
    let (all, mut before) = (u64::MAX, 0_u64);
    let mask = |new: *const u64, old: *mut u64| {
        // The kernel's call: the C library's leaves out two signals.
        // SAFETY: both outlive the call and are as long as the size says.
        unsafe {
            libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, new, old, size_of::<u64>())
        }
    };
    mask(&raw const all, &raw mut before);
    // SAFETY: the stack grows down from its end, which is aligned, and is the child's alone. This process
    // stands still until the child uses neither it nor any other memory of this process any more.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(stack.capacity());
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        libc::clone(begin, top.cast(), flags, (&raw mut child).cast())
    };
    let pid = Errno::result(pid);
    mask(&raw const before, std::ptr::null_mut());
    pid
}

/// Words or variables for a program, as the kernel reads them.
#[derive(Debug)]
pub struct Strings {
    /// Into what follows, and null at the end.
    pointers: Vec<*const c_char>,
    _strings: Vec<CString>,
}

impl Strings {
    /// These.
    pub fn new(strings: Vec<CString>) -> Self {
        let pointers = strings.iter().map(|string| string.as_ptr());
        let pointers = pointers.chain([std::ptr::null()]).collect();
        Self { pointers, _strings: strings }
    }
}

/// Becomes the program at this path. Comes back only if the kernel does not execute it.
pub fn execute(path: &CStr, words: &Strings, environment: &Strings) -> Errno {
    // SAFETY: the path and both arrays outlive the call; each string ends with a zero byte, each array
    // with null. By the C library, which has sudo's NOEXEC in it where that is set.
    unsafe {
        libc::execve(path.as_ptr(), words.pointers.as_ptr(), environment.pointers.as_ptr());
    }
    Errno::last()
}

/// Becomes the program that is open (`execveat(2)`). Comes back only if the kernel does not execute it.
pub fn execute_open(file: BorrowedFd<'_>, words: &Strings, environment: &Strings) -> Errno {
    // SAFETY: as above.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            file.as_raw_fd(),
            c"".as_ptr(),
            words.pointers.as_ptr(),
            environment.pointers.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    Errno::last()
}
