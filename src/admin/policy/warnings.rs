//! What is said of the site policy wherever it is made, changed or looked at.

use super::missing;
use crate::policy::force::InForce;
use crate::policy::ineffective;

/// Its lines without effect, and its groups that this host does not have: one sentence for each.
pub fn of_the_site(force: &InForce) -> Vec<String> {
    let missing = force.site().map(|site| missing::warnings(&site)).unwrap_or_default();
    [ineffective::warnings(force), missing].concat()
}
