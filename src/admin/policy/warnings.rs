//! Warnings about the site policy, wherever it is made, changed or shown.

use super::missing;
use crate::policy::force::InForce;
use crate::policy::ineffective;

/// One sentence for each line without effect and each group that this host does not have.
pub fn of_the_site(force: &InForce) -> Vec<String> {
    let missing = force.site().map(|site| missing::warnings(&site)).unwrap_or_default();
    [ineffective::warnings(force), missing].concat()
}
