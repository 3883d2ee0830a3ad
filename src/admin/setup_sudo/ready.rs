//! What every change of sudo's configuration needs first.

use crate::admin::answer::Failure;
use crate::admin::setup_sudo::{install, rights, rule};
use crate::cli::SetupSudo;
use crate::request::code::Refusal;
use crate::sudo::ask::Sudo;
use crate::sudo::visudo::Visudo;
use crate::sudo::{files, folder};
use crate::system::step::step;
use crate::system::trust::trusted;
use std::path::{Path, PathBuf};

/// What a drop-in is written with.
pub struct Ready {
    /// `sm`, after it was installed if that was asked for.
    pub program: PathBuf,
    /// Whether it was installed.
    pub installed: bool,
    /// The program of the rules.
    pub helper: PathBuf,
    /// What checks each change.
    pub visudo: Visudo,
}

impl Ready {
    /// Makes sure of the programs and of sudo's folder, after installing them if that was asked for.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn make(command: &SetupSudo, program: &Path) -> Result<Self, Failure> {
        let (program, installed) = match command.install {
            true => step("install the program", install::install)?,
            false => (program.to_owned(), false),
        };
        let helper = rule::of_both(&program)?;
        let visudo = Visudo::find()?;
        Sudo::find()?;
        files::reads_drop_ins(folder::FOLDER)?;
        // Whoever can write there has root already, and no rule of ours makes it better.
        let folder = Path::new(folder::FOLDER);
        if let Err(refusal) = trusted(folder)
            && folder.is_dir()
        {
            let hint = format!(
                "only root may change it: chown root:root {0}; chmod 0755 {0}",
                folder.display()
            );
            return Err(Refusal::from(refusal).hint(hint).into());
        }
        rights::no_default_acl(folder)?;
        Ok(Self { program, installed, helper, visudo })
    }
}
