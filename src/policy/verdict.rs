//! The verdict: plain values in, an approval or a refusal out.

use crate::output::nearest::nearest;
use crate::policy::COMPILED;
use crate::policy::approved::{Approved, Line, owned};
use crate::policy::callers::Share;
use crate::policy::model::{CallerRule, Limits, Policy, When};
use crate::policy::open::closed;
use crate::policy::tasks::Task;
use crate::request::code::{Code, Refusal};
use crate::request::name::is_of_the_broker;
use crate::request::operation::{Operation, Request};
use crate::request::who::Who;

/// A refusal, and the line of the policy that is the reason, if there is one.
#[derive(Debug)]
pub struct Denial {
    /// The reply to the caller.
    pub refusal: Refusal,
    /// The line of the policy.
    pub line: Option<Box<Line>>,
}

/// Decides whether the policy allows the request to this caller, with these limits.
///
/// # Errors
/// `denied` if it does not; `reason_required` if the policy wants a reason and there is none.
pub fn judge(
    policy: &Policy<'_>,
    limits: &Limits,
    who: &dyn Who,
    request: Request,
) -> Result<Approved, Denial> {
    let (lines, require_reason) = granted(policy, who, &request)?;
    let (caller_lines, approval) = given(policy, who, &request)?;
    if require_reason && request.reason.is_none() {
        let refusal = Refusal::new(
            Code::ReasonRequired,
            format!("the policy requires a reason for `{}`", request.operation),
        )
        .hint("give one: --reason \"what this is for\"");
        let line = lines.first().map(|line| Line::boxed(policy, *line));
        return Err(Denial { refusal, line });
    }
    let mut lines = [lines, caller_lines].concat();
    lines.dedup();
    let approved = approve(policy, limits, request, &lines).approved_as_in(policy);
    Ok(if approval { approved.with_approval() } else { approved })
}

/// The lines that grant the operation to callers in general, and whether it needs a reason.
fn granted(
    policy: &Policy<'_>,
    who: &dyn Who,
    request: &Request,
) -> Result<(Vec<u32>, bool), Denial> {
    if let Operation::Service { unit, .. } = &request.operation
        && is_of_the_broker(unit.as_str())
    {
        let refusal = Refusal::new(
            Code::Denied,
            format!("`{}` would affect the socket of this program itself", request.operation),
        )
        .hint("an administrator can do this with systemctl, or with: sm setup-broker");
        return Err(Denial { refusal, line: None });
    }
    let denied = |granted: &[&str], line| Err(not_granted(policy, request, granted, line));
    match &request.operation {
        Operation::Service { action, unit, .. } => {
            let names = policy.units.iter().map(|rule| policy.text_of(rule.name));
            let rule = policy
                .unit(unit.as_str())
                .ok_or_else(|| not_listed(request, policy.units.len(), names))?;
            if !rule.actions.has(*action) {
                return denied(&rule.actions.words(), rule.actions_line);
            }
            open(policy, who, request, rule.line, &rule.when)?;
            Ok((vec![rule.line, rule.actions_line], rule.require_reason))
        }
        Operation::Package { action, name, .. } => {
            let names = policy.packages.iter().map(|rule| policy.text_of(rule.name));
            let rule = policy
                .package(name.as_str())
                .ok_or_else(|| not_listed(request, policy.packages.len(), names))?;
            if !rule.actions.has(*action) {
                return denied(&rule.actions.words(), rule.actions_line);
            }
            open(policy, who, request, rule.line, &rule.when)?;
            Ok((vec![rule.line, rule.actions_line], rule.require_reason))
        }
        Operation::Maintenance { action, .. } => {
            if !policy.maintenance.has(*action) {
                return denied(&policy.maintenance.words(), policy.maintenance_line);
            }
            Ok((vec![policy.maintenance_line], false))
        }
        Operation::Manager { action } => {
            if !policy.manager.has(*action) {
                return denied(&policy.manager.words(), policy.manager_line);
            }
            Ok((vec![policy.manager_line], false))
        }
        Operation::Undo { .. } => {
            if !policy.undo.is_granted {
                return denied(&[], policy.undo.line);
            }
            Ok((vec![policy.undo.line], false))
        }
        Operation::Task { name } => {
            let names = policy.tasks.iter().map(|rule| policy.text_of(rule.name));
            let rule = policy
                .task(name.as_str())
                .ok_or_else(|| not_listed(request, policy.tasks.len(), names))?;
            open(policy, who, request, rule.line, &rule.when)?;
            Ok((vec![rule.line], rule.require_reason))
        }
    }
}

