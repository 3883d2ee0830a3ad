//! A change of what is allowed is told to who wants to know.

use crate::eras::meta;
use crate::session::Session;
use serde_json::json;
use std::fs;

/// Changes what the helper lists, and the program, by which it is noticed as by the site policy.
fn change(session: &Session) {
    session.touch("more");
    let helper = session.folder().join("sm-helper");
    let text = fs::read(&helper).expect("the helper");
    let new = session.folder().join("new");
    fs::write(&new, text).expect("it is written");
    fs::set_permissions(&new, fs::metadata(&helper).expect("it is there").permissions())
        .expect("it may be run");
    fs::rename(new, helper).expect("it is replaced");
}

#[test]
fn an_older_client_is_told() {
    let mut session = Session::open(&[]);
    session.ask("tools/list", &json!({}));
    change(&session);
    assert_eq!(
        session.next(),
        json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    );
    let list = session.ask("tools/list", &json!({}));
    assert!(list.to_string().contains("b.service"), "{list}");
}

#[test]
fn a_client_of_2026_07_28_is_told_where_it_listens_until_it_stops() {
    let mut session = Session::start(&[]);
    session.ask("tools/list", &json!({"_meta": meta("2026-07-28")}));
    let params = json!({"_meta": meta("2026-07-28"), "notifications": {"toolsListChanged": true}});
    let id = session.request("subscriptions/listen", &params);
    let acknowledged = session.next();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    change(&session);
    let told = session.next();
    assert_eq!(told["method"], "notifications/tools/list_changed", "{told}");
    assert_eq!(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], id);
    session.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}).to_string());
    // The id is free again, and nothing was answered to it.
    let list = session.ask("tools/list", &json!({"_meta": meta("2026-07-28")}));
    assert!(list.to_string().contains("b.service"), "{list}");
}
