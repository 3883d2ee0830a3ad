//! `sm audit encrypt`: what rotation has put aside is encrypted to the recipients of the policy.
//!
//! A command, run by a timer: no request waits for it. The plain file goes only after the encrypted one is on
//! disk and was read back: it is also encrypted to an identity that is made for this file alone and
//! forgotten, and what that decrypts has to be the plain file, byte for byte. So at each instant one of both
//! is there and whole, whatever is killed.
//!
//! What is encrypted is never the newest of what was put aside, unless the log has gone on since, and that is
//! on disk: the next record would not find what it follows.

use crate::admin::answer::{Answer, Failure};
use crate::admin::audit::archive::age::Tool;
use crate::admin::audit::archive::identity::Identity;
use crate::audit::files::{self, FOLDER, LogFile};
use crate::output::hex::hex;
use crate::output::text::counted;
use crate::policy::force::InForce;
use crate::policy::recipient::Recipient;
use crate::request::code::{Code, Refusal};
use crate::system::{file, state};
use nix::fcntl::{RenameFlags, renameat2};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::{self, File, FileTimes, TryLockError};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The file that is being encrypted. No reader of the log takes it for a part of it.
const NEW: &str = "/var/log/sm/.encrypting";

/// What logrotate locks while it runs (`--state` of `logrotate(8)`), on Debian and on Arch.
const LOGROTATE: [&str; 2] = ["/var/lib/logrotate/status", "/var/lib/logrotate.status"];

/// How much larger a file may be encrypted: 16 bytes for each 64 KiB, and a header.
const HEADER: u64 = 1 << 20;

/// What came of one file.
#[derive(Debug, Serialize)]
struct Done {
    /// Where it was.
    file: String,
    /// Where it is encrypted; none if it is not.
    encrypted: Option<String>,
    /// Why it is not.
    error: Option<String>,
}

/// Encrypts what was put aside.
///
/// # Errors
/// If a file could not be encrypted: it stays as it is.
pub fn encrypt() -> Result<Answer, Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Refusal::new(Code::NotPrivileged, "the audit log is root's")
            .hint("run: sudo sm audit encrypt")
            .into());
    }
    let recipients = InForce::load()?.recipients();
    if recipients.is_empty() {
        let text = "the policy names no recipients, so nothing is encrypted: [audit] recipients";
        return Ok(Answer::text(text).with("files", [""; 0]).with("recipients", 0));
    }
    let failed = |error: io::Error| {
        Failure::of(Refusal::new(Code::CommandFailed, format!("{FOLDER}: {error}")))
    };
    state::folder(FOLDER, 0o750, "adm").map_err(failed)?;
    let _lock = state::lock("encrypt").map_err(failed)?;
    // What was left of a run that was killed.
    state::remove(Path::new(NEW)).map_err(failed)?;
    let files = ready().map_err(failed)?;
    let mut done = Vec::new();
    for file in &files {
        let path = file.path.display().to_string();
        done.push(match encrypted(file, &recipients) {
            Ok(target) => {
                let encrypted = Some(target.display().to_string());
                Done { file: path, encrypted, error: None }
            }
            Err(error) => {
                let _ = state::remove(Path::new(NEW));
                Done { file: path, encrypted: None, error: Some(error.to_string()) }
            }
        });
    }
    answer(&done, recipients.len())
}

