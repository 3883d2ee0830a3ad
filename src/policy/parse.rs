//! From TOML to a policy.
//!
//! The build script and the running program share this file, so that what `sm policy check`
//! says of a policy is what the build says of it.

mod actions;
mod approval;
mod audit;
mod callers;
mod packages;
mod services;
mod snapshots;
mod tasks;
mod when;

use crate::policy::model::{Limits, SiteMode};
use crate::policy::not_toml;
pub use crate::policy::parsed::Parsed;
use crate::policy::table::{Mistakes, PolicyError, Source, Table};
use toml::de::DeTable;

/// The largest policy, in bytes: 100,000 names take about a tenth of it.
pub const LARGEST: usize = 64 << 20;

/// The keys of a policy, and of its sections that are read here.
const KEYS: [&str; 12] = [
    "schema",
    "site",
    "limits",
    "services",
    "packages",
    "tasks",
    "snapshots",
    "exec",
    "replies",
    "approvals",
    "audit",
    "callers",
];
/// What `[exec] confine` can be: whether nothing is run without it.
const CONFINES: [(&str, bool); 2] = [("auto", false), ("required", true)];
const LIMITS_KEYS: [&str; 4] = ["rate", "output_bytes", "timeout_seconds", "lock_seconds"];

/// Reads a policy. `file` is only what messages call it; `limits` hold where it says nothing.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(file: &str, text: &str, limits: Limits) -> Result<Parsed, Mistakes> {
    let (parsed, mistakes) = read(file, text, limits);
    Mistakes::of(mistakes).map_or(Ok(parsed), Err)
}

/// The same, but also returns what could be read of an invalid policy, for further warnings.
pub fn read(file: &str, text: &str, limits: Limits) -> (Parsed, Vec<PolicyError>) {
    let mut parsed = Parsed::nothing(file, text, limits);
    let source = Source::new(file, text);
    if text.len() > LARGEST {
        let message = format!("the policy is larger than {LARGEST} bytes");
        return (parsed, vec![source.error(0..0, message, None)]);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    let no_toml = not_toml::mistakes(&source, text, &errors);
    for error in &no_toml {
        source.note_names::<()>(Err(error.clone()));
    }
    if errors.is_empty() && root.get_ref().is_empty() {
        let hint = "begin with: schema = 1. What a policy says: sm policy show, man sm-policy";
        let error = source.error(0..0, "the policy is empty".to_owned(), Some(hint.to_owned()));
        return (parsed, vec![error]);
    }
    parsed.whole(&source, Table::whole(&source, &root, &KEYS));
    let mut mistakes = source.mistakes();
    // A key that could not be read is not missing, and the keys behind it may belong to another table.
    if !no_toml.is_empty() {
        mistakes.retain(|each| {
            let is_near = no_toml.iter().any(|error| error.line == each.line);
            no_toml.contains(each) || (!is_near && !each.is_of_keys)
        });
    }
    (parsed, mistakes)
}

impl Parsed {
    /// Reads the sections; each may need names from those before it.
    fn whole(&mut self, source: &Source<'_>, top: Table<'_>) {
        if let Some(schema) = top.required("schema", "1")
            && !source.integer(schema, 1..=u32::MAX).is_ok_and(|number| number == 1)
        {
            let message = "schema must be 1, the only one that exists".to_owned();
            let hint = "write schema = 1, without quotes".to_owned();
            source.note::<()>(Err(source.error(schema.span(), message, Some(hint))));
        }
        if let Some(site) = top.table("site", &["mode"], "[site] with mode = \"narrow\"")
            && let Some(mode) = site.required("mode", "\"narrow\"")
        {
            let known = source
                .string(mode)
                .and_then(|word| source.one_of(mode.span(), word, &SiteMode::WORDS, "a mode"));
            self.site_mode = source.note(known).unwrap_or(self.site_mode);
        }
        if let Some(limits) =
            top.table("limits", &LIMITS_KEYS, "[limits] with output_bytes = 65536")
        {
            self.limits(source, &limits);
        }
        if let Some(services) = top.table(
            "services",
            &services::KEYS,
            "[services] with actions = [\"status\"], then [services.units.myapp]",
        ) {
            self.services(source, &services);
        }
        if let Some(packages) = top.table(
            "packages",
            &packages::KEYS,
            "[packages] with actions = [\"install\"], then [packages.names.git]",
        ) {
            self.packages(source, &packages);
        }
        for (key, table) in top.named("tasks", &crate::policy::tasks::KEYS) {
            self.task(source, key, &table);
        }
        let strings = &self.strings;
        self.tasks.sort_by(|a, b| strings.get(a.name).cmp(strings.get(b.name)));
        if let Some(snapshots) =
            top.table("snapshots", &snapshots::KEYS, "[snapshots] with packages = true")
        {
            self.snapshots(&snapshots);
        }
        if let Some(exec) = top.table("exec", &["confine"], "[exec] with confine = \"required\"")
            && let Some(confine) = exec.required("confine", "\"required\"")
        {
            let known = source.string(confine).and_then(|word| {
                source.one_of(confine.span(), word, &CONFINES, "how what is run can be confined")
            });
            self.limits.must_confine = source.note(known).unwrap_or(self.limits.must_confine);
        }
        if let Some(replies) =
            top.table("replies", &["mask_secrets"], "[replies] with mask_secrets = true")
            && let Some(mask) = replies.boolean("mask_secrets")
        {
            self.limits.mask_secrets = mask;
        }
        if let Some(approvals) =
            top.table("approvals", &approval::KEYS, "[approvals] with expires_minutes = 60")
        {
            self.approvals(source, &approvals);
        }
        if let Some(audit) =
            top.table("audit", &audit::KEYS, "[audit] with recipients = [\"age1…\"]")
        {
            self.audit(source, &audit);
        }
        for (key, table) in top.named("callers", &callers::KEYS) {
            self.caller(source, key, &table);
        }
    }

    fn limits(&mut self, source: &Source<'_>, table: &Table<'_>) {
        let into = &mut self.limits;
        let set = |limit: &mut u32, read: Option<u32>| *limit = read.unwrap_or(*limit);
        if let Some(rate) = table.table(
            "rate",
            &["count", "per_seconds"],
            "rate = { count = 30, per_seconds = 60 }",
        ) {
            let number = |key, example, range| {
                source.note(source.integer(rate.required(key, example)?, range))
            };
            set(&mut into.rate_count, number("count", "30", 1..=1_000_000));
            set(&mut into.rate_seconds, number("per_seconds", "60", 1..=86_400));
        }
        set(&mut into.output_bytes, table.number("output_bytes", 1024..=1 << 20));
        if let Some(timeout) = table.table(
            "timeout_seconds",
            &["service", "package"],
            "timeout_seconds = { service = 120, package = 1800 }",
        ) {
            set(&mut into.service_timeout, timeout.number("service", 1..=86_400));
            set(&mut into.package_timeout, timeout.number("package", 1..=86_400));
        }
        set(&mut into.lock_seconds, table.number("lock_seconds", 0..=3600));
    }
}