/// That it is allowed now.
fn open(
    policy: &Policy<'_>,
    who: &dyn Who,
    request: &Request,
    line: u32,
    when: &When,
) -> Result<(), Denial> {
    let Some(closed) = who.moment().and_then(|now| closed(policy, when, now)) else {
        return Ok(());
    };
    let refusal = Refusal::new(
        Code::Denied,
        format!("the policy allows `{}` {}", request.operation, closed.only),
    );
    let refusal = match closed.begins_in {
        Some(seconds) => refusal.hint(format!("ask again in {seconds} s")).retry_after(seconds),
        None => refusal.hint("ask an administrator"),
    };
    Err(Denial { refusal, line: Some(Line::boxed(policy, line)) })
}

/// The lines that give the operation to this caller, and whether an administrator approves first what
/// this caller changes: where one of the tables that give it says so.
fn given(
    policy: &Policy<'_>,
    who: &dyn Who,
    request: &Request,
) -> Result<(Vec<u32>, bool), Denial> {
    let operation = &request.operation;
    let share = Share::of(policy, who);
    let gives = |rule: &CallerRule| match operation {
        Operation::Service { unit, .. } => policy.holds(rule.services, unit.as_str()),
        Operation::Package { name, .. } => policy.holds(rule.packages, name.as_str()),
        Operation::Maintenance { action, .. } => rule.maintenance.has(*action),
        Operation::Manager { action } => rule.manager.has(*action),
        Operation::Undo { .. } => rule.undo,
        Operation::Task { name } => policy.holds(rule.tasks, name.as_str()),
    };
    let rules = share.rules.as_deref();
    // One of them whose time it is, if there is one.
    let in_time = |rule: &CallerRule| open(policy, who, request, rule.line, &rule.when);
    let rule = rules.map(|rules| {
        let giving = || rules.iter().filter(|rule| gives(rule));
        giving().find(|rule| in_time(rule).is_ok()).or_else(|| giving().next())
    });
    if let Some(Some(rule)) = rule {
        in_time(rule)?;
    }
    if let Some(None) = rule {
        let refusal = Refusal::new(
            Code::Denied,
            format!("the policy allows `{operation}` for other callers, not for this one"),
        )
        .hint("`sm-helper list` shows what this caller may do; an administrator can allow more");
        let line = rules.and_then(|rules| rules.first()).map(|rule| Line::boxed(policy, rule.line));
        return Err(Denial { refusal, line });
    }
    let is_given = |rule: &CallerRule| gives(rule) && in_time(rule).is_ok();
    if let Some(unknown) = share.unknown.iter().find(|rule| !is_given(rule)) {
        let refusal = Refusal::new(
            Code::PolicyInvalid,
            format!(
                "{}:{}:1: whether this caller is in the group {}, which may not `{operation}`, cannot be known: there is no such group, or it cannot be looked up",
                policy.file,
                unknown.line,
                policy.text_of(unknown.name)
            ),
        )
        .hint("an administrator creates the group (groupadd), or removes its table from the policy");
        return Err(Denial { refusal, line: Some(Line::boxed(policy, unknown.line)) });
    }
    let giving = rules.into_iter().flatten().copied().filter(|rule| gives(rule));
    let approval = giving.chain(share.unknown.iter().copied()).any(|rule| rule.approval);
    Ok((rule.flatten().map(|rule| rule.line).into_iter().collect(), approval))
}

