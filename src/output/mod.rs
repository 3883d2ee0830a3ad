//! Text from elsewhere made plain: cleaned, bounded, secrets masked.

pub mod base64;
pub mod captured;
#[cfg(test)]
pub mod cases;
pub mod hex;
pub mod nearest;
pub mod secrets;
pub mod text;
pub mod wrap;
