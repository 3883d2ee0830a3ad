//! A server that runs, and a client that speaks to it line by line.

use crate::host::{Host, repository};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program: that of a run of all tests, or built now.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(program) = std::env::var_os("SM_MCP_BIN") {
            return program.into();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--locked", "--package=sm-mcp"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.is_ok_and(|status| status.success()), "sm-mcp could not be built");
        Path::new(env!("CARGO_BIN_EXE_sm")).with_file_name("sm-mcp")
    })
}

/// A server in a folder of its own, beside what answers in the place of `sm-helper`.
pub struct Session {
    folder: PathBuf,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Held while nothing is read.
    reads: Arc<Mutex<()>>,
    next: i64,
}

impl Session {
    /// Starts one.
    pub fn start(arguments: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sm-mcp-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        // A program that is written now could not be run for a moment, if another thread starts one.
        let helper = repository().join("tests/mcp/helper.py");
        for name in ["sm-helper", "sm"] {
            symlink(&helper, folder.join(name)).expect("it is there");
        }
        // It looks for the helper where it is itself.
        let here = folder.join("sm-mcp");
        fs::hard_link(program(), &here)
            .or_else(|_| fs::copy(program(), &here).map(|_| ()))
            .expect("it is there");
        let mut command = Command::new(here);
        command.args(arguments);
        Self::of(command, folder)
    }

    /// Starts one on a host, as the agent, with all that is there.
    pub fn on(host: &Host, arguments: &[&str]) -> Self {
        let mut session = Self::of(server(host, arguments), PathBuf::new());
        session.initialize("2025-11-25");
        session
    }

    fn of(mut command: Command, folder: PathBuf) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("standard output"));
        let (give, lines) = channel();
        let reads = Arc::new(Mutex::new(()));
        let may_read = Arc::clone(&reads);
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _may = may_read.lock();
                if give.send(line).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Self { folder, child, input, lines, reads, next: 0 }
    }

    /// Starts one, and opens it as a client of 2025-06-18 does.
    pub fn open(arguments: &[&str]) -> Self {
        let mut session = Self::start(arguments);
        session.initialize("2025-06-18");
        session
    }

    /// The answer to `initialize`.
    pub fn initialize(&mut self, version: &str) -> Value {
        let client = json!({"name": "a test", "version": "1"});
        let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client});
        let answer = self.ask("initialize", &params);
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        answer
    }

    /// The folder that it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a file, for the helper to see.
    pub fn touch(&self, name: &str) {
        fs::write(self.folder.join(name), "").expect("it is written");
    }

    /// From now on the helper is one that takes no time for what it is asked often.
    pub fn make_quick(&self) {
        let (helper, other) = (self.folder.join("sm-helper"), self.folder.join("other"));
        fs::rename(&helper, &other).expect("it is renamed");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = list ] && exec {} \"$@\"\necho '{}'\n",
            other.display(),
            json!({"success": true, "code": "ok", "unit": {"active_state": "active"}})
        );
        fs::write(&helper, script).expect("it is written");
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).expect("it may be run");
    }

    /// What the helper was asked.
    pub fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.folder.join("asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("it is open");
        input.write_all(bytes).and_then(|()| input.flush()).expect("it is sent");
    }

    /// Sends a line.
    pub fn send(&mut self, line: &str) {
        self.send_raw(format!("{line}\n").as_bytes());
    }

    /// Sends a request; its id.
    pub fn request(&mut self, method: &str, params: &Value) -> i64 {
        self.next += 1;
        let id = self.next;
        self.send(
            &json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string(),
        );
        id
    }

    /// Calls a tool; the id.
    pub fn call(&mut self, tool: &str, arguments: Value) -> i64 {
        self.request("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// The next message, whatever it is.
    pub fn next(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("a message");
        let message: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    /// The answer with this id. What comes before it is forgotten.
    pub fn answer(&self, id: i64) -> Value {
        loop {
            let message = self.next();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
        }
    }

    /// Sends a request; its answer.
    pub fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.request(method, params);
        self.answer(id)
    }

    /// Calls a tool; its result.
    pub fn result(&mut self, tool: &str, arguments: Value) -> Value {
        let id = self.call(tool, arguments);
        result(&self.answer(id))
    }

    /// It lives, and does what it is for.
    pub fn works(&mut self) {
        let status = self.result("service_status", json!({"name": "a.service"}));
        assert_eq!(status["unit"]["active_state"], "active", "{status}");
    }

    /// Sends so many long requests and reads nothing until no more are taken; then all answers.
    pub fn flood(&mut self, many: i64) {
        let (first, mut input) = (self.next + 1, self.input.take().expect("it is open"));
        self.next += many;
        let last = self.next;
        let sent = Arc::new(AtomicI64::new(0));
        let count = Arc::clone(&sent);
        let reads = Arc::clone(&self.reads);
        let reads = reads.lock();
        let sender = thread::spawn(move || {
            let more = "x".repeat(1000);
            for id in first..=last {
                let line = format!(
                    "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\",\"x\":\"{more}\"}}\n"
                );
                input.write_all(line.as_bytes()).expect("it is sent");
                count.store(id, Ordering::Relaxed);
            }
            input
        });
        let mut before = -1;
        while before != sent.load(Ordering::Relaxed) {
            before = sent.load(Ordering::Relaxed);
            thread::sleep(Duration::from_millis(500));
        }
        drop(reads);
        for _ in first..=last {
            self.next();
        }
        self.input = Some(sender.join().expect("it is sent"));
    }

    /// The most memory that it has had, in kilobytes.
    pub fn most_memory(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Closes its standard input.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// Waits for its end; its exit status.
    pub fn ended(&mut self) -> i32 {
        self.child.wait().expect("it ends").code().expect("no signal")
    }

    /// Closes its standard output, and sends on until it ends; its exit status.
    pub fn stop_reading(&mut self) -> i32 {
        // What reads it ends at the next line that it cannot give on.
        self.lines = channel().1;
        let input = self.input.as_mut().expect("it is open");
        while input.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n").is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
        self.ended()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.input = None;
        if !self.folder.as_os_str().is_empty() {
            // What still waits for these goes on and ends.
            self.touch("done");
            self.touch("alive");
            let _ = fs::remove_dir_all(&self.folder);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What starts a server on a host, as the agent.
pub fn server(host: &Host, arguments: &[&str]) -> Command {
    fs::copy(program(), host.path("/usr/local/bin/sm-mcp")).expect("it is copied");
    host.command("agent", &[&["/usr/local/bin/sm-mcp"], arguments].concat()).into_command()
}

/// What a call has given, which stands in its answer twice.
pub fn result(answer: &Value) -> Value {
    let structured = &answer["result"]["structuredContent"];
    let text =
        answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(&serde_json::from_str::<Value>(text).expect("JSON"), structured);
    assert_eq!(answer["result"]["isError"], structured["success"] != true, "{answer}");
    structured.clone()
}
