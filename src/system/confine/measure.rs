//! What a process is confined by, each of which a kernel or a container may lack.

/// One of the measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A mount namespace of its own.
    Mounts,
    /// Landlock.
    Landlock,
    /// Fewer capabilities.
    Capabilities,
    /// A filter of system calls.
    Filter,
}

impl Measure {
    /// All of them, in the order in which they are made to hold.
    pub const ALL: [Self; 4] = [Self::Mounts, Self::Capabilities, Self::Landlock, Self::Filter];

    /// What it is called in a sentence.
    pub fn named(self) -> &'static str {
        match self {
            Self::Mounts => "a mount namespace of its own",
            Self::Landlock => "Landlock",
            Self::Capabilities => "fewer capabilities",
            Self::Filter => "a filter of system calls (seccomp)",
        }
    }
}

/// Those that are not to be had: plain bits, which a process can set before it executes something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lacking(u8);

impl Lacking {
    /// Notes one.
    pub fn note(&mut self, measure: Measure) {
        self.0 |= 1 << measure as u8;
    }

    /// Notes others as well.
    pub fn add(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Whether there are all.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Which ones.
    pub fn measures(self) -> impl Iterator<Item = Measure> {
        Measure::ALL.into_iter().filter(move |measure| self.0 & (1 << *measure as u8) != 0)
    }

    /// As bits.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// From bits.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}
