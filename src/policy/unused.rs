//! Keys of the site policy without effect: actions that no name has, and limits that are wider than the
//! compiled ones.

use crate::policy::model::{Limits, Policy, SiteMode};
use crate::policy::written;

/// The line of a key, the part without effect, and the reason.
pub type Unused = (u32, String, String);

/// Actions of a section that none of its names has.
pub fn unused(site: &Policy<'_>) -> Vec<Unused> {
    let of = |section: &str, is_used: &dyn Fn(&str) -> bool| -> Vec<Unused> {
        let Some((line, words)) = written::words(site.text(), &[section, "actions"]) else {
            return Vec::new();
        };
        let unused = words.iter().filter(|word| !is_used(word));
        unused
            .map(|word| {
                let what = format!("the action {word:?}");
                (line, what, format!("no entry of [{section}] has it"))
            })
            .collect()
    };
    let services =
        of("services", &|word| site.units.iter().any(|rule| rule.actions.words().contains(&word)));
    let packages = of("packages", &|word| {
        site.packages.iter().any(|rule| rule.actions.words().contains(&word))
    });
    [services, packages].concat()
}

/// Limits that would be wider than the compiled ones, if the site policy can only narrow.
pub fn looser(compiled: &Policy<'_>, site: &Policy<'_>) -> Vec<Unused> {
    if compiled.site_mode != SiteMode::Narrow {
        return Vec::new();
    }
    let (own, bound) = (&site.limits, &compiled.limits);
    let rate = own.stricter(bound);
    let is_rate_idle = (rate.rate_count, rate.rate_seconds)
        == (bound.rate_count, bound.rate_seconds)
        && (own.rate_count, own.rate_seconds) != (bound.rate_count, bound.rate_seconds);
    let minute = |limits: &Limits| limits.audit.minute_bytes.map_or(u64::MAX, u64::from);
    let all: [(&[&str], bool); 13] = [
        (&["limits", "rate"], is_rate_idle),
        (&["limits", "output_bytes"], own.output_bytes > bound.output_bytes),
        (&["limits", "timeout_seconds", "service"], own.service_timeout > bound.service_timeout),
        (&["limits", "timeout_seconds", "package"], own.package_timeout > bound.package_timeout),
        (&["limits", "lock_seconds"], own.lock_seconds > bound.lock_seconds),
        (&["services", "watch_seconds"], own.watch_seconds < bound.watch_seconds),
        (&["exec", "confine"], !own.must_confine && bound.must_confine),
        (&["snapshots", "packages"], !own.snapshots.packages && bound.snapshots.packages),
        (&["snapshots", "required"], !own.snapshots.required && bound.snapshots.required),
        (&["audit", "max_bytes_per_minute"], minute(own) > minute(bound)),
        (&["audit", "max_total"], own.audit.total_bytes > bound.audit.total_bytes),
        (
            &["audit", "checkpoint_records"],
            own.audit.checkpoint_records > bound.audit.checkpoint_records,
        ),
        (&["replies", "mask_secrets"], !own.mask_secrets && bound.mask_secrets),
    ];
    let idle = all.into_iter().filter(|(_, is_idle)| *is_idle);
    idle.filter_map(|(path, _)| {
        let line = written::line(site.text(), path)?;
        let what = format!("`{}`", path.join("."));
        let reason =
            "the compiled policy's is stricter, and this program's site policy can only narrow it";
        Some((line, what, reason.to_owned()))
    })
    .collect()
}
