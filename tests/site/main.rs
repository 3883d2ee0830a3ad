//! `/etc/sm/policy.toml`: when it is believed, what it can do, and what it cannot.

#[path = "../host/mod.rs"]
mod host;

mod absent;
mod arch;
mod cached;
mod callers;
mod change;
mod disabled;
mod edit;
mod extend;
mod grants;
mod init;
mod narrow;
mod questions;
mod removals;
mod replace;
mod risks;
mod tasks;
mod tell;
mod trust;

use host::{Host, Reply};
use std::path::PathBuf;

/// Where it is.
const FILE: &str = "/etc/sm/policy.toml";

/// A site policy of one unit.
const NGINX: &str = "schema = 1
[services]
actions = [\"restart\", \"reload\", \"status\"]
[services.units.nginx]
";

/// Writes it as an administrator does.
fn site(host: &Host, text: &str) {
    host.root("install -d -m 0755 /etc/sm").ok();
    host.write(FILE, text);
}

/// `sm-helper LINE` as `agent`.
#[track_caller]
fn ask(host: &Host, line: &str) -> Reply {
    host.helper(&line.split(' ').collect::<Vec<_>>())
}

/// A host with another build of the program, which tests/run makes and names in a variable.
fn install(host: &Host, variable: &str, policy: &str) {
    let program = std::env::var_os(variable).unwrap_or_else(|| {
        panic!(
            "{variable} is not set: it names the program built with SM_POLICY={policy}; \
             tests/run builds it"
        )
    });
    host.install(&PathBuf::from(program));
    host.root("sm setup-sudo --user agent").ok();
}

/// A text of the reply, empty where it is missing.
fn text<'r>(reply: &'r Reply, field: &str) -> &'r str {
    reply.json[field].as_str().unwrap_or_default()
}
