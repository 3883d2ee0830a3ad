#!/usr/bin/python3
"""Tries what a program of root's could do, and says of each how it ended: `name OK`, or the error.

What it opens for writing it does not write, what it makes it removes, and what would harm the host it
asks for in a way that fails, with another error than that of a call that is refused.
"""
import ctypes
import errno
import os
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)
NR = {
    "x86_64": dict(
        ptrace=101, iopl=172, init_module=175, add_key=248, keyctl=250, unshare=272, open_by_handle_at=304,
        setns=308, process_vm_readv=310, finit_module=313, bpf=321, userfaultfd=323, kexec_load=246,
        perf_event_open=298, swapon=167, sched_setscheduler=144, personality=135, clock_settime=227,
    ),
    "aarch64": dict(
        ptrace=117, init_module=105, add_key=217, keyctl=219, unshare=97, open_by_handle_at=265,
        setns=268, process_vm_readv=270, finit_module=273, bpf=280, userfaultfd=282, kexec_load=104,
        perf_event_open=241, swapon=224, sched_setscheduler=119, personality=92, clock_settime=112,
    ),
}[os.uname().machine]
NR.update(clone3=435, io_uring_setup=425, open_tree=428)
BAD = ctypes.c_void_p(-4096)


def call(name, *arguments):
    ctypes.set_errno(0)
    words = [ctypes.c_void_p(a) if isinstance(a, int) else a for a in arguments]
    if libc.syscall(ctypes.c_long(NR[name]), *words) < 0:
        raise OSError(ctypes.get_errno(), name)


def mount(source, target, kind, flags):
    ctypes.set_errno(0)
    text = [part.encode() if part else None for part in (source, target, kind)]
    if libc.mount(*text, ctypes.c_ulong(flags), None) < 0:
        raise OSError(ctypes.get_errno(), "mount")


def umount(target):
    ctypes.set_errno(0)
    if libc.umount2(target.encode(), 2) < 0:
        raise OSError(ctypes.get_errno(), "umount")


def mounted(source, target, kind, flags):
    mount(source, target, kind, flags)
    try:
        umount(target)
    except OSError:
        pass  # It goes with the namespace.


def opened(path):
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))


def made(folder):
    path = folder + "/.tried"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    os.unlink(path)


def moved(path):
    os.rename(path, path + ".tried")
    os.rename(path + ".tried", path)


def chmod(path):
    os.chmod(path, os.stat(path).st_mode & 0o7777)


def in_child(work):
    """So that this process stays where it is."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 0
        try:
            work()
        except OSError as error:
            code = error.errno
        os.write(writer, code.to_bytes(2, "little"))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        os.close(reader), os.close(writer)
        raise OSError(errno.EPERM, "killed")
    code = int.from_bytes(os.read(reader, 2), "little")
    os.close(reader), os.close(writer)
    if code:
        raise OSError(code, "child")


TRIES = {
    # Files and folders.
    "sudoers": lambda: opened("/etc/sudoers"),
    "sudoers.d": lambda: made("/etc/sudoers.d"),
    "policy": lambda: made("/etc/sm"),
    "log": lambda: opened("/var/log/sm/audit.jsonl"),
    "state": lambda: made("/var/lib/sm"),
    "program": lambda: moved("/usr/local/bin/sm-helper"),
    "program-mode": lambda: chmod("/usr/local/bin/sm-helper"),
    "home": lambda: made("/home/other"),
    "root": lambda: made("/root"),
    "etc": lambda: made("/etc"),
    "usr": lambda: made("/usr"),
    "srv": lambda: made("/srv"),
    "var": lambda: made("/var/lib"),
    "run": lambda: made("/run"),
    "tmp": lambda: made("/tmp"),
    "mode": lambda: chmod("/usr/bin/env"),
    "owner": lambda: os.chown("/usr/bin/env", 0, 0),
    "times": lambda: os.utime("/usr/bin/env"),
    # Where a file system is read-only, what is no file can be written all the same.
    "fifo": lambda: os.close(os.open("/run/fifo", os.O_RDWR | os.O_NONBLOCK)),
    "outside": lambda: opened("/proc/1/root/etc/sudoers"),
    # The network.
    "unix": lambda: socket.socket(socket.AF_UNIX).close(),
    "inet": lambda: socket.socket(socket.AF_INET).close(),
    "inet6": lambda: socket.socket(socket.AF_INET6).close(),
    "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
    # Namespaces and mounts.
    "unshare-mount": lambda: in_child(lambda: call("unshare", 0x00020000)),
    "unshare-user": lambda: in_child(lambda: call("unshare", 0x10000000)),
    "clone3": lambda: call("clone3", 0, 0),
    "setns": lambda: call("setns", 0xFFFF, 0),
    "mount": lambda: in_child(lambda: mounted("tmpfs", "/mnt", "tmpfs", 0)),
    "mount-over": lambda: in_child(lambda: mounted("/srv", "/etc/sudoers.d", None, 4096)),
    "remount": lambda: mount(None, "/etc/sudoers.d", None, 32 | 4096),
    "umount": lambda: umount("/etc/sudoers.d"),
    "open_tree": lambda: call("open_tree", 0xFFFF, BAD, 0),
    # Other processes and the kernel.
    "ptrace": lambda: in_child(lambda: call("ptrace", 0, 0, 0, 0)),
    "process_vm_readv": lambda: call("process_vm_readv", 1, 0, 0, 0, 0, 0),
    "kill": lambda: os.kill(1, 0),
    "bpf": lambda: call("bpf", 0xFFFF, 0, 0),
    "perf_event_open": lambda: call("perf_event_open", BAD, 0, 0, 0, 0),
    "userfaultfd": lambda: call("userfaultfd", 0xFFFFFFFF),
    "io_uring_setup": lambda: call("io_uring_setup", 0, 0),
    "init_module": lambda: call("init_module", 0, 0, BAD),
    "finit_module": lambda: call("finit_module", 0xFFFF, BAD, 0),
    "kexec_load": lambda: call("kexec_load", 0, 1 << 20, 0, 0),
    "keyctl": lambda: call("keyctl", 0xFFFF, 0, 0, 0, 0),
    "add_key": lambda: call("add_key", 0, 0, 0, 0, 0),
    "open_by_handle_at": lambda: call("open_by_handle_at", 0xFFFF, 0, 0),
    "swapon": lambda: call("swapon", BAD, 0),
    "clock_settime": lambda: call("clock_settime", 0xFFFF, 0),
    "realtime": lambda: in_child(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))),
    "personality": lambda: in_child(lambda: call("personality", 0x0040000)),
}
if os.uname().machine == "x86_64":
    TRIES["iopl"] = lambda: call("iopl", 4)
    NR["x32"] = 0x40000000 | 39
    TRIES["x32"] = lambda: in_child(lambda: call("x32"))


def main():
    # First: a standard error that somebody reads.
    for name, attempt in TRIES.items():
        try:
            attempt()
            result = "OK"
        except OSError as error:
            result = errno.errorcode.get(error.errno, str(error.errno))
        print(f"tried {name} {result}", file=sys.stderr)
    status = open("/proc/self/status").read()
    for line in status.splitlines():
        if line.startswith(("CapEff:", "CapBnd:", "NoNewPrivs:", "Seccomp:")):
            field, value = line.split()
            print(f"tried {field[:-1]} {value}", file=sys.stderr)


main()
