//! The schema of a tool as others take it, who take less than JSON Schema.
//!
//! What they do not know is left out and said in the description: the helper checks everything anyway.

use crate::output::text::hidden_pattern;
use crate::request::operation::Reason;
use serde_json::{Map, Value, json};

/// For whom the schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// JSON Schema 2020-12
    JsonSchema,
    /// Strict tools of OpenAI and compatible services: each property required, or null
    OpenaiStrict,
    /// Function declarations of Gemini: the subset of OpenAPI 3.0
    Gemini,
    /// Tools of Anthropic, strict ones too
    Anthropic,
}

impl Dialect {
    /// The definition of a tool as this dialect has it.
    pub fn of(self, mut definition: Value) -> Value {
        if self == Self::JsonSchema {
            return definition;
        }
        let required: Vec<Value> = definition["required"].as_array().cloned().unwrap_or_default();
        if let Some(keywords) = definition.as_object_mut() {
            // What a reason is required for stands in its description, too.
            keywords.retain(|keyword, _| !["if", "then"].contains(&keyword.as_str()));
            if self == Self::Gemini {
                keywords.remove("additionalProperties");
            }
        }
        let Some(properties) = definition["properties"].as_object_mut() else { return definition };
        for (name, property) in properties.iter_mut() {
            if let Some(property) = property.as_object_mut() {
                self.change(name, property);
            }
        }
        if self == Self::OpenaiStrict {
            let all: Vec<&String> = properties.keys().collect();
            definition["required"] = json!(all);
        } else {
            definition["required"] = json!(required);
        }
        definition
    }

    fn change(self, name: &str, property: &mut Map<String, Value>) {
        if property.remove("not").is_some() && name == "reason" {
            property.insert("pattern".to_owned(), reason_pattern().into());
        }
        let bounds: &[&str] = match self {
            Self::JsonSchema | Self::Gemini => &[],
            // A pattern has both.
            Self::OpenaiStrict => &["minLength", "maxLength"],
            Self::Anthropic => &["minLength", "maxLength", "minimum", "maximum"],
        };
        if let (Some(least), Some(most)) = (property.get("minimum"), property.get("maximum"))
            && bounds.contains(&"minimum")
        {
            let bounds = format!(" {least} to {most}.");
            if let Some(Value::String(description)) = property.get_mut("description") {
                description.push_str(&bounds);
            }
        }
        property.retain(|keyword, _| !bounds.contains(&keyword.as_str()));
        if self == Self::Gemini
            && let Some(Value::Array(types)) = property.get("type")
            && let Some(one) = types.first().cloned()
        {
            property.insert("type".to_owned(), one);
            property.insert("nullable".to_owned(), true.into());
        }
    }
}

/// One pattern for what the schema says with three keywords, by which a reason has no white space in
/// front. None that it allows is refused.
fn reason_pattern() -> String {
    let hidden = hidden_pattern();
    let hidden = hidden.trim_matches(['[', ']']);
    format!("^[^\\s{hidden}][^{hidden}]{{0,{}}}$", Reason::LONGEST - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::OnceLock;

    fn tool() -> Value {
        json!({
            "title": "service_logs", "type": "object",
            "properties": {
                "name": {"type": "string", "enum": ["a.service"], "description": "The unit."},
                "reason": {
                    "type": ["string", "null"], "minLength": 1, "maxLength": 500, "pattern": "\\S",
                    "not": {"pattern": "x"}, "description": "The reason.",
                },
                "lines": {"type": ["integer", "null"], "minimum": 1, "maximum": 9, "description": "How many."},
            },
            "required": ["name"], "additionalProperties": false,
            "if": {"properties": {"name": {"enum": ["a.service"]}}}, "then": {"required": ["reason"]},
        })
    }

    #[test]
    fn each_dialect_has_only_what_it_knows() {
        assert_eq!(Dialect::JsonSchema.of(tool()), tool());
        for dialect in [Dialect::OpenaiStrict, Dialect::Gemini, Dialect::Anthropic] {
            let is = dialect.of(tool());
            assert_eq!(is["properties"]["name"], tool()["properties"]["name"], "{dialect:?}");
            let text = is.to_string();
            for keyword in ["\"if\"", "\"then\"", "\"not\"", "\"const\"", "\"$ref\""] {
                assert!(!text.contains(keyword), "{dialect:?}: {text}");
            }
        }
        let strict = Dialect::OpenaiStrict.of(tool());
        assert_eq!(strict["required"], json!(["lines", "name", "reason"]));
        assert_eq!(strict["properties"]["lines"]["type"], json!(["integer", "null"]));
        assert!(strict["properties"]["reason"].get("maxLength").is_none());
        let gemini = Dialect::Gemini.of(tool());
        assert!(gemini.get("additionalProperties").is_none());
        assert_eq!(gemini["properties"]["lines"]["type"], "integer");
        assert_eq!(gemini["properties"]["lines"]["nullable"], true);
        assert_eq!(gemini["required"], json!(["name"]));
        let anthropic = Dialect::Anthropic.of(tool());
        assert_eq!(anthropic["properties"]["lines"]["description"], "How many. 1 to 9.");
        assert!(anthropic["properties"]["lines"].get("minimum").is_none());
    }

    proptest! {
        #[test]
        fn no_reason_that_the_one_pattern_allows_is_refused(
            text in prop_oneof![any::<String>(), "[ a\n\u{a0}\u{ad}]{0,4}", "x{490,510}"],
        ) {
            static PATTERN: OnceLock<regex::Regex> = OnceLock::new();
            let pattern = PATTERN.get_or_init(|| regex::Regex::new(&reason_pattern()).expect("a good one"));
            let taken = Reason::parse(text.as_ref()).is_ok();
            if pattern.is_match(&text) {
                prop_assert!(taken, "{:?}", text);
            } else {
                prop_assert!(!taken || text.starts_with(char::is_whitespace), "{:?}", text);
            }
        }
    }
}
