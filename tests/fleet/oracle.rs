//! Real Ansible, asked what it makes of the same inventories.

use super::host::{Host, Sudo};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fleet/inventory");

/// A host with Ansible, and with the cases and their scripts in /srv/cases.
fn with_ansible() -> Host {
    Host::wanted(Sudo::Classic).bind_read_only(CASES, "/srv/cases").boot()
}

fn ansible_on(host: &Host, folder: &str) -> Value {
    let said = host.root(&format!("python3 /srv/cases/oracle.py {folder}")).ok();
    serde_json::from_str(&said).expect("the oracle prints JSON")
}

/// What the program says, in the oracle's words.
fn program_on(host: &Host, file: &str, limits: &[&String]) -> Value {
    let list = |limit: &str| -> Value {
        // The oracle lives in this home.
        let script = format!("HOME=/home/joe sm fleet list --json --inventory {file} {limit}");
        let done = host.root(&script);
        serde_json::from_str(&done.stdout_text()).expect("JSON")
    };
    let all = list("");
    if all["success"] != true {
        return json!({"error": true});
    }
    let names = |answer: &Value| -> Vec<String> {
        let hosts = answer["hosts"].as_array().into_iter().flatten();
        let mut names: Vec<_> =
            hosts.map(|host| host["host"].as_str().expect("a name").to_owned()).collect();
        names.sort();
        names
    };
    let hosts: Value = all["hosts"]
        .as_array()
        .expect("hosts")
        .iter()
        .map(|host| {
            let name = host["host"].as_str().expect("a name").to_owned();
            let fields = json!({
                "address": host["address"],
                "port": host["port"],
                "user": host["user"],
                "identity": host["identity_file"],
            });
            (name, fields)
        })
        .collect();
    let limits: Value = limits
        .iter()
        .map(|limit| ((*limit).clone(), json!(names(&list(&format!("--limit '{limit}'"))))))
        .collect();
    json!({ "hosts": hosts, "limits": limits })
}

/// The cases in the repository say what Ansible says, and not what somebody once thought it does.
#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn the_cases_are_what_ansible_says() {
    let host = with_ansible();
    let said = ansible_on(&host, "/srv/cases/good");
    let said = said.as_object().expect("an object");
    assert!(said.len() > 20, "{} cases", said.len());
    for (name, one) in said {
        let beside = Path::new(CASES).join("good").join(name).with_extension("json");
        let written = fs::read_to_string(&beside).expect("a file beside it");
        let written: Value = serde_json::from_str(&written).expect("JSON");
        assert_eq!(&written, one, "{name}");
    }
}

#[test]
#[ignore = "needs root and throwaway hosts: run tests/run"]
fn what_nobody_thought_of_is_read_as_ansible_reads_it() {
    let host = with_ansible();
    host.root("mkdir /tmp/made && python3 /srv/cases/generate.py 7 25 /tmp/made").ok();
    let said = ansible_on(&host, "/tmp/made");
    let said = said.as_object().expect("an object");
    assert_eq!(said.len(), 50, "each as YAML and as INI");
    for (name, one) in said {
        let limits: Vec<&String> =
            one["limits"].as_object().into_iter().flatten().map(|(limit, _)| limit).collect();
        let file = format!("/tmp/made/{name}");
        assert_eq!(&program_on(&host, &file, &limits), one, "{}", host.read(&file));
    }
}
