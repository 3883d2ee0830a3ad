//! The mistakes in a policy, as an answer.

use crate::admin::answer::Failure;
use crate::policy::table::Mistakes;
use crate::request::code::{Code, Refusal};
use serde_json::{Value, json};

/// All mistakes; the first one is the error of the answer.
pub fn wrong(mistakes: Mistakes) -> Failure {
    let first = mistakes.first().clone();
    let all: Vec<Value> = mistakes
        .iter()
        .map(|each| {
            json!({"line": each.line, "column": each.column, "error": each.message, "hint": each.hint})
        })
        .collect();
    let others = mistakes.iter().skip(1).map(|each| Refusal {
        hint: each.hint.clone(),
        ..Refusal::new(Code::PolicyInvalid, each.to_string())
    });
    let others = others.collect();
    Failure::found(mistakes.into())
        .with("line", first.line)
        .with("column", first.column)
        .with("mistakes", all)
        .more(others)
}
