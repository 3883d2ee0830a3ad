//! Many commands of one account in one shell.

use std::fs;

use serde_json::Value;

use crate::host::Host;

const FOLDER: &str = "/home/agent/batch";

/// What the commands may use: see `lines`.
const PREAMBLE: &str = r#"
long() { printf '%*s' "$1" '' | tr ' ' x; }
many() { yes -- "$2" | head -n "$1"; }
# What was begun may go on without its caller: wait for its end.
quiet() {
    local i
    for ((i = 0; i < 100; i++)); do
        pgrep -x -r R,S,D 'sudo|sm-helper|sm-operation' >/dev/null || return 0
        sleep 0.1
    done
}
one() {
    local case; case=$(cat)
    ( eval "$case" ) >"$1.out" 2>"$1.err" </dev/null &
    local process=$! done=
    sleep 20 & local clock=$!
    wait -n -p done "$process" "$clock"
    local status=$?
    # A sudo that waits for ever can be the caller's own doing, and is not waited for.
    [[ $done == "$process" ]] || { status=124; pkill -KILL -U agent -x sudo; }
    kill "$clock"; wait "$clock"
    echo "$status" >"$1.rc"
    ((status < 124)) || quiet
    { read -r <"/run/nginx.pid"; echo "$REPLY"; } >"$1.pid"
} 2>/dev/null
cd /home/agent
"#;

/// What one command has left.
#[derive(Debug)]
pub struct Answer {
    /// The command.
    pub command: String,
    /// The exit status; above 128 where a signal ended it, 124 where it has not ended.
    pub exit: i32,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// All of its standard error.
    pub stderr: Vec<u8>,
    /// nginx's main process after it.
    pub nginx: String,
}

impl Answer {
    /// The reply, where there is exactly one and the exit status belongs to its code.
    pub fn reply(&self) -> Result<Value, String> {
        if !self.stderr.is_empty() {
            return Err(format!("on standard error: {}", String::from_utf8_lossy(&self.stderr)));
        }
        let text = std::str::from_utf8(&self.stdout).map_err(|error| error.to_string())?;
        let object = text.strip_suffix('\n').ok_or("no newline at the end")?;
        let reply: Value =
            serde_json::from_str(object).map_err(|error| format!("{error}: {object:?}"))?;
        // At a terminal it is indented, too.
        let pretty = self.command.contains("--pretty") || self.command.starts_with("script ");
        if (object.contains('\n') && !pretty) || !reply.is_object() {
            return Err(format!("not one line with one object: {object}"));
        }
        let code = reply["code"].as_str().unwrap_or_default();
        let class = class(code).ok_or_else(|| format!("unknown code {code:?}"))?;
        if self.exit != class || reply["success"] != Value::Bool(class == 0) {
            return Err(format!("exit status {} with {object}", self.exit));
        }
        Ok(reply)
    }

    /// The code of the reply, or what is wrong with it.
    pub fn code(&self) -> String {
        match self.reply() {
            Ok(reply) => reply["code"].as_str().unwrap_or_default().to_owned(),
            Err(wrong) => wrong.chars().take(400).collect(),
        }
    }
}

/// The table in section 3 of the contract, so far as a request can get there.
fn class(code: &str) -> Option<i32> {
    Some(match code {
        "ok" | "started" => 0,
        "command_failed" | "timeout" | "unhealthy" | "interrupted" | "not_found" => 1,
        "usage" => 2,
        "denied" | "disabled" | "invalid_argument" | "reason_required" | "check_failed"
        | "plan_refused" => 3,
        "rate_limited" | "busy" => 4,
        "not_privileged" => 5,
        "audit_unavailable" | "policy_invalid" | "untrusted_path" | "unsupported" => 6,
        "internal" => 70,
        _ => return None,
    })
}

/// Has `agent` run the commands, lines of bash, one after the other in one shell.
pub fn run(host: &Host, commands: &[String]) -> Vec<Answer> {
    let mut script = format!("{PREAMBLE}\nrm -rf {FOLDER}; mkdir {FOLDER}\n");
    for (number, command) in commands.iter().enumerate() {
        let to = format!("{FOLDER}/{number}");
        // In a shell of its own: it may do anything to it. It may also never end, and be root's.
        script += &format!("one {to} <<'END OF THE CASE'\n{command}\nEND OF THE CASE\n");
    }
    let file = "/srv/batch.sh";
    host.write(file, script);
    host.command("agent", &["/bin/bash", file]).run().ok();
    let read = |number: usize, what: &str| {
        let path = host.path(format!("{FOLDER}/{number}.{what}"));
        fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
    };
    let answer = |(number, command): (usize, &String)| Answer {
        command: command.clone(),
        exit: String::from_utf8_lossy(&read(number, "rc")).trim().parse().expect("a number"),
        stdout: read(number, "out"),
        stderr: read(number, "err"),
        nginx: String::from_utf8_lossy(&read(number, "pid")).trim().to_owned(),
    };
    commands.iter().enumerate().map(answer).collect()
}
