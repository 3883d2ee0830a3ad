//! Which other packages a caller may remove: the removal of one package may need that of others.

use crate::managers::manager::{Manager, Names};
use crate::policy::callers::Share;
use crate::policy::model::{Policy, SiteMode, When};
use crate::policy::open::closed;
use crate::request::action::PackageAction;
use crate::request::who::Who;

/// A package whose removal a policy grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removable {
    name: String,
    /// Empty where it is the same.
    pacman: String,
    require_reason: bool,
}

impl Removable {
    /// Its name in the package manager.
    pub fn name_for(&self, manager: Manager) -> &str {
        manager.own_name(Names { general: &self.name, pacman: &self.pacman })
    }

    /// Whether a request to remove it would be granted without a reason.
    pub fn needs_no_reason(&self) -> bool {
        !self.require_reason
    }
}

/// Whether the policy has an administrator approve the removal of this package first: then it is removed
/// along with nothing else.
fn is_held_up(policy: &Policy<'_>, name: &str) -> bool {
    policy.package(name).is_some_and(|rule| rule.approval.has(PackageAction::Remove))
}

/// These without what that policy has an administrator approve first.
pub fn not_held_up(policy: &Policy<'_>, mut all: Vec<Removable>) -> Vec<Removable> {
    all.retain(|package| !is_held_up(policy, &package.name));
    all
}

/// Every package that the policy lets this caller remove without an approval, sorted by name.
pub fn removable(policy: &Policy<'_>, who: &dyn Who) -> Vec<Removable> {
    let share = Share::of(policy, who);
    let is_open = |when: &When| who.moment().is_none_or(|now| closed(policy, when, now).is_none());
    let mut tables = share.rules.iter().flatten().chain(&share.unknown);
    if tables.any(|rule| rule.approval || !is_open(&rule.when)) {
        return Vec::new();
    }
    let is_given = |name: &str| share.holds(|rule| policy.holds(rule.packages, name));
    let granted = policy.packages.iter().filter(|rule| {
        rule.actions.has(PackageAction::Remove)
            && !rule.approval.has(PackageAction::Remove)
            && is_open(&rule.when)
            && is_given(policy.text_of(rule.name))
    });
    let removable = granted.map(|rule| Removable {
        name: policy.text_of(rule.name).to_owned(),
        pacman: policy.text_of(rule.pacman).to_owned(),
        require_reason: rule.require_reason,
    });
    removable.collect()
}

/// Every package that both policies together let the caller remove, judged name by name.
pub fn together(
    compiled: Vec<Removable>,
    mut site: Vec<Removable>,
    mode: SiteMode,
) -> Vec<Removable> {
    let find = |list: &[Removable], name: &str| {
        list.binary_search_by(|package| package.name.as_str().cmp(name)).ok()
    };
    if mode == SiteMode::Replace {
        return site;
    }
    if mode == SiteMode::Narrow {
        let both = compiled.into_iter().filter_map(|package| {
            let by_site = &site[find(&site, &package.name)?];
            let require_reason = package.require_reason || by_site.require_reason;
            Some(Removable { require_reason, ..package })
        });
        return both.collect();
    }
    let more = compiled.into_iter().filter(|package| find(&site, &package.name).is_none());
    let more: Vec<Removable> = more.collect();
    site.extend(more);
    site
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::managers::host;
    use crate::policy::model::Limits;
    use crate::policy::parse::{Parsed, parse};
    use crate::policy::verdict::judge;
    use crate::request::name::PackageName;
    use crate::request::operation::{Operation, Reason, Request};

    struct Ci;

    impl Who for Ci {
        fn is_user(&self, name: &str) -> bool {
            name == "ci"
        }
        fn in_group(&self, name: &str) -> Option<bool> {
            (name != "gone").then_some(false)
        }
    }

    const NAMES: [&str; 5] = ["both", "explained", "foreign", "installed", "other"];

    fn policies() -> [Parsed; 6] {
        let all = "[packages]\nactions = [\"install\", \"remove\"]\n";
        let only = "[callers.\"user:ci\"]\npackages = ";
        [
            format!("{all}names.both = {{ pacman = \"both-arch\" }}\nnames.explained = {{ require_reason = true }}\nnames.installed = {{ actions = [\"install\"] }}\nnames.other = {{}}\n"),
            format!("{all}names.both = {{}}\nnames.explained = {{}}\nnames.foreign = {{}}\nnames.installed = {{}}\n{only}[\"both\", \"explained\", \"installed\"]"),
            format!("{all}names.both = {{ require_reason = true }}\nnames.other = {{}}\n{only}[\"both\"]"),
            format!("{all}names.both = {{}}\nnames.other = {{}}\n[callers.\"group:gone\"]\npackages = [\"both\"]"),
            format!("{all}approval = [\"remove\"]\nnames.both = {{}}\nnames.other = {{ approval = false }}"),
            format!("{all}names.both = {{}}\nnames.other = {{}}\n{only}[\"both\"]\napproval = true"),
        ]
        .map(|rest| {
            parse("test.toml", &format!("schema = 1\n{rest}"), Limits::USUAL).expect("a policy")
        })
    }

    fn names<'l>(list: &'l [Removable], has_reason: bool, manager: &str) -> Vec<&'l str> {
        let manager = host::named(manager).expect("a package manager");
        let granted = list.iter().filter(|package| has_reason || package.needs_no_reason());
        let mut names: Vec<&str> = granted.map(|package| package.name_for(manager)).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn it_is_what_a_request_of_its_own_would_be_granted() {
        let policies = policies();
        for (which, has_reason) in (0..6).flat_map(|at| [(at, true), (at, false)]) {
            let policy = policies[which].policy();
            let granted = NAMES.iter().copied().filter(|name| {
                let name = PackageName::parse(name.as_bytes()).expect("a name");
                let operation =
                    Operation::Package { action: PackageAction::Remove, name, only_plan: false };
                let reason = has_reason.then(Reason::any);
                let request = Request::new(operation, reason);
                judge(&policy, &Limits::USUAL, &Ci, request)
                    .is_ok_and(|approved| !approved.needs_approval())
            });
            let found = removable(&policy, &Ci);
            assert_eq!(names(&found, has_reason, "apt"), granted.collect::<Vec<_>>());
        }
    }

    #[test]
    fn where_both_decide_both_must_grant_it() {
        let [one, two, three, ..] = policies();
        let of = |parsed: &Parsed| removable(&parsed.policy(), &Ci);
        let both = together(of(&one), of(&two), SiteMode::Narrow);
        assert_eq!(names(&both, true, "apt"), ["both", "explained"]);
        assert_eq!(names(&both, false, "pacman"), ["both-arch"]);
        let both = together(of(&one), of(&three), SiteMode::Narrow);
        assert_eq!(names(&both, false, "apt"), [""; 0]);
    }

    #[test]
    fn where_either_decides_the_site_still_wants_its_reason() {
        let [one, _, three, ..] = policies();
        let of = |parsed: &Parsed| removable(&parsed.policy(), &Ci);
        let both = together(of(&one), of(&three), SiteMode::Extend);
        assert_eq!(names(&both, false, "apt"), ["other"]);
        assert_eq!(names(&both, true, "apt"), ["both", "explained", "other"]);
    }
}
