//! What needs a real btrfs, on a loop device.

mod any_bytes;
mod cases;
mod disk;
mod hostile;
mod interrupted;
mod random;
mod scene;
