//! The route to root that a request takes.

/// Which way to root a caller wants (`--via`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Route {
    /// The best there is.
    #[default]
    Auto,
    /// The broker's socket.
    Socket,
    /// sudo.
    Sudo,
}
