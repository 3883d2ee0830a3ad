//! The folder of the drop-ins that sudo reads.

/// Where the drop-ins are.
pub const FOLDER: &str = "/etc/sudoers.d";

/// Whether sudo reads a file of this name there (`sudoers(5)`, "Including other files from within
/// sudoers").
pub fn is_read(name: &str) -> bool {
    !name.contains('.') && !name.ends_with('~')
}
