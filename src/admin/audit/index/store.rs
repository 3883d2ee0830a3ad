//! Where indexes are kept: in a folder that may be emptied at any time. Root alone makes them, when
//! it searches. One is used only if it is whole, and of the very file that it was made of, unchanged
//! since; what else is there is thrown away.

use crate::admin::audit::index::{Block, Head, Index, LINES, UNKNOWN};
use crate::audit::files::LogFile;
use crate::audit::rotate::LARGEST;
use crate::output::hex::hex;
use crate::system::state;
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
#[cfg(test)]
use std::path::Path;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// The folder of the indexes.
pub const FOLDER: &str = "/var/log/sm/index";

/// Who may read them: as the log.
const GROUP: &str = "adm";

/// What an index begins with: its form, and what made it. Another program may read operations in
/// another way.
const MAGIC: &str = concat!("sm audit index 1, ", env!("CARGO_PKG_VERSION"), "\n");

/// Which file an index is of, and as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Identity {
    fn of(data: &Metadata) -> Self {
        Self {
            device: data.dev(),
            inode: data.ino(),
            size: data.size(),
            seconds: data.mtime(),
            nanoseconds: data.mtime_nsec(),
        }
    }

    fn name(&self) -> String {
        format!("audit-{:x}-{:x}.index", self.device, self.inode)
    }
}

/// What is kept of an index beside its lines.
#[derive(Serialize, Deserialize)]
struct Kept {
    identity: Identity,
    lines: u64,
    head: Head,
}

/// Where indexes are kept.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    /// Whose they are.
    owner: u32,
}

impl Store {
    /// The one of this host.
    pub fn host() -> Self {
        Self { folder: FOLDER.into(), owner: 0 }
    }

    #[cfg(test)]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), owner: nix::unistd::geteuid().as_raw() }
    }

    /// The index of a file, if there is one that can be relied on.
    pub fn find(&self, file: &LogFile) -> Option<Index> {
        let of_file = file.data().ok()?;
        let identity = Identity::of(&of_file);
        let folder = fs::symlink_metadata(&self.folder).ok()?;
        let is_own = |data: &Metadata| data.uid() == self.owner && data.mode() & 0o022 == 0;
        if !folder.is_dir() || !is_own(&folder) {
            return None;
        }
        let mut options = OpenOptions::new();
        let options = options.read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK);
        let kept = options.open(self.folder.join(identity.name())).ok()?;
        let data = kept.metadata().ok()?;
        if !data.is_file() || !is_own(&data) {
            return None;
        }
        // It was made later than the file was written to, so far that no clock is too coarse.
        let made = data.modified().ok()?;
        let written = of_file.modified().ok()?;
        if made < written + COARSE {
            return None;
        }
        read(kept, data.len(), &identity)
    }

    /// Keeps an index for the next time. It may well not be kept: then it is made again.
    pub fn keep(&self, file: &LogFile, before: &Metadata, index: &Index) {
        if let Err(error) = self.try_to_keep(file, before, index) {
            tracing::debug!("the index of {} is not kept: {error}", file.path.display());
        }
    }

    fn try_to_keep(&self, file: &LogFile, before: &Metadata, index: &Index) -> io::Result<()> {
        let now = file.data()?;
        let identity = Identity::of(&now);
        let is_settled = SystemTime::now() >= now.modified()? + COARSE;
        // The log goes on until it is put aside.
        if file.is_current() && now.len() < LARGEST
            || identity != Identity::of(before)
            || !is_settled
        {
            return Ok(());
        }
        let bytes = written(&identity, index)?;
        if bytes.len() as u64 > most(index) {
            return Err(io::Error::other("it would be too large"));
        }
        state::folder(&self.folder.to_string_lossy(), 0o750, GROUP)?;
        let path = self.folder.join(identity.name());
        // Two processes may do so at once: the last one's is there then.
        let new = path.with_extension(format!("{}.new", std::process::id()));
        state::put(&path, &new, &bytes, 0o644)
    }

    /// Deletes the indexes of files that the log no longer has, and what was not written to its end.
    pub fn clean(&self, files: &[LogFile]) {
        let names: io::Result<BTreeSet<String>> =
            files.iter().map(|file| Ok(Identity::of(&file.data()?).name())).collect();
        let (Ok(names), Ok(entries)) = (names, fs::read_dir(&self.folder)) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let is_ours =
                name.starts_with("audit-") && (name.ends_with(".index") || name.ends_with(".new"));
            if is_ours && !names.contains(name) {
                let _ = state::remove(&entry.path());
            }
        }
    }
}

