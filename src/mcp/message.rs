//! What a line of a client is: a message of the protocol, or what is answered to one that is none.
//!
//! The SDK ends where it meets what it did not expect, and says nothing to what it cannot read. So
//! nothing reaches it that is no message, and every request has its answer.

use crate::id;
use crate::lines::{LONGEST, Line};
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, ProtocolVersion, RequestId,
};
use serde_json::{Value, json};

/// Not JSON (JSON-RPC 2.0, section 5.1).
const PARSE_ERROR: i32 = -32700;
/// No message of JSON-RPC.
const INVALID_REQUEST: i32 = -32600;
/// A method that there is not.
const METHOD_NOT_FOUND: i32 = -32601;
/// A request whose parameters are not those of its method.
const INVALID_PARAMS: i32 = -32602;

/// What a line is.
#[derive(Debug)]
pub enum Incoming {
    /// A message for the server.
    Message(Box<ClientJsonRpcMessage>),
    /// The client does not wait for this request any more; and the message that says so.
    Cancelled(RequestId, Box<ClientJsonRpcMessage>),
    /// No message; this is the answer.
    Wrong(Value),
    /// Nothing to do, and nothing to answer.
    Nothing,
}

/// Reads a line.
pub fn read(line: &Line) -> Incoming {
    let text = match line {
        Line::Whole(text) => text.trim_ascii(),
        Line::Cut(text) => {
            let error = format!("the message is longer than {LONGEST} bytes");
            return wrong(id::of(text), INVALID_REQUEST, &error);
        }
    };
    if text.is_empty() {
        return Incoming::Nothing;
    }
    match parse(text) {
        Ok(Value::Object(message)) => of_object(Value::Object(message)),
        Ok(Value::Array(_)) => {
            wrong(None, INVALID_REQUEST, "send one message on each line, and no array of them")
        }
        Ok(_) => wrong(None, INVALID_REQUEST, "a message is a JSON object"),
        Err(error) => wrong(id::of(text), PARSE_ERROR, &format!("not JSON: {error}")),
    }
}

/// A half of a surrogate pair is no character, but JSON can write it and models do: it becomes the
/// character that stands for one that cannot be represented.
fn parse(text: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(text).or_else(|error| {
        let replaced = std::str::from_utf8(text).ok().map(without_lone_surrogates);
        replaced.and_then(|text| serde_json::from_str(&text).ok()).ok_or(error)
    })
}

