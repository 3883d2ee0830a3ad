//! The tools as they are now, and who wants to know when they change.

use crate::helper::Helper;
use crate::tools::Tools;
use rmcp::RoleServer;
use rmcp::service::Peer;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex as Turn, watch};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

/// How often to look: it is two calls of stat(2).
const PAUSE: Duration = Duration::from_secs(2);

/// How long the first hosts of a fleet that have answered wait for the others.
const PATIENCE: Duration = Duration::from_secs(3);

/// A host of a fleet; this host has no name.
type Host = Option<String>;

/// The tools, or the reply that says why there are none.
type Listed = Result<Arc<Tools>, Value>;

/// What there is, and what was there.
#[derive(Debug)]
pub struct Changes {
    helper: Helper,
    last: Mutex<Option<Arc<Tools>>>,
    /// What each host has answered last.
    replies: Mutex<BTreeMap<Host, Value>>,
    /// What was read last, and since when.
    reading: Turn<Option<(Instant, Listed)>>,
    /// Counts the changes.
    changed: watch::Sender<u64>,
    watched: OnceLock<()>,
    announced_to: OnceLock<()>,
}

impl Changes {
    /// Nothing has been listed yet.
    pub fn new(helper: Helper) -> Self {
        Self {
            helper,
            last: Mutex::default(),
            replies: Mutex::default(),
            reading: Turn::default(),
            changed: watch::Sender::new(0),
            watched: OnceLock::new(),
            announced_to: OnceLock::new(),
        }
    }

    /// The tools as they were listed last.
    pub fn last(&self) -> Option<Arc<Tools>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The tools as they are now. However many ask at a time, they are read once for those who come
    /// while that is done.
    pub async fn load(self: &Arc<Self>) -> Listed {
        self.begin_to_watch();
        let asked = Instant::now();
        let mut read = self.reading.lock().await;
        if let Some((begun, listed)) = &*read
            && *begun >= asked
        {
            return listed.clone();
        }
        let begun = Instant::now();
        let listed = self.read().await;
        *read = Some((begun, listed.clone()));
        listed
    }

    /// From now on each change is noticed.
    pub fn begin_to_watch(self: &Arc<Self>) {
        if self.watched.set(()).is_ok() {
            tokio::spawn(Arc::clone(self).watch());
        }
    }

    async fn read(self: &Arc<Self>) -> Listed {
        let hosts: BTreeSet<Host> = self.helper.hosts().await?.into_iter().collect();
        self.with_replies(|replies| replies.retain(|host, _| hosts.contains(host)));
        let mut asked = JoinSet::new();
        for host in hosts.iter().cloned() {
            let helper = self.helper.clone();
            asked.spawn(async move {
                let words = ["list", "--schema"].map(str::to_owned);
                let reply = helper.ask(host.as_deref(), &words).await;
                (host, reply)
            });
        }
        // Nobody waits for a host that was silent before.
        let is_silent = |reply: &Value| reply["$defs"].is_null();
        let mut awaited = hosts;
        self.with_replies(|replies| {
            awaited.retain(|host| !replies.get(host).is_some_and(is_silent));
        });
        let late = Instant::now() + PATIENCE;
        while !asked.is_empty() {
            let is_enough = self.tools().is_ok();
            if is_enough && awaited.is_empty() {
                break;
            }
            tokio::select! {
                answered = asked.join_next() => {
                    if let Some(Ok((host, reply))) = answered {
                        awaited.remove(&host);
                        self.with_replies(|replies| replies.insert(host, reply));
                    }
                }
                () = sleep_until(late.into()), if is_enough => break,
            }
        }
        let listed = self.tools();
        if let Ok(tools) = &listed {
            self.set_last(Arc::clone(tools));
        }
        if !asked.is_empty() {
            tokio::spawn(Arc::clone(self).await_late(asked));
        }
        listed
    }

    /// Takes what other hosts answer later.
    async fn await_late(self: Arc<Self>, mut asked: JoinSet<(Host, Value)>) {
        while let Some(answered) = asked.join_next().await {
            let Ok((host, reply)) = answered else { continue };
            self.with_replies(|replies| replies.insert(host, reply));
            if let Ok(tools) = self.tools() {
                self.announce_if_new(tools);
            }
        }
    }

    fn with_replies<T>(&self, act: impl FnOnce(&mut BTreeMap<Host, Value>) -> T) -> T {
        act(&mut self.replies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The tools of the hosts that have answered.
    fn tools(&self) -> Listed {
        self.with_replies(|replies| Tools::read(replies)).map(Arc::new)
    }

    fn set_last(&self, tools: Arc<Tools>) -> Option<Arc<Tools>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(tools)
    }

    fn announce_if_new(&self, tools: Arc<Tools>) {
        if self.set_last(Arc::clone(&tools)) != Some(tools) {
            self.changed.send_modify(|count| *count += 1);
        }
    }

    /// Who wants to know of each change.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Tells the client of an older revision, which does not subscribe.
    pub fn announce_to(&self, peer: Peer<RoleServer>) {
        if self.announced_to.set(()).is_err() {
            return;
        }
        let mut changed = self.subscribe();
        tokio::spawn(async move {
            while changed.changed().await.is_ok() && peer.notify_tool_list_changed().await.is_ok() {
            }
        });
    }

    /// Looks whether the files have changed that the tools follow from, and then whether these have.
    async fn watch(self: Arc<Self>) {
        let mut seen = self.stamps();
        loop {
            tokio::time::sleep(PAUSE).await;
            let now = self.stamps();
            if now == seen {
                continue;
            }
            seen = now;
            let before = self.last();
            if self.read().await.is_ok_and(|tools| before != Some(tools)) {
                self.changed.send_modify(|count| *count += 1);
            }
        }
    }

    /// What differs when a file was written anew, removed or put in its place.
    fn stamps(&self) -> Vec<Option<(u64, u64, i64, i64)>> {
        let stamp = |path: PathBuf| {
            let about = fs::metadata(path).ok()?;
            Some((about.dev(), about.ino(), about.ctime(), about.ctime_nsec()))
        };
        self.helper.files().into_iter().map(stamp).collect()
    }
}
