//! What is in `packaging/`, and that a bad policy does not build.

#[path = "../host/mod.rs"]
mod host;

mod another_build;
mod arch;
mod build;
mod completion;
mod debian;
mod dependencies;
mod group;
mod install;
mod pages;
mod show;
mod uninstall;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use host::{Host, repository};

/// The program that the host tests run.
fn program() -> PathBuf {
    std::env::var_os("SM_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_sm").into()).into()
}

/// The MCP server, built by the same script as the program.
fn mcp_program() -> PathBuf {
    std::env::var_os("SM_MCP_BIN").map_or_else(|| program().with_file_name("sm-mcp"), Into::into)
}

/// The program of the package sm-helper-site.
fn site_program() -> PathBuf {
    let program = std::env::var_os("SM_SITE_BIN").expect(
        "SM_SITE_BIN is not set: it names the program built with SM_POLICY=policy/site.toml; tests/run builds it",
    );
    program.into()
}

/// A host without the program, with this repository's `packaging` at /src/packaging and the
/// programs at /src/sm and /src/sm-mcp.
fn host_with_source(sudo: host::Sudo) -> Host {
    let host = Host::wanted(sudo)
        .bare()
        .bind_read_only(repository().join("packaging"), "/src/packaging")
        .boot();
    for (name, program) in [("sm", program()), ("sm-mcp", mcp_program())] {
        host.write(format!("/src/{name}"), std::fs::read(program).expect("the program"));
    }
    host.root("chmod 0755 /src /src/sm /src/sm-mcp").ok();
    host
}

/// A folder that goes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sm-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// All that the command printed, for messages.
fn said(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A script of `packaging/`, with none of our own environment's settings for it.
fn script(name: &str) -> Command {
    let mut command = Command::new(repository().join("packaging").join(name));
    for name in ["PREFIX", "DESTDIR", "SM_POLICY", "SM_SITE_MODE", "RUSTC_BOOTSTRAP"] {
        command.env_remove(name);
    }
    command
}
