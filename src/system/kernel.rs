//! The kernel's interfaces that no crate wraps safely, and all `unsafe` of this program.
#![allow(unsafe_code)]

use crate::system::proc::{Field, Stat};
use nix::errno::Errno;
use nix::libc::{self, c_int, c_ulong};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::unistd::{Gid, Pid, Uid};
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, PipeReader};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

/// The last signal number of Linux, real-time signals included (`signal(7)`).
const LAST_SIGNAL: c_int = 64;

/// The signals that keep their default action: those that nobody can change, those that report
/// a defect in the process itself, those that do nothing or are needed to wait for children, and
/// the two that the C library keeps for itself, which it would not give back to a child.
const KEPT: [c_int; 14] = [
    libc::SIGKILL,
    libc::SIGSTOP,
    libc::SIGCHLD,
    libc::SIGCONT,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGURG,
    32,
    33,
];

/// What this program is made of, where scanners of known vulnerabilities look for it
/// (<https://github.com/rust-secure-code/cargo-auditable>).
// SAFETY: nothing else is put into a section of that name, and no code reads it.
#[used]
#[unsafe(link_section = ".dep-v0")]
static DEPENDENCIES: [u8; include_bytes!(concat!(env!("OUT_DIR"), "/dependencies.zlib")).len()] =
    *include_bytes!(concat!(env!("OUT_DIR"), "/dependencies.zlib"));

/// Ignores every signal that would end or stop this process, forgets those that were sent
/// already, and unblocks all.
///
/// Ignoring comes first: it discards what is pending (`sigaction(2)`), so that a signal which
/// the caller blocked and raised before the exec is not delivered by the unblocking.
pub fn ignore_signals() {
    // All first, which forgets what is pending of those kept, too.
    (1..=LAST_SIGNAL).for_each(|signal| handle(signal, libc::SIG_IGN));
    KEPT.into_iter().for_each(|signal| handle(signal, libc::SIG_DFL));
    let none: u64 = 0;
    // SAFETY: `none` outlives the call and is as long as the size says.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const none,
            std::ptr::null_mut::<u64>(),
            size_of::<u64>(),
        );
    }
}

/// Ignores what a key at a terminal stops a process with, and what stops one that reads or writes there
/// in the background (`signal(7)`): who is stopped keeps its locks.
pub fn ignore_stops() {
    [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU]
        .into_iter()
        .for_each(|signal| handle(signal, libc::SIG_IGN));
}

/// Gives every signal its default action again, and unblocks all, for what is executed next.
pub fn default_signals() {
    (1..=LAST_SIGNAL).for_each(|signal| handle(signal, libc::SIG_DFL));
    let _ = SigSet::empty().thread_set_mask();
}

fn handle(signal: c_int, handler: libc::sighandler_t) {
    // The kernel's structure and call, not the C library's: that refuses the two real-time
    // signals it keeps for itself, which a caller can set to be ignored all the same.
    #[repr(C)]
    struct Action {
        handler: libc::sighandler_t,
        flags: c_ulong,
        restorer: usize,
        mask: u64,
    }
    let new = Action { handler, flags: 0, restorer: 0, mask: 0 };
    // SAFETY: `new` outlives the call and has the layout of the kernel's `struct sigaction`
    // (with `sa_restorer`, unused if the handler is no function; architectures without
    // the field have `mask` in its place, which is zero too). SIGKILL and SIGSTOP are
    // refused with EINVAL, as they should be.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            &raw const new,
            std::ptr::null_mut::<Action>(),
            size_of::<u64>(),
        );
    }
}

/// Stops the interval timers that survive an exec (`setitimer(2)`).
pub fn stop_timers() {
    // SAFETY: an all-zero `itimerval` is a valid one and means "no timer".
    let off: libc::itimerval = unsafe { std::mem::zeroed() };
    for timer in [libc::ITIMER_REAL, libc::ITIMER_VIRTUAL, libc::ITIMER_PROF] {
        // SAFETY: `off` outlives the call; the old value is not asked for.
        unsafe { libc::setitimer(timer as _, &raw const off, std::ptr::null_mut()) };
    }
}

