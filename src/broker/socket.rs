//! Where the broker listens, and the group whose members may connect.

use crate::request::code::{Code, Refusal};
use std::io;

/// Where it listens.
pub const SOCKET: &str = "/run/sm/sm.sock";

/// Who is in it may connect.
pub const GROUP: &str = "sm";

/// The refusal if this process cannot wait at the socket.
pub fn no_socket(error: io::Error) -> Refusal {
    Refusal::new(Code::Internal, format!("the broker cannot wait at its socket: {error}"))
        .hint("only the service manager should start this: sm setup-broker")
}

/// The refusal if standard input is no connection of the broker's.
pub fn no_connection(error: io::Error) -> Refusal {
    Refusal::new(Code::Internal, format!("standard input is not a connection: {error}"))
        .hint("only the service manager should start this: sm setup-broker")
}
