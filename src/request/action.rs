//! The actions that a policy can grant, and sets of them.

use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

/// A word of the grammar that a policy can grant.
pub trait Action: Copy + Eq + 'static {
    /// Every action of the kind, in the order in which they are shown.
    const ALL: &'static [Self];
    /// The word for it, on the command line and in a policy.
    fn word(self) -> &'static str;

    /// The action with this word.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| a.word() == word)
    }

    /// The place of the action in [`Action::ALL`], as a bit.
    fn bit(self) -> u16 {
        let place = Self::ALL.iter().position(|a| *a == self).unwrap_or(15);
        1 << place
    }
}

macro_rules! actions {
    ($(#[$doc:meta])* $kind:ident { $($action:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $kind {
            $(#[doc = concat!("`", $word, "`")] $action),+
        }

        impl Action for $kind {
            const ALL: &'static [Self] = &[$(Self::$action),+];

            fn word(self) -> &'static str {
                match self { $(Self::$action => $word),+ }
            }
        }
    };
}

actions! {
    /// What can be done to a unit.
    ServiceAction {
        Start = "start", Stop = "stop", Restart = "restart", Reload = "reload",
        Enable = "enable", Disable = "disable", ResetFailed = "reset-failed", Status = "status",
        Logs = "logs",
    }
}

impl ServiceAction {
    /// Whether the unit is meant to be up after it, with its settings read again: what is checked
    /// before, and watched after.
    pub fn wakes(self) -> bool {
        matches!(self, Self::Start | Self::Restart | Self::Reload)
    }
}

actions! {
    /// What can be done to a package.
    PackageAction { Install = "install", Remove = "remove", Upgrade = "upgrade" }
}

actions! {
    /// What can be done to all packages at once.
    Maintenance {
        Update = "update", Upgrade = "upgrade", Autoremove = "autoremove", Autoclean = "autoclean",
        Repair = "repair",
    }
}

actions! {
    /// What can be done to the service manager itself.
    ManagerAction { DaemonReload = "daemon-reload" }
}

/// What can be done to an earlier operation on packages.
pub const UNDO: &str = "undo";

/// What concerns no single unit and no single package: what a caller's `maintenance` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForAll {
    /// Something is done to all packages.
    Packages(Maintenance),
    /// Something is done to the service manager.
    Manager(ManagerAction),
}

impl Action for ForAll {
    const ALL: &'static [Self] = &[
        Self::Packages(Maintenance::Update),
        Self::Packages(Maintenance::Upgrade),
        Self::Packages(Maintenance::Autoremove),
        Self::Packages(Maintenance::Autoclean),
        Self::Packages(Maintenance::Repair),
        Self::Manager(ManagerAction::DaemonReload),
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Packages(action) => action.word(),
            Self::Manager(action) => action.word(),
        }
    }
}

/// A set of actions of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set<A> {
    /// One bit an action, in the order of [`Action::ALL`].
    pub bits: u16,
    kind: PhantomData<A>,
}

impl<A: Action> Set<A> {
    /// The set with no action in it.
    pub const NONE: Self = Self::from_bits(0);

    /// The set with these [`Set::bits`].
    pub const fn from_bits(bits: u16) -> Self {
        Self { bits, kind: PhantomData }
    }

    /// Whether `action` is in it.
    pub fn has(self, action: A) -> bool {
        self.bits & action.bit() != 0
    }

    /// The set with `action` in it too.
    pub fn with(self, action: A) -> Self {
        Self::from_bits(self.bits | action.bit())
    }

    /// The actions in it that are of another kind too.
    pub fn of_kind<B: Action>(self, kind: impl Fn(A) -> Option<B>) -> Set<B> {
        self.iter().filter_map(kind).fold(Set::NONE, Set::with)
    }

    /// The actions in it, in the order of [`Action::ALL`].
    pub fn iter(self) -> impl Iterator<Item = A> {
        A::ALL.iter().copied().filter(move |a| self.has(*a))
    }

    /// The words of the actions in it.
    pub fn words(self) -> Vec<&'static str> {
        self.iter().map(Action::word).collect()
    }
}
