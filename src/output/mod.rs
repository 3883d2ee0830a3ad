//! Text from elsewhere made plain: cleaned, bounded, secrets masked.

pub mod captured;
pub mod hex;
pub mod secrets;
pub mod text;
pub mod wrap;