fn answer(done: &[Done], recipients: usize) -> Result<Answer, Failure> {
    let lines = done.iter().map(|one| match (&one.encrypted, &one.error) {
        (Some(target), _) => format!("{} is encrypted: {target}", one.file),
        (None, error) => {
            format!("{} stays as it is: {}", one.file, error.as_deref().unwrap_or_default())
        }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let text = if text.is_empty() { "there is nothing to encrypt".to_owned() } else { text };
    let answer = Answer::text(text).with("files", done).with("recipients", recipients);
    let failed = done.iter().filter(|one| one.error.is_some()).count() as u64;
    let Some(error) = done.iter().find_map(|one| one.error.as_ref()).filter(|_| failed > 0) else {
        return Ok(answer);
    };
    let what = format!("{} could not be encrypted: {error}", counted(failed, "file"));
    Err(answer.failing(
        Refusal::new(Code::CommandFailed, what)
            .hint("nothing is lost, and requests go on; run it again when that is fixed"),
    ))
}

/// What can be encrypted, oldest first.
fn ready() -> io::Result<Vec<LogFile>> {
    let files = files::all()?;
    let mut plain: Vec<LogFile> = Vec::new();
    let mut goes_on = false;
    for file in files {
        if file.is_current() {
            goes_on = file.first().is_some();
            if goes_on {
                file.bytes()?.sync_data()?;
            }
        } else if file.is_put_aside() && file.encrypted_until().is_none() {
            plain.push(file);
        }
    }
    if !goes_on {
        plain.pop();
    }
    Ok(plain)
}

/// Encrypts one. Gives where it is then.
fn encrypted(file: &LogFile, recipients: &[Recipient]) -> io::Result<PathBuf> {
    let plain = canonical(file)?;
    // Who opened it as the log, before logrotate gave it another name, has written to it by now.
    drop(state::lock("audit")?);
    let mut target = plain.clone().into_os_string();
    target.push(".age");
    let target = PathBuf::from(target);
    let (digest, size) = digest(&mut file.bytes()?)?;
    let (identity, own) = throwaway()?;
    let mut arguments = vec!["--encrypt"];
    for recipient in recipients.iter().map(Recipient::as_str).chain([own.as_str()]) {
        arguments.extend(["--recipient", recipient]);
    }
    let age = || Tool::age().map_err(io::Error::other);
    let running = age()?.start(&arguments, &file.bytes()?, size)?;
    let new = state::open(NEW, state::Access::Write, 0o640, "adm")?;
    let most = size + size / 1024 + HEADER;
    let written = io::copy(&mut running.take(most + 1), &mut &new)?;
    if written > most {
        return Err(io::Error::other("age printed far more than the file is long"));
    }
    let data = file.bytes()?.metadata()?;
    if let Ok(modified) = data.modified() {
        let _ = new.set_times(FileTimes::new().set_modified(modified));
    }
    new.sync_all()?;
    drop(new);
    has_recipients(recipients.len() + 1)?;
    let read_back = || -> io::Result<(String, u64)> {
        let encrypted = file::open(NEW)?;
        // From the disk, as far as the kernel lets that be wished for.
        let _ = nix::fcntl::posix_fadvise(
            &encrypted,
            0,
            0,
            nix::fcntl::PosixFadviseAdvice::POSIX_FADV_DONTNEED,
        );
        self::digest(&mut identity.decrypt(&encrypted, written)?)
    };
    match read_back() {
        Ok(found) if found == (digest, size) => {}
        Ok(_) => return Err(io::Error::other("what was encrypted does not decrypt to the file")),
        Err(error) => {
            return Err(io::Error::other(format!("what was encrypted cannot be read: {error}")));
        }
    }
    fs::rename(NEW, &target)?;
    state::sync_parent(&target)?;
    // The same file, as it was read, or it stays.
    let now = match fs::symlink_metadata(&plain) {
        // It was the oldest, and has made room.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(target),
        now => now?,
    };
    if (now.dev(), now.ino(), now.size()) != (data.dev(), data.ino(), size) {
        return Err(io::Error::other("it has changed meanwhile: it is encrypted the next time"));
    }
    state::remove(&plain)?;
    state::sync_parent(&plain)?;
    Ok(target)
}

/// Gives the file the name that rotation without logrotate would have given it: it says how far it goes, and
/// logrotate leaves it alone.
fn canonical(file: &LogFile) -> io::Result<PathBuf> {
    let last = file.last()?;
    let last = last.ok_or_else(|| io::Error::other("it has no record"))?;
    let is_packed = file.path.extension().is_some_and(|suffix| suffix == "gz");
    let plain = file.path.with_file_name(files::name_until(last.seq, is_packed));
    if plain == file.path {
        return Ok(plain);
    }
    let mut locks = Vec::new();
    for path in LOGROTATE {
        let Ok(state) = File::open(path) else { continue };
        match state.try_lock_shared() {
            Ok(()) => locks.push(state),
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::other(
                    "logrotate is at work: it is encrypted the next time",
                ));
            }
            Err(TryLockError::Error(_)) => {}
        }
    }
    let own = file.bytes()?.metadata()?;
    let rename = |from: &Path, to: &Path| {
        let cwd = nix::fcntl::AT_FDCWD;
        renameat2(cwd, from, cwd, to, RenameFlags::RENAME_NOREPLACE).map_err(io::Error::from)
    };
    rename(&file.path, &plain)?;
    // Another one has got its name meanwhile: that one gets it back.
    let now = fs::symlink_metadata(&plain)?;
    if (now.dev(), now.ino()) != (own.dev(), own.ino()) {
        rename(&plain, &file.path)?;
        return Err(io::Error::other("it was renamed meanwhile: it is encrypted the next time"));
    }
    state::sync_parent(&plain)?;
    Ok(plain)
}

/// An identity that nobody keeps, and its recipient.
fn throwaway() -> io::Result<(Identity, String)> {
    let tool = Tool::keygen().map_err(io::Error::other)?;
    let running = tool.start(&[], &File::open("/dev/null")?, 0)?;
    let mut text = Zeroizing::new(Vec::with_capacity(4097));
    running.take(4096).read_to_end(&mut text)?;
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
    let recipient = lines.filter_map(|line| line.strip_prefix("# public key: ")).next();
    let recipient = recipient.and_then(|text| Recipient::parse(text).ok());
    let recipient = recipient.ok_or_else(|| io::Error::other("age-keygen made no identity"))?;
    Ok((Identity::of(&text)?, recipient.as_str().to_owned()))
}

/// Whether the header is for so many recipients (age-encryption.org/v1): a stanza each.
fn has_recipients(count: usize) -> io::Result<()> {
    let mut lines = BufReader::new(file::open(NEW)?.take(HEADER)).split(b'\n');
    let wrong = |what: String| Err(io::Error::other(what));
    match lines.next().transpose()? {
        Some(first) if first == b"age-encryption.org/v1" => {}
        _ => return wrong("what age printed is not an encrypted file".to_owned()),
    }
    let mut stanzas = 0;
    for line in lines {
        let line = line?;
        stanzas += usize::from(line.starts_with(b"-> "));
        if line.starts_with(b"--- ") {
            break;
        }
    }
    match stanzas >= count {
        true => Ok(()),
        false => wrong(format!("age encrypted to {stanzas} recipients, not to {count}")),
    }
}

/// The SHA-256 of all that is read, and how many bytes that is.
fn digest(from: &mut impl Read) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let mut bytes = vec![0; 1 << 18];
    let mut size = 0;
    loop {
        match from.read(&mut bytes) {
            Ok(0) => return Ok((hex(&hash.finalize()), size)),
            Ok(count) => {
                hash.update(&bytes[..count]);
                size += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
