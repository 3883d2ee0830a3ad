//! The client's lines, as the SDK takes its messages.
//!
//! What it holds is bounded: a request is only taken while fewer than [`MOST`] have no answer, and read
//! while there is room for one more line that the client has not yet read.

use crate::lines::Line;
use crate::message::{self, Incoming};
use rmcp::RoleServer;
use rmcp::model::{ClientRequest, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, mpsc};

/// How many requests may have no answer at a time.
const MOST: usize = 2048;

/// How many of them may be those that have none until they are cancelled: so the others get theirs.
const MOST_LISTEN: usize = 64;

/// What cannot be done now (JSON-RPC 2.0, section 5.1).
const INTERNAL_ERROR: i32 = -32603;
/// No request.
const INVALID_REQUEST: i32 = -32600;

/// The client is gone.
#[derive(Debug)]
pub struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("the client is gone")
    }
}

impl std::error::Error for Gone {}

/// A request that has no answer yet.
#[derive(Debug)]
enum Request {
    /// A call of a tool, which is told when its client does not wait any more.
    Call(Arc<Notify>),
    /// It is answered only when the server ends.
    Listen,
    Other,
}

/// The requests that have no answer yet.
#[derive(Debug, Clone, Default)]
pub struct Open {
    requests: Arc<Mutex<HashMap<RequestId, Request>>>,
}

impl Open {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<RequestId, Request>) -> T) -> T {
        act(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a request, unless there is one with this id, or no room for one more.
    fn begin(&self, id: &RequestId, request: Request) -> Result<(), (i32, String)> {
        self.with(|requests| {
            if requests.contains_key(id) {
                let error = "another request with this id has no answer yet";
                return Err((INVALID_REQUEST, error.to_owned()));
            }
            let is_listen = |request: &Request| matches!(request, Request::Listen);
            let listen = requests.values().filter(|other| is_listen(other)).count();
            let (is, most) = match is_listen(&request) {
                true => (listen, MOST_LISTEN),
                false => (requests.len(), MOST),
            };
            if is >= most {
                return Err((INTERNAL_ERROR, format!("{is} requests have no answer yet")));
            }
            requests.insert(id.clone(), request);
            Ok(())
        })
    }

    fn end(&self, id: &RequestId) {
        self.with(|requests| requests.remove(id));
    }

    /// What tells a call that its client does not wait for it any more.
    pub fn cancelled(&self, id: &RequestId) -> Arc<Notify> {
        self.with(|requests| match requests.get(id) {
            Some(Request::Call(cancelled)) => Arc::clone(cancelled),
            _ => Arc::default(),
        })
    }

    fn is_listen(&self, id: &RequestId) -> bool {
        self.with(|requests| matches!(requests.get(id), Some(Request::Listen)))
    }
}

/// Both directions.
#[derive(Debug)]
pub struct Lines {
    incoming: mpsc::Receiver<Line>,
    outgoing: mpsc::Sender<Vec<u8>>,
    open: Open,
}

impl Lines {
    /// From these, to that.
    pub fn new(
        incoming: mpsc::Receiver<Line>,
        outgoing: mpsc::Sender<Vec<u8>>,
        open: Open,
    ) -> Self {
        Self { incoming, outgoing, open }
    }

    /// Whether the message goes on to the server, or what is answered instead.
    fn admit(&self, message: &RxJsonRpcMessage<RoleServer>) -> Result<(), Value> {
        let JsonRpcMessage::Request(request) = message else { return Ok(()) };
        let kind = match request.request {
            ClientRequest::CallToolRequest(_) => Request::Call(Arc::default()),
            ClientRequest::SubscriptionsListenRequest(_) => Request::Listen,
            _ => Request::Other,
        };
        self.open.begin(&request.id, kind).map_err(|(code, message)| {
            let error = json!({"code": code, "message": message});
            json!({"jsonrpc": "2.0", "id": request.id, "error": error})
        })
    }
}

impl Transport<RoleServer> for Lines {
    type Error = Gone;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Gone>> + Send + 'static {
        let (outgoing, open) = (self.outgoing.clone(), self.open.clone());
        async move {
            let answered = match &message {
                JsonRpcMessage::Response(response) => Some(response.id.clone()),
                JsonRpcMessage::Error(error) => error.id.clone(),
                JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
            };
            let line = serde_json::to_vec(&message).map_err(|_| Gone)?;
            let sent = outgoing.send(line).await.map_err(|_| Gone);
            if let Some(id) = answered {
                open.end(&id);
            }
            sent
        }
    }

    /// It may be dropped at any await and called again: at none of them has it anything in its hands.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            // Room for an answer first, and a line only then.
            let room = self.outgoing.reserve().await.ok()?;
            let line = self.incoming.recv().await?;
            let wrong = match message::read(&line) {
                Incoming::Message(message) => match self.admit(&message) {
                    Ok(()) => return Some(*message),
                    Err(wrong) => wrong,
                },
                Incoming::Wrong(wrong) => wrong,
                Incoming::Cancelled(id, message) if self.open.is_listen(&id) => {
                    // The SDK ends it, and answers nothing.
                    self.open.end(&id);
                    return Some(*message);
                }
                Incoming::Cancelled(id, _) => {
                    // Kept where the call does not wait for it yet.
                    self.open.cancelled(&id).notify_one();
                    continue;
                }
                Incoming::Nothing => continue,
            };
            room.send(wrong.to_string().into_bytes());
        }
    }

    async fn close(&mut self) -> Result<(), Gone> {
        Ok(())
    }
}
