//! One call of a tool: begun, followed while it runs, answered.
//!
//! What takes longer than a client waits goes on. Its call is answered by then, with the id that
//! `request_result` takes.

use crate::helper::{Helper, failed};
use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::Peer;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How long one look at what runs may take; that often progress is told.
const LOOK: Duration = Duration::from_secs(5);

/// Who waits for a call.
#[derive(Debug)]
pub struct Caller {
    /// Tells that the client does not wait any more.
    pub cancelled: Arc<Notify>,
    /// Whether to tell how far it is, and as what.
    pub progress: Option<(ProgressToken, Peer<RoleServer>)>,
    /// How long it waits at most.
    pub patience: Duration,
}

/// Runs what changes nothing, or what nobody can ask for again: to its end.
pub async fn to_its_end(helper: &Helper, words: Vec<String>, caller: Caller) -> Value {
    let asked = {
        let helper = helper.clone();
        // A task of its own, so that it goes on when nobody waits any more.
        tokio::spawn(async move { helper.ask(&words).await })
    };
    tokio::pin!(asked);
    let mut told = Told::new(caller.progress);
    loop {
        tokio::select! {
            reply = &mut asked => {
                return reply.unwrap_or_else(|_| failed("internal", "the call was given up".to_owned()));
            }
            () = caller.cancelled.notified() => return json!({
                "success": true, "code": "started", "running": true,
                "hint": "the call was cancelled; what it began goes on",
            }),
            () = tokio::time::sleep(LOOK) => told.tell(&Value::Null).await,
        }
    }
}

/// Begins a request, and waits for its end as long as the client does.
pub async fn begin_and_follow(helper: &Helper, mut words: Vec<String>, caller: Caller) -> Value {
    words.push("--no-wait".to_owned());
    let begun = helper.ask(&words).await;
    match begun["request_id"].as_str() {
        Some(id) if begun["running"] == true => {
            follow(helper, id, caller).await.unwrap_or(begun.clone())
        }
        _ => begun,
    }
}

/// Waits for the end of a request that runs. None where it could not be asked for.
pub async fn follow(helper: &Helper, id: &str, caller: Caller) -> Option<Value> {
    let end = Instant::now() + caller.patience;
    let mut told = Told::new(caller.progress);
    let mut last = None;
    loop {
        let left = end.saturating_duration_since(Instant::now()).min(LOOK);
        let words = ["result", id, &format!("--wait={}", left.as_secs())].map(str::to_owned);
        let looked = tokio::select! {
            // The helper is not trusted to come back in time.
            reply = timeout_at(end + LOOK, helper.ask(&words)) => reply.ok(),
            () = caller.cancelled.notified() => return Some(cancelled(last, id)),
        };
        match looked {
            Some(reply) if reply["running"] == true => {
                told.tell(&reply["progress"]).await;
                last = Some(reply);
            }
            // Asked too often, which says nothing of the request.
            Some(reply) if ["rate_limited", "busy"].iter().any(|code| reply["code"] == *code) => {
                let pause = reply["retry_after_s"].as_f64().unwrap_or(1.0).clamp(0.1, 3600.0);
                let until = Instant::now() + Duration::from_secs_f64(pause);
                if until < end {
                    tokio::select! {
                        () = sleep_until(until) => {}
                        () = caller.cancelled.notified() => return Some(cancelled(last, id)),
                    }
                    continue;
                }
                return last.map(|reply| still(reply, id, "it still runs"));
            }
            Some(reply) => return Some(reply),
            None => return last.map(|reply| still(reply, id, "it still runs")),
        }
        if Instant::now() >= end {
            return last.map(|reply| still(reply, id, "it still runs"));
        }
    }
}

fn cancelled(last: Option<Value>, id: &str) -> Value {
    let begun = json!({"success": true, "code": "started", "request_id": id, "running": true});
    still(last.unwrap_or(begun), id, "the call was cancelled, and what it began goes on")
}

/// The reply to what has not ended.
fn still(mut reply: Value, id: &str, what: &str) -> Value {
    reply["request_id"] = id.into();
    reply["hint"] =
        format!("{what}; call request_result with request_id {id} to see what comes of it").into();
    reply
}

/// The progress that was told: it may only grow.
#[derive(Debug)]
struct Told {
    to: Option<(ProgressToken, Peer<RoleServer>)>,
    begun: Instant,
    last: f64,
}

impl Told {
    fn new(to: Option<(ProgressToken, Peer<RoleServer>)>) -> Self {
        Self { to, begun: Instant::now(), last: 0.0 }
    }

    /// As the reply has it: `{"done","of","step"}`. That it still runs, where it has nothing.
    async fn tell(&mut self, progress: &Value) {
        let Some((token, peer)) = &self.to else { return };
        let done = progress["done"].as_f64().filter(|done| *done > self.last);
        // Less than one step.
        self.last = done.unwrap_or(self.last + 0.001);
        let mut told = ProgressNotificationParam::new(token.clone(), self.last);
        told.total = progress["of"].as_f64().filter(|of| *of >= self.last);
        let seconds = self.begun.elapsed().as_secs();
        let step = progress["step"].as_str().map(str::to_owned);
        told.message = Some(step.unwrap_or_else(|| format!("running for {seconds} s")));
        // A client that is gone needs none.
        let _ = peer.notify_progress(told).await;
    }
}
