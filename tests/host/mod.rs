//! Throwaway hosts for tests: real Debian, real systemd, sudo and apt, booted in about
//! half a second by `tests/host/host` and gone when the value is dropped.
//!
//! ```ignore
//! #[path = "../host/mod.rs"]
//! mod host;
//! use host::host_test;
//!
//! // Two tests, `restarts_nginx::sudo` and `restarts_nginx::sudo_rs`, each with a host
//! // of its own on which `sm setup-sudo --user agent` has been run.
//! host_test!(restarts_nginx, |host| {
//!     let before = host.main_pid("nginx");
//!     host.helper(&["service", "restart", "nginx"]).expect("ok");
//!     assert_ne!(before, host.main_pid("nginx"));
//! });
//! ```
//!
//! The accounts of a host: root; `agent`, the one set up; `other`, another ordinary one;
//! `admin`, in group sudo, password `admin`.

// Each test target takes of it what it needs.
#![allow(dead_code, unused_imports, unused_macros)]

pub mod actions;
mod boot;
mod exec;
pub mod gate;
mod log;
mod net;
mod reply;
mod run;
mod terminal;
mod wait;

pub use boot::{Host, Sudo, Wanted, alone, repository};
pub(crate) use exec::parse_trace;
pub use exec::{Exec, Execs, by_root};
pub use log::{events, intent_of, intents, log, records};
pub use net::Network;
pub use reply::{Reply, answer};
pub use run::{Done, Run};
pub use terminal::Seen;
pub use wait::wait_until;

/// A test that runs on a host, once with sudo 1.9 and once with sudo-rs; with `all` also
/// once over the broker's socket, where nobody may use sudo. That one takes as long as each of the
/// others, so it is for one test of each operation and of each property that could depend on the
/// way. It is not for what looks at sudo itself, at its processes or those below it: over the
/// socket root's part is a child of systemd's.
///
/// `host_test!(name, all, |host| { … })`, `host_test!(name, made, all, |host| { … })`,
/// `host_test!(name, |host| { … })`, or `host_test!(name, made, |host| { … })` with one of
/// [`Host`]'s constructors: `ready` (the default), `boot`, `bare`, `bare_btrfs`, `ready_arch`,
/// `boot_arch`, `ready_test_policy`, `boot_with_test_policy`.
macro_rules! host_test {
    ($name:ident, all, |$host:ident| $body:block) => {
        $crate::host::host_test!($name, ready, all, |$host| $body);
    };
    ($name:ident, $made:ident, all, |$host:ident| $body:block) => {
        $crate::host::host_test!(@module $name, $made, |$host| $body,
            #[test]
            #[ignore = "needs root and throwaway hosts: run tests/run"]
            fn socket() {
                test(&$crate::host::Host::$made($crate::host::Sudo::Unused));
            }
        );
    };
    ($name:ident, |$host:ident| $body:block) => {
        $crate::host::host_test!($name, ready, |$host| $body);
    };
    ($name:ident, $made:ident, |$host:ident| $body:block) => {
        $crate::host::host_test!(@module $name, $made, |$host| $body,);
    };
    (@module $name:ident, $made:ident, |$host:ident| $body:block, $($more:item)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn test($host: &$crate::host::Host) $body

            #[test]
            #[ignore = "needs root and throwaway hosts: run tests/run"]
            fn sudo() {
                test(&$crate::host::Host::$made($crate::host::Sudo::Classic));
            }

            #[test]
            #[ignore = "needs root and throwaway hosts: run tests/run"]
            fn sudo_rs() {
                test(&$crate::host::Host::$made($crate::host::Sudo::Rs));
            }

            $($more)?
        }
    };
}
pub(crate) use host_test;

/// The same with one of the two: for what systemd, apt, dpkg or pacman do and what is said of it, for
/// what is read or written of files, and where root's part has long left what it was started by. Which
/// one follows from the test's name, so each has about half of them. Not for sudo and its rules, nor for
/// what a caller gives a request or does to it: words, environment, descriptors, signals, sessions,
/// terminals.
///
/// With `all` also over the broker's socket, where root's part is a child of systemd's.
macro_rules! host_once {
    ($name:ident, all, |$host:ident| $body:block) => {
        $crate::host::host_once!($name, ready, all, |$host| $body);
    };
    ($name:ident, $made:ident, all, |$host:ident| $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn test($host: &$crate::host::Host) $body

            #[test]
            #[ignore = "needs root and throwaway hosts: run tests/run"]
            fn either_sudo() {
                let sudo = $crate::host::Sudo::of_test(stringify!($name));
                // For whoever reads of its failure.
                println!("on a host with {sudo:?}");
                test(&$crate::host::Host::$made(sudo));
            }

            #[test]
            #[ignore = "needs root and throwaway hosts: run tests/run"]
            fn socket() {
                test(&$crate::host::Host::$made($crate::host::Sudo::Unused));
            }
        }
    };
    ($name:ident, |$host:ident| $body:block) => {
        $crate::host::host_once!($name, ready, |$host| $body);
    };
    ($name:ident, $made:ident, |$host:ident| $body:block) => {
        #[test]
        #[ignore = "needs root and throwaway hosts: run tests/run"]
        fn $name() {
            fn test($host: &$crate::host::Host) $body
            let sudo = $crate::host::Sudo::of_test(stringify!($name));
            // For whoever reads of its failure.
            println!("on a host with {sudo:?}");
            test(&$crate::host::Host::$made(sudo));
        }
    };
}
pub(crate) use host_once;