/// Closes every descriptor above the standard ones.
///
/// # Errors
/// If neither `close_range(2)` (Linux 5.9) nor `/proc/self/fd` is there.
pub fn close_descriptors() -> io::Result<()> {
    // SAFETY: this runs before the program opened anything, so no owner of a descriptor exists
    // whose number is pulled away under it.
    if unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) } == 0 {
        return Ok(());
    }
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        // SAFETY: as above; the directory's own descriptor is closed already and gives EBADF.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

/// Clears the ambient capabilities, the personality, the timer slack, the I/O priority and the
/// scheduling policy that the caller may have set, and lets the process run on every processor.
///
/// # Errors
/// If the scheduling policy cannot be set back.
pub fn reset_scheduling() -> io::Result<()> {
    // SAFETY: these calls take plain numbers and change only attributes of this process.
    unsafe {
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        // Not 0, "the default": that is what the caller had when it forked (`prctl(2)`).
        libc::prctl(libc::PR_SET_TIMERSLACK, 50_000, 0, 0, 0);
        libc::prctl(libc::PR_SET_THP_DISABLE, 0, 0, 0, 0);
        libc::syscall(libc::SYS_set_mempolicy, 0, 0, 0);
        libc::personality(0);
        // IOPRIO_WHO_PROCESS, this process, class "none": as the nice value says.
        libc::syscall(libc::SYS_ioprio_set, 1, 0, 0);
    }
    let all = [0xff_u8; 1024];
    // SAFETY: `all` outlives the call and is as long as the size says; the kernel takes the
    // processors that there are.
    unsafe { libc::syscall(libc::SYS_sched_setaffinity, 0, all.len(), all.as_ptr()) };
    let usual = libc::sched_param { sched_priority: 0 };
    // SAFETY: `usual` outlives the call.
    Errno::result(unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const usual) })?;
    // SAFETY: plain numbers; 0 is this process.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 0) })?;
    // Once set it cannot be taken back.
    // SAFETY: plain numbers, and nothing is changed.
    if unsafe { libc::prctl(libc::PR_GET_MDWE, 0, 0, 0, 0) } > 0 {
        return Err(io::Error::other("memory-deny-write-execute is set (PR_SET_MDWE)"));
    }
    Ok(())
}

/// Leaves the caller's session keyring for a new one (`keyctl_join_session_keyring(3)`).
///
/// Containers hide the call; then there is no keyring to take over either.
pub fn leave_keyring() {
    // SAFETY: the operation takes a name or null for a nameless keyring.
    unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            libc::KEYCTL_JOIN_SESSION_KEYRING,
            std::ptr::null::<libc::c_char>(),
        );
    }
}

/// Whether the kernel gave this process more rights than its caller had: set-user-ID,
/// set-group-ID or file capabilities (`AT_SECURE` of `getauxval(3)`).
pub fn is_secure_exec() -> bool {
    // SAFETY: takes a number, gives a number.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// A descriptor for the process, which becomes readable when it ends (`pidfd_open(2)`, Linux 5.3).
///
/// # Errors
/// What the kernel says.
pub fn pidfd(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: takes plain numbers.
    let fd = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0_u32) })?;
    // SAFETY: the kernel made the descriptor for us just now; it is close-on-exec.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// A descriptor for the process at the other end of a connection, as it was when it connected
