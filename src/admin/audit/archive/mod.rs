//! Files of the log that rotation has put aside, encrypted with the host's `age`.

pub mod age;
pub mod encrypt;
pub mod identity;
pub mod timer;
