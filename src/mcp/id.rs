//! The id of a request that is otherwise not to be read, so that its sender does not wait for ever.

use serde_json::Value;

/// The `id` of the outermost object, found without reading the rest: the text may be cut, nested
/// deeper than any parser goes, or have half a character in it.
pub fn of(text: &[u8]) -> Option<Value> {
    let mut at = skip_space(text, 0);
    if text.get(at) != Some(&b'{') {
        return None;
    }
    at += 1;
    loop {
        at = skip_space(text, at);
        let key = string(text, at)?;
        at = skip_space(text, at + key.len());
        if text.get(at) != Some(&b':') {
            return None;
        }
        at = skip_space(text, at + 1);
        let value = value(text, at)?;
        if key == b"\"id\"" {
            return serde_json::from_slice(value).ok().filter(is_id);
        }
        at = skip_space(text, at + value.len());
        if text.get(at) != Some(&b',') {
            return None;
        }
        at += 1;
    }
}

/// Whether a request may have it: a string or an integer (JSON-RPC 2.0, section 4; never null).
pub fn is_id(value: &Value) -> bool {
    value.is_string() || value.is_i64()
}

fn skip_space(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// The string that begins here, with its quotation marks.
fn string(text: &[u8], from: usize) -> Option<&[u8]> {
    if text.get(from) != Some(&b'"') {
        return None;
    }
    let mut at = from + 1;
    loop {
        match text.get(at)? {
            b'\\' => at += 2,
            b'"' => return text.get(from..=at),
            _ => at += 1,
        }
    }
}

/// The value that begins here. What is inside of it need not be right.
fn value(text: &[u8], from: usize) -> Option<&[u8]> {
    match text.get(from)? {
        b'"' => string(text, from),
        b'{' | b'[' => {
            let (mut depth, mut at) = (0_usize, from);
            loop {
                match text.get(at)? {
                    b'"' => {
                        at += string(text, at)?.len();
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return text.get(from..at);
                }
            }
        }
        _ => {
            let is_in = |byte: &&u8| !b",}]".contains(byte) && !byte.is_ascii_whitespace();
            let long = text[from..].iter().take_while(is_in).count();
            (long > 0 && from + long < text.len()).then(|| &text[from..from + long])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_found_in_what_cannot_be_read() {
        let deep = format!(r#"{{"params":{}{},"id":7}}"#, "[".repeat(100_000), "]".repeat(100_000));
        for (text, id) in [
            (r#"{"id":1}"#, json!(1)),
            (r#" { "method" : "a\"b" , "id" : "x" , "params": {"#, json!("x")),
            (r#"{"params":{"id":2,"a":"}{"},"id":3,"#, json!(3)),
            (r#"{"a":"\ud800","id":4}"#, json!(4)),
            (r#"{"a":nonsense,"id":-5,"b":[[[[["#, json!(-5)),
            (deep.as_str(), json!(7)),
        ] {
            assert_eq!(of(text.as_bytes()), Some(id), "{:.60}", text);
        }
    }

    #[test]
    fn nothing_else_is_taken_for_it() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            r#"{"id""#,
            r#"{"id":"#,
            r#"{"id":1"#,
            r#"{"id":"x"#,
            r#"{"id":null}"#,
            r#"{"id":1.5}"#,
            r#"{"id":[1]}"#,
            r#"{"id":{"id":1}}"#,
            r#"{"a":{"id":1}}"#,
            r#"[{"id":1}]"#,
            r#"{"a":[,"id":1}"#,
            r#"{"id":99999999999999999999}"#,
            r#"{"a" "id":1}"#,
        ] {
            assert_eq!(of(text.as_bytes()), None, "{text}");
        }
    }
}