/// (`SO_PEERPIDFD`, `unix(7)`, Linux 6.5).
///
/// # Errors
/// What the kernel says.
pub fn peer_pidfd(connection: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut fd: RawFd = -1;
    let mut size = size_of::<RawFd>() as libc::socklen_t;
    // SAFETY: both outlive the call, and the size is that of the number.
    Errno::result(unsafe {
        libc::getsockopt(
            connection.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERPIDFD,
            (&raw mut fd).cast(),
            &raw mut size,
        )
    })?;
    // SAFETY: the kernel made the descriptor for us just now.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes what `command` starts run as the account with these ids, for good.
pub fn as_account(command: &mut Command, uid: Uid, gid: Gid, groups: Vec<Gid>) {
    // SAFETY: the closure makes only async-signal-safe system calls; the groups were looked up
    // before.
    unsafe {
        command.pre_exec(move || {
            nix::unistd::setgroups(&groups)?;
            nix::unistd::setresgid(gid, gid, gid)?;
            nix::unistd::setresuid(uid, uid, uid)?;
            Ok(())
        });
    }
}

/// Makes this process one of the account with these ids for good: no id, no capability of any set
/// and no keyring of root's is left, and nothing that it executes gives it any (`credentials(7)`,
/// `capabilities(7)`, `no_new_privs` of `prctl(2)`).
///
/// # Errors
/// What the kernel says; then it is neither the one nor the other, and must end.
pub fn become_account(uid: Uid, gid: Gid, groups: &[Gid]) -> io::Result<()> {
    /// The highest number there can be: each set has 64 bits.
    const LAST_CAPABILITY: c_ulong = 63;
    /// `_LINUX_CAPABILITY_VERSION_3`, with two words for each set (`capset(2)`).
    const VERSION: u32 = 0x2008_0522;
    for capability in 0..=LAST_CAPABILITY {
        // SAFETY: plain numbers. What the kernel does not know it refuses.
        let dropped = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        if dropped != 0 && Errno::last() != Errno::EINVAL {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: plain numbers. Without these a change of the user id takes the capabilities away.
    unsafe {
        libc::prctl(libc::PR_SET_SECUREBITS, 0, 0, 0, 0);
        libc::prctl(libc::PR_SET_KEEPCAPS, 0, 0, 0, 0);
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    }
    nix::unistd::setgroups(groups)?;
    nix::unistd::setresgid(gid, gid, gid)?;
    nix::unistd::setresuid(uid, uid, uid)?;
    let header = [VERSION, 0];
    let none = [0_u32; 6];
    // SAFETY: both outlive the call and have the layout of the kernel's two structures.
    let set = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    Errno::result(set)?;
    // SAFETY: plain numbers.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
    leave_keyring();
    Ok(())
}

/// Whether the file gives capabilities to who runs it (`capabilities(7)`). A link is not followed.
pub fn has_capabilities(path: &CStr) -> bool {
    has_attribute(path, c"security.capability")
}

/// Whether the file has the extended attribute (`xattr(7)`). A link is not followed.
pub fn has_attribute(path: &CStr, name: &CStr) -> bool {
    // SAFETY: both strings end with a zero byte; without room the kernel only tells the size.
    let size = unsafe { libc::lgetxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) };
    size > 0
}

/// The value of the extended attribute, if the file has it (`xattr(7)`). A link is not followed.
pub fn attribute(path: &CStr, name: &CStr) -> Option<Vec<u8>> {
    // The most that one may hold (`xattr(7)`).
    const LARGEST: usize = 64 << 10;
    if !has_attribute(path, name) {
        return None;
    }
    let mut value = vec![0; LARGEST];
    // SAFETY: both strings end with a zero byte; the kernel writes at most as many bytes as there
    // is room for.
    let size = unsafe {
        libc::lgetxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len())
    };
    value.truncate(usize::try_from(size).ok()?);
    Some(value)
}

/// Takes the extended attribute off an open file or folder, if it has it (`xattr(7)`).
///
/// # Errors
/// What the kernel says.
pub fn remove_attribute(file: &File, name: &CStr) -> io::Result<()> {
    // SAFETY: the descriptor is open as long as the file is borrowed; the name ends with a zero byte.
    let removed = unsafe { libc::fremovexattr(file.as_raw_fd(), name.as_ptr()) };
    match Errno::result(removed) {
        Ok(_) | Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Makes what `command` starts lead a session of its own: the terminal's Ctrl-C does not reach it,
/// and it can ask nothing there (`setsid(2)`).
pub fn in_new_session(command: &mut Command) {
    // SAFETY: the closure makes one async-signal-safe system call.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?;
            Ok(())
        });
    }
}

/// Takes over a descriptor that the caller left open: what is started from now on does not have it.
///
/// # Errors
/// What the kernel says: `EBADF` if it is not open for reading.
pub fn take_descriptor(number: RawFd) -> io::Result<File> {
    // SAFETY: called before this program has opened anything, so the number is the caller's or
    // nobody's. The standard ones stay, for others own them; the rest has no other owner.
    unsafe {
        let access = Errno::result(libc::fcntl(number, libc::F_GETFL))? & libc::O_ACCMODE;
        if access == libc::O_WRONLY {
            return Err(Errno::EBADF.into());
        }
        let copy = Errno::result(libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3))?;
        if number > 2 {
            libc::close(number);
        }
        Ok(File::from_raw_fd(copy))
    }
}

/// How often somebody has asked this process to end, since [`count_interrupts`].
static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

