//! Text from elsewhere made plain: cleaned, bounded, secrets masked.

pub mod secrets;
pub mod text;
