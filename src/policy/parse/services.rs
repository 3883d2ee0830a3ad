//! `[services]`: what may be done to which units.

use super::actions::Granted;
use crate::policy::model::{Span, UnitRule};
use crate::policy::parsed::Parsed;
use crate::policy::table::{DeKey, PolicyError, Source, Table};
use crate::policy::tasks::command;
use crate::request::name::{UnitName, is_of_the_broker};
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::DeValue;

pub(super) const KEYS: [&str; 6] =
    ["actions", "maintenance", "require_reason", "approval", "watch_seconds", "units"];
const UNIT_KEYS: [&str; 10] = [
    "actions",
    "instances",
    "require_reason",
    "approval",
    "check",
    "check_start",
    "watch_seconds",
    "not_before",
    "not_after",
    "window",
];

/// The longest that a unit can be watched, in seconds. The caller waits all that time.
const WATCH_SECONDS: RangeInclusive<u32> = 0..=60;

impl Parsed {
    pub(super) fn services(&mut self, source: &Source<'_>, table: &Table<'_>) {
        // Who has systemd read its files needs no unit.
        let is_bare = table.optional("units").is_none() && table.optional("maintenance").is_some();
        let general = match is_bare {
            true => table.optional("actions"),
            false => table.required("actions", "[\"restart\", \"status\"]"),
        };
        let general = general.map_or(Granted::nothing(is_bare), |value| source.actions(value));
        if let Some(maintenance) = table.optional("maintenance") {
            let granted = source.actions(maintenance);
            (self.manager, self.manager_line) = (granted.set, granted.line);
            self.maintenance_is_whole &= granted.is_whole;
        }
        let all_require_reason = table.boolean("require_reason").unwrap_or(false);
        let all_approval = source.approval_of_all(table, None).unwrap_or_default();
        self.manager_approval = all_approval.of_all;
        if let Some(seconds) = table.number("watch_seconds", WATCH_SECONDS) {
            self.limits.watch_seconds = seconds;
        }
        for (key, unit) in table.named("units", &UNIT_KEYS) {
            let names = names(source, key, unit.optional("instances"));
            let granted = source.own_actions(&unit, "actions", general);
            let require_reason = unit.boolean("require_reason").unwrap_or(all_require_reason);
            let approval = source.approval(&unit, &granted).unwrap_or(all_approval.of_one);
            let check = unit.optional("check");
            let check = check.and_then(|check| source.note(command(source, check, "check")));
            let check = check.map(|words| self.run(&words));
            let check_start = unit.boolean("check_start").unwrap_or(true);
            let watch_seconds = unit.number("watch_seconds", WATCH_SECONDS);
            let when = self.when(source, &unit);
            for (line, name) in names {
                let name = self.strings.add(name.as_str());
                self.units.push(UnitRule {
                    name,
                    line,
                    actions_line: granted.line,
                    actions: granted.set,
                    approval,
                    require_reason,
                    check: check.unwrap_or(Span::NONE),
                    check_start,
                    watch_seconds,
                    when,
                });
            }
        }
        let strings = &self.strings;
        self.units.sort_by(|a, b| strings.get(a.name).cmp(strings.get(b.name)));
        source.no_twins(self.units.iter().map(|rule| (strings.get(rule.name), rule.line)));
    }
}

/// The units of a key, and the line that names each: one, or the instances of a template.
fn names(
    source: &Source<'_>,
    key: &Spanned<DeKey<'_>>,
    instances: Option<&Spanned<DeValue<'_>>>,
) -> Vec<(u32, UnitName)> {
    let text = key.get_ref();
    let Some(instances) = instances else {
        let name = source.note_names(granted(source, key.span(), text));
        return name.map(|name| (source.line(key.span().start), name)).into_iter().collect();
    };
    let suffix = text.rsplit_once("@.").map(|(_, suffix)| format!(".{suffix}"));
    let Some((template, _)) = text.split_once('@').filter(|(_, rest)| {
        rest.is_empty() || suffix.as_ref().is_some_and(|suffix| suffix == rest)
    }) else {
        let message = format!("only a template has instances, and {text:?} is none");
        let hint =
            format!("write [services.units.\"{}@\"]", text.split('@').next().unwrap_or(text));
        let error = source.error(instances.span(), message, Some(hint));
        source.note_names::<()>(Err(error));
        return Vec::new();
    };
    let suffix = suffix.unwrap_or_default();
    let items = source.note_names(source.array(instances)).unwrap_or_default();
    if items.is_empty() && instances.get_ref().is_array() {
        let message = format!("{text:?} has no instances");
        let hint = "list them, for example: instances = [\"4000\", \"4001\"]; or remove the table";
        source.note::<()>(Err(source.error(instances.span(), message, Some(hint.to_owned()))));
    }
    let name = |item: &Spanned<DeValue<'_>>| {
        let name = source.string(item).and_then(|instance| match instance {
            "" => Err(source.error(item.span(), "an instance has a name".to_owned(), None)),
            _ => granted(source, item.span(), &format!("{template}@{instance}{suffix}")),
        });
        Some((source.line(item.span().start), source.note_names(name)?))
    };
    items.into_iter().filter_map(name).collect()
}

fn granted(source: &Source<'_>, at: Range<usize>, text: &str) -> Result<UnitName, PolicyError> {
    let name = UnitName::parse_granted(text.as_bytes()).map_err(|error| {
        let template = text.split_once('@').map(|(template, _)| template);
        let several = template.filter(|_| error.hint().is_some()).map(|template| {
            format!(
                "; several: [services.units.\"{template}@\"] with instances = [\"4000\", \"4001\"]"
            )
        });
        let mut wrong = source.wrong_name(at.clone(), text, &error);
        if let (Some(hint), Some(several)) = (&mut wrong.hint, several) {
            hint.push_str(&several);
        }
        wrong
    })?;
    if is_of_the_broker(name.as_str()) {
        let message =
            format!("{} serves the requests themselves and cannot be granted", name.as_str());
        return Err(source.error(at, message, None));
    }
    Ok(name)
}
