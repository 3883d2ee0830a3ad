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

/// Whom a call asks.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The helper.
    pub helper: Helper,
    /// On which host of a fleet.
    pub host: Option<String>,
}

impl Asked {
    async fn reply(&self, words: &[String]) -> Value {
        self.helper.ask(self.host.as_deref(), words).await
    }
}

/// Who waits for a call.
#[derive(Debug)]
pub struct Caller {
    cancelled: Arc<Notify>,
    told: Told,
    /// Until when it waits.
    end: Instant,
}

impl Caller {
    /// One that waits from now on for so long. `cancelled` tells that it does not wait any more, and
    /// `progress` whether to tell it how far the call is, and as what.
    pub fn new(
        cancelled: Arc<Notify>,
        progress: Option<(ProgressToken, Peer<RoleServer>)>,
        patience: Duration,
    ) -> Self {
        Self { cancelled, told: Told::new(progress), end: Instant::now() + patience }
    }
}

/// Runs what can be asked for again as long as its caller waits.
pub async fn in_time(asked: &Asked, words: Vec<String>, caller: &mut Caller) -> Value {
    let (cancelled, end) = (Arc::clone(&caller.cancelled), caller.end);
    run(asked, words, &mut caller.told, &cancelled, Some(end)).await
}

/// Runs what nobody can ask for again: to its end.
pub async fn to_its_end(asked: &Asked, words: Vec<String>, caller: &mut Caller) -> Value {
    let cancelled = Arc::clone(&caller.cancelled);
    run(asked, words, &mut caller.told, &cancelled, None).await
}

async fn run(
    asked: &Asked,
    words: Vec<String>,
    told: &mut Told,
    cancelled: &Notify,
    end: Option<Instant>,
) -> Value {
    let asked = asked.clone();
    // A task of its own, so that it goes on when nobody waits any more.
    let mut running = tokio::spawn(async move { asked.reply(&words).await });
    loop {
        let next = Instant::now() + LOOK;
        tokio::select! {
            reply = &mut running => {
                return reply.unwrap_or_else(|_| failed("internal", "the call was given up"));
            }
            () = cancelled.notified() => {
                return nameless("the call was cancelled, and what it began goes on");
            }
            () = sleep_until(end.unwrap_or(next).min(next)) => {}
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return nameless("it still runs");
        }
        told.tell(&Value::Null).await;
    }
}

/// The reply to what has said nothing yet, not even its id.
fn nameless(what: &str) -> Value {
    json!({
        "success": true, "code": "started", "running": true,
        "hint": format!("{what}; call request_list for its request_id, and then request_result"),
    })
}

/// Begins a request, and waits for its end as long as the client does.
pub async fn begin_and_follow(asked: &Asked, mut words: Vec<String>, caller: &mut Caller) -> Value {
    words.push("--no-wait".to_owned());
    // It has an id at once, and with it a cancelled call can be answered better.
    let begun = run(asked, words, &mut caller.told, &Notify::new(), Some(caller.end)).await;
    match begun["request_id"].as_str().map(str::to_owned) {
        Some(id) if begun["running"] == true => follow(asked, &id, Some(begun), caller).await,
        _ => begun,
    }
}

/// Waits for the end of a request; `last` is what was last seen of it while it ran.
pub async fn follow(
    asked: &Asked,
    id: &str,
    mut last: Option<Value>,
    caller: &mut Caller,
) -> Value {
    let end = caller.end;
    loop {
        let left = end.saturating_duration_since(Instant::now()).min(LOOK);
        let asked_at = Instant::now();
        let mut words = ["result", id].map(str::to_owned).to_vec();
        if left.as_secs() > 0 {
            words.push(format!("--wait={}", left.as_secs()));
        }
        let looked = tokio::select! {
            // The helper is not trusted to come back in time.
            reply = timeout_at(end + LOOK, asked.reply(&words)) => reply,
            () = caller.cancelled.notified() => return cancelled(last, id),
        };
        let Ok(reply) = looked else {
            let lost = || failed("busy", "the result could not be asked for in time");
            return last.map_or_else(lost, |last| still(last, id, "it still runs"));
        };
        let pause;
        if reply["approval"]["state"] == "pending" {
            if Instant::now() >= end {
                return reply;
            }
            caller.told.tell(&Value::Null).await;
            pause = Duration::from_secs(1).saturating_sub(asked_at.elapsed());
        } else if reply["running"] == true {
            caller.told.tell(&reply["progress"]).await;
            last = Some(reply);
            // Where it does not wait for what was asked for, it is not asked at once again.
            pause = Duration::from_secs(1).saturating_sub(asked_at.elapsed());
        } else if ["rate_limited", "busy"].iter().any(|code| reply["code"] == *code) {
            // Asked too often, which says nothing of the request.
            let Some(last) = &last else { return reply };
            let seconds = reply["retry_after_s"].as_f64().unwrap_or(1.0).clamp(0.1, 3600.0);
            pause = Duration::from_secs_f64(seconds);
            if Instant::now() + pause >= end {
                return still(last.clone(), id, "it still runs");
            }
        } else {
            return reply;
        }
        if let Some(last) = &last
            && Instant::now() >= end
        {
            return still(last.clone(), id, "it still runs");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = caller.cancelled.notified() => return cancelled(last, id),
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
