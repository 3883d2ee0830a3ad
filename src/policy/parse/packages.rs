//! `[packages]`: what may be done to which packages, and to all at once.

use super::actions::Granted;
use crate::policy::meant;
use crate::policy::model::{PackageRule, Span};
use crate::policy::parsed::Parsed;
use crate::policy::table::{DeKey, PolicyError, Source, Table};
use crate::request::action::UNDO;
use crate::request::name::PackageName;
use toml::Spanned;
use toml::de::DeValue;

pub(super) const KEYS: [&str; 7] =
    ["actions", "maintenance", "undo", "allow_removals", "require_reason", "approval", "names"];
const PACKAGE_KEYS: [&str; 8] = [
    "actions",
    "require_reason",
    "approval",
    "pacman",
    "allow_removals",
    "not_before",
    "not_after",
    "window",
];

impl Parsed {
    pub(super) fn packages(&mut self, source: &Source<'_>, table: &Table<'_>) {
        let general = table.optional("actions");
        let general = general.map_or(Granted::nothing(true), |value| source.actions(value));
        if let Some(maintenance) = table.optional("maintenance") {
            let granted = source.actions(maintenance);
            (self.maintenance, self.maintenance_line) = (granted.set, granted.line);
            self.maintenance_is_whole &= granted.is_whole;
        }
        if let Some(undo) = table.optional("undo") {
            self.undo.is_granted = table.boolean("undo").unwrap_or(false);
            self.undo.line = source.line(undo.span().start);
        }
        self.allow_removals = table.boolean("allow_removals").unwrap_or(false);
        let all_require_reason = table.boolean("require_reason").unwrap_or(false);
        let all_approval = source.approval_of_all(table, Some(UNDO)).unwrap_or_default();
        self.maintenance_approval = all_approval.of_all;
        self.undo.approval = all_approval.of_more;
        for (key, package) in table.named("names", &PACKAGE_KEYS) {
            let name = PackageName::parse(key.get_ref().as_bytes())
                .map_err(|error| source.wrong_name(key.span(), key.get_ref(), &error));
            let name = source.note_names(name.and_then(|name| in_small_letters(source, key, name)));
            let granted = source.own_actions(&package, "actions", general);
            if granted.line == 0 && granted.is_whole {
                let message = format!("there are no actions for package {}", key.get_ref());
                let hint = "add `actions` to [packages]".to_owned();
                source.note::<()>(Err(source.error(key.span(), message, Some(hint))));
            }
            let require_reason = package.boolean("require_reason").unwrap_or(all_require_reason);
            let approval = source.approval(&package, &granted).unwrap_or(all_approval.of_one);
            let pacman = package.optional("pacman");
            let pacman = pacman.and_then(|value| source.note(package_name(source, value)));
            let allow_removals = package.boolean("allow_removals");
            let when = self.when(source, &package);
            let Some(name) = name else { continue };
            let rule = PackageRule {
                name: self.strings.add(name.as_str()),
                pacman: pacman.map_or(Span::NONE, |other| self.strings.add(other)),
                line: source.line(key.span().start),
                actions_line: granted.line,
                actions: granted.set,
                approval,
                require_reason,
                allow_removals,
                when,
            };
            self.packages.push(rule);
        }
        let strings = &self.strings;
        self.packages.sort_by(|a, b| strings.get(a.name).cmp(strings.get(b.name)));
        source.no_twins(self.packages.iter().map(|rule| (strings.get(rule.name), rule.line)));
    }
}

/// No package of Debian's or Arch's has another name (Debian Policy 5.6.1), so a capital letter is a
/// mistake that would be seen at the first request only.
fn in_small_letters(
    source: &Source<'_>,
    key: &Spanned<DeKey<'_>>,
    name: PackageName,
) -> Result<PackageName, PolicyError> {
    let small = name.as_str().to_ascii_lowercase();
    if small == name.as_str() {
        return Ok(name);
    }
    let message =
        format!("{:?} is not a package: packages have names in small letters", name.as_str());
    let hint = format!("write [packages.names.{}]", meant::word(&small));
    Err(source.error(key.span(), message, Some(hint)))
}

fn package_name<'v>(
    source: &Source<'_>,
    value: &'v Spanned<DeValue<'_>>,
) -> Result<&'v str, PolicyError> {
    let text = source.string(value)?;
    PackageName::parse(text.as_bytes())
        .map_err(|error| source.error(value.span(), error.to_string(), None))?;
    Ok(text)
}
