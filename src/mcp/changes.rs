//! The tools as they are now, and who wants to know when they change.

use crate::helper::Helper;
use crate::tools::Tools;
use rmcp::RoleServer;
use rmcp::service::Peer;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex as Turn, watch};

/// How often to look: it is two calls of stat(2).
const PAUSE: Duration = Duration::from_secs(2);

/// The tools, or the reply that says why there are none.
type Listed = Result<Arc<Tools>, Value>;

/// What there is, and what was there.
#[derive(Debug)]
pub struct Changes {
    helper: Helper,
    last: Mutex<Option<Arc<Tools>>>,
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

    async fn read(&self) -> Listed {
        let replies = self.helper.ask_all(&["list", "--schema"]).await?;
        let tools = Arc::new(Tools::read(&replies)?);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&tools));
        Ok(tools)
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