/// From now on the first SIGINT, SIGTERM or SIGHUP is counted, and the second ends this process
/// at once with the exit status that a shell gives for Ctrl-C.
pub fn count_interrupts() {
    extern "C" fn count(_: c_int) {
        if INTERRUPTS.fetch_add(1, Ordering::SeqCst) > 0 {
            // SAFETY: async-signal-safe (`signal-safety(7)`).
            unsafe { libc::_exit(130) };
        }
    }
    let action = SigAction::new(SigHandler::Handler(count), SaFlags::empty(), SigSet::empty());
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // SAFETY: the handler does nothing but count and end the process.
        // A signal that cannot be caught keeps its default, which is to end.
        let _ = unsafe { sigaction(signal, &action) };
    }
}

/// Whether somebody has asked this process to end.
pub fn is_interrupted() -> bool {
    INTERRUPTS.load(Ordering::SeqCst) > 0
}

/// The signals that ask a process to end: of a terminal, of a service manager, of `timeout(1)`.
const END_SIGNALS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// The last of them that came since [`note_end_signals`]; 0: none.
static END_SIGNAL: AtomicI32 = AtomicI32::new(0);

/// Where it is told besides; below 0: nowhere.
static END_PIPE: AtomicI32 = AtomicI32::new(-1);

/// From now on a signal that asks this process to end is only noted. What is executed from here
/// has its default action again (`execve(2)`), and what is forked ignores it when it calls
/// [`ignore_signals`].
pub fn note_end_signals() {
    extern "C" fn note(signal: c_int) {
        let before = Errno::last_raw();
        END_SIGNAL.store(signal, Ordering::SeqCst);
        let pipe = END_PIPE.load(Ordering::SeqCst);
        if pipe >= 0 {
            // SAFETY: async-signal-safe (`signal-safety(7)`); the byte outlives the call.
            unsafe { libc::write(pipe, [0_u8].as_ptr().cast(), 1) };
        }
        Errno::set_raw(before);
    }
    let action = SigAction::new(SigHandler::Handler(note), SaFlags::SA_RESTART, SigSet::empty());
    for signal in END_SIGNALS {
        // SAFETY: the handler does nothing but note the signal.
        let _ = unsafe { sigaction(signal, &action) };
    }
}

/// The signal that asked this process to end, if one did.
pub fn end_signal() -> Option<i32> {
    Some(END_SIGNAL.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
}

/// A pipe that has something to read once this process was asked to end.
///
/// # Errors
/// What the kernel says.
pub fn end_pipe() -> io::Result<PipeReader> {
    let (reader, writer) = io::pipe()?;
    nonblocking(writer.as_fd())?;
    // Kept to the end of the process: the handler may write at any time. One that is replaced
    // has nobody left who reads it.
    END_PIPE.store(writer.into_raw_fd(), Ordering::SeqCst);
    if end_signal().is_some() {
        // It came before there was a pipe.
        let pipe = END_PIPE.load(Ordering::SeqCst);
        // SAFETY: the descriptor is open, and the byte outlives the call.
        unsafe { libc::write(pipe, [0_u8].as_ptr().cast(), 1) };
    }
    Ok(reader)
}

/// Keeps these bytes out of swap and of core dumps, if the limits allow it (`mlock(2)`,
/// `MADV_DONTDUMP` of `madvise(2)`).
pub fn keep_in_memory(bytes: &mut [u8]) {
    let page = 4096_usize;
    let start = bytes.as_mut_ptr();
    let length = bytes.len();
    // SAFETY: the bytes are ours and stay what they are; both calls touch the kernel's table of
    // pages alone, and what they refuse they leave as it was. The pages begin before the bytes.
    unsafe {
        libc::mlock(start.cast(), length);
        let before = start.addr() % page;
        libc::madvise(start.wrapping_sub(before).cast(), length + before, libc::MADV_DONTDUMP);
    }
}

/// Gives this process another name in the lists of processes, so that who ends everything called
/// `sm-helper` does not end an operation in the middle.
pub fn rename(name: &CStr) {
    let _ = nix::sys::prctl::set_name(name);
    let Some(stat) = Stat::of("self") else { return };
    let address = |field| stat.field::<usize>(field);
    let line = (address(Field::ArgumentsStart), address(Field::ArgumentsEnd));
    let (Some(start), Some(end)) = line else { return };
    let name = name.to_bytes();
    if start == 0 || end <= start + name.len() {
        return;
    }
    let words = std::ptr::with_exposed_provenance_mut::<u8>(start);
    // SAFETY: the kernel put the command line there, writable, and nothing else between these
    // two addresses; what was needed of it was copied at the start, and there is one thread.
    unsafe {
        std::ptr::write_bytes(words, 0, end - start);
        std::ptr::copy_nonoverlapping(name.as_ptr(), words, name.len());
    }
}

/// Makes this process the one that becomes the parent of what its descendants leave behind
/// (`PR_SET_CHILD_SUBREAPER`, `prctl(2)`).
pub fn adopt() {
    let _ = nix::sys::prctl::set_child_subreaper(true);
}

/// Which of the two processes a [`fork`] left us in.
pub enum Forked {
    /// The new one.
    Child,
    /// The old one, and which the new one is.
    Parent(Pid),
}

/// Splits the process in two.
///
/// # Errors
/// What the kernel says.
pub fn fork() -> io::Result<Forked> {
    // SAFETY: this program has one thread, so the child inherits no lock that nobody frees.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Child => Ok(Forked::Child),
        nix::unistd::ForkResult::Parent { child } => Ok(Forked::Parent(child)),
    }
}