/// The approval, with all settings of the policy for the operation.
fn approve(policy: &Policy<'_>, limits: &Limits, request: Request, lines: &[u32]) -> Approved {
    let (mut check, mut pacman, mut watch_seconds, mut task) = (None, None, None, None);
    let (mut allow_removals, mut checks_start) = (policy.allow_removals, true);
    let allowed = match &request.operation {
        Operation::Service { action, unit, .. } => {
            if action.wakes()
                && let Some(rule) = policy.unit(unit.as_str())
            {
                check = policy.check_of(&rule);
                checks_start = rule.check_start;
                watch_seconds = rule.watch_seconds;
            }
            limits.service_timeout
        }
        Operation::Package { name, .. } => {
            if let Some(rule) = policy.package(name.as_str()) {
                pacman = Some(policy.text_of(rule.pacman)).filter(|other| !other.is_empty());
                allow_removals = rule.allow_removals.unwrap_or(allow_removals);
            }
            limits.package_timeout
        }
        Operation::Maintenance { .. } | Operation::Undo { .. } => limits.package_timeout,
        Operation::Manager { .. } => limits.service_timeout,
        Operation::Task { name } => {
            // There is nothing to watch afterwards.
            watch_seconds = Some(0);
            task = policy.task(name.as_str()).map(|rule| Task::of(policy, rule));
            task.as_ref().map_or(0, |task| task.timeout_seconds)
        }
    };
    let timeout = request.timeout.map_or(allowed, |asked| asked.min(allowed));
    let warnings = match request.timeout {
        Some(asked) if asked > allowed => {
            vec![format!("--timeout {asked} exceeds the policy's {allowed} seconds, which apply")]
        }
        _ => Vec::new(),
    };
    Approved {
        request,
        lines: lines.iter().map(|line| Line::of(policy, *line)).collect(),
        check: check.map(owned),
        checks_start,
        pacman: pacman.map(str::to_owned),
        allow_removals,
        removable: Vec::new(),
        task,
        is_compiled_in: policy.hash == COMPILED.hash,
        units: None,
        maintenance: Vec::new(),
        services: Vec::new(),
        asker: None,
        needs_approval: false,
        grant: None,
        may_reread: false,
        may_reset: false,
        limits: *limits,
        watch_seconds,
        timeout,
        warnings,
    }
}

fn not_granted(policy: &Policy<'_>, request: &Request, granted: &[&str], line: u32) -> Denial {
    let operation = &request.operation;
    let granted = if granted.is_empty() { "nothing".to_owned() } else { granted.join(", ") };
    let for_all = match operation {
        Operation::Manager { .. } => "the service manager",
        Operation::Undo { .. } => "what was done to packages",
        _ => "all packages",
    };
    let what = match operation {
        Operation::Undo { .. } => for_all,
        _ => operation.name().unwrap_or(for_all),
    };
    let refusal = Refusal::new(
        Code::Denied,
        format!("the policy does not allow `{operation}`: for {what} it allows {granted}"),
    )
    .hint(format!("ask an administrator, who can see why with: sm policy explain {operation}"));
    Denial { refusal, line: (line != 0).then(|| Line::boxed(policy, line)) }
}

