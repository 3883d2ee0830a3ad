//! Whether this host has what confines the commands that are run.

use crate::admin::doctor::context::Context;
use crate::admin::doctor::finding::{Finding, Status};
use crate::system::confine::calls::landlock_version;
use crate::system::confine::{Measure, lacking_here};
use nix::errno::Errno;

/// Each measure that is not to be had. With `confine = "required"` every request is refused then.
pub fn measures(context: &Context) -> Vec<Finding> {
    let lacking = lacking_here();
    if lacking.is_none() {
        return vec![Finding::ok("what is run for a request is confined by all that confines it")];
    }
    let is_required = context.policy.as_ref().is_ok_and(|policy| policy.limits().must_confine);
    let status = if is_required { Status::Problem } else { Status::Warning };
    let finding = |measure: Measure| {
        let found = format!("this host does not have {}: {}", measure.named(), reason(measure));
        let finding = Finding::new(status, found);
        match is_required {
            true => finding.means(
                "the policy has confine = \"required\" below [exec], so every request is refused",
            ),
            false => finding,
        }
    };
    lacking.measures().map(finding).collect()
}

/// Why a measure is not there.
fn reason(measure: Measure) -> String {
    match (measure, landlock_version()) {
        (Measure::Landlock, Ok(version)) => {
            format!(
                "the kernel has version {version}, which does not know of truncation; Linux 6.2 does"
            )
        }
        (Measure::Landlock, Err(Errno::ENOSYS)) => {
            "the kernel is older than 5.13, or was built without it".to_owned()
        }
        (Measure::Landlock, Err(Errno::EOPNOTSUPP)) => {
            "it was turned off at boot: lsm= on the kernel's command line lacks landlock".to_owned()
        }
        (Measure::Landlock, Err(_)) => "the container hides it".to_owned(),
        (Measure::Mounts, _) => "it takes Linux 5.12 and, in a container, CAP_SYS_ADMIN".to_owned(),
        (Measure::Capabilities, _) => "root has no CAP_SETPCAP here".to_owned(),
        (Measure::Filter, _) => {
            "the kernel was built without it, or the container hides it".to_owned()
        }
    }
}