/// Puts `new` instead of the descriptor with the number `old`.
///
/// # Errors
/// What the kernel says.
pub fn replace(old: RawFd, new: impl AsFd) -> io::Result<()> {
    // SAFETY: only standard descriptors are replaced, whose numbers nobody owns.
    Errno::result(unsafe { libc::dup2(new.as_fd().as_raw_fd(), old) })?;
    Ok(())
}

/// Hands a copy of a descriptor to the process at the other end of a socket (`SCM_RIGHTS`,
/// `unix(7)`).
///
/// # Errors
/// What the kernel says; `EPIPE` if nobody is there.
pub fn hand_over(socket: BorrowedFd<'_>, fd: BorrowedFd<'_>) -> io::Result<()> {
    let fds = [fd.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&fds)];
    let one = [IoSlice::new(&[0])];
    let flags = MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(socket.as_raw_fd(), &one, &rights, flags, None)?;
    Ok(())
}

/// Waits for a descriptor that [`hand_over`] gives to this process. None if the other end is closed.
///
/// # Errors
/// What the kernel says.
pub fn take_over(socket: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let mut byte = [0];
    let mut room = nix::cmsg_space!(RawFd);
    let mut into = [IoSliceMut::new(&mut byte)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = loop {
        match recvmsg::<()>(socket.as_raw_fd(), &mut into, Some(&mut room), flags) {
            Err(Errno::EINTR) => {}
            other => break other?,
        }
    };
    let fd = message.cmsgs()?.find_map(|each| match each {
        ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
        _ => None,
    });
    // SAFETY: the kernel has made this number for us with the message, and nobody else knows it.
    Ok(fd.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// Makes the descriptor's reads return at once.
///
/// # Errors
/// What the kernel says.
pub fn nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    let flags = nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_GETFL)?;
    let flags = nix::fcntl::OFlag::from_bits_retain(flags) | nix::fcntl::OFlag::O_NONBLOCK;
    nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFL(flags))?;
    Ok(())
}

/// A file that nobody has open for writing; who opens it for that waits until this is dropped.
#[derive(Debug)]
pub struct ReadLease<'f> {
    file: &'f File,
    before: libc::sighandler_t,
}

impl Drop for ReadLease<'_> {
    fn drop(&mut self) {
        // SAFETY: these calls take plain numbers; the action is the one that was there before.
        unsafe {
            libc::fcntl(self.file.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK);
            libc::signal(libc::SIGIO, self.before);
        }
    }
}

/// Takes a read lease on a file of one's own (`F_SETLEASE`, `fcntl(2)`). It is to be held for a
/// moment: the kernel takes it away after `/proc/sys/fs/lease-break-time`.
///
/// # Errors
/// `WouldBlock` if somebody has it open for writing; something else if there is no lease to
/// be had for this file or this process.
pub fn read_lease(file: &File) -> io::Result<ReadLease<'_>> {
    // The kernel's way to say that somebody waits, which would end this process.
    // SAFETY: ignoring a signal runs no code.
    let before = unsafe { libc::signal(libc::SIGIO, libc::SIG_IGN) };
    let lease = ReadLease { file, before };
    // SAFETY: takes plain numbers; the descriptor is open as long as `file` is borrowed.
    Errno::result(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) })?;
    Ok(lease)
}

