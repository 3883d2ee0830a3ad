//! Writes down how far an operation is, for who asks before it has ended.

use crate::exec::process::Follow;
use crate::managers::progress::Follower;
use crate::request::ran::Ran;
use crate::results::running::{Running, SoFar};

/// Writes it into the file of the request, where there is one.
#[derive(Debug)]
pub struct Teller<'r> {
    running: Option<&'r Running>,
    follower: Option<Follower>,
}

impl<'r> Teller<'r> {
    /// For a command whose steps `follower` knows, if anybody does.
    pub fn new(running: Option<&'r Running>, follower: Option<Follower>) -> Self {
        Self { running, follower }
    }
}

impl Follow for Teller<'_> {
    fn printed(&mut self, bytes: &[u8]) {
        if let Some(follower) = &mut self.follower {
            follower.printed(bytes);
        }
    }

    fn so_far(&mut self, ran: Ran) {
        let Some(running) = self.running else { return };
        let Ran { stdout, stderr, stdout_truncated, stderr_truncated, .. } = ran;
        let progress = self.follower.as_ref().and_then(Follower::progress);
        running.tell(&SoFar { stdout, stderr, stdout_truncated, stderr_truncated, progress });
    }
}
