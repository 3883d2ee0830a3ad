//! A reply without what is said twice in it: what a model gets to read. `sm-mcp` has this file, too.

use serde_json::Value;

/// The reply, shorter, with nothing lost.
pub fn brief(mut reply: Value) -> Value {
    // `unit` is what `systemctl show` has printed, read.
    let is_status = reply["operation"]["action"] == "status" && reply["unit"].is_object();
    if let Some(fields) = reply.as_object_mut() {
        if is_status {
            fields.remove("stdout");
        }
        // The version of the contract is the same in all of them; the call has said what was asked.
        for field in ["schema", "operation"] {
            fields.remove(field);
        }
        // What is empty or false by itself.
        for field in ["stdout", "stderr"] {
            fields.retain(|key, value| key != field || value != "");
        }
        for field in ["stdout_truncated", "stderr_truncated", "deferred", "reboot_needed"] {
            fields.retain(|key, value| key != field || *value != false);
        }
        fields.retain(|key, value| key != "restart_needed" || *value != Value::Array(Vec::new()));
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_said_twice_is_left_out_and_nothing_else() {
        let status = json!({
            "schema": 1, "success": true, "code": "ok", "returncode": 3,
            "operation": {"kind": "service", "action": "status", "name": "a.service"},
            "stdout": "ActiveState=inactive\n", "stderr": "", "stdout_truncated": false, "stderr_truncated": false,
            "unit": {"active_state": "inactive"},
        });
        let wanted = json!({"success": true, "code": "ok", "returncode": 3, "unit": {"active_state": "inactive"}});
        assert_eq!(brief(status), wanted);
        let logs = json!({"success": false, "code": "command_failed", "stdout": "a line", "stdout_truncated": true, "returncode": 1});
        assert_eq!(brief(logs.clone()), logs);
        assert_eq!(brief(json!(null)), json!(null));
    }
}
