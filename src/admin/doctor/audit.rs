//! The record: can it be written, does it hold together, do its witnesses answer.

use crate::admin::audit::archive::age::Tool;
use crate::admin::audit::archive::timer;
use crate::admin::audit::setup::{file, is_foreign, make_room, rules};
use crate::admin::audit::verify::{Verified, size, verified};
use crate::admin::call;
use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::Finding;
use crate::admin::doctor::paths::{fix, tool_fix, word};
use crate::audit::files::{self, FILE, FOLDER as LOG, LogFile};
use crate::audit::head;
use crate::audit::journal::{JOURNAL, SYSLOG, send_to};
use crate::audit::key;
use crate::audit::rotate::{largest, most_aside};
use crate::managers::host::of_this_host;
use crate::output::text::counted;
use crate::policy::force::InForce;
use crate::policy::model::AuditLog;
use crate::system::file;
use crate::system::state::{self, Access, FOLDER as STATE};
use crate::system::tool;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

pub fn write(_: &Context) -> Vec<Finding> {
    let mut found = Vec::new();
    for folder in [LOG, STATE] {
        if fs::symlink_metadata(folder).is_err() {
            continue;
        }
        // As much as the longest records are, to the disk and away again.
        let probe = Path::new(folder).join(".doctor");
        let written = state::make(&probe, &[0; 16_384], 0o600).and_then(|()| state::remove(&probe));
        if let Err(error) = written {
            found.push(unwritable(folder, &error.to_string()));
        }
    }
    let there = fs::symlink_metadata(FILE).is_ok();
    if found.is_empty()
        && there
        && let Err(error) = state::open(FILE, Access::Append, 0o640, "adm")
    {
        found.push(unwritable(FILE, &error.to_string()));
    }
    crate::admin::doctor::finding::or_ok(found, format!("{LOG} and {STATE} are writable"))
}

fn unwritable(path: &str, error: &str) -> Finding {
    let mounted = nix::sys::statvfs::statvfs(path).ok();
    let read_only =
        mounted.is_some_and(|data| data.flags().contains(nix::sys::statvfs::FsFlags::ST_RDONLY));
    let command = if let Some(command) = fix(Path::new(path)) {
        command
    } else if read_only {
        format!("mount -o remount,rw \"$(findmnt --noheadings --output TARGET --target {path})\"")
    } else {
        format!("df {path}; lsattr -d {LOG} {FILE}")
    };
    Finding::problem(format!("{path} cannot be written to: {error}")).fix(command)
}

/// More than this takes longer to read than one waits for an answer.
const TOO_MUCH: u64 = 512 << 20;

pub fn chain(_: &Context) -> Vec<Finding> {
    match size() {
        Ok(size) if size > TOO_MUCH => {
            let found = format!("about {} MiB of records were not read", size >> 20);
            return vec![
                Finding::warning(found)
                    .means("that takes minutes, so run it as a command of its own")
                    .fix("sm audit verify"),
            ];
        }
        _ => {}
    }
    let wrong =
        |looked: &io::Result<Verified>| looked.as_ref().is_ok_and(|one| one.wrong.is_some());
    let mut looked = verified(None);
    // A record that was being written was in one place and not yet in the other.
    if wrong(&looked) {
        looked = verified(None);
    }
    let verified = match looked {
        Ok(verified) => verified,
        Err(error) => {
            let found = format!("the audit log cannot be read: {error}");
            return vec![Finding::problem(found).fix("sm audit verify")];
        }
    };
    vec![match &verified.wrong {
        None if verified.records() == 0 => Finding::ok("there is no record yet"),
        None => {
            let records = counted(verified.records(), "record");
            match verified.unread().len() as u64 {
                0 => Finding::ok(format!("{records}: the chain is complete")),
                more => Finding::ok(format!(
                    "{records}: the chain is complete, as far as it is not encrypted ({})",
                    counted(more, "file")
                )),
            }
        }
        Some(what) => Finding::problem(what)
            .means("records are missing or were changed: keep the files as they are, and compare them with the journal, which holds each record too")
            .fix("journalctl -t sm-helper _UID=0 _TRANSPORT=journal -o json --output-fields=SM_RECORD"),
    }]
}

