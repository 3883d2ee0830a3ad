//! `sm-mcp`: the operations of `sm-helper` as tools of the Model Context Protocol.
//!
//! It runs as the agent, has no rights of its own, and speaks over standard input and output. Each
//! call of a tool is one request to `sm-helper`, which judges it.

mod arguments;
mod brief;
mod call;
mod changes;
mod helper;
mod id;
mod lines;
mod message;
mod server;
mod tools;
mod transport;

use clap::Parser;
use helper::Helper;
use rmcp::ServiceExt;
use server::Server;
use std::io::{self, BufReader};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use transport::{Lines, Open};

/// Offer the operations of sm-helper as tools of the Model Context Protocol.
///
/// An agent's host starts it and speaks to it over standard input and output. It runs as the account that starts it,
/// and can do what `sm-helper list` shows to that account.
#[derive(Debug, Parser)]
#[command(name = "sm-mcp", version)]
struct Arguments {
    /// Answer a call after this many seconds at the latest, 1 to 3600: what is not done by then goes on, and
    /// request_result has what comes of it
    #[arg(long, value_name = "SECONDS", default_value_t = WAIT, value_parser = clap::value_parser!(u64).range(1..=3600))]
    wait: u64,
}

/// Seconds that a call waits: below the limit of each client that is known.
const WAIT: u64 = 45;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // One thread is enough: what takes time is done by other programs.
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            runtime.block_on(serve(Duration::from_secs(arguments.wait)));
            // Nothing is waited for that still runs.
            runtime.shutdown_background();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("sm-mcp: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until the client is gone.
async fn serve(patience: Duration) {
    let incoming = lines::read(BufReader::new(io::stdin()));
    let (outgoing, writer) = lines::write(io::stdout());
    let gone = outgoing.clone();
    let open = Open::default();
    let server = Server::new(Helper::find(), open.clone(), patience);
    tokio::select! {
        () = async {
            // It is one or the other that the client is gone; there is nobody to tell.
            if let Ok(session) = server.serve(Lines::new(incoming, outgoing, open)).await {
                let _ = session.waiting().await;
            }
        } => {}
        () = gone.closed() => {}
    }
    drop(gone);
    // What is written already gets its time to be read, unless nobody reads.
    let end = Instant::now() + Duration::from_secs(2);
    while !writer.is_finished() && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
