//! The command lines of an operation on packages, whichever package manager they are for.

use crate::managers::argv::Argv;

/// What is run for an operation on packages.
#[derive(Debug)]
pub struct Commands {
    /// The operation itself.
    pub main: Argv,
    /// Prints what is installed, and whether the package manager is in order.
    pub inventory: Option<Argv>,
    /// Prints what was installed only because something else needed it.
    pub automatic: Option<Argv>,
    /// Prints what the operation would change.
    pub simulation: Option<Argv>,
    /// Prints what the package manager would ask before, and is answered no.
    pub questions: Option<Argv>,
    /// Prints the names that the operation reads from its standard input.
    pub names: Option<Argv>,
}

impl Commands {
    /// The operation alone, with nothing before it.
    pub fn alone(main: Argv) -> Self {
        let (inventory, automatic, simulation) = (None, None, None);
        Self { main, inventory, automatic, simulation, questions: None, names: None }
    }

    /// What is run before the operation, in that order.
    pub fn before(&self) -> [&Option<Argv>; 5] {
        [&self.inventory, &self.names, &self.simulation, &self.questions, &self.automatic]
    }
}
