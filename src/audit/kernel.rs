//! The kernel's audit log, if it is on: `ausearch -m USER_CMD` finds what was run.

use crate::audit::record::{Event, Record};
use crate::output::hex::hex;
use crate::request::code::Code;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};
use std::io;
use std::os::fd::AsRawFd;

/// What sudo's own commands are logged as (`linux/audit.h`).
const AUDIT_USER_CMD: u16 = 1123;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLMSG_ERROR: u16 = 2;
/// Length, type, flags, sequence number, port (`netlink(7)`).
const HEADER: usize = 16;

/// Sends the record to the kernel. A kernel without audit, or one that hides it from a container,
/// has no log that would miss the record, so that is no error.
///
/// # Errors
/// If the kernel has one and does not take the record.
pub fn send(record: &Record<'_>) -> io::Result<()> {
    let off = |errno: Errno| {
        matches!(
            errno,
            Errno::EPERM
                | Errno::ECONNREFUSED
                | Errno::EPROTONOSUPPORT
                | Errno::EAFNOSUPPORT
                | Errno::ENOSYS
        )
    };
    match message(record) {
        Err(errno) if off(errno) => Ok(()),
        other => Ok(other?),
    }
}

fn message(record: &Record<'_>) -> nix::Result<()> {
    let text = text(record);
    let length = HEADER + text.len() + 1;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend((length as u32).to_ne_bytes());
    bytes.extend(AUDIT_USER_CMD.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
    bytes.extend(1_u32.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(0);
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkAudit,
    )?;
    sendto(socket.as_raw_fd(), &bytes, &NetlinkAddr::new(0, 0), MsgFlags::MSG_DONTWAIT)?;
    // The kernel answers in the same call, so the answer is there.
    let mut answer = [0; 1024];
    let count = recv(socket.as_raw_fd(), &mut answer, MsgFlags::MSG_DONTWAIT)?;
    let kind = answer.get(4..6).map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]));
    let error = answer.get(HEADER..HEADER + 4).filter(|_| count >= HEADER + 4);
    match (kind, error) {
        (Some(NLMSG_ERROR), Some(&[a, b, c, d])) => match i32::from_ne_bytes([a, b, c, d]) {
            0 => Ok(()),
            error => Err(Errno::from_raw(-error)),
        },
        _ => Ok(()),
    }
}

/// As libaudit's `audit_log_user_command` writes it, with what sudo does not know in front.
/// Whatever a caller could choose is in hexadecimal, which is how this log holds such values.
fn text(record: &Record<'_>) -> String {
    let command = match (record.argv, record.operation) {
        (Some(argv), _) => argv.words().join(" "),
        (None, Some(operation)) if record.dry_run => format!("sm-helper {operation} --dry-run"),
        (None, Some(operation)) => format!("sm-helper {operation}"),
        (None, None) => "sm-helper".to_owned(),
    };
    let program = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    let terminal = record.caller.tty.as_deref().unwrap_or("?");
    let good = record.code == Code::Ok && record.event != Event::Refused;
    format!(
        "op=sm-{} acct={} request_id={} sm_code={} cwd=\"/\" cmd={} exe={} terminal={terminal} res={}",
        record.event.word(),
        hex(record.caller.user.as_bytes()).to_uppercase(),
        record.request_id,
        record.code.word(),
        hex(command.as_bytes()).to_uppercase(),
        hex(program.as_os_str().as_encoded_bytes()).to_uppercase(),
        if good { "success" } else { "failed" }
    )
}
