//! The units of the policy that went down along with a package operation and are no part of it.

use crate::exec::context::Shown;
use crate::exec::process::{Bounds, ask};
use crate::managers::systemd::states::{PolicyUnits, Seen, State, parse};
use crate::request::ran::Ended;
use std::time::{Duration, Instant};

/// How long the states of the units may take to read.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the service manager may take to read all unit files: it runs generators too.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(90);

/// The states of the policy's units.
#[derive(Debug)]
pub struct States(Vec<Seen>);

impl States {
    /// Those of now; none if they cannot be read.
    pub fn now(units: &PolicyUnits) -> Option<Self> {
        let deadline = Instant::now() + LOOK_TIMEOUT;
        // The policy bounds how many there are.
        let bounds = Bounds { deadline, output_bytes: 1 << 16, mask_secrets: false };
        let ran = ask(&units.states, bounds);
        let states = parse(&ran.stdout);
        (ran.ended == Ended::Exited(0) && states.len() == units.names.len()).then_some(Self(states))
    }

    /// The units that are up.
    pub fn up(&self, units: &PolicyUnits) -> Vec<String> {
        let pairs = units.names.iter().zip(&self.0);
        pairs.filter(|(_, seen)| seen.state == State::Up).map(|(name, _)| name.clone()).collect()
    }

    /// The same after the service manager has read the unit files again, where the operation has
    /// changed some that it does not read by itself. Not where one was changed before that: somebody
    /// may be at work on it.
    pub fn reread(self, before: &Self, units: &PolicyUnits) -> Self {
        let is_any_stale = |states: &Self| states.0.iter().any(|seen| seen.is_stale);
        if !is_any_stale(&self) || is_any_stale(before) {
            return self;
        }
        let deadline = Instant::now() + RELOAD_TIMEOUT;
        ask(&units.reread, Bounds { deadline, output_bytes: 1 << 16, mask_secrets: false });
        Self::now(units).unwrap_or(self)
    }

    /// The units that went down since; those that the caller may not know of are counted.
    pub fn since(
        &self,
        before: &Self,
        units: &PolicyUnits,
        shown: Shown<'_>,
        may_reread: bool,
    ) -> Vec<String> {
        let reread = match may_reread {
            true => "it is read: sm-helper service daemon-reload",
            false => "an administrator runs systemctl daemon-reload",
        };
        let mut others = 0;
        let mut message = Vec::new();
        for ((name, before), after) in units.names.iter().zip(&before.0).zip(&self.0) {
            if after.is_stale && !before.is_stale && after.state == State::Up && (shown.0)(name) {
                message.push(format!(
                    "{name} runs, but its changed unit file was not read, so it cannot be restarted until {reread}"
                ));
            }
            let what = match (before.state, after.state) {
                (State::Up, State::Failed) => "was active before and has failed",
                (State::Up, State::Down) => "was active before and is inactive now",
                (State::Up, State::Restarts) => {
                    "was active before; it now fails and is restarted again and again"
                }
                (State::Failed, State::Failed) | (State::Restarts, State::Restarts) => continue,
                (_, State::Restarts) => "fails and is restarted again and again",
                (_, State::Failed) => "has failed",
                _ => continue,
            };
            match (shown.0)(name) {
                true => message.push(format!("{name} {what}")),
                false => others += 1,
            }
        }
        match others {
            0 => {}
            1 => message.push("a unit that is not this caller's went down".to_owned()),
            _ => message.push(format!("{others} units that are not this caller's went down")),
        }
        message
    }
}
