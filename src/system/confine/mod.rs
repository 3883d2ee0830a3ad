//! Confines a process that is about to execute a program: to what it needs, by what the kernel offers for
//! that. `exec` says who gets what.
//!
//! All of it is prepared before, and then made to hold by the new process itself, by system calls alone.
//! What a kernel or a container does not let it do is noted, and the rest holds all the same.

pub mod calls;
pub mod filter;
mod landlock;
mod measure;
mod mounts;
pub mod noexec;

pub use crate::system::confine::measure::{Lacking, Measure};
pub use crate::system::confine::mounts::Mounts;

use crate::system::confine::filter::Filter;
use crate::system::confine::landlock::Rules;
use std::ffi::CString;

/// What a process is confined by.
#[derive(Debug)]
pub struct Confined {
    /// What it sees of the file system, and may write there; none: all that this process does.
    pub mounts: Option<Mounts>,
    /// Landlock: where it may write; none: wherever the mounts let it.
    pub writable: Option<Vec<CString>>,
    /// Whether it is kept from processes outside: their signals, and the sockets that are in no folder.
    pub is_apart: bool,
    /// The capabilities that it keeps, a bit each (`capabilities(7)`); none: those that it has.
    pub capabilities: Option<u64>,
    /// Its system calls.
    pub filter: &'static Filter,
}

/// The same, ready to be made to hold.
#[derive(Debug)]
pub struct Ready<'c> {
    confined: &'c Confined,
    rules: Option<Rules>,
    lacking: Lacking,
}

impl Confined {
    /// Makes ready what needs no process yet.
    pub fn ready(&self) -> Ready<'_> {
        let mut lacking = Lacking::default();
        let rules = self.writable.as_ref().and_then(|_| {
            let rules = Rules::new(self.is_apart);
            rules.map_err(|_| lacking.note(Measure::Landlock)).ok()
        });
        Ready { confined: self, rules, lacking }
    }
}

impl Ready<'_> {
    /// Whether it has mounts of its own.
    pub fn has_mounts(&self) -> bool {
        self.confined.mounts.is_some()
    }

    /// Goes into a mount namespace of its own, if that is wanted. `lacking` gets what is not to be had. Of
    /// the new process, before it gives up any right.
    pub fn mount(&self, lacking: &mut Lacking) {
        lacking.add(self.lacking);
        if let Some(mounts) = &self.confined.mounts
            && mounts.apply().is_err()
        {
            lacking.note(Measure::Mounts);
        }
    }

    /// Makes the rest hold. Of the new process, as the last but to execute something.
    pub fn restrict(&self, lacking: &mut Lacking) {
        let mut note = |done: Result<(), nix::errno::Errno>, measure| {
            if done.is_err() {
                lacking.note(measure);
            }
        };
        if let Some(kept) = self.confined.capabilities {
            note(calls::keep_capabilities(kept), Measure::Capabilities);
        }
        // Also what lets a process without rights set the other two.
        note(calls::no_new_privileges(), Measure::Capabilities);
        if let (Some(rules), Some(writable)) = (&self.rules, &self.confined.writable) {
            note(rules.restrict(writable.iter().map(CString::as_c_str)), Measure::Landlock);
        }
        note(calls::filter_calls(self.confined.filter), Measure::Filter);
    }
}

/// What of all this is not to be had here: tried by a process that does nothing else.
pub fn lacking_here() -> Lacking {
    let all = Confined {
        mounts: Some(Mounts { writable: Some(Vec::new()), ..Mounts::default() }),
        writable: Some(Vec::new()),
        is_apart: true,
        capabilities: Some(0),
        filter: &filter::READER,
    };
    let ready = all.ready();
    let mut lacking = Lacking::default();
    let tried = calls::start(&mut || {
        ready.mount(&mut lacking);
        ready.restrict(&mut lacking);
    });
    match tried {
        Ok(pid) => drop(nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid), None)),
        Err(_) => Measure::ALL.into_iter().for_each(|measure| lacking.note(measure)),
    }
    if calls::landlock_version().is_ok_and(|version| version < landlock::SUFFICIENT) {
        lacking.note(Measure::Landlock);
    }
    lacking
}
