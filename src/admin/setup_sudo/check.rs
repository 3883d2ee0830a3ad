//! `sm setup-sudo --check`: whether the drop-in is in place, and what is between it and the one
//! that should be.

use crate::admin::answer::{Answer, Failure};
use crate::admin::setup_sudo::dropin::Found;
use crate::admin::setup_sudo::exact::{self, Moved};
use crate::admin::setup_sudo::expected::Rule;
use crate::admin::setup_sudo::prove::prove;
use crate::request::code::{Code, Refusal};
use crate::sudo::visudo::Visudo;
use std::collections::BTreeSet;

/// Says what was found.
///
/// # Errors
/// What is not as it should be; exit status 1.
pub fn check(rule: &Rule<'_>, found: Found, visudo: &Visudo) -> Result<Answer, Failure> {
    let path = rule.drop_in.path().display();
    let wrong = |state: &str, what: String, difference: String| {
        let refusal = Refusal::new(Code::CommandFailed, what)
            .hint(format!("to put it in place: {}", rule.command()));
        Failure::found(refusal)
            .with("state", state)
            .with("difference", difference)
            .with("exact", rule.exact)
    };
    match found {
        Found::Missing => {
            Err(wrong("missing", format!("{path} does not exist"), difference("", &rule.wanted)))
        }
        Found::Foreign => Err(Failure::found(rule.drop_in.foreign()).with("state", "foreign")),
        Found::Stale(text) if rule.exact => {
            let moved = Moved::between(&text, &rule.wanted, rule.who, rule.helper);
            let difference = difference(&text, &rule.wanted);
            let what = match moved.described() {
                Some(moved) if exact::is_exact(&text) => {
                    format!("{path} is not what the policy permits now: it {moved}")
                }
                Some(moved) => format!("{path} is not an exact drop-in: it {moved}"),
                None => format!("{path} is not as it should be:\n{difference}"),
            };
            Err(wrong("stale", what, difference)
                .with("missing", moved.missing)
                .with("extra", moved.extra))
        }
        Found::Stale(text) => {
            let difference = difference(&text, &rule.wanted);
            Err(wrong("stale", format!("{path} is not as it should be:\n{difference}"), difference))
        }
        Found::Exposed(is) => {
            let should = "root:root 0440";
            Err(wrong(
                "exposed",
                format!("{path} is {is}, and should be {should}"),
                difference(&is, should),
            ))
        }
        Found::InPlace => {
            let mut answer = Answer::text(format!("{path} is in place"))
                .with("state", "in_place")
                .with("exact", rule.exact);
            if rule.exact {
                answer = answer.with("missing", [""; 0]).with("extra", [""; 0]);
            }
            let well = visudo.check_all().map_err(Failure::of);
            let proved = well.and_then(|warning| prove(rule, answer, warning));
            proved.map_err(|failure| failure.into_found().with("state", "in_place"))
        }
    }
}

/// The lines that are and should not be, and those that should be and are not.
fn difference(is: &str, should: &str) -> String {
    let (has, wants): (BTreeSet<&str>, BTreeSet<&str>) =
        (is.lines().collect(), should.lines().collect());
    let gone = is.lines().filter(|line| !wants.contains(line)).map(|line| format!("- {line}"));
    let new = should.lines().filter(|line| !has.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(new).collect::<Vec<_>>().join("\n")
}
