//! Files of others, read without waiting: to open a fifo waits for a writer, and to read one waits
//! for what nobody may ever write.

use nix::libc::O_NONBLOCK;
use nix::sys::stat::makedev;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Opens a file to read it.
///
/// A link to `/dev/null` is an empty file: so a unit is masked, and a file of settings is.
///
/// # Errors
/// What the kernel says, or that it is a folder, a fifo, a socket or another device.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path)?;
    let data = file.metadata()?;
    if data.is_file() || is_null(&data) {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"))
}

/// Whether it is `/dev/null` (`null(4)`).
fn is_null(data: &Metadata) -> bool {
    data.file_type().is_char_device() && data.rdev() == makedev(1, 3)
}

/// Which file a path leads to: the same for two names of one file.
pub fn identity(path: impl AsRef<Path>) -> Option<(u64, u64)> {
    let data = path.as_ref().metadata().ok()?;
    Some((data.dev(), data.ino()))
}

/// Reads all of it.
///
/// # Errors
/// As [`open`] and the kernel say.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads all of it as UTF-8.
///
/// # Errors
/// As [`open`] and the kernel say, or that it is no such text.
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;

    #[test]
    fn nothing_but_a_file_is_read_and_nothing_waits() {
        let folder = std::env::temp_dir().join(format!("sm-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let fifo = folder.join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).expect("a fifo");
        let text = folder.join("text");
        std::fs::write(&text, "text\n").expect("a file");
        for path in [fifo.as_path(), folder.as_path(), Path::new("/dev/zero")] {
            let error = read(path).expect_err("no file");
            assert!(error.to_string().contains("not a file"), "{}: {error}", path.display());
        }
        assert_eq!(read_to_string(&text).expect("a text"), "text\n");
        // What is masked is there, and says nothing.
        let masked = folder.join("masked");
        std::os::unix::fs::symlink("/dev/null", &masked).expect("a link");
        assert_eq!(read_to_string(&masked).expect("no text"), "");
        assert_eq!(identity(&masked), identity("/dev/null"));
        assert!(identity(&text) != identity(&fifo) && identity(folder.join("none")).is_none());
        std::fs::remove_dir_all(&folder).expect("it goes");
    }
}