/// What is signed, and whether the next checkpoint can be.
pub fn signed(context: &Context) -> Vec<Finding> {
    let every = context.policy.as_ref().map_or(AuditLog::USUAL, |policy| policy.limits().audit);
    let every = u64::from(every.checkpoint_records);
    let head = head::kept();
    let program = word(&context.program);
    if let Err(error) = key::public() {
        let command = match fs::symlink_metadata(key::FILE) {
            Ok(data) if data.is_file() && data.mode() & 0o077 != 0 => {
                format!("chmod 0600 {}", key::FILE)
            }
            _ => format!("{program} audit key --rotate"),
        };
        return vec![Finding::warning(format!("the log is not signed: {error}")).fix(command)];
    }
    let Some(head) = head else { return vec![Finding::ok("there is no record yet to be signed")] };
    let unsigned = head.link.seq.saturating_sub(head.signed);
    vec![if unsigned > every.saturating_mul(2) {
        Finding::warning(format!(
            "the last {} of the log are not signed, although each {every} should be",
            counted(unsigned, "record")
        ))
        .fix(format!("{program} audit checkpoint"))
    } else if head.signed == 0 {
        Finding::ok(format!("the log is signed when it has {}", counted(every, "record")))
    } else {
        Finding::ok(format!("the log is signed until record {}", head.signed))
    }]
}