fn without_lone_surrogates(text: &str) -> String {
    let unit = |at: usize| {
        let hex = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(hex, 16).ok()
    };
    let (mut out, mut done, mut at) = (String::with_capacity(text.len()), 0, 0);
    while let Some(found) = text[at..].find('\\') {
        at += found;
        let long = match unit(at) {
            Some(0xd800..0xdc00) if matches!(unit(at + 6), Some(0xdc00..0xe000)) => 12,
            Some(0xd800..0xe000) => {
                out.push_str(&text[done..at]);
                out.push_str("\\ufffd");
                done = at + 6;
                6
            }
            // What stands behind a backslash begins no escape of its own.
            _ => 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
        at += long;
    }
    out.push_str(&text[done..]);
    out
}

fn of_object(mut message: Value) -> Incoming {
    let id = message.get("id").cloned();
    let good_id = id.clone().filter(id::is_id);
    let invalid = |error: &str| wrong(good_id.clone(), INVALID_REQUEST, error);
    if message.get("jsonrpc") != Some(&json!("2.0")) {
        return invalid("`jsonrpc` must be \"2.0\"");
    }
    let Some(method) = message.get("method").cloned() else {
        // An answer, to a question that was never asked: this server asks none.
        let is_answer = message.get("result").is_some() || message.get("error").is_some();
        return if is_answer { Incoming::Nothing } else { invalid("`method` is missing") };
    };
    let Some(method) = method.as_str() else {
        return invalid("`method` must be a string");
    };
    let is_request = id.is_some();
    if is_request && good_id.is_none() {
        return invalid("`id` must be a string or an integer");
    }
    // Clients send null for what they leave out.
    for path in ["/params/arguments", "/params/_meta", "/params"] {
        if message.pointer(path) == Some(&Value::Null) {
            let (parent, key) = path.rsplit_once('/').unwrap_or_default();
            if let Some(parent) = message.pointer_mut(parent).and_then(Value::as_object_mut) {
                parent.remove(key);
            }
        }
    }
    if method == "initialize" && is_stateless(&message) {
        return wrong(good_id, METHOD_NOT_FOUND, "this revision has no `initialize`");
    }
    let Ok(read) = serde_json::from_value::<ClientJsonRpcMessage>(message) else {
        return if is_request {
            wrong(good_id, INVALID_PARAMS, &bad_params(method))
        } else {
            Incoming::Nothing
        };
    };
    match read {
        // Of a method that the SDK knows, and read as one that it does not.
        ClientJsonRpcMessage::Request(request)
            if KNOWN.contains(&method)
                && matches!(request.request, ClientRequest::CustomRequest(_)) =>
        {
            wrong(good_id, INVALID_PARAMS, &bad_params(method))
        }
        ClientJsonRpcMessage::Notification(notification) => {
            let ClientNotification::CancelledNotification(cancelled) = &notification.notification
            else {
                // None of the others says anything that this server acts on.
                return Incoming::Nothing;
            };
            let Some(id) = cancelled.params.request_id.clone() else { return Incoming::Nothing };
            Incoming::Cancelled(id, Box::new(ClientJsonRpcMessage::Notification(notification)))
        }
        request @ ClientJsonRpcMessage::Request(_) => Incoming::Message(Box::new(request)),
        ClientJsonRpcMessage::Response(_) | ClientJsonRpcMessage::Error(_) => Incoming::Nothing,
    }
}

/// Whether the request says that it is one of a revision without `initialize`.
fn is_stateless(message: &Value) -> bool {
    let version = message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str();
    version.is_some_and(|version| version >= ProtocolVersion::V_2026_07_28.as_str())
}

/// The requests that this server answers.
const KNOWN: [&str; 9] = [
    "initialize",
    "ping",
    "server/discover",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/update",
    "tools/call",
    "tools/list",
];

fn bad_params(method: &str) -> String {
    match method {
        "tools/call" => {
            "`params` must have `name`, a string, and may have `arguments`, an object".to_owned()
        }
        _ => format!("`params` is not what {method} takes"),
    }
}

fn wrong(id: Option<Value>, code: i32, message: &str) -> Incoming {
    let mut answer = json!({"jsonrpc": "2.0", "error": {"code": code, "message": message}});
    // Left out where it could not be read, since it must not be null (MCP 2026-07-28, schema.ts).
    if let Some(id) = id {
        answer["id"] = id;
    }
    Incoming::Wrong(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> (i64, Value) {
        match read(&Line::Whole(text.as_bytes().to_vec())) {
            Incoming::Wrong(answer) => {
                assert_eq!(answer["jsonrpc"], "2.0");
                assert!(answer["error"]["message"].as_str().is_some_and(|text| !text.is_empty()));
                (answer["error"]["code"].as_i64().expect("a code"), answer["id"].clone())
            }
            other => panic!("{text:.80}: {other:?}"),
        }
    }

    #[test]
    fn what_is_no_message_is_answered_with_the_id_of_the_request_if_it_has_one() {
        let deep = format!(
            r#"{{"jsonrpc":"2.0","id":5,"method":"ping","params":{}{}}}"#,
            "[".repeat(9999),
            "]".repeat(9999)
        );
        for (text, code, id) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
                -32601,
                json!(1),
            ),
            ("nonsense", -32700, Value::Null),
            ("{", -32700, Value::Null),
            (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","#, -32700, json!(1)),
            (deep.as_str(), -32700, json!(5)),
            ("null", -32600, Value::Null),
            ("7", -32600, Value::Null),
            ("[]", -32600, Value::Null),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600, Value::Null),
            ("{}", -32600, Value::Null),
            (r#"{"id":2,"method":"ping"}"#, -32600, json!(2)),
            (r#"{"jsonrpc":"2.0","id":2}"#, -32600, json!(2)),
            (r#"{"jsonrpc":"2.0","id":2,"method":7}"#, -32600, json!(2)),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, Value::Null),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, Value::Null),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600, Value::Null),
            (r#"{"jsonrpc":"2.0","id":3,"method":"tools/call"}"#, -32602, json!(3)),
            (r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":[]}"#, -32602, json!(3)),
            (
                r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":7}}"#,
                -32602,
                json!(3),
            ),
            (
                r#"{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"a","arguments":[]}}"#,
                -32602,
                json!("x"),
            ),
            (r#"{"jsonrpc":"2.0","id":4,"method":"initialize","params":{}}"#, -32602, json!(4)),
        ] {
            assert_eq!(answer(text), (code, id), "{text:.80}");
        }
        let long = Line::Cut(format!(r#"{{"id":9,"a":"{}"#, "x".repeat(LONGEST)).into_bytes());
        assert!(matches!(read(&long), Incoming::Wrong(answer) if answer["id"] == 9));
        assert!(matches!(read(&Line::Whole(b"\xff\xfe".to_vec())), Incoming::Wrong(_)));
    }

    #[test]
    fn what_needs_no_answer_gets_none() {
        for text in [
            "",
            "  \r",
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
            r#"{"jsonrpc":"2.0","method":"nobody/knows/it","params":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
        ] {
            let read = read(&Line::Whole(text.as_bytes().to_vec()));
            assert!(matches!(read, Incoming::Nothing), "{text}: {read:?}");
        }
    }

    fn called(text: &str) -> ClientRequest {
        match read(&Line::Whole(text.as_bytes().to_vec())) {
            Incoming::Message(message) => message.into_request().expect("a request").0,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn null_is_nothing_and_half_a_character_is_one_that_stands_for_it() {
        for (text, arguments) in [
            (r#""arguments":null"#, None),
            (r#""arguments":{"a":"\ud83d!"}"#, Some("\u{fffd}!")),
            (r#""arguments":{"a":"\ude00"}"#, Some("\u{fffd}")),
            (r#""arguments":{"a":"\ud83d\ude00"}"#, Some("\u{1f600}")),
            (r#""arguments":{"a":"\ud83d\ude00\ud83d"}"#, Some("\u{1f600}\u{fffd}")),
            (r#""arguments":{"a":"\\ud83d\ud83d"}"#, Some("\\ud83d\u{fffd}")),
        ] {
            let text = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"x",{text},"_meta":null}}}}"#
            );
            let ClientRequest::CallToolRequest(call) = called(&text) else { panic!("{text}") };
            let is = call.params.arguments.as_ref().and_then(|all| all["a"].as_str());
            assert_eq!(is, arguments, "{text}");
        }
        let ClientRequest::ListToolsRequest(_) =
            called(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":null}"#)
        else {
            panic!("another request")
        };
    }

    #[test]
    fn a_method_that_nobody_knows_is_left_to_the_server() {
        let ClientRequest::CustomRequest(_) =
            called(r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#)
        else {
            panic!("another request")
        };
    }
}
