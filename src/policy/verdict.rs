//! The verdict: plain values in, an approval or a refusal out.

use super::model::Policy;
use super::parse::nearest;
use crate::helper::codes::{Code, Refusal};
use crate::helper::request::{Operation, Request};

/// A request that the policy allows. Only [`judge`] makes one, and a plan takes nothing else.
#[derive(Debug)]
pub struct Approved<'p> {
    request: Request,
    policy: &'p Policy<'p>,
    /// The lines of the policy that allow it, from 1.
    lines: Vec<u32>,
    /// The command that must exit 0 first.
    check: Option<Vec<&'p str>>,
    /// The package's name in pacman's repositories, where it has another one there.
    pacman: Option<&'p str>,
    /// The longest it may take, in seconds.
    timeout: u32,
    /// What the caller should know though the request is allowed.
    warnings: Vec<String>,
}

impl<'p> Approved<'p> {
    /// What was asked.
    pub fn request(&self) -> &Request {
        &self.request
    }
    /// The policy that allows it.
    pub fn policy(&self) -> &'p Policy<'p> {
        self.policy
    }
    /// The lines of the policy that allow it, from 1.
    pub fn lines(&self) -> &[u32] {
        &self.lines
    }
    /// The command that must exit 0 before it.
    pub fn check(&self) -> Option<&[&'p str]> {
        self.check.as_deref()
    }
    /// The package's name in pacman's repositories, where it has another one there.
    pub fn pacman(&self) -> Option<&'p str> {
        self.pacman
    }
    /// The longest it may take, in seconds.
    pub fn timeout(&self) -> u32 {
        self.timeout
    }
    /// What the caller should know though the request is allowed.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// A refusal and the line of the policy it rests on, where there is one.
#[derive(Debug)]
pub struct Denial {
    /// What the caller is told.
    pub refusal: Refusal,
    /// The line of the policy, from 1.
    pub line: Option<u32>,
}

/// Whether the policy allows the request.
///
/// # Errors
/// `denied` where it does not, `reason_required` where it wants to know why.
pub fn judge<'p>(policy: &'p Policy<'p>, request: Request) -> Result<Approved<'p>, Denial> {
    let (lines, require_reason) = match &request.operation {
        Operation::Service { action, unit, .. } => {
            let rule = policy.unit(unit.as_str()).ok_or_else(|| unknown_unit(policy, &request))?;
            if !rule.actions.has(*action) {
                return Err(not_granted(&request, &rule.actions.words(), rule.actions_line));
            }
            (vec![rule.line, rule.actions_line], rule.require_reason)
        }
        Operation::Package { action, name } => {
            let rule =
                policy.package(name.as_str()).ok_or_else(|| unknown_package(policy, &request))?;
            if !rule.actions.has(*action) {
                return Err(not_granted(&request, &rule.actions.words(), rule.actions_line));
            }
            (vec![rule.line, rule.actions_line], rule.require_reason)
        }
        Operation::Maintenance { action } => {
            if !policy.maintenance.has(*action) {
                return Err(not_granted(
                    &request,
                    &policy.maintenance.words(),
                    policy.maintenance_line,
                ));
            }
            (vec![policy.maintenance_line], false)
        }
    };
    if require_reason && request.reason.is_none() {
        let refusal = Refusal::new(
            Code::ReasonRequired,
            format!("the policy wants to know why before `{}`", request.operation),
        )
        .hint("say it: --reason \"what this is for\"");
        return Err(Denial { refusal, line: lines.first().copied() });
    }
    Ok(approve(policy, request, lines))
}

/// The approval with all that the policy says about how.
fn approve<'p>(policy: &'p Policy<'p>, request: Request, mut lines: Vec<u32>) -> Approved<'p> {
    use super::action::ServiceAction::{Reload, Restart, Start};
    lines.dedup();
    let (mut check, mut pacman) = (None, None);
    let allowed = match &request.operation {
        Operation::Service { action, unit, .. } => {
            if matches!(action, Start | Restart | Reload) {
                check = policy.unit(unit.as_str()).and_then(|rule| policy.check_of(rule));
            }
            policy.limits.service_timeout
        }
        Operation::Package { name, .. } => {
            let other = policy.package(name.as_str()).map(|rule| policy.text_of(rule.pacman));
            pacman = other.filter(|other| !other.is_empty());
            policy.limits.package_timeout
        }
        Operation::Maintenance { .. } => policy.limits.package_timeout,
    };
    let timeout = request.timeout.map_or(allowed, |asked| asked.min(allowed));
    let warnings = match request.timeout {
        Some(asked) if asked > allowed => vec![format!(
            "--timeout {asked} is above the {allowed} seconds of the policy, which hold"
        )],
        _ => Vec::new(),
    };
    Approved { request, policy, lines, check, pacman, timeout, warnings }
}

fn not_granted(request: &Request, granted: &[&str], line: u32) -> Denial {
    let operation = &request.operation;
    let granted = if granted.is_empty() { "nothing".to_owned() } else { granted.join(", ") };
    let what = operation.name().unwrap_or("all packages");
    let refusal = Refusal::new(
        Code::Denied,
        format!("the policy does not allow `{operation}`: for {what} it allows {granted}"),
    )
    .hint(format!("ask an administrator, who sees why with: sm policy explain {operation}"));
    Denial { refusal, line: (line != 0).then_some(line) }
}

fn unknown_unit(policy: &Policy<'_>, request: &Request) -> Denial {
    let names = policy.units.iter().map(|rule| policy.text_of(rule.name));
    not_listed(request, names)
}

fn unknown_package(policy: &Policy<'_>, request: &Request) -> Denial {
    let names = policy.packages.iter().map(|rule| policy.text_of(rule.name));
    not_listed(request, names)
}

fn not_listed<'n>(request: &Request, names: impl ExactSizeIterator<Item = &'n str>) -> Denial {
    // A likeness to every name costs too much where there are very many.
    const COMPARED: usize = 1000;
    let operation = &request.operation;
    let name = operation.name().unwrap_or_default();
    let near = if names.len() <= COMPARED { nearest(name, names) } else { None };
    let hint = match near {
        Some(near) => format!("the policy names {near}; `sm-helper list` shows all of it"),
        None => "`sm-helper list` shows what is allowed".to_owned(),
    };
    let refusal = Refusal::new(
        Code::Denied,
        format!(
            "the policy does not name the {} {name}",
            match operation {
                Operation::Service { .. } => "unit",
                _ => "package",
            }
        ),
    )
    .hint(hint);
    Denial { refusal, line: None }
}
