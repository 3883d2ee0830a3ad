//! Two snapshots of a btrfs subvolume compared, and the files that differ put back.
//!
//! [`stream`] reads from `btrfs send` which paths can differ, [`changes`] says which do and how the
//! live system stands to them, and [`restore`] makes them as they were. All of it goes through a
//! [`tree::Tree`], which reaches every file by descriptors and leads nowhere else.

pub mod changes;
pub mod compare;
pub mod failed;
pub mod make;
pub mod restore;
pub mod staging;
pub mod stream;
pub mod tree;

#[cfg(test)]
mod tests;
