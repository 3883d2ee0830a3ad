//! `sm-helper`, run as the account that this server runs as, here or on the hosts of a fleet. What it
//! may do is its own business.

use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

/// How many run at a time; the others wait for their turn.
const AT_ONCE: usize = 32;

/// More than any answer has.
const LONGEST_ANSWER: u64 = 32 * 1024 * 1024;

/// What answers requests.
#[derive(Debug, Clone)]
pub struct Helper {
    way: Way,
    places: Arc<Semaphore>,
}

#[derive(Debug, Clone)]
enum Way {
    /// `sm-helper`, by this path or name.
    Here(PathBuf),
    /// `sm fleet run`, which asks each host's.
    Fleet(Fleet),
}

/// Which hosts.
#[derive(Debug, Clone)]
struct Fleet {
    program: PathBuf,
    inventory: PathBuf,
    /// Only these: a pattern, as `--limit` of `sm fleet run` takes it.
    limit: Option<String>,
}

impl Helper {
    /// The one of this host.
    pub fn here() -> Self {
        Self::new(Way::Here(beside("sm-helper")))
    }

    /// Those of a fleet.
    pub fn fleet(inventory: PathBuf, limit: Option<String>) -> Self {
        Self::new(Way::Fleet(Fleet { program: beside("sm"), inventory, limit }))
    }

    fn new(way: Way) -> Self {
        Self { way, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The files by whose change what is allowed may have changed.
    pub fn files(&self) -> Vec<PathBuf> {
        match &self.way {
            // The site policy: a change of it holds from the next request on.
            Way::Here(program) => vec!["/etc/sm/policy.toml".into(), program.clone()],
            Way::Fleet(fleet) => vec![fleet.inventory.clone(), fleet.program.clone()],
        }
    }

    /// The hosts that can be asked, or the answer that there are none. This host has no name.
    pub async fn hosts(&self) -> Result<Vec<Option<String>>, Value> {
        let fleet = match &self.way {
            Way::Here(_) => return Ok(vec![None]),
            Way::Fleet(fleet) => fleet,
        };
        let answer = self.answer(&fleet.program, &fleet.words("list", None)).await?;
        let rows = answer["hosts"].as_array().ok_or_else(|| answer.clone())?;
        let names = rows.iter().filter(|row| row["offline"] != true);
        let names = names.filter_map(|row| row["host"].as_str().map(str::to_owned));
        // What would mean something else in a pattern.
        let is_plain = |c: char| c.is_alphanumeric() || "._-@".contains(c);
        Ok(names.filter(|name| name.chars().all(is_plain)).map(Some).collect())
    }

    /// The reply of a host to a request; one that says so if it gave none.
    pub async fn ask(&self, host: Option<&str>, words: &[String]) -> Value {
        let answer = match &self.way {
            Way::Here(program) => self.answer(program, words).await,
            Way::Fleet(fleet) => {
                let mut all = fleet.words("run", host);
                all.push("--".to_owned());
                all.extend_from_slice(words);
                let answer = self.answer(&fleet.program, &all).await;
                answer.map(|answer| match answer["hosts"].as_array().map(Vec::as_slice) {
                    Some([row]) => reply_of(row),
                    _ => answer,
                })
            }
        };
        answer.unwrap_or_else(|failed| failed)
    }

    /// What a program answers, or what is wrong with it.
    ///
    /// The request goes on if this is dropped: nothing that has begun is ended.
    async fn answer(&self, program: &PathBuf, words: &[String]) -> Result<Value, Value> {
        let place = self.places.acquire().await;
        let _place = place.map_err(|_| failed("internal", "the server is about to end"))?;
        match run(program, words).await {
            Ok(answer) if answer["code"].is_string() => Ok(answer),
            Ok(_) => Err(failed("internal", &format!("{} gave no reply", program.display()))),
            Err(error) => Err(failed("unsupported", &format!("{}: {error}", program.display()))),
        }
    }
}

impl Fleet {
    /// `fleet run`, or another word, for this host or all that are meant.
    fn words(&self, word: &str, host: Option<&str>) -> Vec<String> {
        let mut words = ["fleet", word, "--json", "--inventory"].map(str::to_owned).to_vec();
        words.push(self.inventory.to_string_lossy().into_owned());
        if let Some(limit) = host.or(self.limit.as_deref()) {
            words.push(format!("--limit={limit}"));
        }
        words
    }
}

/// The reply in a host's row; without one, what is wrong with the host is one.
fn reply_of(row: &Value) -> Value {
    if row["reply"]["code"].is_string() {
        return row["reply"].clone();
    }
    let mut reply = failed(row["code"].as_str().unwrap_or("internal"), "");
    for field in ["error", "hint"] {
        if row[field].is_string() {
            reply[field] = row[field].clone();
        }
    }
    reply
}

/// The program that is installed beside this one, else the one of this name on PATH.
fn beside(name: &str) -> PathBuf {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name(name));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| name.into())
}

async fn run(program: &PathBuf, words: &[String]) -> io::Result<Value> {
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut printed = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(LONGEST_ANSWER).read_to_end(&mut printed).await?;
    }
    child.wait().await?;
    Ok(serde_json::from_slice(&printed).unwrap_or_default())
}

/// What is answered where there is no reply to give: of the same form as one.
pub fn failed(code: &str, error: &str) -> Value {
    json!({"success": false, "code": code, "error": error})
}