/// How far apart two times of files are at least if one is surely later.
const COARSE: Duration = Duration::from_millis(100);

/// The most that an index may take, in bytes: a sixteenth of the log, unpacked.
fn most(index: &Index) -> u64 {
    (1 << 20) + index.head.end / 16
}

/// The index as it is kept: the magic, the checksum of the rest, the length of the part that
/// postcard has written, that part, and then a number of two and one of four bytes a line.
fn written(identity: &Identity, index: &Index) -> io::Result<Vec<u8>> {
    let kept = Kept {
        identity: identity.clone(),
        lines: index.kinds.len() as u64,
        head: index.head.clone(),
    };
    let kept = postcard::to_stdvec(&kept).map_err(io::Error::other)?;
    let mut rest = Vec::with_capacity(8 + kept.len() + 6 * index.kinds.len());
    rest.extend_from_slice(&(kept.len() as u64).to_le_bytes());
    rest.extend_from_slice(&kept);
    index.kinds.iter().for_each(|kind| rest.extend_from_slice(&kind.to_le_bytes()));
    index.ids.iter().for_each(|id| rest.extend_from_slice(&id.to_le_bytes()));
    Ok([MAGIC.as_bytes(), hex(&Sha256::digest(&rest)).as_bytes(), &rest].concat())
}

fn read(file: File, size: u64, identity: &Identity) -> Option<Index> {
    const SUM: usize = 64;
    /// Far more than any has.
    const MOST: u64 = 1 << 30;
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(MOST)).ok()?);
    file.take(MOST).read_to_end(&mut bytes).ok()?;
    let (sum, rest) = bytes.strip_prefix(MAGIC.as_bytes())?.split_at_checked(SUM)?;
    if hex(&Sha256::digest(rest)).as_bytes() != sum {
        return None;
    }
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (kept, rest) = rest.split_at_checked(u64::from_le_bytes(*length).try_into().ok()?)?;
    let Kept { identity: own, lines, head } = postcard::from_bytes(kept).ok()?;
    if own != *identity || lines != (rest.len() / 6) as u64 || !rest.len().is_multiple_of(6) {
        return None;
    }
    let (kinds, ids) = rest.split_at(rest.len() / 3);
    let kinds: Vec<u16> =
        kinds.chunks_exact(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]])).collect();
    let ids = ids
        .chunks_exact(4)
        .map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let index = Index { head, kinds, ids };
    is_consistent(&index).then_some(index)
}

/// Whether the parts of an index fit to each other, so that it can be used without looking again.
fn is_consistent(index: &Index) -> bool {
    let Index { head, kinds, ids } = index;
    let follows = |pair: &[Block]| pair[0].at < pair[1].at;
    !head.kinds.is_empty()
        && ids.len() == kinds.len()
        && kinds.iter().all(|kind| *kind == UNKNOWN || usize::from(*kind) < head.kinds.len())
        && head.blocks.len() == kinds.len().div_ceil(LINES)
        && head.blocks.windows(2).all(follows)
        && head.blocks.first().is_none_or(|first| first.at == 0)
        && head.blocks.last().is_none_or(|last| last.at < head.end)
        && head.open.is_sorted()
        && head.open.last().is_none_or(|last| (*last as usize) < kinds.len())
        && head.points.is_sorted_by_key(|point| point.unpacked)
}

/// The bytes of an index that were changed, with the checksum that belongs to them.
#[cfg(test)]
pub fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let begin = MAGIC.len() + 64;
    if bytes.len() > begin {
        let sum = hex(&Sha256::digest(&bytes[begin..]));
        bytes[MAGIC.len()..begin].copy_from_slice(sum.as_bytes());
    }
    bytes
}