/// A file in memory (`mmap(2)`), of which only the pages are read that somebody looks at.
#[derive(Debug)]
pub struct Mapped {
    start: NonNull<libc::c_void>,
    length: usize,
}

// SAFETY: it is read and never written, from its beginning to its end.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// Maps the whole file. It is to be one that nobody writes any more once it has its name: one that is
    /// made shorter meanwhile ends this process by SIGBUS.
    ///
    /// # Errors
    /// What the kernel says, also of an empty file.
    pub fn of(file: &File) -> io::Result<Self> {
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        // SAFETY: a new place, which the kernel chooses; the descriptor is open as long as it is borrowed.
        let start = unsafe {
            let flags = libc::MAP_PRIVATE;
            libc::mmap(ptr::null_mut(), length, libc::PROT_READ, flags, file.as_raw_fd(), 0)
        };
        match NonNull::new(start).filter(|_| start != libc::MAP_FAILED) {
            Some(start) => Ok(Self { start, length }),
            None => Err(io::Error::last_os_error()),
        }
    }

    /// Its content.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: so many bytes are mapped there, to be read, until this is dropped.
        unsafe { slice::from_raw_parts(self.start.as_ptr().cast(), self.length) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: this is what was mapped, and nobody has a reference into it any more.
        unsafe { libc::munmap(self.start.as_ptr(), self.length) };
    }
}

/// How many columns the terminal has (`TIOCGWINSZ`, `ioctl_tty(2)`); none if it is no terminal,
/// or does not know.
pub fn columns(terminal: BorrowedFd<'_>) -> Option<u16> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the descriptor is open as long as it is borrowed; the kernel writes one `winsize`.
    let asked = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) };
    (asked == 0 && size.ws_col > 0).then_some(size.ws_col)
}

/// Ends this process by SIGALRM after so many seconds, unless it ended by itself; 0: no more.
pub fn end_after(seconds: u32) {
    // SAFETY: sets an action and a timer; takes plain numbers.
    unsafe {
        libc::signal(libc::SIGALRM, if seconds == 0 { libc::SIG_IGN } else { libc::SIG_DFL });
        libc::alarm(seconds);
    }
}

/// The names of an inode of a btrfs subvolume, from the subvolume's root
/// (`BTRFS_IOC_INO_PATHS`, `btrfs-inspect-internal(8)`). They are as many as fit into the 4 KiB
/// that the kernel answers at most: an inode with more names has others as well.
///
/// # Errors
/// What the kernel says: it is no btrfs, there is no such inode, or this process may not ask.
pub fn btrfs_paths(subvolume: BorrowedFd<'_>, ino: u64) -> io::Result<Vec<Vec<u8>>> {
    const SIZE: usize = 4096;
    const HEAD: usize = 16;
    // struct btrfs_ioctl_ino_path_args of linux/btrfs.h
    #[repr(C)]
    struct Request {
        ino: u64,
        size: u64,
        reserved: [u64; 4],
        answer: u64,
    }
    let request_code = nix::request_code_readwrite!(0x94, 35, size_of::<Request>());
    // struct btrfs_data_container: four numbers of 32 bits, the third of which is how many places
    // follow; each is where a name begins, from the end of these four.
    let mut answer = vec![0_u8; SIZE];
    let mut request =
        Request { ino, size: SIZE as u64, reserved: [0; 4], answer: answer.as_mut_ptr() as u64 };
    // SAFETY: the descriptor is open as long as it is borrowed; the kernel reads one `Request` and
    // writes at most `size` bytes at `answer`, which outlives the call.
    Errno::result(unsafe { libc::ioctl(subvolume.as_raw_fd(), request_code, &raw mut request) })?;
    let count = u32::from_ne_bytes([answer[8], answer[9], answer[10], answer[11]]) as usize;
    let name = |place: &[u8]| {
        let start = HEAD + usize::try_from(u64::from_ne_bytes(place.try_into().ok()?)).ok()?;
        let rest = answer.get(start..)?;
        Some(rest[..rest.iter().position(|byte| *byte == 0)?].to_vec())
    };
    let names: Option<Vec<_>> = answer[HEAD..].chunks_exact(8).take(count).map(name).collect();
    names.ok_or_else(|| io::ErrorKind::InvalidData.into())
}
