//! `sm-mcp`: the operations of `sm-helper` as tools of the Model Context Protocol.
//!
//! It runs as the agent, has no rights of its own, and speaks over standard input and output. Each
//! call of a tool is one request to `sm-helper`, which judges it.

mod arguments;
#[path = "../reply/brief.rs"]
mod brief;
mod call;
mod changes;
mod helper;
mod id;
mod lines;
mod message;
mod print_config;
mod server;
mod tasks;
mod tools;
mod transport;

use clap::Parser;
use helper::Helper;
use rmcp::ServiceExt;
use server::Server;
use std::io::{self, BufReader};
use std::path::PathBuf;
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
    /// Offer the operations of the hosts of this inventory instead, over ssh, as `sm fleet run` does
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// Only these hosts of the inventory: names, groups, `*`, `!` and `:&`, as in Ansible
    #[arg(long, value_name = "NAME", requires = "inventory", allow_hyphen_values = true)]
    host: Option<String>,
    /// Print what makes a host of agents start this program, with the other options given, and where it goes
    #[arg(long, value_name = "HOST", value_enum)]
    print_config: Option<print_config::Host>,
}

impl Arguments {
    /// The options of the server, as they are written.
    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.wait != WAIT {
            words.extend(["--wait".to_owned(), self.wait.to_string()]);
        }
        if let Some(inventory) = &self.inventory {
            // The host starts it in another folder.
            let inventory = std::path::absolute(inventory).unwrap_or_else(|_| inventory.clone());
            words.extend(["--inventory".to_owned(), inventory.to_string_lossy().into_owned()]);
        }
        if let Some(host) = &self.host {
            words.extend(["--host".to_owned(), host.clone()]);
        }
        words
    }
}

/// Seconds that a call waits: below the limit of each client that is known.
const WAIT: u64 = 45;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(host) = arguments.print_config {
        let own = std::env::current_exe().unwrap_or_else(|_| "sm-mcp".into());
        eprintln!("{}:", host.place());
        println!("{}", host.text(&own.to_string_lossy(), &arguments.words()));
        return ExitCode::SUCCESS;
    }
    // One thread is enough: what takes time is done by other programs.
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let helper = match arguments.inventory {
                Some(inventory) => Helper::fleet(inventory, arguments.host),
                None => Helper::here(),
            };
            runtime.block_on(serve(helper, Duration::from_secs(arguments.wait)));
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
async fn serve(helper: Helper, patience: Duration) {
    let incoming = lines::read(BufReader::new(io::stdin()));
    let (outgoing, writer) = lines::write(io::stdout());
    let gone = outgoing.clone();
    let open = Open::default();
    let server = Server::new(helper, open.clone(), patience);
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
