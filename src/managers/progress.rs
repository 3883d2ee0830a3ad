//! How far an operation on packages is, read from what the package manager prints.

use crate::managers::manager::Manager;
use crate::managers::transaction::Transaction;
use crate::output::text::one_line;
use serde::{Deserialize, Serialize};

/// The longest name of a step, in characters.
const LONGEST_STEP: usize = 200;

/// The longest line that is looked at, in bytes. What is longer is no step.
const LONGEST_LINE: usize = 1000;

/// Which step of how many is being done, in the package manager's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps that are done.
    pub done: usize,
    /// Steps in all.
    pub of: usize,
    /// The one that has begun last.
    pub step: String,
}

/// Reads what is printed, line by line.
#[derive(Debug)]
pub struct Follower {
    manager: Manager,
    /// How many steps there will be; 0 if nobody knows.
    expected: usize,
    begun: usize,
    line: Vec<u8>,
    progress: Option<Progress>,
}

impl Follower {
    /// For an operation with this transaction, where one is known.
    pub fn new(manager: Manager, transaction: Option<&Transaction>) -> Self {
        let expected = transaction.map_or(0, |transaction| manager.steps_of(transaction));
        Self { manager, expected, begun: 0, line: Vec::new(), progress: None }
    }

    /// Takes what was read.
    pub fn printed(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() <= LONGEST_LINE {
                self.line.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                if line.len() <= LONGEST_LINE {
                    self.take(String::from_utf8_lossy(&line).trim());
                }
            }
        }
    }

    fn take(&mut self, line: &str) {
        // More steps than were foreseen: nobody knows how many.
        if self.manager.is_step(line) && self.begun < self.expected {
            let step = one_line(line, LONGEST_STEP);
            self.progress = Some(Progress { done: self.begun, of: self.expected, step });
            self.begun += 1;
        }
    }

    /// How far it is; none if nothing says so.
    pub fn progress(&self) -> Option<Progress> {
        self.progress.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::host::named;
    use crate::managers::transaction::Change;
    use proptest::prelude::*;

    const PRINTED: [(&str, &str); 2] = [
        (
            "apt",
            "Reading package lists...\nGet:1 http://x y 1.0 [2 kB]\nSelecting previously unselected package a.\n\
             Preparing to unpack .../a.deb ...\nUnpacking a (1.0) ...\nRemoving c (1) ...\nSetting up a (1.0) ...\n\
             Setting up something that nobody has planned ...\nProcessing triggers for b (2) ...\n",
        ),
        (
            "pacman",
            "resolving dependencies...\nchecking keyring...\nremoving c...\ninstalling a...\n\
             :: Running post-transaction hooks...\n(1/2) Arming ConditionNeedsUpdate...\n",
        ),
    ];

    fn manager(name: &str) -> Manager {
        named(name).expect("one that is known")
    }

    fn transaction() -> Transaction {
        let change = |name: &str| Change { name: name.into(), version: "1.0".into(), from: None };
        Transaction {
            install: vec![change("a")],
            remove: vec![change("c")],
            ..Transaction::default()
        }
    }

    #[test]
    fn steps_are_counted_in_the_package_managers_words() {
        let expected = [(2, 3, "Setting up a (1.0) ..."), (1, 2, "installing a...")];
        for ((name, printed), (done, of, step)) in PRINTED.iter().zip(expected) {
            let mut follower = Follower::new(manager(name), Some(&transaction()));
            assert_eq!(follower.progress(), None);
            follower.printed(printed.as_bytes());
            let step = step.to_owned();
            assert_eq!(follower.progress(), Some(Progress { done, of, step }), "{name}");
        }
    }

    #[test]
    fn without_a_plan_nobody_knows_how_far_it_is() {
        for (name, printed) in PRINTED {
            let mut follower = Follower::new(manager(name), None);
            follower.printed(printed.as_bytes());
            assert_eq!(follower.progress(), None);
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_it_is_cut(cut in 1..60_usize, which in 0..2_usize) {
            let (name, printed) = PRINTED[which];
            let mut whole = Follower::new(manager(name), Some(&transaction()));
            whole.printed(printed.as_bytes());
            let mut parts = Follower::new(manager(name), Some(&transaction()));
            printed.as_bytes().chunks(cut).for_each(|part| parts.printed(part));
            prop_assert_eq!(whole.progress(), parts.progress());
        }

        #[test]
        fn whatever_is_printed_it_never_has_more_done_than_there_is(bytes: Vec<u8>) {
            let mut follower = Follower::new(manager("apt"), Some(&transaction()));
            for _ in 0..5 {
                follower.printed(b"\nUnpacking x ...\n");
                follower.printed(&bytes);
            }
            prop_assert!(follower.progress().is_some_and(|so_far| so_far.done < so_far.of));
        }
    }
}
