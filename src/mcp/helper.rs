//! `sm-helper`, run as the account that this server runs as. What it may do is its own business.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

/// How many run at a time; the others wait for their turn.
const AT_ONCE: usize = 32;

/// More than any reply has.
const LONGEST_REPLY: u64 = 4 * 1024 * 1024;

/// The program that answers requests.
#[derive(Debug, Clone)]
pub struct Helper {
    program: PathBuf,
    places: Arc<Semaphore>,
}

impl Helper {
    /// The one that is installed beside this program, else the one on PATH.
    pub fn find() -> Self {
        let beside = std::env::current_exe().ok().map(|own| own.with_file_name("sm-helper"));
        let program = beside.filter(|path| path.is_file()).unwrap_or_else(|| "sm-helper".into());
        Self { program, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Where it is, if that is known.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Its reply to a request; one that says so if it gave none.
    ///
    /// The request goes on if this is dropped: nothing that has begun is ended.
    pub async fn ask(&self, words: &[String]) -> Value {
        let Ok(_place) = self.places.acquire().await else {
            return failed("internal", "the server is about to end".to_owned());
        };
        match self.reply(words).await {
            Ok(reply) if reply["code"].is_string() => reply,
            Ok(_) => failed("internal", format!("{} gave no reply", self.program.display())),
            Err(error) => failed("unsupported", format!("{}: {error}", self.program.display())),
        }
    }

    async fn reply(&self, words: &[String]) -> std::io::Result<Value> {
        let mut child = Command::new(&self.program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut printed = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(LONGEST_REPLY).read_to_end(&mut printed).await?;
        }
        child.wait().await?;
        Ok(serde_json::from_slice(&printed).unwrap_or_default())
    }
}

/// What is answered where there is no reply to give: of the same form as one.
pub fn failed(code: &str, error: String) -> Value {
    json!({"success": false, "code": code, "error": error})
}
