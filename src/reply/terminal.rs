//! The reply at a terminal, for a person: indented, and what explains the command line as text.
//! Into a pipe or a file it is what it is.

use crate::output::text::{is_hidden, one_line};
use crate::output::wrap;
use serde::Deserialize;

/// The longest line of text, in characters.
const LONGEST: usize = 2000;

/// What a person is told by words alone.
#[derive(Deserialize)]
struct Told {
    code: String,
    help: Option<Vec<String>>,
    error: Option<String>,
    hint: Option<String>,
}

/// The reply as it is shown at a terminal of this width. `reply` is an object and a newline. A string
/// of the object is not broken: what a person copies stays JSON.
pub fn shown(reply: &[u8], width: Option<usize>) -> Vec<u8> {
    let message = serde_json::from_slice::<Told>(reply).ok();
    message
        .and_then(|message| text(message, width))
        .map_or_else(|| indented(reply), String::into_bytes)
}

/// Help, or what is wrong with the command line; none if something was asked for.
fn text(message: Told, width: Option<usize>) -> Option<String> {
    let lines: Vec<String> = match (message.help, message.error) {
        (Some(help), _) => {
            help.iter().map(|line| wrap::wrapped(&line.replace(is_hidden, ""), width)).collect()
        }
        (None, Some(error)) if message.code == "usage" => {
            let error = format!("sm-helper: {}", one_line(&error, LONGEST));
            let hint = message.hint.map(|hint| format!("    {}", one_line(&hint, LONGEST)));
            let hint = hint.map(|hint| wrap::hint(&hint, width));
            [wrap::wrapped(&error, width)].into_iter().chain(hint).collect()
        }
        _ => return None,
    };
    Some(lines.join("\n") + "\n")
}

/// The same object with a field or an item a line, as `--pretty` has it. In the text, since a value
/// that is read and written again has its fields in another order.
fn indented(reply: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * reply.len());
    let mut depth = 0_usize;
    let mut is_text = false;
    let mut is_escaped = false;
    let mut is_opened = false;
    let new_line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + 2 * depth, b' ');
    };
    for byte in reply.trim_ascii() {
        if is_text {
            out.push(*byte);
            is_text = is_escaped || *byte != b'"';
            is_escaped = !is_escaped && *byte == b'\\';
            continue;
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        if matches!(byte, b'}' | b']') {
            depth = depth.saturating_sub(1);
            if !is_opened {
                new_line(&mut out, depth);
            }
        } else if is_opened {
            new_line(&mut out, depth);
        }
        is_opened = matches!(byte, b'{' | b'[');
        out.push(*byte);
        match byte {
            b'{' | b'[' => depth += 1,
            b',' => new_line(&mut out, depth),
            b':' => out.push(b' '),
            b'"' => is_text = true,
            _ => {}
        }
    }
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~\\n\"\\\\{}\\[\\],:é]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"\\\\{]{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_what_pretty_is(value in value()) {
            let pretty = serde_json::to_string_pretty(&value).expect("JSON") + "\n";
            for text in [value.to_string() + "\n", pretty.clone()] {
                prop_assert_eq!(String::from_utf8(indented(text.as_bytes())).expect("UTF-8"), &*pretty);
            }
        }
    }

    #[test]
    fn help_and_usage_are_text_and_nothing_else_is() {
        let shown =
            |reply: Value| String::from_utf8(shown(format!("{reply}\n").as_bytes(), Some(40)));
        let help = json!({"code": "ok", "help": ["Usage: x", "", "  -h"]});
        assert_eq!(shown(help).expect("UTF-8"), "Usage: x\n\n  -h\n");
        let usage = json!({"code": "usage", "error": "no \u{1b}[2Jx", "hint": "sm-helper list"});
        let usage = shown(usage).expect("UTF-8");
        assert!(usage.starts_with("sm-helper: no "), "{usage}");
        assert!(usage.ends_with("x\n    sm-helper list\n") && !usage.contains('\x1b'), "{usage}");
        let denied = shown(json!({"code": "denied", "error": "no"})).expect("UTF-8");
        assert_eq!(denied, "{\n  \"code\": \"denied\",\n  \"error\": \"no\"\n}\n");
        let help =
            json!({"code": "ok", "help": ["  --lines <N>  How many lines of the log to show"]});
        let help = shown(help).expect("UTF-8");
        assert_eq!(help, "  --lines <N>  How many lines of the log\n               to show\n");
        let hint = "did you mean: sm-helper service restart nginx.service";
        let usage = json!({"code": "usage", "error": "no command was given", "hint": hint});
        let usage = shown(usage).expect("UTF-8");
        assert!(usage.ends_with("\n        sm-helper service restart nginx.service\n"), "{usage}");
        let long = json!({"code": "denied", "error": "a ".repeat(40)});
        assert_eq!(shown(long).expect("UTF-8").lines().count(), 4);
    }
}
