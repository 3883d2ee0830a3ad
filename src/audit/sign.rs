//! Signing the log: checkpoints, and the key that takes the place of another one.

use crate::audit::key::{Key, Public, SealWith};
use crate::audit::log::{Appended, Locked, NotAppended, Sync};
use crate::audit::origin::Origin;
use crate::audit::record::{Link, Record};
use crate::audit::{journal, key, log};
use crate::request::caller::Caller;
use std::io;

/// A checkpoint that was made.
#[derive(Debug)]
pub struct Signed {
    /// Its place in the chain.
    pub link: Link,
    /// Its line, without the line break.
    pub line: String,
    /// The public half of the key that it is signed with.
    pub key: Public,
    /// Which other sinks did not take it.
    pub warnings: Vec<String>,
}

/// Signs the log until here.
///
/// # Errors
/// If there is no key to sign with, or the log does not take the record.
pub fn checkpoint(origin: &Origin) -> io::Result<Signed> {
    // No request waits for a TPM.
    let unsealed = key::unseal()?;
    let lock = log::lock()?;
    signed(&lock, origin, &key::current(unsealed)?, None)
}

/// Puts a new key in the place of this host's, sealed if that is wanted. The old one signs the new one, and
/// the new one the log until here. Gives that, and why the old one has signed nothing, if so.
///
/// # Errors
/// If the new key cannot be kept, or the log does not take the records: then the old one is still there,
/// or the new one is and has signed nothing yet.
pub fn rotate_key(
    origin: &Origin,
    seal: Option<SealWith>,
) -> io::Result<(Signed, Option<io::Error>)> {
    let new = Key::generate();
    let sealed = seal.map(|with| new.seal(with)).transpose()?;
    let unsealed = key::unseal();
    let lock = log::lock()?;
    let old = unsealed.and_then(key::current);
    let lost = match &old {
        Ok(old) => {
            signed(&lock, origin, old, Some(&new.public()))?;
            None
        }
        Err(_) => old.err(),
    };
    new.keep(sealed.as_ref())?;
    Ok((signed(&lock, origin, &new, None)?, lost))
}

fn signed(lock: &Locked, origin: &Origin, key: &Key, next: Option<&Public>) -> io::Result<Signed> {
    let mut record = Record::of_checkpoint(origin, key, next);
    let total = origin.limits.audit.total_bytes;
    // It is nobody's request, and bounded by what was paid for before it.
    let appended = log::append_locked(lock, &mut record, Sync::Now, total, |_| Ok(0));
    let appended = appended.map_err(|not| match not {
        NotAppended::Failed(error) => error,
        NotAppended::Limited(exceeded) => io::Error::other(exceeded.refusal.error),
    })?;
    let sent = journal::send(&record, &appended.line, Some(&appended.link));
    let warning = |error| format!("the journal did not accept the audit record: {error}");
    let warnings = sent.err().map(warning).into_iter().collect();
    let line = appended.line.trim_end().to_owned();
    Ok(Signed { link: appended.link, line, key: key.public(), warnings })
}

/// Makes the checkpoint that should follow a record. If the key is sealed, a timer does that. Without a key
/// there is none, and no request fails for that: `sm doctor` says why.
pub fn if_due(origin: &Origin, appended: &Appended) {
    if appended.unsigned >= u64::from(origin.limits.audit.checkpoint_records) && !key::is_sealed() {
        let _ = checkpoint(&Origin { caller: Caller::root(), ..origin.clone() });
    }
}