fn not_listed<'n>(request: &Request, count: usize, names: impl Iterator<Item = &'n str>) -> Denial {
    // To compare very many names for a suggestion costs too much.
    const COMPARED: usize = 1000;
    let operation = &request.operation;
    let name = operation.name().unwrap_or_default();
    let near = if count <= COMPARED { nearest(name, names) } else { None };
    let hint = match near {
        Some(near) => format!("the policy names {near}; `sm-helper list` shows all of it"),
        None => {
            "`sm-helper list` shows what is allowed; an administrator can allow more".to_owned()
        }
    };
    let kind = match operation {
        Operation::Service { .. } | Operation::Manager { .. } => "unit",
        Operation::Task { .. } => "task",
        Operation::Package { .. } | Operation::Maintenance { .. } | Operation::Undo { .. } => {
            "package"
        }
    };
    let refusal = Refusal::new(Code::Denied, format!("the policy does not name the {kind} {name}"))
        .hint(hint);
    Denial { refusal, line: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::parse::{Parsed, parse};
    use crate::request::action::{PackageAction, ServiceAction};
    use crate::request::name::{PackageName, UnitName};
    use crate::request::who::Everybody;

    fn policy(rest: &str, unsaid: Limits) -> Parsed {
        parse("test.toml", &format!("schema = 1\n{rest}"), unsaid).expect("a policy")
    }

    fn approved(policy: &Parsed, limits: &Limits, operation: Operation) -> Approved {
        let request = Request::new(operation, None);
        judge(&policy.policy(), limits, &Everybody, request).expect("it is allowed")
    }

    /// How long nginx is watched under a compiled policy and a narrowing site policy together.
    fn watched(compiled: &str, site: &str) -> u32 {
        let services = |general: &str, unit: &str| {
            format!("[services]\nactions = [\"restart\"]\n{general}\nunits.nginx = {{ {unit} }}")
        };
        let rest = |message: &str| {
            let (general, unit) = message.split_once('/').unwrap_or((message, ""));
            let key = |seconds: &str| match seconds {
                "" => String::new(),
                seconds => format!("watch_seconds = {seconds}"),
            };
            services(&key(general), &key(unit))
        };
        let compiled = policy(&rest(compiled), Limits::USUAL);
        let site = policy(&rest(site), compiled.policy().limits);
        let limits = site.policy().limits.stricter(&compiled.policy().limits);
        let unit = UnitName::parse(b"nginx").expect("a unit");
        let operation = Operation::Service {
            action: ServiceAction::Restart,
            unit,
            shown: crate::request::operation::Shown::USUAL,
        };
        let by_site = approved(&site, &limits, operation.clone());
        approved(&compiled, &limits, operation).narrowed_by(by_site).watch_seconds()
    }

    /// A caller who is in the group `in` and not in `out`; of other groups nobody can tell.
    struct Somebody;

    impl Who for Somebody {
        fn is_user(&self, name: &str) -> bool {
            name == "me"
        }
        fn in_group(&self, name: &str) -> Option<bool> {
            match name {
                "in" => Some(true),
                "out" => Some(false),
                _ => None,
            }
        }
    }

    #[test]
    fn a_group_that_is_gone_widens_nothing() {
        let services = "[services]\nactions = [\"restart\"]\nunits.nginx = {}\nunits.caddy = {}\n";
        for (callers, nginx, caddy) in [
            (&[][..], "ok", "ok"),
            (&[("group:gone", "nginx")], "ok", "policy_invalid"),
            (&[("group:gone", "")], "policy_invalid", "policy_invalid"),
            (
                &[("group:gone", "nginx"), ("group:gone2", "caddy")],
                "policy_invalid",
                "policy_invalid",
            ),
            (&[("group:gone", "nginx"), ("default", "caddy")], "denied", "policy_invalid"),
            (&[("group:gone", "nginx"), ("default", "nginx")], "ok", "denied"),
            (&[("group:gone", "nginx"), ("group:out", "")], "ok", "policy_invalid"),
            // A caller whom a rule names gets what it gives, whatever other groups are unknown.
            (&[("group:gone", ""), ("user:me", "caddy")], "denied", "ok"),
            (&[("group:gone", ""), ("group:in", "nginx")], "ok", "denied"),
            (&[("user:other", "")], "ok", "ok"),
        ] {
            let table = |(who, unit): &(&str, &str)| {
                let unit = if unit.is_empty() { String::new() } else { format!("{unit:?}") };
                format!("[callers.{who:?}]\nservices = [{unit}]\n")
            };
            let tables: String = callers.iter().map(table).collect();
            let policy = policy(&format!("{services}{tables}"), Limits::USUAL);
            for (unit, expected) in [("nginx", nginx), ("caddy", caddy)] {
                let unit = UnitName::parse(unit.as_bytes()).expect("a unit");
                let shown = crate::request::operation::Shown::USUAL;
                let operation = Operation::Service { action: ServiceAction::Restart, unit, shown };
                let request = Request::new(operation, None);
                let judged = judge(&policy.policy(), &Limits::USUAL, &Somebody, request);
                let code = judged.map_or_else(|denial| denial.refusal.code.word(), |_| "ok");
                assert_eq!(code, expected, "{tables}");
            }
        }
    }

    #[test]
    fn a_site_policy_that_narrows_can_only_watch_longer() {
        // General and, after the stroke, of the unit.
        for (compiled, site, seconds) in [
            ("", "", 2),
            ("5", "", 5),
            ("5", "3", 5),
            ("5", "9", 9),
            ("5/20", "", 20),
            ("5/1", "", 1),
            ("5/1", "/3", 3),
            ("5/20", "/3", 20),
            ("5", "/3", 5),
            ("5", "/9", 9),
        ] {
            assert_eq!(watched(compiled, site), seconds, "{compiled:?} and {site:?}");
        }
    }

    #[test]
    fn a_package_says_itself_whether_others_may_go_with_it() {
        let removals = |general: bool, own: &str| {
            let rest = format!(
                "[packages]\nactions = [\"remove\"]\nallow_removals = {general}\nnames.curl = {{ {own} }}"
            );
            policy(&rest, Limits::USUAL)
        };
        let operation = Operation::Package {
            action: PackageAction::Remove,
            name: PackageName::parse(b"curl").expect("a package"),
            only_plan: false,
        };
        let judged = |policy: &Parsed| approved(policy, &Limits::USUAL, operation.clone());
        let (yes, no) = ("allow_removals = true", "allow_removals = false");
        for (general, own, allowed) in
            [(true, "", true), (false, "", false), (true, no, false), (false, yes, true)]
        {
            let policy = removals(general, own);
            assert_eq!(judged(&policy).allow_removals(), allowed, "{general} {own}");
            let both = judged(&removals(false, yes)).narrowed_by(judged(&policy));
            assert_eq!(both.allow_removals(), allowed, "{general} {own}");
            let both = judged(&removals(true, no)).narrowed_by(judged(&policy));
            assert!(!both.allow_removals(), "{general} {own}");
        }
    }

    #[test]
    fn a_site_policy_that_narrows_can_only_turn_snapshots_on() {
        let snapshots = |rest: &str, unsaid: Limits| {
            policy(&format!("[snapshots]\n{rest}"), unsaid).policy().limits
        };
        let compiled = snapshots("packages = true\nrequired = true\nkeep = 3", Limits::USUAL);
        let off = snapshots("packages = false\nrequired = false", compiled).stricter(&compiled);
        assert_eq!(off.snapshots, compiled.snapshots);
        let plain = Limits::USUAL;
        let on = snapshots("packages = true\nkeep = 30", plain).stricter(&plain).snapshots;
        assert_eq!((on.packages, on.required, on.keep), (true, false, 30));
        let task = |rest: &str| {
            let rest = format!("[tasks.a]\nargv = [\"/usr/bin/a\"]\n{rest}");
            policy(&rest, Limits::USUAL)
        };
        let name = crate::request::name::TaskName::parse(b"a").expect("a task");
        let operation = Operation::Task { name };
        let judged = |policy: &Parsed| approved(policy, &Limits::USUAL, operation.clone());
        let (with, without) = (task("snapshot = true"), task(""));
        for (one, other, is_taken) in
            [(&with, &without, true), (&without, &with, true), (&without, &without, false)]
        {
            let both = judged(one).narrowed_by(judged(other));
            assert_eq!(both.task().map(|task| task.snapshot), Some(is_taken));
        }
    }

    #[test]
    fn a_site_policy_that_narrows_makes_the_log_smaller_and_no_share_larger() {
        let log = |rest: &str, unsaid: Limits| {
            policy(&format!("[audit]\n{rest}"), unsaid).policy().limits
        };
        let plain = Limits::USUAL;
        let own = "max_bytes_per_minute = 100000\nmax_total = 2000000\ncheckpoint_records = 9";
        let small = log(own, plain);
        assert!(!small.audit.has_usual_share);
        // On top of the share that there is without.
        let both = small.stricter(&plain).audit;
        assert_eq!((both.minute_bytes, both.has_usual_share), (Some(100_000), true));
        assert_eq!((both.total_bytes, both.checkpoint_records), (2_000_000, 9));
        let large = log("max_bytes_per_minute = 900000\nmax_total = 3000000", small);
        assert_eq!(large.stricter(&small).audit, small.audit);
        assert_eq!(log("", small).audit, small.audit);
    }

    #[test]
    fn an_undo_is_granted_by_its_own_key() {
        let undo = Operation::Undo { id: None, is_forced: false };
        let judged = |rest: &str, who: &dyn Who| {
            let policy = policy(rest, Limits::USUAL);
            let request = Request::new(undo.clone(), None);
            judge(&policy.policy(), &Limits::USUAL, who, request)
                .map(|approved| approved.needs_approval())
                .map_err(|denial| denial.refusal.code)
        };
        let own = |undo: &str| {
            format!("[packages]\nundo = true\n[callers.\"user:me\"]\npackages = []\n{undo}")
        };
        for (rest, expected) in [
            ("[packages]\nactions = [\"install\"]", Err(Code::Denied)),
            ("[packages]\nundo = false", Err(Code::Denied)),
            ("[packages]\nundo = true", Ok(false)),
            ("[packages]\nundo = true\napproval = [\"undo\"]", Ok(true)),
            ("[packages]\nundo = true\napproval = true", Ok(true)),
            ("[packages]\nundo = true\napproval = [\"upgrade\"]", Ok(false)),
            (own("").as_str(), Err(Code::Denied)),
            (own("undo = true").as_str(), Ok(false)),
            (own("undo = true\napproval = true").as_str(), Ok(true)),
        ] {
            assert_eq!(judged(rest, &Somebody), expected, "{rest}");
        }
    }

    #[test]
    fn the_stricter_limits_are_the_ones_that_risk_less() {
        let one = Limits { lock_seconds: 5, watch_seconds: 9, ..Limits::USUAL };
        let two = Limits { mask_secrets: false, ..Limits::USUAL };
        for both in [one.stricter(&two), two.stricter(&one)] {
            assert_eq!((both.lock_seconds, both.watch_seconds, both.mask_secrets), (5, 9, true));
        }
        assert!(!two.stricter(&two).mask_secrets);
        let off = policy("[replies]\nmask_secrets = false", Limits::USUAL);
        assert!(!off.policy().limits.mask_secrets);
        assert!(!policy("", off.policy().limits).policy().limits.mask_secrets);
    }
}