pub fn journal(_: &Context) -> Vec<Finding> {
    if !Path::new(JOURNAL).exists() {
        // If systemd runs, its journal should too, even if syslog takes the records meanwhile.
        let is_expected = Path::new("/run/systemd/journal").exists();
        return vec![if Path::new(SYSLOG).exists() && !is_expected {
            Finding::ok("there is no journal; syslog receives the records")
        } else {
            Finding::warning("the journal does not listen")
                .fix("systemctl restart systemd-journald.socket systemd-journald.service")
        }];
    }
    let restart = "systemctl restart systemd-journald.socket systemd-journald.service";
    let mark = uuid::Uuid::new_v4().simple().to_string();
    let message = format!(
        "MESSAGE=sm doctor checks whether the journal accepts records\nPRIORITY=5\n\
         SYSLOG_IDENTIFIER=sm-doctor\nSM_DOCTOR={mark}\n"
    );
    if let Err(error) = send_to(JOURNAL, message.as_bytes()) {
        let found = format!("the journal does not accept records: {error}");
        return vec![Finding::warning(found).fix(restart)];
    }
    let field = format!("SM_DOCTOR={mark}");
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let arguments = [
            "--no-pager",
            "--quiet",
            "--lines=1",
            "--output=cat",
            &field,
            "_UID=0",
            "_TRANSPORT=journal",
        ];
        match call::text(call::tool("journalctl", &arguments)) {
            Ok(text) if !text.trim().is_empty() => {
                return vec![Finding::ok("the journal accepts records and returns them")];
            }
            Err(reason) => {
                let command = tool_fix("journalctl").unwrap_or_else(|| restart.to_owned());
                return vec![
                    Finding::warning(format!("the journal cannot be read: {reason}")).fix(command),
                ];
            }
            Ok(_) if Instant::now() >= end => {
                let found = "the journal accepted a record but does not return it";
                return vec![Finding::warning(found).fix(restart)];
            }
            Ok(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}

pub fn kernel(context: &Context) -> Vec<Finding> {
    if tool::find("auditctl").is_none() {
        return vec![Finding::ok("there is no auditd on this host, so the kernel watches nothing")];
    }
    let setup = format!("{} audit setup", word(&context.program));
    let file = file();
    if is_foreign(&file) {
        let found =
            format!("{} has other rules than sm's, so the helper is not watched", file.display());
        return vec![Finding::warning(found).fix(format!("{} && {setup}", make_room()))];
    }
    match file::read_to_string(&file) {
        Ok(text) if text == rules(&context.program) => {}
        Ok(_) => {
            let found = format!("{} is not as it should be", file.display());
            return vec![Finding::warning(found).fix(setup)];
        }
        Err(_) => {
            return vec![
                Finding::warning("auditd is installed, but does not watch the helper").fix(setup),
            ];
        }
    }
    match call::text(call::tool("auditctl", &["-l"])) {
        Ok(listed) => {
            let missing =
                ["sm-exec", "sm-config", "sm-log"].into_iter().find(|key| !listed.contains(key));
            vec![match missing {
                None => Finding::ok("the kernel watches the helper, the policy and the log"),
                Some(key) => Finding::warning(format!("the kernel has no rule with the key {key}"))
                    .fix(setup),
            }]
        }
        Err(reason) => vec![
            Finding::warning(format!("the kernel's rules cannot be listed: {reason}"))
                .fix(tool_fix("auditctl").unwrap_or(setup)),
        ],
    }
}

pub fn rotation(context: &Context) -> Vec<Finding> {
    let log = context.policy.as_ref().map_or(AuditLog::USUAL, |policy| policy.limits().audit);
    let bound = log.total_bytes;
    // At which it is put aside, and how much it may be over that: one record, and much more.
    let largest = largest(bound);
    let slack = (bound - most_aside(bound) - largest).min(16 << 20);
    let on_disk = |data: fs::Metadata| data.blocks() * 512;
    let entries = fs::read_dir(LOG).into_iter().flatten().flatten();
    let size: u64 = entries.filter_map(|entry| entry.metadata().ok()).map(on_disk).sum();
    let log = fs::metadata(FILE).map_or(0, |data| data.len());
    let mut found = Vec::new();
    if log > largest + slack {
        found.push(
            Finding::warning(format!(
                "{FILE} is {} MiB large, and could not be rotated at {} MiB",
                log >> 20,
                largest >> 20
            ))
            .fix(format!("lsattr -d {LOG} {FILE}; findmnt --target {FILE}; ls -l {LOG}")),
        );
    }
    if size > bound + slack {
        found.push(
            Finding::warning(format!(
                "{LOG} uses {} MiB, and the helper keeps at most {} MiB of its log: it deletes only files that rotation made",
                size >> 20,
                bound >> 20
            ))
            .fix(format!("du -a {LOG} | sort -n")),
        );
    }
    let entries = fs::read_dir("/etc/logrotate.d").into_iter().flatten().flatten();
    let rotates = |path: &PathBuf| {
        let text = file::read_to_string(path).unwrap_or_default();
        text.lines().any(|line| !line.trim().starts_with('#') && line.contains("/var/log/sm/"))
    };
    let set_up = entries.map(|entry| entry.path()).find(rotates);
    let set_up = set_up.filter(|_| tool::find("logrotate").is_some());
    crate::admin::doctor::finding::or_ok(
        found,
        match set_up {
            Some(file) => {
                format!("logrotate keeps the log small, as {} says", file.display())
            }
            None => format!(
                "without logrotate, the helper rotates the log at {} MiB and keeps {} MiB; it uses {} MiB",
                largest >> 20,
                bound >> 20,
                size.div_ceil(1 << 20)
            ),
        },
    )
}

/// How long a file that was put aside may stay as it is.
const A_DAY: Duration = Duration::from_secs(24 * 3600);

pub fn encrypted(context: &Context) -> Vec<Finding> {
    let recipients = context.policy.as_ref().map(InForce::recipients).unwrap_or_default();
    if recipients.is_empty() {
        return vec![Finding::ok("the policy names no recipients, so nothing is encrypted")];
    }
    let mut found = Vec::new();
    for tool in [Tool::age(), Tool::keygen()] {
        if let Err(error) = tool {
            let install = of_this_host().map(|manager| manager.reinstall_by_hand("age"));
            let install = install.unwrap_or_else(|| "apt-get install age".to_owned());
            found.push(Finding::problem(error).fix(install));
        }
    }
    // The newest may be waiting for a record to follow it.
    let files = files::all().unwrap_or_default();
    let aside = files.iter().filter(|file| !file.is_current()).count();
    let is_old = |file: &&LogFile| {
        let data = fs::symlink_metadata(&file.path);
        let age = data.ok().and_then(|data| data.modified().ok()?.elapsed().ok());
        file.encrypted_until().is_none() && age.is_some_and(|age| age > A_DAY)
    };
    let old = files.iter().filter(|file| !file.is_current()).take(aside.saturating_sub(1));
    let old = old.filter(is_old).count() as u64;
    if old > 0 {
        let what = format!("{} put aside over a day ago and not encrypted", counted(old, "file"));
        found.push(Finding::warning(what).fix("sm audit encrypt"));
    }
    if !timer::is_enabled() {
        let what = format!("{} does not run", timer::TIMER);
        let setup = format!("{} audit setup", word(&context.program));
        found.push(Finding::warning(what).fix(setup));
    }
    crate::admin::doctor::finding::or_ok(
        found,
        format!(
            "what is put aside is encrypted to {}",
            counted(recipients.len() as u64, "recipient")
        ),
    )
}
