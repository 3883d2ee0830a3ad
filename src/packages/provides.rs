//! What is there instead of a name that is no installed package, for a sentence.

use crate::managers::manager::Manager;
use crate::managers::providers::Providers;
use crate::output::text::one_line;

/// `vp1, which is installed, provides it`
pub fn message(manager: Manager, name: &str) -> Option<String> {
    let Providers { provide, of_group } = manager.providers(name);
    let which = |mut names: Vec<String>| {
        names.sort_unstable();
        let plural = names.len() > 1;
        (one_line(&names.join(", "), 200), plural)
    };
    match (provide.is_empty(), of_group.is_empty()) {
        (false, _) => Some(match which(provide) {
            (names, true) => format!("{names}, which are installed, provide it"),
            (names, false) => format!("{names}, which is installed, provides it"),
        }),
        (true, false) => Some(match which(of_group) {
            (names, true) => format!("it is a group, of which {names} are installed"),
            (names, false) => format!("it is a group, of which {names} is installed"),
        }),
        (true, true) => None,
    }
}
